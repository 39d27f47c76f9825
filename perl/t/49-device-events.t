# SPDX-License-Identifier: LGPL-2.1-or-later
# Events of the host's devices from the real driver, of which the test driver has no
# UPDATE. udevd's part is played by scripts/uevent.pl, in the daemon's own network
# namespace, where no other program hears it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $bed = TestBed->daemon('qemu-daemon', '--private-net') or plan(skip_all => TestBed->reason);

VKVM::Event::start();
my $conn  = VKVM->new(uri => $bed->{URI});
my $queue = VKVM::EventQueue->new;

# A program in the daemon's network namespace, and with what root may do there.
sub beside_the_daemon {
    my @command = @_;
    my @user = $> ? qw(--user --preserve-credentials) : ();
    system('nsenter', '--target', $bed->{PID}, '--net', @user, @command) == 0
      or die "'@command' failed beside the daemon\n";
    return;
}

my $told = 0;

# Tells the daemon what happened to an interface, and returns its event.
sub event_after {
    my ($action, $interface) = @_;
    beside_the_daemon($^X, "$FindBin::Bin/scripts/uevent.pl", $action, 'net', "/devices/virtual/net/$interface",
        'SEQNUM=' . ++$told, "INTERFACE=$interface");
    my $end = time + 120;
    while (time < $end) {
        my $event = $queue->next(500) or next;
        my $name  = $event->{object}->get_name;
        return [ $event->{class}, $event->{event_id}, $event->{args} ] if $name =~ /^net_\Q$interface\E_/;
        diag("an event of $name");
    }
    return 'nothing has come';
}

$queue->node_device_event_register_any($conn, undef, $_)
  for VKVM::NodeDevice::EVENT_ID_LIFECYCLE, VKVM::NodeDevice::EVENT_ID_UPDATE;

is_deeply(event_after('change', 'lo'), [ 'node_device', VKVM::NodeDevice::EVENT_ID_UPDATE, {} ], 'UPDATE');

my %lifecycle = (add => VKVM::NodeDevice::EVENT_CREATED, remove => VKVM::NodeDevice::EVENT_DELETED);
for my $action (qw(add remove)) {
    beside_the_daemon(qw(ip link add vkvm49 type bridge)) if $action eq 'add';
    is_deeply(
        event_after($action, 'vkvm49'),
        [ 'node_device', VKVM::NodeDevice::EVENT_ID_LIFECYCLE, { event => $lifecycle{$action}, detail => 0 } ],
        "LIFECYCLE: $action"
    );
}

is($queue->get_overflow, 0, 'nothing was lost');
VKVM::Event::stop();
Described::as_described(3);

done_testing;
