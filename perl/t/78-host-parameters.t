# SPDX-License-Identifier: LGPL-2.1-or-later
# Errors about arguments of commands name the argument as the parameter that was wrong:
# for every argument of every command, and for every rule and set of words of a query.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestHost;

use BothFaces;

my $host     = VKVM::Host->new(uri => 'test:///default');
my $commands = VKVM::Host->commands->{commands};

# A command that gets these arguments is refused because of one of them.
sub blames {
    my ($full, $given, $parameter, $what) = @_;
    my @result = eval { $host->call($full, $given) };
    my $error = $@;
    return fail("$full: $what: is an error") if !ref $error;
    my $blamed = $error->code == VKVM::Error::OWN_INVALID && ($error->parameter // 'none');
    is($blamed, $parameter, "$full: $what: $parameter is to blame") or diag($error->message);
    return;
}

my %right = (bool => 1, int => 1, size => 1, document => '/none', string => 'x', strings => ['x']);
my %wrong = (bool => 'x', int => 'x', size => 'x', document => [], string => [], strings => [ {} ]);

# What is given for an argument: one of its words, if it has some.
sub right {
    my ($argument) = @_;
    my %value = (domain => 'test', pool => 'default-pool');
    return $argument->{words}[0] // $value{ $argument->{name} } // $right{ $argument->{kind} };
}

# The arguments that a command needs, and these.
sub given {
    my ($full, @names) = @_;
    my %wanted = map { $_ => 1 } @names;
    return map { $_->{name} => right($_) }
      grep { $_->{required} || $wanted{ $_->{name} } } @{ $commands->{$full}{arguments} };
}

my %count = (arguments => 0, rules => 0, words => 0);
for my $full (sort keys %$commands) {
    my $about = $commands->{$full};
    my @all   = @{ $about->{arguments} };
    for my $argument (@all) {
        my ($name, $kind) = @{$argument}{qw(name kind)};
        $count{arguments}++;
        blames($full, { given($full), $name => $wrong{$kind} }, $name, 'of another kind');
        my %without = given($full);
        delete $without{$name};
        blames($full, \%without, $name, 'that is missing') if $argument->{required};
    }
    if (my ($first) = grep { $_->{positional} } @all) {
        my %given = given($full, $first->{name});
        blames($full, { %given, args => [ right($first) ] }, $first->{name}, 'that is given twice');
    }
    blames($full, { given($full), nosuch => 1 }, 'nosuch', 'that it does not have');
    # Other commands fail with (status, stdout, stderr).
    next if $about->{result} =~ /\A(?:none|tune)\z/;
    for my $argument (@all) {
        my $name = $argument->{name};
        for my $other (@{ $argument->{excludes} }) {
            $count{rules}++;
            blames($full, { given($full, $name, $other) }, $name, "not together with $other");
        }
        for my $group (@{ $argument->{requires} }) {
            $count{rules}++;
            blames($full, { given($full, $name) }, $name, "not without @$group");
        }
        if (@{ $argument->{unless} }) {
            $count{rules}++;
            # Of two that must be there, the first is missed first.
            my @first = $full eq 'hypervisor.freepages' && $name eq 'pagesize' ? ('cellno') : ();
            blames($full, { given($full, @first) }, $name, "missing without @{ $argument->{unless} }");
        }
        if (@{ $argument->{words} }) {
            $count{words}++;
            blames($full, { given($full), $name => 'nosuch' }, $name, 'not one of its words');
        }
    }
}
cmp_ok($count{arguments}, '>', 650, "$count{arguments} arguments");
cmp_ok($count{rules},     '>', 25,  "$count{rules} rules of queries");
cmp_ok($count{words},     '>', 2,   "$count{words} sets of words of queries");

# What a command's function refuses.
my @refused = (
    [ 'domain.cpustats',         { domain => 'test', start => -1 },           'start' ],
    [ 'domain.cpustats',         { domain => 'test', count => -1 },           'count' ],
    [ 'domain.schedinfo',        { domain => 'test', set => 'weight' },       'set' ],
    [ 'domain.schedinfo',        { domain => 'test', set => 'nosuch=1' },     'set' ],
    [ 'hypervisor.freecell',     { cellno => -2 },                            'cellno' ],
    [ 'hypervisor.freepages',    { cellno => 0, pagesize => '8P' },           'pagesize' ],
    [ 'hypervisor.nodecpustats', { cpu => -2 },                               'cpu' ],
    [ 'hypervisor.nodememstats', { cell => -2 },                              'cell' ],
    [ 'interface.name',          { interface => 'no address' },               'interface' ],
    [ 'network.name',            { network => 'no uuid' },                    'network' ],
    [ 'pool.name',               { pool => 'no uuid' },                       'pool' ],
    [ 'virsh',                   { command => 'nosuch' },                     'command' ],
    [ 'virsh',                   { command => 'list' },                       'command' ],
    [ 'virsh',                   { command => 'net-start', arguments => [] }, 'network' ],
    [ 'hypervisor.uri',          { raw => 'x' },                              'raw' ],
    [ 'hypervisor.uri',          { args => 1 },                               'args' ],
    [ 'hypervisor.uri',          [1],                                         'args' ],
);
blames(@$_, 'what is given') for @refused;

done_testing;
