# SPDX-License-Identifier: LGPL-2.1-or-later
# All of Sys::Virt is here, and all of libvirt is reached.
#
# data/coverage holds what Sys::Virt has, and which functions of libvirt need no
# call, with the reasons.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use LibvirtAPI qw(symbols value_of number named_in_sources slurp);
use Test::More;
use TestVKVM;

use VKVM::SysVirt;

my $api       = read_json(root_file('vkvm-api.json'));
my $table     = read_json(root_file('data/constants.json'));
my $sysvirt   = read_json(root_file('data/coverage/methods.json'));
my $unreached = read_json(root_file('data/coverage/unreached.json'));
my $unnamed   = read_json(root_file('data/coverage/constants.json'));

my %declared = map { $_ => 1 } slurp(root_file('include/vkvm.h')) =~ /\b(vkvm_\w+)\(/g;

# --- methods ------------------------------------------------------------------

for my $short (sort keys %{ $sysvirt->{packages} }) {
    my $package = $sysvirt->{packages}{$short};
    my $class   = $package->{class};
    my @names   = map { join '::', $_, length $short ? $short : () } 'VKVM', 'Sys::Virt';
    my $other   = $sysvirt->{no_function_of_their_own}{$class} // {};

    subtest "methods of $names[1]" => sub {
        my $path = "$names[1].pm" =~ s{::}{/}gr;
        ok($INC{$path}, "$path counts as loaded");
        for my $method (@{ $package->{methods} }) {
            my $in_c    = $other->{$method} // "vkvm_${class}_$method";
            my @lacking = grep { !$_->can($method) } @names;
            push @lacking, $in_c if !$declared{$in_c};
            is_deeply(\@lacking, [], $method);
        }
        if ($package->{objects}) {
            ok($names[1]->can('DESTROY') && $declared{"vkvm_${class}_free"}, 'objects are freed');
        }
    };
}

# What has no function of its own is told, and counted.
subtest 'methods without a C function of their own' => sub {
    my %class = map { $sysvirt->{packages}{$_}{class} => join('::', 'Sys::Virt', length $_ ? $_ : ()) }
      keys %{ $sysvirt->{packages} };
    my %serves;
    for my $class (qw(conn domain domain_snapshot storage_pool)) {
        my $other = $sysvirt->{no_function_of_their_own}{$class};
        $serves{"$class{$class}::$_"} = $other->{$_} for keys %$other;
    }
    my $guide = slurp(root_file('docs/guide/from-sys-virt.md'));
    my %told  = $guide =~ /^\| `(Sys::Virt[\w:]*)` \| `(vkvm_\w+)` \|$/mg;
    is_deeply(\%told, \%serves, 'the guide lists them');
    my $count = keys %serves;
    like($guide, qr/except these $count\b/, 'with their number');
    like(slurp(root_file('README.md')), qr/for each Sys::Virt method but $count\b/, 'which README says, too');
    is_deeply([ sort keys %{ $sysvirt->{no_function_of_their_own} } ],
        [ sort qw(conn domain domain_snapshot storage_pool error event event_impl) ],
        'and there are no others but of errors and loops');
};

# --- constants -----------------------------------------------------------------

for my $short (sort keys %{ $sysvirt->{packages} }) {
    my $package = $sysvirt->{packages}{$short};
    my $name    = join '::', 'Sys::Virt', length $short ? $short : ();
    my @rows    = grep { defined $_->[2] } @{ $table->{ $package->{class} } // [] };
    is(scalar @rows, $package->{constants}, "$name has as many constants as Sys::Virt");
    my @lacking = grep { !$name->can($_->[0]) } @rows;
    is_deeply([ map { $_->[0] } @lacking ], [], "which are functions of $name");
}
my %macro   = map { $_ => 1 } slurp(root_file('include/vkvm.h')) =~ /^#define (VKVM_\w+)/mg;
my @lacking = grep { !$macro{$_} } map { $_->{c_name} } @{ $api->{constants} };
is_deeply(\@lacking, [], 'all constants are defined in the header');

# --- libvirt's own description --------------------------------------------------

sub libvirt_xml {
    my ($name) = @_;
    chomp(my $path = `pkg-config --variable=libvirt_${name}api libvirt 2>/dev/null` // '');
    return -e $path ? slurp($path) : undef;
}

SKIP: {
    my %xml = map { $_ => libvirt_xml($_) } '', qw(qemu_ lxc_);
    skip('libvirt has no description of its API here (Debian package libvirt-dev)', 1)
      if grep { !defined } values %xml;
    functions_are_reached(map { sort keys %{ symbols($xml{$_}, 'function') } } sort keys %xml);
    constants_agree($xml{''});
}

sub functions_are_reached {
    my @functions = @_;
    my $named     = named_in_sources(root_file('src'));
    my %by_crate  = map { $_ => 1 } @{ $unreached->{crate}{functions} };
    my %excused   = map { $_ => 1 } map { @{ $_->{functions} } } @{ $unreached->{reasons} };

    subtest "functions of libvirt" => sub {
        cmp_ok(scalar @functions, '>', 500, 'there are some');
        for my $function (@functions) {
            my $reached = $named->{$function};
            if ($excused{$function}) { ok(!$reached, "$function is not reached, as unreached.json says") }
            else                     { ok($reached || $by_crate{$function}, "$function is reached") }
        }
        my %known = map { $_ => 1 } @functions;
        is_deeply([ grep { !$known{$_} } sort keys %by_crate, keys %excused ],
            [], 'what needs no call is a function of libvirt');
        my @untrue;
        for my $function (@{ $api->{functions} }) {
            push @untrue, map { "$function->{name}: $_" }
              grep { !$named->{$_} && !$by_crate{$_} } @{ $function->{libvirt} // [] };
        }
        is_deeply(\@untrue, [], 'functions call what their documentation says');
    };
    return;
}

sub constants_agree {
    my ($xml) = @_;
    my $symbols = { %{ symbols($xml, 'macro') }, %{ symbols($xml, 'enum') } };
    my $version = $symbols->{LIBVIR_VERSION_NUMBER}{raw};
    my %excused = map { $_ => 1 } map { @{ $_->{names} } } @{ $unnamed->{reasons} };
    my %ours;

    subtest "constants of libvirt $version" => sub {
        for my $row (grep { defined $_->[2] } map { @$_ } values %$table) {
            my ($name, $value, $libvirt, $since) = @$row;
            $ours{$libvirt} = 1;
            my $symbol = $symbols->{$libvirt};
            if (!$symbol) {
                cmp_ok(number($since), '>', $version, "$libvirt is newer");
                next;
            }
            is($value, value_of($symbols, $libvirt), $libvirt);
            is($since, $symbol->{version}, "$libvirt: its version") if defined $symbol->{version};
        }
        for my $name (sort keys %$symbols) {
            next if $ours{$name} || $name =~ /_LAST\z/ || defined $symbols->{$name}{params};
            ok(delete $excused{$name}, "$name is a constant, or has a reason to be none");
        }
        is_deeply([ sort keys %excused ], [], 'the reasons are about names of libvirt');
    };
    return;
}

# --- what a new libvirt brings ----------------------------------------------------

subtest 'scripts/coverage' => sub {
    my $folder = tempdir(CLEANUP => 1);
    open(my $file, '>', "$folder/libvirt-api.xml") or die "$folder: $!";
    print $file <<'END';
<api>
  <macro name='VIR_DOMAIN_TUNE_ODDITY' file='libvirt-domain' string='oddity' version='99.1.0'>
  </macro>
  <enum name='VIR_DOMAIN_ODD' file='libvirt-domain' value='7' type='virDomainOddity' version='99.1.0'/>
  <function name='virDomainMakeOdd' file='libvirt-domain' module='libvirt-domain' version='99.1.0'>
    <info>x</info><return type='int' info='x'/><arg name='dom' type='virDomainPtr' info='x'/>
    <arg name='flags' type='unsigned int' info='x'/>
  </function>
  <function name='virDomainCreate' file='libvirt-domain' module='libvirt-domain' version='0.0.3'>
  </function>
</api>
END
    close($file) or die "$folder: $!";
    my $program = root_file('scripts/coverage');
    my $printed = `"$^X" "$program" --no-sys-virt "$folder/libvirt-api.xml"`;
    is($? >> 8, 1, 'says that something is missing');
    is($printed, <<"END", 'and prints it, with rows to copy');
# functions of $folder/libvirt-api.xml
virDomainMakeOdd, since 99.1.0: virDomainPtr dom, unsigned int flags

# data/constants.json, "domain"
    ["ODD", 7, "VIR_DOMAIN_ODD", "99.1.0"],
    ["TUNE_ODDITY", "oddity", "VIR_DOMAIN_TUNE_ODDITY", "99.1.0"],

END
};

done_testing;
