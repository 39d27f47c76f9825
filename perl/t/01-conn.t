# SPDX-License-Identifier: LGPL-2.1-or-later
# Every method of VKVM but those about events, on libvirt's test driver.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Socket qw(AI_CANONNAME getaddrinfo);
use Sys::Hostname qw(hostname);
use Test::More;
use TestVKVM;

use VKVM;

my $uri  = 'test:///default';
my $conn = VKVM->new(uri => $uri);

subtest 'new' => sub {
    is(ref $conn, 'VKVM', 'class');
    is(VKVM->new(address => $uri)->get_uri, $uri, 'address instead of uri');
    is(VKVM->new(address => $uri, uri => 'nonsense:///')->get_uri, $uri, 'address goes first');
    is(VKVM->new(uri => $uri, flags => undef)->get_uri,            $uri, 'flags may be undef');
    is($conn->new(uri => $uri)->get_uri, $uri, 'as a method of a connection');

    @My::Conn::ISA = ('VKVM');
    is(ref My::Conn->new(uri => $uri), 'My::Conn', 'a class of its own');

    local $ENV{LIBVIRT_DEFAULT_URI} = $uri;
    is(VKVM->new->get_uri,               $uri, 'the default without a URI');
    is(VKVM->new(uri => undef)->get_uri, $uri, 'the default with undef');

    my $error = thrown { VKVM->new(uri => 'test') };
    isa_ok($error, 'VKVM::Error', 'no driver: the exception');
    is($error->code,     VKVM::Error::ERR_NO_CONNECT, 'its code');
    is($error->function, 'virConnectOpenAuth', 'what failed');
    own_error { VKVM->new($uri) } VKVM::Error::OWN_INVALID, 'params', 'a URI without its name';
    own_error { VKVM->new(uri => []) } VKVM::Error::OWN_INVALID, 'uri', 'a reference for a URI';
    own_error { VKVM->new(uri => "test\0:///") } VKVM::Error::OWN_EMBEDDED_NUL, 'uri', 'a NUL in it';
    own_error { VKVM->new(uri => $uri, flags => 2**32) } VKVM::Error::OWN_INVALID, 'flags',
      'flags of 33 bits';
    own_error { VKVM->new(uri => $uri, flags => -1) } VKVM::Error::OWN_INVALID, 'flags',
      'negative flags';
};

subtest 'readonly' => sub {
    my $flags = VKVM::CONNECT_RO;
    for my $ro (VKVM->new(uri => $uri, readonly => 1), VKVM->new(uri => $uri, flags => $flags)) {
        is($ro->get_domain_by_id(1)->get_name, 'test', 'reading works');
        my $error = thrown { $ro->define_domain(domain_xml('ro')) };
        is($error->code, VKVM::Error::ERR_OPERATIONED_DENIED, 'writing is denied');
        is($error->parameter, undef, 'which is not the fault of an argument');
    }
    my $rw = VKVM->new(uri => $uri, readonly => 0);
    ok($rw->define_domain(domain_xml('rw'))->undefine || 1, 'a false value is no');
};

subtest 'about the connection' => sub {
    is($conn->get_type, 'TEST', 'get_type');
    is($conn->get_uri,  $uri,   'get_uri');
    # libvirt looks a short name up, and gives the full one.
    my ($unknown, $address) = getaddrinfo(hostname(), '', { flags => AI_CANONNAME });
    my %names = map { $_ => 1 } grep { defined } hostname(), $unknown ? () : $address->{canonname};
    ok($names{ $conn->get_hostname }, 'get_hostname') or diag $conn->get_hostname;
    is($conn->get_version, 2, 'get_version of the driver');
    my $version = VKVM->get_version;
    cmp_ok($version, '>=', 7_000_000, 'get_version of the class is that of libvirt');
    is($conn->get_library_version, $version, 'get_library_version is the same on this side');
    is($conn->is_alive,            1,        'is_alive');
    is($conn->is_secure,           1,        'is_secure');
    is($conn->is_encrypted,        0,        'is_encrypted');
    like($conn->get_capabilities, qr{^<capabilities>.*</capabilities>\n\z}s, 'get_capabilities');
    is_deeply([ $conn->get_type ], ['TEST'], 'one value in list context, too');

    my $error = thrown { $conn->set_keep_alive(5, 3) };
    is($error->code, VKVM::Error::ERR_NO_SUPPORT, 'set_keep_alive: not with this driver');
    is($error->function, 'virConnectSetKeepAlive', 'and the error says of what');
};

subtest 'about the host' => sub {
    is_deeply(
        $conn->get_node_info,
        {
            model   => 'i686', memory => 3145728, cpus  => 16, mhz     => 1400,
            nodes   => 2,      sockets => 2,      cores => 2,  threads => 2,
        },
        'get_node_info'
    );

    my $stats = $conn->get_node_cpu_stats;
    my @newer = $conn->get_library_version >= 11_008_000 ? ('guest') : ();
    is_deeply([ sort keys %$stats ], [ @newer, qw(idle iowait kernel user) ], 'get_node_cpu_stats');
    cmp_ok($stats->{kernel}, '>', 2**32, 'a number of more than 32 bits');
    is(ref $conn->get_node_cpu_stats(@$_), 'HASH', 'optional arguments: ' . explain_args(@$_))
      for [undef], [ undef, undef ], [-1], [ -1, 0 ], [ 3, undef ], ['-1'];
    is(ref $conn->get_node_cpu_stats(-1, 0), 'HASH', 'and in one value');

    # The test driver lacks it; the daemons of other tests have it.
    for my $args ([], [undef], [ -1, 0 ]) {
        my $error = thrown { $conn->get_node_memory_stats(@$args) };
        is($error->code, VKVM::Error::ERR_NO_SUPPORT, 'get_node_memory_stats');
    }
};

subtest 'lookups' => sub {
    my %found = (
        by_id           => $conn->get_domain_by_id(1),
        'by_id as text' => $conn->get_domain_by_id('1'),
        by_name         => $conn->get_domain_by_name('test'),
        'by raw UUID'   => $conn->get_domain_by_uuid(TEST_UUID_BYTES),
        'by UUID'       => $conn->get_domain_by_uuid(TEST_UUID),
        'in upper case' => $conn->get_domain_by_uuid(uc TEST_UUID),
        'without lines' => $conn->get_domain_by_uuid(TEST_UUID =~ tr/-//dr),
    );
    for my $how (sort keys %found) {
        is(ref $found{$how},      'VKVM::Domain', "$how: class");
        is($found{$how}->get_name, 'test',        "$how: name");
    }

    my %missing = (
        get_domain_by_id   => 12345,
        get_domain_by_name => 'no-such-domain',
        get_domain_by_uuid => '00000000-0000-0000-0000-000000000001',
    );
    for my $method (sort keys %missing) {
        my $error = thrown { $conn->$method($missing{$method}) };
        is($error->code, VKVM::Error::ERR_NO_DOMAIN, "$method: no such domain");
    }
    own_error { $conn->get_domain_by_uuid('x' x 15) } VKVM::Error::OWN_INVALID, 'uuid',
      'a UUID of 15 characters';
    own_error { $conn->get_domain_by_uuid('x' x 36) } VKVM::Error::OWN_INVALID, 'uuid',
      'a UUID that is none';
};

subtest 'define, create and list' => sub {
    is($conn->num_of_domains, 1, 'num_of_domains at first');
    my $defined = $conn->define_domain(domain_xml('defined'));
    is(ref $defined, 'VKVM::Domain', 'define_domain');
    is($defined->is_active, 0, 'does not start it');
    my $created = $conn->create_domain(domain_xml('created'), undef);
    is(ref $created, 'VKVM::Domain', 'create_domain');
    is($created->is_persistent, 0, 'is gone when it stops');
    is($conn->num_of_domains,   2, 'num_of_domains counts what runs');

    my @all = $conn->list_all_domains;
    is_deeply([ sort map { $_->get_name } @all ], [qw(created defined test)], 'list_all_domains');
    is(ref $_, 'VKVM::Domain', 'class') for @all;
    is_deeply([ map { $_->get_name } $conn->list_all_domains(VKVM::Domain::LIST_INACTIVE) ],
        ['defined'], 'with a flag');
    is(scalar @{ [ $conn->list_all_domains(undef) ] }, 3, 'flags may be undef');
    my $last = $conn->list_all_domains;
    is($last->get_name, ($conn->list_all_domains)[-1]->get_name,
        'one value is the last of them');
    is_deeply([ $conn->list_all_domains(VKVM::Domain::LIST_PAUSED) ], [], 'an empty list');
    is(scalar $conn->list_all_domains(VKVM::Domain::LIST_PAUSED), undef, 'and of that one value');

    my @ids = sort { $a <=> $b } $conn->list_domain_ids(10);
    is_deeply(\@ids, [ sort { $a <=> $b } 1, $created->get_id ], 'list_domain_ids');
    is(scalar(my @one = $conn->list_domain_ids(1)), 1, 'not more than wanted');
    is(scalar $conn->list_domain_ids(1),  $one[0], 'one value is the last of them');
    is_deeply([ $conn->list_domain_ids(0) ], [], 'none');

    $created->destroy;
    is($conn->num_of_domains, 1, 'num_of_domains after the end of one');
    $defined->undefine;
    is(scalar @{ [ $conn->list_all_domains ] }, 1, 'all is as before');
};

subtest 'get_all_domain_stats' => sub {
    my $other = $conn->define_domain(domain_xml('other'));
    my $test  = $conn->get_domain_by_id(1);
    my @all   = $conn->get_all_domain_stats(VKVM::Domain::STATS_STATE);
    is(scalar @all, 2, 'of all domains');
    my ($record) = grep { $_->{dom}->get_name eq 'test' } @all;
    is(ref $record->{dom}, 'VKVM::Domain', 'the domain');
    is_deeply($record->{data}, { 'state.state' => 1, 'state.reason' => 0 }, 'the data');
    is_deeply([ sort keys %$record ], [qw(data dom)], 'and nothing else');

    my @one = $conn->get_all_domain_stats(0, [$test], 0);
    is_deeply([ map { $_->{dom}->get_name } @one ], ['test'], 'of one');
    is(scalar @{ [ $conn->get_all_domain_stats(0, undef, undef) ] }, 2, 'undef is for all');
    is(ref scalar $conn->get_all_domain_stats(0), 'HASH', 'one value is the last of them');
    is_deeply([ $conn->get_all_domain_stats(0, undef, VKVM::Domain::GET_ALL_STATS_PAUSED) ],
        [], 'none');
    own_error { $conn->get_all_domain_stats(0, $test) } VKVM::Error::OWN_INVALID, 'doms',
      'a domain instead of a list of them';
    own_error { $conn->get_all_domain_stats(0, ['test']) } VKVM::Error::OWN_FOREIGN_HANDLE, 'doms',
      'a list of names';
    $other->undefine;
};

subtest 'close' => sub {
    my $closed = VKVM->new(uri => $uri);
    my $dom    = $closed->get_domain_by_id(1);
    returns_nothing { $closed->close } 'close';
    own_error { $closed->get_hostname } VKVM::Error::OWN_STALE_HANDLE, 'conn', 'a call after it';
    own_error { $closed->close } VKVM::Error::OWN_STALE_HANDLE, 'conn', 'closing again';
    is($closed->get_type, undef, 'get_type has no exceptions');
    is($closed->get_uri,  undef, 'nor has get_uri');
    is($dom->get_name,    'test', 'a domain goes on');
};

undef $conn;
handles_are({ conn => 0, domain => 0, value => 0, error => 0 }, 'no handle is left');
is(thrown { VKVM::handle_count('nonsense') }->parameter, 'class_name', 'handle_count of nonsense');

done_testing;

sub explain_args { return '(' . join(', ', map { $_ // 'undef' } @_) . ')' }
