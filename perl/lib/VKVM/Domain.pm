# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Domain;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.002000';

# Sys::Virt has two forms of these: all in a hash, or one by one.
sub migrate {
    my ($self, $destcon, @how) = my @given = @_;
    VKVM::_refuse_call('VKVM::Domain::migrate', \@given, 2,
        qw(dom destcon flags dname uri bandwidth));
    return $self->_migrate($destcon, @how) if ref $how[0] eq 'HASH';
    return $self->migrate2($destcon, undef, @how);
}

sub migrate_to_uri {
    my ($self, $desturi, @how) = my @given = @_;
    VKVM::_refuse_call('VKVM::Domain::migrate_to_uri', \@given, 2,
        qw(dom desturi flags dname uri bandwidth));
    return $self->_migrate_to_uri($desturi, @how) if ref $how[0] eq 'HASH';
    return $self->migrate_to_uri2($desturi, undef, @how);
}

# In C, flags are the last argument.
sub migrate2 {
    my ($self, $destcon, $dxml, $flags, $dname, $uri, $bandwidth) = my @given = @_;
    VKVM::_refuse_call('VKVM::Domain::migrate2', \@given, 2,
        qw(dom destcon dxml flags dname uri bandwidth));
    return $self->_migrate2($destcon, $dxml, $dname, $uri, $bandwidth, $flags);
}

sub migrate_to_uri2 {
    my ($self, $desturi, $dxml, $flags, $dname, $uri, $bandwidth) = my @given = @_;
    VKVM::_refuse_call('VKVM::Domain::migrate_to_uri2', \@given, 2,
        qw(dom desturi dxml flags dname uri bandwidth));
    return $self->_migrate_to_uri2($desturi, $dxml, $dname, $uri, $bandwidth, $flags);
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
