#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Lists hosts and their domains. A host that fails is reported, and the others are
# shown.
#
# usage: hosts.pl URI...

use strict;
use warnings;

use VKVM;

my @state = ('no state', qw(running blocked paused shutdown), 'shut off', qw(crashed suspended));

sub print_host {
    my ($uri) = @_;
    my $conn = VKVM->new(uri => $uri, readonly => 1);
    printf "%s (%s)\n", $uri, $conn->get_hostname;
    for my $dom ($conn->list_all_domains) {
        my $id   = $dom->get_id;
        my $info = $dom->get_info;
        printf "  %4s  %-20s %-10s %3d CPUs %8d MiB\n", $id < 0 ? '-' : $id, $dom->get_name,
          $state[ $info->{state} ] // 'unknown', $info->{nrVirtCpu}, $info->{maxMem} / 1024;
    }
}

die "usage: hosts.pl URI...\n" unless @ARGV;
$| = 1;
my $failed = 0;
for my $uri (@ARGV) {
    next if eval { print_host($uri); 1 };
    warn "$uri: ", ref $@ ? $@->message . "\n" : $@;
    $failed = 1;
}
exit $failed;
