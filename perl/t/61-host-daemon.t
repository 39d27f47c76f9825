# SPDX-License-Identifier: LGPL-2.1-or-later
# The specification's calls of hypervisor, interfaces, networks and secrets, in its
# order, on a private QEMU daemon. Values that depend on the machine are patterns.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(decode_base64 encode_base64);
use TestBed;
use Test::More;
use VKVM;

my $bed = TestBed->daemon('qemu-daemon', '--private-net') or plan skip_all => TestBed->reason;
my $host = VKVM::Host->new(uri => $bed->{URI});
my $folder = tempdir(CLEANUP => 1);

# Whether a value has the form of another: hashes the same keys, texts the pattern.
sub has_form {
    my ($got, $form, $name) = @_;
    if (ref $form eq 'HASH') {
        is_deeply([ sort keys %$got ], [ sort keys %$form ], "$name: the keys") or return;
        has_form($got->{$_}, $form->{$_}, "$name: $_") for sort keys %$form;
    }
    else {
        like($got, $form, $name);
    }
    return;
}

my $kib     = qr/\A\d+ KiB\z/;
my $int     = qr/\A\d+\z/;
my $percent = qr/\A\d+[.]\d%\z/;
my $release = qr/\A\w+ \d+[.]\d+[.]\d+\z/;

my $hypervisor = $host->hypervisor;
has_form(
    $hypervisor->version,
    {
        compiled_against_library => qr/\Alibvirt \d/, running_hypervisor => qr/\AQEMU \d/,
        using_api => qr/\AQEMU \d/, using_library => qr/\Alibvirt \d/,
    },
    'version'
);
like($hypervisor->uri, qr{\Aqemu}, 'uri');
SKIP: {
    my $sysinfo = eval { $hypervisor->sysinfo } or skip('this machine tells no system information', 1);
    is($sysinfo->{type}, 'smbios', 'sysinfo');
}
has_form(
    $hypervisor->nodeinfo,
    {
        cores_per_socket => $int, cpu_frequency => qr/\A\d+ MHz\z/, cpu_model => qr/./,
        cpu_sockets => $int, cpus => $int, memory_size => $kib, numa_cells => $int,
        threads_per_core => $int,
    },
    'nodeinfo'
);
has_form($hypervisor->nodecpumap,
    { cpu_map => qr/\A[y-]+\z/, cpus_online => $int, cpus_present => $int }, 'nodecpumap');
has_form($hypervisor->nodecpustats,
    { idle => $int, iowait => $int, system => $int, user => $int }, 'nodecpustats');
my $form = { map { $_ => $percent } qw(idle iowait system usage user) };
has_form($hypervisor->nodecpustats(percent => 1), $form, 'nodecpustats in percent');
my $cpu = $hypervisor->nodecpumap(raw => 1)->{cpu_map}[-1];
has_form($hypervisor->nodecpustats($cpu, percent => 1), $form, 'nodecpustats of a CPU');
my @newer = VKVM->get_version >= 12_003_000 ? ('available') : ();
has_form($hypervisor->nodememstats, { map { $_ => $kib } @newer, qw(buffers cached free total) },
    'nodememstats');
has_form($hypervisor->nodememstats(0), { map { $_ => $kib } qw(free total) }, 'nodememstats(0)');
is($hypervisor->nodememstats(raw => 1)->{total} % 1024, 0, 'nodememstats, raw');
SKIP: {
    my $tune = eval { $hypervisor->node_memory_tune }
      or skip('this kernel does not share memory pages', 1);
    like($tune->{$_}, $int, "node_memory_tune: $_") for sort keys %$tune;
}
is($hypervisor->capabilities->{guest}[0]{os_type} // $hypervisor->capabilities->{guest}{os_type},
    'hvm', 'capabilities');
is(ref $hypervisor->capabilities->{host}{cpu}, 'HASH', '... of the host');
my $cells = $hypervisor->freecell(all => 1);
like($cells->{$_}, $kib, "freecell(all): $_") for sort keys %$cells;
has_form($hypervisor->freecell(cellno => 0), { 0 => $kib }, 'freecell(cellno => 0)');

my $interfaces = $host->list_interfaces(all => 1);
is($interfaces->{lo}{mac}, '00:00:00:00:00:00', 'list_interfaces');
like($interfaces->{lo}{state}, qr{\A(?:in)?active\z}, '... with states');
is($host->iface->conf('lo')->{'@name'}, 'lo', 'iface.conf');

is_deeply($host->list_networks(all => 1), {}, 'list_networks: none');
my $file = "$folder/br0.xml";
open(my $out, '>', $file) or die "$file: $!";
print {$out}
  VKVM::to_xml('network', { name => 'br0', forward => { '@mode' => 'bridge' },
        bridge => { '@name' => 'br0' } });
close $out;
my $network = $host->network;
is_deeply([ $network->define($file) ], [ 1, "Network br0 defined from $file", '' ], 'network.define');
is_deeply([ $network->autostart('br0') ], [ 1, 'Network br0 marked as autostarted', '' ],
    'network.autostart');
is_deeply([ $network->start('br0') ], [ 1, 'Network br0 started', '' ], 'network.start');
is_deeply($host->list_networks, { br0 => { autostart => 1, persistent => 1, state => 'active' } },
    'list_networks: it runs');
my $conf = $host->net->conf('br0');
is_deeply([ $conf->{name}, $conf->{forward}, $conf->{bridge} ],
    [ 'br0', { '@mode' => 'bridge' }, { '@name' => 'br0' } ], 'net.conf');
is($network->name($conf->{uuid}), 'br0', 'network.name');
is_deeply([ $host->net->destroy('br0') ], [ 1, 'Network br0 destroyed', '' ], 'net.destroy');
is($host->list_networks(all => 1)->{br0}{state}, 'inactive', '... and it is');
is_deeply([ $host->net->undefine('br0') ], [ 1, 'Network br0 has been undefined', '' ],
    'net.undefine');
is_deeply($host->list_networks(all => 1), {}, '... and it is gone');

my $uuid   = VKVM::gen_uuid();
my $secret = {
    '@ephemeral' => 'no', '@private' => 'no', uuid => $uuid,
    usage => { '@type' => 'volume', volume => '/vm/disk/encrypted.qcow2' },
};
is_deeply([ $host->secret->define($secret) ], [ 1, "Secret $uuid created", '' ], 'secret.define');
is_deeply($host->list_secrets, { $uuid => 'volume /vm/disk/encrypted.qcow2' }, 'list_secrets');
is_deeply($host->secret->conf($uuid), $secret, 'secret.conf');
is_deeply([ $host->secret->set_value($uuid, encode_base64('passphrase', '')) ],
    [ 1, 'Secret value set', '' ], 'secret.set_value');
is(decode_base64($host->secret->get_value($uuid)), 'passphrase', 'secret.get_value');
is($host->secret->get_value($uuid, plain => 1), 'passphrase', '... plain');
is_deeply([ $host->secret->set_value($uuid, '?') ],
    [ 0, '', 'error: the value of the secret is not base64' ], '... of no base64');
is_deeply([ $host->secret->undefine($uuid) ], [ 1, "Secret $uuid deleted", '' ], 'secret.undefine');
is_deeply($host->list_secrets, {}, '... and it is gone');

done_testing;
