# SPDX-License-Identifier: LGPL-2.1-or-later
# A real guest with a private QEMU daemon.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed  = TestBed->daemon('qemu-daemon')  or plan(skip_all => TestBed->reason);
my $uuid = '6c1f3a52-5a0c-4d0e-9b61-3f6f0d3c2a10';
my $xml  = $bed->guest_xml('guest', $uuid) or plan(skip_all => TestBed->reason);

VKVM::Event::register_default();
my $conn = VKVM->new(uri => $bed->{URI});
is($conn->get_type, 'QEMU', 'the driver');
cmp_ok($conn->get_node_memory_stats->{total}, '>', 1024, 'get_node_memory_stats');
cmp_ok($conn->get_node_cpu_stats->{idle},     '>', 0,    'get_node_cpu_stats');

my @events;
$conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE,
    sub { push @events, [ $_[1]->get_uuid_string, @_[ 2, 3 ] ] });

# Turns the loop until an event has come; gives its detail.
sub detail_of {
    my ($event) = @_;
    my $timer = VKVM::Event::add_timeout(50, sub { });
    my $found;
    within(120, sub {
        until ($found) {
            VKVM::Event::run_default();
            ($found) = grep { $_->[1] == $event } @events;
        }
    });
    VKVM::Event::remove_timeout($timer);
    is($found->[0], $uuid, 'an event of this domain');
    @events = ();
    return $found->[2];
}

my $dom = $conn->define_domain($xml);
is(detail_of(VKVM::Domain::EVENT_DEFINED), VKVM::Domain::EVENT_DEFINED_ADDED, 'defined');
is($dom->is_active, 0, 'not running');
like(thrown { $dom->suspend }->message, qr/domain is not running/, 'what cannot be done then');

$dom->create;
is(detail_of(VKVM::Domain::EVENT_STARTED), VKVM::Domain::EVENT_STARTED_BOOTED, 'started');
is($dom->is_active, 1, 'running');
is(($dom->get_state)[0], VKVM::Domain::STATE_RUNNING, 'get_state');
is($conn->get_domain_by_id($dom->get_id)->get_name, 'guest', 'get_domain_by_id');
ok($bed->wait_for_guest, 'the guest is up');
cmp_ok($dom->get_info->{cpuTime}, '>', 1e8, 'it has done something');
is($dom->get_info->{memory}, 131072, 'its memory');

$dom->suspend;
is(detail_of(VKVM::Domain::EVENT_SUSPENDED), VKVM::Domain::EVENT_SUSPENDED_PAUSED, 'suspended');
$dom->resume;
is(detail_of(VKVM::Domain::EVENT_RESUMED), VKVM::Domain::EVENT_RESUMED_UNPAUSED, 'resumed');

my ($record) = $conn->get_all_domain_stats(
    VKVM::Domain::STATS_STATE | VKVM::Domain::STATS_BALLOON | VKVM::Domain::STATS_VCPU);
is($record->{dom}->get_uuid_string, $uuid, 'get_all_domain_stats: the domain');
is($record->{data}{'state.state'},     VKVM::Domain::STATE_RUNNING, 'state');
is($record->{data}{'balloon.maximum'}, 131072,                      'balloon');
is($record->{data}{'vcpu.current'},    1,                           'vcpu');

$dom->shutdown;
is(detail_of(VKVM::Domain::EVENT_STOPPED), VKVM::Domain::EVENT_STOPPED_SHUTDOWN,
    'the guest has powered off');
is_deeply([ $dom->get_state ],
    [ VKVM::Domain::STATE_SHUTOFF, VKVM::Domain::STATE_SHUTOFF_SHUTDOWN ], 'get_state');

$dom->create;
detail_of(VKVM::Domain::EVENT_STARTED);
$dom->destroy;
is(detail_of(VKVM::Domain::EVENT_STOPPED), VKVM::Domain::EVENT_STOPPED_DESTROYED, 'destroyed');
$dom->undefine;
is(detail_of(VKVM::Domain::EVENT_UNDEFINED), VKVM::Domain::EVENT_UNDEFINED_REMOVED, 'undefined');
is_deeply([ $conn->list_all_domains ], [], 'no domain is left');
$conn->close;

done_testing;
