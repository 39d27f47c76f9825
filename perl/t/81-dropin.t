# SPDX-License-Identifier: LGPL-2.1-or-later
# What programs look at besides the answers of methods - classes, versions, private
# functions, ways to pass arguments - is as in Sys::Virt, side by side with it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use SideBySide;
use Test::More;
use TestVKVM;

use VKVM;

need_module('Sys::Virt', 'libsys-virt-perl');

my $pair = SideBySide->new("$FindBin::Bin/scripts/dropin.pl");
$pair->same_output('the classes, private functions and arguments of Sys::Virt', 90, 'test:///default');
$pair->all_differed;

done_testing;
