# SPDX-License-Identifier: LGPL-2.1-or-later
# Objects in a forked child: with reopen_after_fork they are found on a connection of the
# child's own, also in its children; without it each call fails with the
# code of a broken connection. The parent's connection works all the time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX ();
use RichBed;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;
use VKVM::Host;

VKVM::Event::register_default();

# Runs a block in a child, which gives what the block returns, or its exception.
sub in_child(&) {
    my ($code) = @_;
    my $pid = open(my $pipe, '-|') // die "cannot fork: $!";
    if (!$pid) {
        alarm 300;
        $| = 1;
        print eval { join ' ', $code->() } // (ref $@ ? 'error ' . $@->code : "died: $@");
        POSIX::_exit(0);
    }
    local $/;
    my $answer = <$pipe> // '';
    close $pipe;
    return $? ? "status $?: $answer" : $answer;
}

sub objects_of {
    my ($conn) = @_;
    my $dom  = $conn->get_domain_by_name('test');
    my $pool = $conn->get_storage_pool_by_name('default-pool');
    my ($vol) = $pool->list_all_volumes;
    $vol //= $pool->create_volume('<volume><name>v</name><capacity>1048576</capacity></volume>');
    my ($snapshot) = $dom->list_all_snapshots;
    $snapshot //= $dom->create_snapshot('<domainsnapshot><name>s</name></domainsnapshot>');
    return (
        [ $dom,  'get_xml_description' ],
        [ $snapshot, 'get_xml_description' ],
        [ $conn->get_network_by_name('default'), 'get_xml_description' ],
        [ $conn->get_interface_by_name('eth1'), 'get_xml_description' ],
        [ $pool, 'get_xml_description' ],
        [ $vol,  'get_path' ],
        [ $conn->get_node_device_by_name('computer'), 'get_xml_description' ],
        [ ($conn->list_all_node_devices)[0], 'get_xml_description' ],
        [ $conn, 'get_capabilities' ],
    );
}

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
my $uri = $bed->{URI_UNIX};
my $old = VKVM->new(uri => $uri);
VKVM::reopen_after_fork(1);

subtest 'each class' => sub {
    my $conn = VKVM->new(uri => $uri);
    for my $row (objects_of($conn)) {
        my ($object, $method) = @$row;
        my $same = $object->$method;
        is(in_child { $object->$method }, $same, ref $object);
        is(in_child { in_child { $object->$method } }, $same, ref($object) . ' in a grandchild');
        is(in_child { $object->$method; in_child { $object->$method } },
            $same, ref($object) . ' in a grandchild, after its parent has used it');
        is($object->$method, $same, ref($object) . ' in the parent');
    }
};

subtest 'a connection of its own' => sub {
    my $conn = VKVM->new(uri => $uri, readonly => 1);
    my $dom  = $conn->get_domain_by_name('test');
    is(in_child { $dom->suspend }, 'error 29', 'is opened with the flags of the first: it is read-only');
    my $count = sub { join ' ', map { VKVM::handle_count($_) } qw(conn domain) };
    my $before = $count->();
    is(in_child { $dom->get_info; $conn->get_uri; $count->() }, $before, 'no handles come from that');
    is(in_child { $dom->get_info; undef $dom; undef $conn; 'freed' }, 'freed', 'it is closed by the child');
    is(in_child { $dom->get_info; $conn->close; eval { $conn->get_hostname }; $@ ? 'closed' : 'open' },
        'closed', 'or explicitly');
    is(in_child { undef $dom; undef $conn; 'freed' }, 'freed', 'objects that the child does not use are freed');
    is($conn->is_alive, 1, 'the parent goes on');
    is($dom->get_name, 'test', 'with its objects');
};

subtest 'what a child cannot have again' => sub {
    is(in_child { $old->get_hostname }, 'error 38', 'a connection from before reopen_after_fork');
    my $conn   = VKVM->new(uri => $uri);
    my $stream = $conn->new_stream;
    is(in_child { $stream->send('x', 1) }, 'error 38', 'a stream');
    my $queue = VKVM::EventQueue->new;
    is(in_child { $queue->get_length }, 'error 38', 'an event queue');
    my $asked = VKVM->new(uri => $uri, auth => 1, credlist => [], callback => sub { 0 });
    is(in_child { $asked->get_hostname }, 'error 38', 'a connection that asked for credentials');
    my $other = $conn->define_domain(domain_xml('gone'));
    is(in_child { $conn->get_domain_by_name('gone')->undefine; $other->get_info }, 'error 42',
        'an object that is no longer there');
    VKVM::reopen_after_fork(0);
    my $later = VKVM->new(uri => $uri);
    is(in_child { $later->get_hostname }, 'error 38', 'a connection that is opened after it was turned off');
    is(in_child { $conn->get_uri eq $uri ? 'open' : 'another' }, 'open', 'earlier ones are opened again');
    VKVM::reopen_after_fork(1);
};

subtest 'events' => sub {
    my $conn = VKVM->new(uri => $uri);
    my $dom  = $conn->get_domain_by_name('test');
    my @seen;
    my $id = $conn->domain_event_register_any($dom, VKVM::Domain::EVENT_ID_LIFECYCLE,
        sub { push @seen, "$$ $_[2]"; return });
    my $run = sub {
        my $late;
        my $timer = VKVM::Event::add_timeout($_[0], sub { $late = 1; return });
        VKVM::Event::run_default() until @seen >= 2 || $late;
        VKVM::Event::remove_timeout($timer);
        return;
    };
    is(in_child { $dom->suspend; $dom->resume; $run->(500); scalar @seen }, 0,
        'what the parent registered tells the child nothing');
    $run->(20_000);
    is_deeply(\@seen, [ "$$ 3", "$$ 4" ], 'and the parent what the child did');
    @seen = ();
    is(in_child {
        my $own = $conn->domain_event_register_any($dom, VKVM::Domain::EVENT_ID_LIFECYCLE,
            sub { push @seen, $_[2]; return });
        $dom->suspend;
        $dom->resume;
        $run->(20_000);
        $conn->domain_event_deregister_any($own);
        @seen;
    }, '3 4', 'the child registers for itself');
    @seen = ();
    $conn->domain_event_deregister_any($id);
    is($dom->get_name, 'test', 'the parent goes on');
};

subtest 'the facade' => sub {
    my $host = VKVM::Host->new(uri => $uri);
    is(in_child { sort keys %{ $host->list_domains } }, 'test', 'a host');
    is(join(' ', sort keys %{ $host->list_domains }), 'test', 'the parent goes on');
};

subtest 'a host with everything' => sub {
    my $rich = RichBed->new(boot => 0) or plan(skip_all => RichBed->reason);
    my $conn = VKVM->new(uri => $rich->uri);
    my %same = (
        NetworkPort     => $conn->get_network_by_name('ports')->get_port_by_uuid(RichBed::PORT_UUID),
        Secret          => $conn->get_secret_by_uuid(RichBed::SECRET_UUID),
        DomainSnapshot  => $conn->get_domain_by_name('off')->get_snapshot_by_name('root'),
        NWFilter        => $conn->get_nwfilter_by_name('vk'),
        'NWFilter of a list' => (grep { $_->get_name eq 'vk' } $conn->list_all_nwfilters)[0],
        NWFilterBinding => $conn->get_nwfilter_binding_by_port_dev('lo'),
        'NWFilterBinding of a list' => ($conn->list_all_nwfilter_bindings)[0],
    );
    for my $class (sort keys %same) {
        my $object = $same{$class};
        my $xml    = $object->get_xml_description;
        is(in_child { $object->get_xml_description }, $xml, $class);
        is($object->get_xml_description, $xml, "$class in the parent");
    }
};

done_testing;
