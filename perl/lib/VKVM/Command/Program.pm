# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Program;

use strict;
use warnings;

use VKVM;
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
    my @uris   = $options->uris;
    my $output = VKVM::Command::Output->new($options, $about, scalar @uris);
    if ($about->{progress} && @uris == 1) {
        return $output->show(_with_progress($uris[0], $about, $args, $output)) ? VKVM::Command::Table::DONE : VKVM::Command::Table::HOST_FAILED;
    }
    my $timeout = $about->{progress} ? $options->{timeout} // VKVM::Command::Table::NO_TIMEOUT : $options->timeout;
    my $fleet   = VKVM::Command::Table::fleet(@uris);
    my $answers = $fleet->call($about->{full}, $args, timeout => $timeout);
    return $output->show(@$answers) ? VKVM::Command::Table::DONE : VKVM::Command::Table::HOST_FAILED;
}

# Runs a command that takes its time on one host, with a bar; ^C cancels it.
sub _with_progress {
    my ($uri, $about, $args, $output) = @_;
    my $stop = 0;
    local $SIG{INT} = sub { $stop = 1 };
    my %answer = (uri => $uri);
    my $host   = eval { VKVM::Host->new(uri => $uri) };
    if ($host) {
        $answer{host} = eval { $host->get_conn->get_hostname };
        my @result = eval {
            $host->call($about->{full}, $args, sub { $output->progress(@_); return $stop ? -1 : 0 });
        };
        $answer{error} = $@ if $@;
        $answer{result} = \@result;
        $output->end_progress;
    }
    else {
        $answer{error} = $@;
    }
    return \%answer;
}

1;
