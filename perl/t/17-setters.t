# SPDX-License-Identifier: LGPL-2.1-or-later
# All that can be set: set with Sys::Virt and read with VKVM::SysVirt, and the
# other way round, on daemons that keep it in the meantime.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use RichBed;
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

need_module('Sys::Virt', 'libsys-virt-perl');
alarm 1200;    # rather than to hang

# Setters that are not tried, and why.
my %excused = (
    'Virt set_identity'                => 'there is no polkit that could look at it',
    'Virt set_node_memory_parameters'  => 'it would change the machine itself',
    'NodeDevice set_autostart'         => 'only mediated devices have it',
    'Domain authorized_ssh_keys_set'   => 'the guest has no home folders',
    'Domain set_launch_security_state' => 'it needs a processor with SEV',
    'Network set_metadata'             => 'it needs libvirt 9.7',
    'NodeDevice update'                => 'it needs libvirt 10.1',
    'Domain set_autostart_once'        => 'it needs libvirt 11.2',
    'Domain set_throttle_group'        => 'it needs libvirt 11.2',
    # There are tests of their own of these.
    map { ($_ => 'tested elsewhere') } 'Stream update_callback',
    map { "Domain $_" } qw(set_block_job_speed set_iothread pin_iothread update_device),
);
# What has nothing that reads it.
my $unread = qr/set_(?:user_password|agent_response_timeout|keep_alive)/;
# The same value twice: the guest has one CPU.
my $same = qr/$unread|set_guest_vcpus/;

# The lines that a program prints, by name.
sub lines_of {
    my ($module, @args) = @_;
    my ($status, $output, $errors) = run_perl("-M$module", "$FindBin::Bin/scripts/setters.pl", @args);
    is($status, 0,  "$module @args[1, 2]: exit status");
    is($errors, '', "$module @args[1, 2]: standard error");
    my @lines = map { [ split / = (?=\[)/, $_, 2 ] } grep { !/^  / } split /\n/, $output;
    is((pop @lines)->[0], 'end', 'ran to its end');
    return @lines;
}

my %tried;

sub both_ways {
    my ($what, @args) = @_;
    subtest $what => sub {
        my %before;
        for my $way ([ 'Sys::Virt', 0, 'VKVM::SysVirt' ], [ 'VKVM::SysVirt', 1, 'Sys::Virt' ]) {
            my ($setter, $number, $reader) = @$way;
            for my $line (lines_of($setter, @args, $number)) {
                $tried{ $line->[0] =~ s/^\d+ //r } = 1;
                is($line->[1], '[]', "$setter: $line->[0]");
            }
            my %own = map { @$_ } lines_of($setter, @args, 'read');
            for my $line (lines_of($reader, @args, 'read')) {
                my ($name, $value) = @$line;
                unlike($value, qr/libvirt error/, "$name can be read");
                is($value, $own{$name}, "$name with $setter is seen by $reader");
                isnt($value, $before{$name}, 'and is another value') if $name !~ $same;
                $before{$name} = $value;
            }
        }
        cmp_ok(scalar keys %before, '>', 10, 'these are some');
    };
    return;
}

SKIP: {
    my $bed  = TestBed->daemon('test-daemon') or skip(TestBed->reason, 1);
    my $conn = VKVM->new(uri => $bed->{URI_UNIX});    # keeps the driver's state
    $conn->define_domain(domain_xml('off'));
    both_ways('on the test driver', $bed->{URI_UNIX}, 'test');
}
SKIP: {
    my $rich = RichBed->new or skip(RichBed->reason, 1);
    both_ways('on a QEMU daemon', $rich->uri, 'qemu');

    my $packages = read_json(root_file('data/coverage/methods.json'))->{packages};
    my ($status, $output) = run_perl('-MSys::Virt', '-e', 'no strict "refs";
        for my $p (@ARGV) { my $q = $p eq "Virt" ? "Sys::Virt" : "Sys::Virt::$p";
            print map { "$p $_\n" } grep { defined &{"${q}::$_"} } keys %{"${q}::"} }',
        map { length $_ ? $_ : 'Virt' } keys %$packages);
    my @setters = grep { !/^Event/ && / (?!get)(?:\w+_)?(?:set|pin|update)(?:_|\z)/ } split /\n/, $output;
    cmp_ok(scalar @setters, '>', 30, 'setters of Sys::Virt');
    for my $setter (sort @setters) {
        ok($tried{$setter} || exists $excused{$setter}, "$setter is tried");
    }
}

done_testing;
