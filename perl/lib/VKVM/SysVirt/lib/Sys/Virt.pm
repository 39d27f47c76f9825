package Sys::Virt;

use strict;
use warnings;

# In this folder, `use Sys::Virt` means libvkvm. See VKVM::SysVirt.
our $VERSION = '12.7.0';

require VKVM::SysVirt;

1;
