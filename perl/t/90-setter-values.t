# SPDX-License-Identifier: LGPL-2.1-or-later
# Values of typed parameters that are not of their type: with VKVM::SysVirt they are taken
# as Sys::Virt takes them, side by side with it, unless it sends something that was not
# asked for; VKVM refuses them.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use SideBySide;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

sub domain_file {
    my ($type) = @_;
    my $file = File::Temp->new;
    print $file <<"END";
<domain type='$type'>
  <name>values</name>
  <memory unit='KiB'>65536</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64'>hvm</type></os>
  <devices>
    <disk type='file'><source file='/values.raw'/><target dev='vda' bus='virtio'/></disk>
    <interface type='user'><mac address='52:54:00:00:00:01'/><target dev='v0'/></interface>
  </devices>
</domain>
END
    close $file or die $!;
    return $file;
}

# What differs on purpose.
my $cut = 'Sys::Virt cuts a number to the bits of its type, and sets another one';
my %differs = (
    '/set_\w+ [\w.]+ (?:text|yes).*/' => 'Sys::Virt takes text for 0',
    '/set_perf_events \w+ (?:2\*\*33|max of 64 bit)/' => 'Sys::Virt cuts a number to 8 bits: it is false',
    '/set_(?:blkio|interface)_parameters (?:weight|(?:in|out)bound\.\w+) (?:2\*\*33|max of 64 bit).*/' => $cut,
    '/set_scheduler_parameters (?:weight|vcpu_quota) (?:2\*\*33|max of 64 bit).*/' => $cut,
    '/set_numa_parameters numa_mode (?:2\*\*33|max of 64 bit).*/'       => $cut,
    '/set_\w+ (?:weight|inbound\.average|outbound\.floor) "?-\d"?/' =>
      'Sys::Virt gives 32-bit numbers above 2^31 as negative ones',
);

subtest 'with VKVM::SysVirt' => sub {
    need_module('Sys::Virt', 'libsys-virt-perl');
    my $pair = SideBySide->new("$FindBin::Bin/scripts/values.pl", %differs);
    $pair->same_output('on the test driver', 800, 'test:///default', domain_file('test')->filename, 0);
    SKIP: {
        my $bed = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
        $pair->same_output('on a QEMU daemon', 800, $bed->{URI}, domain_file('qemu')->filename,
            VKVM::Domain::AFFECT_CONFIG);
    }
    $pair->all_differed;
};

# Whoever calls VKVM's own classes is told.
subtest 'with VKVM' => sub {
    my $dom = VKVM->new(uri => 'test:///default')->get_domain_by_name('test');
    my @refused = (
        [ hard_limit => undef, 'WRONG_TYPE', '"hard_limit" is null, not an integer', 'ullong' ],
        [ hard_limit => '',    'INVALID', '"hard_limit" is ""; an integer is needed', 'ullong' ],
        [ hard_limit => -1,    'INVALID',
            '"hard_limit" is -1; a 64-bit integer that is not negative is needed', 'ullong' ],
    );
    for my $row (@refused) {
        my ($key, $value, $code, $message, $type) = @$row;
        my $error = own_error { $dom->set_memory_parameters({ $key => $value }) }
            VKVM::Error->can("OWN_$code")->(), 'newparams', text($value);
        is($error->message, "newparams: $message", 'the message has key and value');
        is_deeply([ $error->str1, $error->str2 ], [ $key, $type ], 'so have its texts, and the type');
    }
    my $error = own_error { $dom->set_blkio_parameters({ device_weight => undef }) }
        VKVM::Error::OWN_WRONG_TYPE(), 'newparams', 'undef for text';
    is_deeply([ $error->str1, $error->str2 ], [qw(device_weight string)], 'text is wanted');
};

sub text {
    my ($value) = @_;
    return defined $value ? qq("$value") : 'undef';
}

done_testing;
