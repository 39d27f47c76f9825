# A server that forks its workers, which use the parent's connection: under VKVM::SysVirt
# their calls fail as those of a broken connection do, so that a program that connects
# again serves all requests, and the parent never notices, however its workers end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

for my $ends (qw(exit _exit)) {
    for my $events (qw(none events)) {
        my ($status, $output, $errors) = run_perl('-MVKVM::SysVirt', "$FindBin::Bin/scripts/prefork.pl",
            $bed->{URI_UNIX}, $ends, $events, 'again');
        my $all = "test 2 1 domains: 1000\nworkers that failed: 0\n"
          . ($events eq 'events' ? "events of the parent: 2\n" : '')
          . "the parent: test 2 1 domains alive 1\n";
        subtest "workers end by $ends, $events" => sub {
            is($status, 0,    'exit status');
            is($errors, '',   'standard error');
            is($output, $all, 'all requests are answered, and the parent goes on');
        };
    }
}

done_testing;
