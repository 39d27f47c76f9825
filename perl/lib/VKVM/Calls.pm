# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Calls;

use strict;
use warnings;

our $VERSION = '0.002000';

# The packages whose objects have calls.
my @CLASSES = (
    'VKVM',
    map { "VKVM::$_" } qw(
      Domain DomainCheckpoint DomainSnapshot EventQueue Fleet Host Host::Object Interface
      Inventory NWFilter NWFilterBinding Network NetworkPort NodeDevice Secret StoragePool StorageVol Stream
    ),
);

sub _set_timeout {
    my ($conn, $seconds) = my @given = @_;
    VKVM::_refuse_call('VKVM::set_call_timeout', \@given, 2, qw(conn seconds));
    return _limit($conn, VKVM::_ms('seconds', $seconds));
}

sub _limit {
    my ($conn, $ms) = @_;
    $conn->_set_call_timeout($ms);
    return if !$ms;
    require VKVM::Stream::Steps;
    VKVM::_limit_calls();
    return;
}

sub _get_timeout {
    my ($conn) = my @given = @_;
    VKVM::_refuse_call('VKVM::get_call_timeout', \@given, 1, 'conn');
    my $ms = $conn->_get_call_timeout;
    return $ms ? $ms / 1000 : undef;
}

# What the methods of these objects start is done later.
sub _later {
    my ($class, $name, $make) = @_;
    my $code;
    return sub {
        my ($object, @options) = my @given = @_;
        if (!$code) {
            require VKVM::Async;
            $code = VKVM::Async->can($make);
        }
        VKVM::_refuse_call($name, \@given, 1, qw(object ...)) if !ref $object || !UNIVERSAL::isa($object, $class);
        return $code->($name, $object, @options);
    };
}

sub _next_event {
    my ($queue) = my @given = @_;
    VKVM::_refuse_call('VKVM::EventQueue::next_event', \@given, 1, 'queue');
    require VKVM::Async::Events;
    return VKVM::Async::Events::_next($queue);
}

sub _define {
    my ($name, $code) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict) - methods are made here
    *$name = $code;
    return;
}

sub _make_methods {
    for my $class (@CLASSES) {
        _define("${class}::async",   _later($class, "${class}::async",   '_futures_of'));
        _define("${class}::async_p", _later($class, "${class}::async_p", '_promises_of'));
    }
    _define('VKVM::set_call_timeout',       \&_set_timeout);
    _define('VKVM::get_call_timeout',       \&_get_timeout);
    _define('VKVM::EventQueue::next_event', \&_next_event);
    return;
}

_make_methods();

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Calls - limits and futures for the methods of all objects

=head1 DESCRIPTION

Part of L<VKVM>, which loads it: see L<VKVM/set_call_timeout> and L<VKVM::Async>.

=head1 LICENSE

LGPL-2.1-or-later

=cut
