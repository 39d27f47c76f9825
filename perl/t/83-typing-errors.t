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

use VKVM;
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

my $wipe = qr/\Aargs: wipe has no argument "algoritm"; it has vol, pool, algorithm, raw\z/;
my $list = qr/\Aargs: list_domains has no argument "al"; it has inactive, all, /;
refused(sub { $host->volume->wipe('x', algoritm => 'dod') }, $wipe, 'a misspelt name');
refused(sub { $host->volume->wipe('x', { algoritm => 'dod' }) }, $wipe, 'in a hash');
refused(sub { $host->call('volume.wipe', { vol => 'x', algoritm => 'dod' }) }, $wipe, 'in call');
refused(sub { $host->list_domains({ al => 1 }) }, $list, 'of a list, in a hash');
refused(sub { $host->list_domains(al => 1) },
    qr/\Aargs: list_domains: "al" is no state and no argument; the states are no state, running, .*; the arguments are inactive, all, /,
    'of a list, as a pair');
refused(sub { $host->list_domains(states => ['runing']) }, qr/"runing" is no state .* the states are no state, running, /,
    'a state');
refused(sub { $host->virsh('nosuch') }, qr/\Aargs: there is no command that virsh calls "nosuch"; there are .*\bstart, /,
    'a command of virsh');
refused(sub { $host->virsh('') }, qr/\Aargs: there is no command that virsh calls ""/, 'no command of virsh');
refused(sub { $host->virsh('start', 'test', '--pausd') }, qr/\Aargs: start has no argument "pausd"; it has domain, /,
    'an option of virsh');
refused(sub { $host->virsh('dominfo', 'test') }, qr/\Aargs: "dominfo" gives a result with structure: call domain[.]info\z/,
    'a query of virsh');
refused(sub { VKVM->new(url => $uri) },
    qr/\Aurl: is no parameter of VKVM->new; it has uri, address, readonly, flags, auth, credlist and callback\z/,
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

subtest 'what is no misspelt name is a value' => sub {
    for my $pool (qw(default pool pools algorithms default-pool)) {
        my ($ok, undef, $said) = $host->volume->wipe('v', $pool);
        ok(!$ok, "one more argument, $pool");
        like($said, $pool eq 'default-pool' ? qr/failed to get vol 'v'/ : qr/failed to get pool '\Q$pool\E'/, 'is the pool');
    }
    my (undef, undef, $said) = $host->volume->wipe('v', 'mypool', 'dod');
    like($said, qr/failed to get pool 'mypool'/, 'two more, of which none is nearly a name');
};

# --- a hash at the end -----------------------------------------------------------

subtest 'named arguments in a hash' => sub {
    my %named = (all => 1, raw => 1);
    is_deeply($host->list_domains(\%named), $host->list_domains(%named), 'are as those in pairs');
    is_deeply(\%named, { all => 1, raw => 1 }, 'and are left as they are');
    is_deeply($host->pool->info('default-pool', { raw => 1 }), $host->pool->info('default-pool', raw => 1),
        'after a positional one');
    is_deeply($host->list_pools({}), $host->list_pools, 'none');
    is(ref(VKVM->new({ uri => $uri })), 'VKVM', 'a connection');
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
        my ($status, $output, $errors) = run_perl('-MVKVM', '-e',
            'eval { VKVM->new(uri => $ARGV[0]) }; print ref $@, " ", $@->code', $missing);
        is($errors, '', "$missing: nothing on standard error");
        like($output, qr/\AVKVM::Error (?:27|35)\z/, "$missing: libvirt's error");
    }
};

done_testing;
