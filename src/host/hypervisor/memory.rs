// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's memory: NUMA cells, pages, and how they are shared.

use super::{
    ADD, ALL, CELL, FREECELL_ALL, FREEPAGES_CELL, FREEPAGES_PAGESIZE, PAGECOUNT, PAGESIZE, SHARING,
};
use crate::constants as c;
use crate::error::Result;
use crate::host::frame::argument::{Int, Optional};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::shown;
use crate::host::xml_result;
use crate::value::{Map, Value};
use crate::xml;

/// All cells together, where one cell can be asked about.
const ALL_CELLS: i32 = -1;

pub fn allocpages(call: &mut Call<'_>) -> Outcome {
    let size = call.get(&PAGESIZE)? / 1024;
    let count = call.get(&PAGECOUNT)?;
    let (start, end) = match cell(call, &CELL)? {
        Some(cell) => (cell, cell),
        None if call.flag(&ALL) => range(&cells(call)?.ids)?,
        None => (ALL_CELLS, ALL_CELLS),
    };
    let pages = Value::List(vec![Value::List(vec![size.into(), count.into()])]);
    let add = call.flag(&ADD);
    let flags = if add { c::CONN_NODE_ALLOC_PAGES_ADD } else { c::CONN_NODE_ALLOC_PAGES_SET };
    call.conn().node_alloc_pages(&pages, start, end, flags)?;
    Ok("".into())
}

pub fn freecell(call: &mut Call<'_>) -> Outcome {
    let mut map = Map::new();
    if let Some(cell) = cell(call, &CELL)? {
        let free = call.conn().get_node_cells_free_memory(cell, cell)?;
        map.push_new(cell.to_string(), bytes_as_kib(call, total(&free)?));
    } else if call.flag(&FREECELL_ALL) {
        let ids = cells(call)?.ids;
        let (start, end) = range(&ids)?;
        let free = call.conn().get_node_cells_free_memory(start, end)?;
        let mut total = 0;
        for id in ids {
            // What libvirt says nothing about has nothing.
            let free = free.get((id - start) as usize).map_or(Ok(0), |free| free.get_uint64(""))?;
            total += free;
            map.push_new(id.to_string(), bytes_as_kib(call, free));
        }
        map.push_new("total", bytes_as_kib(call, total));
    } else {
        map.push_new("total", bytes_as_kib(call, call.conn().get_node_free_memory()?));
    }
    Ok(map.into())
}

pub fn freepages(call: &mut Call<'_>) -> Outcome {
    // All of them if there is not one cell and one size.
    let (Some(cell), Some(size)) = (cell(call, &FREEPAGES_CELL)?, call.get(&FREEPAGES_PAGESIZE))
    else {
        let cells = cells(call)?;
        let (start, end) = range(&cells.ids)?;
        let free = call.conn().get_node_free_pages(&cells.page_sizes, start, end, 0)?;
        let mut map = Map::with_capacity(free.len());
        for cell in &free {
            let name = format!("node_{}", cell.get_int64("cell")?);
            map.push_new(name, pages_of(cell)?);
        }
        return Ok(map.into());
    };
    let size = i32::try_from(size / 1024).map_err(|_| {
        let said = format!("a page of {size} bytes is larger than any");
        Failure::refused(FREEPAGES_PAGESIZE.name(), said)
    })?;
    let free = call.conn().get_node_free_pages(&[size], cell, cell, 0)?;
    match free.first() {
        Some(free) => Ok(pages_of(free)?.into()),
        None => Ok(Map::new().into()),
    }
}

pub fn tune(call: &mut Call<'_>) -> Outcome {
    let changes = call.settings(SHARING);
    if changes.is_empty() {
        return Ok(call.conn().get_node_memory_parameters(0)?.into());
    }
    call.conn()
        .set_node_memory_parameters(&changes, 0)
        .or_say(|| "Unable to change memory parameters".to_owned())?;
    Ok("".into())
}

/// virsh shows bytes in KiB here.
fn bytes_as_kib(call: &Call<'_>, bytes: u64) -> Value {
    if call.raw() { bytes.into() } else { call.kib(bytes / 1024) }
}

fn total(free: &[Value]) -> Result<u64> {
    free.iter().map(|free| free.get_uint64("")).sum()
}

/// The numbers of free pages by their size.
fn pages_of(cell: &Value) -> Result<Map> {
    let pages = cell.get_map("pages")?.iter();
    Ok(pages.map(|(kib, free)| (format!("{kib}kib"), free.clone())).collect())
}

/// The NUMA cell that was asked about.
fn cell(call: &Call<'_>, argument: &Optional<Int>) -> std::result::Result<Option<i32>, Failure> {
    let range = ALL_CELLS.into()..=i32::MAX.into();
    call.number(argument, range, "cell number must be non-negative integer or -1")
}

/// The NUMA cells of the host.
struct Cells {
    ids: Vec<i32>,
    /// Of their pages, in KiB.
    page_sizes: Vec<i32>,
}

/// What the host's capabilities tell about its NUMA cells.
fn cells(call: &Call<'_>) -> std::result::Result<Cells, Failure> {
    let text = call.conn().get_capabilities()?;
    let capabilities = xml::from_xml(shown(&text))?;
    let mut cells = Cells { ids: Vec::new(), page_sizes: Vec::new() };
    for cell in xml_result::elements(&capabilities, "capabilities.host.topology.cells.cell") {
        cells.ids.extend(cell.get_int64("@id").ok().and_then(|id| i32::try_from(id).ok()));
        for pages in xml_result::elements(cell, "pages") {
            let size = pages.get_int64("@size").ok().and_then(|size| i32::try_from(size).ok());
            cells.page_sizes.extend(size.filter(|size| !cells.page_sizes.contains(size)));
        }
    }
    if cells.ids.is_empty() {
        return Err(Failure::said("could not get information about NUMA topology"));
    }
    if cells.page_sizes.is_empty() {
        for pages in xml_result::elements(&capabilities, "capabilities.host.cpu.pages") {
            let size = pages.get_int64("@size").ok().and_then(|size| i32::try_from(size).ok());
            cells.page_sizes.extend(size);
        }
    }
    cells.page_sizes.sort_unstable();
    Ok(cells)
}

/// The first and the last cell.
fn range(ids: &[i32]) -> std::result::Result<(i32, i32), Failure> {
    match (ids.iter().min(), ids.iter().max()) {
        (Some(first), Some(last)) => Ok((*first, *last)),
        _ => Err(Failure::said("could not get information about NUMA topology")),
    }
}
