# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Fleet;

use strict;
use warnings;

use VKVM;
use VKVM::Host;

our $VERSION = '0.002000';

# How long to wait for a host, in seconds.
my $TIMEOUT = 10;

sub new {
    my ($class, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Fleet::new', \@all, 1, qw(class ...));
    my %params = VKVM::_params('VKVM::Fleet->new', \@given, qw(uris timeout));
    return bless _open($params{uris}, _ms($params{timeout})), ref $class || $class;
}

# Runs a command on all hosts, with arguments as those of VKVM::Host's call.
sub call {
    my ($self, $command, $args, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Fleet::call', \@all, 2, qw(fleet command args ...));
    VKVM::Host::_check_args($args);
    my %options = VKVM::_params('VKVM::Fleet->call', \@given, 'timeout');
    return _results($self->_call($command, $args, _ms($options{timeout}), VKVM::Host::_gives_document($command)));
}

# The domains of all hosts. In list context they are followed by the errors of hosts
# that gave none.
sub list_domains {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Fleet::list_domains', \@all, 1, qw(fleet ...));
    my %args    = VKVM::_pairs('VKVM::Fleet->list_domains', @given);
    my $timeout = _ms(delete $args{timeout});
    my $listing = $self->_list_domains(\%args, $timeout);
    my $errors  = _results($listing->{errors});
    return wantarray ? ($listing->{domains}, $errors) : $listing->{domains};
}

# The metrics of all hosts as text. In list context it is followed by the errors of hosts
# that gave none.
sub metrics {
    my ($self, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Fleet::metrics', \@all, 1, qw(fleet ...));
    my %options = VKVM::_params('VKVM::Fleet->metrics', \@given, qw(format timeout));
    my $metrics = $self->_metrics($options{format}, _ms($options{timeout}));
    my $errors  = _results($metrics->{errors});
    return wantarray ? ($metrics->{text}, $errors) : $metrics->{text};
}

# Errors as objects, so that they print as text.
sub _results {
    my ($results) = @_;
    for my $result (grep { $_->{error} } @$results) {
        bless $result->{error}, 'VKVM::Error';
    }
    return $results;
}

sub _ms {
    my ($seconds) = @_;
    return VKVM::_ms('timeout', $seconds // $TIMEOUT, 0, 4_000_000);
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
