# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Async;

use strict;
use warnings;

use Scalar::Util ();
use VKVM;
use VKVM::Async::Future;
use VKVM::Async::Streams;

our $VERSION = '0.002000';

# A method runs as often as it makes calls, and once more: each attempt finds the results
# of the calls that were made before, starts the next one, and is left by an exception
# (perl/vkvm_calls.c). An operation is such a method: its name, or code; the arguments, with the
# object; the calls; the tag, which is its future's address; the timeout; and the future.
use constant { CALLS => 2, TAG => 3, FUTURE => 5 };

my %pending;        # the operations whose call is in flight, by their tags
my @ready;          # tags of calls that are done, and not looked at yet
my @foreign;        # futures of the process that this one was forked from
my $process = $$;
my $driver;         # what waits for descriptors: a package of VKVM::Async::Loop
my $watch;          # its watch on the descriptor of the calls

# How many calls are completed in one turn of the loop, whose timers go on in between.
use constant AT_ONCE => 8;

# --- starting ------------------------------------------------------------------------

# Gives a future of what the code, or the method of the first argument, returns.
sub _start {
    my ($code, $timeout, $given) = @_;
    _be_here() if $process != $$;
    my $future = VKVM::Async::Future->new;
    my $tag    = Scalar::Util::refaddr($future);
    _go_on([ $code, $given || [], [], $tag, $timeout, $future ]);
    $future->on_cancel(\&_give_up) if $pending{$tag};
    return $future;
}

# Adds what is done when this process finds that it was forked from another one.
my @forked;

sub _when_forked {
    my ($code) = @_;
    push @forked, $code;
    return;
}

# What the parent has in flight is the parent's.
sub _be_here {
    return if $process == $$;
    $process = $$;
    push @foreign, map { $_->[FUTURE] } values %pending;
    (%pending, @ready) = ();
    _unwatch();
    push @foreign, map { $_->() } @forked;
    return;
}

sub _go_on {
    my ($operation) = @_;
    my ($status, @results) = _attempt(@$operation[0 .. TAG + 1]);
    if ($status == 2) {
        # The code has cancelled its own future.
        return _end_calls($operation) if $operation->[FUTURE]->is_ready;
        $pending{ $operation->[TAG] } = $operation;
        _watch() if !$watch;
        return;
    }
    my $future = $operation->[FUTURE];
    @$operation = ();
    return if $future->is_ready;
    if ($status == 1) {
        $future->fail(_failure(@results));
    }
    else {
        $future->done(@results);
    }
    return;
}

# What a future fails with. What a callback died with is no failure of libvirt's.
sub _failure {
    my ($error) = @_;
    # An object may say that it is false, which Future refuses.
    $error = 'an exception that is false: ' . ref $error if !eval { !!$error };
    return ($error, Scalar::Util::blessed($error) && $error->isa('VKVM::Error') ? 'vkvm' : ());
}

# The future was cancelled.
sub _give_up {
    my ($future) = @_;
    my $operation = delete $pending{ Scalar::Util::refaddr($future) } or return;
    _end_calls($operation);
    _rest() if !%pending;
    return;
}

sub _end_calls {
    my ($operation) = @_;
    $_->_cancel for @{ $operation->[CALLS] };
    return;
}

# --- completing ------------------------------------------------------------------------

# Completes what is done. A callback that dies keeps none of the others from running.
sub _turn {
    _be_here();
    push @ready, _done(AT_ONCE);
    my ($error, $has_died);
    while (defined(my $tag = shift @ready)) {
        if ($tag < 0) {
            _tell($pending{ -$tag });
            next;
        }
        my $operation = delete $pending{$tag} or next;
        local $@;
        next if eval { _go_on($operation); 1 } || $has_died++;
        $error = $@;
    }
    _rest() if !%pending;
    die $error if $has_died;
    return;
}

# The call of an operation is further: its progress callback is called.
sub _tell {
    my ($operation) = @_;
    $operation->[CALLS][-1]->_tell if $operation;
    return;
}

sub _watch {
    $watch = _look_at(_fh(), \&_turn);
    return;
}

# A copy of the descriptor, which Perl may close.
sub _fh {
    open my $fh, '<&', _fd() or die "cannot copy the descriptor of the calls: $!\n";
    return $fh;
}

# Nothing is in flight: a loop that has nothing else to do may end. What is left in the
# queue is of calls that were given up.
sub _rest {
    return if @ready;
    1 while _done(AT_ONCE);
    _unwatch();
    return;
}

sub _unwatch {
    my $old = $watch or return;
    $watch = undef;
    return _look_away($old);
}

# --- loops ------------------------------------------------------------------------------

my @LOOPS = (
    [ IOAsync  => 'IO::Async::Loop' ],
    [ Mojo     => 'Mojo::IOLoop' ],
    [ AnyEvent => 'AnyEvent' ],
    [ FutureIO => 'Future::IO' ],
);
my $chosen;

sub _driver {
    return $driver if $driver && ($chosen || $driver->is_busy);
    my ($loop) = grep { $INC{ $_->[1] =~ s{::}{/}gr . '.pm' } } @LOOPS;
    return _take_driver($loop ? $loop->[0] : 'Own');
}

sub _take_driver {
    my ($name) = @_;
    my $package = "VKVM::Async::Loop::$name";
    if (!$package->can('watch')) {
        my $file = "VKVM/Async/Loop/$name.pm";
        require $file;
    }
    return $driver = $package;
}

sub use_loop {
    my ($class, $name) = my @given = @_;
    VKVM::_refuse_call('VKVM::Async::use_loop', \@given, 2, qw(class name));
    my @names = ('Own', map { $_->[0] } @LOOPS);
    VKVM::_refuse('name', 'is "' . ($name // 'undef') . '"; one of ' . join(', ', @names) . ' is needed')
      if !grep { $_ eq ($name // '') } @names;
    return if $driver && $chosen && $chosen eq $name;
    VKVM::_refuse('name', "is $name; calls are in flight under another loop") if $driver && $driver->is_busy;
    $chosen = $name;
    _take_driver($name);
    return;
}

# Calls the code whenever the descriptor is readable. Loops set $@. The loop must be free of it before
# another one can be used.
sub _look_at {
    my ($fh, $code) = @_;
    local $@;
    my $loop = _driver();
    return [ $loop, $loop->watch($fh, $code) ];
}

sub _look_away {
    my ($watch) = @_;
    local $@;
    my ($loop, $token) = @$watch;
    return $loop->unwatch($token);
}

# Lets the loop run until the future is ready.
sub _await {
    my ($future) = @_;
    _be_here();
    # Nobody here is told of what the parent has started.
    while (my $other = shift @foreign) {
        $other->fail(_forked(), 'vkvm') if !$other->is_ready;
    }
    # In a callback of one of several that are done: the queue has no entry of the others any more.
    _turn() if @ready;
    return if $future->is_ready;
    local $@;
    _driver()->await($future);
    return;
}

sub _forked {
    return bless {
        level   => 2,
        code    => VKVM::Error::OWN_FORKED(),
        domain  => VKVM::Error::FROM_VKVM(),
        message => 'the call was started by the process that this one was forked from',
    }, 'VKVM::Error';
}

# --- what programs call ---------------------------------------------------------------------

sub connect {    ## no critic (ProhibitBuiltinHomonyms) - what it is called elsewhere
    my ($class, @given) = my @all = @_;
    VKVM::_refuse_call('VKVM::Async::connect', \@all, 1, qw(class ...));
    my %params = VKVM::_pairs('VKVM::Async->connect', @given);
    my $timeout = VKVM::_ms('timeout', delete $params{timeout});
    return _start(sub { return VKVM->new(%params) }, $timeout);
}

sub call {
    my ($class, $code, @options) = my @given = @_;
    VKVM::_refuse_call('VKVM::Async::call', \@given, 2, qw(class code ...));
    VKVM::_refuse('code', 'is no code reference; one is needed for VKVM::Async->call') if (Scalar::Util::reftype($code) // '') ne 'CODE';
    return _start($code, _timeout('VKVM::Async->call', @options));
}

sub _timeout {
    my ($method, @options) = @_;
    my %options = VKVM::_params($method, \@options, 'timeout');
    return VKVM::_ms('timeout', $options{timeout});
}

sub _futures_of {
    my ($name, $object, @options) = @_;
    my $timeout = !@options && ref $object ? 0 : _checked_timeout($name, $object, @options);
    return bless [ $object, $timeout ], 'VKVM::Async::_Methods';
}

sub _checked_timeout {
    my ($name, $object, @options) = @_;
    my $method = $name =~ s/::(\w+)\z/->$1/r;
    VKVM::_refuse('object', "is no object; one is needed for $method") if !Scalar::Util::blessed($object);
    return _timeout($method, @options);
}

sub _promises_of {
    my ($name, @given) = @_;
    my $methods = _futures_of($name, @given);
    require Mojo::Promise;
    __PACKAGE__->use_loop('Mojo');
    return bless $methods, 'VKVM::Async::_Promises';
}

# Futures in a cloned interpreter would be completed twice.
sub CLONE {
    (%pending, @ready, @foreign) = ();
    VKVM::Async::Events::_forget() if $INC{'VKVM/Async/Events.pm'};
    ($driver, $watch, $chosen) = ();
    return;
}

# What a call is in Perl; in a cloned interpreter it would be freed twice.
package VKVM::Async::_Call;    ## no critic (ProhibitMultiplePackages) - its parts

sub CLONE_SKIP { return 1 }

# The methods of an object.
package VKVM::Async::_Methods;    ## no critic (ProhibitMultiplePackages) - likewise

our $AUTOLOAD;

# These write to their first argument.
my %writes = (recv => 'VKVM::Stream');

# Each method is made when it is called for the first time.
sub AUTOLOAD {    ## no critic (RequireArgUnpacking) - what is made gets them
    my $method = $AUTOLOAD =~ s/.*:://sr;
    my $code   = _method($method);
    no strict 'refs';    ## no critic (ProhibitNoStrict) - methods are made here
    *$AUTOLOAD = $code;
    goto &$code;
}

sub _method {
    my ($method) = @_;
    my ($writes, $own) = ($writes{$method}, VKVM::Async::Streams::_own($method));
    return sub {    ## no critic (RequireArgUnpacking) - for the argument that is written to
        my $self = shift;
        my ($object, $timeout) = @$self;
        if ($own && $object->isa('VKVM::Stream')) {
            return $self->_give($own->($object, $timeout, @_));
        }
        my $given = [ $object, @_ ];
        if ($writes && @_ && $object->isa($writes)) {
            my (undef, undef, @rest) = @$given;
            $given = _same($object, $_[0], @rest);
        }
        return $self->_give(VKVM::Async::_start($method, $timeout, $given));
    };
}

# What it is called with, uncopied.
sub _same { return \@_ }    ## no critic (RequireArgUnpacking) - for what is written to

# What a method returns.
sub _give { return $_[1] }    ## no critic (RequireArgUnpacking) - there is nothing to it

sub DESTROY { return }

package VKVM::Async::_Promises;    ## no critic (ProhibitMultiplePackages) - likewise

our @ISA = ('VKVM::Async::_Methods');    ## no critic (ProhibitExplicitISA) - in this file

sub _give {
    my ($self, $future) = @_;
    my $promise = Mojo::Promise->new;
    $future->on_done(sub { $promise->resolve(@_) });
    $future->on_fail(sub { $promise->reject($_[0]) });
    return $promise;
}

1;

__END__

=encoding utf8

=head1 NAME

VKVM::Async - calls that do not block the program

=head1 SYNOPSIS

    use Future::AsyncAwait;
    use VKVM::Async;

    async sub report {
        my ($uri) = @_;
        my $conn    = await VKVM::Async->connect(uri => $uri, timeout => 5);
        my @domains = await $conn->async->list_all_domains;
        my @infos   = await Future->needs_all(map { $_->async->get_info } @domains);
        return map { [ $domains[$_]->get_name, $infos[$_]{memory} ] } 0 .. $#domains;
    }

    # in a Mojolicious application
    get '/hosts/:name' => async sub {
        my ($c) = @_;
        my $xml = await $conns{ $c->stash('name') }->async_p->get_capabilities;
        $c->render(data => $xml, format => 'xml');
    };

=head1 DESCRIPTION

All objects of L<VKVM> have the method C<async>. A method called on its result does not wait: it
returns a L<Future> of the results immediately. A thread of the library makes the call, and the
program's event loop completes the future. No Perl code runs on another thread.

    my $future = $dom->async->get_xml_description;

=over

=item *

Names, arguments and results are those of the method; C<get> returns the results of the method in
list context. Arguments are copied. C<recv> of a stream writes to its first argument when it is
done.

=item *

A call that fails fails its future with the L<VKVM::Error> and the category C<vkvm>. C<get> and
C<await> die with that object.

=item *

C<cancel> of a future cancels its call: one that has not begun never begins; one that runs is
abandoned, and its job is aborted, as after a timeout (L<VKVM/set_call_timeout>).

=item *

A future without a reference is still completed, and freed afterwards.

=item *

At most four calls run at the same time on a connection; further ones wait.

=item *

The timeout is that of the connection (L<VKVM/set_call_timeout>), or of the call:

    my $future = $dom->async(timeout => 0.5)->get_info;

=back

The module requires L<Future> (Debian package C<libfuture-perl>), and L<Future::AsyncAwait> only for
C<async> and C<await>.

=head2 Event loops

The event loop that is loaded when the first call is started completes the futures:
L<IO::Async::Loop>, L<Mojo::IOLoop>, L<AnyEvent>, or that of L<Future::IO>, the first of them if
there are several. The loop watches a file descriptor only while calls are in flight, so it can end
when there is nothing else to do. Without a loop, C<get> and C<await> wait for the calls themselves.
With a loop, C<get> runs the loop until the future is ready; in a callback of the loop,
L<Mojo::IOLoop> and L<AnyEvent> refuse that.

=head2 How a method becomes asynchronous

The method runs until it makes a call, and is left there. When the call is done, the method runs
again with the same arguments, and receives the results of its earlier calls. So methods that are
written in Perl and make several calls are asynchronous too, including those of subclasses, provided
that they have no side effects before their last call.

=head2 Callbacks

The event loop calls a progress callback, such as of C<upload_file> or of a command of the host
facade, on Perl's thread, and the callback of L</connect> that gives credentials. The call does not wait for it, so it receives fewer reports than without a
future; the last report always arrives. If it dies, or returns a negative number, the transfer ends at its next
report, and the future fails.

C<recv_all>, C<send_all> and their sparse forms consist of calls without a callback. A console or channel
receives while it sends; while it receives, it can be neither finished nor aborted.

=head2 Methods that are not asynchronous

=over

=item *

Methods that do not wait for a daemon, such as C<get_name>, run immediately; their futures are ready.

=item *

Methods that register a callback wait.

=back

=head2 Processes and threads

A child of C<fork> has its own futures. Those of its parent fail with C<VKVM::Error::OWN_FORKED> if
it waits for them. A new thread of Perl has no futures.

=head1 METHODS

=head2 connect

    my $future = VKVM::Async->connect(uri => $uri, timeout => 5, %others);

Returns a future of a connection. The parameters are those of L<VKVM/new>; C<timeout> is the timeout
for opening in seconds.

=head2 call

    my $future = VKVM::Async->call(sub { return VKVM::Host->new(uri => $uri) });
    my $future = VKVM::Async->call($code, timeout => 10);

Returns a future of the results of the code. The code runs like an asynchronous method: once more for
each call that it makes.

=head2 use_loop

    VKVM::Async->use_loop('IOAsync');

Chooses the event loop: C<IOAsync>, C<Mojo>, C<AnyEvent>, C<FutureIO>, or C<Own> for none. It dies if
calls are in flight under another one.

=head1 SEE ALSO

L<VKVM>, L<VKVM::EventQueue/next_event>, L<Future>

=head1 LICENSE

LGPL-2.1-or-later

=cut
