package VKVM;

use strict;
use warnings;

our $VERSION = '0.001000';

require XSLoader;
XSLoader::load('VKVM', $VERSION);

use VKVM::Domain;
use VKVM::Error;

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

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
