# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that is killed in the middle of a call, or stops answering: in each kind of
# loop, in Perl and for Sys::Virt programs, calls fail in bounded time and the close
# callback says why. daemon_calls of c-tests has a call that waits while another thread
# turns the loop; here only the library's own thread does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use TestBed;
use TestVKVM;

use VKVM;

my $script = "$FindBin::Bin/scripts/amid.pl";

# Each has a daemon of its own: one that is killed does not come back, and one that
# was stopped may close connections late.
sub amid {
    my ($what, $options, $module, $loop, $uri, $how) = @_;
    my $bed = TestBed->daemon('test-daemon') or plan(skip_all => TestBed->reason);
    my ($status, $output, $errors) =
      run_perl(@$options, $script, $module, $loop, $bed->{$uri}, $bed->{PID}, $how);
    kill CONT => $bed->{PID};
    subtest "$what, $loop, $how" => sub {
        is($status, 0,  'exit status');
        is($errors, '', 'standard error');
        my %seen = map { split / = /, $_, 2 } split /\n/, $output;
        # Whether a killed daemon is noticed by reading or by writing is the kernel's affair.
        my $told = $how eq 'stop' ? qr/\AKEEPALIVE\z/ : qr/\A(?:EOF|ERROR)\z/;
        like(delete $seen{told}, $told, 'the close callback is called once, with the reason');
        my $waits = $how eq 'kill' || $loop eq 'thread';
        is_deeply(\%seen, {
            ($waits ? ('the call' => 'fails in time', 'it waited' => 'yes') : ()),
            'the next'  => 'fails in time',
            alive       => 'no',
            end         => 'reached',
        }, 'what is seen');
    };
    return;
}

for my $how (qw(kill stop)) {
    amid('VKVM', [], 'VKVM', $_, $_ eq 'own' ? 'URI_TCP' : 'URI_UNIX', $how) for qw(default own thread);
    amid('Sys::Virt on VKVM', ['-MVKVM::SysVirt'], 'Sys::Virt', $_, 'URI_UNIX', $how) for qw(default own);
}

done_testing;
