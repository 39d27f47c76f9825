# SPDX-License-Identifier: LGPL-2.1-or-later
# SIGPIPE in Perl: in each kind of callback it has its usual effect, and a call on a
# connection whose daemon was killed neither ends the program nor calls $SIG{PIPE}. Each
# part runs in a process of its own, with the signal's default effect and with a handler.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use PollLoop;
use Test::More;
use TestBed;
use TestVKVM;

use BothFaces;
use VKVM::Event;
use VKVM::EventImpl;
use VKVM::Host;

push @PollLoop::ISA, 'VKVM::EventImpl';

my $rich = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $bed  = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
my $dir  = "$rich->{top}/pool";
mkdir $dir or die "cannot make $dir: $!";

# What a part has seen.
my ($called, $handled, $was_blocked);

sub write_to_nobody {
    pipe(my $out, my $in) or die "no pipe: $!";
    close $out;
    return syswrite($in, 'x') ? die 'a write to nobody worked' : ();
}

sub is_blocked {
    my $now = POSIX::SigSet->new;
    POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new, $now) or die "no mask: $!";
    return $now->ismember(POSIX::SIGPIPE());
}

sub is_pending {
    my $now = POSIX::SigSet->new;
    POSIX::sigpending($now) or die "no set: $!";
    return $now->ismember(POSIX::SIGPIPE());
}

# What the program does in the callback that a part is about; only once.
sub as_a_program {
    return if $called++;
    # A program that is executed here begins with the same mask.
    $was_blocked = is_blocked() || (`cat /proc/self/status` =~ /^SigBlk:\s*0+$/m ? 0 : 1);
    write_to_nobody();
    return;
}

# Runs code in a child; gives its status, as $? has it, and what it has printed.
sub in_child {
    my ($handler, $code) = @_;
    pipe(my $out, my $in) or die "no pipe: $!";
    my $child = fork // die "cannot fork: $!";
    if (!$child) {
        alarm 300;
        ($called, $handled) = (0, 0);
        $SIG{PIPE} = $handler ? sub { $handled++ } : 'DEFAULT';
        my $report = sub { syswrite $in, join '', @_ };
        eval { $code->($report); 1 } or $report->("died: $@");
        POSIX::_exit(0);
    }
    close $in;
    my $printed = do { local $/; <$out> };
    waitpid $child, 0;
    return ($?, $printed);
}

sub in_callback {
    my ($what, $part) = @_;
    my ($status, $seen) = in_child(1, sub {
        my ($report) = @_;
        $part->();
        $report->(join ' ', 'called', $called > 0, 'handled', $handled, 'blocked', $was_blocked,
            is_blocked(), 'pending', is_pending());
    });
    is("$status $seen", '0 called 1 handled 1 blocked 0 0 pending 0', "$what: \$SIG{PIPE} is called");
    ($status) = in_child(0, $part);
    is($status & 127, POSIX::SIGPIPE(), "$what: it ends the program");
    return;
}

sub when_killed {
    my ($what, $part) = @_;
    for my $handler (1, 0) {
        my ($status, $seen) = in_child($handler, sub {
            my ($report) = @_;
            $part->();
            $report->(join ' ', 'handled', $handled, 'blocked', is_blocked(), 'pending', is_pending());
            write_to_nobody();
            $report->(' handled ', $handled);
        });
        my $with = $handler ? 'a handler' : 'the default';
        my $end  = $handler ? ' handled 1' : '';
        is($seen, "handled 0 blocked 0 pending 0$end", "$what: not noticed, with $with");
        is($status & 127, $handler ? 0 : POSIX::SIGPIPE(), 'the own write after it is');
    }
    return;
}

sub turn_until {
    my ($done) = @_;
    my $timer = Face::Event::add_timeout(20, sub { });
    Face::Event::run_default() until $done->();
    Face::Event::remove_timeout($timer);
    return;
}

# --- callbacks --------------------------------------------------------------

my $auth = "$rich->{top}/auth.xml";
open(my $file, '>', $auth) or die "cannot write $auth: $!";
print $file '<node><auth><user>alice</user></auth></node>';
close $file or die "cannot write $auth: $!";

in_callback('credentials', sub {
    my $conn  = Face->new(uri => $bed->{URI_UNIX});    # with a socket the signal gets blocked
    my $asked = sub { as_a_program(); $_->{result} = 'alice' for @{ $_[0] }; return 0 };
    Face->new(uri => "test://$auth", auth => 1, credlist => [Face::CRED_AUTHNAME], callback => $asked);
});

my $size = 1_000_000;
my $data = "$rich->{top}/data";
open($file, '>', $data) or die "cannot write $data: $!";
print $file 'x' x $size;
close $file or die "cannot write $data: $!";
in_child(0, sub {
    my $conn = Face->new(uri => $rich->{URI});
    my $pool = $conn->create_storage_pool(
        "<pool type='dir'><name>p</name><target><path>$dir</path></target></pool>");
    $pool->create_volume("<volume><name>v</name><capacity>$size</capacity></volume>");
});

# Calls code with a volume, and a stream to or from it.
sub with_volume {
    my ($code, $up, $sparse, $flags) = @_;
    my $conn   = Face->new(uri => $rich->{URI});
    my $vol    = $conn->get_storage_pool_by_name('p')->get_volume_by_name('v');
    my $stream = $conn->new_stream($flags // 0);
    return $code->($vol, $conn) unless defined $up;
    my $method = $up ? 'upload' : 'download';
    my $flag   = !$sparse ? 0
      : $up ? Face::StorageVol::VOL_UPLOAD_SPARSE_STREAM
      :       Face::StorageVol::VOL_DOWNLOAD_SPARSE_STREAM;
    $vol->$method($stream, 0, 0, $flag);
    return $code->($stream);
}

my $once = sub {
    my $left = 100;
    return sub { my $now = $left; $left = 0; $_[1] = 'x' x $now; return $now };
};
my $sections = sub { my @all = ([ 1, 100 ], [ 0, 4096 ]); return sub { @{ shift @all || [ 1, 0 ] } } };
my $and = sub { my ($code) = @_; return sub { as_a_program(); goto &$code } };

in_callback('send_all', sub { with_volume(sub { $_[0]->send_all($and->($once->())) }, 1) });
in_callback('recv_all', sub { with_volume(sub { $_[0]->recv_all($and->(sub { $_[2] })) }, 0) });
in_callback('sparse_send_all', sub {
    with_volume(sub { $_[0]->sparse_send_all($and->($once->()), $sections->(), sub { 0 }) }, 1, 1);
});
in_callback('sparse_send_all, sections', sub {
    with_volume(sub { $_[0]->sparse_send_all($once->(), $and->($sections->()), sub { 0 }) }, 1, 1);
});
in_callback('sparse_send_all, holes', sub {
    with_volume(sub { $_[0]->sparse_send_all($once->(), $sections->(), $and->(sub { 0 })) }, 1, 1);
});
in_callback('sparse_recv_all', sub {
    with_volume(sub { $_[0]->sparse_recv_all($and->(sub { $_[2] }), $and->(sub { 0 })) }, 0, 1);
});
in_callback('upload_file', sub {
    with_volume(sub { $_[0]->upload_file($data, 0, 0, 0, $and->(sub { 0 })) });
});
in_callback('download_file', sub {
    with_volume(sub { $_[0]->download_file("$data.copy", 0, 0, 0, $and->(sub { 0 })) });
});
in_callback('a command', sub {
    with_volume(sub {
        VKVM::Host->new(conn => $_[1])->volume->upload('v', $data, 'p', progress => $and->(sub { 1 }));
    });
});
in_callback('a stream', sub {
    Face::Event::register_default();
    with_volume(sub {
        $_[0]->add_callback(Face::Stream::EVENT_READABLE, \&as_a_program);
        turn_until(sub { $called });
        $_[0]->abort;
    }, 0, 0, Face::Stream::NONBLOCK);
});

in_callback('a timer', sub {
    Face::Event::register_default();
    Face::Event::add_timeout(0, \&as_a_program);
    turn_until(sub { $called });
});
in_callback('a watch', sub {
    Face::Event::register_default();
    open(my $zero, '<', '/dev/zero') or die "no /dev/zero: $!";
    Face::Event::add_handle(fileno $zero, Face::Event::HANDLE_READABLE, \&as_a_program);
    turn_until(sub { $called });
});
in_callback('an event', sub {
    Face::Event::register_default();
    my $conn = Face->new(uri => $bed->{URI_UNIX});
    $conn->domain_event_register_any(undef, Face::Domain::EVENT_ID_LIFECYCLE, \&as_a_program);
    $conn->create_domain(domain_xml('noticed'))->destroy;
    turn_until(sub { $called });
});
in_callback('what a callback has captured', sub {
    package Captured { sub DESTROY { main::as_a_program(); return } }
    Face::Event::register_default();
    my $captured = bless [], 'Captured';
    my $conn     = Face->new(uri => $bed->{URI_UNIX});
    my $number   = $conn->domain_event_register_any(undef, Face::Domain::EVENT_ID_LIFECYCLE,
        sub { $captured });
    undef $captured;
    $conn->domain_event_deregister_any($number);
    turn_until(sub { $called });
});
in_callback('the end of a connection', sub {
    Face::Event::register_default();
    my $conn = Face->new(uri => $bed->{URI_UNIX});
    $conn->register_close_callback(\&as_a_program);
    $bed->restart;
    turn_until(sub { $called });
});
for my $method (qw(add_handle update_handle add_timeout update_timeout remove_handle)) {
    in_callback("an own loop's $method", sub {
        my $plain = PollLoop->can($method);
        no warnings qw(redefine once);
        no strict 'refs';
        *{"PollLoop::$method"} = sub { as_a_program(); goto &$plain };
        my $loop = PollLoop->new;
        Face::Event::register($loop);
        my $conn = Face->new(uri => $bed->{URI_UNIX});
        $conn->domain_event_register_any(undef, Face::Domain::EVENT_ID_LIFECYCLE, sub { });
        $conn->set_keep_alive(1, 5);
        $conn->create_domain(domain_xml('noticed'))->destroy;
        $loop->turn for 1 .. 5;
        $conn->close;
        $loop->turn;
    });
}

# --- a daemon that is killed ------------------------------------------------

# A connection to a daemon that was killed. A restart kills it, too; the new one knows
# nothing of the connection.
sub killed {
    my ($code) = @_;
    my $conn  = Face->new(uri => $bed->{URI_UNIX});
    my @more  = $code ? $code->($conn) : ();
    $bed->restart;
    return ($conn, @more);
}

sub fails(&) { my ($code) = @_; thrown { $code->() } or die 'it worked'; return }

when_killed('a call', sub { my ($conn) = killed(); fails { $conn->get_hostname } for 1, 2 });
when_killed('close', sub { my ($conn) = killed(); $conn->close });
when_killed('DESTROY', sub { my ($conn) = killed(); undef $conn });
when_killed('DESTROY of the last domain', sub {
    my ($conn, $dom) = killed(sub { $_[0]->get_domain_by_name('test') });
    undef $conn;
    undef $dom;
});
when_killed('DESTROY of the last list', sub {
    my ($conn, @all) = killed(sub { $_[0]->list_all_domains });
    undef $conn;
    @all = ();
});
when_killed('DESTROY of an open stream', sub {
    my ($conn, $stream) = killed(sub {
        my $stream = $_[0]->new_stream;
        $_[0]->get_domain_by_name('test')->screenshot($stream, 0);
        return $stream;
    });
    undef $stream;
});
when_killed('recv_all', sub {
    my ($conn, $stream) = (Face->new(uri => $bed->{URI_UNIX}));
    $stream = $conn->new_stream;
    $conn->get_domain_by_name('test')->screenshot($stream, 0);
    fails { $stream->recv_all(sub { $bed->restart; return -1 }) };
});
when_killed('a call in a callback', sub {
    Face::Event::register_default();
    my ($conn) = killed();
    my $ended;
    Face::Event::add_timeout(0, sub { fails { $conn->get_hostname }; $conn->close; $ended = 1 });
    turn_until(sub { $ended });
});
when_killed('deregister', sub {
    Face::Event::register_default();
    my ($conn, $number) = killed(sub {
        $_[0]->domain_event_register_any(undef, Face::Domain::EVENT_ID_LIFECYCLE, sub { });
    });
    thrown { $conn->domain_event_deregister_any($number) };
    $conn->close;
});
when_killed('the loop', sub {
    Face::Event::register_default();
    my $ended;
    my ($conn) = killed(sub {
        $_[0]->register_close_callback(sub { $ended = 1 });
        $_[0]->set_keep_alive(1, 5);
        return;
    });
    turn_until(sub { $ended });
});
when_killed('the loop on a thread', sub {
    Face::Event::start();
    my $queue = VKVM::EventQueue->new;
    my ($conn) = killed(sub { $queue->register_close_callback($_[0]); return });
    $queue->next(300_000) or die 'the end of the connection is not told';
    Face::Event::stop();
});

done_testing;
