# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Samples;

use strict;
use warnings;

use Encode qw(decode);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our $VERSION = '0.002000';

# Domains and hosts as rows of numbers, out of two texts of metrics that follow each other.

# What a number of a domain is called here, by its metric. Those of devices are added up.
my %GAUGE = (
    libvirt_domain_info_memory_usage_bytes => 'memory',
    libvirt_domain_info_virtual_cpus       => 'cpus',
);
my %COUNTER = (
    libvirt_domain_info_cpu_time_seconds_total           => 'cpu',
    libvirt_domain_block_stats_read_bytes_total          => 'read',
    libvirt_domain_block_stats_write_bytes_total         => 'written',
    libvirt_domain_interface_stats_receive_bytes_total   => 'received',
    libvirt_domain_interface_stats_transmit_bytes_total  => 'sent',
);

sub new {
    my ($class) = @_;
    return bless { before => {}, time => undef }, $class;
}

# Takes a text; returns the rows of the domains that run, and a hash of hosts: whether they are
# up. Rates are per second, and undef where there is nothing yet to compare with.
sub add {
    my ($self, $text) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    my (%row, %up, %count);
    # Metrics are bytes, names are characters.
    $text = decode('UTF-8', $text);
    while ($text =~ /^(\w+)\{(.*)\} (\S+)$/mg) {
        my ($metric, $labels, $value) = ($1, $2, $3);
        if (my $name = $COUNTER{$metric}) {
            my $key = _domain($labels) // next;
            $count{$key}{$name} += $value;
        }
        elsif (my $gauge = $GAUGE{$metric}) {
            my $key = _domain($labels) // next;
            $row{$key}{$gauge} = $value;
        }
        elsif ($metric eq 'libvirt_domain_info_state') {
            my $key = _domain($labels) // next;
            ($row{$key}{state}) = $labels =~ /state_desc="([^"]*)"/;
        }
        elsif ($metric eq 'libvirt_up') {
            $up{ _unquoted($labels =~ /\Ahost="((?:[^"\\]|\\.)*)"/) } = $value;
        }
    }
    for my $key (keys %row) {
        my $before = $self->{before}{$key};
        for my $name (keys %{ $count{$key} // {} }) {
            my $last = $before->{$name};
            # It begins at 0 again when the guest is started anew.
            $row{$key}{$name} = ($count{$key}{$name} - $last) / ($now - $self->{time})
              if defined $last && $count{$key}{$name} >= $last;
        }
        @{ $row{$key} }{qw(host name)} = map { _unquoted($_) } $key =~ /\Ahost="(.*)",domain="(.*)"\z/s;
    }
    @$self{qw(before time)} = (\%count, $now);
    return ([ grep { ($_->{state} // '') !~ /\A(?:shutoff|)\z/ } values %row ], \%up);
}

# The labels that say which domain it is.
sub _domain {
    my ($labels) = @_;
    return $labels =~ /\A(host="(?:[^"\\]|\\.)*",domain="(?:[^"\\]|\\.)*")/ ? $1 : undef;
}

sub _unquoted {
    my ($text) = @_;
    return $text =~ s/\\(.)/$1 eq 'n' ? "\n" : $1/ger;
}

1;
