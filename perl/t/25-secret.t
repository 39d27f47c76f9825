# SPDX-License-Identifier: LGPL-2.1-or-later
# Secrets: libvirt's test driver has none, so most is tested with a daemon.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

use constant UUID => '99999999-8888-7777-6666-555555555555';

subtest 'a driver without secrets' => sub {
    my $conn = VKVM->new(uri => 'test:///default');
    my %call = (
        list_all_secrets    => [],
        list_secrets        => [],
        num_of_secrets      => [],
        list_secret_uuids   => [10],
        get_secret_by_uuid  => [UUID],
        get_secret_by_usage => [ VKVM::Secret::USAGE_TYPE_CEPH, 'client.admin' ],
        define_secret       => ['<secret/>'],
    );
    for my $method (sort keys %call) {
        own_error { $conn->$method(@{ $call{$method} }) } VKVM::Error::ERR_NO_SUPPORT, undef,
          $method;
    }
    own_error { $conn->get_secret_by_uuid('x') } VKVM::Error::OWN_INVALID, 'uuid',
      'what is no uuid';
    own_error { $conn->list_secret_uuids(-1) } VKVM::Error::OWN_INVALID, 'maxuuids',
      'less than no uuids';
    own_error { $conn->get_secret_by_usage(1, undef) } VKVM::Error::OWN_INVALID, 'id', 'no id';
};

sub secret_xml {
    my ($uuid, @usage) = @_;
    return "<secret ephemeral='yes' private='no'><uuid>$uuid</uuid>@usage</secret>";
}

SKIP: {
    my $bed    = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
    my $conn   = VKVM->new(uri => $bed->{URI});
    my $secret = $conn->define_secret(
        secret_xml(UUID, '<usage type="ceph"><name>client.admin</name></usage>'));
    is($secret->get_conn->get_uri, $bed->{URI}, 'get_conn');

    subtest 'finding secrets' => sub {
        isa_ok($secret, 'VKVM::Secret');
        is($secret->get_uuid_string, UUID,                        'get_uuid_string');
        is($secret->get_uuid,        pack('H*', UUID =~ tr/-//dr), 'get_uuid');
        is($conn->get_secret_by_uuid($_)->get_uuid_string, UUID, 'get_secret_by_uuid')
          for UUID, $secret->get_uuid;
        is( $conn->get_secret_by_usage(VKVM::Secret::USAGE_TYPE_CEPH, 'client.admin')
              ->get_uuid_string,
            UUID, 'get_secret_by_usage');
        own_error { $conn->get_secret_by_usage(VKVM::Secret::USAGE_TYPE_CEPH, 'none') }
          VKVM::Error::ERR_NO_SECRET, undef, 'one that is not there';
        is($conn->num_of_secrets, 1, 'num_of_secrets');
        is_deeply([ $conn->list_secret_uuids(10) ], [UUID], 'list_secret_uuids');
        is_deeply([ map { $_->get_uuid_string } $conn->$_ ], [UUID], $_)
          for qw(list_secrets list_all_secrets);
        is(scalar $conn->list_secrets, 1, 'list_secrets: the count');
        is_deeply([ $conn->list_all_secrets(VKVM::Secret::LIST_NO_EPHEMERAL) ], [],
            'list_all_secrets with a filter');
    };

    subtest 'what a secret tells' => sub {
        is($secret->get_usage_type, VKVM::Secret::USAGE_TYPE_CEPH, 'get_usage_type');
        is($secret->get_usage_id,   'client.admin',                'get_usage_id');
        like($secret->get_xml_description, qr{<name>client.admin</name>}, 'get_xml_description');

        my $plain = $conn->define_secret(secret_xml('99999999-8888-7777-6666-000000000000'));
        is($plain->get_usage_type, VKVM::Secret::USAGE_TYPE_NONE, 'no usage type is no error');
        is($plain->get_usage_id,   '',                            'and no usage id');
        returns_nothing { $plain->undefine } 'undefine';
        is($conn->num_of_secrets, 1, 'it is gone');
    };

    subtest 'values' => sub {
        own_error { $secret->get_value } VKVM::Error::ERR_NO_SECRET, undef, 'no value yet';
        returns_nothing { $secret->set_value("s\0\xff\n") } 'set_value';
        is($secret->get_value,    "s\0\xff\n", 'get_value: any bytes');
        is($secret->get_value(0), "s\0\xff\n", 'with flags');
        $secret->set_value("\x{20ac}", 0);
        is($secret->get_value, "\xe2\x82\xac", 'characters go out as UTF-8');
        own_error { $secret->set_value('') } VKVM::Error::ERR_INVALID_ARG, undef, 'no value';
        own_error { $secret->set_value(undef) } VKVM::Error::OWN_INVALID, 'value', 'undef';
    };

    $secret->undefine;
    undef $secret;    # before the daemon
    undef $conn;
}

handles_are({ conn => 0, secret => 0 }, 'no handle is left');
done_testing;
