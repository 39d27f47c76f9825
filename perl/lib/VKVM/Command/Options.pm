# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Options;

use strict;
use warnings;

use VKVM::Command::Table;
use VKVM::Command::Usage;

our $VERSION = '0.002000';

# What stands on the command line: the options of the program, and the arguments of a command.

# The options of the program, and whether they have a value.
my %GLOBAL = (
    connect => 1, hosts => 1, timeout => 1, json => 0, table => 0, raw => 0, help => 0, version => 0,
    quiet => 0,
);
my %SHORT = (c => 'connect', t => 'timeout', h => 'help', q => 'quiet', V => 'version');

# Takes the options before the command off the words.
sub read_global {
    my ($class, $words) = @_;
    my $self = bless { connect => [] }, $class;
    while (@$words && $words->[0] =~ /\A-/) {
        my $word = shift @$words;
        last if $word eq '--';
        $self->_read_one($word, $words)
          or VKVM::Command::Usage::fail(qq(there is no option "$word"; "vkvm help" lists them));
    }
    return $self;
}

# Whether a word is an option of the program's, and what it says.
sub _read_one {
    my ($self, $word, $words) = @_;
    my ($name, $value) = $word =~ /\A--([\w-]+)(?:=(.*))?\z/s;
    if (!defined $name) {
        my ($short, $rest) = $word =~ /\A-(\w)(.*)\z/s or return 0;
        $name = $SHORT{$short} // return 0;
        $value = $rest if $rest ne '';
    }
    my $has_value = $GLOBAL{$name} // return 0;
    VKVM::Command::Usage::fail("--$name takes no value") if !$has_value && defined $value;
    return $self->{$name} = 1 if !$has_value;
    $value //= shift(@$words) // VKVM::Command::Usage::fail("--$name needs a value");
    return push @{ $self->{connect} }, $value if $name eq 'connect';
    VKVM::Command::Usage::fail(qq(--timeout is "$value"; a number of seconds is needed))
      if $name eq 'timeout' && $value !~ /\A(?:[0-9]+[.]?[0-9]*|[.][0-9]+)\z/;
    $self->{$name} = $value;
    return 1;
}

# The names of the options of the program.
sub names {
    my @names = sort keys %GLOBAL;
    return @names;
}

# How long hosts may take, in seconds.
sub timeout {
    my ($self) = @_;
    return $self->{timeout} // VKVM::Command::Table::TIMEOUT;
}

# The hosts: those of -c, of the file, or libvirt's default. libvirt knows aliases itself.
sub uris {
    my ($self) = @_;
    my @uris = (@{ $self->{connect} }, defined $self->{hosts} ? _read_hosts($self->{hosts}) : ());
    return @uris ? @uris : '';
}

# A URI, or an alias, on each line.
sub _read_hosts {
    my ($path) = @_;
    open my $file, '<', $path or VKVM::Command::Usage::fail("cannot read $path: $!");
    my @uris;
    while (my $line = <$file>) {
        $line =~ s/\A\xEF\xBB\xBF// if $. == 1;
        my $uri = $line =~ s/(?:\A|\s)#.*//sr =~ s/\A\s+|\s+\z//gr;
        VKVM::Command::Usage::fail("$path, line $.: neither a URI nor an alias") if $uri =~ /[[:cntrl:]]/ || !utf8::decode(my $copy = $uri);
        push @uris, $uri if length $uri;
    }
    close $file or VKVM::Command::Usage::fail("cannot read $path: $!");
    VKVM::Command::Usage::fail("$path has no host") if !@uris;
    return @uris;
}

# The arguments of a command, for its description: values by their place, --NAME VALUE, and --NAME
# for what is only set. Options of the program may stand between them.
sub read_arguments {
    my ($self, $about, @words) = @_;
    my %known = map { $_->{name} => $_ } @{ $about->{arguments} };
    my @places = grep { $_->{positional} } @{ $about->{arguments} };
    my (%args, @values);
    while (@words) {
        my $word = shift @words;
        if ($word eq '--') {
            push @values, splice @words;
            last;
        }
        my ($name, $value) = $word =~ /\A--([A-Za-z][\w-]*)(?:=(.*))?\z/s;
        my $argument = $known{ ($name // '') =~ tr/-/_/r };
        if ($argument) {
            _set(\%args, $argument, $value, \@words);
        }
        elsif (defined $name || $word =~ /\A-[A-Za-z]/) {
            $self->_read_one($word, \@words) or _no_such_argument($about, $word);
        }
        else {
            push @values, $word;
        }
    }
    $args{raw}  = 1 if $self->{raw};
    $args{args} = [ _documents(\@places, @values) ] if @values;
    return \%args;
}

sub _set {
    my ($args, $argument, $value, $words) = @_;
    my $name = $argument->{name};
    if ($argument->{kind} eq 'bool') {
        VKVM::Command::Usage::fail("--$name takes no value") if defined $value;
        $args->{$name} = 1;
        return;
    }
    $value //= shift(@$words) // VKVM::Command::Usage::fail("--$name needs a value");
    $value = _document($value) if $argument->{kind} eq 'document';
    if ($argument->{kind} eq 'strings') {
        push @{ $args->{$name} }, $value;
        return;
    }
    VKVM::Command::Usage::fail("--$name is there twice") if exists $args->{$name};
    $args->{$name} = $value;
    return;
}

# A document may come from standard input.
sub _document {
    my ($value) = @_;
    return $value if $value ne '-';
    local $/;
    return <STDIN>;
}

sub _documents {
    my ($places, @values) = @_;
    return map { ($places->[$_] // { kind => '' })->{kind} eq 'document' ? _document($values[$_]) : $values[$_] }
      0 .. $#values;
}

sub _no_such_argument {
    my ($about, $word) = @_;
    my $names = join ', ', map { "--$_->{name}" } @{ $about->{arguments} };
    VKVM::Command::Usage::fail(qq($about->{full} has no argument "$word"; it has ) . ($names || 'none'));
    return;
}

# The options of one of the program's own commands; options of the program may stand between them.
# Returns the options and the other words.
sub read_own {
    my ($self, $command, @words) = @_;
    my $about = $VKVM::Command::Table::OWN{$command};
    my $known = $about->{options};
    my (%own, @rest);
    while (@words) {
        my $word = shift @words;
        my ($name, $value) = $word =~ /\A--([\w-]+)(?:=(.*))?\z/s;
        if (defined $name && exists $known->{$name}) {
            VKVM::Command::Usage::fail("--$name takes no value") if !$known->{$name} && defined $value;
            $own{$name} = $known->{$name} ? $value // shift @words // VKVM::Command::Usage::fail("--$name needs a value") : 1;
        }
        elsif ($word =~ /\A-./) {
            $self->_read_one($word, \@words)
              or VKVM::Command::Usage::fail(qq($command has no option "$word"; it has )
                  . join(', ', map { "--$_" } sort keys %$known));
        }
        else {
            push @rest, $word;
        }
    }
    VKVM::Command::Usage::fail("$command takes no words: @rest") if @rest && !$about->{words};
    VKVM::Command::Usage::fail(qq(--count is "$own{count}"; a number is needed)) if ($own{count} // 1) !~ /\A[1-9][0-9]*\z/;
    return (\%own, @rest);
}

1;
