# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Console;

use strict;
use warnings;

use Errno qw(EINTR);
use POSIX qw(:termios_h);
use VKVM;
use VKVM::Command::Output;
use VKVM::Command::Table;
use VKVM::Command::Usage;
use VKVM::Event;

our $VERSION = '0.002000';

# vkvm console: the terminal becomes the serial console of a guest.

use constant { CTRL_BRACKET => "\x1d", ROOM => 4096 };

sub run {
    my ($options, @words) = @_;
    my ($own, @rest) = $options->read_own('console', @words);
    VKVM::Command::Usage::fail('console needs one domain') if @rest != 1;
    my @uris = $options->uris;
    VKVM::Command::Usage::fail('console works on one host') if @uris != 1;
    my $domain = $rest[0];

    VKVM::Event::register_default();
    my $timeout = $options->timeout;
    my $conn    = VKVM->new(timeout => $timeout, $uris[0] eq '' ? () : (uri => $uris[0]));
    my $dom     = $conn->get_domain_by_name($domain);
    my $stream  = $conn->new_stream(VKVM::Stream::NONBLOCK);
    my $flags   = $own->{force} ? VKVM::Domain::OPEN_CONSOLE_FORCE : VKVM::Domain::OPEN_CONSOLE_SAFE;
    $dom->open_console($stream, $own->{device}, $flags);

    # What was typed and is not sent yet; whether it is over.
    my $self = bless { stream => $stream, typed => '', ended => 0 }, __PACKAGE__;
    my $saved = VKVM::Command::Output::is_terminal(*STDIN) ? _enter_terminal() : undef;
    my $is_well = eval { $self->_connect($domain, $options); 1 };
    my $error = $@;
    $saved->setattr(fileno STDIN, TCSAFLUSH) if $saved;
    die $error if !$is_well;    ## no critic (RequireCarping) - as it was
    return VKVM::Command::Table::DONE;
}

# Everything that is typed goes to the guest, which also shows it.
sub _enter_terminal {
    my ($saved, $raw) = map { POSIX::Termios->new } 1, 2;
    for my $settings ($saved, $raw) {
        $settings->getattr(fileno STDIN) or die "standard input: $!\n";
    }
    $raw->setiflag($raw->getiflag & ~(BRKINT | ICRNL | INPCK | ISTRIP | IXON));
    $raw->setoflag($raw->getoflag & ~OPOST);
    $raw->setlflag($raw->getlflag & ~(ECHO | ICANON | IEXTEN | ISIG));
    $raw->setattr(fileno STDIN, TCSAFLUSH);
    return $saved;
}

sub _connect {
    my ($self, $domain, $options) = @_;
    local $| = 1;
    print {*STDERR} "Connected to $domain; Ctrl-] ends it.\r\n" if !$options->{quiet};
    my $stream = $self->{stream};
    $stream->add_callback(VKVM::Stream::EVENT_READABLE, sub { $self->_on_console($_[1]) });
    $self->{keyboard} = VKVM::Event::add_handle(fileno STDIN, VKVM::Event::HANDLE_READABLE, sub { $self->_on_typed });
    VKVM::Event::run_default() until $self->{ended};
    VKVM::Event::remove_handle($self->{keyboard});
    $stream->remove_callback;
    print {*STDERR} "\r\nDisconnected.\r\n" if !$options->{quiet};
    return;
}

# Listens to the guest, to what is typed while there is room for it, and for when the guest
# takes more while there is something for it.
sub _update_watches {
    my ($self) = @_;
    my $write = length $self->{typed}        ? VKVM::Stream::EVENT_WRITABLE : 0;
    my $read  = length $self->{typed} < ROOM ? VKVM::Event::HANDLE_READABLE : 0;
    $self->{stream}->update_callback(VKVM::Stream::EVENT_READABLE | $write);
    VKVM::Event::update_handle($self->{keyboard}, $read);
    return;
}

sub _on_typed {
    my ($self) = @_;
    my $count = sysread STDIN, my $data, ROOM - length $self->{typed};
    return if !defined $count && $! == EINTR;
    my $end = $count ? index $data, CTRL_BRACKET : 0;
    if (!$count || $end >= 0) {
        $self->{ended} = 1;
        return;
    }
    $self->{typed} .= $data;
    $self->_update_watches;
    return;
}

sub _on_console {
    my ($self, $events) = @_;
    my $stream = $self->{stream};
    if ($events & VKVM::Stream::EVENT_READABLE) {
        my $count = $stream->recv(my $data, ROOM);
        $self->{ended} = 1 if $count == 0;
        print $data if $count > 0;
    }
    if ($events & VKVM::Stream::EVENT_WRITABLE && length $self->{typed} && !$self->{ended}) {
        my $count = $stream->send($self->{typed}, length $self->{typed});
        substr $self->{typed}, 0, $count, '' if $count > 0;
        $self->_update_watches;
    }
    $self->{ended} = 1 if $events & (VKVM::Stream::EVENT_ERROR | VKVM::Stream::EVENT_HANGUP);
    return;
}

1;
