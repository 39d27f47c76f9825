# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams in Perl: one volume of 1 GiB that is mostly holes goes up and down in every
# mode. The content is the same, holes stay holes where the mode knows of them, and
# memory stays flat.
#
# VKVM_STREAM_MIB makes it another size, of 64 MiB at least.

use strict;
use warnings;

use Fcntl qw(O_CREAT O_EXCL O_RDONLY O_RDWR SEEK_SET);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;
use Time::HiRes qw(time);

use VKVM;
use VKVM::Event;

# lseek's, which Fcntl does not have.
use constant { SEEK_DATA => 3, SEEK_HOLE => 4 };

my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $dir = "$bed->{top}/pool";
mkdir $dir or die "cannot make $dir: $!";
VKVM::Event::register_default();
my $conn = VKVM->new(uri => $bed->{URI});
my $pool = $conn->create_storage_pool(
    "<pool type='dir'><name>p</name><target><path>$dir</path></target></pool>");

my $mib   = 1 << 20;
my $size  = ($ENV{VKVM_STREAM_MIB} || 1024) * $mib;
my $bound = 12 << 10;     # KiB that a mode may add; far less than passes
my $piece = 256 << 10;
my $down_sparse = VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM;
my $up_sparse   = VKVM::StorageVol::VOL_UPLOAD_SPARSE_STREAM;

# --- files ---------------------------------------------------------------------------

# 36 MiB of data at 12 places, and holes else. Piece by piece: memory that this took
# and gave back would hide what a mode takes.
{
    open(my $file, '>:raw', "$dir/source") or die $!;
    truncate $file, $size;
    my $room  = int($size / $mib / 12);
    my $piece = pack 'N*', map { $_ * 2654435761 % 4294967296 } 1 .. 16_384;
    for my $place (0 .. 11) {
        sysseek $file, $place * $room * $mib, SEEK_SET or die $!;
        for my $count (1 .. 3 * 16) {
            substr $piece, 0, 4, pack 'N', $place * 1000 + $count;
            syswrite $file, $piece or die $!;
        }
    }
}

sub opened { my ($path, $flags) = @_; sysopen(my $file, $path, $flags, 0600) or die "$path: $!"; return $file }

sub allocated { my ($path) = @_; return (stat $path)[12] * 512 }

# Whether data or a hole is at a place, and how long.
sub section {
    my ($file, $at) = @_;
    return (0, 0) if $at >= $size;
    my $data = sysseek $file, $at, SEEK_DATA;
    return (0, $size - $at) if !defined $data;
    return (0, $data - $at) if $data > $at;
    return (1, sysseek($file, $at, SEEK_HOLE) - $at);
}

sub piece_at {
    my ($file, $at, $count) = @_;
    sysseek $file, $at, SEEK_SET or die $!;
    my ($data, $more) = ('');
    while (length $data < $count) {
        $more = sysread($file, $data, $count - length $data, length $data) // die $!;
        last if !$more;
    }
    return $data;
}

# Whether a file has the content of the source. What is a hole in both is not read.
sub same_as_source {
    my ($path) = @_;
    return 0 if -s $path != $size;
    my ($ours, $other) = (opened("$dir/source", O_RDONLY), opened($path, O_RDONLY));
    my $at = 0;
    while ($at < $size) {
        my ($length) = sort { $a <=> $b } map { (section($_, $at))[1] } $ours, $other;
        if (grep { (section($_, $at))[0] } $ours, $other) {
            $length = $piece if $length > $piece;
            return 0 if piece_at($ours, $at, $length) ne piece_at($other, $at, $length);
        }
        $at += $length;
    }
    return 1;
}

# The most memory that this process has had, in KiB.
sub most_memory {
    open(my $file, '<', '/proc/self/status') or return;
    my ($kib) = map { /^VmHWM:\s+(\d+)/ ? $1 : () } <$file>;
    return $kib;
}

# Where Linux lets us, the most begins anew, so that each mode is measured by itself.
sub forget_most_memory {
    open(my $file, '>', '/proc/self/clear_refs') or return;
    print {$file} 5;
    return close $file;
}

# --- the modes -----------------------------------------------------------------------

# What is sent: a file and a place in it. `next` gives what is there, up to so much.
sub source {
    my $self = { file => opened("$dir/source", O_RDONLY), at => 0 };
    $self->{next} = sub { piece_at($self->{file}, $self->{at}, $_[0] < $piece ? $_[0] : $piece) };
    return $self;
}

# What comes: with holes it is written to a file, else compared at once, for nobody
# needs another GiB on the disk.
sub sink {
    my ($sparse) = @_;
    my $self = { at => 0, same => 1, file => opened("$dir/source", O_RDONLY) };
    $self->{file} = opened("$dir/copy", O_RDWR | O_CREAT | O_EXCL) if $sparse;
    $self->{put} = $sparse
      ? sub {
        sysseek $self->{file}, $self->{at}, SEEK_SET or die $!;
        $self->{same} &&= syswrite($self->{file}, $_[0]) == length $_[0];
        $self->{at} += length $_[0];
      }
      : sub {
        $self->{same} &&= piece_at($self->{file}, $self->{at}, length $_[0]) eq $_[0];
        $self->{at} += length $_[0];
      };
    return $self;
}

# Sends what comes next, a hole also where holes are told: 1, or 0 at the end.
sub send_one {
    my ($st, $from, $holes) = @_;
    my ($in_data, $length) = $holes ? section($from->{file}, $from->{at}) : (1, $size - $from->{at});
    return 0 if !$length;
    if ($in_data) {
        my $data = $from->{next}->($length);
        my $sent = $st->send($data, length $data);
        $from->{at} += $sent if $sent != VKVM::Stream::WOULD_BLOCK;
    }
    else {
        $st->send_hole($length);
        $from->{at} += $length;
    }
    return 1;
}

# Receives what comes next: 1, 0 at the end, or WOULD_BLOCK.
sub receive_one {
    my ($st, $to, $holes) = @_;
    my $count = $st->recv(my $data, $piece, $holes ? VKVM::Stream::RECV_STOP_AT_HOLE : 0);
    if ($count == VKVM::Stream::AT_HOLE) { $to->{at} += $st->recv_hole }
    elsif ($count > 0)                   { $to->{put}->($data) }
    else                                 { return $count }
    return 1;
}

# Turns the loop until a callback says that it is done; an exception of it comes through.
sub by_callback {
    my ($st, $event, $step) = @_;
    my ($calls, $done) = (0, 0);
    $st->add_callback($event, sub { $calls++; $done = $step->(); $_[0]->remove_callback if $done; return });
    VKVM::Event::run_default() until $done;
    cmp_ok($calls, '>', 1, 'the callback was called');
    return;
}

sub send_by_callback {
    my ($st, $from, $holes) = @_;
    return by_callback($st, VKVM::Stream::EVENT_WRITABLE, sub { !send_one($st, $from, $holes) });
}

sub receive_by_callback {
    my ($st, $to, $holes) = @_;
    return by_callback($st, VKVM::Stream::EVENT_READABLE, sub {
        my $got;
        # All there is, for libvirt keeps whatever comes until it is fetched.
        1 while ($got = receive_one($st, $to, $holes)) > 0;
        return $got == 0;
    });
}

my @modes = (
    {
        name => 'send and recv',
        up   => sub { my ($st, $from) = @_; 1 while send_one($st, $from, 0) },
        down => sub { my ($st, $to) = @_; 1 while receive_one($st, $to, 0) },
    },
    {
        name   => 'send_hole and recv_hole',
        sparse => 1,
        up     => sub { my ($st, $from) = @_; 1 while send_one($st, $from, 1) },
        down   => sub { my ($st, $to) = @_; 1 while receive_one($st, $to, 1) },
    },
    {
        name => 'send_all and recv_all',
        up   => sub {
            my ($st, $from) = @_;
            $st->send_all(sub {
                $_[1] = $from->{next}->($_[2]);
                $from->{at} += length $_[1];
                return length $_[1];
            });
        },
        down => sub { my ($st, $to) = @_; $st->recv_all(sub { $to->{put}->($_[1]); return $_[2] }) },
    },
    {
        name   => 'sparse_send_all and sparse_recv_all',
        sparse => 1,
        up     => sub {
            my ($st, $from) = @_;
            $st->sparse_send_all(
                sub {
                    $_[1] = $from->{next}->($_[2]);
                    $from->{at} += length $_[1];
                    return length $_[1];
                },
                sub { return section($from->{file}, $from->{at}) },
                sub { $from->{at} += $_[1]; return 0 });
        },
        down => sub {
            my ($st, $to) = @_;
            $st->sparse_recv_all(sub { $to->{put}->($_[1]); return $_[2] },
                sub { $to->{at} += $_[1]; return 0 });
        },
    },
    {
        name  => 'callbacks',
        flags => VKVM::Stream::NONBLOCK,
        up    => sub { send_by_callback(@_, 0) },
        down  => sub { receive_by_callback(@_, 0) },
    },
    {
        name   => 'callbacks, with holes',
        sparse => 1,
        flags  => VKVM::Stream::NONBLOCK,
        up     => sub { send_by_callback(@_, 1) },
        down   => sub { receive_by_callback(@_, 1) },
    },
    { name => 'whole files', sparse => 1 },
);

# --- up and down -----------------------------------------------------------------------

# Runs a way, and checks what memory it took.
sub flat {
    my ($what, $code) = @_;
    forget_most_memory();
    my ($before, $begin) = (most_memory(), time);
    within(900, $code);    # for ever would be too long
    my $after = most_memory();
  SKIP: {
        skip('there is no VmHWM here', 1) if !defined $after;
        skip('valgrind has memory of its own', 1) if $ENV{VKVM_UNDER_VALGRIND};
        cmp_ok($after - $before, '<', $bound, "$what: memory is flat");
        note(sprintf '%s: %.1f s, the most memory grew by %d KiB, to %d KiB',
            $what, time - $begin, $after - $before, $after);
    }
    return;
}

sub go_up {
    my ($mode, $vol) = @_;
    if (!$mode->{up}) {
        my ($bytes, @told);
        flat('up', sub {
            $bytes = $vol->upload_file("$dir/source", 0, 0, $up_sparse,
                sub { $told[ @told ? 1 : 0 ] = [@_]; return 0 });
        });
        is($bytes, $size, 'all of it');
        return is_deeply(\@told, [ [ 0, $size ], [ $size, $size ] ], 'progress was told');
    }
    my $st   = $conn->new_stream($mode->{flags} // 0);
    my $from = source();
    $vol->upload($st, 0, $size, $mode->{sparse} ? $up_sparse : 0);
    flat('up', sub { $mode->{up}->($st, $from); $st->finish });
    return is($from->{at}, $size, 'all of it');
}

sub go_down {
    my ($mode, $vol) = @_;
    if (!$mode->{down}) {
        my ($bytes, @told);
        flat('down', sub {
            $bytes = $vol->download_file("$dir/copy", 0, 0, $down_sparse,
                sub { $told[ @told ? 1 : 0 ] = [@_]; return 0 });
        });
        is($bytes, $size, 'all of it');
        return is_deeply(\@told, [ [ 0, $size ], [ $size, $size ] ], 'progress was told');
    }
    my $st = $conn->new_stream($mode->{flags} // 0);
    my $to = sink($mode->{sparse});
    $vol->download($st, 0, 0, $mode->{sparse} ? $down_sparse : 0);
    flat('down', sub { $mode->{down}->($st, $to); $st->finish });
    truncate $to->{file}, $to->{at} if $mode->{sparse};
    is($to->{at}, $size, 'all of it');
    return ok($to->{same}, 'what came was the same, or could be written');
}

# libvirt tells some things only when the loop turns.
my $timer = VKVM::Event::add_timeout(10, sub { });
for my $mode (@modes) {
    subtest $mode->{name} => sub {
        my $vol = $pool->create_volume(
            "<volume><name>v</name><capacity>$size</capacity><allocation>0</allocation></volume>");
        my $most = allocated("$dir/source") + $mib;
        go_up($mode, $vol);
        ok(same_as_source("$dir/v"), 'the volume has the content');
        cmp_ok(allocated("$dir/v"), '<=', $most, 'and the holes') if $mode->{sparse};
        go_down($mode, $vol);
        if ($mode->{sparse}) {
            ok(same_as_source("$dir/copy"), 'the file has the content');
            cmp_ok(allocated("$dir/copy"), '<=', $most, 'and the holes');
            unlink "$dir/copy";
        }
        # Some are a whole GiB; never two of them at once.
        $vol->delete;
    };
}
VKVM::Event::remove_timeout($timer);
handles_are({ stream => 0, storage_vol => 0, error => 0 }, 'nothing is left');

done_testing;
