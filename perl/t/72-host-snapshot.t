# SPDX-License-Identifier: LGPL-2.1-or-later
# The host facade on libvirt's test driver: snapshots of domains.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestHost;

use VKVM;

my $host      = VKVM::Host->new(uri => 'test:///default');
my $snapshots = $host->snapshot;

my $missing = "error: Domain snapshot not found: no domain snapshot with matching name 'none'";
my $neither = 'error: --snapshotname or --current is required';

refused(sub { $snapshots->current('test') }, qr/domain 'test' has no current snapshot/, 'current of none');
works([ $snapshots->create_as('test', 's1', description => 'the first') ], 'Domain snapshot s1 created', 'create_as');
fails([ $snapshots->create_as('test', 's1') ],
    'error: operation failed: domain moment s1 already exists', 'create_as');
fails([ $snapshots->create_as('none') ], "error: failed to get domain 'none'", '... of no domain');
works([ $snapshots->create('test', xmlfile => { name => 2 }) ], "Domain snapshot 2 created from 'document'", 'create');
fails([ $snapshots->create('test', '/none') ],
    "error: Failed to open file '/none': No such file or directory", 'create');
my ($ok, $out) = $snapshots->create('test');
my ($time) = $out =~ /\ADomain snapshot (\d+) created\z/;
ok($time, 'create without a document');

is_deeply(
    $snapshots->info('test', 's1'),
    {
        name => 's1', domain => 'test', current => 0, state => 'running', location => 'internal',
        parent => '-', children => 1, descendants => 2, metadata => 1,
    },
    'info'
);
is_deeply([ @{ $snapshots->info('test', current => 1) }{qw(name parent)} ], [ $time, 2 ], '... of the current one');
refused(sub { $snapshots->info('test') }, qr/--snapshotname or --current is required/, 'info of none');
refused(sub { $snapshots->info('test', 's1', current => 1) }, qr/mutually exclusive/, 'info of two');
is($snapshots->conf('test', 's1')->{description}, 'the first', 'conf');
refused(sub { $snapshots->conf('test', 'none') }, qr/no domain snapshot with matching name/, 'conf');
is($snapshots->parent('test', '2'), 's1', 'parent');
refused(sub { $snapshots->parent('test', 's1') }, qr/snapshot 's1' has no parent/, 'parent of the first');
is($snapshots->current('test', name => 1), $time, 'current by name');
is($snapshots->current('test')->{name},    $time, '... its document');
is($snapshots->current('test', 's1'), 'Snapshot s1 set as current', '... set');
is($snapshots->current('test', name => 1), 's1', '... and it is');
is_deeply([ sort keys %{ $host->list_snapshots('test') } ], [ sort 's1', 2, $time ], 'list_snapshots');
works([ $snapshots->revert('test', 's1') ], 'Domain snapshot s1 reverted', 'revert');
fails([ $snapshots->revert('test', 'none') ], $missing, 'revert');
fails([ $snapshots->revert('test') ],         $neither, 'revert without a name');
works([ $snapshots->delete('test', 's1', children_only => 1) ], 'Domain snapshot s1 children deleted', 'delete');
works([ $snapshots->delete('test', 's1') ], 'Domain snapshot s1 deleted', '... itself');
fails([ $snapshots->delete('test', 'none') ], $missing, 'delete');
fails([ $snapshots->delete('test') ],         $neither, 'delete without a name');
fails([ $snapshots->delete('test', current => 1) ],
    'error: Domain snapshot not found: the domain does not have a current snapshot', '... the current one');

works(
    [
        $snapshots->create_as(
            'test', 's', 'd<e', 'file=/m,snapshot=external',
            [ 'vda', 'vdb,snapshot=external,driver=qcow2,stype=block,file=/dev/a,,b' ], print_xml => 1
        )
    ],
    "<domainsnapshot>\n  <name>s</name>\n  <description>d&lt;e</description>\n"
      . "  <memory snapshot='external' file='/m'/>\n  <disks>\n    <disk name='vda'/>\n"
      . "    <disk name='vdb' snapshot='external' type='block'>\n      <driver type='qcow2'/>\n"
      . "      <source dev='/dev/a,b'/>\n    </disk>\n  </disks>\n</domainsnapshot>",
    'print_xml'
);
fails([ $snapshots->create_as('test', memspec => 'x=1') ], 'error: unable to parse memspec: x=1; it must be [file=]FILE,snapshot=MODE', 'memspec');
fails([ $snapshots->create_as('test', diskspec => 'vda,x=1') ],
    'error: unable to parse diskspec: vda,x=1; it must be DISK,snapshot=MODE,driver=FORMAT,stype=TYPE,file=FILE', 'diskspec');
fails([ $snapshots->create_as('test', diskspec => 'vda,stype=x') ],
    q(error: Unknown storage type: 'x'; it must be file or block), 'the type of a disk');
is_deeply(
    [ $host->virsh('snapshot-create-as', 'test', '--name', 'v') ],
    [ 1, 'Domain snapshot v created', '' ],
    'as virsh calls it'
);

done_testing;
