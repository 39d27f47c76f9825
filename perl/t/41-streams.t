# SPDX-License-Identifier: LGPL-2.1-or-later
# Streams in Perl: handlers that die, what is left behind, progress, a guest's
# console and screen.

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

# Before there is a connection: a slow machine needs longer for it than the daemon waits
# for a sign of life.
my $data = join '', map { pack 'N', $_ * 2654435761 % 4294967296 } 1 .. 1_000_000;

my $conn = VKVM->new(uri => $bed->{URI});
my $pool = $conn->create_storage_pool(
    "<pool type='dir'><name>p</name><target><path>$dir</path></target></pool>");
my $vol = $pool->create_volume('<volume><name>v</name><capacity>4000000</capacity></volume>');

# Nothing else writes to this one: the daemon may cut a volume at a hole long after the
# upload was aborted.
my $whole = $pool->create_volume('<volume><name>whole</name><capacity>4000000</capacity></volume>');

sub slurp { my ($path) = @_; open(my $f, '<:raw', $path) or die $!; local $/; return scalar <$f> }

subtest 'files, with progress' => sub {
    open(my $file, '>:raw', "$dir/source") or die $!;
    print $file $data;
    close $file;
    my @told;
    is($vol->upload_file("$dir/source", 0, 0, 0, sub { push @told, [@_]; return }), 4_000_000,
        'upload_file');
    is_deeply([ @told[ 0, -1 ] ], [ [ 0, 4_000_000 ], [ 4_000_000, 4_000_000 ] ], 'progress');
    ok(slurp($vol->get_path) eq $data, 'the content');
    is($vol->download_file("$dir/part", 1000, 20_000), 20_000, 'download_file, without progress');
    ok(slurp("$dir/part") eq substr($data, 1000, 20_000), 'the content');
    is(thrown { $vol->download_file("$dir/none", 0, 0, 0, sub { -1 }) }->code,
        VKVM::Error::ERR_OPERATION_ABORTED, 'progress ends it');
    is(thrown { $vol->download_file("$dir/none", 0, 0, 0, sub { die "enough\n" }) }, "enough\n",
        'its exception comes through');
    ok(!-e "$dir/none", 'no file is left');
    open(my $in, '<:raw', "$dir/source") or die $!;
    is($vol->upload_fd(fileno $in), 4_000_000, 'upload_fd');
    is($whole->upload_file("$dir/source"), 4_000_000, 'upload_file to another volume');
    own_error { $vol->upload_file("$dir/missing") } VKVM::Error::OWN_FILE, 'path', 'no such file';
};

sub download { my $st = $conn->new_stream; $vol->download($st, 0, 0, @_); return $st }
sub upload   { my $st = $conn->new_stream; $vol->upload($st, 0, 0, @_);   return $st }

subtest 'handlers that die' => sub {
    my $oops = sub { die { oops => 1 } };
    for my $call (
        sub { download()->recv_all($oops) },
        sub { upload()->send_all($oops) },
        sub { download(1)->sparse_recv_all($oops, $oops) },
        sub { upload(1)->sparse_send_all($oops, sub { (1, 5) }, $oops) },
        sub { upload(1)->sparse_send_all($oops, $oops, $oops) },
        sub { upload(1)->sparse_send_all($oops, sub { (0, 5) }, $oops) },
    ) {
        is_deeply(thrown { $call->() }, { oops => 1 }, 'with what it died');
    }
    own_error { upload(1)->sparse_send_all(sub { 0 }, 'no code', sub { 0 }) }
      VKVM::Error::OWN_INVALID, 'hole_handler', 'the second of three is no code';
    my $st = upload();
    $st->send_all(sub { $_[1] = []; return 7 });
    pass('data that are no text are none');
    is(thrown { $st->recv(my $x, 'x') }->parameter, 'nbytes', 'recv: nbytes');
    is(thrown { $st->send('x', -1) }->parameter, 'nbytes', 'send: nbytes');
};

subtest 'callbacks' => sub {
    my $timer = VKVM::Event::add_timeout(20, sub { });
    my $calls = 0;
    my $st    = $conn->new_stream(VKVM::Stream::NONBLOCK);
    $whole->download($st, 0, 0);
    is($st->recv(my $x, 10), VKVM::Stream::WOULD_BLOCK, 'would block');
    $st->add_callback(VKVM::Stream::EVENT_READABLE, sub { $calls++; $_[0]->abort; die "in it\n" });
    my $error;
    within(120, sub { $error = thrown { VKVM::Event::run_default() } until $error });
    is($error, "in it\n", 'run_default dies as the callback did');
    VKVM::Event::run_default() for 1 .. 3;
    is($calls, 1, 'abort has removed it');
    VKVM::Event::remove_timeout($timer);
};

subtest 'a stream that is dropped with its callback' => sub {
    my $timer = VKVM::Event::add_timeout(20, sub { });
    my ($calls, $gone) = (0, 0);
    my $st = $conn->new_stream(VKVM::Stream::NONBLOCK);
    $whole->download($st, 0, 0);
    my $guard = bless [ \$gone ], 'Guard';
    $st->add_callback(VKVM::Stream::EVENT_READABLE, sub { $calls++; return $guard });
    undef $guard;
    handles_are({ stream => 1 }, 'there is a stream');
    undef $st;
    handles_are({ stream => 0 }, 'its last reference aborts it');
    is($gone, 1, 'and releases the callback');
    VKVM::Event::run_default() for 1 .. 3;
    is($calls, 0, 'which is not called');

    # Dropped while the callback runs, which has a reference of its own.
    $st = $conn->new_stream(VKVM::Stream::NONBLOCK);
    $whole->download($st, 0, 0);
    my $received;
    $st->add_callback(VKVM::Stream::EVENT_READABLE, sub {
        undef $st;
        $calls++;
        $received = $_[0]->recv(my $x, 10);
    });
    within(120, sub { VKVM::Event::run_default() until $calls });
    VKVM::Event::run_default() for 1 .. 3;
    is($received, 10, 'a callback that drops it can use it until it returns');
    is($calls,    1,  'and is not called again');
    VKVM::Event::remove_timeout($timer);
};

sub Guard::DESTROY { my ($self) = @_; ${ $self->[0] }++; return }

handles_are({ stream => 0, error => 0, value => 0 }, 'nothing is left');

subtest 'a guest' => sub {
    my $xml = $bed->guest_xml('guest', '6c1f3a52-5a0c-4d0e-9b61-3f6f0d3c2a41')
      or plan(skip_all => TestBed->reason);
    $xml =~ s{(?=<memballoon)}{<channel type='unix'><target type='virtio' name='spare'/></channel>
        <graphics type='vnc'><listen type='socket' socket='$bed->{DIR}/vnc'/></graphics><video><model type='vga'/></video>};
    my $dom = $conn->create_domain($xml);
    ok($bed->wait_for_guest, 'the guest is up');
    my $st = $conn->new_stream;
    $dom->open_console($st, undef, 0);
    my $line = "echo con'sole' \$((6*7))\n";
    is($st->send($line, length $line), length $line, 'typed');
    my $text = '';
    within(120, sub {
        while ($text !~ /console 42/) {
            my $count = $st->recv(my $part, 1000);
            last if $count <= 0;
            $text .= $part;
        }
    });
    like($text, qr/console 42/, 'read');
    # One line of the channel is answered, behind the console's back. Until the channel is
    # open here, the guest reads its end at once.
    my $answer = 'p=$(grep -lx spare /sys/class/virtio-ports/*/name); p=${p%/name}; p=/dev/${p##*/}; '
      . '(exec 3<>$p; until read -r line <&3; do sleep 1; done; echo seen:$line >&3) &' . "\n";
    $st->send($answer, length $answer);
    my $other = $conn->new_stream;
    isa_ok(thrown { $dom->open_console($other, undef, VKVM::Domain::OPEN_CONSOLE_SAFE) },
        'VKVM::Error', 'a console that is in use');
    $st->abort;

    $st = $conn->new_stream(VKVM::Stream::NONBLOCK);
    isa_ok(thrown { $dom->open_channel($st, 'no such') }, 'VKVM::Error', 'no such channel');
    $dom->open_channel($st, 'spare');
    is($st->recv(my $x, 10), VKVM::Stream::WOULD_BLOCK, 'nothing comes from the channel');
    is($st->send("hello\n", 6), 6, 'something goes there');
    my $heard = '';
    my $tick  = VKVM::Event::add_timeout(20, sub { });
    $st->add_callback(VKVM::Stream::EVENT_READABLE, sub {
        my $count = $_[0]->recv(my $part, 100);
        $heard .= $part if $count > 0;
        return;
    });
    within(120, sub { VKVM::Event::run_default() until $heard =~ /\n/ });
    is($heard, "seen:hello\n", 'the guest answers');
    VKVM::Event::remove_timeout($tick);
    $st->abort;

    $st = $conn->new_stream;
    my $type = $dom->screenshot($st, 0);
    like($type, qr{^image/}, 'screenshot');
    my $picture = '';
    $st->recv_all(sub { $picture .= $_[1]; $_[2] });
    $st->finish;
    like($picture, $type =~ /png/ ? qr/^\x89PNG/ : qr/^P6/, 'a picture');
    $dom->destroy;
};

subtest 'a daemon that is killed' => sub {
    my $st = upload();
    $st->send($data, 100_000);
    $bed->kill_daemon;
    my $error;
    within(120, sub { $error = thrown { $st->send($data, 100_000) } until $error });
    isa_ok($error, 'VKVM::Error', 'an error');
    isa_ok(thrown { $st->finish }, 'VKVM::Error', 'of finish, too');
};

done_testing;
