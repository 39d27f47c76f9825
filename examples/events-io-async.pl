#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints what happens to the domains of a host, in an IO::Async program.
#
# usage: perl -Mblib=perl examples/events-io-async.pl URI [COUNT]    (ends after COUNT events)

use strict;
use warnings;

use IO::Async::Handle;
use IO::Async::Loop;
use VKVM;
use VKVM::Event;

my ($uri, $count) = @ARGV;
$| = 1;

# The library listens to libvirt on a thread of its own, and the queue tells us by a
# descriptor when there is something.
VKVM::Event::start();
my $conn  = VKVM->new(uri => $uri);
my $queue = VKVM::EventQueue->new;
$queue->domain_event_register_any($conn, undef, VKVM::Domain::EVENT_ID_LIFECYCLE);
$queue->register_close_callback($conn);
my $fh = $queue->fh;
print "listening\n";

# Prints what is in the queue; tells whether there is more to come.
sub events {
    for my $event ($queue->drain) {
        if ($event->{class} eq 'conn') {
            print "the connection is gone\n";
            return 0;
        }
        print $event->{object}->get_name, " $event->{args}{event} $event->{args}{detail}\n";
        return 0 if defined $count && --$count <= 0;
    }
    return 1;
}

my $loop = IO::Async::Loop->new;
$loop->add(IO::Async::Handle->new(
    read_handle   => $fh,
    on_read_ready => sub { $loop->stop unless events() },
));
$loop->run;
