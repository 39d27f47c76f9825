# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Event;

use strict;
use warnings;

use Scalar::Util qw(blessed);

use VKVM;
use VKVM::EventImpl;

our $VERSION = '0.002000';

# Makes a loop of the program's own, an object, the event loop.
sub register {
    my ($impl) = my @given = @_;
    VKVM::_refuse_count('VKVM::Event::register', \@given, 1, 'impl');
    my $is = sub { return blessed $impl && $impl->isa($_[0]) };
    if ($is->('VKVM::Event') && !$is->('VKVM::EventImpl')) {
        warn 'an event loop should be a subclass of VKVM::EventImpl, not of VKVM::Event';
    }
    elsif (!$is->('VKVM::EventImpl')) {
        VKVM::_refuse('impl', 'event implementation must be a subclass of VKVM::EventImpl');
    }
    return _register_impl($impl);
}

# For loops that were written as subclasses of this.
*_run_handle_callback  = \&VKVM::EventImpl::_run_handle_callback;
*_run_timeout_callback = \&VKVM::EventImpl::_run_timeout_callback;
*_free_callback_opaque = \&VKVM::EventImpl::_free_callback_opaque;

1;
