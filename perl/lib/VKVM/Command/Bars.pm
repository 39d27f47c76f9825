# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Bars;

use strict;
use warnings;

use Encode qw(encode_utf8);
use IO::Handle;
use List::Util qw(max min);
use VKVM::Command::Output;

our $VERSION = '0.002000';

# How far hosts are with a command, on standard error. On a terminal one host has a bar; several
# have a line each, drawn again in place. Where lines cannot be drawn again (no terminal, a dumb
# one, or one with too few lines), several hosts have plain lines, and one has none.

# The width of a bar, and of all but the name: bar, brackets, spaces, "failed", and the column after it.
use constant { BAR => 40, BESIDES => 51 };

# Plain lines come in steps of so many percent.
use constant STEP => 10;

# For hosts with these answers, in which their names are when they are known. Shows nothing where
# that is not wanted.
sub new {
    my ($class, $is_wanted, @answers) = @_;
    my $is_terminal = VKVM::Command::Output::is_terminal(*STDERR);
    my ($lines, $columns) = $is_terminal && @answers > 1 ? _size_of_terminal() : (0, 80);
    my $can_redraw = $is_terminal && (@answers == 1 || @answers < $lines && ($ENV{TERM} // 'dumb') ne 'dumb');
    my $how = !$is_wanted ? 'none' : $can_redraw ? (@answers > 1 ? 'lines' : 'bar') : @answers > 1 ? 'plain' : 'none';
    return bless {
        how     => $how,
        hosts   => [ map { { answer => $_, percent => -1 } } @answers ],
        columns => $columns,
        drawn   => 0,
    }, $class;
}

sub _size_of_terminal {
    my ($lines, $columns) = split ' ', `stty size <&2 2>/dev/null`;
    return ($lines || 24, $columns || 80);
}

# A host is so far. Draws when that has changed.
sub progress {
    my ($self, $place, $done, $total) = @_;
    my $percent = $total ? int(100 * $done / $total) : 0;
    my $host    = $self->{hosts}[$place];
    return if $self->{how} eq 'none' || $percent == $host->{percent};
    my $before = $host->{percent};
    $host->{percent} = $percent;
    return $self->_draw($host) if $self->{how} ne 'plain' || $before < 0 || int($before / STEP) != int($percent / STEP);
    return;
}

# A host has failed, which its line says.
sub fail {
    my ($self, $place) = @_;
    my $host = $self->{hosts}[$place];
    $host->{failed} = 1;
    return $self->_draw($host) if $self->{how} ne 'none' && @{ $self->{hosts} } > 1;
    return;
}

# Leaves the line of the bar, if there is one. Other lines have been left.
sub end {
    my ($self) = @_;
    print {*STDERR} "\n" if $self->{how} eq 'bar' && $self->{hosts}[0]{percent} >= 0;
    return;
}

sub _draw {
    my ($self, $host) = @_;
    my $text = $self->{how} eq 'bar' ? "\r" . _bar($host)
      : $self->{how} eq 'plain'      ? sprintf("%s: %s\n", $self->_name($host), _state($host))
      :                                $self->_lines;
    print {*STDERR} encode_utf8($text);
    STDERR->flush;
    return;
}

# A line for each host, over those that were drawn before.
sub _lines {
    my ($self) = @_;
    my @hosts = @{ $self->{hosts} };
    my @names = map { $self->_name($_) } @hosts;
    my $width = min(max(1, $self->{columns} - BESIDES), max(map { length } @names));
    my $up    = $self->{drawn} ? "\033[$self->{drawn}A" : '';
    $self->{drawn} = @hosts;
    # A line that is too long for the terminal would be two: it is cut.
    my @lines = map { substr sprintf('%-*s %s', $width, substr($names[$_], 0, $width), _bar($hosts[$_])), 0, $self->{columns} - 1 } 0 .. $#hosts;
    return join '', $up, map { "\r$_\033[K\n" } @lines;
}

sub _name {
    my ($self, $host) = @_;
    return VKVM::Command::Output::one_line(VKVM::Command::Output::name_among(map { $_->{answer} } $host, @{ $self->{hosts} }));
}

sub _bar {
    my ($host) = @_;
    my $percent = max(0, $host->{percent});
    return sprintf '[%-*s] %s', BAR, '#' x int($percent * BAR / 100), _state($host);
}

sub _state {
    my ($host) = @_;
    return $host->{failed} ? 'failed' : sprintf '%3d %%', max(0, $host->{percent});
}

1;
