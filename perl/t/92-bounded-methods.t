# SPDX-License-Identifier: LGPL-2.1-or-later
# With a limit every method comes back while the daemon is stopped: all methods of the API file that
# talk to libvirt.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use File::Temp ();
use POSIX ();
use Test::More;
use TestBed;
use TestVKVM;
use Time::HiRes qw(time);

use VKVM;
use VKVM::Event;

use constant LIMIT => 0.05;
# What a call that waits for the daemon takes: it goes on then.
use constant PATIENCE => 20;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
my $api = read_json(root_file('vkvm-api.json'));
VKVM::Event::register_default();

# Continues the daemon when a method has waited for it for so long, for no handler runs then. Who
# writes to it begins another method.
my $watchdog = open(my $begun, '|-') // die "cannot fork: $!";
if (!$watchdog) {
    while (1) {
        vec(my $readable = '', 0, 1) = 1;
        if (!select $readable, undef, undef, PATIENCE) { kill CONT => $bed->{PID} }
        elsif (!sysread STDIN, my $line, 1000)         { POSIX::_exit(0) }
    }
}

my $conn     = VKVM->new(uri => $bed->{URI_UNIX});
my ($domain) = $conn->list_all_domains;
my ($pool)   = $conn->list_all_storage_pools;
my %object   = (
    conn         => $conn,
    domain       => $domain,
    network      => ($conn->list_all_networks)[0],
    interface    => ($conn->list_all_interfaces)[0],
    node_device  => ($conn->list_all_node_devices)[0],
    storage_pool => $pool,
    storage_vol  => $pool->create_volume('<volume><name>v</name><capacity>1048576</capacity></volume>'),
    stream       => $conn->new_stream,
    event_queue  => VKVM::EventQueue->new,
    domain_snapshot => $domain->create_snapshot('<domainsnapshot><name>s</name></domainsnapshot>'),
);
my $file = File::Temp->new;

# Something that a parameter takes.
sub argument {
    my ($param) = @_;
    my ($kind, $name) = @$param{qw(kind name)};
    return $conn->new_stream                         if ($param->{class} // '') eq 'stream';
    return TEST_UUID                                 if $name eq 'uuid';
    return 1000                                      if $name eq 'max_delay';
    return 0                                         if $name =~ /event_id\z/;
    return $object{ $param->{class} }                if $kind eq 'handle';
    return [ $object{ $param->{class} } ]            if $kind eq 'handle_list';
    return ($param->{shape} // '') eq 'list' ? [] : {} if $kind eq 'value';
    return sub { return 0 }                          if $kind eq 'callback';
    return "$file"                                   if $kind eq 'string' && $name =~ /file|path|\Ato\z|\Afrom\z/;
    return 'x'                                       if $kind eq 'string' || $kind eq 'bytes';
    return ['x']                                     if $kind eq 'string_list';
    return [1]                                       if $kind eq 'int_list';
    return 1;
}

my (@methods, %asks, %says, @slow);
for my $function (@{ $api->{functions} }) {
    my $method = $function->{perl_call} // '';
    next if $method !~ /\A\w+\z/ || !$function->{blocks} || $function->{this_thread};
    next if !$object{ $function->{class} } || $method =~ /\A(?:close|next)\z/;
    next if $function->{class} eq 'stream';    # 94-async-streams.t
    my @given = grep { $_->{direction} eq 'in' && !defined $_->{default} } @{ $function->{params} };
    # The optional callbacks are the last ones; Perl's have no data to go with them, and none to free it.
    @given = grep { $_->{kind} ne 'userdata' && $_->{name} ne 'destroy' && ($_->{kind} ne 'callback' || !$_->{nullable}) } @given;
    push @methods, [ $function->{class}, $method, @given ];
}
cmp_ok(scalar @methods, '>', 300, 'the API file has methods');

$conn->set_call_timeout(LIMIT);
while (my @some = splice @methods, 0, 8) {
    kill STOP => $bed->{PID};
    for (@some) {
        my ($class, $method, @params) = @$_;
        my @given = map { argument($_) } @params;
        syswrite $begun, "$method\n";
        my $begin = time;
        my $error = thrown { $object{$class}->$method(@given) };
        $says{"$class.$method"} = $error // 'nothing';
        push @slow, "$class.$method" if time - $begin >= PATIENCE / 2;
        $asks{"$class.$method"} = ref $error && $error->isa('VKVM::Error') && $error->code == VKVM::Error::OWN_TIMEOUT();
    }
    kill CONT => $bed->{PID};
    # A connection bears only so many calls that were given up.
    soon { $conn->get_calls->{abandoned} == 0 } 'the calls end when the daemon goes on';
}
is_deeply(\@slow, [], 'all come back');
my @asked = grep { $asks{$_} } sort keys %asks;
cmp_ok(scalar @asked, '>', 250, 'most have asked the daemon');
ok($asks{$_}, "$_ has") for qw(
  conn.get_all_domain_stats conn.domain_event_register conn.domain_event_register_any conn.network_event_register_any
  conn.node_device_event_register_any conn.qemu_monitor_event_register conn.secret_event_register_any
  conn.storage_pool_event_register_any event_queue.domain_event_register_any
);
# A callback is registered by way of a queue.
for (qw(conn.domain_event_register conn.domain_event_register_any conn.network_event_register_any
    conn.node_device_event_register_any conn.qemu_monitor_event_register conn.secret_event_register_any
    conn.storage_pool_event_register_any conn.register_close_callback conn.enable_resume
    event_queue.domain_event_register_any event_queue.qemu_monitor_event_register)) {
    my ($class, $method) = split /\./;
    my $package = ref $object{$class};
    like($says{$_}->message, qr/\A${package}::$method: no answer/, "$_ is named by its message");
    is($says{$_}->function, "vkvm_${class}_$method", 'and as the function of the library');
}
note("asked nobody: $_: $says{$_}") for grep { !$asks{$_} } sort keys %asks;

# Its destruction is Perl code, which only runs on this thread.
sub Guard::DESTROY { my ($self) = @_; ${ $$self }++; return }

my $other = VKVM->new(uri => $bed->{URI_UNIX}, call_timeout => LIMIT);
my ($gone, $seen) = (0, 0);
my $guard    = bless \\$gone, 'Guard';
my $callback = do { my $kept = $guard; sub { $kept && $seen++ } };
undef $guard;
kill STOP => $bed->{PID};
is(thrown { $other->domain_event_register($callback) }->code, VKVM::Error::OWN_TIMEOUT(), 'a callback that is not registered');
undef $callback;
is($gone, 1, 'is freed');
kill CONT => $bed->{PID};
soon { $other->get_calls->{abandoned} == 0 } 'its call ends';
$other->set_call_timeout(60);
$other->domain_event_register(sub { $seen++ });
my $new = $other->define_domain(domain_xml('one-more'));
within(60, sub { VKVM::Event::run_default() until $seen });
ok($seen, 'one that is, within the limit, is called');
$other->domain_event_deregister;
close $begun;
done_testing;
