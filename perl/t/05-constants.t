# SPDX-License-Identifier: LGPL-2.1-or-later
# The constants of Sys::Virt and libvkvm's own are Perl functions.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $table   = read_json(root_file('data/constants.json'));
my $api     = read_json(root_file('vkvm-api.json'));
my %package = (
    conn   => 'VKVM',
    domain => 'VKVM::Domain',
    event  => 'VKVM::Event',
    error  => 'VKVM::Error',

    domain_checkpoint => 'VKVM::DomainCheckpoint',
    domain_snapshot   => 'VKVM::DomainSnapshot',
    interface         => 'VKVM::Interface',
    network           => 'VKVM::Network',
    network_port      => 'VKVM::NetworkPort',
    node_device       => 'VKVM::NodeDevice',
    nwfilter          => 'VKVM::NWFilter',
    nwfilter_binding  => 'VKVM::NWFilterBinding',
    secret            => 'VKVM::Secret',
    storage_pool      => 'VKVM::StoragePool',
    storage_vol       => 'VKVM::StorageVol',
);

for my $class (sort keys %package) {
    subtest $package{$class} => sub {
        my %value = map { $_->{name} => $_->{value} }
          grep { $_->{class} eq $class } @{ $api->{constants} };
        for my $constant (@{ $table->{$class} }) {
            my ($name, $value) = @$constant;
            ok(exists $value{$name}, "$name is in the API file");
            is($value{$name}, $value, 'with the same value') if defined $value;
        }
        for my $name (sort keys %value) {
            my $code = $package{$class}->can($name);
            ok($code, "can $name") or next;
            is($code->(), $value{$name}, "$name as a function");
            is($package{$class}->$name, $value{$name}, 'as a method');
            is(prototype $code, '', 'without arguments');
        }
        ok(scalar keys %value, 'there are some');
    };
}

is(VKVM::Domain::MEMORY_PARAM_UNLIMITED, 9007199254740991, 'the largest number');
is(VKVM::NODE_CPU_STATS_ALL_CPUS, -1, 'a negative number');
is(VKVM::Domain::GET_ALL_STATS_ENFORCE_STATS, 0x80000000, 'the 32nd bit');
is(VKVM::Domain::SCHEDULER_CPU_SHARES, 'cpu_shares', 'a string');
ok(!VKVM->can('NO_SUCH_CONSTANT'), 'what is none');
like(thrown { VKVM::Domain->NO_SUCH_CONSTANT }, qr/^Can't locate object method/, 'calling it');

done_testing;
