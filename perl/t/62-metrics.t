# SPDX-License-Identifier: LGPL-2.1-or-later
# Metrics: what is in the text, compared with libvirt's own answers, on the test driver and on
# real guests, one of which is stuck.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time);
use TestBed;
use TestVKVM;
use Tmux;

use VKVM;

# The samples of a text: their values by name and labels, and what was declared of each family.
sub parsed {
    my ($text) = @_;
    my (%value, %type, @wrong);
    for my $line (split /\n/, $text) {
        if ($line =~ /^# TYPE (\S+) (counter|gauge)$/) {
            push @wrong, "twice: $line" if $type{$1};
            $type{$1} = $2;
        }
        elsif ($line =~ /^(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (-?[0-9.e+-]+)$/) {
            push @wrong, "twice: $1 $2" if exists $value{$1}{$2};
            $value{$1}{$2} = $3;
        }
        elsif ($line !~ /^# (?:HELP \w+ \S.*|UNIT \w+ \w+|EOF)$/) {
            push @wrong, $line;
        }
    }
    is_deeply(\@wrong, [], 'each line is one of the format, and no sample is there twice');
    return (\%value, \%type);
}

subtest 'the formats' => sub {
    my $fleet = VKVM::Fleet->new(uris => ['test:///default']);
    my ($value, $type) = parsed(scalar $fleet->metrics);
    is($type->{libvirt_node_cpu_seconds}, 'counter', 'OpenMetrics declares a counter without _total');
    like($fleet->metrics, qr/^# UNIT libvirt_storage_pool_capacity_bytes bytes\n/m, 'and says its unit');
    like($fleet->metrics, qr/\n# EOF\n\z/, 'and ends with EOF');
    (undef, $type) = parsed(my $text = $fleet->metrics(format => 'prometheus'));
    is($type->{libvirt_node_cpu_seconds_total}, 'counter', 'Prometheus declares it with _total');
    unlike($text, qr/# (?:EOF|UNIT)/, 'and has neither units nor an end');
    own_error { $fleet->metrics(format => 'json') } VKVM::Error::OWN_INVALID, 'format', 'no such format';
};

subtest 'the test driver' => sub {
    my $conn = VKVM->new(uri => 'test:///default');
    my $name = qq{quoted "\\name};
    my ($xml_name) = map { s/"/&quot;/gr } $name;
    my $dom = $conn->define_domain(
        "<domain type='test'><name>$xml_name</name><memory>1024</memory><os><type>hvm</type></os></domain>");
    my $fleet = VKVM::Fleet->new(uris => ['test:///default', 'test+tcp://127.0.0.1:1/default']);
    my ($text, $errors) = $fleet->metrics(timeout => 30);
    my ($value) = parsed($text);
    my ($host)  = grep { !/127/ } keys %{ $value->{libvirt_up} };
    is_deeply([ @{ $value->{libvirt_up} }{ $host, 'host="127.0.0.1:1"' } ], [ 1, 0 ], 'a host is up, the other is not');
    is(@$errors, 1, 'whose error is told');
    isa_ok($errors->[0]{error}, 'VKVM::Error', 'as an object');
    is($errors->[0]{uri}, 'test+tcp://127.0.0.1:1/default', 'with its URI');
    is($value->{libvirt_domains}{$host}, 2, 'how many domains there are');
    is($value->{libvirt_domain_info_state}{qq($host,domain="test",state_desc="running")}, 1, 'one runs');
    is($value->{libvirt_domain_info_state}{qq($host,domain="quoted \\"\\\\name",state_desc="shutoff")},
        5, 'one does not, and its name is quoted');
    my $info = $conn->get_storage_pool_by_name('default-pool')->get_info;
    is_deeply(
        [ map { $value->{"libvirt_storage_pool_${_}_bytes"}{qq($host,storage_pool="default-pool")} }
              qw(capacity allocation available) ],
        [ @$info{qw(capacity allocation available)} ],
        'the sizes of a pool'
    );
    is($value->{libvirt_node_cpus}{$host}, $conn->get_node_info->{cpus}, 'CPUs of the host');
    $dom->undefine;
};

subtest 'a host that is there twice' => sub {
    my @uris = ('test:///default', 'test+tcp://127.0.0.1:1/default');
    my ($text, $errors) = VKVM::Fleet->new(uris => [ @uris, @uris ])->metrics(timeout => 30);
    my ($value) = parsed($text);
    is_deeply([ sort keys %{ $value->{libvirt_up} } ], [ map { qq(host="$_") } sort @uris ], 'has its samples once');
    is(@$errors, 2, 'and all its errors');
};

subtest 'an alias' => sub {
    my ($value) = parsed(scalar VKVM::Fleet->new(uris => ['no-such-alias'])->metrics(timeout => 30));
    is_deeply($value->{libvirt_up}, { 'host="no-such-alias"' => 0 }, 'is its own name');
};

# --- real guests --------------------------------------------------------------------------

my $bed = TestBed->daemon('qemu-daemon', '--private-net');

# A guest's uuid, which no other run of this test has at the same time.
sub uuid {
    my ($name) = @_;
    return sprintf '%08x-53f4-4b55-a7c5-%s', $$, unpack 'H12', "$name      ";
}

# A guest with a disk and two network interfaces.
sub guest_xml {
    my ($name) = @_;
    my $xml = $bed->guest_xml($name, uuid($name)) // return;
    my $image = "$bed->{DIR}/$name.img";
    open my $file, '>', $image or die "cannot write $image: $!\n";
    truncate $file, 3 << 20;
    $xml =~ s{</devices>}{
        <disk type='file' device='disk'><source file='$image'/><target dev='vda' bus='virtio'/></disk>
        <interface type='network'><source network='metrics'/><model type='virtio'/></interface>
        <interface type='network'><source network='metrics'/><model type='virtio'/></interface>$&};
    return $xml;
}

# The process of a guest.
sub process {
    my ($name) = @_;
    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $in, '<', $file or next;
        my $command = join ' ', split /\0/, <$in> // '';
        return $file =~ s{/proc/(\d+)/.*}{$1}r if $command =~ /\bguest=\Q$name\E,.* -uuid @{[ uuid($name) ]}/;
    }
    die "$name has no process\n";
}

SKIP: {
    my %xml = map { $_ => $bed && guest_xml($_) } qw(stuck well);
    skip(TestBed->reason, 1) if !$xml{well};
    my $conn = VKVM->new(uri => $bed->{URI});
    $conn->create_network("<network><name>metrics</name><bridge name='vkvm8'/></network>");
    my %dom = map { $_ => $conn->create_domain($xml{$_}) } qw(stuck well);
    ok($bed->wait_for_guest, 'the guest is up');
    my $fleet = VKVM::Fleet->new(uris => [ $bed->{URI} ], timeout => 60);

    subtest 'a guest' => sub {
        my $before = $dom{well}->get_info;
        my ($value, $type) = parsed(scalar $fleet->metrics(timeout => 60));
        my $after = $dom{well}->get_info;
        my ($host) = keys %{ $value->{libvirt_up} };
        my $of     = sub {
            my ($family, $more) = @_;
            return $value->{$family}{ qq($host,domain="well") . ($more // '') };
        };
        is($of->('libvirt_domain_info_maximum_memory_bytes'), $before->{maxMem} * 1024, 'maximum memory, in bytes');
        is($of->('libvirt_domain_info_memory_usage_bytes'),   $before->{memory} * 1024, 'memory, in bytes');
        is($of->('libvirt_domain_info_virtual_cpus'), $before->{nrVirtCpu}, 'vCPUs');
        my $time = $of->('libvirt_domain_info_cpu_time_seconds_total');
        cmp_ok($time, '>=', $before->{cpuTime} / 1e9, 'CPU time in seconds, not less than before');
        cmp_ok($time, '<=', $after->{cpuTime} / 1e9,  'and not more than after');
        cmp_ok($of->('libvirt_domain_vcpu_time_seconds_total', ',vcpu="0"'), '>', 0, 'time of a vCPU');
        cmp_ok($of->('libvirt_domain_memory_stats_rss_bytes'), '>', 1 << 20, 'memory of its process');
        my %disk = map { $_ => $of->("libvirt_domain_block_stats_$_", ',target_device="vda"') }
          qw(capacity_bytes read_requests_total write_bytes_total);
        is($disk{capacity_bytes}, $dom{well}->get_block_info('vda')->{capacity}, 'size of its disk');
        cmp_ok($disk{read_requests_total}, '>=', 1, 'what it has read');
        is($disk{write_bytes_total}, 0, 'what it has written: nothing');
        my @nics = grep { /domain="well"/ } keys %{ $value->{libvirt_domain_interface_stats_receive_bytes_total} };
        is(@nics, 2, 'each of its network interfaces');

        # The names that the common exporters share, and those that most of them add.
        my @names = qw(up domain_info_maximum_memory_bytes domain_info_memory_usage_bytes
          domain_info_virtual_cpus domain_info_cpu_time_seconds_total domain_block_stats_capacity_bytes
          domain_memory_stats_rss_bytes domain_vcpu_time_seconds_total domain_vcpu_state);
        push @names, map { "domain_block_stats_${_}_total" } qw(read_bytes read_requests write_bytes write_requests
          read_time_seconds write_time_seconds flush_requests flush_time_seconds);
        for my $way (qw(receive transmit)) {
            push @names, map { "domain_interface_stats_${way}_${_}_total" } qw(bytes packets errors drops);
        }
        is_deeply([ grep { !$value->{"libvirt_$_"} } @names ], [], 'the names of the common exporters');
        is($type->{libvirt_domain_info_cpu_time_seconds}, 'counter', 'CPU time is a counter');
        is($type->{libvirt_domain_info_virtual_cpus},     'gauge',   'the number of vCPUs is not');
    };

    subtest 'what vkvm top makes of it' => sub {
        my @perl = ($^X, map { "-I$_" } @INC);
        open my $top, '-|', @perl, "$FindBin::Bin/../bin/vkvm", '-c', $bed->{URI}, qw(-t 60 top --count 2 --delay 1 --sort name)
          or die "cannot run vkvm: $!\n";
        my @rows = map { [split] } grep { /\brunning +well\b/ } <$top>;
        close $top;
        is($?, 0, 'it ends well');
        is(@rows, 2, 'the guest has a row in each turn');
        my ($first, $last) = @rows;
        is("@$first[ 1, 2 ]", '1 128M', 'with its vCPUs and its memory');
        is($first->[0], '-', 'and no CPU use at first');
        like("@$last[ 0, 3, 4 ]", qr/\A\d+[.]\d (?:\S+) (?:\S+)\z/, 'in the next one with its CPU use and transfers');
        unlike("@$last[ 0, 3, 4 ]", qr/(?:\A| )-(?: |\z)/, 'which are all known');
    };

    subtest 'vkvm console' => sub {
        plan(skip_all => 'tmux is not installed (Debian package tmux)') if !Tmux->is_here;
        my @vkvm     = ($^X, (map { "-I$_" } @INC), "$FindBin::Bin/../bin/vkvm", '-c', $bed->{URI});
        my $terminal = Tmux->start("$bed->{DIR}/tmux", @vkvm, 'console', 'well');
        ok($terminal->shows(qr/Connected to well; Ctrl-\] ends it/), 'it says how it ends');
        $terminal->run('send-keys', 'echo $((6*7))', 'Enter');
        ok($terminal->shows(qr/^42$/m), 'the guest does what is typed');
        my $said = `@{[ map { "'$_'" } @vkvm ]} console well </dev/null 2>&1`;
        like($said, qr/\Avkvm: .*Active console session exists/, 'a console that is in use is refused');
        is($? >> 8, 1, 'with status 1');
        $terminal->run('send-keys', 'C-]');
        ok($terminal->shows(qr/Disconnected[.]\s+status 0/), 'Ctrl-] ends it');
    };

    subtest 'a guest that is stuck' => sub {
        my $process = process('stuck');
        kill STOP => $process;
        for my $time ('first', 'next') {
            my $begun = time;
            my ($text, $errors) = $fleet->metrics(timeout => 20);
            my $took = time - $begun;
            my ($value) = parsed($text);
            is_deeply($errors, [], "the $time time the host answers");
            cmp_ok($took, '<', 16, 'before the deadline');
            my ($host) = keys %{ $value->{libvirt_up} };
            for my $name (qw(well stuck)) {
                my $is_well = $name eq 'well';
                is($value->{libvirt_domain_info_state}{qq($host,domain="$name",state_desc="running")},
                    1, "$name: its state is there");
                my $row = qq($host,domain="$name",target_device="vda");
                is(exists $value->{libvirt_domain_block_stats_read_bytes_total}{$row} ? 1 : 0,
                    $is_well ? 1 : 0, "$name: its disk " . ($is_well ? 'is, too' : 'is not'));
            }
        }
        kill CONT => $process;
        my ($text, $errors) = $fleet->metrics(timeout => 60);
        is_deeply($errors, [], 'once it goes on all answer again');
    };

    subtest 'five guests that are stuck' => sub {
        my @names = map { "more$_" } 1 .. 5;
        $dom{$_} = $conn->create_domain(guest_xml($_), VKVM::Domain::START_PAUSED) for @names;
        my @processes = map { process($_) } @names;
        kill STOP => @processes;
        my $other = VKVM::Fleet->new(uris => [ $bed->{URI} ], timeout => 60);
        for my $time ('first', 'next') {
            my ($text, $errors) = $other->metrics(timeout => 20);
            my ($value) = parsed($text);
            is_deeply($errors, [], "the $time time the host answers");
            my $states = join ' ', keys %{ $value->{libvirt_domain_info_state} };
            is_deeply([ grep { $states !~ /domain="$_"/ } @names, 'well' ], [], 'with the states of all');
        }
        kill CONT => @processes;
    };
    $_->destroy for values %dom;
}

done_testing;
