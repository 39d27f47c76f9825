# SPDX-License-Identifier: LGPL-2.1-or-later
# The same program with streams, on Sys::Virt and on VKVM::SysVirt: it must print
# the same, but where a stream is used that is not open. libvirt's drivers say of such
# a call that it is not supported, let it pass, or crash; ours is an error of its own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

need_module('Sys::Virt', 'libsys-virt-perl');

my $bed    = TestBed->daemon('qemu-daemon') or plan(skip_all => TestBed->reason);
my $script = "$FindBin::Bin/scripts/streams.pl";

my %output;
for my $module ('Sys::Virt', 'VKVM::SysVirt') {
    my $dir = "$bed->{top}/" . lc($module =~ s/:://r);
    mkdir $dir or die "cannot make $dir: $!";
    my ($status, $output, $errors) =
      within(600, sub { run_perl("-M$module", $script, $bed->{URI}, $dir) });
    is($status, 0,  "$module: exit status");
    is($errors, '', "$module: standard error");
    $output{$module} = [ split /\n/, $output ];
    is($output{$module}[-1], 'end = []', "$module: ran to its end");
}

my ($theirs, $ours) = @output{ 'Sys::Virt', 'VKVM::SysVirt' };
cmp_ok(scalar @$theirs, '>', 75, 'that is much');
is(scalar @$ours, scalar @$theirs, 'as many lines');
my $not_open = qr/ dies = \['@{[VKVM::Error::OWN_INVALID]}', '@{[VKVM::Error::FROM_VKVM]}', 'stream: (?:is not open|was finished)/;
my $refused  = 0;
for my $i (0 .. $#$theirs) {
    my $name = $theirs->[$i] =~ s/ = \[.*//r;
    if ($ours->[$i] =~ $not_open) {
        $refused++;
        like($theirs->[$i], qr/ dies = |^unopened/, "$name: a stream that is not open");
        is($ours->[$i] =~ s/ dies = .*//r, $name =~ s/ dies\z//r, 'the same call');
    }
    else { is($ours->[$i], $theirs->[$i], $name) }
}
cmp_ok($refused, '>', 10, 'there were such streams');

done_testing;
