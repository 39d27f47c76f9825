# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Program;

use strict;
use warnings;

use VKVM;
use VKVM::Command::Long;
use VKVM::Command::Options;
use VKVM::Command::Output;
use VKVM::Command::Table;
use VKVM::Command::Usage;
use VKVM::Host;

our $VERSION = '0.002000';

# The command vkvm: the commands of the host facade from the shell, for one host or many. What
# it can do, VKVM::Host and VKVM::Fleet can.

# Runs the program; returns its exit status.
sub main {
    my (@words) = @_;
    my $status = eval { _run(@words) };
    return $status if defined $status;
    my $error = $@;
    if (ref $error && $error->isa('VKVM::Command::Usage')) {
        VKVM::Command::Output::complain($error->{message});
        return VKVM::Command::Table::WRONG_USAGE;
    }
    # An error in what was typed: those of hosts are in their answers.
    my $is_usage = ref $error && grep { $_ == $error->code } VKVM::Error::OWN_INVALID, VKVM::Error::OWN_NOT_FOUND,
      VKVM::Error::OWN_WRONG_TYPE, VKVM::Error::OWN_NOT_UTF8;
    VKVM::Command::Output::complain(VKVM::Command::Output::message_of($error));
    return $is_usage ? VKVM::Command::Table::WRONG_USAGE : VKVM::Command::Table::HOST_FAILED;
}

sub _run {
    my (@words) = @_;
    my $options = VKVM::Command::Options->read_global(\@words);
    if ($options->{version}) {
        print 'vkvm ', VKVM->VERSION =~ s/(\d+)[.](\d{3})(\d{3})/join '.', $1, $2 + 0, $3 + 0/er, "\n";
        return VKVM::Command::Table::DONE;
    }
    my $name = $options->{help} ? 'help' : shift @words
      // VKVM::Command::Usage::fail('a command is missing; "vkvm help" lists them');
    if (my $own = $VKVM::Command::Table::OWN{$name}) {
        my $module = "VKVM::Command::$own->{module}";
        eval "require $module; 1" or die $@;    ## no critic (ProhibitStringyEval) - a name of ours
        return $module->can('run')->($options, @words);
    }
    my $about = VKVM::Command::Table::describe($name);
    my $args  = $options->read_arguments($about, @words);
    return run_command($options, $about, $args);
}

# Runs a command of the facade on all hosts, and shows what they answer.
sub run_command {
    my ($options, $about, $args) = @_;
    my @uris    = $options->uris;
    my $output  = VKVM::Command::Output->new($options, $about, scalar @uris);
    my $answers = $about->{progress}
      ? VKVM::Command::Long::answers($options, $about, $args, @uris)
      : VKVM::Command::Table::fleet(@uris)->call($about->{full}, $args, timeout => $options->timeout);
    return $output->show(@$answers) ? VKVM::Command::Table::DONE : VKVM::Command::Table::HOST_FAILED;
}

1;
