# SPDX-License-Identifier: LGPL-2.1-or-later
# Storage pools and volumes, on libvirt's test driver and, for what that cannot
# do, with a daemon.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

use constant POOL_UUID => 'dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566';
use constant GIB       => 1024**3;

my $conn = VKVM->new(uri => 'test:///default');

sub names { return [ sort map { $_->get_name } @_ ] }

sub pool_xml {
    my ($name, $path, @volumes) = @_;
    return "<pool type='dir'><name>$name</name><target><path>$path</path></target>@volumes</pool>";
}

sub volume_xml {
    my ($name, $gib, @lines) = @_;
    return "<volume><name>$name</name><capacity unit='GiB'>$gib</capacity>@lines</volume>";
}

# A host of the test driver with pools and volumes, from a file.
sub host {
    my $dir = tempdir(CLEANUP => 1);
    open(my $file, '>', "$dir/host.xml") or die "cannot write: $!";
    print $file '<node>',
      pool_xml('images', '/images', map { volume_xml($_, 1) } qw(a.img b.img c.img)),
      pool_xml('empty', '/empty'), '</node>';
    close $file or die "cannot write: $!";
    return VKVM->new(uri => "test://$dir/host.xml");
}

subtest 'finding pools' => sub {
    my $pool = $conn->get_storage_pool_by_name('default-pool');
    isa_ok($pool, 'VKVM::StoragePool');
    is($pool->get_name,        'default-pool', 'get_name');
    is($pool->get_uuid_string, POOL_UUID,      'get_uuid_string');
    is(length $pool->get_uuid, 16,             'get_uuid');
    is($conn->get_storage_pool_by_uuid($_)->get_name, 'default-pool', 'get_storage_pool_by_uuid')
      for POOL_UUID, $pool->get_uuid, POOL_UUID =~ tr/-//dr;
    own_error { $conn->get_storage_pool_by_name('none') } VKVM::Error::ERR_NO_STORAGE_POOL,
      undef, 'one that is not there';
    own_error { $conn->get_storage_pool_by_target_path('/default-pool') }
      VKVM::Error::ERR_NO_SUPPORT, undef, 'get_storage_pool_by_target_path';
};

subtest 'lists' => sub {
    my $host = host();
    $host->define_storage_pool(pool_xml('off', '/off'));
    is($host->num_of_storage_pools,         2, 'num_of_storage_pools');
    is($host->num_of_defined_storage_pools, 1, 'num_of_defined_storage_pools');
    is_deeply([ sort $host->list_storage_pool_names(10) ], [qw(empty images)],
        'list_storage_pool_names');
    is_deeply([ $host->list_defined_storage_pool_names(10) ], ['off'],
        'list_defined_storage_pool_names');
    is_deeply([ $host->list_storage_pool_names(0) ], [], 'no more than 0');
    is(scalar(my @one = $host->list_storage_pool_names(1)), 1, 'no more than 1');
    is_deeply(names($host->list_all_storage_pools), [qw(empty images off)],
        'list_all_storage_pools');
    is_deeply(names($host->list_all_storage_pools(VKVM::StoragePool::LIST_INACTIVE)), ['off'],
        'with a filter');
    is_deeply(names($host->list_storage_pools),         [qw(empty images)], 'list_storage_pools');
    is_deeply(names($host->list_defined_storage_pools), ['off'], 'list_defined_storage_pools');
    is(scalar $host->list_storage_pools,         2, 'list_storage_pools: the count');
    is(scalar $host->list_defined_storage_pools, 1, 'list_defined_storage_pools: the count');

    my $pool = $host->get_storage_pool_by_name('images');
    is($pool->num_of_storage_volumes, 3, 'num_of_storage_volumes');
    is_deeply([ sort $pool->list_storage_vol_names(10) ], [qw(a.img b.img c.img)],
        'list_storage_vol_names');
    is_deeply(names($pool->list_all_volumes), [qw(a.img b.img c.img)], 'list_all_volumes');
    is_deeply(names($pool->list_volumes),     [qw(a.img b.img c.img)], 'list_volumes');
    is(scalar $pool->list_volumes, 3, 'list_volumes: the count');
    is(scalar $host->get_storage_pool_by_name('empty')->list_volumes, 0, 'none');
    own_error { $pool->list_storage_vol_names(-1) } VKVM::Error::OWN_INVALID, 'maxnames',
      'less than no names';
};

subtest 'the life of a pool' => sub {
    my $pool = $conn->define_storage_pool(pool_xml('data', '/data'));
    is($pool->is_active,     0, 'is_active');
    is($pool->is_persistent, 1, 'is_persistent');
    is($pool->get_autostart, 0, 'get_autostart');
    returns_nothing { $pool->build(VKVM::StoragePool::BUILD_NEW) } 'build';
    returns_nothing { $pool->set_autostart(1) } 'set_autostart';
    is($pool->get_autostart, 1, 'it is set');
    returns_nothing { $pool->create } 'create';
    is($pool->is_active, 1, 'it is started');
    returns_nothing { $pool->refresh } 'refresh';
    is_deeply(
        $pool->get_info,
        {   state      => VKVM::StoragePool::STATE_RUNNING,
            capacity   => 100 * GIB,
            allocation => 0,
            available  => 100 * GIB,
        },
        'get_info'
    );
    like($pool->get_xml_description, qr{<path>/data</path>}, 'get_xml_description');
    own_error { $pool->undefine } VKVM::Error::ERR_OPERATION_INVALID, undef,
      'a started pool cannot be undefined';
    returns_nothing { $pool->destroy } 'destroy';
    returns_nothing { $pool->delete } 'delete';
    returns_nothing { $pool->undefine } 'undefine';
    is($pool->get_name, 'data', 'the object can still be used');

    my $error = own_error { $conn->define_storage_pool("<pool>\n<name</pool>") }
      VKVM::Error::ERR_XML_DETAIL, 'xml', 'malformed XML';
    is($error->{line}, 2, 'the line');
    $pool = $conn->create_storage_pool(pool_xml('short', '/short'));
    is($pool->is_persistent, 0, 'create_storage_pool');
    $pool->destroy;
};

subtest 'volumes' => sub {
    my $pool = $conn->get_storage_pool_by_name('default-pool');
    my $vol  = $pool->create_volume(volume_xml('disk.img', 2, '<allocation>0</allocation>'));
    isa_ok($vol, 'VKVM::StorageVol');
    is($vol->get_name, 'disk.img',               'get_name');
    is($vol->get_path, '/default-pool/disk.img', 'get_path');
    is_deeply($vol->get_info,
        { type => VKVM::StorageVol::TYPE_FILE, capacity => 2 * GIB, allocation => 0 }, 'get_info');
    like($vol->get_xml_description, qr{<name>disk.img</name>}, 'get_xml_description');
    is($_->get_name, 'disk.img', 'finding it')
      for $pool->get_volume_by_name('disk.img'), $conn->get_storage_volume_by_key($vol->get_key),
      $conn->get_storage_volume_by_path($vol->get_path);
    is($conn->get_storage_pool_by_volume($vol)->get_name, 'default-pool',
        'get_storage_pool_by_volume');
    own_error { $pool->get_volume_by_name('none') } VKVM::Error::ERR_NO_STORAGE_VOL, undef,
      'one that is not there';
    own_error { $conn->get_storage_pool_by_volume($pool) } VKVM::Error::OWN_WRONG_CLASS, 'volume',
      'a pool is no volume';

    my $copy = $pool->clone_volume(volume_xml('copy.img', 3), $vol);
    is($copy->get_name, 'copy.img', 'clone_volume');
    own_error { $pool->clone_volume(volume_xml('x', 1), undef) } VKVM::Error::OWN_FOREIGN_HANDLE,
      'clone', 'nothing to clone';
    returns_nothing { $_->delete } 'delete' for $copy, $vol;
    is($pool->num_of_storage_volumes, 0, 'they are gone');

    $vol = $pool->create_volume(volume_xml('disk.img', 1));
    my %unsupported = (
        resize       => [1],
        wipe         => [],
        wipe_pattern => [VKVM::StorageVol::WIPE_ALG_DOD],
        get_info     => [VKVM::StorageVol::GET_PHYSICAL],
    );
    for my $method (sort keys %unsupported) {
        own_error { $vol->$method(@{ $unsupported{$method} }) } VKVM::Error::ERR_NO_SUPPORT, undef,
          "$method, which the test driver cannot do";
    }
    $vol->delete;
};

subtest 'the host' => sub {
    like($conn->find_storage_pool_sources('logical'), qr{<sources>}, 'find_storage_pool_sources');
    my $where = '<source><host name="nfs"/></source>';
    like($conn->find_storage_pool_sources('netfs', $where, 0), qr{name='nfs'}, 'where to look');
    is($conn->find_storage_pool_sources('logical', undef),
        $conn->find_storage_pool_sources('logical'), 'nowhere in particular');
    own_error { $conn->get_storage_pool_capabilities } VKVM::Error::ERR_NO_SUPPORT, undef,
      'get_storage_pool_capabilities';
};

SKIP: {
    my $bed  = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
    my $host = VKVM->new(uri => $bed->{URI});
    my $path = "$bed->{DIR}/pool";
    subtest 'files' => sub {
        like($host->get_storage_pool_capabilities, qr{<storagepoolCapabilities>},
            'get_storage_pool_capabilities');
        my $pool = $host->define_storage_pool(pool_xml('files', $path));
        $pool->build;
        ok(-d $path, 'build makes the folder');
        $pool->create;
        is($host->get_storage_pool_by_target_path($path)->get_name, 'files',
            'get_storage_pool_by_target_path');
        cmp_ok($pool->get_info->{available}, '>', 0, 'available');

        my $vol  = $pool->create_volume('<volume><name>disk</name><capacity>1048576</capacity></volume>');
        my $file = $vol->get_path;
        is(-s $file, 1048576, 'create_volume makes the file');
        returns_nothing { $vol->resize(2097152) } 'resize';
        is(-s $file, 2097152, 'the file is larger');
        $vol->resize(1048576, VKVM::StorageVol::RESIZE_DELTA);
        is($vol->get_info->{capacity}, 3145728, 'with a flag');
        is($vol->get_info(VKVM::StorageVol::GET_PHYSICAL)->{allocation}, 3145728, 'GET_PHYSICAL');

        open(my $out, '+<', $file) or die "cannot write $file: $!";
        print $out 'content';
        close $out or die "cannot write $file: $!";
        my $read = sub { open(my $in, '<', $file) or die; read $in, my $text, 7; return $text };
        is($pool->clone_volume(
                '<volume><name>copy</name><capacity>3145728</capacity></volume>', $vol)->get_path,
            "$path/copy", 'clone_volume');
        is($read->(), 'content', 'the content');
        returns_nothing { $vol->wipe } 'wipe';
        is($read->(), "\0" x 7, 'it is gone');
        my $error = thrown { $vol->wipe_pattern(4711) };
        isa_ok($error, 'VKVM::Error', 'a pattern that is none');
        returns_nothing { $vol->wipe_pattern(VKVM::StorageVol::WIPE_ALG_ZERO) } 'wipe_pattern';

        unlink $file or die "cannot remove $file: $!";
        is($pool->num_of_storage_volumes, 2, 'the pool does not see that a file is gone');
        $pool->refresh;
        is_deeply(names($pool->list_volumes), ['copy'], 'refresh');
        $_->delete for $pool->list_volumes;
        ok(!-e "$path/copy", 'delete removes the file');
        $pool->destroy;
        $pool->delete;
        ok(!-e $path, 'delete removes the folder');
        $pool->undefine;
    };
    undef $host;    # before its daemon
}

undef $conn;
handles_are({ conn => 0, storage_pool => 0, storage_vol => 0 }, 'no handle is left');
done_testing;
