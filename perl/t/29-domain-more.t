# SPDX-License-Identifier: LGPL-2.1-or-later
# More of what domains can do, on libvirt's test driver: metadata, saved states,
# statistics, tuning, virtual CPUs, devices.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $conn = VKVM->new(uri => 'test:///default');
my $test = $conn->get_domain_by_name('test');
my $dom  = $conn->define_domain(domain_xml('probe'));

# Whether a call fails because the test driver does not have it.
sub unsupported(&$) {
    my ($code, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $error = &thrown($code);
    return is(ref $error && $error->code, VKVM::Error::ERR_NO_SUPPORT, "$what: not supported");
}

# Whether a call fails because the domain does not run, or does.
sub not_now(&$) {
    my ($code, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $error = &thrown($code);
    return is(ref $error && $error->code, VKVM::Error::ERR_OPERATION_INVALID, "$what: not now");
}

subtest 'information' => sub {
    like($test->get_os_type, qr/^\w+$/, 'get_os_type');
    is($test->get_hostname, 'testhost', 'get_hostname');
    is($test->get_hostname(0), 'testhost', 'with flags');
    not_now { $dom->get_hostname } 'get_hostname of what is off';
    is_deeply($test->get_control_info, { state => 0, details => 0, stateTime => 0 },
        'get_control_info');
    is($test->is_updated, 0, 'is_updated');
    returns_nothing {
        $dom->set_lifecycle_action(VKVM::Domain::LIFECYCLE_REBOOT,
            VKVM::Domain::LIFECYCLE_ACTION_DESTROY)
    }
    'set_lifecycle_action';
    like($dom->get_xml_description, qr{<on_reboot>destroy</on_reboot>}, 'it is set');
    if (VKVM->get_version >= 7_001_000) {
        is_deeply([ $test->get_messages ], [], 'get_messages');
        is_deeply([ $test->get_messages(VKVM::Domain::MESSAGE_TAINTING) ], [], 'with flags');
    }
};

subtest 'metadata' => sub {
    my ($title, $element) = (VKVM::Domain::METADATA_TITLE, VKVM::Domain::METADATA_ELEMENT);
    returns_nothing { $dom->set_metadata($title, 'a title') } 'set_metadata';
    is($dom->get_metadata($title), 'a title', 'get_metadata');
    $dom->set_metadata($title, undef);
    my $error = thrown { $dom->get_metadata($title) };
    is($error->code, VKVM::Error::ERR_NO_DOMAIN_METADATA, 'it is gone');
    $dom->set_metadata($element, '<owner/>', 'vkvm', 'urn:vkvm', 0);
    is($dom->get_metadata($element, 'urn:vkvm', 0), '<owner/>', 'an element');
    $dom->set_metadata($element, undef, 'vkvm', 'urn:vkvm');
    $error = thrown { $dom->get_metadata($element, 'urn:vkvm') };
    is($error->code, VKVM::Error::ERR_NO_DOMAIN_METADATA, 'it is gone');
};

subtest 'name' => sub {
    returns_nothing { $dom->rename('renamed') } 'rename';
    is($conn->get_domain_by_name('renamed')->get_uuid, $dom->get_uuid, 'it has the new name');
    $dom->rename('probe', 0);
    not_now { $test->rename('other') } 'rename of what runs';
};

subtest 'a running guest' => sub {
    returns_nothing { $test->reset } 'reset';
    returns_nothing { $test->inject_nmi } 'inject_nmi';
    returns_nothing { $test->set_user_password('root', 'secret') } 'set_user_password';
    returns_nothing { $test->core_dump('/dev/null') } 'core_dump';
    returns_nothing {
        $test->core_dump_format('/dev/null', VKVM::Domain::CORE_DUMP_FORMAT_RAW)
    }
    'core_dump_format';
    my $error = thrown { $test->core_dump('/nowhere/dump') };
    is($error->code, VKVM::Error::ERR_SYSTEM_ERROR, 'core_dump to nowhere');
    unsupported { $test->pm_suspend_for_duration(VKVM::NODE_SUSPEND_TARGET_MEM, 0) }
    'pm_suspend_for_duration';
    unsupported { $test->pm_wakeup } 'pm_wakeup';
};

subtest 'saved states' => sub {
    is($test->has_managed_save_image, 0, 'has_managed_save_image');
    returns_nothing { $test->managed_save } 'managed_save';
    is($test->is_active,              0, 'it is off');
    is($test->has_managed_save_image, 1, 'has_managed_save_image');
    not_now { $test->managed_save } 'managed_save';
    unsupported { $test->managed_save_get_xml_description } 'managed_save_get_xml_description';
    unsupported { $test->managed_save_define_xml('<domain/>') } 'managed_save_define_xml';
    returns_nothing { $test->managed_save_remove } 'managed_save_remove';
    is($test->has_managed_save_image, 0, 'has_managed_save_image');
    $test->create;
};

subtest 'newer calls' => sub {
    unsupported { $dom->get_autostart_once } 'get_autostart_once';
    unsupported { $dom->set_autostart_once(1) } 'set_autostart_once';
};

subtest 'statistics' => sub {
    my $stats = $test->block_stats('vda');
    is_deeply([ sort keys %$stats ], [qw(errs rd_bytes rd_req wr_bytes wr_req)], 'block_stats');
    unsupported { $test->block_stats('vda', 1) } 'block_stats with flags';
    $stats = $test->interface_stats('testnet0');
    is_deeply([ sort keys %$stats ],
        [ sort map { ("rx_$_", "tx_$_") } qw(bytes packets errs drop) ],
        'interface_stats');
    is($test->memory_stats->{actual_balloon}, 2097152, 'memory_stats');
    $stats = $test->get_block_info('vda');
    is_deeply([ sort keys %$stats ], [qw(allocation capacity physical)], 'get_block_info');
    is_deeply([ $test->get_disk_errors ], [ { path => 'vda', error => 1 } ], 'get_disk_errors');
    my @sum = $test->get_cpu_stats(-1, 1);
    is(scalar @sum, 1, 'get_cpu_stats: the sum');
    cmp_ok($sum[0]{cpu_time}, '>', 0, 'the time');
    is(scalar(@{ [ $test->get_cpu_stats(0, 0) ] }), 2, 'get_cpu_stats: all');
    unsupported { $test->get_job_info } 'get_job_info';
    unsupported { $test->get_job_stats } 'get_job_stats';
    unsupported { $test->abort_job } 'abort_job';
};

subtest 'limits' => sub {
    my $rate = { total_bytes_sec => 1e6, total_bytes_sec_max => 2e6 };
    returns_nothing { $test->set_block_iotune('vda', $rate) } 'set_block_iotune';
    is($test->get_block_iotune('vda')->{total_bytes_sec}, 1e6, 'get_block_iotune');
    returns_nothing { $test->set_interface_parameters('testnet0', { 'inbound.average' => 7 }) }
    'set_interface_parameters';
    is($test->get_interface_parameters('testnet0')->{'inbound.average'}, 7,
        'get_interface_parameters');
    returns_nothing { $test->set_blkio_parameters({ weight => 300 }) } 'set_blkio_parameters';
    is($test->get_blkio_parameters->{weight}, 300, 'get_blkio_parameters');
    returns_nothing { $test->set_numa_parameters({ numa_nodeset => '0' }) } 'set_numa_parameters';
    is($test->get_numa_parameters->{numa_nodeset}, '0', 'get_numa_parameters');
    returns_nothing { $test->set_perf_events({ cmt => 1 }) } 'set_perf_events';
    is($test->get_perf_events->{cmt}, 1, 'get_perf_events');
    own_error { $test->set_blkio_parameters({ wieght => 1 }) } VKVM::Error::OWN_NOT_FOUND,
      'newparams', 'a typing error';
};

undef $_ for $dom, $test, $conn;
handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');
done_testing;
