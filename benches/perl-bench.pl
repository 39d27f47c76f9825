#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# Times VKVM against Sys::Virt, both called from Perl in this one process.
# benches/run calls it, with the same arguments and the same output as c-bench.

use strict;
use warnings;

use IPC::Open2 qw(open2);
use Sys::Virt;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM;

use constant {
    PEERS     => 'Perl/Sys::Virt',
    EVENTS    => 'events that wait',
    AT_ONCE   => 100,                # events that wait
    FUTURES   => 'get_info, 64 futures in flight',
    THREADS   => 'Perl/64 C threads',
    IN_FLIGHT => 64,
    BOUNDED   => 'get_info with a call timeout',
    MEMORY    => 'memory of a domain (bytes)',
    BATCH_NS  => 1e6,                # how long a batch is to take: less than a time slice
};

# In URI-OF-MANY-DOMAINS %d stands for how many.
die "usage: perl-bench.pl TRANSPORT URI URI-OF-MANY-DOMAINS ROUNDS REGEX\n" if @ARGV != 5;
my ($transport, $uri, $uri_many, $rounds, $wanted) = @ARGV;
die "perl-bench.pl: '$rounds' is no number of rounds\n" if $rounds !~ /^[1-9][0-9]*\z/;

# A process has one event loop, so that each side's events have a process of their own,
# which begins before there are connections.
my @listeners;
if (is_wanted(EVENTS)) {
    @listeners = map { listener($_) } 'VKVM', 'Sys::Virt';
}

my @uris = ($uri, map { sprintf $uri_many, $_ } 100, 1000);
my ($conn,     $many,     $thousand)     = map { VKVM->new(uri => $_) } @uris;
my ($vir_conn, $vir_many, $vir_thousand) = map { Sys::Virt->new(uri => $_) } @uris;
my $dom     = $conn->get_domain_by_name('test');
my $vir_dom = $vir_conn->get_domain_by_name('test');

# Results that are freed when the time has been taken.
my @kept;

# What is timed: N calls each, with the loop and the assignment around them.
# The same text serves both, so that Perl runs the same code.
sub loops {
    my ($code, @sides) = @_;
    return map {
        my ($class, $conn, $dom, $many, $thousand) = @$_;
        eval "sub { my (\$n, \$x) = \@_; $code for 1 .. \$n; return }" or die $@;
    } @sides;
}

my @rows = (
    ['get_name',               '$x = $dom->get_name',             1.00],
    ['get_uuid_string',        '$x = $dom->get_uuid_string',      0.10],
    ['get_info',               '$x = $dom->get_info',             1.00],
    ['get_xml_description',    '$x = $dom->get_xml_description',  1.00],
    ['connect + close',        '$x = $class->new(uri => $uri)',   1.00],
    ['list_all_domains (100)', 'my @all = $many->list_all_domains', 1.00],
    [
        'list_all_domains + get_name (1000)',
        'my @names = map { $_->get_name } $thousand->list_all_domains', 1.00,
    ],
    # Few rounds, because Sys::Virt never frees the records, the domains in them included:
    # 0.7 MB a call. The first row is the call; in the second one only VKVM frees what it got,
    # most of which libvirt does (virDomainFree).
    ['get_all_domain_stats (1000)', 'push @kept, $thousand->get_all_domain_stats(0)', 1.00, 201],
    [
        'get_all_domain_stats (1000), freed', 'my @all = $thousand->get_all_domain_stats(0)', 1.50, 201,
    ],
);

sub is_wanted {
    my ($call, $peers) = (@_, PEERS);
    return "$call $peers $transport" =~ /$wanted/;
}

# XML as a hash: what a program does without VKVM.
sub walk {
    my ($element) = @_;
    my %hash = map { '@' . $_->nodeName => $_->value } $element->attributes;
    my $text = '';
    for my $child ($element->childNodes) {
        my $type = $child->nodeType;
        if ($type == 1) {
            my ($name, $value) = ($child->nodeName, walk($child));
            if    (!exists $hash{$name})          { $hash{$name} = $value }
            elsif (ref $hash{$name} eq 'ARRAY') { push @{ $hash{$name} }, $value }
            else                                { $hash{$name} = [ $hash{$name}, $value ] }
        }
        elsif ($type == 3 || $type == 4) { $text .= $child->data }
    }
    $text =~ s/\A\s+|\s+\z//g;
    return $text eq '' ? 1 : $text if !%hash;
    $hash{'#text'} = $text if $text ne '';
    return \%hash;
}

sub seconds_of {
    my ($code, $n) = @_;
    my $begin = clock_gettime(CLOCK_MONOTONIC);
    $code->($n);
    my $end = clock_gettime(CLOCK_MONOTONIC);
    @kept = ();
    return $end - $begin;
}

# How many calls make a batch: both sides do the same number.
sub batch_of {
    my ($ours, $theirs) = @_;
    for (my $n = 1 ;; $n *= 2) {
        my $each = (seconds_of($ours, $n) + seconds_of($theirs, $n)) / 2 * 1e9;
        return int($n * BATCH_NS / $each) + 1 if $each >= BATCH_NS / 4;
    }
}

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

sub measure {
    my ($call, $ours, $theirs, $aim, $most, $peers) = @_;
    my $n = batch_of($ours, $theirs);
    report($call, sub { seconds_of($ours, $n) }, sub { seconds_of($theirs, $n) }, $n, 1e9, $aim, $most,
        $peers);
    return;
}

# Takes turns with two functions that measure a batch of $n each, and prints the row; the
# results are shown as $unit for one.
sub report {
    my ($call, $our, $their, $n, $unit, $aim, $most, $peers) = @_;
    my (@ours, @theirs, @ratio);
    $most = $rounds if !$most || $most > $rounds;
    for (1 .. $most) {
        # By chance, so that nothing else on the machine can keep step.
        my $first = rand() < 0.5;
        push @theirs, $their->() if !$first;
        push @ours,   $our->();
        push @theirs, $their->() if $first;
        push @ratio, $ours[-1] / $theirs[-1];
    }
    @ratio = sort { $a <=> $b } @ratio;
    printf "%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t%.2f\n", $call, $peers // PEERS, $transport,
      $ratio[0], median(@ratio), $ratio[-1], median(@ours) / $n * $unit,
      median(@theirs) / $n * $unit, $n, $aim;
    return;
}

# Starts a process that lets AT_ONCE events lie ready when it is asked, and takes the time
# until the last one's callback. Returns a function that asks it.
sub listener {
    my ($class) = @_;
    pipe(my $asked, my $ask) && pipe(my $answer, my $answers) or die "perl-bench.pl: pipe: $!\n";
    my $pid = fork() // die "perl-bench.pl: fork: $!\n";
    if (!$pid) {
        close $_ or die "perl-bench.pl: close: $!\n" for $ask, $answer;
        my $served = eval { serve($class, $asked, $answers); 1 };
        warn $@ if !$served;
        require POSIX;
        POSIX::_exit($served ? 0 : 1);
    }
    close $_ or die "perl-bench.pl: close: $!\n" for $asked, $answers;
    return sub {
        my $seconds;
        syswrite $ask, 'x';
        (sysread($answer, $seconds, 8) // 0) == 8 or die "perl-bench.pl: $class has ended\n";
        return unpack 'd', $seconds;
    };
}

sub serve {
    my ($class, $asked, $answers) = @_;
    my ($register, $turn) = map { "${class}::Event"->can($_) } qw(register_default run_default);
    $register->();
    my ($sender, $conn) = map { $class->new(uri => $uri) } 1, 2;
    my $name  = 'bench-' . lc($class =~ s/:://r);
    my $heard = 0;
    my $dom   = $sender->create_domain("<domain type='test'><name>$name</name>"
          . '<memory>1024</memory><os><type>hvm</type></os></domain>');
    $conn->domain_event_register_any($conn->get_domain_by_name($name),
        "${class}::Domain"->can('EVENT_ID_LIFECYCLE')->(), sub { $heard++ });
    while (sysread $asked, my $byte, 1) {
        my $last = $heard + AT_ONCE;
        for my $i (1 .. AT_ONCE) {
            if   ($i % 2) { $dom->suspend }
            else          { $dom->resume }
        }
        syswrite $answers, pack 'd', seconds_of(sub { $turn->() while $heard < $last });
    }
    return;
}

# What 10,000 domains take in a process that has done nothing else.
sub bytes_of {
    my ($class) = @_;
    my $code = q{
        my ($class, $uri) = @ARGV;
        eval "require $class; 1" or die $@;
        sub resident { open my $in, '<', '/proc/self/smaps_rollup' or die $!; (grep { s/^Rss:\D*// } <$in>)[0] }
        my $conn   = $class->new(uri => $uri);
        my $warm   = resident();
        my $before = resident();
        my @all    = $conn->list_all_domains;
        print resident() - $before;
    };
    open my $out, '-|', $^X, (map { "-I$_" } @INC), '-e', $code, $class, sprintf($uri_many, 10_000)
      or die "perl-bench.pl: cannot run perl: $!\n";
    my $kib = <$out>;
    close $out and $kib or die "perl-bench.pl: no answer about the memory\n";
    return $kib * 1024;
}

$| = 1;
for my $row (@rows) {
    my ($call, $code, $aim, $most) = @$row;
    next if !is_wanted($call);
    my ($ours, $theirs) = loops($code, ['VKVM', $conn, $dom, $many, $thousand],
        ['Sys::Virt', $vir_conn, $vir_dom, $vir_many, $vir_thousand]);
    measure($call, $ours, $theirs, $aim, $most);
}

report(EVENTS, @listeners, AT_ONCE, 1e9, 1.00) if @listeners;

# Where the host is in the process itself, it leaves memory behind that is used again.
if ($transport ne 'in-process' && is_wanted(MEMORY)) {
    report(MEMORY, sub { bytes_of('VKVM') }, sub { bytes_of('Sys::Virt') }, 10_000, 1, 1.00, 11);
}

if ($transport eq 'in-process' && "from_xml (11 KB) Perl/LibXML $transport" =~ /$wanted/) {
    if (eval { require XML::LibXML; 1 }) {
        my $file = $0 =~ s{[^/]*\z}{domain.xml}r;
        open(my $in, '<', $file) or die "perl-bench.pl: cannot read $file: $!\n";
        my $xml = do { local $/; <$in> };
        my ($ours, $theirs) = (
            sub { my ($n, $x) = @_; $x = VKVM::from_xml($xml) for 1 .. $n; return },
            sub {
                my ($n, $x) = @_;
                $x = walk(XML::LibXML->load_xml(string => $xml)->documentElement) for 1 .. $n;
                return;
            },
        );
        measure('from_xml (11 KB)', $ours, $theirs, 0.10, undef, 'Perl/LibXML');
    }
    else {
        print "from_xml (11 KB)\tPerl/LibXML\t$transport\tskip\tXML::LibXML is not installed "
          . "(Debian package libxml-libxml-perl)\n";
    }
}

# With a limit on the connection; and many at once through futures, where a program in C makes
# the calls from 64 threads. From here on all calls look whether there is a limit.
sub through_futures {
    my ($n) = @_;
    my ($left, $open) = ($n, 0);
    my $all = VKVM::Async::Future->new;
    my $one;
    $one = sub {
        return if $left-- <= 0;
        $open++;
        $dom->async->get_info->on_ready(sub { $one->(); $all->done if !--$open });
        return;
    };
    $one->() for 1 .. IN_FLIGHT;
    $all->get;
    $one = undef;
    return;
}

# Starts that program. Returns a function that lets it make N calls, and gives the seconds.
sub threads {
    my ($n) = @_;
    my $program = $0 =~ s{[^/]*\z}{../target/benches/call-bench}r;
    my $pid     = open2(my $answer, my $ask, $program, '--threads', $uri, $n);
    return sub {
        my $seconds;
        syswrite $ask, 'x';
        (sysread($answer, $seconds, 8) // 0) == 8 or die "perl-bench.pl: $program has ended\n";
        return unpack 'd', $seconds;
    };
}

if ($transport ne 'in-process') {
    my $direct = sub { my ($n, $x) = @_; $x = $vir_dom->get_info for 1 .. $n; return };
    if (is_wanted(FUTURES, THREADS)) {
        if (eval { require VKVM::Async; 1 }) {
            # Longer than other batches, so that most of it is with all in flight.
            my $n = 20 * IN_FLIGHT;
            report(FUTURES, sub { seconds_of(\&through_futures, $n) }, threads($n), $n, 1e9, 1.40, 51, THREADS);
        }
        else {
            print join("\t", FUTURES, THREADS, $transport, 'skip',
                'Future is not installed (Debian package libfuture-perl)'), "\n";
        }
    }
    if (is_wanted(BOUNDED)) {
        $conn->set_call_timeout(60);
        measure(BOUNDED, sub { my ($n, $x) = @_; $x = $dom->get_info for 1 .. $n; return }, $direct, 1.50);
    }
}
