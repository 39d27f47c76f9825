# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Loop::FutureIO;

use strict;
use warnings;

use Future::IO;

our $VERSION = '0.002000';

# The futures of the descriptors that it watches.
my %watches;

sub is_busy { return scalar keys %watches }

sub watch {
    my ($class, $fh, $callback) = @_;
    my $fd = fileno $fh;
    $watches{$fd} = undef;
    _next($fd, bless($fh, 'VKVM::Async::Loop::FutureIO::_Handle'), $callback);
    return $fd;
}

# Not all versions can wait without reading.
sub _next {
    my ($fd, $fh, $callback) = @_;
    my $future = $watches{$fd} = Future::IO->sysread($fh, 1);
    $future->on_ready(sub {
        my ($read) = @_;
        return if $read->is_cancelled || !exists $watches{$fd};
        # Before the callback, which may wait itself.
        _next($fd, $fh, $callback);
        # What a handler of signals has died with while it waited.
        die +($read->failure)[0] if $read->is_failed;
        $callback->();
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
        my ($read) = grep { defined } values %watches;
        die "the future waits for no call, and for no event of a queue\n" if !$read;
        $read->await;
    }
    return;
}

# What is to be waited for. Nothing is read from it: the library does that when the queue is empty,
# and until then the loop finds it readable. Nor is the library's descriptor made blocking.
package VKVM::Async::Loop::FutureIO::_Handle;    ## no critic (ProhibitMultiplePackages) - a part of it

use parent -norequire, 'IO::Handle';

use IO::Handle ();
use IO::Poll qw(POLLIN);

# The module's own loop does not look whether the only descriptor that it has is readable, and would
# read again and again. The time ends where it did look, and what was there has gone.
use constant AT_MOST_MS => 50;

sub sysread {    ## no critic (ProhibitBuiltinHomonyms, RequireArgUnpacking) - IO::Handle's
    my ($fh)   = @_;
    my @polled = (fileno $fh, POLLIN);
    IO::Poll::_poll(AT_MOST_MS, @polled) if ($Future::IO::IMPL // '') eq 'Future::IO::_DefaultImpl';
    $_[1] = 'x';
    return 1;
}

sub blocking { return 0 }

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
