# SPDX-License-Identifier: LGPL-2.1-or-later
# Another process does random operations on sixteen daemons, some of which are killed, started
# again or stopped meanwhile. Whenever it pauses, the rows of an inventory are what plain calls
# list, and its changes make the rows of one snapshot of those of the one before.
#
# VKVM_OPERATIONS: how many operations; VKVM_SEED: which ones.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open2 qw(open2);
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

use constant { HOSTS => 16, AT_ONCE => 125, ROOM => 40, PATIENCE => 300 };

my $operations = $ENV{VKVM_OPERATIONS} || 1500;
my $seed       = $ENV{VKVM_SEED} || int rand 1e9;
srand $seed;
note("VKVM_SEED=$seed VKVM_OPERATIONS=$operations");
binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my @beds;
for (1 .. HOSTS) {
    push @beds, TestBed->daemon('test-daemon') // plan(skip_all => TestBed->reason);
}
my @uris = map { $_->{URI_UNIX} } @beds;

VKVM::Event::start();

# --- the other process --------------------------------------------------------------------

my $other = open2(my $answers, my $orders, $^X, (map { "-I$_" } grep { !ref } @INC),
    "$FindBin::Bin/scripts/random-operations.pl", $seed, @uris);

my $rounds = 0;

# Begins with a number of operations.
sub begin {
    my ($count) = @_;
    print $orders "$count marker-", ++$rounds, "\n";
    $orders->flush;
    return;
}

# Waits until they are done; how many there were.
my %times;

sub end_of_round {
    my @names = split ' ', <$answers> // die "the other process has ended\n";
    $times{$_}++ for @names;
    return scalar @names;
}

# --- what plain calls say ------------------------------------------------------------------

# Whole rows are compared, but for how old they are.
sub is_of_age { return $_[0] eq 'age' || $_[0] eq 'stale' }

sub state_of {
    my ($dom) = @_;
    my ($state, $reason) = $dom->get_state;
    my $name = VKVM::enum_name('domain_state', $state);
    return ($name, VKVM::enum_name("domain_state_reason_$name", $reason));
}

sub found {
    my ($xml, $pattern) = @_;
    return $xml =~ $pattern ? "$1" : '';
}

sub domain_row {
    my ($dom) = @_;
    my $xml   = $dom->get_xml_description;
    my $info  = $dom->get_info;
    my ($state, $reason) = state_of($dom);
    utf8::decode(my $name = $dom->get_name);
    return {
        name          => $name, uuid => $dom->get_uuid_string, id => $dom->get_id,
        state         => $state, reason => $reason,
        persistent    => $dom->is_persistent ? 1 : 0, autostart => $dom->get_autostart ? 1 : 0,
        managed_save  => $dom->has_managed_save_image ? 1 : 0, has_snapshots => $dom->num_of_snapshots ? 1 : 0,
        vcpus         => $info->{nrVirtCpu}, memory => $info->{memory}, max_memory => $info->{maxMem},
        os_type       => found($xml, qr{<type[^>]*>(\w+)</type>}),
        title         => found($xml, qr{<title>(.*?)</title>}),
        description   => found($xml, qr{<description>(.*?)</description>}),
    };
}

sub network_row {
    my ($net) = @_;
    utf8::decode(my $name = $net->get_name);
    return {
        name => $name, uuid => $net->get_uuid_string, state => $net->is_active ? 'active' : 'inactive',
        persistent => $net->is_persistent ? 1 : 0, autostart => $net->get_autostart ? 1 : 0,
    };
}

sub pool_row {
    my ($pool) = @_;
    my $info = $pool->get_info;
    utf8::decode(my $name = $pool->get_name);
    return {
        name => $name, uuid => $pool->get_uuid_string, state => VKVM::enum_name('storage_pool_state', $info->{state}),
        persistent => $pool->is_persistent ? 1 : 0, autostart => $pool->get_autostart ? 1 : 0,
        map { $_ => $info->{$_} } qw(capacity allocation available),
    };
}

sub volume_row {
    my ($pool, $vol) = @_;
    my $info = $vol->get_info;
    my %row  = (name => $vol->get_name, key => $vol->get_key, path => $vol->get_path, pool => $pool->get_name);
    utf8::decode($_) for values %row;
    return { %row, uuid => undef, type => VKVM::enum_name('storage_vol_type', $info->{type}), map { $_ => $info->{$_} } qw(capacity allocation) };
}

# The rows of all hosts but for nodes, which do not change.
sub listed {
    my %rows;
    for my $uri (@uris) {
        my $conn = VKVM->new(uri => $uri, timeout => PATIENCE);
        my @rows = map { [ domain => domain_row($_) ] } $conn->list_all_domains;
        push @rows, map { [ network => network_row($_) ] } $conn->list_all_networks;
        for my $pool ($conn->list_all_storage_pools) {
            push @rows, [ pool => pool_row($pool) ];
            push @rows, map { [ volume => volume_row($pool, $_) ] } $pool->is_active ? $pool->list_all_volumes : ();
        }
        for (@rows) {
            my ($kind, $row) = @$_;
            $row = { %$row, kind => $kind, host => $uri };
            $rows{ identity($row) } = $row;
        }
    }
    return \%rows;
}

# --- what the inventory says ------------------------------------------------------------------

my @KINDS = qw(domain network pool volume);

sub identity {
    my ($row) = @_;
    return join ' ', $row->{host}, $row->{kind}, $row->{key} // $row->{uuid} // $row->{name};
}

sub without_age {
    my ($row) = @_;
    return { map { $_ => $row->{$_} } grep { !is_of_age($_) } keys %$row };
}

# The rows of a snapshot, by what they are about, and its generation.
sub rows_of {
    my ($inventory, @filter) = @_;
    my $snapshot = $inventory->snapshot(@filter);
    return ({ map { identity($_) => without_age($_) } @{ $snapshot->{rows} } }, $snapshot->{generation});
}

# Whether two sets of rows are the same; says which are not.
sub are_rows {
    my ($got, $expected, $what) = @_;
    my %all   = (%$got, %$expected);
    my @wrong = grep { !same($got->{$_}, $expected->{$_}) } sort keys %all;
    ok(!@wrong, $what) and return 1;
    diag(explain({ row => $_, got => $got->{$_}, expected => $expected->{$_} })) for @wrong[ 0 .. ($#wrong > 2 ? 2 : $#wrong) ];
    return 0;
}

sub same {
    my ($one, $two) = map { text($_) } @_;
    return $one eq $two;
}

sub text {
    my ($value) = @_;
    return 'undef' if !defined $value;
    return "'$value'" if ref $value ne 'HASH';
    return join ', ', map { "$_=" . text($value->{$_}) } sort keys %$value;
}

# Rows that are kept by the changes of an inventory. What is said to have been before is compared
# with them.
sub follow {
    my ($kept, $change, $wrong) = @_;
    return if $change->{kind} eq 'host';
    my $identity = identity($change);
    my $row      = $kept->{$identity};
    my ($before, $after) = @$change{qw(before after)};
    my $is_well =
        $change->{change} eq 'added'   ? !$row && !$before
      : $change->{change} eq 'removed' ? $row && !$after && !grep { !same($before->{$_}, $row->{$_}) } keys %$before
      :   $row && keys %$after && !grep { !same($before->{$_}, $row->{$_}) || same($before->{$_}, $after->{$_}) } keys %$after;
    push @$wrong, { change => $change, row => $row } if !$is_well;
    if ($after) {
        my %of = map { $_ => $change->{$_} } grep { defined $change->{$_} } qw(host kind name uuid key);
        $kept->{$identity} = { %{ $row // \%of }, map { $_ => $after->{$_} } grep { !is_of_age($_) } keys %$after };
    }
    else { delete $kept->{$identity} }
    return;
}

# --- the rounds ---------------------------------------------------------------------------------

my $inventory = VKVM::Inventory->new(uris => \@uris, kinds => \@KINDS, refresh => 0, timeout => 6,
    max_delay => rand() < 0.5 ? 0 : 0.01);
my $changes = $inventory->changes(capacity => 1_000_000);
my $small   = $inventory->changes(capacity => ROOM);
my ($kept, $generation) = rows_of($inventory);
my ($small_kept, $small_generation) = ({%$kept}, $generation);
my ($lost, $begun_anew) = (0, 0);

# Follows the changes up to a snapshot's.
sub catch_up {
    my ($until) = @_;
    my @wrong;
    while ($generation < $until) {
        my $change = $changes->next(PATIENCE) or return ok(0, "change $generation is followed by another one");
        next if $change->{generation} <= $generation;
        push @wrong, $change if $change->{generation} != $generation + 1;
        $generation = $change->{generation};
        follow($kept, $change, \@wrong);
    }
    ok(!@wrong, 'no change is missing, and each says what was before') or diag(explain($wrong[0]));
    return;
}

# The same with a queue that has too little room: after a loss it begins anew.
sub catch_up_small {
    my @wrong;
    for my $change ($small->drain) {
        next if $change->{generation} <= $small_generation;
        # Those before the first one that was lost are as good as any.
        last if $change->{generation} != $small_generation + 1;
        $small_generation = $change->{generation};
        follow($small_kept, $change, \@wrong);
    }
    ok(!@wrong, 'the changes that had room are right') or diag(explain($wrong[0]));
    if ($small->get_overflow > $lost) {
        $begun_anew++;
        $lost = $small->get_overflow;
        ($small_kept, $small_generation) = rows_of($inventory);
    }
    return;
}

# Nothing happens any more: events alone have made the rows current, but for what libvirt sends
# no events of.
my %has_no_event = map { $_ => 1 }
  qw(autostart managed_save has_snapshots title description os_type vcpus memory max_memory capacity allocation available);

sub but_for_what_has_no_event {
    my ($rows) = @_;
    my %some;
    for my $identity (keys %$rows) {
        my $row = $rows->{$identity};
        next if $row->{kind} eq 'volume';
        $some{$identity} = { map { $_ => $row->{$_} } grep { !$has_no_event{$_} } keys %$row };
    }
    return \%some;
}

sub check_events {
    # Of each kind, because what is asked for one may be answered before what is asked for another.
    for my $kind (qw(domain network pool)) {
        my $marker   = { kind => $kind, name => "marker-$rounds", count => HOSTS };
        my $is_there = eval { $inventory->wait($marker, timeout => PATIENCE); 1 };
        ok($is_there, "the last event of each host's ${kind}s has arrived") or return diag(explain($inventory->hosts), "$@");
    }
    my ($rows) = rows_of($inventory);
    are_rows(but_for_what_has_no_event($rows), but_for_what_has_no_event(listed()), 'events alone have made the rows current');
    return;
}

sub check {
    my $end = time + PATIENCE;
    do { $inventory->refresh(timeout => PATIENCE) } until time > $end || !grep { $_->{state} ne 'up' } @{ $inventory->hosts };
    my ($rows, $until) = rows_of($inventory);
    are_rows($rows, listed(), 'the rows are what plain calls list');
    ok(!(grep { $_->{stale} } $inventory->rows), 'none is stale');
    catch_up($until);
    are_rows($kept, $rows, 'the changes make them of those of the last time');
    catch_up_small();
    my ($now, $last) = rows_of($inventory);
    is($last, $until, 'nothing has changed meanwhile') or return;
    are_rows($small_kept, $now, 'as they do for who has lost some');
    return;
}

# What happens during a round.
my @troubles = (
    [ 'nothing else' => sub { } ],
    [ 'a daemon is killed and started again' => sub { one_bed()->restart } ],
    [ 'nothing else' => sub { } ],
    [ 'a daemon is stopped until its host is down' => sub {
        my $bed = one_bed();
        kill STOP => $bed->{PID};
        # It is found when it is asked something.
        my $error = thrown { $inventory->refresh(host => $bed->{URI_UNIX}, timeout => PATIENCE) };
        isa_ok($error, 'VKVM::Error', 'a refresh finds it');
        kill CONT => $bed->{PID};
    } ],
    [ 'nothing else' => sub { } ],
    [ 'two daemons are killed, and start again later' => sub {
        my @killed = (one_bed(), one_bed());
        pop @killed if $killed[0] == $killed[1];
        $_->kill_daemon for @killed;
        $inventory->refresh(timeout => PATIENCE);
        my %state = map { $_->{uri} => $_->{state} } @{ $inventory->hosts };
        is_deeply([ @state{ map { $_->{URI_UNIX} } @killed } ], [ ('down') x @killed ], 'their hosts are down');
        $_->restart for @killed;
    } ],
    [ 'a daemon is stopped for a moment' => sub {
        my $bed = one_bed();
        kill STOP => $bed->{PID};
        cmp_ok(scalar $inventory->rows(host => $bed->{URI_UNIX}), '>', 0, 'its rows are there meanwhile');
        kill CONT => $bed->{PID};
    } ],
);

sub one_bed { return $beds[ rand @beds ] }

my $done = 0;
while ($done < $operations) {
    my ($what, $trouble) = @{ $troubles[ $rounds % @troubles ] };
    subtest "round $rounds: $what" => sub {
        begin(AT_ONCE);
        $trouble->();
        $done += end_of_round();
        check_events() if $what eq 'nothing else';
        check();
    };
    last if !Test::More->builder->is_passing;
}
cmp_ok($done, '>=', $operations, "all operations of seed $seed were done");
cmp_ok($begun_anew, '>', 0, 'a queue with little room has lost changes');
cmp_ok(scalar keys %times, '>=', 30, 'of many kinds');
note(join ', ', map { "$_ $times{$_}" } sort keys %times);
note("$done operations in $rounds rounds, $generation changes, $lost of them lost by the small queue");

close $orders;
waitpid $other, 0;
done_testing;
