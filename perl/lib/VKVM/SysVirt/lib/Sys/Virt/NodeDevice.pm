# SPDX-License-Identifier: LGPL-2.1-or-later
package Sys::Virt::NodeDevice;

use strict;
use warnings;

# VKVM::SysVirt makes all of Sys::Virt's packages.
require VKVM::SysVirt;

1;
