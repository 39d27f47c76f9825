# SPDX-License-Identifier: LGPL-2.1-or-later
# Interfaces, and VKVM's methods for them, on libvirt's test driver.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $uri  = 'test:///default';
my $conn = VKVM->new(uri => $uri);

sub interface_xml {
    my ($name, $mac) = @_;
    return "<interface type='ethernet' name='$name'><start mode='onboot'/>"
      . "<mac address='$mac'/></interface>";
}

sub names { return [ sort map { $_->get_name } @_ ] }

subtest 'lookups' => sub {
    for my $iface ($conn->get_interface_by_name('eth1'),
        $conn->get_interface_by_mac('aa:bb:cc:dd:ee:ff'))
    {
        is(ref $iface,       'VKVM::Interface',   'class');
        is($iface->get_name, 'eth1',              'get_name');
        is($iface->get_mac,  'aa:bb:cc:dd:ee:ff', 'get_mac');
    }
    is(thrown { $conn->get_interface_by_name('none') }->code, VKVM::Error::ERR_NO_INTERFACE,
        'no such name');
    is(thrown { $conn->get_interface_by_mac('00:00:00:00:00:00') }->code,
        VKVM::Error::ERR_NO_INTERFACE, 'no such address');
    own_error { $conn->get_interface_by_mac([]) } VKVM::Error::OWN_INVALID, 'mac', 'a reference';
};

subtest 'life' => sub {
    my $iface = $conn->define_interface(interface_xml('eth2', 'aa:bb:cc:dd:ee:f2'));
    is(ref $iface, 'VKVM::Interface', 'define_interface');
    is($iface->is_active, 0, 'does not bring it up');
    like($iface->get_xml_description, qr/<interface type='ethernet' name='eth2'>/,
        'get_xml_description');
    returns_nothing { $iface->create } 'create';
    is($iface->is_active, 1, 'it is up');
    is(thrown { $iface->create(0) }->code, VKVM::Error::ERR_OPERATION_INVALID, 'not twice');
    returns_nothing { $iface->destroy(undef) } 'destroy';
    is($iface->is_active, 0, 'it is down');
    returns_nothing { $iface->undefine } 'undefine';
    is(thrown { $iface->get_xml_description }->code, VKVM::Error::ERR_NO_INTERFACE, 'it is gone');

    my $other = $conn->create_interface(interface_xml('eth3', 'aa:bb:cc:dd:ee:f3'));
    is($other->is_active, 0, 'create_interface does not bring it up either');
    $other->undefine;
    my $error = thrown { $conn->define_interface("<interface\n") };
    is($error->parameter, 'xml', 'malformed XML');
    $error = thrown { $conn->create_interface('<interface/>') };
    isa_ok($error, 'VKVM::Error', 'too little XML');
    is(thrown { $other->create(1) }->code, VKVM::Error::ERR_INVALID_ARG, 'an unknown flag');
};

subtest 'lists' => sub {
    my $down = $conn->define_interface(interface_xml('eth2', 'aa:bb:cc:dd:ee:f2'));
    is($conn->num_of_interfaces,         1, 'num_of_interfaces');
    is($conn->num_of_defined_interfaces, 1, 'num_of_defined_interfaces');
    is_deeply([ $conn->list_interface_names(9) ],         ['eth1'], 'list_interface_names');
    is_deeply([ $conn->list_defined_interface_names(9) ], ['eth2'], 'list_defined_interface_names');
    is_deeply([ $conn->list_interface_names(0) ], [], 'none');
    is_deeply(names($conn->list_all_interfaces), [qw(eth1 eth2)], 'list_all_interfaces');
    is_deeply(names($conn->list_all_interfaces(VKVM::Interface::LIST_INACTIVE)),
        ['eth2'], 'with a flag');
    is_deeply(names($conn->list_interfaces),         ['eth1'], 'list_interfaces');
    is_deeply(names($conn->list_defined_interfaces), ['eth2'], 'list_defined_interfaces');
    is(scalar $conn->list_interfaces,         1, 'one value is their number');
    is(scalar $conn->list_defined_interfaces, 1, 'here, too');
    own_error { $conn->list_interface_names(-1) } VKVM::Error::OWN_INVALID, 'maxnames', 'less than 0';
    $down->undefine;
};

subtest 'changes that are kept or undone' => sub {
    returns_nothing { $conn->interface_change_begin } 'interface_change_begin';
    is(thrown { $conn->interface_change_begin }->code, VKVM::Error::ERR_OPERATION_INVALID,
        'not twice');
    $conn->define_interface(interface_xml('eth5', 'aa:bb:cc:dd:ee:f5'));
    returns_nothing { $conn->interface_change_rollback } 'interface_change_rollback';
    is_deeply(names($conn->list_all_interfaces), ['eth1'], 'it is undone');
    is(thrown { $conn->interface_change_rollback }->code, VKVM::Error::ERR_OPERATION_INVALID,
        'nothing to undo');

    $conn->interface_change_begin(0);
    my $kept = $conn->define_interface(interface_xml('eth5', 'aa:bb:cc:dd:ee:f5'));
    returns_nothing { $conn->interface_change_commit(0) } 'interface_change_commit';
    is_deeply(names($conn->list_all_interfaces), [qw(eth1 eth5)], 'it is kept');
    is(thrown { $conn->interface_change_commit }->code, VKVM::Error::ERR_OPERATION_INVALID,
        'nothing to keep');
    $kept->undefine;
};

subtest 'several with one address' => sub {
    my $file = File::Temp->new(SUFFIX => '.xml');
    my $mac  = 'aa:bb:cc:dd:ee:01';
    print {$file} '<node>', (map { interface_xml("eth$_", $mac) } 1 .. 3), '</node>';
    close $file;
    my $many = VKVM->new(uri => "test://$file");
    is(scalar $many->list_interfaces, 3, 'list_interfaces');
    is(thrown { $many->get_interface_by_mac($mac) }->code, VKVM::Error::ERR_MULTIPLE_INTERFACES,
        'get_interface_by_mac');
};

undef $conn;
handles_are({ conn => 0, interface => 0, error => 0 }, 'no handle is left');

done_testing;
