# The same Sys::Virt program with Sys::Virt and with VKVM::SysVirt, on the test
# driver and with a real guest: it must print the same.

use strict;
use warnings;

use File::Temp;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

need_module('Sys::Virt', 'libsys-virt-perl');

my $script = "$FindBin::Bin/scripts/slice.pl";

# What differs on purpose: the name that slice.pl gives it, and why. Each must
# really differ, or it has to go.
my $sign    = 'a C number with its highest bit set, which Sys::Virt makes a huge one';
my %differs = (
    'usage'     => 'the message names the class VKVM::Domain',
    'get_max_vcpus' => 'Sys::Virt gives -1 for a failure',
    'get_max_vcpus: scalar' => 'likewise',
    'set_memory_parameters {}' => 'the same error of libvirt about another argument',
    "set_scheduler_parameters {no_such_key => '1'} '0'" =>
      'Sys::Virt ignores keys that the driver does not know',
    (map { ("constant Sys::Virt::$_" => $sign) } qw(NODE_CPU_STATS_ALL_CPUS NODE_MEMORY_STATS_ALL_CELLS
          Domain::AGENT_RESPONSE_TIMEOUT_BLOCK Domain::AGENT_RESPONSE_TIMEOUT_DEFAULT
          Domain::GET_ALL_STATS_ENFORCE_STATS
          Domain::VCPU_INFO_CPU_OFFLINE Domain::VCPU_INFO_CPU_UNAVAILABLE)),
);
my (%differed, %level);

# What a program prints, as pairs of a name and all that belongs to it.
sub output_of {
    my ($module, @args) = @_;
    my ($status, $output, $errors) = run_perl("-M$module", $script, @args);
    is($status, 0,  "$module: exit status");
    is($errors, '', "$module: standard error");
    my @lines = split /\n/, $output;
    is($lines[-1], "end = []", "$module: ran to its end");
    my @pairs;
    for my $line (@lines) {
        my ($name, $value) = split / = (?=\[)/, $line, 2;
        if    ($name eq '  level()') { $level{$module}{$value}++ }
        elsif ($name =~ /^  /)       { $pairs[-1][1] .= "\n$line" }
        else                         { push @pairs, [ $name, $value ] }
    }
    return @pairs;
}

sub same_output {
    my ($what, @args) = @_;
    subtest $what => sub {
        my @theirs = output_of('Sys::Virt',     @args);
        my @ours   = output_of('VKVM::SysVirt', @args);
        cmp_ok(scalar @theirs, '>', 300, 'that is much');

        # Newer libvirts than this Sys::Virt knows have more constants.
        my %theirs = map { $_->[0] => 1 } @theirs;
        @ours = grep { $theirs{ $_->[0] } || $_->[0] !~ /^constant / } @ours;

        for my $i (0 .. $#theirs) {
            my ($name, $value) = @{ $theirs[$i] };
            is($ours[$i][0], $name, 'the same call') or last;
            if ($differs{$name}) { $differed{$name} ||= $ours[$i][1] ne $value }
            else                 { is($ours[$i][1], $value, $name) }
        }
        is(scalar @ours, scalar @theirs, 'as many lines');
    };
    return;
}

same_output('on the test driver', 'test:///default');

SKIP: {
    my $bed = TestBed->daemon('qemu-daemon') or skip(TestBed->reason, 1);
    my $xml = $bed->guest_xml('vkvm-slice', 'c7a5fdbd-cdaf-9455-926a-d65c16db1809')
      // skip(TestBed->reason, 1);
    my $file = File::Temp->new;
    print $file $xml;
    close $file;
    same_output('with a guest', $bed->{URI}, $file->filename);
}

# The method level() of Sys::Virt::Error gives the code by mistake.
cmp_ok(scalar keys %{ $level{'Sys::Virt'} }, '>', 5, 'level() of Sys::Virt is of many kinds');
is_deeply([ keys %{ $level{'VKVM::SysVirt'} } ], [q(['2'])], 'and the level with VKVM::SysVirt');

ok($differed{$_}, "differs: $_ ($differs{$_})") for sort keys %differs;

done_testing;
