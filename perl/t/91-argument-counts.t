# SPDX-License-Identifier: LGPL-2.1-or-later
# Each function of each package of both faces, with no argument, with too many and on its class: what
# comes is an error of the right class, which names the method; never a text such as
# "Usage: ...", or of Perl's. Where Sys::Virt overlooks further arguments, so does the
# drop-in.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

# What came of a call, by the function and "none" or "many".
sub outcomes {
    my ($face, @modules) = @_;
    my ($status, $output, $errors) = run_perl(@modules, "$FindBin::Bin/scripts/counts.pl", $face);
    is($status, 0,  'it runs to its end');
    is($errors, '', 'without warnings');
    my %came;
    for my $line (split /\n/, $output) {
        my ($function, $how, $result) = split /\t/, $line;
        $came{$function}{$how} = $result;
    }
    return \%came;
}

# What needs no argument, and is done, or is refused for another reason.
my %needs_none = map { $_ => 1 } (
    (map { ("VKVM::$_", "Sys::Virt::$_") }
      qw(gen_uuid gen_mac get_openings enums get_version get_major_version get_minor_version get_micro_version),
      map { "Event::$_" } qw(is_started register_default run_default start stop)),
    qw(Sys::Virt::_get_library_version Sys::Virt::Event::_register_impl VKVM::Host::commands
      VKVM::SysVirt::folder),
);

sub is_named {
    my ($function, $text) = @_;
    # These are the same functions in both packages.
    $function =~ s/::Event(?=::_(?:run|free)_)/::EventImpl/;
    my ($package, $name) = $function =~ /\A(.*)::(\w+)\z/;
    # A command of the facade is named as in the table of commands.
    return $text =~ /\b\Q$function\E\(/ || $text =~ /\b\Q$function\E needs / || $text =~ /\b\Q$package\E->\Q$name\E\b/
      || $package =~ /\AVKVM::Host::/ && $text =~ /: \Q$name\E (?:has|needs) /;
}

# Methods that only a subclass has, with any arguments.
sub is_other_refusal {
    my ($text) = @_;
    return $text =~ /\AVKVM::Error: \w+: VKVM::EventImpl must have a method \w+\z/;
}

sub check {
    my ($class, $came, $theirs) = @_;
    cmp_ok(scalar keys %$came, '>', 500, 'these are many functions');
    my (@bare, @unnamed, @c_names, @refused);
    for my $function (sort keys %$came) {
        for my $how (sort keys %{ $came->{$function} }) {
            my $result = $came->{$function}{$how};
            my $line   = "$function, $how: $result";
            my $is_error = $result =~ /\A\Q$class\E: /;
            push @bare, $line if !$is_error && $result ne 'returns';
            push @c_names, $line if $result =~ /\bvkvm_/;
            next if $how eq 'class';
            if ($how eq 'none') {
                push @unnamed, $line
                  if !$needs_none{$function} && !($is_error && is_named($function, $result));
            }
            elsif ($result =~ /more than it takes|is missing: \Q$function\E/) {
                push @unnamed, $line if !is_named($function, $result);
                my $there = $theirs->{$function}{many};
                push @refused, $line if defined $there && $there !~ /\Atext: Usage: /;
            }
            elsif (!$theirs && !is_named($function, $result) && !is_other_refusal($result)) {
                push @unnamed, $line if $function !~ /\AVKVM::(?:Async|Host|Fleet)::/;
            }
        }
    }
    is_deeply(\@bare,    [], "each exception is a $class");
    is_deeply(\@unnamed, [], 'which names the method');
    is_deeply(\@c_names, [], 'and no function of C');
    is_deeply(\@refused, [], 'what Sys::Virt overlooks is no error') if $theirs;
    return;
}

subtest 'VKVM' => sub { check('VKVM::Error', outcomes('VKVM', '-MVKVM')) };

subtest 'the drop-in' => sub {
    need_module('Sys::Virt', 'libsys-virt-perl');
    check('Sys::Virt::Error', outcomes('Sys::Virt', '-MVKVM::SysVirt'), outcomes('Sys::Virt'));
};

done_testing;
