# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Changes;

use strict;
use warnings;

use Encode qw(encode_utf8);
use VKVM;
use VKVM::Command::Table;
use VKVM::Command::Output;

our $VERSION = '0.002000';

# vkvm watch --changes: what becomes different on all hosts, a line each, as an inventory of them
# finds it. The library's loop runs already.

# How long to wait before signals are looked at, in seconds, which matters to a stop only.
use constant TURN => 0.5;

sub run {
    my ($options, $count) = @_;
    my $stop = 0;
    local @SIG{qw(INT TERM)} = (sub { $stop = 1 }) x 2;
    my $inventory = _open($options, \$stop) // return VKVM::Command::Table::DONE;
    my $self      = bless { inventory => $inventory, json => $options->{json}, lost => 0 }, __PACKAGE__;
    my $changes   = $inventory->changes(capacity => 100_000);
    $self->_begin;
    while (!$stop && !(defined $count && $count <= 0)) {
        my $change = $changes->next(TURN);
        $self->_tell_loss($changes);
        next if !$change;
        $self->_print_change($change);
        $count-- if defined $count;
    }
    my $is_well = !grep { $_->{state} ne 'up' } @{ $inventory->hosts };
    return $is_well ? VKVM::Command::Table::DONE : VKVM::Command::Table::HOST_FAILED;
}

# The inventory, with titles and the like, which are asked for later: that they are known then is
# no news. Where that takes too long, it is. Nothing if a signal came meanwhile.
sub _open {
    my ($options, $stop) = @_;
    my $timeout = $options->timeout;
    my $inventory;
    my $is_done = eval {
        # A host may take long; its rows are no longer wanted.
        local @SIG{qw(INT TERM)} = (sub { $$stop = 1; die "stopped\n" }) x 2;
        $inventory = VKVM::Inventory->new(uris => [ $options->uris ], timeout => $timeout);
        $inventory->refresh(timeout => $timeout);
        1;
    };
    my $error = $@;
    return if $$stop;
    my $is_late = $inventory && ref $error && $error->code == VKVM::Error::OWN_TIMEOUT;
    die $error if !$is_done && !$is_late;    ## no critic (RequireCarping) - as it was
    return $inventory;
}

# How each host is.
sub _begin {
    my ($self) = @_;
    for my $host (@{ $self->{inventory}->hosts }) {
        $self->_print($host->{uri}, {
            kind  => 'host',
            change => $host->{state},
            after => { error => $host->{error} && $host->{error}{message} },
        });
    }
    return;
}

sub _tell_loss {
    my ($self, $changes) = @_;
    my $lost = $changes->get_overflow;
    return if $lost <= $self->{lost};
    VKVM::Command::Output::complain(($lost - $self->{lost}) . ' changes were lost: they came faster than they are printed');
    $self->{lost} = $lost;
    return;
}

sub _print_change {
    my ($self, $change) = @_;
    my %line = map { $_ => $change->{$_} } grep { defined $change->{$_} } qw(kind change name uuid key before after);
    if ($change->{kind} eq 'host') {
        my $error = $change->{after}{error};
        %line = (kind => 'host', change => $change->{after}{state} // 'changed',
            after => { error => ref $error ? $error->{message} : $error });
    }
    return $self->_print($change->{host}, \%line);
}

sub _print {
    my ($self, $uri, $line) = @_;
    my $stamp = VKVM::Command::Output::stamp();
    # What they are called is known anew when one of them has changed.
    $self->{hosts} = $self->{inventory}->hosts if !$self->{hosts} || $line->{kind} eq 'host';
    my @hosts  = @{ $self->{hosts} };
    my ($host) = grep { $_->{uri} eq $uri } @hosts;
    if ($self->{json}) {
        return VKVM::Command::Output::put(VKVM::Command::Output::json({ time => $stamp, uri => $uri, host => $host->{host}, %$line }), "\n");
    }
    my ($before, $after) = @$line{qw(before after)};
    my @fields = map { _field($_, $before, $after) } sort keys %{ $line->{change} eq 'removed' ? {} : $after // {} };
    my $name   = VKVM::Command::Output::name_among($host, @hosts);
    my @words  = ($stamp, $name, @$line{qw(kind name change)}, join ', ', @fields);
    return VKVM::Command::Output::put(encode_utf8(VKVM::Command::Output::one_line(join ' ', grep { defined && length } @words) . "\n"));
}

# What a field has become, and from what; nothing where it is empty.
sub _field {
    my ($field, $before, $after) = @_;
    my ($old, $new) = map { $_->{$field} } $before // {}, $after;
    return if !$before && !length($new // '');
    return "$field: " . ($before ? ($old // '-') . ' -> ' : '') . ($new // '-');
}

1;
