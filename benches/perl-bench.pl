#!/usr/bin/perl
# Times VKVM against Sys::Virt, both called from Perl in this one process.
# benches/run calls it, with the same arguments and the same output as c-bench.

use strict;
use warnings;

use Sys::Virt;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use VKVM;

use constant {
    PEERS    => 'Perl/Sys::Virt',
    BATCH_NS => 1e6,                 # how long a batch is to take: less than a time slice
};

die "usage: perl-bench.pl TRANSPORT URI URI-OF-100-DOMAINS ROUNDS REGEX\n" if @ARGV != 5;
my ($transport, $uri, $uri_many, $rounds, $wanted) = @ARGV;
die "perl-bench.pl: '$rounds' is no number of rounds\n" if $rounds !~ /^[1-9][0-9]*\z/;

my ($conn,     $many)     = map { VKVM->new(uri => $_) } $uri, $uri_many;
my ($vir_conn, $vir_many) = map { Sys::Virt->new(uri => $_) } $uri, $uri_many;
my $dom     = $conn->get_domain_by_name('test');
my $vir_dom = $vir_conn->get_domain_by_name('test');

# What is timed: N calls each, with the loop and the assignment around them.
# The same text serves both, so that Perl runs the same code.
sub loops {
    my ($code, @sides) = @_;
    return map {
        my ($class, $conn, $dom, $many) = @$_;
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
);

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
    return clock_gettime(CLOCK_MONOTONIC) - $begin;
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
    my ($call, $ours, $theirs, $aim, $peers) = @_;
    my $n = batch_of($ours, $theirs);
    my (@ours, @theirs, @ratio);
    for (1 .. $rounds) {
        # By chance, so that nothing else on the machine can keep step.
        my $first = rand() < 0.5;
        push @theirs, seconds_of($theirs, $n) if !$first;
        push @ours,   seconds_of($ours,   $n);
        push @theirs, seconds_of($theirs, $n) if $first;
        push @ratio, $ours[-1] / $theirs[-1];
    }
    @ratio = sort { $a <=> $b } @ratio;
    printf "%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t%.2f\n", $call, $peers // PEERS, $transport,
      $ratio[0], median(@ratio), $ratio[-1], median(@ours) / $n * 1e9,
      median(@theirs) / $n * 1e9, $n, $aim;
}

$| = 1;
for my $row (@rows) {
    my ($call, $code, $aim) = @$row;
    next if "$call ${\PEERS} $transport" !~ /$wanted/;
    my ($ours, $theirs) = loops($code, ['VKVM', $conn, $dom, $many],
        ['Sys::Virt', $vir_conn, $vir_dom, $vir_many]);
    measure($call, $ours, $theirs, $aim);
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
        measure('from_xml (11 KB)', $ours, $theirs, 0.10, 'Perl/LibXML');
    }
    else {
        print "from_xml (11 KB)\tPerl/LibXML\t$transport\tskip\tXML::LibXML is not installed "
          . "(Debian package libxml-libxml-perl)\n";
    }
}
