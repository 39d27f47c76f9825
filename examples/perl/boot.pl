#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Defines a guest from an XML file, boots it, and waits until it runs. With --remove
# it shuts it down again, by force after so many seconds, and undefines it.
#
# usage: boot.pl [--remove SECONDS] URI FILE.xml

use strict;
use warnings;

use Time::HiRes qw(sleep);

use VKVM;

my @state = ('no state', qw(running blocked paused shutdown), 'shut off', qw(crashed suspended));

# Waits until the domain is in a state; false after so many seconds.
sub wait_for {
    my ($dom, $state, $seconds) = @_;
    for (my $turn = 0; ($dom->get_state)[0] != $state; $turn++) {
        return 0 if $turn == $seconds * 10;
        sleep 0.1;
    }
    return 1;
}

sub remove {
    my ($dom, $seconds) = @_;
    my $name = $dom->get_name;
    $dom->shutdown;
    if (wait_for($dom, VKVM::Domain::STATE_SHUTOFF, $seconds)) {
        print "$name has shut down\n";
    } else {
        $dom->destroy;
        print "$name did not shut down and was turned off\n";
    }
    $dom->undefine;
    print "$name is undefined\n";
}

my $seconds;
(undef, $seconds) = splice @ARGV, 0, 2 if @ARGV == 4 && $ARGV[0] eq '--remove';
die "usage: boot.pl [--remove SECONDS] URI FILE.xml\n" unless @ARGV == 2;
my ($uri, $path) = @ARGV;
$| = 1;

open(my $file, '<', $path) or die "$path: $!\n";
my $xml = do { local $/; <$file> };
close $file;

my $conn = VKVM->new(uri => $uri);
my $dom  = $conn->define_domain($xml);
my $name = $dom->get_name;
print "$name is defined\n";
$dom->create;
if (!wait_for($dom, VKVM::Domain::STATE_RUNNING, 30)) {
    my ($state) = $dom->get_state;
    die "$name does not run but is ", $state[$state] // 'unknown', "\n";
}
print "$name is running\n";
remove($dom, $seconds) if defined $seconds;
