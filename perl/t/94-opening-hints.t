# SPDX-License-Identifier: LGPL-2.1-or-later
# When a connection is not opened, the error says what to do, beside libvirt's message.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX ();
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $dir = tempdir(CLEANUP => 1);
my $failed = qr/authentication failed/;

# Checks the hint; libvirt's message is as it is without one.
sub hints {
    my ($what, $hint, $message, @args) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return subtest $what => sub {
        my $error = thrown { VKVM->new(@args) };
        isa_ok($error, 'VKVM::Error', 'the exception') or return;
        like($error->hint,    $hint,    'its hint');
        like($error->message, $message, 'its message is that of libvirt');
        like("$error", qr/\Q${\$error->message}; ${\$error->hint}\E\n\z/, 'as a string it has both');
        unlike($error->hint, qr/\n|\.\z/, 'the hint is one sentence');
    };
}

# A copy of a client's folder of certificates, without or with other files.
sub folder {
    my ($name, $from, %files) = @_;
    mkdir "$dir/$name" or die $!;
    for my $file (qw(cacert.pem clientcert.pem clientkey.pem)) {
        my $source = exists $files{$file} ? $files{$file} : "$from/$file";
        system('cp', $source, "$dir/$name/$file") == 0 or die "cp: $?" if defined $source;
    }
    return "$dir/$name";
}

hints('no socket', qr{^no daemon listens on $dir/none: start it}, qr/Failed to connect/,
    uri => "qemu+unix:///system?socket=$dir/none");
{
    my $error = -S '/var/run/libvirt/virtlxcd-sock' || -S '/var/run/libvirt/libvirt-sock';
  SKIP: {
        skip 'there is a daemon here', 1 if $error;
        hints('no daemon', qr/start libvirtd \(systemctl start libvirtd\.socket\) or the modular virtlxcd \(/,
            qr/Failed to connect/, uri => 'lxc:///system');
    }
}
hints('an unknown driver', qr/of libvirt \(bhyve, .*qemu.*\), such as qemu:/, qr/./, uri => 'quemu:///system');
hints('no URI',            qr/such as qemu:\/\/\/system/,                     qr/no connection driver/, uri => 'nonsense');
hints('an unknown name', qr/^"no-such-host\.invalid" cannot be resolved/, qr/resolve/i, uri => 'qemu+tcp://no-such-host.invalid/system');
hints('nobody listens', qr/^nothing listens on 127\.0\.0\.1:1: .*libvirtd-tcp\.socket.*listen_tcp = 1/, qr/refused/,
    uri => 'qemu+tcp://127.0.0.1:1/system');
hints('a missing authority', qr{^$dir/cacert\.pem is missing: .*clientcert\.pem}, qr/Cannot read CA|CA certificate/,
    uri => "qemu+tls://127.0.0.1/system?pkipath=$dir");
{
    open(my $file, '>', "$dir/ssh") or die $!;
    print {$file} "#!/bin/sh\nhead -c 1 >/dev/null\necho 'fred\@host: Permission denied (publickey).' >&2\nexit 255\n";
    close $file;
    chmod 0755, "$dir/ssh" or die $!;
    hints('ssh that lets nobody in', qr/batch mode.*\Q$dir\E\/ssh -o BatchMode=yes fred\@host true/, qr/Permission denied \(publickey\)/,
        uri => "qemu+ssh://fred\@host/system?command=$dir/ssh");
    hints('a command that is not there', qr{^check that $dir/none can be executed}, qr/./,
        uri => "qemu+ext:///system?command=$dir/none");
}

SKIP: {
    my $bed = TestBed->daemon('test-daemon', '--sasl', 'digest-md5') or skip(TestBed->reason, 1);
    my ($uri, $user) = @$bed{qw(URI_TCP SASL_USER)};
    hints('no credentials', qr/asks for a user name and a password by SASL.*user\@realm/, $failed, uri => $uri);
    hints('no password', qr/asks for a password by SASL/, $failed, uri => $uri, username => $user);
    hints('no realm', qr/"tester" has to be tester\@realm/, $failed, uri => $uri, username => 'tester', password => 'x');
    hints('a wrong password', qr/no user "\Q$user\E" with this password/, $failed, uri => $uri, username => $user, password => 'x');
    my $error = thrown { VKVM->new(uri => $uri, username => $user, password => 'battery-staple') };
    unlike("$error", qr/battery-staple/, 'no secret is in it');

  SKIP: {
        skip 'only root can become another user', 1 if $>;
        chmod 0700, $bed->{SOCKET} or die $!;
        pipe my $in, my $out or die $!;
        my $pid = fork // die $!;
        if (!$pid) {
            chmod 0755, $bed->{top};
            $> = 65534;
            my $caught = thrown { VKVM->new(uri => $bed->{URI_UNIX}) };
            syswrite $out, $caught->hint;
            POSIX::_exit(0);
        }
        close $out;
        my $hint = do { local $/; <$in> };
        waitpid $pid, 0;
        like($hint, qr/^user \w+ may not use \Q$bed->{SOCKET}\E(?: \(group root, mode 0700\))?: join its group \(usermod -aG/,
            'no permission');
    }
}
SKIP: {
    my $bed = TestBed->daemon('test-daemon', '--sasl', 'scram-sha-256') or skip(TestBed->reason, 1);
    hints('a mechanism that is not for this', qr/over TCP without TLS scram-sha-256 does not work/, $failed,
        uri => $bed->{URI_TCP}, username => $bed->{SASL_USER}, password => $bed->{SASL_PASSWORD});
}
SKIP: {
    my $bed = TestBed->daemon('test-daemon', '--tls') or skip(TestBed->reason, 1);
    my $at  = sub { return (uri => "$bed->{URI_TLS}?pkipath=$_[0]") };
    hints('a certificate that the daemon does not trust', qr{^the daemon refused the client certificate $bed->{PKI_OTHER}/clientcert\.pem},
        qr/./, $at->($bed->{PKI_OTHER}));
    hints('no certificate', qr{$bed->{PKI_NONE}/clientcert\.pem is missing}, qr/./, $at->($bed->{PKI_NONE}));
    my $broken = folder('broken', $bed->{PKI}, 'clientcert.pem' => $0);
    hints('a certificate that is none', qr{^$broken/clientcert\.pem is not a usable certificate.*certtool -i --infile}, qr/./, $at->($broken));
    my $stranger = folder('stranger', $bed->{PKI}, 'cacert.pem' => "$bed->{PKI}/clientcert.pem");
    my $error = thrown { VKVM->new($at->($stranger)) };
    like($error->hint, qr/$stranger/, 'an authority that is none: the hint names the file') or diag $error;
    my $silent = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) // die $!;
    my $pid = fork // die $!;
    if (!$pid) { close $silent->accept; POSIX::_exit(0) }
    hints('a port that does not speak TLS', qr/TLS handshake with 127\.0\.0\.1 failed/, qr/./,
        uri => 'test+tls://127.0.0.1:' . $silent->sockport . "/default?pkipath=$bed->{PKI}");
    waitpid $pid, 0;
}

subtest 'elsewhere' => sub {
    my $conn  = VKVM->new(uri => 'test:///default');
    my $error = thrown { $conn->get_domain_by_name('nobody') };
    is($error->hint, undef, 'other errors have no hint');
    my (undef, $text) = run_perl('-MVKVM::SysVirt', '-e',
        'eval { Sys::Virt->new(uri => shift) }; print $@->message, "\n", "$@"', "test+unix:///default?socket=$dir/none");
    my ($message, $string) = split /\n/, $text;
    is($string, "libvirt error code: 38, message: $message", 'the drop-in shows errors as Sys::Virt does');
};

done_testing;
