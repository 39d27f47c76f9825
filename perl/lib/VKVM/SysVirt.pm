package VKVM::SysVirt;

use strict;
use warnings;

use Carp qw(croak);
use version;

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

our $VERSION = '0.001000';

# The Sys::Virt whose methods and constants these are.
use constant SYS_VIRT_VERSION => '12.5.0';

BEGIN {
    no strict 'refs';    ## no critic (ProhibitNoStrict) - this is about symbol tables
    *{'Sys::Virt::'} = *{'VKVM::'};
    my @modules = qw(
      Domain DomainCheckpoint DomainSnapshot Error Event EventImpl Interface NWFilter NWFilterBinding
      Network NetworkPort NodeDevice Secret StoragePool StorageVol Stream
    );
    for my $module ('', map { "/$_" } @modules) {
        ## no critic (RequireLocalizedPunctuationVars) - it is to last
        $INC{"Sys/Virt$module.pm"} = $INC{"VKVM$module.pm"};
    }
}

# `use Sys::Virt 4.0.0` asks for a version of Sys::Virt, not of VKVM. Both names
# share one $VERSION, so it is this method that tells them apart.
sub _version {
    my ($class, $wanted) = @_;
    goto &UNIVERSAL::VERSION if $class ne 'Sys::Virt';    # which tells its caller's line
    my $least = version->parse($wanted // 0);
    if ($least > version->parse(SYS_VIRT_VERSION)) {
        croak("Sys::Virt version $least required--this is only version " . SYS_VIRT_VERSION);
    }
    return SYS_VIRT_VERSION;
}

# Programs for Sys::Virt 12 may read the key as it is misspelt there.
my $get_node_memory_stats = \&VKVM::get_node_memory_stats;

sub _get_node_memory_stats($;$$) {    ## no critic (ProhibitSubroutinePrototypes) - as before
    my @arguments = @_;
    my $stats     = $get_node_memory_stats->(@arguments);
    $stats->{availabl} = $stats->{available} if exists $stats->{available};
    return $stats;
}

{
    no warnings 'redefine';    ## no critic (ProhibitNoWarnings) - which is what is meant
    *VKVM::VERSION               = \&_version;
    *VKVM::get_node_memory_stats = \&_get_node_memory_stats;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::SysVirt - run a Sys::Virt program on libvkvm, unchanged

=head1 SYNOPSIS

    perl -MVKVM::SysVirt script.pl

=head1 DESCRIPTION

Makes C<Sys::Virt> and its packages other names of C<VKVM> and its packages: the
symbol tables are the same, so methods, constants, C<isa> and C<SUPER> work under
both names, and C<use Sys::Virt> loads nothing more. Where a program asks for the
class of an object with C<ref>, it is told the name that begins with C<VKVM>.

C<use Sys::Virt 4.0.0> and C<< Sys::Virt->VERSION >> are about the version of Sys::Virt
that is implemented, 12.5.0; C<$Sys::Virt::VERSION> is VKVM's own.

Load it before Sys::Virt. What is different from Sys::Virt, on purpose, is in
F<docs/DIFFERENCES.md> of libvkvm.

=head1 SEE ALSO

L<VKVM>

=head1 LICENSE

LGPL-2.1-or-later

=cut
