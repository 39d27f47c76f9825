# SPDX-License-Identifier: LGPL-2.1-or-later
# VKVM::Async: futures of calls, under each loop.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

need_module('Future', 'libfuture-perl');
my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

each_loop {
    my ($loop) = @_;
    my ($status, $output, $errors) =
      run_perl("$FindBin::Bin/scripts/async.pl", $loop, $bed->{URI_UNIX}, $bed->{PID});
    kill CONT => $bed->{PID};
    is($status, 0,  "$loop: all pass") or diag($output);
    is($errors, '', "$loop: nothing on standard error");
} 2;

done_testing;
