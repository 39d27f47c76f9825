# SPDX-License-Identifier: LGPL-2.1-or-later
# A program for Sys::Virt that looks at what programs look at besides the answers of
# methods: the classes of objects and errors, private functions, how arguments are passed.
# Its argument is a URI of the test driver.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Scalar::Util qw(blessed);
use SysVirtShow;

use Sys::Virt 4.0.0;
use Sys::Virt::Event;

$| = 1;
my ($uri) = @ARGV;
my @warnings;
$SIG{__WARN__} = sub {
    my ($text) = @_;
    # In Sys::Virt some of these are of its Perl code, and others name a variable.
    push @warnings, $text =~ s/^(Use of uninitialized value) .*/$1/sr =~ s/ at \S+ line.*//sr;
};

# The classes of what a block returns, or of its exception, and the warnings.
sub classes {
    my ($name, $code) = @_;
    @warnings = ();
    my @result = eval { $code->() };
    @result = ('dies', $@) if $@;
    show($name, map { ref $_ || $_ } @result);
    return;
}

# What a block returns, and the warnings.
sub value {
    my ($name, $code) = @_;
    @warnings = ();
    my @result = eval { $code->() };
    show($name, $@ ? ('dies with code ' . (ref $@ ? $@->code : '-')) : @result);
    show("$name: warnings", @warnings);
    return;
}

Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);
my $dom  = $conn->get_domain_by_name('test');
my $net  = $conn->get_network_by_name('default');
my $pool = $conn->get_storage_pool_by_name('default-pool');
my $new  = '<volume><name>v</name><capacity>1048576</capacity></volume>';
my $vol  = $pool->create_volume($new);

# --- classes ---------------------------------------------------------------------

classes('connection', sub { $conn });
classes('by reference', sub { $conn->new(uri => $uri) });
classes('address', sub { Sys::Virt->new(address => $uri) });
for my $method (qw(
  list_all_domains list_all_interfaces list_all_networks list_all_node_devices
  list_all_storage_pools list_domains list_networks list_storage_pools list_node_devices
)) { classes($method, sub { $conn->$method }) }
classes('list_all_volumes', sub { $pool->list_all_volumes });
classes('snapshot', sub { $dom->create_snapshot('<domainsnapshot><name>s</name></domainsnapshot>') });
classes('stream', sub { $conn->new_stream });
classes('error', sub { $conn->get_domain_by_name('nobody') });
classes('error of new', sub { Sys::Virt->new(uri => 'nowhere:///') });
show('blessed', map { blessed $_ } $conn, $dom, $net, $pool, $vol);
show('isa', map { $_->[0]->isa($_->[1]) ? 1 : 0 } [ $conn, 'Sys::Virt' ],
    [ $dom, 'Sys::Virt::Domain' ], [ $dom, 'Sys::Virt' ], [ $vol, 'Sys::Virt::StorageVol' ]);
show('text', "$dom" =~ /^(.*)=SCALAR\(0x/);
classes('no method', sub { $dom->no_such_method });
show('no method: text', (eval { $dom->no_such_method } // $@) =~ /^(.*) at /);

{
    my ($class, @seen);
    my $id = $conn->domain_event_register_any(undef, Sys::Virt::Domain::EVENT_ID_LIFECYCLE,
        sub { @seen = map { ref } @_[ 0, 1 ]; return });
    $dom->suspend;
    $dom->resume;
    Sys::Virt::Event::run_default() until @seen;
    show('event', @seen);
    $conn->domain_event_deregister_any($id);
}

# --- versions --------------------------------------------------------------------

show('version', $Sys::Virt::VERSION eq Sys::Virt->VERSION ? 1 : 0,
    $Sys::Virt::VERSION =~ /^[0-9]+\.[0-9]+\.[0-9]+$/ ? 1 : 0);
show('a later version', eval { Sys::Virt->VERSION('1000.0.0'); 1 } // 'refused');

# --- private functions ----------------------------------------------------------

my @uuid = (uuid => $dom->get_uuid);
my $xml  = $dom->get_xml_description =~ s/<name>test</<name>other</r =~ s{<uuid>.*</uuid>}{}r =~ s/ id='1'//r;
value('_new name',   sub { Sys::Virt::Domain->_new(connection => $conn, name => 'test')->get_name });
value('_new id',     sub { Sys::Virt::Domain->_new(connection => $conn, id => 1)->get_name });
value('_new uuid',   sub { Sys::Virt::Domain->_new(connection => $conn, @uuid)->get_name });
value('_new define', sub {
    Sys::Virt::Domain->_new(connection => $conn, xml => $xml, nocreate => 1, flags => 0)->get_id });
value('_new create', sub {
    ref Sys::Virt::Domain->_new(connection => $conn, xml => $xml, flags => 0) });
value('_new network', sub { Sys::Virt::Network->_new(connection => $conn, name => 'default')->get_name });
value('_new pool', sub {
    Sys::Virt::StoragePool->_new(connection => $conn, name => 'default-pool')->get_name });
value('_new pool of volume', sub {
    Sys::Virt::StoragePool->_new(connection => $conn, volume => $vol)->get_name });
value('_new volume', sub { Sys::Virt::StorageVol->_new(pool => $pool, name => 'v')->get_name });
value('_new path', sub {
    Sys::Virt::StorageVol->_new(connection => $conn, path => $vol->get_path)->get_name });
value('_new clone', sub {
    Sys::Virt::StorageVol->_new(pool => $pool, xml => $new =~ s/>v</>w</r, clone => $vol)->get_name });
value('_new device', sub {
    Sys::Virt::NodeDevice->_new(connection => $conn, name => 'computer')->get_name });
value('_new interface', sub {
    Sys::Virt::Interface->_new(connection => $conn, name => 'eth1')->get_name });
value('_new snapshot', sub { Sys::Virt::DomainSnapshot->_new(domain => $dom, name => 's')->get_name });
value('_new stream', sub { ref Sys::Virt::Stream->_new(connection => $conn, flags => 0) });
value('_new of nobody', sub { Sys::Virt::Domain->_new(connection => $conn, name => 'nobody') });
value('_lookup_by_name', sub { Sys::Virt::Domain::_lookup_by_name($conn, 'test')->get_name });
value('_lookup_by_volume', sub { Sys::Virt::StoragePool::_lookup_by_volume($vol)->get_name });
value('_get_conn_version', sub { $conn->_get_conn_version == $conn->get_version ? 1 : 0 });
value('_open', sub { ref Sys::Virt::_open($uri, 0) });

{
    package My::Conn;
    our @ISA = ('Sys::Virt');

    package My::Domain;
    our @ISA = ('Sys::Virt::Domain');
}
classes('subclass', sub { My::Conn->new(uri => $uri) });
classes('of a subclass', sub { My::Conn->new(uri => $uri)->get_domain_by_id(1) });
classes('_new of a subclass', sub { My::Domain->_new(connection => $conn, id => 1) });

# --- arguments -------------------------------------------------------------------

my @arguments = ('test');
value('an array', sub { Sys::Virt::get_domain_by_name($conn, @arguments)->get_name });
value('more arguments', sub { $conn->get_domain_by_name('test', 'more')->get_name });
value('more arguments of create_volume', sub {
    $pool->create_volume($new =~ s/>v</>x</r, 4711)->get_name });
value('more arguments of get_volume_by_name', sub { $pool->get_volume_by_name('v', 1, 2)->get_name });
value('more parameters', sub { ref Sys::Virt->new(uri => $uri, timeout => 5) });
value('undef for a bool', sub { $dom->set_autostart(undef); $dom->get_autostart });
value('false for a bool', sub { $dom->set_autostart(!1); $dom->get_autostart });
value('empty for a bool', sub { $dom->set_autostart('') ; $dom->get_autostart });
value('undef for text', sub { $conn->get_domain_by_name(undef) });
value('-1 for flags', sub { $conn->list_all_domains(-1) });

# --- answers ---------------------------------------------------------------------

my $off = $conn->define_domain($xml =~ s/<name>other</<name>off</r);
value('get_id', sub { $off->get_id });
value('get_max_vcpus', sub { $off->get_max_vcpus });
value('deregister', sub { $conn->domain_event_deregister_any(4711); 'goes on' });
value('register twice', sub { Sys::Virt::Event::register_default(); 'goes on' });
value('unknown keys', sub {
    $dom->set_scheduler_parameters({ weight => 50, no_such_key => 1 });
    'goes on';
});
value('a negative limit', sub {
    $off->set_memory_parameters({ hard_limit => -1, swap_hard_limit => -1 });
    'goes on';
});

show('end');
