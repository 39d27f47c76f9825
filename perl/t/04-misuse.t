# SPDX-License-Identifier: LGPL-2.1-or-later
# Every method with every argument wrong in turn: always an exception that
# names the parameter, never a crash. The methods and the kinds of their
# parameters come from the project's API file, so later ones are included.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Math::BigInt;
use RichBed;
use Test::More;
use TestVKVM;

use VKVM;
use VKVM::Event;

my $api = read_json(root_file('vkvm-api.json'));

VKVM::Event::register_default();
my $conn = VKVM->new(uri => 'test:///default');
my $dom  = $conn->get_domain_by_id(1);

# The methods of errors are Perl's own.
my %package = (event => 'VKVM::Event');
$package{ $_->{name} } = $_->{perl} for grep { $_->{perl} && $_->{name} ne 'error' } @{ $api->{classes} };

my $with_disk = domain_xml('with-disk', "<devices><disk type='file' device='disk'>"
      . "<driver name='qemu' type='qcow2'/><source file='/nowhere/disk.qcow2'/>"
      . "<target dev='vda' bus='virtio'/></disk></devices>");
my $pool   = $conn->get_storage_pool_by_name('default-pool');
my %object = (
    conn              => $conn,
    domain            => $dom,
    domain_checkpoint => $conn->create_domain($with_disk)->create_checkpoint('<domaincheckpoint/>'),
    domain_snapshot   => $dom->create_snapshot('<domainsnapshot/>'),
    interface         => $conn->get_interface_by_name('eth1'),
    network           => $conn->get_network_by_name('default'),
    node_device       => $conn->get_node_device_by_name('computer'),
    storage_pool      => $pool,
    event_queue       => VKVM::EventQueue->new,
    fleet             => VKVM::Fleet->new(uris => ['test:///default']),
    host              => VKVM::Host->new(conn => $conn),
    inventory         => VKVM::Inventory->new(uris => ['test:///default'], details => 0),
    stream            => $conn->new_stream,
    storage_vol => $pool->create_volume('<volume><name>v</name><capacity>9</capacity></volume>'),
);

# The test driver has no object of some classes; a real daemon has. Where there is
# no daemon, of the methods of these only the object itself is tried.
my $rich = RichBed->new(boot => 0);
if ($rich) {
    $object{network_port}     = $rich->{port};
    $object{nwfilter}         = $rich->{filter};
    $object{nwfilter_binding} = $rich->{binding};
    $object{secret}           = $rich->{secret};
    is_deeply([ grep { !$object{$_} && $_ ne 'event' } sort keys %package ],
        [], 'there is an object of each class');
}
else { diag(RichBed->reason) }

sub freed_conn   { my $c = VKVM->new(uri => 'test:///default'); $c->DESTROY; return $c }
sub freed_domain { my $d = $conn->get_domain_by_id(1); $d->DESTROY; return $d }
sub foreign      { my ($value) = @_; return bless \$value, 'Foreign' }

# Calls that read what is set before they look into a map need one that exists.
my %named = (disk => 'vda', intf => 'testnet0', kind => 'domain', host => 'test:///default');

# Of each kind an argument that is right. The calls have another one that is not.
my %right = (
    string      => sub { my ($p) = @_; $named{ $p->{name} } // 'x' },
    bytes       => sub { TEST_UUID },
    int         => sub { 0 },
    uint        => sub { 0 },
    int64       => sub { 0 },
    uint64      => sub { 0 },
    size        => sub { 0 },
    handle      => sub { my ($p) = @_; $object{ $p->{class} } },
    handle_list => sub { [] },
    value       => sub { {} },
    int_list    => sub { [0] },
    string_list => sub { ['x'] },
    callback    => sub { sub { } },
);

my %no_scalar = (
    'an array'            => [],
    'a hash'              => {},
    'a code reference'    => sub { },
    'a scalar reference'  => \'x',
    'an object'           => $conn,
    'an object of others' => bless([], 'Foreign'),
);
my %no_object = (
    'a string'                 => 'test',
    'a number'                 => 5,
    'an empty string'          => '',
    'an array'                 => [],
    'a hash'                   => {},
    'a code reference'         => sub { },
    'a scalar reference'       => \5,
    'a number of others'       => foreign(5),
    'a huge number of others'  => foreign(~0),
    'a small number of others' => foreign(-1),
    'a string of others'       => foreign('test'),
    'an array of others'       => bless([], 'Foreign'),
    'a hash of others'         => bless({}, 'VKVM::Domain'),
    'a glob'                   => \*STDOUT,
    'a freed connection'       => \&freed_conn,
    'a freed domain'           => \&freed_domain,
);
my %no_number = (
    %no_scalar,
    'a word'          => 'x',
    'an empty string' => '',
    'a NUL'           => "1\0",
    'hexadecimal'     => '0x10',
    'bytes'           => "\xff\xfe",
    'a huge number'   => 1e300,
    'infinity'        => 9**9**9,
    'no number'       => -sin(9**9**9),
    '2**64'           => 2**64,
    '2**64 as text'   => '18446744073709551616',
    'a big 2**64'     => Math::BigInt->new('18446744073709551616'),
    'a VKVM::Error'   => thrown { $conn->get_domain_by_id(4711) },
);

# Of each kind the arguments that are wrong.
sub wrong {
    my ($param) = @_;
    my $kind = $param->{kind};
    my %no_domain = (%no_object, ($param->{class} // '') eq 'conn' ? ('a domain' => $dom) : ('a connection' => $conn));
    return {
        string => { %no_scalar, 'a NUL' => "x\0y", 'bytes that are no UTF-8' => "\xff\xfe" },
        # Of bytes that are no uuid, any are right.
        bytes  => {
            %no_scalar,
            $param->{name} eq 'uuid'
            ? ('too short' => 'x', 'NUL' => "\0", 'wrong text' => 'x' x 36)
            : (),
        },
        int    => { %no_number, '2**31' => 2**31, '-2**31-1' => -2**31 - 1 },
        uint   => { %no_number, '2**32' => 2**32, '-1' => -1, '-1 as text' => '-1' },
        int64  => { %no_number, '2**63' => 2**63, '-2**63-1' => '-9223372036854775809' },
        (map { ($_ => { %no_number, '-1' => -1, '-1 as text' => '-1', 'big -1' => Math::BigInt->new(-1) }) }
              qw(uint64 size)),
        handle => \%no_domain,
        handle_list => {
            (map { ("list of $_" => ref $no_domain{$_} eq 'CODE' && /freed/
                    ? do { my $make = $no_domain{$_}; sub { [ $make->() ] } }
                    : [ $no_domain{$_} ]) } keys %no_domain),
            'a list of undef' => [undef],
            'a word'  => 'x', 'a number' => 1, 'a hash' => {}, 'code' => sub { }, 'an object' => $dom,
            'blessed' => bless([], 'Foreign'),
        },
        int_list    => { wrong_lists(), (map { ("list of $_" => [ $no_number{$_} ]) } keys %no_number) },
        string_list => {
            wrong_lists(),
            (map { ("list of $_" => [ $no_scalar{$_} ]) } keys %no_scalar),
            'a list with NUL'   => [ 'x', "x\0y" ],
            'a list with bytes' => ["\xff"],
        },
        value    => wrong_values(),
        callback => {
            'a word'  => 'main::wrong', 'a number' => 1, 'an array' => [], 'a hash' => {},
            'a glob'  => \*STDOUT,      'an object' => $dom, 'a reference to code' => \sub { },
        },
    }->{$kind} // die "no wrong arguments for kind $kind";
}

# What is no list of scalars.
sub wrong_lists {
    return (
        'a word' => 'x', 'a number'  => 1,    'a hash'  => {}, 'code' => sub { },
        'a list of undef' => [undef], 'an object' => $dom, 'blessed' => bless([], 'Foreign'),
    );
}

sub wrong_values {
    my $endless = {};
    $endless->{self} = $endless;
    my $deep = {};
    $deep = { a => $deep } for 1 .. 200;
    return {
        'a word'     => 'x', 'a number' => 1, 'an array' => [], 'code' => sub { },
        'an object'  => $dom,
        'of others'  => foreign(5),
        'an endless hash'    => $endless,
        'a deep hash'        => $deep,
        'a key with NUL'     => { "hard_limit\0" => 1 },
        'a key of bytes'     => { "\xff" => 1 },
        'code in it'         => { hard_limit => sub { } },
        'a glob in it'       => { hard_limit => \*STDOUT },
        'an object in it'    => { hard_limit => $dom },
        'a freed one in it'  => sub { { hard_limit => freed_domain() } },
        'a foreign one in it' => { hard_limit => foreign(5) },
        'NUL in it'          => { hard_limit => "1\0" },
        'bytes in it'        => { hard_limit => "\xff" },
        'a list in it'       => { hard_limit => [1] },
    };
}

# A wrong number of arguments: the error names the method and the parameter.
sub wrong_count {
    my ($error, $name, $parameter, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $is_error = ref $error && $error->isa('VKVM::Error');
    is_deeply(
        $is_error ? [ $error->code, $error->parameter, $error->message =~ /(\Q$name\E)\(/ ] : $error,
        [ VKVM::Error::OWN_INVALID, $parameter, $name ],
        $what
    );
    return;
}

# Some wrong arguments have to be made for the call.
sub made {
    my ($what, $value) = @_;
    return ref $value eq 'CODE' && $what =~ /freed/ ? $value->() : $value;
}

# What does not take what the C function takes.
my %other_arguments = map { $_ => 1 } (
    'VKVM::Stream::send', 'VKVM::Stream::recv',       # 41-streams.t
    'VKVM::Event::_register_impl',                    # 45-loops.t
    'VKVM::Fleet::_call', 'VKVM::Host::_call', 'VKVM::Host::_call_with_progress',
    'VKVM::Fleet::_list_domains',                     # of a command: 52-fleet.t, 60-host.t
    'VKVM::reopen_after_fork',                        # anything is true or false
    'VKVM::_open_auth',                               # 08-auth.t
    'VKVM::_to_xml', 'VKVM::from_xml',                # 86-documents.t
);
# What a visitor is shown has the name of a function that returns it.
my @functions = grep {
    my $function = $_;
    $function->{perl_sub}
      && !$other_arguments{ $function->{perl_sub} }
      && !grep { $_->{kind} eq 'visitor' } @{ $function->{params} }
} @{ $api->{functions} };
cmp_ok(scalar @functions, '>', 50, 'many functions');

for my $function (@functions) {
    my $quiet  = $function->{perl_quiet};
    my @params = grep {
             $_->{direction} =~ /^(?:self|in)$/
          && $_->{kind} ne 'userdata'
          && $_->{name} ne 'destroy'
    } @{ $function->{params} };
    my $name = $function->{perl_sub};
    my $code = do { no strict 'refs'; \&$name };

    subtest $name => sub {
        ok(defined &$code, 'exists') or return;
        my @right = map { $right{ $_->{kind} }->($_) } @params;
        my $tried = grep({ $_->{kind} eq 'handle' && !$object{ $_->{class} } } @params) ? 0 : $#params;

        for my $i (0 .. $tried) {
            my $param = $params[$i];
            my %wrong = %{ wrong($param) };
            $wrong{undef} = undef unless $param->{nullable} || exists $param->{default};
            for my $what (sort keys %wrong) {
                my @args = @right;
                $args[$i] = made($what, $wrong{$what});
                my @result;
                my $error = thrown { @result = $code->(@args) };
                # Where failures are no exceptions, neither is a handle that is not live.
                next if $quiet && $param->{direction} eq 'self' && !$error && !defined $result[0];
                is(ref $error ? $error->parameter : $error, $param->{name},
                    "$param->{name}: $what");
            }
        }

        # What may be left out stands at the end: it has a default or may be undef, and
        # so has all that follows it.
        my $least = grep { !$_->{optional} } @params;
        for my $count (0 .. $least - 1, @params + 1, @params + 50) {
            my @args  = (@right, (0) x 50)[ 0 .. $count - 1 ];
            my $error = thrown { $code->(@args) };
            wrong_count($error, $name, $count < @params ? $params[$count]{name} : 'arguments',
                "$count arguments");
        }
    };
}

# Those that are written in Perl are not in the API file.
subtest 'any method of something that is no object' => sub {
    my $packages = read_json(root_file('data/coverage/methods.json'))->{packages};
    my %quiet    = map { $_->{method} => 1 }
      grep { $_->{perl_quiet} } @{ $api->{functions} };
    # Without a connection it is the version of libvirt; new makes a connection.
    my %takes_anything = map { $_ => 1 } qw(new get_version get_major_version get_minor_version
      get_micro_version);
    for my $short (grep { $packages->{$_}{objects} } sort keys %$packages) {
        my $package = join '::', 'VKVM', length $short ? $short : ();
        for my $method (@{ $packages->{$short}{methods} }) {
            next if $takes_anything{$method};
            my $code = $package->can($method) or next;
            my %wrong = (%no_object, undef => undef);
            my @accepted;
            for my $what (sort keys %wrong) {
                my @result = eval { $code->(made($what, $wrong{$what}), ('x') x 3) };
                push @accepted, $what if !$@ && !$quiet{$method} || defined $result[0];
            }
            is_deeply(\@accepted, [], "${package}::$method");
        }
    }
};

subtest 'DESTROY' => sub {
    for my $class (qw(VKVM VKVM::Domain)) {
        my $code = $class->can('DESTROY');
        for my $what (sort keys %no_object) {
            ok(!thrown { $code->(made($what, $no_object{$what})) }, "$class: $what");
        }
        my ($number, $array) = (5, []);
        $code->(\$number);
        is($number, 5, 'a number that is no object is left alone');
        $code->($array);
        wrong_count(thrown { $code->() }, "${class}::DESTROY", 'self', 'no argument');
        wrong_count(thrown { $code->(1, 2) }, "${class}::DESTROY", 'arguments', 'two arguments');
    }
    my $twice = $conn->get_domain_by_id(1);
    my $count = VKVM::handle_count('domain');
    $twice->DESTROY for 1 .. 3;
    is(VKVM::handle_count('domain'), $count - 1, 'more than once');
};

# Perl only learns that a class has no overloading when it looks for some.
subtest 'objects of a class that has just changed' => sub {
    my $error = thrown {
        no strict 'refs';
        *{'Foreign::change_one'} = sub { };
        $conn->get_domain_by_name(foreign('test'));
    };
    is(ref $error && $error->code, VKVM::Error::OWN_INVALID, 'are no text either');
    $error = thrown {
        no strict 'refs';
        *{'Foreign::change_two'} = sub { };
        $dom->set_memory_parameters({ hard_limit => foreign(1048576) });
    };
    is(ref $error && $error->parameter, 'newparams', 'nor in a hash');
};

subtest 'arguments that look odd and are right' => sub {
    is($conn->get_domain_by_id($_)->get_name, 'test', "the id '$_'")
      for 1, 1.0, '1', ' 1', '1.0', '1e0', '+1', Math::BigInt->new(1);
    my $big = Math::BigInt->new('9007199254740993');    # more digits than a double has
    like(thrown { $conn->get_domain_by_id($big) }, qr/ is 9007199254740993; /,
        'a big number keeps all its digits');
    my $before = $dom->get_memory_parameters;
    $dom->set_memory_parameters({ hard_limit => Math::BigInt->new(2**40 + 1) });
    is($dom->get_memory_parameters->{hard_limit}, 2**40 + 1, 'and can be in a hash');
    $dom->set_memory_parameters($before);

    tie my %tied, 'Tie::OfTest';
    $dom->set_memory_parameters(\%tied);
    is($dom->get_memory_parameters->{soft_limit}, 4711, 'a tied hash');
    tie my $tied, 'Tie::OfTest';
    is($conn->get_domain_by_id($tied)->get_name, 'test', 'a tied scalar');
    is($conn->get_domain_by_name(bless [], 'Text::OfTest')->get_name, 'test',
        'an object that is like text');
    is(thrown { $conn->get_domain_by_name(bless {}, 'Text::OfTest') },
        "no text today\n", 'and one that dies');
    my $string = 'xtestx';
    is($conn->get_domain_by_name(substr $string, 1, 4)->get_name, 'test', 'a part of a string');
    'test' =~ /(.*)/;
    is($conn->get_domain_by_name($1)->get_name, 'test', 'what a pattern has found');
};

handles_are({ value => 0, error => 0 }, 'no value and no error is left');

# The objects go before their daemon.
%object = ();
undef $rich;

done_testing;

package Tie::OfTest;
sub TIEHASH   { return bless {} }
sub TIESCALAR { return bless {} }
sub FIRSTKEY  { return 'soft_limit' }
sub NEXTKEY   { return }
sub FETCH     { return @_ > 1 ? 4711 : 1 }

package Text::OfTest;
use Scalar::Util qw(reftype);
use overload '""' => sub { reftype $_[0] eq 'ARRAY' ? 'test' : die "no text today\n" };
