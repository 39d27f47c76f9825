# Events that a real guest and its daemon can be made to make, through a queue, with
# their arguments. What cannot be made is fed to the library in src/event/tests.rs.
#
# Received from real daemons, here: LIFECYCLE, REBOOT, RTC_CHANGE, GRAPHICS, BLOCK_JOB,
# BLOCK_JOB_2, TRAY_CHANGE, PMWAKEUP, PMSUSPEND, BALLOON_CHANGE, DEVICE_ADDED,
# DEVICE_REMOVED, TUNABLE, AGENT_LIFECYCLE, MIGRATION_ITERATION, JOB_COMPLETED,
# METADATA_CHANGE, BLOCK_THRESHOLD, and of secrets all. 44-event-kinds.t has networks,
# storage pools and LIFECYCLE of devices from the test driver. By unit tests only: WATCHDOG,
# IO_ERROR, IO_ERROR_REASON, CONTROL_ERROR, DISK_CHANGE, PMSUSPEND_DISK,
# DEVICE_REMOVAL_FAILED, MEMORY_FAILURE, MEMORY_DEVICE_SIZE_CHANGE, what libvirt has since
# 11.2, and UPDATE of devices.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
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
my $conn  = VKVM->new(uri => $bed->{URI});
my $queue = VKVM::EventQueue->new;

system("qemu-img create -q -f qcow2 '$dir/disk' 64M && qemu-img create -q -f raw '$dir/more' 1M"
      . " && qemu-img create -q -f raw '$dir/cd' 1M") == 0
  or die "no disks\n";
$xml =~ s{<devices>}{<pm><suspend-to-mem enabled='yes'/></pm><devices>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$dir/disk'/>
    <target dev='vda' bus='virtio'/></disk>
  <disk type='file' device='cdrom'><source file='$dir/cd'/><target dev='hdc' bus='ide'/><readonly/></disk>
  <graphics type='vnc' socket='$dir/vnc'/>};
my $dom = $conn->define_domain($xml);
# Kinds that this libvirt does not have are refused, and nothing is lost by it.
my @kinds = grep {
    my $id = $_;
    eval { $queue->domain_event_register_any($conn, $dom, $id); 1 }
} 0 .. 29;
cmp_ok(scalar @kinds, '>=', 26, 'listening to all kinds');

my %name = map { VKVM::Domain->can("EVENT_ID_$_")->() => $_ } qw(
  LIFECYCLE REBOOT RTC_CHANGE GRAPHICS BLOCK_JOB TRAY_CHANGE PMWAKEUP PMSUSPEND BALLOON_CHANGE
  DEVICE_REMOVED BLOCK_JOB_2 TUNABLE AGENT_LIFECYCLE DEVICE_ADDED MIGRATION_ITERATION JOB_COMPLETED
  METADATA_CHANGE BLOCK_THRESHOLD
);

# Waits for an event of a kind, one that has these arguments.
sub wait_for_event {
    my ($kind, %wanted) = @_;
    my $end = time + 120;
    while (time < $end) {
        my $event = $queue->next(500) // next;
        my $args  = $event->{args};
        next if ($name{ $event->{event_id} } // '') ne $kind;
        next if grep { ($args->{$_} // 'undef') ne ($wanted{$_} // 'undef') } keys %wanted;
        is($event->{object}->get_name, 'events', "$kind: the domain");
        return $args;
    }
    fail("$kind has not come");
    return {};
}

sub keys_are {
    my ($args, $kind, @keys) = @_;
    return is_deeply([ sort keys %$args ], [ sort @keys ], "$kind: the arguments");
}

# A command line in the guest, on its console, which stays open: QEMU looks only now
# and then whether somebody has opened it.
my $tty;

sub in_guest {
    my ($line) = @_;
    if (!$tty) {
        my ($path) = $dom->get_xml_description =~ m{<console type='pty' tty='([^']+)'};
        open $tty, '+<', $path or die "cannot write to $path: $!\n";
        select undef, undef, undef, 1.5;
    }
    return syswrite $tty, "$line\n";
}

$dom->create;
keys_are(wait_for_event('LIFECYCLE', event => VKVM::Domain::EVENT_STARTED), LIFECYCLE => qw(event detail));
ok($bed->wait_for_guest, 'the guest is up');
keys_are(wait_for_event('AGENT_LIFECYCLE', state => 1), AGENT_LIFECYCLE => qw(state reason));

subtest 'the domain as a whole' => sub {
    $dom->suspend;
    wait_for_event('LIFECYCLE', event => VKVM::Domain::EVENT_SUSPENDED, detail => VKVM::Domain::EVENT_SUSPENDED_PAUSED);
    $dom->resume;
    wait_for_event('LIFECYCLE', event => VKVM::Domain::EVENT_RESUMED, detail => VKVM::Domain::EVENT_RESUMED_UNPAUSED);
    $dom->set_metadata(VKVM::Domain::METADATA_ELEMENT, '<a/>', 'k', 'urn:vkvm:47', VKVM::Domain::AFFECT_LIVE);
    wait_for_event('METADATA_CHANGE', type => VKVM::Domain::METADATA_ELEMENT, nsuri => 'urn:vkvm:47');
    $dom->set_memory(65536 + 32768, VKVM::Domain::MEM_LIVE);
    my $args = wait_for_event('BALLOON_CHANGE', actual => 65536 + 32768);
    keys_are($args, BALLOON_CHANGE => 'actual');
    in_guest('hwclock -w');
    keys_are(wait_for_event('RTC_CHANGE'), RTC_CHANGE => 'utcoffset');
};

subtest 'devices' => sub {
    $dom->set_block_iotune('vda', { total_iops_sec => 1000 });
    my $args = wait_for_event('TUNABLE');
    is($args->{params}{'blkdeviotune.total_iops_sec'}, 1000, 'TUNABLE: the new limit');
    is($args->{params}{'blkdeviotune.disk'}, 'vda', 'and its disk');
    $dom->set_block_iotune('vda', { total_iops_sec => 0 });
    my $more = "<disk type='file' device='disk'><source file='$dir/more'/>"
      . "<target dev='vdb' bus='virtio'/><alias name='ua-more'/></disk>";
    $dom->attach_device($more);
    wait_for_event('DEVICE_ADDED', devAlias => 'ua-more');
    $dom->detach_device($more);
    wait_for_event('DEVICE_REMOVED', devAlias => 'ua-more');
    $dom->update_device("<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/><readonly/></disk>",
        VKVM::Domain::DEVICE_MODIFY_FORCE);
    keys_are(wait_for_event('TRAY_CHANGE', reason => VKVM::Domain::EVENT_TRAY_CHANGE_OPEN),
        TRAY_CHANGE => qw(devAlias reason));
};

subtest 'disks' => sub {
    $dom->create_snapshot("<domainsnapshot><name>s</name><disks><disk name='vda' snapshot='external'>"
          . "<source file='$dir/overlay'/></disk><disk name='hdc' snapshot='no'/></disks></domainsnapshot>",
        VKVM::DomainSnapshot::CREATE_DISK_ONLY | VKVM::DomainSnapshot::CREATE_NO_METADATA);
    $dom->block_pull('vda', 0);
    my %seen;
    while (keys %seen < 2) {
        my $event = $queue->next(120_000) or last;
        my $kind  = $name{ $event->{event_id} } // '';
        next unless $kind =~ /^BLOCK_JOB/ && $event->{args}{status} == VKVM::Domain::BLOCK_JOB_COMPLETED;
        $seen{$kind} = $event->{args};
    }
    is($seen{BLOCK_JOB_2}{path}, 'vda', 'BLOCK_JOB_2: the target');
    is($seen{BLOCK_JOB}{path}, "$dir/overlay", 'BLOCK_JOB: the file');
    is($seen{$_}{type}, VKVM::Domain::BLOCK_JOB_TYPE_PULL, "$_: the type") for qw(BLOCK_JOB BLOCK_JOB_2);
    $dom->set_block_threshold('vda', 1 << 20);
    in_guest('dd if=/dev/zero of=/dev/vda bs=1M count=8; sync');
    my $args = wait_for_event('BLOCK_THRESHOLD', dev => 'vda', threshold => 1 << 20);
    keys_are($args, BLOCK_THRESHOLD => qw(dev path threshold excess));
    cmp_ok($args->{excess}, '>', 0, 'written beyond it');
};

subtest 'graphics' => sub {
    my $socket = IO::Socket::UNIX->new(Peer => "$dir/vnc") or die "no VNC: $!\n";
    within(120, sub {
        sysread $socket, my $hello, 12;
        syswrite $socket, "RFB 003.008\n";
        sysread $socket, my $types, 2;
        syswrite $socket, "\1";     # no authentication
        sysread $socket, my $result, 4;
        syswrite $socket, "\1";     # a shared desktop
    });
    my $args = wait_for_event('GRAPHICS', phase => VKVM::Domain::EVENT_GRAPHICS_INITIALIZE);
    keys_are($args, GRAPHICS => qw(phase local remote authScheme identities));
    is(ref $args->{identities}, 'ARRAY', 'identities is a list');
    is_deeply([ sort keys %{ $args->{local} } ], [qw(family node service)], 'an address');
    is($args->{local}{family}, VKVM::Domain::EVENT_GRAPHICS_ADDRESS_UNIX, 'of a socket');
    close $socket;
    wait_for_event('GRAPHICS', phase => VKVM::Domain::EVENT_GRAPHICS_DISCONNECT);
};

subtest 'sleeping' => sub {
    in_guest('echo mem > /sys/power/state');
    keys_are(wait_for_event('PMSUSPEND'), PMSUSPEND => 'reason');
    $dom->pm_wakeup;
    keys_are(wait_for_event('PMWAKEUP'), PMWAKEUP => 'reason');
};

subtest 'secrets' => sub {
    my @ids = map { $queue->secret_event_register_any($conn, undef, $_) }
      VKVM::Secret::EVENT_ID_LIFECYCLE, VKVM::Secret::EVENT_ID_VALUE_CHANGED;
    my $secret = $conn->define_secret("<secret ephemeral='yes' private='no'><description>47</description></secret>");
    $secret->set_value('x');
    my $uuid = $secret->get_uuid_string;
    $secret->undefine;
    my @seen;
    while (@seen < 3) {
        my $event = $queue->next(120_000) or last;
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
    keys_are(wait_for_event('REBOOT'), 'REBOOT');
    $dom->managed_save;
    cmp_ok(wait_for_event('MIGRATION_ITERATION')->{iteration}, '>', 0, 'MIGRATION_ITERATION: which');
    my $args = wait_for_event('JOB_COMPLETED');
    is(ref $args->{params}, 'HASH', 'JOB_COMPLETED: statistics');
    wait_for_event('LIFECYCLE', event => VKVM::Domain::EVENT_STOPPED, detail => VKVM::Domain::EVENT_STOPPED_SAVED);
    $dom->managed_save_remove;
    $dom->undefine;
    wait_for_event('LIFECYCLE', event => VKVM::Domain::EVENT_UNDEFINED);
};

is($queue->get_overflow, 0, 'nothing was lost');
VKVM::Event::stop();
done_testing;
