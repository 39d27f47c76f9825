package Sys::Virt::NWFilterBinding;

use strict;
use warnings;

# VKVM::SysVirt makes all of Sys::Virt's packages.
require VKVM::SysVirt;

1;
