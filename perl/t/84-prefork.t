# SPDX-License-Identifier: LGPL-2.1-or-later
# A server that forks its workers, which use the parent's connection. Under VKVM::SysVirt a
# worker's first call opens a connection of its own, so that all requests are answered, and
# the parent never notices, however its workers end. Where connections are not opened
# again, the calls fail as those of a broken connection do, so that a program that connects
# again on that goes on, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

sub serves {
    my ($what, $how, $ends, $events, @options) = @_;
    my ($status, $output, $errors) = run_perl('-MVKVM::SysVirt', @options,
        "$FindBin::Bin/scripts/prefork.pl", $bed->{URI_UNIX}, $ends, $events, $how);
    my $all = "test 2 1 domains: 1000\nworkers that failed: 0\n"
      . ($events eq 'events' ? "events of the parent: 2\n" : '')
      . "the parent: test 2 1 domains alive 1\n";
    subtest "$what, workers end by $ends, $events" => sub {
        is($status, 0,    'exit status');
        is($errors, '',   'standard error');
        is($output, $all, 'all requests are answered, and the parent goes on');
    };
    return;
}

for my $ends (qw(exit _exit)) {
    for my $events (qw(none events)) {
        serves("the parent's objects", 'same', $ends, $events);
        serves('connecting again', 'again', $ends, $events, '-e',
            'VKVM::reopen_after_fork(0); my $program = shift; do $program or die $@ || $!;');
    }
}

done_testing;
