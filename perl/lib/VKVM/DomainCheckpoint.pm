# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::DomainCheckpoint;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.002000';

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
