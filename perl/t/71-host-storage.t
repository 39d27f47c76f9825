# SPDX-License-Identifier: LGPL-2.1-or-later
# The host facade on a private QEMU daemon: storage pools and their volumes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestHost;

use VKVM;

my $bed  = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $dir  = $bed->{DIR};
my $host = VKVM::Host->new(uri => $bed->{URI});
my ($pools, $volumes) = ($host->pool, $host->volume);

sub write_file {
    my ($path, @text) = @_;
    open(my $file, '>', $path) or die "cannot write $path: $!";
    print $file @text;
    close $file or die "cannot write $path: $!";
    return $path;
}

my $pool = { '@type' => 'dir', name => 'images', target => { path => "$dir/images" } };
my $no_pool = qr/\Aerror: failed to get pool 'none'\nerror: Storage pool not found: /;

subtest 'pools' => sub {
    works([ $pools->define($pool, validate => 1) ], 'Pool images defined from document', 'define');
    fails([ $pools->define('<pool/>') ], qr/\Aerror: Failed to define pool from document\n/, 'define');
    fails([ $pools->define("$dir/none.xml") ], qr/Failed to open file '.*none.xml': No such file/,
        'define of a file that is not there');
    is_deeply($pools->info('images'),
        { name => 'images', uuid => $pools->uuid('images'), state => 'inactive', persistent => 1, autostart => 0 },
        'info of an inactive pool');
    fails([ $pools->start('images') ], qr/\Aerror: Failed to start pool images\n/, 'start before build');
    works([ $pools->build('images') ], 'Pool images built', 'build');
    fails([ $pools->build('images', overwrite => 1, no_overwrite => 1) ],
        qr/\Aerror: Failed to build pool images\nerror: .* are mutually exclusive\z/, 'build');
    works([ $pools->start('images') ], 'Pool images started', 'start');
    my $info = $pools->info('images');
    is($info->{state}, 'running', 'info');
    like($info->{$_}, qr/\A\d+[.]\d\d [KMGT]iB\z/, "... $_") for qw(capacity allocation available);
    like($pools->info('images', bytes => 1)->{capacity}, qr/\A\d+\z/, '... in bytes');
    cmp_ok($pools->info('images', raw => 1)->{capacity}, '>', 2**20, '... raw');
    refused(sub { $pools->info('none') }, qr/Storage pool not found/, 'info');
    works([ $pools->refresh('images') ], 'Pool images refreshed', 'refresh');
    fails([ $pools->refresh('none') ], $no_pool, 'refresh');
    works([ $pools->autostart('images') ], 'Pool images marked as autostarted', 'autostart');
    works([ $pools->autostart('images', disable => 1) ], 'Pool images unmarked as autostarted', '... not');
    fails([ $pools->autostart('none') ], $no_pool, 'autostart');
    is($pools->conf('images')->{target}{path}, "$dir/images", 'conf');
    is($pools->conf('images', inactive => 1)->{'@type'}, 'dir', '... inactive');
    refused(sub { $pools->conf('none') }, qr/Storage pool not found/, 'conf');
    my $uuid = $pools->uuid('images');
    is($pools->name($uuid), 'images', 'name and uuid');
    refused(sub { $pools->name('images') }, qr/failed to get pool 'images'/, 'name of a name');
    refused(sub { $pools->uuid($uuid) },    qr/Storage pool not found/,       'uuid of a uuid');

    works([ $pools->create_as('now', 'dir', target => "$dir/now", build => 1) ],
        'Pool now created', 'create_as');
    fails([ $pools->create_as('now', 'dir', target => "$dir/now") ],
        qr/\Aerror: Failed to create pool now\n/, 'create_as');
    fails([ $pools->undefine('now') ], qr/\Aerror: Failed to undefine pool now\n/, 'undefine');
    works([ $pools->destroy('now') ], 'Pool now destroyed', 'destroy');
    fails([ $pools->destroy('now') ], qr/\Aerror: failed to get pool 'now'/, 'destroy');
    works([ $pools->create({ %$pool, name => 'now', target => { path => "$dir/now" } }) ],
        'Pool now created from document', 'create');
    fails([ $pools->create('<pool/>') ], qr/\Aerror: Failed to create pool from document\n/, 'create');
    $pools->destroy('now');
    works([ $pools->define_as('later', 'dir', target => "$dir/later") ], 'Pool later defined', 'define_as');
    fails([ $pools->define_as('later', 'nothing') ], qr/\Aerror: Failed to define pool later\n/, 'define_as');
    fails([ $pools->delete('later') ], qr/\Aerror: Failed to delete pool later\n/, 'delete');
    $pools->build('later');
    works([ $pools->delete('later') ], 'Pool later deleted', 'delete');
    ok(!-e "$dir/later", '... and it is');
    works([ $pools->undefine('later') ], 'Pool later has been undefined', 'undefine');
    fails([ $pools->undefine('later') ], qr/failed to get pool 'later'/, 'undefine');
    works(
        [
            $pools->define_as(
                'x', 'iscsi', source_host => 'h', source_dev => '<&>', target => '/t',
                auth_type => 'chap', auth_username => 'u', secret_usage => 's', print_xml => 1
            )
        ],
        "<pool type='iscsi'>\n  <name>x</name>\n  <source>\n    <host name='h'/>\n"
          . "    <device path='&lt;&amp;&gt;'/>\n    <auth type='chap' username='u'>\n"
          . "      <secret usage='s'/>\n    </auth>\n  </source>\n  <target>\n    <path>/t</path>\n"
          . "  </target>\n</pool>",
        'print_xml'
    );
    like(
        ($pools->create_as('x', 'scsi', adapter_wwnn => 1, adapter_wwpn => 2, adapter_parent => 'p',
            adapter_parent_wwnn => 3, print_xml => 1))[1],
        qr{<adapter type='fc_host' parent='p' wwnn='1' wwpn='2'/>},
        '... of an adapter'
    );
};

my $no_volume = qr/\Aerror: failed to get vol 'none'\nerror: Storage volume not found: /;

subtest 'volumes' => sub {
    works([ $volumes->create_as('images', 'a.qcow2', '20M', format => 'qcow2') ],
        'Vol a.qcow2 created', 'create_as');
    fails([ $volumes->create_as('images', 'a.qcow2', '20M') ],
        qr/\Aerror: Failed to create vol a.qcow2\nerror: /, 'create_as');
    fails([ $volumes->create_as('images', 'b', '20X') ], qr/\Aerror: Malformed size 20X/, '... size');
    fails([ $volumes->create_as('images', 'b', 1, backing_vol => 'none') ], $no_volume, '... backing');
    works([ $volumes->create_as('images', 'b.qcow2', 1048576, format => 'qcow2', allocation => 0,
        backing_vol => 'a.qcow2', backing_vol_format => 'qcow2', prealloc_metadata => 0) ],
        'Vol b.qcow2 created', '... with a backing volume');
    is($volumes->conf('b.qcow2', 'images')->{backingStore}{path}, "$dir/images/a.qcow2", '... it has it');
    is_deeply($volumes->info('a.qcow2', pool => 'images'),
        { name => 'a.qcow2', type => 'file', capacity => '20.00 MiB', allocation => '196.00 KiB' }, 'info');
    is($volumes->info('a.qcow2', 'images', bytes => 1)->{capacity}, '20971520 bytes', '... in bytes');
    is($volumes->info('a.qcow2', 'images', raw => 1)->{capacity},   20971520,         '... raw');
    ok($volumes->info('a.qcow2', 'images', physical => 1)->{physical}, '... physical');
    refused(sub { $volumes->info('none', 'images') }, qr/Storage volume not found/, 'info');
    my $path = $volumes->path('a.qcow2', 'images');
    is($path,                 "$dir/images/a.qcow2", 'path');
    is($volumes->key($path),  $path,                 'key');
    is($volumes->name($path), 'a.qcow2',             'name');
    refused(sub { $volumes->$_('none') }, qr/Storage volume not found/, $_) for qw(path key name conf);
    fails([ $volumes->delete('a.qcow2') ],
        qr/\Aerror: failed to get vol 'a.qcow2', specifying --pool might help\n/, 'delete without pool');
    works([ $volumes->resize($path, '30MiB') ],
        "Size of volume 'a.qcow2' successfully changed to 30MiB", 'resize');
    works([ $volumes->resize($path, '10M', delta => 1) ],
        "Size of volume 'a.qcow2' successfully changed by 10M", '... by');
    is($volumes->info($path)->{capacity}, '40.00 MiB', '... and it is');
    fails([ $volumes->resize($path, -1) ], qr/\Aerror: negative size requires --shrink\z/, 'resize');
    fails([ $volumes->resize($path, '1M') ],
        qr/\Aerror: Failed to change size of volume 'a.qcow2' to 1M\n/, '... smaller');
    my $document = { name => 'c.raw', capacity => 3 * 2**20, target => { format => { '@type' => 'raw' } } };
    my $file = write_file("$dir/c.xml", VKVM::to_xml('volume', $document));
    works([ $volumes->create('images', $file) ], "Vol c.raw created from $file", 'create');
    fails([ $volumes->create('images', '<volume/>') ],
        qr/\Aerror: Failed to create vol from document\n/, 'create');
    fails([ $volumes->create('none', $file) ], $no_pool, '... in no pool');
    works([ $volumes->create_from('images', { %$document, name => 'd.raw' }, 'c.raw', inputpool => 'images') ],
        'Vol d.raw created from input vol c.raw', 'create_from');
    fails([ $volumes->create_from('images', $document, 'c.raw') ],
        qr/specifying --inputpool might help/, 'create_from');
    works([ $volumes->clone('c.raw', 'e.raw', pool => 'images') ], 'Vol e.raw cloned from c.raw', 'clone');
    fails([ $volumes->clone('c.raw', 'e.raw', 'images') ],
        qr/\Aerror: Failed to clone vol from c.raw\n/, 'clone');
    like(($volumes->clone('c.raw', 'f.raw', 'images', print_xml => 1))[1], qr{<name>f.raw</name>}, 'print_xml');
    works([ $volumes->wipe('e.raw', 'images') ], 'Vol e.raw wiped', 'wipe');
    works([ $volumes->wipe('e.raw', 'images', algorithm => 'zero') ], 'Vol e.raw wiped', '... to zeros');
    fails([ $volumes->wipe('e.raw', 'images', algorithm => 'water') ], qr/\Aerror: Unsupported algorithm 'water'; it must be zero, nnsa, /, 'wipe');
    works([ $volumes->delete('e.raw', pool => 'images') ], 'Vol e.raw deleted', 'delete');
    fails([ $volumes->delete('none', 'images') ], $no_volume, 'delete');
    $pools->start('other') if $pools->define_as('other', 'dir', target => "$dir/now");
    fails([ $volumes->delete($path, 'other') ],
        qr/\Aerror: Requested volume '.*' is not in pool 'other'\z/, 'delete in another pool');
    $pools->destroy('other');
    fails([ $volumes->delete('x', 'other') ], qr/\Aerror: pool 'other' is not active\z/, '... that is off');
};

# What goes with a domain, next to virsh, which does the same to another domain.
subtest 'undefine with storage' => sub {
    my $define = sub {
        my ($name) = @_;
        $volumes->create_as('images', "$name-$_", '1M', format => 'raw') for qw(path pool kept);
        my $file  = write_file("$dir/$name-unmanaged", 'x');
        my @disks = (
            { '@type' => 'file',   source => { '@file' => "$dir/images/$name-path" } },
            { '@type' => 'volume', source => { '@pool' => 'images', '@volume' => "$name-pool" } },
            { '@type' => 'file',   source => { '@file' => $file } },
            { '@type' => 'volume', source => { '@pool' => 'nowhere', '@volume' => 'x' } },
            { '@type' => 'volume', source => { '@pool' => 'other', '@volume' => 'x' } },
            { '@type' => 'file',   '@device' => 'cdrom' },
        );
        my $letter = 'a';
        $_->{target} = { '@dev' => ($_->{'@device'} ? 'sd' : 'vd') . $letter++ } for @disks;
        my @result = $host->domain->define({
            '@type' => 'qemu', name => $name, memory => 16384,
            os => { type => { '@arch' => 'x86_64', '#text' => 'hvm' } }, devices => { disk => \@disks },
        });
        return $result[0] || diag(explain(\@result));
    };
    my @options = (remove_all_storage => 1, wipe_storage => 1);
    ok($define->('d'), 'a domain with disks of all kinds');
    my @ours = $host->domain->undefine('d', @options);
    is($ours[0], 1, 'it is undefined');
    is_deeply([ grep { -e } map { "$dir/images/d-$_" } qw(path pool) ], [], '... and its volumes are gone');
    ok(-e "$dir/$_", "... $_ is not") for qw(d-unmanaged images/d-kept);
    is($ours[2], join("\n", map { "error: $_" }
            "Storage volume 'vdc'($dir/d-unmanaged) is not managed by libvirt. Remove it manually.",
            "Storage pool 'nowhere' for volume 'vdd' not found.",
            "Storage volume 'vde'(x) is not managed by libvirt. Remove it manually."),
        '... which is told');
    SKIP: {
        skip('virsh is not installed', 3) unless grep { -x "$_/virsh" } split /:/, $ENV{PATH};
        $define->('e');
        my $out = qx(virsh -c '$bed->{URI}' undefine e --remove-all-storage --wipe-storage 2>$dir/virsh);
        is($?, 0, 'virsh undefines such a domain, too');
        my $trimmed = sub { return join "\n", grep { /\S/ } split /\s*\n/, $_[0] =~ s{\bd(?=[-'])}{e}gr };
        open(my $err, '<', "$dir/virsh") or die $!;
        is($trimmed->(do { local $/; <$err> }), $trimmed->($ours[2]), '... and says the same of what stays');
        # Of a volume it only shows the name.
        is($trimmed->($out) =~ s{[(](?=e-pool)}{($dir/images/}gr, $trimmed->($ours[1]), '... and of what goes');
    }
    $define->('f');
    fails([ $host->domain->undefine('f', storage => 'vdx,vda,vdy') ],
        join("\n", map { "error: Volume '$_' was not found in domain's definition." } qw(vdx vdy)), 'undefine');
    works([ $host->domain->undefine('f', storage => "vda,$dir/images/f-pool") ],
        "Domain 'f' has been undefined\nVolume 'vda'($dir/images/f-path) removed.\n"
          . "Volume 'vdb'($dir/images/f-pool) removed.", 'undefine with some of the storage');
};

subtest 'there and back' => sub {
    my $data = join '', map { chr(65 + $_ % 26) x 1024 } 1 .. 3 * 1024;
    my $file = write_file("$dir/data", $data);
    my @told;
    my $hear = sub { push @told, [@_]; return 0 };
    works([ $volumes->upload(pool => 'images', file => $file, vol => 'c.raw', progress => $hear) ],
        '', 'upload');
    is_deeply($told[-1], [ 3 * 2**20, 3 * 2**20, 'bytes' ], '... which tells how far it is');
    cmp_ok(scalar @told, '>', 3, '... often');
    @told = ();
    works([ $volumes->download(pool => 'images', file => "$dir/back", vol => 'c.raw', progress => $hear) ],
        '', 'download');
    is_deeply($told[-1], [ 3 * 2**20, 3 * 2**20, 'bytes' ], '... which tells, too');
    open(my $in, '<', "$dir/back") or die $!;
    is(do { local $/; <$in> }, $data, 'what comes back');
    works([ $volumes->download('c.raw', "$dir/part", 'images', offset => 1024, length => '2KiB') ], '', 'a part');
    is(-s "$dir/part", 2048, '... of it');
    works([ $volumes->download('c.raw', "$dir/part", 'images', sparse => 1) ], '', 'over a file');
    is(-s "$dir/part", 3 * 2**20, '... of another size');
    fails([ $volumes->upload('c.raw', "$dir/none", 'images') ], qr{\Aerror: cannot read .*/none\z}, 'upload');
    fails([ $volumes->download('c.raw', "$dir/none/x", 'images') ], qr{\Aerror: cannot create .*/x\z}, 'download');
    my $stop = sub { return $_[0] < 2**20 ? 0 : -1 };
    fails([ $volumes->upload('c.raw', $file, 'images', progress => $stop) ],
        qr/\Aerror: cannot upload to volume c.raw\nerror: .*cancel/i, 'an upload that is cancelled');
    fails([ $volumes->download('c.raw', "$dir/new", 'images', progress => $stop) ],
        qr/\Aerror: cannot download from volume c.raw\nerror: .*cancel/i, 'a download that is cancelled');
    ok(!-e "$dir/new", '... leaves no file');

    # Large enough to be heard of.
    $volumes->create_as('images', 'big.raw', '400M', format => 'raw');
    @told = ();
    works([ $volumes->clone('big.raw', 'copy.raw', 'images', progress => $hear) ],
        'Vol copy.raw cloned from big.raw', 'clone');
    is($told[-1][0], $told[-1][1], '... ends complete') if @told;
    my ($ok, undef, $error) =
      $volumes->clone('big.raw', 'copy2.raw', 'images', progress => sub { return -1 });
    if ($ok) { pass('it was done before it could be cancelled') }
    else {
        like($error, qr/\Aerror: Failed to clone vol from big.raw\nerror: .*cancel/i, 'it can be cancelled');
        ok(!-e "$dir/images/copy2.raw", '... and leaves nothing');
    }
};

undef $_ for $host, $pools, $volumes;
is(VKVM::handle_count('host'), 0, 'nothing is left');
done_testing;
