# SPDX-License-Identifier: LGPL-2.1-or-later
# Futures under one loop: async.pl LOOP URI PID, where PID is the daemon's. 93-async.t
# runs it, as a program has one loop.

use strict;
use warnings;

use File::Temp ();
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use TestVKVM;
use Time::HiRes qw(clock time);

my ($loop, $uri, $daemon) = @ARGV;

my %module = (
    IOAsync  => 'IO::Async::Loop',
    Mojo     => 'Mojo::IOLoop',
    AnyEvent => 'AnyEvent',
    FutureIO => 'Future::IO',
);
BEGIN { $SIG{ALRM} = sub { die "this took too long\n" }; alarm 300 }
eval "require $module{$loop}; 1" or die $@ if $module{$loop};

require VKVM::Async;

sub stopped {
    my ($code) = @_;
    kill STOP => $daemon;
    my $ok = eval { $code->(); 1 };
    my $error = $@;
    kill CONT => $daemon;
    die $error if !$ok;
    return;
}

my $conn = VKVM::Async->connect(uri => $uri)->get;
isa_ok($conn, 'VKVM', 'what connect gives');
my ($domain) = $conn->async->list_all_domains->get;
isa_ok($domain, 'VKVM::Domain', 'what a list gives');
my $xml  = $domain->get_xml_description;
my %none = map { $_ => VKVM::handle_count($_) } qw(call value domain);

subtest 'results and errors' => sub {
    my $future = $domain->async->get_xml_description;
    isa_ok($future, 'Future');
    ok(!$future->is_ready, 'it is not ready at once');
    is($future->get, $xml, 'a text');
    is_deeply([ $conn->async->list_domains->get ]->[0]->get_name, 'test', 'a method in Perl, with a list');
    is(scalar(@{ [ $domain->async->get_state->get ] }), 2, 'two values');
    is($domain->async->get_name->get, 'test', 'what does not wait');
    is($conn->async->get_major_version->get, $conn->get_major_version, 'a method that calls another one');
    my $name = 'test';
    my $late = $conn->async->get_domain_by_name($name);
    $name = 'other';
    is($late->get->get_name, 'test', 'arguments are copied');

    my $failed = $conn->async->get_domain_by_name('nobody');
    my $error = thrown { $failed->get };
    isa_ok($error, 'VKVM::Error') or return;
    is($error->code, VKVM::Error::ERR_NO_DOMAIN(), 'of libvirt');
    is(($failed->failure)[1], 'vkvm', 'its category');
    {
        # That of Future::XS, which some versions of Future are made of, wraps the error.
        no warnings 'once';
        local *Future::get = sub { die "this is Future's\n" };
        is(thrown { $failed->get }, $error, 'whichever Future there is');
    }
    like(thrown { $conn->async->no_such_method->get }, qr/no_such_method/, 'no such method');
    own_error { $conn->async->get_domain_by_name(undef)->get } VKVM::Error::OWN_INVALID(), 'name', 'a wrong argument';
    own_error { $conn->async(late => 1) } VKVM::Error::OWN_INVALID(), 'late', 'no such option';
    my @hooked;
    {
        local $SIG{__DIE__} = sub { push @hooked, @_ };
        is($domain->async->get_xml_description->get, $xml, 'with a handler of exceptions');
    }
    is_deeply(\@hooked, [], 'which sees none');
    eval { die "earlier\n" };
    $domain->async->get_info->get;
    is($@, "earlier\n", 'the last exception stays');
};

subtest 'credentials' => sub {
    my $host = File::Temp->new(SUFFIX => '.xml');
    print {$host} <<'END';
<node><domain type='test'><name>secret</name><memory>1024</memory><os><type>hvm</type></os></domain>
  <auth><user password='123456'>bob</user></auth></node>
END
    close $host;
    my ($asked, $thread);
    my %right = (VKVM::CRED_AUTHNAME() => 'bob', VKVM::CRED_PASSPHRASE() => '123456');
    my @args  = (uri => "test://$host", auth => 1, credlist => [ sort keys %right ], callback => sub {
        my ($requests) = @_;
        $asked++;
        $thread = readlink '/proc/thread-self';
        $_->{result} = $right{ $_->{type} } for @$requests;
        return 0;
    });
    my $future = VKVM::Async->connect(@args);
    ok(!$asked, 'the callback is not called before the loop turns');
    is(($future->get->list_all_domains)[0]->get_name, 'secret', 'it gives them');
    is($asked, 2, 'as often as it is asked');
    is($thread, "$$/task/$$", 'on the thread of Perl');
    is(($_->get->list_all_domains)[0]->get_name, 'secret', 'with a timeout and with options')
      for VKVM::Async->connect(@args, timeout => 60), VKVM::Async->connect(@args, reopen_after_fork => 1);
    is(thrown { VKVM::Async->connect(@args, callback => sub { die "no password today\n" })->get }, "no password today\n",
        'a callback that dies');
    my $error = thrown { VKVM::Async->connect(@args, callback => sub { return -1 })->get };
    is($error->code, VKVM::Error::ERR_AUTH_FAILED(), 'one that refuses');
    $future = VKVM::Async->connect(@args, callback => sub { $future->cancel; return 0 });
    $future->await;
    ok($future->is_cancelled, 'one that cancels');
    undef $future;
    own_error { VKVM::Async->connect(@args, username => 'bob')->get } VKVM::Error::OWN_INVALID(), 'options', 'a name as well';
    soon { !(() = VKVM::get_openings()) } 'no opening is left';
    handles_become({ map { $_ => $none{$_} } qw(call value) }, 'no handle is left');
};

{ package IsFalse; use overload bool => sub { 0 }, fallback => 1 }

subtest 'many at once' => sub {
    my @futures = map { $domain->async->get_xml_description } 1 .. 200;
    my @texts   = VKVM::Async::Future->needs_all(@futures)->get;
    is_deeply([ grep { $_ ne $xml } @texts ], [], 'all have their results');
    is(scalar @texts, 200, 'all of them');
    my $nested = $domain->async->get_info->then(sub {
        my @inner = map { $domain->async->get_info } 1 .. 50;
        return VKVM::Async::Future->done(map { $_->get->{state} } @inner);
    });
    my @others = map { $domain->async->get_info } 1 .. 100;
    if ($loop !~ /\A(?:AnyEvent|Mojo)\z/) {
        is_deeply([ $nested->get ], [ (1) x 50 ], 'a callback that waits itself');
    }
    else {
        like(thrown { $nested->get }, qr/recursive|already running/, 'the loop refuses to wait in a callback');
    }
    $_->get for @others;
    my @order;
    my @both = map { $domain->async->get_info } 1 .. 2;
    $both[0]->on_done(sub { push @order, 'first'; die "a callback died\n" });
    $both[1]->on_done(sub { push @order, 'second' });
    {
        # Some loops keep the exception to themselves.
        local $SIG{__WARN__} = sub { };
        open my $quiet, '>&', \*STDERR or die;
        # In the place of the old one, which a thread of the library's would take if it was free.
        open STDERR, '>', '/dev/null' or die;
        while (my ($waits) = grep { !$_->is_ready } @both) {
            thrown { $waits->await };
        }
        open STDERR, '>&', $quiet or die;
    }
    is(join(' ', sort @order), 'first second', 'a callback that dies stops no other');
    my ($one, $other) = my @done = map { $domain->async->get_info } 1 .. 2;
    soon { my $calls = $conn->get_calls; $calls->{running} + $calls->{waiting} == 0 } 'two are done before the loop turns';
    my $state;
    $one->on_done(sub { $state = $other->get->{state} });
    $other->on_done(sub { $state = $one->get->{state} });
    within(60, sub { $_->await for @done });
    is($state, 1, 'the callback of one gets the result of the other');
};

subtest 'waiting' => sub {
    stopped(sub {
        my $used   = clock();
        my $future = $domain->async(timeout => 1)->get_info;
        is(thrown { $future->get }->code, VKVM::Error::OWN_TIMEOUT(), 'for a daemon that does not answer');
        cmp_ok(clock() - $used, '<', 0.1, 'takes next to no time of the processor');
    });
};

subtest 'cancelling, dropping' => sub {
    stopped(sub {
        my @futures = map { $domain->async->get_info } 1 .. 10;
        $_->cancel for @futures;
        my $slow  = $domain->async->get_xml_description;
        my $timed = $domain->async(timeout => 0.1)->get_info;
        my $error = thrown { $timed->get };
        is($error && $error->code, VKVM::Error::OWN_TIMEOUT(), 'a timeout of its own');
        like($error && $error->message, qr/\AVKVM::Domain::get_info: no answer/, 'the method is named');
        $slow->cancel;
        ok($_->is_cancelled, 'cancelled') for $futures[0], $slow;
        $domain->async->get_info for 1 .. 3;    # dropped
    });
    is($domain->async->get_xml_description->get, $xml, 'the next one');
    soon { my $calls = $conn->get_calls; !grep { $_ } values %$calls } 'no call is left';
    $domain->async->get_info->get;
    soon { $domain->async->get_info->get; !VKVM::handle_count('call') } 'no handle of a call is left';
    handles_become(\%none, 'handles are as before');
};

subtest 'an exception that says that it is false' => sub {
    my $future = VKVM::Async->call(sub { $domain->get_info; die bless [], 'IsFalse' });
    like(thrown { within(60, sub { $future->get }) }, qr/an exception that is false: IsFalse/, 'fails the future');
};

subtest 'code that cancels its own future' => sub {
    my ($future, @ran);
    $future = VKVM::Async->call(sub {
        push @ran, $domain->get_info->{state};
        $future->cancel;
        push @ran, $domain->get_max_vcpus;
        push @ran, 'goes on';
    });
    within(60, sub { $domain->async->get_info->get until $future->is_ready });
    ok($future->is_cancelled, 'is left at its next call');
    soon { my $calls = $conn->get_calls; $calls->{running} + $calls->{waiting} == 0 } 'its call ends';
    $domain->async->get_info->get;
    is_deeply(\@ran, [1], 'it does not go on after that');
};

subtest 'futures in the place of those that were cancelled' => sub {
    my @futures;
    stopped(sub {
        @futures = map { $domain->async->get_info } 1 .. 4;
        # Some of them are where one of these was in memory, of whose end the queue tells then.
        $_->cancel for map { $domain->async->get_info } 1 .. 500;
        push @futures, map { $domain->async->get_info } 1 .. 1000;
        my $timed = $domain->async(timeout => 0.2)->get_info;
        is(thrown { $timed->get }->code, VKVM::Error::OWN_TIMEOUT(), 'the loop has turned');
        is_deeply([ grep { $_->is_ready } @futures ], [], 'they wait for their own calls');
    });
    is_deeply([ map { $_->get->{state} } @futures ], [ (1) x 1004 ], 'and have their results');
};

subtest 'exceptions of handlers of signals' => sub {
    stopped(sub {
        local $SIG{ALRM} = sub { die "rang\n" };
        my $future = $domain->async->get_info;
        {
            local $SIG{__WARN__} = sub { };
            my $error = thrown { Time::HiRes::ualarm(100_000); $future->get };
            is($error, "rang\n", 'they leave the wait');
        }
        Time::HiRes::ualarm(0);
        alarm 300;
        $future->cancel;
    });
    is($domain->async->get_xml_description->get, $xml, 'and all goes on');
} if $loop =~ /\A(?:Own|FutureIO)\z/;

subtest 'events' => sub {
    require VKVM::Event;
    VKVM::Event::start();
    my $own    = VKVM->new(uri => 'test:///default');
    my $guest  = ($own->list_all_domains)[0];
    my $queue  = VKVM::EventQueue->new;
    $queue->domain_event_register_any($own, undef, VKVM::Domain::EVENT_ID_LIFECYCLE());
    my @futures = map { $queue->next_event } 1 .. 3;
    $futures[1]->cancel;
    $guest->suspend;
    is($futures[0]->get->{object}->get_name, 'test', 'the first event');
    ok(!$futures[2]->is_ready, 'there is no second one yet');
    $guest->resume;
    is($futures[2]->get->{args}{event}, VKVM::Domain::EVENT_RESUMED(), 'the second goes to who is next');
    $guest->suspend;
    soon { $queue->get_length } 'an event';
    is($queue->next_event->get->{args}{event}, VKVM::Domain::EVENT_SUSPENDED(), 'one that is there already');
    $guest->resume;
    undef $queue;
    undef $guest;
    undef $own;
    VKVM::Event::stop();
};

subtest 'async and await' => sub {
    plan(skip_all => 'Future::AsyncAwait is not installed') if !eval { require Future::AsyncAwait; 1 };
    my $sum = eval q{
        use Future::AsyncAwait;
        async sub lengths {
            my $length = 0;
            for my $time (1 .. 3) {
                my $text = await $domain->async->get_xml_description;
                $length += length $text;
            }
            my $error;
            eval { await $conn->async->get_domain_by_name('nobody'); 1 } or $error = $@;
            return ($length, $error);
        }
        [ lengths()->get ];
    } or die $@;
    is($sum->[0], 3 * length $xml, 'several calls after each other');
    isa_ok($sum->[1], 'VKVM::Error', 'what await throws');
};

subtest 'a host that is silent' => sub {
    require IO::Socket::UNIX;
    my $path   = File::Temp::tempdir(CLEANUP => 1) . '/socket';
    my $silent = IO::Socket::UNIX->new(Local => $path, Listen => 5) or die "cannot listen: $!";
    my $of     = "test+unix:///default?socket=$path";
    my @dead   = map { VKVM::Async->connect(uri => $of, timeout => 0.3) } 1 .. 8;
    isa_ok(VKVM::Async->connect(uri => $uri)->get, 'VKVM', 'the connection to another host');
    for my $future (@dead) {
        my $error = thrown { $future->get };
        next if $error && ref $error && $error->code == VKVM::Error::OWN_TIMEOUT()
          && $error->message =~ /\Q$of\E/;
        fail("opening ends in time, and names the URI");
        diag($error // 'no error');
    }
    my $given_up = VKVM::Async->connect(uri => $of);
    $given_up->cancel;
    ok($given_up->is_cancelled, 'opening can be cancelled');
};

subtest 'the host facade' => sub {
    my $host = VKVM::Async->call(sub { return VKVM::Host->new(uri => $uri) })->get;
    is($host->domain->async->state('test')->get, $host->domain->state('test'), 'a command');
    my $error = thrown { $host->domain->async->state('nobody')->get };
    isa_ok($error, 'VKVM::Error', 'what a command that fails gives');
    is_deeply([ $host->async->call('domain.suspend', ['test'])->get ], [ 1, "Domain 'test' suspended", '' ],
        'a command with three results');
    $host->domain->async->resume('test')->get;
    like(thrown { $host->domain->async->no_such_command->get }, qr/no_such_command/, 'no such command');
};

# A timer of the loop goes on while calls are in flight.
my %ticking = (
    IOAsync => sub {
        my ($tick, $until) = @_;
        require IO::Async::Timer::Periodic;
        my $timer = IO::Async::Timer::Periodic->new(interval => 0.001, on_tick => $tick);
        IO::Async::Loop->new->add($timer->start);
        $until->get;
        IO::Async::Loop->new->remove($timer);
    },
    Mojo => sub {
        my ($tick, $until) = @_;
        my $timer = Mojo::IOLoop->recurring(0.001 => $tick);
        $until->on_ready(sub { Mojo::IOLoop->stop });
        Mojo::IOLoop->start;
        Mojo::IOLoop->remove($timer);
    },
    AnyEvent => sub {
        my ($tick, $until) = @_;
        my $timer = AnyEvent->timer(after => 0.001, interval => 0.001, cb => $tick);
        my $end   = AnyEvent->condvar;
        $until->on_ready(sub { $end->send });
        $end->recv;
    },
);
subtest 'a timer' => sub {
    plan(skip_all => 'this loop is not tried') if !$ticking{$loop};
    my $ticks = 0;
    stopped(sub {
        my $future = $domain->async->get_info;
        my $tick   = sub { kill CONT => $daemon if ++$ticks == 20 };
        $ticking{$loop}->($tick, $future);
        ok($future->is_done, 'the call is done in the loop\'s own turn');
    });
    cmp_ok($ticks, '>=', 20, 'the timer has gone on');
};

subtest 'promises' => sub {
    plan(skip_all => 'for Mojo') if $loop ne 'Mojo';
    my ($got, $error);
    $domain->async_p->get_xml_description->then(sub { $got = shift })->wait;
    is($got, $xml, 'resolved');
    $conn->async_p->get_domain_by_name('nobody')->catch(sub { $error = shift })->wait;
    isa_ok($error, 'VKVM::Error', 'what it is rejected with');
};

subtest 'a child of fork' => sub {
    my $pid;
    stopped(sub {
        my $future = $domain->async->get_info;
        $pid = fork // die "cannot fork: $!";
        if (!$pid) {
            alarm 60;
            my $error = thrown { $future->get };
            POSIX::_exit(1) if !$error || !ref $error || $error->code != VKVM::Error::OWN_FORKED();
            my $own = VKVM::Async->connect(uri => 'test:///default')->get;
            my ($guest) = $own->async->list_all_domains->get;
            POSIX::_exit($guest->async->get_info->get->{state} == 1 ? 0 : 2);
        }
        waitpid $pid, 0;
        is($?, 0, 'has futures of its own, and its parent\'s fail');
        kill CONT => $daemon;
        is($future->get->{state}, 1, 'the parent\'s is completed');
    });
};

done_testing;
