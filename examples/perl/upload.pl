#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Uploads a disk image into a storage pool, as a new volume that is called like the
# file, and shows how far it is. Interrupted, it leaves no volume.
#
# usage: upload.pl URI POOL FILE

use strict;
use warnings;

use Encode qw(decode_utf8);
use File::Basename qw(basename);

use VKVM;

my $stop  = 0;
my $shown = -1;

# Draws a bar over the last one; only in a terminal, and only when it has changed.
sub on_progress {
    my ($done, $total) = @_;
    my $percent = $total ? int($done * 100 / $total) : 100;
    if (-t STDOUT && $percent != $shown) {
        printf "\r[%-40s] %3d%%", '#' x ($percent * 40 / 100), $percent;
        print "\n" if $percent == 100;
        $shown = $percent;
    }
    return $stop ? -1 : 0;
}

die "usage: upload.pl URI POOL FILE\n" unless @ARGV == 3;
my ($uri, $pool_name, $file) = @ARGV;
my $size = (stat $file)[7];
die "$file: $!\n" unless defined $size;
my $name = basename($file);
$| = 1;
$SIG{INT} = sub { $stop = 1 };

my $conn = VKVM->new(uri => $uri);
my $pool = $conn->get_storage_pool_by_name($pool_name);

# to_xml takes characters, and takes care of < and & among them.
my %volume = (
    target   => { format => { '@type' => 'raw' } },
    name     => decode_utf8($name),
    capacity => $size,
);
my $volume = $pool->create_volume(VKVM::to_xml('volume', \%volume));

my $sparse = VKVM::StorageVol::VOL_UPLOAD_SPARSE_STREAM;
my $sent   = eval { $volume->upload_file($file, 0, 0, $sparse, \&on_progress) };
if (my $error = $@) {
    print "\n" if -t STDOUT;
    eval { $volume->delete; 1 } or warn "half a volume is left: $name\n";
    die $error;
}
print "$name: $sent bytes\n";

# The host finds out what is in the volume, like its true format.
$pool->refresh;
