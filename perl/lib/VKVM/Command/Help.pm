# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Help;

use strict;
use warnings;

use Encode qw(encode_utf8);
use Text::Wrap qw(wrap);
use VKVM::Command::Options;
use VKVM::Command::Table;
use VKVM::Command::Usage;
use VKVM::Host;

our $VERSION = '0.002000';

# vkvm help: the commands, of an object or all, or one in detail.

my $USAGE = <<'END';
usage: vkvm [OPTION]... COMMAND [ARGUMENT]... [--NAME VALUE]...

  -c, --connect URI   a host; may be repeated. Without one libvirt's default
      --hosts FILE    hosts from a file, a URI on each line
  -t, --timeout S     how long hosts may take (10 seconds; no limit for what shows progress)
      --json          an object per host, each on a line of its own
      --table         tables, the default
      --raw           numbers (bytes, ns; 1 and 0 for yes and no) in place of texts;
                      programs use --json --raw
  -q, --quiet         no progress
  -V, --version       the version
  -h, --help          this

The exit status is 0, 1 when a host failed, and 2 for wrong usage.

END

# What the library calls results, in words; with --json that is what a program gets.
my %RESULT = (
    dict  => 'a map',
    stats => 'a map',
    str   => 'text, or a number',
    list  => 'a list',
    xml   => 'a document',
    none  => 'whether it worked, and what it says',
    tune  => 'a map; with settings to change, whether it worked',
);

sub run {
    my ($options, @words) = @_;
    VKVM::Command::Usage::fail('help explains one command at a time') if @words > 1;
    print encode_utf8(@words ? _explain($words[0]) : _all());
    return VKVM::Command::Table::DONE;
}

sub _all {
    my $all  = VKVM::Host->commands;
    my $text = $USAGE;
    $text .= _list('The program itself', map { [ $_, $VKVM::Command::Table::OWN{$_}{about} ] } sort keys %VKVM::Command::Table::OWN);
    for my $object ('', sort grep { length } keys %{ $all->{objects} }) {
        $text .= _list($object eq '' ? 'The host' : ucfirst $object, _of($all, $object));
    }
    return "$text\"vkvm help COMMAND\" explains one.\n";
}

sub _of {
    my ($all, $object) = @_;
    my %about = %{ $all->{commands} };
    return map { [ $_, $about{$_}{about} ] } sort grep { $about{$_}{object} eq $object } keys %about;
}

sub _list {
    my ($title, @rows) = @_;
    return "$title\n" . join('', map { _wrapped("  $_->[0]", 28, $_->[1]) } @rows) . "\n";
}

sub _wrapped {
    my ($first, $width, $text) = @_;
    local $Text::Wrap::columns = 100;
    local $Text::Wrap::huge    = 'overflow';
    local $Text::Wrap::unexpand = 0;
    return wrap(sprintf("%-${width}s", "$first "), ' ' x $width, $text) . "\n";
}

sub _explain {
    my ($name) = @_;
    if (my $own = $VKVM::Command::Table::OWN{$name}) {
        return _explain_own($name, $own);
    }
    my $all = VKVM::Host->commands;
    my ($object) = grep { VKVM::Command::Table::is_called($all, $_, $name) } keys %{ $all->{objects} };
    return _list(ucfirst $object, _of($all, $object)) if defined $object;

    my $about     = VKVM::Command::Table::describe($name);
    my @arguments = @{ $about->{arguments} };
    my @places    = grep { $_->{positional} } @arguments;
    my @words     = map { _place($_) } @places;
    my $text      = join(' ', "vkvm $about->{full}", @words, @arguments > @places ? '[--NAME VALUE]...' : ()) . "\n\n$about->{about}\n";
    $text .= "Like virsh's $about->{virsh}.\n" if length($about->{virsh} // '');
    $text .= "The result is $RESULT{ $about->{result} }.\n" if $RESULT{ $about->{result} };
    $text .= _keys(@{ $about->{keys} });
    $text .= "\n" if @arguments;
    # What is named like an option of the program, and has no effect, is that option to readers.
    my %is_global = map { $_ => 1 } VKVM::Command::Options::names();
    for my $argument (grep { !$is_global{ $_->{name} } } @arguments) {
        my $option = "  --$argument->{name}" . ($argument->{kind} eq 'bool' ? '' : ' ' . uc $argument->{kind} =~ s/s\z//r);
        my @words = @{ $argument->{words} } ? 'One of ' . join(', ', @{ $argument->{words} }) . '.' : ();
        $text .= _wrapped($option, 32, join ' ', ucfirst($argument->{about}) . '.', @words);
    }
    return $text;
}

# The keys of a result, which --json prints. Those of entries have "*." before them.
sub _keys {
    my (@keys) = @_;
    return '' if !@keys;
    my $whose = $keys[0] =~ /\A[*][.]/ ? 'The keys of each entry' : 'Its keys';
    return _wrapped("$whose, in an example:", 0, join(', ', map { s/\A[*][.]//r } @keys) . '.');
}

# A command of the program itself, with its options.
sub _explain_own {
    my ($name, $own) = @_;
    my %options = %{ $own->{options} };
    my $text = join(' ', "vkvm $name", $own->{usage} // (), %options ? '[--NAME VALUE]...' : ()) . "\n\n$own->{about} vkvm(1) has more.\n";
    $text .= "\n" if %options;
    for my $option (sort keys %{ $own->{explained} }) {
        my $words = $options{ $option =~ s/ .*//sr };
        $text .= _wrapped("  --$option", 32, join ' ', $own->{explained}{$option}, $words && @$words ? 'One of ' . join(', ', @$words) . '.' : ());
    }
    return $text;
}

sub _place {
    my ($argument) = @_;
    my $word = uc $argument->{name};
    $word .= '...' if $argument->{kind} eq 'strings';
    return $argument->{required} ? $word : "[$word]";
}

1;
