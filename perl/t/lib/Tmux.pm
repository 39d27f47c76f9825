# SPDX-License-Identifier: LGPL-2.1-or-later
package Tmux;

use strict;
use warnings;

use Test::More;

# A terminal for a command: a tmux of its own, which ends with the object.

# Whether there is one.
sub is_here { return system('tmux -V >/dev/null 2>&1') == 0 }

# A terminal of 80 columns and 24 lines, which shows the status when the command has ended.
sub start {
    my ($class, $socket, @command) = @_;
    my $self    = bless { tmux => [ 'tmux', '-f', '/dev/null', '-S', $socket ] }, $class;
    my $command = join ' ', map { "'$_'" } @command;
    $self->run('new-session', '-d', '-x', 80, '-y', 24, "$command; echo status \$?; cat") == 0 or die "tmux failed\n";
    return $self;
}

# Runs a command of tmux's.
sub run {
    my ($self, @words) = @_;
    return system(@{ $self->{tmux} }, @words);
}

# Waits until the screen is like this. Whether it is.
sub shows {
    my ($self, $wanted) = @_;
    for (1 .. 600) {
        return 1 if $self->_text =~ $wanted;
        select undef, undef, undef, 0.1;
    }
    diag $self->_text;
    return 0;
}

sub _text {
    my ($self) = @_;
    return `@{ $self->{tmux} } capture-pane -p`;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->run('kill-server');
    return;
}

1;
