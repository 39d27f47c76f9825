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
    my ($own, @rest) = $options->read_own('metrics', { format => 1 }, @words);
    VKVM::Command::Usage::fail("metrics takes no words: @rest") if @rest;
    my $timeout = $options->{timeout} // VKVM::Command::Table::TIMEOUT;
    my $fleet   = VKVM::Command::Table::fleet($options->uris);
    my ($text, $errors) = $fleet->metrics(timeout => $timeout, $own->{format} ? (format => $own->{format}) : ());
    print $text;
    for my $failed (@$errors) {
        my $why = VKVM::Command::Output::message_of($failed->{error});
        VKVM::Command::Output::complain(VKVM::Command::Output::name_of($failed) . ": $why");
    }
    return @$errors ? VKVM::Command::Table::HOST_FAILED : VKVM::Command::Table::DONE;
}

1;
