# SPDX-License-Identifier: LGPL-2.1-or-later
package PollLoop;

# A small event loop in Perl, with select, as a program would bring its own. What it
# is a subclass of is up to who uses it: push @PollLoop::ISA.

use strict;
use warnings;

use Time::HiRes qw(time);

our @ISA;

sub new {
    my ($class) = @_;
    return bless { last => 0, item => {}, ended => [], calls => {}, freed => 0 }, $class;
}

sub _add {
    my ($self, %item) = @_;
    my $number = $self->{last}++;
    $self->{item}{$number} = \%item;
    return $number;
}

sub add_handle {
    my ($self, $fd, $events, $cb, $opaque, $ff) = @_;
    $self->{calls}{add_handle}++;
    return $self->_add(fd => $fd, events => $events, what => [ $cb, $opaque ], ff => $ff);
}

sub update_handle {
    my ($self, $watch, $events) = @_;
    $self->{calls}{update_handle}++;
    $self->{item}{$watch}{events} = $events;
    return;
}

sub add_timeout {
    my ($self, $frequency, $cb, $opaque, $ff) = @_;
    $self->{calls}{add_timeout}++;
    return $self->_add(every => $frequency, due => time + $frequency / 1000,
        what => [ $cb, $opaque ], ff => $ff);
}

sub update_timeout {
    my ($self, $timer, $frequency) = @_;
    $self->{calls}{update_timeout}++;
    @{ $self->{item}{$timer} }{qw(every due)} = ($frequency, time + $frequency / 1000);
    return;
}

# What was removed is freed later, as libvirt wants it.
sub remove_handle {
    my ($self, $number) = @_;
    $self->{calls}{remove}++;
    push @{ $self->{ended} }, delete $self->{item}{$number} // return -1;
    return 0;
}

sub remove_timeout { my ($self, $timer) = @_; return $self->remove_handle($timer) }

sub sweep {
    my ($self) = @_;
    while (my $item = shift @{ $self->{ended} }) {
        $self->{freed}++;
        $self->_free_callback_opaque($item->{ff}, $item->{what}[1]);
    }
    return;
}

# One turn, of 10 ms at the most.
sub turn {
    my ($self) = @_;
    my $item = $self->{item};
    my ($read, $write) = ('', '');
    my $wait = 0.01;
    $self->sweep;
    for (values %$item) {
        if (exists $_->{fd}) {
            vec($read,  $_->{fd}, 1) = 1 if $_->{events} & VKVM::Event::HANDLE_READABLE();
            vec($write, $_->{fd}, 1) = 1 if $_->{events} & VKVM::Event::HANDLE_WRITABLE();
        }
        elsif ($_->{every} >= 0) {
            my $left = $_->{due} - time;
            $wait = $left < 0 ? 0 : $left if $left < $wait;
        }
    }
    my $ready = select $read, $write, undef, $wait;
    for my $number (sort { $a <=> $b } keys %$item) {
        my $it = $item->{$number} // next;    # removed by a callback of this turn
        if (exists $it->{fd}) {
            next if $ready <= 0;
            my $events = (vec($read, $it->{fd}, 1) ? VKVM::Event::HANDLE_READABLE() : 0)
              | (vec($write, $it->{fd}, 1) ? VKVM::Event::HANDLE_WRITABLE() : 0);
            $self->_run_handle_callback($number, $it->{fd}, $events, @{ $it->{what} }) if $events;
        }
        elsif ($it->{every} >= 0 && $it->{due} <= time) {
            $it->{due} = time + $it->{every} / 1000;
            $self->_run_timeout_callback($number, @{ $it->{what} });
        }
    }
    $self->sweep;
    return;
}

1;
