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
    own_error { $vol->async->upload_file("$dir/copy", 0, 0, 0, sub { return 0 })->get }
        VKVM::Error::OWN_INVALID(), 'callback', 'progress is refused';
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
};

undef $_ for $vol, $pool, $conn;
handles_are({ call => 0, stream => 0, conn => 0 }, 'nothing is left');
done_testing;
