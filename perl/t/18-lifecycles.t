# SPDX-License-Identifier: LGPL-2.1-or-later
# The lives of networks, filters and domains on a private QEMU daemon with a guest
# that runs: what a host is used for, from defining to undefining.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use RichBed;
use Test::More;
use TestVKVM;

use VKVM;

alarm 1200;    # rather than to hang
my $rich  = RichBed->new or plan(skip_all => RichBed->reason);
my $conn  = VKVM->new(uri => $rich->uri);
my $guest = $conn->get_domain_by_name('guest');

sub until_is {
    my ($code, $expected, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    RichBed::until_true(sub { $code->() eq $expected });
    return is($code->(), $expected, $what);
}

subtest 'a network with a guest in it' => sub {
    my $net = $conn->get_network_by_name('inside');
    my ($lease) = $net->get_dhcp_leases;
    is($lease->{mac},      RichBed::MAC, 'whose lease it is');
    is($lease->{ipaddr},   '10.77.0.5',  'the address that is set aside for it');
    is($lease->{prefix},   24,           'its prefix');
    is($lease->{hostname}, 'guest',      'its name');
    is($lease->{type},     VKVM::IP_ADDR_TYPE_IPV4, 'its type');
    cmp_ok($lease->{expirytime}, '>', time, 'it has not expired');
    is_deeply([ $net->get_dhcp_leases('52:54:00:00:00:00') ], [], 'no lease of another one');
    my ($interface) = $guest->get_interface_addresses(VKVM::Domain::INTERFACE_ADDRESSES_SRC_LEASE);
    is($interface->{addrs}[0]{addr}, '10.77.0.5', 'the domain knows it, too');

    my $host = "<host mac='52:54:00:00:00:05' ip='10.77.0.9'/>";
    my @both = map { $_ | VKVM::Network::UPDATE_AFFECT_LIVE } VKVM::Network::UPDATE_AFFECT_CONFIG;
    returns_nothing {
        $net->update(VKVM::Network::UPDATE_COMMAND_ADD_LAST,
            VKVM::Network::SECTION_IP_DHCP_HOST, 0, $host, @both)
    }
    'update';
    like($net->get_xml_description, qr/ip='10\.77\.0\.9'/, 'a host more');
    like($net->get_xml_description(VKVM::Network::XML_INACTIVE), qr/ip='10\.77\.0\.9'/, 'also later');
    $net->update(VKVM::Network::UPDATE_COMMAND_DELETE, VKVM::Network::SECTION_IP_DHCP_HOST,
        0, $host, @both);
    unlike($net->get_xml_description, qr/52:54:00:00:00:05/, 'and gone');
};

subtest 'a network alone' => sub {
    my $net = $conn->define_network("<network><name>alone</name><bridge name='vkvm5'/>"
          . "<ip address='10.78.0.1' prefix='24'/></network>");
    is($net->is_active, 0, 'defined');
    for my $time (1, 2) {
        $net->create;
        is($net->is_active, 1, "created, time $time");
        is(thrown { $net->create }->code, VKVM::Error::ERR_OPERATION_INVALID, 'but once');
        $net->destroy;
        is($net->is_active, 0, 'destroyed');
    }
    $net->undefine;
    is(thrown { $net->is_active }->code, VKVM::Error::ERR_NO_NETWORK, 'undefined');
};

subtest 'a filter in use' => sub {
    my $filter = $conn->define_nwfilter("<filter name='used' chain='root'>"
          . "<rule action='accept' direction='inout' priority='500'><all/></rule></filter>");
    my $binding = $conn->create_nwfilter_binding("<filterbinding><owner><name>guest</name><uuid>"
          . RichBed::GUEST_UUID . "</uuid></owner><portdev name='vkvm0'/><mac address='"
          . RichBed::MAC . "'/><filterref filter='used'/></filterbinding>");
    is(scalar(my @two = $conn->list_all_nwfilter_bindings), 2, 'with that of the bed');
    is(thrown { $filter->undefine }->code, VKVM::Error::ERR_OPERATION_INVALID, 'not while it is used');
    $conn->define_nwfilter($filter->get_xml_description =~ s/priority='500'/priority='400'/r);
    like($filter->get_xml_description, qr/priority='400'/, 'it can change while it is used');
    $binding->delete;
    $filter->undefine;
    is(thrown { $conn->get_nwfilter_by_name('used') }->code, VKVM::Error::ERR_NO_NWFILTER, 'gone');
};

subtest 'a guest that runs' => sub {
    is(($guest->get_state)[0], VKVM::Domain::STATE_RUNNING, 'it runs');
    $guest->set_memory(100 * 1024);
    until_is(sub { $guest->get_info->{memory} }, 100 * 1024, 'balloon: less memory');
    $guest->set_memory(128 * 1024);
    until_is(sub { $guest->get_info->{memory} }, 128 * 1024, 'and more again');
    is(thrown { $guest->set_memory(1024 * 1024) }->code, VKVM::Error::ERR_INVALID_ARG,
        'not more than there is');

    my ($uri, $both) = ('http://example.org/life',
        VKVM::Domain::AFFECT_LIVE | VKVM::Domain::AFFECT_CONFIG);
    $guest->set_metadata(VKVM::Domain::METADATA_ELEMENT, '<life/>', 'l', $uri, $both);
    like($guest->get_metadata(VKVM::Domain::METADATA_ELEMENT, $uri, $_), qr/<life\b/, "metadata $_")
      for VKVM::Domain::AFFECT_LIVE, VKVM::Domain::AFFECT_CONFIG;
    $guest->set_metadata(VKVM::Domain::METADATA_ELEMENT, undef, undef, $uri, $both);
    is(thrown { $guest->get_metadata(VKVM::Domain::METADATA_ELEMENT, $uri) }->code,
        VKVM::Error::ERR_NO_DOMAIN_METADATA, 'taken away');
    is_deeply([ map { $_->get_name } $guest->list_all_checkpoints ], ['first'], 'its checkpoint');
    $_->delete for $guest->list_all_checkpoints;
    $guest->suspend;
    is(($guest->get_state)[0], VKVM::Domain::STATE_PAUSED, 'suspend');
    $guest->resume;
    is(($guest->get_state)[0], VKVM::Domain::STATE_RUNNING, 'resume');
};

subtest 'snapshots of a guest that runs' => sub {
    my $snapshot = $guest->create_snapshot('<domainsnapshot><name>alive</name></domainsnapshot>');
    like($snapshot->get_xml_description, qr{<state>running</state>}, 'with its memory');
    $guest->destroy;
    is($guest->is_active, 0, 'destroyed');
    returns_nothing { $snapshot->revert_to } 'revert_to';
    is(($guest->get_state)[0], VKVM::Domain::STATE_RUNNING, 'it runs again');
    is($guest->current_snapshot->get_name, 'alive', 'from there');
    $snapshot->delete;
    is($guest->num_of_snapshots, 0, 'deleted');
};

subtest 'saving by the daemon' => sub {
    is($guest->has_managed_save_image, 0, 'not saved');
    $guest->managed_save;
    is($guest->is_active,              0, 'managed_save stops it');
    is($guest->has_managed_save_image, 1, 'and keeps its state');
    like($guest->managed_save_get_xml_description, qr{<name>guest</name>}, 'which has XML');
    $guest->create;
    is(($guest->get_state)[1], VKVM::Domain::STATE_RUNNING_RESTORED, 'create goes on from there');
    is($guest->has_managed_save_image, 0, 'once');
    $guest->managed_save;
    $guest->managed_save_remove;
    is($guest->has_managed_save_image, 0, 'managed_save_remove');
};

# Last of all: a snapshot of such a guest could not be reverted to once it is off.
subtest 'one virtual CPU more' => sub {
    $guest->create;
    $guest->set_vcpus(2);
    is($guest->get_vcpus, 2, 'a virtual CPU more');
    until_is(sub { scalar(my @all = $guest->get_vcpu_info) }, 2, 'it runs');
    is($guest->get_vcpus(VKVM::Domain::VCPU_CONFIG), 1, 'not after a restart');
    $guest->destroy;
};

subtest 'the end of it' => sub {
    my $off = $conn->get_domain_by_name('off');
    is(thrown { $off->undefine }->code, VKVM::Error::ERR_OPERATION_INVALID,
        'a domain with snapshots is not undefined');
    my @snapshots = $off->list_all_snapshots(VKVM::DomainSnapshot::LIST_TOPOLOGICAL);
    returns_nothing { $_->delete } 'delete' for reverse @snapshots;
    returns_nothing { $_->undefine } 'undefine' for $off, $guest;
    is_deeply([ $conn->list_all_domains ], [], 'no domain is left');
};

undef $guest;
undef $conn;
undef $rich;
handles_are({ map { $_ => 0 } qw(conn domain network nwfilter_binding storage_vol value error) },
    'no handle is left');
done_testing;
