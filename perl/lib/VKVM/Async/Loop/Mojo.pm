# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Loop::Mojo;

use strict;
use warnings;

use Mojo::IOLoop;

our $VERSION = '0.002000';

# How many descriptors it watches.
my $count = 0;

sub is_busy { return $count }

sub watch {
    my ($class, $fh, $callback) = @_;
    my $reactor = Mojo::IOLoop->singleton->reactor;
    $reactor->io($fh => sub { return $callback->() })->watch($fh, 1, 0);
    $count++;
    return [ $reactor, $fh ];
}

sub unwatch {
    my ($class, $watch) = @_;
    my ($reactor, $fh) = @$watch;
    $reactor->remove($fh);
    $count--;
    return;
}

sub await {
    my ($class, $future) = @_;
    Mojo::IOLoop->one_tick until $future->is_ready;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Loop::Mojo - futures of VKVM::Async under Mojo::IOLoop

=head1 DESCRIPTION

Part of L<VKVM::Async>, which loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
