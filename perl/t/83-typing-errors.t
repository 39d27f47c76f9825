# SPDX-License-Identifier: LGPL-2.1-or-later
# Typing errors do not go unnoticed: a name that does not exist is an error that lists
# those that do, however arguments are given. Named arguments may be a hash at the end.
# What the facade says is characters, and nothing is printed.

use strict;
use utf8;
use warnings;

use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use BothFaces;
use VKVM::Fleet;
use VKVM::Host;

binmode $_, ':encoding(UTF-8)'
  for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $uri  = 'test:///default';
my $host = VKVM::Host->new(uri => $uri);

sub refused {
    my ($code, $message, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $error = thrown { $code->() };
    return subtest $what => sub {
        isa_ok($error, 'VKVM::Error') or return diag(explain($error));
        is($error->domain, VKVM::Error::FROM_VKVM, 'of ours');
        like($error->message, $message, 'the message');
    };
}

# --- names that do not exist -----------------------------------------------------

my $wipe = qr/\Aargs: wipe has no argument "algoritm"; it has vol, pool, algorithm, raw(?:;|\z)/;
my $list = qr/\Aargs: list_domains has no argument "al"; it has inactive, all, .*, table, raw(?:;|\z)/;
refused(sub { $host->volume->wipe('x', algoritm => 'dod') }, $wipe, 'a misspelt name');
refused(sub { $host->volume->wipe('x', { algoritm => 'dod' }) }, $wipe, 'in a hash');
refused(sub { $host->call('volume.wipe', { vol => 'x', algoritm => 'dod' }) }, $wipe, 'in call');
refused(sub { $host->list_domains({ al => 1 }) }, $list, 'of a list, in a hash');
refused(sub { $host->list_domains(al => 1) }, $list, 'of a list, as a pair');
refused(sub { $host->list_domains(states => ['runing']) }, qr/\A"runing" is no state; it must be no state, running, /,
    'a state');
refused(sub { $host->virsh('nosuch') }, qr/\Aargs: there is no command that virsh calls "nosuch"; there are .*\bstart, /,
    'a command of virsh');
refused(sub { $host->virsh('') }, qr/\Aargs: there is no command that virsh calls ""/, 'no command of virsh');
refused(sub { $host->virsh('start', 'test', '--pausd') }, qr/\Aargs: start has no argument "pausd"; it has domain, /,
    'an option of virsh');
refused(sub { $host->virsh('dominfo', 'test') }, qr/\Aargs: "dominfo" gives a result with structure: call domain[.]info\z/,
    'a query of virsh');
refused(sub { VKVM->new(url => $uri) },
    qr/\Aurl: is no parameter of VKVM->new; it has uri, address, readonly, flags, auth, credlist, callback, call_timeout, timeout, keepalive, resume, reopen_after_fork, username, password and keep_credentials\z/,
    'VKVM->new');
refused(sub { VKVM->new({ url => $uri }) }, qr/\Aurl: is no parameter of VKVM->new; /, 'VKVM->new with a hash');
refused(sub { VKVM::Host->new(url => $uri) }, qr/\Aurl: is no parameter of VKVM::Host->new; it has uri and conn\z/,
    'VKVM::Host->new');
refused(sub { VKVM::EventQueue->new(size => 5) }, qr/\Asize: is no parameter of VKVM::EventQueue->new; it has capacity\z/,
    'VKVM::EventQueue->new');
refused(sub { VKVM::Fleet->new(uri => $uri) }, qr/\Auri: is no parameter of VKVM::Fleet->new; it has uris and timeout\z/,
    'VKVM::Fleet->new');
refused(sub { VKVM::Fleet->new(uris => [$uri])->call('list_domains', {}, { timeuot => 1 }) },
    qr/\Atimeuot: is no parameter of VKVM::Fleet->call; it has timeout\z/, 'call of a fleet');

# Without the errors of the hosts, no domains would be listed for want of a letter.
my $fleet = VKVM::Fleet->new(uris => [$uri]);
for (
    [ 'another word',                  qr/\A"runing" is no state; /, states => ['runing'] ],
    [ 'arguments that exclude others', qr/\AOptions --table and --name are mutually exclusive\z/, table => 1, name => 1 ],
  ) {
    my ($what, $message, %args) = @$_;
    refused(sub { scalar $fleet->list_domains(%args) }, $message, "list_domains of a fleet: $what");
    refused(sub { $fleet->call('list_domains', \%args) }, $message, "call of a fleet: $what");
}
is_deeply($fleet->call('domain.undefine', { domain => 'test', nvram => 1, keep_nvram => 1 })->[0]{result},
    [ 0, '', 'error: Options --nvram and --keep-nvram are mutually exclusive' ], 'what changes hosts says so for each');

subtest 'what VKVM->new would overlook' => sub {
    my @auth = (uri => $uri, auth => 1);
    my ($credlist, $callback) = ([VKVM::CRED_AUTHNAME], sub { 0 });
    for (
        [ 'callback: is no code reference',   @auth, callback => 'x' ],
        [ 'callback: is no code reference',   uri => $uri, auth => 0, credlist => $credlist, callback => 'x' ],
        [ 'credlist: is no array reference',  uri => $uri, auth => 0, credlist => 'x', callback => $callback ],
        [ 'credlist: is missing: the types of credentials that callback gives', @auth, callback => $callback ],
        [ 'callback: is missing: it gives the credentials of credlist',         @auth, credlist => $credlist ],
        [ 'auth: is missing: credlist and callback are used if it is true',
            uri => $uri, credlist => $credlist, callback => $callback ],
        [ 'readonly: is a reference; true or false is needed', uri => $uri, readonly => [] ],
        [ 'auth: is a reference; true or false is needed',     uri => $uri, auth => {} ],
      ) {
        my ($message, @params) = @$_;
        refused(sub { VKVM->new(@params) }, qr/\A\Q$message\E\z/, $message);
    }
    is(ref VKVM->new(uri => $uri, auth => 0, credlist => $credlist, callback => $callback), face(), 'credentials that are not wanted');
    is(ref VKVM->new(@auth, credlist => undef, callback => undef), face(), 'undef is as if left out');
    is(ref VKVM->new(address => $uri, readonly => !!1), face(), 'another name of uri');
    my ($status, $output) = run_perl('-MVKVM::SysVirt', '-MSys::Virt', '-e',
        'print ref Sys::Virt->new(uri => "x", address => "test:///default", readonly => [], callback => "x", nosuch => 1)');
    is($output, 'Sys::Virt', 'for programs of Sys::Virt they stay overlooked');
};

# What is written as a pair is one, however far the name is from one that there is.
my ($volume, $snapshot, $domain) = ($host->volume, $host->snapshot, $host->domain);
for (
    [ 'create_as', title  => 'name', sub { $snapshot->create_as('test', title => 'x') } ],
    [ 'create_as', titl   => 'description', sub { $snapshot->create_as('test', 's', titl => 'x') } ],
    [ 'create_as', titl   => 'name', sub { $snapshot->create_as('test', titl => 'x', { live => 1 }) } ],
    [ 'desc', name        => 'new_desc', sub { $domain->desc('test', name => 'x') } ],
    [ 'create_as', dir    => 'source_host', sub { $host->pool->create_as('p', 'dir', dir => '/x', target => '/x') } ],
    [ 'wipe', poool       => 'pool', sub { $volume->wipe('v', poool => 'p') } ],
    [ 'wipe', images      => 'pool', sub { $volume->wipe('v', 'images', 'dod') } ],
    [ 'create_as', compat => 'allocation', sub { $volume->create_as('default-pool', 'v', '1M', compat => '1.1') } ],
    [ 'create_as', zz     => 'allocation', sub { $volume->create_as('default-pool', 'v', '1M', zz => 1) } ],
    [ 'attach_disk', bus  => 'targetbus', sub { $domain->attach_disk('test', '/x', 'vdb', bus => 'virtio') } ],
    [ 'attach_disk', from => 'source', sub { $domain->attach_disk('test', from => '/x', target => 'vdb') } ],
    [ 'start', domian     => 'domain', sub { $domain->start(domian => 'test') } ],
    [ 'start', domian     => 'domain', sub { $domain->start(domian => 'test', paused => 1) } ],
    [ 'start', pausd      => 'pass_fds', sub { $domain->start('test', pausd => 1) } ],
    [ 'setmem', siz       => 'size', sub { $domain->setmem('test', siz => '1G') } ],
    [ 'upload', fiel      => undef, sub { $volume->upload(pool => 'p', fiel => '/x', vol => 'v') } ],
    [ 'upload', progres   => 'offset', sub { $volume->upload('v', '/x', 'p', progres => sub { 1 }) } ],
    [ 'send_key', codset  => 'keycode', sub { $domain->send_key('test', 'KEY_A', codset => 'linux') } ],
  ) {
    my ($command, $name, $place, $call) = @$_;
    my $meant = $place ? qr/; if "$name" is a value, write $place => \[?'$name'/ : qr/\z/;
    refused($call, qr/\Aargs: $command has no argument "$name"; it has (?:\w+, )*raw(?:, progress)?$meant/, "$command: $name");
}
refused(sub { $host->image->compare('/a', '/b', formt => 'raw') }, qr/\Aargs: compare has no argument "formt"; it has paths, f, .*, raw, progress;/,
    'behind a list of values');
refused(sub { $host->call('domain.start', domain => 'test') },
    qr/\Aargs: is "domain"; an array or a hash reference of arguments is needed\z/, 'pairs where call takes a hash');
refused(sub { VKVM::Fleet->new(uris => [$uri])->call('domain.start', domain => 'test') },
    qr/\Aargs: is "domain"; an array or a hash reference of arguments is needed\z/, '... and a fleet');
refused(sub { $domain->destroy('test', 'x') }, qr/\Aargs: destroy takes at most 1 positional argument; 2 were given; it has domain, /,
    'too many values');
refused(sub { $host->hypervisor->uri('x') }, qr/\Aargs: uri takes no positional arguments; 1 was given; it has raw\z/,
    'a value where there is no place');
refused(sub { $domain->info({ args => ['test'] }) }, qr/\Aargs: info has no argument "args"; it has domain, raw\z/, 'a name of call');

subtest 'a name without its value' => sub {
    for (
        [ desc   => 'title',        new_desc     => sub { $domain->desc('test', 'title') } ],
        [ start  => 'paused',       pass_fds     => sub { $domain->start('test', paused => ()) } ],
        [ wipe   => 'pool',         pool         => sub { $volume->wipe('v', 'pool') } ],
        [ wipe   => 'pool',         pool         => sub { $volume->wipe('v', 'pool', algorithm => 'dod') } ],
        [ info   => 'current',      snapshotname => sub { $snapshot->info('test', 'current') } ],
        [ undefine => 'wipe-storage', storage    => sub { $domain->undefine('test', 'wipe-storage') } ],
      ) {
        my ($command, $name, $place, $call) = @$_;
        refused($call, qr/\Aargs: $command: "$name" is the name of an argument and has no value; if it is a value, write $place => /,
            "$command: $name");
    }
};

subtest 'values by their place' => sub {
    my $fails = sub {
        my ($result, $said, $what) = @_;
        my ($ok, undef, $error) = @$result;
        ok(!$ok, "$what fails");
        like($error, $said, '... where it was meant to');
    };
    for my $pool (qw(default pools algorithms default-pool)) {
        $fails->([ $volume->wipe('v', $pool) ],
            $pool eq 'default-pool' ? qr/failed to get vol 'v'/ : qr/failed to get pool '\Q$pool\E'/, "one more value, $pool");
    }
    $fails->([ $volume->wipe('v', 'mypool', algorithm => 'dod') ], qr/failed to get pool 'mypool'/, 'one more value, then pairs');
    $fails->([ $volume->wipe('v', '/pool', 'dod') ], qr/failed to get pool '\/pool'/, 'two more, of which the first is no word');
    $fails->([ $volume->wipe('pool', { pool => 'pool' }) ], qr/failed to get pool 'pool'/, 'the name of an argument as its value');
    $fails->([ $volume->upload(pool => 'p', file => '/x', vol => 'v') ], qr/failed to get pool 'p'/, 'all by name');
    $fails->([ $volume->upload('v', file => '/x', pool => 'p') ], qr/failed to get pool 'p'/, 'one by its place');
    $fails->([ $domain->start('domain1', 3) ], qr/failed to get domain 'domain1'/, 'a value that is not quite a name');
    ok(scalar $domain->send_key('test', qw(KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE)), 'names of keys');
    ok(scalar $domain->send_key('test', qw(KEY_LEFTCTRL KEY_LEFTALT KEY_DELETE), codeset => 'linux'), '... and then pairs');
    $fails->([ $host->virsh(qw(vol-create-as p v 1G --format raw --prealloc-metadata)) ], qr/failed to get pool 'p'/, 'words of virsh');
    is_deeply([ $domain->attach_disk('test', source => '/x', target => 'vdb', print_xml => 1) ],
        [ $domain->attach_disk('test', '/x', 'vdb', { 'print-xml' => 1 }) ], 'needed ones by name, and a dash');
};

# --- words and numbers -----------------------------------------------------------

subtest 'a word that an argument cannot be is refused with those that it can be' => sub {
    my $commands = VKVM::Host->commands->{commands};
    my $sets     = 0;
    for my $full (sort keys %$commands) {
        my @arguments = @{ $commands->{$full}{arguments} };
        for my $argument (grep { @{ $_->{words} } } @arguments) {
            $sets++;
            my ($name, @words) = ($argument->{name}, @{ $argument->{words} });
            # What else must be given, with words that are right.
            my @with   = map { @$_ } @{ $argument->{requires} };
            my %others = map { ($_->{name} => $_->{words}[0] // ($_->{kind} =~ /\A(?:bool|int|size)\z/ ? 1 : 'x')) }
              grep { my $other = $_; $other->{required} || grep { $_ eq $other->{name} } @with } @arguments;
            for my $wrong ('nosuch', uc $words[0], "$words[0] ") {
                my @result = eval { $host->call($full, { %others, $name => $wrong }) };
                my $said = $@ ? $@->message : $result[2];
                like($said, qr/\Q$wrong\E/, "$full: $name: the word");
                is((grep { $said !~ /\b\Q$_\E\b/ } @words)[0], undef, "$full: $name: all that there are")
                  or diag($said);
            }
        }
    }
    cmp_ok($sets, '>', 15, 'there are some');
    refused(sub { $host->list_pools(type => 'dir,nosuch') }, qr/\AInvalid pool type 'nosuch'; it must be dir, fs, .* or iscsi-direct\z/,
        'one of several');
    is_deeply($host->list_pools(type => 'dir,fs'), $host->list_pools, 'several that are right');
};

subtest 'numbers are read by one rule' => sub {
    my %disk = ('@type' => 'file', source => { '@file' => '/d.img' }, target => { '@dev' => 'vda' });
    ok(scalar $domain->create({ '@type' => 'test', name => 'd', vcpu => 8, memory => 3_000_000, os => { type => 'hvm' },
        devices => { disk => \%disk } }), 'a domain with a disk');
    my $size = sub { return $domain->info('d', raw => 1)->{used_memory} };
    for my $two (2, '2', '2 ', " 2\n", '+2', '2e0', '2.0', 5 / 2, '2.9') {
        ok(scalar $domain->setvcpus('d', $two), "setvcpus takes '$two'");
        is($domain->info('d')->{cpus}, 2, '... as 2');
        ok(scalar $domain->memtune('d', hard_limit => $two), "memtune takes '$two'");
        is($domain->memtune('d')->{hard_limit}, 2, '... as 2');
        ok(scalar $domain->blkdeviotune('d', 'vda', { read_bytes_sec => $two, read_bytes_sec_max => 9 }), "blkdeviotune takes '$two'");
        is($domain->blkdeviotune('d', 'vda')->{read_bytes_sec}, 2, '... as 2');
        ok($domain->schedinfo('d', weight => $two), "schedinfo takes '$two'");
        ok($domain->schedinfo('d', "weight=$two"), '... also in a text');
        ok($host->hypervisor->freecell(0 * $two), 'freecell');
    }
    for my $kib (2e6, '2e6', ' 2000000 ', 2000000.5, '1953125KiB', '1953125 K') {
        ok(scalar $domain->setmem('d', $kib), "setmem takes '$kib'");
        is($size->(), $kib =~ /K/ ? 2_000_000_000 : 2_048_000_000, '... as that size');
    }
    for my $wrong ('2x', '', '1 2', '0x2', 'inf', '2,5') {
        my $is = qr/ is "\Q$wrong\E"; a whole number is needed\z/;
        refused(sub { $domain->setvcpus('d', $wrong) }, qr/\Aargs: setvcpus: "count"$is/, "setvcpus refuses '$wrong'");
        refused(sub { $domain->memtune('d', { hard_limit => $wrong }) }, qr/\Aargs: memtune: "hard_limit"$is/, 'memtune');
        refused(sub { $domain->blkdeviotune('d', 'vda', { read_bytes_sec => $wrong }) },
            qr/\Aargs: blkdeviotune: "read_bytes_sec"$is/, 'blkdeviotune');
        refused(sub { $domain->schedinfo('d', { weight => $wrong }) }, qr/\Aargs: schedinfo: "weight"$is/, 'schedinfo');
        refused(sub { $host->hypervisor->freecell($wrong) }, qr/\Aargs: freecell: "cellno"$is/, 'freecell');
        refused(sub { $domain->setmem('d', $wrong) }, qr/\Aargs: setmem: "size" is "\Q$wrong\E"; a size such as /, 'setmem');
    }
    refused(sub { $domain->setvcpus('d', 2**70) }, qr/\Aargs: setvcpus: "count" is 1.18059162071741e[+]21; a 64-bit integer is needed\z/,
        'a number that is too large');
    refused(sub { $domain->setvcpus('d', [2]) }, qr/\Aargs: setvcpus: "count" is a list; a whole number is needed\z/, 'a list');
    for (
        [ count    => 0,      qr/a number from 1 to 4294967295/,   sub { $domain->setvcpus('d', $_[0]) } ],
        [ count    => -1,     qr/a number from 1 to 4294967295/,   sub { $domain->setvcpus('d', $_[0]) } ],
        [ duration => -5,     qr/a number from 0/,                 sub { $domain->pmsuspend('d', 'mem', $_[0]) } ],
        [ duration => -5,     qr/a number from 0/,                 sub { $host->hypervisor->nodesuspend('mem', $_[0]) } ],
        [ holdtime => -1,     qr/a number from 0 to 4294967295/,   sub { $domain->send_key('d', 1, holdtime => $_[0]) } ],
        [ screen   => 2**40,  qr/a number from 0 to 4294967295/,   sub { $domain->screenshot('d', '/nowhere', $_[0]) } ],
        [ timeout  => -1,     qr/a number from 0/,                 sub { $domain->stop('d', $_[0]) } ],
        [ parent_index => -2, qr/a number from -1 to 2147483647/,
            sub { $host->network->update('default', 'add', 'ip-dhcp-host', '<host/>', $_[0]) } ],
      ) {
        my ($name, $number, $range, $call) = @$_;
        my (undef, undef, $said) = $call->($number);
        like($said, qr/\Aerror: .*: "$name" is $number; $range is needed\z/, "$name of $number: the name, the value and what is needed");
    }
    refused(sub { $host->hypervisor->freecell(-2) },
        qr/\Acell number must be non-negative integer or -1: "cellno" is -2; a number from -1 to 2147483647 is needed\z/, 'a query');
    my $conn = VKVM->new(uri => $uri);
    my $dom  = $conn->get_domain_by_name('d');
    for ([ 5.5, '5.5' ], [ 0.1 + 0.2, '0.3' ], [ 7, '7' ], [ 1e21, '1e+21' ], [ 1 / 3, 1 / 3 ]) {
        my ($number, $text) = @$_;
        ok(scalar $domain->blkdeviotune('d', 'vda', { group_name => $number }), "$text where text is wanted");
        is($domain->blkdeviotune('d', 'vda')->{group_name}, $text, '... is the text that Perl makes of it');
        $dom->set_block_iotune('vda', { group_name => $number });
        is($dom->get_block_iotune('vda')->{group_name}, $text, '... also without the facade');
    }
    undef $dom;
    is(($domain->destroy('d'))[2], '', 'it is gone');
};

# --- a hash at the end -----------------------------------------------------------

subtest 'named arguments in a hash' => sub {
    my %named = (all => 1, raw => 1);
    is_deeply($host->list_domains(\%named), $host->list_domains(%named), 'are as those in pairs');
    is_deeply(\%named, { all => 1, raw => 1 }, 'and are left as they are');
    is_deeply($host->pool->info('default-pool', { raw => 1 }), $host->pool->info('default-pool', raw => 1),
        'after a positional one');
    is_deeply($host->list_pools({}), $host->list_pools, 'none');
    is_deeply($host->pool->info(pool => 'default-pool', { raw => 1 }), $host->pool->info('default-pool', raw => 1), 'after pairs');
    refused(sub { $host->pool->info('default-pool', raw => 1, { raw => 1 }) }, qr/\Aargs: info got "raw" twice, as a pair and in the hash\z/,
        'of a name that is in both');
    is(ref(VKVM->new({ uri => $uri })), face(), 'a connection');
    is_deeply(VKVM::Host->new({ uri => $uri })->list_domains, $host->list_domains, 'a host');
    my $fleet = VKVM::Fleet->new({ uris => [$uri], timeout => 5 });
    is(scalar @{ $fleet->call('list_domains', undef, { timeout => 5 }) }, 1, 'a fleet and its call');
    is(scalar keys %{ $fleet->list_domains({ all => 1 })->[0] }, scalar keys %{ $fleet->list_domains(all => 1)->[0] },
        'and its list');
    isa_ok(VKVM::EventQueue->new({ capacity => 5 }), 'VKVM::EventQueue', 'a queue');
};

subtest 'a document is a hash, and then come arguments' => sub {
    my %network = (name => 'n', ip => { '@address' => '192.168.133.1', '@netmask' => '255.255.255.0' });
    ok(scalar $host->network->define(\%network), 'a hash where the command needs a document');
    ok(scalar $host->network->undefine('n'), 'it is there');
    ok(scalar $host->network->define({ file => \%network, raw => 0 }), 'a hash that has the document by its name');
    ok(scalar $host->network->undefine('n'), 'it is there');
    refused(sub { $host->network->define(\%network, { vlidate => 1 }) }, qr/\Aargs: define has no argument "vlidate"/,
        'arguments behind it');
    my ($made) = $host->snapshot->create('test', { xmlfile => { name => 's' } });
    ok($made, 'a document by its name, in a hash of arguments');
    refused(sub { $host->domain->save('test', '/nowhere', { bypas_cache => 1 }) }, qr/\Aargs: save has no argument "bypas_cache"/,
        'where a document may be left out, a hash is none');
};

# --- characters ------------------------------------------------------------------

subtest 'what the facade says is characters' => sub {
    my $name = 'grün€';
    my %said = (
        'libvirt'              => sub { $host->pool->info($name) },
        'an unknown argument'  => sub { $host->pool->info('x', { $name => 1 }) },
        'an unknown command'   => sub { $host->call("pool.$name") },
        'an unknown parameter' => sub { VKVM::Host->new($name => 1) },
        'a host'               => sub { VKVM::Host->new(uri => "test:///$name.xml") },
        'from_xml'             => sub { VKVM::from_xml("<$name></a>") },
        'to_xml'               => sub { VKVM::to_xml({ "$name b" => 1 }) },
    );
    for my $what (sort keys %said) {
        my $error = thrown { $said{$what}->() };
        like($error->message, qr/\Q$name\E/, $what);
        like("$error",        qr/\Q$name\E/, "$what: as text");
    }
    is((thrown { VKVM::Host->new($name => 1) })->parameter, $name, 'the parameter');
    my (undef, undef, $said) = $host->pool->start($name);
    like($said, qr/\Q$name\E/, 'what virsh would say');
};

subtest 'what the methods of Sys::Virt say is bytes' => sub {
    my $name = 'grün€';
    utf8::encode(my $bytes = $name);
    my $error = thrown { VKVM->new(uri => $uri)->get_storage_pool_by_name($name) };
    like($error->message, qr/\Q$bytes\E/, 'the message');
};

# --- nothing is printed ----------------------------------------------------------

subtest 'a host whose file is not there' => sub {
    my $dir = tempdir(CLEANUP => 1);
    open my $file, '>', "$dir/host.xml" or die $!;
    print $file "<node><domain file='/nowhere.xml'/></node>";
    close $file or die $!;
    for my $missing ("test:///nowhere.xml", "test:/nowhere.xml", "test://$dir/host.xml", "test://$dir") {
        my ($status, $output, $errors) = run_perl('-M' . face_module(), '-e',
            'eval { ' . face() . '->new(uri => $ARGV[0]) }; print ref $@, " ", $@->code', $missing);
        is($errors, '', "$missing: nothing on standard error");
        like($output, qr/\A\Q@{[face()]}\E::Error (?:27|35|38)\z/, "$missing: libvirt's error");
    }
};

done_testing;
