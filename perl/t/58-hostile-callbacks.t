# SPDX-License-Identifier: LGPL-2.1-or-later
# What callbacks leave behind and throw may be Perl code again: overloaded, tied, a
# handler of warnings. Nothing of it may jump over libvirt and the library.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Hostile;
use Scalar::Util qw(refaddr);
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

package False {
    use overload 'bool' => sub { 0 }, '""' => sub { q() };
}

package Polite {
    use overload '""' => sub { ${ $_[0] } };
}

package Tied {
    sub TIESCALAR { my ($class, $code) = @_; return bless { code => $code }, $class }
    sub FETCH     { return $_[0]{code}->() }
    sub STORE     { return }
}

package main;

my $file = File::Temp->new(SUFFIX => '.xml');
print $file '<node><auth><user password="123456">bob</user></auth></node>';
close $file;

# Opens a connection whose password is answered so; gives it and the exception.
sub open_with {
    my ($answer) = @_;
    my ($conn, $error);
    $error = thrown {
        $conn = VKVM->new(
            uri      => 'test://' . $file->filename,
            auth     => 1,
            credlist => [ VKVM::CRED_AUTHNAME, VKVM::CRED_PASSPHRASE ],
            callback => sub {
                $_->{result} = 'bob' for grep { $_->{type} == VKVM::CRED_AUTHNAME } @{ $_[0] };
                $answer->($_, @_) for grep { $_->{type} == VKVM::CRED_PASSPHRASE } @{ $_[0] };
                return 0;
            });
    };
    is(VKVM::handle_count($_), $_ eq 'conn' && $conn ? 1 : 0, "no $_ is left") for qw(value error conn);
    return ($conn, $error);
}

subtest 'answers' => sub {
    my ($conn, $error) = open_with(sub { $_->{result} = bless [], 'Hostile' });
    is($error, "no text\n", 'an object that dies when it is asked for its text');
    ($conn, $error) = open_with(sub { tie $_->{result}, 'Tied', sub { die "tied\n" } });
    is($error, "tied\n", 'a tied result');
    ($conn, $error) = open_with(sub { my ($request, $all) = @_; tie $all->[1], 'Tied', sub { die "tied\n" } });
    is($error, "tied\n", 'a tied request');
    my %wrong = (
        'a NUL'       => [ VKVM::Error::OWN_EMBEDDED_NUL, 'result', sub { $_->{result} = "123\x{0}456" } ],
        'no UTF-8'    => [ VKVM::Error::OWN_NOT_UTF8,     'result', sub { $_->{result} = "\xff" } ],
        'a reference' => [ VKVM::Error::OWN_INVALID,      'result', sub { $_->{result} = {} } ],
    );
    for my $what (sort keys %wrong) {
        my ($code, $parameter, $answer) = @{ $wrong{$what} };
        ($conn, $error) = open_with($answer);
        is(ref $error, 'VKVM::Error', "$what: the exception") or next;
        is_deeply([ $error->code, $error->parameter ], [ $code, $parameter ], "$what: names what is wrong");
    }
    ($conn, $error) = open_with(sub { my $all = $_[1]; tie $_->{result}, 'Tied', sub { @$all = (); 'x' } });
    is($error->code, VKVM::Error::ERR_AUTH_FAILED, 'one that empties the array while it is read');
    my $password = '123456';
    my %right = (
        overloaded => sub { $_->{result} = bless \$password, 'Polite' },
        replaced   => sub { $_->{result} = $password; $_[1] = 'x' },
        tied       => sub { tie $_->{result}, 'Tied', sub { $password } },
    );
    for my $what (sort keys %right) {
        ($conn, $error) = open_with($right{$what});
        is($error, undef, "$what: the password is taken") or diag($error);
        is($conn && $conn->is_alive, 1, "$what: the connection works");
        undef $conn;
    }
};

VKVM::Event::register_default();

# Turns the loop until what all timers do was done twice, and gives the exceptions.
sub turns {
    my @code  = @_;
    my @calls = (0) x @code;
    my @timers = map { my $i = $_; VKVM::Event::add_timeout(0, sub { $calls[$i]++; $code[$i]->() }) } 0 .. $#code;
    my @errors;
    within(300, sub {
        while (grep { $_ < 2 } @calls) {
            my $error = thrown { VKVM::Event::run_default() };
            push @errors, $error if defined $error;
        }
    });
    VKVM::Event::remove_timeout($_) for @timers;
    let_go();
    return @errors;
}

subtest 'exceptions' => sub {
    for my $class (qw(Hostile False)) {
        my $object = bless [], $class;
        my @errors = turns(sub { die $object });
        is(scalar(grep { ref && refaddr($_) == refaddr($object) } @errors), 2, "$class: it comes out as it is");
    }
    my @warnings;
    my $object = bless [], 'Hostile';
    local $SIG{__WARN__} = sub { push @warnings, @_; die "no warnings here\n" };
    my @errors = turns(sub { die "one\n" }, sub { die "two\n" });
    is_deeply([ @errors[ 0, 1 ] ], [ "one\n", "one\n" ], 'the first comes out, whatever a warning does');
    like($warnings[0], qr/before the first exception was rethrown: two\n\z/, 'of the second there is one');
    @errors = turns(sub { die "one\n" }, sub { die $object });
    is_deeply([ @errors[ 0, 1 ] ], [ "one\n", "one\n" ], 'also where it cannot be told');
};

subtest 'a loop of its own' => sub {
    my ($status, $output, $errors) = run_perl('-e', <<'END');
use strict; use warnings; use VKVM; use VKVM::Event; use Hostile;
package Impl { our @ISA = 'VKVM::EventImpl'; our $answer; sub add_timeout { return $answer->() } }
local $SIG{__WARN__} = sub { print "warned: $_[0]"; die "no warnings here\n" };
VKVM::Event::register(Impl->new);
for my $code (sub { bless [], 'Hostile' }, sub { 'x' }, sub { undef }, sub { return },
    sub { die "dies\n" }, sub { die bless [], 'Hostile' }) {
    $Impl::answer = $code;
    eval { VKVM::Event::add_timeout(1, sub {}) };
    print ref $@ || $@, "\n";
}
print VKVM::handle_count('error'), "\n";
END
    is($status, 0, 'exit status');
    is($output, <<'END', 'each call fails with an error of the library');
VKVM::Error
VKVM::Error
VKVM::Error
VKVM::Error
warned: add_timeout of the event loop died: dies
VKVM::Error
VKVM::Error
0
END
    is($errors, '', 'standard error');
};

done_testing;
