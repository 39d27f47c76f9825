#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs a scenario through the Perl modules.
#
# usage: runner.pl vkvm-api.json SCENARIO.json [NAME=TEXT ...]
#
# README.md says what scenarios and transcripts are. The modules are taken from
# where Perl looks (-Mblib=perl, PERL5LIB). The exit status is 1 when something was
# not as the scenario expects.

use strict;
use warnings;

use B ();
use JSON::PP;
use Scalar::Util qw(blessed looks_like_number);

use VKVM;
use VKVM::Event;

my ($api_file, $scenario_file, @assignments) = @ARGV;
my %names     = map { split /=/, $_, 2 } @assignments;
my $api       = read_json($api_file);
my %function  = map { ("$_->{class}.$_->{method}" => $_) } @{ $api->{functions} };
my %constant  = map { ($_->{c_name} => $_->{value}) } @{ $api->{constants} };
my %class_of  = map { ($_->{perl} => $_->{name}) } grep { defined $_->{perl} } @{ $api->{classes} };
# Perl's errors have no function names to replace: their messages have Perl's.
my @properties = grep { VKVM::Error->can($_) } map { $_->{method} }
  grep { $_->{class} eq 'error' && ref $_->{returns} && ($_->{returns}{kind} // 'handle') ne 'handle' }
  @{ $api->{functions} };
my (%saved, %events);
my $wrong = 0;

# Texts stay bytes, as the modules take and give them.
sub read_json {
    my ($file) = @_;
    open my $handle, '<', $file or die "$file: $!\n";
    local $/;
    my $data = JSON::PP->new->boolean_values(0, 1)->decode(<$handle>);
    close $handle or die "$file: $!\n";
    return $data;
}

# --- how results are written ----------------------------------------------------

sub quoted {
    my ($text) = @_;
    utf8::encode($text) if $text =~ /[^\x00-\xff]/;
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([^\x20-\x7e])/sprintf '\\x%02x', ord $1/ge;
    return qq("$text");
}

sub is_number {
    my ($data) = @_;
    my $flags = B::svref_2object(\$data)->FLAGS;
    my $has_number = $flags & (B::SVp_IOK | B::SVp_NOK);
    # Text, too, is Perl's own true or false.
    return $has_number && (!($flags & B::SVp_POK) || !($has_number ^ (B::SVp_IOK | B::SVp_NOK)));
}

sub show {
    my ($data) = @_;
    return 'null' if !defined $data;
    return '<' . ($class_of{ ref $data } // ref $data) . '>' if blessed $data;
    return '[' . join(', ', map { show($_) } @$data) . ']' if ref $data eq 'ARRAY';
    return '{' . join(', ', map { quoted($_) . ': ' . show($data->{$_}) } sort keys %$data) . '}'
      if ref $data eq 'HASH';
    if (is_number($data)) {
        my $flags = B::svref_2object(\$data)->FLAGS;
        return !($flags & B::SVp_POK) && $flags & B::SVp_NOK ? sprintf('%.17g', $data) : $data || 0;
    }
    $data =~ s/\Q$names{$_}\E/\${$_}/g for sort keys %names;
    return quoted($data);
}

sub kind_of {
    my ($data) = @_;
    return !defined $data ? 'null'
      : blessed $data         ? $class_of{ ref $data } // ref $data
      : ref $data eq 'ARRAY'  ? 'list'
      : ref $data eq 'HASH'   ? 'map'
      : is_number($data)      ? 'number'
      :                         'text';
}

# Whether a result is what is wanted, and how the transcript shows it.
sub compare {
    my ($data, $wanted) = @_;
    my $literal = show($data);
    my $form = ref $wanted eq 'HASH' ? $wanted : {};
    if (exists $form->{'$like'}) {
        my $text = defined $data && !ref $data && !is_number($data) ? $data : $literal;
        my $fits = $text =~ /$form->{'$like'}/;
        return ($fits, $fits ? 'like ' . quoted($form->{'$like'}) : $literal);
    }
    if (exists $form->{'$any'}) {
        my $fits = kind_of($data) eq $form->{'$any'};
        return ($fits, $fits ? "any $form->{'$any'}" : $literal);
    }
    if (my $part = $form->{'$has'}) {
        return (0, $literal) if ref $data ne 'HASH' || grep { !exists $data->{$_} } keys %$part;
        my ($fits, $text) = compare({ map { $_ => $data->{$_} } keys %$part }, $part);
        return ($fits, $fits ? "has $text" : $literal);
    }
    if (ref $wanted eq 'ARRAY' && ref $data eq 'ARRAY' && @$wanted == @$data) {
        my @found = map { [ compare($data->[$_], $wanted->[$_]) ] } 0 .. $#$data;
        return (!(grep { !$_->[0] } @found), '[' . join(', ', map { $_->[1] } @found) . ']');
    }
    if (ref $wanted eq 'HASH' && ref $data eq 'HASH' && "@{[sort keys %$wanted]}" eq "@{[sort keys %$data]}") {
        my @keys  = sort keys %$data;
        my @found = map { [ compare($data->{$_}, $wanted->{$_}) ] } @keys;
        return (
            !(grep { !$_->[0] } @found),
            '{' . join(', ', map { quoted($keys[$_]) . ": $found[$_][1]" } 0 .. $#keys) . '}'
        );
    }
    return ($literal eq show($wanted), $literal);
}

sub compare_shown {
    my ($text, $wanted) = @_;
    if (ref $wanted eq 'HASH' && exists $wanted->{'$any'}) {
        return ($text eq "<$wanted->{'$any'}>", $text);
    }
    if (ref $wanted eq 'HASH' && exists $wanted->{'$like'}) {
        my $fits = $text =~ /$wanted->{'$like'}/;
        return ($fits, $fits ? 'like ' . quoted($wanted->{'$like'}) : $text);
    }
    return ($text eq show(resolve($wanted)), $text);
}

# --- what the scenario says -------------------------------------------------------

sub resolve {
    my ($data) = @_;
    return [ map { resolve($_) } @$data ] if ref $data eq 'ARRAY';
    if (ref $data eq 'HASH') {
        return saved($data->{'$'})              if exists $data->{'$'};
        return recorder($data)                  if exists $data->{'$callback'};
        return pack('H*', $data->{'$bytes'})    if exists $data->{'$bytes'};
        return { map { $_ => resolve($data->{$_}) } keys %$data };
    }
    return $data             if !defined $data || is_number($data);
    return $constant{$data} if exists $constant{$data};
    utf8::downgrade($data);    # bytes, whatever JSON::PP made of them
    $data =~ s/\$\{$_\}/$names{$_}/g for keys %names;
    return $data;
}

# A saved result: NAME for the first, NAME.2 for the third.
sub saved {
    my ($reference) = @_;
    my ($name, $index) = split /[.]/, $reference;
    die "nothing is saved as $name\n" if !$saved{$name};
    return $saved{$name}[ $index // 0 ];
}

# A function that notes what it is called with.
sub recorder {
    my ($description) = @_;
    my $noted = $events{ $description->{'$callback'} } //= [];
    my $answer = $description->{returns} // 0;
    return sub {
        push @$noted, [ map { show($_) } @_ ];
        return $answer;
    };
}

# Calls a function as the API file says that it is called in Perl; gives its results.
sub call {
    my ($step) = @_;
    my $function = $function{ $step->{call} } // die "there is no function $step->{call}\n";
    my $form = $function->{perl_call} // die "Perl does without $step->{call}\n";
    my %given = %{ $step->{with} // {} };
    $_ = resolve($_) for values %given;
    for my $param (@{ $function->{params} }) {
        next if exists $given{ $param->{name} } || !exists $param->{default};
        $given{ $param->{name} } = $param->{default};
    }
    if ($form =~ /^\w+\(/) {    # a method, with what is written
        my ($method, @named) = $form =~ /\w+/g;
        return saved($step->{on})->$method(@given{@named});
    }
    if ($form =~ /^\w+$/) {    # a method, with all inputs
        my @arguments = map { $given{ $_->{name} } } grep { is_input($_) } @{ $function->{params} };
        my @results = saved($step->{on})->$form(@arguments);
        return $function->{perl_array} ? @{ $results[0] } : @results;
    }
    my ($name, $arguments) = $form =~ /^([\w:>-]+)\((.*)\)$/ or die "$step->{call}: odd form $form\n";
    my @arguments = map {
        my ($key, $value) = /^(?:(\w+) => )?(\w+)$/;
        ($key // (), $value =~ /^[0-9]+$/ ? $value : $given{$value})
    } split /, /, $arguments;
    my ($package, $arrow, $method) = $name =~ /^(.*)(->|::)(\w+)$/;
    return $arrow eq '->' ? $package->$method(@arguments) : $package->can($method)->(@arguments);
}

# What a Perl method takes: userdata and its end follow from the callback.
sub is_input {
    my ($param) = @_;
    return $param->{direction} eq 'in' && $param->{kind} ne 'userdata'
      && $param->{c_type} ne 'vkvm_destroy_callback';
}

# --- steps --------------------------------------------------------------------------

sub events_are {
    my ($noted, $wanted) = @_;
    return (1, show_events($noted)) if !$wanted;
    my $fits = @$noted == @$wanted;
    my @shown;
    for my $i (0 .. $#$noted) {
        my ($event, $items) = ($noted->[$i], $wanted->[$i] // []);
        my @found = map { [ compare_shown($event->[$_], $items->[$_]) ] } 0 .. $#$event;
        $fits &&= @$event == @$items && !grep { !$_->[0] } @found;
        push @shown, [ map { $_->[1] } @found ];
    }
    return ($fits, show_events(\@shown));
}

sub show_events {
    my ($events) = @_;
    return '[' . join(', ', map { '[' . join(', ', @$_) . ']' } @$events) . ']';
}

sub error_is {
    my ($error, $wanted) = @_;
    my %field = map { my $value = $error->$_; $value ? ($_ => $value) : () } @properties;
    my $fields = resolve($wanted // {});
    my $fits   = defined $wanted;
    my @texts;
    my %all = (%field, %$fields);
    for my $name (sort keys %all) {
        my ($same, $text) = exists $fields->{$name}
          ? compare($field{$name}, $fields->{$name}) : (1, show($field{$name}));
        $fits &&= $same;
        push @texts, "$name: $text";
    }
    return ($fits, '{' . join(', ', @texts) . '}');
}

sub step {
    my ($number, $step) = @_;
    my ($what, $arrow, $fits, $text);
    if (exists $step->{free}) {
        delete $saved{ $step->{free} };
        print "$number free $step->{free}\n";
        return;
    }
    if (exists $step->{events}) {
        my $noted = $events{ $step->{events} } // [];
        ($what, $arrow) = ("events of $step->{events}", 'are');
        ($fits, $text) = events_are($noted, $step->{gives});
        @$noted = ();
    }
    elsif (defined(my $results = eval { [ call($step) ] })) {
        if (my $until = $step->{until}) {
            call($step) while @{ $events{ $until->{events} } } < $until->{count};
        }
        $results = [ sort { show($a) cmp show($b) } @$results ] if $step->{sorted};
        $saved{ $step->{save} } = $results if exists $step->{save};
        ($what, $arrow) = ($step->{call}, 'gives');
        ($fits, $text) = exists $step->{gives} ? compare($results, resolve($step->{gives}))
          : (!exists $step->{fails}, show($results));
    }
    else {
        die $@ if !blessed $@ || !$@->isa('VKVM::Error');
        ($what, $arrow) = ($step->{call}, 'fails');
        ($fits, $text) = error_is($@, $step->{fails});
    }
    $wrong++ if !$fits;
    print "$number $what $arrow $text", $fits ? "\n" : "  <-- NOT AS EXPECTED\n";
    return;
}

$| = 1;
my $number = 0;
step(++$number, $_) for @{ read_json($scenario_file)->{steps} };
%saved = ();
my %left = map { ($_->{name} => count($_->{name})) } @{ $api->{classes} };
delete $left{$_} for grep { !$left{$_} } keys %left;
print 'handles left: ', show(\%left), "\n";
exit($wrong || %left ? 1 : 0);

sub count {
    my ($class) = @_;
    my ($helper) = grep { $_->{name} eq $api->{helpers}{handle_count} } @{ $api->{functions} };
    my $step = { call => "$helper->{class}.$helper->{method}" };
    my ($input) = grep { is_input($_) } @{ $helper->{params} };
    return (call({ %$step, with => { $input->{name} => $class } }))[0];
}
