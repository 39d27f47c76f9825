# SPDX-License-Identifier: LGPL-2.1-or-later
# No call leaks: no Perl value (Test::LeakTrace), no handle, and no memory that
# only the process as a whole shows when the call is repeated very often.
#
# VKVM_REPEAT: how often (100000).

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

need_module('Test::LeakTrace', 'libtest-leaktrace-perl');

my $often = $ENV{VKVM_REPEAT} || 100_000;
my $uri   = 'test:///default';

VKVM::Event::register_default();
my $conn = VKVM->new(uri => $uri);
my $dom  = $conn->get_domain_by_id(1);
my $xml  = domain_xml('again');
my $uuid = TEST_UUID;

my $auth = File::Temp->new(SUFFIX => '.xml');
print $auth "<node><auth><user password='123456'>bob</user></auth></node>";
close $auth;
my @auth = (uri => 'test://' . $auth->filename, auth => 1, credlist => [ 2, 5 ]);

sub failing { my ($code) = @_; local $@; eval { $code->() }; return }

# One turn of the loop, bounded by a timer that is there all the time.
my $tick = VKVM::Event::add_timeout(1, sub { });
sub turn { return VKVM::Event::run_default() }

# Name, code; how much less often it is repeated, for what takes its time.
my @calls = (
    (map { my $method = $_; [ "conn $method" => sub { my @result = $conn->$method } ] }
        qw(get_type get_uri get_hostname get_version get_library_version get_node_info
          get_node_cpu_stats is_alive is_encrypted is_secure num_of_domains list_all_domains
          domain_event_deregister unregister_close_callback)),
    (map { my $method = $_; [ "domain $method" => sub { my @result = $dom->$method } ] }
        qw(get_autostart get_id get_info get_max_memory get_max_vcpus get_memory_parameters get_name
          get_scheduler_parameters get_scheduler_type get_state get_uuid get_uuid_string get_vcpus
          is_active is_persistent)),
    [ 'get_capabilities'    => sub { my $x = $conn->get_capabilities },    200 ],
    [ 'get_xml_description' => sub { my $x = $dom->get_xml_description },   10 ],
    [ 'get_domain_by_id'    => sub { my $d = $conn->get_domain_by_id(1) } ],
    [ 'get_domain_by_name'  => sub { my $d = $conn->get_domain_by_name('test') } ],
    [ 'get_domain_by_uuid'  => sub { my $d = $conn->get_domain_by_uuid($uuid) } ],
    [ 'list_domain_ids'     => sub { my @ids = $conn->list_domain_ids(10) } ],
    [ 'get_all_domain_stats' => sub { my @s = $conn->get_all_domain_stats(0) }, 2 ],
    [ 'get_all_domain_stats of some' => sub { my @s = $conn->get_all_domain_stats(0, [$dom]) }, 2 ],
    [ 'define and undefine' => sub { $conn->define_domain($xml)->undefine }, 50 ],
    [ 'create and destroy'  => sub { $conn->create_domain($xml)->destroy },  50 ],
    [ 'suspend and resume'  => sub { $dom->suspend; $dom->resume } ],
    [ 'set_autostart'       => sub { $dom->set_autostart(0) } ],
    [ 'set_memory'          => sub { $dom->set_memory(1048576) } ],
    [ 'set_vcpus'           => sub { $dom->set_vcpus(2) } ],
    [ 'set_memory_parameters' => sub { $dom->set_memory_parameters({ hard_limit => 2**40, soft_limit => '1' }) }, 2 ],
    [ 'set_scheduler_parameters' => sub { $dom->set_scheduler_parameters({ weight => 50 }) }, 2 ],
    [ 'get_time'       => sub { my $time = $dom->get_time } ],
    [ 'get_vcpu_info'  => sub { my @vcpus = $dom->get_vcpu_info }, 2 ],
    [ 'pin_vcpu'       => sub { $dom->pin_vcpu(0, "\xff\xff") } ],
    [ 'I/O threads'    => sub { $dom->add_iothread(1);
            $dom->set_iothread(1, { poll_max_ns => 1 });
            my @threads = $dom->get_iothread_info;
            $dom->del_iothread(1) }, 4 ],
    [ 'send_key'       => sub { $dom->send_key(0, 0, [ 1, '2' ]) } ],
    [ 'memory_peek'    => sub { my $data = $dom->memory_peek(0, 100, 2) } ],
    [ 'get_security_label' => sub { my $label = $dom->get_security_label } ],
    [ 'a closed file'  => sub { failing(sub { $dom->create_with_files([ 0, -1 ]) }) }, 2 ],
    [ 'open and free'  => sub { my $c = VKVM->new(uri => $uri) },                     20 ],
    [ 'open and close' => sub { my $c = VKVM->new(uri => $uri); $c->close },          20 ],
    [ 'open by a callback' => sub {
            my $c = VKVM->new(@auth, callback => sub {
                $_->{result} = $_->{type} == 2 ? 'bob' : '123456' for @{ $_[0] }; 0 });
        }, 500 ],
    [ 'a callback that refuses' => sub { failing(sub { VKVM->new(@auth, callback => sub { -1 }) }) }, 500 ],
    [ 'a callback that dies'    => sub { failing(sub { VKVM->new(@auth, callback => sub { die [] }) }) }, 500 ],

    [ 'not found'       => sub { failing(sub { $conn->get_domain_by_name('x') }) }, 2 ],
    [ 'undef for text'  => sub { failing(sub { $conn->get_domain_by_name(undef) }) }, 2 ],
    [ 'wrong class'     => sub { failing(sub { VKVM::Domain::get_name($conn) }) }, 2 ],
    [ 'a usage'         => sub { failing(sub { $dom->get_name(1) }) }, 2 ],
    [ 'a wrong UUID'    => sub { failing(sub { $conn->get_domain_by_uuid('x') }) }, 2 ],
    [ 'a malformed document' => sub { failing(sub { $conn->define_domain("<a>\n</b>") }) }, 10 ],
    [ 'a list of wrong objects' => sub { failing(sub { $conn->get_all_domain_stats(0, [ $dom, $conn ]) }) }, 2 ],
    [ 'an unknown key'  => sub { failing(sub { $dom->set_memory_parameters({ a => 1 }) }) }, 2 ],
    [ 'a wrong value'   => sub { failing(sub { $dom->set_memory_parameters({ hard_limit => [ { a => [] } ] }) }) }, 2 ],
    [ 'a wrong part'    => sub { failing(sub { $dom->set_memory_parameters({ a => [ { b => "\0" } ] }) }) }, 2 ],
    [ 'a wrong event'   => sub { failing(sub { $conn->domain_event_register_any(undef, 4711, sub { $dom }) }) }, 2 ],
    [ 'a wrong callback' => sub { failing(sub { $conn->domain_event_register_any(undef, 0, 'x') }) }, 2 ],
    [ 'no text of VKVM::Error' => sub { my $x = eval { $conn->get_domain_by_id(4711) } || "$@" }, 2 ],
);

# These need turns of the loop.
my @looping = (
    [ 'register and deregister' => sub {
            $conn->domain_event_deregister_any($conn->domain_event_register_any(undef, 0, sub { $dom }));
            let_go() } ],
    [ 'one registration for two' => sub {
            my @ids = map { $conn->domain_event_register_any(undef, 0, sub { $dom }) } 1 .. 2;
            $conn->domain_event_deregister_any($_) for @ids;
            let_go() } ],
    [ 'a timer'  => sub { my $t = VKVM::Event::add_timeout(0, sub { $dom }); turn();
            VKVM::Event::remove_timeout($t); let_go() } ],
    [ 'a timer that dies' => sub { my $t = VKVM::Event::add_timeout(0, sub { die [$dom] }); failing(\&turn);
            VKVM::Event::remove_timeout($t); let_go() } ],
    [ 'a watch'  => sub { my $w = VKVM::Event::add_handle(0, 0, sub { $dom });
            VKVM::Event::remove_handle($w); let_go() } ],
    [ 'events' => sub {
            my ($count, $id) = 0;
            $id = $conn->domain_event_register_any(undef, 0, sub { my @args = @_; $count++ });
            $dom->suspend; $dom->resume;
            turn() until $count == 2;
            $conn->domain_event_deregister_any($id); let_go() } ],
    [ 'events that die' => sub {
            my ($count, $id) = 0;
            $id = $conn->domain_event_register_any($dom, 0, sub { $count++; die { args => \@_ } });
            $dom->suspend;
            failing(\&turn) until $count;
            $dom->resume;
            $conn->domain_event_deregister_any($id); let_go() } ],
);

sub handles { return join ' ', map { VKVM::handle_count($_) } qw(conn domain value error) }
my $handles = handles();

for my $call (@calls, @looping) {
    my ($name, $code) = @$call;
    $code->() for 1 .. 3;    # what is made once and kept
    Test::LeakTrace::no_leaks_ok($code, $name);
    is(handles(), $handles, "$name: handles");
}

# In KiB, of this process.
sub resident {
    open(my $status, '<', '/proc/self/status') or return;
    my ($size) = map { /^VmRSS:\s+(\d+)/ ? $1 : () } <$status>;
    return $size;
}

SKIP: {
    skip('there is no /proc/self/status here', 1) unless resident();
    # A leak of 16 bytes per call would be 1600 KiB in 100,000 calls.
    my $allowed = 768;
    for my $call (@calls, map { [ @$_[ 0, 1 ], 200 ] } @looping) {
        my ($name, $code, $less) = @$call;
        my $count = int($often / ($less // 1)) || 1;
        $code->() for 1 .. $count / 5 + 1;
        # The kernel may give a process more pages at once; a leak is there each time.
        my $more;
        for (1 .. 3) {
            my $before = resident();
            $code->() for 1 .. $count;
            $more = resident() - $before;
            last if $more <= $allowed;
        }
        cmp_ok($more, '<=', $allowed, "$name: KiB more after $count times");
    }
    is(handles(), $handles, 'handles');
}

done_testing;
