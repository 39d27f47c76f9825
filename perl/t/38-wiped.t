# SPDX-License-Identifier: LGPL-2.1-or-later
# Secrets that are passed in a structure or as bytes, returned, or an answer to a request for
# credentials: the library's and the binding's copies are wiped, whether the call works or not.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
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

# Reads so much of the secret into a variable. It is passed from there, and overwritten in
# its place.
sub read_secret {
    my (undef, $size) = @_;
    open(my $in, '<:raw', "$file") or die $!;
    my $len = sysread $in, $_[0], $size;
    return is($len, $size, 'the secret is read');
}
sub overwrite { substr $_[0], 0, length $_[0], "\0" x length $_[0]; return }

# libvirt frees the answers that it gets without wiping them: it does not get refused ones.
subtest 'an answer to a request for credentials, which is refused' => sub {
    my $host = File::Temp->new(SUFFIX => '.xml');
    print $host "<node><auth><user password='123456'>bob</user></auth></node>";
    close $host;
    my $asked = 0;
    my $callback = sub {
        my ($requests) = @_;
        my $secret;
        read_secret($secret, 8000);
        $_->{result} = $secret for @$requests;
        overwrite($secret);
        cmp_ok(times_in_memory(), '>=', 199, 'it is found in the memory');
        $asked += @$requests;
        return -1;
    };
    my $error = thrown {
        VKVM->new(
            uri => 'test://' . $host->filename, auth => 1, callback => $callback,
            credlist => [ VKVM::CRED_AUTHNAME, VKVM::CRED_PASSPHRASE ]
        )
    };
    is($error->code, VKVM::Error::ERR_AUTH_FAILED, 'the error');
    cmp_ok($asked, '>', 0, 'the callback was asked');
    is(times_in_memory(), 0, 'no copy of the secret is left');
};

SKIP: {
    # Of version 7.0, with which a program that calls libvirt itself finds them.
    skip('libvirt 7 leaves copies of secrets itself', 1) if VKVM->get_version < 8_000_000;
    my $bed    = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
    my $host   = VKVM::Host->new(uri => $bed->{URI});
    my $uuid   = '99999999-8888-7777-6666-555555555557';
    my $secret = $host->get_conn->define_secret(
        "<secret ephemeral='yes' private='no'><uuid>$uuid</uuid></secret>");

    for my $size (200, 8000) {
        subtest "the value of a secret, $size bytes" => sub {
            my $given;
            read_secret($given, $size);
            $secret->set_value($given);
            overwrite($given);
            is(times_in_memory(), 0, 'set_value leaves no copy');
            my $got = $secret->get_value;
            is(length $got, $size, 'the value');
            cmp_ok(times_in_memory(), '>', 0, 'it is found in the memory');
            overwrite($got);
            is(times_in_memory(), 0, 'get_value leaves no copy but the result');
        };

        subtest "the value of a secret in the commands of a host, $size bytes" => sub {
            my %given = (secret => $uuid, base64 => '');
            read_secret($given{base64}, $size);
            is($host->call('secret.set_value', \%given), 1, 'set_value');
            overwrite($given{base64});
            is(times_in_memory(), 0, 'set_value leaves no copy but what the program passed');
            my $got = $host->call('secret.get_value', [$uuid]);
            is(length $got, $size, 'the value');
            cmp_ok(times_in_memory(), '>', 0, 'it is found in the memory');
            overwrite($got);
            is(times_in_memory(), 0, 'get_value leaves no copy but the result');
        };
    }
    $secret->undefine;
}

done_testing;
