//! The list of domains.

use std::collections::HashSet;

use virt::sys;

use super::{owned, shown_or};
use crate::core::Domain;
use crate::error::{Error, Result};
use crate::host::args::shown;
use crate::host::call::{Call, Outcome};
use crate::value::Map;

const ACTIVE: u32 = sys::VIR_CONNECT_LIST_DOMAINS_ACTIVE;
const INACTIVE: u32 = sys::VIR_CONNECT_LIST_DOMAINS_INACTIVE;

/// The filters that libvirt's statistics know, too.
const OF_STATS: u32 = ACTIVE
    | INACTIVE
    | sys::VIR_CONNECT_LIST_DOMAINS_PERSISTENT
    | sys::VIR_CONNECT_LIST_DOMAINS_TRANSIENT
    | sys::VIR_CONNECT_LIST_DOMAINS_RUNNING
    | sys::VIR_CONNECT_LIST_DOMAINS_PAUSED
    | sys::VIR_CONNECT_LIST_DOMAINS_SHUTOFF
    | sys::VIR_CONNECT_LIST_DOMAINS_OTHER;

/// virsh's names of the states, in the order of libvirt's numbers.
pub(in crate::host) const STATES: [&str; 8] =
    ["no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"];

/// A domain on its way into the result.
struct Row {
    name: String,
    id: i32,
    state: &'static str,
    title: Option<String>,
}

/// One call gives all domains with their states; only filters and marks that
/// libvirt's statistics do not know take one call more each, and titles one for
/// each domain.
pub fn list(call: &mut Call<'_>) -> Outcome {
    let states = call.texts("states");
    let states: Vec<&str> = states.iter().map(|state| shown(state)).collect();
    let flags = filters(call, !states.is_empty());
    let saved = match call.flag("managed_save") {
        true => names(call, sys::VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE | INACTIVE)?,
        false => HashSet::new(),
    };
    let with_title = call.flag("title");
    let mut rows = Vec::new();
    for (domain, state) in domains_with_state(call, flags)? {
        let name = owned(domain.get_name()?);
        let state = STATES.get(state).copied().unwrap_or("no state");
        if !states.is_empty() && !states.contains(&state) {
            continue;
        }
        let state = if saved.contains(&name) && state == "shut off" { "saved" } else { state };
        let title = with_title.then(|| title(&domain)).transpose()?;
        rows.push(Row { name, id: domain.get_id(), state, title });
    }
    // As virsh sorts them: running ones by their ids, then the others by name.
    rows.sort_by(|a, b| match (a.id, b.id) {
        (-1, -1) => a.name.cmp(&b.name),
        (-1, _) => std::cmp::Ordering::Greater,
        (_, -1) => std::cmp::Ordering::Less,
        (a, b) => a.cmp(&b),
    });
    let mut map = Map::with_capacity(rows.len());
    for row in rows {
        let mut entry = Map::with_capacity(3);
        entry.push_new("id", row.id);
        entry.push_new("state", row.state);
        if let Some(title) = row.title {
            entry.push_new("title", title);
        }
        map.push_new(row.name, entry);
    }
    Ok(map.into())
}

fn filters(call: &Call<'_>, by_state: bool) -> u32 {
    let kinds = match call.flag("state_shutoff") && !call.flag("all") {
        true => INACTIVE,
        false if by_state => ACTIVE | INACTIVE,
        false => shown_or(call, ACTIVE, INACTIVE),
    };
    kinds
        | call.flags(&[
            ("persistent", sys::VIR_CONNECT_LIST_DOMAINS_PERSISTENT),
            ("transient", sys::VIR_CONNECT_LIST_DOMAINS_TRANSIENT),
            ("with_managed_save", sys::VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE),
            ("without_managed_save", sys::VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE),
            ("autostart", sys::VIR_CONNECT_LIST_DOMAINS_AUTOSTART),
            ("no_autostart", sys::VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART),
            ("with_snapshot", sys::VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT),
            ("without_snapshot", sys::VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT),
            ("with_checkpoint", sys::VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT),
            ("without_checkpoint", sys::VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT),
            ("state_running", sys::VIR_CONNECT_LIST_DOMAINS_RUNNING),
            ("state_paused", sys::VIR_CONNECT_LIST_DOMAINS_PAUSED),
            ("state_shutoff", sys::VIR_CONNECT_LIST_DOMAINS_SHUTOFF),
            ("state_other", sys::VIR_CONNECT_LIST_DOMAINS_OTHER),
        ])
}

/// The domains that pass the filter, with the numbers of their states.
fn domains_with_state(call: &Call<'_>, flags: u32) -> Result<Vec<(Domain, usize)>> {
    let conn = call.conn();
    let with_state = conn.get_all_domain_states(flags & OF_STATS);
    let with_state = match with_state {
        Err(error) if is_unsupported(&error) => by_filters(call, flags & OF_STATS)?,
        other => other?,
    };
    if flags & !OF_STATS == 0 {
        return Ok(with_state);
    }
    let wanted = names(call, flags)?;
    let mut chosen = Vec::with_capacity(wanted.len());
    for (domain, state) in with_state {
        if wanted.contains(shown(domain.get_name()?)) {
            chosen.push((domain, state));
        }
    }
    Ok(chosen)
}

/// For drivers without statistics: a list for each state that has a filter.
fn by_filters(call: &Call<'_>, flags: u32) -> Result<Vec<(Domain, usize)>> {
    const BY_FILTER: [(u32, usize); 3] = [
        (sys::VIR_CONNECT_LIST_DOMAINS_RUNNING, sys::VIR_DOMAIN_RUNNING as usize),
        (sys::VIR_CONNECT_LIST_DOMAINS_PAUSED, sys::VIR_DOMAIN_PAUSED as usize),
        (sys::VIR_CONNECT_LIST_DOMAINS_SHUTOFF, sys::VIR_DOMAIN_SHUTOFF as usize),
    ];
    let mut states = Vec::with_capacity(BY_FILTER.len());
    for (filter, state) in BY_FILTER {
        states.push((names(call, filter)?, state));
    }
    let state_of = |domain: &Domain| -> Result<usize> {
        let name = shown(domain.get_name()?);
        match states.iter().find(|(names, _)| names.contains(name)) {
            Some((_, state)) => Ok(*state),
            None => Ok(usize::try_from(domain.get_state(0)?.0).unwrap_or_default()),
        }
    };
    let domains = call.conn().list_all_domains(flags)?.into_iter();
    domains.map(|domain| state_of(&domain).map(|state| (domain, state))).collect()
}

fn names(call: &Call<'_>, flags: u32) -> Result<HashSet<String>> {
    let domains = call.conn().list_all_domains(flags)?;
    domains.iter().map(|domain| Ok(owned(domain.get_name()?))).collect()
}

/// A domain's title; "" if it has none.
fn title(domain: &Domain) -> Result<String> {
    match domain.get_metadata(sys::VIR_DOMAIN_METADATA_TITLE as i32, None, 0) {
        Ok(title) => Ok(owned(&title)),
        Err(error) if error.details().code == sys::VIR_ERR_NO_DOMAIN_METADATA as i32 => {
            Ok(String::new())
        }
        Err(error) => Err(error),
    }
}

fn is_unsupported(error: &Error) -> bool {
    error.details().code == sys::VIR_ERR_NO_SUPPORT as i32
}
