# SPDX-License-Identifier: LGPL-2.1-or-later
# The host, its CPUs and memory, saved domains and lists of domains, on libvirt's test driver.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $conn = VKVM->new(uri => 'test:///default');

# The test driver, or this libvirt, lacks the call.
sub unsupported(&$) {
    my ($code, $what) = @_;
    my $error = &thrown($code);
    return is($error && $error->code, VKVM::Error::ERR_NO_SUPPORT, "$what: not with this driver");
}

subtest 'versions' => sub {
    my $version = $conn->get_version;
    is($conn->get_major_version, int($version / 1_000_000),    'get_major_version');
    is($conn->get_minor_version, int($version / 1000) % 1000, 'get_minor_version');
    is($conn->get_micro_version, $version % 1000,             'get_micro_version');
};

subtest 'lists of domains' => sub {
    my $dom = $conn->define_domain('<domain type="test"><name>second</name><memory>8192</memory>'
          . '<os><type>hvm</type></os></domain>');
    is_deeply([ map { $_->get_name } $conn->list_domains ],         ['test'],   'list_domains');
    is_deeply([ map { $_->get_name } $conn->list_defined_domains ], ['second'], 'the others');
    is(scalar $conn->list_domains,         1, 'as one value, how many there are');
    is(scalar $conn->list_defined_domains, 1, 'of the others, too');
    is($conn->num_of_defined_domains,      1, 'num_of_defined_domains');
    is_deeply([ $conn->list_defined_domain_names(9) ], ['second'], 'list_defined_domain_names');
    is_deeply([ $conn->list_defined_domain_names(0) ], [],         'none at all');
    own_error { $conn->list_defined_domain_names(-1) } VKVM::Error::OWN_INVALID, 'maxnames',
      'less than none';
    $dom->undefine;
    is(scalar $conn->list_defined_domains, 0, 'none is left');
};

subtest 'CPUs' => sub {
    is($conn->get_max_vcpus('test'), 32, 'get_max_vcpus');
    is($conn->get_max_vcpus(undef),  32, 'of the type that is the driver\'s default');
    # libvirt answers, that the driver has no such call, or cannot pass files.
    my $dom = $conn->get_domain_by_id(1);
    for (
        [ set_identity        => sub { $conn->set_identity(undef) } ],
        [ block_copy          => sub { $dom->block_copy('vda', '<disk/>', undef) } ],
        [ create_with_files   => sub { $dom->create_with_files(undef) } ],
        [ authorized_ssh_keys => sub { $dom->authorized_ssh_keys_set('root', undef) } ],
      ) {
        my ($name, $code) = @$_;
        like(thrown { $code->() }->function, qr/\Avir/, "undef is NULL: $name");
    }
    is($dom->fs_freeze(undef), $dom->fs_thaw(undef), 'undef is all file systems');
    my ($total, $map, $online) = $conn->get_node_cpu_map;
    is($total,            8, 'get_node_cpu_map: in all');
    is($online,           3, 'online');
    is(unpack('b*', $map), '10101000', 'which');
    is(scalar $conn->get_node_cpu_map, $online, 'one value is the last of them');
    ok((grep { $_ eq 'qemu64' } $conn->get_cpu_model_names('x86_64')), 'get_cpu_model_names');
    my $error = thrown { $conn->get_cpu_model_names('z80') };
    is($error->function, 'virConnectGetCPUModelNames', 'no such architecture');

    my $cpu = '<cpu><arch>x86_64</arch><model>qemu64</model></cpu>';
    unsupported { $conn->compare_cpu($cpu) } 'compare_cpu';
    unsupported { $conn->compare_hypervisor_cpu(undef, undef, undef, undef, $cpu) }
    'compare_hypervisor_cpu';
    like($conn->baseline_cpu([ $cpu, $cpu ]), qr{<model[^>]*>qemu64</model>}, 'baseline_cpu');
    unsupported { $conn->baseline_hypervisor_cpu(undef, undef, undef, undef, [$cpu]) }
    'baseline_hypervisor_cpu';
    $error = thrown { $conn->baseline_cpu([]) };
    is($error->code, VKVM::Error::ERR_INVALID_ARG, 'baseline_cpu of none');
    $error = thrown { $conn->baseline_cpu(['<cpu']) };
    is($error->function, 'virConnectBaselineCPU', 'of no XML');
    own_error { $conn->baseline_cpu($cpu) } VKVM::Error::OWN_INVALID, 'xml', 'of no list';
    # Newer test drivers have it.
    my $capabilities = eval { $conn->get_domain_capabilities(undef, 'x86_64', undef, 'test') };
    if (defined $capabilities) { like($capabilities, qr/<domainCapabilities>/, 'get_domain_capabilities') }
    else {
        unsupported { $conn->get_domain_capabilities(undef, 'x86_64', undef, 'test') }
        'get_domain_capabilities';
    }
};

subtest 'memory' => sub {
    cmp_ok($conn->get_node_free_memory, '>', 1 << 20, 'get_node_free_memory, in bytes');
    my @free = $conn->get_node_cells_free_memory(0, 1);
    is(scalar @free, 2, 'get_node_cells_free_memory: one number for each cell');
    is(scalar $conn->get_node_cells_free_memory(0, 1), $free[1], 'one value is the last of them');
    own_error { $conn->get_node_cells_free_memory(1, 0) } VKVM::Error::OWN_INVALID, 'end',
      'the end before the start';
    my @cells = $conn->get_node_free_pages([ 4, 2048 ], 0, 1);
    is_deeply([ map { $_->{cell} } @cells ], [ 0, 1 ], 'get_node_free_pages: the cells');
    is_deeply([ sort keys %{ $cells[0]{pages} } ], [ 2048, 4 ], 'and the page sizes');
    own_error { $conn->get_node_free_pages([], 0, 0) } VKVM::Error::OWN_INVALID, 'pagesizes',
      'of no size';
    own_error { $conn->get_node_free_pages([-1], 0, 0) } VKVM::Error::OWN_INVALID, 'pagesizes',
      'of a negative size';
    like($cells[1]{pages}{2048}, qr/^\d+\z/, 'and a number for each');
    unsupported { $conn->node_alloc_pages([ [ 2048, 16 ] ], 0, 0) } 'node_alloc_pages';
    own_error { $conn->node_alloc_pages([ [2048] ], 0, 0) } VKVM::Error::OWN_INVALID, 'pages',
      'no pair';
    own_error { $conn->node_alloc_pages({ 2048 => 1 }, 0, 0) } VKVM::Error::OWN_INVALID, 'pages',
      'no list';
    unsupported { $conn->get_node_memory_parameters } 'get_node_memory_parameters';
    unsupported { $conn->set_node_memory_parameters({ shm_pages_to_scan => 1 }) }
    'set_node_memory_parameters';
};

subtest 'what else a host has' => sub {
    like($conn->get_sysinfo, qr/^<sysinfo type='smbios'>/, 'get_sysinfo, which it has');
    is($conn->get_sysinfo(1 << 20), undef, 'its failure is no exception');
    is_deeply([ sort keys %{ $conn->get_node_security_model } ], [ 'doi', 'model' ],
        'get_node_security_model');
    unsupported { $conn->get_node_sev_info } 'get_node_sev_info';
    unsupported { $conn->node_suspend_for_duration(VKVM::NODE_SUSPEND_TARGET_MEM, 60) }
    'node_suspend_for_duration';
    unsupported { $conn->domain_xml_from_native('qemu-argv', 'qemu') } 'domain_xml_from_native';
    unsupported { $conn->domain_xml_to_native('qemu-argv', '<domain/>') } 'domain_xml_to_native';
    unsupported { $conn->set_identity({ 'user-name' => 'me', 'process-id' => $$ }) } 'set_identity';
    own_error { $conn->set_identity({ 'user-nmae' => 'me' }) } VKVM::Error::OWN_NOT_FOUND,
      'newident', 'an identity with a wrong key';
};

subtest 'saved domains' => sub {
    my $scratch = File::Temp->newdir;
    my $file    = "$scratch/saved";
    my $dom     = $conn->get_domain_by_name('test');
    SKIP: {
        skip 'domains cannot be saved yet', 1 unless $dom->can('save');
        $dom->save($file);
        ok(!$dom->is_active, 'it is saved');
        my $xml = $conn->get_save_image_xml_description($file);
        like($xml, qr{<name>test</name>}, 'get_save_image_xml_description');
        is_deeply([ $conn->define_save_image_xml($file, $xml) ], [], 'define_save_image_xml');
        my $error = thrown { $conn->define_save_image_xml($file, "<domain>\n<") };
        is(ref $error && $error->parameter, 'xml', 'no XML');
        is_deeply([ $conn->restore_domain($file) ], [], 'restore_domain');
        ok($conn->get_domain_by_name('test')->is_active, 'it runs');
    }
    my $error = thrown { $conn->restore_domain("$scratch/none") };
    is($error->function, 'virDomainRestore', 'no such file');
    $error = thrown { $conn->restore_domain("$scratch/none", '<domain/>') };
    is($error->function, 'virDomainRestoreFlags', 'with other XML');
    $error = thrown { $conn->restore_domain("$scratch/none", undef, {}) };
    ok($error->function eq 'virDomainRestoreParams' || $error->code == VKVM::Error::ERR_NO_SUPPORT,
        'with parameters');
    own_error { $conn->restore_domain } VKVM::Error::OWN_NULL, 'from', 'from nothing';
    own_error { $conn->restore_domain($file, undef, { 'parallel.chanels' => 2 }) }
    VKVM::Error::OWN_NOT_FOUND, 'params', 'a wrong key';
    own_error { $conn->restore_domain($file, undef, { 'parallel.channels' => 'x' }) }
    VKVM::Error::OWN_INVALID, 'params', 'a wrong value';
};

handles_are({ value => 0, error => 0 }, 'no value and no error is left');

done_testing;
