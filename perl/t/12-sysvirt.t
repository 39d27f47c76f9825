# SPDX-License-Identifier: LGPL-2.1-or-later
# The same Sys::Virt program with Sys::Virt and with VKVM::SysVirt, on the test
# driver and with a real guest: it must print the same.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use SideBySide;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

need_module('Sys::Virt', 'libsys-virt-perl');

my $script = "$FindBin::Bin/scripts/slice.pl";

# What differs on purpose: the name that slice.pl gives it, and why. Each must
# really differ, or it has to go.
my $sign    = 'a C number with its highest bit set, which Sys::Virt makes a huge one';
my %differs = (
    'usage' => 'Sys::Virt dies with a text, and not with an error',
    (map { ("constant Sys::Virt::$_" => $sign) } qw(NODE_CPU_STATS_ALL_CPUS NODE_MEMORY_STATS_ALL_CELLS
          Domain::AGENT_RESPONSE_TIMEOUT_BLOCK Domain::AGENT_RESPONSE_TIMEOUT_DEFAULT
          Domain::GET_ALL_STATS_ENFORCE_STATS
          Domain::VCPU_INFO_CPU_OFFLINE Domain::VCPU_INFO_CPU_UNAVAILABLE)),
);
my $pair = SideBySide->new($script, %differs);
$pair->same_output('on the test driver', 300, 'test:///default');

SKIP: {
    my $bed = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
    my $xml = $bed->guest_xml('vkvm-slice', 'c7a5fdbd-cdaf-9455-926a-d65c16db1809')
      // skip(TestBed->reason, 1);
    my $file = File::Temp->new;
    print $file $xml;
    close $file;
    $pair->same_output('with a guest', 300, $bed->{URI}, $file->filename);
}

# The method level() of Sys::Virt::Error gives the code by mistake.
my $levels = $pair->{levels};
cmp_ok(scalar keys %{ $levels->{'Sys::Virt'} }, '>', 5, 'level() of Sys::Virt is of many kinds');
is_deeply([ keys %{ $levels->{'VKVM::SysVirt'} } ], [q(['2'])], 'and the level with VKVM::SysVirt');

$pair->all_differed;

done_testing;
