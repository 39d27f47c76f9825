package VKVM::SysVirt;

use strict;
use warnings;

use VKVM;
use VKVM::Domain;
use VKVM::DomainCheckpoint;
use VKVM::DomainSnapshot;
use VKVM::Error;
use VKVM::Event;
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

BEGIN {
    no strict 'refs';    ## no critic (ProhibitNoStrict) - this is about symbol tables
    *{'Sys::Virt::'} = *{'VKVM::'};
    my @modules = qw(
      Domain DomainCheckpoint DomainSnapshot Error Event Interface NWFilter NWFilterBinding
      Network NetworkPort NodeDevice Secret StoragePool StorageVol Stream
    );
    for my $module ('', map { "/$_" } @modules) {
        $INC{"Sys/Virt$module.pm"} = $INC{"VKVM$module.pm"};
    }
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

Load it before Sys::Virt. What is different from Sys::Virt, on purpose, is in
F<docs/DIFFERENCES.md> of libvkvm.

=head1 SEE ALSO

L<VKVM>

=head1 LICENSE

LGPL-2.1-or-later

=cut
