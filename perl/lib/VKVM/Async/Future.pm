# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Future;

use strict;
use warnings;

use Future;

our $VERSION = '0.002000';

our @ISA = ('Future');    ## no critic (ProhibitExplicitISA) - Future need not come from a file

# Waiting turns the loop that the calls are told to.
sub await {
    my ($self) = @_;
    VKVM::_refuse_invocant('future', $self, 'VKVM::Async::Future::await') if !ref $self || !UNIVERSAL::isa($self, __PACKAGE__);
    VKVM::Async::_await($self) if !$self->is_ready;
    return $self;
}

# A failure of the library's is thrown as it is; Future would wrap it into an exception
# of its own, because it has a category.
sub result {
    my ($self) = @_;
    VKVM::_refuse_invocant('future', $self, 'VKVM::Async::Future::result') if !ref $self || !UNIVERSAL::isa($self, __PACKAGE__);
    if ($self->is_failed) {
        my ($error, $category) = $self->failure;
        die $error if ref $error && defined $category && $category eq 'vkvm';
    }
    return $self->SUPER::result;
}

# That of Future::XS does not call the result of this class.
sub get {
    my ($self) = @_;
    VKVM::_refuse_invocant('future', $self, 'VKVM::Async::Future::get') if !ref $self || !UNIVERSAL::isa($self, __PACKAGE__);
    VKVM::Async::_await($self) if !$self->is_ready;
    return $self->result;
}

# For async and await.
sub AWAIT_GET {    ## no critic (Capitalization) - the name that Future::AsyncAwait calls
    my ($self) = @_;
    return $self->result;
}

sub AWAIT_WAIT {    ## no critic (Capitalization) - likewise
    my ($self) = @_;
    return $self->get;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Future - the futures of VKVM::Async

=head1 DESCRIPTION

A L<Future>. C<await> and C<get> wait by turning the loop that L<VKVM::Async> uses, and
C<get> dies with the L<VKVM::Error> of a call that failed.

=head1 LICENSE

LGPL-2.1-or-later

=cut
