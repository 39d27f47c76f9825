//! Moving a running domain to another host.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_domain, vkvm_error, vkvm_value};
use crate::core::domain::MigrationSettings;

/// Moves the running domain to another host.
///
/// This process speaks to both hosts; `vkvm_domain_migrate_to_uri` lets the domain's host
/// speak to the other one. The call lasts until the domain runs there.
///
/// - `destcon`: a connection to the host to move to
/// - `params` (nullable, map): a map with keys of the texts `VKVM_DOMAIN_MIGRATE_PARAM_*`; the
///   value of `VKVM_DOMAIN_MIGRATE_PARAM_MIGRATE_DISKS` and the others about disks is a list of
///   texts; another key is an error
/// - `flags` (default 0, enum domain_migrate_flags)
/// - `ddom`: the domain on the other host
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

/// Moves the running domain to another host, as `vkvm_domain_migrate` does.
///
/// - `destcon`: a connection to the host to move to
/// - `dxml` (nullable): a `<domain>` document for it there; NULL for its own
/// - `dname` (nullable): its name there; NULL for the same
/// - `uri` (nullable): where its memory goes, like "tcp://host"; NULL to let the
///   destination choose
/// - `bandwidth` (default 0, unit MiB/s): the limit of the speed; 0 for none
/// - `flags` (default 0, enum domain_migrate_flags)
/// - `ddom`: the domain on the other host
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

/// Lets the domain's host move it to another host.
///
/// The call lasts until the domain runs there.
///
/// - `desturi` (nullable): with `VKVM_DOMAIN_MIGRATE_PEER2PEER`, libvirt's URI of the host to
///   move to, as the domain's host has to say it; it may be NULL only without that flag
/// - `params` (nullable, map): a map with keys of the texts `VKVM_DOMAIN_MIGRATE_PARAM_*`; the
///   value of `VKVM_DOMAIN_MIGRATE_PARAM_MIGRATE_DISKS` and the others about disks is a list of
///   texts; another key is an error
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

/// Lets the domain's host move it to another host, as `vkvm_domain_migrate_to_uri` does.
///
/// - `desturi` (nullable): as for `vkvm_domain_migrate_to_uri`
/// - `dxml` (nullable): a `<domain>` document for it there; NULL for its own
/// - `dname` (nullable): its name there; NULL for the same
/// - `uri` (nullable): where its memory goes, like "tcp://host"; NULL to let the
///   destination choose
/// - `bandwidth` (default 0, unit MiB/s): the limit of the speed; 0 for none
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

/// Gets the size of the cache that saves a migration with `VKVM_DOMAIN_MIGRATE_COMPRESSED` from
/// sending whole pages again.
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

/// Sets the size of the cache that saves a migration with `VKVM_DOMAIN_MIGRATE_COMPRESSED` from
/// sending whole pages again.
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

/// Gets how long the domain may stand still at the end of a live migration.
///
/// - `flags` (default 0): unused, pass 0
/// - `downtime` (unit ms): the time
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

/// Sets how long the domain may stand still at the end of a live migration. Only while one is going on.
///
/// - `downtime` (unit ms): the time
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

/// Gets the limit of the speed of migrations of the domain.
///
/// - `flags` (default 0, enum domain_migrate_max_speed_flags)
/// - `bandwidth` (unit MiB/s): the speed
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

/// Sets the limit of the speed of migrations of the domain.
///
/// - `bandwidth` (unit MiB/s): the speed
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

/// Lets the domain go on at its destination before all of its memory is there; it fetches
/// the rest as it needs it.
///
/// Only while a migration with `VKVM_DOMAIN_MIGRATE_POSTCOPY` is going on. When one of the
/// hosts fails after this, the domain is lost.
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
