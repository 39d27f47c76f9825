# SPDX-License-Identifier: LGPL-2.1-or-later
# The queue's own behaviour, and the examples that plug it into other loops.

use strict;
use warnings;

use Cwd qw(abs_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use IPC::Open3 qw(open3);
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

VKVM::Event::start();
my $bed = TestBed->daemon('test-daemon');

subtest 'events of every class' => sub {
    my $conn  = VKVM->new(uri => 'test:///default');
    my $queue = VKVM::EventQueue->new;
    my @ids = (
        $queue->domain_event_register_any($conn, $conn->get_domain_by_name('test'), 0),
        $queue->network_event_register_any($conn, undef, VKVM::Network::EVENT_ID_LIFECYCLE),
        $queue->storage_pool_event_register_any($conn, undef, VKVM::StoragePool::EVENT_ID_REFRESH),
        $queue->storage_pool_event_register_any($conn, undef, VKVM::StoragePool::EVENT_ID_LIFECYCLE),
    );
    like($_, qr/^\d+\z/, 'an id') for @ids;
    returns_nothing { $queue->register_close_callback($conn) } 'register_close_callback';
    $conn->get_domain_by_name('test')->suspend;
    my $event = $queue->next(120_000);
    is_deeply([ sort keys %$event ], [qw(args class conn event_id object)], 'the keys of an event');
    is(ref $event->{conn}, 'VKVM', 'its connection');
    is_deeply([ ref $event->{object}, @$event{qw(class event_id args)} ],
        [ 'VKVM::Domain', 'domain', 0, { event => 3, detail => 0 } ], 'of a domain');
    $conn->get_network_by_name('default')->destroy;
    $event = $queue->next(120_000);
    is_deeply([ ref $event->{object}, @$event{qw(class event_id args)} ],
        [ 'VKVM::Network', 'network', 0, { event => 3, detail => 0 } ], 'of a network');
    $conn->get_storage_pool_by_name('default-pool')->refresh;
    $event = $queue->next(120_000);
    is_deeply([ ref $event->{object}, @$event{qw(class event_id args)} ],
        [ 'VKVM::StoragePool', 'storage_pool', 1, {} ], 'of a pool');
    $conn->get_storage_pool_by_name('default-pool')->destroy;
    $event = $queue->next(120_000);
    is_deeply([ @$event{qw(class event_id args)} ],
        [ 'storage_pool', 0, { event => VKVM::StoragePool::EVENT_STOPPED, detail => 0 } ], 'that it stops');
    is(scalar(my @none = $queue->drain), 0, 'that is all');
    is($queue->next(20), undef, 'next waits no longer than told');
    $conn->domain_event_deregister_any($ids[0]);
    $conn->get_domain_by_name('test')->resume;
    is($queue->next(50), undef, 'what was deregistered does not come');
};

subtest 'life times' => sub {
    my $conn  = VKVM->new(uri => 'test:///default');
    my $dom   = $conn->get_domain_by_name('test');
    my $queue = VKVM::EventQueue->new(capacity => 3);
    my $id    = $queue->domain_event_register_any($conn, undef, 0);
    my $fh    = $queue->fh;
    for (1 .. 4) { $dom->suspend; $dom->resume }
    within(120, sub { select undef, undef, undef, 0.005 until $queue->get_overflow == 5 });
    is($queue->get_length, 3, 'three fit, five are counted');
    my $readable = '';
    vec($readable, fileno $fh, 1) = 1;
    is(scalar select(my $ready = $readable, undef, undef, 0), 1, 'the handle is readable');
    is_deeply([ map { $_->{args}{event} } $queue->drain(2) ], [ 3, 4 ], 'the first two');
    is(scalar select($ready = $readable, undef, undef, 0), 1, 'there is more');
    undef $dom;
    undef $conn;
    is(scalar select($ready = $readable, undef, undef, 0), 0, 'the rest goes with its connection');
    is($queue->get_length, 0, 'none is left');
    handles_are({ conn => 0, domain => 0 }, 'the queue keeps nothing');
    own_error { VKVM::EventQueue->new(capacitance => 1) } VKVM::Error::OWN_INVALID, 'capacitance', 'no such parameter';
    own_error { VKVM::EventQueue->new(16) } VKVM::Error::OWN_INVALID, 'params', 'not by name';
    own_error { VKVM::EventQueue->new->next($_) } VKVM::Error::OWN_INVALID, 'timeout', "a timeout of $_"
      for 'x', '', [], 'nan', 'inf';
    own_error { VKVM::EventQueue->new(capacity => 0) } VKVM::Error::OWN_INVALID, 'capacity', 'no room';
    own_error { VKVM::EventQueue->new(capacity => -1) } VKVM::Error::OWN_INVALID, 'capacity', 'less';
    undef $queue;
    handles_are({ event_queue => 0, value => 0 }, 'and goes itself');
};

SKIP: {
    $bed or skip(TestBed->reason, 1);
    subtest 'the daemon is killed' => sub {
        my $other = TestBed->daemon('test-daemon');
        my $conn  = VKVM->new(uri => $other->{URI_UNIX});
        my $queue = VKVM::EventQueue->new;
        $queue->register_close_callback($conn);
        returns_nothing { $conn->set_keep_alive(30, 3) } 'keepalive works';
        $other->kill_daemon;
        my $event = $queue->next(120_000);
        is_deeply([ @$event{qw(class object)}, ref $event->{conn} ], [ 'conn', undef, 'VKVM' ], 'is an event');
        like($event->{args}{reason}, qr/^[01]\z/, 'with the reason');
    };
}

my %needs = (
    'events-select.pl'   => undef,
    'events-io-async.pl' => [ 'IO::Async::Loop', 'libio-async-perl' ],
    'events-anyevent.pl' => [ 'AnyEvent',        'libanyevent-perl' ],
    'events-mojo.pl'     => [ 'Mojo::IOLoop',    'libmojolicious-perl' ],
);
for my $example (sort keys %needs) {
    subtest $example => sub {
        my $program = root_file("examples/$example");
        my ($module, $package) = @{ $needs{$example} // [] };
        need_module($module, $package) if $module;
        $bed or plan(skip_all => TestBed->reason);
        my @perl = ($^X, map { "-I$_" } grep { !ref } @INC);
        my $pid = open3(my $in, my $out, undef, @perl, $program, $bed->{URI_UNIX}, 3);
        my $conn = VKVM->new(uri => $bed->{URI_TCP});
        my @lines = eval {
            within(120, sub {
                my @lines = scalar <$out>;
                my $dom = $conn->get_domain_by_name('test');
                $dom->suspend;
                $dom->resume;
                $dom->suspend;
                push @lines, <$out>;
                $dom->resume;
                return @lines;
            });
        };
        is($@, '', 'in time');
        kill KILL => $pid if $@;
        waitpid $pid, 0;
        is($?, 0, 'exit status');
        is(join('', grep { defined } @lines), "listening\ntest 3 0\ntest 4 0\ntest 3 0\n", 'what it prints');
    };
}

Described::as_described(5);
VKVM::Event::stop();
handles_are({ map { $_ => 0 } qw(conn domain event_queue value error) }, 'no handle is left');
done_testing;
