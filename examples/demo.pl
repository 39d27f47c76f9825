#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a host has, and what happens on it: prints the host, its domains and one
# domain's definition as JSON; with --write it suspends and resumes that domain
# and prints the events as they come.
#
# usage: demo.pl [--write] URI

use strict;
use warnings;

use VKVM;
use VKVM::Event;

sub print_version {
    my ($what, $version) = @_;
    printf "%-12s %d.%d.%d\n", $what, $version / 1_000_000, $version / 1_000 % 1_000,
      $version % 1_000;
}

sub print_host {
    my ($conn) = @_;
    my $info = $conn->get_node_info;
    printf "%-12s %s\n", 'uri',    $conn->get_uri;
    printf "%-12s %s\n", 'driver', $conn->get_type;
    printf "%-12s %s\n", 'host',   $conn->get_hostname;
    print_version('hypervisor', $conn->get_version);
    print_version('libvirt',    $conn->get_library_version);
    printf "%-12s %d x %s, %d MHz\n", 'cpus', $info->{cpus}, $info->{model}, $info->{mhz};
    printf "%-12s %d KiB\n", 'memory', $info->{memory};
}

sub print_domain {
    my ($dom) = @_;
    my $info = $dom->get_info;
    printf "%4d  %-20s %-36s %5d %5d %12d\n", $dom->get_id, $dom->get_name,
      $dom->get_uuid_string, @$info{qw(state nrVirtCpu memory)};
}

sub suspend_and_resume {
    my ($conn, $dom) = @_;
    my $seen     = 0;
    my $callback = $conn->domain_event_register_any(
        $dom,
        VKVM::Domain::EVENT_ID_LIFECYCLE,
        sub {
            my (undef, $dom, $event) = @_;
            printf "event: %s %s\n", $dom->get_name,
              $event == VKVM::Domain::EVENT_SUSPENDED ? 'suspended' : 'resumed';
            $seen++;
        });
    $dom->suspend;
    $dom->resume;
    VKVM::Event::run_default() while $seen < 2;
    $conn->domain_event_deregister_any($callback);
}

my $write = @ARGV && $ARGV[0] eq '--write' ? shift @ARGV : 0;
my $uri   = shift // 'test:///default';
$| = 1;

VKVM::Event::register_default();
my $conn = VKVM->new(uri => $uri, readonly => !$write);
print_host($conn);

my @domains = $conn->list_all_domains;
printf "\n%4s  %-20s %-36s %5s %5s %12s\n", qw(id name uuid state vcpus), 'memory KiB';
print_domain($_) for @domains;
if (my $dom = $domains[0]) {
    print "\n", VKVM::xml_to_json($dom->get_xml_description, 1), "\n";
    if ($write) {
        print "\n";
        suspend_and_resume($conn, $dom);
    }
}
