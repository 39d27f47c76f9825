# SPDX-License-Identifier: LGPL-2.1-or-later
package Described;

# Compares what methods return, the arguments of events that a queue gives, and errors with the
# API file, while a test calls them for other reasons:
#
#   use Described;
#   ...
#   Described::as_described(5);
#
# The last line is a test that fails for each key, type and error that the API file does not
# have, and unless it has seen that many descriptions. A program that has no tests of its own
# writes what it has found into the file that VKVM_DESCRIBED names: `perl -MDescribed`.

use strict;
use warnings;

use B ();
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use JSON::PP ();
use Scalar::Util qw(blessed);
use VKVM;

my $root = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));
my (%wrong, %seen);

sub _read {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or die "cannot read $path: $!";
    local $/;
    return <$file>;
}

# The distribution does not have the file.
my $path   = "$root/vkvm-api.json";
my $text   = -e $path ? _read($path) : '{"enums":[],"events":[],"functions":[],"common_errors":[]}';
my $api    = JSON::PP->new->utf8->decode($text);
my %groups = map { $_->{name}   => $_ } @{ $api->{enums} };
my %number = map { $_->{c_name} => $_->{value} } map { @{ $_->{values} } } @{ $api->{enums} };
# Codes of errors are in one group each of libvirt's and ours.
my %codes;
for my $value (map { @{ $groups{$_}{values} // [] } } qw(error_own_code error_code)) {
    $codes{ $value->{value} } //= $value->{c_name};
}
my %common = map { $_->{code} => 1 } @{ $api->{common_errors} };
my %events = map { ("$_->{class} $number{ $_->{id} }" => $_) } grep { $_->{id} } @{ $api->{events} };

# Whether something that nobody has used yet is of a type that the API file names.
sub _is_of {
    my ($type, $data) = @_;
    return 1 if $type eq 'any';
    my ($kind, $class) = split /:/, $type;
    return ref $data eq 'ARRAY' if $kind =~ /_list\z|\Alist\z/;
    return ref $data eq 'HASH'  if $kind eq 'map';
    return ref $data ne '' if $kind eq 'handle';
    return 0 if ref $data || !defined $data;
    my $flags = B::svref_2object(\$data)->FLAGS;
    return $flags & B::SVf_POK if $kind =~ /\A(?:string|bytes)\z/;
    return 1 if $kind eq 'bool';
    return $flags & B::SVf_NOK if $kind eq 'double';
    return 0 if $flags & B::SVf_POK || !($flags & B::SVf_IOK);
    return $kind !~ /\Au/ || $data >= 0;
}

# The constant that a key is, or that its end is, behind a number or a name.
sub _by_key {
    my ($names, $key) = @_;
    my @values = map { @{ $groups{$_}{values} } } @$names;
    my @heads  = map { $_->{value} } grep { $_->{name} =~ /prefix\z/ } @values;
    for my $value (@values) {
        return $value if $value->{value} eq $key;
        return $value
          if $value->{name} =~ /suffix/ && $key =~ /\Q$value->{value}\E\z/ && grep { index($key, $_) == 0 } @heads;
    }
    return;
}

# Puts down what a structure has that its description has not, and the other way.
sub _compare {
    my ($description, $data, $place) = @_;
    if (ref $data eq 'ARRAY') {
        _compare($description, $_, $place) for @$data;
        return;
    }
    return if ref $data ne 'HASH' || !($description->{fields} || $description->{keys});
    my %fields = map { $_->{name} => $_ } @{ $description->{fields} // [] };
    $seen{$place}++ if %$data;
    for my $name (grep { !exists $data->{$_} && !$fields{$_}{optional} } keys %fields) {
        $wrong{"$place: there is no $name"}++;
    }
    for my $key (keys %$data) {
        my $field = $fields{$key} // _by_key($description->{keys} // [], $key);
        my $item  = $data->{$key};
        if (!$field) { $wrong{"$place: $key is not described"}++; next }
        next if !defined $item && $field->{nullable};
        if (!_is_of($field->{type}, $item)) {
            $wrong{"$place: $key is " . ($item // 'undef') . ", no $field->{type}"}++;
            next;
        }
        my @enums = map { $groups{$_} } @{ $field->{enum} // [] };
        if (@enums && !$field->{flags} && !grep { $_->{open} } @enums) {
            my $is_known = grep { $_->{value} eq $item } map { @{ $_->{values} } } @enums;
            $wrong{"$place: $key is $item, none of @{ $field->{enum} }"}++ if !$is_known;
        }
        _compare($field, $item, "$place.$key");
    }
    return;
}

# Events of a connection have no kinds: their keys are those of one.
sub _compare_event {
    my ($event) = @_;
    my $about = $events{"$event->{class} " . ($event->{event_id} // '')};
    my $keys  = join ' ', sort keys %{ $event->{args} };
    # Events of QEMU's monitor have no number, but a class of their own in queues.
    my @same  = grep { !$_->{id} && ($_->{class} eq $event->{class} || $_->{name} eq $event->{class}) && $keys eq join ' ', sort map { $_->{name} } @{ $_->{args} } }
      @{ $api->{events} };
    $about //= $same[0];
    if (!$about) { $wrong{"event $event->{class}: $keys: is not described"}++; return }
    my $place = "event $about->{class} $about->{name}";
    _compare({ fields => $about->{args} }, $event->{args}, $place);
    $seen{$place}++;
    return;
}

# An error that the API file does not say to expect of the function. Commands of the facade
# pass on those of libvirt's functions.
sub _compare_error {
    my ($function, $error) = @_;
    return if !(blessed $error && $error->isa('VKVM::Error'));
    return if !@{ $function->{libvirt} } && $error->code < 10_000;
    my $code = $codes{ $error->code } // $error->code;
    return if $common{$code} || grep { $_->{code} eq $code } @{ $function->{errors} // [] };
    $wrong{"$function->{name}: $code: " . $error->message}++;
    return;
}

# Puts a function around another one, which hears of its results and of its error.
sub _around {
    my ($name, $results, $failed) = @_;
    no strict 'refs';    ## no critic (ProhibitNoStrict) - a function by its name
    no warnings 'redefine';
    my $inner = *{$name}{CODE} or return;
    *{$name} = sub {     ## no critic (RequireArgUnpacking) - what is given may be changed
        my $context = wantarray;
        my @found;
        my $is_done = do {
            local $@;
            eval {
                if    ($context)         { @found = &$inner }
                elsif (defined $context) { $found[0] = &$inner }
                else                     { &$inner }
                1;
            } or do { $failed->($@); die $@ };
        };
        $results->(@found);
        return $context ? @found : $found[0];
    };
    return;
}

sub _watch {
    for my $function (grep { $_->{perl_sub} } @{ $api->{functions} }) {
        my @outputs = grep { $_->{direction} eq 'out' && ($_->{fields} || $_->{keys}) } @{ $function->{params} };
        _around(
            $function->{perl_sub},
            sub { _compare($outputs[0], [@_], $function->{name}) if @outputs == 1 },
            sub { _compare_error($function, $_[0]) }
        );
    }
    _around(
        'VKVM::EventQueue::drain',
        sub {
            _compare_event($_) for grep { defined } @_;
        },
        sub { }
    );
    return;
}

# A test of what has been found so far.
sub as_described {
    my ($least) = @_;
    if (!-e $path) {
        Test::More::pass('what the API file says # skip this is not the project\'s tree');
        return;
    }
    my @wrong = sort keys %wrong;
    Test::More::is("@wrong[0 .. ($#wrong > 30 ? 30 : $#wrong)]", '', 'results, events and errors are as the API file describes them');
    Test::More::cmp_ok(scalar keys %seen, '>=', $least, "$least descriptions are compared")
      or Test::More::diag(join ', ', sort keys %seen);
    return;
}

END {
    if (defined(my $path = $ENV{VKVM_DESCRIBED})) {
        open(my $file, '>>', $path) or die "cannot write $path: $!";
        print $file map { "$_\n" } sort keys %wrong;
        print $file map { "seen $_\n" } sort keys %seen;
        close $file or die "cannot write $path: $!";
    }
}

_watch();

1;
