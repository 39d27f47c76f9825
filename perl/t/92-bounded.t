# SPDX-License-Identifier: LGPL-2.1-or-later
# Calls with a limit give what calls without one give, and signal handlers run meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;
use Time::HiRes qw(time ualarm);

use VKVM;

use constant LIMIT => 0.3;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

sub stopped {
    my ($code) = @_;
    kill STOP => $bed->{PID};
    my @result = eval { $code->() };
    my $error = $@;
    kill CONT => $bed->{PID};
    die $error if $error;
    return @result;
}

# --- the same as without ---------------------------------------------------------------

# All methods that need nothing but the object, and change nothing.
my $api = read_json(root_file('vkvm-api.json'));
my $has_futures = eval { require VKVM::Async; 1 };

sub getters {
    my ($class) = @_;
    return map { $_->{perl_call} } grep {
             $_->{class} eq $class
          && $_->{blocks}
          && ($_->{perl_call} // '') =~ /\A(?:get|is|has|list|num_of)_\w+\z/
          && !grep { $_->{direction} eq 'in' && !$_->{optional} } @{ $_->{params} }
    } @{ $api->{functions} };
}

# What can be compared: objects by their names, errors by what they say. Times go on.
sub plain {
    my ($value) = @_;
    return [map { plain($_) } @$value] if ref $value eq 'ARRAY';
    return { map { $_ => /time/i ? 'a time' : plain($value->{$_}) } keys %$value } if ref $value eq 'HASH';
    return ref($value) . ' ' . $value->get_name if ref $value && $value->can('get_name');
    return { class => ref $value, %$value } if ref $value && $value->isa('VKVM::Error');
    return ref $value || $value;
}

sub outcome {
    my ($object, $method) = @_;
    my (@list, $one);
    return plain({ list => \@list, one => $one })
      if eval { @list = $object->$method; $one = $object->$method; 1 };
    return plain($@);
}

sub objects_of {
    my ($conn) = @_;
    my ($domain)  = $conn->list_all_domains;
    my ($network) = $conn->list_all_networks;
    my ($pool)    = $conn->list_all_storage_pools;
    my ($device)  = $conn->list_all_node_devices;
    my ($iface)   = $conn->list_all_interfaces;
    return (
        conn         => $conn,
        domain       => $domain,
        network      => $network,
        storage_pool => $pool,
        node_device  => $device,
        interface    => $iface,
    );
}

my $conn    = VKVM->new(uri => $bed->{URI_UNIX});
my $bounded = VKVM->new(uri => $bed->{URI_UNIX}, call_timeout => 60);
is($conn->get_call_timeout,    undef, 'a connection begins without a limit');
is($bounded->get_call_timeout, 60,    'it can be given when opening');
my %direct = objects_of($conn);
my %within = objects_of($bounded);
my %expected;
# Before that no call has a limit in this process, and is made on this thread.
my ($status, $output) = run_perl('-e', 'use VKVM; print VKVM->new(uri => shift)->get_call_timeout // "none"', $bed->{URI_UNIX});
is($output, 'none', 'another process has none');

for my $class (sort keys %within) {
    subtest "methods of $class" => sub {
        plan(skip_all => 'there is no such object') if !$within{$class};
        for my $method (getters($class)) {
            my $got = outcome($within{$class}, $method);
            $within{conn}->set_call_timeout(0);
            is_deeply($got, outcome($direct{$class}, $method), $method);
            $within{conn}->set_call_timeout(60);
            next if !$has_futures;
            my $later = eval { plain([ $within{$class}->async->$method->get ]) } // plain($@);
            is_deeply($later, $got->{list} // $got, "$method, through a future");
        }
        pass('all are tried');
    };
}

subtest 'results and arguments of all kinds' => sub {
    my $domain = $within{domain};
    own_error { $bounded->get_domain_by_name("\xff") } VKVM::Error::OWN_NOT_UTF8(), 'name', 'text that is not UTF-8';
    own_error { $bounded->get_domain_by_name(undef) } VKVM::Error::OWN_INVALID(),   'name', 'undef';
    my ($stats) = $bounded->get_all_domain_stats(VKVM::Domain::STATS_STATE(), [$domain]);
    is($stats->{dom}->get_name, 'test', 'a list of objects is passed, statistics come back');
    is($stats->{data}{'state.state'}, 1, 'with their values');
    $domain->set_metadata(VKVM::Domain::METADATA_TITLE(), 'a title', undef, undef, 0);
    is($domain->get_metadata(VKVM::Domain::METADATA_TITLE(), undef, 0), 'a title', 'arguments that are left out');
    my $volume = $within{storage_pool}->create_volume(
        '<volume><name>v92</name><capacity>1048576</capacity></volume>');
    is($volume->get_info->{capacity}, 1_048_576, 'an object is made');
    $volume->delete;
    my ($all, $defined) = ($bounded->list_all_domains)[0, 1];
    isa_ok($all, 'VKVM::Domain');
};

# --- a daemon that does not answer --------------------------------------------------------

subtest 'a call that takes too long' => sub {
    $bounded->set_call_timeout(LIMIT);
    is($bounded->get_call_timeout, LIMIT, 'the limit may have a fraction');
    my ($error, $took) = stopped(sub {
        my $begin = time;
        my $error = thrown { $within{domain}->get_info };
        return ($error, time - $begin);
    });
    isa_ok($error, 'VKVM::Error') or return;
    is($error->code, VKVM::Error::OWN_TIMEOUT(), 'its code');
    like($error->message, qr/\AVKVM::Domain::get_info: no answer from \Q$bed->{URI_UNIX}\E within 300 ms/,
        'it names method, host and limit');
    cmp_ok($took, '>=', LIMIT, 'not before its time');
    soon { $bounded->get_calls->{abandoned} == 0 } 'the abandoned call ends when the daemon answers';
    ok($within{domain}->get_info, 'the next call works');
};

subtest 'signal handlers' => sub {
    $bounded->set_call_timeout(20);
    my ($seen, $rang) = (0);
    stopped(sub {
        local $SIG{ALRM} = sub { $rang = time; kill CONT => $bed->{PID} };
        ualarm 100_000;
        ok($within{domain}->get_info, 'a handler lets the call go on');
    });
    ok($rang, 'it has run while the call waited');

    my ($begin, $error) = (time);
    stopped(sub {
        local $SIG{ALRM} = sub { die "enough\n" };
        $error = thrown { ualarm 100_000; $within{domain}->get_xml_description };
    });
    is($error, "enough\n", 'a handler dies');
    cmp_ok(time - $begin, '<', 15, 'at once');
    soon { $bounded->get_calls->{abandoned} == 0 } 'its call ends';

    my $other = VKVM->new(uri => 'test:///default', call_timeout => 10);
    my ($names, $again) = ('', 0);
    stopped(sub {
        local $SIG{ALRM} = sub {
            $names .= $_->get_name for $other->list_all_domains;
            $names .= $other->get_hostname ? ' ' : '';
            return ualarm 10_000 if ++$again < 5;
            kill CONT => $bed->{PID};
        };
        ualarm 50_000;
        is($within{domain}->get_name, 'test', 'a name is known without the daemon');
        is($within{domain}->get_info->{state}, 1, 'the call of the method that was interrupted');
    });
    is($names, 'test ' x 5, 'a handler makes calls of its own');
};

subtest 'a child of fork' => sub {
    my $pid = fork // die "cannot fork: $!";
    if (!$pid) {
        my $own = VKVM->new(uri => $bed->{URI_UNIX}, call_timeout => 20);
        my $ok  = ($own->list_all_domains)[0]->get_info->{state} == 1;
        my $error = thrown { $within{domain}->get_info };
        POSIX::_exit($ok && $error && $error->code == 38 ? 0 : 1);
    }
    waitpid $pid, 0;
    is($?, 0, 'has calls of its own, and its parent\'s objects are errors');
    is($within{domain}->get_info->{state}, 1, 'the parent goes on');
};

subtest 'the end of a program whose daemon is stopped' => sub {
    for my $how (qw(timeout die future)) {
        stopped(sub {
            my $begin = time;
            my ($status, $output, $errors) = run_perl('-e', <<'END', $bed->{URI_UNIX}, $bed->{PID}, $how);
                use strict;
                use warnings;
                use Time::HiRes qw(ualarm);
                use VKVM;
                my ($uri, $daemon, $how) = @ARGV;
                kill CONT => $daemon;
                my $conn = VKVM->new(uri => $uri);
                my ($dom) = $conn->list_all_domains;
                our @futures;
                kill STOP => $daemon;
                if ($how eq 'future') {
                    require VKVM::Async;
                    push @futures, $dom->async->get_info for 1 .. 10;
                }
                else {
                    $conn->set_call_timeout($how eq 'die' ? 60 : 0.1);
                    local $SIG{ALRM} = sub { die "rang\n" };
                    ualarm 100_000 if $how eq 'die';
                    eval { $dom->get_info } && die "it has answered\n";
                }
                print "end\n";
END
            is($status, 0,       "$how: it ends");
            is($output, "end\n", "$how: it reaches its end");
            is($errors, '',      "$how: without a word");
            cmp_ok(time - $begin, '<', 20, "$how: soon");
        });
    }
} if $has_futures;

subtest 'nothing stays' => sub {
    my %before = map { $_ => VKVM::handle_count($_) } qw(call value domain);
    $within{domain}->get_info for 1 .. 50;
    thrown { $bounded->get_domain_by_name('nobody') } for 1 .. 50;
    handles_are(\%before, 'handles are as before');
};

# Their destruction is Perl code, which only runs on this thread.
sub Guard::DESTROY { my ($self) = @_; ${ $$self }++; return }

sub guarded {
    my ($gone, $code) = @_;
    my $guard = bless \$gone, 'Guard';
    return sub { return $guard && $code->(@_) };
}

subtest 'callbacks' => sub {
    require VKVM::Event;
    VKVM::Event::register_default();
    my %before = map { $_ => VKVM::handle_count($_) } qw(conn domain);
    my $own = VKVM->new(uri => 'test:///default', call_timeout => 10);
    my ($guest) = $own->list_all_domains;
    my ($gone, $seen) = (0, '');
    my $number = $own->domain_event_register_any($guest, VKVM::Domain::EVENT_ID_LIFECYCLE(),
        guarded(\$gone, sub {
            my ($conn, $dom) = @_;
            return $seen .= $dom->get_info->{state} . $conn->get_hostname;
        }));
    $guest->suspend;
    within(60, sub { VKVM::Event::run_default() until $seen });
    is($seen, VKVM::Domain::STATE_PAUSED() . $own->get_hostname, 'a callback makes calls');
    ok(!$gone, 'it is there');
    $own->domain_event_deregister_any($number);
    let_go();
    is($gone, 1, 'deregistered, it is freed');
    $guest->resume;
    undef $guest;
    undef $own;
    handles_are(\%before, 'and its connection is, too');
};

subtest 'closing' => sub {
    my $own = VKVM->new(uri => 'test:///default', call_timeout => 10);
    is(thrown { $own->close }, undef, 'works');
    is(thrown { $own->get_hostname }->code, VKVM::Error::OWN_STALE_HANDLE(), 'the connection is closed');
};

subtest 'wrong limits' => sub {
    own_error { $bounded->set_call_timeout(-1) } VKVM::Error::OWN_INVALID(), 'seconds', 'less than nothing';
    own_error { $bounded->set_call_timeout('soon') } VKVM::Error::OWN_INVALID(), 'seconds', 'no number';
    own_error { VKVM->new(uri => 'test:///default', call_timeout => 'soon') } VKVM::Error::OWN_INVALID(), 'call_timeout',
        'no number when opening';
    own_error { $bounded->set_call_timeout } VKVM::Error::OWN_INVALID(), 'seconds', 'none';
    $bounded->set_call_timeout(undef);
    is($bounded->get_call_timeout, undef, 'undef removes the limit');
};

done_testing;
