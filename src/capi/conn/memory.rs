//! The memory of the host.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_value};
use crate::value::Value;

/// Gets how much memory of the host is free.
///
/// - `memory` (unit bytes): how much is free; not in KiB, as elsewhere
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

/// Gets how much memory of NUMA cells is free.
///
/// - `start`: the number of the first cell
/// - `end`: the number of the last cell
/// - `memory` (list): a list of numbers, one for each cell: bytes, not KiB
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

/// Gets how many memory pages of NUMA cells are free.
///
/// - `pagesizes`: which sizes of pages to count, in KiB
/// - `pagesizes_len`: how many sizes these are, at least one
/// - `start`: the number of the first cell
/// - `end`: the number of the last cell
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

/// Reserves memory pages for domains, or gives them back.
///
/// - `pages` (list): a list of pairs, each a list of a page size (KiB) and a number of pages
/// - `start`: the number of the first NUMA cell; -1 for a share of all cells
/// - `end`: the number of the last cell
/// - `flags` (default 0, enum conn_node_alloc_pages_flags)
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

/// Gets how the host shares equal memory pages between domains.
///
/// - `flags` (default 0): unused, pass 0
/// - `params` (map): a map with those keys of `VKVM_NODE_MEMORY_SHARED_*` that the driver knows;
///   counts of pages, and times in milliseconds
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

/// Sets how the host shares equal memory pages between domains.
///
/// - `newparams` (map): a map with the parameters to change; a key that the driver does not know
///   is an error
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
