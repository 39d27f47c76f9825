# SPDX-License-Identifier: LGPL-2.1-or-later
package TestVKVM;

# What several tests need: catching exceptions, child perls, the project's own
# description of its API, and small domains.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use JSON::PP;
use Test::More;

our @EXPORT = qw(
  thrown own_error domain_xml run_perl root_file read_json need_module
  returns_nothing handles_are handles_become soon within let_go each_loop write_relay TEST_UUID TEST_UUID_BYTES
);

# Of the one domain that test:///default begins with.
use constant TEST_UUID => '6695eb01-f6a4-8304-79aa-97f2502e193f';
use constant TEST_UUID_BYTES => pack 'H*', '6695eb01f6a4830479aa97f2502e193f';

# The distribution and, around it, the project; child perls may be elsewhere.
my $perl_dir = dirname(dirname(dirname(abs_path(__FILE__))));
$_ = abs_path($_) // $_ for grep { !ref } @INC;

# The exception of a block; undef when there is none.
sub thrown(&) {
    my ($code) = @_;
    local $@;
    return eval { $code->(); 1 } ? undef : $@;
}

# Checks that a block dies with a VKVM::Error of this code, and for an error of
# an argument that it names the parameter.
sub own_error(&$$$) {
    my ($code, $number, $parameter, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $error = &thrown($code);
    subtest $what => sub {
        isa_ok($error, 'VKVM::Error') or return diag($error // 'no exception');
        is($error->code,      $number,    'code');
        is($error->parameter, $parameter, 'parameter');
        is($error->domain, VKVM::Error::FROM_VKVM(), 'domain') if $number >= 10000;
    };
    return $error;
}

# A void method gives an empty list, which is undef where one value is wanted.
sub returns_nothing(&$) {
    my ($code, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @list = $code->();
    return is_deeply(\@list, [], "$what returns an empty list");
}

sub handles_are {
    my ($expected, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my %count = map { $_ => VKVM::handle_count($_) } keys %$expected;
    return is_deeply(\%count, $expected, $what);
}

# The same in the end: a thread of the library's still has the arguments of a call that was given up.
sub handles_become {
    my ($expected, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    for (1 .. 1200) {
        last if !grep { VKVM::handle_count($_) != $expected->{$_} } keys %$expected;
        select undef, undef, undef, 0.05;
    }
    return handles_are($expected, $what);
}

# A domain for the test driver; further lines go into it.
sub domain_xml {
    my ($name, @lines) = @_;
    return <<"END";
<domain type='test'>
  <name>$name</name>
  <memory unit='KiB'>1048576</memory>
  <vcpu>1</vcpu>
  <os><type>hvm</type></os>
  @lines
</domain>
END
}

# Runs a perl with the same modules; gives its exit status ($?), standard
# output and standard error.
sub run_perl {
    my (@args) = @_;
    require File::Temp;
    my $errors = File::Temp->new;
    my $pid    = open(my $pipe, '-|') // die "cannot fork: $!";
    if (!$pid) {
        open(STDERR, '>&', $errors) or die "cannot redirect: $!";
        exec { $^X } $^X, (map { "-I$_" } grep { !ref } @INC), @args
          or do { print STDERR "cannot run $^X: $!\n"; POSIX::_exit(127) };
    }
    my $output = do { local $/; <$pipe> };
    close $pipe;
    my $status = $?;
    seek $errors, 0, 0;
    my $messages = do { local $/; <$errors> };
    return ($status, $output // '', $messages // '');
}

# The rest of the program must not take longer: a lost event would hang it.
sub within {
    my ($seconds, $code) = @_;
    local $SIG{ALRM} = sub { die "this took longer than $seconds seconds\n" };
    alarm $seconds;
    my @result = eval { $code->() };
    my $error  = $@;
    alarm 0;
    die $error if $error;
    return @result;
}

# Turns the loop until what was deregistered before is freed. libvirt does that, one
# after the other, when the loop has nothing else to do: a number of turns would be too
# small where each of them finds a timer that is due.
sub let_go {
    my $end = time + 120;
    for (1, 2) {
        my $gone = 0;
        VKVM::Event::remove_timeout(VKVM::Event::add_timeout(-1, _teller(\$gone)));
        VKVM::Event::run_default() until $gone || time > $end;
    }
    return;
}

# A function; the flag is set when it is freed.
sub _teller {
    my ($flag) = @_;
    my $guard = bless [$flag], 'TestVKVM::Guard';
    return sub { return $guard };
}

sub TestVKVM::Guard::DESTROY { my ($self) = @_; ${ $self->[0] } = 1; return }

# Waits until the block gives something true, which it returns; fails after minutes.
sub soon (&$) {
    my ($condition, $what) = @_;
    for (1 .. 3600) {
        my $found = $condition->();
        return $found if $found;
        select undef, undef, undef, 0.05;
    }
    fail($what);
    return;
}

# A file of the project around the distribution; skips where there is none.
sub root_file {
    my ($name) = @_;
    my $path = dirname($perl_dir) . "/$name";
    plan(skip_all => "$name is not here: this is not the project's tree") unless -e $path;
    return $path;
}

sub read_json {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or die "cannot read $path: $!";
    my $text = do { local $/; <$file> };
    return JSON::PP->new->utf8->decode($text);
}

sub need_module {
    my ($module, $package) = @_;
    return if eval "require $module; 1";
    plan(skip_all => "$module is not installed (Debian package $package; "
          . 'scripts/install-deps check installs it)');
}

# Calls the block with the name of each event loop, as the programs in scripts know them, and of its
# module; those that are not installed are so many skips.
sub each_loop (&$) {
    my ($code, $tests) = @_;
    my %package = (
        'IO::Async::Loop' => [ IOAsync  => 'libio-async-perl' ],
        'Mojo::IOLoop'    => [ Mojo     => 'libmojolicious-perl' ],
        'AnyEvent'        => [ AnyEvent => 'libanyevent-perl' ],
        'Future::IO'      => [ FutureIO => 'libfuture-io-perl' ],
        'Future'          => [ Own      => 'libfuture-perl' ],
    );
    for my $module (sort keys %package) {
        my ($loop, $package) = @{ $package{$module} };
      SKIP: {
            eval "require $module; 1" or skip("$module is not installed (Debian package $package)", $tests);
            $code->($loop, $module);
        }
    }
    return;
}

# Writes a program that leads to a daemon: in place of ssh to this socket, and notes how it was started
# in a file; or, without them, in place of what ssh runs, to the socket that is its last argument (it
# has no option -q).
sub write_relay {
    my ($path, $socket, $log) = @_;
    my $begin =
      defined $socket
      ? qq{open my \$file, '>>', '$log' or die; print {\$file} "\@ARGV\\n"; close \$file; my \$socket = '$socket';}
      : 'exit 1 if @ARGV < 2; my $socket = $ARGV[-1];';
    open(my $script, '>', $path) or die "$path: $!";
    print {$script} <<"END";
#!$^X
use strict; use warnings; use IO::Select; use IO::Socket::UNIX;
$begin
my \$daemon = IO::Socket::UNIX->new(Peer => \$socket) or die "no daemon: \$!\\n";
my %to = (fileno STDIN, \$daemon, fileno \$daemon, \\*STDOUT);
my \$both = IO::Select->new(\\*STDIN, \$daemon);
while (1) {
    for my \$from (\$both->can_read) {
        sysread \$from, my \$data, 65536 or exit;
        my \$to = \$to{ fileno \$from };
        for (my \$at = 0; \$at < length \$data;) { \$at += syswrite \$to, \$data, 65536, \$at or exit }
    }
}
END
    close $script     or die "$path: $!";
    chmod 0755, $path or die "$path: $!";
    return $path;
}

require POSIX;

1;
