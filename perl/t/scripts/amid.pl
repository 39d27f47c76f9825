#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# For 54-amid-a-call.t: a daemon does not answer: it is stopped, and killed during a call
# or found dead by keepalive. Prints what is seen, as NAME = VALUE. It is a Sys::Virt
# program where MODULE is Sys::Virt.
#
# usage: amid.pl MODULE default|own|thread URI PID kill|stop

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use POSIX ();
use Time::HiRes qw(time);

my ($module, $kind, $uri, $pid, $how);
BEGIN { ($module, $kind, $uri, $pid, $how) = @ARGV }
BEGIN {
    my $path = $module =~ s{::}{/}gr;
    require "$path.pm";
    require "$path/Event.pm";
}
use PollLoop;

$| = 1;
alarm 600;    # ends the program: there is no handler

my $loop;
if ($kind eq 'own') {
    push @PollLoop::ISA, "${module}::EventImpl";
    $loop = PollLoop->new;
    "${module}::Event"->can('register')->($loop);
}
elsif ($kind eq 'thread') { VKVM::Event::start() }
else                      { "${module}::Event"->can('register_default')->() }

my ($add_timeout, $remove_timeout, $run_default) =
  map { "${module}::Event"->can($_) } qw(add_timeout remove_timeout run_default);

sub turn {
    return $loop->turn if $loop;
    return select undef, undef, undef, 0.01 if $kind eq 'thread';
    my $timer = $add_timeout->(10, sub { });
    $run_default->();
    return $remove_timeout->($timer);
}

# The state of the first thread of a process as the kernel says it.
sub state_of {
    my ($process) = @_;
    open(my $file, '<', "/proc/$process/task/$process/stat") or die "no process $process: $!\n";
    return (<$file> =~ /.*\) (\w)/)[0];
}

# Whether a call died as it should, and within these seconds.
sub failure {
    my ($seconds, $call) = @_;
    my $begin = time;
    my $error = eval { $call->(); 1 } ? 'none' : ref $@ && $@->isa("${module}::Error") ? 'fails' : $@;
    my $took  = time - $begin;
    return "$error " . ($took < $seconds ? 'in time' : "after $took s");
}

my $conn = $module->new(uri => $uri);
my $dom  = $conn->get_domain_by_name('test');
my (@closed, $queue);
if ($kind eq 'thread') {
    $queue = VKVM::EventQueue->new;
    $queue->register_close_callback($conn);
}
else {
    $conn->register_close_callback(sub { push @closed, $_[1] });
}
$conn->set_keep_alive(1, 1) if $how eq 'stop';

kill STOP => $pid or die "cannot stop the daemon: $!\n";
my ($killer, $begun, $begin_to_wait);
if ($how eq 'kill') {
    pipe($begun, $begin_to_wait) or die "no pipe: $!\n";
    $killer = fork // die "cannot fork: $!\n";
    if (!$killer) {
        sysread $begun, my $byte, 1;
        select undef, undef, undef, 0.5;
        # The call waits, in a thread that sleeps.
        select undef, undef, undef, 0.01 until state_of(getppid) eq 'S';
        kill KILL => $pid;
        POSIX::_exit(0);
    }
}
# While a call waits, nobody else turns the loop of a program with one thread, and
# libvirt itself does not look after keepalive then.
if ($how eq 'kill' || $kind eq 'thread') {
    my $begin = time;
    syswrite $begin_to_wait, 'x' if $killer;
    print 'the call = ', failure(60, sub { $dom->get_info }), "\n";
    print 'it waited = ', time - $begin > 0.4 ? 'yes' : 'no', "\n";
}
waitpid $killer, 0 if $killer;

my $end = time + 120;
while (time < $end && !@closed) {
    turn();
    push @closed, map { $_->{args}{reason} } $queue->drain if $queue;
}
my %name = map { $module->can("CLOSE_REASON_$_")->() => $_ } qw(ERROR EOF KEEPALIVE CLIENT);
turn() for 1 .. 5;
print "told = @name{@closed}\n";
print 'the next = ', failure(60, sub { $dom->get_info }), "\n";
print 'alive = ', $conn->is_alive ? 'yes' : 'no', "\n";
kill CONT => $pid if $how eq 'stop';
undef $_ for $dom, $conn, $queue;
VKVM::Event::stop() if $kind eq 'thread';
print "end = reached\n";
