// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's memory: how much is free, its pages, how it is shared.

use std::ffi::{c_int, c_uint};

use virt::sys;

use super::Conn;
use crate::core::typed_params::TypedParams;
use crate::core::{call, typed_params};
use crate::error::{Misuse, Result};
use crate::memory;
use crate::value::{Map, Value};

/// The most cells, or numbers about cells, that are asked for at once.
const LIMIT: i64 = 1 << 20;

impl Conn {
    /// The host's free memory, in bytes.
    pub fn get_node_free_memory(&self) -> Result<u64> {
        // SAFETY: the pointer is live.
        match unsafe { sys::virNodeGetFreeMemory(self.raw()) } {
            0 => Err(call::failed(c"virNodeGetFreeMemory")),
            bytes => Ok(bytes),
        }
    }

    /// The free memory of NUMA cells, in bytes; `end` is the last of them.
    pub fn get_node_cells_free_memory(&self, start: c_int, end: c_int) -> Result<Vec<Value>> {
        let count = cells(start, end, 1)?;
        let mut free = memory::filled(0, count as usize, "end")?;
        // SAFETY: the pointer is live; there is room for `count` numbers.
        let returned =
            unsafe { sys::virNodeGetCellsFreeMemory(self.raw(), free.as_mut_ptr(), start, count) };
        let filled = call::number(returned, c"virNodeGetCellsFreeMemory")?;
        Ok(free.into_iter().take(filled as usize).map(Value::Uint).collect())
    }

    /// For each NUMA cell from `start` to `end` how many pages of which size, in
    /// KiB, are free.
    pub fn get_node_free_pages(
        &self,
        sizes: &[c_int],
        start: c_int,
        end: c_int,
        flags: c_uint,
    ) -> Result<Vec<Value>> {
        let mut sizes = sizes.iter().map(|size| page_size(*size)).collect::<Result<Vec<_>>>()?;
        if sizes.is_empty() {
            let reason = "is empty; at least one page size is needed".into();
            return Err(Misuse::Invalid { parameter: "pagesizes", reason }.into());
        }
        let count = cells(start, end, sizes.len())?;
        let mut free = memory::filled(0, sizes.len() * count as usize, "end")?;
        // SAFETY: the pointer is live; there is room for as many numbers as there are sizes,
        // times the number of cells.
        let returned = unsafe {
            sys::virNodeGetFreePages(
                self.raw(),
                sizes.len() as c_uint,
                sizes.as_mut_ptr(),
                start,
                count as c_uint,
                free.as_mut_ptr(),
                flags,
            )
        };
        let filled = call::number(returned, c"virNodeGetFreePages")?;
        // The test driver fills all of them and returns 0.
        if filled > 0 {
            free.truncate(filled as usize);
        }
        let cell = |(number, free): (c_int, &[u64])| {
            let mut pages = Map::with_capacity(free.len());
            for (size, free) in sizes.iter().zip(free) {
                pages.insert(size.to_string(), *free);
            }
            let mut map = Map::with_capacity(2);
            map.push_new("cell", number);
            map.push_new("pages", pages);
            Value::Map(map)
        };
        Ok((start..=end).zip(free.chunks(sizes.len())).map(cell).collect())
    }

    /// Reserves pages: `[size in KiB, number]` each, in the NUMA cells from
    /// `start` to `end`.
    pub fn node_alloc_pages(
        &self,
        pages: &Value,
        start: c_int,
        end: c_int,
        flags: c_uint,
    ) -> Result<()> {
        let (mut sizes, mut counts) = page_counts(pages)?;
        let count = cells(start, end, 1)? as c_uint;
        // SAFETY: the pointer is live; the arrays are of the same length.
        let returned = unsafe {
            sys::virNodeAllocPages(
                self.raw(),
                sizes.len() as c_uint,
                sizes.as_mut_ptr(),
                counts.as_mut_ptr(),
                start,
                count,
                flags,
            )
        };
        call::done(returned, c"virNodeAllocPages")
    }

    /// How the host shares memory pages between guests.
    pub fn get_node_memory_parameters(&self, flags: c_uint) -> Result<Map> {
        self.node_memory_parameters(flags).map(|params| params.to_map())
    }

    fn node_memory_parameters(&self, flags: c_uint) -> Result<TypedParams> {
        TypedParams::ask(|array, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virNodeGetMemoryParameters(self.raw(), array, len, flags) };
            call::done(returned, c"virNodeGetMemoryParameters")
        })
    }

    /// Sets those parameters of memory sharing that `changes` names.
    pub fn set_node_memory_parameters(&self, changes: &Map, flags: c_uint) -> Result<()> {
        typed_params::check_scalars(changes, "newparams")?;
        let known = self.node_memory_parameters(0)?;
        let params = TypedParams::from_map(changes, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virNodeSetMemoryParameters(self.raw(), array, len, flags) };
        call::done(returned, c"virNodeSetMemoryParameters")
    }
}

/// How many cells there are from `start` to `end`, when there are `per_cell`
/// numbers about each.
fn cells(start: c_int, end: c_int, per_cell: usize) -> Result<c_int> {
    let count = i64::from(end) - i64::from(start) + 1;
    let limit = LIMIT / i64::try_from(per_cell).unwrap_or(LIMIT).max(1);
    if count < 1 || count > limit {
        let reason = format!("is {end}; from {start} on, 1 to {limit} cells can be asked about");
        return Err(Misuse::Invalid { parameter: "end", reason }.into());
    }
    Ok(count as c_int)
}

fn page_size(size: c_int) -> Result<c_uint> {
    c_uint::try_from(size).map_err(|_| {
        let reason = format!("has {size} in it; page sizes are not negative");
        Misuse::Invalid { parameter: "pagesizes", reason }.into()
    })
}

/// Takes a list of `[size, number]` apart.
fn page_counts(pages: &Value) -> Result<(Vec<c_uint>, Vec<u64>)> {
    let wrong = || Misuse::Invalid {
        parameter: "pages",
        reason: "must be a list of pairs, [page size in KiB, number of pages], at least one".into(),
    };
    let pages = pages.get_list("").map_err(|_| wrong())?;
    let pair = |pair: &Value| match pair.get_list("").ok()? {
        [size, number] => {
            let size = c_uint::try_from(size.get_uint64("").ok()?).ok()?;
            Some((size, number.get_uint64("").ok()?))
        }
        _ => None,
    };
    let pairs: Option<Vec<_>> = pages.iter().map(pair).collect();
    match pairs {
        Some(pairs) if (1..=LIMIT as usize).contains(&pairs.len()) => Ok(pairs.into_iter().unzip()),
        _ => Err(wrong().into()),
    }
}
