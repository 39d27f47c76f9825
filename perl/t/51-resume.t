# SPDX-License-Identifier: LGPL-2.1-or-later
# A connection that is opened again when its daemon was restarted.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use Test::More;
use Time::HiRes qw(time);
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

own_error { VKVM->new(uri => 'test:///default')->enable_resume(1000, sub { }) }
  VKVM::Error::OWN_NO_EVENT_LOOP, undef, 'without a loop';
VKVM::Event::register_default();

# Counts when it is freed.
sub Freed::new     { return bless [ $_[1] ], $_[0] }
sub Freed::DESTROY { ${ $_[0][0] }++; return }

# Turns the loop until the condition holds. False when it does not within two minutes.
sub turn_until(&) {
    my ($condition) = @_;
    my $timer = VKVM::Event::add_timeout(20, sub { });
    my $held  = within(120, sub { VKVM::Event::run_default() until $condition->(); 1 });
    VKVM::Event::remove_timeout($timer);
    return $held;
}

for my $uri (@$bed{qw(URI_UNIX URI_TCP)}) {
    subtest $uri =~ s/:\d+|=.*//gr => sub {
        my $conn = VKVM->new(uri => $uri);
        $conn->set_keep_alive(5, 3);
        my $dom  = $conn->get_domain_by_name('test');
        my $net  = $conn->get_network_by_name('default');
        my $pool = $conn->get_storage_pool_by_name('default-pool');
        my $gone = $conn->create_domain(domain_xml('gone'));

        my (@told, @all, @one);
        my $freed = 0;
        {
            my $guard = Freed->new(\$freed);
            $conn->enable_resume(500, sub { push @told, [ @_[ 1 .. 4 ] ] if $guard; return });
        }
        my $lifecycle = VKVM::Domain::EVENT_ID_LIFECYCLE;
        my @ids = (
            $conn->domain_event_register_any(undef, $lifecycle, sub { push @all, $_[1]->get_name }),
            $conn->domain_event_register_any($dom, $lifecycle, sub { push @one, $_[1]->get_name }),
        );
        my $net_id = $conn->network_event_register_any($net, VKVM::Network::EVENT_ID_LIFECYCLE,
            sub { push @one, $_[1]->get_name });

        my $fastest;
        for my $round (1 .. 10) {
            @told = @all = @one = ();
            $bed->restart;
            my $restarted = time;
            ok(turn_until { @told >= 2 }, "restart $round: told twice") or return;
            my $took = time - $restarted;
            # How long opening a connection takes says how much else the machine has to do.
            my $begin = time;
            VKVM->new(uri => $uri);
            $took -= 10 * (time - $begin);
            $fastest = $took if !defined $fastest || $took < $fastest;
            my ($lost, $found) = @told;
            is($lost->[0],  VKVM::RESUME_DISCONNECTED, 'first that the connection is lost');
            # The kernel may cut a TCP connection of a killed process off.
            my @reasons = (VKVM::CLOSE_REASON_EOF, VKVM::CLOSE_REASON_ERROR);
            ok((grep { $lost->[1] == $_ } @reasons), 'why');
            is_deeply($lost->[3], [], 'no domains then');
            is($found->[0], VKVM::RESUME_RECONNECTED, 'then that there is a new one');
            is($found->[1], $lost->[1], 'why it was lost');
            cmp_ok($found->[2], '>=', 1, 'after how many attempts');
            is_deeply([ map { $_->get_name } @{ $found->[3] } ], ['test'], 'and the domains of now');

            is($conn->is_alive,  1,      'the connection is alive');
            is($dom->get_info->{nrVirtCpu}, 2, 'a domain from before is usable');
            is($net->is_active,  1,      'so is a network');
            is($pool->get_info->{state}, VKVM::StoragePool::STATE_RUNNING, 'and a pool');
            isa_ok(thrown { $gone->get_info }, 'VKVM::Error', 'what is gone fails: its exception');

            $dom->suspend;
            $dom->resume;
            $net->destroy;
            $net->create;
            ok(turn_until { @all >= 2 && @one >= 4 }, 'events flow again');
            is_deeply(\@all, [qw(test test)], 'those of all domains');
            is_deeply([ sort @one ], [qw(default default test test)], 'and those of one object');
            # A machine that has much to do may be late, but not each time.
            last if $round >= 2 && $fastest < 2;
        }
        cmp_ok($fastest, '<', 2, 'within two seconds and ten times what opening takes');

        own_error { $conn->enable_resume(500, sub { }) } VKVM::Error::OWN_INVALID, 'conn', 'a second time';
        my $ends = 0;
        $conn->register_close_callback(sub { $ends++ });
        @told = ();
        $bed->restart;
        ok(turn_until { @told >= 2 }, 'with a close callback besides, a restart is told of');
        is($ends, 1, 'to the close callback, too');
        $conn->domain_event_deregister_any($_) for @ids;
        $conn->network_event_deregister_any($net_id);
        $dom->suspend;
        $dom->resume;
        @all = ();
        turn_until { 1 };
        is_deeply(\@all, [], 'no event after deregistration');
        $conn->disable_resume;
        turn_until { 1 };
        is($freed, 1, 'the callback is freed once');
        own_error { $conn->disable_resume } VKVM::Error::OWN_INVALID, 'conn', 'disabled already';

        # Without it, things are as ever.
        @told = ();
        $bed->restart;
        ok(turn_until { !$conn->is_alive }, 'then a restart ends the connection');
        isa_ok(thrown { $conn->get_hostname }, 'VKVM::Error', 'a call on it: the exception');
        is_deeply(\@told, [], 'nothing is told');
    };
}

subtest 'the connection is closed while it waits for the daemon' => sub {
    my @told;
    my $conn = VKVM->new(uri => $bed->{URI_UNIX});
    $conn->enable_resume(200, sub { push @told, $_[1]; return });
    $bed->kill_daemon;
    ok(turn_until { @told }, 'the end is told') or return;
    my $turns = 0;
    turn_until { ++$turns > 10 };
    is_deeply(\@told, [VKVM::RESUME_DISCONNECTED], 'and nothing more while there is no daemon');
    $conn->disable_resume;
    undef $conn;
    $bed->restart;
    turn_until { ++$turns > 20 };
    is_deeply(\@told, [VKVM::RESUME_DISCONNECTED], 'nor when there is one again');
};

subtest 'what is registered while there is no daemon' => sub {
    my $conn = VKVM->new(uri => $bed->{URI_UNIX});
    my $dom  = $conn->get_domain_by_name('test');
    my $lifecycle = VKVM::Domain::EVENT_ID_LIFECYCLE;
    my (@told, @here);
    my ($ends, $freed) = (0, 0);
    # A callback that keeps what is counted when it is freed.
    my $noting = sub {
        my ($what, $guard) = ($_[0], Freed->new(\$freed));
        return sub { push @here, $what if $guard };
    };
    $conn->enable_resume(200, sub { push @told, $_[1]; return });
    for my $round (1, 2) {
        @told = @here = ();
        $bed->kill_daemon;
        ok(turn_until { @told }, "outage $round: the end is told") or return;
        my $queue = VKVM::EventQueue->new;
        my $id    = $conn->domain_event_register_any(undef, $lifecycle, $noting->('gone'));
        is($freed, $round * 2 - 2, 'one that is registered is kept');
        $conn->domain_event_deregister_any($id);
        turn_until { 1 };
        is($freed, $round * 2 - 1, 'one that is deregistered at once is freed');
        $id = $conn->domain_event_register_any($dom, $lifecycle, $noting->('event'));
        $queue->domain_event_register_any($conn, undef, $lifecycle);
        $conn->register_close_callback(sub { $ends++ });
        own_error { $conn->register_close_callback(sub { }) } VKVM::Error::OWN_INVALID, 'conn', 'a second one';
        isa_ok(thrown { $conn->domain_event_register_any(undef, -1, sub { }) },
            'VKVM::Error', 'a kind that no connection has: the exception');
        $bed->restart;
        ok(turn_until { @told >= 2 }, 'it is opened again') or return;
        $dom->suspend;
        $dom->resume;
        ok(turn_until { @here >= 2 && $queue->get_length >= 2 }, 'events come');
        is_deeply(\@here, [qw(event event)], 'to who is registered');
        is($ends, $round - 1, 'no end is told but that of the new connection');
        is($freed, $round * 2 - 1, 'nothing more is freed');
        $bed->restart;
        ok(turn_until { @told >= 4 }, 'that ends, too');
        is($ends, $round, 'and is told of');
        $conn->domain_event_deregister_any($id);
        turn_until { 1 };
        is($freed, $round * 2, 'freed when it is deregistered');
    }
    $bed->kill_daemon;
    ok(turn_until { @told >= 5 }, 'the end is told') or return;
    $conn->domain_event_register_any($dom, $lifecycle, $noting->('event'));
    $conn->disable_resume;
    isa_ok(thrown { $conn->domain_event_register_any($dom, $lifecycle, sub { }) },
        'VKVM::Error', 'when it is not opened again: the exception');
    is($freed, 4, 'what was registered before stays');
    $conn->enable_resume(200, sub { push @told, $_[1]; return });
    $bed->restart;
    ok(turn_until { @told >= 7 }, 'resuming is enabled while there is no connection');
    is_deeply([ @told[ 4 .. 6 ] ], [ (VKVM::RESUME_DISCONNECTED) x 2, VKVM::RESUME_RECONNECTED ],
        'that it has ended is told first');
    is($conn->is_alive, 1, 'then it is alive again');
    undef $dom;
    $conn->close;
    turn_until { 1 };
    is($freed, 5, 'the registration ends with the connection');
};

subtest 'through a queue' => sub {
    my $conn  = VKVM->new(uri => $bed->{URI_UNIX});
    my $dom   = $conn->get_domain_by_name('test');
    my $queue = VKVM::EventQueue->new;
    $queue->enable_resume($conn, 500);
    $queue->domain_event_register_any($conn, $dom, VKVM::Domain::EVENT_ID_LIFECYCLE);
    $bed->restart;
    my @events;
    ok(turn_until { push @events, $queue->drain; @events >= 2 }, 'told twice') or return;
    is_deeply([ map { $_->{class} } @events ], [qw(conn conn)], 'as events of the connection');
    is_deeply([ map { $_->{args}{event} } @events ], [ VKVM::RESUME_DISCONNECTED, VKVM::RESUME_RECONNECTED ], 'which');
    is($events[1]{args}{domains}[0]->get_name, 'test', 'with the domains of now');
    $dom->suspend;
    ok(turn_until { push @events, $queue->drain; @events >= 3 }, 'events flow into the queue again');
    is($events[2]{class}, 'domain', 'of the domain');
    undef $queue;
    own_error { $conn->disable_resume } VKVM::Error::OWN_INVALID, 'conn', 'it ended with the queue';
    $dom->resume;
};

subtest 'refusals' => sub {
    my $conn = VKVM->new(uri => $bed->{URI_UNIX});
    own_error { $conn->enable_resume(99, sub { }) } VKVM::Error::OWN_INVALID, 'max_delay', 'too short a delay';
    my $shared = $conn->get_domain_by_name('test')->get_conn;
    own_error { $shared->enable_resume(100, sub { }) } VKVM::Error::OWN_INVALID, 'conn', 'a shared one';
    undef $_ for $shared, $conn;
    $conn = VKVM->new(uri => $bed->{URI_UNIX}, auth => 1, credlist => [], callback => sub { 0 });
    own_error { $conn->enable_resume(100, sub { }) } VKVM::Error::OWN_INVALID, 'conn', 'one with credentials';
};

handles_are({ conn => 0, domain => 0, network => 0, storage_pool => 0, value => 0, error => 0 }, 'no handle is left');

Described::as_described(2);

done_testing;
