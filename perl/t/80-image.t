# SPDX-License-Identifier: LGPL-2.1-or-later
# The commands of disk images, which run qemu-img and qemu-nbd.

use strict;
use warnings;
use utf8;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);
use VKVM;

my $host  = VKVM::Host->new(uri => 'test:///default');
my $image = $host->image;

sub installed {
    my ($program) = @_;
    return grep { -x "$_/$program" } split /:/, $ENV{PATH};
}
plan skip_all => 'qemu-img is not installed' unless installed('qemu-img');

my $folder = tempdir(CLEANUP => 1);
my ($base, $top, $raw, $copy) = map { "$folder/$_" } qw(base.qcow2 top.qcow2 r.raw copy.qcow2);

# (status, stdout, stderr), where the texts match.
sub gives {
    my ($got, $status, $out, $err, $name) = @_;
    is(scalar @$got, 3, "$name: three values");
    my @texts = map { s/\n+\z//r } @$got[ 1, 2 ];
    is($got->[0] ? 1 : 0, $status, "$name: status") or diag($got->[2]);
    like($texts[0], $out, "$name: stdout");
    like($texts[1], $err, "$name: stderr");
    return;
}
my $none = qr/\A\z/;
my $lost = qr/\Aqemu-img: .*No such file/;

open(my $out, '>', $raw) or die "$raw: $!";
print {$out} join('', map { chr($_ % 251) } 1 .. 65536) x 32;
close $out;

# --- Each command, and how it fails -------------------------------------

gives([ $image->create($base, '100M', f => 'qcow2', o => 'cluster_size=128k') ],
    1, qr/\AFormatting '\Q$base\E', fmt=qcow2 cluster_size=131072 .*size=104857600[^\n]*\z/, $none, 'create');
gives([ $image->create($top, f => 'qcow2', b => $base, F => 'qcow2', q => 1) ],
    1, $none, $none, 'create with a backing file');
gives([ $image->create("$folder/no/a", 1024) ], 0, qr/\AFormatting/, $lost, 'create where it cannot');
gives([ $image->create("$folder/a", '1X') ], 0, $none, qr/Invalid image size/, 'create of a wrong size');

my $info = $image->info($base);
is_deeply(
    [ @$info{qw(image file_format virtual_size cluster_size compat lazy_refcounts)} ],
    [ $base, 'qcow2', '100 MiB (104857600 bytes)', 131_072, '1.1', 'false' ],
    'info'
);
like($info->{disk_size}, qr/\A\d+ KiB\z/, '... with a human size');
like($image->info($top)->{backing_file}, qr/\A\Q$base\E/, '... and the backing file');
my $raw_info = $image->info($top, raw => 1);
is_deeply(
    [ @$raw_info{qw(image file_format virtual_size backing_file backing_file_format)} ],
    [ $top, 'qcow2', 104_857_600, $base, 'qcow2' ], 'info, raw'
);
ok(!$raw_info->{format_specific}{data}{corrupt}, '... with truths');
is_deeply($image->info($top, output => 'json'), $raw_info, 'info as JSON');
is_deeply([ map { $_->{image} } @{ $image->info($top, backing_chain => 1) } ],
    [ $top, $base ], 'info of the chain');
is_deeply([ map { $_->{virtual_size} } @{ $image->info($top, backing_chain => 1, raw => 1) } ],
    [ 104_857_600, 104_857_600 ], '... raw');
ok(!eval { $image->info("$folder/no"); 1 }, 'info of no image is raised');
isa_ok($@, 'VKVM::Error');
like($@->message, $lost, '... with the reason');

gives([ $image->check($base) ], 1, qr/\ANo errors were found on the image[.]/, $none, 'check');
is(($image->check($base, raw => 1))[1]{check_errors} // ($image->check($base, raw => 1))[1]{'check-errors'},
    0, 'check, raw');
gives([ $image->check("$folder/no") ], 0, $none, $lost, 'check of no image');
gives([ $image->check($raw, f => 'raw') ], 0, $none, qr/does not support checks/, 'check of a raw one');

my @told;
gives([ $image->convert($raw, $copy, f => 'raw', O => 'qcow2', progress => sub { push @told, [@_]; 1 }) ],
    1, $none, $none, 'convert');
ok(@told > 0, '... tells its progress');
is_deeply($told[-1], [ 100, 100, '%' ], '... to the end');
is_deeply([ map { $_->[0] } @told ], [ sort { $a <=> $b } map { $_->[0] } @told ], '... never back');
gives([ $image->convert("$folder/no", $copy) ], 0, $none, $lost, 'convert of no image');
gives([ $image->convert($raw, "$folder/c", c => 1, O => 'qcow2', f => 'raw', p => 1) ],
    1, $none, $none, 'convert, compressed, with p');
cmp_ok(-s "$folder/c", '<', -s $raw, '... is smaller');

gives([ $image->compare($raw, $copy, f => 'raw') ], 1, qr/\AImages are identical[.]\z/, $none, 'compare');
gives([ $image->compare($raw, $copy, f => 'raw', progress => sub { 1 }) ],
    1, qr/\AImages are identical[.]\z/, $none, 'compare with progress');
gives([ $image->compare($raw, $base, f => 'raw') ], 0, qr/\AContent mismatch at offset 0!/, $none,
    'compare of what differs');
gives([ $image->compare($raw, "$folder/no") ], 0, $none, $lost, 'compare of no image');
gives([ $image->compare($raw) ], 0, $none, qr/two image file names/, 'compare of one image');

gives([ $image->map($copy) ], 1, qr/\AOffset +Length +Mapped to +File\n0 /, $none, 'map');
is_deeply([ @{ ($image->map($copy, raw => 1))[1][0] }{qw(start data depth)} ], [ 0, 1, 0 ], 'map, raw');
gives([ $image->map($copy, output => 'json', max_length => '64k') ], 1, qr/"length": 65536/, $none,
    'map of a part, as JSON');
gives([ $image->map("$folder/no") ], 0, $none, $lost, 'map of no image');

gives([ $image->snapshot($copy, c => 's1') ], 1, $none, $none, 'snapshot: one is made');
gives([ $image->snapshot($copy, l => 1) ], 1, qr/\ASnapshot list:\nID .*\n1 +s1 /, $none, '... listed');
is(($image->snapshot($copy, raw => 1))[1][0]{name}, 's1', '... listed, raw');
is($image->info($copy)->{snapshot_list}, '', '... and no fact of the image');
gives([ $image->snapshot($copy, a => 's1') ], 1, $none, $none, '... applied');
gives([ $image->snapshot($copy, d => 's1') ], 1, $none, $none, '... deleted');
gives([ $image->snapshot($copy, d => 's1') ], 0, $none, qr/not found|not find/, '... which is gone');
is_deeply([ $image->snapshot($copy, raw => 1) ], [ 1, [], '' ], '... none, raw');
gives([ $image->snapshot("$folder/no", raw => 1) ], 0, $none, $lost, '... of no image');

gives([ $image->resize($base, '+28M') ], 1, qr/\AImage resized[.]\z/, $none, 'resize');
is($image->info($base, raw => 1)->{virtual_size}, 2**27, '... and it is');
gives([ $image->resize($base, 2**26) ], 0, $none, qr/--shrink/, 'resize to less');
gives([ $image->resize($base, '-64M', shrink => 1, preallocation => 'off') ], 1, qr/\AImage resized[.]\z/,
    $none, '... if wanted');

gives([ $image->commit($top) ], 1, qr/\AImage committed[.]\z/, $none, 'commit');
gives([ $image->commit($base) ], 0, $none, qr/\Aqemu-img: /, 'commit without a backing file');
gives([ $image->rebase($top, '', progress => sub { 1 }) ], 1, $none, $none, 'rebase to nothing');
ok(!exists $image->info($top)->{backing_file}, '... and it has no backing file');
gives([ $image->rebase($top, b => $base, F => 'qcow2', u => 1) ], 1, $none, $none, 'rebase');
is($image->info($top, raw => 1)->{backing_file}, $base, '... and it has one');
gives([ $image->rebase($top, "$folder/no", F => 'qcow2') ], 0, $none, $lost, 'rebase to no image');
gives([ $image->amend($base, [ 'compat=0.10', 'lazy_refcounts=off' ]) ], 1, $none, $none, 'amend');
is($image->info($base)->{compat}, '0.10', '... and it is');
gives([ $image->amend($base, 'nope=1') ], 0, $none, qr/\bnope\b/, 'amend of what is not there');

# --- Names, arguments ---------------------------------------------------

for my $name ('-x', 'a b;c $(d)', 'grün:1') {
    chdir $folder or die "$folder: $!";
    my $path = $name =~ /:/ ? "$folder/$name" : $name;
    gives([ $image->create($path, '1M', q => 1) ], 1, $none, $none, "a file called $name");
    is($image->info($path)->{image}, $path, '... and what is known about it');
    ok(-e "$folder/$name", '... is there');
}
chdir '/' or die "/: $!";
ok(!eval { $host->call('image.create', { path => $base, size => '1M', foo => 1 }); 1 }, 'an argument that there is not');
like($@->message, qr/"foo"; it has path, size, f, /, '... with those that there are');
ok(!eval { $image->resize($base); 1 }, 'an argument that is missing');
like($@->message, qr/needs "size"/, '... by name');

# --- Cancelling ---------------------------------------------------------

# From nowhere to nowhere: would take a quarter of an hour.
my $slow = '{"driver":"null-co","size":1073741824,"latency-ns":20000000,"read-zeroes":false}';
my $since = time;
my $asked = 0;
gives([ $image->convert("json:$slow", 'null-co://', n => 1, r => '1M', progress => sub { return ++$asked < 4 ? 0 : -1 }) ],
    0, $none, qr/\Aerror: .*cancelled/, 'convert that is cancelled');
cmp_ok(time - $since, '<', 120, '... ends at once');
is($asked, 4, '... when the callback wanted');
ok(!eval { $image->convert("json:$slow", 'null-co://', n => 1, r => '1M', progress => sub { die "enough\n" }); 1 },
    'a callback that dies');
is($@, "enough\n", '... is heard');
is(waitpid(-1, 1), -1, 'no child is left');

# --- qemu-nbd, and programs that are not there --------------------------

SKIP: {
    skip('qemu-nbd is not installed', 4) unless installed('qemu-nbd');
    gives([ $image->load($base, 'vkvm-none') ], 0, $none, qr{/dev/vkvm-none}, 'load');
}
SKIP: {
    skip('qemu-nbd is not installed', 4) unless installed('qemu-nbd');
    gives([ $image->unload('vkvm-none') ], 0, $none, qr{/dev/vkvm-none}, 'unload');
}

# What qemu-nbd is given: real devices need a kernel module and root.
my $programs = "$folder/programs";
mkdir $programs or die "$programs: $!";

sub program {
    my ($name, $script) = @_;
    open(my $file, '>', "$programs/$name") or die "$name: $!";
    print {$file} "#!/bin/sh\n$script\n";
    close $file;
    chmod 0755, "$programs/$name" or die "$name: $!";
    return;
}
{
    local $ENV{PATH} = "$programs:$ENV{PATH}";
    program('qemu-nbd', q(printf '<%s>' "$@"));
    is_deeply([ $image->load('a b') ], [ 1, '<-c></dev/nbd0><--><a b>', '' ], 'load runs qemu-nbd');
    is_deeply(
        [ $image->load('a', device => 'nbd3', format => 'raw', read_only => 1, object => [ 'x', 'y' ]) ],
        [ 1, '<--format><raw><--object><x><--object><y><--read-only><-c></dev/nbd3><--><a>', '' ],
        '... with options'
    );
    is_deeply([ $image->unload ],            [ 1, '<-d></dev/nbd0>', '' ], 'unload runs it, too');
    is_deeply([ $image->unload('/dev/nbd1') ], [ 1, '<-d></dev/nbd1>', '' ], '... with a path');

    # Much on both outputs, and a child that keeps them open.
    program('qemu-img', 'yes 123456789 | head -c 1000000; yes 123456789 | head -c 1000000 >&2; sleep 600 & echo $! >' . "$folder/stays");
    $since = time;
    my ($status, $printed, $errors) = $image->check('x');
    is_deeply([ $status, length $printed, length $errors ], [ 1, 1_000_000, 1_000_000 ], 'long outputs');
    cmp_ok(time - $since, '<', 120, '... and nobody waits for what stays behind');
    open(my $pid, '<', "$folder/stays") or die "$folder/stays: $!";
    chomp(my $stays = <$pid>);
    kill TERM => $stays or die "it has not stayed: $!";
    program('qemu-img', 'kill -9 $$');
    gives([ $image->check('x') ], 0, $none, qr/\Aerror: signal: 9/, 'a program that is killed');
    program('qemu-img', 'exit 0');
    {
        local $SIG{CHLD} = 'IGNORE';
        gives([ $image->check('x') ], 0, $none, qr/exit status was lost: SIGCHLD/, 'a lost status');
    }
    chmod 0644, "$programs/qemu-img" or die "chmod: $!";
    local $ENV{PATH} = $programs;
    gives([ $image->check('x') ], 0, $none, qr/\Aerror: qemu-img cannot be run: Permission denied/,
        'a program that may not be run');
    unlink "$programs/qemu-img" or die "unlink: $!";
    gives([ $image->check('x') ], 0, $none, qr/\Aerror: qemu-img is not installed/, 'no program');
    ok(!eval { $image->info('x'); 1 }, '... for a query, too');
    like($@->message, qr/\Aqemu-img is not installed/, '... is raised');
}

done_testing;
