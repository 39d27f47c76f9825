#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Sys::Virt program, for 15-getters.t: calls every method of every class that
# only tells something, on every object that a connection lists. Which methods
# there are it reads from a file. It knows nothing of libvkvm, and changes nothing.
#
# usage: getters.pl URI METHODS-FILE

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Sys::Virt;
use SysVirtShow;

my ($uri, $methods_file) = @ARGV;
my $conn = Sys::Virt->new(uri => $uri);

open(my $file, '<:raw', $methods_file) or die "cannot read $methods_file: $!";
my $sys_virt = JSON::PP->new->utf8->decode(do { local $/; <$file> });
close $file;
my $packages = $sys_virt->{packages};

# Those that only tell something.
my $tells = qr/^(?:(?:get|is|has|list|num_of|migrate_get|backup_get|current|managed_save_get)_
                 |(?:baseline|compare)_|domain_xml_|find_)|_(?:stats|peek)\z/x;

my @all = (
    $conn->list_all_domains,     eval { $conn->list_all_networks },   eval { $conn->list_all_interfaces },
    eval { $conn->list_all_secrets }, eval { $conn->list_all_storage_pools },
    eval { $conn->list_all_nwfilters }, eval { $conn->list_all_nwfilter_bindings },
);
my @devices = eval { $conn->list_all_node_devices };
# A machine has many devices, and more of one kind tell nothing new.
my %kind;
push @all, grep { my ($kind) = $_->get_name =~ /^([a-z]+)/; ++$kind{$kind} < 4 }
  sort { $a->get_name cmp $b->get_name } @devices;
push @all, map { is_a($_, 'Domain') ? ($_->list_all_snapshots, eval { $_->list_all_checkpoints })
               : is_a($_, 'StoragePool') ? eval { $_->list_all_volumes }
               : is_a($_, 'Network')     ? eval { $_->list_all_ports } : () } @all;

@all = sort { SysVirtShow::object($a) cmp SysVirtShow::object($b) } @all;

sub is_a { my ($object, $class) = @_; return $object->isa("Sys::Virt::$class") }

# The first object of a class, asked for something; a text when there is none.
sub first_of {
    my ($class, $method) = @_;
    my ($object) = grep { is_a($_, $class) } @all;
    return $object ? eval { $object->$method } // 'none' : 'none';
}

sub disk_of {
    my ($dom) = @_;
    return $dom->get_xml_description =~ /<disk .*?<target dev='(\w+)'/s ? $1 : 'vda';
}

sub interface_of {
    my ($dom) = @_;
    return $dom->get_xml_description =~ /<interface .*?<target dev='(\w+)'/s ? $1 : 'vnet0';
}

my $cpu = '<cpu><arch>x86_64</arch><model>qemu64</model></cpu>';
my @emulator = ('/usr/bin/qemu-system-x86_64', 'x86_64', 'pc', 'qemu');
my $no_uuid  = '00000000-0000-0000-0000-000000000001';

# Arguments for the methods that need some; several rows for several calls.
my %arguments = (
    '' => {
        baseline_cpu            => [ [ [$cpu] ], [ [] ], [ ['<cpu>'] ] ],
        baseline_hypervisor_cpu => [ [ @emulator, [$cpu] ] ],
        compare_cpu             => [ [$cpu], ['<cpu/>'] ],
        compare_hypervisor_cpu  => [ [ @emulator, $cpu ] ],
        domain_xml_from_native  => [ [ 'qemu-argv', 'qemu -m 5' ] ],
        domain_xml_to_native    => [ [ 'qemu-argv', '<domain/>' ] ],
        find_storage_pool_sources => [ [ 'dir', '' ], [ 'netfs', '<source><host name="x"/></source>' ] ],
        get_all_domain_stats =>
          [ [ 0, undef ], [ 0, undef, 1 ], [ 1, [ grep { is_a($_, 'Domain') } @all ] ] ],
        get_cpu_model_names     => [ ['x86_64'], ['none'] ],
        get_domain_by_id        => [ [12345] ],
        get_domain_by_name      => [ [ first_of('Domain', 'get_name') ], ['no such'] ],
        get_domain_by_uuid      => [ [ first_of('Domain', 'get_uuid_string') ], [$no_uuid] ],
        get_domain_capabilities => [ [ (undef) x 4 ], [@emulator], ['/none', (undef) x 3 ] ],
        get_interface_by_mac    => [ [ first_of('Interface', 'get_mac') ], ['00:00:00:00:00:01'] ],
        get_interface_by_name   => [ [ first_of('Interface', 'get_name') ], ['no such'] ],
        get_max_vcpus           => [ [''], ['qemu'], ['none'] ],
        get_network_by_name     => [ [ first_of('Network', 'get_name') ], ['no such'] ],
        get_network_by_uuid     => [ [ first_of('Network', 'get_uuid') ], [$no_uuid] ],
        get_node_cells_free_memory => [ [ 0, 1 ], [ 5, 9 ] ],
        get_node_device_by_name => [ ['computer'], ['no such'] ],
        get_node_device_scsihost_by_wwn => [ [ '2000000012341234', '1000000012341234' ], [ '0', '0' ] ],
        get_node_free_pages              => [ [ [4], 0, 1 ], [ [ 4, 2048 ], 0, 1 ], [ [5], 0, 1 ] ],
        get_nwfilter_binding_by_port_dev => [ [ first_of('NWFilterBinding', 'get_port_dev') ], ['no'] ],
        get_nwfilter_by_name             => [ [ first_of('NWFilter', 'get_name') ], ['no such'] ],
        get_nwfilter_by_uuid             => [ [$no_uuid] ],
        get_save_image_xml_description   => [ ['/no/such/file'] ],
        get_secret_by_usage              => [ [ 1, '/none' ], [ 2, first_of('Secret', 'get_usage_id') ] ],
        get_secret_by_uuid               => [ [$no_uuid] ],
        get_storage_pool_by_name         => [ [ first_of('StoragePool', 'get_name') ], ['no such'] ],
        get_storage_pool_by_target_path  => [ ['/images'], ['/none'] ],
        get_storage_pool_by_uuid         => [ [ first_of('StoragePool', 'get_uuid_string') ], [$no_uuid] ],
        get_storage_pool_by_volume       => [ map { [$_] } grep { is_a($_, 'StorageVol') } @all ],
        get_storage_volume_by_key        => [ [ first_of('StorageVol', 'get_key') ],  ['/none'] ],
        get_storage_volume_by_path       => [ [ first_of('StorageVol', 'get_path') ], ['/none'] ],
        get_node_cpu_stats               => [ [0], [-1], [99] ],
        get_node_memory_stats            => [ [0], [-1], [99] ],
        list_domain_ids                  => [ [100], [0] ],
        list_secret_uuids                => [ [100], [0] ],
        list_node_device_names => [ [ undef, 1000 ], [ 'net', 1000 ], [ 'none', 5 ], [ undef, 0 ] ],
        list_node_devices      => [ [undef], ['net'] ],
        num_of_node_devices    => [ [undef], ['net'], ['none'] ],
    },
    Domain => {
        block_peek         => sub { [ disk_of($_[0]), 0, 512 ], [ 'no such', 0, 1 ] },
        block_stats        => sub { [ disk_of($_[0]) ], ['no such'] },
        get_block_info     => sub { [ disk_of($_[0]) ], ['no such'] },
        get_block_iotune   => sub { [ disk_of($_[0]) ], ['no such'] },
        get_block_job_info => sub { [ disk_of($_[0]) ], ['no such'] },
        get_checkpoint_by_name => [ ['no such'] ],
        get_cpu_stats          => [ [ 0, 1 ], [ 0, 0 ] ],
        get_guest_info           => [ [0], [8] ],
        get_interface_addresses  => [ [0], [1], [2], [77] ],
        get_interface_parameters => sub { [ interface_of($_[0]) ], ['no such'] },
        get_metadata => [
            [ 0, undef ], [ 1, undef ], [ 9, undef ],
            map { [ 2, "http://example.org/$_" ] } qw(app none)
        ],
        get_snapshot_by_name => [ ['child'], ['no such'] ],
        interface_stats      => sub { [ interface_of($_[0]) ], ['no such'] },
        memory_peek          => [ [ 0xfff00, 16, 2 ], [ 0, 4 ] ],
    },
    Network => {
        get_dhcp_leases  => [ [undef], ['52:54:00:11:22:01'] ],
        get_port_by_uuid => [ [$no_uuid] ],
    },
    StoragePool => { get_volume_by_name => [ [ first_of('StorageVol', 'get_name') ], ['no such'] ] },
);

# All names of a kind, none, and some.
sub default_arguments {
    my ($method) = @_;
    # Sys::Virt reads wild pointers when there are more snapshots than were wanted.
    return ([1000]) if $method =~ /snapshot_names\z/;
    return $method =~ /^list_(?!all).*_names\z/ ? ([1000], [0]) : ([]);
}

sub rows_for {
    my ($short, $method, $object) = @_;
    my $rows = $arguments{$short}{$method} // return default_arguments($method);
    return ref $rows eq 'CODE' ? $rows->($object) : @$rows;
}

sub visit {
    my ($short, $object) = @_;
    local $SysVirtShow::prefix = $short ? SysVirtShow::object($object) . ': ' : '';
    my %has_flags = map { $_ => 1 } @{ $sys_virt->{end_with_optional_flags}{$short} // [] };
    for my $method (grep { /$tells/ && $object->can($_) } @{ $packages->{$short}{methods} }) {
        for my $row (rows_for($short, $method, $object)) {
            call($object, $method, @$row);
            # No flag, and one that does not exist.
            if ($has_flags{$method}) { call($object, $method, @$row, $_) for 0, 0x4000_0000 }
        }
    }
    return;
}

visit('', $conn);
for my $short (sort keys %$packages) {
    next if $short eq '';
    visit($short, $_) for grep { is_a($_, $short) } @all;
}
show('end');
