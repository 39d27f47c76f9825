# SPDX-License-Identifier: LGPL-2.1-or-later
# Random methods with random arguments, tied and overloaded ones among them: no crash,
# nothing is left. VKVM_SEED and VKVM_CALLS give another and a longer run, VKVM_TRACE
# shows the calls.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

sub any_arguments {
    my ($what, $uri, $calls) = @_;
    for my $seed ($ENV{VKVM_SEED} // (1 .. 3)) {
        my ($status, $output, $errors) = run_perl("$FindBin::Bin/scripts/any-arguments.pl",
            $seed, $ENV{VKVM_CALLS} // $calls, tempdir(CLEANUP => 1), $uri);
        is($status, 0, "$what, seed $seed: exit status") or diag($errors);
        like($output, qr/\A[0-9]{3} 0 0\n\z/, "$what, seed $seed: hundreds of methods, no handle is left");
    }
    return;
}

any_arguments('in process', 'test:///default', 20_000);
SKIP: {
    my $bed = TestBed->daemon('test-daemon') or skip(TestBed->reason, 6);
    any_arguments('a daemon', $bed->{URI_UNIX}, 5000);
}

done_testing;
