#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A Sys::Virt program, for 12-sysvirt.t: calls what there is of Sys::Virt and
# prints what it gives, a line for each call: NAME = VALUE, and for an error
# further lines that begin with spaces. It knows nothing of libvkvm and changes
# nothing that it does not change back.
#
# usage: slice.pl URI [XML-FILE-OF-A-DOMAIN]

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Sys::Virt;
use Sys::Virt::Event;
use SysVirtShow;

my ($uri, $xml_file) = @ARGV;

Sys::Virt::Event::register_default();

my $conn = Sys::Virt->new(uri => $uri);
show('isa', $conn->isa('Sys::Virt') ? 1 : 0);
call($conn, $_) for qw(
  get_type get_uri get_hostname get_version get_library_version get_capabilities get_node_info
  get_node_cpu_stats get_node_memory_stats is_alive is_encrypted is_secure num_of_domains
);
call($conn, get_node_cpu_stats    => -1);
call($conn, get_node_cpu_stats    => 0, 0);
call($conn, get_node_cpu_stats    => 12345);
call($conn, get_node_memory_stats => -1);
call($conn, get_node_memory_stats => 0, 0);
call($conn, get_node_memory_stats => 12345);
call($conn, set_keep_alive        => 5, 3);
call($conn, set_keep_alive        => -1, 0);

# --- a domain -----------------------------------------------------------------

my $name = 'vkvm-slice';
my $xml  = "<domain type='test'><name>$name</name><uuid>c7a5fdbd-cdaf-9455-926a-d65c16db1809</uuid>"
  . "<title>\xc3\xa4</title><memory>262144</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>";
if (defined $xml_file) {
    open(my $file, '<', $xml_file) or die "cannot read $xml_file: $!";
    $xml = do { local $/; <$file> };
    ($name) = $xml =~ m{<name>(.*?)</name>};
}

my @events;

# A guest that is destroyed sometimes comes to say that it shuts down.
sub heard {
    my ($how, $from, @args) = @_;
    return if $args[1] == Sys::Virt::Domain::EVENT_SHUTDOWN;
    push @events, [ $how, $from == $conn ? 1 : 0, @args ];
    return;
}
my $listener = $conn->domain_event_register_any(undef, Sys::Virt::Domain::EVENT_ID_LIFECYCLE,
    sub { heard('any', @_) });
$conn->domain_event_register(sub { heard('old', @_) });

# Waits until as many events have come, and shows them.
sub events {
    my ($what, $count) = @_;
    my $timer = Sys::Virt::Event::add_timeout(20, sub { });
    Sys::Virt::Event::run_default() until @events >= $count;
    Sys::Virt::Event::remove_timeout($timer);
    show("events of $what", $_) for sort { $a->[0] cmp $b->[0] } splice @events;
    return;
}

my $dom = $conn->define_domain($xml);
events('define', 2);
show('domain isa', $dom->isa('Sys::Virt::Domain') ? 1 : 0);

my @getters = qw(
  get_id get_name get_uuid get_uuid_string get_info get_state get_max_memory get_max_vcpus get_vcpus
  get_autostart get_memory_parameters get_scheduler_parameters get_scheduler_type is_active
  is_persistent get_xml_description
);

sub getters {
    call($dom, $_) for @getters;
    call($dom, get_state           => 0);
    call($dom, get_vcpus           => Sys::Virt::Domain::VCPU_MAXIMUM);
    call($dom, get_vcpus           => Sys::Virt::Domain::VCPU_CONFIG);
    call($dom, get_xml_description => Sys::Virt::Domain::XML_INACTIVE);
    call($dom, get_memory_parameters    => 0);
    call($dom, get_scheduler_parameters => 0);
    call($conn, list_all_domains => $_)
      for 0, Sys::Virt::Domain::LIST_ACTIVE, Sys::Virt::Domain::LIST_INACTIVE;
    call($conn, list_domain_ids => 10);
    call($conn, list_domain_ids => 0);
    call($conn, num_of_domains  =>);
    call($conn, get_all_domain_stats => 0);
    call($conn, get_all_domain_stats => Sys::Virt::Domain::STATS_STATE, [$dom], 0);
    return;
}

show('stopped');
getters();
call($conn, get_domain_by_name => $name);
call($conn, get_domain_by_uuid => $dom->get_uuid);
call($conn, get_domain_by_uuid => $dom->get_uuid_string);
call($conn, get_domain_by_uuid => uc $dom->get_uuid_string);
call($conn, get_domain_by_uuid => $dom->get_uuid_string =~ tr/-//dr);
call($dom, set_autostart => 1) unless defined $xml_file;
call($dom, 'get_autostart');
call($dom, set_autostart  => 0);
call($dom, set_max_memory => 327680);
call($dom, set_vcpus      => 1, Sys::Virt::Domain::VCPU_CONFIG);
call($dom, $_) for qw(suspend resume shutdown reboot destroy);

show('running');
call($dom, 'create');
events('create', defined $xml_file ? 4 : 2);
getters();
call($dom, create     => 0);
call($dom, set_memory => 131072, 0);
call($dom, set_memory => 131072);
call($dom, set_memory => 2**40);
call($dom, set_vcpus  => 1);
call($dom, set_vcpus  => 4096);
call($dom, set_max_memory => 2**33);
call($dom, set_memory_parameters => { hard_limit => 2**33, soft_limit => 2**32 });
call($dom, 'get_memory_parameters');
call($dom, set_memory_parameters    => {});
call($dom, set_scheduler_parameters => { weight => 60 });
call($dom, set_scheduler_parameters => { no_such_key => 1 }, 0);
@events = ();

call($dom, 'suspend');
events('suspend', 2);
call($dom, 'get_state');
call($dom, 'suspend') unless defined $xml_file;
call($dom, 'resume');
events('resume', 2);
call($dom, 'get_state');
call($dom, reboot => 0) if defined $xml_file;
call($dom, reboot => 0x1000000);

# --- errors -------------------------------------------------------------------

call($conn, get_domain_by_id   => 12345);
call($conn, get_domain_by_id   => -1);
call($conn, get_domain_by_name => 'no-such-domain');
call($conn, get_domain_by_name => '');
call($conn, get_domain_by_name => "no\nsuch\xc3\xa4");
call($conn, get_domain_by_uuid => '00000000-0000-0000-0000-000000000001');
call($conn, define_domain => $_)
  for '', '<', '<domain>', "<domain>\n <name>x</nam>\n</domain>", '<network/>',
  "<domain type='none'><name>x</name></domain>";
call($conn, create_domain => $_) for '', '<domain/>';
call($conn, define_domain    => $xml, 0x1000000);
call($conn, list_all_domains => 0x80000000);
call($conn, get_all_domain_stats => 0, undef, 0x400000);
call($conn, get_all_domain_stats => 0x40000000, undef, 0x80000000);
call($dom, $_ => 0x40000000)
  for qw(get_state get_vcpus get_memory_parameters get_scheduler_parameters destroy undefine shutdown);
call($conn, domain_event_register_any => undef, 4711, sub { });
call($conn, domain_event_deregister_any => 4711);
for my $bad ('no-such-driver', '://', 'test') {
    eval { Sys::Virt->new(uri => $bad) };
    show_error("new $bad", $@);
}
my $ro = Sys::Virt->new(uri => $uri, readonly => 1);
call($ro, define_domain => $xml);
call($ro->get_domain_by_name($name), 'destroy');
call($ro->get_domain_by_name($name), 'get_name');
eval { $dom->get_name(1) };
show_error('usage', $@);
eval { Sys::Virt->no_such_method };
show('no such method', $@ =~ /^(Can't locate object method "no_such_method")/);

# --- the end ------------------------------------------------------------------

@events = ();
call($dom, 'destroy');
events('destroy', 2);
call($dom, $_) for qw(get_state is_active get_id get_name);
call($dom, 'undefine');
events('undefine', 2);
call($dom, $_) for qw(get_state is_active is_persistent get_info get_xml_description create);

$conn->domain_event_deregister_any($listener);
$conn->domain_event_deregister;
my @nothing = $conn->domain_event_deregister;
show('deregistering twice', @nothing);
call($conn, list_all_domains =>);

no strict 'refs';
for my $class ('', '::Domain', '::Event', '::Error') {
    for my $constant (sort grep { /^[A-Z][A-Z0-9]*_\w+\z/ } keys %{"Sys::Virt${class}::"}) {
        next if $constant eq 'CLONE_SKIP' || !defined &{"Sys::Virt${class}::$constant"};
        show("constant Sys::Virt${class}::$constant", &{"Sys::Virt${class}::$constant"}());
    }
}
show('end');
