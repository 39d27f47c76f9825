// SPDX-License-Identifier: LGPL-2.1-or-later
//! The list of a domain's snapshots.

use super::{
    ACTIVE, CURRENT, DESCENDANTS, DISK_ONLY, EXTERNAL, FROM, INTERNAL, LEAVES, METADATA, NO_LEAVES,
    NO_METADATA, PARENT, ROOTS, TOPOLOGICAL, WHILE_INACTIVE, owned,
};
use crate::constants as c;
use crate::core::{Domain, DomainSnapshot, clock};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::failure::Says;
use crate::host::frame::given::shown;
use crate::host::walk::{self, Gone};
use crate::value::Map;
use crate::xml;

/// libvirt tells the time and the state of a snapshot only in its document, so
/// that this takes a call for each.
pub fn list(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let snapshots = listed(call, &domain)?;
    let told = walk::each(&snapshots, Gone::Snapshot, |snapshot| {
        let document = xml::from_xml(shown(&snapshot.get_xml_description(0)?))?;
        Ok((owned(snapshot.get_name()?), document))
    })?;
    let mut map = Map::with_capacity(told.len());
    for (name, document) in told {
        let time = document.get_int64("domainsnapshot.creationTime")?;
        let state = document.get_str("domainsnapshot.state").unwrap_or("no state");
        let mut row = Map::with_capacity(3);
        if call.raw() {
            row.push_new("creation_date", time);
            row.push_new("state", state);
        } else {
            row.push_new("creation_date", clock::local(time));
            // python-kvm loses the space.
            row.push_new("state", if state == "shut off" { "shutoff" } else { state });
        }
        if call.flag(&PARENT) {
            if let Ok(parent) = document.get("domainsnapshot.parent.name") {
                row.push_new("parent", parent.clone());
            }
        }
        map.insert(name, row);
    }
    Ok(map.into())
}

/// The snapshots that were asked for, by name or, if that is wanted, by descent.
fn listed(
    call: &Call<'_>,
    domain: &Domain,
) -> std::result::Result<Vec<DomainSnapshot>, crate::host::frame::failure::Failure> {
    let filters = call.flags(&[
        (&LEAVES, c::DOMAIN_SNAPSHOT_LIST_LEAVES),
        (&NO_LEAVES, c::DOMAIN_SNAPSHOT_LIST_NO_LEAVES),
        (&METADATA, c::DOMAIN_SNAPSHOT_LIST_METADATA),
        (&NO_METADATA, c::DOMAIN_SNAPSHOT_LIST_NO_METADATA),
        (&WHILE_INACTIVE, c::DOMAIN_SNAPSHOT_LIST_INACTIVE),
        (&ACTIVE, c::DOMAIN_SNAPSHOT_LIST_ACTIVE),
        (&DISK_ONLY, c::DOMAIN_SNAPSHOT_LIST_DISK_ONLY),
        (&INTERNAL, c::DOMAIN_SNAPSHOT_LIST_INTERNAL),
        (&EXTERNAL, c::DOMAIN_SNAPSHOT_LIST_EXTERNAL),
        (&TOPOLOGICAL, c::DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL),
    ]);
    let parent = match call.c_text(&FROM) {
        Some(name) => Some(
            domain
                .get_snapshot_by_name(name)
                .or_say(|| format!("failed to get snapshot '{}'", shown(name)))?,
        ),
        None if call.flag(&CURRENT) => Some(domain.current_snapshot(0)?),
        None => None,
    };
    let mut snapshots = match parent {
        Some(parent) => {
            let descendants = c::DOMAIN_SNAPSHOT_LIST_DESCENDANTS;
            let depth = if call.flag(&DESCENDANTS) { descendants } else { 0 };
            parent.list_all_children(filters | depth)?
        }
        None => {
            // The same bit means roots here and descendants there.
            let roots = call.flags(&[(&ROOTS, c::DOMAIN_SNAPSHOT_LIST_ROOTS)]);
            domain.list_all_snapshots(filters | roots)?
        }
    };
    if !call.flag(&TOPOLOGICAL) {
        let key = |snapshot: &DomainSnapshot| snapshot.get_name().map(owned);
        snapshots.sort_by_cached_key(|snapshot| key(snapshot).unwrap_or_default());
    }
    Ok(snapshots)
}
