# Every call of python-kvm's page of examples about pools, volumes, domains and
# snapshots, in its order, on a private QEMU daemon.

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

# The value as expected; a pattern stands for what depends on the machine.
sub looks_like {
    my ($got, $wanted, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $fits = sub {
        my ($self, $left, $right) = @_;
        return defined $left && $left =~ $right if ref $right eq 'Regexp';
        return $left eq $right if !ref $right && defined $left && !ref $left;
        return 0 unless ref $left eq 'HASH' && ref $right eq 'HASH' && keys %$left == keys %$right;
        return !grep { !exists $left->{$_} || !$self->($self, $left->{$_}, $right->{$_}) } keys %$right;
    };
    return ok($fits->($fits, $got, $wanted), $name) || diag(explain($got));
}

my $size = qr/\A\d+[.]\d\d [KMGT]?i?B\z/;
my $uuid = qr/\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/;

subtest 'storage pools' => sub {
    is_deeply($host->list_pools(all => 1), {}, 'no pools');
    my $pool = {
        '@type' => 'dir', name => 'default', source => 1,
        target => {
            path => "$dir/vm/disk", permissions => { group => '-1', mode => '0711', owner => '-1' },
        },
    };
    my $file = write_file("$dir/pool.xml", VKVM::to_xml('pool', $pool));
    works([ $host->pool->define($file) ], "Pool default defined from $file", 'define');
    is_deeply(
        $host->list_pools(all => 1, details => 1),
        { default => { allocation => '-', autostart => 0, available => '', capacity => '- -',
                persistent => 1, state => 'inactive' } },
        'the list with an inactive pool'
    );
    ok(!-d "$dir/vm/disk", 'nothing is there');
    works([ $host->pool->build('default') ], 'Pool default built', 'build');
    ok(-d "$dir/vm/disk", 'a directory is there');
    works([ $host->pool->start('default') ], 'Pool default started', 'start');
    my %sizes = (allocation => $size, available => $size, capacity => $size);
    looks_like($host->list_pools(all => 1, details => 1),
        { default => { %sizes, autostart => 0, persistent => 1, state => 'running' } }, 'the list');
    works([ $host->pool->autostart('default') ], 'Pool default marked as autostarted', 'autostart');
    is_deeply($host->list_pools(all => 1), { default => { autostart => 1, state => 'active' } }, '... is on');
    works([ $host->pool->autostart('default', disable => 1) ],
        'Pool default unmarked as autostarted', 'autostart, disabled');
    is_deeply($host->list_pools(all => 1), { default => { autostart => 0, state => 'active' } }, '... is off');
    looks_like($host->pool->info('default'),
        { %sizes, autostart => 0, name => 'default', persistent => 1, state => 'running', uuid => $uuid },
        'info');
    my $bytes = { '#text' => qr/\A\d+\z/, '@unit' => 'bytes' };
    looks_like(
        $host->pool->conf('default'),
        {
            '@type' => 'dir', allocation => $bytes, available => $bytes, capacity => $bytes,
            name => 'default', source => 1, uuid => $uuid,
            target => {
                path => "$dir/vm/disk",
                permissions => { group => qr/\A\d+\z/, mode => '0711', owner => qr/\A\d+\z/ },
            },
        },
        'conf'
    );
    my $id = $host->pool->uuid('default');
    like($id, $uuid, 'uuid');
    is($host->pool->name($id), 'default', 'name');
    works([ $host->pool->destroy('default') ], 'Pool default destroyed', 'destroy');
    is_deeply($host->list_pools(all => 1), { default => { autostart => 0, state => 'inactive' } }, 'it is off');
    works([ $host->pool->undefine('default') ], 'Pool default has been undefined', 'undefine');
    is_deeply($host->list_pools(all => 1), {}, 'it is gone');
    works([ $host->pool->create($file) ], "Pool default created from $file", 'create');
    looks_like($host->list_pools(all => 1, details => 1),
        { default => { %sizes, autostart => 0, persistent => 0, state => 'running' } }, 'the list');
};

subtest 'volumes' => sub {
    my $path = sub { return "$dir/vm/disk/$_[0]" };
    works([ $host->volume->create_as('default', 'disk.qcow2', '20G', format => 'qcow2') ],
        'Vol disk.qcow2 created', 'create_as');
    my $row = sub { return { allocation => $size, capacity => $_[1], path => $path->($_[0]), type => 'file' } };
    looks_like($host->list_volumes('default', details => 1),
        { 'disk.qcow2' => $row->('disk.qcow2', '20.00 GiB') }, 'list_volumes');
    my $volume = {
        '@type' => 'file', capacity => { '#text' => '5368709120', '@unit' => 'bytes' },
        key => $path->('disk3.qcow2'), name => 'disk3.qcow2', source => 1,
        target => { format => { '@type' => 'qcow2' }, path => $path->('disk3.qcow2') },
    };
    my $file = write_file("$dir/volume.xml", VKVM::to_xml('volume', $volume));
    works([ $host->volume->create('default', $file) ], "Vol disk3.qcow2 created from $file", 'create');
    works([ $host->volume->delete('disk.qcow2', pool => 'default') ], 'Vol disk.qcow2 deleted', 'delete');
    $host->volume->create_as('default', 'disk.qcow2', '20G', format => 'qcow2');
    looks_like($host->volume->info('disk.qcow2', pool => 'default'),
        { allocation => $size, capacity => '20.00 GiB', name => 'disk.qcow2', type => 'file' }, 'info');
    my $conf = $host->volume->conf('disk.qcow2', pool => 'default');
    is_deeply([ @{$conf}{qw(@type key name)}, $conf->{target}{format}{'@type'}, $conf->{capacity} ],
        [ 'file', $path->('disk.qcow2'), 'disk.qcow2', 'qcow2',
            { '#text' => '21474836480', '@unit' => 'bytes' } ], 'conf');

    # Anything but zero needs another program on the host.
    $host->volume->create_as('default', 'small', '1M', format => 'raw');
    my ($ok, undef, $error) = $host->volume->wipe('small', pool => 'default', algorithm => 'dod');
    ok($ok || $error =~ /\Aerror: Failed to wipe vol small\nerror: /, 'wipe') or diag $error;
    $host->volume->delete($_, pool => 'default') for 'small', 'disk3.qcow2', 'disk.qcow2';

    $host->volume->create_as('default', 'disk.qcow2', '2G', format => 'qcow2');
    works([ $host->volume->clone('disk.qcow2', 'disk2.qcow2', pool => 'default', prealloc_metadata => 1) ],
        'Vol disk2.qcow2 cloned from disk.qcow2', 'clone');
    looks_like($host->list_volumes('default', details => 1),
        { map { $_ => $row->($_, '2.00 GiB') } qw(disk.qcow2 disk2.qcow2) }, 'list_volumes');
    works([ $host->volume->resize('disk.qcow2', '5GiB', pool => 'default') ],
        q(Size of volume 'disk.qcow2' successfully changed to 5GiB), 'resize');
    looks_like(
        $host->list_volumes('default', details => 1),
        {
            'disk.qcow2'  => $row->('disk.qcow2',  '5.00 GiB'),
            'disk2.qcow2' => $row->('disk2.qcow2', '2.00 GiB'),
        },
        'list_volumes'
    );
    my $model = $path->('disk.qcow2');
    works([ $host->volume->create_as('default', 'trusty.qcow2', '1GiB') ], 'Vol trusty.qcow2 created', 'create_as');
    works([ $host->volume->upload(pool => 'default', file => $model, vol => 'trusty.qcow2') ], '', 'upload');
    looks_like($host->list_volumes('default', details => 1)->{'trusty.qcow2'},
        $row->('trusty.qcow2', $size), 'list_volumes');
    my $new = "$dir/vm/new.qcow2";
    works([ $host->volume->download(pool => 'default', file => $new, vol => 'trusty.qcow2') ], '', 'download');
    ok(-s $new, 'it is there');
    $host->pool->refresh('default');
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
