#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Times an inventory in Perl: against the times that it may take, against Sys::Virt, and against
# the work of the daemons. benches/run calls it, with the output of c-bench; README.md tells what
# the numbers are.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/../perl/t/lib";
use TestBed;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM;

use constant { DOMAINS => 1000, HOSTS => 1000, DAEMONS => 4, PATIENCE => 300 };

# In URI-OF-MANY-DOMAINS %d stands for how many.
die "usage: inventory-bench.pl TRANSPORT URI-OF-MANY-DOMAINS PID ROUNDS REGEX\n" if @ARGV != 5;
my ($transport, $uri_many, $daemon, $rounds, $wanted) = @ARGV;
die "inventory-bench.pl: '$rounds' is no number of rounds\n" if $rounds !~ /^[1-9][0-9]*\z/;

VKVM::Event::start();

sub is_wanted {
    my ($call, $peers) = @_;
    return "$call $peers $transport" =~ /$wanted/;
}

sub seconds_of {
    my ($code) = @_;
    my $begin = clock_gettime(CLOCK_MONOTONIC);
    $code->();
    return clock_gettime(CLOCK_MONOTONIC) - $begin;
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[ $#sorted / 2 ] + $sorted[ @sorted / 2 ]) / 2;
}

# Takes turns with two functions that give seconds, and prints the row.
sub report {
    my ($call, $peers, $our, $their, $aim, $most) = @_;
    return report_pairs($call, $peers, sub {
        my $is_first = rand() < 0.5;
        my $theirs   = $is_first ? undef : $their->();
        my $ours     = $our->();
        return ($ours, $theirs // $their->());
    }, $aim, $most);
}

# The same with a function that gives both.
sub report_pairs {
    my ($call, $peers, $pair, $aim, $most) = @_;
    return if !is_wanted($call, $peers);
    my (@ours, @theirs);
    for (1 .. ($most < $rounds ? $most : $rounds)) {
        my ($ours, $theirs) = $pair->();
        push @ours,   $ours;
        push @theirs, $theirs;
    }
    my @ratio = sort { $a <=> $b } map { $ours[$_] / $theirs[$_] } 0 .. $#ours;
    printf "%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t%s\n", $call, $peers, $transport, $ratio[0],
      median(@ratio), $ratio[-1], median(@ours) * 1e9, median(@theirs) * 1e9, 1, $aim;
    return;
}

sub always {
    my ($seconds) = @_;
    return sub { return $seconds };
}

# --- a host with 1,000 domains --------------------------------------------------------------

my $uri       = sprintf $uri_many, DOMAINS;
my $inventory = VKVM::Inventory->new(uris => [$uri], refresh => 0, timeout => PATIENCE);
$inventory->refresh(timeout => PATIENCE);
my @wanted = (kind => 'domain', fields => [qw(name state title autostart)]);

sub refresh { return $inventory->refresh(timeout => PATIENCE) }

report('inventory refresh (1000)', 'Perl/10 ms', sub { return seconds_of(\&refresh) }, always(0.010), '1.00', 201);
report('inventory, 4 fields (1000)', 'Perl/3 ms', sub {
    return seconds_of(sub { my @rows = $inventory->rows(@wanted); return });
}, always(0.003), '1.00', 501);
report('inventory, all fields (1000)', 'Perl/3 ms', sub {
    return seconds_of(sub { my @rows = $inventory->rows(kind => 'domain'); return });
}, always(0.003), '-', 501);

# What a program does without an inventory.
if (eval { require Sys::Virt; 1 }) {
    my $vir_conn = Sys::Virt->new(uri => $uri);
    report('state, title, autostart (1000)', 'Perl/Sys::Virt', sub {
        return seconds_of(sub { refresh(); my @rows = $inventory->rows(@wanted); return });
    }, sub {
        return seconds_of(sub {
            my @rows;
            for my $dom ($vir_conn->list_all_domains) {
                my $title = eval { $dom->get_metadata(Sys::Virt::Domain::METADATA_TITLE()) } // '';
                push @rows, { name => $dom->get_name, state => ($dom->get_state)[0], title => $title,
                    autostart => $dom->get_autostart };
            }
            return;
        });
    }, '0.06', 21);
}
else {
    print join("\t", 'state, title, autostart (1000)', 'Perl/Sys::Virt', $transport, 'skip',
        'Sys::Virt is not installed (Debian package libsys-virt-perl)'), "\n";
}

# What the daemon reads while nothing happens, in a second; the peer is one byte.
sub read_by_daemon {
    open my $in, '<', "/proc/$daemon/io" or die "inventory-bench.pl: /proc/$daemon/io: $!\n";
    return (grep { s/^rchar:\s*// } <$in>)[0] + 0;
}
report('inventory, bytes while idle', 'Perl/1', sub {
    my $before = read_by_daemon();
    Time::HiRes::sleep(1);
    return read_by_daemon() - $before;
}, always(1), '0.00', 3);
$inventory->close;

# --- many hosts on a few daemons ----------------------------------------------------------------

# The processor time of daemons in seconds, of all their threads.
sub work_of {
    my (@pids) = @_;
    my $ns = 0;
    for my $file (map { glob "/proc/$_/task/*/schedstat" } @pids) {
        open my $in, '<', $file or next;
        $ns += (split ' ', <$in> // '0')[0];
    }
    return $ns / 1e9;
}

sub many_hosts {
    my ($call, $peers) = ('inventory refresh, 1000 hosts', 'Perl/daemons');
    return if !is_wanted($call, $peers);
    my @beds = map { TestBed->daemon('test-daemon') } 1 .. DAEMONS;
    return print join("\t", $call, $peers, $transport, 'skip', TestBed->reason), "\n" if !$beds[-1];
    my $dir = tempdir(CLEANUP => 1);
    my @uris;
    for my $number (1 .. HOSTS) {
        my $file = "$dir/$number.xml";
        open my $out, '>', $file or die "inventory-bench.pl: $file: $!\n";
        print $out "<node><domain type='test'><name>d$number</name><memory>1024</memory><os><type>hvm</type></os></domain></node>\n";
        close $out or die "inventory-bench.pl: $file: $!\n";
        push @uris, "test+unix:///$file?socket=$beds[ $number % @beds ]{SOCKET}";
    }
    my $hosts;
    my @pids = map { $_->{PID} } @beds;
    my $opening = seconds_of(sub { $hosts = VKVM::Inventory->new(uris => \@uris, refresh => 0, timeout => PATIENCE) });
    my $down    = grep { $_->{state} ne 'up' } @{ $hosts->hosts };
    die "inventory-bench.pl: $down hosts are down\n" if $down;
    warn sprintf "inventory-bench.pl: %d hosts were opened in %.1f s\n", HOSTS, $opening;
    report_pairs($call, $peers, sub {
        my $before  = work_of(@pids);
        my $seconds = seconds_of(sub { $hosts->refresh(timeout => PATIENCE) });
        return ($seconds, work_of(@pids) - $before);
    }, '1.50', 11);
    return;
}

$| = 1;
many_hosts();
