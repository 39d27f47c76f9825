# SPDX-License-Identifier: LGPL-2.1-or-later
package RichBed;

# A private QEMU daemon with something of everything: a running guest with agent,
# disk and interface, a domain that is off and has snapshots, a pool with volumes,
# a secret, networks with a port, a network filter and its binding.
#
#   my $rich = RichBed->new or plan(skip_all => RichBed->reason);
#   my $conn = VKVM->new(uri => $rich->uri);
#   $rich->{guest}, {off}, {pool}, {volume}, {secret}, {network}, {port}, {filter}, {binding},
#   {snapshot}, {checkpoint}
#
# Everything ends with the object.

use strict;
use warnings;

use IO::Handle;
use TestBed;
use VKVM;

use constant {
    GUEST_UUID  => '8f1e43a0-7d3a-4c57-9a0b-000000000001',
    OFF_UUID    => '8f1e43a0-7d3a-4c57-9a0b-000000000002',
    SECRET_UUID => '8f1e43a0-7d3a-4c57-9a0b-000000000003',
    PORT_UUID   => '8f1e43a0-7d3a-4c57-9a0b-000000000004',
    MAC         => '52:54:00:11:22:01',
};

my $reason;

sub reason { return $reason // TestBed->reason }

# With `boot => 0` the guest is not started, which ordinary users can have, too.
sub new {
    my ($class, %options) = @_;
    if (!is_root() && ($options{boot} // 1)) {
        $reason = 'an ordinary user cannot give a guest an interface (/dev/net/tun)';
        return;
    }
    my $bed  = TestBed->daemon('qemu-daemon', '--private-net') or return;
    my $self = bless { bed => $bed, boot => $options{boot} // 1 }, $class;
    my $xml  = $bed->guest_xml('guest', GUEST_UUID) or return;
    $self->{conn} = VKVM->new(uri => $bed->{URI});
    $self->_storage;
    $self->_network;
    $self->_others;
    $self->_domains($xml);
    return $self;
}

# The connection goes before the daemon: closing it speaks to the daemon.
sub DESTROY {
    my ($self) = @_;
    my $bed = delete $self->{bed};
    %$self = ();
    $bed->stop;
    return;
}

sub uri { my ($self) = @_; return $self->{bed}{URI} }
sub dir { my ($self) = @_; return $self->{bed}{DIR} }

sub is_root { return $> == 0 }

# Has the guest's shell run a command, which may take its time.
sub on_guest {
    my ($self, $command) = @_;
    if (!$self->{terminal}) {
        my ($path) = $self->{guest}->get_xml_description =~ /<console type='pty' tty='([^']*)'/;
        open($self->{terminal}, '+<', $path) or die "cannot open $path: $!";
        $self->{terminal}->autoflush(1);
    }
    # It stays open: what is written is lost when nobody has the terminal open.
    print { $self->{terminal} } "$command\n";
    return;
}

# Waits until a condition is met, and says whether it was.
sub until_true {
    my ($code) = @_;
    for (1 .. 900) {
        return 1 if $code->();
        select undef, undef, undef, 0.2;
    }
    return 0;
}

# The guest asks for an address.
sub lease {
    my ($self) = @_;
    $self->on_guest('ip link set eth0 up; udhcpc -i eth0 -q -n -t 60');
    until_true(sub { scalar(my @leases = $self->{network}->get_dhcp_leases) })
      or die "the guest got no address\n";
    return;
}

sub volume_xml {
    my ($name, $format, $mib) = @_;
    return "<volume><name>$name</name><capacity unit='MiB'>$mib</capacity>"
      . "<target><format type='$format'/><compat>1.1</compat></target></volume>";
}

sub _storage {
    my ($self) = @_;
    my $path = $self->dir . '/images';
    my $pool = $self->{conn}->define_storage_pool(
        "<pool type='dir'><name>images</name><target><path>$path</path></target></pool>");
    $pool->build;
    $pool->create;
    $self->{pool}   = $pool;
    $self->{volume} = $pool->create_volume(volume_xml('data.raw', 'raw', 1));
    $self->{disk}{$_} = $pool->create_volume(volume_xml("$_.qcow2", 'qcow2', 8)) for qw(guest off);
    return;
}

sub _network {
    my ($self) = @_;
    my $conn = $self->{conn};
    # An ordinary user's namespace does not let dnsmasq become somebody else.
    my ($dns, $dhcp) = is_root() ? ('', <<"END") : ("<dns enable='no'/>", '');
<dhcp>
  <range start='10.77.0.2' end='10.77.0.9'/>
  <host mac='@{[MAC]}' name='guest' ip='10.77.0.5'/>
</dhcp>
END
    $self->{network} = $conn->define_network(<<"END");
<network><name>inside</name><bridge name='vkvm0'/><mac address='52:54:00:99:99:99'/>$dns
  <ip address='10.77.0.1' netmask='255.255.255.0'>$dhcp</ip></network>
END
    $self->{network}->create;
    $self->{ports} = $conn->create_network("<network><name>ports</name><forward mode='bridge'/>"
          . "<bridge name='vkvm9'/></network>");
    $self->{port} = $self->{ports}->create_port("<networkport><uuid>@{[PORT_UUID]}</uuid>"
          . "<owner><name>d</name><uuid>@{[OFF_UUID]}</uuid></owner><mac address='52:54:00:aa:bb:cc'/>"
          . "<bandwidth><inbound average='100'/></bandwidth></networkport>");
    return;
}

sub _others {
    my ($self) = @_;
    my $conn = $self->{conn};
    $self->{filter} = $conn->define_nwfilter("<filter name='vk' chain='root'>"
          . "<rule action='accept' direction='inout' priority='500'><all/></rule></filter>");
    $self->{binding} = $conn->create_nwfilter_binding("<filterbinding><owner><name>d</name>"
          . "<uuid>@{[OFF_UUID]}</uuid></owner><portdev name='lo'/><mac address='52:54:00:aa:bb:cc'/>"
          . "<filterref filter='vk'/></filterbinding>");
    $self->{secret} = $conn->define_secret("<secret ephemeral='no' private='no'>"
          . "<uuid>@{[SECRET_UUID]}</uuid><description>for tests</description>"
          . "<usage type='volume'><volume>/vkvm/volume</volume></usage></secret>");
    $self->{secret}->set_value("a\0b");
    return;
}

sub disk_xml {
    my ($self, $name) = @_;
    my $path = $self->{disk}{$name}->get_path;
    return "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
      . "<source file='$path'/><target dev='vda' bus='virtio'/></disk>";
}

sub _domains {
    my ($self, $xml) = @_;
    my $conn   = $self->{conn};
    my $guest  = $self->disk_xml('guest');
    my $number = MAC;
    $xml =~ s{<devices>}{<devices>$guest<interface type='network'><mac address='$number'/>
        <source network='inside'/><model type='virtio'/></interface>};
    $xml =~ s{<memory}{<title>a title</title><metadata><app:x xmlns:app='http://example.org/app'/>
        </metadata><memory};
    $xml =~ s{<vcpu>1</vcpu>}{<vcpu current='1'>2</vcpu>};
    $self->{guest} = $conn->define_domain($xml);
    if ($self->{boot}) {
        $self->{guest}->create;
        $self->{bed}->wait_for_guest or die "the guest does not come up\n";
        $self->lease;
        $self->{checkpoint} = $self->{guest}->create_checkpoint(
            '<domaincheckpoint><name>first</name></domaincheckpoint>');
    }
    $self->{off} = $conn->define_domain("<domain type='qemu'><name>off</name><uuid>@{[OFF_UUID]}</uuid>"
          . "<memory unit='MiB'>64</memory><vcpu>1</vcpu>"
          . "<os><type arch='x86_64' machine='pc'>hvm</type></os><devices>"
          . $self->disk_xml('off') . '</devices></domain>');
    $self->{snapshot} = $self->{off}->create_snapshot('<domainsnapshot><name>root</name></domainsnapshot>');
    $self->{off}->create_snapshot('<domainsnapshot><name>child</name></domainsnapshot>');
    return;
}

1;
