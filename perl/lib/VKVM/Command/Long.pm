# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Long;

use strict;
use warnings;

use VKVM::Command::Bars;
use VKVM::Command::Output;
use VKVM::Command::Table;
use VKVM::Host;

our $VERSION = '0.002000';

# Commands that take their time: they report how far they are, and ^C cancels them.

# What the hosts answer, as VKVM::Fleet's call returns it.
sub answers {
    my ($options, $about, $args, @uris) = @_;
    # Several hosts work at the same time by futures. Without these nothing is said meanwhile.
    if (@uris > 1 && !eval { require VKVM::Async; 1 }) {
        my $timeout = $options->{timeout} // VKVM::Command::Table::NO_TIMEOUT;
        return VKVM::Command::Table::fleet(@uris)->call($about->{full}, $args, timeout => $timeout);
    }
    my @answers = map { { uri => $_ } } @uris;
    my $bars    = VKVM::Command::Bars->new(!$options->{quiet}, @answers);
    my $stop    = 0;
    # The second one ends the program, for the first one is heard by a host that reports something.
    local $SIG{INT} = sub { $SIG{INT} = 'DEFAULT' if $stop++ };    ## no critic (RequireLocalizedPunctuationVars) - it is
    my @asked = map {
        my $place  = $_;
        my $report = sub { $bars->progress($place, @_); return $stop ? -1 : 0 };
        _question($answers[$place], $about, $args, $report);
    } 0 .. $#uris;
    if (@uris == 1) {
        $answers[0]{result} = eval { $asked[0]->() };
        $answers[0]{error} = $@ if !$answers[0]{result};
    }
    else {
        _await_all(\@answers, \@asked, $bars, defined $options->{timeout} ? (timeout => $options->{timeout}) : ());
    }
    $bars->end;
    return \@answers;
}

# What runs the command on a host, and returns its result. For a future it runs once more after each
# of its calls.
sub _question {
    my ($answer, $about, $args, $report) = @_;
    my $conn;
    return sub {
        my $host = VKVM::Host->new(uri => $answer->{uri});
        # A call ends with the handle of its connection, so that is kept from one run to the next.
        $conn //= $host->get_conn;
        my $name = eval { $conn->get_hostname };
        # What does not answer this is not asked for more.
        die $@ if ref $@ && $@->code == VKVM::Error::OWN_TIMEOUT;
        $answer->{host} = $name;
        return [ $host->call($about->{full}, $args, $report) ];
    };
}

# Each is waited for by itself: one that fails shall not end the others.
sub _await_all {
    my ($answers, $asked, $bars, @timeout) = @_;
    my @futures;
    for my $place (0 .. $#$asked) {
        my $answer = $answers->[$place];
        my $future = VKVM::Async->call($asked->[$place], @timeout);
        $future->on_done(sub { ($answer->{result}) = @_; $bars->fail($place) if !$answer->{result}[0] });
        $future->on_fail(sub { ($answer->{error})  = @_; $bars->fail($place) });
        push @futures, $future;
    }
    $_->await for @futures;
    return;
}

1;
