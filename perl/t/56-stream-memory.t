# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams in Perl: memory stays flat in every mode, however much passes, and a
# non-blocking stream's callback is called in time, and when its daemon dies.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $dir = "$bed->{top}/pool";
mkdir $dir or die "cannot make $dir: $!";
VKVM::Event::register_default();
my $conn = VKVM->new(uri => $bed->{URI});
my $pool = $conn->create_storage_pool(
    "<pool type='dir'><name>p</name><target><path>$dir</path></target></pool>");

my $size  = 256 << 20;
my $bound = 8 << 10;    # KiB, for all the modes together
my $vol   = $pool->create_volume("<volume><name>v</name><capacity>$size</capacity><allocation>0</allocation></volume>");
my $piece = pack 'N*', 1 .. 16_384;

# The most memory that this process has had, in KiB.
sub most_memory {
    open(my $file, '<', '/proc/self/status') or return;
    my ($kib) = map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$file>;
    return $kib;
}

sub upload   { my ($sparse, $length, @flags) = @_; my $st = $conn->new_stream(@flags); $vol->upload($st, 0, $length, $sparse); return $st }
sub download { my ($sparse, $length, @flags) = @_; my $st = $conn->new_stream(@flags); $vol->download($st, 0, $length, $sparse); return $st }

# Turns the loop while a stream waits.
my $timer = VKVM::Event::add_timeout(1, sub { });
sub turn { VKVM::Event::run_default(); return }

# Each passes so many bytes, and returns how many it has passed.
my %mode = (
    'send' => sub {
        my ($length) = @_;
        my ($st, $sum) = (upload(0, $length), 0);
        $sum += $st->send($piece, length $piece) while $sum < $length;
        $st->finish;
        return $sum;
    },
    'send_all' => sub {
        my ($length) = @_;
        my ($st, $sum) = (upload(0, $length), 0);
        $st->send_all(sub {
            my $count = $sum < $length ? length $piece : 0;
            $_[1] = substr $piece, 0, $count;
            $sum += $count;
            return $count;
        });
        $st->finish;
        return $sum;
    },
    'sparse_send_all' => sub {
        my ($length) = @_;
        my ($st, $sum, $data) = (upload(1, $length), 0, 0);
        # Data and holes by turns.
        $st->sparse_send_all(
            sub { $_[1] = substr $piece, 0, $_[2]; $sum += length $_[1]; return length $_[1] },
            sub { $data = !$data; return (0, 0) if $sum >= $length; return ($data, length $piece) },
            sub { $sum += $_[1]; return 0 });
        $st->finish;
        return $sum;
    },
    'recv' => sub {
        my ($length) = @_;
        my ($st, $sum) = (download(0, $length), 0);
        while ((my $count = $st->recv(my $data, 100_000)) > 0) { $sum += $count }
        $st->finish;
        return $sum;
    },
    'recv_all' => sub {
        my ($length) = @_;
        my ($st, $sum) = (download(0, $length), 0);
        $st->recv_all(sub { $sum += $_[2]; return $_[2] });
        $st->finish;
        return $sum;
    },
    'sparse_recv_all' => sub {
        my ($length) = @_;
        my ($st, $sum) = (download(1, $length), 0);
        $st->sparse_recv_all(sub { $sum += $_[2]; return $_[2] }, sub { $sum += $_[1]; return 0 });
        $st->finish;
        return $sum;
    },
    'non-blocking recv' => sub {
        my ($length) = @_;
        my ($st, $sum, $done) = (download(0, $length, VKVM::Stream::NONBLOCK), 0);
        $st->add_callback(VKVM::Stream::EVENT_READABLE, sub {
            my ($stream) = @_;
            # All there is: libvirt keeps whatever comes until it is fetched, and a
            # daemon that is faster than one piece a turn would fill the memory.
            while (!$done) {
                my $count = $stream->recv(my $data, 100_000);
                return if $count == VKVM::Stream::WOULD_BLOCK;
                $sum += $count;
                $done = 1 if $count == 0;
            }
            $stream->remove_callback;
            return;
        });
        turn() until $done;
        $st->finish;
        return $sum;
    },
);

# Sending comes first: sparse_send_all leaves the volume as long as what it has sent.
my @modes = sort { ($b =~ /send/) <=> ($a =~ /send/) || $a cmp $b } keys %mode;

# A first round is small: what is used once and kept does not count.
is($mode{$_}->(1 << 20), 1 << 20, "$_: 1 MiB") for @modes;
my $before = most_memory();
for my $name (@modes) {
    my $last = most_memory();
    my ($passed) = within(600, sub { $mode{$name}->($size) });
    is($passed, $size, "$name: 256 MiB");
    note("$name: memory grew by ", most_memory() - $last, ' KiB');
}
SKIP: {
    skip('there is no VmHWM here', 1) if !defined $before;
    cmp_ok(most_memory() - $before, '<', $bound, 'memory is flat');
}

# libvirt's loop puts the callback off for as long as each of its turns brings another
# message, and what comes meanwhile is kept. Data and holes by turns make many.
subtest 'a non-blocking stream whose daemon is fast' => sub {
    my ($pieces, $piece, $path) = (1000, 4096, "$dir/pieces");
    open(my $file, '>', $path) or die "cannot make $path: $!";
    for my $n (0 .. $pieces - 1) {
        sysseek $file, 2 * $n * $piece, 0;
        syswrite $file, 'x' x $piece;
    }
    close $file or die "cannot write $path: $!";
    $pool->refresh;
    my ($sum, $most, $done) = (0, 0, 0);
    my $st = $conn->new_stream(VKVM::Stream::NONBLOCK);
    $pool->get_volume_by_name('pieces')->download($st, 0, 0, VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM);
    $st->add_callback(VKVM::Stream::EVENT_READABLE, sub {
        my ($stream) = @_;
        my $fetched = 0;
        while (!$done) {
            my $count = $stream->recv(my $data, $piece, VKVM::Stream::RECV_STOP_AT_HOLE);
            last if $count == VKVM::Stream::WOULD_BLOCK;
            $stream->recv_hole if $count == VKVM::Stream::AT_HOLE;
            $done = $count == 0;
            next if $count <= 0;
            $sum += $count;
            $fetched++;
        }
        $most = $fetched if $fetched > $most;
        $stream->remove_callback if $done;
        return;
    });
    within(600, sub { turn() until $done });
    $st->finish;
    is($sum, $pieces * $piece, 'all comes');
    cmp_ok($most, '<=', 2, 'one message at a time');
};

# libvirt tells a stream's callback nothing of it.
subtest 'a non-blocking stream whose daemon dies' => sub {
    my ($received, @told, @closed) = (0);
    my $st = download(0, 0, VKVM::Stream::NONBLOCK);
    $conn->register_close_callback(sub { push @closed, $_[1]; return });
    $st->add_callback(VKVM::Stream::EVENT_READABLE, sub {
        my ($stream, $events) = @_;
        if ($events & (VKVM::Stream::EVENT_ERROR | VKVM::Stream::EVENT_HANGUP)) {
            # What had come before may wait to be received.
            push @told, $events & ~VKVM::Stream::EVENT_READABLE;
            return;
        }
        my $count = $stream->recv(my $data, 100_000);
        return if $count <= 0;
        $bed->kill_daemon if !$received;
        $received += $count;
        return;
    });
    eval { within(600, sub { turn() until @closed && @told; turn() for 1 .. 10 }); 1 } or diag($@);
    cmp_ok($received, '>', 0, 'some comes');
    cmp_ok($received, '<', $size, 'not all');
    is_deeply(\@told, [VKVM::Stream::EVENT_ERROR | VKVM::Stream::EVENT_HANGUP], 'its callback is told, once');
    is(scalar @closed, 1, 'the close callback is told');
    isa_ok(thrown { $st->finish }, 'VKVM::Error', 'finish fails: the exception');
    $conn->unregister_close_callback;
};
VKVM::Event::remove_timeout($timer);

done_testing;
