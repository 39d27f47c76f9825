# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots and checkpoints of domains, on libvirt's test driver.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $conn = VKVM->new(uri => 'test:///default');

sub names { return [ sort map { $_->get_name } @_ ] }

subtest 'snapshots' => sub {
    my $dom  = $conn->define_domain(domain_xml('snapped'));
    my $take = sub {
        my ($name) = @_;
        return $dom->create_snapshot("<domainsnapshot><name>$name</name></domainsnapshot>");
    };
    is($dom->has_current_snapshot,  0, 'has_current_snapshot');
    is($dom->num_of_snapshots,      0, 'num_of_snapshots');
    is(scalar $dom->list_snapshots, 0, 'list_snapshots');
    own_error { $dom->current_snapshot } VKVM::Error::ERR_NO_DOMAIN_SNAPSHOT, undef,
      'current_snapshot';

    my $first = $take->('first');
    isa_ok($first, 'VKVM::DomainSnapshot');
    $dom->create;
    my $second = $take->('second');
    my $third  = $take->('third');
    is($dom->num_of_snapshots, 3, 'num_of_snapshots');
    is($dom->num_of_snapshots(VKVM::DomainSnapshot::LIST_ACTIVE), 2, 'with a filter');
    is_deeply([ sort $dom->list_snapshot_names(10) ], [qw(first second third)],
        'list_snapshot_names');
    is_deeply([ $dom->list_snapshot_names(10, VKVM::DomainSnapshot::LIST_ROOTS) ], ['first'],
        'with a filter');
    is_deeply(names($dom->$_), [qw(first second third)], $_)
      for qw(list_all_snapshots list_snapshots);
    is(scalar $dom->list_snapshots, 3, 'list_snapshots: the count');
    is($dom->get_snapshot_by_name('second')->get_name, 'second', 'get_snapshot_by_name');
    own_error { $dom->get_snapshot_by_name('none') } VKVM::Error::ERR_NO_DOMAIN_SNAPSHOT, undef,
      'one that is not there';

    is($dom->has_current_snapshot,       1,       'has_current_snapshot');
    is($dom->current_snapshot->get_name, 'third', 'current_snapshot');
    is_deeply([ map { $_->is_current } $first, $second, $third ], [ 0, 0, 1 ], 'is_current');
    is($first->has_metadata, 1, 'has_metadata');
    like($second->get_xml_description, qr{<name>second</name>}, 'get_xml_description');

    is($third->get_parent->get_name, 'second', 'get_parent');
    own_error { $first->get_parent } VKVM::Error::ERR_NO_DOMAIN_SNAPSHOT, undef,
      'the first has none';
    my $all = VKVM::DomainSnapshot::LIST_DESCENDANTS;
    is($first->num_of_child_snapshots,       1, 'num_of_child_snapshots');
    is($first->num_of_child_snapshots($all), 2, 'with a flag');
    is_deeply([ $first->list_child_snapshot_names(10) ], ['second'], 'list_child_snapshot_names');
    is_deeply([ sort $first->list_child_snapshot_names(10, $all) ], [qw(second third)],
        'with a flag');
    is_deeply(names($first->list_child_snapshots),    ['second'],         'list_child_snapshots');
    is_deeply(names($first->list_all_children),       ['second'],         'list_all_children');
    is_deeply(names($first->list_all_children($all)), [qw(second third)], 'with a flag');
    is(scalar $third->list_child_snapshots, 0, 'list_child_snapshots: the count');

    returns_nothing { $first->revert_to } 'revert_to';
    is($dom->is_active,    0, 'the domain is as it was');
    is($first->is_current, 1, 'and the snapshot the current one');
    returns_nothing { $third->revert_to(VKVM::DomainSnapshot::REVERT_PAUSED) }
    'revert_to with a flag';
    is(($dom->get_state)[0], VKVM::Domain::STATE_PAUSED, 'it is paused');

    returns_nothing { $second->delete } 'delete';
    is($third->get_parent->get_name, 'first', 'its children have a new parent');
    $first->delete(VKVM::DomainSnapshot::DELETE_CHILDREN);
    is($dom->num_of_snapshots, 0,        'with the children');
    is($second->get_name,      'second', 'the object can still be used');

    my $error = own_error { $dom->create_snapshot("<domainsnapshot>\n<name") }
      VKVM::Error::ERR_XML_DETAIL, 'xml', 'malformed XML';
    is($error->{line}, 2, 'the line');
    $dom->destroy;
    $dom->undefine;
};

subtest 'checkpoints' => sub {
    my $dom = $conn->create_domain(domain_xml('checked', <<'END'));
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/nowhere/disk.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
  </devices>
END
    my $mark = sub {
        my ($name) = @_;
        return $dom->create_checkpoint("<domaincheckpoint><name>$name</name></domaincheckpoint>");
    };
    is_deeply([ $dom->list_all_checkpoints ], [], 'list_all_checkpoints');
    my ($first, $second, $third) = map { $mark->($_) } qw(first second third);
    isa_ok($first, 'VKVM::DomainCheckpoint');
    is_deeply(names($dom->list_all_checkpoints), [qw(first second third)], 'list_all_checkpoints');
    is_deeply(names($dom->list_all_checkpoints(VKVM::DomainCheckpoint::LIST_LEAVES)), ['third'],
        'with a filter');
    is($dom->get_checkpoint_by_name('second')->get_name, 'second', 'get_checkpoint_by_name');
    own_error { $dom->get_checkpoint_by_name('none') } VKVM::Error::ERR_NO_DOMAIN_CHECKPOINT,
      undef, 'one that is not there';
    is($second->get_parent->get_name, 'first', 'get_parent');
    own_error { $first->get_parent } VKVM::Error::ERR_NO_DOMAIN_CHECKPOINT, undef,
      'the first has none';
    is_deeply(names($first->list_all_children), ['second'], 'list_all_children');
    is_deeply(names($first->list_all_children(VKVM::DomainCheckpoint::LIST_DESCENDANTS)),
        [qw(second third)], 'with a flag');
    like($second->get_xml_description, qr{<domain type}, 'get_xml_description');
    unlike($second->get_xml_description(VKVM::DomainCheckpoint::XML_NO_DOMAIN), qr{<domain type},
        'with a flag');
    own_error { $dom->create_checkpoint('<domaincheckpoint>') } VKVM::Error::ERR_XML_DETAIL, 'xml',
      'malformed XML';
    returns_nothing { $second->delete } 'delete';
    is($third->get_parent->get_name, 'first', 'its children have a new parent');
    $first->delete(VKVM::DomainCheckpoint::DELETE_CHILDREN);
    is_deeply([ $dom->list_all_checkpoints ], [], 'with the children');
    $dom->destroy;
};

subtest 'other names' => sub {
    my ($status, $output, $errors) = run_perl('-MVKVM::SysVirt', '-e', <<'END');
use Sys::Virt; use Sys::Virt::Secret; use Sys::Virt::StoragePool; use Sys::Virt::StorageVol;
use Sys::Virt::DomainSnapshot; use Sys::Virt::DomainCheckpoint;
my $conn = Sys::Virt->new(uri => 'test:///default');
my ($pool) = $conn->list_storage_pools;
print join ' ', $pool->isa('Sys::Virt::StoragePool'), Sys::Virt::StorageVol::WIPE_ALG_DOD,
    Sys::Virt::DomainSnapshot::XML_SECURE, Sys::Virt::Secret::USAGE_TYPE_CEPH;
END
    is("$status $output$errors", '0 1 2 1 2', 'of Sys::Virt');
};

undef $conn;
handles_are({ conn => 0, domain => 0, domain_snapshot => 0, domain_checkpoint => 0 },
    'no handle is left');
done_testing;
