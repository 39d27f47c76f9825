# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Loop::AnyEvent;

use strict;
use warnings;

use AnyEvent;

our $VERSION = '0.002000';

# How many descriptors it watches.
my $count = 0;

sub is_busy { return $count }

sub watch {
    my ($class, $fh, $callback) = @_;
    $count++;
    # It keeps the descriptor's number only.
    return [ AnyEvent->io(fh => $fh, poll => 'r', cb => sub { return $callback->() }), $fh ];
}

sub unwatch {
    my ($class, $watch) = @_;
    @$watch = ();
    $count--;
    return;
}

sub await {
    my ($class, $future) = @_;
    my $ready = AnyEvent->condvar;
    $future->on_ready(sub { $ready->send });
    $ready->recv;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Loop::AnyEvent - futures of VKVM::Async under AnyEvent

=head1 DESCRIPTION

Part of L<VKVM::Async>, which loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
