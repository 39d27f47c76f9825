# SPDX-License-Identifier: LGPL-2.1-or-later
# Events that a real guest and its daemon can be made to make, through a queue, with
# their arguments. What cannot be made is fed to the library in src/event/tests.rs.
#
# Received from real daemons, here: LIFECYCLE, REBOOT, RTC_CHANGE, GRAPHICS, BLOCK_JOB,
# BLOCK_JOB_2, TRAY_CHANGE, PMWAKEUP, PMSUSPEND, BALLOON_CHANGE, DEVICE_ADDED,
# DEVICE_REMOVED, TUNABLE, AGENT_LIFECYCLE, MIGRATION_ITERATION, JOB_COMPLETED,
# METADATA_CHANGE, BLOCK_THRESHOLD, and of secrets all; in 48-guest-troubles.t: WATCHDOG,
# IO_ERROR, IO_ERROR_REASON, CONTROL_ERROR, DISK_CHANGE, PMSUSPEND_DISK,
# DEVICE_REMOVAL_FAILED, MEMORY_FAILURE, MEMORY_DEVICE_SIZE_CHANGE; in 49-device-events.t:
# of the host's devices all. 44-event-kinds.t has networks and storage pools from the test
# driver. By unit tests only: what libvirt has since 11.2, and networks' METADATA_CHANGE,
# which it has since 9.8.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use GuestEvents;
use GuestKernel qw(guest_kernel is_newer);
use IO::Socket::UNIX;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('events', '6c1f3a52-5a0c-4d0e-9b61-3f6f0d3c2a47')
  or plan(skip_all => TestBed->reason);
my $dir = $bed->{DIR};

VKVM::Event::start();
my $conn = VKVM->new(uri => $bed->{URI});

system("qemu-img create -q -f qcow2 '$dir/disk' 64M && qemu-img create -q -f raw '$dir/more' 1M"
      . " && qemu-img create -q -f raw '$dir/cd' 1M") == 0
  or die "no disks\n";
$xml =~ s{<devices>}{<pm><suspend-to-mem enabled='yes'/></pm><devices>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$dir/disk'/>
    <target dev='vda' bus='virtio'/></disk>
  <disk type='file' device='cdrom'><source file='$dir/cd'/><target dev='hdc' bus='ide'/><readonly/></disk>
  <graphics type='vnc' socket='$dir/vnc'/>};
my $dom    = $conn->define_domain($xml);
my $events = GuestEvents->new($conn, $dom);
cmp_ok($events->{kinds}, '>=', 26, 'listening to all kinds');

$dom->create;
$events->wait_for(LIFECYCLE => { event => VKVM::Domain::EVENT_STARTED }, 'detail');
ok($bed->wait_for_guest, 'the guest is up');
$events->wait_for(AGENT_LIFECYCLE => { state => 1 }, 'reason');

subtest 'the domain as a whole' => sub {
    $dom->suspend;
    $events->wait_for(
        LIFECYCLE => { event => VKVM::Domain::EVENT_SUSPENDED, detail => VKVM::Domain::EVENT_SUSPENDED_PAUSED });
    $dom->resume;
    $events->wait_for(
        LIFECYCLE => { event => VKVM::Domain::EVENT_RESUMED, detail => VKVM::Domain::EVENT_RESUMED_UNPAUSED });
    $dom->set_metadata(VKVM::Domain::METADATA_ELEMENT, '<a/>', 'k', 'urn:vkvm:47', VKVM::Domain::AFFECT_LIVE);
    $events->wait_for(METADATA_CHANGE => { type => VKVM::Domain::METADATA_ELEMENT, nsuri => 'urn:vkvm:47' });
    $dom->set_memory(65536 + 32768, VKVM::Domain::MEM_LIVE);
    $events->wait_for(BALLOON_CHANGE => { actual => 65536 + 32768 });
    $events->in_guest('hwclock -w');
    $events->wait_for(RTC_CHANGE => {}, 'utcoffset');
};

subtest 'devices' => sub {
    $dom->set_block_iotune('vda', { total_iops_sec => 1000 });
    my $args = $events->wait_for(TUNABLE => {}, 'params');
    is($args->{params}{'blkdeviotune.total_iops_sec'}, 1000, 'TUNABLE: the new limit');
    is($args->{params}{'blkdeviotune.disk'}, 'vda', 'and its disk');
    $dom->set_block_iotune('vda', { total_iops_sec => 0 });
    my $more = "<disk type='file' device='disk'><source file='$dir/more'/>"
      . "<target dev='vdb' bus='virtio'/><alias name='ua-more'/></disk>";
    $dom->attach_device($more);
    $events->wait_for(DEVICE_ADDED => { devAlias => 'ua-more' });
    $dom->detach_device($more);
    $events->wait_for(DEVICE_REMOVED => { devAlias => 'ua-more' });
    $dom->update_device("<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
        VKVM::Domain::DEVICE_MODIFY_FORCE);
    $events->wait_for(TRAY_CHANGE => { reason => VKVM::Domain::EVENT_TRAY_CHANGE_OPEN }, 'devAlias');
};

subtest 'disks' => sub {
    $dom->create_snapshot("<domainsnapshot><name>s</name><disks><disk name='vda' snapshot='external'>"
          . "<source file='$dir/overlay'/></disk><disk name='hdc' snapshot='no'/></disks></domainsnapshot>",
        VKVM::DomainSnapshot::CREATE_DISK_ONLY | VKVM::DomainSnapshot::CREATE_NO_METADATA);
    $dom->block_pull('vda', 0);
    my %seen;
    while (keys %seen < 2) {
        my ($kind, $event) = $events->next_event(60_000) or last;
        next unless $kind =~ /^BLOCK_JOB/ && $event->{args}{status} == VKVM::Domain::BLOCK_JOB_COMPLETED;
        $seen{$kind} = $event->{args};
    }
    is($seen{BLOCK_JOB_2}{path}, 'vda', 'BLOCK_JOB_2: the target');
    is($seen{BLOCK_JOB}{path}, "$dir/overlay", 'BLOCK_JOB: the file');
    is($seen{$_}{type}, VKVM::Domain::BLOCK_JOB_TYPE_PULL, "$_: the type") for qw(BLOCK_JOB BLOCK_JOB_2);
    $dom->set_block_threshold('vda', 1 << 20);
    $events->in_guest('dd if=/dev/zero of=/dev/vda bs=1M count=8; sync');
    my $args = $events->wait_for(BLOCK_THRESHOLD => { dev => 'vda', threshold => 1 << 20 }, qw(path excess));
    cmp_ok($args->{excess}, '>', 0, 'written beyond it');
};

subtest 'graphics' => sub {
    my @more   = qw(local remote authScheme identities);
    my $socket = IO::Socket::UNIX->new(Peer => "$dir/vnc") or die "no VNC: $!\n";
    within(120, sub {
        sysread $socket, my $hello, 12;
        syswrite $socket, "RFB 003.008\n";
        sysread $socket, my $types, 2;
        syswrite $socket, "\1";     # no authentication
        sysread $socket, my $result, 4;
        syswrite $socket, "\1";     # a shared desktop
    });
    my $args = $events->wait_for(GRAPHICS => { phase => VKVM::Domain::EVENT_GRAPHICS_INITIALIZE }, @more);
    is(ref $args->{identities}, 'ARRAY', 'identities is a list');
    is_deeply([ sort keys %{ $args->{local} } ], [qw(family node service)], 'an address');
    is($args->{local}{family}, VKVM::Domain::EVENT_GRAPHICS_ADDRESS_UNIX, 'of a socket');
    close $socket;
    $events->wait_for(GRAPHICS => { phase => VKVM::Domain::EVENT_GRAPHICS_DISCONNECT }, @more);
};

subtest 'sleeping' => sub {
    my $kernel = guest_kernel($dom);
    plan(skip_all => "Linux $kernel does not wake up under software emulation") if is_newer($kernel, '6.1');
    $events->in_guest('echo mem > /sys/power/state');
    $events->wait_for(PMSUSPEND => { reason => 0 });
    $dom->pm_wakeup;
    $events->wait_for(PMWAKEUP => { reason => 0 });
};

subtest 'secrets' => sub {
    my @ids = map { $events->{queue}->secret_event_register_any($conn, undef, $_) }
      VKVM::Secret::EVENT_ID_LIFECYCLE, VKVM::Secret::EVENT_ID_VALUE_CHANGED;
    my $secret = $conn->define_secret("<secret ephemeral='yes' private='no'><description>47</description></secret>");
    $secret->set_value('x');
    my $uuid = $secret->get_uuid_string;
    $secret->undefine;
    my @seen;
    while (@seen < 3) {
        my $event = $events->{queue}->next(60_000) or last;
        next if $event->{class} ne 'secret';
        is($event->{object}->get_uuid_string, $uuid, 'the secret');
        push @seen, [ $event->{event_id}, $event->{args} ];
    }
    is_deeply(\@seen, [ [ 0, { event => 0, detail => 0 } ], [ 1, {} ], [ 0, { event => 1, detail => 0 } ] ],
        'defined, changed, undefined');
    $conn->secret_event_deregister_any($_) for @ids;
};

subtest 'the end' => sub {
    $dom->reset;
    $events->wait_for(REBOOT => {});
    $dom->managed_save;
    cmp_ok($events->wait_for(MIGRATION_ITERATION => {}, 'iteration')->{iteration}, '>', 0, 'MIGRATION_ITERATION: which');
    my $args = $events->wait_for(JOB_COMPLETED => {}, 'params');
    is(ref $args->{params}, 'HASH', 'JOB_COMPLETED: statistics');
    $events->wait_for(
        LIFECYCLE => { event => VKVM::Domain::EVENT_STOPPED, detail => VKVM::Domain::EVENT_STOPPED_SAVED });
    $dom->managed_save_remove;
    $dom->undefine;
    $events->wait_for(LIFECYCLE => { event => VKVM::Domain::EVENT_UNDEFINED }, 'detail');
};

is($events->{queue}->get_overflow, 0, 'nothing was lost');
VKVM::Event::stop();
Described::as_described(20);

done_testing;
