//! The list of a domain's snapshots.

use virt::sys;

use super::owned;
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
    let told = walk::each(call.conn(), &snapshots, Gone::Snapshot, |snapshot| {
        let document = xml::from_xml(shown(&snapshot.get_xml_description(0)?))?;
        Ok((owned(&snapshot.get_name()?), document))
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
        if call.flag("parent")
            && let Ok(parent) = document.get("domainsnapshot.parent.name")
        {
            row.push_new("parent", parent.clone());
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
        ("leaves", sys::VIR_DOMAIN_SNAPSHOT_LIST_LEAVES),
        ("no_leaves", sys::VIR_DOMAIN_SNAPSHOT_LIST_NO_LEAVES),
        ("metadata", sys::VIR_DOMAIN_SNAPSHOT_LIST_METADATA),
        ("no_metadata", sys::VIR_DOMAIN_SNAPSHOT_LIST_NO_METADATA),
        ("inactive", sys::VIR_DOMAIN_SNAPSHOT_LIST_INACTIVE),
        ("active", sys::VIR_DOMAIN_SNAPSHOT_LIST_ACTIVE),
        ("disk_only", sys::VIR_DOMAIN_SNAPSHOT_LIST_DISK_ONLY),
        ("internal", sys::VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL),
        ("external", sys::VIR_DOMAIN_SNAPSHOT_LIST_EXTERNAL),
        ("topological", sys::VIR_DOMAIN_SNAPSHOT_LIST_TOPOLOGICAL),
    ]);
    let parent = match call.text("from") {
        Some(name) => Some(
            domain
                .get_snapshot_by_name(name)
                .or_say(|| format!("failed to get snapshot '{}'", shown(name)))?,
        ),
        None if call.flag("current") => Some(domain.current_snapshot(0)?),
        None => None,
    };
    let mut snapshots = match parent {
        Some(parent) => {
            let descendants = sys::VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS;
            let depth = if call.flag("descendants") { descendants } else { 0 };
            parent.list_all_children(filters | depth)?
        }
        None => {
            // The same bit means roots here and descendants there.
            let roots = call.flags(&[("roots", sys::VIR_DOMAIN_SNAPSHOT_LIST_ROOTS)]);
            domain.list_all_snapshots(filters | roots)?
        }
    };
    if !call.flag("topological") {
        let key = |snapshot: &DomainSnapshot| snapshot.get_name().map(|name| owned(&name));
        snapshots.sort_by_cached_key(|snapshot| key(snapshot).unwrap_or_default());
    }
    Ok(snapshots)
}
