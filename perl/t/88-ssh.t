# SPDX-License-Identifier: LGPL-2.1-or-later
# ssh does not ask its user unless the program wants that. A program in place of ssh writes
# down how it was started, and leads to a real daemon.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Fleet;
use VKVM::Host;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
my $dir = tempdir(CLEANUP => 1);
my $started = "$dir/started";
my $ssh     = write_relay("$dir/ssh", $bed->{SOCKET}, $started);

my $plain = "test+ssh://localhost/default?command=$ssh&socket=$bed->{SOCKET}";

# How ssh was started in the meantime: asking or batch.
sub was_started {
    open(my $file, '<', $started) or return 'not at all';
    my @how = map { /-o BatchMode=yes/ ? 'batch' : 'asking' } <$file>;
    unlink $started;
    return join ' ', @how;
}

subtest 'nobody is asked' => sub {
    my $conn = VKVM->new(uri => $plain);
    is($conn->get_domain_by_name('test')->get_name, 'test', 'a connection over ssh');
    is(was_started(), 'batch', 'ssh runs in its batch mode');
    is($conn->get_uri, $plain, 'get_uri tells what was given');
    is($conn->get_domain_by_name('test')->get_conn->get_uri, $plain, 'and so does that of a domain');
    VKVM::Host->new(uri => $plain);
    is(was_started(), 'batch', 'for the facade');
    VKVM::Fleet->new(uris => [$plain])->list_domains;
    is(was_started(), 'batch', 'for a fleet');
    VKVM->new(uri => $plain, auth => 1, credlist => [], callback => sub { 0 });
    is(was_started(), 'batch', 'with a callback for credentials, which ssh cannot use');
    local $ENV{LIBVIRT_DEFAULT_URI} = $plain;
    is(VKVM->new->get_uri, $plain, 'the default URI of the environment');
    is(was_started(), 'batch', 'is opened in the same way');
};

subtest 'the program decides' => sub {
    for my $row ([ 0, 'asking' ], [ 1, 'batch' ]) {
        my ($value, $how) = @$row;
        my $uri = "$plain&no_tty=$value";
        is(VKVM->new(uri => $uri)->get_uri, $uri, "no_tty=$value stays in the URI");
        is(was_started(), $how, "and is followed");
    }
    is(VKVM->new(uri => $plain, auth => 1)->get_uri, $plain, "with libvirt's own prompt");
    is(was_started(), 'asking', 'ssh may ask as well');
};

subtest 'in a child' => sub {
    VKVM::reopen_after_fork(1);
    my $conn = VKVM->new(uri => $plain);
    was_started();
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        alarm 300;
        my $right = $conn->get_uri eq $plain && $conn->get_hostname;
        POSIX::_exit($right ? 0 : 1);
    }
    waitpid $pid, 0;
    is($?, 0, 'the connection is opened again');
    is(was_started(), 'batch', 'in the same way');
    VKVM::reopen_after_fork(0);
};

subtest 'the drop-in' => sub {
    my (undef, $uri) = run_perl('-MVKVM::SysVirt', '-e', 'print Sys::Virt->new(uri => shift)->get_uri', $plain);
    is($uri, $plain, 'get_uri tells what was given');
    is(was_started(), 'asking', 'someone at the terminal may answer, as with Sys::Virt');
    run_perl('-MVKVM::SysVirt', '-e', 'Sys::Virt->new(uri => shift)', "$plain&no_tty=1");
    is(was_started(), 'batch', 'unless the program says that nobody is there');
};

done_testing;
