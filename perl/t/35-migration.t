# SPDX-License-Identifier: LGPL-2.1-or-later
# Live migration between two private QEMU daemons, over loopback.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

plan(skip_all => 'qemu-img is not installed (Debian package qemu-utils)')
  if system('qemu-img --version >/dev/null 2>&1') != 0;
my %bed;
for my $side (qw(here there)) {
    $bed{$side} = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
}
my $uuid = '9a7b3f0e-4c1d-4f6a-8f52-5d6b8c1e2f33';
my $xml  = $bed{here}->guest_xml('mover', $uuid) or plan(skip_all => TestBed->reason);
my %conn = map { $_ => VKVM->new(uri => $bed{$_}{URI}) } keys %bed;
my %dir  = map { $_ => $bed{$_}{DIR} } keys %bed;

for my $disk (qw(here/vda here/vdb there/vda)) {
    my ($side, $name) = split m{/}, $disk;
    is(system(qw(qemu-img create -q -f qcow2), "$dir{$side}/$name.qcow2", '2M'), 0, $disk);
}
my $disks = join '', map { <<"END" } qw(vda vdb);
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2'/>
  <source file='$dir{here}/$_.qcow2'/>
  <target dev='$_' bus='virtio'/>
</disk>
END
$xml =~ s/(?=<memballoon)/$disks/;

# libvirt thinks that it is unsafe to share the disks as files on one machine.
my $live = VKVM::Domain::MIGRATE_LIVE | VKVM::Domain::MIGRATE_UNSAFE;
my $peer = $live | VKVM::Domain::MIGRATE_PEER2PEER;
my %way  = (
    VKVM::Domain::MIGRATE_PARAM_URI()            => 'tcp://127.0.0.1',
    VKVM::Domain::MIGRATE_PARAM_LISTEN_ADDRESS() => '127.0.0.1',
);

# Checks that the domain runs on one side and is not on the other.
sub is_on {
    my ($side, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($other) = grep { $_ ne $side } keys %conn;
    my @names = map { $_->get_name } $conn{$side}->list_domains;
    is_deeply(\@names, [$name], "it runs $side");
    is_deeply([ $conn{$other}->list_all_domains ], [], "and is not $other");
    return $conn{$side}->get_domain_by_name($name);
}

my $dom = $conn{here}->create_domain($xml);
ok($bed{here}->wait_for_guest, 'the guest is up');

subtest 'what cannot be' => sub {
    my $unknown = VKVM::Error::OWN_NOT_FOUND;
    own_error { $dom->migrate($conn{there}, { bandwith => 1 }, $live) } $unknown, 'params',
      'migrate with a typing error';
    like(thrown { $dom->migrate($conn{there}, { bandwith => 1 }) }->message, qr/"bandwith".*bandwidth/,
        'which it names');
    own_error { $dom->migrate_to_uri($bed{there}{URI}, { migrate_disk => [] }, $peer) } $unknown,
      'params', 'migrate_to_uri with one';
    own_error { $dom->migrate($conn{there}, { bandwidth => [1] }) } VKVM::Error::OWN_WRONG_TYPE,
      'params', 'a list where one value is wanted';
    own_error { $dom->migrate($conn{there}, { migrate_disks => [ {} ] }) }
    VKVM::Error::OWN_WRONG_TYPE, 'params', 'a list of what is no text';
    own_error { $dom->migrate(undef) } VKVM::Error::OWN_FOREIGN_HANDLE, 'destcon', 'to nowhere';
    isa_ok(thrown { $dom->migrate($conn{here}, 0) }, 'VKVM::Error', 'to itself');
    my $test  = VKVM->new(uri => 'test:///default');
    isa_ok(thrown { $dom->migrate($test, $live) }, 'VKVM::Error', 'to another hypervisor');
    my $error = thrown { $test->get_domain_by_name('test')->migrate($conn{there}, $live) };
    is($error->code, VKVM::Error::ERR_NO_SUPPORT, 'from a driver that cannot');
    $error = thrown { $dom->migrate_start_post_copy };
    is($error->code, VKVM::Error::ERR_OPERATION_INVALID, 'migrate_start_post_copy without any');
    $error = thrown { $dom->migrate_to_uri('qemu+unix:///system?socket=/nowhere', {}, $peer) };
    is($error->code, VKVM::Error::ERR_SYSTEM_ERROR, 'to a daemon that is not there');
    is_on('here', 'mover');
};

subtest 'settings' => sub {
    cmp_ok($dom->migrate_get_max_speed, '>', 0, 'migrate_get_max_speed');
    returns_nothing { $dom->migrate_set_max_speed(100) } 'migrate_set_max_speed';
    is($dom->migrate_get_max_speed, 100, 'it is set');
    is($dom->migrate_get_max_speed(VKVM::Domain::MIGRATE_MAX_SPEED_POSTCOPY), 0, 'with flags');
    $dom->migrate_set_max_speed(0);
    cmp_ok($dom->migrate_get_max_downtime, '>', 0, 'migrate_get_max_downtime');
    returns_nothing { $dom->migrate_set_max_downtime(500) } 'migrate_set_max_downtime';
    is($dom->migrate_get_max_downtime, 500, 'it is set');
    returns_nothing { $dom->migrate_set_compression_cache(2**26) } 'migrate_set_compression_cache';
    is($dom->migrate_get_compression_cache, 2**26, 'migrate_get_compression_cache');
};

subtest 'migrate, with parameters' => sub {
    my $there = $dom->migrate($conn{there}, {%way}, $live);
    is($there->get_uuid_string, $uuid, 'the domain there');
    is($there->get_conn->get_uri, $bed{there}{URI}, 'is of the other connection');
    is(($there->get_state)[1], VKVM::Domain::STATE_RUNNING_MIGRATED, 'has migrated');
    $dom = is_on('there', 'mover');
};

subtest 'migrate_to_uri, with parameters' => sub {
    my $name = { %way, VKVM::Domain::MIGRATE_PARAM_DEST_NAME() => 'renamed' };
    returns_nothing { $dom->migrate_to_uri($bed{here}{URI_TCP}, $name, $peer) } 'migrate_to_uri';
    $dom = is_on('here', 'renamed');
};

subtest 'migrate, the older way' => sub {
    my $there = $dom->migrate($conn{there}, $live, 'mover', 'tcp://127.0.0.1', 1000);
    is($there->get_name, 'mover', 'a name');
    $dom = is_on('there', 'mover');
};

subtest 'migrate_to_uri, the older way' => sub {
    returns_nothing { $dom->migrate_to_uri($bed{here}{URI}, $peer, undef, 'tcp://127.0.0.1') }
    'migrate_to_uri';
    $dom = is_on('here', 'mover');
};

subtest 'migrate2 and migrate_to_uri2' => sub {
    my $titled = $dom->get_xml_description(VKVM::Domain::XML_MIGRATABLE) =~
      s{(?<=</uuid>)}{<title>moved</title>}r;
    my $there = $dom->migrate2($conn{there}, $titled, $live, undef, 'tcp://127.0.0.1');
    like($there->get_xml_description, qr{<title>moved</title>}, 'migrate2: with other XML');
    $dom = is_on('there', 'mover');
    $titled = $dom->get_xml_description(VKVM::Domain::XML_MIGRATABLE) =~ s{>moved<}{>back<}r;
    returns_nothing {
        $dom->migrate_to_uri2($bed{here}{URI}, $titled, $peer, undef, 'tcp://127.0.0.1', 0)
    }
    'migrate_to_uri2';
    $dom = is_on('here', 'mover');
    like($dom->get_xml_description, qr{<title>back</title>}, 'with other XML');
};

# Migrates in another process, so slowly that there is time to interfere. Gives a
# function that waits for its end and gives what it printed.
sub begin_slowly {
    my ($from, $to, $flags) = @_;
    my $script = <<'END';
my ($from, $to, $flags, @way) = @ARGV;
my $dom = VKVM->new(uri => $from)->get_domain_by_name('mover');
print eval { $dom->migrate(VKVM->new(uri => $to), {@way}, $flags); 'done' }
  || join ' ', 'error', $@->code, $@->message;
END
    my @way = (%way, VKVM::Domain::MIGRATE_PARAM_BANDWIDTH() => 1);
    open(my $output, '-|', $^X, (map { "-I$_" } grep { !ref } @INC), '-MVKVM', '-e', $script,
        $bed{$from}{URI}, $bed{$to}{URI}, $flags, @way) or die "cannot run $^X: $!";
    for (1 .. 2400) {
        my $stats = eval { ($dom->get_job_stats)[1] } // {};
        last if $stats->{memory_processed};
        select undef, undef, undef, 0.05;
    }
    return sub { my $text = <$output>; close $output; return $text };
}

subtest 'while it is going on' => sub {
    my $end  = begin_slowly('here', 'there', $live);
    my $info = $dom->get_job_info;
    is($info->{type}, VKVM::Domain::JOB_UNBOUNDED, 'a job');
    cmp_ok($info->{memRemaining}, '>', 0, 'there is more to do');
    returns_nothing { $dom->migrate_set_max_downtime(700) } 'migrate_set_max_downtime';
    is($dom->migrate_get_max_downtime, 700, 'it is set');
    returns_nothing { $dom->migrate_set_max_speed(2) } 'migrate_set_max_speed';
    my $error = thrown { $dom->migrate_start_post_copy };
    is($error->code, VKVM::Error::ERR_OPERATION_INVALID, 'it is in no post-copy mode');
    returns_nothing { $dom->abort_job } 'abort_job';
    like($end->(), qr/^error @{[VKVM::Error::ERR_OPERATION_ABORTED]} /, 'it ends');
    $dom = is_on('here', 'mover');
};

subtest 'post-copy' => sub {
    my $end = begin_slowly('here', 'there', $live | VKVM::Domain::MIGRATE_POSTCOPY);
    my $error = thrown { $dom->migrate_start_post_copy };
    my $said = $end->();
    # QEMU needs userfaultfd for it, which not every user may use.
    plan(skip_all => $said) if $said =~ /postcopy is not supported|userfault/i;
    is($error, undef, 'migrate_start_post_copy');
    is($said, 'done', 'it ends');
    $dom = is_on('there', 'mover');
};

subtest 'with a copy of a disk' => sub {
    my $side = $dom->get_conn->get_uri eq $bed{here}{URI} ? 'here' : 'there';
    $dom = $dom->migrate($conn{here}, {%way}, $live) if $side eq 'there';
    my $new = $dom->get_xml_description(VKVM::Domain::XML_MIGRATABLE) =~
      s{\Q$dir{here}/vda}{$dir{there}/vda}r;
    $dom = $dom->migrate(
        $conn{there},
        {
            %way,
            VKVM::Domain::MIGRATE_PARAM_MIGRATE_DISKS() => ['vda'],
            VKVM::Domain::MIGRATE_PARAM_DEST_XML()      => $new,
        },
        $live | VKVM::Domain::MIGRATE_NON_SHARED_DISK
    );
    $dom = is_on('there', 'mover');
    like($dom->get_xml_description, qr{\Q$dir{there}/vda}, 'one disk is another file');
    like($dom->get_xml_description, qr{\Q$dir{here}/vdb},  'the other one is the same');
};

$dom->destroy;
undef $dom;
undef %conn;
handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');
Described::as_described(2);

done_testing;
