# SPDX-License-Identifier: LGPL-2.1-or-later
# Each kind of event loop, in Perl and for Sys::Virt programs: 20,000 events by
# callbacks and through a queue, and callbacks that do all sorts of things.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $cycles = $ENV{VKVM_CYCLES} // 10_000;
my $events = 2 * $cycles;
my $script = "$FindBin::Bin/scripts/loops.pl";
my $refused = VKVM::Error::OWN_OTHER_EVENT_LOOP . ' callback';
my $handles = 'conn 0 domain 0 event_queue 0 value 0 error 0';

my %common = (
    events               => "$events wrong 0",
    'after deregistration' => $events,
    died                 => 'yes',
    'died again'         => 'yes',
    'itself, and more'   => 201,
    'forked: exit status' => 7,
    'closes its connection' => 1,
    warned               => 0,
    queue                => "$events wrong 0 overflow 0 left 0",
    handles              => $handles,
    'other warnings'     => 0,
);
my %own = (
    %common,
    loop => 'add_handle add_timeout remove update_handle update_timeout',
    'left in the loop' => 0,
);
my %thread = (
    (map { $_ => $common{$_} } qw(warned queue handles), 'other warnings'),
    refused                  => $refused,
    'timer refused'          => $refused,
    'close callback refused' => $refused,
    'run_default refused'    => VKVM::Error::OWN_OTHER_EVENT_LOOP,
    next                     => 'domain test 3 VKVM 0',
    'in vain'                => 'yes signals 1',
);

sub run_loop {
    my ($what, $expected, $options, @args) = @_;
    my ($status, $output, $errors) = run_perl(@$options, $script, @args);
    subtest $what => sub {
        is($status, 0,  'exit status');
        is($errors, '', 'standard error');
        my %seen = map { split / = /, $_, 2 } split /\n/, $output;
        is_deeply(\%seen, $expected, 'what it has seen');
    };
    return;
}

# What is seen of 1000 cycles instead; undef means that nothing is.
my $few = 1000;
sub of_few {
    my (%expected) = @_;
    my $seen = 2 * $few;
    s/^$events\b/$seen/ for grep { defined } @expected{ grep { exists $expected{$_} } qw(events queue), 'after deregistration' };
    delete @expected{ grep { !defined $expected{$_} } keys %expected };
    return \%expected;
}
my @daemon = ('closes its connection' => undef);

# In this process there are no descriptors to watch.
my %in_process = (%own, loop => 'add_timeout remove update_timeout');
for my $drop_in (0, 1) {
    my ($module, $options, $of) =
      $drop_in ? ('Sys::Virt', ['-MVKVM::SysVirt'], 'Sys::Virt on VKVM') : ('VKVM', [], 'VKVM');
    run_loop("$of: the default loop", \%common, $options, $module, 'default', $cycles);
    run_loop("$of: a loop of its own", \%in_process, $options, $module, 'own', $cycles);
    # Sys::Virt 9 has no other ones.
    run_loop("$of: an old one", of_few(%in_process, warned => $drop_in ? 0 : '1 VKVM::EventImpl'),
        $options, $module, 'old', $few);
}
run_loop("VKVM: the library's thread", \%thread, [], 'VKVM', 'thread', $cycles);

# The same from a daemon.
SKIP: {
    my $bed = TestBed->daemon('test-daemon') or skip(TestBed->reason, 3);
    run_loop('a daemon: the default loop', of_few(%common, @daemon), [], 'VKVM', 'default', $few, $bed->{URI_UNIX});
    run_loop('a daemon: a loop of its own', of_few(%own, @daemon), [], 'VKVM', 'own', $few, $bed->{URI_TCP});
    run_loop("a daemon: the library's thread", of_few(%thread), [], 'VKVM', 'thread', $few, $bed->{URI_UNIX});
}

subtest 'what is no loop' => sub {
    for my $wrong (undef, 'x', {}, bless({}, 'Other'), 'VKVM::EventImpl') {
        like(thrown { VKVM::Event::register($wrong) }, qr/must be a subclass of VKVM::EventImpl/,
            'is refused');
    }
    for my $method (qw(add_handle update_handle remove_handle add_timeout update_timeout remove_timeout)) {
        like(thrown { VKVM::EventImpl->new->$method(1, 2) }, qr/VKVM::EventImpl must have a method $method/,
            "$method is for subclasses");
    }
    my $impl = VKVM::EventImpl->new;
    my $forged = \do { my $x = 4711 };
    my @numbers = map { \(my $x = $_) } 1 .. 20;    # scalars that have no room for magic
    for my $wrong (undef, 4711, 'x', $forged, @numbers, \$forged, bless($forged, 'VKVM::EventImpl')) {
        own_error { $impl->_run_handle_callback(1, 2, 3, $wrong, $wrong) } VKVM::Error::OWN_INVALID,
          'opaque', 'a watch that is none';
        own_error { $impl->_run_timeout_callback(1, $wrong, $wrong) } VKVM::Error::OWN_INVALID,
          'opaque', 'a timer that is none';
    }
    own_error { $impl->_free_callback_opaque($forged, $forged) } VKVM::Error::OWN_INVALID, 'opaque',
      'freeing what is none';
    returns_nothing { $impl->_free_callback_opaque(undef, undef) } 'freeing nothing';
};

subtest 'a loop whose methods die' => sub {
    my ($status, $output, $errors) = run_perl('-e', <<'END');
use strict; use warnings; use VKVM; use VKVM::Event;
package Dying { our @ISA = 'VKVM::EventImpl'; sub add_timeout { die "no timers here\n" } }
VKVM::Event::register(Dying->new);
eval { VKVM::Event::add_timeout(1, sub {}) };
print ref $@, "\n";
eval { VKVM->new(uri => 'test:///default')->domain_event_register_any(undef, 0, sub {}) };
print ref $@, "\n";
eval { VKVM::Event::register(Dying->new) };
print $@->code == VKVM::Error::OWN_OTHER_EVENT_LOOP ? "once\n" : "twice\n";
eval { VKVM::Event::register_default() };
print VKVM::handle_count('conn'), "\n";
END
    is($status, 0, 'exit status');
    is($output, "VKVM::Error\nVKVM::Error\nonce\n0\n", 'the calls fail');
    like($errors, qr/\Aadd_timeout of the event loop died: no timers here\n/, 'the reason is a warning');
};

done_testing;
