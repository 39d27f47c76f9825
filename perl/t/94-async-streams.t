# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams through futures, and with a limit.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;
use Time::HiRes qw(time);

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

# The daemon, among the processes that were started for it.
sub libvirtd_of {
    my ($pid) = @_;
    return $pid if slurp("/proc/$pid/comm") eq "libvirtd\n";
    return (map { libvirtd_of($_) } map { split ' ', slurp($_) } glob "/proc/$pid/task/*/children")[0];
}
my $daemon = libvirtd_of($bed->{PID}) or die "no libvirtd below $bed->{PID}\n";

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

    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, @_ };
    $stream = $conn->new_stream;
    $vol->download($stream, 0, 0);
    $got = '';
    $stream->async->recv_all(sub { $got .= $_[1]; return $_[2] });
    within(60, sub { $conn->async->get_hostname->get while length $got < length $data });
    $stream->async->finish->get;
    is_deeply(\@warnings, [], 'a future that nobody keeps is completed');
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
    # Other threads have sent, and another one aborts, which would do that before this one begins.
    soon { $conn->get_calls->{running} } 'the call that receives has begun';
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

subtest 'text of characters' => sub {
    # As without a future, its bytes are those of UTF-8.
    my @pieces = ("\x{e9}t\x{e9}\x{2013}" x 1000, "\x{20ac}" x 10);
    my $bytes  = join '', @pieces;
    utf8::encode($bytes);
    my $volume = $pool->create_volume('<volume><name>text</name><capacity>10000</capacity></volume>');
    for my $how (qw(send_all async)) {
        my @rest   = @pieces;
        my $stream = $conn->new_stream;
        $volume->upload($stream, 0, length $bytes);
        my $source = sub { $_[1] = shift @rest // ''; return 10_000 };
        $how eq 'async' ? $stream->async->send_all($source)->get : $stream->send_all($source);
        $stream->finish;
        is(substr(slurp($volume->get_path), 0, length $bytes), $bytes, "is sent as a whole: $how");
        $stream = $conn->new_stream;
        $volume->upload($stream, 0, length $bytes);
        $stream->send_all(source("\0" x length $bytes));
        $stream->finish;
    }
};

subtest 'a handler that gives up' => sub {
    my $stream = $conn->new_stream;
    $vol->download($stream, 0, 0);
    my $error = thrown { $stream->async->recv_all(sub { die "enough\n" })->get };
    is($error, "enough\n", 'by dying');
    ok(thrown { $stream->finish }, 'the stream is aborted');
    $stream = $conn->new_stream;
    $vol->upload($stream, 0, 0);
    $error = thrown { $stream->async->send_all(sub { die "no more\n" })->get };
    ok(!ref $error && $error eq "no more\n", 'one that sends, by dying') or diag(explain($error));
    $stream = $conn->new_stream;
    $vol->download($stream, 0, 0);
    own_error { $stream->async->recv_all(sub { return -1 })->get } VKVM::Error::OWN_INVALID(), 'handler',
        'by a number below 0';
    $stream = $conn->new_stream;
    $vol->download($stream, 0, 0);
    my $future = $stream->async->recv_all(sub { return -1 });
    thrown { $future->get };
    is(($future->failure)[1], 'vkvm', 'which has the category of an error of the library');
    own_error { $stream->async->recv_all->get } VKVM::Error::OWN_INVALID(), 'handler', 'no handler';
};

subtest 'sparse transfers' => sub {
    my $volume = $pool->create_volume('<volume><name>holes</name><capacity>1900000</capacity><allocation>0</allocation></volume>');
    my @sections = ([ 1, 300_000 ], [ 0, 1_000_000 ], [ 1, 100_000 ], [ 0, 500_000 ]);
    my (@left, @skipped, @got, $bytes) = @sections;
    my $stream = $conn->new_stream;
    $volume->upload($stream, 0, 0, VKVM::StorageVol::VOL_UPLOAD_SPARSE_STREAM());
    returns_nothing {
        $stream->async->sparse_send_all(
            sub { my $most = $_[2] < 70_001 ? $_[2] : 70_001; $_[1] = 'x' x ($most + 1); return $most },
            sub { return @{ shift @left || [ 1, 0 ] } },
            sub { push @skipped, $_[1]; return 0 },
        )->get
    } 'sending';
    $stream->async->finish->get;
    is_deeply(\@skipped, [ 1_000_000, 500_000 ], 'the holes are sent');
    $stream = $conn->new_stream;
    $volume->download($stream, 0, 0, VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());
    returns_nothing {
        $stream->async->sparse_recv_all(
            sub { my $some = int($_[2] / 2) + 1; $bytes .= substr $_[1], 0, $some; return $some },
            sub { push @got, length $bytes, $_[1]; return 0 },
        )->get
    } 'receiving';
    $stream->async->finish->get;
    my $sum = 0;
    $sum += $_ for length $bytes, @got[ grep { $_ % 2 } 0 .. $#got ];
    is($sum, 1_900_000, 'data and holes are received');
    ok((grep { $_ == 300_000 || $_ == 303_104 } $got[0]), 'the first hole is where it was') or diag("@got");

    my %gives_up = (
        handler      => sub { $_[0]->sparse_recv_all(sub { return -1 }, sub { return 0 }) },
        hole_handler => sub { $_[0]->sparse_recv_all(sub { return $_[2] }, sub { return -1 }) },
    );
    for my $name (sort keys %gives_up) {
        $stream = $conn->new_stream;
        $volume->download($stream, 0, 0, VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());
        own_error { $gives_up{$name}->($stream->async)->get } VKVM::Error::OWN_INVALID(), $name, "$name gives up";
        ok(thrown { $stream->finish }, 'the stream is aborted');
    }
    for my $method (qw(recv_all sparse_recv_all)) {
        my $calls = 0;
        $stream = $conn->new_stream;
        $volume->download($stream, 0, 0, $method eq 'recv_all' ? 0 : VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());
        my @holes = $method eq 'recv_all' ? () : sub { 0 };
        own_error { $stream->async->$method(sub { return $calls++ ? -1 : 0 }, @holes)->get } VKVM::Error::OWN_INVALID(),
            'handler', "$method with a handler that takes nothing";
        is($calls, 1, 'which is called once');
        ok(thrown { $stream->finish }, 'the stream is aborted');
        $calls  = 0;
        $stream = $conn->new_stream;
        $volume->download($stream, 0, 0, $method eq 'recv_all' ? 0 : VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());
        is(thrown { $stream->async->$method(sub { die "the same again\n" if $calls++ > 1000; return 1e30 }, @holes)->get },
            undef, "$method with a handler that takes more than there is");
    }
    my %sends = (
        hole_handler => [ sub { return 0 }, sub { return }, sub { return 0 } ],
        skip_handler => [ sub { return 0 }, sub { return (0, 5) }, sub { return -1 } ],
    );
    for my $name (sort keys %sends) {
        $stream = $conn->new_stream;
        $volume->upload($stream, 0, 0, VKVM::StorageVol::VOL_UPLOAD_SPARSE_STREAM());
        own_error { $stream->async->sparse_send_all(@{ $sends{$name} })->get } VKVM::Error::OWN_INVALID(), $name, "$name gives up";
    }
    own_error { $stream->async->sparse_send_all(sub { 0 }, 'no code', sub { 0 })->get } VKVM::Error::OWN_INVALID(),
        'hole_handler', 'the second of three is no code';
    $volume->delete;
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

# What each way to transfer all does, with a limit and without one.
sub sparse_of {
    my ($own, $name) = @_;
    my $volume = $own->get_storage_pool_by_name('p')->get_volume_by_name($name);
    my ($up, $down) = (VKVM::StorageVol::VOL_UPLOAD_SPARSE_STREAM(), VKVM::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM());
    my @sections = ([ 1, 300_000 ], [ 0, 1_000_000 ], [ 1, 100_000 ], [ 0, 500_000 ]);
    my (@left, $in, @skipped, @got) = @sections;
    my $stream = $own->new_stream;
    $volume->upload($stream, 0, 0, $up);
    my @nothing = $stream->sparse_send_all(
        sub { my $most = $_[2] < 70_001 ? $_[2] : 70_001; $_[1] = 'x' x $most; return $most },
        sub { return @{ shift @left || [ 1, 0 ] } },
        sub { push @skipped, $_[1]; return 0 },
    );
    $stream->finish;
    $stream = $own->new_stream;
    $volume->download($stream, 0, 0, $down);
    push @nothing, $stream->sparse_recv_all(
        sub { push @got, [ 1, 0 ] if !@got || !$got[-1][0]; $got[-1][1] += $_[2]; return $_[2] },
        sub { push @got, [ 0, $_[1] ]; return 0 },
    );
    $stream->finish;
    return { nothing => \@nothing, skipped => \@skipped, got => \@got };
}

# A transfer that fails: its exception, and what is left of the stream.
sub failing_of {
    my ($own) = @_;
    my $volume = $own->get_storage_pool_by_name('p')->get_volume_by_name('v');
    my %failing = (
        'recv_all, -1'       => [ 0, 0, sub { $_[0]->recv_all(sub { $! = 28; return -1 }) } ],
        'recv_all, no errno' => [ 0, 0, sub { $_[0]->recv_all(sub { $! = 0; return -1 }) } ],
        'recv_all, dies'     => [ 0, 0, sub { $_[0]->recv_all(sub { die { its => 'own' } }) } ],
        'recv_all, takes none'        => [ 0, 0, sub { my $calls = 0; $_[0]->recv_all(sub { return $calls++ ? -1 : 0 }) } ],
        'sparse_recv_all, takes none' => [ 0, 1, sub { my $calls = 0; $_[0]->sparse_recv_all(sub { return if !$calls++; -1 }, sub { 0 }) } ],
        'recv_all, no code'  => [ 0, 0, sub { $_[0]->recv_all('code') } ],
        'send_all, -1'       => [ 1, 0, sub { $_[0]->send_all(sub { $! = 28; return -1 }) } ],
        'send_all, dies'     => [ 1, 0, sub { $_[0]->send_all(sub { die "enough\n" }) } ],
        'send_all, of a download'    => [ 0, 0, sub { $_[0]->send_all(sub { $_[1] = 'x'; return 1 }) } ],
        'sparse_send_all, sections'  => [ 1, 1, sub { $_[0]->sparse_send_all(sub { 0 }, sub { return }, sub { 0 }) } ],
        'sparse_send_all, negative'  => [ 1, 1, sub { $_[0]->sparse_send_all(sub { 0 }, sub { (1, -5) }, sub { 0 }) } ],
        'sparse_send_all, skipping'  => [ 1, 1, sub { $_[0]->sparse_send_all(sub { 0 }, sub { (0, 5) }, sub { -1 }) } ],
        'sparse_recv_all, -1'        => [ 0, 1, sub { $_[0]->sparse_recv_all(sub { -1 }, sub { -1 }) } ],
        'sparse_recv_all, dies'      => [ 0, 1, sub { $_[0]->sparse_recv_all(sub { die "a\n" }, sub { die "b\n" }) } ],
    );
    my %came_to;
    for my $what (sort keys %failing) {
        my ($is_up, $is_sparse, $code) = @{ $failing{$what} };
        my $stream = $own->new_stream;
        my $way    = $is_up ? 'upload' : 'download';
        $volume->$way($stream, 0, 0, $is_sparse);
        my $error = thrown { $code->($stream) };
        my $ended = thrown { $stream->finish };
        if (ref $error && eval { $error->isa('VKVM::Error') }) {
            delete $error->{function};
            # How much has come by then is different each time.
            $error->{message} =~ s/took none of \K\d+/N/;
        }
        $came_to{$what} = [ ref $error && "$error" =~ /HASH/ ? {%$error} : $error, $ended ? $ended->message : 'it is open' ];
    }
    return \%came_to;
}

subtest 'whole streams with a limit' => sub {
    my $own = VKVM->new(uri => $bed->{URI}, call_timeout => 60);
    $pool->create_volume("<volume><name>$_</name><capacity>2000000</capacity><allocation>0</allocation></volume>") for qw(s1 s2);
    is_deeply(sparse_of($own, 's1'), sparse_of($conn, 's2'), 'with holes');
    my $failing = failing_of($own);
    is_deeply($failing, failing_of($conn), 'what fails');
    like($failing->{"${_}recv_all, takes none"}[0], qr/handler: took none of N bytes/, "${_}recv_all with a handler that takes nothing")
      for '', 'sparse_';
    $vol->upload_file("$dir/copy");

    my $volume = $own->get_storage_pool_by_name('p')->get_volume_by_name('v');
    my ($got, $stream) = ('', $own->new_stream);
    $volume->download($stream, 0, 0);
    $stream->recv_all(sub { my $count = int($_[2] / 2) + 1; $got .= substr $_[1], 0, $count; return $count });
    $stream->finish;
    ok($got eq $data, 'recv_all');
    $stream = $own->new_stream;
    $volume->upload($stream, 0, 0);
    is_deeply([ $stream->send_all(source(scalar reverse $data)) ], [], 'send_all returns nothing');
    $stream->finish;
    ok(slurp($vol->get_path) eq reverse($data), 'and sends all');
    $vol->upload_file("$dir/copy");
};

subtest 'whole streams of a daemon that is stopped' => sub {
    my $own    = VKVM->new(uri => $bed->{URI}, call_timeout => 0.5);
    my $huge   = $own->get_storage_pool_by_name('p')->get_volume_by_name('large');
    my %before = map { $_ => VKVM::handle_count($_) } qw(call stream value);
    my $stop   = sub { kill STOP => $daemon; return };
    my %way    = (
        recv_all => [ download => sub { $_[0]->recv_all(sub { $stop->(); return $_[2] }) } ],
        send_all => [ upload   => sub { $_[0]->send_all(sub { $stop->(); $_[1] = 'x' x $_[2]; return $_[2] }) } ],
        sparse_recv_all => [ download => sub { $_[0]->sparse_recv_all(sub { $stop->(); return $_[2] }, sub { $stop->(); return 0 }) } ],
        sparse_send_all => [ upload => sub {
            $_[0]->sparse_send_all(sub { $stop->(); $_[1] = 'x' x $_[2]; return $_[2] }, sub { (1, 1 << 30) }, sub { 0 });
        } ],
    );
    for my $name (sort keys %way) {
        my ($way, $code) = @{ $way{$name} };
        for my $how ('its timeout', 'a handler that dies', 'a handler that returns') {
            $own->set_call_timeout($how eq 'its timeout' ? 0.5 : 60);
            # What is all holes is received whole before the daemon is stopped.
            my $stream = $own->new_stream;
            $huge->$way($stream, 0, 0, 0);
            my ($rang, $begin) = (0, time);
            local $SIG{ALRM} = sub {
                $rang++;
                die "rang\n" if $how =~ /dies/;
                kill CONT => $daemon;
                $stop = sub { die "enough\n" };
            };
            my $error = thrown {
                Time::HiRes::ualarm(500_000) if $how ne 'its timeout';
                $code->($stream);
            };
            Time::HiRes::ualarm(0);
            my $took = time - $begin;
            kill CONT => $daemon;
            $stop = sub { kill STOP => $daemon; return };
            if ($how eq 'its timeout') {
                is(ref $error && $error->code, VKVM::Error::OWN_TIMEOUT(), "$name: $how") or diag($error);
            }
            else {
                is($rang,  1, "$name: $how has run");
                is($error, $how =~ /dies/ ? "rang\n" : "enough\n", "$name: $how");
            }
            cmp_ok($took, '<', 30, "$name: in time");
            ok(thrown { $stream->finish }, "$name: the stream is aborted");
            soon { my $calls = $own->get_calls; !grep { $_ } values %$calls } "$name: no call is left";
            my $again = $own->new_stream;
            $huge->download($again, 0, 1000);
            my $piece;
            is($again->recv($piece, 1000), 1000, "$name: the next stream works");
            $again->finish;
        }
    }
    handles_become(\%before, 'nothing is left');
};

subtest 'a pool with jobs' => sub {
    my $xml   = '<volume><name>clone</name><capacity>6000000000</capacity><allocation>0</allocation></volume>';
    my $from  = $pool->create_volume($xml =~ s/clone/from/r);
    my $clone = $pool->async->clone_volume($xml, $from);
    my $is_busy;
    until ($is_busy || $clone->is_ready) {
        my $error = thrown { $pool->async->refresh->get };
        $is_busy = $error && $error->message =~ /asynchronous jobs/;
    }
    ok($is_busy, 'it refuses to be refreshed');
    my $error = thrown { $pool->async(timeout => 0.05)->wait_for_jobs->get };
    is($error && $error->code, VKVM::Error::OWN_TIMEOUT(), 'a wait with a timeout');
    returns_nothing { $pool->async->wait_for_jobs->get } 'waiting';
    returns_nothing { $pool->refresh } 'then it can be refreshed:';
    $_->delete for $clone->get, $from;
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
handles_become({ call => 0, stream => 0, conn => 0 }, 'nothing is left');
done_testing;
