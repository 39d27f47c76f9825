# SPDX-License-Identifier: LGPL-2.1-or-later
# What libvirt's test driver cannot show of networks, network filters and node
# devices, on a private daemon with the real drivers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('qemu-daemon', '--private-net') or plan(skip_all => TestBed->reason);
my $conn = VKVM->new(uri => $bed->{URI});

use constant {
    PORT_UUID  => '5d744f21-ba4a-4d6e-bdb2-30a35ff3207d',
    OWNER_UUID => '12345678-1234-1234-1234-123456789012',
    MAC        => '52:54:00:aa:bb:cc',
};

my $owner = '<owner><name>d</name><uuid>' . OWNER_UUID . '</uuid></owner>';

subtest 'ports' => sub {
    my $net = $conn->create_network(
        "<network><name>n</name><forward mode='bridge'/><bridge name='vkvm9'/></network>");
    is_deeply([ $net->list_all_ports ], [], 'none at first');
    my $port = $net->create_port('<networkport><uuid>' . PORT_UUID . "</uuid>$owner"
          . "<mac address='" . MAC . "'/></networkport>");
    is(ref $port, 'VKVM::NetworkPort', 'create_port');
    is($port->get_network->get_uuid, $net->get_uuid, 'get_network');
    is($port->get_conn->get_uri, $bed->{URI}, 'get_conn');
    is($port->get_uuid_string, PORT_UUID, 'get_uuid_string');
    is($port->get_uuid, pack('H*', PORT_UUID =~ tr/-//dr), 'get_uuid');
    like($port->get_xml_description, qr/<mac address='@{[MAC]}'/, 'get_xml_description');
    is_deeply([ map { $_->get_uuid_string } $net->list_all_ports ], [PORT_UUID], 'list_all_ports');
    is($net->get_port_by_uuid($_)->get_uuid_string, PORT_UUID, 'get_port_by_uuid')
      for PORT_UUID, $port->get_uuid;

    is_deeply($port->get_parameters, {}, 'no limits at first');
    my ($average, $peak) =
      (VKVM::NetworkPort::BANDWIDTH_IN_AVERAGE, VKVM::NetworkPort::BANDWIDTH_IN_PEAK);
    returns_nothing { $port->set_parameters({ $average => 100, $peak => '200' }) } 'set_parameters';
    my $limits = $port->get_parameters(0);
    is($limits->{$average}, 100, 'the average is the one that was set');
    is($limits->{$peak},    200, 'as set with text');
    is($limits->{VKVM::NetworkPort::BANDWIDTH_IN_FLOOR()}, 0, 'and not set');
    my $error = own_error { $port->set_parameters({ nonsense => 1 }) } VKVM::Error::OWN_NOT_FOUND,
      'newparams', 'an unknown key';
    like($error->message, qr/inbound\.average/, 'the error lists the known ones');
    own_error { $port->set_parameters({ $peak => -1 }) } VKVM::Error::OWN_INVALID, 'newparams',
      'a negative limit';
    returns_nothing { $port->set_parameters(undef) } 'undef, which is NULL, sets none';
    is_deeply([ grep { $_ } values %{ $port->get_parameters } ], [], 'and takes all limits away');

    returns_nothing { $port->delete } 'delete';
    is(thrown { $port->get_xml_description }->code, VKVM::Error::ERR_NO_NETWORK_PORT, 'it is gone');
    $error = thrown { $net->create_port('<networkport>') };
    is($error->parameter, 'xml', 'malformed XML');
    $net->destroy;
};

subtest 'leases' => sub {
    my $net = $conn->define_network(
        "<network><name>m</name><ip address='10.77.0.1' netmask='255.255.255.0'><dhcp>"
          . "<range start='10.77.0.2' end='10.77.0.9'/></dhcp></ip></network>");
    is_deeply([ $net->get_dhcp_leases ], [], 'get_dhcp_leases');
    is_deeply([ $net->get_dhcp_leases(MAC, 0) ], [], 'of one address');
    own_error { $net->get_dhcp_leases([]) } VKVM::Error::OWN_INVALID, 'mac', 'a reference';
    $net->undefine;
};

subtest 'filters' => sub {
    my $xml = "<filter name='vk' chain='root'>"
      . "<rule action='accept' direction='inout' priority='500'><all/></rule></filter>";
    my $filter = $conn->define_nwfilter($xml);
    is(ref $filter,       'VKVM::NWFilter', 'define_nwfilter');
    is($filter->get_name, 'vk',             'get_name');
    is(length $filter->get_uuid, 16, 'get_uuid');
    is(unpack('H*', $filter->get_uuid), $filter->get_uuid_string =~ tr/-//dr, 'get_uuid_string');
    like($filter->get_xml_description, qr/<rule action='accept'/, 'get_xml_description');
    is($conn->get_nwfilter_by_name('vk')->get_uuid, $filter->get_uuid, 'get_nwfilter_by_name');
    is($conn->get_nwfilter_by_uuid($_)->get_name, 'vk', 'get_nwfilter_by_uuid')
      for $filter->get_uuid, $filter->get_uuid_string;
    is($conn->num_of_nwfilters, 1, 'num_of_nwfilters');
    is_deeply([ $conn->list_nwfilter_names(9) ], ['vk'], 'list_nwfilter_names');
    is_deeply([ map { $_->get_name } $conn->list_all_nwfilters ], ['vk'], 'list_all_nwfilters');
    is_deeply([ map { $_->get_name } $conn->list_nwfilters ],     ['vk'], 'list_nwfilters');
    is(scalar $conn->list_nwfilters, 1, 'one value is their number');

    my $binding = $conn->create_nwfilter_binding("<filterbinding>$owner<portdev name='lo'/>"
          . "<mac address='" . MAC . "'/><filterref filter='vk'/></filterbinding>");
    is(ref $binding,              'VKVM::NWFilterBinding', 'create_nwfilter_binding');
    is($binding->get_port_dev,    'lo',                    'get_port_dev');
    is($binding->get_filter_name, 'vk',                    'get_filter_name');
    like($binding->get_xml_description, qr/<portdev name='lo'/, 'get_xml_description');
    is_deeply([ map { $_->get_port_dev } $conn->list_all_nwfilter_bindings ],
        ['lo'], 'list_all_nwfilter_bindings');
    is($conn->get_nwfilter_binding_by_port_dev('lo')->get_filter_name, 'vk',
        'get_nwfilter_binding_by_port_dev');
    is(thrown { $filter->undefine }->code, VKVM::Error::ERR_OPERATION_INVALID,
        'a filter in use cannot be undefined');
    returns_nothing { $binding->delete } 'delete';
    is(thrown { $conn->get_nwfilter_binding_by_port_dev('lo') }->code,
        VKVM::Error::ERR_NO_NWFILTER_BINDING, 'it is gone');
    returns_nothing { $filter->undefine } 'undefine';
    is($conn->num_of_nwfilters, 0, 'it is gone');
};

subtest 'node devices' => sub {
    my $dev = $conn->get_node_device_by_name('computer');
    ok(eval { $dev->get_parent; 1 } || ref $@, 'get_parent of a device without one');
    my @names = $conn->list_node_device_names('net', 1000);
    is(scalar $conn->list_node_devices('net'), scalar @names, 'list_node_devices');
    for my $net ($conn->list_node_devices('net')) {
        ok((grep { $_ eq 'net' } $net->list_capabilities), $net->get_name);
    }
    return if VKVM->get_version < 7_008_000;
    is($dev->is_active, 1, 'is_active');
    like($dev->is_persistent, qr/^[01]\z/, 'is_persistent');
    like(eval { $dev->get_autostart } // ref $@, qr/^(?:[01]|VKVM::Error)\z/, 'get_autostart');
};

undef $conn;
handles_are(
    {
        map { $_ => 0 }
          qw(conn network network_port nwfilter nwfilter_binding node_device value error)
    },
    'no handle is left'
);

done_testing;
