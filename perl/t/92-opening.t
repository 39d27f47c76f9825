# SPDX-License-Identifier: LGPL-2.1-or-later
# Opening a connection within a deadline, of daemons that do not answer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use IO::Socket::UNIX;
use List::Util qw(min);
use POSIX ();
use Socket qw(SOCK_STREAM);
use Test::More;
use Time::HiRes qw(time sleep);
use TestBed;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('test-daemon', '--sasl', 'digest-md5') or plan(skip_all => TestBed->reason);
my $dir = tempdir(CLEANUP => 1);
my $timeout = 0.3;

sub entries { my ($path) = @_; opendir(my $all, $path) or return 0; return scalar(() = readdir $all) }

sub children { return map { split } map { read_line($_) } glob '/proc/self/task/*/children' }

sub read_line { my ($path) = @_; open(my $file, '<', $path) or return ''; return <$file> // '' }

sub threads { return grep { read_line($_) =~ /^vkvm-(?:open|ending)$/ } glob '/proc/self/task/*/comm' }

# Tries it several times: a busy machine may be late once.
sub times_out {
    my ($what, $uri, %more) = @_;
    return subtest $what => sub {
        my $children = () = children();
        my (@late, @descriptors);
        for (1 .. 5) {
            my $begin = time;
            my $error = thrown { VKVM->new(uri => $uri, timeout => $timeout, %more) };
            push @late, time - $begin - $timeout;
            isa_ok($error, 'VKVM::Error', 'the exception') or return diag($error // 'none');
            is($error->code,    VKVM::Error::OWN_TIMEOUT,             'its code');
            is($error->message, "$uri was not opened within 300 ms", 'its message names the URI and the time');
            within(120, sub { sleep 0.001 while (() = VKVM::get_openings()) || threads() || children() > $children; 1 });
            pass('no opening, thread or program is left');
            push @descriptors, entries('/proc/self/fd');
            is($descriptors[-1], $descriptors[-2], 'no descriptor is left') if @descriptors > 1;
            last if @late > 1 && min(@late) < 0.1;
        }
        cmp_ok(min(@late), '>=', 0,   'not before its time');
        cmp_ok(min(@late), '<',  0.1, 'within 100 ms');
    };
}

# A listener that accepts nobody: the kernel connects as many as it may.
sub tcp { my ($queue) = @_; return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => $queue) // die $! }

sub port_of { my ($socket) = @_; return $socket->sockport }

sub log_in {
    my ($requests) = @_;
    $_->{result} = $_->{type} == VKVM::CRED_AUTHNAME ? $bed->{SASL_USER} : $bed->{SASL_PASSWORD} for @$requests;
    return 0;
}

subtest 'what answers' => sub {
    my $conn = VKVM->new(uri => $bed->{URI_UNIX}, timeout => 60);
    isa_ok($conn, 'VKVM', 'a connection');
    is($conn->get_domain_by_name('test')->get_id, 1, 'it can be used');
    my %login = (username => $bed->{SASL_USER}, password => $bed->{SASL_PASSWORD});
    ok(VKVM->new(uri => $bed->{URI_TCP}, timeout => 60, %login), 'with a name and a password');
    ok(VKVM->new(uri => $bed->{URI_TCP}, %login),                'and without a limit');
    ok(VKVM->new(uri => $bed->{URI_TCP}, timeout => 60, auth => 1, callback => \&log_in,
            credlist => [ VKVM::CRED_AUTHNAME, VKVM::CRED_PASSPHRASE ]), 'with a callback');
    ok(VKVM->new({ address => $bed->{URI_UNIX}, timeout => 1e3, readonly => 1 }), 'address and readonly');
    my $error = thrown { VKVM->new(uri => $bed->{URI_TCP}, timeout => 60, %login, password => 'x') };
    is($error->code, VKVM::Error::ERR_AUTH_FAILED, 'a wrong password');
    @My::ISA = ('VKVM');
    is(ref My->new(uri => 'test:///default', timeout => 60), 'My', 'a class of its own');
    is(scalar(() = VKVM::get_openings()), 0, 'nothing is at work');
};

subtest 'wrong options' => sub {
    my @args = (uri => 'test:///default');
    for (
        [ timeout   => 'soon' ], [ timeout => -1 ], [ timeout => [] ], [ timeout => 5e6 ],
        [ keepalive => 5 ],      [ keepalive => [5] ], [ keepalive => { interval => 5 } ],
        [ resume    => [] ],
    ) {
        my ($name, $value) = @$_;
        own_error { VKVM->new(@args, $name => $value) } VKVM::Error::OWN_INVALID, $name, "$name => " . explain($value);
    }
    own_error { VKVM->new(@args, keepalive => { intervall => 5 }) } VKVM::Error::OWN_INVALID, 'intervall', 'a wrong name';
    own_error { VKVM->new(@args, resume => { max_delay => 0.01 }) } VKVM::Error::OWN_INVALID, 'max_delay', 'a short delay';
    own_error { VKVM->new(@args, timeout => 1, auth => 1) } VKVM::Error::OWN_INVALID, 'auth', 'with auth';
    own_error { VKVM->new(@args, resume => 1, password => 'x') } VKVM::Error::OWN_INVALID, 'options', 'resume without the password';
    own_error { VKVM->new(@args, resume => 1) } VKVM::Error::OWN_NO_EVENT_LOOP, undef, 'resume without a loop';
    own_error { VKVM->new(@args, time_out => 1) } VKVM::Error::OWN_INVALID, 'time_out', 'a name that there is not';
};

{
    my $silent = IO::Socket::UNIX->new(Local => "$dir/silent", Listen => 64) // die $!;
    times_out('a silent UNIX socket', "test+unix:///default?socket=$dir/silent");
}
subtest 'signal handlers while it opens' => sub {
    my $silent = IO::Socket::UNIX->new(Local => "$dir/signals", Listen => 64) // die $!;
    my @args   = (uri => "test+unix:///default?socket=$dir/signals");
    my ($rang, $begin) = (0, time);
    my $error = thrown {
        local $SIG{ALRM} = sub { die "enough\n" };
        alarm 1;
        VKVM->new(@args, timeout => 60);
    };
    alarm 0;
    is($error, "enough\n", 'one that dies');
    cmp_ok(time - $begin, '<', 30, 'ends it');
    $error = thrown {
        local $SIG{ALRM} = sub { $rang++ };
        Time::HiRes::ualarm(100_000);
        VKVM->new(@args, timeout => 2);
    };
    is($rang, 1, 'one that returns has run');
    is($error->code, VKVM::Error::OWN_TIMEOUT, 'and the opening goes on to its end');
    close $silent;
    within(120, sub { sleep 0.001 while (() = VKVM::get_openings()) || threads(); 1 });
    ok(VKVM->new(uri => $bed->{URI_UNIX}, timeout => 60), 'the next one works');
};

{
    my $listener = tcp(1);
    my @full     = map { IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport, Blocking => 0) } 1 .. 6;
    sleep 0.1;
    times_out('TCP without an answer', 'test+tcp://127.0.0.1:' . port_of($listener) . '/default');
}
{
    my $listener = tcp(64);
    my $port     = port_of($listener);
    times_out('silent TCP', "test+tcp://127.0.0.1:$port/default");
    my $tls = TestBed->daemon('test-daemon', '--tls');
    times_out('TLS that shakes no hands', "test+tls://127.0.0.1:$port/default?pkipath=$tls->{PKI}") if $tls;
}
{
    open(my $file, '>', "$dir/ssh") or die $!;
    print {$file} "#!/bin/sh\nexec sleep 600\n";
    close $file;
    chmod 0755, "$dir/ssh";
    times_out('ssh that hangs', "test+ssh://host/default?command=$dir/ssh");
}

# A daemon that says which SASL it wants, and then nothing.
{
    my $listener = tcp(64);
    my $pid      = fork // die $!;
    if (!$pid) {
        my ($port) = $bed->{URI_TCP} =~ /:(\d+)/;
        while (my $client = $listener->accept) {
            my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) // POSIX::_exit(1);
            for ([ $client, $server ], [ $server, $client ]) {
                sysread $_->[0], my $data, 65536;
                syswrite $_->[1], $data;
            }
            sysread $client, my $more, 65536 or last for 1 .. 100;
        }
        POSIX::_exit(0);
    }
    times_out('SASL that stalls', 'test+tcp://127.0.0.1:' . port_of($listener) . '/default',
        username => $bed->{SASL_USER}, password => $bed->{SASL_PASSWORD});
    times_out('SASL that stalls, with a callback', 'test+tcp://127.0.0.1:' . port_of($listener) . '/default',
        auth => 1, credlist => [ VKVM::CRED_AUTHNAME, VKVM::CRED_PASSPHRASE ], callback => \&log_in);
    kill KILL => $pid;
    waitpid $pid, 0;
}

kill STOP => $bed->{PID};
times_out('a stopped daemon', $bed->{URI_UNIX});
times_out('a stopped daemon that is to ask', $bed->{URI_TCP}, auth => 1, credlist => [VKVM::CRED_AUTHNAME], callback => \&log_in);
kill CONT => $bed->{PID};

subtest 'in a child' => sub {
    my $conn = VKVM->new(
        uri => $bed->{URI_TCP}, timeout => 60, reopen_after_fork => 1, keep_credentials => 1,
        username => $bed->{SASL_USER}, password => $bed->{SASL_PASSWORD}
    );
    my $other = VKVM->new(uri => $bed->{URI_UNIX}, timeout => 60);
    my $pid   = fork // die $!;
    if (!$pid) {
        alarm 300;
        my $works  = eval { $conn->get_hostname };
        my $refuses = !eval { $other->get_hostname };
        my $opens  = eval { VKVM->new(uri => $bed->{URI_UNIX}, timeout => 60) };
        POSIX::_exit($works && $refuses && $opens ? 0 : 1);
    }
    waitpid $pid, 0;
    is($?, 0, 'a connection with reopen_after_fork is opened again, with its credentials; another is not');
};

handles_become({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
