#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# How late a timer of 1 ms is while 1,000 calls are in flight: under IO::Async and
# Mojo::IOLoop. benches/run calls it: loop-bench.pl TRANSPORT URI ROUNDS REGEX. The ratio
# is that of the longest delay of a round to 5 ms.

use strict;
use warnings;

use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM;

use constant {
    CALL      => 'timer, 1000 get_xml_description',
    IN_FLIGHT => 1000,
    INTERVAL  => 0.001,
    LATE      => 0.005,
    ROUNDS    => 21,
};

die "usage: loop-bench.pl TRANSPORT URI ROUNDS REGEX\n" if @ARGV != 4;
my ($transport, $uri, $rounds, $wanted) = @ARGV;
$rounds = ROUNDS if $rounds > ROUNDS;

my %loops = (
    'IO::Async' => {
        module  => 'IO::Async::Loop',
        package => 'libio-async-perl',
        run     => sub {
            my ($tick, $all) = @_;
            my $loop = IO::Async::Loop->new;
            require IO::Async::Timer::Periodic;
            my $timer = IO::Async::Timer::Periodic->new(interval => INTERVAL, on_tick => $tick);
            $loop->add($timer->start);
            $all->get;
            $loop->remove($timer);
        },
    },
    'Mojo' => {
        module  => 'Mojo::IOLoop',
        package => 'libmojolicious-perl',
        run     => sub {
            my ($tick, $all) = @_;
            my $timer = Mojo::IOLoop->recurring(INTERVAL, $tick);
            $all->get;
            Mojo::IOLoop->remove($timer);
        },
    },
);

# The longest time between two ticks of the loop, without the interval. What the program does before
# its loop turns is not the loop's.
sub longest_delay {
    my ($domain, $run) = @_;
    my @futures = map { $domain->async->get_xml_description } 1 .. IN_FLIGHT;
    my ($last, $longest) = (undef, 0);
    my $tick = sub {
        my $now = clock_gettime(CLOCK_MONOTONIC);
        $longest = $now - $last if defined $last && $now - $last > $longest;
        $last = $now;
    };
    $run->($tick, VKVM::Async::Future->wait_all(@futures));
    return $longest > INTERVAL ? $longest - INTERVAL : 0;
}

sub measure {
    my ($peers, $loop) = @_;
    my $domain  = VKVM->new(uri => $uri)->get_domain_by_name('test');
    my @delays  = sort { $a <=> $b } map { longest_delay($domain, $loop->{run}) } 1 .. $rounds;
    my $median  = $delays[ $#delays / 2 ];
    printf "%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t%.2f\n", CALL, $peers, $transport,
      (map { $_ / LATE } $delays[0], $median, $delays[-1]), $median * 1e9, LATE * 1e9, IN_FLIGHT, 1;
    return;
}

$| = 1;
# A program has one loop, so that each has a process of its own.
for my $name (sort keys %loops) {
    my ($loop, $peers) = ($loops{$name}, "Perl/$name");
    next if "${\CALL} $peers $transport" !~ /$wanted/;
    my $pid = fork() // die "loop-bench.pl: fork: $!\n";
    if ($pid) {
        waitpid $pid, 0;
        exit 1 if $?;
        next;
    }
    if (eval "require VKVM::Async; require $loop->{module}; 1") { measure($peers, $loop) }
    else {
        print join("\t", CALL, $peers, $transport, 'skip',
            "$loop->{module} or Future is not installed (Debian packages $loop->{package}, libfuture-perl)"), "\n";
    }
    exit 0;
}
