# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::EventQueue;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.002000';

sub new {
    my ($class, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::EventQueue::new', \@all, 1, qw(class ...));
    my %params = VKVM::_params('VKVM::EventQueue->new', \@given, 'capacity');
    return bless _new($params{capacity} // 10_000), ref $class || $class;
}

# The C function waits where Perl's signal handlers cannot run; select does not.
sub next {    ## no critic (ProhibitBuiltinHomonyms) - as in C
    my ($self, $timeout) = my @given = @_;
    VKVM::_refuse_call('VKVM::EventQueue::next', \@given, 1, qw(queue timeout));
    VKVM::_number('timeout', $timeout, -1e15, 1e15, 'a number of ms, negative for no end,') if defined $timeout;
    return _wait($self, defined $timeout && $timeout >= 0 ? $timeout / 1000 : undef, sub { });
}

# The next entry; nothing after so many seconds, undef for no end. As long as there is none,
# $look is called, which may die.
sub _wait {    ## no critic (RequireFinalReturn) - a loop ends it
    my ($self, $seconds, $look) = @_;
    my $deadline = defined $seconds ? _now() + $seconds : undef;
    my $readable = '';
    vec($readable, $self->get_fd, 1) = 1;
    while (1) {
        my ($entry) = $self->drain(1);
        return $entry if $entry;
        $look->();
        my $left = defined $deadline ? $deadline - _now() : undef;
        return if defined $left && $left <= 0;
        select my $ready = $readable, undef, undef, $left;
    }
}

# A copy of the descriptor, which Perl may close: the queue's own must stay open.
sub fh {
    my ($self) = my @given = @_;
    VKVM::_refuse_call('VKVM::EventQueue::fh', \@given, 1, 'queue');
    open my $fh, '<&', $self->get_fd or die "cannot copy the descriptor of a queue: $!\n";
    return $fh;
}

sub _now {
    require Time::HiRes;
    return Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
