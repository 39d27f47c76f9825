# SPDX-License-Identifier: LGPL-2.1-or-later
# VKVM::Inventory: rows of daemons that another client changes, that stop and come back.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(time ualarm);
use TestBed;
use TestVKVM;

use VKVM;

binmode $_, ':utf8' for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my @beds;
for (1 .. 2) {
    push @beds, TestBed->daemon('test-daemon') // plan(skip_all => TestBed->reason);
}
my @uris = map { $_->{URI_UNIX} } @beds;

VKVM::Event::start();

# What another client does.
my @others = map { VKVM->new(uri => $_) } @uris;

# All is known.
sub open_both {
    my (@options) = @_;
    my $inventory = VKVM::Inventory->new(uris => \@uris, refresh => 0, timeout => 60, @options);
    $inventory->refresh(timeout => 120);
    return $inventory;
}

sub names { return [ map { $_->{name} } @_ ] }

subtest 'rows' => sub {
    my $inventory = open_both();
    my %count;
    $count{ $_->{kind} }++ for $inventory->rows;
    is_deeply(\%count, { node => 2, domain => 2, network => 2, pool => 2 }, 'the objects of both hosts');
    my ($domain) = $inventory->rows(kind => 'domain', host => $uris[1]);
    my $dom      = $others[1]->get_domain_by_name('test');
    my $info     = $dom->get_info;
    is_deeply(
        { map { $_ => $domain->{$_} } grep { $_ ne 'age' } keys %$domain },
        {
            host    => $uris[1], kind => 'domain', name => 'test', uuid => $dom->get_uuid_string, id => $dom->get_id,
            state   => 'running', reason => VKVM::enum_name('domain_state_reason_running', ($dom->get_state)[1]),
            vcpus   => $info->{nrVirtCpu}, memory => $info->{memory}, max_memory => $info->{maxMem},
            os_type => 'hvm', title => '', description => '',
            persistent => 1, autostart => 0, managed_save => 0, has_snapshots => 0, stale => 0,
        },
        'a domain is what its methods say'
    ) or diag explain $domain;
    cmp_ok($domain->{age}, '<', 120_000, 'and its age is known');
    my $pool = $inventory->get('pool', 'default-pool', host => $uris[0]);
    my $of   = $others[0]->get_storage_pool_by_name('default-pool')->get_info;
    is_deeply([ @$pool{qw(capacity allocation available)} ], [ @$of{qw(capacity allocation available)} ], 'so is a pool');

    my $some = $inventory->snapshot(kind => [qw(domain pool)], fields => [qw(name kind)], sort => [qw(-kind name)]);
    is_deeply($some->{rows}, [ map { +{ name => $_->[0], kind => $_->[1] } } (['default-pool', 'pool']) x 2, (['test', 'domain']) x 2 ],
        'with these fields, in this order');
    like($some->{generation}, qr/\A[0-9]+\z/, 'and their generation');
    is(($inventory->rows(kind => 'domain', raw => 1))[0]{state}, VKVM::Domain::STATE_RUNNING, 'numbers with raw');
    is_deeply([ $inventory->rows(name => 'no*') ], [], 'no rows');
    is($inventory->get('domain', $domain->{uuid}, host => $uris[1])->{name}, 'test', 'one by its UUID');
    is($inventory->xml('domain', 'test', host => $uris[0]), $others[0]->get_domain_by_name('test')->get_xml_description,
        'its document');
    my $hosts = $inventory->hosts;
    is_deeply([ map { [ @$_{qw(uri state events error)} ] } @$hosts ], [ map { [ $_, 'up', 1, undef ] } @uris ], 'the hosts');
    is_deeply($hosts->[0]{counts}, { node => 1, domain => 1, network => 1, pool => 1 }, 'and how many rows they have');
};

subtest 'what is refused' => sub {
    my $inventory = open_both(kinds => ['domain']);
    my $invalid   = VKVM::Error::OWN_INVALID;
    own_error { VKVM::Inventory->new(uris => \@uris, kind => 'domain') } $invalid, 'kind', 'an unknown option';
    own_error { VKVM::Inventory->new(uris => \@uris, timeout => 0) } $invalid, 'timeout', 'no time';
    own_error { VKVM::Inventory->new(uris => \@uris, max_delay => 'long') } $invalid, 'max_delay', 'no number';
    own_error { VKVM::Inventory->new(uris => \@uris, conns => \@others) } $invalid, 'conns', 'URIs and connections';
    own_error { VKVM::Inventory->new } VKVM::Error::OWN_INVALID, 'uris', 'no hosts';
    own_error { $inventory->snapshot(sate => 'running') } $invalid, 'sate', 'an unknown key of a filter';
    own_error { $inventory->snapshot(state => 'runing') } VKVM::Error::OWN_NOT_FOUND, 'filter', 'an unknown state';
    own_error { $inventory->snapshot('state') } $invalid, 'params', 'a key without a value';
    own_error { $inventory->wait([]) } $invalid, 'condition', 'a condition that is no hash';
    own_error { $inventory->wait({ cuont => 1 }) } $invalid, 'cuont', 'an unknown key of a condition';
    own_error { $inventory->wait({}, timeout => -1) } $invalid, 'timeout', 'a time below 0';
    own_error { $inventory->get('domain') } $invalid, 'name', 'no name';
    own_error { $inventory->get('domain', 'test') } $invalid, 'name', 'a name that two hosts have';
    own_error { $inventory->changes(size => 1) } $invalid, 'size', 'an unknown option of changes';
    own_error { $inventory->changes->next('soon') } $invalid, 'timeout', 'no time to wait';
    own_error { $inventory->changes->next(timeout => 'soon') } $invalid, 'timeout', 'nor by its name';
    own_error { $inventory->changes->next(time => 1) } $invalid, 'time', 'no such option of next';
    own_error { VKVM::Inventory::Changes->next } $invalid, 'changes', 'next of the class';
    is(thrown { VKVM::Inventory::hosts($others[0]) }->message,
        'inventory: is a conn handle; an inventory handle is needed', 'an object of another class, with its article');
};

subtest 'names of states are those of constants and of virsh' => sub {
    my $inventory = open_both();
    my $off = $others[0]->define_domain(domain_xml('off'));
    $inventory->wait({ name => 'off', state => 'shut off' }, timeout => 120);
    is_deeply(names($inventory->rows(name => 'off', state => $_)), ['off'], $_) for 'shutoff', 'shut off';
    is($inventory->get('domain', 'off')->{state}, 'shutoff', 'rows have the name of the constant');
    $off->undefine;
};

subtest 'a name that is not there' => sub {
    my $down = 'test+unix:///default?socket=/nonexistent/socket';
    my $inventory = VKVM::Inventory->new(uris => [ $uris[0], $down ], timeout => 120);
    like(thrown { $inventory->get('domain', 'none') }->message, qr/among the domains of the inventory; \Q$down\E is not filled in yet/,
        'the host that may have it is named');
    like(thrown { $inventory->get('domain', 'none', host => $uris[0]) }->message, qr/among the domains of the inventory\z/,
        'but not where another host is asked for');
};

subtest 'waiting' => sub {
    my $inventory = open_both();
    my $web = $others[0]->define_domain(domain_xml('wëb-1'));
    my $snapshot = $inventory->wait({ kind => 'domain', name => 'wëb-*', state => 'shutoff' }, timeout => 120);
    is_deeply(names(@{ $snapshot->{rows} }), ['wëb-1'], 'for a domain that is defined; its name is characters');
    $web->create;
    $snapshot = $inventory->wait({ name => 'w*', state => 'running' }, timeout => 120);
    is($snapshot->{rows}[0]{state}, 'running', 'for one that is started');
    cmp_ok($snapshot->{generation}, '<=', $inventory->snapshot->{generation}, 'with the generation');
    $web->set_metadata(VKVM::Domain::METADATA_TITLE, 'The web', undef, undef, VKVM::Domain::AFFECT_LIVE);
    $inventory->refresh(host => $uris[0], timeout => 120);
    is($inventory->get('domain', 'wëb-1')->{title}, 'The web', 'a refresh finds its title');
    $web->destroy;
    $web->undefine;
    is_deeply($inventory->wait({ name => 'w*', absent => 1 }, timeout => 120)->{rows}, [], 'until it is gone');

    my $error = thrown { $inventory->wait({ name => 'never' }, timeout => 0.05) };
    is($error->code, VKVM::Error::OWN_TIMEOUT, 'no longer than it was told to') or diag $error;
};

subtest 'signal handlers run meanwhile' => sub {
    my $inventory = open_both();
    my $changes   = $inventory->changes;
    kill STOP => $beds[0]{PID};
    my %waits = (
        wait    => sub { $inventory->wait({ name => 'never' }, timeout => 60) },
        refresh => sub { $inventory->refresh(host => $uris[0], timeout => 60) },
        xml     => sub { $inventory->xml('network', 'default', host => $uris[0], timeout => 60) },
        next    => sub { $changes->next(60) },
        new     => sub { VKVM::Inventory->new(uris => [ $uris[0] ], timeout => 60) },
    );
    for my $name (sort keys %waits) {
        my $begun = time;
        local $SIG{ALRM} = sub { die "enough\n" };
        is(thrown { ualarm 100_000; $waits{$name}->() }, "enough\n", "$name is left by one that dies");
        cmp_ok(time - $begun, '<', 30, 'at once');
    }
    kill CONT => $beds[0]{PID};
    $inventory->refresh(timeout => 120);
    is($inventory->hosts->[0]{state}, 'up', 'the host is well');
};

subtest 'changes' => sub {
    my $inventory = open_both();
    my $changes    = $inventory->changes;
    my $generation = $inventory->snapshot->{generation};
    is_deeply([ $changes->next(0) ], [], 'none at first');
    is_deeply([ $changes->next(timeout => 0.01) ], [], 'none within a timeout by its name');
    my $dom = $others[1]->define_domain(domain_xml('straße'));
    my $added = $changes->next(120);
    is_deeply([ @$added{qw(class change kind host name uuid key)} ],
        [ 'inventory', 'added', 'domain', $uris[1], 'straße', $dom->get_uuid_string, undef ], 'a domain');
    is_deeply([ $added->{before}, $added->{after}{state} ], [ undef, 'shutoff' ], 'with all of its fields');
    is($added->{generation}, $generation + 1, 'has the next generation');
    $inventory->refresh(timeout => 120);
    $dom->create;
    $inventory->wait({ name => 'straße', state => 'running' }, timeout => 120);
    my @seen = $changes->drain;
    is_deeply([ map { $_->{generation} } @seen ], [ $generation + 2 .. $generation + 1 + @seen ], 'no generation is missing');
    my ($started) = grep { $_->{after}{state} } @seen;
    is_deeply([ $started->{change}, $started->{before}{state}, $started->{after}{state} ], [qw(changed shutoff running)],
        'a change, as it was and as it is');
    $dom->destroy;
    $dom->undefine;
    my $change;
    1 while $change = $changes->next(120) and $change->{change} ne 'removed';
    is_deeply([ $change->{name}, $change->{after} ], [ 'straße', undef ], 'a removal');

    my $small = $inventory->changes(capacity => 2);
    $others[0]->define_domain(domain_xml("many$_")) for 1 .. 5;
    $inventory->wait({ name => 'many*', count => 5 }, timeout => 120);
    is(scalar(my @first = $small->drain), 2, 'no more than have room');
    cmp_ok($small->get_overflow, '>=', 3, 'and how many are lost is known');
    $others[0]->get_domain_by_name("many$_")->undefine for 1 .. 5;
    $inventory->wait({ name => 'many*', absent => 1 }, timeout => 120);

    my $readable = '';
    vec($readable, fileno(my $fh = $changes->fh), 1) = 1;
    is(select(my $ready = $readable, undef, undef, 0), 1, 'its handle is readable');
    is(scalar(my @one = $changes->drain(1)), 1, 'as many as are asked for');
    $inventory->close;
    cmp_ok(scalar(my @others = $changes->drain), '>', 1, 'what has arrived outlives the inventory');
    own_error { $changes->next } VKVM::Error::OWN_STALE_HANDLE, 'inventory', 'then it is over';
    own_error { $inventory->snapshot } VKVM::Error::OWN_STALE_HANDLE, 'inventory', 'as for the inventory itself';
    is(thrown { $inventory->close }, undef, 'which may be closed twice');
};

subtest 'an end while a change is waited for' => sub {
    my $inventory = open_both();
    my $changes   = $inventory->changes;
    local $SIG{ALRM} = sub { $inventory->close };
    ualarm 100_000;
    own_error { $changes->next(120) } VKVM::Error::OWN_STALE_HANDLE, 'inventory', 'is told';
};

subtest 'over connections' => sub {
    my $inventory = VKVM::Inventory->new(conns => [ $others[0] ], kinds => ['network']);
    is_deeply(names($inventory->rows), ['default'], 'the rows of one');
    $inventory->close;
    is($others[0]->get_network_by_name('default')->get_name, 'default', 'which outlives it');
};

subtest 'metrics' => sub {
    my $inventory = open_both();
    my @lines     = split /\n/, $inventory->metrics;
    my %is_there  = map { $_ => 1 } split /\n/, VKVM::Fleet->new(uris => \@uris)->metrics(timeout => 120);
    is($lines[-1], '# EOF', 'are a whole text');
    # Of the test driver only documents have sizes, and it has no statistics of its memory.
    my $own = qr/\blibvirt_(?:inventory_age_seconds|node_memory_total_bytes|domain_info_(?:maximum_memory_bytes|memory_usage_bytes|virtual_cpus))\b/;
    is_deeply([ grep { !$is_there{$_} && !/$own/ } @lines ], [], 'of a fleet');
    cmp_ok(scalar(grep { /^libvirt_(?:up|node_cpus|domains|domain_info|domain_info_state|storage_pool_capacity_bytes)\{/ } @lines),
        '==', 12, 'what rows have, of both hosts');
    my $dom = $inventory->get('domain', 'test', host => $uris[1]);
    my $of  = qr/\{host="\Q$uris[1]\E",domain="test"\} /;
    ok((grep { /^libvirt_domain_info_memory_usage_bytes$of@{[ 1024 * $dom->{memory} ]}\z/ } @lines), 'memory is in bytes');
    is(scalar(grep { /^libvirt_inventory_age_seconds\{host="[^"]+"\} [0-9.e-]+\z/ } @lines), 2, 'how old they are');
    like($inventory->metrics(format => 'prometheus'), qr/\A# HELP libvirt_up .*\}\ [0-9.]+\n\z/s, "in Prometheus' own format");
    own_error { $inventory->metrics(format => 'xml') } VKVM::Error::OWN_INVALID, 'format', 'no other';
};

subtest 'a daemon that dies' => sub {
    my $inventory = open_both();
    my $changes   = $inventory->changes;
    $beds[1]->kill_daemon;
    my $change = $changes->next(120);
    is_deeply([ $change->{kind}, $change->{host}, $change->{after}{state} ], [ 'host', $uris[1], 'down' ], 'its host is down');
    ok($inventory->get('domain', 'test', host => $uris[1])->{stale},  'its rows are stale');
    ok(!$inventory->get('domain', 'test', host => $uris[0])->{stale}, "those of the other one are not");
    isa_ok($inventory->hosts->[1]{error}, 'HASH', 'it is known why');
    my @of = grep { /\{host="\Q$uris[1]\E"/ } split /\n/, $inventory->metrics;
    is_deeply([ map { /^(\w+)/ } @of ], [qw(libvirt_up libvirt_inventory_age_seconds libvirt_host_info)],
        'of its metrics there are its age');
    like($of[0], qr/\} 0\z/, 'and that it is down');
    $beds[1]->restart;
    1 while $change = $changes->next(120) and $change->{kind} ne 'host';
    is($change->{after}{state}, 'up', 'it comes back by itself');
    $inventory->refresh(timeout => 120);
    ok(!$inventory->get('domain', 'test', host => $uris[1])->{stale}, 'and its rows are current');
};

# A host of a file, which the daemon reads when it starts.
sub write_host {
    my ($file, $domains, $title) = @_;
    open(my $out, '>', $file) or die "cannot write $file: $!";
    my $domain = "<domain type='test'><name>of-file-%d</name><uuid>00000000-0000-4000-8000-%012d</uuid>"
      . '<title>%s</title><memory>1024</memory><os><type>hvm</type></os></domain>';
    print $out '<node>', (map { sprintf $domain, $_, $_, $title } 1 .. $domains), '</node>';
    close $out or die "cannot write $file: $!";
    return;
}

# It takes a while to ask for so many documents: the comparison comes in between.
subtest 'a comparison while the documents of a new connection are asked for' => sub {
    my $domains = 500;
    my $file    = "$beds[1]{DIR}/many.xml";
    write_host($file, $domains, 'before');
    my $inventory = VKVM::Inventory->new(
        uris => ["test+unix:///$file?socket=$beds[1]{SOCKET}"], kinds => ['domain'], refresh => 0, timeout => 60);
    $inventory->refresh(timeout => 120);
    my %count;
    $count{ $_->{title} // '' }++ for $inventory->rows;
    is_deeply(\%count, { before => $domains }, 'all titles are known');
    my $changes = $inventory->changes(capacity => 10 * $domains);
    $beds[1]->kill_daemon;
    write_host($file, $domains, 'after');
    $beds[1]->restart;
    my $change;
    1 while $change = $changes->next(120) and ($change->{after}{state} // '') ne 'up';
    $inventory->refresh(timeout => 120);
    %count = ();
    $count{ $_->{title} // '' }++ for $inventory->rows;
    is_deeply(\%count, { after => $domains }, 'leaves no title as it was on the connection before');
};

# Before 10.1 libvirt's client fails under several threads: there the documents and the comparisons of
# a connection take turns.
subtest 'many documents and comparisons at once' => sub {
    need_module('Future', 'libfuture-perl');
    require VKVM::Async;
    my $domains = 100;
    my $file    = "$beds[1]{DIR}/documents.xml";
    write_host($file, $domains, 'at once');
    my $inventory = VKVM::Inventory->new(
        uris => ["test+unix:///$file?socket=$beds[1]{SOCKET}"], kinds => ['domain'], refresh => 0, timeout => 60);
    my @wrong;
    for my $round (1 .. 5) {
        my @refresh   = map { $inventory->async->refresh(timeout => 120) } 1 .. 4;
        my @documents = map { $inventory->async->xml('domain', "of-file-$_", timeout => 120) } 1 .. $domains;
        for my $number (1 .. $domains) {
            my $xml = eval { $documents[ $number - 1 ]->get } // $@;
            push @wrong, $xml if $xml !~ m{<name>of-file-$number</name>};
        }
        $_->get for @refresh;
    }
    is_deeply(\@wrong, [], 'each document is that of its domain');
    is($inventory->hosts->[0]{state}, 'up', 'and the host is up');
};

subtest 'an event that is only about the state' => sub {
    my $inventory = open_both();
    my ($before) = $inventory->rows(host => $uris[0], name => 'test');
    my $dom = $others[0]->get_domain_by_name('test');
    $dom->suspend;
    my $paused = $inventory->wait({ host => $uris[0], name => 'test', state => 'paused' }, timeout => 120)->{rows}[0];
    $dom->resume;
    my $after = $inventory->wait({ host => $uris[0], name => 'test', state => 'running' }, timeout => 120)->{rows}[0];
    my @kept = qw(vcpus memory max_memory persistent autostart title os_type);
    ok(defined $before->{memory}, 'the row has sizes');
    is_deeply([ @$_{@kept} ], [ @$before{@kept} ], 'all else is as before') for $paused, $after;
};

# Under each loop, in a process of its own.
each_loop {
    my ($loop, $module) = @_;
    my ($status, $output, $errors) = run_perl("$FindBin::Bin/scripts/inventory.pl", $loop, $uris[0]);
    is($status, 0,  "futures under $module") or diag($output);
    is($errors, '', "$module: nothing on standard error");
} 2;

@others = ();
handles_are({ (map { $_ => 0 } qw(inventory value error conn)), event_queue => $INC{'VKVM/Async.pm'} ? 2 : 1 }, 'no handle is left but the queues of waiting calls and of futures');

done_testing;
