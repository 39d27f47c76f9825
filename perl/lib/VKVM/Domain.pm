package VKVM::Domain;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.001000';

# Sys::Virt has two forms of these: all in a hash, or one by one.
sub migrate {
    my ($self, $destcon, @how) = @_;
    return $self->_migrate($destcon, @how) if ref $how[0] eq 'HASH';
    return $self->migrate2($destcon, undef, @how);
}

sub migrate_to_uri {
    my ($self, $desturi, @how) = @_;
    return $self->_migrate_to_uri($desturi, @how) if ref $how[0] eq 'HASH';
    return $self->migrate_to_uri2($desturi, undef, @how);
}

# In C, flags are the last argument.
sub migrate2 {
    my ($self, $destcon, $dxml, $flags, $dname, $uri, $bandwidth) = @_;
    return $self->_migrate2($destcon, $dxml, $dname, $uri, $bandwidth, $flags);
}

sub migrate_to_uri2 {
    my ($self, $desturi, $dxml, $flags, $dname, $uri, $bandwidth) = @_;
    return $self->_migrate_to_uri2($desturi, $dxml, $dname, $uri, $bandwidth, $flags);
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
