# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls each function of each package with no argument, with too many and, if it is the library's
# own, on its class, and prints what comes: the class of the exception and its text, or that it returned.
#
# usage: counts.pl VKVM|Sys::Virt

use strict;
use warnings;

use B;

my ($face) = @ARGV;
my $is_ours = $INC{'VKVM.pm'} || $face eq 'VKVM';

# Real objects: a method of Sys::Virt would take another one for a pointer.
require Sys::Virt        if $face eq 'Sys::Virt';
require Sys::Virt::Event if $face eq 'Sys::Virt';
require VKVM::Event      if $face eq 'VKVM';
"${face}::Event"->can('register_default')->();
"${face}::Event"->can('add_timeout')->(0, sub { });    # so that a turn of the loop ends
my $conn = $face->new(uri => 'test:///default');
my $dom  = $conn->get_domain_by_name('test');
my $pool = $conn->get_storage_pool_by_name('default-pool');
my %object = (
    ''             => $conn,
    Domain         => $dom,
    DomainSnapshot => $dom->create_snapshot('<domainsnapshot/>'),
    Interface      => $conn->get_interface_by_name('eth1'),
    Network        => $conn->get_network_by_name('default'),
    NodeDevice     => $conn->get_node_device_by_name('computer'),
    StoragePool    => $pool,
    StorageVol     => $pool->create_volume('<volume><name>v</name><capacity>9</capacity></volume>'),
    Stream         => $conn->new_stream,
    Error          => eval { $conn->get_domain_by_name('nobody') } || $@,
);

if ($face eq 'VKVM') {
    my $host = $object{Host} = VKVM::Host->new(conn => $conn);
    $object{ 'Host::' . ucfirst } = $host->$_ for keys %{ VKVM::Host->commands->{objects} };
}

# Packages of the library's own.
my $private = qr/\A(?:VKVM|Sys)::(?:Host::Arguments|Error::Methods|SysVirt::(?:Answers|Private|Loop)|_)/;

# What is no function of the program's: Perl's own calls, and those of this library's code.
my %perls = map { $_ => 1 } qw(AUTOLOAD BEGIN bootstrap CLONE CLONE_SKIP DESTROY import unimport);

sub packages_below {
    my ($package) = @_;
    no strict 'refs';
    my @below = map { /\A(\w+)::\z/ ? "${package}::$1" : () } sort keys %{"${package}::"};
    return ($package, map { packages_below($_) } @below);
}

sub functions_of {
    my ($package) = @_;
    no strict 'refs';
    return grep {
        my $code = \&{"${package}::$_"};
        my $gv   = B::svref_2object($code)->GV;
        # Not what was imported, nor constants.
        $gv->STASH->NAME =~ /\A(?:VKVM|Sys::Virt)/ && !(B::svref_2object($code)->CvFLAGS & B::CVf_CONST())
    } grep { /\A\w+\z/ && !$perls{$_} && defined &{"${package}::$_"} } sort keys %{"${package}::"};
}

sub outcome {
    my ($name, $how, $code) = @_;
    my $result = eval { $code->(); 1 } ? 'returns' : ref $@ ? ref($@) . ': ' . $@->message : "text: $@";
    $result =~ s/\s*\n.*//s;
    return print "$name\t$how\t$result\n";
}

local $SIG{__WARN__} = sub { };
my @packages = grep { !/$private/ } packages_below($face);
push @packages, 'VKVM::SysVirt' if $is_ours && $face eq 'Sys::Virt';
for my $package (@packages) {
    my $class  = $package =~ /\A\Q$face\E(?:::)?(.*)\z/ ? $1 : '';
    my $object = $object{$class};
    # Ours look at the number of arguments first, so anything will do.
    $object //= bless \(my $number = 1), $package if $is_ours;
    next if !$object && $class !~ /\AEvent/;
    for my $function (functions_of($package)) {
        # Ours are the library's own; many of Sys::Virt's crash.
        next if $function =~ /\A_/ && ($package =~ /\AVKVM/ || !$is_ours);
        my $code = do { no strict 'refs'; \&{"${package}::$function"} };
        outcome("${package}::$function", 'none', sub { $code->() });
        outcome("${package}::$function", 'class', sub { $code->($package) }) if $face eq 'VKVM';
        outcome("${package}::$function", 'many', sub { $code->($object // (), ('x') x 30) });
    }
}
