# SPDX-License-Identifier: LGPL-2.1-or-later
# Every method that is written in Perl refuses to be called on anything but its class or an object of
# it: with an error that names the parameter. Those of the shim are in 04-misuse.t.

use strict;
use warnings;

use B ();
use Test::More;

use VKVM;
use VKVM::EventImpl;

# Without it there are no futures.
my $has_futures = eval { require VKVM::Async; require VKVM::Async::Events; 1 };

# The packages below VKVM that programs use.
sub packages {
    my ($package, @parts) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict) - this is about symbol tables
    my @below = map { /\A([A-Za-z]\w*)::\z/ ? "${package}::$1" : () } sort keys %{"${package}::"};
    return ($package, map { packages($_) } grep { !/\AVKVM::(?:Command|SysVirt|Host::Arguments)\z/ } @below);
}

# The methods that a package defines itself, in Perl.
sub methods {
    my ($package) = @_;
    my @methods;
    no strict 'refs';    ## no critic (ProhibitNoStrict) - likewise
    for my $name (grep { /\A[a-z]\w*\z/ } sort keys %{"${package}::"}) {
        my $code  = *{"${package}::$name"}{CODE} or next;
        my $about = B::svref_2object($code);
        next if $about->XSUB || !${ $about->ROOT };
        my $is_own = $about->GV->NAME eq '__ANON__' ? $about->STASH->NAME =~ /\AVKVM\b/ : $about->GV->STASH->NAME eq $package;
        push @methods, [ $name, $code ] if $is_own;
    }
    return @methods;
}

# Of these any document is the first argument.
my %is_function = ('VKVM::to_xml' => 1);

my %wrong = (undef => undef, text => 'x', 'no text' => '', hash => {}, 'another object' => bless({}, 'Other'));
my $count = 0;
for my $package (packages('VKVM')) {
    for (methods($package)) {
        my ($name, $code) = @$_;
        next if $is_function{"${package}::$name"};
        $count++;
        my @bad;
        for my $what (sort keys %wrong) {
            # With too few and too many further arguments, and with as many as it takes.
            for my $others (0 .. 4) {
                my $error = eval { $code->($wrong{$what}, ('x') x $others); 1 } ? 'no error' : $@;
                push @bad, "$what and $others others: $error"
                  if !eval { $error->isa('VKVM::Error') } || $error->domain != VKVM::Error::FROM_VKVM || !defined $error->parameter;
            }
        }
        is_deeply(\@bad, [], "${package}::$name refuses what is no object of its class");
    }
}
cmp_ok($count, '>', $has_futures ? 240 : 200, 'there are many');

my $error = eval { VKVM::Inventory::metrics(undef); 1 } ? undef : $@;
is($error->parameter, 'inventory', 'the error names the object');
like($error->message, qr/\Ainventory: is no object; one is needed for VKVM::Inventory::metrics\z/, 'and the method');
$error = eval { VKVM::Fleet::new('VKVM::Host'); 1 } ? undef : $@;
like($error->message, qr/\Aclass: is not VKVM::Fleet, or a class made of it; one is needed for VKVM::Fleet::new\z/, 'or the class');
isa_ok(bless({}, 'Mine')->can('new') && Mine->new(uri => 'test:///default'), 'Mine', 'what a class made of it makes');

# A class of a program's own.
package Mine;    ## no critic (ProhibitMultiplePackages) - for the above
our @ISA;
BEGIN { @ISA = ('VKVM') }    ## no critic (ProhibitExplicitISA) - VKVM is loaded

package main;
done_testing;
