# SPDX-License-Identifier: LGPL-2.1-or-later
# Every method of every class of Sys::Virt that only tells something, called with
# Sys::Virt and with VKVM::SysVirt on the same hosts: it must tell the same.

use strict;
use warnings;

use File::Temp;
use FindBin;
use JSON::PP;
use lib "$FindBin::Bin/lib";
use RichBed;
use SideBySide;
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

need_module('Sys::Virt', 'libsys-virt-perl');
alarm 1200;    # rather than to hang

my $steps = 'Sys::Virt asks how many there are first, without the flags, and fails otherwise';
my $names = 'one call lists all objects, another one than Sys::Virt makes';
my $junk  = 'Sys::Virt adds hashes of what is not there';
my $pair  = SideBySide->new(
    "$FindBin::Bin/scripts/getters.pl",
    '/list_(?:nwfilters|secrets)/'       => "$names; the message names it",
    '/list_defined_interfaces.*/'        => "$names; libvirt's two disagree on lo",
    "/.*: get_cpu_stats '0' '1'(?:(?: '0')?(?:: scalar)?)/" => $junk,
    "/get_node_free_pages .*'0' '1'.*/"  => $junk,
    "/.*: (?:block|get_cpu)_stats .*'1073741824'/" => $steps,
    "/.*: get_disk_errors '1073741824'/" => $steps,
    '/domainSnapshot root: list_child_snapshots.*/' =>
      'Sys::Virt looks for the children as if the snapshot were the domain, and finds none',
);

# What both have: an older Sys::Virt does not have all methods.
my $methods = File::Temp->new;
{
    my $list  = read_json(root_file('data/coverage/methods.json'));
    my @parts = keys %{ $list->{packages} };
    my ($status, $output) = run_perl('-MSys::Virt', '-MSys::Virt::Event', '-e',
        'for my $p (@ARGV) { my $q = join "::", "Sys::Virt", length $p ? $p : ();
           no strict "refs"; print map { "$p $_\n" } grep { defined &{"${q}::$_"} } keys %{"${q}::"} }',
        @parts);
    is($status, 0, 'what Sys::Virt has');
    my %theirs = map { $_ => 1 } split /\n/, $output;
    for my $part (@parts) {
        my $ours = join '::', 'VKVM', length $part ? $part : ();
        @{ $list->{packages}{$part}{methods} } =
          grep { $theirs{"$part $_"} && $ours->can($_) } @{ $list->{packages}{$part}{methods} };
    }
    print $methods encode_json($list);
    close $methods;
}

$pair->describe;
my $host = "$FindBin::Bin/data/host.xml";
$pair->same_output('on the test driver', 800, 'test:///default', $methods->filename);
$pair->same_output('on a rich host of the test driver', 1500, "test://$host", $methods->filename);

SKIP: {
    my $rich = RichBed->new or skip(RichBed->reason, 1);
    $pair->same_output('on a QEMU daemon', 1300, $rich->uri, $methods->filename);
    $pair->all_differed;
    $pair->as_described(35);
}

done_testing;
