# SPDX-License-Identifier: LGPL-2.1-or-later
package BothFaces;

# Runs a test twice, with VKVM and with VKVM::SysVirt, each in a process of its own, whose
# output becomes a subtest.
#
#   use BothFaces;    # in place of "use VKVM"
#
# In the test the package Face is VKVM or Sys::Virt, and so are those below it: Face->new,
# Face::Event::register_default(). What only VKVM has, such as VKVM::Host, has its own name.
# face() and face_module() are for the programs that a test runs.

use strict;
use warnings;

use Test::More;

my %MODULE = (VKVM => 'VKVM', 'Sys::Virt' => 'VKVM::SysVirt');

# The name of the package Face.
sub face { return $ENV{VKVM_TEST_FACE} // die 'no face' }

# What a program must load for it.
sub face_module { return $MODULE{ face() } }

sub import {
    run_with($_) for $ENV{VKVM_TEST_FACE} ? () : qw(VKVM Sys::Virt);
    if (!$ENV{VKVM_TEST_FACE}) {
        done_testing;
        exit !Test::More->builder->is_passing;
    }
    my $face = face();
    eval "require $MODULE{$face}; require ${face}::Event; 1" or die $@;
    my $caller = caller;
    no strict 'refs';
    *{"${caller}::$_"} = \&$_ for qw(face face_module);
    *{'Face::'} = *{"${face}::"};
    return;
}

sub run_with {
    my ($face) = @_;
    my $builder = Test::More->builder;
    my $indent  = '    ';
    local $ENV{VKVM_TEST_FACE} = $face;
    my $pid = open(my $pipe, '-|') // die "cannot fork: $!";
    if (!$pid) {
        exec { $^X } $^X, (map { "-I$_" } grep { !ref } @INC), $0, @ARGV or die "cannot run $^X: $!";
    }
    my ($skipped, $out) = (undef, $builder->output);
    print $out "# Subtest: $face\n";
    while (my $line = <$pipe>) {
        ($skipped) = $line =~ /^1\.\.0 # SKIP (.*)/ if !defined $skipped;
        print $out $indent, $line;
    }
    close $pipe;
    return defined $skipped ? $builder->skip($skipped, $face) : is($?, 0, $face);
}

1;
