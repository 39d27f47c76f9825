# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain's virtual CPUs, I/O threads, clock, keyboard and memory, and the files
# that it is given, as far as the test driver has them.

use strict;
use warnings;

use Fcntl qw(F_GETFD);
use FindBin;
use lib "$FindBin::Bin/lib";
use Described;
use SideBySide;
use Socket;
use Test::More;
use TestVKVM;

use VKVM;

my $conn = VKVM->new(uri => 'test:///default');
my $dom  = $conn->get_domain_by_name('test');

sub message(&) {
    my ($code) = @_;
    my $error = &thrown($code);
    return ref $error ? $error->message : $error;
}

# --- virtual CPUs ---------------------------------------------------------------

my @vcpus = $dom->get_vcpu_info;
is(scalar @vcpus, 2, 'get_vcpu_info: a hash for each');
is_deeply([ sort keys %{ $vcpus[0] } ], [qw(affinity cpu cpuTime number state)], 'its keys');
is($vcpus[1]{number}, 1, 'number');
is($vcpus[0]{state}, VKVM::Domain::VCPU_RUNNING, 'state');
is($vcpus[0]{cpu}, 15, 'cpu');
cmp_ok($vcpus[0]{cpuTime}, '>', 1e9, 'cpuTime');
is(unpack('b*', $vcpus[0]{affinity}), '1' x 16, 'affinity: the 16 CPUs of the host');
is(scalar($dom->get_vcpu_info)->{number}, 1, 'in scalar context it is the last');

my $mask = '';
vec($mask, $_, 1) = 1 for 1, 3;
returns_nothing { $dom->pin_vcpu(0, $mask) } 'pin_vcpu';
is_deeply([ map { unpack 'b*', $_->{affinity} } $dom->get_vcpu_info ],
    [ '0101' . '0' x 12, '1' x 16 ], 'one is pinned');
my ($pinned) = $dom->get_vcpu_info(VKVM::Domain::AFFECT_LIVE);
is_deeply({ %$pinned, affinity => unpack 'b16', $pinned->{affinity} },
    { number => 0, state => 0, cpuTime => 0, cpu => 0, affinity => '0101' . '0' x 12 },
    'with flags, only the affinity is known');
like(message { $dom->pin_vcpu(0, '') }, qr/maplen/, 'an empty mask is refused');
like(message { $dom->pin_vcpu(2, $mask) }, qr/vcpu/, 'and so is a CPU that there is not');

is(unpack('b*', $dom->get_emulator_pin_info), '1' x 16, 'get_emulator_pin_info');
returns_nothing { $dom->pin_emulator("\x01\x80") } 'pin_emulator';
is($dom->get_emulator_pin_info, "\x01\x80", 'it is pinned');

my $off = $conn->define_domain(domain_xml('off', '<iothreads>2</iothreads>'));
is_deeply([ map { $_->{state} } $off->get_vcpu_info ], [0], 'CPUs of a domain that is off');

# --- I/O threads ----------------------------------------------------------------

is_deeply([ $dom->get_iothread_info ], [], 'get_iothread_info: none');
is(scalar $dom->get_iothread_info, undef, 'which is undef in scalar context');
is_deeply([ map { $_->{number} } $off->get_iothread_info ], [ 1, 2 ], 'two');
returns_nothing { $dom->add_iothread(3) } 'add_iothread';
returns_nothing { $dom->pin_iothread(3, "\x06\x01") } 'pin_iothread';
is_deeply([ $dom->get_iothread_info ], [ { number => 3, affinity => "\x06\x01" } ],
    'it is pinned');
returns_nothing {
    $dom->set_iothread(3, { VKVM::Domain::IOTHREAD_PARAM_POLL_MAX_NS() => '4294967296' })
} 'set_iothread';
my $error = own_error { $dom->set_iothread(3, { poll_maximum => 1 }) }
  VKVM::Error::OWN_NOT_FOUND, 'newparams', 'set_iothread: a typing error';
like($error->message, qr/"poll_maximum"; there are poll_max_ns, /, 'with what would be right');
own_error { $dom->set_iothread(3, { poll_grow => 2**32 }) }
  VKVM::Error::OWN_INVALID, 'newparams', 'set_iothread: a number that is too large';
returns_nothing { $dom->del_iothread(3) } 'del_iothread';
is_deeply([ $dom->get_iothread_info ], [], 'it is gone');

# --- the clock, keys, memory ------------------------------------------------------

returns_nothing { $dom->set_time(2**33, 5) } 'set_time';
is_deeply([ $dom->get_time ], [ [ 2**33, 5 ] ], 'get_time gives one array');
returns_nothing { $dom->set_time(-1, 0) } 'before 1970';
is_deeply(scalar $dom->get_time, [ -1, 0 ], 'negative seconds');

returns_nothing { $dom->send_key(VKVM::Domain::KEYCODE_SET_LINUX, 10, [ 29, 56, 111 ]) }
'send_key';
own_error { $dom->send_key(0, 10, $_) } VKVM::Error::OWN_INVALID, 'keycodes', 'not so'
  for [], [ (1) x 17 ], [-1], 'x', undef;
returns_nothing { $dom->send_process_signal(1, VKVM::Domain::PROCESS_SIGNAL_HUP) }
'send_process_signal';

is($dom->memory_peek(254, 4, VKVM::Domain::MEMORY_PHYSICAL), "\xfe\xff\x00\x01", 'memory_peek');
is($dom->memory_peek(2**40, 2, VKVM::Domain::MEMORY_PHYSICAL), "\x00\x01",
    'addresses are longer than 32 bits');
is($dom->memory_peek(0, 0, VKVM::Domain::MEMORY_PHYSICAL), '', 'memory_peek: no bytes');
own_error { $dom->memory_peek(0, 2**31, VKVM::Domain::MEMORY_PHYSICAL) }
  VKVM::Error::OWN_TOO_LARGE, 'size', 'memory_peek: too many bytes';
returns_nothing { $dom->set_memory_stats_period(3) } 'set_memory_stats_period';
is_deeply($dom->get_security_label, { label => 'libvirt-test', enforcing => 1 },
    'get_security_label');

# --- files --------------------------------------------------------------------------

pipe(my $reader, my $writer) or die "no pipe: $!";
my $closed = do { open my $file, '<', '/dev/null' or die; fileno $file };
returns_nothing { $off->create_with_files([ fileno $reader, fileno $writer ]) }
'create_with_files';
is($off->is_active, 1, 'it runs');
$off->destroy;
my $new = $conn->create_domain_with_files(domain_xml('new'), [ fileno $reader ]);
is($new->get_name, 'new', 'create_domain_with_files');
$new->destroy;
returns_nothing { $off->create_with_files([], 0) } 'no files';
$off->destroy;
returns_nothing { $off->create_with_files(undef) } 'undef is no files';
$off->destroy;
ok(fcntl($reader, F_GETFD, 0), 'the files are still open');

for my $fds ([-1], [$closed], [ fileno $reader, $closed ], ['x'], undef, {}, fileno $reader) {
    own_error { $off->fd_associate('disk', $fds) } VKVM::Error::OWN_INVALID, 'fds',
      'fd_associate';
    next if !defined $fds;
    own_error { $off->create_with_files($fds) } VKVM::Error::OWN_INVALID, 'fds',
      'create_with_files';
    own_error { $conn->create_domain_with_files(domain_xml('new'), $fds) }
      VKVM::Error::OWN_INVALID, 'fds', 'create_domain_with_files';
}
own_error { $dom->open_graphics(0, $_) } VKVM::Error::OWN_INVALID, 'fd', 'open_graphics'
  for -1, $closed, '', undef;
socketpair(my $here, my $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die "no sockets: $!";
is((thrown { $dom->open_graphics(0, fileno $there) })->code, VKVM::Error::ERR_NO_SUPPORT,
    'the test driver has no displays');

$off->undefine;
undef $_ for $dom, $off, $new, $error;
handles_are({ domain => 0, value => 0, error => 0 }, 'nothing is left');
$conn->close;

subtest 'Sys::Virt says the same' => sub {
    need_module('Sys::Virt', 'libsys-virt-perl');
    my $pair = SideBySide->new("$FindBin::Bin/scripts/hardware.pl");
    $pair->same_output('on the test driver', 150, 'test:///default', 'test');
};

Described::as_described(3);

done_testing;
