#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Sys::Virt program, for 30-domain-hardware.t and 31-guest-hardware.t: asks a running
# domain about its hardware, sets what it can set back, and prints what each call
# gives. It knows nothing of libvkvm.
#
# usage: hardware.pl URI NAME-OF-A-DOMAIN

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Sys::Virt;
use SysVirtShow;

my ($uri, $name) = @ARGV;
my $conn = Sys::Virt->new(uri => $uri);
my $dom  = $conn->get_domain_by_name($name);

my ($live, $config) = (Sys::Virt::Domain::AFFECT_LIVE, Sys::Virt::Domain::AFFECT_CONFIG);
for my $flags ([], [0], [$live], [$config], [ $live | $config ], [0x40000000]) {
    call($dom, $_, @$flags) for qw(get_vcpu_info get_emulator_pin_info get_iothread_info);
    call($dom, $_, @$flags)
      for qw(get_guest_vcpus get_time get_launch_security_info);
}
call($dom, $_) for qw(get_security_label get_security_label_list);

my ($affinity) = map { $_->{affinity} } $dom->get_vcpu_info;
for my $flags ([], [$live], [$config]) {
    call($dom, pin_vcpu => 0, "\x01", @$flags);
    call($dom, get_vcpu_info => @$flags);
    call($dom, pin_vcpu => 0, $affinity, @$flags);
    call($dom, pin_emulator => "\x01", @$flags);
    call($dom, get_emulator_pin_info => @$flags);
    call($dom, pin_emulator => $affinity, @$flags);
}
call($dom, get_vcpu_info =>);
call($dom, pin_vcpu      => 77, "\x01");
call($dom, pin_vcpu      => 0,  '');
call($dom, pin_emulator  => "\0");

call($dom, add_iothread => 9);
call($dom, add_iothread => 9);
call($dom, pin_iothread => 9, "\x01");
call($dom, set_iothread => 9, { Sys::Virt::Domain::IOTHREAD_PARAM_POLL_MAX_NS() => 4096 });
call($dom, set_iothread => 9, {});
call($dom, 'get_iothread_info');
call($dom, del_iothread => 9);
call($dom, del_iothread => 9);
call($dom, add_iothread => 0);

call($dom, set_vcpu        => $_, 1) for '', 'x', '99';
call($dom, set_guest_vcpus => $_, 1) for '', 'x', '99';
call($dom, set_time => 0, 0, 0x40000000);
call($dom, set_agent_response_timeout => $_) for 5, -3, Sys::Virt::Domain::AGENT_RESPONSE_TIMEOUT_NOWAIT;
call($dom, set_agent_response_timeout => 120);
call($dom, authorized_ssh_keys_set => $_, ['ssh-rsa AAAA x']) for 'root', 'nobody-of-that-name';
call($dom, authorized_ssh_keys_get => $_) for 'root', 'nobody-of-that-name';
call($dom, authorized_ssh_keys_set => 'root', []);
call($dom, authorized_ssh_keys_get => 'root');

call($dom, attach_device => $_)
  for '', '<disk', '<no-device/>', "<disk type='file'><target dev='vda' bus='virtio'/></disk>";
call($dom, $_ => "<interface type='user'><mac address='52:54:00:00:00:99'/></interface>")
  for qw(detach_device update_device);
call($dom, detach_device_alias => $_) for '', 'no-such-alias';
call($dom, block_resize => 'no-such-disk', 1024);
call($dom, block_peek  => 'vda', 0, 12);
call($dom, block_peek  => 'vda', 512, 0);
call($dom, block_peek  => 'no-such-disk', 0, 1);
call($dom, block_peek  => 'vda', 0, 5_000_000);
call($dom, memory_peek => 0xffff0, 5, $_)
  for Sys::Virt::Domain::MEMORY_PHYSICAL, 0, 0x40000000;
call($dom, set_block_threshold => 'vda', 8192);
call($dom, set_block_threshold => 'no-such-disk', 8192);
call($dom, set_memory_stats_period => $_) for 4, 0;
call($dom, set_memory_stats_period => 4, 0x40000000);
call($dom, send_key => Sys::Virt::Domain::KEYCODE_SET_LINUX, 1, [ 42, 30 ]);
call($dom, send_key => 99, 1, [30]);
call($dom, send_key => 0, 1, [100_000]);
call($dom, send_process_signal => 1, Sys::Virt::Domain::PROCESS_SIGNAL_HUP);
call($dom, start_dirty_rate_calc => $_) for 0, 61;
call($dom, set_launch_security_state => { Sys::Virt::Domain::LAUNCH_SECURITY_SEV_SECRET() => 'x' });
call($dom, create_with_files => [0]);
call($conn, create_domain_with_files => $_, [0]) for '', '<x/>';
call($dom, open_graphics    => 7, 0);
call($dom, open_graphics_fd => 7);

show('end');
