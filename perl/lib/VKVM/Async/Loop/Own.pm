# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Loop::Own;

use strict;
use warnings;

use IO::Poll qw(POLLIN);

our $VERSION = '0.002000';

# By the descriptors: file handle and callback.
my %watches;

sub is_busy { return scalar keys %watches }

sub watch {
    my ($class, $fh, $callback) = @_;
    my $fd = fileno $fh;
    $watches{$fd} = [ $fh, $callback ];
    return $fd;
}

sub unwatch {
    my ($class, $fd) = @_;
    delete $watches{$fd};
    return;
}

# Waits until the future is ready, which only what is watched can make it.
sub await {
    my ($class, $future) = @_;
    while (!$future->is_ready) {
        die "the future waits for no call, and for no event of a queue\n" if !%watches;
        my @polled = map { $_ => POLLIN } keys %watches;
        # 0 or less: a signal came, whose handler has run.
        next if IO::Poll::_poll(-1, @polled) <= 0;
        while (my ($fd, $events) = splice @polled, 0, 2) {
            my $watch = $watches{$fd};
            $watch->[1]->() if $events && $watch;
        }
    }
    return;
}

# The descriptors of a clone are its own.
sub CLONE { %watches = (); return }

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Loop::Own - futures of VKVM::Async under no loop

=head1 DESCRIPTION

Part of L<VKVM::Async>, which loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
