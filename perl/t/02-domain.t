# SPDX-License-Identifier: LGPL-2.1-or-later
# Every method of VKVM::Domain, on libvirt's test driver.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $conn = VKVM->new(uri => 'test:///default');
my $dom  = $conn->get_domain_by_name('test');

subtest 'names and numbers' => sub {
    is($dom->get_name,          'test',          'get_name');
    is($dom->get_id,            1,               'get_id');
    is($dom->get_uuid,          TEST_UUID_BYTES, 'get_uuid');
    is($dom->get_uuid_string,   TEST_UUID,       'get_uuid_string');
    is($dom->is_active,         1,               'is_active');
    is($dom->is_persistent,     1,               'is_persistent');
    is($dom->get_max_memory,    8388608,         'get_max_memory');
    is($dom->get_max_vcpus,     2,               'get_max_vcpus');
    is($dom->get_vcpus,         2,               'get_vcpus');
    is($dom->get_scheduler_type, 'fair',         'get_scheduler_type');
    is_deeply([ $dom->$_ ], [ scalar $dom->$_ ], "$_ is one value in list context")
      for qw(get_name get_id get_uuid get_uuid_string is_active get_max_memory get_vcpus);
};

subtest 'get_info' => sub {
    my $info = $dom->get_info;
    cmp_ok(delete $info->{cpuTime}, '>', 2**32, 'a number of more than 32 bits');
    is_deeply($info, { state => 1, maxMem => 8388608, memory => 2097152, nrVirtCpu => 2 },
        'the rest of it');
    isnt($dom->get_info, $dom->get_info, 'a hash of its own each time');
};

subtest 'get_xml_description' => sub {
    my $xml = $dom->get_xml_description;
    like($xml, qr{^<domain type='test' id='1'>.*</domain>\n\z}s, 'a document');
    is($dom->get_xml_description($_ ? @$_ : ()), $xml, 'flags: ' . ($_->[0] // 'undef'))
      for [undef], [0], ['0'];
    unlike($dom->get_xml_description(VKVM::Domain::XML_INACTIVE), qr/ id='1'/, 'with a flag');
    my $named = $conn->define_domain(
        domain_xml('named', "<title>\xc3\xa4 &amp; \xe2\x82\xac</title>"));
    my $title = $named->get_xml_description;
    like($title, qr{<title>\xc3\xa4 &amp; \xe2\x82\xac</title>}, 'strings are bytes');
    ok(!utf8::is_utf8($title), 'which perl does not take for characters');
    $named->undefine;

    my $characters = domain_xml("\x{fc}\x{20ac}");
    my $unicode    = $conn->define_domain($characters);
    is($unicode->get_name, "\xc3\xbc\xe2\x82\xac", 'characters go out as UTF-8');
    is($conn->get_domain_by_name("\x{fc}\x{20ac}")->get_uuid, $unicode->get_uuid,
        'and are found again');
    $unicode->undefine;
};

subtest 'states' => sub {
    is_deeply([ $dom->get_state ], [ 1, 0 ], 'get_state');
    is(scalar $dom->get_state, 0, 'one value is the last, the reason');
    is_deeply([ $dom->get_state($_) ], [ 1, 0 ], 'flags') for 0, undef;

    returns_nothing { $dom->suspend } 'suspend';
    is_deeply([ $dom->get_state ], [ VKVM::Domain::STATE_PAUSED, VKVM::Domain::STATE_PAUSED_USER ],
        'paused');
    returns_nothing { $dom->resume } 'resume';
    is_deeply([ $dom->get_state ],
        [ VKVM::Domain::STATE_RUNNING, VKVM::Domain::STATE_RUNNING_UNPAUSED ], 'resumed');
    my $error = thrown { $dom->resume };
    is($error->message, "internal error: domain 'test' not paused", 'resuming what runs');

    returns_nothing { $dom->shutdown } 'shutdown';
    is_deeply([ $dom->get_state ],
        [ VKVM::Domain::STATE_SHUTOFF, VKVM::Domain::STATE_SHUTOFF_SHUTDOWN ], 'shut down');
    is($dom->is_active, 0,  'is_active then');
    is($dom->get_id,    -1, 'get_id then');
    returns_nothing { $dom->create } 'create';
    is($dom->is_active, 1, 'started');
    $dom->shutdown(0);
    returns_nothing { $dom->create(undef) } 'create with undef for the flags';
    returns_nothing { $dom->destroy } 'destroy';
    is_deeply([ $dom->get_state ],
        [ VKVM::Domain::STATE_SHUTOFF, VKVM::Domain::STATE_SHUTOFF_DESTROYED ], 'destroyed');
    is($dom->get_name, 'test', 'the object can still be used');
    $error = thrown { $dom->create(VKVM::Domain::START_PAUSED) };
    is($error->code, VKVM::Error::ERR_INVALID_ARG, 'a flag that this driver does not know');
    $dom->create(0);
    returns_nothing { $dom->reboot } 'reboot';
    returns_nothing { $dom->destroy(undef) } 'destroy with undef for the flags'
      if $dom->is_active;
    $dom->create;
    is(scalar $dom->suspend, undef, 'a void method where one value is wanted');
    $dom->resume;
};

subtest 'autostart' => sub {
    is($dom->get_autostart, 0, 'get_autostart');
    returns_nothing { $dom->set_autostart(1) } 'set_autostart';
    is($dom->get_autostart, 1, 'is set');
    $dom->set_autostart('0');
    is($dom->get_autostart, 0, 'and not');
};

subtest 'memory' => sub {
    returns_nothing { $dom->set_memory(1048576) } 'set_memory';
    is($dom->get_info->{memory}, 1048576, 'is set');
    $dom->set_memory('524288', undef);
    is($dom->get_info->{memory}, 524288, 'from text, with undef for the flags');
    returns_nothing { $dom->set_memory(524289, VKVM::Domain::MEM_CURRENT) } 'with a flag';
    $dom->destroy;
    returns_nothing { $dom->set_max_memory(2**33 + 1024) } 'set_max_memory';
    is($dom->get_max_memory, 2**33 + 1024, 'more than 32 bits');
    $dom->set_max_memory('8589935616');
    is($dom->get_max_memory, 8589935616, 'also from text');
    $dom->create;
    my $error = thrown { $dom->set_memory(18446744073709551615) };
    isa_ok($error, 'VKVM::Error', 'set_memory of 2 ** 64 - 1: the exception');
    $dom->set_memory(2097152);
};

subtest 'vcpus' => sub {
    is($dom->get_vcpus($_), 2, 'get_vcpus: flags') for undef, 0;
    is($dom->get_vcpus(VKVM::Domain::VCPU_MAXIMUM | VKVM::Domain::VCPU_CONFIG), 2,
        'with a flag');
    returns_nothing { $dom->set_vcpus(1) } 'set_vcpus';
    is($dom->get_vcpus, 1, 'is set');
    $dom->set_vcpus(2, undef);
    $dom->set_vcpus(2, 0);
    is($dom->get_vcpus, 2, 'set back');
    returns_nothing { $dom->set_vcpus(1, VKVM::Domain::VCPU_CONFIG) } 'with a flag';
    is($dom->get_vcpus(VKVM::Domain::VCPU_CONFIG), 1, 'is set there');
};

subtest 'memory parameters' => sub {
    my $params = $dom->get_memory_parameters;
    is_deeply([ sort keys %$params ], [qw(hard_limit soft_limit swap_hard_limit)], 'the keys');
    cmp_ok($params->{hard_limit}, '>', 2**32, 'a number of more than 32 bits');
    is_deeply($dom->get_memory_parameters($_), $params, 'flags') for undef, 0;

    returns_nothing { $dom->set_memory_parameters({ hard_limit => 2**32 + 1 }) }
    'set_memory_parameters';
    is($dom->get_memory_parameters->{hard_limit}, 2**32 + 1, 'is set');
    is($dom->get_memory_parameters->{soft_limit}, $params->{soft_limit}, 'nothing else is');
    $dom->set_memory_parameters({ soft_limit => '8589934593', hard_limit => '4294967300' },
        undef);
    is($dom->get_memory_parameters->{hard_limit}, 2**32 + 4, 'from text');
    is($dom->get_memory_parameters->{soft_limit}, 2**33 + 1, 'both');
    $dom->set_memory_parameters({ hard_limit => 2**33, soft_limit => 1e9 });
    is($dom->get_memory_parameters->{hard_limit}, 8589934592, 'a double that is whole');
    is($dom->get_memory_parameters->{soft_limit}, 1000000000, 'and another');
    $dom->set_memory_parameters($params, 0);
    is_deeply($dom->get_memory_parameters, $params, 'what was read can be written');

    my $error = thrown { $dom->set_memory_parameters({}) };
    is($error->code, VKVM::Error::ERR_INVALID_ARG, 'an empty hash');
    $error = thrown { $dom->set_memory_parameters({ hard_limi => 1 }) };
    isa_ok($error, 'VKVM::Error', 'an unknown key: the exception');
    like($error->message, qr/hard_limi\b/, 'which names the key');
    $error = thrown { $dom->set_memory_parameters({ hard_limit => 'much' }) };
    isa_ok($error, 'VKVM::Error', 'text for a number: the exception');
    like($error->message, qr/"hard_limit" is "much"; an integer is needed/, 'which names key and value');
    $error = thrown { $dom->set_memory_parameters({ hard_limit => $_ }) }
    and isa_ok($error, 'VKVM::Error', "$_: the exception") or fail("$_ is taken")
      for -1, -2**33, 2**64, 9**9**9, -sin 9**9**9;
    # One rule for numbers, wherever they stand.
    for ([ '4096 ', 4096 ], [ ' 4096', 4096 ], [ '4.096e3', 4096 ], [ 1e3, 1000 ], [ 10000 / 3, 3333 ], [ '7.9', 7 ]) {
        my ($given, $number) = @$_;
        $dom->set_memory_parameters({ hard_limit => $given });
        is($dom->get_memory_parameters->{hard_limit}, $number, "'$given' in parameters");
        $dom->set_memory($given);
        is($dom->get_info->{memory}, $number, "'$given' as an argument");
    }
    $dom->set_memory_parameters({ hard_limit => !!0 });
    is($dom->get_memory_parameters->{hard_limit}, 0, 'false in parameters is 0');
    for my $text ('4096k', 'inf', '0x10', '', '1 2') {
        like(thrown { $dom->set_memory_parameters({ hard_limit => $text }) }->message,
            qr/"hard_limit" is "$text"; an integer is needed/, "'$text' in parameters is refused");
        like(thrown { $dom->set_memory($text) }->message,
            qr/: is "$text"; a number is needed|inf.* out of range/i, "'$text' as an argument, too");
    }
    $dom->set_memory(2097152);
    $dom->set_memory_parameters($params);
    is(VKVM::handle_count('value'), 0, 'no value is left');
};

subtest 'scheduler parameters' => sub {
    is_deeply($dom->get_scheduler_parameters, { weight => 50 }, 'get_scheduler_parameters');
    is_deeply($dom->get_scheduler_parameters($_), { weight => 50 }, 'flags') for undef, 0;
    returns_nothing { $dom->set_scheduler_parameters({ weight => 77 }) }
    'set_scheduler_parameters';
    returns_nothing { $dom->set_scheduler_parameters({}) } 'no parameters are none to set';
    returns_nothing { $dom->set_scheduler_parameters({ weight => '78' }, undef) }
    'with undef for the flags';
    own_error { $dom->set_scheduler_parameters([ weight => 1 ]) } VKVM::Error::OWN_INVALID,
      'newparams', 'an array';
};

subtest 'undefine' => sub {
    my $other = $conn->define_domain(domain_xml('other'));
    returns_nothing { $other->undefine } 'undefine';
    my $error = thrown { $other->get_xml_description };
    is($error->code, VKVM::Error::ERR_NO_DOMAIN, 'it is gone');
    $other = $conn->define_domain(domain_xml('other'), undef);
    $other->undefine(undef);
    $other = $conn->define_domain(domain_xml('other'), 0);
    $other->undefine(VKVM::Domain::UNDEFINE_MANAGED_SAVE);
    is($conn->num_of_domains, 1, 'all is as before');
};

undef $dom;
undef $conn;
handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');

done_testing;
