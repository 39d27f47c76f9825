# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::SysVirt;

use strict;
use warnings;

use File::Basename qw(dirname);
use File::Spec;

use VKVM;
use VKVM::Domain;
use VKVM::DomainCheckpoint;
use VKVM::DomainSnapshot;
use VKVM::Error;
use VKVM::Event;
use VKVM::EventImpl;
use VKVM::Interface;
use VKVM::NWFilter;
use VKVM::NWFilterBinding;
use VKVM::Network;
use VKVM::NetworkPort;
use VKVM::NodeDevice;
use VKVM::Secret;
use VKVM::StoragePool;
use VKVM::StorageVol;
use VKVM::Stream;

our $VERSION = '0.002000';

# The Sys::Virt whose methods and constants these are.
use constant SYS_VIRT_VERSION => '12.7.0';

# The packages, without what both names begin with.
my @MODULES = (
    '',
    map { "::$_" } qw(
      Domain DomainCheckpoint DomainSnapshot Error Event EventImpl Interface NWFilter
      NWFilterBinding Network NetworkPort NodeDevice Secret StoragePool StorageVol Stream
    ),
);

# Perl calls these by their names in each package, or they are of no use elsewhere.
my %NOT_TAKEN_OVER = map { $_ => 1 } qw(BEGIN CLONE CLONE_SKIP blessed);

# The functions of a package, which programs may call with the package's name. What
# begins with an underscore is private; of these Sys::Virt has others.
sub _functions {
    my ($package) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict) - this is about symbol tables
    return grep { /\A[A-Za-z]/ && !$NOT_TAKEN_OVER{$_} && defined &{"${package}::$_"} }
      keys %{"${package}::"};
}

# Gives a function, or a package's list of base classes, a name.
sub _define {
    my ($name, $what) = @_;
    no strict 'refs';          ## no critic (ProhibitNoStrict) - likewise
    no warnings 'redefine';    ## no critic (ProhibitNoWarnings) - which is what is meant
    *$name = $what;
    return;
}

# Makes a package of Sys::Virt's that is a subclass of ours, and has its functions and
# constants. What Sys::Virt does in another way can then be its own.
sub _make_package {
    my ($module) = @_;
    my ($ours, $theirs) = map { "$_$module" } 'VKVM', 'Sys::Virt';
    _define("${theirs}::ISA", [$ours]);
    _define("${theirs}::$_",  $ours->can($_)) for _functions($ours);
    VKVM::_use_package($ours, $theirs);
    my $file = "$theirs.pm" =~ s{::}{/}gr;
    ## no critic (RequireLocalizedPunctuationVars) - it is to last
    $INC{$file} //= $INC{ "$ours.pm" =~ s{::}{/}gr };
    return;
}

if (defined &Sys::Virt::_open) {
    require Carp;
    Carp::croak('Sys::Virt is loaded already; VKVM::SysVirt must be loaded before it');
}
_make_package($_) for @MODULES;

## no critic (ProhibitPackageVars) - programs read it
$Sys::Virt::VERSION = SYS_VIRT_VERSION;

# Loops of programs for Sys::Virt 9 are of this class.
push @Sys::Virt::Event::ISA, 'Sys::Virt::EventImpl';
## use critic

# The folder that is put into PERL5LIB where nobody can add -MVKVM::SysVirt.
sub folder {
    my @given = @_;
    VKVM::_refuse_call('VKVM::SysVirt::folder', \@given, 0, 'class');
    return File::Spec->catdir(dirname(File::Spec->rel2abs(__FILE__)), 'SysVirt', 'lib');
}

# Someone may sit at the terminal of a program for Sys::Virt and answer ssh. libvkvm takes
# the parameter out of the URI again: see src/core/conn/ssh.rs.
sub _asking_uri {
    my ($given) = @_;
    my $uri = $given // $ENV{LIBVIRT_DEFAULT_URI} // '';
    return $given unless $uri =~ /\A[^:]*[+]ssh:/i && $uri !~ /[?&;]no_tty=/i;
    my ($before, $fragment) = $uri =~ /\A([^#]*)(.*)\z/s;
    return $before . ($before =~ /[?]/ ? '&' : '?') . "no_tty=00$fragment";
}

# Programs fork with their connections open.
VKVM::reopen_after_fork(1);

# These need the packages.
require VKVM::SysVirt::Private;
require VKVM::SysVirt::Answers;

1;

__END__

=encoding utf8

=head1 NAME

VKVM::SysVirt - run a Sys::Virt program on libvkvm, unchanged

=head1 SYNOPSIS

    perl -MVKVM::SysVirt script.pl

=head1 DESCRIPTION

Defines C<Sys::Virt> and its packages on top of C<VKVM> and its packages: each is a subclass of
its counterpart and has all its functions and constants, and C<use Sys::Virt> loads nothing
more. All objects and errors are then of Sys::Virt's classes: C<ref $dom> is C<Sys::Virt::Domain>,
and C<isa> is true for that and for C<VKVM::Domain>.

C<$Sys::Virt::VERSION> is the version of Sys::Virt that is implemented, 12.7.0, and
C<$VKVM::VERSION> is libvkvm's.

Load it before Sys::Virt and before objects are created.

If the start of a program cannot be changed, a folder in C<PERL5LIB> makes a plain
C<use Sys::Virt> load it: F</usr/share/vkvm/sysvirt> of the Debian package,
F<PREFIX/share/vkvm/sysvirt> after C<make install>, and everywhere the folder that

    perl -MVKVM::SysVirt -e 'print VKVM::SysVirt->folder'

prints.

F<docs/DIFFERENCES.md> of libvkvm lists the intentional differences from Sys::Virt, and
F<docs/SWITCHING.md> describes how to switch a program.

=head1 METHODS

=head2 folder

    my $path = VKVM::SysVirt->folder;

Returns the absolute path of the folder for C<PERL5LIB>.

=head2 SYS_VIRT_VERSION

Returns the version of Sys::Virt that is implemented.

=head1 SEE ALSO

L<VKVM>

=head1 LICENSE

LGPL-2.1-or-later

=cut
