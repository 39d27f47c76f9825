# SPDX-License-Identifier: LGPL-2.1-or-later
# Events of every class that the test driver makes, with their arguments.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Scalar::Util qw(refaddr);
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

VKVM::Event::register_default();
my $conn = VKVM->new(uri => 'test:///default');
my @events;

# Turns the loop until as many events have come, and gives them: the object's
# class and name, and what follows.
sub events {
    my ($count) = @_;
    my $timer = VKVM::Event::add_timeout(5, sub { });
    within(120, sub { VKVM::Event::run_default() until @events >= $count });
    VKVM::Event::run_default() for 1 .. 3;
    VKVM::Event::remove_timeout($timer);
    my @seen;
    for (splice @events) {
        my ($from, $object, @args) = @$_;
        is(refaddr $from, refaddr $conn, 'the connection is the very same');
        push @seen, [ ref $object, $object->get_name, @args ];
    }
    return \@seen;
}
sub listener { return sub { push @events, [@_] } }

subtest 'networks' => sub {
    my $id = $conn->network_event_register_any(undef, VKVM::Network::EVENT_ID_LIFECYCLE, listener());
    my $net = $conn->define_network("<network><name>net44</name><bridge name='virbr44'/>"
          . "<ip address='192.168.244.1' netmask='255.255.255.0'/></network>");
    my $seen = events(1);
    my $one  = $conn->network_event_register_any($net, VKVM::Network::EVENT_ID_LIFECYCLE,
        sub { push @events, [ @_, 'of one' ] });
    $net->create;
    $net->destroy;
    $net->undefine;
    $conn->get_network_by_name('default')->destroy;
    $conn->get_network_by_name('default')->create;
    my @life = map { [ 'VKVM::Network', 'net44', $_, 0 ] } VKVM::Network::EVENT_DEFINED,
      VKVM::Network::EVENT_STARTED, VKVM::Network::EVENT_STOPPED, VKVM::Network::EVENT_UNDEFINED;
    push @$seen, @{ events(8) };
    is_deeply([ grep { @$_ == 4 && $_->[1] eq 'net44' } @$seen ], \@life, 'of all');
    is_deeply([ grep { @$_ == 5 } @$seen ], [ map { [ @$_, 'of one' ] } @life[ 1 .. 3 ] ], 'of one');
    is_deeply([ map { $_->[2] } grep { $_->[1] eq 'default' } @$seen ],
        [ VKVM::Network::EVENT_STOPPED, VKVM::Network::EVENT_STARTED ], 'of another');
    returns_nothing { $conn->network_event_deregister_any($_) } 'deregister' for $id, $one;
    returns_nothing { $conn->network_event_deregister_any($one) } 'again';
};

subtest 'storage pools' => sub {
    my @ids = map { $conn->storage_pool_event_register_any(undef, $_, listener()) }
      VKVM::StoragePool::EVENT_ID_LIFECYCLE, VKVM::StoragePool::EVENT_ID_REFRESH;
    my $pool = $conn->define_storage_pool(
        "<pool type='dir'><name>pool44</name><target><path>/tmp/pool44</path></target></pool>");
    $pool->build;
    $pool->create;
    $pool->refresh;
    $pool->destroy;
    $pool->delete;
    $pool->undefine;
    my @lifecycle = map { [ 'VKVM::StoragePool', 'pool44', $_, 0 ] } VKVM::StoragePool::EVENT_DEFINED,
      VKVM::StoragePool::EVENT_CREATED, VKVM::StoragePool::EVENT_STARTED,
      VKVM::StoragePool::EVENT_STOPPED, VKVM::StoragePool::EVENT_DELETED, VKVM::StoragePool::EVENT_UNDEFINED;
    my $seen = events(7);
    is_deeply([ grep { @$_ == 4 } @$seen ], \@lifecycle, 'lifecycle');
    is_deeply([ grep { @$_ == 2 } @$seen ], [ [ 'VKVM::StoragePool', 'pool44' ] ], 'refresh: no arguments');
    $conn->storage_pool_event_deregister_any($_) for @ids;
};

subtest 'devices of the host' => sub {
    my @ids = map { $conn->node_device_event_register_any(undef, $_, listener()) }
      VKVM::NodeDevice::EVENT_ID_LIFECYCLE, VKVM::NodeDevice::EVENT_ID_UPDATE;
    my $xml = <<'END';
<device>
  <parent>scsi_host1</parent>
  <capability type='scsi_host'>
    <capability type='fc_host'>
      <wwnn>2000000012341234</wwnn>
      <wwpn>1000000012341234</wwpn>
    </capability>
  </capability>
</device>
END
    my $dev = $conn->create_node_device($xml);
    my $name = $dev->get_name;
    $dev->destroy;
    is_deeply(events(2), [ map { [ 'VKVM::NodeDevice', $name, $_, 0 ] }
              VKVM::NodeDevice::EVENT_CREATED, VKVM::NodeDevice::EVENT_DELETED ], 'created and deleted');
    $conn->node_device_event_deregister_any($_) for @ids;
};

subtest 'domains: metadata' => sub {
    my $dom = $conn->get_domain_by_name('test');
    my $id = $conn->domain_event_register_any($dom, VKVM::Domain::EVENT_ID_METADATA_CHANGE, listener());
    $dom->set_metadata(VKVM::Domain::METADATA_ELEMENT, '<a/>', 'k', 'urn:vkvm:44');
    $dom->set_metadata(VKVM::Domain::METADATA_TITLE, 'a title');
    is_deeply(events(2), [
        [ 'VKVM::Domain', 'test', VKVM::Domain::METADATA_ELEMENT, 'urn:vkvm:44' ],
        [ 'VKVM::Domain', 'test', VKVM::Domain::METADATA_TITLE, undef ],
    ], 'type and uri, which may be undef');
    $conn->domain_event_deregister_any($id);
};

subtest 'what libvirt does not have' => sub {
    for my $class (qw(domain network storage_pool node_device)) {
        my $method = "${class}_event_register_any";
        isa_ok(thrown { $conn->$method(undef, 4711, sub { }) }, 'VKVM::Error', "$method 4711");
        isa_ok(thrown { $conn->$method(undef, -1,   sub { }) }, 'VKVM::Error', "$method -1");
        own_error { $conn->$method(undef, 0, 'x') } VKVM::Error::OWN_INVALID, 'callback', 'no code';
    }
    # Each kind of domain event that this libvirt has can be listened to.
    my $libvirt = VKVM->get_version;
    my $last = $libvirt >= 12_004_000 ? 29 : $libvirt >= 11_002_000 ? 27 : $libvirt >= 7_009_000 ? 26 : 25;
    my @ids = map { $conn->domain_event_register_any(undef, $_, sub { }) } 0 .. $last;
    is(scalar @ids, $last + 1, 'all kinds at the same time');
    $conn->domain_event_deregister_any($_) for @ids;
    isa_ok(thrown { $conn->secret_event_register_any(undef, 0, sub { }) }, 'VKVM::Error',
        'secrets, which this driver has not');
};

my $timer = VKVM::Event::add_timeout(5, sub { });
VKVM::Event::run_default() for 1 .. 10;
VKVM::Event::remove_timeout($timer);
undef $conn;
handles_are({ map { $_ => 0 } qw(conn domain network storage_pool node_device value error) },
    'no handle is left');
done_testing;
