# SPDX-License-Identifier: LGPL-2.1-or-later
# The groups of constants: names for values and back, and what the errors say.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $api = read_json(root_file('vkvm-api.json'));

is(VKVM::enum_name('domain_state', VKVM::Domain::STATE_RUNNING), 'running', 'a name');
is(VKVM::enum_value('domain_state', 'shutoff'), VKVM::Domain::STATE_SHUTOFF, 'a value');
is(VKVM::enum_value('domain_state', 'Paused'),  VKVM::Domain::STATE_PAUSED,  'in any case');
is(
    VKVM::enum_name('domain_state_reason_shutoff', VKVM::Domain::STATE_SHUTOFF_DESTROYED),
    'destroyed', 'a reason'
);
my $conn = VKVM->new(uri => 'test:///default');
my ($state, $reason) = $conn->get_domain_by_name('test')->get_state;
is(VKVM::enum_name('domain_state', $state), 'running', 'of what a method returned');
is(VKVM::enum_name('domain_state_reason_running', $reason), 'unknown', '... and its reason');

subtest 'flags' => sub {
    my $both = VKVM::Domain::START_PAUSED | VKVM::Domain::START_VALIDATE;
    is(VKVM::enum_name('domain_start_flags', $both), 'paused|validate', 'names of two flags');
    is(VKVM::enum_name('domain_start_flags', 0),     '',                'and of none');
    is(VKVM::enum_value('domain_start_flags', 'validate|paused'), $both, 'their value');
};

subtest 'as the API file has them' => sub {
    my %group = map { $_->{name} => $_ } @{ $api->{enums} };
    my @enums = VKVM::enums();
    is(scalar @enums, scalar keys %group, 'as many groups');
    for my $enum (@enums) {
        my $known  = $group{ $enum->{name} };
        my @values = VKVM::enum_values($enum->{name});
        is_deeply(
            [ map { [ @$_{qw(name c_name value doc)} ] } @values ],
            [ map { [ @$_{qw(name c_name value)}, $_->{doc} =~ tr/`//dr ] } @{ $known->{values} } ],
            $enum->{name}
        );
        is(!!$enum->{flags}, !!$known->{flags}, "$enum->{name}: flags or not");
        next if grep { $_->{value} !~ /^-?[0-9]+\z/ } @values;
        my @wrong = grep { VKVM::enum_value($enum->{name}, $_->{name}) != $_->{value} } @values;
        is_deeply(\@wrong, [], "$enum->{name}: each name has its value");
    }
    my %in;
    $in{ $_->{c_name} }++ for map { @{ $_->{values} } } @{ $api->{enums} };
    is_deeply([ sort keys %in ], [ sort map { $_->{c_name} } @{ $api->{constants} } ], 'all constants');
    is_deeply([ grep { $in{$_} > 1 } sort keys %in ], [], 'each is in one group');
    my @links = map { @{ $_->{enum} // [] } } map { @{ $_->{params} } } @{ $api->{functions} };
    cmp_ok(scalar @links, '>', 150, 'parameters name groups');
    is_deeply([ grep { !$group{$_} } @links ], [], 'that there are');
};

subtest 'what is none' => sub {
    my $error = own_error { VKVM::enum_name('domain_state', 99) }
      VKVM::Error::OWN_NOT_FOUND, 'value', 'a value';
    like($error->message, qr/"99"; the values of domain_state are 0 \(nostate\), 1 \(running\)/, 'the values');
    $error = own_error { VKVM::enum_value('domain_state', 'on') }
      VKVM::Error::OWN_NOT_FOUND, 'name', 'a name';
    like($error->message, qr/"on"; the names of domain_state are nostate, running, /, 'the names');
    $error = own_error { VKVM::enum_values('domain_states') }
      VKVM::Error::OWN_NOT_FOUND, 'group', 'a group';
    like($error->message, qr/"domain_states"; there are domain_state, /, 'groups of like names');
    own_error { VKVM::enum_name('domain_cpu_stats_key', 0) }
      VKVM::Error::OWN_INVALID, 'group', 'the number of a string';
    own_error { VKVM::enum_value(undef, 'running') }
      VKVM::Error::OWN_INVALID, 'group', 'undef as the group';
};

done_testing;
