# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Host::Arguments;

use strict;
use warnings;

use VKVM;

our $VERSION = '0.002000';

# The arguments of a command's method: values by their place, then names with values, then
# perhaps a hash of names. Perl does not tell a name from a value, so there is a rule, which
# VKVM::Host's manual states: names begin as early as they can. Whatever stands where a name
# may stand is a name then, so a misspelt one is an error, and never a value.

# How much of a word messages show.
my $SHOWN = 60;

# The arguments by name (a hash reference) and by place, for a command as known_of has it.
sub sort_arguments {
    my ($command, @given) = @_;
    my $hash   = _ends_in_names($command, @given) ? pop @given : {};
    my %named  = map { (tr/-/_/r => $hash->{$_}) } keys %$hash;
    my $start  = _first_name($command, \%named, @given);
    my @places = splice @given, 0, $start;
    _refuse_misspelt($command, scalar @given, @places);
    _refuse_lone_names($command, @places);
    _refuse_unknown($command, undef, sort keys %named);
    while (my ($name, $value) = splice @given, 0, 2) {
        $name =~ tr/-/_/;
        # The first one could be one more value.
        _refuse_unknown($command, $start, $name);
        $start = undef;
        VKVM::_refuse('args', qq($command->{name} got "$name" twice, as a pair and in the hash))
          if exists $named{$name} && grep { tr/-/_/r eq $name } keys %$hash;
        $named{$name} = $value;
    }
    return (\%named, @places);
}

# What the rule needs to know of a command, which vkvm_host_commands describes.
sub known_of {
    my ($about)   = @_;
    my @arguments = @{ $about->{arguments} };
    my @places    = grep { $_->{positional} } @arguments;
    my ($many) = grep { $places[$_]{kind} eq 'strings' } 0 .. $#places;
    return {
        name   => $about->{name},
        list   => [ (map { $_->{name} } @arguments), 'raw', $about->{progress} ? 'progress' : () ],
        known  => { map { $_ => 1 } qw(raw progress), map { $_->{name} } @arguments },
        places => \@places,
        needed => [ map { $_->{name} } grep { $_->{required} } @arguments ],
        # The place that takes all values that are left.
        many => $many,
        # Where these are another program's words, as virsh's, none of them is a name.
        words_only => defined $many && @places == @arguments && !$places[$many]{required},
    };
}

# Whether the last argument is a hash of arguments. A hash is a document where the command
# needs one, unless it names the document, and behind the name of a document.
sub _ends_in_names {
    my ($command, @given) = @_;
    my $last = $given[-1];
    return 0 if ref $last ne 'HASH';
    my @documents = grep { $_->{kind} eq 'document' } @{ $command->{places} };
    my $place     = $command->{places}[$#given];
    return 0 if grep { $_->{required} && $place && $_ == $place && !exists $last->{ $_->{name} } } @documents;
    my $before = @given > 1 && defined $given[-2] && !ref $given[-2] ? $given[-2] =~ tr/-/_/r : '';
    return !grep { $_->{name} eq $before } @documents;
}

# The place at which the names begin: the first one that fits.
sub _first_name {
    my ($command, $named, @given) = @_;
    my @starts = grep { _are_pairs(@given[ $_ .. $#given ]) } 0 .. @given;
    for my $start (@starts) {
        return $start if _fits($command, $named, $start, _names_from($start, @given));
    }

    # Something is wrong; the library says what. What has a name that is known is by name.
    for my $start ($command->{words_only} ? () : @starts) {
        return $start if grep { $command->{known}{$_} } _names_from($start, @given);
    }
    return scalar @given;
}

sub _are_pairs {
    my (@list) = @_;
    return @list % 2 == 0 && !grep { !_is_word($list[ 2 * $_ ]) } 0 .. $#list / 2;
}

sub _is_word {
    my ($value) = @_;
    return defined $value && !ref $value && $value =~ /\A[A-Za-z][\w-]*\z/;
}

sub _names_from {
    my ($start, @given) = @_;
    return map { $given[ $start + 2 * $_ ] =~ tr/-/_/r } 0 .. (@given - $start) / 2 - 1;
}

# Whether names can begin here: nothing that is needed is missing, and nothing is given by
# its place and by its name.
sub _fits {
    my ($command, $named, $start, @names) = @_;
    my @places = @{ $command->{places} };
    my $many   = $command->{many};
    return 0 if $start > @places && !defined $many;
    my %by_name  = map { $_ => 1 } @names, keys %$named;
    my $last     = defined $many && $start > $many ? $many : $start - 1;
    my %by_place = map { $_->{name} => 1 } @places[ 0 .. $last ];
    return 0 if grep { $by_name{$_} } keys %by_place;
    return 0 if grep { !$by_name{$_} && !$by_place{$_} } @{ $command->{needed} };
    return 1 if !defined $many || !@names;
    return 0 if $command->{words_only} && $start;

    # Names of keys, such as KEY_A, are values.
    return !$places[$many]{required} || $start <= $many || !grep { !$command->{known}{$_} && /[A-Z]/ } @names;
}

# A value in a name's place that is nearly the name of an argument that the command needs
# is that name: domain is missing in "start(domian => 'web')".
sub _refuse_misspelt {
    my ($command, $more, @given) = @_;
    return if $command->{words_only};
    my @names = @{ $command->{needed} };
    for my $place (grep { (@given + $more - $_) % 2 == 0 } 0 .. $#given) {
        next if $place > $#names || !_is_word($given[$place]);
        my $word = lc $given[$place] =~ tr/-/_/r;
        _refuse_unknown($command, $place, $given[$place]) if grep { _is_nearly($word, $_) } @names;
    }
    return;
}

# Whether one letter is left out, added, another one, or exchanged with the next. With a
# digit it is a name that somebody gave: domain1.
sub _is_nearly {
    my ($word, $name) = @_;
    return 0 if $word eq $name || length $name < 4 || $word =~ /[0-9]/ || abs(length($word) - length $name) > 1;
    my $same = 0;
    $same++ while $same < length $name && substr($word, $same, 1) eq substr $name, $same, 1;
    my ($left, $wanted) = map { substr $_, $same } $word, $name;
    my ($after, $after_wanted) = map { length > 1 ? substr $_, 1 : '' } $left, $wanted;
    return 1 if $after eq $wanted || $left eq $after_wanted || $after eq $after_wanted;
    return 0 if length $left < 2 || length $wanted < 2;
    return (reverse substr $left, 0, 2) eq substr($wanted, 0, 2) && substr($left, 2) eq substr $wanted, 2;
}

# A name at the end of the list, whose value is missing, is no value of another argument.
sub _refuse_lone_names {
    my ($command, @given) = @_;
    return if $command->{words_only};
    for my $place (scalar @{ $command->{needed} } .. $#given) {
        my $word = $given[$place];
        next if !_is_word($word) || !$command->{known}{ $word =~ tr/-/_/r };
        my $written = _written($command, $place, $word) // next;
        VKVM::_refuse('args',
            qq($command->{name}: "$word" is the name of an argument and has no value; if it is a value, write $written));
    }
    return;
}

# Refuses a name that the command does not have. Where it stands in the place of an
# argument, it may be meant as that one's value.
sub _refuse_unknown {
    my ($command, $place, @names) = @_;
    for my $name (grep { !$command->{known}{$_} } @names) {
        my $word     = length $name > $SHOWN ? substr($name, 0, $SHOWN) . '...' : $name;
        my $written = _written($command, $place, $word);
        my $meant   = $written ? qq(; if "$word" is a value, write $written) : '';
        VKVM::_refuse('args',
            qq($command->{name} has no argument "$word"; it has ) . join(', ', @{ $command->{list} }) . $meant);
    }
    return;
}

# How the value at a place is given by its name; undef where no value can be.
sub _written {
    my ($command, $place, $word) = @_;
    my ($places, $many) = @$command{qw(places many)};
    return if !defined $place;
    $place = $many if defined $many && $place > $many;
    my $argument = $places->[$place] or return;
    return "$argument->{name} => " . ($argument->{kind} eq 'strings' ? "['$word', ...]" : "'$word'");
}

1;
