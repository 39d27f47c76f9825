# SPDX-License-Identifier: LGPL-2.1-or-later
# Opening a connection within a deadline, and again after an outage, with an event loop in
# Perl: it is called on Perl's thread only, and not held up.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use Test::More;
use Time::HiRes qw(time);
use PollLoop;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;
use VKVM::EventQueue;
use VKVM::EventImpl;

my $bed = TestBed->daemon('test-daemon', '--sasl', 'digest-md5') or plan(skip_all => TestBed->reason);
my $dir = tempdir(CLEANUP => 1);

@PollLoop::ISA = ('VKVM::EventImpl');
my $loop = PollLoop->new;
VKVM::Event::register($loop);

sub turn_until(&) {
    my ($holds) = @_;
    return within(120, sub { $loop->turn until $holds->(); 1 });
}

my %login = (username => $bed->{SASL_USER}, password => $bed->{SASL_PASSWORD}, keep_credentials => 1);
my $queue = VKVM::EventQueue->new;
my $conn  = VKVM->new(
    uri => $bed->{URI_TCP}, timeout => 30, keepalive => [ 5, 3 ], %login,
    resume => { max_delay => 0.2, queue => $queue }
);
cmp_ok($loop->{calls}{add_handle}, '>=', 1, 'the loop has got what the opening had for it');

my @seen;
my $id = $conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE, sub { push @seen, $_[1]->get_name });
my $made = $conn->create_domain(domain_xml('made'));
ok(turn_until { @seen }, 'events arrive');
undef $made;

{
    my $silent = IO::Socket::UNIX->new(Local => "$dir/silent", Listen => 64) // die $!;
    my $added  = $loop->{calls}{add_handle};
    my $error  = thrown { VKVM->new(uri => "test+unix:///default?socket=$dir/silent", timeout => 0.2) };
    is($error->code, VKVM::Error::OWN_TIMEOUT, 'a silent daemon');
    is($loop->{calls}{add_handle}, $added, 'of which the loop was not told');
}

# The events of the outage and of the next connection.
sub is_open_again {
    my ($what) = @_;
    my @events;
    ok(turn_until { push @events, grep { $_ } $queue->next(0); @events == 2 }, "$what: the connection is open again");
    my @order = map { $_->{args}{event} } @events;
    is_deeply(\@order, [ VKVM::RESUME_DISCONNECTED, VKVM::RESUME_RECONNECTED ], "$what: the events are in order");
    @seen = ();
    my $again = $conn->create_domain(domain_xml('again'));
    ok(turn_until { @seen }, "$what: events of the next connection arrive");
    return;
}

$bed->restart;
is_open_again('after a restart');

# A host that comes up, and connects before it answers.
$bed->kill_daemon;
my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $bed->{PORT}, Listen => 64, ReuseAddr => 1)
  // die "port $bed->{PORT}: $!";
ok(turn_until { scalar(my @all = VKVM::get_openings()) }, 'the connection is being opened again');
my ($ticks, $longest, $last) = (0, 0, time);
my $timer = VKVM::Event::add_timeout(
    1,
    sub {
        my $now = time;
        $longest = $now - $last if $now - $last > $longest;
        ($last, $ticks) = ($now, $ticks + 1);
    }
);
turn_until { $ticks >= 50 };
VKVM::Event::remove_timeout($timer);
cmp_ok($longest, '<', 2, 'the loop turns meanwhile');
is((VKVM::get_openings())[0]{running}, 1, 'which is not over');
close $silent;
$bed->restart;
is_open_again('after a silent host');

$conn->domain_event_deregister_any($id);
undef $conn;
undef $queue;
turn_until { VKVM::handle_count('conn') == 0 };
$loop->turn for 1 .. 3;
# One queue tells of all calls that have a limit.
handles_are({ conn => 0, event_queue => 1 }, 'no handle is left');

done_testing;
