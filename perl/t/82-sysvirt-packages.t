# SPDX-License-Identifier: LGPL-2.1-or-later
# The packages of Sys::Virt under VKVM::SysVirt: their names and versions, beside ours
# in the same program, all private functions, no prototypes, and wrong numbers of
# arguments, which name Sys::Virt's methods.

use strict;
use warnings;

use B;
use File::Temp qw(tempdir);
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Test::More;
use TestVKVM;

use VKVM::SysVirt;

my @modules = ('', map { "::$_" } qw(
    Domain DomainCheckpoint DomainSnapshot Error Event EventImpl Interface NWFilter
    NWFilterBinding Network NetworkPort NodeDevice Secret StoragePool StorageVol Stream
));

subtest 'versions' => sub {
    is($Sys::Virt::VERSION, '12.7.0', '$Sys::Virt::VERSION is that of the Sys::Virt that is implemented');
    is($VKVM::VERSION, $VKVM::SysVirt::VERSION, '$VKVM::VERSION is ours');
    is(Sys::Virt->VERSION, '12.7.0', 'Sys::Virt->VERSION');
    is(VKVM->VERSION, $VKVM::VERSION, 'VKVM->VERSION');
    ok(eval { Sys::Virt->VERSION('4.0.0') }, 'use Sys::Virt 4.0.0 works');
    like(thrown { Sys::Virt->VERSION('12.7.1') },
        qr/\ASys::Virt version v?12\.7\.1 required--this is only version v?12\.7\.0/, 'a later one is refused');
};

subtest 'functions, constants and inheritance' => sub {
    for my $module (@modules) {
        my ($ours, $theirs) = map { "$_$module" } 'VKVM', 'Sys::Virt';
        no strict 'refs';
        my @public  = grep { /\A[A-Za-z]/ && !/\A(?:BEGIN|CLONE|CLONE_SKIP|blessed)\z/ && defined &{"${ours}::$_"} }
          keys %{"${ours}::"};
        my @lacking = grep { !defined &{"${theirs}::$_"} } @public;
        is_deeply(\@lacking, [], "$theirs has all functions of $ours itself");
        ok($theirs->isa($ours), "$theirs isa $ours");
        my @typed = grep { defined prototype(\&{"${theirs}::$_"}) && !is_constant(\&{"${theirs}::$_"}) }
          grep { /\A\w+\z/ && defined &{"${theirs}::$_"} } keys %{"${theirs}::"};
        is_deeply(\@typed, [], "no method of $theirs has a prototype");
        ok($INC{ "$theirs.pm" =~ s{::}{/}gr }, "use $theirs loads nothing more");
    }
};

sub is_constant {
    my ($code) = @_;
    return B::svref_2object($code)->CvFLAGS & B::CVf_CONST();
}

subtest 'private functions' => sub {
    my $private = read_json("$FindBin::Bin/data/private.json");
    my $count   = 0;
    for my $package (sort keys %$private) {
        $count += @{ $private->{$package} };
        no strict 'refs';
        is_deeply([ grep { !defined &{"${package}::$_"} } @{ $private->{$package} } ], [], $package);
    }
    is($count, 82, 'all of Sys::Virt 12.7');
};

my $uri  = 'test:///default';
my $conn = Sys::Virt->new(uri => $uri);

subtest 'objects and errors' => sub {
    my $dom = $conn->get_domain_by_id(1);
    is(ref $dom, 'Sys::Virt::Domain', 'the class of an object');
    isa_ok($dom, 'VKVM::Domain', 'it');
    my $error = thrown { $conn->get_domain_by_id(4711) };
    is(ref $error, 'Sys::Virt::Error', 'the class of an error');
    isa_ok($error, 'VKVM::Error', 'it');
    is("$error", "libvirt error code: 42, message: Domain not found\n", 'its text');
    ok($error eq "$error" && $error, 'it is compared as its text, and true');
    my $ours = VKVM->new(uri => $uri);
    isa_ok($ours, 'Sys::Virt', 'a connection that VKVM->new opens');
    isa_ok($ours, 'VKVM',      'it');
    is(ref thrown { VKVM->new(uri => 'nowhere:///') }, 'Sys::Virt::Error', 'so are its errors');
};

subtest 'wrong numbers of arguments' => sub {
    my %wrong = (
        'a missing argument' => [ sub { $conn->get_domain_by_id(1)->attach_device },
            xml => 'Sys::Virt::Domain::attach_device(dom, xml, [flags]) got 1 argument' ],
        'a missing object' => [ sub { Sys::Virt::list_domains() },
            self => 'Sys::Virt::list_domains(self) got 0 arguments' ],
        'a missing connection of a migration' => [ sub { $conn->get_domain_by_id(1)->migrate },
            destcon => 'Sys::Virt::Domain::migrate(dom, destcon, [flags], [dname], [uri], [bandwidth])'
              . ' got 1 argument' ],
        'too many' => [ sub { $conn->get_domain_by_id(1)->get_info(1, 2) },
            arguments => 'Sys::Virt::Domain::get_info(dom) got 3, which is more than it takes' ],
        'a missing parameter of _new' => [ sub { Sys::Virt::Secret->_new(uuid => TEST_UUID) },
            connection => 'Sys::Virt::Secret->_new needs it' ],
        'no parameter of _new' => [ sub { Sys::Virt::StorageVol->_new(pool => $conn) },
            'name or key or path or xml' => 'Sys::Virt::StorageVol->_new needs it' ],
    );
    for my $what (sort keys %wrong) {
        my ($code, $parameter, $message) = @{ $wrong{$what} };
        my $error = own_error { $code->() } VKVM::Error::OWN_INVALID, $parameter, $what;
        like($error->message, qr/\Q$message\E\z/, "$what: the message names the method");
    }
};

subtest 'a helper of a wrong object' => sub {
    own_error { Sys::Virt::Domain::_lookup_by_name(undef, 'test') } VKVM::Error::OWN_INVALID, 'object', 'undef';
    like(thrown { Sys::Virt::Domain::_lookup_by_name($conn->get_domain_by_id(1), 'test') },
        qr/get_domain_by_name/, 'a domain');
    own_error { Sys::Virt::Domain->_new(connection => $conn, uuid => 'short') }
        VKVM::Error::OWN_INVALID, 'uuid', 'a uuid of a wrong length';
};

subtest 'what a program of Sys::Virt may leave open, ours may not' => sub {
    my ($status, $output, $errors) = run_perl('-MVKVM', '-e', <<'END');
        my $conn = VKVM->new(uri => 'test:///default');
        my $dom  = $conn->get_domain_by_id(1);
        my $off  = $conn->define_domain($dom->get_xml_description
            =~ s/<name>test/<name>off/r =~ s{<uuid>.*</uuid>}{}r =~ s/ id='1'//r);
        for my $code (
            sub { VKVM->new(url => 'test:///default') },
            sub { VKVM->new('test:///default') },
            sub { $dom->set_autostart(undef) },
            sub { $dom->set_autostart('') },
            sub { $conn->list_all_domains(-1) },
            sub { $conn->get_domain_by_name('test', 1) },
            sub { $conn->list_domains(1) },
            sub { VKVM::list_domains() },
            sub { $off->get_max_vcpus },
            sub { $dom->set_scheduler_parameters({ weight => 50, no_such_key => 1 }) },
            sub { $dom->set_memory_parameters({ hard_limit => -1 }) },
        ) {
            print eval { $code->(); 1 } ? "accepted\n" : ref $@, ' ', $@->parameter // '-', "\n";
        }
        print ref(VKVM->new({ uri => 'test:///default' })), "\n";
END
    is($status, 0,  'it ran');
    is($errors, '', 'without warnings');
    is($output, join('', map { "VKVM::Error $_\n" } qw(url params autostart autostart flags arguments arguments self - newparams newparams))
      . "VKVM\n", 'each is an error of the parameter; a hash reference of parameters is fine');
};

subtest 'an unknown parameter of VKVM->new' => sub {
    my ($status, $output) = run_perl('-MVKVM', '-e', 'eval { VKVM->new(url => "x") }; print $@->message');
    is($output, 'url: is no parameter of VKVM->new; it has uri, address, readonly, flags, auth, credlist, callback, call_timeout, timeout, keepalive, resume, '
        . 'reopen_after_fork, username, password and keep_credentials',
        'the error lists the parameters');
};

# A program whose start nobody can change.
subtest 'without -M' => sub {
    my $folder = VKVM::SysVirt->folder;
    ok(-e "$folder/Sys/Virt.pm", 'the folder for PERL5LIB') or return;
    my @files = map { "$folder/Sys/Virt" . s{::}{/}gr . '.pm' } @modules;
    is_deeply([ grep { !-e } @files ], [], 'has a file for each module');
    my ($version) = do { open my $file, '<', $files[0] or die $!; local $/; <$file> =~ /VERSION = '(.*)'/ };
    is($version, $Sys::Virt::VERSION, 'tools that read the version find the same');

    my $blib = join ':', grep { !ref && m{/blib/} } @INC;
    local $ENV{PERL5LIB} = join ':', $folder, grep { length } $blib, $ENV{PERL5LIB} // '';
    my $dir = tempdir(CLEANUP => 1);
    for my $module (@modules) {
        # No -I, which run_perl would give: only PERL5LIB counts.
        my $program = "$dir/program";
        open my $file, '>', $program or die $!;
        print $file "use strict; use warnings; use Sys::Virt$module;\n",
          q{print ref(Sys::Virt->new(uri => 'test:///default')->get_domain_by_id(1)), ' ', $INC{'VKVM.pm'} ? 1 : 0;};
        close $file or die $!;
        my $output = `$^X $program 2>&1`;
        is($output, 'Sys::Virt::Domain 1', "use Sys::Virt$module loads libvkvm");
    }
};

subtest 'Sys::Virt that is loaded first' => sub {
    my ($status, $output, $errors) = run_perl('-MSys::Virt', '-e', 1);
    plan(skip_all => 'Sys::Virt is not installed (Debian package libsys-virt-perl)') if $status;
    ($status, $output, $errors) = run_perl('-MSys::Virt', '-e', 'require VKVM::SysVirt');
    isnt($status, 0, 'VKVM::SysVirt refuses to come second');
    like($errors, qr/\ASys::Virt is loaded already; VKVM::SysVirt must be loaded before it at /, 'and says so');
};

subtest 'warnings' => sub {
    my ($status, $output, $errors) = run_perl('-MVKVM::SysVirt', '-e', <<'END');
        use warnings;
        package My::Loop;
        our @ISA = 'Sys::Virt::Event';
        sub new { bless {}, shift }
        package main;
        require Sys::Virt::Event;
        Sys::Virt::Event::register(My::Loop->new);
        eval { Sys::Virt::Event::register(bless [], 'Other') };
        print ref $@, ': ', $@->message, "\n";
END
    is($errors, '', 'there is none about a loop of Sys::Virt 9');
    like($output, qr/\ASys::Virt::Error: impl: event implementation must be a subclass of Sys::Virt::EventImpl\n\z/, 'what is none is refused');
};

# t/15-getters.t gets one from a guest and compares it with Sys::Virt's.
subtest 'the type of a job' => sub {
    my $type = VKVM::SysVirt::JobType->new(Sys::Virt::Domain::JOB_UNBOUNDED());
    is($$type, 2, 'is a reference to the type, as in Sys::Virt');
    ok($type == Sys::Virt::Domain::JOB_UNBOUNDED() && $type ne '1' && $type, 'and the type, as documented');
    ok(!VKVM::SysVirt::JobType->new(0), 'JOB_NONE is false');
};

subtest 'a second loop takes the place of the first' => sub {
    my ($status, $output, $errors) = run_perl('-MVKVM::SysVirt', '-e', <<'END');
        use Sys::Virt::EventImpl;
        package My::Loop;
        our @ISA = 'Sys::Virt::EventImpl';
        sub new { my ($class, $name) = @_; return bless { name => $name }, $class }
        sub add_timeout { my ($self) = @_; print "added to $self->{name}\n"; return 1 }
        sub update_timeout { }
        package main;
        require Sys::Virt::Event;
        Sys::Virt::Event::register(My::Loop->new($_)) for qw(one two);
        print ref $Sys::Virt::Event::eventimpl, "\n";
        my $conn = Sys::Virt->new(uri => 'test:///default');
        $conn->domain_event_register_any(undef, 0, sub { });
        Sys::Virt::Event::register_default();
        print "done\n";
END
    is($errors, '', 'no error');
    is($output, "My::Loop\nadded to two\ndone\n", 'as in Sys::Virt');
};

done_testing;
