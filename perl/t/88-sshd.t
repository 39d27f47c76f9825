# SPDX-License-Identifier: LGPL-2.1-or-later
# Connections over ssh to a real sshd on this machine: what works, what its errors advise, and
# its deadlines.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);
use TestBed;
use TestVKVM;

use VKVM;

sub missing { my ($what) = @_; return plan(skip_all => "$what (Debian packages openssh-server and openssh-client)") }

my ($sshd) = grep { -x } '/usr/sbin/sshd', '/sbin/sshd' or missing('there is no sshd');
my ($ssh)  = grep { -x } '/usr/bin/ssh', '/bin/ssh'     or missing('there is no ssh');
my $bed    = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
my $dir    = tempdir(CLEANUP => 1);
my $user   = getpwuid $>;

sub write_file {
    my ($name, $content, $mode) = @_;
    open(my $file, '>', "$dir/$name") or die "$dir/$name: $!";
    print {$file} $content;
    close $file or die $!;
    chmod $mode // 0600, "$dir/$name" or die $!;
    return "$dir/$name";
}

sub read_file { my ($name) = @_; open(my $file, '<', "$dir/$name") or return ''; local $/; return scalar <$file> }

# --- the server ------------------------------------------------------------------------------

my $port = do { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1, ReuseAddr => 1)->sockport };
for my $key (qw(host other key stranger)) {
    system('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', "$dir/$key") == 0 or die "ssh-keygen: $?";
}
write_file('authorized', read_file('key.pub'));
write_file('sshd_config', <<"END");
Port $port
ListenAddress 127.0.0.1
HostKey $dir/host
AuthorizedKeysFile $dir/authorized
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PidFile none
END

# Between ssh and the daemon's socket.
my $relay = write_relay("$dir/relay");

my $server;

sub start_sshd {
    $server = fork // die $!;
    if (!$server) {
        open STDERR, '>>', "$dir/log" or POSIX::_exit(1);
        exec $sshd, '-D', '-e', '-f', "$dir/sshd_config" or POSIX::_exit(1);
    }
    for (1 .. 600) {
        return 1 if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        return 0 if waitpid($server, POSIX::WNOHANG()) > 0;
        sleep 0.05;
    }
    return 0;
}

sub stop_sshd {
    kill CONT => $server;
    kill TERM => $server;
    return waitpid $server, 0;
}
END { local $?; stop_sshd() if $server && kill 0 => $server }

# It wants this directory where root starts it.
mkdir '/run/sshd' if !$>;
start_sshd() or plan(skip_all => 'sshd does not start here: ' . read_file('log'));

# --- the client --------------------------------------------------------------------------------

# An ssh that uses the test's own files, by its usual name.
sub use_client {
    my (%options) = @_;
    my %all = (
        HostName => '127.0.0.1', Port => $port, IdentityFile => "$dir/key", IdentitiesOnly => 'yes',
        UserKnownHostsFile => "$dir/known", GlobalKnownHostsFile => '/dev/null', IdentityAgent => 'none', %options
    );
    write_file('config', join '', "Host bed\n", map { "  $_ $all{$_}\n" } sort keys %all);
    return;
}
mkdir "$dir/bin" or die $!;
write_file('bin/ssh', "#!/bin/sh\nexec $ssh -F '$dir/config' \"\$@\"\n", 0755);
local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
my ($type, $key) = split ' ', read_file('host.pub');
write_file('known', "[127.0.0.1]:$port $type $key\n");
my ($other_type, $other_key) = split ' ', read_file('other.pub');
write_file('known-other', "[127.0.0.1]:$port $other_type $other_key\n");
use_client();

my $uri = "test+ssh://bed/default?netcat=$relay&socket=$bed->{SOCKET}";

sub children { return map { split } map { my $f; open($f, '<', $_) ? <$f> // '' : '' } glob '/proc/self/task/*/children' }

sub hints {
    my ($what, $hint, $message, @args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return subtest $what => sub {
        my $error = thrown { VKVM->new(uri => $uri, @args) };
        isa_ok($error, 'VKVM::Error', 'the exception') or return;
        like($error->hint,    $hint,    'its hint') or diag $error;
        like($error->message, $message, 'its message has what ssh says') or diag read_file('log');
        unlike($error->hint // '', qr/\n|\.\z/, 'the hint is one sentence');
    };
}

subtest 'what works' => sub {
    for my $limits ([], [ timeout => 60 ], [ timeout => 60, call_timeout => 60 ]) {
        my $conn = VKVM->new(uri => $uri, @$limits);
        is($conn->get_domain_by_name('test')->get_info->{state}, 1, "a connection with @$limits");
        is($conn->get_uri, $uri, 'its URI');
    }
} or diag read_file('log');

use_client(UserKnownHostsFile => '/dev/null');
hints('an unknown host', qr/^ssh does not know the key of bed, .* "ssh bed true"\z/, qr/Host key verification failed/);
use_client(UserKnownHostsFile => "$dir/known-other");
hints('a host with another key', qr/^ssh does not know the key of bed, or knows another one/, qr/Host key verification failed/);
use_client(IdentityFile => "$dir/stranger");
hints('a key that is refused', qr/^ssh runs in batch mode .* "ssh -o BatchMode=yes $user\@bed true" works/, qr/Permission denied \(publickey\)/,
    uri => $uri =~ s/bed/$user\@bed/r);
hints('the same within a timeout', qr/^ssh runs in batch mode/, qr/Permission denied/, timeout => 60);
use_client();
hints('no daemon behind it', qr/on the host the user needs the daemon's socket/, qr/no daemon/, uri => $uri =~ s/socket=.*/socket=$dir\/none/r);
hints('an unknown name', qr/^"no-such-host\.invalid" cannot be resolved/, qr/resolve/, uri => $uri =~ s/bed/no-such-host.invalid/r);

# Tries it several times: a busy machine may be late once.
sub in_time {
    my ($what, $code) = @_;
    return subtest $what => sub {
        my $before = () = children();
        my @late;
        for (1 .. 5) {
            my $begin = time;
            my $error = thrown { $code->() };
            push @late, time - $begin - 0.3;
            is(ref $error && $error->code, VKVM::Error::OWN_TIMEOUT, 'its code') or return diag($error // 'no exception');
            last if $late[-1] < 0.1;
        }
        cmp_ok((sort { $a <=> $b } @late)[0], '<', 0.1, 'within 100 ms');
        soon { !(() = VKVM::get_openings()) && children() <= $before } 'neither the opening nor ssh is left';
    };
}

{
    my $conn = VKVM->new(uri => $uri, timeout => 60);
    my ($domain) = $conn->list_all_domains;
    kill STOP => $server;
    in_time('an sshd that is stopped', sub { VKVM->new(uri => $uri, timeout => 0.3) });
    is($domain->get_info->{state}, 1, 'earlier connections go on');
    kill CONT => $server;

    kill STOP => $bed->{PID};
    in_time('a daemon behind it that is stopped', sub { VKVM->new(uri => $uri, timeout => 0.3) });
    $conn->set_call_timeout(0.3);
    my $error = thrown { $domain->get_info };
    is(ref $error && $error->code, VKVM::Error::OWN_TIMEOUT, 'and a call there');
    kill CONT => $bed->{PID};
    soon { $conn->get_calls->{abandoned} == 0 } 'the call ends';
}
ok(VKVM->new(uri => $uri, timeout => 60), 'afterwards it works');

stop_sshd();
hints('no sshd', qr/^ssh does not reach bed: check that sshd runs there/, qr/Connection refused/);

soon { VKVM::handle_count('conn') == 0 } 'no connection is left';
done_testing;
