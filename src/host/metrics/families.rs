// SPDX-License-Identifier: LGPL-2.1-or-later
//! The families of metrics: their names, units and meanings.
//!
//! Names and labels are those that the common exporters for libvirt share. Where these differ,
//! it is the name of inovex' prometheus-libvirt-exporter, the one that is still maintained; where
//! that breaks Prometheus' rules (a counter without `_total`, milliseconds called seconds), the
//! rules count. `host` comes before all other labels, for one text has several hosts.

/// Samples of the same name.
pub struct Family {
    pub name: &'static str,
    pub kind: Kind,
    pub help: &'static str,
}

/// What the numbers of a family do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They grow, and begin at 0 with each start of what they count.
    Counter,
    /// They go up and down.
    Gauge,
}

/// One that goes up and down.
pub const fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, help }
}

/// One that only grows.
pub const fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, help }
}

pub static UP: Family = gauge("libvirt_up", "Whether the host has answered: 1, else 0.");
pub static SCRAPE_DURATION: Family =
    gauge("libvirt_scrape_duration_seconds", "Time that it took to ask the host.");
pub static AGE: Family = gauge(
    "libvirt_inventory_age_seconds",
    "Time since all rows of the host were compared; only of an inventory.",
);
pub static HOST_INFO: Family = gauge(
    "libvirt_host_info",
    "Always 1; the labels have the URI of the host and the name that it gives itself.",
);
pub static VERSIONS: Family = gauge(
    "libvirt_versions_info",
    "Always 1; the labels have the versions of hypervisor, daemon and client library.",
);
pub static DOMAINS: Family = gauge("libvirt_domains", "Number of domains, running or not.");
pub static DOMAIN_INFO: Family =
    gauge("libvirt_domain_info", "Always 1; the labels identify the domain.");
pub static DOMAIN_STATE: Family = gauge(
    "libvirt_domain_info_state",
    "State of the domain, as virDomainState numbers it; the label has its name.",
);
pub static MEMORY_USED: Family = gauge(
    "libvirt_domain_memory_stats_used_percent",
    "Share of the guest's memory that it cannot get without swapping.",
);
pub static NODE_CPUS: Family = gauge("libvirt_node_cpus", "Number of active CPUs of the host.");
pub static NODE_CPU: Family =
    counter("libvirt_node_cpu_seconds_total", "CPU time of the host by what it was spent on.");
pub static POOL_STATE: Family =
    gauge("libvirt_storage_pool_state", "State of the pool, as virStoragePoolState numbers it.");
pub static POOL_CAPACITY: Family =
    gauge("libvirt_storage_pool_capacity_bytes", "Size of the pool.");
pub static POOL_ALLOCATION: Family =
    gauge("libvirt_storage_pool_allocation_bytes", "Space of the pool that is used.");
pub static POOL_AVAILABLE: Family =
    gauge("libvirt_storage_pool_available_bytes", "Space of the pool that is free.");

/// Those that are not made of one of libvirt's statistics each.
pub static OTHERS: &[&Family] = &[
    &UP,
    &SCRAPE_DURATION,
    &AGE,
    &HOST_INFO,
    &VERSIONS,
    &NODE_CPUS,
    &NODE_CPU,
    &DOMAINS,
    &DOMAIN_INFO,
    &DOMAIN_STATE,
    &MEMORY_USED,
    &POOL_STATE,
    &POOL_CAPACITY,
    &POOL_ALLOCATION,
    &POOL_AVAILABLE,
];
