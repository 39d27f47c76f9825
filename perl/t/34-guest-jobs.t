# SPDX-License-Identifier: LGPL-2.1-or-later
# What takes a running guest, on a private QEMU daemon: its agent, its monitor, jobs of
# its disks, backups, snapshots, and saving it to a file.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use JSON::PP;
use POSIX ();
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

plan(skip_all => 'qemu-img is not installed (Debian package qemu-utils)')
  if system('qemu-img --version >/dev/null 2>&1') != 0;
my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('jobs', '0ea5b4c5-7b74-4c2c-8f3c-0d2ea39f4a11')
  or plan(skip_all => TestBed->reason);

# Standard error is shown, and the test ends, when a command fails.
sub run_ok {
    my (@command) = @_;
    local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
    open(my $out, '-|', @command) or die "cannot run $command[0]: $!";
    my $text = do { local $/; <$out> } // '';
    close $out or die "@command: exit status $?\n$text";
    return $text;
}

# vda has 8 MiB that are its backing image's, vdb an empty file system.
my $dir = $bed->{DIR};
open(my $data, '>', "$dir/data") or die "cannot write: $!";
print $data join '', map { pack 'N*', map { int rand 2**32 } 1 .. 1024 } 1 .. 2048;
close $data;
run_ok(qw(qemu-img convert -f raw -O qcow2), "$dir/data", "$dir/base.qcow2");
run_ok(qw(qemu-img create -q -f qcow2 -F qcow2 -b), "$dir/base.qcow2", "$dir/top.qcow2", '64M');
run_ok(qw(qemu-img create -q -f raw), "$dir/fs.raw", '16M');
run_ok(qw(mkfs.ext4 -q), "$dir/fs.raw");
run_ok(qw(qemu-img convert -f raw -O qcow2), "$dir/fs.raw", "$dir/fs.qcow2");
my $devices = <<"END";
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2' discard='unmap'/>
  <source file='$dir/top.qcow2'/>
  <target dev='vda' bus='virtio'/>
</disk>
<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2' discard='unmap'/>
  <source file='$dir/fs.qcow2'/>
  <target dev='vdb' bus='virtio'/>
</disk>
<interface type='user'>
  <mac address='52:54:00:12:34:56'/>
  <model type='virtio'/>
</interface>
END
$xml =~ s/(?=<memballoon)/$devices/;

VKVM::Event::register_default();
my $conn = VKVM->new(uri => $bed->{URI});
my $dom  = $conn->define_domain($xml);

sub agent {
    my ($command, %arguments) = @_;
    my $text = encode_json({ execute => $command, %arguments ? (arguments => \%arguments) : () });
    return decode_json($dom->qemu_agent_command($text, 120))->{return};
}

sub agent_answers {
    return soon { eval { $dom->qemu_agent_command('{"execute":"guest-ping"}', 5) } }
    'the agent answers';
}

sub in_guest {
    my ($path, @args) = @_;
    my $pid = agent('guest-exec', path => $path, arg => \@args)->{pid};
    return soon {
        my $status = agent('guest-exec-status', pid => $pid);
        $status->{exited} && $status;
    }
    "$path ends";
}

sub disk_source {
    my ($target) = @_;
    my ($disk) = grep { m{<target dev='$target'} }
      $dom->get_xml_description =~ m{(<disk .*?</disk>)}gs;
    my ($file) = ($disk =~ s{<(backingStore|mirror)\b.*</\1>}{}sr) =~ m{<source file='([^']+)'};
    return $file;
}

sub code_of(&) {
    my ($code) = @_;
    my $error = &thrown($code);
    return ref $error ? $error->code : $error;
}

subtest 'what is off' => sub {
    my $off = VKVM::Error::ERR_OPERATION_INVALID;
    is(code_of { $dom->save("$dir/off.save") },                 $off, 'save');
    is(code_of { $dom->block_pull('vda', 0) },                  $off, 'block_pull');
    is(code_of { $dom->block_rebase('vda', undef, 0) },         $off, 'block_rebase');
    is(code_of { $dom->get_block_job_info('vda') },             $off, 'get_block_job_info');
    is(code_of { $dom->abort_block_job('vda') },                $off, 'abort_block_job');
    is(code_of { $dom->set_block_job_speed('vda', 1) },         $off, 'set_block_job_speed');
    is(code_of { $dom->fs_freeze([]) },                         $off, 'fs_freeze');
    is(code_of { $dom->fs_thaw([]) },                           $off, 'fs_thaw');
    is(code_of { $dom->fs_trim(undef, 0) },                     $off, 'fs_trim');
    is(code_of { $dom->get_fs_info },                           $off, 'get_fs_info');
    is(code_of { $dom->get_guest_info },                        $off, 'get_guest_info');
    is(code_of { $dom->get_interface_addresses(1) },            $off, 'get_interface_addresses');
    is(code_of { $dom->qemu_monitor_command('{}') },            $off, 'qemu_monitor_command');
    is(code_of { $dom->qemu_agent_command('{}', 1) },           $off, 'qemu_agent_command');
    is(code_of { $dom->migrate_start_post_copy },               $off, 'migrate_start_post_copy');
    is(code_of { $dom->backup_get_xml_description }, VKVM::Error::ERR_NO_DOMAIN_BACKUP,
        'backup_get_xml_description');
    own_error { $dom->save } VKVM::Error::OWN_NULL, 'to', 'save to nowhere';
    own_error { $dom->save(undef, undef, { fiel => 'x' }) } VKVM::Error::OWN_NOT_FOUND, 'params',
      'save with a typing error';
    own_error { $dom->block_copy('vda', '<disk/>', { bufsize => 1 }) }
    VKVM::Error::OWN_NOT_FOUND, 'newparams', 'block_copy with a typing error';
};

$dom->create;
ok($bed->wait_for_guest, 'the guest is up');
ok(agent_answers(), 'its agent answers');

subtest 'the monitor' => sub {
    my $answer = decode_json($dom->qemu_monitor_command('{"execute":"query-status"}'));
    is($answer->{return}{status}, 'running', 'a command in JSON');
    like($dom->qemu_monitor_command('info status', VKVM::Domain::QEMU_MONITOR_COMMAND_HMP),
        qr/running/, 'one for people');
    like($dom->qemu_monitor_command('{"execute":"no-such"}'), qr/CommandNotFound/,
        'an unknown one has an answer, too');
    like(thrown { $dom->qemu_monitor_command('{') }->message, qr/JSON/i, 'what is no JSON');

    my ($result, @fds) = $dom->qemu_monitor_command_with_files('{"execute":"query-name"}', []);
    is(decode_json($result)->{return}{name}, 'jobs', 'with files: the answer');
    is_deeply(\@fds, [], 'no descriptors come');
    pipe(my $reader, my $writer) or die "pipe: $!";
    ($result) = $dom->qemu_monitor_command_with_files(
        '{"execute":"getfd","arguments":{"fdname":"vkvm"}}', [ fileno $writer ]);
    is_deeply(decode_json($result)->{return}, {}, 'QEMU takes a descriptor');
    close $writer;
    $dom->qemu_monitor_command('{"execute":"closefd","arguments":{"fdname":"vkvm"}}');
    within(120, sub { is(scalar <$reader>, undef, 'it had the only copy, and closed it') });

    is(code_of { $conn->qemu_attach($$) }, VKVM::Error::ERR_NO_SUPPORT,
        'qemu_attach is no more');
};

subtest 'events of the monitor' => sub {
    my (@all, @some);
    my $regex = VKVM::Domain::QEMU_MONITOR_EVENT_REGISTER_REGEX;
    my $id    = $conn->qemu_monitor_event_register($dom, '^(STOP|RESUME)$',
        sub { push @some, [@_] }, $regex);
    my $every = $conn->qemu_monitor_event_register(undef, undef, sub { push @all, $_[2] });
    isnt($id, $every, 'two registrations');
    my $queue  = VKVM::EventQueue->new;
    my $queued = $queue->qemu_monitor_event_register($conn, $dom, 'RESUME');
    $dom->suspend;
    $dom->resume;
    my $timer = VKVM::Event::add_timeout(20, sub { });
    within(120, sub { VKVM::Event::run_default() until @some == 2 && @all >= 2 });
    is_deeply([ map { $_->[2] } @some ], [qw(STOP RESUME)], 'what happens');
    my ($from, $what, $name, $seconds, $micros, $details) = @{ $some[0] };
    is($from,           $conn,  'the connection');
    is($what->get_name, 'jobs', 'the domain');
    cmp_ok(abs($seconds - time), '<', 600, 'when');
    cmp_ok($micros, '<', 1_000_000, 'to the microsecond');
    is($details, undef, 'no details');
    ok((grep { $_ eq 'STOP' } @all), 'the other one has heard it, too');
    within(120, sub { VKVM::Event::run_default() until $queue->get_length });
    my @entries = $queue->drain;
    is_deeply([ map { "$_->{class} $_->{args}{event}" } @entries ], ['qemu_monitor RESUME'], 'and a queue');
    is($entries[0]{object}->get_name, 'jobs', 'with the domain');
    $conn->qemu_monitor_event_deregister($queued);
    undef $queue;

    $conn->qemu_monitor_event_deregister($id);
    $dom->suspend;
    $dom->resume;
    @all = ();
    within(120, sub { VKVM::Event::run_default() until grep { $_ eq 'RESUME' } @all });
    is(scalar @some, 2, 'nothing comes after deregistration');
    $conn->qemu_monitor_event_deregister($every);
    VKVM::Event::remove_timeout($timer);
    isa_ok(thrown { $conn->qemu_monitor_event_register(undef, '(', sub { }, $regex) },
        'VKVM::Error', 'what is no regular expression');
    undef $_ for @some;
};

subtest 'the agent' => sub {
    is(in_guest('/bin/mount', '/dev/vdb', '/mnt')->{exitcode}, 0, 'a disk is mounted');
    my ($mnt) = grep { $_->{mountpoint} eq '/mnt' } $dom->get_fs_info;
    is_deeply($mnt, { mountpoint => '/mnt', name => 'vdb', fstype => 'ext4', devalias => ['vdb'] },
        'get_fs_info');
    is(scalar $dom->get_fs_info->{fstype}, 'ext4', 'where one value is wanted, the last');

    is(agent('guest-fsfreeze-status'), 'thawed', 'nothing is frozen');
    returns_nothing { $dom->fs_freeze([]) } 'fs_freeze';
    is(agent('guest-fsfreeze-status'), 'frozen', 'frozen');
    returns_nothing { $dom->fs_thaw([]) } 'fs_thaw';
    is(agent('guest-fsfreeze-status'), 'thawed', 'thawed');
    returns_nothing { $dom->fs_freeze(['/mnt'], 0) } 'fs_freeze of one';
    is(agent('guest-fsfreeze-status'), 'frozen', 'frozen');
    is(code_of { $dom->fs_thaw(['/mnt']) }, VKVM::Error::ERR_ARGUMENT_UNSUPPORTED,
        'QEMU thaws all or nothing');
    $dom->fs_thaw([]);
    is(agent('guest-fsfreeze-status'), 'thawed', 'thawed');
    returns_nothing { $dom->fs_trim(undef, 0) } 'fs_trim';
    is(code_of { $dom->fs_trim('/mnt', 0) }, VKVM::Error::ERR_ARGUMENT_UNSUPPORTED,
        'QEMU trims all or nothing');

    my $info = $dom->get_guest_info;
    is($info->{hostname},  'guest', 'get_guest_info: hostname');
    is($info->{'os.machine'}, 'x86_64', 'os.machine');
    cmp_ok($info->{'fs.count'}, '>=', 1, 'fs.count');
    is_deeply([ keys %{ $dom->get_guest_info(VKVM::Domain::GUEST_INFO_HOSTNAME) } ],
        ['hostname'], 'only what is wanted');

    my %nics = map { $_->{name} => $_ }
      $dom->get_interface_addresses(VKVM::Domain::INTERFACE_ADDRESSES_SRC_AGENT);
    my $address = { type => VKVM::IP_ADDR_TYPE_IPV4, addr => '127.0.0.1', prefix => 8 };
    is_deeply((grep { $_->{addr} eq '127.0.0.1' } @{ $nics{lo}{addrs} })[0], $address,
        'get_interface_addresses');
    is($nics{eth0}{hwaddr}, '52:54:00:12:34:56', 'a hardware address');
    is_deeply($nics{eth0}{addrs}, [], 'which has no others');
    is(code_of { $dom->get_interface_addresses(99) }, VKVM::Error::ERR_ARGUMENT_UNSUPPORTED,
        'another source');
};

my $none = { type => 0, bandwidth => 0, cur => 0, end => 0 };

sub job { return $dom->get_block_job_info('vda', @_) }

# Waits until a job that mirrors has caught up, and switches to the copy.
sub pivot {
    my $info = soon { my $info = job(); $info->{end} && $info->{cur} == $info->{end} && $info }
    'the job is ready';
    soon {
        eval { $dom->abort_block_job('vda', VKVM::Domain::BLOCK_JOB_ABORT_PIVOT); 1 }
          || ($@->code != VKVM::Error::ERR_BLOCK_COPY_ACTIVE && die $@) && 0;
    }
    'it pivots';
    is_deeply(job(), $none, 'the job is over');
    return $info;
}

subtest 'block_pull' => sub {
    is_deeply(job(), $none, 'no job');
    like($dom->get_xml_description, qr/base\.qcow2/, 'there is a backing image');
    returns_nothing { $dom->block_pull('vda', 1) } 'block_pull, slowly';
    my $info = job();
    is($info->{type},      VKVM::Domain::BLOCK_JOB_TYPE_PULL, 'a job');
    is($info->{bandwidth}, 1,                                 'in MiB/s');
    cmp_ok($info->{cur}, '<', $info->{end}, 'which has to go on');
    is(job(VKVM::Domain::BLOCK_JOB_INFO_BANDWIDTH_BYTES)->{bandwidth}, 2**20, 'or bytes/s');
    returns_nothing { $dom->set_block_job_speed('vda', 2) } 'set_block_job_speed';
    is(job()->{bandwidth}, 2, 'it is set');
    is(code_of { $dom->block_pull('vda', 0) }, VKVM::Error::ERR_OPERATION_UNSUPPORTED,
        'one job at a time');
    returns_nothing { $dom->abort_block_job('vda') } 'abort_block_job';
    is_deeply(job(), $none, 'no job');
    like($dom->get_xml_description, qr/base\.qcow2/, 'nothing has changed');

    $dom->block_pull('vda', 0);
    soon { !job()->{type} } 'the job ends';
    unlike($dom->get_xml_description, qr/base\.qcow2/, 'the backing image is not needed any more');
    is(code_of { $dom->block_pull('vdz', 0) }, VKVM::Error::ERR_INVALID_ARG, 'no such disk');
};

subtest 'block_copy' => sub {
    my $target = "<disk type='file'><source file='$dir/copy.qcow2'/><driver type='qcow2'/></disk>";
    my %params = (
        VKVM::Domain::BLOCK_COPY_GRANULARITY() => 65536,
        VKVM::Domain::BLOCK_COPY_BUF_SIZE()    => 2**20,
        VKVM::Domain::BLOCK_COPY_BANDWIDTH()   => 0,
    );
    returns_nothing {
        $dom->block_copy('vda', $target, \%params, VKVM::Domain::BLOCK_COPY_TRANSIENT_JOB)
    }
    'block_copy';
    is(pivot()->{type}, VKVM::Domain::BLOCK_JOB_TYPE_COPY, 'its type');
    is(disk_source('vda'), "$dir/copy.qcow2", 'the copy is in use');
    my $error = thrown { $dom->block_copy('vda', '<disk', {}) };
    is($error->code, VKVM::Error::ERR_XML_DETAIL, 'malformed XML');
    is($error->parameter, 'destxml', 'is of a parameter');
};

sub overlay {
    my ($name) = @_;
    $dom->create_snapshot(<<"END", VKVM::DomainSnapshot::CREATE_DISK_ONLY | VKVM::DomainSnapshot::CREATE_NO_METADATA);
<domainsnapshot>
  <disks>
    <disk name='vda' snapshot='external'><source file='$dir/$name.qcow2'/></disk>
    <disk name='vdb' snapshot='no'/>
  </disks>
</domainsnapshot>
END
    is(disk_source('vda'), "$dir/$name.qcow2", 'an overlay is in use');
    return;
}

subtest 'block_commit' => sub {
    overlay('one');
    overlay('two');
    returns_nothing {
        $dom->block_commit('vda', "$dir/copy.qcow2", "$dir/one.qcow2", 0)
    }
    'block_commit of the one in the middle';
    soon { !job()->{type} } 'the job ends';
    unlike($dom->get_xml_description, qr/one\.qcow2/, 'it is merged');
    returns_nothing {
        $dom->block_commit('vda', undef, undef, 0, VKVM::Domain::BLOCK_COMMIT_ACTIVE)
    }
    'block_commit of the topmost one';
    is(pivot()->{type}, VKVM::Domain::BLOCK_JOB_TYPE_ACTIVE_COMMIT, 'its type');
    is(disk_source('vda'), "$dir/copy.qcow2", 'it is merged');
};

subtest 'block_rebase' => sub {
    overlay('three');
    overlay('four');
    returns_nothing { $dom->block_rebase('vda', "$dir/copy.qcow2", 0) } 'block_rebase';
    soon { !job()->{type} } 'the job ends';
    unlike($dom->get_xml_description, qr/three\.qcow2/, 'one is not needed any more');
    like($dom->get_xml_description, qr/copy\.qcow2/, 'the base still is');
    $dom->block_rebase('vda', undef, 0);
    soon { !job()->{type} } 'the job ends';
    unlike($dom->get_xml_description, qr/copy\.qcow2/, 'without a base, nothing is');
};

subtest 'backup_begin' => sub {
    my ($backup, $checkpoint) = map {
        my ($name, $since) = @$_;
        "<domainbackup mode='push'>" . ($since ? "<incremental>$since</incremental>" : '')
          . "<disks><disk name='vda' backup='yes' type='file'><target file='$dir/$name.qcow2'/>"
          . "<driver type='qcow2'/></disk><disk name='vdb' backup='no'/></disks></domainbackup>",
    } [ 'full', undef ], [ 'more', 'first' ];
    my $disks = "<disks><disk name='vda'/><disk name='vdb' checkpoint='no'/></disks>";
    returns_nothing {
        $dom->backup_begin($backup,
            "<domaincheckpoint><name>first</name>$disks</domaincheckpoint>")
    }
    'backup_begin';
    my $over = sub {
        my $error = thrown { $dom->backup_get_xml_description };
        return $error && $error->code == VKVM::Error::ERR_NO_DOMAIN_BACKUP;
    };
    soon { $over->() } 'the backup ends';
    is(($dom->get_job_stats(VKVM::Domain::JOB_STATS_COMPLETED))[0],
        VKVM::Domain::JOB_COMPLETED, 'and is complete');
    is_deeply([ map { $_->get_name } $dom->list_all_checkpoints ], ['first'], 'a checkpoint');
    is($dom->get_checkpoint_by_name('first')->get_domain->get_name, 'jobs', 'is of the domain');
    is($dom->get_checkpoint_by_name('first')->get_conn->get_uri, $bed->{URI},
        'and of the connection');
    # libvirt says that a backup is over before it has QEMU close the copy, which is locked
    # until then.
    soon {
        $dom->qemu_monitor_command('{"execute":"query-named-block-nodes"}') !~ /full\.qcow2/
    }
    'QEMU has let go of the copy';
    like(run_ok(qw(qemu-img compare -f qcow2 -F raw), "$dir/full.qcow2", "$dir/data"),
        qr/identical/, 'the copy has what is on the disk');

    $dom->qemu_monitor_command('stop', VKVM::Domain::QEMU_MONITOR_COMMAND_HMP);
    returns_nothing { $dom->backup_begin($checkpoint, undef, 0) } 'backup_begin of what changed';
    soon { $over->() } 'the backup ends';
    cmp_ok(-s "$dir/more.qcow2", '<', 2**20, 'little is');
    $dom->qemu_monitor_command('cont', VKVM::Domain::QEMU_MONITOR_COMMAND_HMP);
    $dom->get_checkpoint_by_name('first')->delete;

    my $error = thrown { $dom->backup_begin('<domainbackup') };
    is($error->parameter, 'backupxml', 'malformed XML');
    $error = thrown { $dom->backup_begin($backup, '<domaincheckpoint') };
    is($error->parameter, 'checkpointxml', 'the other one');
};

subtest 'snapshots' => sub {
    my $snapshot =
      $dom->create_snapshot('<domainsnapshot><name>before</name></domainsnapshot>');
    is($dom->current_snapshot->get_name, 'before', 'of memory and disks');
    is($snapshot->get_domain->get_uuid, $dom->get_uuid, 'get_domain');
    is($snapshot->get_conn->get_uri, $bed->{URI}, 'get_conn');
    is(in_guest('/bin/touch', '/tmp/after')->{exitcode}, 0, 'the guest goes on');
    returns_nothing { $snapshot->revert_to } 'revert_to';
    ok(agent_answers(), 'the guest runs');
    is(in_guest('/bin/ls', '/tmp/after')->{exitcode}, 1, 'and what it did after that is undone');
    $snapshot->delete;
    is_deeply([ $dom->list_all_snapshots ], [], 'it is deleted');
};

subtest 'save' => sub {
    my $title = "<title>saved</title>";
    my $new   = $dom->get_xml_description(VKVM::Domain::XML_MIGRATABLE) =~ s{(?<=</uuid>)}{$title}r;
    returns_nothing { $dom->save("$dir/one.save", $new) } 'save';
    is($dom->is_active, 0, 'it is off');
    like($conn->get_save_image_xml_description("$dir/one.save"), qr/\Q$title/, 'its new XML');
    returns_nothing { $conn->restore_domain("$dir/one.save") } 'restore_domain';
    is(($dom->get_state)[0], VKVM::Domain::STATE_RUNNING, 'it runs');
    like($dom->get_xml_description, qr/\Q$title/, 'with the new XML');
    ok(agent_answers(), 'and the guest has not noticed');
    is(in_guest('/bin/grep', '-q', '/mnt', '/proc/mounts')->{exitcode}, 0,
        'that is the one that was saved');

    $dom->save("$dir/two.save", undef, undef, VKVM::Domain::SAVE_PAUSED);
    $conn->restore_domain("$dir/two.save");
    is(($dom->get_state)[0], VKVM::Domain::STATE_PAUSED, 'with flags');
    $dom->resume;

    returns_nothing { $dom->managed_save } 'managed_save';
    is($dom->has_managed_save_image, 1, 'there is an image');
    $dom->create;
    is($dom->has_managed_save_image, 0, 'which the start uses up');
    ok(agent_answers(), 'and the guest has not noticed');

    return if VKVM->get_version < 8_004_000;
    my $params = { VKVM::Domain::SAVE_PARAM_FILE() => "$dir/three.save" };
    $dom->save(undef, $new, $params);
    is_deeply([ keys %$params ], ['file'], 'with parameters, which are left alone');
    like($conn->get_save_image_xml_description("$dir/three.save"), qr/\Q$title/, 'the XML');
    $conn->restore_domain(undef, undef, $params);
    is(($dom->get_state)[0], VKVM::Domain::STATE_RUNNING, 'it runs');
};

$dom->destroy;
$dom->undefine;
undef $_ for $dom, $conn;
handles_are({ map { $_ => 0 } qw(conn domain domain_checkpoint domain_snapshot value error) },
    'no handle is left');
Described::as_described(6);

done_testing;
