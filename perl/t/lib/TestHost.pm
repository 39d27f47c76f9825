# SPDX-License-Identifier: LGPL-2.1-or-later
package TestHost;

# What the tests of the host facade say of a command's result.

use strict;
use warnings;

use Exporter 'import';
use Test::More;

our @EXPORT = qw(works fails refused);

# A command that succeeds: its whole result.
sub works {
    my ($result, $out, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply($result, [ 1, $out, '' ], $name);
}

# A command that does not, and what virsh says: a text, or a pattern.
sub fails {
    my ($result, $error, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply($result, [ 0, '', $error ], "$name fails") if !ref $error;
    ok(!$result->[0], "$name fails");
    is($result->[1], '', '... prints nothing');
    return like($result->[2], $error, '... and says why');
}

# A call that is wrong in itself: an exception.
sub refused {
    my ($code, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!eval { $code->(); 1 }, "$name is refused");
    my $error = $@;
    isa_ok($error, 'VKVM::Error', '... the exception') or return;
    return like($error->message, $pattern, '... with a reason');
}

1;
