# SPDX-License-Identifier: LGPL-2.1-or-later
# A server for Sys::Virt that forks its workers: the connection, a domain and a callback
# are the parent's, and each worker answers requests with them.
#
#   prefork.pl URI exit|_exit events|none again|same
#
# With "again" a worker opens a connection of its own when an error says that the
# connection is broken, as programs do that run for long; with "same" it does not look.

use strict;
use warnings;

use IO::Socket::UNIX;
use File::Temp qw(tempdir);
use POSIX ();

use Sys::Virt;
use Sys::Virt::Domain;
use Sys::Virt::Event;

use constant { WORKERS => 8, CLIENTS => 4, REQUESTS => 1000 };

$| = 1;
alarm 300;
my ($uri, $ends, $events, $how) = @ARGV;

Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);
my $dom  = $conn->get_domain_by_name('test');
my $seen = 0;
$conn->domain_event_register_any($dom, Sys::Virt::Domain::EVENT_ID_LIFECYCLE, sub { $seen++; return })
  if $events eq 'events';

my $path     = tempdir(CLEANUP => 1) . '/socket';
my $listener = IO::Socket::UNIX->new(Local => $path, Listen => 64) or die "cannot listen: $!";
my $parent   = $$;

# What a request is answered with.
sub work {
    return join ' ', $dom->get_name, $dom->get_info->{nrVirtCpu}, $conn->get_uri eq $uri ? 1 : 0,
      scalar($conn->list_all_domains) ? 'domains' : 'none';
}

sub answer {
    my $answer = eval { work() };
    return $answer if defined $answer;
    die $@ if $how ne 'again' || !ref $@ || $@->code != 38 && $@->code != 1;
    $conn = Sys::Virt->new(uri => $uri);
    $dom  = $conn->get_domain_by_name('test');
    return work();
}

sub worker {
    while (my $client = $listener->accept) {
        print $client eval { answer() } // "failed: $@", "\n";
        close $client;
    }
    return;
}

# Before the first worker is there: the last one may have had nothing to do by its end.
$SIG{TERM} = sub { $ends eq '_exit' ? POSIX::_exit(0) : exit 0 };
my @workers;
for (1 .. WORKERS) {
    my $pid = fork // die "cannot fork: $!";
    if (!$pid) { worker(); exit 1 }
    push @workers, $pid;
}

$SIG{TERM} = 'DEFAULT';

# Clients ask at the same time, so that workers work at the same time.
my @clients;
for (1 .. CLIENTS) {
    my $pid = open(my $pipe, '-|') // die "cannot fork: $!";
    if (!$pid) {
        for (1 .. REQUESTS / CLIENTS) {
            my $socket = IO::Socket::UNIX->new(Peer => $path) or die "cannot connect: $!";
            my $answer = <$socket> // "nothing\n";
            syswrite STDOUT, $answer;
        }
        POSIX::_exit(0);
    }
    push @clients, $pipe;
}

# The parent's own connection works all the time.
my %answers;
for my $pipe (@clients) {
    while (my $answer = <$pipe>) {
        chomp $answer;
        $answers{$answer}++;
        $dom->get_info if $. % 50 == 0;
    }
    close $pipe;
}
print "$_: $answers{$_}\n" for sort keys %answers;

kill TERM => @workers;
my $failed = 0;
for my $pid (@workers) { waitpid $pid, 0; $failed++ if $? }
print "workers that failed: $failed\n";

if ($events eq 'events') {
    $dom->suspend;
    $dom->resume;
    # A timer, so that an event that is lost does not hang it.
    my $late;
    my $timer = Sys::Virt::Event::add_timeout(20_000, sub { $late = 1; return });
    Sys::Virt::Event::run_default() until $seen >= 2 || $late;
    Sys::Virt::Event::remove_timeout($timer);
    print "events of the parent: $seen\n";
}
print 'the parent: ', work(), ' alive ', $conn->is_alive, "\n";

1;
