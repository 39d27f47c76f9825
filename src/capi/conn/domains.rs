// SPDX-License-Identifier: LGPL-2.1-or-later
//! The domains of a connection.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::caller::{domain_value, refs};
use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_domain, vkvm_error, vkvm_value, vkvm_value_visitor};
use crate::capi::visitor::Visitor;
use crate::core::sigpipe;
use crate::error::Result;
use crate::handle::AnyHandle;
use crate::value::{Map, Value};
use crate::xml::Visit as _;

/// Lists the domains, active and inactive.
///
/// - `flags` (default 0, enum domain_list_flags): filter; 0 means all; flags of the same kind
///   are alternatives
/// - `domains`: the domains
/// - `domains_len`: number of elements
///
/// libvirt: virConnectListAllDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_domains(
    conn: *mut vkvm_conn,
    flags: u32,
    domains: *mut *mut *mut vkvm_domain,
    domains_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(domains, domains_len, "domains", "domains_len")?;
        out.set(c.get(conn, "conn")?.list_all_domains(flags)?)
    })
}

/// Returns the number of active domains.
///
/// - `count`: number of domains
///
/// libvirt: virConnectNumOfDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_domains(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_domains()?);
        Ok(())
    })
}

/// Returns the number of inactive persistent domains.
///
/// - `count`: number of domains
///
/// libvirt: virConnectNumOfDefinedDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_defined_domains(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_defined_domains()?);
        Ok(())
    })
}

/// Lists the names of the inactive persistent domains.
///
/// `vkvm_conn_list_all_domains` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListDefinedDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_defined_domain_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_defined_domain_names(maxnames)?)
    })
}

/// Lists the ids of the active domains.
///
/// `vkvm_conn_list_all_domains` returns handles in one call, without a limit.
///
/// - `maxids`: maximum number of ids, from 0 to 1,048,576
/// - `ids`: the ids
/// - `ids_len`: number of elements
///
/// libvirt: virConnectListDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_domain_ids(
    conn: *mut vkvm_conn,
    maxids: c_int,
    ids: *mut *mut c_int,
    ids_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(ids, ids_len, "ids", "ids_len")?;
        out.set(&c.get(conn, "conn")?.list_domain_ids(maxids)?)
    })
}

/// Looks up a domain by its name.
///
/// - `name`: the name
/// - `domain`: the domain
///
/// libvirt: virDomainLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_domain_by_name(
    conn: *mut vkvm_conn,
    name: *const c_char,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(conn, "conn")?.get_domain_by_name(c.text(name, "name")?)?)
    })
}

/// Looks up an active domain by its id.
///
/// - `id`: the id
/// - `domain`: the domain
///
/// libvirt: virDomainLookupByID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_domain_by_id(
    conn: *mut vkvm_conn,
    id: c_int,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(conn, "conn")?.get_domain_by_id(id)?)
    })
}

/// Looks up a domain by its UUID.
///
/// - `uuid`: 16 raw bytes, or 32 hexadecimal digits as text, with or without hyphens
/// - `uuid_len`: number of bytes: 16, 32 or 36
/// - `domain`: the domain
///
/// libvirt: virDomainLookupByUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_domain_by_uuid(
    conn: *mut vkvm_conn,
    uuid: *const c_void,
    uuid_len: usize,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(conn, "conn")?.get_domain_by_uuid(c.bytes(uuid, uuid_len, "uuid")?)?)
    })
}

/// Defines a persistent domain without starting it, or changes its definition.
///
/// A domain with the same UUID and name is redefined. `vkvm_domain_create` starts the domain.
///
/// - `xml`: a `<domain>` document
/// - `flags` (default 0, enum domain_define_flags)
/// - `domain`: the domain
///
/// libvirt: virDomainDefineXML, virDomainDefineXMLFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_domain(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(conn, "conn")?.define_domain(c.text(xml, "xml")?, flags)?)
    })
}

/// Creates and starts a transient domain.
///
/// It no longer exists when it has stopped.
///
/// - `xml`: a `<domain>` document
/// - `flags` (default 0, enum domain_start_flags)
/// - `domain`: the domain
///
/// libvirt: virDomainCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_domain(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(domain, "domain")?;
        out.set(c.get(conn, "conn")?.create_domain(c.text(xml, "xml")?, flags)?)
    })
}

/// Creates and starts a transient domain, and passes open files to it.
///
/// Only drivers for containers support it. The files have the numbers from 3 on in the
/// container. The connection must use a UNIX socket.
///
/// - `xml`: a `<domain>` document
/// - `fds` (nullable, descriptor): open file descriptors, which remain open; NULL if there are
///   none
/// - `fds_len`: number of elements
/// - `flags` (default 0, enum domain_start_flags)
/// - `domain`: the domain
///
/// libvirt: virDomainCreateXMLWithFiles
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_domain_with_files(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    fds: *const c_int,
    fds_len: usize,
    flags: u32,
    domain: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, conn) = (c.out_handle(domain, "domain")?, c.get(conn, "conn")?);
        let fds = c.ints(fds, fds_len, "fds")?;
        out.set(conn.create_domain_with_files(c.text(xml, "xml")?, fds, flags)?)
    })
}

/// Returns statistics of several domains in one call.
///
/// A group or a key is missing when the hypervisor does not support it, or it makes no sense in
/// the domain's state.
///
/// - `stats` (enum domain_stats_types): groups of statistics; 0 means all that the hypervisor
///   supports
/// - `doms` (nullable): the domains; NULL or an empty list means all
/// - `doms_len`: number of elements
/// - `flags` (default 0, enum domain_get_all_stats_flags): filter of domains, and how
///   statistics are collected
/// - `records` (list): a list of maps with the keys `dom` (the domain, a handle) and `data` (a
///   map with the texts of `VKVM_DOMAIN_STATS_*` as keys)
///
/// libvirt: virConnectGetAllDomainStats, virDomainListGetStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_all_domain_stats(
    conn: *mut vkvm_conn,
    stats: u32,
    doms: *const *mut vkvm_domain,
    doms_len: usize,
    flags: u32,
    records: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, conn) = (c.out_handle(records, "records")?, c.get(conn, "conn")?);
        let doms = c.get_list(doms, doms_len, "doms")?;
        let found = conn.get_all_domain_stats(stats, &refs(&doms), flags)?;
        let records: Result<Vec<Value>> = found
            .into_iter()
            .map(|(domain, data)| {
                let data = data.to_map().into();
                Ok(Map::from_iter([("dom", domain_value(domain)?), ("data", data)]).into())
            })
            .collect();
        out.set_value(records?)
    })
}

/// Passes statistics of several domains to a visitor.
///
/// The visitor sees every part of the value that `vkvm_conn_get_all_domain_stats` would return,
/// but no value is built. It is the fast way to convert statistics. A failure is reported
/// before the visitor is called.
///
/// - `stats` (enum domain_stats_types): groups of statistics; 0 means all that the hypervisor
///   supports
/// - `doms` (nullable): the domains; NULL or an empty list means all
/// - `doms_len`: number of elements
/// - `flags` (default 0, enum domain_get_all_stats_flags): filter of domains, and how
///   statistics are collected
/// - `visitor`: functions that receive the parts
/// - `userdata` (nullable): passed to them
///
/// libvirt: virConnectGetAllDomainStats, virDomainListGetStats
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_visit_all_domain_stats(
    conn: *mut vkvm_conn,
    stats: u32,
    doms: *const *mut vkvm_domain,
    doms_len: usize,
    flags: u32,
    visitor: *const vkvm_value_visitor,
    userdata: *mut c_void,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (mut visitor, conn) = (Visitor::new(c, visitor, userdata)?, c.get(conn, "conn")?);
        let doms = c.get_list(doms, doms_len, "doms")?;
        let found = conn.get_all_domain_stats(stats, &refs(&doms), flags)?;
        let handles: Result<Vec<_>> =
            found.into_iter().map(|(domain, data)| Ok((AnyHandle::own(domain)?, data))).collect();
        let records = handles?;
        // Once for all of its calls; libvirt is done, but not what was blocked for it.
        sigpipe::outside(|| {
            visitor.list(records.len());
            for (domain, data) in &records {
                visitor.map(2);
                visitor.key("dom");
                visitor.show_handle(domain);
                visitor.key("data");
                let entries = data.entries();
                visitor.show_map(entries.len(), entries.iter().map(|(key, value)| (&**key, value)));
                visitor.end();
            }
            visitor.end();
        });
        Ok(())
    })
}
