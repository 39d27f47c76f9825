# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls any methods with any arguments: any-arguments.pl SEED CALLS FOLDER URI.
# Whatever is passed, they return or die; at the end this prints which handles are left.
# What is taken for the name of a file is written in the folder.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Hostile;

use VKVM;
use VKVM::Event;

my ($seed, $calls, $folder, $uri) = @ARGV;
chdir $folder or die "no folder $folder: $!";
srand $seed;

sub chance { my ($of) = @_; return rand() < $of }

# Perl code that runs where the library asks for what it was given.
package Polite {
    use overload '""' => sub { 'test' }, '0+' => sub { 3 }, fallback => 1;
}

package Scalar {
    sub TIESCALAR { my ($class) = @_; return bless [], $class }
    sub FETCH { main::chance(.3) ? die "no fetch\n" : return main::argument() }
    sub STORE { main::chance(.5) ? die "no store\n" : return }
}

package Array {
    sub TIEARRAY { my ($class) = @_; return bless [], $class }
    sub FETCH { main::chance(.3) ? die "no item\n" : return main::argument() }
    sub FETCHSIZE { return int rand 4 }
}

package Hash {
    sub TIEHASH { my ($class) = @_; return bless [], $class }
    sub FETCH { main::chance(.3) ? die "no value\n" : return main::argument() }
    sub FIRSTKEY { return 'a' }
    sub NEXTKEY { main::chance(.3) ? die "no key\n" : return main::chance(.5) ? 'b' : undef }
}

package main;

VKVM::Event::register_default();
my $conn  = VKVM->new(uri => $uri);
my $pool  = $conn->get_storage_pool_by_name('default-pool');
my $dom   = $conn->get_domain_by_name('test');
my $freed = VKVM->new(uri => $uri);
$freed->DESTROY;
my @objects = (
    $conn, $pool, $dom,
    $pool->create_volume('<volume><name>v</name><capacity>9</capacity></volume>'),
    $conn->get_network_by_name('default'),
    $conn->get_interface_by_name('eth1'),
    $conn->get_node_device_by_name('computer'),
    $conn->new_stream,
    $dom->create_snapshot('<domainsnapshot/>'),
    VKVM::EventQueue->new,
    VKVM::Host->new(conn => $conn),
);

our $depth = 0;

sub nested {
    my ($make) = @_;
    local $depth = $depth + 1;
    return map { $make->() } 1 .. $depth < 6 ? rand 4 : 0;
}

my @makers = (
    sub { undef },
    sub { (0, 1, -1, 1.5, 70, 2**32, 2**64, 1e300, 9**9**9, -sin(9**9**9), '1e3', '0 but true')[ rand 12 ] },
    sub { ('', 'test', 'vda', '<domain/>', "a\0b", "\xff", "\x{263a}", "\x{100}" x 300, v1.2.3)[ rand 9 ] },
    sub { int rand 100 },
    sub { [ nested(\&argument) ] },
    sub { return { nested(sub { ('k' . int(rand 4) => argument()) }) } },
    sub { return sub { chance(.3) ? die "in it\n" : return argument() } },
    sub { bless [], 'Hostile' },
    sub { bless {}, 'Polite' },
    sub { bless \(my $number = chance(.5) ? 5 : ~0), 'VKVM::Domain' },
    sub { (\*STDIN, *STDIN, \my $x, \\'x', qr/x/, \substr(my $text = 'abc', 0, 1))[ rand 6 ] },
    sub { tie my @array, 'Array'; \@array },
    sub { tie my %hash, 'Hash'; \%hash },
    sub { $objects[ rand @objects ] },
    sub { $freed },
);
sub argument { return $makers[ rand @makers ]->() }

# Not those that wait, or choose a loop, or are a part of another one.
my %left_out = map { $_ => 1 } qw(
  AUTOLOAD BEGIN CLONE CLONE_SKIP DESTROY _refuse _refuse_usage _register_impl _wait _warn bootstrap can close drain dl_load_flags
  import isa next register register_default run_default start stop unimport
);
my @methods;
for my $package ('VKVM', map { "VKVM::$_" } qw(Domain DomainCheckpoint DomainSnapshot Error Event EventImpl
      EventQueue Fleet Host Interface NWFilter NWFilterBinding Network NetworkPort NodeDevice Secret StoragePool
      StorageVol Stream)) {
    no strict 'refs';
    push @methods, map { [ $package, $_ ] }
      grep { !$left_out{$_} && /\A\w*[a-z]\w*\z/ && defined &{"${package}::$_"} } sort keys %{"${package}::"};
}

open STDIN, '<', '/dev/null' or die "no /dev/null: $!";
local $SIG{__WARN__} = sub { die "of a warning\n" if chance(.3) };

sub call_any {
    my ($call) = @_;
    my ($package, $name) = @{ $methods[ rand @methods ] };
    my @arguments = map { argument() } 1 .. rand 7;
    if (chance(.85)) { unshift @arguments, grep { ref eq $package } @objects }
    if (@arguments && chance(.2)) { tie $arguments[ rand @arguments ], 'Scalar' }
    print {*STDERR} "$call: ${package}::$name(", scalar @arguments, ")\n" if $ENV{VKVM_TRACE};
    no strict 'refs';
    return &{"${package}::$name"}(@arguments);
}

for my $call (1 .. $calls) {
    eval { my @results = call_any($call) };
    next if $call % 50;
    my $timer = VKVM::Event::add_timeout(0, sub { die "a timer\n" if chance(.2) });
    eval { VKVM::Event::run_default() } for 1 .. 3;
    VKVM::Event::remove_timeout($timer);
}
print join(' ', scalar @methods, map { VKVM::handle_count($_) } qw(value error)), "\n";
