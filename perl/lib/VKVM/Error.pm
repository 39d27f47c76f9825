# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Error;

use strict;
use warnings;

our $VERSION = '0.002000';

# Perl calls these with arguments of its own.
use overload
  '""'     => sub { return $_[0]->stringify },
  'bool'   => sub { return 1 },
  fallback => 1;

sub stringify {
    my ($self) = my @given = @_;
    VKVM::_refuse_call('VKVM::Error::stringify', \@given, 1, 'self');
    my $text = 'libvirt error code: ' . $self->code . ', message: ' . $self->message;
    # Programs written for Sys::Virt may compare it.
    $text .= "; $self->{hint}" if defined $self->{hint} && !$INC{'VKVM/SysVirt.pm'};
    return $text =~ /\n\z/ ? $text : "$text\n";
}

for my $field (
    qw(level code domain message str1 str2 str3 int1 int2 function parameter line column hint)) {
    no strict 'refs';    ## no critic (ProhibitNoStrict) - methods that only differ in their names
    *$field = sub {
        my ($self) = my @given = @_;
        VKVM::_refuse_call("VKVM::Error::$field", \@given, 1, 'self');
        return $self->{$field};
    };
}

1;
