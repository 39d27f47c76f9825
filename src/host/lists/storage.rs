// SPDX-License-Identifier: LGPL-2.1-or-later
//! The lists of pools and volumes.

use std::collections::HashSet;

use super::{
    AUTOSTART, DETAILS, EITHER, NO_AUTOSTART, PERSISTENT, POOL, TRANSIENT, TYPE, VOLUME_DETAILS,
    owned, shown_or,
};
use crate::constants as c;
use crate::error::Result;
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::words::names;
use crate::host::walk::{self, Gone};
use crate::value::{Map, Value};

/// The types of pools, as filters.
const TYPES: [(&str, u32); 14] = [
    ("dir", c::STORAGE_POOL_LIST_DIR),
    ("fs", c::STORAGE_POOL_LIST_FS),
    ("netfs", c::STORAGE_POOL_LIST_NETFS),
    ("logical", c::STORAGE_POOL_LIST_LOGICAL),
    ("disk", c::STORAGE_POOL_LIST_DISK),
    ("iscsi", c::STORAGE_POOL_LIST_ISCSI),
    ("scsi", c::STORAGE_POOL_LIST_SCSI),
    ("mpath", c::STORAGE_POOL_LIST_MPATH),
    ("rbd", c::STORAGE_POOL_LIST_RBD),
    ("sheepdog", c::STORAGE_POOL_LIST_SHEEPDOG),
    ("gluster", c::STORAGE_POOL_LIST_GLUSTER),
    ("zfs", c::STORAGE_POOL_LIST_ZFS),
    ("vstorage", c::STORAGE_POOL_LIST_VSTORAGE),
    ("iscsi-direct", c::STORAGE_POOL_LIST_ISCSI_DIRECT),
];
pub const TYPE_NAMES: &[&str] = &names(&TYPES);

/// virsh's names of the states of pools, in the order of libvirt's numbers.
pub(in crate::host) const POOL_STATES: [&str; 5] =
    ["inactive", "building", "running", "degraded", "inaccessible"];

/// virsh's names of the types of volumes, in the order of libvirt's numbers.
pub(in crate::host) const VOLUME_TYPES: [&str; 6] =
    ["file", "block", "dir", "network", "netdir", "ploop"];

pub fn pools(call: &mut Call<'_>) -> Outcome {
    let flags = shown_or(call, &EITHER, c::STORAGE_POOL_LIST_ACTIVE, c::STORAGE_POOL_LIST_INACTIVE)
        | call.flags(&[
            (&PERSISTENT, c::STORAGE_POOL_LIST_PERSISTENT),
            (&TRANSIENT, c::STORAGE_POOL_LIST_TRANSIENT),
            (&AUTOSTART, c::STORAGE_POOL_LIST_AUTOSTART),
            (&NO_AUTOSTART, c::STORAGE_POOL_LIST_NO_AUTOSTART),
        ])
        | call.bits(&TYPE, &TYPES);
    let conn = call.conn();
    let mut listed = conn.list_all_storage_pools(flags)?;
    // The facts are in the filters of the list; only sizes take a call for each.
    let names = |filter: u32| -> Result<HashSet<String>> {
        let pools = conn.list_all_storage_pools(filter)?;
        pools.iter().map(|pool| Ok(owned(pool.get_name()?))).collect()
    };
    let details = call.flag(&DETAILS);
    let autostart = names(c::STORAGE_POOL_LIST_AUTOSTART)?;
    let persistent = match details {
        true => names(c::STORAGE_POOL_LIST_PERSISTENT)?,
        false => HashSet::new(),
    };
    let active = match details {
        true => HashSet::new(),
        false => names(c::STORAGE_POOL_LIST_ACTIVE)?,
    };
    listed.sort_by_cached_key(|pool| pool.get_name().map(owned).unwrap_or_default().to_lowercase());
    let told = walk::each(&listed, Gone::Pool, |pool| {
        let info = if details { Some(Value::Map(pool.get_info()?)) } else { None };
        Ok((owned(pool.get_name()?), info))
    })?;
    let mut map = Map::with_capacity(told.len());
    for (name, info) in told {
        let mut row = Map::with_capacity(6);
        if let Some(info) = info {
            row.push_new("state", state(&info));
            row.push_new("autostart", autostart.contains(&name));
            row.push_new("persistent", persistent.contains(&name));
            sizes(call, &info, &mut row)?;
        } else {
            row.push_new("state", if active.contains(&name) { "active" } else { "inactive" });
            row.push_new("autostart", autostart.contains(&name));
        }
        map.insert(name, row);
    }
    Ok(map.into())
}

/// The name of a pool's state.
pub(in crate::host) fn state(info: &Value) -> &'static str {
    let number = info.get_uint64("state").ok().and_then(|state| usize::try_from(state).ok());
    number.and_then(|state| POOL_STATES.get(state)).copied().unwrap_or("unknown")
}

/// The sizes of a pool. One that does not run has none: virsh then shows "-" in each
/// column, which python-kvm, expecting number and unit, reads like this.
fn sizes(call: &Call<'_>, info: &Value, row: &mut Map) -> Result<()> {
    const NONE: [(&str, &str); 3] = [("capacity", "- -"), ("allocation", "-"), ("available", "")];
    let has_sizes = ["running", "degraded"].contains(&state(info));
    for (name, none) in NONE {
        let size = match (has_sizes, call.raw()) {
            (true, _) => call.bytes(info.get_uint64(name)?),
            (false, true) => Value::Null,
            (false, false) => none.into(),
        };
        row.push_new(name, size);
    }
    Ok(())
}

pub fn volumes(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let mut listed = pool.list_all_volumes(0)?;
    listed.sort_by_cached_key(|volume| {
        volume.get_name().map(owned).unwrap_or_default().to_lowercase()
    });
    let details = call.flag(&VOLUME_DETAILS);
    let told = walk::each(&listed, Gone::Volume, |volume| {
        let info = if details { Some(Value::Map(volume.get_info(0)?)) } else { None };
        Ok((owned(volume.get_name()?), owned(&volume.get_path()?), info))
    })?;
    let mut map = Map::with_capacity(told.len());
    for (name, path, info) in told {
        let mut row = Map::with_capacity(4);
        row.push_new("path", path);
        if let Some(info) = info {
            row.push_new("type", volume_type(&info));
            row.push_new("capacity", call.bytes(info.get_uint64("capacity")?));
            row.push_new("allocation", call.bytes(info.get_uint64("allocation")?));
        }
        map.insert(name, row);
    }
    Ok(map.into())
}

/// The name of a volume's type.
pub(in crate::host) fn volume_type(info: &Value) -> &'static str {
    let number = info.get_uint64("type").ok().and_then(|kind| usize::try_from(kind).ok());
    number.and_then(|kind| VOLUME_TYPES.get(kind)).copied().unwrap_or("unknown")
}
