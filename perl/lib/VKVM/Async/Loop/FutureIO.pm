# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Loop::FutureIO;

use strict;
use warnings;

use Future::IO;
use IO::Handle ();

our $VERSION = '0.002000';

# The futures of the descriptors that it watches.
my %watches;

sub is_busy { return scalar keys %watches }

sub watch {
    my ($class, $fh, $callback) = @_;
    my $fd = fileno $fh;
    $watches{$fd} = undef;
    _next($fd, $fh, $callback);
    return $fd;
}

# It has no way to wait without reading. A queue does not mind, if it is emptied afterwards:
# callbacks do that.
sub _next {
    my ($fd, $fh, $callback) = @_;
    my $future = $watches{$fd} = Future::IO->sysread($fh, 8);
    $future->on_ready(sub {
        my ($read) = @_;
        return if $read->is_cancelled || !exists $watches{$fd};
        # Its own loop makes the descriptor blocking while it reads, and, from 0.16 on, while this
        # runs: a queue that is emptied would wait for more.
        $fh->blocking(0);
        # Before the callback, which may wait itself.
        _next($fd, $fh, $callback);
        my $is_of_calls = $callback == \&VKVM::Async::_turn;
        my ($error, $has_died);
        do {
            if (!eval { $callback->(); 1 }) { ($error, $has_died) = ($@, 1) }
        } while ($is_of_calls && VKVM::Async::_has_more());
        die $error if $has_died;
    });
    return;
}

sub unwatch {
    my ($class, $fd) = @_;
    my $future = delete $watches{$fd};
    $future->cancel if $future;
    return;
}

sub await {
    my ($class, $future) = @_;
    while (!$future->is_ready) {
        if (VKVM::Async::_has_more()) {
            VKVM::Async::_turn();
            next;
        }
        my ($read) = grep { defined } values %watches;
        die "the future waits for no call, and for no event of a queue\n" if !$read;
        $read->await;
    }
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Loop::FutureIO - futures of VKVM::Async under Future::IO

=head1 DESCRIPTION

Part of L<VKVM::Async>, which loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
