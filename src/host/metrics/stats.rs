// SPDX-License-Identifier: LGPL-2.1-or-later
//! What becomes of libvirt's statistics: the family of each, and its unit.

use super::families::{Family, OTHERS, counter, gauge};
use super::sample::Sample;

/// How a number of libvirt's becomes one in the unit of its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// It is.
    One,
    /// libvirt counts KiB.
    Kib,
    /// libvirt counts ns.
    Nano,
}

impl Scale {
    /// The number in the unit of the family.
    pub fn of(self, sample: Sample) -> Sample {
        match (self, sample) {
            (Scale::One, sample) => sample,
            (Scale::Kib, Sample::Uint(kib)) => Sample::Uint(kib.saturating_mul(1024)),
            (Scale::Kib, Sample::Int(kib)) => Sample::Int(kib.saturating_mul(1024)),
            (Scale::Kib, Sample::Double(kib)) => Sample::Double(kib * 1024.0),
            (Scale::Nano, Sample::Uint(ns)) => Sample::Double(ns as f64 / 1e9),
            (Scale::Nano, Sample::Int(ns)) => Sample::Double(ns as f64 / 1e9),
            (Scale::Nano, Sample::Double(ns)) => Sample::Double(ns / 1e9),
        }
    }
}

/// A statistic of libvirt's, and what it is here.
pub struct Stat {
    /// libvirt's key, or its end where there are several of the kind.
    key: &'static str,
    pub scale: Scale,
    pub family: Family,
}

impl Stat {
    /// The one with that key.
    pub fn find(stats: &'static [Stat], key: &str) -> Option<&'static Stat> {
        stats.iter().find(|stat| stat.key == key)
    }
}

/// Statistics of which there may be several: `net.0.rx.bytes`.
pub struct Group {
    /// What their keys begin with.
    pub prefix: &'static str,
    /// The label that tells them from each other.
    pub label: &'static str,
    /// Whether `name` says what they are called; otherwise it is their number.
    pub named: bool,
    pub stats: &'static [Stat],
}

const fn stat(key: &'static str, scale: Scale, family: Family) -> Stat {
    Stat { key, scale, family }
}

/// All families, in the order of the text.
pub fn all() -> impl Iterator<Item = &'static Family> {
    let stats = GROUPS.iter().map(|group| group.stats);
    let stats = [NODE_MEMORY, DOMAIN].into_iter().chain(stats).flatten();
    OTHERS.iter().copied().chain(stats.map(|stat| &stat.family))
}

/// The host's memory, by the keys of virNodeGetMemoryStats.
pub static NODE_MEMORY: &[Stat] = &[
    stat("total", Scale::Kib, gauge("libvirt_node_memory_total_bytes", "Memory of the host.")),
    stat(
        "free",
        Scale::Kib,
        gauge("libvirt_node_memory_free_bytes", "Memory of the host that nothing uses."),
    ),
    stat(
        "buffers",
        Scale::Kib,
        gauge(
            "libvirt_node_memory_buffers_bytes",
            "Memory of the host in buffers of block devices.",
        ),
    ),
    stat(
        "cached",
        Scale::Kib,
        gauge("libvirt_node_memory_cached_bytes", "Memory of the host in the page cache."),
    ),
];

/// Statistics of which a domain has one each.
pub static DOMAIN: &[Stat] = &[
    stat(
        "balloon.maximum",
        Scale::Kib,
        gauge("libvirt_domain_info_maximum_memory_bytes", "Maximum memory of the domain."),
    ),
    stat(
        "balloon.current",
        Scale::Kib,
        gauge(
            "libvirt_domain_info_memory_usage_bytes",
            "Memory that the domain has been given, whatever the guest uses of it.",
        ),
    ),
    stat(
        "vcpu.current",
        Scale::One,
        gauge("libvirt_domain_info_virtual_cpus", "Number of vCPUs that the domain has."),
    ),
    stat(
        "vcpu.maximum",
        Scale::One,
        gauge("libvirt_domain_vcpu_maximum", "Number of vCPUs that the domain can have."),
    ),
    stat(
        "cpu.time",
        Scale::Nano,
        counter(
            "libvirt_domain_info_cpu_time_seconds_total",
            "CPU time of the domain, guest and hypervisor together.",
        ),
    ),
    stat(
        "cpu.user",
        Scale::Nano,
        counter(
            "libvirt_domain_info_cpu_user_seconds_total",
            "CPU time of the domain in user mode of the host.",
        ),
    ),
    stat(
        "cpu.system",
        Scale::Nano,
        counter(
            "libvirt_domain_info_cpu_system_seconds_total",
            "CPU time of the domain in kernel mode of the host.",
        ),
    ),
    stat(
        "balloon.swap_in",
        Scale::Kib,
        counter(
            "libvirt_domain_memory_stats_swap_in_bytes_total",
            "Memory that the guest has read from swap.",
        ),
    ),
    stat(
        "balloon.swap_out",
        Scale::Kib,
        counter(
            "libvirt_domain_memory_stats_swap_out_bytes_total",
            "Memory that the guest has written to swap.",
        ),
    ),
    stat(
        "balloon.major_fault",
        Scale::One,
        counter(
            "libvirt_domain_memory_stats_major_fault_total",
            "Page faults of the guest that needed the disk.",
        ),
    ),
    stat(
        "balloon.minor_fault",
        Scale::One,
        counter(
            "libvirt_domain_memory_stats_minor_fault_total",
            "Page faults of the guest that did not need the disk.",
        ),
    ),
    stat(
        "balloon.unused",
        Scale::Kib,
        gauge(
            "libvirt_domain_memory_stats_unused_bytes",
            "Memory that the guest does not use at all.",
        ),
    ),
    stat(
        "balloon.available",
        Scale::Kib,
        gauge("libvirt_domain_memory_stats_available_bytes", "Memory that the guest sees."),
    ),
    stat(
        "balloon.usable",
        Scale::Kib,
        gauge(
            "libvirt_domain_memory_stats_usable_bytes",
            "Memory that the guest can get without swapping.",
        ),
    ),
    stat(
        "balloon.rss",
        Scale::Kib,
        gauge(
            "libvirt_domain_memory_stats_rss_bytes",
            "Memory of the host that the process of the domain occupies.",
        ),
    ),
    stat(
        "balloon.disk_caches",
        Scale::Kib,
        gauge(
            "libvirt_domain_memory_stats_disk_caches_bytes",
            "Memory that the guest can reclaim from its disk caches.",
        ),
    ),
    stat(
        "balloon.hugetlb_pgalloc",
        Scale::One,
        counter(
            "libvirt_domain_memory_stats_hugetlb_pgalloc_total",
            "Huge pages that the guest has allocated.",
        ),
    ),
    stat(
        "balloon.hugetlb_pgfail",
        Scale::One,
        counter(
            "libvirt_domain_memory_stats_hugetlb_pgfail_total",
            "Huge pages that the guest could not allocate.",
        ),
    ),
    stat(
        "balloon.last-update",
        Scale::One,
        gauge(
            "libvirt_domain_memory_stats_last_update_timestamp_seconds",
            "When the guest has last reported its memory, in seconds since 1970.",
        ),
    ),
    stat(
        "perf.cmt",
        Scale::One,
        gauge(
            "libvirt_domain_perf_cmt_bytes",
            "Last-level cache that the domain occupies (perf event cmt).",
        ),
    ),
    stat(
        "perf.cache_misses",
        Scale::One,
        counter(
            "libvirt_domain_perf_cache_misses_total",
            "Cache misses (perf event cache_misses).",
        ),
    ),
    stat(
        "perf.cache_references",
        Scale::One,
        counter(
            "libvirt_domain_perf_cache_references_total",
            "Cache references (perf event cache_references).",
        ),
    ),
    stat(
        "perf.instructions",
        Scale::One,
        counter(
            "libvirt_domain_perf_instructions_total",
            "Instructions (perf event instructions).",
        ),
    ),
    stat(
        "perf.cpu_cycles",
        Scale::One,
        counter("libvirt_domain_perf_cpu_cycles_total", "CPU cycles (perf event cpu_cycles)."),
    ),
    stat(
        "perf.branch_instructions",
        Scale::One,
        counter(
            "libvirt_domain_perf_branch_instructions_total",
            "Branch instructions (perf event branch_instructions).",
        ),
    ),
    stat(
        "perf.branch_misses",
        Scale::One,
        counter(
            "libvirt_domain_perf_branch_misses_total",
            "Mispredicted branches (perf event branch_misses).",
        ),
    ),
    stat(
        "perf.bus_cycles",
        Scale::One,
        counter("libvirt_domain_perf_bus_cycles_total", "Bus cycles (perf event bus_cycles)."),
    ),
    stat(
        "perf.stalled_cycles_frontend",
        Scale::One,
        counter(
            "libvirt_domain_perf_stalled_cycles_frontend_total",
            "Cycles stalled in the frontend (perf event stalled_cycles_frontend).",
        ),
    ),
    stat(
        "perf.stalled_cycles_backend",
        Scale::One,
        counter(
            "libvirt_domain_perf_stalled_cycles_backend_total",
            "Cycles stalled in the backend (perf event stalled_cycles_backend).",
        ),
    ),
    stat(
        "perf.ref_cpu_cycles",
        Scale::One,
        counter(
            "libvirt_domain_perf_ref_cpu_cycles_total",
            "CPU cycles at the reference frequency (perf event ref_cpu_cycles).",
        ),
    ),
    stat(
        "perf.cpu_clock",
        Scale::Nano,
        counter(
            "libvirt_domain_perf_cpu_clock_seconds_total",
            "Time of the CPU clock (perf event cpu_clock).",
        ),
    ),
    stat(
        "perf.task_clock",
        Scale::Nano,
        counter(
            "libvirt_domain_perf_task_clock_seconds_total",
            "Time of the task clock (perf event task_clock).",
        ),
    ),
    stat(
        "perf.page_faults",
        Scale::One,
        counter("libvirt_domain_perf_page_faults_total", "Page faults (perf event page_faults)."),
    ),
    stat(
        "perf.context_switches",
        Scale::One,
        counter(
            "libvirt_domain_perf_context_switches_total",
            "Context switches (perf event context_switches).",
        ),
    ),
    stat(
        "perf.cpu_migrations",
        Scale::One,
        counter(
            "libvirt_domain_perf_cpu_migrations_total",
            "Moves to another CPU (perf event cpu_migrations).",
        ),
    ),
    stat(
        "perf.page_faults_min",
        Scale::One,
        counter(
            "libvirt_domain_perf_page_faults_min_total",
            "Minor page faults (perf event page_faults_min).",
        ),
    ),
    stat(
        "perf.page_faults_maj",
        Scale::One,
        counter(
            "libvirt_domain_perf_page_faults_maj_total",
            "Major page faults (perf event page_faults_maj).",
        ),
    ),
    stat(
        "perf.alignment_faults",
        Scale::One,
        counter(
            "libvirt_domain_perf_alignment_faults_total",
            "Alignment faults (perf event alignment_faults).",
        ),
    ),
    stat(
        "perf.emulation_faults",
        Scale::One,
        counter(
            "libvirt_domain_perf_emulation_faults_total",
            "Emulation faults (perf event emulation_faults).",
        ),
    ),
];

/// Statistics of a vCPU.
static VCPU: &[Stat] = &[
    stat(
        "state",
        Scale::One,
        gauge(
            "libvirt_domain_vcpu_state",
            "State of the vCPU, as virVcpuState numbers it: 0 offline, 1 running, 2 blocked.",
        ),
    ),
    stat(
        "time",
        Scale::Nano,
        counter("libvirt_domain_vcpu_time_seconds_total", "CPU time of the vCPU."),
    ),
    stat(
        "wait",
        Scale::Nano,
        counter(
            "libvirt_domain_vcpu_wait_seconds_total",
            "Time that the vCPU was ready and waited for a CPU because of I/O.",
        ),
    ),
    stat(
        "delay",
        Scale::Nano,
        counter(
            "libvirt_domain_vcpu_delay_seconds_total",
            "Time that the vCPU was ready and another process had the CPU.",
        ),
    ),
];

/// Statistics of a disk.
static BLOCK: &[Stat] = &[
    stat(
        "rd.bytes",
        Scale::One,
        counter("libvirt_domain_block_stats_read_bytes_total", "Bytes that the guest has read."),
    ),
    stat(
        "rd.reqs",
        Scale::One,
        counter("libvirt_domain_block_stats_read_requests_total", "Read requests."),
    ),
    stat(
        "rd.times",
        Scale::Nano,
        counter(
            "libvirt_domain_block_stats_read_time_seconds_total",
            "Time that read requests took.",
        ),
    ),
    stat(
        "wr.bytes",
        Scale::One,
        counter(
            "libvirt_domain_block_stats_write_bytes_total",
            "Bytes that the guest has written.",
        ),
    ),
    stat(
        "wr.reqs",
        Scale::One,
        counter("libvirt_domain_block_stats_write_requests_total", "Write requests."),
    ),
    stat(
        "wr.times",
        Scale::Nano,
        counter(
            "libvirt_domain_block_stats_write_time_seconds_total",
            "Time that write requests took.",
        ),
    ),
    stat(
        "fl.reqs",
        Scale::One,
        counter("libvirt_domain_block_stats_flush_requests_total", "Flush requests."),
    ),
    stat(
        "fl.times",
        Scale::Nano,
        counter(
            "libvirt_domain_block_stats_flush_time_seconds_total",
            "Time that flush requests took.",
        ),
    ),
    stat(
        "capacity",
        Scale::One,
        gauge("libvirt_domain_block_stats_capacity_bytes", "Size of the disk that the guest sees."),
    ),
    stat(
        "allocation",
        Scale::One,
        gauge(
            "libvirt_domain_block_stats_allocation_bytes",
            "Highest offset of the image that is written to.",
        ),
    ),
    stat(
        "physical",
        Scale::One,
        gauge(
            "libvirt_domain_block_stats_physicalsize_bytes",
            "Size of the file or device of the image.",
        ),
    ),
];

/// Statistics of a network interface.
static INTERFACE: &[Stat] = &[
    stat(
        "rx.bytes",
        Scale::One,
        counter("libvirt_domain_interface_stats_receive_bytes_total", "Bytes that were received."),
    ),
    stat(
        "rx.pkts",
        Scale::One,
        counter(
            "libvirt_domain_interface_stats_receive_packets_total",
            "Packets that were received.",
        ),
    ),
    stat(
        "rx.errs",
        Scale::One,
        counter(
            "libvirt_domain_interface_stats_receive_errors_total",
            "Errors of packets that were received.",
        ),
    ),
    stat(
        "rx.drop",
        Scale::One,
        counter(
            "libvirt_domain_interface_stats_receive_drops_total",
            "Packets that were dropped instead of being received.",
        ),
    ),
    stat(
        "tx.bytes",
        Scale::One,
        counter("libvirt_domain_interface_stats_transmit_bytes_total", "Bytes that were sent."),
    ),
    stat(
        "tx.pkts",
        Scale::One,
        counter("libvirt_domain_interface_stats_transmit_packets_total", "Packets that were sent."),
    ),
    stat(
        "tx.errs",
        Scale::One,
        counter(
            "libvirt_domain_interface_stats_transmit_errors_total",
            "Errors of packets that were sent.",
        ),
    ),
    stat(
        "tx.drop",
        Scale::One,
        counter(
            "libvirt_domain_interface_stats_transmit_drops_total",
            "Packets that were dropped instead of being sent.",
        ),
    ),
];

/// What a domain may have several of.
pub static GROUPS: &[Group] = &[
    Group { prefix: "vcpu", label: "vcpu", named: false, stats: VCPU },
    Group { prefix: "block", label: "target_device", named: true, stats: BLOCK },
    Group { prefix: "net", label: "target_device", named: true, stats: INTERFACE },
];
