# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Stream::Steps;

use strict;
use warnings;

use Errno ();
use Scalar::Util ();
use VKVM;

our $VERSION = '0.002000';

# Whole transfers of a stream whose calls have a limit: each piece is a call of its own, and signal
# handlers run while it waits. They do what vkvm_stream_recv_all and the like do in one call, which
# vkvm_streams.c replaces by these. Handlers have been checked there.

# As much as a message of libvirt's protocol carries.
use constant PIECE => 262_120;

sub recv_all {
    my ($stream, $handler) = @_;
    return _transfer($stream, sub {
        my $data;
        while (_waited('data sinks', $stream->recv($data, PIECE)) > 0) {
            _hand_over($stream, $handler, $data);
        }
    });
}

sub sparse_recv_all {
    my ($stream, $handler, $hole_handler) = @_;
    return _transfer($stream, sub {
        my $data;
        while (1) {
            my $count = $stream->recv($data, PIECE, VKVM::Stream::RECV_STOP_AT_HOLE());
            if ($count == VKVM::Stream::AT_HOLE()) {
                my $length = $stream->recv_hole;
                _answer('recv holeHandler', $hole_handler, $stream, $length);
                next;
            }
            last if _waited('data sinks', $count) == 0;
            _hand_over($stream, $handler, $data);
        }
    });
}

sub send_all {
    my ($stream, $handler) = @_;
    return _transfer($stream, sub {
        while (_send_piece($stream, $handler, PIECE) > 0) { }
    });
}

sub sparse_send_all {
    my ($stream, $handler, $hole_handler, $skip_handler) = @_;
    return _transfer($stream, sub {
        # How much of the section with data is left.
        my $left = 0;
        while (1) {
            if ($left == 0) {
                my ($is_data, $length) = _section($stream, $hole_handler);
                if (!$is_data && $length > 0) {
                    $stream->send_hole($length);
                    _answer('send skipHandler', $skip_handler, $stream, $length);
                    next;
                }
                $left = $length;
            }
            my $sent = _send_piece($stream, $handler, $left < PIECE ? $left : PIECE) or last;
            $left -= $sent;
        }
    });
}

# Runs the steps. If one fails, the stream is aborted, also when a signal handler dies.
sub _transfer {
    my ($stream, $steps) = @_;
    my $error;
    {
        local $@;
        return if eval { $steps->(); 1 };
        $error = $@;
        # What counts is why the transfer has failed.
        eval {
            local $SIG{__DIE__};
            $stream->abort;
        } if !_is_refusal($error);
    }
    local $SIG{__DIE__};    # it was called
    die $error;
}

# Whether the stream is not open, or not for data of this direction.
sub _is_refusal {
    my ($error) = @_;
    return if !Scalar::Util::blessed($error) || !$error->isa('VKVM::Error');
    return $error->code == VKVM::Error::OWN_INVALID() && ($error->parameter // '') eq 'stream';
}

# What was received, unless the stream does not wait.
sub _waited {
    my ($ends, $count) = @_;
    return $count if $count >= 0;
    return _die(VKVM::Error::ERR_OPERATION_INVALID(), 'Requested operation is not valid: %s',
        "$ends cannot be used for non-blocking streams", -1);
}

# The handler may take less than all, and gets the rest again.
sub _hand_over {
    my ($stream, $handler, $data) = @_;
    while (length $data) {
        _take_from($data, _answer('recv handler', $handler, $stream, $data, length $data));
    }
    return;
}

# Takes so many bytes off the data, which may be more than substr can count. In place: what is left is
# not copied for each piece.
sub _take_from {    ## no critic (RequireArgUnpacking) - for the same reason
    my (undef, $taken) = @_;
    my $length = length $_[0];
    # It would get the same data for ever.
    VKVM::_refuse('handler', "took none of $length bytes; return how many it took, or a number below 0 to stop")
      if !$taken;
    substr $_[0], 0, $taken < $length ? $taken : $length, '';
    return;
}

# Sends what the handler gives next; returns how many bytes it had.
sub _send_piece {
    my ($stream, $handler, $most) = @_;
    my $data  = '';
    my $count = 0 + _handled('send handler', sub { return _number(scalar $handler->($stream, $data, $most)) });
    my $rest  = _first($data, $count, $most);
    $count = length $rest;
    while (length $rest) {
        substr $rest, 0, _waited('data sources', $stream->send($rest, length $rest)), '';
    }
    return $count;
}

# As much of what a handler gave as it says, in bytes, and no more than it was asked for.
sub _first {
    my ($data, $count, $most) = @_;
    $data = '' if !defined $data || ref $data;
    utf8::encode($data) if utf8::is_utf8($data);
    return substr $data, 0, $count < $most ? $count : $most;
}

# Whether data come next, and how many bytes.
sub _section {
    my ($stream, $handler) = @_;
    my @section;
    _handled('send holeHandler', sub { return (@section = $handler->($stream)) == 2 ? 0 : -1 });
    my ($is_data, $length) = map { _number($_) } @section;
    return ($is_data, $length) if $length >= 0;
    return VKVM::_refuse('hole_handler', "answered with a length of $length; 0 or more is needed");
}

# The number that a handler answers with.
sub _answer {
    my ($name, $handler, @arguments) = @_;
    return _handled($name, sub { return _number(scalar $handler->(@arguments)) });
}

sub _number {
    my ($answer) = @_;
    return defined $answer && !ref $answer && Scalar::Util::looks_like_number($answer) ? int $answer : 0;
}

# One below 0 gives up, and leaves the reason in errno, if there is one.
sub _handled {
    my ($name, $code) = @_;
    local $! = 0;
    my $answer = $code->();
    return $answer if $answer >= 0;
    my $errno = $! + 0 || Errno::EIO();
    return _die(VKVM::Error::ERR_SYSTEM_ERROR(), '%s', "$name failed: " . do { local $! = $errno; "$!" }, $errno);
}

# An error as libvirt's functions for whole transfers have it.
sub _die {
    my ($code, $pattern, $said, $errno) = @_;
    die bless {
        level   => VKVM::Error::LEVEL_ERROR(),
        code    => $code,
        domain  => VKVM::Error::FROM_STREAMS(),
        message => $pattern =~ s/%s/$said/r,
        str1    => $pattern,
        str2    => $said,
        int1    => $errno,
        int2    => -1,
    }, 'VKVM::Error';
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Stream::Steps - whole transfers within a limit

=head1 DESCRIPTION

Part of L<VKVM::Stream>, whose C<recv_all>, C<send_all> and their sparse forms use it when calls of
the connection have a timeout (L<VKVM/set_call_timeout>).

=head1 LICENSE

LGPL-2.1-or-later

=cut
