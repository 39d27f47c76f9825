# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::EventImpl;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.002000';

sub new {
    my ($class) = my @given = @_;
    VKVM::_refuse_call('VKVM::EventImpl::new', \@given, 1, 'class');
    return bless {}, ref $class || $class;
}

# What a subclass has to do.
for my $method (
    qw(add_handle update_handle remove_handle add_timeout update_timeout remove_timeout)) {
    no strict 'refs';    ## no critic (ProhibitNoStrict) - methods that only differ in their names
    *$method = sub {
        my ($self) = my @given = @_;
        VKVM::_refuse_count("VKVM::EventImpl::$method", \@given, 1, qw(self ...));
        my $class = ref $self || $self // 'the class';
        VKVM::_refuse($method, "$class must have a method $method");
    };
}

sub _run_handle_callback {
    my ($self, $watch, $fd, $events, $cb, $opaque) = my @given = @_;
    VKVM::_refuse_count('VKVM::EventImpl::_run_handle_callback', \@given, 6,
        qw(self watch fd events cb opaque));
    return _run_handle_callback_helper($watch, $fd, $events, $cb, $opaque);
}

sub _run_timeout_callback {
    my ($self, $timer, $cb, $opaque) = my @given = @_;
    VKVM::_refuse_count('VKVM::EventImpl::_run_timeout_callback', \@given, 4,
        qw(self timer cb opaque));
    return _run_timeout_callback_helper($timer, $cb, $opaque);
}

sub _free_callback_opaque {
    my ($self, $ff, $opaque) = my @given = @_;
    VKVM::_refuse_count('VKVM::EventImpl::_free_callback_opaque', \@given, 3,
        qw(self ff opaque));
    return _free_callback_opaque_helper($ff, $opaque);
}

# Sys::Virt has these, too.
sub _run_handle_callback_helper {
    my ($watch, $fd, $events, $cb, $opaque) = my @given = @_;
    VKVM::_refuse_count('VKVM::EventImpl::_run_handle_callback_helper', \@given, 5,
        qw(watch fd events cb opaque));
    return _run_watched($opaque, $watch, $fd, $events);
}

sub _run_timeout_callback_helper {
    my ($timer, $cb, $opaque) = my @given = @_;
    VKVM::_refuse_count('VKVM::EventImpl::_run_timeout_callback_helper', \@given, 3,
        qw(timer cb opaque));
    return _run_watched($opaque, $timer);
}

sub _free_callback_opaque_helper {
    my ($ff, $opaque) = my @given = @_;
    VKVM::_refuse_count('VKVM::EventImpl::_free_callback_opaque_helper', \@given, 2, qw(ff opaque));
    _free_watched($opaque) if defined $ff && defined $opaque;
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::EventImpl - an event loop of the program's own

=head1 SYNOPSIS

    package My::Loop;
    use parent 'VKVM::EventImpl';

    sub add_handle {
        my ($self, $fd, $events, $cb, $opaque, $ff) = @_;
        $self->{watch}{ ++$self->{last} } = [ $fd, $events, $cb, $opaque, $ff ];
        return $self->{last};
    }
    ...

    package main;
    use VKVM::Event;
    my $loop = My::Loop->new;
    VKVM::Event::register($loop);    # before the first connection

=head1 DESCRIPTION

Through a subclass of this class libvirt uses an event loop of the program: the program
registers one object of it, permanently, and libvirt calls its methods. A program that
only needs events can use L<VKVM::EventQueue> more easily.

=head1 CONSTRUCTOR

=over

=item C<< My::Loop->new >>

Creates an empty object; a subclass may have another constructor.

=back

=head1 METHODS OF A SUBCLASS

An exception in one of them becomes a warning, and adding fails.

=over

=item C<< my $watch = $self->add_handle($fd, $events, $cb, $opaque, $ff) >>

Watches a file descriptor for events, a bitwise OR of C<VKVM::Event::HANDLE_*>. Returns the
id of the watch, from 0 up, or -1 on failure. Whenever the descriptor is ready, the loop calls
C<_run_handle_callback>.

=item C<< $self->update_handle($watch, $events) >>

Changes the events of a watch; 0 means none until the next change.

=item C<< $self->remove_handle($watch) >>

Removes a watch. The loop calls C<_free_callback_opaque> once, after this method has
returned.

=item C<< my $timer = $self->add_timeout($frequency, $cb, $opaque, $ff) >>

Adds a timer that fires every C<$frequency> ms, 0 on each iteration of the loop, -1 not until
it is updated. When it fires, the loop calls C<_run_timeout_callback>. Returns the id of the
timer.

=item C<< $self->update_timeout($timer, $frequency) >>

Changes the interval of a timer.

=item C<< $self->remove_timeout($timer) >>

Removes a timer, in the same way as a watch.

=back

=head1 METHODS FOR A SUBCLASS

=over

=item C<< $self->_run_handle_callback($watch, $fd, $events, $cb, $opaque) >>

Reports to libvirt that a file descriptor is ready for C<$events>. It dies when a callback of
the program dies.

=item C<< $self->_run_timeout_callback($timer, $cb, $opaque) >>

Reports to libvirt that a timer has fired.

=item C<< $self->_free_callback_opaque($ff, $opaque) >>

Reports to libvirt that a watch or timer is removed, once for each.

=back

=head1 SEE ALSO

L<VKVM::Event>, L<VKVM::EventQueue>

=head1 LICENSE

LGPL-2.1-or-later

=cut
