#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Takes, reverts to and deletes snapshots of a domain, and lists them; the current one
# has a star.
#
# usage: snapshot.pl URI DOMAIN [take|revert|delete NAME]

use strict;
use warnings;

use Encode qw(decode_utf8);

use VKVM;

my @state = ('no state', qw(running blocked paused shutdown), 'shut off', qw(crashed suspended));

my %command = (
    # to_xml takes characters, and takes care of < and & among them.
    take => sub {
        my ($dom, $name) = @_;
        $dom->create_snapshot(VKVM::to_xml('domainsnapshot', { name => decode_utf8($name) }));
    },
    revert => sub { my ($dom, $name) = @_; $dom->get_snapshot_by_name($name)->revert_to },
    delete => sub { my ($dom, $name) = @_; $dom->get_snapshot_by_name($name)->delete },
);

my ($uri, $domain, $command, $name) = @ARGV;
die "usage: snapshot.pl URI DOMAIN [take|revert|delete NAME]\n"
  unless @ARGV == 2 || @ARGV == 4 && $command{$command};

my $conn = VKVM->new(uri => $uri);
my $dom  = $conn->get_domain_by_name($domain);
$command{$command}->($dom, $name) if $command;

my ($state) = $dom->get_state;
printf "%s is %s\n", $dom->get_name, $state[$state] // 'unknown';
for my $snapshot ($dom->list_all_snapshots(VKVM::DomainSnapshot::LIST_TOPOLOGICAL)) {
    printf "%s %s\n", $snapshot->is_current ? '*' : ' ', $snapshot->get_name;
}
