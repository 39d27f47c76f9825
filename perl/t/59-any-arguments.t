# Random methods with random arguments, tied and overloaded ones among them: no crash,
# nothing is left. VKVM_SEED and VKVM_CALLS give another and a longer run, VKVM_TRACE
# shows the calls.

use strict;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

my $calls = $ENV{VKVM_CALLS} // 20_000;
for my $seed ($ENV{VKVM_SEED} // 1 .. 3) {
    my @command = ("$FindBin::Bin/scripts/any-arguments.pl", $seed, $calls, tempdir(CLEANUP => 1));
    my ($status, $output, $errors) = run_perl(@command);
    is($status, 0, "seed $seed: exit status") or diag($errors);
    like($output, qr/\A[0-9]{3} 0 0\n\z/, "seed $seed: hundreds of methods, no handle is left");
}

done_testing;
