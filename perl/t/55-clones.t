# SPDX-License-Identifier: LGPL-2.1-or-later
# Objects of every kind in a cloned interpreter and in a forked child: they are inert
# there, nothing is freed twice, and where they were made they go on working. 07-lifetime.t
# has connections and domains.

use strict;
use warnings;

use Config;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

# Runs a program, which has these objects, of which some are in hashes and subclasses.
my $objects = <<'CODE';
our $conn   = VKVM->new(uri => $uri);
our $dom    = $conn->get_domain_by_name('test');
our $pool   = $conn->get_storage_pool_by_name('default-pool');
our $stream = $conn->new_stream(VKVM::Stream::NONBLOCK);
our $queue  = VKVM::EventQueue->new;
our $id     = $queue->domain_event_register_any($conn, $dom, 0);
our $host   = VKVM::Host->new(uri => $uri);
our $view   = $host->network;    # holds the host
our $fleet  = VKVM::Fleet->new(uris => [$uri]);
our $live   = VKVM::Inventory->new(uris => [$uri]);
our $changes = $live->changes;
@Mine::Queue::ISA = 'VKVM::EventQueue';
our $mine   = Mine::Queue->new;
our %objects = (conn => $conn, dom => $dom, pool => $pool, stream => $stream, queue => $queue,
    host => $host, fleet => $fleet, live => $live, changes => $changes, mine => $mine);
our @calls = (
    sub { $stream->recv(my $data, 10) }, sub { $stream->abort },
    sub { $queue->drain }, sub { $queue->get_length }, sub { $queue->get_fd }, sub { $mine->next(10) },
    sub { $queue->domain_event_register_any($conn, undef, 0) },
    sub { $host->call('hypervisor.uri') }, sub { $view->info(q(default)) },
    sub { $fleet->call('hypervisor.uri') }, sub { $fleet->hosts }, sub { $fleet->list_domains },
    sub { $live->rows }, sub { $live->refresh },
    sub { $pool->get_info }, sub { $conn->new_stream },
    sub { $conn->enable_resume(500, sub { }) }, sub { $queue->enable_resume($conn, 500) },
);
# How each call dies: the codes of errors.
sub codes { return map { eval { $_->(); 1 } ? 'none' : ref $@ ? $@->code : "($@)" } @calls }
# All objects do what they should.
sub well {
    $dom->suspend;
    my $suspended = $queue->next(120_000);
    $dom->resume;
    my $resumed = $queue->next(120_000);
    return 'no events' if !$suspended || !$resumed || $resumed->{args}{event} != 4;
    return 'no host'   if $host->call('hypervisor.uri') ne $uri || !$view->info(q(default));
    my ($answer) = @{ $fleet->call('hypervisor.uri') };
    return 'no fleet'  if $answer->{result} ne $uri;
    return 'no rows'   if !$live->get('domain', 'test');
    return 'no queue'  if $mine->get_length != 0;
    my $other = $conn->new_stream;
    return 'no pool'   if !$pool->get_info->{capacity};
    return 'well';
}
# No hold has been given up that others have. One queue is that of calls that wait.
sub gone {
    undef $_ for $view, $stream, $id, $pool, $dom, $host, $fleet, $changes, $live, $queue, $mine, $conn;
    %objects = ();
    my @left = grep { VKVM::handle_count($_) > ($_ eq q(event_queue)) }
      qw(conn domain storage_pool stream event_queue host fleet inventory value error);
    return @left ? "left: @left" : 'gone';
}
CODE

sub program {
    my ($what, $code, $output) = @_;
    my ($status, $seen, $errors) = run_perl((map { "-M$_" } qw(VKVM VKVM::Event VKVM::EventQueue VKVM::Host VKVM::Fleet
        POSIX=_exit)), '-we', "alarm 600; my \$uri = '$bed->{URI_UNIX}'; \$| = 1; $code");
    subtest $what => sub {
        is($status, 0,  'exit status');
        is($errors, '', 'standard error');
        is($seen, $output, 'output');
    };
    return;
}

my $start = 'VKVM::Event::start();';
my $forked = VKVM::Error::ERR_SYSTEM_ERROR;

SKIP: {
    skip('this perl has no threads', 5) unless $Config{useithreads};
    program('threads: objects are inert', "use threads; $start $objects" . <<'CODE', "0 defined, 0 alive, well, well, gone\n");
my ($defined, $alive) = (0, 0);
for (1 .. 3) {
    my ($some, $codes) = @{ threads->create({ context => 'scalar' }, sub {
        return [ scalar(grep { ref eq 'SCALAR' ? defined $$_ : 1 } values %objects), join ' ', codes() ];
    })->join };
    $defined += $some;
    $alive++ if $codes =~ /none/;
}
print "$defined defined, $alive alive, ", well(), ', ';
threads->create(sub { $_->DESTROY for grep { ref && ref ne 'SCALAR' } values %objects; %objects = () })->join;
print well(), ', ', gone(), "\n";
CODE
    # The threads' connections are not the daemon's: libvirt up to 9.0 at least uses a
    # connection that is being closed for events that arrive at that moment.
    program('threads: while events flow', "use threads; $start $objects" . <<'CODE', "100 of 100, well, gone\n");
my @threads = map { threads->create(sub {
    my $sum = 0;
    for (1 .. 25) {
        my $own = VKVM->new(uri => 'test:///default');
        my $queue = VKVM::EventQueue->new;
        $queue->domain_event_register_any($own, undef, 0);
        $sum += $own->get_domain_by_name('test')->get_id;
    }
    return $sum;
}) } 1 .. 4;
my ($events, $sum) = (0, 0);
$dom->suspend, $dom->resume, $events += grep { $queue->next(120_000) } 1, 2 for 1 .. 20;
$sum += $_->join for @threads;
print "$sum of ", $events + 60, ', ', well(), ', ', gone(), "\n";
CODE
    program('threads: a callback of a stream', "use threads; VKVM::Event::register_default(); $objects" . <<'CODE', "undef, gone\n");
my $count = 0;
my $timer = VKVM::Event::add_timeout(1, sub { $count++ });
print threads->create(sub { defined $$stream ? 'alive' : 'undef' })->join, ', ';
VKVM::Event::run_default() until $count > 3;
# Another one, or a turn of the loop may wait for ever.
VKVM::Event::add_timeout(1, sub { });
VKVM::Event::remove_timeout($timer);
VKVM::Event::run_default() for 1 .. 2;
print gone(), "\n";
CODE
    program('threads: a loop of Perl', 'use threads; use lib "' . "$FindBin::Bin/lib" . '"; use PollLoop;' . <<"CODE" . <<'CODE', "refused 10009, 2 10009, turns, gone\n");
our \$loop; BEGIN { push \@PollLoop::ISA, 'VKVM::EventImpl'; \$loop = PollLoop->new } VKVM::Event::register(\$loop);
$objects
CODE
my @opaque = map { $_->{what}[1] } values %{ $loop->{item} };
print 'refused ', threads->create(sub {
    eval { $loop->_run_timeout_callback(1, undef, $opaque[0]) };
    return $@->code;
})->join, ', ';
# What its calls do there must not reach the parent's loop.
print threads->create(sub {
    eval { $loop->_free_callback_opaque($_, $_) } for @opaque;
    return '2 ' . $@->code;
})->join, ', ';
$dom->suspend;
$dom->resume;
my $end = time + 120;
my @events;
until (@events >= 2 || time > $end) { $loop->turn; push @events, $queue->drain }
print @events == 2 ? 'turns' : 'no events', ', ';
@opaque = @events = ();
gone();
$loop->turn for 1 .. 5;
print gone(), "\n";
CODE
}

# The child of a process with the library's thread, and with resume.
program('fork: objects of every class', "$start $objects" . <<'CODE', "child: $forked x 18\nwell\nstatus 0\nwell\ngone\n");
$queue->enable_resume($conn, 500);
my $child = fork // die;
if (!$child) {
    my %seen;
    $seen{$_}++ for codes();
    print 'child: ', join(', ', map { "$_ x $seen{$_}" } sort keys %seen), "\n";
    exit 0;    # destroys them all
}
waitpid $child, 0;
my $status = $?;
print well(), "\nstatus $status\n";
my $other = fork // die;
if (!$other) { $_->DESTROY for values %objects; %objects = (); _exit(0) }
waitpid $other, 0;
print well(), "\n", gone(), "\n";
CODE

program('fork: the loop of the child', "$start $objects" . <<'CODE', <<"OUT");
my $child = fork // die;
if (!$child) {
    # It can have connections of its own, and events once it has started the loop: the
    # thread is the parent's.
    my $own   = VKVM->new(uri => $uri);
    my $queue = VKVM::EventQueue->new;
    print $own->get_domain_by_name('test')->get_name, "\n";
    for my $call (sub { $queue->domain_event_register_any($own, undef, 0) },
        sub { $queue->register_close_callback($own) }, sub { $queue->enable_resume($own, 500) },
        sub { VKVM::Event::stop() }, sub { VKVM::Event::run_default() }, sub { VKVM::Event::start() }) {
        print eval { $call->(); 1 } ? 'none' : $@->code, "\n";
    }
    $queue->domain_event_register_any($own, undef, 0);
    my $test = $own->get_domain_by_name('test');
    $test->suspend;
    $test->resume;
    print join(' ', map { my $event = $queue->next(60_000); $event && $event->{args}{event} } 1, 2), "\n";
    exit 0;
}
waitpid $child, 0;
my $status = $?;
# They are the parent's events, too.
print "status $status, ", join(' ', map { my $event = $queue->next(60_000); $event && $event->{args}{event} } 1, 2), "\n";
print well(), "\n", gone(), "\n";
CODE
test
${\ join "\n", (VKVM::Error::OWN_OTHER_EVENT_LOOP) x 5}
none
3 4
status 0, 3 4
well
gone
OUT

# Each gets the events of its own connection, at the same time; and what the program has
# added to the loop is in both.
program('fork: parent and child run the default loop', <<'CODE', "child 100 of 100, ticks\nparent 100 of 100, ticks\nstatus 0\n");
VKVM::Event::register_default();
my $ticks = 0;
my $timer = VKVM::Event::add_timeout(5, sub { $ticks++ });
sub listen_to {
    my ($name) = @_;
    my $conn = VKVM->new(uri => $uri);
    $conn->set_keep_alive(1, 3);
    my $events = 0;
    my $dom = $conn->create_domain("<domain type='test'><name>$name</name><memory>1024</memory><os><type>hvm</type></os></domain>");
    $conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE,
        sub { my ($conn, $dom) = @_; $events++ if $dom->get_name eq $name });
    return ($dom, \$events);
}
sub cycles {
    my ($name, $dom, $events) = @_;
    my $before = $ticks;
    $$events = 0;
    for (1 .. 50) {
        $dom->suspend;
        $dom->resume;
        VKVM::Event::run_default();
    }
    VKVM::Event::run_default() until $$events >= 100 && $ticks > $before + 3;
    my $end = $ticks + 3;
    VKVM::Event::run_default() until $ticks >= $end;
    print "$name $$events of 100, ticks\n";
}
my @mine = listen_to('mine');
my $child = fork // die;
if (!$child) {
    cycles('child', listen_to('childs'));
    _exit(0);
}
my $status;
until (defined $status) {
    $mine[0]->suspend;
    $mine[0]->resume;
    VKVM::Event::run_default() for 1 .. 3;
    $status = $? if waitpid($child, POSIX::WNOHANG()) > 0;
}
my $end = $ticks + 3;
VKVM::Event::run_default() until $ticks >= $end;
cycles('parent', @mine);
print "status $status\n";
CODE

handles_are({ conn => 0, value => 0, error => 0 }, 'no handle is left');
done_testing;
