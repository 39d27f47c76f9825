# SPDX-License-Identifier: LGPL-2.1-or-later
# The command vkvm: each way to call it, compared with what the library answers.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Errno qw(ENOSPC);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Open3 qw(open3);
use JSON::PP;
use Pod::Checker;
use Test::More;
use TestBed;
use TestVKVM;
use Tmux;
use Time::HiRes qw(time);

use VKVM;

my $tmp  = tempdir('vkvm-command-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $test = 'test:///default';
my @perl = ($^X, map { "-I$_" } @INC);
my $vkvm = "$FindBin::Bin/../bin/vkvm";

# Starts the command; its standard error goes to a file.
sub start {
    my (@words) = @_;
    open my $err, '>', "$tmp/stderr" or die "cannot write $tmp/stderr: $!\n";
    my $pid = open3('<&' . fileno STDIN, my $out, '>&' . fileno $err, @perl, $vkvm, @words);
    return ($pid, $out);
}

# What the command prints, on standard output and standard error, and its exit status.
sub run {
    my (@words) = @_;
    my ($pid, $out) = start(@words);
    my $text = do { local $/; <$out> } // '';
    waitpid $pid, 0;
    my $status = $? >> 8;
    open my $err, '<', "$tmp/stderr" or die "cannot read $tmp/stderr: $!\n";
    return ($text, do { local $/; <$err> } // '', $status);
}

# A listener that accepts, and never answers.
sub silent {
    return IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1') // die "cannot listen: $!\n";
}

sub uri_of { return 'test+tcp://127.0.0.1:' . $_[0]->sockport . '/default' }

my $host = VKVM::Host->new(uri => $test);
my $dead = 'test+tcp://127.0.0.1:1/default';

# A bar that is full.
my $BAR = '#{40}';

subtest 'one host' => sub {
    is_deeply([ run('-c', $test, 'hypervisor.uri') ], [ "$test\n", '', 0 ], 'a text is printed as it is');
    my ($out, $err, $status) = run('-c', $test, 'list-domains', '--all');
    is($out, "NAME  ID  STATE\ntest  1   running\n", 'a list is a table');
    is("$err$status", '0', 'nothing else is said');
    my $info = $host->call('domain.info', ['test']);
    ($out) = run('-c', $test, 'domain.info', 'test');
    my %shown = map { /(\S+)\s*(.*)/ } split /\n/, $out;
    is_deeply([ sort keys %shown ], [ sort keys %$info ], 'facts are a table of names and values');
    is($shown{uuid}, $info->{uuid}, 'with their values');
    ($out) = run('-c', $test, 'domain.info', '--domain', 'test', '--raw');
    like($out, qr/^max_memory\s+8589934592$/m, '--raw gives numbers');
    ($out) = run('-c', $test, 'domain.conf', 'test');
    is($out, VKVM::to_xml('domain', $host->call('domain.conf', ['test'])), 'a document is XML');
    like($out, qr/\A<domain /, 'with its root');
    ($out, $err, $status) = run('-c', $test, 'domain.start', 'test');
    is("$out|$err|$status", "|vkvm: error: Domain is already active\n|1", 'what virsh would say is on standard error');
    local $ENV{LIBVIRT_DEFAULT_URI} = $test;
    is((run('hypervisor.uri'))[0], "$test\n", 'without a host it is the default one');
};

subtest 'JSON' => sub {
    my ($out) = run('--json', '-c', $test, 'list_domains', '--all');
    my $name = VKVM->new(uri => $test)->get_hostname;
    is_deeply(decode_json($out), { uri => $test, host => $name, result => $host->call('list_domains', { all => 1 }) },
        'a query');
    ($out) = run('-c', $test, 'domain.start', 'test', '--json');
    is_deeply(decode_json($out), { uri => $test, host => $name, ok => JSON::PP::false, stdout => '', stderr => 'error: Domain is already active' },
        'a change, with the option at the end');
};

subtest 'several hosts' => sub {
    open my $file, '>', "$tmp/hosts" or die "cannot write $tmp/hosts: $!\n";
    print {$file} "# hosts\n$test\n\n$dead   # down\n";
    close $file;
    my $name = VKVM->new(uri => $test)->get_hostname;
    my ($out, $err, $status) = run('--hosts', "$tmp/hosts", 'list_domains');
    is($out, sprintf("%-*s  NAME  ID  STATE\n%s  test  1   running\n", length $name, 'HOST', $name), 'a column has the host')
      if length $name >= 4;
    like($err, qr/\Avkvm: \Q$dead\E: .*refused/, 'the one that fails is named');
    is($status, 1, 'and the status says it');
    my $silent = silent();
    my $begun  = time;
    ($out, $err, $status) = run('-t', 4, '-c', uri_of($silent), '-c', $test, 'hypervisor.uri');
    like($err, qr/not opened within 4000 ms/, 'one that does not answer is, too');
    cmp_ok(time - $begun, '<', 7.5, 'after the timeout, not after twice that');
    like($out, qr/ \Q$test\E\n\z/, 'and the other answers');
    my $other = "test://$FindBin::Bin/data/host.xml";
    ($out) = run('-c', $test, '-c', $other, 'hypervisor.uri');
    is($out, join('', map { sprintf "%-*s  %s\n", length $other, $_, $_ } $test, $other), 'two on the same machine are called by their URIs');
    ($out) = run('--json', '-c', $test, '-c', $dead, 'hypervisor.uri');
    my @lines = map { decode_json($_) } split /\n/, $out;
    is($lines[0]{result}, $test, 'JSON: the answer of the first');
    is_deeply([ sort keys %{ $lines[1]{error} } ], [qw(code message)], 'and the error of the second');
};

subtest 'names with any characters' => sub {
    open my $file, '>', "$tmp/host.xml" or die "cannot write $tmp/host.xml: $!\n";
    print {$file} map { "$_\n" } '<node>',
      (map { "<domain type='test'><name>$_</name><memory>1</memory><os><type>hvm</type></os></domain>" } "\xC3\xA4&#x9b;1m", 'b&#10;c'),
      '</node>';
    close $file;
    my @host = ('-c', "test://$tmp/host.xml");
    my ($out, $err) = run(@host, 'list_domains');
    is($out, "NAME  ID  STATE\nb?c   2   running\n\xC3\xA4?1m  1   running\n", 'a table shows no control characters');
    ($out, $err) = run(@host, 'top', '--count', 1);
    like($out, qr/ running +\xC3\xA4\?1m +/, 'nor does top, which knows UTF-8');
    ($out, $err) = run(@host, 'domain.start', "x\e[31m");
    unlike($err, qr/\e/, 'nor do messages');
};

subtest 'wrong usage' => sub {
    open my $file, '>', "$tmp/binary" or die "cannot write $tmp/binary: $!\n";
    print {$file} "\xEF\xBB\xBF# hosts\n$test\n\xFF\xFE\n";
    close $file;
    for my $wrong (
        [ [],                                            qr/a command is missing/ ],
        [ ['--nosuch'],                                  qr/there is no option "--nosuch"/ ],
        [ ['domain.strat'],                              qr/there is no command "domain.strat"; there are domain\./ ],
        [ ['start'],                                     qr/there is no command "start"; there are .*domain\.start/ ],
        [ [ '-c', $test, 'list_domains', '--nosuch' ],   qr/list_domains has no argument "--nosuch"; it has --/ ],
        [ [ '-c', $test, 'domain.info' ],                qr/domain/ ],
        [ [ '-c', $test, 'list_domains', '--all=1' ],    qr/--all takes no value/ ],
        [ [ '-c', $test, 'domain.info', '--domain' ],    qr/--domain needs a value/ ],
        [ [ '--timeout', 'soon', 'list_domains' ],       qr/--timeout is "soon"/ ],
        [ [ '--hosts', '/nonexistent', 'list_domains' ], qr{cannot read /nonexistent} ],
        [ [ 'completion', 'fish' ],                      qr/bash or zsh/ ],
        [ [ 'exporter', '--listen', 'here' ],            qr/HOST:PORT/ ],
        [ [ 'exporter', '--listen', '127.0.0.1:99999' ], qr/HOST:PORT/ ],
        [ [''],                                          qr/there is no command ""; "vkvm help" lists all\n\z/ ],
        [ ['.'],                                         qr/there is no command "[.]"; "vkvm help" lists all\n\z/ ],
        [ [ '--hosts', "$tmp/binary", 'list_domains' ],  qr{\Q$tmp\E/binary, line 3: neither a URI nor an alias\n\z} ],
      )
    {
        my ($words, $message) = @$wrong;
        my ($out, $err, $status) = run(@$words);
        like($err, qr/\Avkvm: .*$message/, "vkvm @$words: says what is wrong");
        is("$out$status", '2', "vkvm @$words: status 2");
    }
};

subtest 'help' => sub {
    my $checker = Pod::Checker->new(-quiet => 1);
    $checker->parse_from_file($vkvm, \my $unused);
    is($checker->num_errors, 0, 'the manual has no errors');
    my ($out, $err, $status) = run('help');
    my @missing = grep { $out !~ /^  \Q$_\E /m } keys %{ VKVM::Host->commands->{commands} };
    is_deeply(\@missing, [], 'every command is in the list');
    is("$err$status", '0', 'which is no error');
    ($out) = run('help', 'pool.info');
    like($out, qr/\Avkvm pool\.info POOL .*^  --pool STRING /ms, 'a command is explained with its arguments');
    like($out, qr/^The result is a map\.$/m, 'and its result');
    like($out, qr/^Its keys, in an example: name, uuid, state, .*[.]$/m, 'with its keys');
    for my $about (grep { @{ $_->{keys} } } values %{ VKVM::Host->commands->{commands} }) {
        my $name = $about->{object} eq '' ? $about->{name} : "$about->{object}.$about->{name}";
        my ($said) = (run('help', $name))[0] =~ /^(?:Its keys|The keys of each entry), in an example: (.*?)[.]$/ms;
        is($said =~ s/\s+/ /gr, join(', ', map { s/\A[*][.]//r } @{ $about->{keys} }), "all keys of $name");
    }
    my $found = VKVM::Host->new(uri => $test)->hypervisor->nodeinfo;
    is_deeply([ sort @{ VKVM::Host->commands->{commands}{'hypervisor.nodeinfo'}{keys} } ], [ sort keys %$found ], 'which are those of a result');
    ($out) = run('help', 'list_domains');
    like($out, qr/^  --id +No effect; ids are always there[.]$/m, 'what an argument does not do');
    unlike($out, qr/^  --table/m, 'what is an option of the program is not explained as an argument');
    for my $name (sort keys %VKVM::Command::Table::OWN) {
        ($out) = run('help', $name);
        my @unexplained = grep { $out !~ /^  --\Q$_\E .*[.]$/m } keys %{ $VKVM::Command::Table::OWN{$name}{options} };
        is_deeply(\@unexplained, [], "the options of $name are explained");
    }
    my %results = map { $_->{result} => "$_->{object}.$_->{name}" =~ s/\A[.]//r } values %{ VKVM::Host->commands->{commands} };
    is_deeply([ grep { (run('help', $results{$_}))[0] !~ /^The result is /m } sort keys %results ], [], 'each kind of result');
    like((run('help', 'net'))[0], qr/\ANetwork\n  network\./, 'the commands of an object, by another name of it');
    like((run('--version'))[0], qr/\Avkvm [0-9]+[.][0-9]+[.][0-9]+\n\z/, 'the version');
};

subtest 'completion' => sub {
    my ($script) = run('completion', 'bash');
    open my $file, '>', "$tmp/completion" or die "cannot write $tmp/completion: $!\n";
    print {$file} $script;
    close $file;
    my $complete = sub {
        my (@words) = @_;
        open my $bash, '-|', 'bash', '-euc', <<'END', 'bash', "$tmp/completion", @words or die "cannot run bash: $!\n";
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_vkvm || :
printf '%s\n' "${COMPREPLY[@]}"
END
        chomp(my @words_found = <$bash>);
        close $bash;
        return [ sort @words_found ];
    };
    is_deeply($complete->(qw(vkvm network.upd)), ['network.update'], 'a command');
    is_deeply($complete->(qw(vkvm net.upd)), ['net.update'], 'with another name of its object');
    is_deeply($complete->(qw(vkvm network.update --sect)), ['--section'], 'an argument of it');
    is_deeply($complete->(qw(vkvm net.update --sect)), ['--section'], 'also with that name');
    is_deeply($complete->(qw(vkvm -c x exp)), ['exporter'], 'one of the program, after an option');
    is_deeply($complete->(qw(vkvm -c test : ///default network.upd)), ['network.update'], 'after a URI, which bash takes apart');
    is_deeply($complete->(qw(vkvm list-pool)), ['list_pools'], 'a command with - in its name');
    is_deeply($complete->(qw(vkvm top --sort = me)), ['memory'], 'a word after --NAME=');
    is_deeply($complete->(qw(vkvm watch --al)), ['--all'], 'an argument of one of the program');
    is_deeply($complete->(qw(vkvm list_domains --with_s)), ['--with_snapshot'], 'an argument');
    is_deeply($complete->('vkvm', 'domain.start', ''), [''], 'no file where a domain is wanted');
    is_deeply($complete->('vkvm', 'domain.define', $tmp), [$tmp], 'a file where a document is');
    is_deeply($complete->(qw(vkvm --js)), ['--json'], 'an option');
    is_deeply($complete->(qw(vkvm completion b)), ['bash'], 'a shell');
    my ($with_words) = grep { $_->[1]{words}[0] && !grep { /\s/ } @{ $_->[1]{words} } }
      map { my $c = $_; map { [ $c->{object} ? "$c->{object}.$c->{name}" : $c->{name}, $_ ] } @{ $c->{arguments} } }
      map { VKVM::Host->commands->{commands}{$_} } sort keys %{ VKVM::Host->commands->{commands} };
    is_deeply($complete->('vkvm', $with_words->[0], "--$with_words->[1]{name}", ''), [ sort @{ $with_words->[1]{words} } ],
        "the words of --$with_words->[1]{name}");
    is(system('bash', '-n', "$tmp/completion"), 0, 'the script is one for bash');
};

# In a terminal of zsh's own, which waits until a line has become the one that is wanted.
subtest 'completion in zsh' => sub {
    plan(skip_all => 'zsh is not installed') if system('zsh -fc true >/dev/null 2>&1') != 0;
    my ($out) = run('completion', 'zsh');
    open my $file, '>', "$tmp/completion.zsh" or die "cannot write $tmp/completion.zsh: $!\n";
    print $file $out;
    close $file or die "cannot write $tmp/completion.zsh: $!\n";
    open $file, '>', "$tmp/terminal.zsh" or die "cannot write $tmp/terminal.zsh: $!\n";
    print $file <<'END';
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "autoload -U compinit && compinit -u -D; source $1; echo LOA''DED"
zpty -r -m z out '*LOADED*'
zpty -w -n z "$2"$'\t'
zpty -r -m z out "*$3*"
zpty -d z
END
    close $file or die "cannot write $tmp/terminal.zsh: $!\n";
    my @lines = (
        [ 'vkvm network.upd',                 'network.update' ],
        [ 'vkvm -c test:///default exp',      'exporter' ],
        [ 'vkvm network.update --sect',       '--section' ],
        [ 'vkvm top --sort me',               'memory' ],
        [ "vkvm domain.define $tmp/terminal", "$tmp/terminal.zsh" ],
    );
    for my $line (@lines) {
        my ($typed, $wanted) = @$line;
        my $status = system('timeout', 60, 'zsh', '-f', "$tmp/terminal.zsh", "$tmp/completion.zsh", $typed, $wanted);
        is($status, 0, "$typed is completed to $wanted");
    }
};

subtest 'metrics' => sub {
    my ($out, $err, $status) = run('-c', $test, 'metrics', '--format', 'prometheus');
    like($out, qr/^libvirt_up\{host="[^"]+"\} 1$/m, 'the text');
    is("$err$status", '0', 'all is well');
    is((run('-c', $test, 'metrics', '--format', ''))[2], 2, 'a format without a name is wrong usage');
    is((run('-t', '.5', '-c', $test, 'metrics'))[2], 0, 'a timeout may begin with its point');
    ($out, $err, $status) = run('-c', $dead, 'metrics');
    like($out, qr/^libvirt_up\{host="127.0.0.1:1"\} 0$/m, 'a host that is down is in the text');
    like($err, qr/\Q$dead\E: .*refused/, 'and why');
    is($status, 1, 'and the status says it');
};

subtest 'watch' => sub {
    my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
    my ($pid, $out) = start('-c', $bed->{URI_UNIX}, '--json', 'watch', '--count', 2);
    my $first = decode_json(scalar <$out>);
    is("$first->{class} $first->{event}", 'conn opened', 'the host is open');
    is($first->{uri}, $bed->{URI_UNIX}, 'which it names');
    my $dom = VKVM->new(uri => $bed->{URI_UNIX})->get_domain_by_name('test');
    $dom->suspend;
    $dom->resume;
    my @events = map { decode_json($_) } <$out>;
    waitpid $pid, 0;
    is($?, 0, 'it ends after two events');
    is_deeply([ map { "@$_{qw(class name event detail)}" } @events ],
        [ 'domain test suspended paused', 'domain test resumed unpaused' ], 'which it tells in words');
    is_deeply([ map { "@$_{qw(uri host)}" } @events ], [ ("@$first{qw(uri host)}") x 2 ], 'of that host');
    is($events[0]{uuid}, $dom->get_uuid_string, 'with the uuid');
    my $second = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
    for my $how ([], ['--changes']) {
        ($pid, $out) = start((map { ('-c', $_->{URI_UNIX}) } $bed, $second), 'watch', @$how, '--count', 1);
        my @begun = map { scalar <$out> } 1 .. 2;
        like("@begun", qr/ \Q$_->{URI_UNIX}\E /, "watch @$how: hosts of one name are called by their URIs") for $bed, $second;
        # No resume yet: what is as before when its host is asked is no change.
        $dom->suspend;
        my $line = <$out>;
        like($line, qr/\Q$bed->{URI_UNIX}\E domain test /, 'also in what happens');
        waitpid $pid, 0;
        $dom->resume;
    }
    my $status = system 'sh', '-c', 'exec "$@" >/dev/full 2>/dev/null', 'sh', @perl, $vkvm, '-c', $bed->{URI_UNIX}, 'watch';
    is($status >> 8, 1, 'it ends where nothing can be written');
    like($events[0]{time}, qr/\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'and the time');
};

subtest 'watch --changes' => sub {
    my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
    my $dom = VKVM->new(uri => $bed->{URI_UNIX})->get_domain_by_name('test');
    my ($pid, $out) = start('-c', $bed->{URI_UNIX}, '--json', 'watch', '--changes', '--count', 2);
    my $first = decode_json(scalar <$out>);
    is_deeply([ @$first{qw(kind change uri)} ], [ 'host', 'up', $bed->{URI_UNIX} ], 'the host is up');
    $dom->suspend;
    my $suspended = decode_json(scalar <$out>);
    $dom->resume;
    my ($resumed) = map { decode_json($_) } <$out>;
    waitpid $pid, 0;
    is($?, 0, 'it ends after two changes');
    is_deeply([ @$suspended{qw(kind name change uuid host)} ],
        [ 'domain', 'test', 'changed', $dom->get_uuid_string, $first->{host} ], 'a domain has changed');
    is_deeply([ map { "$_->{before}{state} $_->{after}{state}" } $suspended, $resumed ],
        [ 'running paused', 'paused running' ], 'as it was and as it is');

    ($pid, $out) = start('-c', $bed->{URI_UNIX}, 'watch', '--changes', '--count', 1);
    like(scalar <$out>, qr/ host up$/, 'as text');
    $dom->suspend;
    like(scalar <$out>, qr/ domain test changed (?:reason: \S+ -> user, )?state: running -> paused$/, 'a change');
    waitpid $pid, 0;
    $dom->resume;
    is((run('-c', $test, 'watch', '--changes', '--all'))[2], 2, '--all besides is wrong usage');

    my $silent = silent();
    ($pid) = start('-t', 600, '-c', uri_of($silent), '-c', $test, 'watch', '--changes');
    my $asked = $silent->accept;
    kill INT => $pid;
    waitpid $pid, 0;
    is($?, 0, 'a signal ends it while it waits for a host');
};

subtest 'nowhere to write' => sub {
    alarm 300;    # what does not end would never fail
    for my $command (['watch'], [ 'watch', '--changes' ], [ 'top', '--count', 1 ]) {
        open my $err, '>', "$tmp/stderr" or die "cannot write $tmp/stderr: $!\n";
        open my $full, '>', '/dev/full' or die "cannot open /dev/full: $!\n";
        my $pid = open3('<&' . fileno STDIN, '>&' . fileno $full, '>&' . fileno $err, @perl, $vkvm, '-c', $test, @$command);
        waitpid $pid, 0;
        is($? >> 8, 1, "@$command ends");
        open $err, '<', "$tmp/stderr" or die "cannot read $tmp/stderr: $!\n";
        is(scalar <$err>, 'vkvm: standard output: ' . do { local $! = ENOSPC; "$!" } . "\n", 'and says why');
    }
    alarm 0;
};

subtest 'top' => sub {
    my ($out, $err, $status) = run('-c', $test, '-c', $dead, 'top', '--count', 2, '--delay', '0.1', '--plot', "$tmp/plot.svg");
    my $turn = qr/1 of 2 hosts, 1 domains run, .*\n\Q$dead\E: .*refused.*\n +%CPU .*\n.* running +test +\S+\n/;
    like($out, qr/\A$turn$turn\z/, 'without a terminal each turn is printed, with the host that is down');
    is("$err$status", '1', 'whose failure the status says');
    open my $plot, '<', "$tmp/plot.svg" or die "no plot: $!\n";
    like(do { local $/; <$plot> }, qr{\A<svg .*>100 %|>1 %<.*</svg>\n\z}s, 'a picture with axes');
    for my $wrong ([ '--delay', 0 ], [ '--sort', 'x' ], [ '--plot', 'x.gif' ], [ '--count', 'all' ]) {
        is((run('-c', $test, 'top', @$wrong))[2], 2, "top @$wrong is wrong usage");
    }

    SKIP: {
        if (!eval { require Cairo; 1 }) {
            like((run('-c', $test, 'top', '--plot', "$tmp/plot.png"))[1], qr/libcairo-perl/, 'a PNG needs Cairo');
            skip('libcairo-perl is not installed', 1);
        }
        ($out, $err, $status) = run('-c', $test, 'top', '--count', 2, '--delay', '0.1', '--plot', "$tmp/plot.png");
        is("$err$status", '0', 'a PNG');
        my $image = Cairo::ImageSurface->create_from_png("$tmp/plot.png");
        is(join('x', $image->get_width, $image->get_height), '900x420', 'which is a picture');
        my ($data, $stride) = ($image->get_data, $image->get_stride);
        my $colours = sub {
            my ($left, $right, $top, $bottom) = @_;
            my %found = map { $_ => 1 } map { unpack '(a3x)*', substr $data, $_ * $stride + 4 * $left, 4 * ($right - $left) } $top .. $bottom;
            return scalar keys %found;
        };
        cmp_ok($colours->(0, 66, 0, 419), '>', 4, 'with letters');
        cmp_ok($colours->(65, 80, 30, 100), '>', 1, 'an axis');
        is($colours->(80, 610, 30, 100), 1, 'and nothing between two lines');
    }

    my $silent = silent();
    my ($pid)  = start('-t', 600, '-c', uri_of($silent), 'top');
    my $asked  = $silent->accept;
    kill INT => $pid;
    waitpid $pid, 0;
    is($?, 0, 'a signal ends it while it waits for a host');

    # In a terminal of 80 columns.
    plan(skip_all => 'tmux is not installed (Debian package tmux)') if !Tmux->is_here;
    my @command  = (@perl, $vkvm, '-c', $test, 'top', '--delay', '0.2');
    my $terminal = Tmux->start("$tmp/tmux", @command);
    ok($terminal->shows(qr/1 of 1 hosts.*running +test .*q ends/s), 'a screen with the domain and the keys');
    $terminal->run('send-keys', 'h');
    ok($terminal->shows(qr/\S+: 1 domains, CPU/), 'h groups by host');
    $terminal->run('resize-window', '-x', 60, '-y', 10);
    ok($terminal->shows(qr/\A1 of 1 hosts(?:.*\n){10}\z/), 'it fits another size');
    $terminal->run('resize-window', '-x', 80, '-y', 24);
    $terminal->run('send-keys', 'q');
    ok($terminal->shows(qr/running +test .*status 0/s), 'q ends it, and the last turn stays');

    my $listener = silent();
    # A socket of its own, for the first one may not have ended yet.
    $terminal = Tmux->start("$tmp/tmux2", @command, '-t', 1, '-c', uri_of($listener));
    ok($terminal->shows(qr/1 of 2 hosts.*q ends/s), 'a host that takes longer than a turn');
    $terminal->run('send-keys', 'q');
    ok($terminal->shows(qr/status 1/), 'keys are read nevertheless');
};

subtest 'progress of several hosts' => sub {
    my @beds = map { TestBed->daemon('qemu-daemon') // plan(skip_all => TestBed->reason) } 1 .. 2;
    my @names;
    for my $bed (@beds) {
        my $at = VKVM::Host->new(uri => $bed->{URI});
        $at->pool->create_as('p', 'dir', target => "$bed->{DIR}/p", build => 1);
        $at->volume->create_as('p', 'v', '16G', format => 'raw', allocation => 0);
        push @names, $at->get_conn->get_hostname;
    }
    my $size = 32 * 2**20;
    for (['data', $size], ['long', 2**34]) {
        my ($name, $length) = @$_;
        open my $file, '>', "$tmp/$name" or die "cannot write $tmp/$name: $!\n";
        truncate $file, $length or die "cannot write $tmp/$name: $!\n";
        close $file or die "cannot write $tmp/$name: $!\n";
    }
    my @hosts  = map { ('-c', $_) } map { $_->{URI} } @beds;
    my @upload = ('volume.upload', 'v', "$tmp/data", 'p');
    my ($out, $err, $status) = run(@hosts, '-c', $test, @upload);
    is($status, 1, 'a host has no such pool');
    like($err, qr/^\Q$_\E: 100 %$/m, 'without a terminal there are plain lines') for @names;
    my ($own) = $err =~ /^(\S+): failed$/m;
    like($err, qr/^vkvm: \Q$own\E: error: /m, 'also of one that fails');
    unlike($err, qr/[\r\e]/, 'which are only text');
    is((run('-q', @hosts, @upload))[1], '', 'or none');

    plan(skip_all => 'tmux is not installed (Debian package tmux)') if !Tmux->is_here;
    my $terminal = Tmux->start("$tmp/tmux-bars", @perl, $vkvm, @hosts, '-c', $test, '-c', $dead, @upload);
    my $lines = join '\n', map { "\Q$_\E +\\[$BAR] 100 %" } @names;
    ok($terminal->shows(qr/\A$lines\n\Q$own\E +\[ {40}\] failed\n/), 'in a terminal each host has one line');
    ok($terminal->shows(qr/^\Q@{[ substr $dead, 0, 20 ]}\E\S* +\[ {40}\] failed\n/m), 'also one whose name is cut for that');
    ok($terminal->shows(qr/^status 1$/m), 'and the command ends');

    $terminal = Tmux->start("$tmp/tmux-stop", @perl, $vkvm, @hosts, 'volume.upload', 'v', "$tmp/long", 'p');
    ok($terminal->shows(qr/\A\Q$names[0]\E +\[.* [1-9]\d* %\n\Q$names[1]\E +\[.* [1-9]\d* %\n\n/), 'both are at work');
    $terminal->run('send-keys', 'C-c');
    ok($terminal->shows(qr/^\Q$names[0]\E +\[.*failed\n\Q$names[1]\E +\[.*failed\n/m), '^C cancels on both');
};

# The port that an exporter says it serves on.
sub port_said {
    for (1 .. 600) {
        open my $err, '<', "$tmp/stderr" or die "cannot read $tmp/stderr: $!\n";
        my ($port) = do { local $/; <$err> // '' } =~ /on port (\d+)/;
        return $port if $port;
        select undef, undef, undef, 0.1;
    }
    die "the exporter does not say its port\n";
}

subtest 'exporter' => sub {
    need_module('Mojolicious', 'libmojolicious-perl');
    my $listener = silent();
    my $silent   = uri_of($listener);
    my ($pid) = start('-t', 5, (map { ('-c', $_) } $test, $dead, $silent), 'exporter', '--listen', '127.0.0.1:0');
    my $port = port_said();
    my $http = HTTP::Tiny->new(timeout => 60);
    my $get  = sub { return $http->get("http://127.0.0.1:$port$_[0]", { headers => $_[1] // {} }) };
    is($get->('/healthz')->{content}, "ok\n", 'it is healthy');
    my $answer = $get->('/metrics');
    is($answer->{status}, 200, 'the metrics, though a host is down');
    like($answer->{content}, qr/^libvirt_up\{host="127.0.0.1:1"\} 0$/m, 'which they say');
    like($answer->{headers}{'content-type'}, qr{\Atext/plain; version=0.0.4}, 'in the format that everybody knows');
    $answer = $get->('/metrics', { Accept => 'application/openmetrics-text; version=1.0.0,*/*;q=0.1' });
    like($answer->{headers}{'content-type'}, qr{\Aapplication/openmetrics-text; version=1}, 'or in OpenMetrics');
    like($answer->{content}, qr/\n# EOF\n\z/, 'whose text is whole');
    $get->('/metrics', { 'X-Prometheus-Scrape-Timeout-Seconds' => $_ }) for 1.5, 2, '1.5.2';
    is($get->('/nosuch')->{status}, 404, 'other pages are not there');
    kill TERM => $pid;
    waitpid $pid, 0;
    is($?, 0, 'it ends when it is told to');
    open my $err, '<', "$tmp/stderr" or die "cannot read $tmp/stderr: $!\n";
    my @said = <$err>;
    is(scalar(grep { /\Q$dead\E/ } @said), 1, 'a failure is told once');
    is(scalar(grep { /\Q$silent\E/ } @said), 1, 'also where the time is another one');
    is(@said, 3, 'nothing else is said');
};

subtest 'exporter of an inventory' => sub {
    need_module('Mojolicious', 'libmojolicious-perl');
    my ($pid) = start('-t', 5, '-c', $test, '-c', $dead, 'exporter', '--inventory', '--listen', '127.0.0.1:0');
    my $port = port_said();
    my $answer = HTTP::Tiny->new(timeout => 60)->get("http://127.0.0.1:$port/metrics");
    is($answer->{status}, 200, 'the metrics');
    like($answer->{content}, qr/^libvirt_domain_info_state\{.*domain="test".*\} 1$/m, 'have what is known');
    like($answer->{content}, qr/^libvirt_up\{host="127.0.0.1:1"\} 0$/m, 'and what is not');
    is(() = $answer->{content} =~ /^libvirt_inventory_age_seconds\{/mg, 1, 'with the age of the host that is up');
    kill TERM => $pid;
    waitpid $pid, 0;
    is($?, 0, 'it ends when it is told to');
    open my $err, '<', "$tmp/stderr" or die "cannot read $tmp/stderr: $!\n";
    is(scalar(grep { /\Q$dead\E/ } <$err>), 1, 'a failure is told');
};

done_testing;
