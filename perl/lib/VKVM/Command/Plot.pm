# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Plot;

use strict;
use warnings;

use List::Util qw(max);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM::Command::Picture;
use VKVM::Command::Usage;

our $VERSION = '0.002000';

# The CPU use of domains over time as a picture: a line each, with axes in percent and
# seconds, and a legend with the hosts.

my @COLOURS = map { "#$_" } qw(1f77b4 d62728 2ca02c ff7f0e 9467bd 8c564b e377c2 17becf);

# The picture, the axes' place in it, and how many lines it has: those with the most.
my ($WIDTH, $HEIGHT, $LEFT, $TOP, $RIGHT, $BOTTOM) = (900, 420, 70, 20, 620, 370);
my $MOST = 20;

sub new {
    my ($class, $path) = @_;
    my $refusal = VKVM::Command::Picture::refusal($path);
    VKVM::Command::Usage::fail(qq(--plot is "$path"; $refusal)) if $refusal;
    # Now, so that a wrong name is told at once.
    open my $file, '>', $path    ## no critic (RequireBriefOpen)
      or VKVM::Command::Usage::fail("cannot write $path: $!");
    return bless { path => $path, file => $file, begin => clock_gettime(CLOCK_MONOTONIC), of => {} }, $class;
}

# The rows of one turn.
sub add {
    my ($self, $rows) = @_;
    my $time = clock_gettime(CLOCK_MONOTONIC) - $self->{begin};
    for my $row (grep { defined $_->{cpu} } @$rows) {
        push @{ $self->{of}{"$row->{name} on $row->{host}"} }, [ $time, 100 * $row->{cpu} ];
    }
    return;
}

sub write {    ## no critic (ProhibitBuiltinHomonyms) - of a picture
    my ($self)  = @_;
    my %of      = %{ $self->{of} };
    my %most    = map { $_ => max(map { $_->[1] } @{ $of{$_} }) } keys %of;
    my @names   = sort { $most{$b} <=> $most{$a} || $a cmp $b } keys %of;
    splice @names, $MOST if @names > $MOST;
    my $seconds = max(1, map { $_->[0] } map { @{ $of{$_} } } @names);
    my $percent = _round_up(max(1, @most{@names}));
    my $x       = sub { return $LEFT + ($RIGHT - $LEFT) * $_[0] / $seconds };
    my $y       = sub { return $BOTTOM - ($BOTTOM - $TOP) * $_[0] / $percent };
    my $picture = VKVM::Command::Picture->new($WIDTH, $HEIGHT);
    for my $part (0 .. 4) {
        my ($value, $second) = map { $_ * $part / 4 } $percent, $seconds;
        $picture->line('#dddddd', 1, [ $LEFT, $y->($value) ], [ $RIGHT, $y->($value) ]);
        $picture->text('#000000', 'end', $LEFT - 6, $y->($value) + 4, sprintf '%g %%', $value);
        $picture->text('#000000', 'middle', $x->($second), $BOTTOM + 18, sprintf '%.0f s', $second);
    }
    $picture->line('#000000', 1, [ $LEFT, $TOP ], [ $LEFT, $BOTTOM ], [ $RIGHT, $BOTTOM ]);
    for my $place (0 .. $#names) {
        my $colour = $COLOURS[ $place % @COLOURS ];
        $picture->line($colour, 1.5, map { [ $x->($_->[0]), $y->($_->[1]) ] } @{ $of{ $names[$place] } });
        $picture->text($colour, 'start', $RIGHT + 12, $TOP + 12 + 16 * $place, $names[$place]);
    }
    $picture->write(@$self{qw(file path)});
    return;
}

# The next number that an axis can end with: 1, 2 or 5, and zeros.
sub _round_up {
    my ($number) = @_;
    my ($unit, @ends) = 1;
    until (@ends = grep { $_ >= $number } map { $_ * $unit } 1, 2, 5) {
        $unit *= 10;
    }
    return $ends[0];
}

1;
