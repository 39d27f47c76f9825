# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Host;

use strict;
use warnings;

use VKVM;
use VKVM::Host::Arguments;

our $VERSION = '0.002000';

# The library's description of all commands; the methods are made from it.
my $described = _commands();

sub new {
    my ($class, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Host::new', \@all, 1, qw(class ...));
    my %params = VKVM::_params('VKVM::Host->new', \@given, qw(uri conn));
    VKVM::_refuse('conn', 'was given besides a uri; VKVM::Host->new takes one of them')
      if defined $params{uri} && defined $params{conn};
    my $self = defined $params{conn} ? _new($params{conn}) : _open($params{uri});
    return bless $self, ref $class || $class;
}

# Runs a command with an array of positional arguments or a hash of named ones,
# of which "args" may be an array of positional ones.
sub call {
    my ($self, $command, $args, $progress) = my @given = @_;
    VKVM::_refuse_count('VKVM::Host::call', \@given, 2, qw(host command args progress));
    _check_args($args);
    my $result = defined $progress
      ? _call_with_progress($self, $command, $args, $progress, _gives_document($command))
      : _call($self, $command, $args, _gives_document($command));
    my $about  = $described->{commands}{ _full_name($command) };
    return $result unless ref $result eq 'ARRAY' && $about->{result} =~ /\A(?:none|tune)\z/;
    return wantarray ? @$result : $result->[0];
}

# What follows a command's name is an array or a hash, not a list of names and values.
sub _check_args {
    my ($args) = @_;
    VKVM::_refuse('args', qq(is "$args"; an array or a hash reference of arguments is needed))
      if defined $args && !ref $args;
    return;
}

# All commands, as vkvm_host_commands describes them.
sub commands {
    my @given = @_;
    VKVM::_refuse_call('VKVM::Host::commands', \@given, 0, 'class');
    return _commands();
}

# Whether a command's result is a document, which to_xml gives back as it was.
sub _gives_document {
    my ($command) = @_;
    my $about = $described->{commands}{ _full_name($command // '') };
    return defined $about && $about->{result} eq 'xml';
}

# A command's name with the object's own name in place of another one.
sub _full_name {
    my ($command) = @_;
    my ($object, $name) = $command =~ /\A([^.]*)[.](.*)\z/s or return $command;
    my $objects = $described->{objects};
    for my $full (keys %$objects) {
        return "$full.$name" if grep { $_ eq $object } @{ $objects->{$full}{aliases} };
    }
    return $command;
}

sub _method {
    my ($name, $full) = @_;
    my $known;
    return sub {
        my ($self, @given) = my @all = @_;
        VKVM::_refuse_count($name, \@all, 1, qw(host ...));
        my $is = sub { return ref $self && UNIVERSAL::isa($self, $_[0]) };
        VKVM::_refuse_invocant('host', $self, $name) if !$is->(__PACKAGE__) && !$is->(__PACKAGE__ . '::Object');
        $known //= VKVM::Host::Arguments::known_of($described->{commands}{$full});
        my ($named, @places) = VKVM::Host::Arguments::sort_arguments($known, @given);
        my $progress = delete $named->{progress};
        my $host = $is->(__PACKAGE__) ? $self : $self->{host};
        return $host->call($full, { %$named, @places ? (args => \@places) : () }, $progress);
    };
}

sub _make_methods {
    no strict 'refs';    ## no critic (ProhibitNoStrict) - methods are made here
    for my $object (keys %{ $described->{objects} }) {
        my $package = __PACKAGE__ . '::' . ucfirst $object;
        @{"${package}::ISA"} = (__PACKAGE__ . '::Object');
        for my $name ($object, @{ $described->{objects}{$object}{aliases} }) {
            my $full = __PACKAGE__ . "::$name";
            *$full = sub {
                my ($host) = my @given = @_;
                VKVM::_refuse_call($full, \@given, 1, 'host');
                return bless { host => $host, name => $object }, $package;
            };
        }
    }
    for my $full (keys %{ $described->{commands} }) {
        my ($object, $name) = @{ $described->{commands}{$full} }{qw(object name)};
        my $package = __PACKAGE__ . ($object eq '' ? '' : '::' . ucfirst $object);
        *{"${package}::$name"} = _method("${package}::$name", $full);
    }
    return;
}

_make_methods();

# A command or an object that does not exist: the library says which ones do.
our $AUTOLOAD;

sub AUTOLOAD {
    my ($self, @given) = @_;
    my $name = $AUTOLOAD =~ s/.*:://sr;
    return if $name =~ /\A(?:un)?import\z/;
    VKVM::_refuse($name, "is no method of VKVM::Host") if !ref $self || $name =~ /\A_/;
    return $self->call($name, \@given);
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

# Something of a host that has commands, such as $host->network.
package VKVM::Host::Object;    ## no critic (ProhibitMultiplePackages) - its parts

our $AUTOLOAD;

sub AUTOLOAD {    ## no critic (RequireArgUnpacking)
    my ($self, @given) = @_;
    my $name = $AUTOLOAD =~ s/.*:://sr;
    VKVM::_refuse($name, 'is no function: ' . __PACKAGE__ . ' has methods') if !ref $self;
    return $self->{host}->call("$self->{name}.$name", \@given);
}

sub DESTROY { return }

1;
