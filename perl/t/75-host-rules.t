# SPDX-License-Identifier: LGPL-2.1-or-later
# Arguments of commands that exclude or require others: each rule that the table of
# commands has, and whether virsh has it, too.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open3 qw(open3);
use Test::More;
use TestHost;

use BothFaces;

my $host      = VKVM::Host->new(uri => 'test:///default');
my $commands  = VKVM::Host->commands->{commands};
my $has_virsh = grep { -x "$_/virsh" } split /:/, $ENV{PATH};

# What a command says that gets these arguments, and those that it needs.
sub said {
    my ($full, @names) = @_;
    my %given = given($full, @names);
    my @result = eval { $host->call($full, \%given) };
    return $@->message if $@;
    return $result[2] =~ s/\Aerror: //r;
}

# ... in virsh; undef if this one has no such option.
sub virsh_says {
    my ($full, @names) = @_;
    my %given = given($full, @names);
    my %kind = map { $_->{name} => $_->{kind} } @{ $commands->{$full}{arguments} };
    my @options = map { my $option = '--' . tr/_/-/r; $kind{$_} eq 'bool' ? $option : ($option, $given{$_}) }
      sort keys %given;
    my $pid = open3(my $in, my $out, undef, qw(timeout 60 virsh -c test:///default), $commands->{$full}{virsh}, @options);
    close $in;
    my $text = do { local $/; <$out> };
    waitpid $pid, 0;
    return if $text =~ /doesn't support option/;
    return $text =~ s/\Aerror: //r =~ s/\s+\z//r;
}

sub given {
    my ($full, @names) = @_;
    my %value = (
        bool => 1, int => 1, size => 1, document => '/none', string => 'x', strings => ['x'],
        # Some of virsh's commands look for these first.
        domain => 'test', pool => 'default-pool',
    );
    return map { $_->{name} => $value{ $_->{name} } // $value{ $_->{kind} } } grep {
        my $name = $_->{name};
        $_->{required} || grep { $_ eq $name } @names
    } @{ $commands->{$full}{arguments} };
}

# What a rule needs besides, so that only the rule is broken.
my %besides = (
    'domain.attach_disk source_host_name source_host_socket' => [qw(source_protocol source_host_transport)],
    'domain.attach_disk source_host_socket source_host_transport' => ['source_protocol'],
);

# What virsh looks at before its rules.
my %first = (
    'domain.undefine'  => 'supported only on stopped domains',
    'secret.set_value' => 'failed to get secret',
);

my ($rules, $by_virsh) = (0, 0);
for my $full (sort keys %$commands) {
    for my $argument (@{ $commands->{$full}{arguments} }) {
        my $name = $argument->{name};
        my @wrong = map {
            [ [ $name, $_ ], "$name $_", sprintf 'Options --%s and --%s are mutually exclusive', $name, $_ ]
        } @{ $argument->{excludes} };
        push @wrong, map { [ [$name], "$name @$_", @$_ == 1 && "Option --$_->[0] is required by option --$name" ] }
          @{ $argument->{requires} };
        push @wrong, [ [], "no $name", '' ] if @{ $argument->{unless} };
        for my $wrong (@wrong) {
            my ($names, $what, $wanted) = @$wrong;
            my @names = (@$names, @{ $besides{"$full $what"} // [] });
            # Of two that must be there, the first is missed first.
            push @names, 'cellno' if $full eq 'hypervisor.freepages' && $what eq 'no pagesize';
            $rules++;
            my $said = said($full, @names);
            my $usual = $said =~ tr/_/-/r eq ($wanted || 'x') =~ tr/_/-/r;
            my $own   = $said =~ /requires|required|only works with|missing/;
            ok($wanted && $what !~ /format memory_only/ ? $usual : $own, "$full: $what") or diag($said);
            # virsh's dump finds it on a thread, whose end it may miss, and then waits for ever.
            next if !$has_virsh || $commands->{$full}{virsh} eq '' || $full eq 'domain.coredump';
            my $virsh = virsh_says($full, @names);
            next if !defined $virsh;
            $by_virsh++;
            next if $virsh eq $said;
            # virsh's table has a column for it by now.
            next if $what =~ /\A(?:table uuid|uuid table)\z/ && $virsh =~ /\A\s*Id\b.*\bUUID\b/;
            # It says so in other words, or something else first.
            my $first = $first{$full} // 'requires';
            like($virsh, qr/mutually exclusive|requires|Only one argument|$first/, '... by virsh, too')
              or diag("we: $said");
        }
    }
}
cmp_ok($rules, '>', 80, "$rules rules");
note("$by_virsh of them were tried with virsh");

# What a rule protects.
my $domain = $host->domain;
my $xml = { '@type' => 'test', name => 'd', memory => 65536, os => { type => 'hvm' } };
my %what = (
    wipe_storage => qr/\Aerror: '--wipe-storage' requires '--storage' or '--remove-all-storage'\z/,
    delete_storage_volume_snapshots =>
      qr/\Aerror: Option --remove-all-storage is required by option --delete-storage-volume-snapshots\z/,
);
for my $option (sort keys %what) {
    $domain->define($xml);
    fails([ $domain->undefine('d', $option => 1) ], $what{$option}, "undefine with $option alone");
    fails([ $host->virsh('undefine', 'd', '--' . $option =~ tr/_/-/r) ], $what{$option}, '... by its name in virsh');
    is($domain->state('d'), 'shut off', '... and the domain is still there');
    works([ $domain->undefine('d', $option => 0) ], q(Domain 'd' has been undefined), '... but not if it is false');
}
refused(sub { $host->list_pools(all => 1, inactive => 1) }, qr/--all and --inactive are mutually/, 'a query');
is_deeply([ grep { $_->{name} eq 'wipe_storage' } @{ $commands->{'domain.undefine'}{arguments} } ]->[0]{requires},
    [ [qw(storage remove_all_storage)] ], 'rules are described');

done_testing;
