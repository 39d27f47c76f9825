package VKVM::Error;

use strict;
use warnings;

our $VERSION = '0.001000';

use overload
  '""'     => 'stringify',
  'bool'   => sub { return 1 },
  fallback => 1;

sub stringify {
    my ($self) = @_;
    my $text = 'libvirt error code: ' . $self->code . ', message: ' . $self->message;
    return $text =~ /\n\z/ ? $text : "$text\n";
}

sub level     { return $_[0]{level} }
sub code      { return $_[0]{code} }
sub domain    { return $_[0]{domain} }
sub message   { return $_[0]{message} }
sub str1      { return $_[0]{str1} }
sub str2      { return $_[0]{str2} }
sub str3      { return $_[0]{str3} }
sub int1      { return $_[0]{int1} }
sub int2      { return $_[0]{int2} }
sub function  { return $_[0]{function} }
sub parameter { return $_[0]{parameter} }
sub line      { return $_[0]{line} }
sub column    { return $_[0]{column} }

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Error - what went wrong

=head1 SYNOPSIS

    my $dom = eval { $conn->get_domain_by_name('web') };
    if (my $error = $@) {
        die $error unless ref $error && $error->isa('VKVM::Error');
        print 'no such domain', "\n" if $error->code == VKVM::Error::ERR_NO_DOMAIN;
        print $error->message, "\n";
    }

=head1 DESCRIPTION

Every method of VKVM that fails dies with an object of this class. It is a hash
whose keys have the names of the methods below. As a string it is
C<libvirt error code: CODE, message: MESSAGE> with a newline.

=head1 METHODS

=head2 stringify

The error as a string.

=head2 code

The error number: one of C<VKVM::Error::ERR_*>, or of C<VKVM::Error::OWN_*> for
errors that libvirt has no part in.

=head2 domain

Which part of libvirt reported it: one of C<VKVM::Error::FROM_*>.

=head2 level

How bad it is: one of C<VKVM::Error::LEVEL_*>. (Sys::Virt::Error's method of
this name returns the code by mistake.)

=head2 message

The text for people.

=head2 str1

=head2 str2

=head2 str3

libvirt's extra texts, undef where there are none.

=head2 int1

=head2 int2

libvirt's extra numbers.

=head2 function

The libvirt function that failed, undef where libvirt was not reached.

=head2 parameter

The parameter that was wrong, undef where none is to blame.

=head2 line

=head2 column

Where in a document the mistake is, from 1; undef where none is to blame.

=head1 SEE ALSO

L<VKVM>

=head1 LICENSE

LGPL-2.1-or-later

=cut
