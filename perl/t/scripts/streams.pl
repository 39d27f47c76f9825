# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams, as a program for Sys::Virt: prints what happens.
#
# usage: perl -MSys::Virt streams.pl URI DIR
#
# DIR must exist and be empty; a pool and volumes are made in it.

use strict;
use warnings;

use Digest::SHA qw(sha1_hex);
use Sys::Virt;
use Sys::Virt::Event;

my ($uri, $dir) = @ARGV;
$| = 1;
local $SIG{PIPE}     = 'IGNORE';
local $SIG{__WARN__} = sub { };    # they name lines of other files

sub show {
    my ($name, @values) = @_;
    print "$name = [", join(', ', map { defined ? "'$_'" : 'undef' } @values), "]\n";
    return;
}

# What a block does: its results, or how it dies.
sub try {
    my ($name, $code) = @_;
    my @results = eval { $code->() };
    my $error   = $@;
    return show($name, @results) if !ref $error && $error eq '';
    return show("$name dies", ref $error && $error->isa('Sys::Virt::Error')
        ? ($error->code, $error->domain, $error->message) : ref $error || $error);
}

Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);
my $pool = $conn->create_storage_pool(
    "<pool type='dir'><name>streams-$$</name><target><path>$dir</path></target></pool>");

my $mib = 1024 * 1024;
my ($upload_sparse, $download_sparse) = (
    Sys::Virt::StorageVol::VOL_UPLOAD_SPARSE_STREAM(),
    Sys::Virt::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());

sub new_vol {
    my ($name, $size) = @_;
    return $pool->create_volume("<volume><name>$name</name><capacity unit='bytes'>$size</capacity>"
          . "<allocation>0</allocation></volume>");
}

sub content {
    my ($vol) = @_;
    open(my $file, '<:raw', $vol->get_path) or die "cannot read a volume: $!";
    local $/;
    my $data = <$file>;
    return (length $data, sha1_hex($data));
}

# Bytes that repeat nowhere near.
my $data = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 250_000;

# --- one by one ------------------------------------------------------------------

my $vol = new_vol('plain', 4 * $mib);
my $st  = $conn->new_stream;
show('class', $st->isa('Sys::Virt::Stream') ? 1 : 0);
try('unopened send',   sub { $st->send('x', 1) });
try('unopened recv',   sub { $st->recv(my $x, 1) });
try('unopened finish', sub { $st->finish });
try('unopened abort',  sub { $st->abort });
try('unopened add_callback',    sub { $st->add_callback(1, sub { }) });
try('unopened update_callback', sub { $st->update_callback(1) });
try('unopened remove_callback', sub { $st->remove_callback });
try('unopened send_all', sub { $st->send_all(sub { 0 }) });

try('upload', sub { $vol->upload($st, 0, 0) });
try('send',             sub { $st->send($data, 100_000) });
try('send is clipped',  sub { my $ten = substr $data, 100_000, 10; $st->send($ten, 1000) });
try('send a flagged string', sub { my $text = "\x{e4}\x{20ac}"; $st->send($text, 100) });
try('send_hole without sparse', sub { $st->send_hole(10) });
try('recv from an upload', sub { $st->update_callback(0) });
try('finish', sub { $st->finish });
try('finish again', sub { $st->finish });
show('content', content($vol));

$st = $conn->new_stream;
try('download', sub { $vol->download($st, 10, 100_020) });
my ($got, $buffer) = ('', 'as before');
while ((my $count = $st->recv($buffer, 65_536)) > 0) { $got .= $buffer; last if $count < 0 }
show('received', length $got, sha1_hex($got));
try('recv at the end', sub { my $x = 'untouched'; ($st->recv($x, 10), $x) });
try('recv at the end, undef', sub { my $x; ($st->recv($x, 10), $x) });
try('recv at the end, a number', sub { my $x = 5; ($st->recv($x, 10), $x + 1) });
try('recv_hole without sparse', sub { $st->recv_hole });
try('finish', sub { $st->finish });

$st = $conn->new_stream;
$vol->download($st, 0, 20);
try('recv into a number', sub { my $x = 7; ($st->recv($x, 4), unpack 'H*', $x) });
try('recv into a constant', sub { $st->recv(${ \'constant' }, 4) });
try('recv nothing', sub { my $x = 'untouched'; ($st->recv($x, 0), $x) });
try('abort', sub { $st->abort });
try('abort again', sub { $st->abort });
try('recv after abort', sub { $st->recv(my $x, 4) });

# --- handlers ---------------------------------------------------------------------

sub with_upload {
    my ($name, $code, $flags) = @_;
    my $target = new_vol($name, 4 * $mib);
    my $stream = $conn->new_stream;
    $target->upload($stream, 0, 0, $flags // 0);
    try($name, sub { $code->($stream) });
    # How much of a broken transfer is stored is up to the daemon's threads.
    try("$name: finish", sub { $stream->finish; return content($target) });
    return;
}

sub with_download {
    my ($name, $code, $flags) = @_;
    my $stream = $conn->new_stream;
    $vol->download($stream, 0, 0, $flags // 0);
    try($name, sub { $code->($stream) });
    try("$name: finish", sub { $stream->finish });
    return;
}

with_upload('send_all', sub {
    my ($stream) = @_;
    my ($at, %room, %class) = 0;
    $stream->send_all(sub {
        $room{ $_[2] }++;
        $class{ $_[0]->isa('Sys::Virt::Stream') }++;
        $_[1] = substr $data, $at, $_[2];
        $at += length $_[1];
        return length $_[1];
    });
    return (join(',', keys %room), join(',', keys %class), $at);
});
with_upload('send_all of less than there is', sub {
    my ($stream) = @_;
    my $calls = 0;
    $stream->send_all(sub { $_[1] = 'abcdef'; return $calls++ < 3 ? 4 : 0 });
    return $calls;
});
with_upload('send_all gives up', sub { $_[0]->send_all(sub { $! = 0; -1 }) });
with_upload('send_all returns nothing', sub { $_[0]->send_all(sub { return }) });
with_upload('send_all ends the stream', sub {
    my ($stream) = @_;
    $stream->send_all(sub { $_[1] = 'xyz'; $stream->abort; return 3 });
});

with_download('recv_all', sub {
    my ($stream) = @_;
    my $all = '';
    my $wrong = 0;
    $stream->recv_all(sub { $wrong++ if length $_[1] != $_[2]; $all .= $_[1]; return $_[2] });
    return (length $all, sha1_hex($all), $wrong);
});
with_download('recv_all in small bites', sub {
    my ($stream) = @_;
    my ($all, $calls) = ('', 0);
    $stream->recv_all(sub {
        my $bite = $_[2] > 60_000 ? 60_000 : $_[2];
        $all .= substr $_[1], 0, $bite;
        return $bite;
    });
    return (length $all, sha1_hex($all));
});
with_download('recv_all gives up', sub { $_[0]->recv_all(sub { $! = 0; -1 }) });
with_download('recv_all after some', sub {
    my $calls = 0;
    $_[0]->recv_all(sub { $! = 0; return $calls++ ? -5 : $_[2] });
});

# --- holes ------------------------------------------------------------------------

# (data, length) ... of what is sent
my @sections = ([ 1, 100_000 ], [ 0, $mib ], [ 1, 300_000 ], [ 0, 2 * $mib ], [ 1, 5 ]);

sub sparse_handlers {
    my ($seen) = @_;
    my ($at, @left) = (0, map { [@$_] } @sections);
    return (
        sub {
            my $length = $_[2] < $left[0][1] ? $_[2] : $left[0][1];
            $_[1] = substr $data, $at, $length;
            $at += $length;
            $left[0][1] -= $length;
            return $length;
        },
        sub {
            shift @left if @left && $left[0][1] == 0;
            my @answer = @left ? @{ $left[0] } : (0, 0);
            @left = ([ 1, 0 ]) if !@left;
            push @$seen, "look:@answer";
            return @answer;
        },
        sub { push @$seen, "skip:$_[1]"; $left[0][1] = 0; return 0 },
    );
}

with_upload('sparse_send_all', sub {
    my ($stream) = @_;
    my @seen;
    $stream->sparse_send_all(sparse_handlers(\@seen));
    return @seen;
}, $upload_sparse);
for my $wrong ([], [1], [ 1, 2, 3 ]) {
    with_upload('sparse_send_all, ' . @$wrong . ' answers', sub {
        $_[0]->sparse_send_all(sub { $! = 0; 0 }, sub { $! = 0; @$wrong }, sub { 0 });
    }, $upload_sparse);
}
with_upload('sparse_send_all, skip gives up', sub {
    $_[0]->sparse_send_all(sub { 0 }, sub { (0, 5) }, sub { $! = 0; -1 });
}, $upload_sparse);
with_upload('sparse_send_all, data give up', sub {
    $_[0]->sparse_send_all(sub { $! = 0; -1 }, sub { (1, 5) }, sub { 0 });
}, $upload_sparse);

$vol = $pool->get_volume_by_name('sparse_send_all');
with_download('sparse_recv_all', sub {
    my ($stream) = @_;
    my ($all, @holes) = ('');
    $stream->sparse_recv_all(sub { $all .= $_[1]; $_[2] },
        sub { push @holes, length($all) . ":$_[1]"; $all .= "\0" x $_[1]; 0 });
    return (length $all, sha1_hex($all), @holes);
}, $download_sparse);
with_download('sparse_recv_all, hole gives up', sub {
    $_[0]->sparse_recv_all(sub { $_[2] }, sub { $! = 0; -1 });
}, $download_sparse);
with_download('sparse_recv_all without sparse', sub {
    my $length = 0;
    $_[0]->sparse_recv_all(sub { $length += $_[2]; $_[2] }, sub { $length = 'hole'; 0 });
    return $length;
});
with_download('recv stops at holes', sub {
    my ($stream) = @_;
    my ($x, %kind, $length) = ('');
    while (1) {
        my $count = $stream->recv($x, 50_000, Sys::Virt::Stream::RECV_STOP_AT_HOLE());
        last if $count == 0;
        $kind{ $count > 0 ? 'data' : $count } += $count > 0 ? $count : $stream->recv_hole;
    }
    return map { "$_:$kind{$_}" } sort keys %kind;
}, $download_sparse);
with_download('recv does not', sub {
    my ($stream) = @_;
    my ($x, $all) = ('', '');
    $all .= $x while $stream->recv($x, 500_000) > 0;
    return (length $all, sha1_hex($all));
}, $download_sparse);
with_upload('send_hole', sub {
    my ($stream) = @_;
    return ($stream->send('abc', 3), $stream->send_hole(70_000), $stream->send('def', 3));
}, $upload_sparse);

# --- without waiting ---------------------------------------------------------------

sub turns {
    my ($done) = @_;
    my $timer = Sys::Virt::Event::add_timeout(100, sub { });
    my $end = time + 120;
    Sys::Virt::Event::run_default() until $done->() || time > $end;
    Sys::Virt::Event::remove_timeout($timer);
    return;
}

$st = $conn->new_stream(Sys::Virt::Stream::NONBLOCK());
$vol->download($st, 0, 0);
try('recv would block', sub { my $x = 'untouched'; ($st->recv($x, 10), $x) });
try('recv_all without waiting', sub {
    my $stream = $conn->new_stream(Sys::Virt::Stream::NONBLOCK());
    $vol->download($stream, 0, 0);
    $stream->recv_all(sub { 1 });
});
my ($all, $end, %events) = ('', 0);
try('add_callback', sub { $st->add_callback(Sys::Virt::Stream::EVENT_READABLE(), sub {
    my ($stream, $events) = @_;
    $events{$events}++;
    while (1) {
        my $count = $stream->recv(my $x, 100_000);
        last if $count == -2;
        return $end = 1 if $count == 0;
        $all .= $x;
    }
}) });
turns(sub { $end });
show('read by callback', length $all, sha1_hex($all), sort keys %events);
try('update_callback', sub { $st->update_callback(0) });
try('remove_callback', sub { $st->remove_callback });
try('remove_callback again', sub { $st->remove_callback });
try('update_callback then', sub { $st->update_callback(1) });
try('finish', sub { $st->finish });

$_->delete for $pool->list_all_volumes;
$pool->destroy;
print "end = []\n";
