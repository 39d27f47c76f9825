# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Output;

use strict;
use warnings;

use Encode qw(decode encode_utf8);
use IO::Handle;
use List::Util qw(max);
use POSIX qw(strftime);
use Time::HiRes qw(time);
use VKVM;

our $VERSION = '0.002000';

# Shows what hosts answer: as tables, or as a JSON document on a line for each host.

# What documents are called whose command is not called like them.
my %ROOT = (
    'domain.save_conf'           => 'domain',
    'hypervisor.capabilities'    => 'capabilities',
    'hypervisor.domcapabilities' => 'domainCapabilities',
    'snapshot'                   => 'domainsnapshot',
);

# For a command, and so many hosts.
sub new {
    my ($class, $options, $about, $hosts) = @_;
    return bless {
        about => $about,
        json  => $options->{json} && !$options->{table},
        many  => $hosts > 1,
    }, $class;
}

# Whether all of these files are terminals.
sub is_terminal {
    my (@files) = @_;
    return !grep { !-t $_ } @files;    ## no critic (ProhibitInteractiveTest) - that module is in no Perl
}

# Shows answers, each a hash of uri, host, and result or error. Whether no host has failed.
sub show {
    my ($self, @answers) = @_;
    my $is_well = 1;
    my @shown;
    for my $answer (@answers) {
        my $error = $answer->{error};
        my $status = $self->_status($answer);
        $is_well = 0 if $error || $status && !$status->[0];
        push @shown, { %$answer, $status ? (status => $status) : () };
    }
    $self->{json} ? $self->_show_json(@shown) : $self->_show_text(@shown);
    return $is_well;
}

# What a command that changes something answers: whether it worked, and what virsh would print.
sub _status {
    my ($self, $answer) = @_;
    my ($kind, $result) = ($self->{about}{result}, $answer->{result});
    return if $answer->{error} || $kind !~ /\A(?:none|tune)\z/ || ref $result ne 'ARRAY';
    return $result;
}

sub _show_json {
    my ($self, @answers) = @_;
    for my $answer (@answers) {
        my %line = (uri => $answer->{uri}, host => $answer->{host});
        if (my $error = $answer->{error}) {
            $line{error} = { message => message_of($error), code => ref $error ? $error->code : undef };
        }
        elsif (my $status = $answer->{status}) {
            @line{qw(ok stdout stderr)} = ($status->[0] ? \1 : \0, @$status[ 1, 2 ]);
        }
        else {
            $line{result} = $answer->{result};
        }
        print json(\%line), "\n";
    }
    return;
}

# The time, for a line.
sub stamp {
    my $now = time;
    return strftime('%Y-%m-%dT%H:%M:%S', gmtime $now) . sprintf '.%03dZ', 1000 * ($now - int $now);
}

# A document on one line, in bytes.
sub json {
    my ($value) = @_;
    require JSON::PP;
    return JSON::PP->new->utf8->canonical->allow_blessed->encode($value);
}

sub _show_text {
    my ($self, @answers) = @_;
    my @rows;
    for my $answer (@answers) {
        my $name = name_among($answer, @answers);
        if (my $error = $answer->{error}) {
            complain($self->{many} ? "$name: " . message_of($error) : message_of($error));
        }
        elsif (my $status = $answer->{status}) {
            my (undef, $out, $err) = @$status;
            my $before = $self->{many} ? "$name: " : '';
            print encode_utf8(printable($_)) for $out eq '' ? () : map { "$before$_\n" } split /\n/, $out;
            complain("$before$_") for split /\n/, $err;
        }
        else {
            push @rows, $self->_rows($name, $answer->{result});
        }
    }
    print_table($self->{many}, @rows);
    return;
}

# What a host is called: its own name, or its URI while that is not known.
sub name_of {
    my ($answer) = @_;
    return $answer->{host} // ($answer->{uri} eq '' ? 'the default host' : $answer->{uri});
}

# The same among others: several connections to a host, or hosts that are called alike, have their URIs.
sub name_among {
    my ($host, @all) = @_;
    my $name = name_of($host);
    return (grep { name_of($_) eq $name } @all) > 1 ? $host->{uri} : $name;
}

# What an error says, with what to do about it.
sub message_of {
    my ($error) = @_;
    return $error =~ s/\n\z//r if !ref $error;
    return join '; ', grep { defined } $error->message, $error->hint;
}

# Which host has failed, and why.
sub failure_of {
    my ($answer) = @_;
    return name_of($answer) . ': ' . message_of($answer->{error});
}

# A text whose control characters a terminal would obey without them; a name may be anything.
sub printable {
    my ($text) = @_;
    return $text =~ s/[^\P{Cc}\t\n]/?/gr;
}

# The same on one line, for names.
sub one_line {
    my ($text) = @_;
    return $text =~ s/\p{Cc}/?/gr;
}

# Prints on standard output at once; dies where that cannot be, for nobody would notice otherwise.
sub put {
    my (@text) = @_;
    return if print(@text) && STDOUT->flush;
    die "standard output: $!\n";
}

# Says something on standard error.
sub complain {
    my ($text) = @_;
    print {*STDERR} encode_utf8('vkvm: ' . printable($text) . "\n");
    return;
}

# The rows of a result: each an array of pairs of column and value.
sub _rows {
    my ($self, $host, $result) = @_;
    my @host = [ HOST => $host ];
    my $kind = $self->{about}{result};
    if ($kind eq 'xml') {
        my ($object) = $self->{about}{full} =~ /\A(\w+)/;
        my $root = $ROOT{ $self->{about}{full} } // $ROOT{$object} // $object;
        return [ @host, [ '' => VKVM::to_xml($root, $result) =~ s/\n\z//r ] ];
    }
    return map { [ @host, [ '' => _text($_) ] ] } @$result if ref $result eq 'ARRAY';
    return [ @host, [ '' => _text($result) ] ] if ref $result ne 'HASH';
    if (grep { ref ne 'HASH' } values %$result) {
        return map { [ @host, [ KEY => one_line($_) ], [ VALUE => _text($result->{$_}) ] ] } sort keys %$result;
    }
    return map { $self->_row(\@host, $_, $result->{$_}) } sort keys %$result;
}

# The row of an object in a list, whose name is the key of its facts.
sub _row {
    my ($self, $host, $name, $facts) = @_;
    my %first = (id => 0, state => 1);
    my @keys = sort { ($first{$a} // 2) <=> ($first{$b} // 2) || $a cmp $b } keys %$facts;
    return [ @$host, [ NAME => one_line($name) ], map { [ uc(tr/_/ /r) => _text($facts->{$_}) ] } @keys ];
}

sub _text {
    my ($value) = @_;
    return '-' if !defined $value;
    return ref $value ? decode('UTF-8', json($value)) : printable($value);
}

# Prints rows in columns. The column of the host is only there if there are many; a single
# column has no head.
sub print_table {
    my ($many, @rows) = @_;
    my (@columns, %width);
    for my $row (@rows) {
        for my $cell (@$row) {
            my ($column, $text) = @$cell;
            next if $column eq 'HOST' && !$many;
            push @columns, $column if !exists $width{$column};
            $width{$column} = max($width{$column} // length $column, map { length } split /\n/, $text);
        }
    }
    my $last = $#columns;
    my $line = sub {
        my (%cell) = @_;
        my @cells = map { my $text = $cell{ $columns[$_] } // '-'; $_ == $last ? $text : sprintf '%-*s', $width{ $columns[$_] }, $text } 0 .. $last;
        print encode_utf8(join('  ', @cells) =~ s/\s+\z//r . "\n");
    };
    $line->(map { $_ => $_ } @columns) if grep { !/\A(?:HOST|KEY|VALUE)?\z/ } @columns;
    for my $row (@rows) {
        my %cell = map { @$_ } @$row;
        $line->(%cell);
    }
    return;
}

1;
