# SPDX-License-Identifier: LGPL-2.1-or-later
package VKVM::Command::Exporter;

use strict;
use warnings;

use VKVM::Command::Table;
use VKVM::Command::Output;
use VKVM::Command::Usage;

our $VERSION = '0.002000';

# vkvm exporter: metrics for Prometheus over HTTP, at /metrics. /healthz says that the exporter
# itself answers. Mojolicious serves; the hosts are asked by a thread of the library's, so that
# /healthz answers meanwhile.

# Where it listens: on this machine only, unless it is told otherwise. The port is the one that
# exporters for libvirt have.
my $LISTEN = '127.0.0.1:9177';

# Prometheus says how long it waits; an answer that takes a part of it less is in time.
my $MARGIN = 0.5;

my %TYPE = (
    openmetrics => 'application/openmetrics-text; version=1.0.0; charset=utf-8',
    prometheus  => 'text/plain; version=0.0.4; charset=utf-8',
);

sub run {
    my ($options, @words) = @_;
    my ($own) = $options->read_own('exporter', @words);
    my $listen = $own->{listen} // $LISTEN;
    my ($wanted) = $listen =~ /\A(?:\[[0-9A-Fa-f:.]+\]|[\w.*-]+):([0-9]+)\z/;
    VKVM::Command::Usage::fail(qq(--listen is "$listen"; HOST:PORT is needed)) if !defined $wanted || $wanted > 65_535;
    eval { require Mojo::Server::Daemon; require Mojolicious; require VKVM::Async; 1 }
      or die "the exporter needs Mojolicious and Future (libmojolicious-perl, libfuture-perl): $@\n";

    my $timeout = $options->timeout;
    my $app     = $own->{inventory} ? _of_inventory([ $options->uris ], $timeout) : application(VKVM::Command::Table::fleet($options->uris), $timeout);
    my $daemon  = Mojo::Server::Daemon->new(app => $app, listen => ["http://$listen"], silent => 1);
    $daemon->start;
    my ($port) = @{ $daemon->ports };
    print {*STDERR} "vkvm: serving http://$listen/metrics on port $port\n" if !$options->{quiet};
    local @SIG{qw(INT TERM)} = (sub { Mojo::IOLoop->stop }) x 2;
    Mojo::IOLoop->start;
    return VKVM::Command::Table::DONE;
}

# What both serve, with what answers /metrics: it gets the controller and the format.
sub _application {
    my ($answer) = @_;
    my $app = Mojolicious->new;
    $app->mode('production');
    $app->log->level('error');
    $app->routes->get('/healthz')->to(cb => sub { $_[0]->render(text => "ok\n") });
    $app->routes->get('/')->to(cb => sub { $_[0]->render(text => qq{<a href="/metrics">Metrics</a>\n}) });
    $app->routes->get('/metrics')->to(cb => sub {
        my ($c) = @_;
        $answer->($c, ($c->req->headers->accept // '') =~ m{application/openmetrics-text} ? 'openmetrics' : 'prometheus');
    });
    return $app;
}

sub _render {
    my ($c, $format, $text) = @_;
    $c->res->headers->content_type($TYPE{$format});
    return $c->render(data => $text);
}

# The application, for an inventory. Its events come on a thread of the library's.
sub _of_inventory {
    my ($uris, $timeout) = @_;
    require VKVM::Event;
    VKVM::Event::start();
    my $inventory = VKVM::Inventory->new(uris => $uris, timeout => $timeout);
    my %said;
    return _application(sub {
        my ($c, $format) = @_;
        my @failed = grep { $_->{state} ne 'up' && $_->{error} } @{ $inventory->hosts };
        _say_failures(\%said, [ map { +{ uri => $_->{uri}, error => $_->{error}{message} } } @failed ]);
        _render($c, $format, $inventory->metrics(format => $format));
    });
}

# The application, for a fleet.
sub application {
    my ($fleet, $timeout) = @_;
    my %said;    # of which hosts it was said that they fail
    return _application(sub {
        my ($c, $format) = @_;
        my $asked  = $c->req->headers->header('X-Prometheus-Scrape-Timeout-Seconds') // '';
        my $limit  = $asked =~ /\A[0-9]+(?:[.][0-9]*)?\z/ && $asked > 2 * $MARGIN && $asked - $MARGIN < $timeout ? $asked - $MARGIN : $timeout;
        $c->render_later;
        my $future = $fleet->async->metrics(format => $format, timeout => $limit);
        $future->on_done(sub {
            my ($text, $errors) = @_;
            _say_failures(\%said, $errors // []);
            _render($c, $format, $text);
        });
        $future->on_fail(sub { $c->render(status => 500, text => "$_[0]\n") });
        $future->retain;
    });
}

# Each failure once, and again when it is another one.
sub _say_failures {
    my ($said, $errors) = @_;
    my %now = map { $_->{uri} => VKVM::Command::Output::message_of($_->{error}) } @$errors;
    for my $uri (sort keys %now) {
        # How long it took may be another number each time.
        my ($before, $after) = map { s/\b[0-9]+ ms\b/ms/gr } $said->{$uri} // '', $now{$uri};
        VKVM::Command::Output::complain("$uri: $now{$uri}") if $before ne $after;
    }
    %$said = %now;
    return;
}

1;
