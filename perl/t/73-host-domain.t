# SPDX-License-Identifier: LGPL-2.1-or-later
# The host facade on libvirt's test driver: domains.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestHost;

use VKVM;

my $host   = VKVM::Host->new(uri => 'test:///default');
my $domain = $host->domain;

my $xml = {
    '@type' => 'test', name => 'd', memory => { '@unit' => 'MiB', '#text' => 64 },
    currentMemory => { '@unit' => 'MiB', '#text' => 64 }, vcpu => 2, os => { type => 'hvm' },
    devices => {
        disk => {
            '@type' => 'file', source => { '@file' => '/d.img' }, target => { '@dev' => 'vda' },
        },
        interface => {
            '@type' => 'network', source => { '@network' => 'default' },
            mac => { '@address' => '52:54:00:00:00:01' },
        },
    },
};
my $no_domain = qr/\Aerror: failed to get domain 'none'\z/;

subtest 'life cycle' => sub {
    works([ $domain->define($xml) ], q(Domain 'd' defined from document), 'define');
    fails([ $domain->define('<domain/>') ], qr/\Aerror: Failed to define domain from document\nerror: /, 'define');
    works([ $domain->start('d') ], q(Domain 'd' started), 'start');
    fails([ $domain->start('d') ], qr/\Aerror: Domain is already active\z/, 'start of what runs');
    works([ $domain->suspend('d') ], q(Domain 'd' suspended), 'suspend');
    is($domain->state('d'), 'paused', 'state');
    is($domain->state('d', reason => 1), 'paused (user)', '... with the reason');
    works([ $domain->resume('d') ], q(Domain 'd' resumed), 'resume');
    works([ $domain->reboot('d') ], q(Domain 'd' is being rebooted), 'reboot');
    fails([ $domain->reboot('d', 'kindly') ], qr/\Aerror: Unknown mode kindly value, expecting 'acpi'/, 'reboot');
    works([ $domain->reset('d') ], q(Domain 'd' was reset), 'reset');
    works([ $domain->inject_nmi('d') ], '', 'inject_nmi');
    works([ $domain->shutdown('d') ], q(Domain 'd' is being shutdown), 'shutdown');
    fails([ $domain->shutdown('d') ], qr/\Aerror: Failed to shutdown domain 'd'\nerror: /, '... again');
    fails([ $domain->start('d', paused => 1) ], qr/\Aerror: Failed to start domain 'd'\nerror: /, 'start, paused');
    $domain->start('d');
    works([ $domain->destroy('d') ], q(Domain 'd' destroyed), 'destroy');
    fails([ $domain->destroy('d') ], qr/\Aerror: Failed to destroy domain 'd'\nerror: /, '... again');
    works([ $domain->autostart('d') ], q(Domain 'd' marked as autostarted), 'autostart');
    works([ $domain->autostart('d', disable => 1) ], q(Domain 'd' unmarked as autostarted), '... not');
    fails([ $domain->pmsuspend('d', 'nowhere') ], qr/\Aerror: Invalid target 'nowhere'; it must be mem, disk or hybrid\z/, 'pmsuspend');
    fails([ $domain->pmsuspend('d', 'mem') ], qr/\Aerror: Domain 'd' could not be suspended\n/, 'pmsuspend');
    fails([ $domain->pmwakeup('d') ], qr/\Aerror: Domain 'd' could not be woken up\n/, 'pmwakeup');
    $domain->start('d');
    works([ $domain->stop('d', timeout => 5) ], '', 'stop');
    is($domain->state('d'), 'shut off', '... and it is');
    fails([ $domain->undefine('d', nvram => 1, keep_nvram => 1) ],
        qr/\Aerror: Options --nvram and --keep-nvram are mutually exclusive\z/, 'undefine');
    fails([ $domain->undefine('d', storage => 'vdz') ],
        qr/\Aerror: Volume 'vdz' was not found in domain's definition[.]\z/, '... a disk that is not there');
    is_deeply(
        [ $domain->undefine('d', storage => 'vda') ],
        [
            1,
            "Domain 'd' has been undefined",
            "error: Storage volume 'vda'(/d.img) is not managed by libvirt. Remove it manually."
        ],
        '... with a disk of no pool'
    );
    works([ $domain->create($xml) ], q(Domain 'd' created from document), 'create');
    fails([ $domain->create($xml) ], qr/\Aerror: Failed to create domain from document\n/, 'create');
    fails([ $domain->create('/none') ], qr{\Aerror: Failed to open file '/none': No such}, 'create');
    fails([ $domain->$_('none', $_ eq 'pmsuspend' ? 'mem' : ()) ], $no_domain, $_)
      for qw(start suspend resume reboot reset inject_nmi shutdown destroy autostart pmsuspend pmwakeup stop
      undefine);
};

subtest 'facts' => sub {
    my $info = $domain->info('d');
    is_deeply([ @{$info}{qw(name os_type state cpus max_memory used_memory persistent autostart managed_save)} ],
        [ 'd', 'linux', 'running', 2, '65536 KiB', '65536 KiB', 0, 'disable', 0 ], 'info');
    like($info->{cpu_time}, qr/\A\d+[.]\ds\z/, '... times');
    is($info->{security_label}, 'libvirt-test (enforcing)', '... security');
    is($domain->info('d', raw => 1)->{max_memory}, 64 * 2**20, '... raw');
    is($domain->conf('d')->{devices}{disk}[0]{source}{'@file'}, '/d.img', 'conf: disks are a list');
    is($domain->conf('d', inactive => 1)->{name}, 'd', '... inactive');
    is($domain->control('d'), 'ok', 'control');
    my $uuid = $domain->uuid('d');
    is($domain->name($uuid), 'd', 'name and uuid');
    cmp_ok($domain->id('d'), '>', 1, 'id');
    is($domain->name($domain->id('d')), 'd', '... finds it');
    works([ $domain->desc('d', [qw(hello world)], live => 1) ],
        'Domain description updated successfully', 'desc');
    works([ $domain->desc('d', 'T', title => 1) ], 'Domain title updated successfully', '... of the title');
    is_deeply($domain->desc('d'), { description => 'hello world' }, '... tells it');
    is_deeply($domain->desc('d', title => 1), { title => 'T' }, '... and the title');
    fails([ $domain->desc('d', 'x', live => 1, current => 1) ],
        qr/Options --current and --live are mutually exclusive/, 'desc of two states');
    refused(sub { $domain->display('d') }, qr/No graphical display found/, 'display of none');
    refused(sub { $domain->ttyconsole('d') }, qr/no console/, 'ttyconsole of none');
    like($domain->time('d', raw => 1), qr/\A\d+\z/, 'time');
    like($domain->time('d'), qr/\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\z/, '... as text');
    works([ $domain->time('d', now => 1) ], '', '... set');
    fails([ $domain->time('d', now => 1, sync => 1) ], qr/--now and --sync are mutually/, '... twice');
    refused(sub { $domain->$_('none') }, qr/Domain not found/, $_)
      for qw(info conf control uuid name id desc display ttyconsole time state);
};

# The driver names it.
my $vnet = $domain->iflist('d')->[0]{interface};

subtest 'statistics' => sub {
    is_deeply($domain->blkinfo('d', 'vda', human => 1),
        { capacity => '1023.995 GiB', allocation => '1.000 TiB', physical => '1.000 TiB' }, 'blkinfo');
    is_deeply($domain->blkinfo('d', 'vda')->{allocation}, 2**40, '... in bytes');
    is_deeply([ keys %{ $domain->blkinfo('d', all => 1) } ], ['vda'], '... of all');
    refused(sub { $domain->blkinfo('d', 'vdz') }, qr/vdz/, 'blkinfo of no disk');
    is_deeply($domain->blklist('d'), [ { target => 'vda', source => '/d.img' } ], 'blklist');
    is_deeply($domain->blklist('d', details => 1),
        [ { type => 'file', device => 'disk', target => 'vda', source => '/d.img' } ], '... in detail');
    my $stats = $domain->blkstat('d', 'vda');
    like($stats->{$_}, qr/\A\d+\z/, "blkstat: $_") for qw(rd_req rd_bytes wr_req wr_bytes);
    refused(sub { $domain->blkstat('d', 'vdz') }, qr/vdz/, 'blkstat of no disk');
    is_deeply([ sort keys %{ $domain->cpustats('d') } ], [qw(cpu0 cpu1 total)], 'cpustats');
    like($domain->cpustats('d')->{total}{cpu_time}, qr/\A\d+[.]\d{9} seconds\z/, '... has units');
    is_deeply([ keys %{ $domain->cpustats('d', total => 1) } ], ['total'], '... the total');
    is_deeply([ keys %{ $domain->cpustats('d', start => 1, count => 1) } ], ['cpu1'], '... of one');
    refused(sub { $domain->cpustats('d', start => -1) }, qr/Invalid value for start CPU/, 'cpustats');
    is_deeply(
        $domain->iflist('d'),
        [ { interface => $vnet, type => 'network', source => 'default', model => '-',
            mac => '52:54:00:00:00:01' } ],
        'iflist'
    );
    like($domain->ifstat('d', $vnet)->{rx_bytes}, qr/\A\d+\z/, 'ifstat');
    refused(sub { $domain->ifstat('d', 'no') }, qr/'no' is not a known interface/, 'ifstat of none');
    is($domain->memstat('test')->{swap_in}, 0, 'memstat');
    refused(sub { $domain->memstat('d', period => -1) }, qr/Invalid collection period value: "period" is -1; a number from 0 /, 'memstat');
    refused(sub { $domain->$_('none', $_ eq 'ifstat' ? 'x' : ()) }, qr/Domain not found/, $_)
      for qw(blklist iflist ifstat memstat cpustats blkstat);
};

subtest 'limits' => sub {
    is_deeply($domain->memtune('d'),
        { hard_limit => 'unlimited', soft_limit => 'unlimited', swap_hard_limit => 'unlimited' }, 'memtune');
    works([ $domain->memtune('d', hard_limit => 123456, soft_limit => -1) ], '', '... sets');
    is($domain->memtune('d')->{hard_limit}, 123456, '... what it tells');
    is_deeply([ @{ $domain->memtune('d', raw => 1) }{qw(hard_limit soft_limit)} ],
        [ 123456 * 1024, undef ], '... raw');
    is($domain->blkdeviotune('d', 'vda')->{total_bytes_sec}, 0, 'blkdeviotune');
    works([ $domain->blkdeviotune('d', 'vda', read_iops_sec => 7, read_iops_sec_max => 14, write_iops_sec => 0) ], '', '... sets');
    is($domain->blkdeviotune('d', 'vda')->{read_iops_sec}, 7, '... what it tells');
    fails([ $domain->blkdeviotune('d', 'vdz', read_iops_sec => 7) ],
        qr/\Aerror: Unable to change block I\/O throttle\nerror: /, 'blkdeviotune of no disk');
    ok(exists $domain->blkiotune('d')->{weight}, 'blkiotune');
    works([ $domain->blkiotune('d', weight => 300) ], '', '... sets');
    fails([ $domain->blkiotune('d', weight => 300, live => 1, current => 1) ], qr/exclusive/, 'blkiotune');
    ok(exists $domain->iftune('d', $vnet)->{'inbound.average'}, 'iftune');
    works([ $domain->iftune('d', $vnet, inbound => '1000,2000,3000') ], '', '... sets');
    is($domain->iftune('d', $vnet)->{'inbound.peak'}, 2000, '... what it tells');
    fails([ $domain->iftune('d', $vnet, outbound => '1,2,3,4') ],
        qr/\Aerror: outbound format is incorrect: 1,2,3,4\z/, 'iftune');
    is($domain->numatune('d')->{numa_mode}, 'strict', 'numatune');
    works([ $domain->numatune('d', mode => 'preferred', nodeset => '0') ], '', '... sets');
    fails([ $domain->numatune('d', mode => 'x') ], qr/\Aerror: Invalid mode: x; it must be strict, preferred, interleave or restrictive\z/, 'numatune');
    is_deeply($domain->schedinfo('d'), { scheduler => 'fair', weight => 50 }, 'schedinfo');
    is($domain->schedinfo('d', weight => 70)->{scheduler},     'fair', '... sets');
    is($domain->schedinfo('d', 'weight=70')->{scheduler}, 'fair', '... by a text');
    refused(sub { $domain->schedinfo('d', 'x=1') }, qr/invalid scheduler option: x; it must be weight\z/, 'schedinfo');
    refused(sub { $domain->schedinfo('d', 'x') },   qr/expecting name=value/,        'schedinfo');
    works([ $domain->setmem('d', '32MiB') ], '', 'setmem');
    is($domain->info('d')->{used_memory}, '32768 KiB', '... sets');
    works([ $domain->setmem('d', 65536) ], '', '... in KiB');
    fails([ $domain->setmem('d', '99G') ], qr/\Aerror: /, 'setmem of too much');
    fails([ $domain->setmaxmem('d', '99G') ], qr/\Aerror: Unable to change MaxMemorySize\n/, 'setmaxmem');
    works([ $domain->setvcpus('d', 1) ], '', 'setvcpus');
    fails([ $domain->setvcpus('d', 0) ], qr/\Aerror: Invalid number of virtual CPUs: "count" is 0; a number from 1 /, 'setvcpus');
    my ($kept) = $domain->define({ %$xml, name => 'kept' });
    works([ $domain->setmaxmem('kept', '128M', config => 1) ], '', 'setmaxmem');
    fails([ $domain->$_('none', $_ =~ /set/ ? 1 : $_ =~ /dev|if/ ? 'x' : ()) ], $no_domain, $_) for qw(setmem setmaxmem setvcpus);
    refused(sub { $domain->$_('none', $_ =~ /dev|if/ ? 'x' : ()) }, qr/Domain not found/, $_)
      for qw(memtune blkdeviotune blkiotune iftune numatune schedinfo);
};

subtest 'devices' => sub {
    is(($domain->if_getlink('d', $vnet))[1], "$vnet up", 'if_getlink');
    fails([ $domain->if_getlink('d', 'no') ], qr/\Aerror: Interface \(dev: no\) not found[.]\z/, 'if_getlink');
    fails([ $domain->if_setlink('d', $vnet, 'sideways') ], qr/invalid link state 'sideways'/, 'if_setlink');
    fails([ $domain->if_setlink('d', 'no', 'down') ], qr/\Aerror: interface 'no' not found\z/, 'if_setlink');
    like(($domain->if_setlink('d', '52:54:00:00:00:01', 'down', print_xml => 1))[1],
        qr/<link state="down"/, '... print_xml');
    works(
        [
            $domain->attach_disk(
                'd', '/dev/x', 'vdb', targetbus => 'virtio', driver => 'qemu', subdriver => 'raw',
                mode => 'readonly', serial => 'a<b', print_xml => 1
            )
        ],
        "<disk type='block'>\n  <driver name='qemu' type='raw'/>\n  <source dev='/dev/x'/>\n"
          . "  <target dev='vdb' bus='virtio'/>\n  <readonly/>\n  <serial>a&lt;b</serial>\n</disk>",
        'attach_disk, print_xml'
    );
    my $disk = sub {
        my ($source, $target, %args) = @_;
        return [ $domain->attach_disk('d', $source, $target, %args, print_xml => 1) ];
    };
    for my $case (
        [ vda => 'pci:0000.01.0x1f.a', q{type='pci' domain='0x0000' bus='0x01' slot='0x1f' function='0xa'} ],
        [ vda => 'ccw:fe.0.10',        q{type='ccw' cssid='0xfe' ssid='0x0' devno='0x0010'} ],
        [ sda => 'scsi:1.0.10',        q{type='drive' controller='1' bus='0' unit='10'} ],
        [ sda => 'sata:0.1.2',         q{type='drive' controller='0' bus='1' unit='2'} ],
        [ hda => 'ide:0.1.2',          q{type='drive' controller='0' bus='1' unit='2'} ],
        [ sda => 'usb:1.2',            q{type='usb' bus='1' port='2'} ],
        [ fda => 'ide:0.0.1',          q{type='drive' controller='0' bus='0' unit='1'} ],
      )
    {
        my ($target, $address, $xml) = @{$case};
        works(
            $disk->('/x', $target, address => $address),
            "<disk type='file'>\n  <source file='/x'/>\n  <target dev='$target'/>\n  <address $xml/>\n</disk>",
            "attach_disk at $address"
        );
    }
    like($disk->('/x', 'vda', address => 'pci:0.0.5.0', multifunction => 1)->[1],
        qr{ function='0x0' multifunction='on'/>}, '... with multifunction');
    unlike($disk->('/x', 'vda', address => 'ccw:0.0.5', multifunction => 1)->[1],
        qr/multifunction/, '... which only PCI has');
    fails($disk->('/x', 'vda', address => $_), qr/\Aerror: Invalid address: \Q$_\E\z/, "attach_disk at $_")
      for 'junk', 'foo:0', 'pci:0.0.0', 'pci:0.0.0.0.0', 'pci:-1.0.0.0', 'pci:0.0.+1.0', 'scsi:0.a.0', 'usb:1',
      'PCI:0.0.1.0', 'pci:0.0..0', 'pci:123456789.0.0.0';
    fails($disk->('/x', 'vda', address => 'scsi:0.0.1'),
        qr/\Aerror: expecting a pci:0000.00.00.00 or ccw:00.0.0000 address[.]\z/, 'attach_disk at another bus');
    fails($disk->('/x', 'sda', address => 'pci:0.0.1.0'),
        qr/\Aerror: expecting a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address[.]\z/, '...');
    fails($disk->('/x', 'hda', address => 'sata:0.0.1'), qr/\Aerror: expecting an ide:00.00.00 address[.]\z/, '...');
    for my $case (
        [ q{}                                                       => [] ],
        [ q{name='h'}                                               => [ host_name => 'h' ] ],
        [ q{name='h' port='1'}                                      => [ host_name => 'h:1' ] ],
        [ q{name='::1' port='1'}                                    => [ host_name => '[::1]:1' ] ],
        [ q{name='::1'}                                             => [ host_name => '::1' ] ],
        [ q{transport='tcp' name='h'}                               => [ host_name => 'h', host_transport => 'tcp' ] ],
        [ q{transport='unix' socket='/s'} => [ host_socket => '/s', host_transport => 'unix' ] ],
      )
    {
        my ($host, $args) = @{$case};
        my %args   = @{$args};
        my $source = $host
          ? "<source protocol='nbd' name='v'>\n    <host $host/>\n  </source>"
          : "<source protocol='nbd' name='v'/>";
        works(
            $disk->('v', 'vda', source_protocol => 'nbd', map { ("source_$_" => $args{$_}) } keys %args),
            "<disk type='network'>\n  $source\n  <target dev='vda'/>\n</disk>",
            "attach_disk of a network, $host"
        );
    }
    fails($disk->('v', 'vda', sourcetype => $_, $_ eq 'file' ? (source_protocol => 'nbd') : ()),
        qr/\Aerror: --source-protocol option requires --sourcetype network\z/, "attach_disk of $_")
      for 'file', 'network';
    fails($disk->('v', 'vda', "source_host_$_" => 'h'),
        qr/\Aerror: Option --source-protocol is required by option --source-host-$_\z/, "... of $_ alone")
      for 'name', 'socket', 'transport';
    fails(
        $disk->('v', 'vda', source_protocol => 'nbd', source_host_socket => 's'),
        qr/\Aerror: Option --source-host-transport is required by option --source-host-socket\z/,
        '... of a socket without a transport'
    );
    fails(
        $disk->('v', 'vda', source_protocol => 'nbd', source_host_name => 'h', source_host_socket => 's',
            source_host_transport => 'unix'),
        qr/\Aerror: Options --source-host-name and --source-host-socket are mutually exclusive\z/, '... of two hosts'
    );
    fails([ $domain->attach_disk('d', '/x', 'vdb', mode => 'x') ], qr/No support for x in command/, 'attach_disk');
    works(
        [ $domain->attach_interface('d', 'bridge', 'br0', mac => '52:54:00:00:00:02', inbound => '1,2',
            print_xml => 1) ],
        "<interface type='bridge'>\n  <source bridge='br0'/>\n  <mac address='52:54:00:00:00:02'/>\n"
          . "  <bandwidth>\n    <inbound average='1' peak='2'/>\n  </bandwidth>\n</interface>",
        'attach_interface, print_xml'
    );
    my $interface = sub {
        my ($type, $source, %args) = @_;
        return [ $domain->attach_interface('d', $type, $source, %args, print_xml => 1) ];
    };
    works(
        $interface->('hostdev', '0000:0a:1f.7', managed => 1, mac => '52:54:00:00:00:03'),
        "<interface type='hostdev' managed='yes'>\n  <source>\n    <address type='pci' domain='0x0000'"
          . " bus='0x0a' slot='0x1f' function='0x7'/>\n  </source>\n  <mac address='52:54:00:00:00:03'/>\n</interface>",
        'attach_interface of a host device'
    );
    works(
        $interface->('vhostuser', '/s', source_mode => 'server'),
        "<interface type='vhostuser'>\n  <source type='unix' path='/s' mode='server'/>\n</interface>",
        'attach_interface of a socket'
    );
    fails($interface->('vhostuser', '/s'), qr/\Aerror: source-mode is mandatory\z/, '... without a mode');
    fails($interface->($_, '/s', source_mode => 'bridge'), qr/\Aerror: Invalid source mode: bridge; it must be server or client\z/,
        "... $_ in a wrong mode")
      for 'vhostuser', 'direct';
    fails($interface->('hostdev', $_),
        qr/\Aerror: cannot parse pci address '\Q$_\E' for network interface\z/, "... of $_")
      for 'junk', '00:03.0', '0000:00:03', '0:0:3.0x', '0:0:-3.0', 'pci_0000_00_03_0';
    my $fds = "<domain type='test'><name>fds</name><memory>1</memory><os><type>hvm</type></os></domain>";
    for my $command (
        [ create => $fds,  qr/\ADomain 'fds' created from document\z/ ],
        [ start  => 'fds', qr/\ADomain 'fds' started\z/ ],
      )
    {
        my ($name, $what, $says) = @{$command};
        $domain->define($fds) if $name eq 'start';
        fails([ $domain->$name($what, pass_fds => '1,x') ],
            qr/\Aerror: Unable to parse FD number 'x'\z/, "$name with a wrong descriptor");
        fails([ $domain->$name($what, pass_fds => [ 0, 9999 ]) ], qr/9999/, "$name with a closed descriptor");
        for my $given (0, '0,1', [ 0, 1 ]) {
            my @result = $domain->$name($what, pass_fds => $given);
            ok($result[0], "$name with descriptors") or diag $result[2];
            like($result[1], $says, '... and says what');
            $domain->destroy('fds');
        }
    }
    $domain->undefine('fds');
    fails([ $domain->attach_interface('d', 'x', 'y') ], qr/No support for x in command/, 'attach_interface');
    like(($domain->detach_disk('d', 'vda', print_xml => 1))[1], qr{<source file="/d.img"/>}, 'detach_disk');
    fails([ $domain->detach_disk('d', 'vdz') ],
        qr/\Aerror: No disk found whose source path or target is vdz\z/, 'detach_disk');
    like(($domain->detach_interface('d', 'network', print_xml => 1))[1], qr/52:54:00:00:00:01/,
        'detach_interface');
    fails([ $domain->detach_interface('d', 'bridge') ], qr/No interface found whose type is bridge\nerror: Failed to detach interface\z/,
        'detach_interface');
    fails([ $domain->detach_interface('d', 'network', mac => 'x') ], qr/No interface with MAC address x/, '... by mac');
    fails([ $domain->blockresize('d', 'vda', '1G') ], qr/\Aerror: Failed to resize block device 'vda'\n/,
        'blockresize');
    fails([ $domain->$_('d', '/none') ], qr{\Aerror: Failed to open file '/none': No such}, $_)
      for qw(attach_device detach_device update_device);
    my $element = { disk => { '@type' => 'file', source => { '@file' => '/x' }, target => { '@dev' => 'vdx' } } };
    for my $given ([ '<disk/>', 'XML' ], [ $element, 'a hash' ]) {
        my ($device, $what) = @$given;
        for my $name (qw(attach_device detach_device update_device)) {
            my $said = qr/\Aerror: Failed to [a-z]+ device from document\n/;
            my @result = $domain->$name('d', $device);
            # Newer test drivers do this.
            if ($result[0] && $name eq 'attach_device' && ref $device) {
                is($result[1], 'Device attached successfully', "$name: $what");
            }
            else { fails(\@result, $said, "$name: $what") }
            fails([ $domain->$name('d', $device, { config => 1 }) ], $said, '... and others by name');
            fails([ $domain->$name('d', { file => $device, config => 1 }) ], $said, '... by name');
        }
    }
    refused(sub { $domain->attach_device('d', { '@type' => 'file', target => {} }) },
        qr/a document is a map of one key, the name of its root element/, 'a device without its root element');
};

subtest 'saving' => sub {
    my $dir  = File::Temp->newdir;
    my $file = "$dir/saved";
    my @told;
    works([ $domain->save('d', $file, progress => sub { push @told, [@_]; return 0 }) ],
        "Domain 'd' saved to $file", 'save');
    is($domain->save_conf($file)->{name}, 'd', 'save_conf');
    refused(sub { $domain->save_conf('/none') }, qr/none/, 'save_conf');
    fails([ $domain->save_define($file, '<domain/>') ], qr/\Aerror: Failed to update .*saved\n/, 'save_define');
    works([ $domain->restore($file) ], "Domain restored from $file", 'restore');
    fails([ $domain->restore('/none') ], qr{\Aerror: Failed to restore domain from /none\n}, 'restore');
    fails([ $domain->save('d', '/none/x') ], qr{\Aerror: Failed to save domain 'd' to /none/x\n}, 'save');
    fails([ $domain->coredump('d', '/none/x') ], qr{\Aerror: Failed to core dump domain 'd' to /none/x\n}, 'coredump');
    fails([ $domain->coredump('d', "$dir/core", format => 'elf') ], qr/only works with --memory-only/, '... format');
    works([ $domain->coredump('d', "$dir/core") ], "Domain 'd' dumped to $dir/core", 'coredump');
    $domain->start('kept');
    works([ $domain->managedsave('kept') ], "Domain 'kept' state saved by libvirt", 'managedsave');
    fails([ $domain->managedsave('kept') ], qr/\Aerror: Failed to save domain 'kept' state\n/, '... again');
    works([ $domain->managedsave_remove('kept') ], "Removed managedsave image for domain 'kept'",
        'managedsave_remove');
    works([ $domain->managedsave_remove('kept') ],
        "Domain 'kept' has no manage save image; removal skipped", '... again');
    works([ $domain->screenshot('d', "$dir/shot") ], "Screenshot saved to $dir/shot, with type of image/png",
        'screenshot');
    ok(-s "$dir/shot", '... and it is there');
    fails([ $domain->screenshot('d', '/none/x') ], qr{\Aerror: cannot create file /none/x\z}, 'screenshot');
    works([ $domain->send_key('d', 'KEY_LEFTCTRL', 'KEY_C') ], '', 'send_key');
    works([ $domain->send_key('d', 30, codeset => 'xt', holdtime => 10) ], '', '... by numbers');
    fails([ $domain->send_key('d', 'KEY_NO') ], qr/\Aerror: invalid keycode: 'KEY_NO'; it must be a number from 1 or, of the codeset linux, a name such as KEY_A\z/, 'send_key');
    fails([ $domain->send_key('d', 1, codeset => 'x') ], qr/\Aerror: unknown codeset: 'x'; it must be linux, xt, /, '... codeset');
};

done_testing;
