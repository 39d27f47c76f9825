# SPDX-License-Identifier: LGPL-2.1-or-later
# From an object to its connection, domain or network; and what the test driver says to
# calls that other drivers have.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

VKVM::Event::register_default();
my $uri  = 'test:///default';
my $conn = VKVM->new(uri => $uri);
my $dom  = $conn->get_domain_by_name('test');
my $pool = $conn->get_storage_pool_by_name('default-pool');
my $net  = $conn->get_network_by_name('default');

my $snapshot = $dom->create_snapshot('<domainsnapshot><name>s</name></domainsnapshot>');
# The test driver has no network ports and no secrets; tests with daemons have.
my $other      = $conn->define_domain(domain_xml('other',
    "<devices><disk type='file'><driver type='qcow2'/><source file='/x'/><target dev='vda'/></disk></devices>"));
$other->create;
my $checkpoint = $other->create_checkpoint('<domaincheckpoint><name>c</name></domaincheckpoint>');
my %object = (
    domain            => $dom,
    domain_snapshot   => $snapshot,
    domain_checkpoint => $checkpoint,
    network           => $net,
    interface         => $conn->get_interface_by_name('eth1'),
    storage_pool      => $pool,
    storage_vol       =>
      $pool->create_volume('<volume><name>v</name><capacity>9</capacity></volume>'),
);

for my $class (sort keys %object) {
    my $object = $object{$class};
    subtest $class => sub {
        my $parent = $object->get_conn;
        isa_ok($parent, 'VKVM', 'get_conn');
        is($parent->get_uri, $uri, 'the connection');
        is_deeply([ sort $parent->list_defined_network_names(9) ],
            [ sort $conn->list_defined_network_names(9) ], 'it works');
        like(thrown { $object->get_conn(0) }, qr/VKVM::\w+::get_conn\(\w+\) got 2/, 'no arguments');
    };
}

is($snapshot->get_domain->get_uuid,   $dom->get_uuid, 'the domain of a snapshot');
is($checkpoint->get_domain->get_uuid, $other->get_uuid, 'the domain of a checkpoint');

subtest 'a parent lives by itself' => sub {
    my $own    = VKVM->new(uri => $uri);
    my $parent = $own->get_domain_by_name('test')->get_conn;
    undef $own;
    is($parent->get_hostname, $conn->get_hostname, 'it keeps the connection open');
    my @events;
    $parent->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE,
        sub { push @events, $_[0] });
    my $other = $parent->get_domain_by_name('test');
    $other->suspend;
    my $timer = VKVM::Event::add_timeout(20, sub { });
    within(120, sub { VKVM::Event::run_default() until @events });
    VKVM::Event::remove_timeout($timer);
    is($events[0], $parent, 'events come with the connection that was asked for them');
    $other->resume;
    @events = ();
    $parent->close;
    ok(thrown { $parent->get_hostname }, 'it can be closed');
    is($other->get_name, 'test', 'and other objects do not mind');
};

subtest 'calls that the test driver does not have' => sub {
    my $disk  = "<disk type='file'><source file='/x'/></disk>";
    my %calls = (
        backup_begin               => ['<domainbackup/>'],
        backup_get_xml_description => [],
        block_pull                 => [ 'vda', 0 ],
        block_commit               => [ 'vda', undef, undef, 0 ],
        block_copy                 => [ 'vda', $disk, {} ],
        block_rebase               => [ 'vda', undef, 0 ],
        get_block_job_info         => ['vda'],
        abort_block_job            => ['vda'],
        set_block_job_speed        => [ 'vda', 1 ],
        migrate_to_uri             => [ 'qemu:///system', {}, VKVM::Domain::MIGRATE_PEER2PEER ],
        migrate_get_compression_cache => [],
        migrate_set_compression_cache => [1],
        migrate_get_max_downtime      => [],
        migrate_set_max_downtime      => [1],
        migrate_get_max_speed         => [],
        migrate_set_max_speed         => [1],
        migrate_start_post_copy       => [],
        get_guest_info                => [],
        qemu_monitor_command          => ['{}'],
        qemu_agent_command            => [ '{}', 1 ],
        lxc_open_namespace            => [],
    );
    for my $method (sort keys %calls) {
        my $error = thrown { $dom->$method(@{ $calls{$method} }) };
        my $code  = ref $error ? $error->code : $error;
        ok($code == VKVM::Error::ERR_NO_SUPPORT || $code == VKVM::Error::ERR_ARGUMENT_UNSUPPORTED,
            $method)
          or diag("$error");
    }
    is(thrown { $conn->qemu_attach(1) }->code, VKVM::Error::ERR_NO_SUPPORT, 'qemu_attach');
    is(thrown { $conn->qemu_monitor_event_register(undef, undef, sub { }) }->code,
        VKVM::Error::ERR_NO_SUPPORT, 'qemu_monitor_event_register');
    isa_ok(thrown { $conn->lxc_enter_security_label('x') }, 'VKVM::Error',
        'lxc_enter_security_label');
    own_error { $conn->lxc_enter_security_label('x' x 5000) } VKVM::Error::OWN_TOO_LARGE, 'label',
      'a label that is too long';
};

# Entering namespaces changes the process, so a process of its own does it; those that
# it enters are its own.
SKIP: {
    skip('this system has no /proc/self/ns/uts', 1) unless -e '/proc/self/ns/uts';
    my $script = <<'END';
use VKVM;
my $dom = VKVM->new(uri => 'test:///default')->get_domain_by_name('test');
open(my $uts, '<', '/proc/self/ns/uts') or die "open: $!";
my @old = eval { $dom->lxc_enter_namespace([ fileno $uts ]) };
print $@ ? 'error ' . $@->code : join ' ', map { (stat "/proc/self/fd/$_")[1] == (stat $uts)[1] ? 'uts' : 'ns' } @old;
END
    my ($status, $output, $errors) = run_perl('-e', $script);
    is($status, 0, 'lxc_enter_namespace: a process of its own') or diag($errors);
    if ($> == 0 && $output !~ /^error/) {
        like($output, qr/\buts\b/, 'the namespaces that it was in');
    }
    else {
        is($output, 'error ' . VKVM::Error::ERR_SYSTEM_ERROR, 'it may not');
    }
}

undef %object;
undef $_ for $dom, $other, $pool, $net, $snapshot, $checkpoint, $conn;
handles_are(
    {
        map { $_ => 0 }
          qw(conn domain domain_snapshot domain_checkpoint network interface storage_pool storage_vol value error)
    },
    'no handle is left'
);
done_testing;
