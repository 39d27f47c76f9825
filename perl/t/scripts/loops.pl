#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# For 45-loops.t: many events with one kind of loop, and what callbacks may do. It is a
# Sys::Virt program where MODULE is Sys::Virt. Prints what it has seen, as NAME = VALUE.
#
# usage: loops.pl MODULE default|own|old|thread CYCLES [URI]

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

my ($module, $kind, $cycles, $uri);
BEGIN { ($module, $kind, $cycles, $uri) = @ARGV }
BEGIN {
    my $path = $module =~ s{::}{/}gr;
    require "$path.pm";
    require "$path/Event.pm";
}
use PollLoop;

$| = 1;
$SIG{ALRM} = sub { die "this took longer than ten minutes\n" };
alarm 600;
my @warnings;
$SIG{__WARN__} = sub { push @warnings, @_ };

my $loop;
if ($kind eq 'own' || $kind eq 'old') {
    push @PollLoop::ISA, $kind eq 'own' ? "${module}::EventImpl" : "${module}::Event";
    $loop = PollLoop->new;
    "${module}::Event"->can('register')->($loop);
}
elsif ($kind eq 'thread') { VKVM::Event::start() }
else                      { "${module}::Event"->can('register_default')->() }

sub show { my ($name, @values) = @_; return print "$name = @values\n" }
show(warned => scalar @warnings, map { /should be a subclass of (\S+),/ } @warnings);

my $add_timeout    = "${module}::Event"->can('add_timeout');
my $remove_timeout = "${module}::Event"->can('remove_timeout');
my $run_default    = "${module}::Event"->can('run_default');

sub turn {
    return $loop->turn if $loop;
    return select undef, undef, undef, 0.002 if $kind eq 'thread';
    my $timer = $add_timeout->(5, sub { });
    $run_default->();
    return $remove_timeout->($timer);
}

sub run_until {
    my ($condition) = @_;
    turn() until $condition->();
    return;
}

sub settle { turn() for 1 .. 5; return }

my $conn = $module->new(uri => $uri // 'test:///default');
my $dom  = $conn->get_domain_by_name('test');

sub cycle {
    my ($count, $listen) = @_;
    for (1 .. $count) {
        $dom->suspend;
        $dom->resume;
        $listen->() unless $_ % 100;
    }
    return;
}

my $lifecycle = "${module}::Domain"->can('EVENT_ID_LIFECYCLE')->();
my ($suspended, $resumed) = map { "${module}::Domain"->can("EVENT_$_")->() } qw(SUSPENDED RESUMED);
my ($count, $wrong) = (0, 0);
sub note { $wrong++ if $_[0] != ($count++ % 2 ? $resumed : $suspended); return }

if ($kind ne 'thread') {
    my $id = $conn->domain_event_register_any(undef, $lifecycle, sub { note($_[2]) });
    cycle($cycles, sub { turn() });
    run_until(sub { $count >= 2 * $cycles });
    settle();
    show(events => $count, 'wrong', $wrong);
    $conn->domain_event_deregister_any($id);
    $dom->suspend;
    $dom->resume;
    settle();
    show('after deregistration' => $count);

    # Callbacks that die.
    $id = $conn->domain_event_register_any(undef, $lifecycle, sub { die "in a callback\n" });
    $dom->suspend;
    eval { run_until(sub { 0 }) };
    show(died => $@ eq "in a callback\n" ? 'yes' : "no: $@");
    $dom->resume;
    eval { run_until(sub { 0 }) };
    show('died again' => $@ eq "in a callback\n" ? 'yes' : "no: $@");
    $conn->domain_event_deregister_any($id);

    # That end themselves, register more, fork, and close their connection.
    my ($own, @more);
    my ($calls, $marks) = (0, 0);
    # An event of another kind, which comes after all that happened before.
    my $mark = $conn->domain_event_register_any($dom,
        "${module}::Domain"->can('EVENT_ID_METADATA_CHANGE')->(), sub { $marks++ });
    $own = $conn->domain_event_register_any(undef, $lifecycle,
        sub {
            $calls++;
            $conn->domain_event_deregister_any($own);
            push @more, $conn->domain_event_register_any($_[1], $lifecycle, sub { $calls += 100 });
        });
    cycle(1, sub { });
    $dom->set_metadata("${module}::Domain"->can('METADATA_TITLE')->(), 'a mark');
    run_until(sub { $calls && $marks });
    settle();
    $calls = 1;
    cycle(1, sub { });
    run_until(sub { $calls >= 201 });
    settle();
    show('itself, and more' => $calls);
    $conn->domain_event_deregister_any($_) for $mark, @more;

    if ($module eq 'VKVM' || $INC{'VKVM/SysVirt.pm'}) {
        my $status;
        $id = $conn->domain_event_register_any(undef, $lifecycle,
            sub {
                my (undef, $object) = @_;
                return if defined $status;
                my $pid = fork // die "cannot fork: $!\n";
                if (!$pid) {
                    eval { $object->get_info };
                    # The drop-in opens the connection again.
                    my $right = $INC{'VKVM/SysVirt.pm'} ? !$@
                      : ref $@ && $@->int1 == VKVM::Error::OWN_FORKED();
                    require POSIX;
                    POSIX::_exit($right ? 7 : 1);
                }
                waitpid $pid, 0;
                $status = $? >> 8;
            });
        cycle(1, sub { });
        run_until(sub { defined $status });
        show('forked: exit status' => $status);
        $conn->domain_event_deregister_any($id);
        my $other = $module->new(uri => $uri // 'test:///default');
        my $closed = 0;
        $other->domain_event_register_any(undef, $lifecycle, sub { $closed++; $_[0]->close });
        if (!defined $uri) {
            cycle(2, sub { });
            run_until(sub { $closed });
            settle();
            show('closes its connection' => $closed);
        }
        else { $other->close }
    }
}
else {
    eval { $conn->domain_event_register_any(undef, $lifecycle, sub { }) };
    show(refused => ref $@ ? ($@->code, $@->parameter) : "no: $@");
    eval { VKVM::Event::add_timeout(1, sub { }) };
    show('timer refused' => ref $@ ? ($@->code, $@->parameter) : "no: $@");
    eval { $conn->register_close_callback(sub { }) };
    show('close callback refused' => ref $@ ? ($@->code, $@->parameter) : "no: $@");
    eval { VKVM::Event::run_default() };
    show('run_default refused' => ref $@ ? $@->code : "no: $@");
}

if ($INC{'VKVM/EventQueue.pm'}) {
    my $queue = VKVM::EventQueue->new(capacity => 1000);
    my $id = $queue->domain_event_register_any($conn, undef, $lifecycle);
    my $fh = $queue->fh;
    ($count, $wrong) = (0, 0);
    my $take = sub {
        my $readable = '';
        vec($readable, fileno $fh, 1) = 1;
        return unless select $readable, undef, undef, 0;
        note($_->{args}{event}) for $queue->drain;
    };
    # The queue holds 1000 events, and what is ahead of it is no more than that.
    my $made = 0;
    while ($made < $cycles) {
        cycle(100, sub { });
        $made += 100;
        run_until(sub { $take->(); $count >= 2 * $made - 100 });
    }
    run_until(sub { $take->(); $count >= 2 * $made });
    settle();
    show('queue' => $count, 'wrong', $wrong, 'overflow', $queue->get_overflow, 'left', $queue->get_length);
    if ($kind eq 'thread') {
        $dom->suspend;
        my $event = $queue->next(120_000);
        show(next => $event->{class}, $event->{object}->get_name, $event->{args}{event},
            ref $event->{conn}, $event->{event_id});
        $dom->resume;
        my $handled = 0;
        local $SIG{USR1} = sub { $handled++ };
        $queue->next(120_000);
        my $pid = fork // die "cannot fork: $!\n";
        if (!$pid) { select undef, undef, undef, 0.1; kill USR1 => getppid; require POSIX; POSIX::_exit(0) }
        my $nothing = $queue->next(500);
        waitpid $pid, 0;
        show('in vain' => defined $nothing ? 'no' : 'yes', 'signals', $handled);
    }
    $conn->domain_event_deregister_any($id);
    undef $queue;
}

undef $dom;
$conn->close if $conn->can('close');
undef $conn;
settle();
if ($loop) {
    show(loop => join ' ', sort keys %{ $loop->{calls} });
    show('left in the loop' => scalar(grep { exists $_->{fd} } values %{ $loop->{item} }));
}
VKVM::Event::stop() if $kind eq 'thread';
if ($INC{'VKVM.pm'}) {
    show(handles => map { "$_ " . VKVM::handle_count($_) } qw(conn domain event_queue value error));
}
show('other warnings' => scalar(grep { !/should be a subclass/ } @warnings));
