# SPDX-License-Identifier: LGPL-2.1-or-later
# What is said when the event loop is to blame: keepalive without one, and a loop that is
# registered and never run. The loop is chosen once, so each case is a process.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use BothFaces;

my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);

# Runs code in a process of its own, in which FACE is VKVM or Sys::Virt, and gives what it
# prints.
sub printed_by {
    my ($code, $daemon) = (@_, $bed);
    my $pid = open(my $pipe, '-|') // die "cannot fork: $!";
    if (!$pid) {
        alarm 300;
        my ($face, $module) = (face(), face_module());
        $code =~ s/\bFACE\b/$face/g;
        my $start = <<'START' . "my (\$uri, \$log) = ('$daemon->{URI_UNIX}', '$daemon->{LOG}');\n";
use strict; use warnings; $| = 1;
sub failure { my ($code) = @_; eval { $code->(); 1 } ? 'none' : $@->code . ' ' . $@->message }
START
        exec $^X, (map { "-I$_" } @INC), "-M$module", "-M${face}::Event", qw(-MTime::HiRes=sleep -e), $start . $code
          or die "cannot run perl: $!";
    }
    my @lines = <$pipe>;
    close $pipe;
    is($?, 0, 'it ends');
    chomp @lines;
    return @lines;
}

my $event = face() . '::Event';

subtest 'keepalive' => sub {
    my ($none, $late, $right) = printed_by(<<'END');
        my $conn = FACE->new(uri => $uri);
        print failure(sub { $conn->set_keep_alive(5, 3) }), "\n";
        FACE::Event::start();
        print failure(sub { $conn->set_keep_alive(5, 3) }), "\n";
        print failure(sub { FACE->new(uri => $uri)->set_keep_alive(5, 3) }), "\n";
END
    my ($no_loop, $other) = (VKVM::Error::OWN_NO_EVENT_LOOP, VKVM::Error::OWN_OTHER_EVENT_LOOP);
    like($none, qr/\A$no_loop there is no event loop: call $event\::register_default or $event\::start before opening/,
        'without a loop it says which call is missing');
    like($late, qr/\A$other setting keepalive: the connection was opened before there was an event loop/,
        'with one that came too late, too');
    is($right, 'none', 'with a loop it works');
};

# The guide says so: nothing else does.
subtest 'a connection that was opened before the loop' => sub {
    my ($early, $late) = printed_by(<<'END');
        my ($seen, @early) = (0);
        my $conn = FACE->new(uri => $uri);
        FACE::Event::register_default();
        my $other = FACE->new(uri => $uri);
        $conn->domain_event_register_any(undef, 0, sub { push @early, 1; return });
        $other->domain_event_register_any(undef, 0, sub { $seen++; return });
        my $dom = $other->get_domain_by_name('test');
        $dom->suspend;
        $dom->resume;
        FACE::Event::run_default() while $seen < 2;
        print scalar @early, "\n";
        $conn->get_hostname;
        FACE::Event::run_default() while @early < 2;
        print scalar @early, "\n";
END
    is($early, 0, 'does not read its events');
    is($late,  2, 'until another call does');
};

subtest 'a loop that nobody runs' => sub {
    my $leaving = TestBed->daemon('test-daemon', '--keepalive', 1);
    my ($idle, $again) = printed_by(<<'END', $leaving);
        FACE::Event::register_default();
        # The daemon writes down whom it leaves.
        my $left = sub { open my $file, '<', $log or die "$log: $!"; scalar grep { /keepalive timeout/ } <$file> };
        my $before = $left->();
        my $conn = FACE->new(uri => $uri);
        $conn->get_hostname;
        sleep 0.02 until $left->() > $before;
        print failure(sub { $conn->get_hostname }), "\n" for 1, 2;
END
    for ([ 'the first call', $idle ], [ 'a later one', $again ]) {
        my ($name, $message) = @$_;
        like($message, qr/; the event loop has not run for (?:[2-9]|\d\d+) seconds.*: call $event\::run_default again and again, or $event\::start instead of $event\::register_default\z/,
            "$name says that the loop did not run");
        like($message, qr/\A(?:38|1) \w[^;]*;/, "$name begins with what libvirt says");
    }
};

subtest 'a loop that is run' => sub {
    my ($broken, $seconds) = printed_by(<<"END");
        FACE::Event::register_default();
        my \$conn = FACE->new(uri => \$uri);
        my \$timer = FACE::Event::add_timeout(1, sub { return });
        my \$begin = Time::HiRes::time();
        FACE::Event::run_default();
        kill KILL => $bed->{PID};
        my \$failure;
        \$failure = failure(sub { \$conn->get_hostname }) until \$failure && \$failure ne 'none';
        print "\$failure\\n", Time::HiRes::time() - \$begin, "\\n";
END
    like($broken, qr/\A(?:38|1) \w/, 'a daemon that is killed is a broken connection');
    # Where this process had no CPU for two seconds, the loop has not run for two seconds.
    ok($broken !~ /event loop/ || $seconds >= 2, 'which the loop is not to blame for') or diag($broken);
};

done_testing;
