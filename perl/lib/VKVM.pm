package VKVM;

use strict;
use warnings;

our $VERSION = '0.001000';

require XSLoader;
XSLoader::load('VKVM', $VERSION);

use VKVM::Domain;
use VKVM::DomainCheckpoint;
use VKVM::DomainSnapshot;
use VKVM::Error;
use VKVM::Secret;
use VKVM::StoragePool;
use VKVM::StorageVol;

sub new {
    my ($class, %params) = @_;
    my $uri   = exists $params{address} ? $params{address} : $params{uri};
    my $flags = $params{flags} // 0;
    $flags |= CONNECT_RO() if $params{readonly};
    my $self =
        $params{auth}
      ? _open_auth($uri, $flags, $params{credlist}, $params{callback})
      : _open($uri, $flags);
    return bless $self, ref $class || $class;
}

# On a connection, the version of the hypervisor; without one, of libvirt.
sub get_version {
    my ($self) = @_;
    return ref $self ? $self->_get_version : _libvirt_version();
}

# Sys::Virt looks each of the objects up by its name; these are one call each.
# As there, one value is how many there are.
sub list_secrets {
    my ($self) = @_;
    my @secrets = $self->list_all_secrets;
    return @secrets;
}

sub list_storage_pools {
    my ($self) = @_;
    my @pools = $self->list_all_storage_pools(VKVM::StoragePool::LIST_ACTIVE());
    return @pools;
}

sub list_defined_storage_pools {
    my ($self) = @_;
    my @pools = $self->list_all_storage_pools(VKVM::StoragePool::LIST_INACTIVE());
    return @pools;
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
