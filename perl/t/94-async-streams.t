# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams through futures, and with a limit.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

need_module('Future', 'libfuture-perl');
my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
require VKVM::Async;

my $dir = "$bed->{top}/pool";
mkdir $dir or die "cannot make $dir: $!";
my $data = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 250_000;

my $conn = VKVM->new(uri => $bed->{URI});
my $pool = $conn->async->create_storage_pool(
    "<pool type='dir'><name>p</name><target><path>$dir</path></target></pool>")->get;
my $vol = $pool->async->create_volume(
    '<volume><name>v</name><capacity>1000000</capacity></volume>')->get;

# It takes so long that a callback can end it on the way.
my $large = $pool->create_volume(
    '<volume><name>large</name><capacity>1000000000</capacity><allocation>0</allocation></volume>');

sub slurp { my ($path) = @_; open(my $f, '<:raw', $path) or die $!; local $/; return scalar <$f> }

# Gives data in pieces.
sub source {
    my ($rest) = @_;
    return sub {
        my ($stream, undef, $most) = @_;
        $most = 70_001 if $most > 70_001;
        $_[1] = substr $rest, 0, $most, '';
        return length $_[1];
    };
}

subtest 'whole streams' => sub {
    my $stream = $conn->new_stream;
    $vol->async->upload($stream, 0, length $data)->get;
    $stream->async->send_all(source($data))->get;
    $stream->async->finish->get;
    ok(slurp($vol->get_path) eq $data, 'send_all');

    my ($got, @counts) = ('');
    $stream = $conn->new_stream;
    $vol->async->download($stream, 0, 0)->get;
    $stream->async->recv_all(sub {
        my (undef, $piece, $count) = @_;
        # It takes less than it could.
        $count = int($count / 2) + 1;
        $got .= substr $piece, 0, $count;
        push @counts, $count;
        return $count;
    })->get;
    $stream->async->finish->get;
    ok($got eq $data, 'recv_all, which hands over again what was not taken');
    cmp_ok(scalar @counts, '>', 4, 'progress can be told');
};

subtest 'pieces' => sub {
    my $stream = $conn->new_stream;
    $vol->async->download($stream, 0, 0)->get;
    my ($piece, $got) = ('before', '');
    my $future = $stream->async->recv($piece, 100_000);
    while ((my $count = $future->get) > 0) {
        is($count, length $piece, 'recv tells how much it has put into its argument') if $got eq '';
        $got .= $piece;
        $future = $stream->async->recv($piece, 100_000);
    }
    $stream->finish;
    ok($got eq $data, 'recv');

    $stream = $conn->new_stream;
    $vol->upload($stream, 0, length $data);
    my @sent = Future->needs_all(map { $stream->async->send(substr($data, $_ * 100_000, 100_000), 100_000) } 0 .. 9)->get;
    $stream->finish;
    is_deeply([ grep { $_ != 100_000 } @sent ], [], 'many sends at once');
    ok(slurp($vol->get_path) eq $data, 'keep their order');
};

subtest 'files' => sub {
    is($vol->async->download_file("$dir/copy")->get, length $data, 'download_file');
    ok(slurp("$dir/copy") eq $data, 'the content');
};

# What is told of a transfer, and what its code returns.
sub told_by {
    my ($code, $do) = @_;
    my @told;
    my $result = $code->(sub { push @told, [@_]; return $do ? $do->(@_) : 0 });
    return ($result, @told);
}

# What holds for progress, whoever makes the call. The code gets a progress callback.
sub progress_of {
    my ($what, $download, $upload, $large) = @_;
    return subtest $what => sub {
        my %before = map { $_ => VKVM::handle_count($_) } qw(call stream value);
        my ($count, @told) = told_by($download);
        is($count, length $data, 'a download');
        is_deeply($told[-1], [ length $data, length $data ], 'the last report is the end');
        is_deeply([ grep { $told[$_][0] < $told[ $_ - 1 ][0] } 1 .. $#told ], [], 'none goes back');
        is_deeply([ grep { $_->[0] == $_->[1] } @told[ 0 .. $#told - 1 ] ], [], 'none before is complete');
        ok(slurp("$dir/progress") eq $data, 'the content');
        ($count, @told) = told_by($upload, sub { return $conn->get_hostname ? 0 : 0 });
        is($count, length $data, 'an upload whose callback makes calls');
        is_deeply($told[-1], [ length $data, length $data ], 'its last report');

        unlink "$dir/progress";
        my $error = thrown { told_by($large, sub { return -1 }) };
        is($error->code, VKVM::Error::ERR_OPERATION_ABORTED(), 'a callback ends the transfer');
        ok(!-e "$dir/progress", 'the file is removed');
        $error = thrown { told_by($large, sub { die "enough\n" }) };
        is($error, "enough\n", 'a callback that dies');
        ok(!-e "$dir/progress", 'its file is removed');
        is((told_by($download))[0], length $data, 'the next transfer works');
        handles_are(\%before, 'nothing is left');
    };
}

progress_of('progress without a limit',
    sub { $vol->download_file("$dir/progress", 0, 0, 0, $_[0]) }, sub { $vol->upload_file("$dir/copy", 0, 0, 0, $_[0]) },
    sub { $large->download_file("$dir/progress", 0, 0, 0, $_[0]) });
progress_of('progress through futures',
    sub { $vol->async->download_file("$dir/progress", 0, 0, 0, $_[0])->get },
    sub { $vol->async->upload_file("$dir/copy", 0, 0, 0, $_[0])->get },
    sub { $large->async->download_file("$dir/progress", 0, 0, 0, $_[0])->get });

subtest 'progress of the facade through futures' => sub {
    my $host = VKVM::Host->new(conn => $conn);
    my (@told, $future);
    my $get  = sub { $host->volume->download('v', "$dir/facade", 'p', progress => sub { push @told, [@_]; return $_[0] < 0 }) };
    ok((VKVM::Async->call($get)->get)[0], 'a download');
    is_deeply($told[-1], [ length $data, length $data, 'bytes' ], 'the last report has the unit');
    ok(slurp("$dir/facade") eq $data, 'the content');
    my $error = thrown { VKVM::Async->call(sub { $host->volume->download('v', "$dir/facade", 'p', progress => sub { die "no more\n" }) })->get };
    is($error, "no more\n", 'a callback that dies');
};

subtest 'a transfer that is cancelled' => sub {
    pipe(my $out, my $in) or die $!;
    my ($future, $told);
    syswrite $in, 'x' x 1000;
    $future = $vol->async->upload_fd(fileno $out, 0, 0, 0, sub { $told++; $future->cancel; return 0 });
    $future->await;
    ok($future->is_cancelled, 'by its callback');
    is($told, 1, 'which hears no more of it');
    undef $future;
    close $in;
    soon { $conn->get_calls->{abandoned} == 0 } 'the call ends';
    $vol->upload_file("$dir/copy");
};

# A channel whose other end is this test: the daemon connects where QEMU has connected before.
subtest 'both directions at once' => sub {
    require IO::Socket::UNIX;
    my $path     = "$bed->{top}/channel";
    my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 2) // die "cannot listen: $!";
    my $guest = eval { $conn->create_domain(<<"END") } or plan(skip_all => "no guest: $@");
<domain type='qemu'><name>quiet</name><memory unit='MiB'>16</memory><os><type>hvm</type></os>
  <devices><channel type='unix'><source mode='connect' path='$path'/><target type='virtio' name='c'/></channel></devices></domain>
END
    my $qemu   = $listener->accept;
    my $stream = $conn->new_stream;
    $guest->async->open_channel($stream, undef)->get;
    my ($peer) = within(60, sub { scalar $listener->accept });

    my $got      = '';
    my $incoming = $stream->async->recv($got, 100);
    is($stream->async->send('ls', 2)->get, 2, 'something is sent while it is received');
    my @sent = Future->needs_all(map { $stream->async->send($_, 1) } ' ', '-', "l\n")->get;
    is_deeply(\@sent, [ 1, 1, 1 ], 'and more');
    my $typed = '';
    within(60, sub { sysread $peer, $typed, 100, length $typed while length $typed < 5; 1 });
    is($typed, 'ls -l', 'in order');
    ok(!$incoming->is_ready, 'nothing came in meanwhile');
    own_error { $stream->async->abort->get } VKVM::Error::OWN_INVALID(), 'stream', 'while it is received it cannot be ended';
    syswrite $peer, 'total 0';
    is($incoming->get, 7, 'what comes in ends the waiting');
    is($got, 'total 0', 'it is in the argument');

    my $text = '';
    my $all  = $stream->async->recv_all(sub { $text .= $_[1]; return $_[2] });
    syswrite $peer, "one\n";
    $stream->async->send('y', 1)->get;
    sysread $peer, $typed, 1;
    syswrite $peer, "two\n";
    close $peer;
    within(60, sub { $all->get });
    is($text, "one\ntwo\n", 'recv_all beside send, until the other end closes');
    $stream->abort;

    # Opening the channel once more ends a call that waits.
    $guest->async->open_channel($stream, undef)->get;
    my ($second) = within(60, sub { scalar $listener->accept });
    $incoming = $stream->async->recv($got, 100);
    is($stream->async->send('z', 1)->get, 1, 'one that waits for ever');
    my $other = $conn->new_stream;
    $guest->async->open_channel($other, undef, VKVM::Domain::OPEN_CHANNEL_FORCE())->get;
    within(60, sub { $incoming->await });
    ok($incoming->is_ready, 'is ended by another one that is forced');
    $other->abort;
    $stream->abort if !$incoming->is_failed;
    $guest->destroy;
};

subtest 'a handler that gives up' => sub {
    my $stream = $conn->new_stream;
    $vol->download($stream, 0, 0);
    my $error = thrown { $stream->async->recv_all(sub { die "enough\n" })->get };
    is($error, "enough\n", 'by dying');
    ok(thrown { $stream->finish }, 'the stream is aborted');
    $stream = $conn->new_stream;
    $vol->download($stream, 0, 0);
    own_error { $stream->async->recv_all(sub { return -1 })->get } VKVM::Error::OWN_INVALID(), 'handler',
        'by a number below 0';
    own_error { $stream->async->recv_all->get } VKVM::Error::OWN_INVALID(), 'handler', 'no handler';
};

subtest 'with a limit' => sub {
    my $own = VKVM->new(uri => $bed->{URI}, call_timeout => 60);
    my $volume = $own->get_storage_pool_by_name('p')->get_volume_by_name('v');
    my $stream = $own->new_stream;
    $volume->download($stream, 0, 0);
    my ($got, $piece) = ('', 'x' x 300_000);
    $got .= $piece while $stream->recv($piece, 250_000) > 0;
    $stream->finish;
    ok($got eq $data, 'recv');
    $stream = $own->new_stream;
    $volume->upload($stream, 0, 1000);
    is($stream->send('a' x 2000, 1000), 1000, 'send');
    $stream->finish;
    is(substr(slurp($vol->get_path), 0, 1001), 'a' x 1000 . substr($data, 1000, 1), 'what was sent');
    my @told;
    is($volume->download_file("$dir/again", 0, 0, 0, sub { push @told, [@_]; return 0 }), length $data, 'a file');
    is_deeply($told[-1], [ length $data, length $data ], 'with progress');
    is($volume->upload_file("$dir/copy"), length $data, 'and without');
    progress_of('progress', sub { $volume->download_file("$dir/progress", 0, 0, 0, $_[0]) },
        sub { $volume->upload_file("$dir/copy", 0, 0, 0, $_[0]) },
        sub { $own->get_storage_pool_by_name('p')->get_volume_by_name('large')->download_file("$dir/progress", 0, 0, 0, $_[0]) });

    pipe(my $out, my $in) or die $!;
    syswrite $in, 'x' x 1000;
    $own->set_call_timeout(0.3);
    my $begin = time;
    my $error = thrown { $volume->upload_fd(fileno $out, 0, 0, 0, sub { return 0 }) };
    is($error->code, VKVM::Error::OWN_TIMEOUT(), 'a transfer with progress has the limit');
    like($error->message, qr/\AVKVM::StorageVol::upload_fd: no answer/, 'its name');
    is($error->function, 'vkvm_storage_vol_upload_fd', 'and that of the function');
    cmp_ok(time - $begin, '<', 20, 'in time');
    close $in;
    soon { $own->get_calls->{abandoned} == 0 } 'it ends';
    $vol->upload_file("$dir/copy");
};

subtest 'progress of the facade with a limit' => sub {
    my $host = VKVM::Host->new(uri => $bed->{URI});
    $host->get_conn->set_call_timeout(60);
    my @told;
    ok(($host->volume->download('v', "$dir/facade", 'p', progress => sub { push @told, [@_]; return 0 }))[0], 'a download');
    is_deeply($told[-1], [ length $data, length $data, 'bytes' ], 'the last report');
    my $error = thrown { $host->volume->download('v', "$dir/facade", 'p', progress => sub { die "no more\n" }) };
    is($error, "no more\n", 'a callback that dies');
};

undef $_ for $vol, $large, $pool, $conn;
handles_are({ call => 0, stream => 0, conn => 0 }, 'nothing is left');
done_testing;
