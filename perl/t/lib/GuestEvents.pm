# SPDX-License-Identifier: LGPL-2.1-or-later
package GuestEvents;

# The events of one domain, through a queue, and the domain's guest, which is told on
# its console what to do to make some. See TestBed.
#
#   my $events = GuestEvents->new($conn, $dom);
#   $events->in_guest('hwclock -w');
#   my $args = $events->wait_for(RTC_CHANGE => {}, qw(utcoffset));

use strict;
use warnings;

use Test::More;
use VKVM;

# Far longer than any of them takes: a machine that is doing much else must not fail.
my $patience = 120;

my @kinds = qw(
  LIFECYCLE REBOOT RTC_CHANGE WATCHDOG IO_ERROR GRAPHICS IO_ERROR_REASON CONTROL_ERROR BLOCK_JOB
  DISK_CHANGE TRAY_CHANGE PMWAKEUP PMSUSPEND BALLOON_CHANGE PMSUSPEND_DISK DEVICE_REMOVED BLOCK_JOB_2
  TUNABLE AGENT_LIFECYCLE DEVICE_ADDED MIGRATION_ITERATION JOB_COMPLETED DEVICE_REMOVAL_FAILED
  METADATA_CHANGE BLOCK_THRESHOLD MEMORY_FAILURE MEMORY_DEVICE_SIZE_CHANGE NIC_MAC_CHANGE VCPU_REMOVED
  CHANNEL_LIFECYCLE
);
my %name = map { VKVM::Domain->can("EVENT_ID_$_")->() => $_ } @kinds;

sub new {
    my ($class, $conn, $dom) = @_;
    my $self = bless { dom => $dom, queue => VKVM::EventQueue->new }, $class;
    # Kinds that this libvirt does not have are refused, and nothing is lost by it.
    $self->{kinds} = grep {
        my $id = $_;
        eval { $self->{queue}->domain_event_register_any($conn, $dom, $id); 1 }
    } keys %name;
    return $self;
}

# The kind and the event that comes next, or nothing if none comes within milliseconds.
sub next_event {
    my ($self, $wait) = @_;
    my $event = $self->{queue}->next($wait) or return;
    return ($event->{class} eq 'domain' && $name{ $event->{event_id} } || "of a $event->{class}", $event);
}

# Waits for an event of a kind, one that has these arguments, and drops what comes
# before it. It has these arguments and no others but those named in @more. Without the
# event the test ends: what comes later in it waits in vain, too, and long.
sub wait_for {
    my ($self, $kind, $wanted, @more) = @_;
    my $end = time + $patience;
    my @dropped;
    while (time < $end) {
        my ($got, $event) = $self->next_event(500) or next;
        my $args = $event->{args};
        if ($got eq $kind && !grep { ($args->{$_} // 'undef') ne ($wanted->{$_} // 'undef') } keys %$wanted) {
            is($event->{object}->get_name, $self->{dom}->get_name, "$kind: the domain");
            is_deeply([ sort keys %$args ], [ sort keys %$wanted, @more ], "$kind: the arguments");
            return $args;
        }
        push @dropped, [ $got, $args ];
    }
    diag('What came is ', explain(\@dropped));
    die "$kind has not come\n";
}

# A command line in the guest, on its console, which stays open: QEMU looks only now
# and then whether somebody has opened it.
sub in_guest {
    my ($self, $line) = @_;
    if (!$self->{tty}) {
        my ($path) = $self->{dom}->get_xml_description =~ m{<console type='pty' tty='([^']+)'};
        open $self->{tty}, '+<', $path or die "cannot write to $path: $!\n";
        select undef, undef, undef, 1.5;
    }
    return syswrite $self->{tty}, "$line\n";
}

1;
