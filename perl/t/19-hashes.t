# SPDX-License-Identifier: LGPL-2.1-or-later
# Hashes are copied from a model with the same keys: none may show in another.

use strict;
use warnings;

use Config;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;
use VKVM;

my $conn = VKVM->new(uri => 'test:///default');
my $dom  = $conn->get_domain_by_name('test');

my @keys  = qw(cpuTime maxMem memory nrVirtCpu state);
my $first = $dom->get_info;
is_deeply([sort keys %$first], \@keys, 'the keys of the first hash');

# What happens to one hash stays with it.
my %wanted = map { $_ => $first->{$_} } grep { $_ ne 'cpuTime' } @keys;
for my $round (1 .. 100) {
    my $info = $dom->get_info;
    my %seen = map { $_ => $info->{$_} } grep { $_ ne 'cpuTime' } keys %$info;
    is_deeply(\%seen, \%wanted, "hash $round is as the first") if $round == 2 || $round == 100;
    $info->{$_} = 'changed' for @keys;
    $info->{more} = 1;
    delete $info->{state};
    delete $info->{memory} if $round % 2;
}
is($first->{memory}, $wanted{memory}, 'the first is not changed');
$first->{memory}++;
is($first->{memory}, $wanted{memory} + 1, 'and can be');
isnt($dom->get_info->{cpuTime}, undef, 'each has values of its own');

# Values go to their keys, whatever the order that Perl has them in.
$dom->set_memory(1024 * (2048 - $_)) for 1 .. 3;
my $info = $dom->get_info;
is($info->{memory}, 1024 * 2045, 'a value that changed');
is($info->{state}, VKVM::Domain->can('STATE_RUNNING')->(), 'one that did not');

# Hashes in lists and hashes in hashes, each kind often enough to have a model.
for (1 .. 3) {
    my @stats = $conn->get_all_domain_stats(0);
    is(scalar @stats, 1, 'one domain');
    is($stats[0]{dom}->get_name, 'test', 'the domain is at its key');
    is($stats[0]{data}{'state.state'}, 1, 'a value of the inner hash is at its key');
}

# Keys of each length that differ in one letter only: each is told from the model.
for my $length (1 .. 20) {
    my $same = 'a' x $length;
    my @names = ($same, map { my $name = $same; substr($name, $_, 1) = 'b'; $name } 0 .. $length - 1);
    my @got   = map { keys %{ VKVM::from_xml("<r><$_>1</$_></r>")->{r} } } (@names) x 4;
    is("@got", "@{[(@names) x 4]}", "keys of $length letters");
}

SKIP: {
    skip 'this Perl has no threads', 2 if !$Config{useithreads};
    require threads;
    my $thread = threads->create(sub {
        my $own = VKVM->new(uri => 'test:///default')->get_domain_by_name('test');
        $own->get_info for 1 .. 50;
        return join ' ', sort keys %{$own->get_info};
    });
    $dom->get_info for 1 .. 50;
    is($thread->join, "@keys", 'another interpreter has models of its own');
    is(join(' ', sort keys %{$dom->get_info}), "@keys", 'and takes none away');
}

done_testing;
