# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Watch;

use strict;
use warnings;

use Encode qw(decode encode_utf8);
use Time::HiRes qw(time);
use VKVM;
use VKVM::Command::Table;
use VKVM::Command::Output;
use VKVM::Command::Usage;
use VKVM::Event;
use VKVM::EventQueue;

our $VERSION = '0.002000';

# vkvm watch: events of all hosts as they come, a line each. The library's thread keeps the
# connections, and opens those again that have ended; this program waits for a queue.

# What is registered: for each class of objects its method of a queue.
my %REGISTER = map { $_ => "${_}_event_register_any" } qw(domain network storage_pool node_device secret);

# How long attempts to open a host again are apart at most, in ms, and how long to wait for events
# before hosts that could not be opened are tried again.
use constant { MAX_DELAY => 10_000, RETRY => 10_000 };

sub run {
    my ($options, @words) = @_;
    my ($own) = $options->read_own('watch', @words);
    VKVM::Event::start();
    if ($own->{changes}) {
        VKVM::Command::Usage::fail('watch: --all is about events, which --changes does without') if $own->{all};
        require VKVM::Command::Changes;
        return VKVM::Command::Changes::run($options, $own->{count});
    }
    my $self = bless {
        options => $options,
        all     => $own->{all},
        queue   => VKVM::EventQueue->new(capacity => 100_000),
        hosts   => [ map { { uri => $_ } } $options->uris ],
        left    => $own->{count},
        lost    => 0,
        stop    => 0,
    }, __PACKAGE__;
    local @SIG{qw(INT TERM)} = (sub { $self->{stop} = 1 }) x 2;
    $self->_open_hosts;
    $self->_print_events;
    my $is_well = !grep { !$_->{conn} } @{ $self->{hosts} };
    return $is_well ? VKVM::Command::Table::DONE : VKVM::Command::Table::HOST_FAILED;
}

# Opens hosts that are not open; each failure is told once.
sub _open_hosts {
    my ($self) = @_;
    my @opened;
    for my $host (grep { !$_->{conn} } @{ $self->{hosts} }) {
        last if $self->{stop};
        my $conn = eval {
            VKVM->new(
                readonly => 1,
                timeout  => $self->{options}->timeout,
                $host->{uri} eq '' ? () : (uri => $host->{uri}),
            );
        };
        if (!$conn) {
            my $message = VKVM::Command::Output::message_of($@);
            VKVM::Command::Output::complain("$host->{uri}: $message") if $message ne ($host->{failure} // '');
            $host->{failure} = $message;
            next;
        }
        $host->{conn} = $conn;
        $host->{host} = eval { $conn->get_hostname } // $host->{uri};
        $self->_register($host);
        push @opened, $host;
    }
    # Now it is known which ones have the same name.
    $self->_print($_, { class => 'conn', event => 'opened' }) for @opened;
    return;
}

# Registers the queue for all kinds of events that the host's driver and this libvirt have.
sub _register {
    my ($self, $host) = @_;
    my $queue = $self->{queue};
    _if_supported(sub { $queue->enable_resume($host->{conn}, MAX_DELAY) });
    for my $class (sort keys %REGISTER) {
        my $method = $REGISTER{$class};
        for my $kind (VKVM::enum_values("${class}_event_id")) {
            next if !$self->{all} && $kind->{name} !~ /lifecycle/;
            _if_supported(sub { $queue->$method($host->{conn}, undef, $kind->{value}) });
        }
    }
    return;
}

sub _if_supported {
    my ($code) = @_;
    return if eval { $code->(); 1 };
    my $error = $@;
    die $error if !ref $error;    ## no critic (RequireCarping) - as it was
    my $code_of = $error->code;
    die $error    ## no critic (RequireCarping) - as it was
      if !grep { $_ == $code_of } VKVM::Error::ERR_NO_SUPPORT, VKVM::Error::ERR_INVALID_ARG, VKVM::Error::OWN_INVALID;
    return;
}

sub _print_events {
    my ($self) = @_;
    my $queue = $self->{queue};
    while (!$self->{stop} && !(defined $self->{left} && $self->{left} <= 0)) {
        my $event = $queue->next(500);
        my $now   = time;
        $self->{checked} //= $now;
        if ($now - $self->{checked} > RETRY / 1000) {
            $self->_open_hosts;
            $self->{checked} = $now;
        }
        my $lost = $queue->get_overflow;
        if ($lost > $self->{lost}) {
            VKVM::Command::Output::complain(($lost - $self->{lost}) . ' events were lost: they came faster than they are printed');
            $self->{lost} = $lost;
        }
        $self->_print_event($event) if $event;
    }
    return;
}

sub _print_event {
    my ($self, $event) = @_;
    my $conn = $event->{conn};
    # An event has an object of its own for the connection, with the same handle.
    my ($host) = grep { $_->{conn} && $conn && ${ $_->{conn} } == $$conn } @{ $self->{hosts} };
    $host //= { uri => '', host => '-' };
    my ($class, $args) = @$event{qw(class args)};
    my %line = (class => $class);
    if ($class eq 'conn') {
        my $number = $args->{event} // $args->{state} // '';
        $line{event} = _word('conn_resume_event', $number);
    }
    else {
        my $kind = _word("${class}_event_id", $event->{event_id});
        $kind =~ s/\A(?:event_)?id_//;
        $line{event} = $kind;
        if ($kind eq 'lifecycle') {
            $line{event}  = _word("${class}_event_lifecycle", $args->{event});
            $line{detail} = _word("domain_event_detail_$line{event}", $args->{detail}) if $class eq 'domain';
        }
        else {
            $line{args} = $args;
        }
        my $object = $event->{object};
        $line{name} = eval { $object->can('get_name') ? $object->get_name : $object->get_usage_id } if $object;
        $line{uuid} = eval { $object->get_uuid_string } if $object && $object->can('get_uuid_string');
    }
    $self->{left}-- if defined $self->{left};
    $self->_print($host, \%line);
    return;
}

# What a number is called; itself where a later libvirt has a number without a name.
sub _word {
    my ($group, $number) = @_;
    return eval { VKVM::enum_name($group, $number) } // $number;
}

sub _print {
    my ($self, $host, $line) = @_;
    my $stamp = VKVM::Command::Output::stamp();
    if ($self->{options}{json}) {
        return VKVM::Command::Output::put(
            VKVM::Command::Output::json({ time => $stamp, uri => $host->{uri}, host => $host->{host}, %$line }), "\n");
    }
    my $name  = VKVM::Command::Output::name_among($host, @{ $self->{hosts} });
    my @words = ($stamp, $name, @$line{qw(class name event detail)});
    push @words, decode('UTF-8', VKVM::Command::Output::json($line->{args})) if $line->{args};
    return VKVM::Command::Output::put(encode_utf8(VKVM::Command::Output::one_line(join ' ', grep { defined && length } @words) . "\n"));
}

1;
