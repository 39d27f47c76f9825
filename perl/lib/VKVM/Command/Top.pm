# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Top;

use strict;
use warnings;

use Encode qw(encode_utf8);
use IO::Handle;
use List::Util qw(sum0 max);
use POSIX qw(:termios_h);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM::Command::Table;
use VKVM::Command::Output;
use VKVM::Command::Plot;
use VKVM::Command::Samples;
use VKVM::Command::Usage;

our $VERSION = '0.002000';

# vkvm top: which domains of all hosts use how much, turn by turn. All numbers come from the
# metrics of the fleet, so that a host or a guest that hangs holds up nobody.

# The columns: title, width, and how a row is shown. The first letter that sorts by it is its key.
my @COLUMNS = (
    { name => 'cpu',    title => '%CPU',   width => 6,  of => sub { $_[0]{cpu} }, text => sub { sprintf '%.1f', 100 * $_[0] } },
    { name => 'vcpus',  title => 'VCPUS',  width => 5,  of => sub { $_[0]{cpus} }, text => sub { $_[0] } },
    { name => 'memory', title => 'MEM',    width => 6,  of => sub { $_[0]{memory} }, text => \&_size },
    { name => 'disk',   title => 'DISK/s', width => 6,  of => sub { _sum(@{ $_[0] }{qw(read written)}) }, text => \&_size },
    { name => 'net',    title => 'NET/s',  width => 6,  of => sub { _sum(@{ $_[0] }{qw(received sent)}) }, text => \&_size },
);
my %BY_NAME = map { $_->{name} => $_ } @COLUMNS;

# What a key sorts by.
my %SORTS = (c => 'cpu', v => 'vcpus', m => 'memory', d => 'disk', n => 'net', a => 'name');

my $BAR = 10;

sub run {
    my ($options, @words) = @_;
    my ($own) = $options->read_own('top', @words);
    my $delay = $own->{delay} // 2;
    VKVM::Command::Usage::fail(qq(--delay is "$delay"; a number of seconds above 0 is needed))
      if $delay !~ /\A[0-9]*[.]?[0-9]+\z/ || $delay <= 0;
    my $sort = $own->{sort} // 'cpu';
    my @words_of_sort = @{ $VKVM::Command::Table::OWN{top}{options}{sort} };
    VKVM::Command::Usage::fail(qq(--sort is "$sort"; one of ) . join(', ', sort @words_of_sort) . ' is needed')
      if !grep { $_ eq $sort } @words_of_sort;
    my $timeout = $options->timeout;
    my $self    = bless {
        timeout => $timeout, delay => $delay, sort => $sort, reverse => 0, by_host => 0, first => 0,
        samples => VKVM::Command::Samples->new,
        plot    => defined $own->{plot} ? VKVM::Command::Plot->new($own->{plot}) : undef,
        tty     => VKVM::Command::Output::is_terminal(*STDIN, *STDOUT),
        stop    => 0,
    }, __PACKAGE__;
    local @SIG{qw(INT TERM)} = (sub { $self->{stop} = 1 }) x 2;
    local $SIG{WINCH} = sub { $self->{resized} = 1 };
    $self->{fleet} = VKVM::Command::Table::fleet($options->uris);
    $self->_enter if $self->{tty};
    my $is_well = eval { $self->_turns($own->{count}) };
    my $error   = $@;
    $self->_leave if $self->{tty};
    die $error if !defined $is_well;    ## no critic (RequireCarping) - as it was
    $self->{plot}->write if $self->{plot};
    return $is_well ? VKVM::Command::Table::DONE : VKVM::Command::Table::HOST_FAILED;
}

# Turn after turn; whether all hosts were up in the last one.
sub _turns {
    my ($self, $count) = @_;
    for (my $turn = 1; !$self->{stop}; $turn++) {
        my $due = clock_gettime(CLOCK_MONOTONIC) + $self->{delay};
        $self->_ask or last;
        $self->{plot}->add($self->{rows}) if $self->{plot};
        $self->_show;
        last if defined $count && $turn >= $count;
        $self->_wait_until($due);
    }
    return !@{ $self->{errors} // [] };
}

# The rows of all hosts; false if a signal came meanwhile.
sub _ask {
    my ($self) = @_;
    my ($text, $errors);
    my $is_done = eval {
        # A host may take long; the answer is no longer wanted.
        local @SIG{qw(INT TERM)} = (sub { $self->{stop} = 1; die "stopped\n" }) x 2;
        ($text, $errors) = $self->{fleet}->metrics(timeout => $self->{timeout});
        1;
    };
    return 0  if $self->{stop};
    die $@    if !$is_done;    ## no critic (RequireCarping) - as it was
    @$self{qw(rows up)} = $self->{samples}->add($text);
    $self->{errors} = $errors;
    return 1;
}

sub _sum {
    my (@numbers) = @_;
    my @known = grep { defined } @numbers;
    return @known ? sum0(@known) : undef;
}

sub _size {
    my ($bytes) = @_;
    for my $unit (qw(B K M G T)) {
        return sprintf $unit eq 'B' || $bytes >= 100 ? '%.0f%s' : '%.1f%s', $bytes, $unit if $bytes < 1024;
        $bytes /= 1024;
    }
    return sprintf '%.0fP', $bytes;
}

# The rows in the order that was asked for.
sub _sorted {
    my ($self) = @_;
    my $column = $BY_NAME{ $self->{sort} };
    my $order  = sub {
        my ($one, $other) = @_;
        my $by_column = $column ? ($column->{of}->($other) // -1) <=> ($column->{of}->($one) // -1) : 0;
        return $by_column || $one->{name} cmp $other->{name} || $one->{host} cmp $other->{host};
    };
    my @rows = sort { $order->($a, $b) } @{ $self->{rows} };
    @rows = reverse @rows if $self->{reverse};
    @rows = sort { $a->{host} cmp $b->{host} } @rows if $self->{by_host};
    return @rows;
}

# The lines of a screen: what there is in all, hosts that are down, the head, and the domains.
sub _lines {
    my ($self) = @_;
    my @rows = @{ $self->{rows} };
    my $up   = grep { $_ } values %{ $self->{up} };
    my @top  = sprintf '%d of %d hosts, %d domains run, CPU %s, memory %s', $up, scalar keys %{ $self->{up} }, scalar @rows,
      sprintf('%.1f %%', 100 * sum0(map { $_->{cpu} // 0 } @rows)), _size(sum0(map { $_->{memory} // 0 } @rows));
    push @top, map { $self->_coloured(31, VKVM::Command::Output::failure_of($_)) }
      @{ $self->{errors} };
    push @top, $self->_coloured(7, sprintf '%s %-*s %-9s %-20s %s', join(' ', map { sprintf '%*s', $_->{width}, $_->{title} } @COLUMNS),
        $BAR, '', 'STATE', 'NAME', 'HOST');
    my ($host, @lines) = '';
    for my $row ($self->_sorted) {
        if ($self->{by_host} && $row->{host} ne $host) {
            $host = $row->{host};
            my @own = grep { $_->{host} eq $host } @rows;
            push @lines, $self->_coloured(1, sprintf '%s: %d domains, CPU %.1f %%', $host, scalar @own, 100 * sum0(map { $_->{cpu} // 0 } @own));
        }
        push @lines, $self->_line($row);
    }
    return (\@top, \@lines);
}

sub _line {
    my ($self, $row) = @_;
    my @cells = map { my $value = $_->{of}->($row); sprintf '%*s', $_->{width}, defined $value ? $_->{text}->($value) : '-' } @COLUMNS;
    my $share = $row->{cpus} ? ($row->{cpu} // 0) / $row->{cpus} : 0;
    my $full  = $share >= 1 ? $BAR : int($share * $BAR + 0.5);
    my $bar   = $self->_coloured($share > 0.9 ? 31 : $share > 0.5 ? 33 : 32, '|' x $full) . ' ' x ($BAR - $full);
    return sprintf '%s %s %-9s %-20s %s', "@cells", $bar, map { s/[[:cntrl:]]/?/gr } @$row{qw(state name host)};
}

sub _coloured {
    my ($self, $colour, $text) = @_;
    return $self->{tty} && $text ne '' ? "\033[${colour}m$text\033[0m" : $text;
}

# Draws over the last turn, no more lines than the screen has.
sub _show {
    my ($self) = @_;
    my ($top, $lines) = $self->_lines;
    if (!$self->{tty}) {
        return VKVM::Command::Output::put(map { encode_utf8("$_\n") } @$top, @$lines);
    }
    my ($rows) = split ' ', `stty size` || '24';
    my $room = max(0, $rows - @$top - 1);
    $self->{first} = max(0, @$lines - $room) if $self->{first} > @$lines - $room;
    my @shown = grep { defined } @$lines[ $self->{first} .. $self->{first} + $room - 1 ];
    my $help = $self->_coloured(2, 'q ends; sort by c v m d n a, r reverses; h hosts; j k scroll');
    print encode_utf8(join '', "\033[H", (map { "$_\033[K\r\n" } @$top, @shown), "\033[J\033[$rows;1H$help\033[K");
    STDOUT->flush;
    return;
}

# Keys come at once and are not shown; long lines are cut; a screen of its own.
sub _enter {
    my ($self) = @_;
    $self->{saved} = POSIX::Termios->new;
    my $raw = POSIX::Termios->new;
    for my $settings ($self->{saved}, $raw) {
        $settings->getattr(fileno STDIN) or die "standard input: $!\n";
    }
    $raw->setlflag($raw->getlflag & ~(ICANON | ECHO));
    $raw->setattr(fileno STDIN, TCSAFLUSH);
    print "\033[?1049h\033[?25l\033[?7l";
    return;
}

# The screen from before, with the last turn below it.
sub _leave {
    my ($self) = @_;
    print "\033[?7h\033[?25h\033[?1049l";
    my ($top, $lines) = $self->{rows} ? $self->_lines : ([], []);
    my ($rows) = split ' ', `stty size` || '24';
    my @all = (@$top, @$lines);
    print encode_utf8("$_\n") for splice @all, 0, max(1, $rows - 2);
    STDOUT->flush;
    $self->{saved}->setattr(fileno STDIN, TCSAFLUSH);
    return;
}

# Waits for the next turn, and does what keys say.
sub _wait_until {
    my ($self, $due) = @_;
    while (!$self->{stop}) {
        # Keys are read even where the turn has taken all of the time: a host may be late.
        my $left  = max(0, $due - clock_gettime(CLOCK_MONOTONIC));
        my $ready = '';
        vec($ready, fileno STDIN, 1) = 1 if $self->{tty};
        my $count = select $ready, undef, undef, $left;
        if (delete $self->{resized}) {
            print "\033[2J";
            $self->_show;
        }
        last if $count == 0;
        next if $count < 0;    # a signal
        if (!sysread STDIN, my $key, 1) {
            $self->{stop} = 1;
        }
        else {
            $self->_press($key);
        }
    }
    return;
}

sub _press {
    my ($self, $key) = @_;
    if    ($key eq 'q')        { $self->{stop} = 1 }
    elsif ($SORTS{$key})       { $self->{sort} = $SORTS{$key} }
    elsif ($key eq 'r')        { $self->{reverse} = !$self->{reverse} }
    elsif ($key eq 'h')        { $self->{by_host} = !$self->{by_host} }
    elsif ($key eq 'j')        { $self->{first}++ }
    elsif ($key eq 'k')        { $self->{first}-- if $self->{first} }
    $self->_show if !$self->{stop};
    return;
}

1;
