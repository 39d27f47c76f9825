# SPDX-License-Identifier: LGPL-2.1-or-later
# Networks and their ports, and VKVM's methods for them, on libvirt's test driver.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

use constant DEFAULT_UUID => 'dd8fe884-6c02-601e-7551-cca97df1c5df';

my $uri  = 'test:///default';
my $conn = VKVM->new(uri => $uri);

sub network_xml {
    my ($name, @lines) = @_;
    return "<network><name>$name</name>@lines</network>";
}

sub names { return [ sort map { $_->get_name } @_ ] }

# The test driver lacks the call.
sub unsupported(&$) {
    my ($code, $what) = @_;
    my $error = &thrown($code);
    return is($error && $error->code, VKVM::Error::ERR_NO_SUPPORT, "$what: not with this driver");
}

subtest 'lookups' => sub {
    my %found = (
        'by name'       => $conn->get_network_by_name('default'),
        'by UUID'       => $conn->get_network_by_uuid(DEFAULT_UUID),
        'in upper case' => $conn->get_network_by_uuid(uc DEFAULT_UUID),
        'by raw UUID'   => $conn->get_network_by_uuid(pack 'H*', DEFAULT_UUID =~ tr/-//dr),
    );
    for my $how (sort keys %found) {
        is(ref $found{$how}, 'VKVM::Network', "$how: class");
        is($found{$how}->get_uuid_string, DEFAULT_UUID, "$how: uuid");
    }
    my $error = thrown { $conn->get_network_by_name('none') };
    is($error->code, VKVM::Error::ERR_NO_NETWORK, 'no such name');
    $error = thrown { $conn->get_network_by_uuid('0' x 32) };
    is($error->code, VKVM::Error::ERR_NO_NETWORK, 'no such uuid');
    own_error { $conn->get_network_by_uuid('short') } VKVM::Error::OWN_INVALID, 'uuid', 'no uuid';
    own_error { $conn->get_network_by_name(undef) } VKVM::Error::OWN_INVALID, 'name', 'no name';
};

subtest 'what it tells' => sub {
    my $net = $conn->get_network_by_name('default');
    is($net->get_name,        'default', 'get_name');
    is($net->get_uuid,        pack('H*', DEFAULT_UUID =~ tr/-//dr), 'get_uuid');
    is($net->get_bridge_name, 'virbr0', 'get_bridge_name');
    is($net->is_active,       1,        'is_active');
    is($net->is_persistent,   1,        'is_persistent');
    like($net->get_xml_description, qr{^<network>.*</network>\n\z}s, 'get_xml_description');
    is(thrown { $net->get_xml_description(1 << 20) }->code,
        VKVM::Error::ERR_INVALID_ARG, 'an unknown flag');
    is($net->get_autostart, 0, 'get_autostart');
    returns_nothing { $net->set_autostart(1) } 'set_autostart';
    is($net->get_autostart, 1, 'it starts with the host, as set');
    $net->set_autostart(0);

    my $plain = $conn->create_network(network_xml('plain', "<forward mode='hostdev'/>"));
    ok(thrown { $plain->get_bridge_name }, 'a network without a bridge has no name of one');
    $plain->destroy;
};

subtest 'life' => sub {
    my $net = $conn->define_network(network_xml('net'));
    is(ref $net, 'VKVM::Network', 'define_network');
    is($net->is_active,     0, 'does not start it');
    is($net->is_persistent, 1, 'it stays');
    returns_nothing { $net->create } 'create';
    is($net->is_active, 1, 'it runs');
    is(thrown { $net->create }->code, VKVM::Error::ERR_OPERATION_INVALID, 'it cannot start twice');
    returns_nothing { $net->destroy } 'destroy';
    is($net->is_active, 0, 'it does not run');
    returns_nothing { $net->undefine } 'undefine';
    is(thrown { $net->get_xml_description }->code, VKVM::Error::ERR_NO_NETWORK, 'it is gone');

    my $transient = $conn->create_network(network_xml('transient'));
    is($transient->is_active,     1, 'create_network starts one');
    is($transient->is_persistent, 0, 'that does not stay');
    $transient->destroy;
    is(thrown { $conn->get_network_by_name('transient') }->code, VKVM::Error::ERR_NO_NETWORK,
        'it is gone');

    my $error = thrown { $conn->define_network('<network><name>x</network>') };
    is($error->code,      VKVM::Error::ERR_XML_DETAIL, 'malformed XML');
    is($error->parameter, 'xml',                       'the parameter');
    is($error->{line},    1,                           'the line');
    is(thrown { $conn->create_network('<network/>', 1 << 20) }->code, VKVM::Error::ERR_INVALID_ARG,
        'an unknown flag');
};

subtest 'the newer calls with flags' => sub {
    plan(skip_all => 'needs libvirt 7.8') if VKVM->get_version < 7_008_000;
    my $net = $conn->define_network(network_xml('checked'), VKVM::Network::DEFINE_VALIDATE);
    is($net->get_name, 'checked', 'define_network');
    $net->undefine;
    my $xml = network_xml('checked', "<bridge name='vbr'/>");
    $net = $conn->create_network($xml, VKVM::Network::CREATE_VALIDATE);
    is($net->get_name, 'checked', 'create_network');
    $net->destroy;
    my $error = thrown { $conn->define_network(network_xml('x', '<nonsense/>'), 1) };
    ok($error, 'what is not in the schema is refused');
};

subtest 'update' => sub {
    my $net  = $conn->get_network_by_name('default');
    my $host = "<host mac='52:54:00:00:00:01' ip='192.168.122.9'/>";
    my ($add, $delete) =
      (VKVM::Network::UPDATE_COMMAND_ADD_LAST, VKVM::Network::UPDATE_COMMAND_DELETE);
    my $section = VKVM::Network::SECTION_IP_DHCP_HOST;
    returns_nothing { $net->update($add, $section, -1, $host) } 'update';
    like($net->get_xml_description, qr/192\.168\.122\.9/, 'it is there');
    returns_nothing {
        $net->update($delete, $section, 0, $host, VKVM::Network::UPDATE_AFFECT_LIVE)
    }
    'update with a flag';
    unlike($net->get_xml_description, qr/192\.168\.122\.9/, 'it is gone');
    my $error = thrown { $net->update($add, $section, -1, '<host') };
    is($error->parameter, 'xml', 'malformed XML');
    own_error { $net->update(-1, $section, 0, $host) } VKVM::Error::OWN_INVALID, 'command',
      'a negative command';
};

subtest 'lists' => sub {
    is($conn->num_of_networks,         1, 'num_of_networks');
    is($conn->num_of_defined_networks, 0, 'num_of_defined_networks');
    my $off = $conn->define_network(network_xml('off'));
    my $on  = $conn->create_network(network_xml('on'));
    is($conn->num_of_networks,         2, 'num_of_networks counts what runs');
    is($conn->num_of_defined_networks, 1, 'num_of_defined_networks what does not');

    my @all = $conn->list_all_networks;
    is_deeply(names(@all), [qw(default off on)], 'list_all_networks');
    is(ref $_, 'VKVM::Network', 'class') for @all;
    is_deeply(names($conn->list_all_networks(VKVM::Network::LIST_TRANSIENT)),
        ['on'], 'with a flag');
    is(ref scalar $conn->list_all_networks, 'VKVM::Network', 'one value is the last of them');

    is_deeply([ sort $conn->list_network_names(9) ], [qw(default on)], 'list_network_names');
    is(scalar @{ [ $conn->list_network_names(1) ] }, 1, 'not more than wanted');
    is_deeply([ $conn->list_network_names(0) ], [], 'none');
    is(scalar $conn->list_network_names(0), undef, 'and of that one value');
    is_deeply([ $conn->list_defined_network_names(9) ], ['off'], 'list_defined_network_names');
    is(scalar $conn->list_defined_network_names(9), 'off', 'one value is the last of them');
    own_error { $conn->list_network_names(-1) } VKVM::Error::OWN_INVALID, 'maxnames', 'less than 0';
    own_error { $conn->list_network_names(1 << 30) } VKVM::Error::OWN_INVALID, 'maxnames',
      'more than anybody has';

    is_deeply(names($conn->list_networks),         [qw(default on)], 'list_networks');
    is_deeply(names($conn->list_defined_networks), ['off'],          'list_defined_networks');
    is(scalar $conn->list_networks,         2, 'one value is their number');
    is(scalar $conn->list_defined_networks, 1, 'here, too');
    $on->destroy;
    $off->undefine;
};

subtest 'many' => sub {
    my $file = File::Temp->new(SUFFIX => '.xml');
    print {$file} '<node>', (map { network_xml("n$_", "<bridge name='b$_'/>") } 1 .. 50), '</node>';
    close $file;
    my $many = VKVM->new(uri => "test://$file");
    is($many->num_of_networks, 50, 'num_of_networks');
    is(scalar @{ [ $many->list_network_names(1000) ] }, 50, 'list_network_names');
    is($_->get_bridge_name, $_->get_name =~ tr/n/b/r, $_->get_name) for $many->list_networks;
};

subtest 'what the test driver lacks' => sub {
    my $net = $conn->get_network_by_name('default');
    unsupported { $net->list_all_ports } 'list_all_ports';
    unsupported { $net->create_port('<networkport/>') } 'create_port';
    unsupported { $net->get_port_by_uuid(DEFAULT_UUID) } 'get_port_by_uuid';
    own_error { $net->get_port_by_uuid('x') } VKVM::Error::OWN_INVALID, 'uuid', 'no uuid';
    unsupported { $net->get_dhcp_leases } 'get_dhcp_leases';
    unsupported { $net->get_dhcp_leases(undef, undef) } 'get_dhcp_leases of all';
    unsupported { $net->get_dhcp_leases('52:54:00:00:00:01', 0) } 'get_dhcp_leases of one';
};

subtest 'metadata' => sub {
    my $net   = $conn->get_network_by_name('default');
    my $title = VKVM::Network::METADATA_TITLE;
    if (VKVM->get_version < 9_007_000) {
        my $error = thrown { $net->get_metadata($title) };
        is($error->code, VKVM::Error::ERR_NO_SUPPORT, 'get_metadata: not with this libvirt');
        like($error->message, qr/virNetworkGetMetadata.*9\.7\.0/, 'the error says which has it');
        unsupported { $net->set_metadata($title, 'x', undef, undef, 0) } 'set_metadata';
        return;
    }
    returns_nothing { $net->set_metadata($title, 'a title') } 'set_metadata';
    is($net->get_metadata($title), 'a title', 'get_metadata');
    $net->set_metadata($title, undef);
    is(thrown { $net->get_metadata($title) }->code, VKVM::Error::ERR_NO_NETWORK_METADATA,
        'it is gone');
    my $element = VKVM::Network::METADATA_ELEMENT;
    $net->set_metadata($element, '<mark/>', 'm', 'http://example.org/', 0);
    like($net->get_metadata($element, 'http://example.org/'), qr/<mark/, 'an element');
};

subtest 'other arguments' => sub {
    my $net = $conn->get_network_by_name('default');
    my $dom = $conn->get_domain_by_id(1);
    own_error { VKVM::Network::get_name($dom) } VKVM::Error::OWN_WRONG_CLASS, 'net', 'a domain';
    own_error { VKVM::NetworkPort::delete($net) } VKVM::Error::OWN_WRONG_CLASS, 'port', 'a network';
    own_error { $net->set_autostart('yes') } VKVM::Error::OWN_INVALID, 'autostart', 'no number';
};

subtest 'lifetime' => sub {
    my $net = VKVM->new(uri => $uri)->get_network_by_name('default');
    is($net->get_name, 'default', 'a network goes on without its connection object');
};

undef $conn;
handles_are({ conn => 0, network => 0, network_port => 0, value => 0, error => 0 },
    'no handle is left');

done_testing;
