# Secrets that are passed in a structure: the library's and the binding's copies of it
# are wiped, whether the call works or not.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

# The secret is this text with each letter's predecessor in the alphabet, many times:
# looking for it does not put it into the memory. Another process writes it, and it is
# read to where it is passed from: Perl copies strings now and then, and this is not about
# those copies.
my $next     = join '', map { chr 97 + $_ * 7 % 26 } 1 .. 40;
my $file     = File::Temp->new;
my ($status) = run_perl('-e', 'open my $f, q(>), shift or die; print {$f} (shift =~ tr/a-z/za-y/r) x 200',
    "$file", $next);
is($status, 0, 'there is a secret');

# How often the text is in the memory of this process.
sub times_in_memory {
    my ($count, $part) = (0, "\0" x (1 << 20));
    open(my $maps,   '<',     '/proc/self/maps') or die "/proc/self/maps: $!";
    open(my $memory, '<:raw', '/proc/self/mem')  or die "/proc/self/mem: $!";
    no warnings 'portable';    # addresses have more than 32 bits
    for my $range (map { /^(\w+)-(\w+) rw/ ? [ hex $1, hex $2 ] : () } <$maps>) {
        my ($at, $end) = @$range;
        while ($at < $end) {
            sysseek $memory, $at, 0 or last;
            my $got = sysread $memory, $part, $end - $at < 1 << 20 ? $end - $at : 1 << 20;
            last if !$got;
            # Where it is: what was read is memory, too.
            $part =~ tr/a-z/b-za/;
            for (my $from = 0; ($from = 1 + index $part, $next, $from);) { $count++ }
            $at += $got;
        }
    }
    return $count;
}

my $conn = VKVM->new(uri => 'test:///default');
my ($dom) = $conn->list_all_domains;

# Passes what is made of a hash with the secret. The exception.
sub pass_secret {
    my ($make) = @_;
    my %state;
    open(my $in, '<:raw', "$file") or die $!;
    my $len = sysread $in, $state{'sev-secret'}, 100_000;
    is($len, 8000, 'the secret is read');
    cmp_ok(times_in_memory(), '>=', 199, 'it is found in the memory');
    my $error = thrown { $dom->set_launch_security_state($make->(\%state)) };
    # In its place.
    substr $state{'sev-secret'}, 0, $len, "\0" x $len;
    return $error;
}

subtest 'a parameter that does not exist, which is told before libvirt sees the secret' => sub {
    my $error = pass_secret(sub { $_[0]{'no such parameter'} = 1; return $_[0] });
    is($error->code, VKVM::Error::OWN_NOT_FOUND, 'the error');
    is(times_in_memory(), 0, 'no copy of the secret is left');
};

subtest 'a structure that cannot be passed, which is found when the secret has been copied' => sub {
    my $error = pass_secret(sub { return [ $_[0], sub { } ] });
    is($error->parameter, 'newparams', 'the error');
    is(times_in_memory(), 0, 'no copy of the secret is left');
};

done_testing;
