# SPDX-License-Identifier: LGPL-2.1-or-later
# The host facade on libvirt's test driver: how commands are called, and the
# commands that this driver can do.

use strict;
use warnings;
use utf8;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestHost;
use VKVM;

my $host = VKVM::Host->new(uri => 'test:///default');
isa_ok($host, 'VKVM::Host');

# --- Methods come from the table ----------------------------------------

my $described = VKVM::Host->commands;
for my $full (sort keys %{ $described->{commands} }) {
    my ($object, $name) = @{ $described->{commands}{$full} }{qw(object name)};
    my $where = $object eq '' ? $host : $host->$object;
    ok($where->can($name), "there is a method for $full");
}
is(ref $host->net,   ref $host->network,   'net is network');
is(ref $host->iface, ref $host->interface, 'iface is interface');
ok(!$host->network->can('strat'), 'there is none for what does not exist');

refused(sub { $host->network->strat('x') }, qr/"network[.]strat".*autostart, conf, create/, 'a command');
refused(sub { $host->netwrk->start('x') }, qr/"netwrk".*list_domains.*network/, 'an object');
refused(sub { $host->call('a.b') }, qr/"a[.]b".*hypervisor/, 'an object in call');
refused(sub { $host->net->start('x', foo => 1) }, qr/"foo"; it has network, raw/, 'an argument');
refused(sub { $host->image->create('/x', '1M', foo => 1) }, qr/"foo"; it has path, size, f, b, /,
    'one behind all places');
refused(sub { $host->image->create('/x', foo => 1) }, qr/"foo"; it has path, size, f, b, /,
    'one where a place is left');
refused(sub { $host->image->create('/x', '1M', 'qcow2') }, qr/at most 2 .*; it has path, size, f, /,
    'an option in a place');
refused(sub { $host->net->start(network => 'x', foo => 1) }, qr/"foo"; it has network, raw/,
    'one where all are named');
refused(sub { $host->net->start }, qr/needs "network"/, 'a missing argument');
refused(sub { $host->net->start(1, 2, 3) }, qr/at most 1/, 'too many arguments');
refused(sub { $host->hypervisor->nodecpustats('x') }, qr/"cpu" is "x"/, 'a wrong number');
refused(sub { $host->hypervisor->nodecpustats([]) }, qr/"cpu" is a list/, 'a wrong type');
refused(sub { $host->call('network.start', [ {} ]) }, qr/"network" is a map; text/, 'a structure as text');
refused(sub { $host->net->start({}) }, qr/needs "network"/, 'a hash at the end, which is no text');
refused(sub { $host->net->start("a\0b") }, qr/NUL/, 'a NUL byte');
refused(sub { $host->call('network.start', { args => 1 }) }, qr/"args" is/, 'a wrong list');
refused(sub { $host->call('network.start', { args => ['a'], network => 'b' }) },
    qr/twice/, 'an argument that is given twice');
refused(sub { VKVM::Host::Network->info('x') }, qr{host: is no object}, 'a class where an object is needed');
refused(sub { VKVM::Host->new(url => 'x') }, qr/url: is no parameter of VKVM::Host->new; it has uri and conn/, 'a parameter of new');
refused(sub { VKVM::Host->new(uri => 'x', conn => $host->get_conn) }, qr/conn: was given besides a uri/, 'uri and conn');

# --- Arguments ----------------------------------------------------------

is_deeply($host->net->conf('default'), $host->net->conf(network => 'default'), 'by place, by name');
is_deeply($host->call('net.conf', ['default']), $host->net->conf('default'), 'as a list');
is_deeply($host->call('net.conf', { args => ['default'] }),
    $host->net->conf('default'), 'as a hash with a list');
is_deeply([ $host->net->define({ name => 'network', bridge => { '@name' => 'v1' } }) ],
    [ 1, 'Network network defined from document', '' ], 'a hash as document');
is($host->net->info('network')->{name}, 'network', 'a value that looks like a name');
is(scalar $host->net->undefine('network'), 1, 'in scalar context, the status');
$host->net->define({ name => 'lab', ip => { '@address' => '192.168.7.1', '@netmask' => '255.255.255.0',
            dhcp => { range => { '@start' => '192.168.7.2', '@end' => '192.168.7.9' } } } });
my $entry = { host => { '@mac' => '52:54:00:00:00:01', '@ip' => '192.168.7.5' } };
is_deeply([ $host->net->update('lab', 'add', 'ip-dhcp-host', $entry, { config => 1 }) ],
    [ 1, 'Updated network lab persistent config', '' ], 'a hash as the element of a section');
is($host->net->conf('lab')->{ip}{dhcp}{host}{'@ip'}, '192.168.7.5', 'which is there then');
is(($host->net->update('lab', 'delete', 'ip-dhcp-host', VKVM::to_xml($entry), config => 1))[2], '', 'as XML');
$host->net->undefine('lab');
is($host->hypervisor->maxvcpus(type => undef), 32, 'undef is as if left out');
is($host->hypervisor->freecell(cellno => 0)->{0}, '2048 KiB', '0 is a value');
is(scalar keys %{ $host->list_domains(all => '') }, 1, 'an empty string is false');

# --- Hypervisor ---------------------------------------------------------

my $hypervisor = $host->hypervisor;
is_deeply(
    $hypervisor->nodeinfo,
    {
        cpu_model => 'i686', cpus => 16, cpu_frequency => '1400 MHz', cpu_sockets => 2,
        cores_per_socket => 2, threads_per_core => 2, numa_cells => 2, memory_size => '3145728 KiB',
    },
    'nodeinfo'
);
is_deeply(
    [ @{ $hypervisor->nodeinfo(raw => 1) }{qw(cpu_frequency memory_size)} ],
    [ 1_400_000_000, 3_221_225_472 ],
    'nodeinfo, raw'
);
is($hypervisor->uri, 'test:///default', 'uri');
my $version = $hypervisor->version(daemon => 1);
like($version->{$_}, qr/\Alibvirt \d+[.]\d+[.]\d+\z/, "version: $_")
  for qw(compiled_against_library using_library);
like($version->{using_api},              qr/\ATEST \d+[.]\d+[.]\d+\z/, 'version: using_api');
like($version->{running_against_daemon}, qr/\A\d+[.]\d+[.]\d+\z/,      'version: daemon');
is($hypervisor->version(raw => 1)->{running_hypervisor}, 2, 'version, raw');
is($hypervisor->sysinfo->{type},         'smbios', 'sysinfo: its attribute');
is($hypervisor->sysinfo->{bios}{vendor}, 'LENOVO', 'sysinfo: an entry');
is($hypervisor->capabilities->{host}{cpu}{arch}, 'i686', 'capabilities');
is_deeply($hypervisor->nodecpumap,
    { cpus_present => 8, cpus_online => 3, cpu_map => 'y-y-y---' }, 'nodecpumap');
is($hypervisor->nodecpumap(pretty => 1)->{cpu_map}, '0,2,4', 'nodecpumap, pretty');
is_deeply($hypervisor->nodecpumap(raw => 1)->{cpu_map}, [ 0, 2, 4 ], 'nodecpumap, raw');
is_deeply([ sort keys %{ $hypervisor->nodecpustats } ], [qw(idle iowait system user)], 'nodecpustats');
is_deeply($hypervisor->freecell(all => 1),
    { 0 => '2048 KiB', 1 => '4096 KiB', total => '6144 KiB' }, 'freecell of all');
is($hypervisor->freecell(0, raw => 1)->{0}, 2048 * 1024, 'freecell, raw');
is_deeply([ keys %{ $hypervisor->freepages(0, '4KiB') } ], ['4kib'], 'freepages');
is_deeply([ sort keys %{ $hypervisor->freepages(all => 1) } ], [qw(node_0 node_1)], 'freepages of all');
ok((grep { $_ eq 'kvm64' } @{ $hypervisor->cpu_models('x86_64') }), 'cpu_models');
is(($hypervisor->nodesuspend('nowhere', 60))[2], q(error: Invalid target 'nowhere'; it must be mem, disk or hybrid), 'nodesuspend');
like(($hypervisor->nodesuspend('mem', 60))[2],
    qr/\Aerror: The host was not suspended\nerror: this function is not supported/, '... unsupported');
like(($hypervisor->cpu_compare('/nonexistent'))[2],
    qr{\Aerror: Failed to open file '/nonexistent': No such file}, 'cpu_compare without a file');
like(
    ($hypervisor->cpu_compare('<domain><name>x</name></domain>'))[2],
    qr/does not contain any <cpu> element/,
    '... without a CPU'
);
refused(sub { $hypervisor->freepages(0) }, qr/missing pagesize/, 'freepages without a size');
refused(sub { $hypervisor->freecell(0, all => 1) }, qr/exclusive/, 'one cell and all');
refused(sub { $hypervisor->node_memory_tune }, qr/not supported/, 'what the driver cannot do');

# --- Networks, interfaces, lists ----------------------------------------

my $folder = tempdir(CLEANUP => 1);
my $file = "$folder/n.xml";
open(my $out, '>', $file) or die "$file: $!";
print {$out} VKVM::to_xml('network', { name => 'br0', bridge => { '@name' => 'virbr9' } });
close $out;
is_deeply([ $host->network->define($file) ],
    [ 1, "Network br0 defined from $file", '' ], 'network.define of a file');
is_deeply([ $host->network->autostart('br0') ], [ 1, 'Network br0 marked as autostarted', '' ],
    'network.autostart');
is_deeply(
    $host->list_networks(all => 1),
    {
        br0     => { state => 'inactive', autostart => 1, persistent => 1 },
        default => { state => 'active',   autostart => 0, persistent => 1 },
    },
    'list_networks of all'
);
is_deeply([ keys %{ $host->list_networks } ], ['default'], 'list_networks');
is_deeply([ keys %{ $host->list_networks(inactive => 1) } ], ['br0'], '... of inactive ones');
is_deeply([ keys %{ $host->list_networks(all => 1, autostart => 1) } ], ['br0'], '... with a filter');
my $uuid = $host->net->uuid('br0');
is($host->net->name($uuid), 'br0', 'network.name and network.uuid');
is_deeply([ $host->net->start($uuid) ], [ 1, "Network $uuid started", '' ], 'network.start by uuid');
is_deeply([ $host->net->destroy('br0') ],  [ 1, 'Network br0 destroyed',          '' ], 'network.destroy');
is_deeply([ $host->net->undefine('br0') ], [ 1, 'Network br0 has been undefined', '' ], 'network.undefine');
is_deeply(
    [ $host->net->start('br0') ],
    [
        0, '',
        "error: failed to get network 'br0'\n"
          . "error: Network not found: no network with matching name 'br0'"
    ],
    'what virsh says about a failure'
);
is_deeply([ $host->net->define({ name => 'grün' }) ], [ 1, 'Network grün defined from document', '' ],
    'text is characters');
is($host->net->info('grün')->{name}, 'grün', '... in results, too');
is_deeply([ $host->virsh('net-undefine', 'grün') ],
    [ 1, 'Network grün has been undefined', '' ], 'a command by its name in virsh');
refused(sub { $host->net->info('grün') }, qr/Network not found/, 'a query about what is not there');

is_deeply($host->list_interfaces, { eth1 => { state => 'active', mac => 'aa:bb:cc:dd:ee:ff' } },
    'list_interfaces');
is($host->iface->mac('eth1'),               'aa:bb:cc:dd:ee:ff', 'interface.mac');
is($host->iface->name('aa:bb:cc:dd:ee:ff'), 'eth1',              'interface.name');
is_deeply([ $host->iface->begin ], [ 1, 'Network config change transaction started', '' ], 'begin');
is_deeply([ $host->iface->destroy('eth1') ], [ 1, 'Interface eth1 destroyed', '' ], 'interface.destroy');
is_deeply($host->list_interfaces(inactive => 1)->{eth1}{state}, 'inactive', '... and it is');
is_deeply([ $host->iface->start('eth1') ], [ 1, 'Interface eth1 started', '' ], 'interface.start');
is_deeply([ $host->iface->rollback ], [ 1, 'Network config change transaction rolled back', '' ],
    'rollback');
is(scalar $host->iface->commit, 0, 'commit without begin');
is($host->iface->conf('eth1')->{bridge}, undef, 'interface.conf');

is_deeply($host->list_domains, { test => { id => 1, state => 'running' } }, 'list_domains');
is_deeply($host->list_domains(title => 1), { test => { id => 1, state => 'running', title => '' } },
    '... with titles');
is_deeply($host->list_domains(states => ['paused']), {}, '... by state');
$host->domain->destroy('test');
is_deeply($host->list_domains(states => [$_]), { test => { id => -1, state => 'shut off' } }, "... by state: $_") for 'shut off', 'shutoff';
$host->domain->start('test');
is_deeply($host->list_domains(inactive => 1), {}, '... of inactive ones');
is_deeply($host->list_pools, { 'default-pool' => { state => 'active', autostart => 0 } }, 'list_pools');
is_deeply(
    $host->list_pools(details => 1)->{'default-pool'},
    {
        state => 'running', autostart => 0, persistent => 1,
        capacity => '100.00 GiB', allocation => '0.00 B', available => '100.00 GiB',
    },
    '... in detail'
);
is($host->list_pools(details => 1, raw => 1)->{'default-pool'}{capacity}, 100 * 2**30, '... raw');
is_deeply($host->list_volumes('default-pool'), {}, 'list_volumes');
is_deeply($host->list_snapshots('test'), {}, 'list_snapshots');

# --- Functions ----------------------------------------------------------

like(VKVM::gen_uuid(), qr/\A[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z/,
    'gen_uuid');
like(VKVM::gen_mac(), qr/\A54:52:00(?::[0-9a-f]{2}){3}\z/, 'gen_mac');
isnt(VKVM::gen_uuid(), VKVM::gen_uuid(), 'they differ');
my $document = { '@a' => 'ü', b => [ 'x', { '#text' => 'y', '@c' => 1 } ], d => 1 };
is_deeply(
    VKVM::from_xml(VKVM::to_xml('r', $document)),
    { r => { '@a' => 'ü', b => [ 'x', { '#text' => 'y', '@c' => '1' } ], d => '1' } },
    'to_xml and from_xml'
);
is(VKVM::to_xml({ r => { e => undef } }), VKVM::to_xml('r', { e => undef }), 'both forms of to_xml');
is_deeply(VKVM::from_xml("<a \x{100}='\x{263a}'/>"), { a => { "\@\x{100}" => "\x{263a}" } }, 'characters');
is_deeply(VKVM::from_xml('<a b="&#x263a;"><c>&#233;</c></a>'), { a => { '@b' => "\x{263a}", c => "\xe9" } },
    'characters as references');
refused(sub { VKVM::from_xml('<a>') }, qr/line 1/, 'malformed XML');

# --- Life time ----------------------------------------------------------

my $conn = VKVM->new(uri => 'test:///default');
my $other = VKVM::Host->new(conn => $conn);
undef $conn;
is($other->hypervisor->uri, 'test:///default', 'a host keeps its connection');
is($other->get_conn->get_uri, 'test:///default', '... and gives it');
undef $other;
undef $host;
undef $hypervisor;
is(VKVM::handle_count('host'), 0, 'nothing is left');

done_testing;
