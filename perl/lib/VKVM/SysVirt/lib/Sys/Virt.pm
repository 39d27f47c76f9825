# SPDX-License-Identifier: LGPL-2.1-or-later
package Sys::Virt;

use strict;
use warnings;

# In this folder, `use Sys::Virt` means libvkvm. See VKVM::SysVirt.
our $VERSION = '12.7.0';

require VKVM::SysVirt;

1;
