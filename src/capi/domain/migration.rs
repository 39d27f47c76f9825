// SPDX-License-Identifier: LGPL-2.1-or-later
//! Moving a running domain to another host.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_domain, vkvm_error, vkvm_value};
use crate::core::domain::MigrationSettings;

/// Migrates the domain to another host, through connections to both hosts.
///
/// This process coordinates the migration; `vkvm_domain_migrate_to_uri` leaves that to the
/// source host's daemon. The call returns when the domain runs on the destination, or has
/// failed to. The flags `VKVM_DOMAIN_MIGRATE_PEER2PEER` and `VKVM_DOMAIN_MIGRATE_TUNNELLED` are
/// not supported here.
///
/// - `destcon`: connection to the destination host
/// - `params` (nullable, map): a map with the texts of `VKVM_DOMAIN_MIGRATE_PARAM_*` as keys;
///   the value of `VKVM_DOMAIN_MIGRATE_PARAM_MIGRATE_DISKS` and of the other parameters with
///   disks is a list of target device names; an unknown key is an error
/// - `flags` (default 0, enum domain_migrate_flags)
/// - `ddom`: the domain on the destination
///
/// libvirt: virDomainMigrate3
/// cbindgen:domain_job=migration_out
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate(
    dom: *mut vkvm_domain,
    destcon: *mut vkvm_conn,
    params: *mut vkvm_value,
    flags: u32,
    ddom: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(ddom, "ddom")?;
        let (dom, destination) = (c.get(dom, "dom")?, c.get(destcon, "destcon")?);
        out.set(dom.migrate(&destination, c.map_nullable(params, "params")?, flags)?)
    })
}

/// Legacy form of `vkvm_domain_migrate` with a fixed set of parameters.
///
/// - `destcon`: connection to the destination host
/// - `dxml` (nullable): a `<domain>` document for the destination, which may change only the
///   host's side; NULL means the domain's own
/// - `dname` (nullable): name on the destination; NULL means the same
/// - `uri` (nullable): URI for the migration's data, such as "tcp://host"; NULL means that the
///   destination chooses
/// - `bandwidth` (default 0, unit MiB/s): bandwidth limit; 0 means the driver's default
/// - `flags` (default 0, enum domain_migrate_flags)
/// - `ddom`: the domain on the destination
///
/// libvirt: virDomainMigrate3
/// cbindgen:domain_job=migration_out
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate2(
    dom: *mut vkvm_domain,
    destcon: *mut vkvm_conn,
    dxml: *const c_char,
    dname: *const c_char,
    uri: *const c_char,
    bandwidth: u64,
    flags: u32,
    ddom: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(ddom, "ddom")?;
        let (dom, destination) = (c.get(dom, "dom")?, c.get(destcon, "destcon")?);
        let (xml, name) = (c.text_nullable(dxml, "dxml")?, c.text_nullable(dname, "dname")?);
        let uri = c.text_nullable(uri, "uri")?;
        let settings = MigrationSettings { xml, name, uri, bandwidth };
        out.set(dom.migrate2(&destination, &settings, flags)?)
    })
}

/// Migrates the domain to another host, coordinated by the source host's daemon.
///
/// With `VKVM_DOMAIN_MIGRATE_PEER2PEER` the daemon connects to the destination's. Without it
/// the hypervisor migrates directly, to `VKVM_DOMAIN_MIGRATE_PARAM_URI`, which few hypervisors
/// support. The call returns when the domain runs on the destination, or has failed to.
///
/// - `desturi` (nullable): libvirt's URI of the destination as seen from the source host, with
///   `VKVM_DOMAIN_MIGRATE_PEER2PEER`; NULL without that flag
/// - `params` (nullable, map): a map with the texts of `VKVM_DOMAIN_MIGRATE_PARAM_*` as keys;
///   the value of `VKVM_DOMAIN_MIGRATE_PARAM_MIGRATE_DISKS` and of the other parameters with
///   disks is a list of target device names; an unknown key is an error
/// - `flags` (default 0, enum domain_migrate_flags)
///
/// libvirt: virDomainMigrateToURI3
/// cbindgen:domain_job=migration_out
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_to_uri(
    dom: *mut vkvm_domain,
    desturi: *const c_char,
    params: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let uri = c.text_nullable(desturi, "desturi")?;
        dom.migrate_to_uri(uri, c.map_nullable(params, "params")?, flags)
    })
}

/// Legacy form of `vkvm_domain_migrate_to_uri` with a fixed set of parameters.
///
/// - `desturi` (nullable): as for `vkvm_domain_migrate_to_uri`
/// - `dxml` (nullable): a `<domain>` document for the destination, which may change only the
///   host's side; NULL means the domain's own
/// - `dname` (nullable): name on the destination; NULL means the same
/// - `uri` (nullable): URI for the migration's data, such as "tcp://host"; NULL means that the
///   destination chooses
/// - `bandwidth` (default 0, unit MiB/s): bandwidth limit; 0 means the driver's default
/// - `flags` (default 0, enum domain_migrate_flags)
///
/// libvirt: virDomainMigrateToURI3
/// cbindgen:domain_job=migration_out
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_to_uri2(
    dom: *mut vkvm_domain,
    desturi: *const c_char,
    dxml: *const c_char,
    dname: *const c_char,
    uri: *const c_char,
    bandwidth: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let destination = c.text_nullable(desturi, "desturi")?;
        let (xml, name) = (c.text_nullable(dxml, "dxml")?, c.text_nullable(dname, "dname")?);
        let uri = c.text_nullable(uri, "uri")?;
        dom.migrate_to_uri2(destination, &MigrationSettings { xml, name, uri, bandwidth }, flags)
    })
}

/// Returns the size of the migration's XBZRLE compression cache.
///
/// With `VKVM_DOMAIN_MIGRATE_COMPRESSED` only the differences to pages in the cache are sent
/// again.
///
/// - `flags` (default 0): unused, pass 0
/// - `cache_size` (unit bytes): the size
///
/// libvirt: virDomainMigrateGetCompressionCache
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_get_compression_cache(
    dom: *mut vkvm_domain,
    flags: u32,
    cache_size: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(cache_size, "cache_size")?;
        out.set(c.get(dom, "dom")?.migrate_get_compression_cache(flags)?);
        Ok(())
    })
}

/// Sets the size of the migration's XBZRLE compression cache.
///
/// It can be changed during a migration, such as when `vkvm_domain_get_job_stats` shows many
/// cache misses.
///
/// - `cache_size` (unit bytes): the size
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainMigrateSetCompressionCache
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_set_compression_cache(
    dom: *mut vkvm_domain,
    cache_size: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.migrate_set_compression_cache(cache_size, flags))
}

/// Returns the maximum downtime of the domain at the end of a live migration.
///
/// - `flags` (default 0): unused, pass 0
/// - `downtime` (unit ms): the maximum
///
/// libvirt: virDomainMigrateGetMaxDowntime
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_get_max_downtime(
    dom: *mut vkvm_domain,
    flags: u32,
    downtime: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(downtime, "downtime")?;
        out.set(c.get(dom, "dom")?.migrate_get_max_downtime(flags)?);
        Ok(())
    })
}

/// Sets the maximum downtime of the domain at the end of a live migration.
///
/// QEMU accepts it only during a migration. With a longer downtime a migration can complete
/// whose guest changes its memory fast.
///
/// - `downtime` (unit ms): the maximum
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainMigrateSetMaxDowntime
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_set_max_downtime(
    dom: *mut vkvm_domain,
    downtime: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.migrate_set_max_downtime(downtime, flags))
}

/// Returns the bandwidth limit for migrations of the domain.
///
/// - `flags` (default 0, enum domain_migrate_max_speed_flags)
/// - `bandwidth` (unit MiB/s): the limit
///
/// libvirt: virDomainMigrateGetMaxSpeed
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_get_max_speed(
    dom: *mut vkvm_domain,
    flags: u32,
    bandwidth: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(bandwidth, "bandwidth")?;
        out.set(c.get(dom, "dom")?.migrate_get_max_speed(flags)?);
        Ok(())
    })
}

/// Sets the bandwidth limit for migrations of the domain.
///
/// - `bandwidth` (unit MiB/s): the limit
/// - `flags` (default 0, enum domain_migrate_max_speed_flags)
///
/// libvirt: virDomainMigrateSetMaxSpeed
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_set_max_speed(
    dom: *mut vkvm_domain,
    bandwidth: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.migrate_set_max_speed(bandwidth, flags))
}

/// Switches the active migration of the domain to post-copy mode.
///
/// The domain continues on the destination at once, and fetches the rest of its memory from the
/// source when it needs it. The migration must have been started with
/// `VKVM_DOMAIN_MIGRATE_POSTCOPY`. It is then certain to converge, but cannot be rolled back,
/// as neither host has the complete memory. When the connection between them fails, repeat the
/// migration with `VKVM_DOMAIN_MIGRATE_POSTCOPY_RESUME`; when a host fails, the domain is lost.
/// Statistics of the completed job are available on the source only.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainMigrateStartPostCopy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_migrate_start_post_copy(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.migrate_start_post_copy(flags))
}
