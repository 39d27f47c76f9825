package VKVM::Host;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.001000';

# The library's description of all commands; the methods are made from it.
my $described = _commands();

# Arguments that the methods take themselves, and those of every command.
my %COMMON = (raw => 1, progress => 1);

sub new {
    my ($class, @given) = @_;
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
    my $result = _call($self, $command, $args, $progress, _gives_document($command));
    my $about  = $described->{commands}{ _full_name($command) };
    return $result unless ref $result eq 'ARRAY' && $about->{result} =~ /\A(?:none|tune)\z/;
    return wantarray ? @$result : $result->[0];
}

# All commands, as vkvm_host_commands describes them.
sub commands { return _commands() }

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

# Perl's flat list of arguments: positional ones, then names and values, or a hash of
# them. Names begin at the first place from which on every other one is the name of an
# argument, if nothing that the command needs is missing then.
sub _sort_arguments {
    my ($command, @given) = @_;
    my @arguments = @{ $command->{arguments} };
    my @places    = grep { $_->{positional} } @arguments;
    if (_ends_in_names($command, \@places, \@given)) {
        my $named = pop @given;
        return ({ map { (tr/-/_/r => $named->{$_}) } keys %$named }, @given);
    }
    my %known = (%COMMON, map { $_->{name} => 1 } @arguments);
    my $many  = grep { $_->{kind} eq 'strings' } @places;
    for my $start (0 .. @given) {
        last if $start > @places && !$many;
        my %named;
        next unless _take_names(\%named, @given[ $start .. $#given ]);
        next if grep { !$known{$_} } keys %named;
        my %by_place = map { $_->{name} => 1 } grep { defined } @places[ 0 .. $start - 1 ];
        next if grep { $_->{required} && !$by_place{ $_->{name} } && !exists $named{ $_->{name} } }
          @arguments;
        return (\%named, @given[ 0 .. $start - 1 ]) if !_is_misspelt(\%known, \@given, $start);
        last;
    }

    # Something is wrong; the library says what. What looks like names is taken so.
    my $required = grep { $_->{required} } @places;
    for my $start ($required .. @places, 0) {
        my %named;
        return (\%named, @given[ 0 .. $start - 1 ])
          if $start <= @given && _take_names(\%named, @given[ $start .. $#given ]);
    }
    return ({}, @given);
}

# Whether the last argument is a hash of arguments. A hash is a value only where the
# command needs a document, and behind the name of a document.
sub _ends_in_names {
    my ($command, $places, $given) = @_;
    return 0 if !@$given || ref $given->[-1] ne 'HASH';
    my $place = $places->[$#$given];
    return 0 if $place && $place->{kind} eq 'document' && $place->{required};
    my $before = @$given > 1 && defined $given->[-2] && !ref $given->[-2] ? $given->[-2] : '';
    my $name = $before =~ tr/-/_/r;
    return !grep { $_->{kind} eq 'document' && $_->{name} eq $name } @{ $command->{arguments} };
}

# Whether a positional argument is nearly a name that the command has, and stands where
# names may: "algoritm => 'dod'" is a misspelt name, and not a pool.
sub _is_misspelt {
    my ($known, $given, $start) = @_;
    my $last = $start < @$given ? $start - 1 : $#$given;
    my @candidates = map { $given->[$_] } grep { ($start - $_) % 2 == 0 } 1 .. $last;
    for my $word (grep { defined && !ref && /\A[A-Za-z][\w-]{4,}\z/ } @candidates) {
        return 1 if grep { _is_nearly(lc $word =~ tr/-/_/r, $_) } keys %$known;
    }
    return 0;
}

# Whether one character is left out, added, another one, or exchanged with the next.
sub _is_nearly {
    my ($word, $name) = @_;
    return 0 if $word eq $name || length $name < 5 || abs(length($word) - length $name) > 1;
    my $same = 0;
    $same++ while $same < length $name && substr($word, $same, 1) eq substr $name, $same, 1;
    my ($left, $wanted) = map { substr $_, $same } $word, $name;
    return 1 if substr($left, 1) eq $wanted || $left eq substr $wanted, 1;
    return 1 if substr($left, 1) eq substr $wanted, 1;
    return 0 if length $left < 2 || length $wanted < 2;
    return (reverse substr $left, 0, 2) eq substr($wanted, 0, 2) && substr($left, 2) eq substr $wanted, 2;
}

sub _take_names {
    my ($named, @list) = @_;
    return 0 if @list % 2;
    while (my ($name, $value) = splice @list, 0, 2) {
        return 0 unless defined $name && !ref $name && $name =~ /\A[A-Za-z][\w-]*\z/;
        $named->{ $name =~ tr/-/_/r } = $value;
    }
    return 1;
}

sub _method {
    my ($full) = @_;
    my $command = $described->{commands}{$full};
    return sub {
        my ($self, @given) = @_;
        VKVM::_refuse('host', 'is no object; one is needed') if !ref $self;
        my ($named, @places) = _sort_arguments($command, @given);
        my $progress = delete $named->{progress};
        my $host = $self->isa(__PACKAGE__) ? $self : $self->{host};
        return $host->call($full, { %$named, @places ? (args => \@places) : () }, $progress);
    };
}

sub _make_methods {
    no strict 'refs';    ## no critic (ProhibitNoStrict) - methods are made here
    for my $object (keys %{ $described->{objects} }) {
        my $package = __PACKAGE__ . '::' . ucfirst $object;
        @{"${package}::ISA"} = (__PACKAGE__ . '::Object');
        my $accessor = sub { return bless { host => $_[0], name => $object }, $package };
        *{ __PACKAGE__ . "::$_" } = $accessor
          for $object, @{ $described->{objects}{$object}{aliases} };
    }
    for my $full (keys %{ $described->{commands} }) {
        my ($object, $name) = @{ $described->{commands}{$full} }{qw(object name)};
        my $package = __PACKAGE__ . ($object eq '' ? '' : '::' . ucfirst $object);
        *{"${package}::$name"} = _method($full);
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
    die "VKVM::Host has no method $name" if !ref $self || $name =~ /\A_/;
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
    return $self->{host}->call("$self->{name}.$name", \@given);
}

sub DESTROY { return }

1;
