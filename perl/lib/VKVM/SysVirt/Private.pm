# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::SysVirt::Private;

use strict;
use warnings;

use Scalar::Util qw(blessed);

our $VERSION = '0.002000';

# The functions of Sys::Virt that its methods are made of. They are private, but programs
# call them. Each does what one of our methods does; its first argument is the object
# that this is a method of.
my %HELPERS = (
    '' => {
        _get_conn_version         => '_get_version',
        _get_conn_library_version => 'get_library_version',
    },
    Domain => {
        _create                => 'create_domain',
        _create_with_files     => 'create_domain_with_files',
        _define_xml            => 'define_domain',
        _lookup_by_id          => 'get_domain_by_id',
        _lookup_by_name        => 'get_domain_by_name',
        _lookup_by_uuid        => 'get_domain_by_uuid',
        _lookup_by_uuid_string => 'get_domain_by_uuid',
    },
    DomainCheckpoint =>
      { _create_xml => 'create_checkpoint', _lookup_by_name => 'get_checkpoint_by_name' },
    DomainSnapshot => { _create_xml => 'create_snapshot', _lookup_by_name => 'get_snapshot_by_name' },
    Interface      => {
        _define_xml     => 'define_interface',
        _lookup_by_mac  => 'get_interface_by_mac',
        _lookup_by_name => 'get_interface_by_name',
    },
    NWFilter => {
        _define_xml            => 'define_nwfilter',
        _lookup_by_name        => 'get_nwfilter_by_name',
        _lookup_by_uuid        => 'get_nwfilter_by_uuid',
        _lookup_by_uuid_string => 'get_nwfilter_by_uuid',
    },
    NWFilterBinding => {
        _create_xml         => 'create_nwfilter_binding',
        _lookup_by_port_dev => 'get_nwfilter_binding_by_port_dev',
    },
    Network => {
        _create_xml            => 'create_network',
        _define_xml            => 'define_network',
        _lookup_by_name        => 'get_network_by_name',
        _lookup_by_uuid        => 'get_network_by_uuid',
        _lookup_by_uuid_string => 'get_network_by_uuid',
    },
    NetworkPort => {
        _create_xml            => 'create_port',
        _lookup_by_uuid        => 'get_port_by_uuid',
        _lookup_by_uuid_string => 'get_port_by_uuid',
    },
    NodeDevice => {
        _create_xml             => 'create_node_device',
        _define_xml             => 'define_node_device',
        _lookup_by_name         => 'get_node_device_by_name',
        _lookup_scsihost_by_wwn => 'get_node_device_scsihost_by_wwn',
    },
    Secret => {
        _define_xml            => 'define_secret',
        _lookup_by_usage       => 'get_secret_by_usage',
        _lookup_by_uuid        => 'get_secret_by_uuid',
        _lookup_by_uuid_string => 'get_secret_by_uuid',
    },
    StoragePool => {
        _create_xml            => 'create_storage_pool',
        _define_xml            => 'define_storage_pool',
        _lookup_by_name        => 'get_storage_pool_by_name',
        _lookup_by_target_path => 'get_storage_pool_by_target_path',
        _lookup_by_uuid        => 'get_storage_pool_by_uuid',
        _lookup_by_uuid_string => 'get_storage_pool_by_uuid',
    },
    StorageVol => {
        _create_xml      => 'create_volume',
        _create_xml_from => 'clone_volume',
        _lookup_by_key   => 'get_storage_volume_by_key',
        _lookup_by_name  => 'get_volume_by_name',
        _lookup_by_path  => 'get_storage_volume_by_path',
    },
    Stream => { _new_obj => 'new_stream' },
);

# What is ours as well, under the same name.
my %SAME = (
    Domain => [qw(_migrate _migrate_to_uri)],
    map {
        ($_ => [
            map { ("_$_", "_${_}_helper") }
              qw(run_handle_callback run_timeout_callback free_callback_opaque)
        ])
    } qw(Event EventImpl),
);

# How the constructors find or make their object: the parameter with the object that the
# helper is called with, and rows of a parameter, the helper, and the parameters that it
# gets. The first row that names a parameter which was given is taken.
my @UUID = ([ uuid => '_lookup_by_uuid', 'uuid' ]);
my @NAME = ([ name => '_lookup_by_name', 'name' ]);
my @BY_XML =
  ([ nocreate => '_define_xml', qw(xml flags) ], [ xml => '_create_xml', qw(xml flags) ]);
my %CONSTRUCTORS = (
    Domain => [
        connection => @NAME, [ id => '_lookup_by_id', 'id' ], @UUID,
        [ nocreate => '_define_xml',        qw(xml flags) ],
        [ fds      => '_create_with_files', qw(xml fds flags) ],
        [ xml      => '_create',            qw(xml flags) ],
    ],
    DomainCheckpoint => [ domain => @NAME, [ xml => '_create_xml', qw(xml flags) ] ],
    DomainSnapshot   => [ domain => @NAME, [ xml => '_create_xml', qw(xml flags) ] ],
    Interface        => [
        connection => @NAME,
        [ mac => '_lookup_by_mac', 'mac' ], [ xml => '_define_xml', qw(xml flags) ]
    ],
    NWFilter        => [ connection => @NAME, @UUID, [ xml => '_define_xml', qw(xml flags) ] ],
    NWFilterBinding => [
        connection => [ portdev => '_lookup_by_port_dev', 'portdev' ],
        [ xml => '_create_xml', qw(xml flags) ]
    ],
    Network     => [ connection => @NAME, @UUID, @BY_XML ],
    NetworkPort => [ network    => @UUID, [ xml => '_create_xml', qw(xml flags) ] ],
    NodeDevice  => [
        connection => @NAME,
        [ wwnn => '_lookup_scsihost_by_wwn', qw(wwnn wwpn flags) ], @BY_XML
    ],
    Secret => [
        connection => [ usageID => '_lookup_by_usage', qw(usageType usageID) ],
        [ usageType => '_lookup_by_usage', qw(usageType usageID) ],
        @UUID, [ xml => '_define_xml', qw(xml flags) ]
    ],
    StoragePool => [
        connection => @NAME, @UUID,
        [ volume      => '_lookup_by_volume',      'volume' ],
        [ target_path => '_lookup_by_target_path', 'target_path' ],
        [ nocreate    => '_define_xml', qw(xml flags) ],
        [ xml         => '_create_xml', 'xml' ],
    ],
    StorageVol => [
        pool => @NAME,
        [ key   => '_lookup_by_key',  'key' ],
        [ path  => '_lookup_by_path', 'path' ],
        [ clone => '_create_xml_from', qw(xml clone) ],
        [ xml   => '_create_xml', 'xml' ],
    ],
    Stream => [ connection => [ connection => '_new_obj', 'flags' ] ],
);

# Parameters that only say how, and count when they are true.
my %SAYS_HOW = (nocreate => 1, clone => 1);

# What is looked up by something else than the other rows of its class.
my %LOOKED_UP_WITH = (_lookup_by_key => 'connection', _lookup_by_path => 'connection');

# Takes the methods by their names when it is called: programs replace some in tests.
sub _helper {
    my ($name, $method) = @_;
    return sub {
        my ($object, @arguments) = my @all = @_;
        VKVM::_refuse_count($name, \@all, 1, qw(object ...));
        VKVM::_refuse('object', "is not right: $name needs the object that has $method")
          if !blessed $object || !$object->can($method);
        return $object->$method(@arguments);
    };
}

# `_lookup_by_volume` has no connection, but the volume has one.
sub _pool_of_volume {
    my ($vol) = my @given = @_;
    VKVM::_refuse_count('Sys::Virt::StoragePool::_lookup_by_volume', \@given, 1, 'vol');
    VKVM::_refuse('vol', 'is no object; a volume is needed') if !ref $vol;
    return $vol->get_conn->get_storage_pool_by_volume($vol);
}

sub _constructor {
    my ($package, $parent, @rows) = @_;
    my $needed = join ' or ', map { $_->[0] } grep { !$SAYS_HOW{ $_->[0] } } @rows;
    return sub {
        my ($class, %params) = my @all = @_;
        VKVM::_refuse_count("${package}::_new", \@all, 1, qw(class ...));
        $class = ref $class || $class;
        my $is_given = sub { $SAYS_HOW{ $_[0] } ? $params{ $_[0] } : exists $params{ $_[0] } };
        my ($row)    = grep { $is_given->($_->[0]) } @rows;
        VKVM::_refuse($needed, "is missing: $class->_new needs it") if !$row;
        my (undef, $helper, @names) = @$row;
        my $with = $LOOKED_UP_WITH{$helper} // $parent;
        for my $name ($with, grep { $_ ne 'flags' } @names) {
            VKVM::_refuse($name, "is missing: $class->_new needs it") if !exists $params{$name};
        }
        VKVM::_refuse($with, "is no object; $class->_new needs one")
          if $helper ne '_lookup_by_volume' && !ref $params{$with};
        # A volume is all that is needed to find its pool.
        my @with = $helper eq '_lookup_by_volume' ? () : $params{$with};
        return bless $package->can($helper)->(@with, @params{@names}), $class;
    };
}

sub _provide {
    for my $class (keys %HELPERS) {
        my $package = $class eq '' ? 'Sys::Virt' : "Sys::Virt::$class";
        my $helpers = $HELPERS{$class};
        VKVM::SysVirt::_define("${package}::$_", _helper("${package}::$_", $helpers->{$_})) for keys %$helpers;
    }
    for my $class (keys %SAME) {
        for my $name (@{ $SAME{$class} }) {
            # The helpers of both kinds of loops are in one place.
            my $function = "VKVM::$class"->can($name) // VKVM::EventImpl->can($name);
            VKVM::SysVirt::_define("Sys::Virt::${class}::$name", $function);
        }
    }
    for my $class (keys %CONSTRUCTORS) {
        my $package = "Sys::Virt::$class";
        VKVM::SysVirt::_define("${package}::_new", _constructor($package, @{ $CONSTRUCTORS{$class} }));
    }
    return;
}

_provide();
*Sys::Virt::StoragePool::_lookup_by_volume = \&_pool_of_volume;
*Sys::Virt::_get_library_version           = \&VKVM::_libvirt_version;
*Sys::Virt::_open                          = sub {
    my ($uri, $flags) = my @given = @_;
    VKVM::_refuse_count('Sys::Virt::_open', \@given, 2, qw(uri flags));
    return VKVM::_open($uri, $flags);
};
*Sys::Virt::_open_auth                     = sub {
    my ($uri, $types, $callback, $flags) = my @given = @_;
    VKVM::_refuse_count('Sys::Virt::_open_auth', \@given, 4, qw(uri credlist callback flags));
    return VKVM::_open_auth($uri, $flags, VKVM::_credentials($types, $callback));
};

1;
