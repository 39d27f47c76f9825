#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# For 49-device-events.t: tells those who listen to udev in this network namespace what
# happened to a device, in the form in which udevd tells it.
#
# usage: uevent.pl ACTION SUBSYSTEM DEVPATH SEQNUM=N [NAME=VALUE...]

use strict;
use warnings;

use Socket qw(SOCK_RAW);

use constant { AF_NETLINK => 16, NETLINK_KOBJECT_UEVENT => 15, FROM_UDEVD => 2, HEADER => 40 };

my ($action, $subsystem, $devpath, @more) = @ARGV;
my $properties = join '', map { "$_\0" } "ACTION=$action", "SUBSYSTEM=$subsystem", "DEVPATH=$devpath", @more;
my $header = pack 'a8 N L3 x16', 'libudev', 0xfeedcafe, HEADER, HEADER, length $properties;
socket my $socket, AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT or die "no netlink socket: $!\n";
defined send $socket, $header . $properties, 0, pack('S x2 L2', AF_NETLINK, 0, FROM_UDEVD)
  or die "cannot send to those who listen to udev: $!\n";
