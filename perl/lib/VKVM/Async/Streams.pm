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
my %own = (
    recv_all        => \&_recv_all,
    send_all        => \&_send_all,
    sparse_recv_all => \&_sparse_recv_all,
    sparse_send_all => \&_sparse_send_all,
);

# The function for a method of streams; undef where it is run as it is.
sub _own {
    my ($method) = @_;
    my $own = $own{$method} or return;
    # What handlers answer and give counts as in transfers without futures.
    require VKVM::Stream::Steps;
    return $own;
}

sub _recv_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('recv_all', \@given, 'handler');
    return $wrong if $wrong;
    my ($handler) = @given;
    return _repeat($stream, sub {
        my $data;
        my $call = _call($timeout, sub { return $stream->recv($data, PIECE) });
        return $call->then(sub {
            my ($count) = @_;
            _refuse_to_wait() if $count < 0;
            _hand_over('recv_all', $handler, $stream, $data) if $count > 0;
            return $call->new->done($count > 0);
        });
    });
}

sub _sparse_recv_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('sparse_recv_all', \@given, qw(handler hole_handler));
    return $wrong if $wrong;
    my ($handler, $hole_handler) = @given;
    return _repeat($stream, sub {
        my $data;
        my $call = _call($timeout, sub { return $stream->recv($data, PIECE, VKVM::Stream::RECV_STOP_AT_HOLE()) });
        return $call->then(sub {
            my ($count) = @_;
            if ($count == VKVM::Stream::AT_HOLE()) {
                return _call($timeout, sub { return $stream->recv_hole })->then(sub {
                    my ($length) = @_;
                    _give_up('sparse_recv_all', 'hole_handler') if VKVM::Stream::Steps::_number(scalar $hole_handler->($stream, $length)) < 0;
                    return $call->new->done(1);
                });
            }
            _refuse_to_wait() if $count < 0;
            _hand_over('sparse_recv_all', $handler, $stream, $data) if $count > 0;
            return $call->new->done($count > 0);
        });
    });
}

# The handler may take less than all, and gets the rest again.
sub _hand_over {
    my ($method, $handler, $stream, $data) = @_;
    while (length $data) {
        my $taken = VKVM::Stream::Steps::_number(scalar $handler->($stream, $data, length $data));
        _give_up($method) if $taken < 0;
        substr $data, 0, $taken, '';
    }
    return;
}

sub _send_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('send_all', \@given, 'handler');
    return $wrong if $wrong;
    my ($handler) = @given;
    my $rest = '';
    return _repeat($stream, sub {
        $rest = _taken('send_all', $handler, $stream, PIECE) if $rest eq '';
        return VKVM::Async::Future->done(0) if $rest eq '';
        return _send_some($stream, $timeout, \$rest);
    });
}

sub _sparse_send_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('sparse_send_all', \@given, qw(handler hole_handler skip_handler));
    return $wrong if $wrong;
    my ($handler, $hole_handler, $skip_handler) = @given;
    # How much of the section with data is left for the handler, and what it gave that is not sent.
    my ($left, $rest) = (0, '');
    return _repeat($stream, sub {
        return _send_some($stream, $timeout, \$rest) if $rest ne '';
        if ($left == 0) {
            my ($is_data, $length) = _section($hole_handler, $stream);
            if (!$is_data && $length > 0) {
                return _call($timeout, sub { return $stream->send_hole($length) })->then(sub {
                    _give_up('sparse_send_all', 'skip_handler') if VKVM::Stream::Steps::_number(scalar $skip_handler->($stream, $length)) < 0;
                    return VKVM::Async::Future->done(1);
                });
            }
            $left = $length;
        }
        $rest = _taken('sparse_send_all', $handler, $stream, $left < PIECE ? $left : PIECE);
        return VKVM::Async::Future->done(0) if $rest eq '';
        $left -= length $rest;
        return _send_some($stream, $timeout, \$rest);
    });
}

# Whether data come next, and how many bytes.
sub _section {
    my ($hole_handler, $stream) = @_;
    my @section = map { VKVM::Stream::Steps::_number($_) } $hole_handler->($stream);
    _give_up('sparse_send_all', 'hole_handler') if @section != 2 || $section[1] < 0;
    return @section;
}

# What the handler gives, no more than it was asked for.
sub _taken {
    my ($method, $handler, $stream, $most) = @_;
    my $data  = '';
    my $count = VKVM::Stream::Steps::_number(scalar $handler->($stream, $data, $most));
    _give_up($method) if $count < 0;
    return VKVM::Stream::Steps::_first($data, $count, $most);
}

# Sends as much as the daemon takes at once, and keeps the rest.
sub _send_some {
    my ($stream, $timeout, $rest) = @_;
    my $call = _call($timeout, sub { return $stream->send($$rest, length $$rest) });
    return $call->then(sub {
        my ($count) = @_;
        _refuse_to_wait() if $count < 0;
        substr $$rest, 0, $count, '';
        return $call->new->done(1);
    });
}

sub _call {
    my ($timeout, $code) = @_;
    return VKVM::Async::_start($code, $timeout);
}

# Repeats a step until its result is false, also for nobody. If one fails, the stream is aborted.
sub _repeat {
    my ($stream, $step) = @_;
    my $all = Future::Utils::repeat {
        my @step = eval { ($step->()) };
        return @step ? $step[0] : VKVM::Async::Future->fail($@);
    }
    until => sub { return !$_[0]->is_done || !$_[0]->result };
    return $all->then(sub { return VKVM::Async::Future->done }, sub {
        # What a handler died with has no category yet.
        my @failure = @_ == 1 ? VKVM::Async::_failure(@_) : @_;
        return VKVM::Async::_start(sub { return $stream->abort }, 0)
          ->followed_by(sub { return VKVM::Async::Future->fail(@failure) });
    })->retain;
}

sub _refusal {
    my ($method, $given, @names) = @_;
    my ($wrong) = grep { ref $given->[$_] ne 'CODE' } 0 .. $#names;
    return if @$given == @names && !defined $wrong;
    eval {
        VKVM::_refuse_count("VKVM::Stream::$method", [ 'stream', @$given ], 1 + @names, 'stream', @names);
        VKVM::_refuse($names[$wrong], 'is no code reference');
    };
    return VKVM::Async::Future->fail($@, 'vkvm');
}

sub _refuse_to_wait {
    return VKVM::_refuse('stream', 'does not wait for data: it was made with VKVM::Stream::NONBLOCK');
}

sub _give_up {
    my ($method, $handler) = @_;
    my $why = ($handler // '') eq 'hole_handler' && $method =~ /send/ ? 'without a section' : 'by a number below 0';
    return VKVM::_refuse($handler // 'handler', "has ended VKVM::Stream::$method $why");
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
