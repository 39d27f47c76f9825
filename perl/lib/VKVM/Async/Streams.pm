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
    return _receive_all('recv_all', $stream, $timeout, @given);
}

sub _sparse_recv_all {
    my ($stream, $timeout, @given) = @_;
    my $wrong = _refusal('sparse_recv_all', \@given, qw(handler hole_handler));
    return $wrong if $wrong;
    return _receive_all('sparse_recv_all', $stream, $timeout, @given);
}

# Where there is a handler of holes, the stream stops at them.
sub _receive_all {
    my ($method, $stream, $timeout, $handler, $hole_handler) = @_;
    my @flags = $hole_handler ? VKVM::Stream::RECV_STOP_AT_HOLE() : ();
    return _repeat($stream, sub {
        my $data;
        my $call = _call($timeout, sub { return $stream->recv($data, PIECE, @flags) });
        return $call->then(sub {
            my ($count) = @_;
            return _pass_hole($stream, $timeout, $hole_handler) if $hole_handler && $count == VKVM::Stream::AT_HOLE();
            _refuse_to_wait() if $count < 0;
            _hand_over($method, $handler, $stream, $data) if $count > 0;
            return $call->new->done($count > 0);
        });
    });
}

sub _pass_hole {
    my ($stream, $timeout, $handler) = @_;
    return _call($timeout, sub { return $stream->recv_hole })->then(sub {
        my ($length) = @_;
        _answer('sparse_recv_all', 'hole_handler', sub { return $handler->($stream, $length) });
        return VKVM::Async::Future->done(1);
    });
}

# The handler may take less than all, and gets the rest again.
sub _hand_over {
    my ($method, $handler, $stream, $data) = @_;
    while (length $data) {
        my $taken = _answer($method, 'handler', sub { return $handler->($stream, $data, length $data) });
        VKVM::Stream::Steps::_take_from($data, $taken);
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
                    _answer('sparse_send_all', 'skip_handler', sub { return $skip_handler->($stream, $length) });
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
    return @section if @section == 2 && $section[1] >= 0;
    return _give_up('sparse_send_all', 'hole_handler', 'without a section');
}

# What the handler gives, no more than it was asked for.
sub _taken {
    my ($method, $handler, $stream, $most) = @_;
    my $data  = '';
    my $count = _answer($method, 'handler', sub { return $handler->($stream, $data, $most) });
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

# The number that a handler answers with.
sub _answer {
    my ($method, $name, $code) = @_;
    my $number = VKVM::Stream::Steps::_number(scalar $code->());
    return $number >= 0 ? $number : _give_up($method, $name, 'by a number below 0');
}

sub _give_up {
    my ($method, $handler, $how) = @_;
    return VKVM::_refuse($handler, "has ended VKVM::Stream::$method $how");
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
