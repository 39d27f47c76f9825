# SPDX-License-Identifier: LGPL-2.1-or-later
# The host facade on a running guest, with its agent: what libvirt's test driver cannot
# do, from sleeping to what only the guest knows.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use GuestKernel qw(guest_kernel is_newer);
use Test::More;
use TestBed;
use TestHost;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $xml = $bed->guest_xml('g', '7e0d4a0b-1c33-47a6-9c06-0e3c5c8a7a51')
  or plan(skip_all => TestBed->reason);
$xml =~ s{<devices>}{<pm><suspend-to-mem enabled='yes'/></pm><devices>};
my $host   = VKVM::Host->new(uri => $bed->{URI});
my $domain = $host->domain;

# The agent takes a while to start, and to come back.
sub agent_answers {
    return ok((soon { eval { $domain->time('g'); 1 } } 'the agent'), 'the agent answers');
}

sub state_is {
    my ($wanted) = @_;
    return ok((soon { $domain->state('g') eq $wanted } $wanted), "it is $wanted");
}

# How often it has come up.
sub times_up {
    open(my $log, '<', $bed->{console}) or die "no $bed->{console}: $!\n";
    return scalar grep { /VKVM-GUEST-READY/ } <$log>;
}

works([ $domain->create($xml) ], q(Domain 'g' created from document), 'create');
agent_answers();

my $kernel = guest_kernel(VKVM->new(uri => $bed->{URI})->get_domain_by_name('g'));
subtest 'sleeping' => sub {
    plan(skip_all => "Linux $kernel does not wake up under software emulation") if is_newer($kernel, '6.1');
    works([ $domain->pmsuspend('g', 'mem') ], q(Domain 'g' successfully suspended), 'pmsuspend');
    state_is('pmsuspended');
    works([ $domain->pmwakeup('g') ], q(Domain 'g' successfully woken up), 'pmwakeup');
    state_is('running');
    agent_answers();
};

subtest 'a reboot by the agent' => sub {
    works([ $domain->reboot('g', mode => 'agent') ], q(Domain 'g' is being rebooted), 'reboot');
    ok((soon { times_up() > 1 } 'it'), 'it comes up again');
    agent_answers();
};

subtest 'shutting down by the agent' => sub {
    works([ $domain->shutdown('g', mode => 'agent') ], q(Domain 'g' is being shutdown), 'shutdown');
    ok((soon { !eval { $domain->state('g'); 1 } } 'it'), 'it is gone');
};

done_testing;
