#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A web service that shows the domains of several hosts, in one process. A host that is slow, or
# does not answer, delays nobody who asks for another one.
#
# usage: service.pl [--timeout SECONDS] LISTEN NAME=URI...
#
#   service.pl http://127.0.0.1:3000 here=qemu:///system there=qemu+ssh://there/system
#   curl http://127.0.0.1:3000/hosts/here
#
# Needs libmojolicious-perl and libfuture-perl.

use Mojolicious::Lite -signatures;

use Getopt::Long qw(GetOptions);
use Mojo::Promise;
use VKVM;
use VKVM::Async;

my $usage   = "usage: service.pl [--timeout SECONDS] LISTEN NAME=URI...\n";
my $timeout = 30;
GetOptions('timeout=f' => \$timeout) or die $usage;
my ($listen, @hosts) = @ARGV;
die $usage if !@hosts || grep { !/=/ } @hosts;
my %uris = map { split /=/, $_, 2 } @hosts;

my %conns;    # promises of connections
my $requests = 0;    # that are not answered yet

# A promise of what a future becomes.
sub promise ($future) {
    return Mojo::Promise->new(sub ($resolve, $reject) {
        $future->on_done($resolve)->on_fail(sub ($error, @) { $reject->($error) });
    });
}

# A promise of the connection to a host. Without an event loop of libvirt's there is no keepalive:
# the limits find out that a host does not answer.
sub connection ($name) {
    return $conns{$name} //= promise(
        VKVM::Async->connect(uri => $uris{$name}, timeout => $timeout, call_timeout => $timeout, readonly => 1)
      )->catch(sub ($error) {
        delete $conns{$name};
        die $error;
    });
}

# A promise of a list of domains, all of which are asked at once.
sub domains ($name) {
    return connection($name)->then(sub ($conn) {
        return $conn->async_p->list_all_domains->catch(sub ($error) {
            delete $conns{$name} if !$conn->is_alive;
            die $error;
        });
    })->then(sub (@domains) {
        return if !@domains;
        return Mojo::Promise->all(map { $_->async_p->get_info } @domains)->then(sub (@infos) {
            return map {
                {
                    name   => $domains[$_]->get_name,
                    state  => $infos[$_][0]{state},
                    cpus   => $infos[$_][0]{nrVirtCpu},
                    memory => $infos[$_][0]{memory},
                }
            } 0 .. $#domains;
        });
    });
}

get '/' => sub ($c) { return $c->render(json => { hosts => [ sort keys %uris ], requests => $requests }) };

get '/hosts/:host' => sub ($c) {
    my $name = $c->stash('host');
    return $c->render(json => { error => "there is no host \"$name\"" }, status => 404) if !$uris{$name};
    $c->render_later;
    $requests++;
    domains($name)->then(sub (@domains) {
        $c->render(json => { domains => \@domains });
    })->catch(sub ($error) {
        my $is_late = ref $error && $error->code == VKVM::Error::OWN_TIMEOUT;
        $c->render(
            json   => { error => ref $error ? $error->message : "$error" },
            status => $is_late ? 504 : 502
        );
    })->finally(sub { $requests-- });
    return;
};

$| = 1;
app->log->level('warn');
app->start('daemon', '-m', 'production', '-i', 1 + int(2 * $timeout), '-c', 10_000, '-l', $listen);
