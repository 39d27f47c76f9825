#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints what happens on a host: to its domains, networks and storage pools. It ends
# after COUNT events, when it is interrupted, or when the host has gone.
#
# usage: watch.pl URI [COUNT]

use strict;
use warnings;

use VKVM;
use VKVM::Event;

my %lifecycle = (
    domain => [
        qw(defined undefined started suspended resumed stopped),
        'shut down', 'suspended by itself', 'crashed'
    ],
    network => [qw(defined undefined started stopped)],
    pool    => [qw(defined undefined started stopped created deleted)],
);

# The other events of domains; their arguments are printed as they are.
my %kinds = (
    VKVM::Domain::EVENT_ID_REBOOT()          => 'rebooted',
    VKVM::Domain::EVENT_ID_RTC_CHANGE()      => 'changed its clock',
    VKVM::Domain::EVENT_ID_BALLOON_CHANGE()  => 'has memory (KiB)',
    VKVM::Domain::EVENT_ID_DEVICE_ADDED()    => 'got a device',
    VKVM::Domain::EVENT_ID_DEVICE_REMOVED()  => 'lost a device',
    VKVM::Domain::EVENT_ID_METADATA_CHANGE() => 'has other metadata',
    VKVM::Domain::EVENT_ID_AGENT_LIFECYCLE() => 'has an agent',
);

die "usage: watch.pl URI [COUNT]\n" unless @ARGV == 1 || @ARGV == 2;
my ($uri, $wanted) = @ARGV;
my $seen = 0;
my $stop = 0;
$| = 1;

# One event may bring several of them in one turn of the loop; so it may be too late.
sub too_late { return $wanted && $seen++ >= $wanted }

sub on_lifecycle {
    my ($class) = @_;
    return sub {
        my ($conn, $object, $event) = @_;
        return if too_late();
        printf "%s %s %s\n", $class, $object->get_name,
          $lifecycle{$class}[$event] // 'has changed';
    };
}

# Drivers that have no events of some kind are watched for the others.
sub if_supported {
    my ($code) = @_;
    return if eval { $code->(); 1 };
    die $@ unless ref $@ && $@->code == VKVM::Error::ERR_NO_SUPPORT;
}

$SIG{INT} = $SIG{TERM} = sub { $stop = 1 };
VKVM::Event::register_default();

# A signal does not end run_default; a timer lets the program look at what it said.
my $timer = VKVM::Event::add_timeout(200, sub { });
my $conn  = VKVM->new(uri => $uri, readonly => 1);

if_supported(sub {
    $conn->domain_event_register_any(undef, VKVM::Domain::EVENT_ID_LIFECYCLE,
        on_lifecycle('domain'));
});
if_supported(sub {
    $conn->network_event_register_any(undef, VKVM::Network::EVENT_ID_LIFECYCLE,
        on_lifecycle('network'));
});
if_supported(sub {
    $conn->storage_pool_event_register_any(undef, VKVM::StoragePool::EVENT_ID_LIFECYCLE,
        on_lifecycle('pool'));
});
while (my ($id, $name) = each %kinds) {
    my $callback = sub {
        my ($conn, $dom, @arguments) = @_;
        return if too_late();
        print join(' ', 'domain', $dom->get_name, $name, map { $_ // '-' } @arguments), "\n";
    };
    if_supported(sub { $conn->domain_event_register_any(undef, $id, $callback) });
}

print "watching $uri\n";
my $alive = 1;
while ($alive && !$stop && !($wanted && $seen >= $wanted)) {
    VKVM::Event::run_default();
    $alive = $conn->is_alive;
}
print "$uri has gone\n" unless $alive;

$conn->close;    # and with it what was registered
VKVM::Event::remove_timeout($timer);
exit($alive ? 0 : 1);
