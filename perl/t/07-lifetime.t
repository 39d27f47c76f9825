# SPDX-License-Identifier: LGPL-2.1-or-later
# How long objects live: without their connection, at the end of the program,
# in a forked child, in a thread.

use strict;
use warnings;

use Config;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $uri = 'test:///default';

subtest 'a domain keeps its connection' => sub {
    my $conn = VKVM->new(uri => $uri);
    my $dom  = $conn->get_domain_by_id(1);
    undef $conn;
    is($dom->get_info->{maxMem}, 8388608, 'it goes on');
    my ($stats) = VKVM->new(uri => $uri)->get_all_domain_stats(0);
    is($stats->{dom}->get_name, 'test', 'one from a result does, too');
    my $copy = $dom;
    undef $dom;
    is($copy->get_name, 'test', 'a second reference');
    undef $copy;
    undef $stats;
    handles_are({ conn => 0, domain => 0 }, 'nothing is left');
};

# A program of its own: exit status, output, no messages.
sub program {
    my ($what, $code, %expected) = @_;
    my ($status, $output, $errors) =
      run_perl('-MVKVM', '-MVKVM::Event', '-we', "my \$uri = '$uri'; $code; print 'at the end'");
    subtest $what => sub {
        is($status, ($expected{exit} // 0) << 8, 'exit status');
        is($output, $expected{output} // 'at the end', 'output');
        is($errors, $expected{errors} // '', 'standard error');
    };
    return;
}

my $setup = 'VKVM::Event::register_default(); our $conn = VKVM->new(uri => $uri); '
  . 'our $dom = $conn->get_domain_by_id(1)';
program('global variables at the end', $setup);
program('lexical ones', 'my $c = VKVM->new(uri => $uri); my $d = $c->get_domain_by_id(1)');
program('in a circle', "$setup; our \$circle = { c => \$conn, d => \$dom }; \$circle->{self} = \$circle");
program('called at the end', "$setup; sub Late::DESTROY { eval { \$dom && \$dom->get_name; "
      . "\$conn && \$conn->get_hostname } } our \$late = bless [], 'Late'; our \$z = bless [], 'Late'");
program('with callbacks',
    "$setup; our \$g = bless [], 'G'; sub G::DESTROY { } "
      . '$conn->domain_event_register_any($_, 0, sub { [ $g, $conn, $dom ] }) for undef, $dom; '
      . '$conn->domain_event_register(sub { $dom }); '
      . 'VKVM::Event::add_timeout(0, sub { $g }); VKVM::Event::run_default(); '
      . 'VKVM::Event::add_handle(0, 1, sub { $g })');
program('END', "$setup; END { print \$dom->get_name, ' ' }", output => 'at the endtest ');
program('exec', "$setup; \$| = 1; { exec \$^X, '-e', 'print q(other)' }", output => 'other');

my $timer = sub { "$setup; VKVM::Event::add_timeout(0, sub { $_[0] }); VKVM::Event::run_default()" };
program('exit in a callback', $timer->('exit 7'), exit => 7, output => '');
program('exit in an event', "$setup; \$conn->domain_event_register(sub { exit 8 }); \$dom->suspend; "
      . 'VKVM::Event::run_default()', exit => 8, output => '');
program('die in a callback', $timer->("die qq(that is it\\n)"),
    exit => 255, output => '', errors => "that is it\n");
program('die without a newline', $timer->("die 'that is it'"),
    exit => 255, output => '', errors => "that is it at -e line 1.\n");
program('last in a callback', "for my \$x (1) { no warnings; " . $timer->('last') . ' }',
    exit => 255, output => '', errors => qq(Can't "last" outside a loop block at -e line 1.\n));

# Runs code in a child, which answers with text.
sub in_child(&) {
    my ($code) = @_;
    my $pid = open(my $pipe, '-|') // die "cannot fork: $!";
    if (!$pid) {
        my $answer = eval { $code->() } // "died: $@";
        print $answer;
        close STDOUT;
        no warnings 'once';
        Test::More->builder->no_ending(1);
        exit 0;
    }
    local $/;
    my $answer = <$pipe> // '';
    close $pipe;
    return $? ? "status $?: $answer" : $answer;
}

# Programs that connect again look for codes 38 and 1, and some for the domain.
my $forked = join ',', VKVM::Error::ERR_SYSTEM_ERROR, VKVM::Error::FROM_RPC, VKVM::Error::OWN_FORKED;

sub fork_with {
    my ($conn) = @_;
    my $dom = $conn->get_domain_by_name('test');
    my $own = $conn->get_uri;
    my $ask = sub {
        join ' ', map { my $call = $_; my $error = thrown { $call->() };
            ref $error ? join ',', map { $error->$_ } qw(code domain int1) : $error // 'none' }
          sub { $dom->get_name }, sub { $dom->get_info }, sub { $conn->num_of_domains },
          sub { $conn->get_domain_by_id(1) }, sub { $conn->close }, sub { $conn->list_all_domains };
    };
    is(in_child { $ask->() }, join(' ', ($forked) x 6),
        'calls of the child fail as those of a broken connection');
    is($dom->get_info->{maxMem}, 8388608, 'the parent goes on');
    is(in_child { undef $dom; undef $conn; 'freed' }, 'freed', 'the child frees them');
    is($dom->get_info->{maxMem}, 8388608, 'the parent goes on');
    is(in_child { $_->DESTROY for $dom, $conn; 'freed' }, 'freed', 'the child destroys them');
    is($conn->get_domain_by_id(1)->get_name, 'test', 'the parent goes on');
    is(in_child { my $new = VKVM->new(uri => $own); $new->get_domain_by_id(1)->get_name },
        'test', 'the child has a connection of its own');
    is($conn->is_alive, 1, 'and the parent the old one');
    return;
}

subtest 'fork' => sub { fork_with(VKVM->new(uri => $uri)) };
subtest 'fork with a daemon' => sub {
    my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
    my $conn = VKVM->new(uri => $bed->{URI_UNIX});
    fork_with($conn);
    undef $conn;    # before the daemon goes
};

subtest 'threads' => sub {
    plan(skip_all => 'this perl has no threads') unless $Config{useithreads};
    is($_->CLONE_SKIP, 1, "$_ is not cloned") for qw(VKVM VKVM::Domain);
    my $setup = "use threads; $setup; VKVM::Event::add_timeout(1, sub { }); my \$sum = 0";
    program('objects in a thread', "$setup; "
          . 'threads->create(sub { print ref $conn, " ", defined $$conn ? "defined" : "undef", " "; '
          . 'eval { $dom->get_name }; print $@ ? "exception " : "none " })->join for 1, 2; '
          . 'print $dom->get_name, " "',
        output => 'SCALAR undef exception ' x 2 . 'test at the end');
    program('a connection of its own', "$setup; "
          . 'sub work { my $c = VKVM->new(uri => $uri); my $n = 0; '
          . '$n += $c->get_domain_by_id(1)->get_id for 1 .. 1000; return $n } '
          . '$sum += $_->join for map { threads->create(\&work) } 1 .. 4; print "$sum "',
        output => '4000 at the end');
    program('errors in threads', "$setup; "
          . 'sub work { my $c = VKVM->new(uri => $uri); my %seen; '
          . 'for (1 .. 300) { eval { $c->get_domain_by_name($_ % 2 ? undef : "x") }; '
          . '$seen{$@->code}++ } return "@seen{10009, 42} " } '
          . 'print $_->join for map { threads->create(\&work) } 1 .. 3',
        output => '150 150 ' x 3 . 'at the end');
    # An interpreter often gets the address of one that has ended.
    program('callbacks of a thread that has ended', "$setup; my \$calls = 0; "
          . 'for my $i (1 .. 10) { $sum += threads->create(sub { my $calls = 0; '
          . 'VKVM::Event::add_timeout(1, sub { $calls++ }); '
          . 'VKVM::Event::run_default() until $calls; $calls })->join > 0 ? 1 : 0 } print "$sum "',
        output => '10 at the end');
    program('callbacks of another thread', "$setup; my \$calls = 0; "
          . 'VKVM::Event::add_timeout(1, sub { $calls++ }); '
          . 'threads->create(sub { VKVM::Event::run_default() for 1 .. 5 })->join; '
          . 'print "$calls "; VKVM::Event::run_default() until $calls > 2',
        output => '0 at the end');
    program('a thread that is detached', "$setup; threads->create(sub { "
          . 'my $c = VKVM->new(uri => $uri); select undef, undef, undef, 0.2; $c->get_type }); '
          . '$_->join for threads->list');
};

handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
