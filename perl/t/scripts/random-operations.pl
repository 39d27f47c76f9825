# SPDX-License-Identifier: LGPL-2.1-or-later
# Random operations on hosts of the test driver: random-operations.pl SEED URI...
#
# For each line "NUMBER MARKER" of standard input it does so many operations, then has a domain, a
# network and a pool named MARKER on each host, and no other marker; it answers with the names of
# the operations. A daemon may end meanwhile, and come back.

use strict;
use warnings;

use Time::HiRes ();
use VKVM;

my ($seed, @uris) = @ARGV;
srand $seed;
$| = 1;

my %conn;
my $names = 0;

# A daemon that has ended comes back.
sub conn {
    my ($uri) = @_;
    my $end = time + 300;
    until ($conn{$uri} && eval { $conn{$uri}->is_alive }) {
        die "$uri does not come back: $@" if time > $end;
        next if $conn{$uri} = eval { VKVM->new(uri => $uri, timeout => 60) };
        Time::HiRes::sleep(0.02);
    }
    return $conn{$uri};
}

sub one_of { return $_[ rand @_ ] }

sub new_name { return one_of(qw(web db mail straße)) . '-' . ++$names }

sub domain_of {
    my ($name, $uuid, $title) = @_;
    $uuid = $uuid ? "<uuid>$uuid</uuid>" : '';
    my $memory = 1024 * (1 + int rand 8);
    my $vcpus  = 1 + int rand 4;
    $title = $title ? "<title>$title</title><description>of $title</description>" : '';
    return "<domain type='test'><name>$name</name>$uuid$title<memory>$memory</memory><vcpu>$vcpus</vcpu>"
      . "<os><type>hvm</type></os></domain>";
}

sub pool_of {
    my ($name) = @_;
    return "<pool type='dir'><name>$name</name><target><path>/nowhere/$name</path></target></pool>";
}

sub volume_of {
    my ($name) = @_;
    return "<volume><name>$name</name><capacity>" . (1 + int rand 9) * 1_048_576 . '</capacity></volume>';
}

# The names of operations, and what each does to an object of its kind. One that is not possible
# in its state dies.
my %operations = (
    conn => {
        define         => sub { $_[0]->define_domain(domain_of(new_name())) },
        define_titled  => sub { $_[0]->define_domain(domain_of(new_name(), undef, 'Title ' . ++$names)) },
        create         => sub { $_[0]->create_domain(domain_of(new_name())) },
        define_network => sub { $_[0]->define_network('<network><name>' . new_name() . '</name></network>') },
        create_network => sub { $_[0]->create_network('<network><name>' . new_name() . '</name></network>') },
        define_pool    => sub { $_[0]->define_storage_pool(pool_of(new_name())) },
        create_pool    => sub { $_[0]->create_storage_pool(pool_of(new_name())) },
    },
    domain => {
        start        => sub { $_[0]->create },
        start_paused => sub { $_[0]->create(VKVM::Domain::START_PAUSED) },
        suspend      => sub { $_[0]->suspend },
        resume       => sub { $_[0]->resume },
        shutdown     => sub { $_[0]->shutdown },
        destroy      => sub { $_[0]->destroy },
        autostart    => sub { $_[0]->set_autostart(int rand 2) },
        rename       => sub { $_[0]->rename(new_name()) },
        title        => sub { $_[0]->set_metadata(VKVM::Domain::METADATA_TITLE, 'Title ' . ++$names) },
        description  => sub { $_[0]->set_metadata(VKVM::Domain::METADATA_DESCRIPTION, 'About ' . ++$names) },
        redefine     => sub {
            my ($dom, $uri) = @_;
            $conn{$uri}->define_domain(domain_of($dom->get_name, $dom->get_uuid_string, 'Again ' . ++$names));
        },
        managed_save => sub { $_[0]->managed_save },
        remove_save  => sub { $_[0]->managed_save_remove },
        snapshot     => sub { $_[0]->create_snapshot('<domainsnapshot/>') },
        no_snapshot  => sub { one_of($_[0]->list_all_snapshots)->delete },
        undefine     => sub {
            $_[0]->undefine(VKVM::Domain::UNDEFINE_MANAGED_SAVE | VKVM::Domain::UNDEFINE_SNAPSHOTS_METADATA);
        },
        remove => sub { eval { $_[0]->destroy }; $_[0]->undefine },
    },
    network => {
        start     => sub { $_[0]->create },
        destroy   => sub { $_[0]->destroy },
        autostart => sub { $_[0]->set_autostart(int rand 2) },
        undefine  => sub { $_[0]->undefine },
        remove    => sub { eval { $_[0]->destroy }; $_[0]->undefine },
    },
    pool => {
        start         => sub { $_[0]->create },
        destroy       => sub { $_[0]->destroy },
        autostart     => sub { $_[0]->set_autostart(int rand 2) },
        undefine      => sub { $_[0]->undefine },
        refresh       => sub { $_[0]->refresh },
        create_volume => sub { $_[0]->create_volume(volume_of(new_name())) },
        delete_volume => sub { one_of($_[0]->list_all_volumes)->delete },
        remove        => sub { eval { $_[0]->destroy }; $_[0]->undefine },
    },
);
my %list = (
    conn    => sub { $_[0] },
    domain  => sub { $_[0]->list_all_domains },
    network => sub { $_[0]->list_all_networks },
    pool    => sub { $_[0]->list_all_storage_pools },
);
my %define_marker = (
    domain  => sub { $_[0]->define_domain(domain_of($_[1])) },
    network => sub { $_[0]->define_network("<network><name>$_[1]</name></network>") },
    pool    => sub { $_[0]->define_storage_pool(pool_of($_[1])) },
);

sub is_marker { return $_[0]->get_name =~ /\Amarker/ }

sub operate {
    my $uri     = one_of(@uris);
    my $conn    = conn($uri);
    my $kind    = one_of(qw(conn domain domain domain domain network pool));
    my @objects = grep { $kind eq 'conn' || !is_marker($_) } $list{$kind}->($conn);
    my $of      = $operations{$kind};
    # So that there are not more and more.
    my $name = $kind ne 'conn' && @objects > 8 ? 'remove' : one_of(sort keys %$of);
    $of->{$name}->(one_of(@objects), $uri);
    return "$kind.$name";
}

sub mark {
    my ($uri, $marker) = @_;
    my $conn = conn($uri);
    for my $kind (sort keys %define_marker) {
        $_->undefine for grep { is_marker($_) } $list{$kind}->($conn);
        $define_marker{$kind}->($conn, $marker);
    }
    return 1;
}

while (my $line = <STDIN>) {
    my ($count, $marker) = split ' ', $line;
    my @done;
    while (@done < $count) {
        push @done, eval { operate() } // ();
    }
    for my $uri (@uris) {
        1 until eval { mark($uri, $marker) };
    }
    print "@done\n";
}
