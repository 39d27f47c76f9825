# SPDX-License-Identifier: LGPL-2.1-or-later
# What the calls on python-kvm's page of examples do with files and with a guest that runs, on a
# private QEMU daemon. harness/scenarios/host_page.json makes the calls in all languages.

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
mkdir "$dir/vm" or die "cannot make $dir/vm: $!";

sub write_file {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or die "cannot write $path: $!";
    print $file $text;
    close $file or die "cannot write $path: $!";
    return $path;
}

subtest 'what is in files' => sub {
    my $pool = {
        '@type' => 'dir', name => 'default', source => 1,
        target => {
            path => "$dir/vm/disk", permissions => { group => '-1', mode => '0711', owner => '-1' },
        },
    };
    my $file = write_file("$dir/pool.xml", VKVM::to_xml('pool', $pool));
    works([ $host->pool->define($file) ], "Pool default defined from $file", 'define a pool');
    works([ $host->pool->undefine('default') ], 'Pool default has been undefined', 'undefine it');
    mkdir "$dir/vm/disk" or die "cannot make $dir/vm/disk: $!";
    works([ $host->pool->create($file) ], "Pool default created from $file", 'create a pool');
    my $path   = "$dir/vm/disk/disk3.qcow2";
    my $volume = {
        '@type' => 'file', capacity => { '#text' => '5368709120', '@unit' => 'bytes' },
        key => $path, name => 'disk3.qcow2', source => 1,
        target => { format => { '@type' => 'qcow2' }, path => $path },
    };
    $file = write_file("$dir/volume.xml", VKVM::to_xml('volume', $volume));
    works([ $host->volume->create('default', $file) ], "Vol disk3.qcow2 created from $file", 'create a volume');

    # Anything but zero needs another program on the host.
    $host->volume->create_as('default', 'small', '1M', format => 'raw');
    my ($ok, undef, $error) = $host->volume->wipe('small', pool => 'default', algorithm => 'dod');
    ok($ok || $error =~ /\Aerror: Failed to wipe vol small\nerror: /, 'wipe') or diag $error;
    $host->volume->create_as('default', 'trusty.qcow2', '5GiB', format => 'qcow2');
};

subtest 'domains and snapshots' => sub {
    my $xml = $bed->guest_xml('trusty', VKVM::gen_uuid());
    plan(skip_all => TestBed->reason) if !$xml;
    my $domain = VKVM::from_xml($xml)->{domain};
    $domain->{title} = 'Ubuntu 14.04';
    $domain->{devices}{disk} = [
        {
            '@type' => 'volume', '@device' => 'disk',
            driver => { '@name'  => 'qemu',    '@type'   => 'qcow2' },
            source => { '@pool'  => 'default', '@volume' => 'trusty.qcow2' },
            target => { '@dev'   => 'vda',     '@bus'    => 'virtio' },
        }
    ];
    my $file = write_file("$dir/trusty.xml", VKVM::to_xml('domain', $domain));
    works([ $host->domain->define($file) ], "Domain 'trusty' defined from $file", 'define');
    my @started = $host->domain->start('trusty');
    works(\@started, q(Domain 'trusty' started), 'start');
    my $list = $host->list_domains;
    is($list->{trusty}{state}, 'running', 'list_domains');
    cmp_ok($list->{trusty}{id}, '>', 0, '... its id');
    $bed->wait_for_guest or diag('the guest did not get ready');

    # Later the disk has snapshots.
    works([ $host->domain->blockresize('trusty', 'vda', '6G') ], q(Block device 'vda' is resized), 'blockresize');
    my ($ok, $out, $error) = $host->snapshot->create_as('trusty');
    ok($ok, 'create_as') or diag $error;
    my ($first) = $out =~ /\ADomain snapshot (\d+) created\z/;
    my %common = (domain => 'trusty', location => 'internal', metadata => 1, state => 'running');
    is_deeply($host->snapshot->info('trusty', $first),
        { %common, children => 0, current => 1, descendants => 0, name => $first, parent => '-' }, 'info');

    # Its name is the second that it is taken in.
    sleep 1 while time <= $first;
    my ($second) = ($host->snapshot->create_as('trusty'))[1] =~ /(\d+) created/;
    is_deeply($host->snapshot->info('trusty', $first),
        { %common, children => 1, current => 0, descendants => 1, name => $first, parent => '-' }, 'info');
    is_deeply($host->snapshot->info('trusty', $second),
        { %common, children => 0, current => 1, descendants => 0, name => $second, parent => $first },
        '... of the second');
    my $conf = $host->snapshot->conf('trusty', $second);
    is_deeply([ @{$conf}{qw(creationTime name state parent memory)} ],
        [ $second, $second, 'running', { name => $first }, { '@snapshot' => 'internal' } ], 'conf');
    is_deeply($conf->{disks}, { disk => { '@name' => 'vda', '@snapshot' => 'internal' } }, '... one disk');
    is($conf->{domain}{title}, 'Ubuntu 14.04', '... and the domain');

    # What takes a real guest.
    my $hear_of = sub { my ($told) = @_; return sub { push @$told, [@_]; return 0 } };
    my @told;
    my @saved = $host->domain->save('trusty', "$dir/saved", progress => $hear_of->(\@told));
    works(\@saved, "Domain 'trusty' saved to $dir/saved", 'save');
    works([ $host->domain->restore("$dir/saved") ], "Domain restored from $dir/saved", 'restore');
    my @cancelled = $host->domain->save('trusty', "$dir/saved", progress => sub { return -1 });
    like($cancelled[2], qr/\A(?:\z|error: Failed to save domain 'trusty' to )/, 'save, cancelled');
    if (!$cancelled[0]) { is($host->domain->state('trusty'), 'running', '... the domain runs on') }
    else                { $host->domain->restore("$dir/saved") }
    works([ $host->domain->coredump('trusty', "$dir/core", memory_only => 1, progress => $hear_of->(\@told)) ],
        "Domain 'trusty' dumped to $dir/core", 'coredump');
    like($host->domain->ttyconsole('trusty'), qr{\A/dev/pts/\d+\z}, 'ttyconsole');
    # The agent comes up later than the guest says it is up, and may lose its connection
    # while the guest is saved.
    for (1 .. 600) {
        last if eval { $host->domain->time('trusty', raw => 1); 1 };
        select undef, undef, undef, 0.2;
    }
    like($host->domain->time('trusty', raw => 1), qr/\A\d+\z/, 'time');
    my $disk = "$dir/vm/disk/extra.raw";
    $host->volume->create_as('default', 'extra.raw', '1M', format => 'raw');
    works([ $host->domain->attach_disk('trusty', $disk, 'vdb', targetbus => 'virtio', subdriver => 'raw') ],
        'Disk attached successfully', 'attach_disk');
    works([ $host->domain->detach_disk('trusty', 'vdb') ], 'Disk detached successfully', 'detach_disk');
    $host->domain->destroy('trusty');
    works([ $host->domain->attach_interface('trusty', 'bridge', 'br7', config => 1) ],
        'Interface attached successfully', 'attach_interface');
    works([ $host->domain->detach_interface('trusty', 'bridge', config => 1) ],
        'Interface detached successfully', 'detach_interface');
    is_deeply(
        [ $host->domain->undefine('trusty', snapshots_metadata => 1, remove_all_storage => 1) ],
        [ 1, "Domain 'trusty' has been undefined\nVolume 'vda'($dir/vm/disk/trusty.qcow2) removed.", '' ],
        'undefine with its storage'
    );
};

undef $host;
is(VKVM::handle_count('host'), 0, 'nothing is left');
done_testing;
