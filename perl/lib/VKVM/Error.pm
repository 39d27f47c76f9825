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
