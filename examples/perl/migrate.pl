#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Migrates a running guest to another host, and shows how far it is: a process with a
# connection of its own asks, while this one waits for the migration. The guest's
# definition moves, too.
#
# usage: migrate.pl FROM DOMAIN TO [PARAMETER=VALUE...]
#   PARAMETER  one of libvirt's, like bandwidth (MiB/s), migrate_uri, listen_address

use strict;
use warnings;

use VKVM;

my @state = ('no state', qw(running blocked paused shutdown), 'shut off', qw(crashed suspended));

sub show {
    my ($stats) = @_;
    my $total = $stats->{ VKVM::Domain::JOB_DATA_TOTAL() }     // 0;
    my $left  = $stats->{ VKVM::Domain::JOB_DATA_REMAINING() } // 0;
    return if $total == 0 || $left > $total;
    printf '%3d%% of %d MiB%s', ($total - $left) * 100 / $total, $total / 2**20,
      -t STDOUT ? "\r" : "\n";
}

# Shows how far it is until the other process closes its end of the pipe. That the guest
# is not there any more, or that nothing is known, is no reason to disturb the migration.
sub show_progress {
    my ($uri, $domain, $pipe) = @_;
    my $dom = eval { VKVM->new(uri => $uri, readonly => 1)->get_domain_by_name($domain) } or return;
    vec(my $ended = '', fileno $pipe, 1) = 1;
    while (!select my $ready = $ended, undef, undef, 0.2) {
        my ($type, $stats) = eval { $dom->get_job_stats } or next;
        show($stats) if $type == VKVM::Domain::JOB_BOUNDED || $type == VKVM::Domain::JOB_UNBOUNDED;
    }
}

die "usage: migrate.pl FROM DOMAIN TO [PARAMETER=VALUE...]\n" unless @ARGV >= 3;
my ($from, $domain, $to, @parameters) = @ARGV;
my %parameter = map {
    /^(.*?)=(.*)$/s ? ($1 => $2) : die "$_ is not of the form PARAMETER=VALUE\n"
} @parameters;
$| = 1;

# The process that shows is made first, so that it has nothing of this one's connections.
pipe(my $ended, my $going_on) or die "pipe: $!\n";
my $pid = fork // die "fork: $!\n";
if (!$pid) {
    close $going_on;
    show_progress($from, $domain, $ended);
    exit 0;
}
close $ended;

my $moved = eval {
    my $dom = VKVM->new(uri => $from)->get_domain_by_name($domain);
    $dom->migrate(VKVM->new(uri => $to), \%parameter,
        VKVM::Domain::MIGRATE_LIVE | VKVM::Domain::MIGRATE_PERSIST_DEST |
          VKVM::Domain::MIGRATE_UNDEFINE_SOURCE);
};
my $error = $@;
close $going_on;
waitpid $pid, 0;
die $error unless $moved;
my ($state) = $moved->get_state;
printf "%s is %s on %s\n", $domain, $state[$state] // 'unknown', $to;
