# SPDX-License-Identifier: LGPL-2.1-or-later
# A connection that is opened again by the library's own thread, and told of
# through a queue.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
VKVM::Event::start();

my $conn  = VKVM->new(uri => $bed->{URI_UNIX});
my $dom   = $conn->get_domain_by_name('test');
my $queue = VKVM::EventQueue->new;
$queue->enable_resume($conn, 500);
my $id = $queue->domain_event_register_any($conn, $dom, VKVM::Domain::EVENT_ID_LIFECYCLE);

# The next event: its class, and what it is.
sub next_event {
    my $event = $queue->next(120_000) or return 'none in time';
    return "$event->{class} $event->{args}{event}";
}

for my $round (1, 2) {
    $bed->restart;
    is(next_event(), 'conn ' . VKVM::RESUME_DISCONNECTED, "restart $round: the end is told");
    is(next_event(), 'conn ' . VKVM::RESUME_RECONNECTED,  'and that there is a new connection');
    is($dom->get_info->{nrVirtCpu}, 2, 'a domain from before is usable');
    $dom->suspend;
    is(next_event(), 'domain ' . VKVM::Domain::EVENT_SUSPENDED, 'events flow again');
}

# While one thread makes calls, the connection is replaced by another.
my $calls = 0;
pipe(my $begun, my $begin) or die "pipe: $!";
my $child = fork // die "fork: $!";
if (!$child) {
    sysread $begun, my $byte, 1;
    $bed->restart for 1 .. 3;
    require POSIX;
    POSIX::_exit(0);
}
within(120, sub {
    until (waitpid($child, 1) > 0) {
        eval { $dom->get_xml_description; $calls++ or syswrite $begin, 'x' };
    }
});
cmp_ok($calls, '>', 0, 'calls in the meantime work or fail, and do not crash');
my $alive = within(120, sub { select undef, undef, undef, 0.05 until $conn->is_alive; 1 });
ok($alive, 'in the end the connection is alive');
is($dom->get_name, 'test', 'and the domain is there');

$conn->domain_event_deregister_any($id);
undef $_ for $queue, $dom, $conn;
VKVM::Event::stop();
handles_are({ conn => 0, domain => 0, event_queue => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
