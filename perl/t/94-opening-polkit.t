# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that asks polkit: what the error of opening advises, and its deadline. The message bus,
# polkit and its action are the test's own.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);
use TestVKVM;

use VKVM;

my ($polkitd) = grep { -x } '/usr/lib/polkit-1/polkitd', '/usr/libexec/polkitd';
my ($libvirtd, $bus) = map { my $name = $_; (grep { -x } map { "$_/$name" } qw(/usr/sbin /usr/bin))[0] } qw(libvirtd dbus-daemon);
plan(skip_all => 'only root can become another user, and has namespaces') if $>;
plan(skip_all => "there is no $_->[0] (Debian package $_->[1])")
  for grep { !$_->[2] } [ polkitd => 'polkitd', $polkitd ], [ libvirtd => 'libvirt-daemon', $libvirtd ], [ 'dbus-daemon' => 'dbus-daemon', $bus ];

my $actions = '/usr/share/polkit-1/actions';
my $dir     = tempdir(CLEANUP => 1);
chmod 0755, $dir or die $!;
my @children;

sub write_file {
    my ($name, $content) = @_;
    open(my $file, '>', "$dir/$name") or die "$dir/$name: $!";
    print {$file} $content;
    close $file or die $!;
    return "$dir/$name";
}

sub start {
    my (@command) = @_;
    my $pid = fork // die $!;
    if (!$pid) {
        $ENV{DBUS_SYSTEM_BUS_ADDRESS} = "unix:path=$dir/bus";
        $ENV{LIBVIRT_DRIVER_DIR}      = "$dir/drivers";
        open STDOUT, '>>', "$dir/output" or POSIX::_exit(1);
        open STDERR, '>&', \*STDOUT or POSIX::_exit(1);
        exec @command or POSIX::_exit(1);
    }
    push @children, $pid;
    return $pid;
}

sub stop {
    local $?;
    kill CONT => @children;
    while (my $pid = pop @children) {
        kill TERM => $pid;
        waitpid $pid, 0;
    }
    return;
}
END { stop() }

# Whether it comes to hold in time.
sub comes {
    my ($holds) = @_;
    for (1 .. 600) {
        return 1 if $holds->();
        sleep 0.05;
    }
    return 0;
}

# The output of what is called as a user that polkit knows nothing good of.
sub as_nobody {
    my ($code) = @_;
    my $pid = open(my $pipe, '-|') // die $!;
    if (!$pid) {
        my $ok = eval {
            ($(, $)) = (65534, 65534);
            ($<, $>) = (65534, 65534);
            my @said = $code->();
            syswrite STDOUT, join "\0", @said;
            1;
        };
        syswrite STDOUT, "died: $@" if !$ok;
        POSIX::_exit(0);
    }
    my $said = do { local $/; <$pipe> };
    close $pipe;
    return split /\0/, $said;
}

sub start_all {
    my ($allows) = @_;
    mkdir "$dir/actions";
    mkdir "$dir/drivers";
    unlink glob "$dir/actions/* $dir/bus $dir/libvirt-sock*";
    my $defaults = join '', map { "<allow_$_>$allows</allow_$_>" } qw(any inactive active);
    write_file('actions/org.libvirt.unix.policy', <<"END");
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD polkit Policy Configuration 1.0//EN" "http://www.freedesktop.org/software/polkit/policyconfig-1.dtd">
<policyconfig><action id="org.libvirt.unix.manage"><description>Manage</description><message>Manage</message>
<defaults>$defaults</defaults></action></policyconfig>
END
    write_file('bus.conf', <<"END");
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path=$dir/bus</listen><auth>EXTERNAL</auth><policy context="default">
<allow user="*"/><allow own="*"/><allow send_type="*"/><allow receive_type="*"/></policy></busconfig>
END
    write_file('libvirtd.conf', <<"END");
listen_tls = 0
listen_tcp = 0
auth_unix_rw = "polkit"
auth_unix_ro = "none"
unix_sock_dir = "$dir"
unix_sock_group = "root"
unix_sock_rw_perms = "0777"
log_outputs = "2:file:$dir/log"
END
    start($bus, "--config-file=$dir/bus.conf", '--nofork', '--nopidfile');
    comes(sub { -S "$dir/bus" }) or return;
    my $own_actions = 'mount --bind "$1" "$2" && exec "$3" --no-debug';
    my $polkit = start('unshare', '--mount', 'sh', '-c', $own_actions, 'sh', "$dir/actions", $actions, $polkitd);
    start($libvirtd, '--config', "$dir/libvirtd.conf", '--pid-file', "$dir/pid", '--timeout', '300');
    comes(sub { -S "$dir/libvirt-sock" && eval { VKVM->new(uri => uri() . "-ro", readonly => 1, timeout => 5) } }) or return;
    return $polkit;
}

sub uri { return "test+unix:///default?socket=$dir/libvirt-sock" }


sub is_denied {
    my ($what, $codes, $message) = @_;
    return subtest $what => sub {
        for my $limit ([], [ timeout => 60 ]) {
            my ($code, $said, $hint) = as_nobody(sub {
                my $error = thrown { VKVM->new(uri => uri(), @$limit) } or return 'it is open';
                return ($error->code, $error->message, $error->hint // 'none');
            });
            ok((grep { $code eq $_ } @$codes), "the code, @$limit") or diag "$code: $said";
            like($said, $message, "libvirt's message") or return;
            like($hint, qr/^polkit denies access to user \w+: join the group libvirt .* org\.libvirt\.unix\.manage/, 'the hint');
            unlike($hint, qr/\n|\.\z/, 'is one sentence');
        }
    };
}

start_all('auth_admin') or do {
    open(my $output, '<', "$dir/output");
    local $/;
    plan(skip_all => 'polkit does not start here: ' . (<$output> // ''));
};
# Until polkit has its name on the bus, another error comes.
comes(sub { (as_nobody(sub { thrown { VKVM->new(uri => uri()) }->message }))[0] =~ /org\.libvirt\.unix\.manage/ });
is_denied('a password that nobody can be asked for', [ VKVM::Error::ERR_AUTH_UNAVAILABLE, VKVM::Error::ERR_AUTH_CANCELLED ], qr/agent/);
is((as_nobody(sub { VKVM->new(uri => uri() . "-ro", readonly => 1)->get_domain_by_name('test')->get_name }))[0], 'test',
    'to read is allowed');

stop();
my $polkit = start_all('no');
comes(sub { (as_nobody(sub { thrown { VKVM->new(uri => uri()) }->message }))[0] =~ /denied/ });
is_denied('what the policy denies', [VKVM::Error::ERR_AUTH_FAILED], qr/denied/);

kill STOP => $polkit;
my ($code, $took) = as_nobody(sub {
    my ($begin, @all) = (time);
    for (1 .. 5) {
        $begin = time;
        my $error = thrown { VKVM->new(uri => uri(), timeout => 0.3) };
        push @all, time - $begin;
        return ($error->code, $all[-1]) if $all[-1] < 0.4 || @all == 5;
    }
});
is($code, VKVM::Error::OWN_TIMEOUT, 'a polkit that does not answer');
cmp_ok($took, '<', 0.4, 'within 100 ms of the deadline');
done_testing;
