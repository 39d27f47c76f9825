#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Sys::Virt program, for 37-sysvirt-guest.t: asks a running guest and prints the
# answers, a line for each call: NAME = VALUE, where VALUE is JSON, or the text of the
# exception. It knows nothing of libvkvm and changes nothing that it does not change
# back.
#
# usage: guest.pl URI DOMAIN DIRECTORY

use strict;
use warnings;

use JSON::PP;
use Sys::Virt;

my ($uri, $domain, $dir) = @ARGV;
$| = 1;
$SIG{ALRM} = sub { die "this took longer than a minute\n" };
alarm 600;

my $json = JSON::PP->new->canonical->allow_nonref->latin1;
my $conn = Sys::Virt->new(uri => $uri);
my $dom  = $conn->get_domain_by_name($domain);

# Numbers are printed as numbers, whatever Perl keeps them as; how full a file system
# is and how busy the guest is change.
sub plain {
    my ($value) = @_;
    return [ map { plain($_) } @$value ] if ref $value eq 'ARRAY';
    return { map { $_ => /used-bytes|load\./ ? 'a number' : plain($value->{$_}) } keys %$value }
      if ref $value eq 'HASH';
    return defined $value ? "$value" : undef;
}

sub shown {
    my ($code) = @_;
    my @result = eval { $code->() };
    return $json->encode(plain(\@result)) if !$@;
    my $error = "$@" =~ s/ at \S+ line \d+\.?$//r;
    chomp $error;
    return "exception $error" . (ref $@ ? ' ' . join ' ', $@->code, $@->domain : '');
}

sub call {
    my ($method, @args) = @_;
    my $name = join ' ', $method, map { ref $_ ? $json->encode($_) : $_ // 'undef' } @args;
    print "$name = ", shown(sub { $dom->$method(@args) }), "\n";
    return unless $method =~ /get_/;
    print "$name: scalar = ", shown(sub { scalar $dom->$method(@args) }), "\n";
    return;
}

call('get_fs_info');
call('get_fs_info', 0);
call('get_fs_info', 4);
call('get_guest_info', $_) for 2, 4, 8, 2 | 8, 16, 32, 64;
call('get_guest_info', 8, 0);
call('get_guest_info', 1 << 20);
call('get_guest_info', 8, 1);
call('get_interface_addresses', $_) for 0, 1, 2, 99;
call('get_interface_addresses', 1, 1);
call('fs_freeze', []);
call('fs_thaw', []);
call('fs_freeze', ['/mnt'], 0);
call('fs_thaw', ['/mnt'], 0);
call('fs_thaw', [], 0);
call('fs_thaw', [], 1);
call('fs_trim', '/mnt', 0);
call('fs_trim', '/mnt', 0, 1);

call('get_block_job_info', $_) for qw(vda vdz);
call('get_block_job_info', 'vda', $_) for 0, 1, 2;
call('block_pull', 'vda', 1);
call('set_block_job_speed', 'vda', 2);
call('set_block_job_speed', 'vda', 2 * 2**20, 1);
call('block_pull', 'vda', 0);
call('abort_block_job', 'vda');
call('abort_block_job', 'vda');
call('set_block_job_speed', 'vda', 2);
call('block_commit', 'vda', 'vda[7]', 'vda', 0);
call('block_commit', 'vda', 'vda[7]', 'vda', 0, 1 << 30);
call('block_rebase', 'vda', '/nowhere', 0);
my $target = "<disk type='file'><source file='$dir/copy-$$'/><driver type='raw'/></disk>";
call('block_copy', 'vda', '<disk', {});
call('block_copy', 'vda', '<disk/>', {}, 4);
for my $params ({}, { bandwidth => 2**20, granularity => 65536 }, { 'buf-size' => 65536 },
    { granularity => 7 })
{
    my $what = $json->encode($params);
    print "block_copy $what = ", shown(sub { $dom->block_copy('vda', $target, $params, 4) }), "\n";
    print "abort_block_job after it = ", shown(sub { $dom->abort_block_job('vda') }), "\n";
    unlink "$dir/copy-$$";
}

call('backup_get_xml_description');
call('backup_get_xml_description', 1);
call('backup_begin', '<domainbackup', undef);
call('backup_begin', '<domainbackup/>', '<domaincheckpoint');
call('backup_begin', '<domainbackup/>', undef, 1 << 30);

call('migrate_get_max_speed');
call('migrate_get_max_speed', $_) for 0, 1, 2;
call('migrate_set_max_speed', 77);
call('migrate_get_max_speed');
call('migrate_set_max_speed', 8796093022207);
call('migrate_get_max_downtime');
call('migrate_get_max_downtime', 1);
call('migrate_set_max_downtime', 400);
call('migrate_get_max_downtime');
call('migrate_set_max_downtime', 300);
call('migrate_get_compression_cache');
call('migrate_set_compression_cache', 2**25);
call('migrate_get_compression_cache');
call('migrate_set_compression_cache', 2**26);
call('migrate_set_compression_cache', 1, 1);
call('migrate_start_post_copy');
call('migrate_to_uri', 'qemu+unix:///system?socket=/nowhere', {}, 514);
call('migrate_to_uri', 'qemu+unix:///system?socket=/nowhere', 514);
call('migrate_to_uri', 'qemu+unix:///system?socket=/nowhere', 514, 'name', 'tcp://127.0.0.1', 5);
call('migrate_to_uri', 'qemu+unix:///system?socket=/nowhere', { no_such => 1 }, 514);
call('migrate_to_uri', 'qemu+unix:///system?socket=/nowhere', { disks_port => 'x' }, 514);
call('migrate_to_uri2', 'qemu+unix:///system?socket=/nowhere', undef, 514);
print 'migrate to itself = ', shown(sub { $dom->migrate($conn, {}, 513); 1 }), "\n";
print 'migrate2 to itself = ', shown(sub { $dom->migrate2($conn, undef, 513); 1 }), "\n";

call('save');
call('save', undef, undef, { file => '/nowhere/x' });
call('save', '/nowhere/x');
call('save', '/nowhere/x', '<domain');
call('save', '/nowhere/x', undef, undef, 1 << 30);
call('save', undef, undef, { file => '/nowhere/x', no_such => 1 });
print "end\n";
