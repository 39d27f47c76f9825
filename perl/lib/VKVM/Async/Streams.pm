# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async::Streams;

use strict;
use warnings;

use Future::Utils ();

our $VERSION = '0.002000';

# As much as a message of libvirt's protocol carries.
use constant PIECE => 262_120;

# Methods with a Perl callback, which cannot run on a thread of the library's: they are made
# of calls without one.
my %own = (recv_all => \&_recv_all, send_all => \&_send_all);

# The function for a method of streams; undef where it is run as it is.
sub _own {
    my ($method) = @_;
    return $own{$method};
}

sub _recv_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('VKVM::Stream::recv_all', \@given);
    return $wrong if $wrong;
    my ($handler) = @given;
    return _repeat($stream, sub {
        my $data;
        my $call = VKVM::Async::_start(sub { return $stream->recv($data, PIECE) }, $timeout);
        return $call->then(sub {
            my ($count) = @_;
            _refuse_to_wait() if $count < 0;
            _hand_over($handler, $stream, $data) if $count > 0;
            return $call->new->done($count > 0);
        });
    });
}

# The handler may take less than all, and gets the rest again.
sub _hand_over {
    my ($handler, $stream, $data) = @_;
    while (length $data) {
        my $taken = $handler->($stream, $data, length $data);
        _give_up('recv_all') if $taken < 0;
        substr $data, 0, $taken, '';
    }
    return;
}

sub _send_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('VKVM::Stream::send_all', \@given);
    return $wrong if $wrong;
    my ($handler) = @given;
    my $rest = '';
    return _repeat($stream, sub {
        if ($rest eq '') {
            my $count = $handler->($stream, $rest, PIECE);
            _give_up('send_all') if $count < 0;
            $rest = substr $rest // '', 0, $count;
            return VKVM::Async::Future->done(0) if $rest eq '';
        }
        my $call = VKVM::Async::_start(sub { return $stream->send($rest, length $rest) }, $timeout);
        return $call->then(sub {
            my ($count) = @_;
            _refuse_to_wait() if $count < 0;
            substr $rest, 0, $count, '';
            return $call->new->done(1);
        });
    });
}

# Repeats a step until its result is false. If one fails, the stream is aborted.
sub _repeat {
    my ($stream, $step) = @_;
    my $all = Future::Utils::repeat {
        my @step = eval { ($step->()) };
        return @step ? $step[0] : VKVM::Async::Future->fail($@, 'vkvm');
    }
    until => sub { return !$_[0]->is_done || !$_[0]->result };
    return $all->then(sub { return VKVM::Async::Future->done }, sub {
        my @failure = @_;
        return VKVM::Async::_start(sub { return $stream->abort }, 0)
          ->followed_by(sub { return VKVM::Async::Future->fail(@failure) });
    });
}

sub _refusal {
    my ($method, $given) = @_;
    return if @$given == 1 && ref $given->[0] eq 'CODE';
    eval {
        VKVM::_refuse_count($method, [ 'stream', @$given ], 2, qw(stream handler));
        VKVM::_refuse('handler', 'is no code reference');
    };
    return VKVM::Async::Future->fail($@, 'vkvm');
}

sub _refuse_to_wait {
    return VKVM::_refuse('stream', 'does not wait for data: it was made with VKVM::Stream::NONBLOCK');
}

sub _give_up {
    my ($method) = @_;
    return VKVM::_refuse('handler', "has ended VKVM::Stream::$method by a number below 0");
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async::Streams - whole streams for futures

=head1 DESCRIPTION

Part of L<VKVM::Async>, which loads it.

=head1 LICENSE

LGPL-2.1-or-later

=cut
