# SPDX-License-Identifier: LGPL-2.1-or-later
package LibvirtAPI;

# libvirt's description of its API, libvirt-api.xml, and what of it the sources name.

use strict;
use warnings;

use Exporter qw(import);
use File::Find qw(find);

our @EXPORT_OK = qw(symbols value_of number named_in_sources slurp);

sub slurp {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or die "cannot read $path: $!\n";
    local $/;
    return scalar <$file>;
}

# The symbols of one kind, each with its attributes.
sub symbols {
    my ($xml, $element) = @_;
    my %symbol;
    while ($xml =~ /<$element ([^>]*)>/g) {
        my %attribute = $1 =~ /(\w+)=(?|'([^']*)'|"([^"]*)")/g;
        $symbol{ $attribute{name} } = \%attribute;
    }
    return \%symbol;
}

# The values of enumerations are numbers or names of others.
sub value_of {
    my ($symbols, $name) = @_;
    my $symbol = $symbols->{$name} // return;
    my $value  = $symbol->{value} // $symbol->{string} // $symbol->{raw} // return;
    return $1 if !defined $symbol->{string} && $value =~ /^(-?\d+)(?:LL)?(?:\s|\z)/;
    return value_of($symbols, $value) // $value;
}

# A version as libvirt counts it.
sub number {
    my ($version) = @_;
    my ($major, $minor, $micro) = split /\./, $version;
    return ($major * 1000 + $minor) * 1000 + $micro;
}

# Functions of libvirt that the sources in a folder call or look up; comments do not count.
sub named_in_sources {
    my ($folder) = @_;
    my %named;
    find({
        no_chdir => 1,
        wanted   => sub {
            return unless /\.rs\z/;
            my $text = slurp($_) =~ s{^\s*//.*}{}mgr;
            $named{$_} = 1 for $text =~ /\b(vir[A-Z]\w+)/g;
        }
    }, $folder);
    return \%named;
}

1;
