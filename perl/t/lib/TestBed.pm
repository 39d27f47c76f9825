# SPDX-License-Identifier: LGPL-2.1-or-later
package TestBed;

# The project's test beds: private libvirt daemons, and a guest. See
# tests/bed/README.md.
#
#   my $bed = TestBed->daemon('test-daemon') or skip(TestBed->reason, 1);
#   VKVM->new(uri => $bed->{URI_UNIX});
#
# A daemon ends with its object, and also if the test dies without ending it:
# it watches a pipe from the process that started it.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IPC::Open3 qw(open3);

my $root = dirname(dirname(dirname(dirname(abs_path(__FILE__)))));

my $reason;

# Why there is no daemon.
sub reason { return $reason }

sub daemon {
    my ($class, $program, @options) = @_;
    my $path = "$root/tests/bed/$program";
    if (!-x $path) {
        $reason = "tests/bed/$program is not here: this is not the project's tree";
        return;
    }
    my $self = bless { path => $path, top => tempdir('vkvm-XXXXXX', TMPDIR => 1), owner => $$ }, $class;
    $self->{DIR} = "$self->{top}/bed";
    my $errors = "$self->{top}/stderr";
    open(my $err, '>', $errors) or die "cannot write $errors: $!";
    $self->{keeper} =
      open3($self->{stop}, my $out, '>&' . fileno $err, $path, 'run', $self->{DIR}, @options);
    # All lines come at once, when the daemon answers; then it keeps its output open.
    my $private = grep { $_ eq '--private-net' } @options;
    my $last    = $program eq 'test-daemon' || $private ? 'LOG' : 'URI_TCP';
    while (defined(my $line = <$out>)) {
        chomp $line;
        my ($name, $value) = split /=/, $line, 2;
        $self->{$name} = $value;
        return $self if $name eq $last;
    }

    local $?;    # what is left in it would become the exit status of the test
    waitpid delete $self->{keeper}, 0;
    my $status  = $? >> 8;
    my $message = _read($errors);
    chomp $message;
    die "$program ended with status $status: $message\n" if $status != 77;
    ($reason) = $message =~ /^SKIP: (.*)/m;
    return;
}

sub _read {
    my ($path) = @_;
    open(my $file, '<', $path) or return '';
    local $/;
    return <$file> // '';
}

# Kills the daemon, which has no time to say good-bye to its clients. It is gone then: a
# daemon that is about to end would still do some of what it was asked to.
sub kill_daemon {
    my ($self) = @_;
    local $?;
    system($self->{path}, 'kill', $self->{DIR}) == 0 or die "the daemon was not killed: status $?\n";
    return 1;
}

# Kills the daemon after these seconds, unless what this returns has gone before.
sub kill_daemon_in {
    my ($self, $seconds) = @_;
    my $command = 'read -r -t "$1" || [ $? -le 128 ] || exec "$2" kill "$3"';
    open(my $pipe, '|-', 'bash', '-c', $command, 'bash', $seconds, $self->{path}, $self->{DIR})
      or die "cannot run bash: $!";
    return $pipe;
}

# Kills the daemon and starts it again, where it was.
sub restart {
    my ($self) = @_;
    local $?;
    my $lines = `'$self->{path}' restart '$self->{DIR}'`;
    ($self->{PID}) = $lines =~ /^PID=(\d+)$/m or die "the daemon did not start again: $lines";
    return;
}

sub stop {
    my ($self) = @_;
    return unless $self->{owner} == $$ && !$self->{stopped}++;
    local ($?, $!, $@);
    close delete $self->{stop};
    waitpid $self->{keeper}, 0 if $self->{keeper};
    remove_tree($self->{top});
    return;
}

sub DESTROY { my ($self) = @_; return $self->stop }

# XML of a guest that boots in seconds. The first time, its image is built.
sub guest_xml {
    my ($self, $name, $uuid) = @_;
    my $errors = "$self->{top}/image-stderr";
    local $?;
    my $lines  = `'$root/tests/bed/guest-image' '$root/target/guest-image' 2>'$errors'`;
    if ($?) {
        my $message = _read($errors);
        $reason = "no guest image: $message";
        return if $? >> 8 == 77;
        die "guest-image failed: $message";
    }
    my %value = ($lines =~ /^(\w+)=(.*)$/mg, NAME => $name, UUID => $uuid, DIR => $self->{DIR});
    my $xml = _read("$root/tests/bed/guest.xml.in");
    $xml =~ s/\@(\w+)\@/$value{$1} \/\/ die "no value for $1"/ge;
    $self->{console} = "$self->{DIR}/$name.log";
    return $xml;
}

# Waits until the guest says on its console that it is up.
sub wait_for_guest {
    my ($self) = @_;
    return $self->wait_for_console('VKVM-GUEST-READY');
}

# Waits until a text is on the guest's console.
sub wait_for_console {
    my ($self, $text) = @_;
    for (1 .. 3000) {
        return 1 if _read($self->{console}) =~ /\Q$text\E/;
        select undef, undef, undef, 0.1;
    }
    return 0;
}

1;
