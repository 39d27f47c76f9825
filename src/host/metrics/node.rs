// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host itself, and its storage pools.

use super::families;
use super::lines::{Labels, Lines};
use super::sample::Sample;
use super::stats::{NODE_MEMORY, Scale, Stat};
use crate::constants as c;
use crate::core::{Conn, library};
use crate::error::Result;
use crate::host::frame::text::dotted;
use crate::host::walk::{self, Gone};
use crate::value::Map;

/// Adds the samples of the host. What its driver does not have is left out.
pub fn add(lines: &mut Lines, host: &Labels, conn: &Conn) -> Result<()> {
    let info = unless_unsupported(conn.get_node_info())?;
    if let Some(cpus) = number(info.as_ref(), "cpus") {
        lines.add(&families::NODE_CPUS, host, cpus);
    }
    for (kind, time) in unless_unsupported(conn.get_node_cpu_stats(-1, 0))?.iter().flatten() {
        // Not CPU time, but a share of it.
        if let (Some(sample), false) = (Sample::of(time), kind == "utilization") {
            lines.add(&families::NODE_CPU, &host.and("mode", kind), Scale::Nano.of(sample));
        }
    }
    for (key, amount) in unless_unsupported(conn.get_node_memory_stats(-1, 0))?.iter().flatten() {
        if let (Some(stat), Some(sample)) = (Stat::find(NODE_MEMORY, key), Sample::of(amount)) {
            lines.add(&stat.family, host, stat.scale.of(sample));
        }
    }
    versions(lines, host, conn)?;
    pools(lines, host, conn)
}

fn versions(lines: &mut Lines, host: &Labels, conn: &Conn) -> Result<()> {
    let hypervisor = unless_unsupported(conn.get_version())?.map_or(String::new(), dotted);
    let daemon = dotted(conn.get_library_version()?);
    add_versions(lines, host, &hypervisor, &daemon)
}

/// Adds the versions of a hypervisor, of its daemon and of the library here.
pub fn add_versions(
    lines: &mut Lines,
    host: &Labels,
    hypervisor: &str,
    daemon: &str,
) -> Result<()> {
    let labels = host
        .and("hypervisor_running", hypervisor)
        .and("libvirtd_running", daemon)
        .and("libvirt_library", &dotted(library::libvirt_version()?));
    lines.add(&families::VERSIONS, &labels, Sample::Uint(1));
    Ok(())
}

/// A pool is not refreshed for this: that reads its storage, and needs permission to write.
fn pools(lines: &mut Lines, host: &Labels, conn: &Conn) -> Result<()> {
    let active = c::STORAGE_POOL_LIST_ACTIVE;
    let pools = unless_unsupported(conn.list_all_storage_pools(active))?.unwrap_or_default();
    let facts = walk::each(&pools, Gone::Pool, |pool| {
        Ok((pool.get_name()?.to_string_lossy().into_owned(), pool.get_info()?))
    })?;
    for (name, info) in facts {
        add_pool(lines, host, &name, |key| number(Some(&info), key));
    }
    Ok(())
}

/// Adds the samples of a storage pool; `number` gives what is known of it by its name.
pub fn add_pool(
    lines: &mut Lines,
    host: &Labels,
    name: &str,
    number: impl Fn(&str) -> Option<Sample>,
) {
    let labels = host.and("storage_pool", name);
    for (key, family) in [
        ("state", &families::POOL_STATE),
        ("capacity", &families::POOL_CAPACITY),
        ("allocation", &families::POOL_ALLOCATION),
        ("available", &families::POOL_AVAILABLE),
    ] {
        if let Some(sample) = number(key) {
            lines.add(family, &labels, sample);
        }
    }
}

fn number(map: Option<&Map>, key: &str) -> Option<Sample> {
    map.and_then(|map| map.get(key)).and_then(Sample::of)
}

/// None where the driver does not have the call.
fn unless_unsupported<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if walk::is_unsupported(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
