# SPDX-License-Identifier: LGPL-2.1-or-later
# Many hosts at once: sixteen daemons, of which three hang and two are dead.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use TestBed;
use TestVKVM;

use VKVM;

my @beds;
for (1 .. 16) {
    push @beds, TestBed->daemon('test-daemon') // plan(skip_all => TestBed->reason);
}
my @uris = map { $_->{URI_UNIX} } @beds;

# How long the code takes, and what it returns.
sub timed(&) {
    my ($code) = @_;
    my $begin  = time;
    my @result = $code->();
    return (time - $begin, @result);
}

my $fleet = VKVM::Fleet->new(uris => \@uris, timeout => 120);

subtest 'all are well' => sub {
    my $hosts = $fleet->hosts;
    is_deeply([ map { $_->{uri} } @$hosts ], \@uris, 'the hosts, in order');
    is((grep { $_->{state} eq 'open' && length $_->{host} && !$_->{error} } @$hosts), 16, 'each is open');

    my $answers = $fleet->call('hypervisor.uri', undef, timeout => 120);
    is_deeply([ map { $_->{result} } @$answers ], \@uris, 'each answers for itself');
    $answers = $fleet->call('network.info', ['default'], timeout => 120);
    is((grep { $_->{result} && $_->{result}{name} eq 'default' } @$answers), 16, 'with arguments')
      or diag explain $answers->[0];
    $answers = $fleet->call('network.start', ['nosuch'], timeout => 120);
    is((grep { !$_->{result}[0] && $_->{result}[2] =~ /nosuch/ } @$answers), 16, 'each fails for itself')
      or diag explain $answers->[0];

    my ($domains, $errors) = $fleet->list_domains(timeout => 120);
    is(@$errors,  0,  'no errors');
    is(@$domains, 16, 'the one domain of each');
    is_deeply([ sort keys %{ $domains->[0] } ], [qw(host id name state uri)], 'what is in a row');
    is_deeply([ map { $_->{uri} } @$domains ], \@uris, 'whose it is');
    is(scalar @{ $fleet->list_domains }, 16, 'in scalar context');
};

subtest 'some are not' => sub {
    kill STOP => $beds[$_]{PID} for 1, 5, 9;
    $beds[$_]->kill_daemon for 3, 15;
    my ($domains, $errors) = $fleet->list_domains(timeout => 10);
    is_deeply([ map { $_->{uri} } @$domains ], [ @uris[ 0, 2, 4, 6 .. 8, 10 .. 14 ] ], 'eleven answer');
    my %error = map { $_->{uri} => $_->{error} } @$errors;
    is(keys %error, 5, 'five have errors');
    for my $i (1, 5, 9) {
        isa_ok($error{ $uris[$i] }, 'VKVM::Error', "host $i hangs: its error");
        is($error{ $uris[$i] }->code, VKVM::Error::ERR_OPERATION_TIMEOUT, 'which says so');
        like("$error{ $uris[$i] }", qr/\Q$uris[$i]\E was not answered within 10000 ms/, 'in words');
    }
    for my $i (3, 15) {
        isa_ok($error{ $uris[$i] }, 'VKVM::Error', "host $i is dead: its error");
        isnt($error{ $uris[$i] }->code, VKVM::Error::ERR_OPERATION_TIMEOUT, 'which is another one');
    }
    my $answers = $fleet->call('hypervisor.version', undef, timeout => 10);
    is((grep { defined $_->{result} } @$answers), 11, 'the next call has eleven answers, too');
    my %state;
    $state{ $_->{state} }++ for @{ $fleet->hosts };
    is_deeply(\%state, { open => 11, busy => 3, failed => 2 }, 'and it is known which hosts are not well');

    # A machine that has much to do may wake us late once, and not each time.
    for my $try (1 .. 20) {
        my ($seconds) = timed { $fleet->list_domains(timeout => 1.5) };
        cmp_ok($seconds, '>=', 1.5, 'what hangs is waited for') or last;
        next if $seconds >= 2 && $try < 20;
        cmp_ok($seconds, '<', 2, 'up to the deadline and half a second');
        last;
    }
};

subtest 'and well again' => sub {
    kill CONT => $beds[$_]{PID} for 1, 5, 9;
    $beds[$_]->restart for 3, 15;
    my $answers = $fleet->call('hypervisor.uri', undef, timeout => 120);
    is_deeply([ map { $_->{result} } @$answers ], \@uris, 'all sixteen answer');
    is((grep { $_->{state} eq 'open' && !$_->{error} } @{ $fleet->hosts }), 16, 'all are open');
};

subtest 'hosts that never were' => sub {
    my ($seconds, $other) = timed {
        kill STOP => $beds[0]{PID};
        VKVM::Fleet->new(uris => [ @uris[ 0, 1 ], 'test+unix:///default?socket=/nonexistent' ], timeout => 10);
    };
    cmp_ok($seconds, '<', 60, 'opening does not wait for them');
    is_deeply([ map { $_->{state} } @{ $other->hosts } ], [qw(failed open failed)], 'what they are');
    like($other->hosts->[0]{error}{message}, qr/was not opened within 10000 ms/, 'the opening that is late was ended');
    my ($late, $well, $failed) = @{ $other->call('hypervisor.uri', undef, timeout => 10) };
    like("$late->{error}", qr/was not opened within 10000 ms/, 'the one that hangs');
    is($late->{host}, undef, 'whose name is not known');
    is($well->{result}, $uris[1], 'the one that is well');
    isa_ok($failed->{error}, 'VKVM::Error', 'the one that is not there: its error');
    is($other->hosts->[2]{error}{code}, $failed->{error}->code, 'which is remembered');
    $other->set_limit(2);
    is($other->get_limit, 2, 'two are at work at once');
    own_error { $other->set_limit(0) } VKVM::Error::OWN_INVALID, 'limit', 'none at all';
    undef $other;    # while one of its hosts hangs
    kill CONT => $beds[0]{PID};
};

subtest 'wrong arguments' => sub {
    own_error { $fleet->call('pool.nosuch') } VKVM::Error::OWN_NOT_FOUND, 'command', 'no such command';
    isa_ok(thrown { $fleet->call('network.info', { nosuch => 1 }) }, 'VKVM::Error', 'no such argument');
    own_error { VKVM::Fleet->new(uris => []) } VKVM::Error::OWN_INVALID, 'uris', 'no hosts';
    own_error { VKVM::Fleet->new(uris => 'x') } VKVM::Error::OWN_INVALID, 'uris', 'no list';
    own_error { $fleet->call('list_domains', {}, timeot => 1) } VKVM::Error::OWN_INVALID, 'timeot', 'of call, too';
    own_error { $fleet->call('list_domains', {}, 5) } VKVM::Error::OWN_INVALID, 'params', 'a timeout without its name';
    own_error { $fleet->list_domains('all') } VKVM::Error::OWN_INVALID, 'params', 'a name without its value';
    my $error =
      own_error { VKVM::Fleet->new(uris => \@uris, timeout => 'x') } VKVM::Error::OWN_INVALID, 'timeout', 'no number';
    is($error->message, 'timeout: is "x"; a number of seconds from 0 to 4000000 is needed', 'the message');
    own_error { VKVM::Fleet->new(uris => \@uris, timeout => $_) } VKVM::Error::OWN_INVALID, 'timeout', 'nor is this'
      for -1, [], '', 'inf', '1 2';
    isa_ok(VKVM::Fleet->new(uris => [$uris[0]], timeout => $_), 'VKVM::Fleet', "a timeout of '$_'") for '2 ', '1e1', 10 / 3;
    own_error { VKVM::Fleet->new(uri => 'x') } VKVM::Error::OWN_INVALID, 'uri', 'no such parameter';
};

undef $fleet;
handles_are({ fleet => 0, host => 0, conn => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
