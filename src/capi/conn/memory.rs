// SPDX-License-Identifier: LGPL-2.1-or-later
//! The memory of the host.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_value};
use crate::value::Value;

/// Returns the free memory of the host.
///
/// - `memory` (unit bytes): free memory, not in KiB as elsewhere
///
/// libvirt: virNodeGetFreeMemory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_free_memory(
    conn: *mut vkvm_conn,
    memory: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(memory, "memory")?;
        out.set(c.get(conn, "conn")?.get_node_free_memory()?);
        Ok(())
    })
}

/// Returns the free memory of NUMA cells of the host.
///
/// - `start`: number of the first cell
/// - `end`: number of the last cell
/// - `memory` (list): a list with a number for each cell, in bytes, where most functions use
///   KiB
///
/// libvirt: virNodeGetCellsFreeMemory
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_cells_free_memory(
    conn: *mut vkvm_conn,
    start: c_int,
    end: c_int,
    memory: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(memory, "memory")?;
        out.set_value(Value::List(c.get(conn, "conn")?.get_node_cells_free_memory(start, end)?))
    })
}

/// Returns the number of free memory pages in NUMA cells of the host.
///
/// `vkvm_conn_get_capabilities` lists the page sizes.
///
/// - `pagesizes`: page sizes in KiB
/// - `pagesizes_len`: number of elements, at least 1
/// - `start`: number of the first cell
/// - `end`: number of the last cell
/// - `flags` (default 0): unused, pass 0
/// - `cells` (list): a list with a map for each cell: `cell` is its number, `pages` a map from
///   page sizes (KiB) to numbers of free pages
///
/// libvirt: virNodeGetFreePages
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_free_pages(
    conn: *mut vkvm_conn,
    pagesizes: *const c_int,
    pagesizes_len: usize,
    start: c_int,
    end: c_int,
    flags: u32,
    cells: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(cells, "cells")?;
        let conn = c.get(conn, "conn")?;
        let sizes = c.ints(pagesizes, pagesizes_len, "pagesizes")?;
        out.set_value(Value::List(conn.get_node_free_pages(sizes, start, end, flags)?))
    })
}

/// Reserves huge pages of the host for domains, or releases them.
///
/// The numbers apply to each cell.
///
/// - `pages` (list): a list of pairs, each a list of a page size (KiB) and a number of pages
/// - `start`: number of the first NUMA cell; -1 distributes the pages over all cells
/// - `end`: number of the last cell
/// - `flags` (default 0, enum conn_node_alloc_pages_flags): add to the reserved pages, or set
///   their number
///
/// libvirt: virNodeAllocPages
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_node_alloc_pages(
    conn: *mut vkvm_conn,
    pages: *mut vkvm_value,
    start: c_int,
    end: c_int,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let conn = c.get(conn, "conn")?;
        conn.node_alloc_pages(&c.value(pages, "pages")?, start, end, flags)
    })
}

/// Returns the memory sharing (KSM) parameters of the host.
///
/// - `flags` (default 0): unused, pass 0
/// - `params` (map): a map with the keys of `VKVM_NODE_MEMORY_SHARED_*` that the driver
///   supports; numbers of pages, and times in milliseconds
///
/// libvirt: virNodeGetMemoryParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_node_memory_parameters(
    conn: *mut vkvm_conn,
    flags: u32,
    params: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(params, "params")?;
        out.set_value(c.get(conn, "conn")?.get_node_memory_parameters(flags)?)
    })
}

/// Sets memory sharing (KSM) parameters of the host.
///
/// A service that tunes KSM, such as ksmtuned, may overwrite them.
///
/// - `newparams` (map): a map with the parameters to change; a key that the driver does not
///   support is an error
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virNodeGetMemoryParameters, virNodeSetMemoryParameters
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_set_node_memory_parameters(
    conn: *mut vkvm_conn,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let conn = c.get(conn, "conn")?;
        conn.set_node_memory_parameters(&c.map(newparams, "newparams")?, flags)
    })
}
