#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A first program: shows a host and its domains, defines a domain of the test driver,
# runs it, and prints the events of that.
#
# usage: first.pl URI

use strict;
use warnings;
use VKVM;
use VKVM::Domain;
use VKVM::Error;
use VKVM::Event;

my $xml = <<'XML';
<domain type='test'>
  <name>first</name>
  <memory unit='MiB'>256</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
</domain>
XML

sub show_domain {
    my ($dom) = @_;
    my ($state) = $dom->get_state;
    printf "domain: %s is %s and has %d MiB\n", $dom->get_name,
      VKVM::enum_name('domain_state', $state), $dom->get_max_memory / 1024;
    return;
}

die "usage: first.pl URI\n" unless @ARGV == 1;
VKVM::Event::register_default();
my $conn = VKVM->new(uri => $ARGV[0], timeout => 5);
my $info = $conn->get_node_info;
printf "host: %d CPUs, %d MiB\n", $info->{cpus}, $info->{memory} / 1024;
show_domain($_) for $conn->list_all_domains;

my $stopped;
my $id = $conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE, sub {
    my ($from, $dom, $event, $detail) = @_;
    printf "event: %s %s\n", $dom->get_name, VKVM::enum_name('domain_event_lifecycle', $event);
    $stopped = $event == VKVM::Domain::EVENT_STOPPED;
    return;
});
my $dom = $conn->define_domain($xml);
$dom->create;
$dom->set_memory_parameters({ VKVM::Domain::MEMORY_HARD_LIMIT => 524288 });
show_domain($dom);
$dom->destroy;
VKVM::Event::run_default() until $stopped;
$dom->undefine;
$conn->domain_event_deregister_any($id);

if (!eval { $conn->get_domain_by_name('nobody'); 1 }) {
    die $@ unless ref $@ && $@->isa('VKVM::Error') && $@->code == VKVM::Error::ERR_NO_DOMAIN;
    print 'nobody is no domain: ', $@->message, "\n";
}
