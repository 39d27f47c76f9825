# SPDX-License-Identifier: LGPL-2.1-or-later
# What a progress callback is told: never that a command is complete that then fails, never
# less than before. With commands that really fail.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestHost;

use BothFaces;

# Calls the code with a callback that keeps what it is told, and does something then.
# Checks the rules that hold for all; returns what the code returns.
sub hears {
    my ($what, $code, $do) = @_;
    my @told;
    my @result = $code->(sub { push @told, [@_]; $do->(@_) if $do; return 0 });
    cmp_ok(scalar @told, '>', 0, "$what tells how far it is");
    my $share = sub { my ($done, $total) = @{ $_[0] }; return $total ? $done / $total : 0 };
    my @back = grep { $told[$_][0] < $told[ $_ - 1 ][0] || $share->($told[$_]) < $share->($told[ $_ - 1 ]) }
      1 .. $#told;
    is_deeply([ @told[@back] ], [], '... never back');
    my @complete = grep { $told[$_][1] && $told[$_][0] >= $told[$_][1] } 0 .. $#told;
    is_deeply(\@complete, $result[0] ? [$#told] : [], '... complete only at the end of what has succeeded')
      or diag(explain([ @told[@complete] ]));
    return @result;
}

my $folder = tempdir('vkvm-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $local  = VKVM::Host->new(uri => 'test:///default');
my $image  = $local->image;

SKIP: {
    skip('qemu-img is not installed', 1) unless grep { -x "$_/qemu-img" } split /:/, $ENV{PATH};
    my ($base, $top) = map { "$folder/$_" } qw(base.raw top.qcow2);
    $image->create($base, '8M', f => 'raw');
    $image->create($top, f => 'qcow2', b => $base, F => 'raw');

    # All is written to the base; then the top cannot be emptied.
    my $full = join '', 'json:{"driver":"qcow2","file":{"driver":"blkdebug",',
      '"inject-error":[{"event":"empty_image_prepare","errno":28}],',
      qq("image":{"driver":"file","filename":"$top"}},),
      qq("backing":{"driver":"raw","file":{"driver":"file","filename":"$base"}}});
    my @failed = hears('image.commit that fails', sub { $image->commit($full, progress => $_[0]) });
    ok(!$failed[0], 'it has failed') or diag(explain(\@failed));
    like($failed[2], qr/No space left on device/, '... when all was done');
    my @worked = hears('image.commit', sub { $image->commit($top, progress => $_[0]) });
    ok($worked[0], 'it has worked') or diag(explain(\@worked));
}

SKIP: {
    my $size = 16 * 2**20;
    open(my $file, '>', "$folder/data") or die $!;
    truncate $file, $size or die $!;
    close $file;

    # The daemon dies when half of it has gone, and when all has.
    for my $share (0.5, 1) {
        for my $way ('facade', 'volume') {
            my $bed  = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
            my $host = VKVM::Host->new(uri => $bed->{URI});
            $host->pool->create_as('p', 'dir', target => "$bed->{DIR}/p", build => 1);
            $host->volume->create_as('p', 'v', $size, format => 'raw');
            my $vol  = $host->get_conn->get_storage_pool_by_name('p')->get_volume_by_name('v');
            my $upload = sub {
                my ($progress) = @_;
                return $host->volume->upload('v', "$folder/data", 'p', progress => $progress)
                  if $way eq 'facade';
                return eval { $vol->upload_file("$folder/data", 0, 0, 0, $progress); 1 };
            };
            my $killed;
            my @result = hears("upload by the $way", $upload,
                sub { $killed = $bed->kill_daemon if !$killed && $_[0] >= $share * $size });
            ok(!$result[0], '... which fails when half is through') if $share < 1;
            # What was told last is true.
            ok($result[0], '... which has worked when all is through') if $share == 1;
            undef $_ for $vol, $host;
        }
    }

    my $bed  = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
    my $host = VKVM::Host->new(uri => $bed->{URI});
    $host->pool->create_as('p', 'dir', target => "$bed->{DIR}/p", build => 1);
    $host->volume->create_as('p', 'from', $size, format => 'raw');
    my @worked = hears('download', sub { $host->volume->download('from', "$folder/back", 'p', progress => $_[0]) });
    ok($worked[0], '... which works');
    @worked = hears('wipe', sub { $host->volume->wipe('from', 'p', progress => $_[0]) });
    ok($worked[0], '... which works');

    # So large that copying it takes minutes, of which the daemon is not given any; it takes
    # little room.
    my @made = $host->volume->create_as('p', 'large', '1T', format => 'raw', allocation => '32M');
    ok($made[0], 'a large volume is made') or diag($made[2]);
    # While one call of a connection waits for its answer, libvirt's client (seen with 9.0) may
    # lose the wake-up by which the call of another thread is sent. Then the question how far
    # the copy is gets its answer, a failure, only when the daemon is gone.
    my $rescue = $bed->kill_daemon_in(30);
    my $killed;
    my @result = hears('clone', sub { $host->volume->clone('large', 'copy', 'p', progress => $_[0]) },
        sub { $killed ||= $bed->kill_daemon });
    undef $rescue;
    ok(!$result[0], '... which fails when the daemon dies');
    like($result[2], qr/\Aerror: Failed to clone vol from large\n/, '... and says so');
}

done_testing;
