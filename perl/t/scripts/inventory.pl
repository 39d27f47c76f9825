# SPDX-License-Identifier: LGPL-2.1-or-later
# Futures of an inventory under one loop. usage: inventory.pl LOOP URI

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use TestVKVM;

our ($loop, $uri);
BEGIN { ($loop, $uri) = @ARGV }

my %loaded = (IOAsync => 'IO::Async::Loop', Mojo => 'Mojo::IOLoop', AnyEvent => 'AnyEvent', FutureIO => 'Future::IO');
eval "require $loaded{$loop}; 1" or die $@ if $loaded{$loop};

use Future;
use VKVM;
use VKVM::Async;

alarm 600;
VKVM::Event::start();
my $other     = VKVM->new(uri => $uri);
my $inventory = VKVM::Async->call(sub { return VKVM::Inventory->new(uris => [$uri], refresh => 0) })->get;
isa_ok($inventory, 'VKVM::Inventory', 'what a future opens');
$inventory->async->refresh(timeout => 120)->get;

my $changes = $inventory->changes;
my ($first, $second) = map { $changes->next_change } 1 .. 2;
ok(!$first->is_ready, 'nothing has changed');
my $wait = sub { return $inventory->async->wait({ name => 'of-futures', state => 'active' }, timeout => 120) };
# Future::IO waits for one descriptor at a time.
my $waits = $loop ne 'FutureIO' && $wait->();
my $net   = $other->define_network('<network><name>of-futures</name></network>');
is($first->get->{change}, 'added', 'the first change');
$net->create;
is_deeply($second->get->{after}, { state => 'active' }, 'the second one');
is_deeply([ map { $_->{name} } @{ ($waits || $wait->())->get->{rows} } ], ['of-futures'], 'what was waited for');

my $cancelled = $changes->next_change;
my $third     = $changes->next_change;
$cancelled->cancel;
$net->destroy;
is_deeply($third->get->{after}, { state => 'inactive' }, 'a future that is cancelled takes no change');

my $late = $inventory->async->wait({ name => 'never' }, timeout => 0.05);
is(thrown { $late->get }->code, VKVM::Error::OWN_TIMEOUT, 'one that is late fails');

$net->undefine;
$changes->next_change->get;

my $only = do { my $of = VKVM::Inventory->new(uris => [$uri], refresh => 0); $of->refresh(timeout => 120); $of->changes->next_change };
$net = $other->define_network('<network><name>of-futures</name></network>');
is($only->get->{name}, 'of-futures', 'a future keeps its inventory');
# One that has not asked for the network yet would never know of it.
is($changes->next_change->get->{change}, 'added', 'and the other one has it, too');
$net->undefine;
$changes->next_change->get;

my $last = $changes->next_change;
$inventory->close;
own_error { $last->get } VKVM::Error::OWN_STALE_HANDLE, 'inventory', 'the end of the inventory fails those that wait';
own_error { $changes->next_change->get } VKVM::Error::OWN_STALE_HANDLE, 'inventory', 'and those after it';

done_testing;
