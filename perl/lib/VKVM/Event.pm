package VKVM::Event;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.001000';

1;
