# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Inventory;

use strict;
use warnings;

use VKVM;
use VKVM::Inventory::Changes;

our $VERSION = '0.002000';

# How long to wait for a host, in seconds.
my $TIMEOUT = 10;

my @OPTIONS = qw(kinds refresh max_delay timeout limit details);
my @FILTER  = qw(host kind state name uuid fields sort raw);

sub new {
    my ($class, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::new', \@all, 1, qw(class ...));
    my %params = VKVM::_params('VKVM::Inventory->new', \@given, qw(uris conns), @OPTIONS);
    VKVM::_refuse('conns', 'were given besides uris; VKVM::Inventory->new takes one of them')
      if defined $params{uris} && defined $params{conns};
    my %options = map { $_ => $params{$_} } grep { defined $params{$_} } @OPTIONS;
    # Seconds, as everywhere in Perl.
    $options{timeout_ms}   = VKVM::_ms('timeout',   delete $options{timeout}, 0.001, 86_400) if defined $options{timeout};
    $options{max_delay_ms} = VKVM::_ms('max_delay', delete $options{max_delay}, 0, 60)       if defined $options{max_delay};
    my $self = defined $params{conns} ? _open_conns($params{conns}, \%options) : _open($params{uris}, \%options);
    return bless $self, ref $class || $class;
}

# The rows that pass a filter, and their generation.
sub snapshot {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::snapshot', \@all, 1, qw(inventory ...));
    my %filter = VKVM::_params('VKVM::Inventory->snapshot', \@given, @FILTER);
    return $self->_snapshot(\%filter);
}

# The rows alone.
sub rows {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::rows', \@all, 1, qw(inventory ...));
    my %filter = VKVM::_params('VKVM::Inventory->rows', \@given, @FILTER);
    return @{ $self->_snapshot(\%filter)->{rows} };
}

sub get {
    my ($self, $kind, $name, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::get', \@all, 3, qw(inventory kind name ...));
    my %options = VKVM::_params('VKVM::Inventory->get', \@given, 'host');
    return $self->_get($kind, $options{host}, $name);
}

sub xml {
    my ($self, $kind, $name, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::xml', \@all, 3, qw(inventory kind name ...));
    my %options = VKVM::_params('VKVM::Inventory->xml', \@given, qw(host timeout));
    return $self->_xml($kind, $options{host}, $name, _ms($options{timeout}));
}

# As a text for Prometheus, in bytes.
sub metrics {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::metrics', \@all, 1, qw(inventory ...));
    my %options = VKVM::_params('VKVM::Inventory->metrics', \@given, 'format');
    return $self->_metrics($options{format});
}

sub refresh {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::refresh', \@all, 1, qw(inventory ...));
    my %options = VKVM::_params('VKVM::Inventory->refresh', \@given, qw(host timeout));
    return $self->_refresh($options{host}, _ms($options{timeout}));
}

# A snapshot of what passes the filter of the condition then.
sub wait {    ## no critic (ProhibitBuiltinHomonyms) - as in C
    my ($self, $condition, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::wait', \@all, 2, qw(inventory condition ...));
    my %options = VKVM::_params('VKVM::Inventory->wait', \@given, 'timeout');
    VKVM::_refuse('condition', 'is no hash reference') if ref $condition ne 'HASH';
    VKVM::_refuse_others('VKVM::Inventory->wait', $condition, @FILTER, qw(count absent));
    return $self->_wait($condition, _ms($options{timeout}));
}

# What changes from now on.
sub changes {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Inventory::changes', \@all, 1, qw(inventory ...));
    my %options = VKVM::_params('VKVM::Inventory->changes', \@given, 'capacity');
    return VKVM::Inventory::Changes->_new($self, $options{capacity});
}

sub close {    ## no critic (ProhibitBuiltinHomonyms, ProhibitAmbiguousNames) - as in C
    my ($self) = my @given = @_;
    VKVM::_refuse_call('VKVM::Inventory::close', \@given, 1, 'inventory');
    $self->_close;
    VKVM::Inventory::Changes::_end($self);
    return;
}

sub _ms {
    my ($seconds) = @_;
    return VKVM::_ms('timeout', $seconds // $TIMEOUT, 0, 4_000_000);
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
