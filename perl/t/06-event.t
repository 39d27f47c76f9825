# SPDX-License-Identifier: LGPL-2.1-or-later
# The default event loop, and callbacks of every kind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Scalar::Util qw(refaddr weaken);
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

# Counts itself, to show that what a callback captured is freed, and once.
my %freed;
sub Guard::new     { my ($class, $name) = @_; $freed{$name} //= 0; return bless \$name, $class }
sub Guard::DESTROY { my ($self) = @_; $freed{$$self}++; return }

# The code, as a callback that has captured a guard.
sub guarded {
    my ($name, $code) = @_;
    my $guard = Guard->new($name);
    return sub { $guard && $code->(@_) };
}

# Turns the loop until the condition holds.
sub run_until(&) {
    my ($condition) = @_;
    my $timer = VKVM::Event::add_timeout(20, sub { });    # so that no turn waits for ever
    local $SIG{ALRM} = sub { die "two minutes in vain\n" };
    alarm 120;
    VKVM::Event::run_default() until $condition->();
    alarm 0;
    VKVM::Event::remove_timeout($timer);
    return;
}

# Some turns of the loop, and what was removed is freed.
sub settle {
    my $turns = 0;
    my $timer = VKVM::Event::add_timeout(2, sub { $turns++ });
    VKVM::Event::run_default() until $turns > 3;
    VKVM::Event::remove_timeout($timer);
    let_go();
    return;
}

returns_nothing { VKVM::Event::register_default() } 'register_default';
returns_nothing { VKVM::Event::register_default() } 'again';

my $uri  = 'test:///default';
my $conn = VKVM->new(uri => $uri);
my $dom  = $conn->get_domain_by_name('test');
my @lifecycle = (VKVM::Domain::EVENT_ID_LIFECYCLE);

subtest 'lifecycle of all domains, and of one' => sub {
    my (@all, @one, @old);
    my $other = $conn->define_domain(domain_xml('other'));
    my $all   = $conn->domain_event_register_any(undef, @lifecycle, guarded(all => sub { push @all, [@_] }));
    my $one   = $conn->domain_event_register_any($dom, @lifecycle, sub { push @one, [@_] });
    like($_, qr/^\d+\z/, 'an id') for $all, $one;
    isnt($all, $one, 'of its own');
    returns_nothing { $conn->domain_event_register(sub { push @old, [@_] }) }
    'domain_event_register';
    my $error = thrown { $conn->domain_event_register(sub { }) };
    isa_ok($error, 'VKVM::Error', 'a second one of these: the exception');

    $other->create;
    $dom->suspend;
    is(@all + @one + @old, 0, 'nothing comes outside the loop');
    run_until { @all == 2 && @one == 1 && @old == 2 };
    is_deeply([ map { [ $_->[1]->get_name, @$_[ 2, 3 ] ] } @all ],
        [ [ 'other', 2, 0 ], [ 'test', 3, 0 ] ], 'of all: domain, event, detail');
    is_deeply([ map { [ $_->[1]->get_name, @$_[ 2, 3 ] ] } @one ], [ [ 'test', 3, 0 ] ], 'of one');
    is_deeply([ map { [ $_->[1]->get_name, @$_[ 2, 3 ] ] } @old ],
        [ [ 'other', 2, 0 ], [ 'test', 3, 0 ] ], 'the older way');
    for my $args (@all, @one, @old) {
        is(scalar @$args,        4,              'four arguments');
        is(refaddr $args->[0],   refaddr $conn,  'the connection is the very same');
        is(ref $args->[1],       'VKVM::Domain', 'an object');
        isnt(refaddr $args->[1], refaddr $dom,   'of its own');
    }

    returns_nothing { $conn->domain_event_deregister_any($all) } 'domain_event_deregister_any';
    $dom->resume;
    run_until { @one == 2 && @old == 3 };
    is(scalar @all,  2, 'nothing comes to what was deregistered');
    is($freed{all}, 1, 'what it captured is freed once');
    returns_nothing { $conn->domain_event_deregister_any($one) } 'the other';
    returns_nothing { $conn->domain_event_deregister } 'domain_event_deregister';
    returns_nothing { $conn->domain_event_deregister } 'a second time is no exception';
    returns_nothing { $conn->domain_event_deregister_any(4711) } 'nor an id that is none';
    is(thrown { $conn->domain_event_register_any(undef, 4711, sub { }) }->code,
        VKVM::Error::ERR_INVALID_ARG, 'an event that libvirt does not know');
    $other->destroy;
    $other->undefine;
    settle();
};

subtest 'timers' => sub {
    my @calls;
    my $timer = VKVM::Event::add_timeout(0, guarded(timer => sub { push @calls, [@_] }));
    VKVM::Event::run_default() for 1 .. 3;
    is_deeply(\@calls, [ ([$timer]) x 3 ], 'of 0 ms: each turn; its number is the argument');
    returns_nothing { VKVM::Event::update_timeout($timer, -1) } 'update_timeout';
    settle();
    is(scalar @calls, 3, 'of -1: never');
    VKVM::Event::update_timeout($timer, 10);
    run_until { @calls > 4 };
    returns_nothing { VKVM::Event::remove_timeout($timer) } 'remove_timeout';
    is($freed{timer}, 0, 'it is in use until the loop has seen that');
    settle();
    is($freed{timer}, 1, 'then what it captured is freed once');
    isa_ok(thrown { VKVM::Event::remove_timeout($timer) }, 'VKVM::Error', 'a second time');
    returns_nothing { VKVM::Event::update_timeout($timer, 1) } 'update_timeout has no exception';
};

subtest 'watches' => sub {
    pipe(my $reader, my $writer) or die "no pipe: $!";
    my @calls;
    my $watch = VKVM::Event::add_handle(fileno $reader, VKVM::Event::HANDLE_READABLE,
        guarded(watch => sub { sysread $reader, my $byte, 1; push @calls, [@_] }));
    settle();
    is(scalar @calls, 0, 'nothing to read');
    syswrite $writer, 'xx';
    run_until { @calls == 2 };
    is_deeply($calls[0], [ $watch, fileno $reader, VKVM::Event::HANDLE_READABLE ],
        'number, descriptor, events');
    returns_nothing { VKVM::Event::update_handle($watch, 0) } 'update_handle';
    syswrite $writer, 'x';
    settle();
    is(scalar @calls, 2, 'is not looked at now');
    VKVM::Event::update_handle($watch, VKVM::Event::HANDLE_READABLE);
    run_until { @calls == 3 };
    close $writer;
    run_until { @calls == 4 };
    ok($calls[3][2] & VKVM::Event::HANDLE_HANGUP, 'the other end is closed');
    returns_nothing { VKVM::Event::remove_handle($watch) } 'remove_handle';
    settle();
    is($freed{watch}, 1, 'what it captured is freed once');
    isa_ok(thrown { VKVM::Event::remove_handle($watch) }, 'VKVM::Error', 'a second time');
    returns_nothing { VKVM::Event::update_handle($watch, 1) } 'update_handle has no exception';
};

subtest 'a callback that dies' => sub {
    my $what;
    my $timer = VKVM::Event::add_timeout(0, sub { die $what });
    for my $exception ("text\n", { a => 'hash' }, Guard->new('exception'), [ 1, 2 ]) {
        $what = $exception;
        my $error = thrown { VKVM::Event::run_default() };
        is_deeply($error, $exception, 'the exception comes out: ' . (ref $exception || 'text'));
        is(ref $error && refaddr $error, ref $exception && refaddr $exception, 'the very same');
    }
    undef $what;
    is($freed{exception}, 1, 'the exception is freed once');
    VKVM::Event::remove_timeout($timer);
    ok(!thrown { settle() }, 'the next turns are as ever');

    my $id = $conn->domain_event_register_any(undef, @lifecycle, sub { die "of an event\n" });
    my $ticks = 0;
    $timer = VKVM::Event::add_timeout(10, sub { $ticks++ });
    $dom->suspend;
    is(thrown { run_until { 0 } }, "of an event\n", 'from an event');
    $dom->resume;
    is(thrown { run_until { 0 } }, "of an event\n", 'and the next');
    $conn->domain_event_deregister_any($id);
    VKVM::Event::remove_timeout($timer);
    settle();

    # An eval within a callback is its own business, as is what it leaves in $@.
    $timer = VKVM::Event::add_timeout(0, sub { eval { die "caught\n" }; });
    { local $@ = 'mine'; VKVM::Event::run_default(); is($@, 'mine', '$@ of a callback stays in it') }
    VKVM::Event::remove_timeout($timer);
    settle();
};

subtest 'two that die in one turn' => sub {
    my @warnings;
    local $SIG{__WARN__} = sub { push @warnings, @_ };
    my @timers = map { my $name = $_; VKVM::Event::add_timeout(0, sub { die "$name\n" }) } qw(one two);
    is(thrown { VKVM::Event::run_default() }, "one\n", 'the first comes out');
    is(scalar @warnings, 1, 'there is a warning');
    like($warnings[0], qr/two/, 'about the second');
    VKVM::Event::remove_timeout($_) for @timers;
    settle();
    ok(!thrown { settle() }, 'nothing is left of it');
};

subtest 'ending registrations in callbacks' => sub {
    my ($itself, $count) = (undef, 0);
    $itself = $conn->domain_event_register_any(undef, @lifecycle,
        guarded(itself => sub { $count++; $conn->domain_event_deregister_any($itself) }));
    $dom->suspend;
    $dom->resume;
    run_until { $count };
    settle();
    is($count,         1, 'itself: called once');
    is($freed{itself}, 1, 'freed once');

    # libvirt takes one registration of a kind for all domains, and one for each.
    my @ids;
    my @calls = (0, 0);
    for my $i (0, 1) {
        $ids[$i] = $conn->domain_event_register_any($i ? $dom : undef, @lifecycle,
            guarded("another $i" => sub { $calls[$i]++; $conn->domain_event_deregister_any($ids[ 1 - $i ]) }));
    }
    $dom->suspend;
    run_until { $calls[0] + $calls[1] };
    $dom->resume;
    settle();
    is(scalar(grep { $_ } @calls), 1, 'another: it is not called any more');
    $conn->domain_event_deregister_any($_) for @ids;
    settle();
    is($freed{"another $_"}, 1, 'freed once') for 0, 1;

    my $timer;
    my $ticks = 0;
    $timer = VKVM::Event::add_timeout(0,
        guarded('timer in itself' => sub { $ticks++; VKVM::Event::remove_timeout($timer) }));
    VKVM::Event::run_default();
    settle();
    is($ticks, 1, 'a timer that removes itself fires once');
    is($freed{'timer in itself'}, 1, 'and is freed once');
};

subtest 'more registrations in a callback' => sub {
    my @doms = map { $conn->define_domain(domain_xml("more$_")) } 1 .. 4;
    my ($count, @ids) = 0;
    push @ids, $conn->domain_event_register_any(undef, @lifecycle,
        sub {
            push @ids, $conn->domain_event_register_any($doms[$#ids], @lifecycle, sub { $count++ })
              if @ids < 5;
        });
    $_->create for @doms;
    run_until { @ids == 5 };
    settle();
    $count = 0;
    $_->suspend for @doms;
    run_until { $count >= 4 };
    is($count, 4, 'each is called');
    my $twice = 0;
    my $again = $conn->domain_event_register_any(undef, @lifecycle, guarded(twice => sub { $twice++ }));
    ok(!(grep { $_ == $again } @ids), 'the same events a second time have a number of their own');
    $_->resume for @doms;
    run_until { $twice >= 4 && $count >= 8 };
    is("$twice $count", '4 8', 'both callbacks are called');
    $conn->domain_event_deregister_any($again);
    settle();
    is($freed{twice}, 1, 'what the second captured is freed once it is deregistered');
    $_->suspend for @doms;
    run_until { $count >= 12 };
    is("$twice $count", '4 12', 'the others go on');
    $conn->domain_event_deregister_any($_) for @ids;
    for my $more (@doms) {
        $more->destroy;
        $more->undefine;
    }
    settle();
};

subtest 'the connection ends in its own callback' => sub {
    for my $how (qw(close undef DESTROY)) {
        my $mine  = VKVM->new(uri => $uri);
        my $count = 0;
        weaken(my $weak = $mine);
        my $id = $mine->domain_event_register_any(undef, @lifecycle,
            guarded("conn $how" => sub {
                $count++;
                $how eq 'undef' ? undef $mine : $mine->$how;
            }));
        $dom->suspend;
        run_until { $count };
        $dom->resume;
        settle();
        if ($how eq 'undef') {
            is($count, 2, 'undef: its registration holds it');
            $weak->domain_event_deregister_any($id);
            settle();
        }
        else {
            is($count, 1, "$how: called once");
        }
        is($freed{"conn $how"}, 1, "$how: what it captured is freed once");
    }
};

subtest 'a registration holds its connection' => sub {
    my $mine = VKVM->new(uri => $uri);
    my $id   = $mine->domain_event_register_any(undef, @lifecycle, sub { });
    weaken(my $weak = $mine);
    undef $mine;
    ok($weak, 'while it lasts');
    $weak->domain_event_deregister_any($id);
    settle();
    ok(!$weak, 'and no longer');
};

undef $dom;
undef $conn;
settle();
handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');

# This driver accepts a close callback and will never call it. That of a
# daemon's client is in 10-daemon.t.
subtest 'close callback' => sub {
    my $mine = VKVM->new(uri => $uri);
    returns_nothing { $mine->register_close_callback(guarded(close => sub { })) }
    'register_close_callback';
    returns_nothing { $mine->unregister_close_callback } 'unregister_close_callback';
    returns_nothing { $mine->unregister_close_callback } 'a second time is no exception';
    settle();
    undef $mine;
    is($freed{close}, 1, 'what it captured is freed once');
    handles_are({ conn => 0 }, 'the connection is freed');
};

done_testing;
