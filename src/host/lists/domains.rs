//! The list of domains.

use std::collections::{HashMap, HashSet};

use virt::sys;

use super::{owned, shown_or};
use crate::core::Domain;
use crate::core::conn::DomainState;
use crate::error::{Error, Result};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::given::shown;
use crate::host::walk::{self, Gone};
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
    let mut rows = domains_with_state(call, flags)?;
    // Of what has come since then, there is a title too many; what has gone has none.
    let mut titles = if call.flag("title") { Some(titles(call, flags)?) } else { None };
    // As virsh sorts them: running ones by their ids, then the others by name.
    rows.sort_unstable_by(|a, b| match (a.id, b.id) {
        (-1, -1) => a.name.cmp(&b.name),
        (-1, _) => std::cmp::Ordering::Greater,
        (_, -1) => std::cmp::Ordering::Less,
        (a, b) => a.cmp(&b),
    });
    let mut map = Map::with_capacity(rows.len());
    for DomainState { name, id, state } in rows {
        let title = match &mut titles {
            None => None,
            Some(titles) => match titles.remove(&name) {
                None => continue,
                title => title,
            },
        };
        let state = STATES.get(state).copied().unwrap_or("no state");
        if !states.is_empty() && !states.contains(&state) {
            continue;
        }
        let state = if saved.contains(&name) && state == "shut off" { "saved" } else { state };
        let mut entry = Map::with_capacity(2 + usize::from(title.is_some()));
        entry.push_new("id", id);
        entry.push_new("state", state);
        if let Some(title) = title {
            entry.push_new("title", title);
        }
        map.push_new(name, entry);
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
fn domains_with_state(call: &Call<'_>, flags: u32) -> Result<Vec<DomainState>> {
    let mut rows = match call.conn().get_all_domain_states(flags & OF_STATS) {
        Err(error) if is_unsupported(&error) => by_filters(call, flags & OF_STATS)?,
        other => other?,
    };
    if flags & !OF_STATS != 0 {
        let wanted = names(call, flags)?;
        rows.retain(|row| wanted.contains(&row.name));
    }
    Ok(rows)
}

/// For drivers without statistics: a list for each state that has a filter.
fn by_filters(call: &Call<'_>, flags: u32) -> Result<Vec<DomainState>> {
    const BY_FILTER: [(u32, usize); 3] = [
        (sys::VIR_CONNECT_LIST_DOMAINS_RUNNING, sys::VIR_DOMAIN_RUNNING as usize),
        (sys::VIR_CONNECT_LIST_DOMAINS_PAUSED, sys::VIR_DOMAIN_PAUSED as usize),
        (sys::VIR_CONNECT_LIST_DOMAINS_SHUTOFF, sys::VIR_DOMAIN_SHUTOFF as usize),
    ];
    let mut states = Vec::with_capacity(BY_FILTER.len());
    for (filter, state) in BY_FILTER {
        states.push((names(call, filter)?, state));
    }
    let row = |domain: &Domain| -> Result<DomainState> {
        let name = owned(domain.get_name()?);
        let state = match states.iter().find(|(names, _)| names.contains(&name)) {
            Some((_, state)) => *state,
            None => usize::try_from(domain.get_state(0)?.0).unwrap_or_default(),
        };
        Ok(DomainState { name, id: domain.get_id(), state })
    };
    walk::each(call.conn(), &call.conn().list_all_domains(flags)?, Gone::Domain, row)
}

/// The titles of the domains that pass the filter.
fn titles(call: &Call<'_>, flags: u32) -> Result<HashMap<String, String>> {
    let domains = call.conn().list_all_domains(flags)?;
    let told = walk::each(call.conn(), &domains, Gone::Domain, |domain| {
        Ok((owned(domain.get_name()?), title(domain)?))
    })?;
    Ok(told.into_iter().collect())
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
