# SPDX-License-Identifier: LGPL-2.1-or-later
# The console of a guest that has booted, through futures: what is typed and what is shown, and
# that nothing is lost when a future is cancelled or late.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;
use Time::HiRes qw(sleep);

need_module('Future', 'libfuture-perl');
my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('console', TEST_UUID) or plan(skip_all => TestBed->reason);
require VKVM::Async;

my $conn  = VKVM->new(uri => $bed->{URI});
my $guest = $conn->create_domain($xml);
ok($bed->wait_for_guest, 'the guest is up');

my $stream = $conn->new_stream;
$guest->async->open_console($stream, undef)->get;

sub type_line {
    my ($line) = @_;
    my $rest = "$line\n";
    substr $rest, 0, $stream->async->send($rest, length $rest)->get, '' while length $rest;
    return;
}

# What the console shows until a line matches.
sub shown_until {
    my ($pattern, $receive) = @_;
    my $shown = '';
    within(120, sub { $shown .= $receive->() until $shown =~ $pattern; 1 });
    return $shown;
}

sub receive {
    my $future = $stream->async->recv(my $data, 4096);
    $future->get;
    return $data;
}

subtest 'reading and writing' => sub {
    my $incoming = $stream->async->recv(my $first, 4096);
    type_line('echo six times seven is $((6*7))');
    within(60, sub { $incoming->get });
    my $shown = $first;
    $shown .= shown_until(qr/seven is 42\r?\n/, \&receive) if $shown !~ /seven is 42\r?\n/;
    like($shown, qr/seven is 42/, 'the guest answers');
};

# Each line of it once, and in order.
sub is_complete {
    my ($shown, $what) = @_;
    my @lines = $shown =~ /^n(\d+)\r?$/mg;
    is_deeply(\@lines, [ 1 .. 600 ], $what)
      or diag('lost: ' . join ' ', grep { my $n = $_; !grep { $_ == $n } @lines } 1 .. 600);
    return;
}
my $count = 'i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo n$i; done; echo th""at is all';

subtest 'futures that are cancelled' => sub {
    my ($cancelled, $whole) = (0, 0);
    type_line($count);
    my $shown = shown_until(qr/that is all\r?\n/, sub {
        my $future = $stream->async->recv(my $data, 64);
        # It may wait, have received what nobody has taken, or be done.
        if (++$whole % 3) {
            sleep $whole % 5 * 0.001;
            $future->cancel;
            $cancelled++;
            return '';
        }
        $future->get;
        return $data;
    });
    cmp_ok($cancelled, '>', 50, 'many are cancelled');
    is_complete($shown, 'nothing is lost');
};

subtest 'futures that are late or dropped' => sub {
    my ($late, $turn) = (0, 0);
    # While nothing comes, for it may come fast enough for all others.
    until ($late) {
        my $error = thrown { $stream->async(timeout => 0.05)->recv(my $data, 64)->get };
        next if !$error;
        die $error if $error->code != VKVM::Error::OWN_TIMEOUT();
        $late++;
    }
    type_line($count);
    my $shown = shown_until(qr/that is all\r?\n/, sub {
        my $data;
        if (++$turn % 2) {
            # Its call goes on without it.
            my $error = thrown { $stream->async(timeout => 0.002)->recv($data, 64)->get };
            return $data if !$error;
            die $error if $error->code != VKVM::Error::OWN_TIMEOUT();
            $late++;
            return '';
        }
        return receive();
    });
    is_complete($shown, 'nothing is lost');
};

subtest 'methods with a limit' => sub {
    # Sending has no such limit.
    type_line($count);
    $conn->set_call_timeout(0.01);
    my $late  = 0;
    my $shown = shown_until(qr/that is all\r?\n/, sub {
        my $data;
        return $data if eval { $stream->recv($data, 64); 1 };
        die $@ if $@->code != VKVM::Error::OWN_TIMEOUT();
        $late++;
        return '';
    });
    $conn->set_call_timeout(60);
    is_complete($shown, 'nothing is lost');
};

subtest 'the end' => sub {
    my $incoming = $stream->async->recv(my $data, 4096);
    # Another thread aborts, and would do that before this one begins.
    soon { $conn->get_calls->{running} } 'the call has begun';
    own_error { $stream->async->abort->get } VKVM::Error::OWN_INVALID(), 'stream', 'while a future receives it is not aborted';
    $incoming->cancel;
    is(thrown { $stream->async->abort->get }, undef, 'after it was cancelled it is');
    own_error { $stream->async->recv($data, 10)->get } VKVM::Error::OWN_INVALID(), 'stream', 'then it is not open';
    my $other = $conn->new_stream;
    $guest->async->open_console($other, undef, VKVM::Domain::OPEN_CONSOLE_FORCE())->get;
    soon { $conn->get_calls->{abandoned} == 0 } 'the call ends with the console';
    $other->async->abort->get;
    $guest->destroy;
};

undef $_ for $stream, $guest, $conn;
soon { !grep { VKVM::handle_count($_) } qw(call stream conn) } 'nothing is left';
done_testing;
