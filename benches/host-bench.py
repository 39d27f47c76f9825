#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Times the host facade against python-kvm, and against the bare bulk call of C.

benches/run calls it; the output is that of c-bench. Both libraries are called through
ctypes, which costs about 2 us a call where the call takes milliseconds.
"""

import ctypes
import random
import re
import statistics
import subprocess
import sys
import warnings
from os.path import abspath, dirname
from time import perf_counter_ns

ROOT = dirname(dirname(abspath(__file__)))
ROUNDS_OF_PEERS = 15    # python-kvm runs virsh each time, and is slow

VIR_DOMAIN_STATS_STATE = 1


def rows(call, peers, transport, ours, theirs, rounds, aim, batch=1):
    """Measures a row: rounds of both, in an order by chance."""
    times = ([], [])
    for _ in range(rounds):
        for side in random.sample((0, 1), 2):
            begin = perf_counter_ns()
            for _ in range(batch):
                (ours, theirs)[side]()
            times[side].append((perf_counter_ns() - begin) / batch)
    ratio = sorted(a / b for a, b in zip(*times))
    print('%s\t%s\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t%d\t%.3f' % (
        call, peers, transport, ratio[0], statistics.median(ratio), ratio[-1],
        statistics.median(times[0]), statistics.median(times[1]), batch, aim), flush=True)


def main():
    transport, uri, rounds, wanted = sys.argv[1:]
    rounds = min(int(rounds), 101)
    vkvm = ctypes.CDLL(ROOT + '/target/release/libvkvm.so.0')
    virt = ctypes.CDLL('libvirt.so.0')
    virt.virConnectOpen.restype = ctypes.c_void_p
    conn = ctypes.c_void_p(virt.virConnectOpen(uri.encode()))
    host, args = ctypes.c_void_p(), ctypes.c_void_p()
    if not conn or vkvm.vkvm_host_open(uri.encode(), ctypes.byref(host), None) < 0:
        sys.exit('host-bench.py: %s cannot be opened' % uri)
    vkvm.vkvm_value_from_json(b'{"all":true}', ctypes.byref(args), None)

    def facade():
        result = ctypes.c_void_p()
        if vkvm.vkvm_host_call(host, b'list_domains', args, ctypes.byref(result), None) < 0:
            sys.exit('host-bench.py: list_domains failed')
        vkvm.vkvm_value_free(result)

    def bulk():
        records = ctypes.c_void_p()
        if virt.virConnectGetAllDomainStats(conn, VIR_DOMAIN_STATS_STATE, ctypes.byref(records),
                                            0) != 1000:
            sys.exit('host-bench.py: virConnectGetAllDomainStats gave no 1,000 domains')
        virt.virDomainStatsRecordListFree(records)

    def is_wanted(call, peers):
        return re.search(wanted, '%s %s %s' % (call, peers, transport))

    if is_wanted('list_domains (1000)', 'host/libvirt'):
        rows('list_domains (1000)', 'host/libvirt', transport, facade, bulk, rounds, 1.3)
    sys.path.insert(0, ROOT + '/target/python-kvm/packages')
    try:
        warnings.simplefilter('ignore')
        import kvm
        import unix
        from lxml import etree
    except ImportError:
        for call in 'list_domains (1000)', 'from_xml (11 KB)':
            print('%s\thost/python-kvm\t%s\tskip\tpython-kvm is not installed '
                  '(tests/python-kvm installs it)' % (call, transport))
        return
    if is_wanted('list_domains (1000)', 'host/python-kvm'):
        peer = kvm.Hypervisor(unix.Local(), "'%s'" % uri)
        if len(peer.list_domains(all=True)) != 1000:
            sys.exit('host-bench.py: python-kvm does not list 1,000 domains')
        rows('list_domains (1000)', 'host/python-kvm', transport, facade,
             lambda: peer.list_domains(all=True), ROUNDS_OF_PEERS, 1 / 15)
    if is_wanted('from_xml (11 KB)', 'Perl/python-kvm'):
        text = open(ROOT + '/benches/domain.xml', 'rb').read()
        with_perl(transport, lambda: kvm.from_xml(etree.fromstring(text)))


def with_perl(transport, theirs):
    """Times python-kvm's from_xml against that of VKVM in Perl, turn by turn."""
    code = ('use VKVM; use Time::HiRes qw(time); local $/ = undef; open my $f, "<", shift; '
            'my $x = <$f>; $/ = "\\n"; $| = 1; VKVM::from_xml($x) for 1 .. 20; '
            'while (<STDIN>) { my $t = time; my $v; $v = VKVM::from_xml($x) for 1 .. 20; '
            'print +(time - $t) / 20 * 1e9, "\\n" }')
    perl = subprocess.Popen(['perl', '-Mblib=' + ROOT + '/perl', '-e', code,
                             ROOT + '/benches/domain.xml'], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    times = ([], [])
    for _ in range(101):
        perl.stdin.write('\n')
        perl.stdin.flush()
        times[0].append(float(perl.stdout.readline()))
        begin = perf_counter_ns()
        for _ in range(20):
            theirs()
        times[1].append((perf_counter_ns() - begin) / 20)
    perl.stdin.close()
    perl.wait()
    ratio = sorted(a / b for a, b in zip(*times))
    print('from_xml (11 KB)\tPerl/python-kvm\t%s\t%.3f\t%.3f\t%.3f\t%.1f\t%.1f\t20\t0.250' % (
        transport, ratio[0], statistics.median(ratio), ratio[-1],
        statistics.median(times[0]), statistics.median(times[1])))


main()
