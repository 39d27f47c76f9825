#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Shows which domains of several hosts use how much CPU time, again and again; q ends
# it. Asks each host once per turn. Can plot what it saw.
#
# usage: top.pl [-n COUNT] [-d SECONDS] [--plot FILE.svg] URI...
#   -n COUNT         end after so many turns
#   -d SECONDS       how long a turn is (2)
#   --plot FILE.svg  at the end, draw the CPU use over time

use strict;
use warnings;

use Getopt::Long;
use IO::Handle;
use List::Util qw(max);
use POSIX qw(:termios_h);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use VKVM;

my @state = ('no state', qw(running blocked paused shutdown), 'shut off', qw(crashed suspended));
my $groups =
  VKVM::Domain::STATS_STATE | VKVM::Domain::STATS_CPU_TOTAL | VKVM::Domain::STATS_VCPU |
  VKVM::Domain::STATS_BALLOON;

my $synopsis = "usage: top.pl [-n COUNT] [-d SECONDS] [--plot FILE.svg] URI...\n";
my ($turns, $delay, $path) = (0, 2);
GetOptions('n=i' => \$turns, 'd=f' => \$delay, 'plot=s' => \$path) && @ARGV or die $synopsis;

my @hosts    = map { { uri => $ARGV[$_], number => $_ } } 0 .. $#ARGV;
my $terminal = -t STDIN && -t STDOUT;
my $stop     = 0;
my $first    = clock_gettime(CLOCK_MONOTONIC);
my $saved;     # the terminal's settings
my %guests;    # by host and UUID
my @guests;    # in the order in which they were first seen

sub now { return clock_gettime(CLOCK_MONOTONIC) - $first }

# Takes over what a host says about a domain.
sub look_at {
    my ($host, $record, $turn) = @_;
    my ($dom, $data) = @$record{qw(dom data)};
    my $guest = $guests{ $host->{uri} }{ $dom->get_uuid_string } //= do {
        push @guests, {
            host => $host, name => $dom->get_name, samples => [], turn => 0, cpu_time => 0
        };
        $guests[-1];
    };
    my $cpu_time = $data->{'cpu.time'} // 0;    # 0: not known
    my $time     = now();
    $guest->{percent} = -1;
    if ($guest->{turn} == $turn - 1 && $guest->{cpu_time} && $cpu_time >= $guest->{cpu_time}) {
        $guest->{percent} = ($cpu_time - $guest->{cpu_time}) / 1e7 / ($time - $guest->{seen});
        push @{ $guest->{samples} }, [ $time, $guest->{percent} ];
    }
    @$guest{qw(cpu_time seen turn state cpus memory)} = (
        $cpu_time, $time, $turn, $data->{'state.state'} // 0, $data->{'vcpu.current'} // 0,
        $data->{'balloon.current'} // 0
    );
}

# Asks a host; one that fails is closed, and opened again in the next turn.
sub ask {
    my ($host, $turn) = @_;
    delete $host->{failure};
    return if eval {
        $host->{conn} //= VKVM->new(uri => $host->{uri}, readonly => 1);
        look_at($host, $_, $turn)
          for $host->{conn}
          ->get_all_domain_stats($groups, undef, VKVM::Domain::GET_ALL_STATS_ACTIVE);
        1;
    };
    die $@ unless ref $@;
    $host->{failure} = $@->message;
    delete $host->{conn};
}

# Draws over the last turn, no more lines than the screen has.
sub show {
    my ($turn) = @_;
    my @shown = sort {
             $b->{percent} <=> $a->{percent}
          || $a->{host}{number} <=> $b->{host}{number}
          || $a->{name} cmp $b->{name}
    } grep { $_->{turn} == $turn } @guests;
    my @lines = (
        sprintf('turn %d, %d hosts, %d domains', $turn, scalar @hosts, scalar @shown),
        (map { "$_->{uri}: $_->{failure}" } grep { defined $_->{failure} } @hosts),
        sprintf('%6s %5s %8s  %-9s %-20s %s', '%CPU', 'CPUS', 'MEM MiB', 'STATE', 'NAME', 'HOST'),
        map {
            sprintf '%6s %5s %8s  %-9s %-20s %s',
              $_->{percent} < 0 ? '-' : sprintf('%.1f', $_->{percent}), $_->{cpus} || '-',
              $_->{memory} ? int($_->{memory} / 1024) : '-', $state[ $_->{state} ] // 'unknown', $_->{name}, $_->{host}{uri}
        } @shown
    );
    if ($terminal) {
        my ($rows) = split ' ', `stty size` || '0';
        splice @lines, ($rows || 24) - 1;
        print "\033[H", (map { "$_\033[K\n" } @lines), "\033[J";
    } else {
        print map { "$_\n" } @lines;
    }
    STDOUT->flush;
}

# Keys come at once and are not shown; long lines are cut; a screen of its own.
sub enter_terminal {
    $saved = POSIX::Termios->new;
    my $raw = POSIX::Termios->new;
    for ($saved, $raw) { $_->getattr(fileno STDIN) or die "getattr: $!\n" }
    $raw->setlflag($raw->getlflag & ~(ICANON | ECHO));
    $raw->setattr(fileno STDIN, TCSAFLUSH);
    print "\033[?1049h\033[?7l";
}

END {
    if ($saved) {
        print "\033[?7h\033[?1049l";    # long lines are wrapped again; the old screen
        STDOUT->flush;
        $saved->setattr(fileno STDIN, TCSAFLUSH);
    }
}

# Waits for the next turn; $stop is set when it is the last one.
sub wait_until {
    my ($time) = @_;
    while (!$stop && (my $left = $time - now()) > 0) {
        my $keys = '';
        vec($keys, fileno STDIN, 1) = 1 if $terminal;
        next unless select($keys, undef, undef, $left) > 0;
        my $count = sysread STDIN, my $key, 1;
        $stop = 1 if !$count || $key eq 'q';
    }
}

# A line for each guest, in a picture of 800 x 400.
sub plot {
    my @colours = map { "#$_" } qw(1f77b4 d62728 2ca02c ff7f0e 9467bd 8c564b e377c2 17becf);
    my @samples = map { @{ $_->{samples} } } @guests;
    my $seconds = max(1,   map { $_->[0] } @samples);
    my $percent = max(100, map { $_->[1] } @samples);
    my $drawn   = 0;
    open(my $file, '>', $path) or die "$path: $!\n";
    printf $file <<'SVG', $percent, $seconds;
<svg xmlns="http://www.w3.org/2000/svg" width="800" height="400" font-family="sans-serif" font-size="12">
<rect width="800" height="400" fill="white"/>
<path d="M60 20V360H600" fill="none" stroke="black"/>
<text x="55" y="25" text-anchor="end">%.0f %%</text>
<text x="55" y="364" text-anchor="end">0 %%</text>
<text x="600" y="380" text-anchor="end">%.0f s</text>
SVG
    for my $guest (grep { @{ $_->{samples} } } @guests) {
        my $colour = $colours[ $drawn % 8 ];
        my $points = join ' ', map {
            sprintf '%.1f,%.1f', 60 + 540 * $_->[0] / $seconds, 360 - 340 * $_->[1] / $percent
        } @{ $guest->{samples} };
        my $name = $guest->{name} =~ s/([<>&])/'&#' . ord($1) . ';'/ger;
        print $file qq{<polyline fill="none" stroke="$colour" points="$points"/>\n};
        printf $file qq{<text x="610" y="%d" fill="$colour">%s</text>\n}, 32 + 16 * $drawn, $name;
        $drawn++;
    }
    print $file "</svg>\n";
    close $file or die "$path: $!\n";
}

$SIG{INT} = $SIG{TERM} = sub { $stop = 1 };
enter_terminal() if $terminal;
for (my $turn = 1; !$stop; $turn++) {
    for my $host (@hosts) { ask($host, $turn) unless $stop }
    show($turn);
    last if $turn == $turns;
    wait_until(now() + $delay);
}
plot() if defined $path;
