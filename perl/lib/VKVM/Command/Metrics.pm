# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Metrics;

use strict;
use warnings;

use VKVM::Command::Table;
use VKVM::Command::Output;
use VKVM::Command::Usage;

our $VERSION = '0.002000';

# vkvm metrics: the text that the exporter serves.

sub run {
    my ($options, @words) = @_;
    my ($own) = $options->read_own('metrics', @words);
    my $timeout = $options->timeout;
    my $fleet   = VKVM::Command::Table::fleet($options->uris);
    my ($text, $errors) = $fleet->metrics(timeout => $timeout, defined $own->{format} ? (format => $own->{format}) : ());
    print $text;
    VKVM::Command::Output::complain(VKVM::Command::Output::failure_of($_)) for @$errors;
    return @$errors ? VKVM::Command::Table::HOST_FAILED : VKVM::Command::Table::DONE;
}

1;
