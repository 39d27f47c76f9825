# SPDX-License-Identifier: LGPL-2.1-or-later
# Perl::Critic finds nothing to say about the modules, as .perlcriticrc has it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../t/lib";
use Test::More;
use TestVKVM;

need_module('Perl::Critic', 'libperl-critic-perl');

my $top    = "$FindBin::Bin/..";
my $critic = Perl::Critic->new(-profile => "$top/.perlcriticrc");
for my $file ("$top/Makefile.PL", Perl::Critic::Utils::all_perl_files("$top/lib")) {
    my @violations = map { "$_" } $critic->critique($file);
    is_deeply(\@violations, [], $file =~ s{^\Q$top/\E}{}r);
}

done_testing;
