# SPDX-License-Identifier: LGPL-2.1-or-later
# A program for Sys::Virt that gives typed parameters what is no value of their type:
# Perl's false, negative numbers, numbers with spaces around them. It shows what is set
# then, and the warnings. Its arguments are a URI, the XML of a domain to define, and the
# flags.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SysVirtShow;

use Sys::Virt;
use Sys::Virt::Domain;

my ($uri, $file, $flags) = @ARGV;
my @warnings;
$SIG{__WARN__} = sub { push @warnings, $_[0] =~ s/ at \S+ line.*//sr };
my @deaths;
$SIG{__DIE__} = sub { push @deaths, 1 };

my $conn = Sys::Virt->new(uri => $uri);
my $xml  = do { open my $in, '<', $file or die "$file: $!"; local $/; <$in> };

# Each by its name in the output.
my @values = (
    [ undef           => undef ],
    [ empty           => '' ],
    [ false           => !1 ],
    [ true            => !0 ],
    [ '-1'            => -1 ],
    [ '"-1"'          => '-1' ],
    [ '-2'            => -2 ],
    [ 2               => 2 ],
    [ 1500            => 1500 ],
    [ '"1 "'          => '1 ' ],
    [ '"01"'          => '01' ],
    [ '0.5'           => 0.5 ],
    [ 1.5             => 1.5 ],
    [ '2**33'         => 2**33 ],
    [ 'max of 64 bit' => 18446744073709551615 ],
    [ 'text'          => 'text' ],
    [ 'yes'           => 'yes' ],
);

# A method, its arguments before the hash, and keys, with what else must be set with them.
my @setters = (
    [ scheduler_parameters => [], qw(weight cpu_shares vcpu_quota vcpu_period) ],
    [ blkio_parameters     => [], qw(weight device_weight) ],
    [ memory_parameters    => [], qw(hard_limit swap_hard_limit) ],
    [ numa_parameters      => [], qw(numa_nodeset numa_mode) ],
    [ perf_events          => [], qw(cmt page_faults) ],
    [ block_iotune         => ['vda'], qw(total_bytes_sec group_name) ],
    [ interface_parameters => ['52:54:00:00:00:01'], qw(inbound.average outbound.floor) ],
);
my %with = (numa_mode => { numa_nodeset => '0' }, group_name => { total_bytes_sec => 1000 });

for my $setter (@setters) {
    my ($name, $before, @keys) = @$setter;
    my ($set, $get) = ("set_$name", "get_$name");
    for my $key (@keys) {
        my $dom = $conn->define_domain($xml);
        for my $value (@values) {
            my ($what, $given) = @$value;
            my %params = (%{ $with{$key} // {} }, $key => $given);
            my %copy   = %params;
            my $line   = "$set $key $what";
            @warnings = @deaths = ();
            my $done = eval { $dom->$set(@$before, \%params, $flags); 1 };
            my $error = $@;
            show("$line: warnings", @warnings);
            show("$line: died", scalar @deaths);
            show("$line: the hash", join ',', map { $_ // 'undef' } @params{ sort keys %copy });
            if ($done) { show($line, eval { $dom->$get(@$before, $flags)->{$key} }) }
            else       { show_error($line, $error) }
        }
        $dom->undefine;
    }
}

# Methods whose keys and types Sys::Virt knows itself. The domain is off, or the file not
# there, so that each dies with libvirt's error: the value has been taken.
my $dom    = $conn->define_domain($xml);
my @params = (
    [ $dom, set_iothread => 1, { poll_max_ns => undef, thread_pool_max => '' } ],
    [ $dom, block_copy => 'vda', '<disk/>', { bandwidth => undef, granularity => -1 } ],
    [ $dom, migrate => $conn, { bandwidth => undef, dname => undef, compression => 1.5 }, 0 ],
    [ $dom, migrate => $conn, { bandwidth => -1 }, 0 ],
    [ $dom, migrate_to_uri => 'test:///default', { bandwidth => '', graphics_uri => undef }, 0 ],
    [ $dom,  save => '/no/such/folder/file', undef, { dxml => undef } ],
    [ $conn, restore_domain => '/no/such/file', undef, { dxml => undef } ],
    [ $conn, set_identity => { 'user-name' => undef, 'unix-user-id' => -1 } ],
);
for my $row (@params) {
    my ($object, $method, @args) = @$row;
    my ($params) = grep { ref eq 'HASH' } @args;
    my $line = "$method " . text('', $params);
    @warnings = ();
    my @result = eval { $object->$method(@args) };
    $@ ? show_error($line, $@) : show($line, @result);
    # They come in the order of the keys, which is another one each time.
    show("$line: warnings", sort @warnings);
}
$dom->undefine;
show('end');
