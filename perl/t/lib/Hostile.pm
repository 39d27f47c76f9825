# SPDX-License-Identifier: LGPL-2.1-or-later
package Hostile;

# Objects that die whenever they are asked what they are.

use strict;
use warnings;

use overload
  '""'   => sub { die "no text\n" },
  'bool' => sub { die "no truth\n" },
  '0+'   => sub { die "no number\n" },
  '@{}'  => sub { die "no array\n" },
  '%{}'  => sub { die "no hash\n" },
  '&{}'  => sub { die "no code\n" };

1;
