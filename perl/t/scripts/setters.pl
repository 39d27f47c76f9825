#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Sys::Virt program, for 17-setters.t: sets all that can be set to one of two
# values, or reads what is set and prints it. It knows nothing of libvkvm.
#
# usage: setters.pl URI test|qemu 0|1|read

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Sys::Virt;
use Sys::Virt::Event;
use SysVirtShow;

my ($uri, $host, $what) = @ARGV;
Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);

use constant {
    CONFIG => Sys::Virt::Domain::AFFECT_CONFIG,
    LIVE   => Sys::Virt::Domain::AFFECT_LIVE,
};

# One text or number of the XML.
sub in_xml {
    my ($object, $pattern) = @_;
    return $object->get_xml_description =~ $pattern ? $1 : 'none';
}

sub domain { my ($name) = @_; return $conn->get_domain_by_name($name) }

# A row is the object, the method, its arguments for the two values, what reads it
# (a method, with the arguments it takes, or code), and code that waits until it is so.
my ($title, $element) = (Sys::Virt::Domain::METADATA_TITLE, Sys::Virt::Domain::METADATA_ELEMENT);
my @metadata = ('<x a="1"/>', '<x a="2">text</x>');
my %key      = (
    hard_limit => Sys::Virt::Domain::MEMORY_HARD_LIMIT,
    total      => Sys::Virt::Domain::BLOCK_IOTUNE_TOTAL_BYTES_SEC,
    most       => Sys::Virt::Domain::BLOCK_IOTUNE_TOTAL_BYTES_SEC_MAX,
    inbound    => Sys::Virt::Domain::BANDWIDTH_IN_AVERAGE,
);

# What every host has: a domain that runs and one that does not, a network, a pool.
sub common {
    my ($on, $off, $network, $pool, $disk, $interface, $flags) = @_;
    return (
        [ $off, set_autostart => [1], [0], 'get_autostart' ],
        [ $network, set_autostart => [1], [0], 'get_autostart' ],
        [ $pool,    set_autostart => [1], [0], 'get_autostart' ],
        [ $off, set_max_memory => [262144], [131072], 'get_max_memory' ],
        [ $off, set_memory => [ 65536, CONFIG ], [ 32768, CONFIG ],
            sub { in_xml($off, qr/<currentMemory[^>]*>(\d+)/) } ],
        [ $off, set_vcpus => [ 4, CONFIG | Sys::Virt::Domain::VCPU_MAXIMUM ],
            [ 3, CONFIG | Sys::Virt::Domain::VCPU_MAXIMUM ],
            [ get_vcpus => CONFIG | Sys::Virt::Domain::VCPU_MAXIMUM ] ],
        [ $off, set_vcpus => [ 2, CONFIG ], [ 1, CONFIG ], [ get_vcpus => CONFIG ] ],
        [ $off, set_metadata => [ $title, 'one' ], [ $title, "tw\xc3\xb6" ], [ get_metadata => $title ] ],
        [ $off, set_metadata => (map { [ $element, $_, 'k', 'http://example.org/k' ] } @metadata),
            [ get_metadata => $element, 'http://example.org/k' ] ],
        [ $on, set_lifecycle_action => [ 1, 0, LIVE ], [ 1, 1, LIVE ],
            sub { in_xml($on, qr/<on_reboot>(\w+)/) } ],
        [ $on, set_block_iotune => [ $disk, { $key{total} => 2**33, $key{most} => 2**34 } ],
            [ $disk, { $key{total} => 777, $key{most} => 2**32 } ], [ get_block_iotune => $disk ] ],
        [ $on, set_interface_parameters => [ $interface, { $key{inbound} => 1000 }, $flags ],
            [ $interface, { $key{inbound} => 2000 }, $flags ],
            [ get_interface_parameters => $interface, $flags ] ],
    );
}

sub test_rows {
    my ($on, $off) = (domain('test'), domain('off'));
    return (
        common($on, $off, $conn->get_network_by_name('default'),
            $conn->get_storage_pool_by_name('default-pool'), 'vda', 'testnet0', 0),
        [ $on, set_memory => [524288], [786432], sub { $on->get_info->{memory} } ],
        [ $on, set_memory_parameters => [ { $key{hard_limit} => 2**33 } ], [ { $key{hard_limit} => 2**20 } ],
            'get_memory_parameters' ],
        [ $on, set_numa_parameters => [ { numa_nodeset => '0' } ], [ { numa_nodeset => '0-1' } ],
            'get_numa_parameters' ],
    );
}

sub qemu_rows {
    my ($on, $off) = (domain('guest'), domain('off'));
    my $network   = $conn->get_network_by_name('inside');
    my ($port)    = $conn->get_network_by_name('ports')->list_all_ports;
    my ($secret)  = $conn->list_all_secrets;
    my @updates   = map {
        [ Sys::Virt::Network::UPDATE_COMMAND_MODIFY, Sys::Virt::Network::SECTION_IP_DHCP_HOST, 0,
          "<host mac='52:54:00:11:22:01' name='guest' ip='10.77.0.$_'/>", 0 ] } 6, 7;
    return (
        common($on, $off, $network, $conn->get_storage_pool_by_name('images'), 'vda',
            '52:54:00:11:22:01', CONFIG),
        [ $off, set_memory_parameters => [ { $key{hard_limit} => 2**33 }, CONFIG ],
            [ { $key{hard_limit} => 2**20 }, CONFIG ], [ get_memory_parameters => CONFIG ] ],
        [ $off, set_blkio_parameters => [ { weight => 300 }, CONFIG ], [ { weight => 400 }, CONFIG ],
            [ get_blkio_parameters => CONFIG ] ],
        [ $off, set_numa_parameters => [ { numa_mode => 0, numa_nodeset => '0' }, CONFIG ],
            [ { numa_mode => 1, numa_nodeset => '0' }, CONFIG ], [ get_numa_parameters => CONFIG ] ],
        [ $off, set_scheduler_parameters => [ { cpu_shares => 2048, vcpu_quota => -1 }, CONFIG ],
            [ { cpu_shares => 1024, vcpu_quota => 5000 }, CONFIG ], [ get_scheduler_parameters => CONFIG ] ],
        [ $off, set_perf_events => [ { page_faults => 1 }, CONFIG ], [ { page_faults => 0 }, CONFIG ],
            [ get_perf_events => CONFIG ] ],
        [ $on, set_memory => [ 110000, LIVE ], [ 120000, LIVE ], sub { $on->get_info->{memory} },
            sub { my ($kib) = @_; wait_for(sub { $on->get_info->{memory} == $kib }) } ],
        [ $on, set_memory_stats_period => [5], [7], sub { in_xml($on, qr/<stats period='(\d+)'/) } ],
        [ $on, set_time => [ 1_000_000_000, 5 ], [ 1_100_000_000, 7 ],
            sub { int($on->get_time->[0] / 1e8) } ],
        [ $on, set_vcpu => [ '1', 1, CONFIG ], [ '1', 0, CONFIG ], [ get_vcpus => CONFIG ] ],
        [ $on, set_guest_vcpus => ([ '0', 1 ]) x 2, 'get_guest_vcpus' ],
        [ $on, set_user_password => ([ 'root', 'secret' ]) x 2 ],
        [ $on, set_agent_response_timeout => [60], [120] ],
        [ $on, set_block_threshold => [ 'vda', 1000 ], [ 'vda', 2000 ],
            sub {
                my ($stats) = $conn->get_all_domain_stats(Sys::Virt::Domain::STATS_BLOCK, [$on]);
                return $stats->{data}{'block.0.threshold'};
            } ],
        [ $on, migrate_set_max_speed      => [100], [200],   'migrate_get_max_speed' ],
        [ $on, migrate_set_max_downtime   => [400], [500],   'migrate_get_max_downtime' ],
        [ $on, migrate_set_compression_cache => [2**24], [2**25], 'migrate_get_compression_cache' ],
        [ $off, pin_vcpu     => [ 0, "\1", CONFIG ], [ 0, "\2", CONFIG ],
            sub { $off->get_vcpu_info(CONFIG) } ],
        [ $off, pin_emulator => [ "\1", CONFIG ], [ "\2", CONFIG ], [ get_emulator_pin_info => CONFIG ] ],
        [ $port, set_parameters => [ { 'inbound.average' => 700 } ], [ { 'inbound.average' => 800 } ],
            'get_parameters' ],
        [ $secret, set_value => ["\0one"], ["two\xff"], 'get_value' ],
        [ $network, update => @updates, sub { in_xml($network, qr/<host [^>]*ip='([^']*)'/) } ],
        [ $conn, set_keep_alive => [ 5, 3 ], [ -1, 0 ] ],
    );
}

# A guest takes its time to give memory back.
sub wait_for {
    my ($condition) = @_;
    for (1 .. 600) {
        return if $condition->();
        select undef, undef, undef, 0.2;
    }
    die "it does not come to it\n";
}

my $number = 0;
for my $row ($host eq 'test' ? test_rows() : qemu_rows()) {
    my ($object, $method, $first, $second, $reader, $wait) = @$row;
    my $class = $object == $conn ? 'Virt' : (ref $object) =~ /(\w+)\z/ ? $1 : die;
    my $name  = ++$number . " $class $method";
    if ($what eq 'read') {
        my ($read, @args) = ref $reader eq 'ARRAY' ? @$reader : $reader;
        my @value = eval {
            !defined $read ? 'not to be read' : ref $read ? $read->() : $object->$read(@args);
        };
        $@ ? show_error($name, $@) : show($name, @value);
    }
    else {
        my @args    = @{ $what ? $second : $first };
        my @nothing = eval { $object->$method(@args) };
        $wait->(@args) if $wait;
        $@ ? show_error($name, $@) : show($name, @nothing);
    }
}
show('end');
