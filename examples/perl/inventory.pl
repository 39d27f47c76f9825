#!/usr/bin/perl
# SPDX-License-Identifier: LGPL-2.1-or-later
# A web page with the domains of several hosts that is always current: an inventory keeps them,
# and server-sent events bring each change to the browser.
#
# usage: inventory.pl LISTEN URI...
#
#   inventory.pl http://127.0.0.1:3000 qemu:///system qemu+ssh://root@there/system
#
# Needs libmojolicious-perl, libfuture-perl and libfuture-asyncawait-perl.

use Mojolicious::Lite -signatures, -async_await;

use Future;
use Mojo::JSON qw(encode_json);
use VKVM;
use VKVM::Event;

my ($listen, @uris) = @ARGV;
die "usage: inventory.pl LISTEN URI...\n" if !@uris;

# Events arrive on a thread of the library; Perl waits for them in Mojolicious' loop.
VKVM::Event::start();
my $inventory = VKVM::Inventory->new(uris => \@uris, kinds => ['domain']);

my @FIELDS = qw(host name uuid state memory vcpus title stale);

sub message ($event, $data) { return "event: $event\ndata: " . encode_json($data) . "\n\n" }

# All rows; the changes up to the generation are in them.
sub all_rows ($generation) {
    my $snapshot = $inventory->snapshot(fields => \@FIELDS);
    $$generation = $snapshot->{generation};
    return message(rows => { rows => $snapshot->{rows}, hosts => $inventory->hosts });
}

# Writes a text; the future is done when the browser has taken it.
sub written ($c, $text) {
    my $future = Future->new;
    $c->write($text => sub { $future->done });
    return $future;
}

# Writes all rows, then each change, until the browser has gone. One that reads too slowly has
# changes missing, and gets all rows again.
async sub feed ($c) {
    my $changes = $inventory->changes(capacity => 1000);
    my ($lost, $generation, $future) = (0, 0);
    my $tx = $c->tx;
    $tx->on(finish => sub { $future->cancel if $future });
    await($future = written($c, all_rows(\$generation)));
    while (!$tx->is_finished) {
        my $change = await($future = $changes->next_change);
        my $text;
        if ($changes->get_overflow > $lost) {
            $lost = $changes->get_overflow;
            $text = all_rows(\$generation);
        }
        # The rows of a host that goes down or comes back are stale, or no longer.
        elsif ($change->{kind} eq 'host')            { $text = all_rows(\$generation) }
        elsif ($change->{generation} > $generation) { $text = message(change => $change) }
        await($future = written($c, $text)) if defined $text;
    }
    return;
}

get '/' => 'page';

get '/changes' => sub ($c) {
    $c->inactivity_timeout(0);
    $c->res->headers->content_type('text/event-stream');
    $c->render_later;
    feed($c)->retain;
    return;
};

$| = 1;
app->log->level('warn');
app->start('daemon', '-m', 'production', '-l', $listen);

__DATA__

@@ page.html.ep
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Domains</title>
<style>
  body { font: 16px sans-serif; margin: 2em }
  table { border-collapse: collapse }
  th, td { text-align: left; padding: .3em 1em .3em 0; border-bottom: 1px solid #ccc }
  .running { color: #070 } .stale { opacity: .4 } #status { color: #a00 }
</style>
<h1>Domains</h1>
<p id="status">connecting</p>
<table>
  <thead><tr><th>Host<th>Name<th>State<th>Memory<th>vCPUs<th>Title</thead>
  <tbody id="rows"></tbody>
</table>
<script>
  const rows = new Map()
  const status = document.getElementById('status')
  const key = of => of.host + ' ' + of.uuid

  function show() {
    const body = document.getElementById('rows')
    const sorted = [...rows.values()].sort((a, b) => a.host < b.host ? -1 : a.host > b.host ? 1 : a.name < b.name ? -1 : 1)
    body.replaceChildren(...sorted.map(row => {
      const line = document.createElement('tr')
      line.className = row.stale ? 'stale' : row.state
      const memory = row.memory == null ? '' : Math.round(row.memory / 1024) + ' MiB'
      for (const text of [row.host, row.name, row.state, memory, row.vcpus, row.title])
        line.insertCell().textContent = text ?? ''
      return line
    }))
  }

  // The browser connects again by itself, and gets all rows first.
  const source = new EventSource('changes')
  source.onerror = () => { status.textContent = 'the service does not answer' }
  source.addEventListener('rows', event => {
    const { rows: all, hosts } = JSON.parse(event.data)
    rows.clear()
    for (const row of all) rows.set(key(row), row)
    status.textContent = hosts.filter(host => host.state !== 'up')
      .map(host => `${host.uri}: ${host.error ? host.error.message : host.state}`).join('; ')
    show()
  })
  source.addEventListener('change', event => {
    const change = JSON.parse(event.data)
    const { host, name, uuid } = change
    if (change.change === 'removed') rows.delete(key(change))
    else rows.set(key(change), { host, name, uuid, ...rows.get(key(change)), ...change.after })
    show()
  })
</script>
