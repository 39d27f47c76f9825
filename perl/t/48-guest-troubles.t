# SPDX-License-Identifier: LGPL-2.1-or-later
# Events of what goes wrong or seldom happens, from a real guest and its daemon, with
# their arguments: as 47-guest-events.t, whose head says what is received where.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use GuestEvents;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

plan(skip_all => 'needs libvirt 7.9') if VKVM->get_version < 7_009_000;
my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('troubles', '0f0f7f0e-53f4-4b55-a7c5-2a4f7f6f2d48')
  or plan(skip_all => TestBed->reason);
my $dir = $bed->{DIR};

VKVM::Event::start();
my $conn = VKVM->new(uri => $bed->{URI});

sub run {
    my @command = @_;
    system(@command) == 0 or die "'@command' failed\n";
    return;
}

# A qcow2 image, one of whose clusters in use lies, so it says, where none can lie.
sub damaged_image {
    my ($path) = @_;
    run(qw(qemu-img create -q -f qcow2), $path, '1M');
    run(qw(qemu-io -f qcow2 -c), 'write -q 512k 64k', $path);
    open my $file, '+<:raw', $path or die "cannot open $path: $!\n";
    my $number = sub {
        my ($offset) = @_;
        seek $file, $offset, 0;
        read $file, my $bytes, 8;
        return unpack('Q>', $bytes) << 8 >> 17 << 9;    # without the flags
    };
    my $clusters = $number->($number->(40));    # the first table of the header's table
    my $cluster  = $clusters + 8 * 8;
    my $wrong    = $number->($cluster) + 512;
    seek $file, $cluster, 0;
    print {$file} pack 'Q>', $wrong | 1 << 63;
    close $file or die "cannot write $path: $!\n";
    return;
}

# An image that believes it may grow to 64 MiB, and has 1 MiB.
sub cramped_image {
    my ($path) = @_;
    run(qw(qemu-img create -q -f qcow2), $path, '64M');
    truncate $path, 1 << 20 or die "cannot make $path longer: $!\n";
    return;
}

damaged_image("$dir/damaged");
cramped_image("$dir/cramped");
$xml =~ s{<memory unit='MiB'>128</memory>}{<memory unit='MiB'>512</memory>
  <maxMemory slots='4' unit='MiB'>1024</maxMemory>
  <cpu><numa><cell id='0' cpus='0' memory='256' unit='MiB'/></numa></cpu>};
$xml =~ s{<devices>}{<devices>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2' error_policy='report'/>
    <source file='$dir/damaged'/><target dev='vda' bus='virtio'/><alias name='ua-damaged'/></disk>
  <disk type='file' device='disk'><driver name='qemu' type='qcow2' error_policy='stop'/>
    <source file='$dir/cramped'><slices><slice type='storage' offset='0' size='1048576'/></slices></source>
    <target dev='vdb' bus='virtio'/><alias name='ua-cramped'/></disk>
  <disk type='file' device='cdrom'><source file='$dir/missing' startupPolicy='optional'/>
    <target dev='hdc' bus='ide'/><readonly/><alias name='ua-cd'/></disk>
  <memory model='dimm'><target><size unit='MiB'>128</size><node>0</node></target><alias name='ua-dimm'/></memory>
  <memory model='virtio-mem'><target><size unit='MiB'>128</size><node>0</node><block unit='MiB'>2</block>
    <requested unit='MiB'>0</requested></target><alias name='ua-virtiomem'/></memory>
  <watchdog model='i6300esb' action='none'><alias name='ua-watchdog'/></watchdog>};
my $dom    = $conn->define_domain($xml);
my $events = GuestEvents->new($conn, $dom);

subtest 'a medium that is not there' => sub {
    $dom->create;
    $events->wait_for(
        DISK_CHANGE => {
            oldSrcPath => "$dir/missing", newSrcPath => undef, devAlias => 'ua-cd',
            reason => VKVM::Domain::EVENT_DISK_CHANGE_MISSING_ON_START,
        }
    );
};

ok($bed->wait_for_guest, 'the guest is up') or die "nothing can come from it\n";

subtest 'memory' => sub {
    $dom->qemu_monitor_command('mce 0 1 0x9080000000000000 0 0 0', VKVM::Domain::QEMU_MONITOR_COMMAND_HMP);
    $events->wait_for(
        MEMORY_FAILURE => {
            recipient => VKVM::Domain::EVENT_MEMORY_FAILURE_RECIPIENT_GUEST,
            action    => VKVM::Domain::EVENT_MEMORY_FAILURE_ACTION_INJECT,
            flags     => VKVM::Domain::MEMORY_FAILURE_ACTION_REQUIRED,
        }
    );
    $events->in_guest('modprobe virtio_mem');
    my ($device) = $dom->get_xml_description =~ m{(<memory model='virtio-mem'>.*?</memory>)}s;
    $device =~ s{<requested.*</requested>}{<requested unit='MiB'>64</requested>};
    $dom->update_device($device, VKVM::Domain::AFFECT_LIVE);
    $events->wait_for(MEMORY_DEVICE_SIZE_CHANGE => { alias => 'ua-virtiomem', size => 64 << 10 });
    # The console shows what comes in, too.
    $events->in_guest(q{echo 0 > /sys/firmware/acpi/hotplug/memory/enabled && echo IT WILL R''EFUSE});
    ok($bed->wait_for_console('IT WILL REFUSE'), 'the guest will not give memory back');
    $dom->detach_device_alias('ua-dimm', VKVM::Domain::AFFECT_LIVE);
    $events->wait_for(DEVICE_REMOVAL_FAILED => { devAlias => 'ua-dimm' });
};

subtest 'the watchdog' => sub {
    my $run_out = <<'END' =~ s/\n/ /gr;
for d in /sys/bus/pci/devices/*; do [ $(cat $d/device) != 0x25ab ] || break; done;
echo 1 > $d/enable; read base rest < $d/resource;
set_register() { devmem $((base + 12)) 16 0x80; devmem $((base + 12)) 16 0x86; devmem $((base + $1)) 32 $2; };
set_register 0 100; set_register 4 100;
printf "\2" | dd of=$d/config bs=1 seek=104 conv=notrunc
END
    $events->in_guest($run_out);
    $events->wait_for(WATCHDOG => { action => VKVM::Domain::EVENT_WATCHDOG_NONE });
    # Not 'pause': whether that or the pause is said first depends on when the last one ran out.
    $dom->qemu_monitor_command('{"execute":"watchdog-set-action","arguments":{"action":"inject-nmi"}}');
    $events->in_guest($run_out);
    $events->wait_for(WATCHDOG => { action => VKVM::Domain::EVENT_WATCHDOG_INJECTNMI });
};

subtest 'disks' => sub {
    my %error = (
        srcPath => "$dir/damaged", devAlias => 'ua-damaged', action => VKVM::Domain::EVENT_IO_ERROR_REPORT
    );
    $events->in_guest('dd if=/dev/vda of=/dev/null bs=64k');
    $events->wait_for(IO_ERROR => \%error);
    my $reported = $events->wait_for(IO_ERROR_REASON => \%error, 'reason');
    # Newer libvirts say that there is a message.
    like($reported->{reason}, qr/^(?:message)?\z/, 'the reason');
    %error = (srcPath => "$dir/cramped", devAlias => 'ua-cramped', action => VKVM::Domain::EVENT_IO_ERROR_PAUSE);
    $events->in_guest('dd if=/dev/zero of=/dev/vdb bs=64k; sync');
    $events->wait_for(IO_ERROR => \%error);
    $events->wait_for(IO_ERROR_REASON => { %error, reason => 'enospc' });
    $events->wait_for(LIFECYCLE =>
          { event => VKVM::Domain::EVENT_SUSPENDED, detail => VKVM::Domain::EVENT_SUSPENDED_IOERROR });
};

# A dump of memory: libvirt takes an answer of more than 10 MiB for a broken monitor.
subtest 'a monitor that says too much' => sub {
    my $dump = eval { $dom->qemu_monitor_command('xp /1600000xb 0', VKVM::Domain::QEMU_MONITOR_COMMAND_HMP) };
    is($dump, undef, 'the command fails');
    $events->wait_for(CONTROL_ERROR => {});
    $dom->destroy;
};
$dom->undefine;

# The guest is a boot sector: it writes S4 to the register of the board's power
# management, where SeaBIOS has put it (port 0x604), and halts.
subtest 'sleeping on disk' => sub {
    open my $disk, '>:raw', "$dir/boot" or die "cannot write $dir/boot: $!\n";
    # mov dx, 0x604; mov ax, SLP_EN | 2 << SLP_TYP; out dx, ax; hlt; jmp to the hlt
    print {$disk} pack 'a510 v', "\xba\x04\x06\xb8\x00\x28\xef\xf4\xeb\xfd", 0xaa55;
    close $disk or die "cannot write $dir/boot: $!\n";
    my $sleeper = $conn->define_domain(<<"END");
<domain type='qemu'><name>sleeper</name><memory unit='MiB'>16</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features><pm><suspend-to-disk enabled='yes'/></pm>
  <devices><controller type='usb' model='none'/><memballoon model='none'/>
    <disk type='file' device='disk'><source file='$dir/boot'/><target dev='hda' bus='ide'/></disk></devices>
</domain>
END
    my $its_events = GuestEvents->new($conn, $sleeper);
    $sleeper->create;
    $its_events->wait_for(PMSUSPEND_DISK => { reason => 0 });
    $its_events->wait_for(
        LIFECYCLE => { event => VKVM::Domain::EVENT_STOPPED, detail => VKVM::Domain::EVENT_STOPPED_SHUTDOWN });
    $sleeper->undefine;
};

VKVM::Event::stop();
Described::as_described(10);

done_testing;
