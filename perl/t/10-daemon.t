# SPDX-License-Identifier: LGPL-2.1-or-later
# Through a daemon: over TCP and a UNIX socket, and when the daemon is killed.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
VKVM::Event::register_default();

# Turns the loop until the condition holds.
sub run_until(&) {
    my ($condition) = @_;
    my $timer = VKVM::Event::add_timeout(20, sub { });
    within(120, sub { VKVM::Event::run_default() until $condition->() });
    VKVM::Event::remove_timeout($timer);
    return;
}

for my $uri (@$bed{qw(URI_TCP URI_UNIX)}) {
    subtest $uri =~ s/:\d+|=.*//gr => sub {
        my $conn = VKVM->new(uri => $uri);
        is($conn->get_type, 'TEST', 'get_type');
        is($conn->get_uri,  $uri,   'get_uri');
        is($conn->is_alive, 1,      'is_alive');
        is($conn->is_encrypted, 0, 'is_encrypted');
        is($conn->is_secure, $uri =~ /unix/ ? 1 : 0, 'is_secure');
        is($conn->get_library_version, VKVM->get_version, 'get_library_version');
        like($conn->get_capabilities, qr/^<capabilities>/, 'get_capabilities');
        is($conn->get_node_info->{model}, 'i686', 'get_node_info');
        returns_nothing { $conn->set_keep_alive(5, 3) } 'set_keep_alive';
        returns_nothing { $conn->set_keep_alive(-1, 0) } 'and off';

        my $dom = $conn->get_domain_by_uuid(TEST_UUID);
        is($dom->get_name, 'test', 'a domain');
        my $info = $dom->get_info;
        is($info->{maxMem}, 8388608, 'get_info');
        my $params = $dom->get_memory_parameters;
        $dom->set_memory_parameters({ hard_limit => 2**33 });
        is($dom->get_memory_parameters->{hard_limit}, 2**33, 'set_memory_parameters');
        $dom->set_memory_parameters($params);
        $dom->set_scheduler_parameters({ weight => 50 });
        is($dom->get_scheduler_parameters->{weight}, 50, 'set_scheduler_parameters');
        is_deeply([ map { $_->{dom}->get_name } $conn->get_all_domain_stats(0) ], ['test'],
            'get_all_domain_stats');

        my @events;
        my $id = $conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE,
            sub { push @events, [ $_[1]->get_name, @_[ 2, 3 ] ] });
        my $name = 'daemon-' . ($uri =~ /unix/ ? 'unix' : 'tcp');
        my $new  = $conn->define_domain(domain_xml($name));
        $new->create;
        $new->destroy;
        $new->undefine;
        run_until { @events >= 4 };
        is_deeply(\@events, [ map { [ $name, @$_ ] } [ 0, 0 ], [ 2, 0 ], [ 5, 1 ], [ 1, 0 ] ],
            'events: defined, started, stopped, undefined');
        $conn->domain_event_deregister_any($id);

        my $error = thrown { $conn->get_domain_by_name('nope') };
        is($error->code, VKVM::Error::ERR_NO_DOMAIN, 'an error');
        $error = thrown { $conn->define_domain("<a>\n</b>") };
        is($error->line, 2, 'the line of an error');
        my $ro = VKVM->new(uri => $uri, readonly => 1);
        $error = thrown { $ro->get_domain_by_name('test')->destroy };
        is($error->code, VKVM::Error::ERR_OPERATIONED_DENIED, 'readonly');
    };
}

subtest 'close callback' => sub {
    my @calls;
    my $conn = VKVM->new(uri => $bed->{URI_UNIX});
    returns_nothing { $conn->register_close_callback(sub { push @calls, 'first' }) }
    'register_close_callback';
    isa_ok(thrown { $conn->register_close_callback(sub { }) }, 'VKVM::Error', 'a second: exception');
    returns_nothing { $conn->unregister_close_callback } 'unregister_close_callback';
    $conn->register_close_callback(sub { push @calls, [@_] });

    my $dying = VKVM->new(uri => $bed->{URI_TCP});
    $dying->register_close_callback(sub { die "the end\n" });
    my $dom = $conn->get_domain_by_name('test');

    $bed->kill_daemon;
    is(thrown { run_until { 0 } }, "the end\n", 'one that dies');
    run_until { @calls };
    is(scalar @calls, 1, 'is called once');
    is($calls[0][0], $conn, 'with the connection');
    is($calls[0][1], VKVM::CLOSE_REASON_EOF, 'and the reason');
    is(scalar @{ $calls[0] }, 2, 'and nothing else');
    is($conn->is_alive, 0, 'is_alive');
    isa_ok(thrown { $dom->get_info }, 'VKVM::Error', 'a call: the exception');
    isa_ok(thrown { $conn->num_of_domains }, 'VKVM::Error', 'another');
    is($dom->get_name, 'test', 'what needs no daemon goes on');
    undef $dom;
    $conn->close;
    $dying->close;
};

# Each in a program of its own, for it may hang or be killed.
for my $what (qw(nothing unregister close undef exit call)) {
    my $other = TestBed->daemon('test-daemon');
    my ($status, $output) =
      run_perl("$FindBin::Bin/scripts/killed.pl", $other->{URI_UNIX}, $other->{PID}, $what);
    is($status, $what eq 'exit' ? 3 << 8 : 0, "a daemon is killed, then $what: exit status");
    is($output, $what eq 'exit' ? '' : "at the end\n", 'output');
}

my $turns = 0;
my $timer = VKVM::Event::add_timeout(2, sub { $turns++ });
VKVM::Event::run_default() until $turns > 5;
let_go();
handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
