# SPDX-License-Identifier: LGPL-2.1-or-later
package GuestKernel;

# The Linux of a guest, which its agent tells: under software emulation newer ones do less.

use strict;
use warnings;

use Exporter qw(import);
use VKVM;

our @EXPORT_OK = qw(guest_kernel is_newer);

# Like 6.12.
sub guest_kernel {
    my ($dom) = @_;
    my $info = $dom->get_guest_info(VKVM::Domain::GUEST_INFO_OS);
    my ($version) = $info->{'os.kernel-release'} =~ /^(\d+\.\d+)/ or die 'the guest tells no version of its kernel';
    return $version;
}

sub is_newer {
    my ($version, $than) = @_;
    return version->parse("v$version") > version->parse("v$than");
}

1;
