# SPDX-License-Identifier: LGPL-2.1-or-later
# What the programs that write a table of all functions have in common (make-misuse, and
# fuzz/api/make-table): they read the API description, and for each function write a small
# one that calls it with parameters from an array.
package CallTable;
use strict;
use warnings;
use Exporter qw(import);
use JSON::PP ();

our @EXPORT = qw(read_api parameters class_number call freers);

# The description, and the names of its classes.
sub read_api {
    my ($file) = @_;
    open my $handle, '<', $file or die "$file: $!\n";
    local $/;
    my $api = JSON::PP::decode_json(<$handle>);
    return ($api->{functions}, [map { $_->{name} } @{ $api->{classes} }]);
}

# The parameters of a function, each with the shape that SHAPE->($parameter, $is_output)
# gives it. The description leaves out the lengths: they follow what they measure.
sub parameters {
    my ($function, $shape) = @_;
    my @all;
    for my $p (@{ $function->{params} }) {
        next if $p->{direction} eq 'error';
        my $out = $p->{direction} eq 'out' && $p->{kind} ne 'buffer';
        push @all, { %$p, value_shape => $p->{shape}, shape => $shape->($p, $out) };
        push @all, { name => $p->{length}, shape => $shape->({ kind => 'length' }, $out), c_type => 'size_t' }
            if $p->{length};
    }
    return @all;
}

sub class_number {
    my ($name) = @_;
    return defined $name ? "CLASS_\U$name" : 'CLASSES';
}

# How an argument is taken from the array. Pointers to objects need no cast in C.
sub argument {
    my ($p, $i, $member) = @_;
    my $name = $member->{ $p->{shape} } // 'pointer';
    my $cast = $name eq 'pointer' ? '' : "($p->{c_type})";
    return "${cast}a[$i].$name";
}

# call_NAME, which returns TYPE. MEMBER says which member of the union UNION a shape is in,
# DIRECT->($call) what becomes of what a function returns itself.
sub call {
    my ($function, $params, %form) = @_;
    my $arguments = join ', ', map { argument($params->[$_], $_, $form{member}) } 0 .. $#$params;
    my $returns = $function->{returns};
    my $body;
    if (!ref $returns) {
        $body = "return $function->{name}(" . ($arguments ? "$arguments, " : '') . 'error);';
    } elsif ($returns->{c_type} eq 'void') {
        $body = "(void)error; $function->{name}($arguments); return 0;";
    } else {
        $body = '(void)error; return ' . $form{direct}->("$function->{name}($arguments)", $returns) . ';';
    }
    return "static $form{type} call_$function->{name}(union $form{union} *a, vkvm_error **error)\n"
        . "{\n    (void)a;\n    $body\n}\n";
}

# The functions that free outputs, as free_NAME, with one signature for all.
sub freers {
    my @functions = @_;
    my %names = map { $_->{free} => 1 }
        grep { $_->{direction} eq 'out' && $_->{free} } map { @{ $_->{params} } } @functions;
    my $text = '';
    for my $name (sort keys %names) {
        my $call = $name =~ /_list_free$/ ? "$name(thing, length)" : "(void)length; $name(thing)";
        $text .= "static void free_$name(void *thing, size_t length)\n{\n    $call;\n}\n\n";
    }
    return $text;
}

1;
