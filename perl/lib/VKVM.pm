# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM;

use strict;
use warnings;

use Scalar::Util ();

our $VERSION = '0.002000';

require XSLoader;
XSLoader::load('VKVM', $VERSION);

# The constants, each in the package of its class; values and lists have none.
for my $constant (_constants()) {
    my $package = $VKVM::Constant::Packages::OF{ $constant->{class} } // next;
    my $value   = $constant->{value};
    no strict 'refs';    ## no critic (ProhibitNoStrict) - a sub for each
    *{"${package}::$constant->{name}"} = sub () { $value };
}

use VKVM::Constant::Packages;
use VKVM::Domain;
use VKVM::DomainCheckpoint;
use VKVM::DomainSnapshot;
use VKVM::Error;
use VKVM::Error::Methods;
use VKVM::EventQueue;
use VKVM::Interface;
use VKVM::NWFilter;
use VKVM::NWFilterBinding;
use VKVM::Network;
use VKVM::NetworkPort;
use VKVM::NodeDevice;
use VKVM::Secret;
use VKVM::StoragePool;
use VKVM::StorageVol;
use VKVM::Stream;

require VKVM::Calls;

# Its methods come from the library, which has to be there by then.
require VKVM::Fleet;
require VKVM::Host;
require VKVM::Inventory;

# A document of one key, or, as in python-kvm, its root element and what is in it.
sub to_xml {
    my (@document) = @_;
    _refuse_count('VKVM::to_xml', \@document, 1, qw(document content));
    return _to_xml(@document == 2 ? { $document[0] => $document[1] } : $document[0]);
}

sub _refuse_odd {
    my ($method) = @_;
    return _refuse('params', "are an odd number of arguments of $method; it takes names and values");
}

# What a method was given as names and values, or as one hash of them; other names than
# it has are refused.
sub _params {
    my ($method, $given, @known) = @_;
    my %params = _pairs($method, @$given);
    _refuse_others($method, \%params, @known);
    return %params;
}

sub _refuse_others {
    my ($method, $params, @known) = @_;
    for my $name (sort keys %$params) {
        my $last = @known > 1 ? ' and ' . $known[-1] : '';
        my $list = join(', ', @known[ 0 .. (@known > 1 ? $#known - 1 : 0) ]) . $last;
        _refuse($name, "is no parameter of $method; it has $list")
          if !grep { $_ eq $name } @known;
    }
    return;
}

# Refuses a wrong number of arguments of a method that is written in Perl, as the others
# refuse it. The last name is '...' where there may be any number of further ones.
sub _refuse_count {
    my ($method, $given, $least, @names) = @_;
    return if @$given >= $least && (@$given <= @names || (@names && $names[-1] eq '...'));
    $method = _known_as($method);
    my $is_bare = sub { $_[0] < $least || $names[ $_[0] ] eq '...' };
    my $list    = join ', ', map { $is_bare->($_) ? $names[$_] : "[$names[$_]]" } 0 .. $#names;
    my $count = @$given;
    _refuse($names[$count], "is missing: $method($list) got $count argument" . ($count == 1 ? '' : 's'))
      if $count < $least;
    return _refuse('arguments', "$method($list) got $count, which is more than it takes");
}

# The same of a method, which is also refused what it cannot be called on: another thing than an
# object of its class or, where the first name is "class", the class.
sub _refuse_call {
    my ($method, $given, $least, @names) = @_;
    _refuse_count($method, $given, $least, @names);
    _refuse_invocant($names[0], $given->[0], $method) if @$given;
    return;
}

sub _refuse_invocant {
    my ($name, $self, $method) = @_;
    my ($package) = $method =~ /\A(.*)::/s;
    return if (ref $self || $name eq 'class') && UNIVERSAL::isa($self, $package);
    my ($known) = _known_as($method) =~ /\A(.*)::/s;
    my $needed = $name eq 'class' ? "is not $known, or a class made of it" : !ref $self ? 'is no object' : "is no object of $known";
    return _refuse($name, "$needed; one is needed for " . _known_as($method));
}

# Like _refuse_count, of a function of the shim; $params is how xsubpp lists its parameters.
sub _refuse_usage {
    my ($method, $params, $count) = @_;
    my @params = split /, */, $params;
    my $least  = grep { !/=/ } @params;
    return _refuse_count($method, [ (undef) x $count ], $least, map { s/(?:_sv)?(?: .*)?\z//r } @params);
}

# The packages that are used instead of others, and what a program knows a method by.
my %used_for;

sub _use_package {
    my ($package, $other) = @_;
    $used_for{$package} = $other;
    _bless_into($package, $other);
    return;
}

sub _known_as {
    my ($method) = @_;
    my ($package, $name) = $method =~ /\A(.*)::(.*)\z/s or return $method;
    return ($used_for{$package} // $package) . "::$name";
}

# The message of an error that mentions functions of the library.
sub _in_perl {
    my ($message, $functions) = @_;
    for my $function (split / /, $functions) {
        my $method = VKVM::Error::Methods::_of($function) // next;
        my $name   = _known_as($method);
        # It may begin the name of another one.
        $message =~ s/\Q$function\E(?![A-Za-z0-9_])/$name/g;
    }
    return $message;
}

sub _pairs {
    my ($method, @given) = @_;
    return %{ $given[0] } if @given == 1 && ref $given[0] eq 'HASH';
    _refuse_odd($method) if @given % 2;
    return @given;
}

# Those of Sys::Virt, and ours.
my @CONNECTION = qw(uri address readonly flags auth credlist callback call_timeout);
my %CONNECTION = map { $_ => 1 } @CONNECTION;
my @OPTIONS    = qw(timeout keepalive resume reopen_after_fork username password keep_credentials);
my %OPTION     = map { $_ => 1 } @OPTIONS;

# In one piece: with calls of _params and the like it was a fifth of opening test:///default.
sub new {
    my ($class, @given) = @_;
    _refuse_call('VKVM::new', [ $class // () ], 1, qw(class ...)) if !UNIVERSAL::isa($class, __PACKAGE__);
    my %params = @given % 2 ? _pairs('VKVM->new', @given) : @given;
    my $has_options;
    for (keys %params) {
        next if exists $CONNECTION{$_};
        $has_options = exists $OPTION{$_} or _refuse_others('VKVM->new', \%params, @CONNECTION, @OPTIONS);
    }
    _check_connection(\%params) if keys %params > 1;
    my $uri = exists $params{address} ? $params{address} : $params{uri};
    # There ssh asks on the terminal, as ever.
    $uri = VKVM::SysVirt::_asking_uri($uri) if $INC{'VKVM/SysVirt.pm'} && !$has_options;
    my $flags = $params{flags} // 0;
    $flags |= CONNECT_RO() if $params{readonly};
    my $limit = defined $params{call_timeout} ? _ms('call_timeout', $params{call_timeout}) : 0;
    my $self =
        $has_options
      ? $params{auth}
          ? _open_asking(_options($uri, $flags, \%params), _answering($params{callback}))
          : _open_with(_options($uri, $flags, \%params))
      : $params{auth}
      ? _open_auth($uri, $flags, _credentials(@params{qw(credlist callback)}))
      : _open($uri, $flags);
    VKVM::Calls::_limit($self, $limit) if $limit;
    # What the library made has its class already, which may be Sys::Virt's.
    $class = ref $class || $class;
    return $class eq __PACKAGE__ ? $self : bless $self, $class;
}

# The options of opening as the library takes them, which counts milliseconds.
sub _options {
    my ($uri, $flags, $params) = @_;
    my %options = (uri => $uri, flags => $flags);
    $options{credtypes} = _credential_types($params) if $params->{auth};
    $options{$_} = $params->{$_} for grep { exists $params->{$_} } qw(username password);
    $options{$_} = $params->{$_} ? 1 : 0 for grep { defined $params->{$_} } qw(reopen_after_fork keep_credentials);
    $options{timeout_ms} = _ms('timeout', $params->{timeout})    if defined $params->{timeout};
    $options{keepalive}  = _keepalive($params->{keepalive})     if defined $params->{keepalive};
    $options{resume}     = _resume($params->{resume})           if defined $params->{resume};
    return \%options;
}

# Seconds as the library's milliseconds, the next whole number: what is hardly anything is not
# nothing, which is no limit.
sub _ms {
    my ($name, $seconds, $least, $most) = @_;
    return 0 if !defined $seconds;
    $least //= 0;
    $most  //= 4_294_967;
    my $ms = 1000 * _number($name, $seconds, $least, $most, "a number of seconds from $least to $most");
    my $whole = int $ms;
    # Fractions of seconds are seldom exact.
    return $whole && $ms - $whole < 1e-6 ? $whole : $whole + ($ms > $whole);
}

# With options the callback is asked; what the user is asked on the terminal has no limit.
sub _credential_types {
    my ($params) = @_;
    _refuse('auth', 'would ask on the terminal, which cannot be done with options: '
          . 'give credlist and callback, or username and password')
      if !defined $params->{callback};
    return [ map { 0 + _number('credlist', $_, -2**31, 2**31 - 1, 'a type of credentials') } @{ $params->{credlist} } ];
}

sub _keepalive {
    my ($given) = @_;
    my $type = ref $given;
    _refuse('keepalive', 'is no hash of interval and count, and no array of these')
      if $type ne 'HASH' && !($type eq 'ARRAY' && @$given == 2);
    my %given = $type eq 'HASH' ? _params('keepalive', [$given], qw(interval count)) : ();
    @given{qw(interval count)} = @$given if $type eq 'ARRAY';
    for my $name (qw(interval count)) {
        _refuse('keepalive', "has no $name") if !defined $given{$name};
        $given{$name} = int _number("keepalive $name", $given{$name}, -1, 2**31 - 1, 'a whole number');
    }
    return \%given;
}

# True, or a hash with more.
sub _resume {
    my ($given) = @_;
    return $given ? 1 : 0 if !ref $given || Scalar::Util::blessed($given);
    _refuse('resume', 'is neither true or false nor a hash of max_delay and queue') if ref $given ne 'HASH';
    my %given  = _params('resume', [$given], qw(max_delay queue));
    my $delay  = delete $given{max_delay};
    $given{max_delay_ms} = _ms('max_delay', $delay, 0.1, 2_147_483) if defined $delay;
    return \%given;
}

# What is needed of both; without one of them libvirt asks on the console.
sub _credentials {
    my ($types, $callback) = @_;
    return if !defined $types || !defined $callback;
    _refuse('callback', 'is no code reference') if (Scalar::Util::reftype($callback) // '') ne 'CODE';
    return ($types, _answering($callback));
}

# What the library calls with the requests and its credentials: it puts what the callback has
# answered into them. Nothing is copied on the way, because answers are secrets; what the
# callback has not kept for itself is overwritten.
sub _answering {
    my ($callback) = @_;
    return sub {
        my ($requests, $credentials) = @_;
        my $status;
        my $lived = eval {
            $status = $callback->(my $copy = $requests);
            $status = 0 if ref $status || !Scalar::Util::looks_like_number($status);
            _take_answers($requests, $credentials) if $status >= 0;
            1;
        };
        my $died = $@;
        # One reference is the library's, and one is here.
        _wipe_answers(@$requests) if Internals::SvREFCNT(@$requests) == 2 && !tied @$requests;
        return $status if $lived;
        local $SIG{__DIE__};    # it was called
        die $died;
    };
}

sub _take_answers {
    my ($requests, $credentials) = @_;
    for my $i (0 .. $#$requests) {
        my $request = $requests->[$i];
        _answer($credentials, "$i.result", $request->{result})
          if (Scalar::Util::reftype($request) // '') eq 'HASH' && defined $request->{result};
    }
    return;
}

sub _wipe_answers {
    my @requests = @_;
    for my $request (grep { ref $_ eq 'HASH' } @requests) {
        next if Internals::SvREFCNT(%$request) > 2 || tied %$request || !exists $request->{result};
        _wipe($request->{result});
    }
    return;
}

# What new would overlook otherwise.
sub _check_connection {
    my ($params) = @_;
    my ($credlist, $callback) = @$params{qw(credlist callback)};
    for my $name (grep { ref $params->{$_} && !Scalar::Util::blessed($params->{$_}) } qw(readonly auth)) {
        _refuse($name, 'is a reference; true or false is needed');
    }
    _refuse('credlist', 'is no array reference') if defined $credlist && (Scalar::Util::reftype($credlist) // '') ne 'ARRAY';
    _refuse('callback', 'is no code reference')  if defined $callback && (Scalar::Util::reftype($callback) // '') ne 'CODE';
    return if !defined $credlist && !defined $callback;
    _refuse('credlist', 'is missing: the types of credentials that callback gives') if !defined $credlist;
    _refuse('callback', 'is missing: it gives the credentials of credlist')         if !defined $callback;
    _refuse('auth', 'is missing: credlist and callback are used if it is true')     if !exists $params->{auth};
    return;
}

# A number of an argument that is read in Perl, by the rule for all others.
sub _number {
    my ($name, $value, $least, $most, $wanted) = @_;
    _refuse($name, "is a reference; $wanted is needed") if ref $value && !Scalar::Util::blessed($value);
    _refuse($name, qq(is "$value"; $wanted is needed))
      if !Scalar::Util::looks_like_number($value) || !($value >= $least && $value <= $most);
    return $value;
}

# For Sys::Virt, which overlooks parameters that it does not know, and those that it has
# no use for.
sub _new_overlooking {
    my ($class, %params) = @_;
    delete @params{ grep { !exists $CONNECTION{$_} } keys %params };
    delete @params{qw(credlist callback)}
      if !$params{auth} || !defined $params{credlist} || !defined $params{callback};
    $_ = !!$_ for grep { defined } @params{ grep { exists $params{$_} } qw(readonly auth) };
    return new($class, %params);
}

# Called where no exception can leave. A handler of warnings may die, and so may an
# exception that is asked for its text, which both end here.
sub _warn {
    my ($what, $exception) = @_;
    warn "$what: $exception";
    return;
}

# On a connection, the version of the hypervisor; without one, of libvirt.
sub get_version {
    my ($self) = my @given = @_;
    _refuse_version_call('VKVM::get_version', @given);
    return ref $self ? $self->_get_version : _libvirt_version();
}

# These are functions, and methods of the class and of a connection.
sub _refuse_version_call {
    my ($method, @given) = @_;
    _refuse_count($method, \@given, 0, 'conn');
    _refuse_invocant('conn', $given[0], $method) if @given && !UNIVERSAL::isa($given[0], __PACKAGE__);
    return;
}

# A version is major * 1,000,000 + minor * 1,000 + micro.
sub _version_of {
    my ($method, @given) = @_;
    _refuse_version_call($method, @given);
    return @given && ref $given[0] ? $given[0]->get_version : _libvirt_version();
}

sub get_major_version {
    my @given = @_;
    return int(_version_of('VKVM::get_major_version', @given) / 1_000_000);
}

sub get_minor_version {
    my @given = @_;
    return int(_version_of('VKVM::get_minor_version', @given) / 1000) % 1000;
}

sub get_micro_version {
    my @given = @_;
    return _version_of('VKVM::get_micro_version', @given) % 1000;
}

# Sys::Virt looks each of the objects of a list up by its name; these are one call
# each. As there, one value is how many there are.
my @lists = (
    [ 'VKVM::list_domains',               'list_all_domains',       VKVM::Domain::LIST_ACTIVE() ],
    [ 'VKVM::list_defined_domains',       'list_all_domains',       VKVM::Domain::LIST_INACTIVE() ],
    [ 'VKVM::list_networks',              'list_all_networks',      VKVM::Network::LIST_ACTIVE() ],
    [ 'VKVM::list_defined_networks',      'list_all_networks',      VKVM::Network::LIST_INACTIVE() ],
    [ 'VKVM::list_interfaces',            'list_all_interfaces',    VKVM::Interface::LIST_ACTIVE() ],
    [ 'VKVM::list_defined_interfaces',    'list_all_interfaces',    VKVM::Interface::LIST_INACTIVE() ],
    [ 'VKVM::list_storage_pools',         'list_all_storage_pools', VKVM::StoragePool::LIST_ACTIVE() ],
    [ 'VKVM::list_defined_storage_pools', 'list_all_storage_pools', VKVM::StoragePool::LIST_INACTIVE() ],
    [ 'VKVM::list_nwfilters',             'list_all_nwfilters' ],
    [ 'VKVM::list_secrets',               'list_all_secrets' ],
    [ 'VKVM::Domain::list_snapshots',     'list_all_snapshots' ],
    [ 'VKVM::DomainSnapshot::list_child_snapshots', 'list_all_children' ],
    [ 'VKVM::StoragePool::list_volumes',  'list_all_volumes' ],
);

for my $list (@lists) {
    my ($name, $all, @flags) = @$list;
    no strict 'refs';    ## no critic (ProhibitNoStrict) - this is about symbol tables
    *$name = sub {
        my @given = @_;
        _refuse_call($name, \@given, 1, 'self');
        my @objects = $given[0]->$all(@flags);
        return @objects;
    };
}

# libvirt's bulk call takes capabilities as bits, of which an older libvkvm may
# not have those of a newer libvirt; names are right with all.
sub list_node_devices {
    my ($self, $cap) = my @given = @_;
    _refuse_call('VKVM::list_node_devices', \@given, 1, 'self', 'cap');
    my @devices = $self->list_all_node_devices;
    if (defined $cap) {
        my @names  = $self->list_node_device_names($cap, $self->num_of_node_devices($cap));
        my %wanted = map { $_ => 1 } @names;
        @devices = grep { $wanted{ $_->get_name } } @devices;
    }
    return @devices;
}

# Objects in a cloned interpreter would be freed twice.
sub CLONE_SKIP { return 1 }

1;
