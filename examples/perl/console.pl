#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Connects the terminal with the serial console of a guest; Ctrl-] ends it.
#
# usage: console.pl URI DOMAIN

use strict;
use warnings;

use Errno qw(EINTR);
use POSIX qw(:termios_h);

use VKVM;
use VKVM::Event;

use constant { CTRL_BRACKET => "\x1d", ROOM => 4096 };

my $ended = 0;
my $typed = '';    # and not sent yet
my $saved;         # the terminal's settings
my ($console, $keyboard);

# Everything that is typed goes to the guest, which also shows it.
sub enter_terminal {
    $saved = POSIX::Termios->new;
    my $raw = POSIX::Termios->new;
    for ($saved, $raw) { $_->getattr(fileno STDIN) or die "standard input: $!\n" }
    $raw->setiflag($raw->getiflag & ~(BRKINT | ICRNL | INPCK | ISTRIP | IXON));
    $raw->setoflag($raw->getoflag & ~OPOST);
    $raw->setlflag($raw->getlflag & ~(ECHO | ICANON | IEXTEN | ISIG));
    $raw->setattr(fileno STDIN, TCSAFLUSH);
}

END { $saved->setattr(fileno STDIN, TCSAFLUSH) if $saved }

# Listens to the guest, to what is typed while there is room for it, and for when the
# guest can take more while there is something for it.
sub update_watches {
    my $write = length $typed        ? VKVM::Stream::EVENT_WRITABLE : 0;
    my $read  = length $typed < ROOM ? VKVM::Event::HANDLE_READABLE : 0;
    $console->update_callback(VKVM::Stream::EVENT_READABLE | $write);
    VKVM::Event::update_handle($keyboard, $read);
}

sub on_typed {
    my $count = sysread STDIN, my $data, ROOM - length $typed;
    return if !defined $count && $! == EINTR;
    if (!$count || index($data, CTRL_BRACKET) >= 0) {
        $ended = 1;
        return;
    }
    $typed .= $data;
    update_watches();
}

sub receive {
    my $count = $console->recv(my $data, 4096);
    return if $count == VKVM::Stream::WOULD_BLOCK;
    $ended = 1 if $count == 0;
    print $data if $count > 0;
}

sub send_typed {
    my $count = $console->send($typed, length $typed);
    return if $count == VKVM::Stream::WOULD_BLOCK;
    substr $typed, 0, $count, '';
    update_watches();
}

sub on_console {
    my (undef, $events) = @_;
    receive() if $events & VKVM::Stream::EVENT_READABLE;
    send_typed() if $events & VKVM::Stream::EVENT_WRITABLE && length $typed && !$ended;
    $ended = 1 if $events & (VKVM::Stream::EVENT_ERROR | VKVM::Stream::EVENT_HANGUP);
}

die "usage: console.pl URI DOMAIN\n" unless @ARGV == 2;
my ($uri, $domain) = @ARGV;
$| = 1;
VKVM::Event::register_default();
my $conn = VKVM->new(uri => $uri);
my $dom  = $conn->get_domain_by_name($domain);
$console = $conn->new_stream(VKVM::Stream::NONBLOCK);
$dom->open_console($console, undef, VKVM::Domain::OPEN_CONSOLE_SAFE);
enter_terminal();    # forgets what was typed before, so it comes before the words
print "Connected to $domain; Ctrl-] ends it.\r\n";
$console->add_callback(VKVM::Stream::EVENT_READABLE, \&on_console);
$keyboard =
  VKVM::Event::add_handle(fileno STDIN, VKVM::Event::HANDLE_READABLE, \&on_typed);
VKVM::Event::run_default() until $ended;
print "\r\nDisconnected.\r\n";

VKVM::Event::remove_handle($keyboard);
undef $console;    # and with it its callback
