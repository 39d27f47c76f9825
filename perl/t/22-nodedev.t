# SPDX-License-Identifier: LGPL-2.1-or-later
# Node devices, and VKVM's methods for them, on libvirt's test driver.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $uri   = 'test:///default';
my $conn  = VKVM->new(uri => $uri);
my @hosts = qw(scsi_host1 scsi_host11 scsi_host2);

sub names { return [ sort map { $_->get_name } @_ ] }

# The driver, or this libvirt, lacks the call.
sub unsupported(&$) {
    my ($code, $what) = @_;
    my $error = &thrown($code);
    return is($error && $error->code, VKVM::Error::ERR_NO_SUPPORT, "$what: not supported");
}

subtest 'what it tells' => sub {
    my $dev = $conn->get_node_device_by_name('scsi_host11');
    is(ref $dev,         'VKVM::NodeDevice', 'class');
    is($dev->get_name,   'scsi_host11',      'get_name');
    is($dev->get_parent, 'scsi_host1',       'get_parent');
    is($dev->get_parent, 'scsi_host1',       'get_parent again');
    is_deeply([ $dev->list_capabilities ], ['scsi_host'], 'list_capabilities');
    is(scalar $dev->list_capabilities, 'scsi_host', 'one value is the last of them');
    like($dev->get_xml_description, qr{^<device>.*</device>\n\z}s, 'get_xml_description');
    my $error = thrown { $conn->get_node_device_by_name('none') };
    is($error->code, VKVM::Error::ERR_NO_NODE_DEVICE, 'no such name');
    # This driver does not say "none", but fails.
    $error = thrown { $conn->get_node_device_by_name('computer')->get_parent };
    is($error->function, 'virNodeDeviceGetParent', 'a device without a parent');
    own_error { $conn->get_node_device_by_name("a\xff") } VKVM::Error::OWN_NOT_UTF8, 'name',
      'a name that is no UTF-8';
};

subtest 'lists' => sub {
    is_deeply(names($conn->list_all_node_devices), [ 'computer', @hosts ], 'list_all_node_devices');
    is_deeply(names($conn->list_all_node_devices(VKVM::NodeDevice::LIST_CAP_SCSI_HOST)),
        \@hosts, 'with a flag');
    is_deeply([ $conn->list_all_node_devices(VKVM::NodeDevice::LIST_CAP_DRM) ], [], 'none');

    is($conn->num_of_node_devices,                 4, 'num_of_node_devices');
    is($conn->num_of_node_devices(undef, undef),   4, 'of any kind');
    is($conn->num_of_node_devices('scsi_host', 0), 3, 'with a capability');
    is_deeply(
        [ sort $conn->list_node_device_names(undef, 9) ],
        [ 'computer', @hosts ],
        'list_node_device_names'
    );
    is_deeply([ sort $conn->list_node_device_names('scsi_host', 9, 0) ],
        \@hosts, 'with a capability');
    is(scalar @{ [ $conn->list_node_device_names('scsi_host', 2) ] }, 2, 'not more than wanted');
    own_error { $conn->list_node_device_names(undef, -1) } VKVM::Error::OWN_INVALID, 'maxnames',
      'less than 0';
    own_error { $conn->num_of_node_devices([]) } VKVM::Error::OWN_INVALID, 'cap', 'a reference';

    is_deeply(names($conn->list_node_devices), [ 'computer', @hosts ], 'list_node_devices');
    is_deeply(names($conn->list_node_devices('scsi_host')), \@hosts, 'with a capability');
    is_deeply([ $conn->list_node_devices('no such thing') ], [], 'with none that exists');
    is(scalar $conn->list_node_devices,              4, 'one value is their number');
    is(scalar $conn->list_node_devices('scsi_host'), 3, 'here, too');
};

subtest 'create and destroy' => sub {
    my $xml = <<'END';
<device>
  <parent>scsi_host1</parent>
  <capability type='scsi_host'>
    <capability type='fc_host'>
      <wwnn>2000000012341234</wwnn>
      <wwpn>1000000012341234</wwpn>
    </capability>
  </capability>
</device>
END
    my $dev = $conn->create_node_device($xml);
    is(ref $dev,         'VKVM::NodeDevice', 'create_node_device');
    is($dev->get_parent, 'scsi_host1',       'its parent');
    is($conn->num_of_node_devices('scsi_host'), 4, 'it is one more');
    returns_nothing { $dev->destroy } 'destroy';
    is($conn->num_of_node_devices('scsi_host'), 3, 'it is one less');
    is(thrown { $dev->get_xml_description }->code, VKVM::Error::ERR_NO_NODE_DEVICE, 'it is gone');
    my $error = thrown { $conn->create_node_device('<device>') };
    is($error->parameter, 'xml', 'malformed XML');
};

subtest 'what the test driver lacks' => sub {
    my $dev = $conn->get_node_device_by_name('scsi_host1');
    unsupported { $dev->$_ } $_ for qw(create undefine get_autostart reattach reset);
    # Newer test drivers have these.
    for my $method (qw(is_active is_persistent)) {
        my $answer = eval { $dev->$method };
        if   (defined $answer) { is($answer, 1, $method) }
        else                   { unsupported { $dev->$method } $method }
    }
    unsupported { $dev->set_autostart(1) } 'set_autostart';
    unsupported { $dev->update('<device/>') } 'update';
    unsupported { $conn->define_node_device('<device/>') } 'define_node_device';
    unsupported { $conn->get_node_device_scsihost_by_wwn('1', '2') } 'get_node_device_scsihost_by_wwn';
    unsupported { $conn->get_node_device_scsihost_by_wwn('1', '2', 0) } 'the same with flags';
    my %function = (
        virNodeDeviceDettach     => [undef],
        virNodeDeviceDetachFlags => ['vfio'],
    );
    for my $function (sort keys %function) {
        my $error = thrown { $dev->dettach(@{ $function{$function} }) };
        is($error->function, $function, "dettach calls $function");
    }
    is(thrown { $dev->dettach(undef, 1) }->function, 'virNodeDeviceDetachFlags', 'with flags, too');
};

subtest 'what this libvirt lacks' => sub {
    my $error = thrown { $conn->get_node_device_by_name('computer')->update('<device/>') };
    if (VKVM->get_version < 10_001_000) {
        like($error->message, qr/virNodeDeviceUpdate.*10\.1\.0/, 'the error says which has it');
    }
    else {
        is($error->function, 'virNodeDeviceUpdate', 'this one has it, and its driver does not');
    }
};

undef $conn;
handles_are({ conn => 0, node_device => 0, error => 0 }, 'no handle is left');

done_testing;
