# SPDX-License-Identifier: LGPL-2.1-or-later
package SideBySide;

# Runs a program for Sys::Virt with the real Sys::Virt and with VKVM::SysVirt, and
# compares what it prints. See t/scripts/lib/SysVirtShow.pm for its lines.
#
#   my $pair = SideBySide->new($script, NAME => REASON, ...);
#   $pair->same_output('on the test driver', 300, 'test:///default');
#   $pair->all_differed;
#
#   $pair->describe;           # before, to compare also with the API file: see Described
#   $pair->as_described(30);
#
# What differs on purpose is named, with the reason; a name is a line's or
# "/PATTERN/" for lines. Each must really differ somewhere, or it has to go.

use strict;
use warnings;

use File::Temp;
use Test::More;
use TestVKVM;

sub new {
    my ($class, $script, %differs) = @_;
    return bless { script => $script, differs => \%differs }, $class;
}

# What a program prints, as pairs of a name and all that belongs to it.
sub output_of {
    my ($self, $module, @args) = @_;
    my @described = $self->{described} && $module ne 'Sys::Virt' ? '-MDescribed' : ();
    local $ENV{VKVM_DESCRIBED} = "$self->{described}" if @described;
    my ($status, $output, $errors) = run_perl(@described, "-M$module", $self->{script}, @args);
    is($status, 0,  "$module: exit status");
    is($errors, '', "$module: standard error");
    my @lines = split /\n/, $output;
    is($lines[-1], "end = []", "$module: ran to its end");
    my @pairs;
    for my $line (@lines) {
        my ($name, $value) = split / = (?=\[)/, $line, 2;
        # The method level() of Sys::Virt::Error gives the code by mistake.
        if    ($name eq '  level()') { $self->{levels}{$module}{$value}++ }
        elsif ($name =~ /^  /)       { $pairs[-1][1] .= "\n$line" }
        else                         { push @pairs, [ $name, $value ] }
    }
    return @pairs;
}

# The exception that a line is.
sub _exception {
    my ($self, $name) = @_;
    return $name if $self->{differs}{$name};
    my ($found) = grep { m{^/(.*)/\z} && $name =~ /^(?:$1)\z/ } sort keys %{ $self->{differs} };
    return $found;
}

# Runs the program with the arguments; it must print more lines than $least.
sub same_output {
    my ($self, $what, $least, @args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    subtest $what => sub {
        my @theirs = $self->output_of('Sys::Virt',     @args);
        my @ours   = $self->output_of('VKVM::SysVirt', @args);
        cmp_ok(scalar @theirs, '>', $least, 'that is much');

        # Newer libvirts than this Sys::Virt knows have more constants.
        my %theirs = map { $_->[0] => 1 } @theirs;
        @ours = grep { $theirs{ $_->[0] } || $_->[0] !~ /^constant / } @ours;

        for my $i (0 .. $#theirs) {
            my ($name, $value) = @{ $theirs[$i] };
            is($ours[$i][0], $name, 'the same call') or last;
            if (defined(my $exception = $self->_exception($name))) {
                $self->{differed}{$exception} ||= $ours[$i][1] ne $value;
            }
            else { is($ours[$i][1], $value, $name) }
        }
        is(scalar @ours, scalar @theirs, 'as many lines');
    };
    return;
}

# From now on what VKVM::SysVirt gives is compared with the API file.
sub describe {
    my ($self) = @_;
    $self->{described} = File::Temp->new;
    return;
}

# What the API file lacks in all that has been printed, and how much of it was seen.
sub as_described {
    my ($self, $least) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my @lines = do { local @ARGV = "$self->{described}"; <> };
    chomp @lines;
    is(join("\n", grep { !/\Aseen / } @lines), '', 'results and errors are as the API file describes them');
    my %seen = map { $_ => 1 } grep { /\Aseen / } @lines;
    cmp_ok(scalar keys %seen, '>=', $least, "$least descriptions are compared")
      or diag(join " ", sort keys %seen);
    return;
}

sub all_differed {
    my ($self) = @_;
    my $differs = $self->{differs};
    ok($self->{differed}{$_}, "differs: $_ ($differs->{$_})") for sort keys %$differs;
    return;
}

1;
