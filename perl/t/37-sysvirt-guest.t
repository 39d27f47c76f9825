# SPDX-License-Identifier: LGPL-2.1-or-later
# The same Sys::Virt program with Sys::Virt and with VKVM::SysVirt, about a real guest:
# its agent, jobs of its disks, migration, saving. It must print the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

need_module('Sys::Virt', 'libsys-virt-perl');
plan(skip_all => 'qemu-img is not installed (Debian package qemu-utils)')
  if system('qemu-img --version >/dev/null 2>&1') != 0;

# What differs on purpose, by the beginning of the line, and why. Each must really
# differ, or it has to go.
my %differs = (
    'migrate_to_uri2' => 'Sys::Virt calls a method that does not exist',
    'block_copy {"buf-size":65536}' => 'Sys::Virt sends a type that libvirt refuses',
    'abort_block_job after it' => 'so that there is nothing to abort',
    'save =' => 'the message names the argument',
    'migrate_to_uri qemu+unix:///system?socket=/nowhere {"disks_port":"x"}' =>
      'Sys::Virt takes text for 0',
);

my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('asked', 'b7a5fdbd-cdaf-9455-926a-d65c16db1810')
  or plan(skip_all => TestBed->reason);
my $dir = $bed->{DIR};
for my $command (
    [ qw(qemu-img create -q -f qcow2), "$dir/base.qcow2", '32M' ],
    [ qw(qemu-img create -q -f qcow2 -F qcow2 -b), "$dir/base.qcow2", "$dir/top.qcow2" ],
    [ qw(qemu-io -c), 'write -P 7 0 16M', "$dir/base.qcow2" ],
  )
{
    open(my $output, '-|', @$command) or die "cannot run $command->[0]: $!";
    my @lines = <$output>;
    close $output or die "@$command failed: @lines";
}
my $devices = <<"END";
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2'/>
  <source file='$dir/top.qcow2'/>
  <target dev='vda' bus='virtio'/>
</disk>
<interface type='user'><mac address='52:54:00:12:34:57'/><model type='virtio'/></interface>
END
$xml =~ s/(?=<memballoon)/$devices/;

my $conn = VKVM->new(uri => $bed->{URI});
my $dom  = $conn->create_domain($xml);
ok($bed->wait_for_guest, 'the guest is up');
for (1 .. 600) {
    last if eval { $dom->qemu_agent_command('{"execute":"guest-ping"}', 5) };
    select undef, undef, undef, 0.1;
}

my %output;
for my $module ('Sys::Virt', 'VKVM::SysVirt') {
    my ($status, $output, $errors) =
      run_perl("-M$module", "$FindBin::Bin/scripts/guest.pl", $bed->{URI}, 'asked', $dir);
    is($status, 0, "$module: exit status");
    $errors =~ s/^(?:Use of uninitialized value|Argument "x" isn't numeric) .*\n//mg
      if $module eq 'Sys::Virt';
    is($errors, '', "$module: standard error");
    $output{$module} = [ split /\n/, $output ];
    is($output{$module}[-1], 'end', "$module: ran to its end");
}

my ($theirs, $ours) = @output{ 'Sys::Virt', 'VKVM::SysVirt' };
is(scalar @$ours, scalar @$theirs, 'as many lines');
cmp_ok(scalar @$theirs, '>', 100, 'that is much');
my %differed;
for my $i (0 .. $#$theirs) {
    my ($why) = grep { index($theirs->[$i], $_) == 0 } sort keys %differs;
    if ($why) { $differed{$why} ||= $ours->[$i] ne $theirs->[$i] }
    else      { is($ours->[$i], $theirs->[$i], $theirs->[$i] =~ s/ = .*//r) }
}
ok($differed{$_}, "differs: $_ ($differs{$_})") for sort keys %differs;

$dom->destroy;
undef $_ for $dom, $conn;
handles_are({ map { $_ => 0 } qw(conn domain value error) }, 'no handle is left');
done_testing;
