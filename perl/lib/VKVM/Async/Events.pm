# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Events;

use strict;
use warnings;

use Scalar::Util ();
use VKVM;
use VKVM::Async;

our $VERSION = '0.002000';

# The queues that futures wait for, by their addresses: the queue, which is kept, its
# watch, and the futures in the order in which they were asked for.
my %waiting;

VKVM::Async::_when_forked(sub {
    my @futures = map { @{ $_->{futures} } } values %waiting;
    VKVM::Async::_look_away($_->{watch}) for values %waiting;
    %waiting = ();
    return @futures;
});

# The future of the next event.
sub _next {
    my ($queue) = @_;
    VKVM::Async::_be_here();
    my $future = VKVM::Async::Future->new;
    my $number = Scalar::Util::refaddr($queue);
    my $others = $waiting{$number};
    my ($event) = $others ? () : $queue->drain(1);
    return $future->done($event) if $event;
    if (!$others) {
        my $watch = VKVM::Async::_look_at($queue->fh, sub { return _turn($number) });
        $others = $waiting{$number} = { queue => $queue, watch => $watch, futures => [] };
    }
    push @{ $others->{futures} }, $future;
    $future->on_cancel(sub { return _leave($number, Scalar::Util::refaddr($_[0])) });
    return $future;
}

# There are events.
sub _turn {
    my ($number) = @_;
    my ($error, $has_died);
    while (my $waiting = $waiting{$number}) {
        my ($event) = $waiting->{queue}->drain(1) or last;
        my $future = shift @{ $waiting->{futures} };
        _rest($number) if !@{ $waiting->{futures} };
        local $@;
        next if eval { $future->done($event); 1 } || $has_died++;
        $error = $@;
    }
    die $error if $has_died;
    return;
}

sub _leave {
    my ($number, $address) = @_;
    my $waiting = $waiting{$number} or return;
    @{ $waiting->{futures} } = grep { Scalar::Util::refaddr($_) != $address } @{ $waiting->{futures} };
    _rest($number) if !@{ $waiting->{futures} };
    return;
}

# The queue gets no more events: those who wait for them are told why.
sub _end {
    my ($number, $error) = @_;
    _turn($number);
    my $waiting = $waiting{$number} or return;
    my @futures = splice @{ $waiting->{futures} };
    _rest($number);
    $_->fail($error, 'vkvm') for @futures;
    return;
}

# Nobody waits for the queue any more.
sub _rest {
    my ($number) = @_;
    my $waiting = delete $waiting{$number} or return;
    return VKVM::Async::_look_away($waiting->{watch});
}

sub _forget {
    %waiting = ();
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Events - futures of the events of a queue

=head1 DESCRIPTION

Part of L<VKVM::EventQueue>, whose C<next_event> loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
