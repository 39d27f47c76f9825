# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Usage;

use strict;
use warnings;

our $VERSION = '0.002000';

# Errors in what was typed.

# Ends the program with a message, and the exit status for wrong usage.
sub fail {
    my ($message) = @_;
    die bless { message => $message }, __PACKAGE__;    ## no critic (RequireCarping) - for main
}

1;
