// SPDX-License-Identifier: LGPL-2.1-or-later
//! The list of domains.

use std::collections::{HashMap, HashSet};

use super::{
    ALL, AUTOSTART, MANAGED_SAVE, NO_AUTOSTART, PERSISTENT, STATE_OTHER, STATE_PAUSED,
    STATE_RUNNING, STATE_SHUTOFF, TITLE, TRANSIENT, WITH_CHECKPOINT, WITH_MANAGED_SAVE,
    WITH_SNAPSHOT, WITHOUT_CHECKPOINT, WITHOUT_MANAGED_SAVE, WITHOUT_SNAPSHOT, owned, shown_or,
};
use crate::constants as c;
use crate::core::Domain;
use crate::core::conn::DomainState;
use crate::error::Result;
use crate::host::frame::call::{Call, Outcome};
use crate::host::walk::{self, Gone};
use crate::value::Map;

const ACTIVE: u32 = c::DOMAIN_LIST_ACTIVE;
const INACTIVE: u32 = c::DOMAIN_LIST_INACTIVE;

/// The filters that libvirt's statistics know, too.
const OF_STATS: u32 = ACTIVE
    | INACTIVE
    | c::DOMAIN_LIST_PERSISTENT
    | c::DOMAIN_LIST_TRANSIENT
    | c::DOMAIN_LIST_RUNNING
    | c::DOMAIN_LIST_PAUSED
    | c::DOMAIN_LIST_SHUTOFF
    | c::DOMAIN_LIST_OTHER;

/// virsh's names of the states, in the order of libvirt's numbers.
pub(in crate::host) const STATES: [&str; 8] =
    ["no state", "running", "idle", "paused", "in shutdown", "shut off", "crashed", "pmsuspended"];

/// The names of the constants, where virsh has others.
pub(in crate::host) const OTHER_STATES: [(&str, &str); 4] = [
    ("nostate", "no state"),
    ("blocked", "idle"),
    ("shutdown", "in shutdown"),
    ("shutoff", "shut off"),
];

/// One call gives all domains with their states; only filters and marks that
/// libvirt's statistics do not know take one call more each, and titles one for
/// each domain.
pub fn list(call: &mut Call<'_>) -> Outcome {
    let mut states = call.get(&super::STATES).unwrap_or_default();
    for state in &mut states {
        *state = OTHER_STATES.iter().find(|(other, _)| other == state).map_or(*state, |one| one.1);
    }
    let flags = filters(call, !states.is_empty());
    let saved = match call.flag(&MANAGED_SAVE) {
        true => names(call, c::DOMAIN_LIST_MANAGEDSAVE | INACTIVE)?,
        false => HashSet::new(),
    };
    let mut rows = domains_with_state(call, flags)?;
    // Of what has come since then, there is a title too many; what has gone has none.
    let mut titles = if call.flag(&TITLE) { Some(titles(call, flags)?) } else { None };
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
    let kinds = match call.flag(&STATE_SHUTOFF) && !call.flag(&ALL) {
        true => INACTIVE,
        false if by_state => ACTIVE | INACTIVE,
        false => shown_or(call, &ALL, ACTIVE, INACTIVE),
    };
    kinds
        | call.flags(&[
            (&PERSISTENT, c::DOMAIN_LIST_PERSISTENT),
            (&TRANSIENT, c::DOMAIN_LIST_TRANSIENT),
            (&WITH_MANAGED_SAVE, c::DOMAIN_LIST_MANAGEDSAVE),
            (&WITHOUT_MANAGED_SAVE, c::DOMAIN_LIST_NO_MANAGEDSAVE),
            (&AUTOSTART, c::DOMAIN_LIST_AUTOSTART),
            (&NO_AUTOSTART, c::DOMAIN_LIST_NO_AUTOSTART),
            (&WITH_SNAPSHOT, c::DOMAIN_LIST_HAS_SNAPSHOT),
            (&WITHOUT_SNAPSHOT, c::DOMAIN_LIST_NO_SNAPSHOT),
            (&WITH_CHECKPOINT, c::DOMAIN_LIST_HAS_CHECKPOINT),
            (&WITHOUT_CHECKPOINT, c::DOMAIN_LIST_NO_CHECKPOINT),
            (&STATE_RUNNING, c::DOMAIN_LIST_RUNNING),
            (&STATE_PAUSED, c::DOMAIN_LIST_PAUSED),
            (&STATE_SHUTOFF, c::DOMAIN_LIST_SHUTOFF),
            (&STATE_OTHER, c::DOMAIN_LIST_OTHER),
        ])
}

/// The domains that pass the filter, with the numbers of their states.
fn domains_with_state(call: &Call<'_>, flags: u32) -> Result<Vec<DomainState>> {
    let mut rows = match call.conn().get_all_domain_states(flags & OF_STATS) {
        Err(error) if walk::is_unsupported(&error) => by_filters(call, flags & OF_STATS)?,
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
        (c::DOMAIN_LIST_RUNNING, c::DOMAIN_STATE_RUNNING as usize),
        (c::DOMAIN_LIST_PAUSED, c::DOMAIN_STATE_PAUSED as usize),
        (c::DOMAIN_LIST_SHUTOFF, c::DOMAIN_STATE_SHUTOFF as usize),
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
    walk::each(&call.conn().list_all_domains(flags)?, Gone::Domain, row)
}

/// The titles of the domains that pass the filter.
fn titles(call: &Call<'_>, flags: u32) -> Result<HashMap<String, String>> {
    let domains = call.conn().list_all_domains(flags)?;
    let told = walk::each(&domains, Gone::Domain, |domain| {
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
    match domain.get_metadata(c::DOMAIN_METADATA_TITLE as i32, None, 0) {
        Ok(title) => Ok(owned(&title)),
        Err(error) if error.details().code == c::ERROR_ERR_NO_DOMAIN_METADATA as i32 => {
            Ok(String::new())
        }
        Err(error) => Err(error),
    }
}
