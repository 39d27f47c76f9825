# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::SysVirt::Answers;

use strict;
use warnings;

use Scalar::Util qw(blessed looks_like_number);

our $VERSION = '0.002000';

# What Sys::Virt answers in another way than we do, where a program that works with it
# could stop working with ours. Where it crashes, leaks or does something that was not
# asked for, ours stays. See docs/DIFFERENCES.md.

# Methods that are Perl code in Sys::Virt, and overlook arguments that they do not have:
# how many they have, the object included.
my %TAKES = (
    '' => {
        (map { ($_ => 3) } qw(
              create_domain create_network create_node_device create_nwfilter_binding
              define_domain define_interface define_network define_node_device define_nwfilter
              define_secret define_storage_pool
              get_secret_by_usage
        )),
        (map { ($_ => 2) } qw(
              create_interface create_storage_pool get_domain_by_id get_domain_by_name
              get_domain_by_uuid get_interface_by_mac get_interface_by_name get_network_by_name
              get_network_by_uuid get_node_device_by_name get_nwfilter_binding_by_port_dev
              get_nwfilter_by_name get_nwfilter_by_uuid get_secret_by_uuid
              get_storage_pool_by_name get_storage_pool_by_target_path get_storage_pool_by_uuid
              get_storage_pool_by_volume get_storage_volume_by_key get_storage_volume_by_path
              new_stream
        )),
        create_domain_with_files        => 4,
        get_node_device_scsihost_by_wwn => 4,
        (map { ($_ => 1) } qw(
              get_library_version list_defined_domains list_defined_interfaces
              list_defined_networks list_defined_storage_pools list_domains list_interfaces
              list_networks list_nwfilters list_secrets list_storage_pools
        )),
        list_node_devices => 2,
        (map { ("get_${_}version" => 1) } '', qw(major_ minor_ micro_)),
        _get_conn_version => 1, _get_library_version => 0,
    },
    Domain => {
        create_checkpoint => 3, create_snapshot => 3,
        get_checkpoint_by_name => 2, get_snapshot_by_name => 2,
        list_snapshots => 1,
        migrate  => 6, migrate_to_uri  => 6,
        migrate2 => 7, migrate_to_uri2 => 7,
    },
    DomainSnapshot => { list_child_snapshots => 1 },
    Error => { map { ($_ => 1) } qw(stringify level code domain message) },
    (map {
        ($_ => { _run_handle_callback => 6, _run_timeout_callback => 4, _free_callback_opaque => 3 })
    } qw(Event EventImpl)),
    Network     => { create_port  => 3, get_port_by_uuid => 2 },
    StoragePool => {
        clone_volume => 3, create_volume => 2, get_volume_by_name => 2, list_volumes => 1,
    },
);

# Methods that overlook keys of a hash that the driver, or Sys::Virt, does not know, and
# take undef and the like for numbers and text.
my %FORGIVES = (
    '' => [qw(restore_domain set_identity set_node_memory_parameters)],
    Domain => [
        qw(
          _migrate _migrate_to_uri block_copy save set_blkio_parameters set_block_iotune
          set_interface_parameters set_iothread set_launch_security_state
          set_memory_parameters set_numa_parameters set_perf_events set_scheduler_parameters
          set_throttle_group
        )
    ],
    NetworkPort => ['set_parameters'],
);

# Methods that return -1 when they fail.
my %RETURNS_MINUS_ONE = (Domain => ['get_max_vcpus'], Secret => ['get_usage_type']);

# What Sys::Virt takes a value for that a parameter of a type does not take, with Perl's
# warnings; undef for what it would send as something that was not asked for. The types
# are those of the library's errors.
my %TAKEN_FOR = (
    (map { ($_ => \&_number) } qw(int llong double)),
    uint    => sub { return _all_bits($_[0], 32) // _number($_[0]) },
    ullong  => sub { return _all_bits($_[0], 64) // _number($_[0]) },
    boolean => \&_boolean,
    string  => sub { return defined $_[0] ? "$_[0]" : _warned('') },
);

# Perl's false, which is 0.
sub _number {
    my ($value) = @_;
    return _warned(0) if !defined $value;
    return            if $value ne '';
    warnings::warnif('numeric', q(Argument "" isn't numeric in subroutine entry));
    return 0;
}

# -1 is all bits, as in C.
sub _all_bits {
    my ($value, $bits) = @_;
    return if !defined $value || $value !~ /\A\s*-[0-9]{1,19}\s*\z/ || $value < -(2**($bits - 1));
    return $bits == 64 ? unpack 'Q', pack 'q', $value : $value + 2**$bits;
}

# Every number but 0 is true.
sub _boolean {
    my ($value) = @_;
    return _number($value) if !looks_like_number($value);
    return int $value ? 1 : 0;
}

# Warns as Perl does where undef is used, if the program wants to be warned.
sub _warned {
    my ($taken_for) = @_;
    warnings::warnif('uninitialized', 'Use of uninitialized value in subroutine entry');
    return $taken_for;
}

sub _overlooking_arguments {
    my ($method, $count) = @_;
    return sub {
        splice @_, $count if @_ > $count;    # in place, so that the call has the rest
        goto &$method;
    };
}

# The library names a key that it does not know, or whose value it refuses, before
# anything has been done.
sub _forgiving {
    my ($method) = @_;
    return sub {
        my @arguments = @_;
        my ($place) = grep { ref $arguments[$_] eq 'HASH' } 0 .. $#arguments;
        goto &$method if !defined $place;
        $arguments[$place] = { %{ $arguments[$place] } };
        while (1) {
            my @result;
            my $error = _error_of(sub { @result = $method->(@arguments); return });
            return wantarray ? @result : $result[-1] if !defined $error;
            _forgive($arguments[$place], $error);
        }
    };
}

# The exception of a function, which no handler of the program's hears of.
sub _error_of {
    my ($code) = @_;
    local $@;
    local $SIG{__DIE__};
    return eval { $code->(); 1 } ? undef : $@;
}

# Makes of a hash what Sys::Virt would send: takes out the unknown key that an error is
# about, or puts the value there that the refused one is taken for. All else is thrown
# again.
sub _forgive {
    my ($hash, $error) = @_;
    my $is_ours = blessed $error && $error->isa('VKVM::Error');
    my $key     = $is_ours ? $error->str1 : undef;
    die $error if !defined $key || !exists $hash->{$key};
    if ($error->code == VKVM::Error::OWN_NOT_FOUND()) {
        delete $hash->{$key};
        return;
    }
    my $taken_for = defined $error->str2 ? $TAKEN_FOR{ $error->str2 } : undef;
    my $given     = $hash->{$key};
    my $is_scalar = !ref $given || overload::Overloaded($given);
    my $value     = $taken_for && $is_scalar ? $taken_for->($given) : undef;
    die $error if !defined $value;
    $hash->{$key} = $value;
    return;
}

sub _returning_minus_one {
    my ($method) = @_;
    return sub {
        my @arguments = @_;
        my $answer;
        my $error = _error_of(sub { $answer = $method->(@arguments); return });
        return $answer if !defined $error;
        # What libvirt refuses is returned; a wrong argument is an error as everywhere.
        die $error if !blessed $error || $error->domain == VKVM::Error::FROM_VKVM();
        return -1;
    };
}

# As Sys::Virt's, this overlooks what it does not know, and warns of an odd number.
sub _new {
    my ($class, %params) = my @all = @_;
    VKVM::_refuse_call('VKVM::new', \@all, 1, qw(class ...));
    return VKVM::_new_overlooking($class, %params);
}

# Programs for Sys::Virt 12 may read the key as it is misspelt there.
sub _get_node_memory_stats {
    my @arguments = @_;
    my $stats     = VKVM::get_node_memory_stats(@arguments);
    $stats->{availabl} = $stats->{available} if exists $stats->{available};
    return $stats;
}

# Sys::Virt returns a reference to the type of the job, though it documents the type.
# This serves programs of either kind.
sub _get_job_stats {
    my @arguments = @_;
    my ($type, $stats) = VKVM::Domain::get_job_stats(@arguments);
    return (VKVM::SysVirt::JobType->new($type), $stats);
}

# A second loop is overlooked where libvirt has taken another kind, and takes the place
# of the first where that was one of the program's, too.
sub _register {
    my ($impl) = my @given = @_;
    VKVM::_refuse_count('VKVM::Event::register', \@given, 1, qw(impl ...));
    my $is_loop = blessed $impl && grep { $impl->isa($_) } qw(VKVM::EventImpl VKVM::Event);
    VKVM::_refuse('impl', 'event implementation must be a subclass of Sys::Virt::EventImpl')
      if !$is_loop;
    my $is_first = !$Sys::Virt::Event::eventimpl;    ## no critic (ProhibitPackageVars)
    $Sys::Virt::Event::eventimpl = $impl;            ## no critic (ProhibitPackageVars)
    return if !$is_first;
    return Sys::Virt::Event::_register_impl();
}

sub _register_impl {
    my $error = _error_of(sub { VKVM::Event::_register_impl(bless {}, 'VKVM::SysVirt::Loop') });
    die $error if $error && $error->code != VKVM::Error::OWN_OTHER_EVENT_LOOP();
    return;
}

sub _replace {
    my ($class, $name, $make, @arguments) = @_;
    my $package = $class eq '' ? 'Sys::Virt' : "Sys::Virt::$class";
    my $method = $package->can($name) or die "$package has no $name\n";
    VKVM::SysVirt::_define("${package}::$name", $make->($method, @arguments));
    return;
}

sub _replace_all {
    my %own = (
        '' => { new => \&_new, get_node_memory_stats => \&_get_node_memory_stats },
        Domain => { get_job_stats => \&_get_job_stats },
        Event => { register => \&_register, _register_impl => \&_register_impl },
    );
    for my $class (keys %own) {
        my $methods = $own{$class};
        _replace($class, $_, sub { return $methods->{$_} }) for keys %$methods;
    }
    for my $class (keys %TAKES) {
        my $count = $TAKES{$class};
        _replace($class, $_, \&_overlooking_arguments, $count->{$_}) for keys %$count;
    }
    for my $class (keys %FORGIVES) {
        _replace($class, $_, \&_forgiving) for @{ $FORGIVES{$class} };
    }
    for my $class (keys %RETURNS_MINUS_ONE) {
        _replace($class, $_, \&_returning_minus_one) for @{ $RETURNS_MINUS_ONE{$class} };
    }
    # What Sys::Virt's own code calls with its loop, by names that are private.
    for my $name (
        qw(add_handle update_handle remove_handle add_timeout update_timeout remove_timeout)) {
        my $call = sub {
            my @arguments = grep { ref ne 'VKVM::SysVirt::Loop' } @_;
            VKVM::_refuse('impl', "is missing: Sys::Virt::Event::_$name needs a registered loop")
              if !$Sys::Virt::Event::eventimpl;    ## no critic (ProhibitPackageVars)
            return $Sys::Virt::Event::eventimpl->$name(@arguments); ## no critic (ProhibitPackageVars)
        };
        VKVM::SysVirt::_define("Sys::Virt::Event::_$name",   $call);
        VKVM::SysVirt::_define("VKVM::SysVirt::Loop::$name", $call);
    }
    return;
}

# The loop that the library knows; it hands all on to the program's.
@VKVM::SysVirt::Loop::ISA = ('VKVM::EventImpl');

package VKVM::SysVirt::JobType;    ## no critic (ProhibitMultiplePackages) - belongs to the above

use overload
  '0+'     => sub { return ${ $_[0] } },
  '""'     => sub { return ${ $_[0] } },
  'bool'   => sub { return ${ $_[0] } },
  fallback => 1;

sub new {
    my ($class, $type) = @_;
    return bless \$type, $class;
}

VKVM::SysVirt::Answers::_replace_all();

1;
