# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Table;

use strict;
use warnings;

use VKVM::Command::Usage;
use VKVM::Fleet;
use VKVM::Host;

our $VERSION = '0.002000';

# What commands there are: the program's own, and those of the host facade.

# The exit statuses.
use constant { DONE => 0, HOST_FAILED => 1, WRONG_USAGE => 2 };

# How long hosts have to answer, in seconds. What tells its progress may take as long as it takes.
use constant { TIMEOUT => 10, NO_TIMEOUT => 4_000_000 };

# Commands of the program itself: their module, which has a function run, what they do, their
# options (0: only set; otherwise the words that it can be, none for any), and whether other words
# may follow. `explained` has what help says of each option, and `usage` the other words.
our %OWN = (
    completion => {
        module => 'Completion', about => 'Prints the completion for a shell: bash or zsh.', options => {}, words => 1,
        usage => 'bash|zsh',
    },
    console => {
        module  => 'Console', about => 'Connects the terminal with the serial console of a guest.',
        options => { device => [], force => 0 }, words => 1, usage => 'DOMAIN',
        explained => { 'device ALIAS' => 'Another console or channel of the guest.', force => 'Takes over a console that is in use.' },
    },
    exporter => {
        module  => 'Exporter', about => 'Serves metrics for Prometheus over HTTP.',
        options => { listen => [], inventory => 0 },
        explained => {
            'listen HOST:PORT' => 'Where it listens; default 127.0.0.1:9177.',
            inventory          => 'Serves what an inventory knows, which asks no host for it.',
        },
    },
    help => { module => 'Help', about => 'Lists the commands, or explains one.', options => {}, words => 1, usage => '[COMMAND]' },
    metrics => {
        module  => 'Metrics', about => 'Prints metrics of the hosts as OpenMetrics text.',
        options => { format => [qw(openmetrics prometheus)] },
        explained => { 'format FORMAT' => 'Format of the text; default openmetrics.' },
    },
    top => {
        module  => 'Top', about => 'Shows which domains use how much, turn by turn.',
        options => { count => [], delay => [], sort => [qw(cpu vcpus memory disk net name)], plot => [] },
        explained => {
            'count N' => 'Ends after N turns.', 'delay SECONDS' => 'Time between two turns; default 2.',
            'sort COLUMN' => 'Column to sort by; default cpu.', 'plot FILE' => 'Draws the CPU use over time into an SVG or PNG file at the end.',
        },
    },
    watch => {
        module  => 'Watch', about => 'Prints events of the hosts as they come.',
        options => { count => [], all => 0, changes => 0 },
        explained => {
            'count N' => 'Ends after N events.', all => 'Prints events of all other kinds, too.',
            changes => 'Prints what has become different on the hosts, before and after, in place of events.',
        },
    },
);

# Hosts together. Their first command opens them, within its own timeout: hosts that do not answer
# shall not take twice that.
sub fleet {
    my (@uris) = @_;
    return VKVM::Fleet->new(uris => \@uris, timeout => 0);
}

# What the library says about a command; dies if there is none.
sub describe {
    my ($name) = @_;
    my $full   = VKVM::Host::_full_name($name =~ tr/-/_/r);
    my $about  = VKVM::Host->commands->{commands}{$full}
      or VKVM::Command::Usage::fail(_unknown($name));
    return { %$about, full => $full };
}

# What to say about a command that does not exist: which ones are nearly called so.
sub _unknown {
    my ($name) = @_;
    my $word   = $name =~ tr/-/_/r;
    my $all    = VKVM::Host->commands;
    my @names  = (keys %{ $all->{commands} }, keys %OWN);
    my ($object, $rest) = (split(/[.]/, $word, 2), '', '');
    my @near;
    if (my ($known) = grep { is_called($all, $_, $object) } keys %{ $all->{objects} }) {
        @near = grep { /\A\Q$known\E[.]/ } @names;
        my @nearly = grep { VKVM::Host::Arguments::_is_nearly($rest, s/.*[.]//r) } @near;
        @near = @nearly if @nearly;
    }
    else {
        my $last = $rest ne '' ? $rest : $object;
        @near = grep { /(?:\A|[._])\Q$last\E/ } @names if $last ne '';
    }
    my $hint = @near ? '; there are ' . join(', ', sort @near) : '; "vkvm help" lists all';
    return qq(there is no command "$name"$hint);
}

# Whether an object of the facade has this name.
sub is_called {
    my ($all, $object, $name) = @_;
    return $object ne '' && grep { $_ eq $name } $object, @{ $all->{objects}{$object}{aliases} };
}

1;
