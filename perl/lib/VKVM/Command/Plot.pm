# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Plot;

use strict;
use warnings;

use Encode qw(encode_utf8);
use List::Util qw(max);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM::Command::Usage;

our $VERSION = '0.002000';

# The CPU use of domains over time as a picture, in SVG: a line each, with axes in percent and
# seconds, and a legend with the hosts.

my @COLOURS = map { "#$_" } qw(1f77b4 d62728 2ca02c ff7f0e 9467bd 8c564b e377c2 17becf);

# The picture, the axes' place in it, and how many lines it has: those with the most.
my ($WIDTH, $HEIGHT, $LEFT, $TOP, $RIGHT, $BOTTOM) = (900, 420, 70, 20, 620, 370);
my $MOST = 20;

sub new {
    my ($class, $path) = @_;
    VKVM::Command::Usage::fail(qq(--plot is "$path"; a file whose name ends in .svg is needed)) if $path !~ /[.]svg\z/;
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
    my $x       = sub { sprintf '%.1f', $LEFT + ($RIGHT - $LEFT) * $_[0] / $seconds };
    my $y       = sub { sprintf '%.1f', $BOTTOM - ($BOTTOM - $TOP) * $_[0] / $percent };
    my $file    = $self->{file};
    print {$file} qq{<svg xmlns="http://www.w3.org/2000/svg" width="$WIDTH" height="$HEIGHT" font-family="sans-serif" font-size="12">\n},
      qq{<rect width="$WIDTH" height="$HEIGHT" fill="white"/>\n};
    for my $part (0 .. 4) {
        my ($at, $value) = ($y->($percent * $part / 4), $percent * $part / 4);
        print {$file} qq{<path d="M$LEFT ${at}H$RIGHT" stroke="#ddd"/>\n},
          sprintf qq{<text x="%d" y="%.1f" text-anchor="end">%g %%</text>\n}, $LEFT - 6, $at + 4, $value;
        my $second = $seconds * $part / 4;
        printf {$file} qq{<text x="%s" y="%d" text-anchor="middle">%.0f s</text>\n}, $x->($second), $BOTTOM + 18, $second;
    }
    print {$file} qq{<path d="M$LEFT ${TOP}V${BOTTOM}H$RIGHT" fill="none" stroke="black"/>\n};
    for my $place (0 .. $#names) {
        my $colour = $COLOURS[ $place % @COLOURS ];
        my $points = join ' ', map { join ',', $x->($_->[0]), $y->($_->[1]) } @{ $of{ $names[$place] } };
        print {$file} qq{<polyline fill="none" stroke="$colour" stroke-width="1.5" points="$points"/>\n};
        my $name = $names[$place] =~ s/([<>&"])/'&#' . ord($1) . ';'/ger;
        print {$file} encode_utf8(sprintf qq{<text x="%d" y="%d" fill="$colour">%s</text>\n}, $RIGHT + 12, $TOP + 12 + 16 * $place, $name);
    }
    print {$file} "</svg>\n";
    close $file or die "$self->{path}: $!\n";
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
