# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Inventory::Changes;

use strict;
use warnings;

use Scalar::Util ();
use VKVM;

our $VERSION = '0.002000';

# Of each inventory, by its address: whether it has ended, and the addresses of the queues that
# are told then. References to these would keep them, and weak ones do not survive new threads.
my %end;

sub _new {
    my ($class, $inventory, $capacity) = @_;
    my $queue = VKVM::EventQueue->new(capacity => $capacity);
    $inventory->watch($queue);
    my $end = $end{ Scalar::Util::refaddr($inventory) } //= { queues => {} };
    $end->{queues}{ Scalar::Util::refaddr($queue) } = 1;
    return bless { inventory => $inventory, queue => bless($queue, 'VKVM::Inventory::_Queue'), end => $end }, $class;
}

# The inventory was closed: what is in the queues stays there.
sub _end {
    my ($inventory) = @_;
    my $end = $end{ Scalar::Util::refaddr($inventory) } or return;
    $end->{has_come} = 1;
    return if !$INC{'VKVM/Async/Events.pm'};
    VKVM::Async::Events::_end($_, _over($inventory)) for keys %{ $end->{queues} };
    return;
}

# What any method of an inventory that was closed dies with.
sub _over {
    my ($inventory) = @_;
    local $@;
    eval { $inventory->hosts };
    return $@;
}

sub _refuse_wrong {
    my ($method, $given, @names) = @_;
    return VKVM::_refuse_call("VKVM::Inventory::Changes::$method", $given, 1, @names);
}

# The next change; nothing after the timeout. Signal handlers run while it waits.
sub next {    ## no critic (ProhibitBuiltinHomonyms) - an iterator's
    my ($self, @given) = my @all = @_;
    _refuse_wrong('next', \@all, qw(changes ...));
    # As the other methods take it, or alone.
    my %options = @given == 1 ? (timeout => $given[0]) : VKVM::_params('VKVM::Inventory::Changes->next', \@given, 'timeout');
    my $timeout = $options{timeout};
    VKVM::_number('timeout', $timeout, 0, 1e12, 'a number of seconds, or undef for no end,') if defined $timeout;
    return VKVM::EventQueue::_wait($self->{queue}, $timeout, sub {
        die _over($self->{inventory}) if $self->{end}{has_come};
    });
}

# The future of the next change.
sub next_change {
    my ($self) = my @given = @_;
    _refuse_wrong('next_change', \@given, 'changes');
    require VKVM::Async::Events;
    my $future = VKVM::Async::Events::_next($self->{queue});
    VKVM::Async::Events::_end(Scalar::Util::refaddr($self->{queue}), _over($self->{inventory})) if $self->{end}{has_come};
    # Until then the inventory stays open, whatever else the program lets go: without it there is
    # no next change.
    return $future->on_ready(sub { undef $self });
}

# All changes that have arrived, or the first ones.
sub drain {
    my ($self, $max) = my @given = @_;
    _refuse_wrong('drain', \@given, qw(changes max));
    VKVM::_number('max', $max, 0, 1e15, 'a number of changes') if defined $max;
    return $self->{queue}->drain($max // 1_000_000);
}

sub fh {
    my ($self) = my @given = @_;
    _refuse_wrong('fh', \@given, 'changes');
    return $self->{queue}->fh;
}

sub get_overflow {
    my ($self) = my @given = @_;
    _refuse_wrong('get_overflow', \@given, 'changes');
    return $self->{queue}->get_overflow;
}

sub DESTROY {
    my ($self) = @_;
    # Then what it is made of may have gone before.
    return if ${^GLOBAL_PHASE} eq 'DESTRUCT';
    my $queues = $self->{end}{queues};
    delete $queues->{ Scalar::Util::refaddr($self->{queue}) };
    delete $end{ Scalar::Util::refaddr($self->{inventory}) } if !%$queues;
    return;
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

sub CLONE {
    %end = ();
    return;
}

# A queue whose text is characters.
package VKVM::Inventory::_Queue;    ## no critic (ProhibitMultiplePackages) - its part

our @ISA = ('VKVM::EventQueue');    ## no critic (ProhibitExplicitISA) - EventQueue is loaded

sub drain {
    my ($self, $max) = my @given = @_;
    VKVM::_refuse_call('VKVM::Inventory::_Queue::drain', \@given, 2, qw(queue max));
    return @{ $self->_drain($max) };
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Inventory::Changes - the changes of an inventory, one after the other

=head1 SYNOPSIS

    my $changes = $inventory->changes;
    my $snapshot = $inventory->snapshot;
    while (my $change = $changes->next) {
        next if $change->{generation} <= $snapshot->{generation};
        print "$change->{change} $change->{kind} $change->{name}\n";
    }

    # in an event loop
    use Future::AsyncAwait;
    while (my $change = await $changes->next_change) { ... }

=head1 DESCRIPTION

L<VKVM::Inventory/changes> returns the object; it keeps the inventory open. Each change is one
entry. Entries are hash references:

=over

=item C<generation>

number of the change; each change of the inventory has the next one

=item C<change>

C<added>, C<removed> or C<changed>

=item C<kind>

kind of the row, such as C<domain>; or C<host>, when a host is reachable or no longer

=item C<host>, C<name>, C<uuid>, C<key>

URI of the host; name, UUID (undef for volumes, nodes and hosts), and key of a volume (otherwise
undef)

=item C<before>, C<after>

hash references of the fields that have changed; of all fields for a row that was removed or added,
where the other one is undef. Those of a host are C<state> and C<error>.

=item C<class>, C<tag>

C<inventory>, and 0

=back

Text is characters here, as in L<VKVM::Inventory>.

=head1 METHODS

=head2 next

    my $change = $changes->next;
    my $change = $changes->next(timeout => 2.5);

Waits for the next change and returns it; returns an empty list after C<timeout> seconds, which may
also stand alone (C<next(2.5)>). Without it there is no limit. Perl's signal handlers run while it
waits. Dies when the inventory is closed and all changes were returned.

=head2 next_change

    my $future = $changes->next_change;

Returns a L<Future> of the next change, for the event loops of L<VKVM::Async>. It keeps the inventory
open until it is ready. Without interest in the change, cancel it.

=head2 drain

    my @changes = $changes->drain;
    my @changes = $changes->drain($max);

Returns the changes that have arrived, at most C<$max>, without waiting.

=head2 fh

    my $fh = $changes->fh;

Returns a file handle that is readable while there are changes. It is for waiting; it must not be
read from.

=head2 get_overflow

    my $lost = $changes->get_overflow;

Returns the number of changes that were lost because C<capacity> of them were waiting. The rows are
read again then, with C<snapshot>, and changes up to its generation skipped.

=head1 SEE ALSO

L<VKVM::Inventory>, L<VKVM::Async>

=head1 LICENSE

LGPL-2.1-or-later

=cut
