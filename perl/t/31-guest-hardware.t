# SPDX-License-Identifier: LGPL-2.1-or-later
# The hardware of a real guest: what is plugged in and out while it runs, what its
# agent does, and that Sys::Virt would have said the same.

use strict;
use warnings;

use Fcntl qw(F_GETFD);
use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use GuestKernel qw(guest_kernel is_newer);
use SideBySide;
use Socket;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('guest', '6c1f3a52-5a0c-4d0e-9b61-3f6f0d3c2a31')
  or plan(skip_all => TestBed->reason);

sub make_file {
    my ($name, $content) = @_;
    my $path = "$bed->{DIR}/$name";
    open(my $file, '>', $path) or die "cannot write $path: $!";
    print $file $content;
    truncate($file, 1 << 20) or die "cannot make $path longer: $!";
    close $file or die "cannot write $path: $!";
    return $path;
}

sub disk_xml {
    my ($file, $target) = @_;
    return "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$file'/>"
      . "<target dev='$target' bus='virtio'/><alias name='ua-$target'/></disk>";
}

my $disk = make_file('disk.img', 'what is in the sector');
my $hot  = make_file('hot.img',  '');
my $more = disk_xml($disk, 'vda')
  . "<graphics type='vnc'><listen type='socket' socket='$bed->{DIR}/vnc'/></graphics>";
$xml =~ s{</devices>}{$more</devices>} or die;
$xml =~ s{<vcpu>1</vcpu>}{<vcpu current='1'>2</vcpu><vcpus>
  <vcpu id='0' enabled='yes' hotpluggable='no' order='1'/>
  <vcpu id='1' enabled='no' hotpluggable='yes'/></vcpus>} or die;

my $conn = VKVM->new(uri => $bed->{URI});
my $dom  = $conn->define_domain($xml);
is((thrown { $dom->create_with_files([0]) })->code, VKVM::Error::ERR_NO_SUPPORT,
    'QEMU takes no files');
$dom->create;

# Waits until something is so.
sub comes_true {
    my ($what, $code) = @_;
    for (1 .. 1800) {
        return pass($what) if $code->();
        select undef, undef, undef, 0.1;
    }
    return fail("$what within three minutes");
}

ok($bed->wait_for_guest, 'the guest is up');
comes_true('its agent is up', sub { !thrown { $dom->get_time } });

# --- the agent --------------------------------------------------------------------

returns_nothing { $dom->set_agent_response_timeout(120) } 'set_agent_response_timeout';
returns_nothing { $dom->set_time(1_000_000_000, 250_000_000) } 'set_time';
my $time = $dom->get_time;
is(scalar @$time, 2, 'get_time: seconds and nanoseconds');
cmp_ok($time->[0] + $time->[1] / 1e9, '>=', 1_000_000_000.25, 'the clock is set');
cmp_ok($time->[0], '<', 1_000_003_600, 'and goes on from there');
returns_nothing { $dom->set_time(0, 0, VKVM::Domain::TIME_SYNC) } 'set_time from its hardware';
# The agent had set the hardware clock, too.
cmp_ok($dom->get_time->[0], '<', 1_000_003_600, 'which says the same');
$dom->set_time(time, 0);
cmp_ok($dom->get_time->[0], '>', 1_100_000_000, 'the clock is right again');

my @keys = ('ssh-ed25519 AAAA one', 'ssh-ed25519 BBBB two');
returns_nothing { $dom->authorized_ssh_keys_set('root', [ $keys[0] ]) } 'authorized_ssh_keys_set';
$dom->authorized_ssh_keys_set('root', [ $keys[1] ],
    VKVM::Domain::AUTHORIZED_SSH_KEYS_SET_APPEND);
is_deeply([ sort $dom->authorized_ssh_keys_get('root') ], \@keys, 'authorized_ssh_keys_get');
$dom->authorized_ssh_keys_set('root', [ $keys[0] ],
    VKVM::Domain::AUTHORIZED_SSH_KEYS_SET_REMOVE);
is_deeply([ $dom->authorized_ssh_keys_get('root') ], [ $keys[1] ], 'one is removed');

# --- virtual CPUs -------------------------------------------------------------------

is_deeply($dom->get_guest_vcpus, { vcpus => '0', online => '0', offlinable => '' },
    'get_guest_vcpus');
returns_nothing { $dom->set_vcpu('1', 1) } 'set_vcpu';
is_deeply([ map { $_->{number} } $dom->get_vcpu_info ], [ 0, 1 ], 'a CPU is plugged in');
my $kernel = guest_kernel($dom);
SKIP: {
    skip("Linux $kernel refuses CPUs under software emulation", 5) if is_newer($kernel, '6.1');
    comes_true('the guest has seen it', sub { $dom->get_guest_vcpus->{vcpus} eq '0-1' });
    returns_nothing { $dom->set_guest_vcpus('1', 1) } 'set_guest_vcpus';
    is($dom->get_guest_vcpus->{online}, '0-1', 'the guest uses it');
    returns_nothing { $dom->set_guest_vcpus('1', 0) } 'set_guest_vcpus to 0';
    is_deeply($dom->get_guest_vcpus, { vcpus => '0-1', online => '0', offlinable => '1' },
        'and no more');
}
$dom->pin_vcpu(1, "\x01");
is(vec(($dom->get_vcpu_info)[1]{affinity}, 0, 8), 1, 'pin_vcpu');
cmp_ok(($dom->get_vcpu_info)[0]{cpuTime}, '>', 1e8, 'the first one has worked');

# --- devices ------------------------------------------------------------------------

sub has { my ($text) = @_; return index($dom->get_xml_description, $text) >= 0 }

returns_nothing { $dom->attach_device(disk_xml($hot, 'vdb')) } 'attach_device: a disk';
ok(has($hot), 'it is there');
returns_nothing { $dom->block_resize('vdb', 2048) } 'block_resize';
is($dom->get_block_info('vdb')->{capacity}, 2 << 20, 'it is as large as that');
returns_nothing { $dom->detach_device(disk_xml($hot, 'vdb')) } 'detach_device';
comes_true('the guest lets go of it', sub { !has($hot) });

my $mac  = '52:54:00:11:22:33';
my $card = "<interface type='user'><mac address='$mac'/><model type='virtio'/>"
  . "<link state='up'/><alias name='ua-card'/></interface>";
returns_nothing { $dom->attach_device($card) } 'attach_device: a network card';
(my $down = $card) =~ s/state='up'/state='down'/;
returns_nothing { $dom->update_device($down, VKVM::Domain::DEVICE_MODIFY_LIVE) } 'update_device';
ok(has("<link state='down'/>"), 'its link is down');
returns_nothing { $dom->detach_device_alias('ua-card') } 'detach_device_alias';
comes_true('the guest lets go of it', sub { !has($mac) });
my $error = own_error { $dom->attach_device("<disk>\n<source>") } VKVM::Error::ERR_XML_DETAIL,
  'xml', 'attach_device: a document that is not well-formed';
is($error->line, 2, 'the line of the mistake');

# --- memory, disks, keys --------------------------------------------------------------

is($dom->block_peek('vda', 5, 9), 'is in the', 'block_peek');
is(length $dom->memory_peek(0, 4096, VKVM::Domain::MEMORY_PHYSICAL), 4096, 'memory_peek');
is($dom->memory_peek(0xffff0, 1, VKVM::Domain::MEMORY_PHYSICAL), "\xea", 'the first instruction');
returns_nothing { $dom->set_block_threshold('vda', 4096) } 'set_block_threshold';
returns_nothing { $dom->send_key(VKVM::Domain::KEYCODE_SET_LINUX, 5, [ 42, 30 ]) } 'send_key';
returns_nothing { $dom->set_memory_stats_period(2) } 'set_memory_stats_period';

SKIP: {
    my $failure = thrown { $dom->start_dirty_rate_calc(1) };
    skip($failure->message, 1)
      if $failure && ref $failure && $failure->code == VKVM::Error::ERR_NO_SUPPORT;
    is($failure, undef, 'start_dirty_rate_calc');
    comes_true('the rate is measured', sub {
        my ($record) = $conn->get_all_domain_stats(VKVM::Domain::STATS_DIRTYRATE, [$dom]);
        my $status = $record->{data}{ VKVM::Domain::STATS_DIRTYRATE_CALC_STATUS() } // -1;
        return $status == VKVM::Domain::DIRTYRATE_MEASURED;
    });
}

# --- the display ------------------------------------------------------------------------

my $fd = $dom->open_graphics_fd(0, VKVM::Domain::OPEN_GRAPHICS_SKIPAUTH);
open(my $display, '+<&=', $fd) or die "cannot open descriptor $fd: $!";
sysread $display, my $version, 12;
like($version, qr/^RFB 003\.\d+\n/, 'open_graphics_fd: the display speaks');
ok(close $display, 'the descriptor is ours');
socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "no sockets: $!";
returns_nothing { $dom->open_graphics(0, fileno $there) } 'open_graphics';
ok(fcntl($there, F_GETFD, 0), 'the socket is still open');
close $there;
sysread $here, $version, 12;
like($version, qr/^RFB 003\.\d+\n/, 'and the display speaks');

# --- and with Sys::Virt -----------------------------------------------------------------

subtest 'Sys::Virt says the same' => sub {
    need_module('Sys::Virt', 'libsys-virt-perl');
    my $pair = SideBySide->new("$FindBin::Bin/scripts/hardware.pl");
    $pair->same_output('with a guest', 150, $bed->{URI}, 'guest');
};

$dom->destroy;
$dom->undefine;
undef $_ for $dom, $error;
handles_are({ domain => 0, value => 0, error => 0 }, 'nothing is left');
$conn->close;

Described::as_described(5);

done_testing;
