# SPDX-License-Identifier: LGPL-2.1-or-later
# What Sys::Virt does wrong and libvkvm does not copy: each piece of a program
# is run with the real Sys::Virt, too, and must end in another way there. Then what only
# VKVM does not copy: the drop-in must end as Sys::Virt does, and VKVM otherwise.
# docs/DIFFERENCES.md has a row for each.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestVKVM;

use VKVM;

my $has_sys_virt = (run_perl('-MSys::Virt', '-e', '1'))[0] == 0;
my $rows         = do {
    open(my $file, '<', root_file('docs/DIFFERENCES.md')) or die "cannot read it: $!";
    local $/;
    <$file>;
};

my $begin = <<'END';
use strict; use warnings; BEGIN { require Sys::Virt::Event if !$INC{'VKVM.pm'} || $INC{'VKVM/SysVirt.pm'} }
alarm 600; $| = 1;
my $main = $INC{'VKVM.pm'} && !$INC{'VKVM/SysVirt.pm'} ? 'VKVM' : 'Sys::Virt';
my $conn = $main->new(uri => 'test:///default');
my $dom  = $conn->get_domain_by_name('test');
my ($class, $parameter) = ('', '');
sub tried { my ($code) = @_; my @r = eval { $code->() };
    return @r if !$@;
    print "exception of ", ref $@ || 'Perl', ref $@ ? " about " . ($@->{parameter} // 'nothing') : '', "\n";
    return }
END

# How a program ended and what it said.
sub outcome {
    my ($module, $program) = @_;
    my ($status, $output) = run_perl("-M$module", '-e', $begin . $program);
    return ($status & 127 ? 'killed: ' : $status ? "exit: $output" : '') . $output;
}

# What is wrong, the row about it, the program, and what it prints with libvkvm.
my @flaws = (
    [ 'text where a list belongs', qr/a wrong argument is passed on.*some of these crash/,
        q(tried(sub { $conn->get_all_domain_stats(0, 'domains') })), 'exception of Sys::Virt::Error about doms' ],
    [ 'a number where a list belongs', qr/a wrong argument is passed on/,
        q(tried(sub { $conn->baseline_cpu(5) })), 'exception of Sys::Virt::Error about xml' ],
    [ 'text for a hash', qr/a wrong argument is passed on/,
        q(tried(sub { $dom->set_memory_parameters('x') })), 'exception of Sys::Virt::Error about newparams' ],
    [ 'text for a number', qr/a wrong argument is passed on.*text becomes 0/,
        q(no warnings; my ($d) = tried(sub { $conn->get_domain_by_id('one') }); print ref $d, "\n"),
        "exception of Sys::Virt::Error about id\n" ],
    [ 'a number of 33 bits', qr/a wrong argument is passed on.*cut to 32 bits/,
        q(my ($d) = tried(sub { $conn->get_domain_by_id(2**32 + 1) }); print $d ? $d->get_name : '', "\n"),
        "exception of Sys::Virt::Error about id\n" ],
    [ 'an object of another class', qr/an object of another class is used as a pointer/,
        q(tried(sub { Sys::Virt::Domain::get_name($conn) })), 'exception of Sys::Virt::Error about dom' ],
    [ 'the sum of all CPUs', qr/return as many hashes as there are parameters, of which one is valid/,
        q(my @s = tried(sub { $dom->get_cpu_stats(-1, 1) }); print scalar @s, "\n"), 1 ],
    [ 'children of a snapshot', qr/`list_child_snapshots` is always empty/,
        q(my ($s) = map { $dom->create_snapshot("<domainsnapshot><name>$_</name></domainsnapshot>") } 1, 2;
          print scalar $s->list_child_snapshots, "\n"), 1 ],
    [ 'names of some of the snapshots', qr/more than N snapshots reads wild pointers/,
        q($dom->create_snapshot("<domainsnapshot><name>$_</name></domainsnapshot>") for 1 .. 20;
          print scalar(@{ [ $dom->list_snapshot_names(3) ] }), "\n"), 3 ],
    [ 'migrate_to_uri2', qr/`migrate_to_uri2` always dies/,
        q(tried(sub { $dom->migrate_to_uri2('test:///default', undef) })),
        'exception of Sys::Virt::Error about nothing' ],
    [ 'negative constants', qr/-1 constants .* are 2\^64-1/,
        q(print Sys::Virt::NODE_CPU_STATS_ALL_CPUS(), "\n"), -1 ],
    [ 'constants of the 32nd bit', qr/flags of bit 31 .* are 18446744071562067968/,
        q(print Sys::Virt::NodeDevice::LIST_ACTIVE(), "\n"), 2147483648 ],
    [ 'the level of an error', qr/`Sys::Virt::Error->level` returns the code/,
        q(eval { $conn->get_domain_by_id(12345) }; print $@->level, "\n"), 2 ],
    [ 'comparing an error', qr/`eq` and `==` on one die/,
        q(eval { $conn->get_domain_by_id(12345) }; my $e = $@;
          print eval { $e eq 'x' ? 1 : 0 } // 'exception', "\n"), 0 ],
    [ 'a callback that dies', qr/a callback that dies unwinds through libvirt's C frames/,
        q(alarm 10; Sys::Virt::Event::register_default(); my $n = 0;
          Sys::Virt::Event::add_timeout(1, sub { $n++; die "always\n" });
          eval { Sys::Virt::Event::run_default() } for 1 .. 3; print "$n $@"), '3 always' ],
    [ 'leaks', qr/`get_uri`, `get_hostname` and `get_all_domain_stats` leak/,
        q(sub pages { open my $f, '<', '/proc/self/statm' or die; return (split ' ', <$f>)[1] }
          sub more { my ($times) = @_; my $before = pages(); $conn->get_uri for 1 .. $times; return pages() - $before }
          more(1000);
          # The kernel may give a process more pages at once; a leak is there each time.
          my ($least) = sort { $a <=> $b } map { more(100_000) } 1 .. 3;
          print $least > 250 ? 'much' : 'no', " more memory\n"), 'no more memory' ],
    [ 'a wrong number of arguments', qr/a wrong number of arguments is a text, "Usage: /,
        q(tried(sub { $dom->attach_device })), 'exception of Sys::Virt::Error about xml' ],
    [ 'an array for an argument', qr/functions have prototypes/,
        q(my @a = (5); my ($x) = tried(sub { Sys::Virt::list_domain_ids($conn, @a) }); print scalar(@a), "\n";
          my @b = ('test', 0); tried(sub { Sys::Virt::Domain::get_xml_description($dom, @b[1, 1]) })),
        "1\nexception of Sys::Virt::Error about arguments" ],
);

for my $flaw (@flaws) {
    my ($what, $row, $program, $ours) = @$flaw;
    subtest $what => sub {
        ok($rows =~ $row, 'has its row');
        my $outcome = outcome('VKVM::SysVirt', $program);
        is($outcome, "$ours\n", 'with libvkvm');
        SKIP: {
            skip('Sys::Virt is not installed', 1) unless $has_sys_virt;
            isnt(outcome('Sys::Virt', $program), $outcome, 'and Sys::Virt does otherwise');
        }
    };
}

# What is wrong, the row about it, the program, and what it prints with VKVM.
my @stricter = (
    [ 'undef for text', qr/undef where text or a number is needed is "" or 0/,
        q(no warnings; tried(sub { $conn->get_domain_by_name(undef) })), 'exception of VKVM::Error about name' ],
    [ 'undef for a bool', qr/undef where text or a number is needed/,
        q(no warnings; tried(sub { $dom->set_autostart(undef) }); print "on\n"),
        "exception of VKVM::Error about autostart\non" ],
    [ 'nothing for a number', qr/so is "" where a number is needed/,
        q(no warnings; tried(sub { $dom->set_autostart('') }); print "on\n"),
        "exception of VKVM::Error about autostart\non" ],
    [ 'all flags', qr/-1 for an unsigned number is all bits/,
        q(tried(sub { $conn->list_all_domains(-1) })), 'exception of VKVM::Error about flags' ],
    [ 'no limit', qr/a negative limit of `set_memory_parameters`/,
        q(tried(sub { $dom->set_memory_parameters({ hard_limit => -1, swap_hard_limit => -1 }) }); print "on\n"),
        "exception of VKVM::Error about newparams\non" ],
    [ 'undef in a hash', qr/undef where text or a number is needed.*This includes the values in the hashes/,
        q(no warnings; tried(sub { $dom->set_memory_parameters({ hard_limit => undef }) }); print "on\n"),
        "exception of VKVM::Error about newparams\non" ],
    [ 'all bits in a hash', qr/-1 for an unsigned number is all bits.*set_scheduler_parameters/,
        q(tried(sub { $dom->set_scheduler_parameters({ weight => -1 }) }); print "on\n"),
        "exception of VKVM::Error about newparams\non" ],
    [ 'an argument too many', qr/ignore unknown arguments/,
        q(my ($d) = tried(sub { $conn->get_domain_by_name('test', 1) }); print $d ? 'there' : 'none', "\n"),
        "exception of VKVM::Error about arguments\nnone" ],
    [ 'a parameter of new', qr/`new` ignores unknown parameters/,
        q(tried(sub { $main->new(url => 1, uri => 'test:///default') }); print "on\n"),
        "exception of VKVM::Error about url\non" ],
    [ 'an odd parameter of new', qr/`Sys::Virt->new\(\$uri\)` opens the default hypervisor/,
        q(no warnings; local $SIG{__WARN__} = sub { }; $ENV{LIBVIRT_DEFAULT_URI} = 'test:///default';
          tried(sub { $main->new('xen:///nowhere') }); print "on\n"), "exception of VKVM::Error about params\non" ],
    [ 'keys that the driver does not know', qr/keys that the driver does not support are dropped/,
        q(tried(sub { $dom->set_scheduler_parameters({ weight => 5, no_such_key => 1 }) }); print "on\n"),
        "exception of VKVM::Error about newparams\non" ],
    [ 'parameters of a migration that do not exist', qr/unknown keys .*`migrate`/,
        q(tried(sub { $dom->migrate_to_uri('test:///default', { no_such => 1 }, 0) })),
        'exception of VKVM::Error about params' ],
    [ 'no maximum of CPUs', qr/`get_max_vcpus` of a domain.* return -1 when they fail/,
        q($dom->destroy; $dom->undefine; my ($n) = tried(sub { $dom->get_max_vcpus });
          print $n // '', "\n"), "exception of VKVM::Error about nothing\n" ],
);
for my $flaw (@stricter) {
    my ($what, $row, $program, $ours) = @$flaw;
    subtest "$what, in VKVM only" => sub {
        ok($rows =~ $row, 'has its row');
        is(outcome('VKVM', $program), "$ours\n", 'with VKVM');
        my $outcome = outcome('VKVM::SysVirt', $program);
        isnt($outcome, "$ours\n", 'and the drop-in does otherwise');
        SKIP: {
            skip('Sys::Virt is not installed', 1) unless $has_sys_virt;
            is($outcome, outcome('Sys::Virt', $program), 'as Sys::Virt');
        }
    };
}

# Only a libvirt from 12.3 on has the key that Sys::Virt misspells.
subtest 'the key availabl' => sub {
    like($rows, qr/has a key `availabl`.*the old one exists too/, 'has its row');
    my $newer = q(use VKVM; BEGIN { no warnings 'redefine';
        *VKVM::get_node_memory_stats = sub ($;$$) { return { available => 5, free => 4 } } });
    my $show = q(my $s = VKVM->new(uri => 'test:///default')->get_node_memory_stats;
        print join ' ', map { "$_=$s->{$_}" } sort keys %$s);
    is((run_perl('-e', "$newer $show"))[1], 'available=5 free=4', 'is right in VKVM');
    is((run_perl('-e', "$newer use VKVM::SysVirt; $show"))[1],
        'availabl=5 available=5 free=4', 'and there twice under VKVM::SysVirt');
};

subtest 'the version of Sys::Virt' => sub {
    my %outcome = (
        'use Sys::Virt 4.0.0; print "yes"'           => qr/^yes$/,
        'use Sys::Virt 12; print Sys::Virt->VERSION' => qr/^12\.7\.0$/,
        'use Sys::Virt 99'        => qr/^Sys::Virt version 99 .* only version v?12\.7\.0 at -e line 1/,
        'use Sys::Virt 12.7.1'    => qr/^Sys::Virt version v12\.7\.1 required/,
        'Sys::Virt->VERSION("x")' => qr/^Invalid version format/,
        'use VKVM 4'              => qr/^VKVM version 4 required.* only version \S+ at -e line 1/,
        'package X; our @ISA = "Sys::Virt"; our $VERSION = 3; print X->VERSION(2)' => qr/^3$/,
    );
    for my $program (sort keys %outcome) {
        my ($status, $output, $errors) = run_perl('-MVKVM::SysVirt', '-e', $program);
        like($output . $errors, $outcome{$program}, $program);
    }
};

done_testing;
