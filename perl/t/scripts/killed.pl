#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# For 10-daemon.t: kills a daemon and does something in the close callback, or
# calls a method of the connection before the loop has seen that the daemon is gone.
#
# usage: killed.pl URI PID nothing|unregister|close|undef|exit|call

use strict;
use warnings;

use VKVM;
use VKVM::Event;

my ($uri, $pid, $what) = @ARGV;
alarm 120;    # ends the program: there is no handler

my ($conn, $called);
my %do = (
    nothing    => sub { },
    unregister => sub { $conn->unregister_close_callback },
    close      => sub { $conn->close },
    undef      => sub { undef $conn },
    exit       => sub { exit 3 },
);

VKVM::Event::register_default() if $what ne 'call';
$conn = VKVM->new(uri => $uri);
$conn->register_close_callback(sub { $called = 1; $do{$what}->() }) if $what ne 'call';
kill KILL => $pid;
if ($what eq 'call') {
    select undef, undef, undef, 0.2;
    eval { $conn->get_hostname };
    die "no exception\n" unless ref $@ && $@->isa('VKVM::Error');
}
else {
    VKVM::Event::run_default() until $called;
}
undef $conn;
print "at the end\n";
