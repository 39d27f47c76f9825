# The host facade: disk images, by qemu-img.

use strict;
use warnings;

use File::Temp;
use Test::More;

use VKVM;

plan(skip_all => 'qemu-img is not installed (Debian package qemu-utils)')
  if system('qemu-img --version >/dev/null 2>&1') != 0;

my $host  = VKVM::Host->new(uri => 'test:///default');
my $image = $host->image;
my $dir   = File::Temp->newdir;
my ($path, $other) = ("$dir/a.qcow2", "$dir/b.raw");

sub works {
    my ($result, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok($result->[0], "$name works") or diag $result->[2];
    return like($result->[1], $pattern, '... and says what');
}

sub fails {
    my ($result, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!$result->[0], "$name fails");
    return like($result->[2], $pattern, '... and says why');
}

works([ $image->create($path, '10M', f => 'qcow2', o => 'compat=1.1') ], qr/\AFormatting '.*a.qcow2'/, 'create');
works([ $image->create("$dir/q", '1M', q => 1) ], qr/\A\Z/, 'create, quietly');
fails([ $image->create('/none/x', '1M') ], qr{\Aqemu-img: /none/x: }, 'create');
my $info = $image->info($path);
is_deeply(
    [ @{$info}{qw(image file_format virtual_size cluster_size)} ],
    [ $path, 'qcow2', '10 MiB (10485760 bytes)', 65536 ],
    'info'
);
is($image->info($path, raw => 1)->{'virtual-size'}, 10 * 2**20, '... raw');
ok(!eval { $image->info('/none'); 1 }, 'info of no image is refused');
like($@->message, qr/Could not open '\/none'/, '... with a reason');
works([ $image->check($path) ], qr/\ANo errors were found/, 'check');
is(($image->check($path, raw => 1))[1]{'check-errors'}, 0, '... raw');
fails([ $image->check('/none') ], qr/Could not open/, 'check');
works([ $image->map($path) ], qr/\AOffset/, 'map');
is(($image->map($path, raw => 1))[1][0]{length}, 10 * 2**20, '... raw');
fails([ $image->map('/none') ], qr/Could not open/, 'map');
works([ $image->resize($path, '+10M') ], qr/\AImage resized[.]\Z/, 'resize');
fails([ $image->resize($path, '1M') ], qr/--shrink/, 'resize to less');
works([ $image->snapshot($path, c => 's1') ], qr/\A\Z/, 'snapshot');
works([ $image->snapshot($path, l => 1) ], qr/\bs1\b/, '... lists it');
fails([ $image->snapshot($path, d => 's2') ], qr/s2/, '... deletes it');
works([ $image->snapshot($path, d => 's1') ], qr/\A\Z/, '... deletes it');

my @told;
my $hear = sub { push @told, [@_]; return 0 };
works([ $image->convert($path, $other, O => 'raw', progress => $hear) ], qr/\A\Z/, 'convert');
is_deeply($told[-1], [ 100, 100, '%' ], '... tells how far it is');
fails([ $image->convert('/none', $other) ], qr/Could not open/, 'convert');
fails([ $image->convert($path, "$dir/c", O => 'raw', progress => sub { return -1 }) ],
    qr/cancel/i, 'convert, cancelled');
works([ $image->compare($path, $other) ], qr/\AImages are identical[.]\Z/, 'compare');
system('sh', '-c', "echo x | dd of='$other' conv=notrunc status=none") == 0 or die 'dd failed';
my @differ = $image->compare($path, $other);
is($differ[0], 0, 'compare of different ones');
like($differ[1], qr/\AContent mismatch at offset/, '... says where');
works([ $image->create("$dir/top", f => 'qcow2', b => $path, F => 'qcow2') ], qr/backing_file/, 'create on another');
works([ $image->commit("$dir/top") ], qr/\AImage committed[.]\Z/, 'commit');
fails([ $image->commit($other, f => 'raw') ], qr/backing/, 'commit without a backing file');
works([ $image->rebase("$dir/top", b => '', u => 1) ], qr/\A\Z/, 'rebase');
fails([ $image->rebase("$dir/top", '/none/x', F => 'qcow2') ], qr/Could not open/, 'rebase');
works([ $image->amend($path, 'lazy_refcounts=on') ], qr/\A\Z/, 'amend');
fails([ $image->amend($path, o => 'x=y') ], qr/x/, 'amend');
ok(!eval { $image->amend($path); 1 }, 'amend needs options');

done_testing;
