# SPDX-License-Identifier: LGPL-2.1-or-later
# Lists of the facade while another process creates and deletes what they list: what
# vanishes meanwhile is left out. c-tests/vanishing.c has the same with threads.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Handle;
use POSIX ();
use Test::More;
use TestBed;
use TestHost;

use BothFaces;

# So many that they are asked about by several threads where libvirt's client can do that,
# from libvirt 10.1 on (src/host/walk.rs); earlier ones are asked about one after another.
use constant { STAYING => 60, PASSING => 5, TIMES => 30 };

# Does something again and again in another process, with a connection of its own, while
# the code is called until both have done enough. Returns what the code has returned.
sub meanwhile {
    my ($uri, $make, $delete, $code) = @_;
    pipe(my $rounds, my $tell)  or die "pipe: $!";
    pipe(my $hear,   my $going) or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $_ for $rounds, $going;
        $hear->blocking(0);
        my $ended = eval { come_and_go(VKVM::Host->new(uri => $uri), $make, $delete, $hear, $tell); 1 };
        warn $@ if !$ended;
        POSIX::_exit($ended ? 0 : 1);
    }
    close $_ for $tell, $hear;
    my ($done, @results) = (0);
    while ($done < TIMES || @results < TIMES) {
        push @results, $code->();
        sysread $rounds, my $bytes, 65536 or last;
        $done += length $bytes;
    }
    close $going;
    1 while sysread $rounds, my $bytes, 65536;
    waitpid $pid, 0;
    is($?, 0, 'the other process has worked');
    return @results;
}

# One comes and another goes, until the parent lets go of its end.
sub come_and_go {
    my ($host, $make, $delete, $hear, $tell) = @_;
    my $conn = $host->get_conn;
    my ($first, $next) = (0, 0);
    while (defined sysread($hear, my $byte, 1) ? 0 : $!{EAGAIN}) {
        $make->($conn, name_of($next++, 'passing'));
        $delete->($conn, name_of($first++, 'passing')) if $next - $first > PASSING;
        syswrite $tell, '.';
    }
    $delete->($conn, name_of($first++, 'passing')) while $first < $next;
    return;
}

# Names between each other.
sub name_of { my ($number, $what) = @_; return sprintf 'n%02d-%s', $number * 7 % STAYING, $what }

my @staying = map { name_of($_, 'staying') } 0 .. STAYING - 1;

# Checks what a command lists while such things come and go.
sub lists {
    my ($host, $uri, $what, $make, $delete, @call) = @_;
    my $conn = $host->get_conn;
    my @results = meanwhile($uri, $make, $delete, sub { return eval { $host->call(@call) } // $@ });
    my ($failed) = grep { ref ne 'HASH' } @results;
    is($failed, undef, "$what: none of " . @results . ' lists fails');
    my @short = grep { my $list = $_; ref $list eq 'HASH' && grep { !$list->{$_} } @staying } @results;
    is(scalar @short, 0, '... all have what stays');
    return;
}

sub volume {
    my ($conn, $name) = @_;
    $conn->get_storage_pool_by_name('p')->create_volume("<volume><name>$name</name><capacity>4096</capacity></volume>");
    return;
}

sub delete_volume {
    my ($conn, $name) = @_;
    $conn->get_storage_pool_by_name('p')->get_volume_by_name($name)->delete;
    return;
}

subtest 'volumes of a directory' => sub {
    my $bed  = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
    my $host = VKVM::Host->new(uri => $bed->{URI});
    $host->pool->create_as('p', 'dir', target => "$bed->{DIR}/p", build => 1);
    volume($host->get_conn, $_) for @staying;
    lists($host, $bed->{URI}, 'list_volumes', \&volume, \&delete_volume, 'list_volumes', { pool => 'p' });
    lists($host, $bed->{URI}, 'with details', \&volume, \&delete_volume, 'list_volumes',
        { pool => 'p', details => 1 });

    # What others do in the directory, libvirt has not heard of.
    my $path = "$bed->{DIR}/p/$staying[0]";
    unlink $path or die "$path: $!";
    my $list = $host->list_volumes('p', details => 1);
    is_deeply([ sort keys %$list ], [ sort @staying[ 1 .. $#staying ] ], 'a file that is removed is left out');
    is_deeply($list->{ $staying[1] },
        { path => "$bed->{DIR}/p/$staying[1]", type => 'file', capacity => '4.00 KiB', allocation => '4.00 KiB' },
        '... and of the others there is all');
    POSIX::mkfifo($path, 0600) or die "$path: $!";
    refused(sub { $host->list_volumes('p', details => 1) }, qr/is a FIFO/, 'what is wrong with a volume');
    $host->pool->destroy('p');
    refused(sub { $host->list_volumes('p') }, qr/Storage pool not found|not active/, 'a pool that has gone');
};

subtest 'disks of a domain' => sub {
    my $bed  = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
    my $host = VKVM::Host->new(uri => $bed->{URI});
    my $conn = $host->get_conn;
    my $file = "$bed->{DIR}/disk.raw";
    open my $handle, '>', $file or die "$file: $!";
    truncate $handle, 4096 or die "$file: $!";
    close $handle or die "$file: $!";
    my $disk = sub {
        my ($target) = @_;
        return "<disk type='file'><driver name='qemu' type='raw'/><source file='$file'/>"
          . "<target dev='$target' bus='virtio'/><shareable/></disk>";
    };
    my @targets = map { "vd$_" } 'a' .. 'l';
    $conn->define_domain("<domain type='qemu'><name>d</name><memory>1024</memory><os><type>hvm</type></os>"
          . '<devices>' . join('', map { $disk->($_) } @targets) . '</devices></domain>');
    my $of_name = sub { my ($number) = $_[0] =~ /(\d+)/; return 'vdz' . chr(97 + $number / 26) . chr(97 + $number % 26) };
    my $attach = sub {
        my ($conn, $name) = @_;
        $conn->get_domain_by_name('d')->attach_device($disk->($of_name->($name)), VKVM::Domain::DEVICE_MODIFY_CONFIG);
    };
    my $detach = sub {
        my ($conn, $name) = @_;
        $conn->get_domain_by_name('d')->detach_device($disk->($of_name->($name)), VKVM::Domain::DEVICE_MODIFY_CONFIG);
    };
    my @results = meanwhile($bed->{URI}, $attach, $detach, sub { return eval { $host->domain->blkinfo('d', all => 1) } // $@ });
    my ($failed) = grep { ref ne 'HASH' } @results;
    is($failed, undef, 'blkinfo of all: none of ' . @results . ' fails');
    my @short = grep { my $list = $_; ref $list eq 'HASH' && grep { !$list->{$_} } @targets } @results;
    is(scalar @short, 0, '... all have what stays');
    unlink $file or die "$file: $!";
    refused(sub { $host->domain->blkinfo('d', all => 1) }, qr/disk[.]raw/, 'what is wrong with a disk that is there');
    $conn->get_domain_by_name('d')->undefine;
};

subtest 'pools, domains and snapshots' => sub {
    my $bed  = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
    my $uri  = $bed->{URI_UNIX};
    my $host = VKVM::Host->new(uri => $uri);
    my $conn = $host->get_conn;

    my $pool = sub {
        my ($conn, $name) = @_;
        $conn->define_storage_pool("<pool type='dir'><name>$name</name><target><path>/$name</path></target></pool>");
    };
    my $no_pool = sub { $_[0]->get_storage_pool_by_name($_[1])->undefine };
    my $domain = sub {
        my ($conn, $name) = @_;
        $conn->define_domain("<domain type='test'><name>$name</name><title>of $name</title>"
              . '<memory>1024</memory><os><type>hvm</type></os></domain>');
    };
    my $no_domain = sub { $_[0]->get_domain_by_name($_[1])->undefine };
    my $snapshot = sub {
        my ($conn, $name) = @_;
        $conn->get_domain_by_name('test')->create_snapshot("<domainsnapshot><name>$name</name></domainsnapshot>");
    };
    my $no_snapshot = sub { $_[0]->get_domain_by_name('test')->get_snapshot_by_name($_[1])->delete };

    $pool->($conn, $_) for @staying;
    lists($host, $uri, 'list_pools', $pool, $no_pool, 'list_pools', { all => 1 });
    lists($host, $uri, 'with details', $pool, $no_pool, 'list_pools', { all => 1, details => 1 });
    $domain->($conn, $_) for @staying;
    lists($host, $uri, 'list_domains', $domain, $no_domain, 'list_domains', { all => 1 });
    lists($host, $uri, 'with titles', $domain, $no_domain, 'list_domains', { all => 1, title => 1 });
    is_deeply([ map { $_->{title} } @{ $host->list_domains(all => 1, title => 1) }{@staying} ],
        [ map { "of $_" } @staying ], '... which are right');
    $snapshot->($conn, $_) for @staying;
    lists($host, $uri, 'list_snapshots', $snapshot, $no_snapshot, 'list_snapshots', { domain => 'test' });
};

done_testing;
