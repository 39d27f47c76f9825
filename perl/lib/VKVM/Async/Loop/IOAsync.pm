# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Loop::IOAsync;

use strict;
use warnings;

use IO::Async::Loop;

our $VERSION = '0.002000';

# How many descriptors it watches.
my $count = 0;

sub is_busy { return $count }

sub watch {
    my ($class, $fh, $callback) = @_;
    # The one loop that a program has.
    my $loop = IO::Async::Loop->new;
    $loop->watch_io(handle => $fh, on_read_ready => $callback);
    $count++;
    return [ $loop, $fh ];
}

sub unwatch {
    my ($class, $watch) = @_;
    my ($loop, $fh) = @$watch;
    $loop->unwatch_io(handle => $fh, on_read_ready => 1);
    $count--;
    return;
}

sub await {
    my ($class, $future) = @_;
    my $loop = IO::Async::Loop->new;
    $loop->loop_once until $future->is_ready;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Loop::IOAsync - futures of VKVM::Async under IO::Async

=head1 DESCRIPTION

Part of L<VKVM::Async>, which loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
