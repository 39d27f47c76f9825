# The host facade on libvirt's test driver: domains.

use strict;
use warnings;

use Test::More;

use VKVM;

my $host   = VKVM::Host->new(uri => 'test:///default');
my $domain = $host->domain;

sub works {
    my ($result, $out, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_deeply($result, [ 1, $out, '' ], $name);
}

sub fails {
    my ($result, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!$result->[0], "$name fails");
    return like($result->[2], $pattern, '... and says why');
}

sub refused {
    my ($code, $pattern, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    ok(!eval { $code->(); 1 }, "$name is refused");
    return like($@ && $@->message, $pattern, '... with a reason');
}

my $xml = {
    '@type' => 'test', name => 'd', memory => { '@unit' => 'MiB', '#text' => 64 },
    currentMemory => { '@unit' => 'MiB', '#text' => 64 }, vcpu => 2, os => { type => 'hvm' },
    devices => {
        disk => {
            '@type' => 'file', source => { '@file' => '/d.img' }, target => { '@dev' => 'vda' },
        },
        interface => {
            '@type' => 'network', source => { '@network' => 'default' },
            mac => { '@address' => '52:54:00:00:00:01' }, target => { '@dev' => 'vnet7' },
        },
    },
};
my $no_domain = qr/\Aerror: failed to get domain 'none'\z/;

subtest 'life cycle' => sub {
    works([ $domain->define($xml) ], q(Domain 'd' defined from document), 'define');
    fails([ $domain->define('<domain/>') ], qr/\Aerror: Failed to define domain from document\nerror: /, 'define');
    works([ $domain->start('d') ], q(Domain 'd' started), 'start');
    fails([ $domain->start('d') ], qr/\Aerror: Domain is already active\z/, 'start of what runs');
    works([ $domain->suspend('d') ], q(Domain 'd' suspended), 'suspend');
    is($domain->state('d'), 'paused', 'state');
    is($domain->state('d', reason => 1), 'paused (user)', '... with the reason');
    works([ $domain->resume('d') ], q(Domain 'd' resumed), 'resume');
    works([ $domain->reboot('d') ], q(Domain 'd' is being rebooted), 'reboot');
    fails([ $domain->reboot('d', 'kindly') ], qr/\Aerror: Unknown mode kindly value, expecting 'acpi'/, 'reboot');
    works([ $domain->reset('d') ], q(Domain 'd' was reset), 'reset');
    works([ $domain->inject_nmi('d') ], '', 'inject_nmi');
    works([ $domain->shutdown('d') ], q(Domain 'd' is being shutdown), 'shutdown');
    fails([ $domain->shutdown('d') ], qr/\Aerror: Failed to shutdown domain 'd'\nerror: /, '... again');
    fails([ $domain->start('d', paused => 1) ], qr/\Aerror: Failed to start domain 'd'\nerror: /, 'start, paused');
    $domain->start('d');
    works([ $domain->destroy('d') ], q(Domain 'd' destroyed), 'destroy');
    fails([ $domain->destroy('d') ], qr/\Aerror: Failed to destroy domain 'd'\nerror: /, '... again');
    works([ $domain->autostart('d') ], q(Domain 'd' marked as autostarted), 'autostart');
    works([ $domain->autostart('d', disable => 1) ], q(Domain 'd' unmarked as autostarted), '... not');
    fails([ $domain->pmsuspend('d', 'nowhere') ], qr/\Aerror: Invalid target\z/, 'pmsuspend');
    fails([ $domain->pmsuspend('d', 'mem') ], qr/\Aerror: Domain 'd' could not be suspended\n/, 'pmsuspend');
    fails([ $domain->pmwakeup('d') ], qr/\Aerror: Domain 'd' could not be woken up\n/, 'pmwakeup');
    $domain->start('d');
    works([ $domain->stop('d', timeout => 5) ], '', 'stop');
    is($domain->state('d'), 'shut off', '... and it is');
    fails([ $domain->undefine('d', nvram => 1, keep_nvram => 1) ],
        qr/\Aerror: Options --nvram and --keep-nvram are mutually exclusive\z/, 'undefine');
    fails([ $domain->undefine('d', storage => 'vdz') ],
        qr/\Aerror: Volume 'vdz' was not found in domain's definition[.]\z/, '... a disk that is not there');
    is_deeply(
        [ $domain->undefine('d', storage => 'vda') ],
        [
            0,
            "Domain 'd' has been undefined",
            "error: Storage volume 'vda'(/d.img) is not managed by libvirt. Remove it manually."
        ],
        '... with a disk of no pool'
    );
    works([ $domain->create($xml) ], q(Domain 'd' created from document), 'create');
    fails([ $domain->create($xml) ], qr/\Aerror: Failed to create domain from document\n/, 'create');
    fails([ $domain->create('/none') ], qr{\Aerror: Failed to open file '/none': No such}, 'create');
    fails([ $domain->$_('none', $_ eq 'pmsuspend' ? 'mem' : ()) ], $no_domain, $_)
      for qw(start suspend resume reboot reset inject_nmi shutdown destroy autostart pmsuspend pmwakeup stop
      undefine);
};

subtest 'facts' => sub {
    my $info = $domain->info('d');
    is_deeply([ @{$info}{qw(name os_type state cpus max_memory used_memory persistent autostart managed_save)} ],
        [ 'd', 'linux', 'running', 2, '65536 KiB', '65536 KiB', 0, 'disable', 0 ], 'info');
    like($info->{cpu_time}, qr/\A\d+[.]\ds\z/, '... times');
    is($info->{security_label}, 'libvirt-test (enforcing)', '... security');
    is($domain->info('d', raw => 1)->{max_memory}, 64 * 2**20, '... raw');
    is($domain->conf('d')->{devices}{disk}[0]{source}{'@file'}, '/d.img', 'conf: disks are a list');
    is($domain->conf('d', inactive => 1)->{name}, 'd', '... inactive');
    is($domain->control('d'), 'ok', 'control');
    my $uuid = $domain->uuid('d');
    is($domain->name($uuid), 'd', 'name and uuid');
    cmp_ok($domain->id('d'), '>', 1, 'id');
    is($domain->name($domain->id('d')), 'd', '... finds it');
    works([ $domain->desc('d', 'hello', 'world', live => 1) ],
        'Domain description updated successfully', 'desc');
    works([ $domain->desc('d', 'T', title => 1) ], 'Domain title updated successfully', '... of the title');
    is_deeply($domain->desc('d'), { description => 'hello world' }, '... tells it');
    is_deeply($domain->desc('d', title => 1), { title => 'T' }, '... and the title');
    fails([ $domain->desc('d', 'x', live => 1, current => 1) ],
        qr/Options --current and --live are mutually exclusive/, 'desc of two states');
    refused(sub { $domain->display('d') }, qr/No graphical display found/, 'display of none');
    refused(sub { $domain->ttyconsole('d') }, qr/no console/, 'ttyconsole of none');
    like($domain->time('d', raw => 1), qr/\A\d+\z/, 'time');
    like($domain->time('d'), qr/\A\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}\z/, '... as text');
    works([ $domain->time('d', now => 1) ], '', '... set');
    fails([ $domain->time('d', now => 1, sync => 1) ], qr/--now and --sync are mutually/, '... twice');
    refused(sub { $domain->$_('none') }, qr/Domain not found/, $_)
      for qw(info conf control uuid name id desc display ttyconsole time state);
};

done_testing;
