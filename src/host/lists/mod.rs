// SPDX-License-Identifier: LGPL-2.1-or-later
//! The lists of what a host has.

mod domains;
mod snapshots;
mod storage;

pub(super) use domains::{OTHER_STATES as OTHER_DOMAIN_STATES, STATES as DOMAIN_STATES};
pub(super) use storage::{state as pool_state, volume_type};

use std::collections::HashSet;
use std::ffi::CStr;

use super::frame::argument::{Flag, Needed, Optional, Text, Texts, flag, needed, optional};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, facts};
use super::frame::given::shown;
use super::frame::words::Words;
use super::lookup::DOMAIN;
use crate::constants as c;
use crate::error::Result;
use crate::value::Map;

/// Accepted and without effect: the result has what virsh only shows with these.
const NO_EFFECT: &str = "no effect; names are always there";
const NO_EFFECT_ID: &str = "no effect; ids are always there";
const NO_EFFECT_UUID: &str = "no effect; the result has names, not UUIDs";
const NO_EFFECT_TABLE: &str = "no effect; the result has all columns anyway";

static ALL: Flag = flag("all", "include inactive ones");
/// Where virsh does not take both.
static EITHER: Flag = flag("all", "include inactive ones").excludes(&[&INACTIVE]);
static INACTIVE: Flag = flag("inactive", "inactive ones only");
static PERSISTENT: Flag = flag("persistent", "persistent ones only");
static TRANSIENT: Flag = flag("transient", "transient ones only");
static AUTOSTART: Flag = flag("autostart", "those with autostart only");
static NO_AUTOSTART: Flag = flag("no_autostart", "those without autostart only");

static WITH_SNAPSHOT: Flag = flag("with_snapshot", "those with a snapshot only");
static WITHOUT_SNAPSHOT: Flag = flag("without_snapshot", "those without one only");
static WITH_CHECKPOINT: Flag = flag("with_checkpoint", "those with a checkpoint only");
static WITHOUT_CHECKPOINT: Flag = flag("without_checkpoint", "those without one only");
static STATE_RUNNING: Flag = flag("state_running", "running ones");
static STATE_PAUSED: Flag = flag("state_paused", "paused ones");
static STATE_SHUTOFF: Flag = flag("state_shutoff", "those that are shut off");
static STATE_OTHER: Flag = flag("state_other", "those in other states");
static WITH_MANAGED_SAVE: Flag = flag("with_managed_save", "those with a managed save image only");
static WITHOUT_MANAGED_SAVE: Flag = flag("without_managed_save", "those without one only");
static MANAGED_SAVE: Flag =
    flag("managed_save", "show inactive ones with a managed save image as \"saved\"");
static TITLE: Flag = flag("title", "include the titles, which takes a call for each");
static STATES: Optional<Texts> =
    optional("states", "those in one of these states only; implies all")
        .one_of(&Words::new(&domains::STATES, "\"{}\" is no state").also(&domains::OTHER_STATES));
static ID: Flag = flag("id", NO_EFFECT_ID);
static NAME: Flag = flag("name", NO_EFFECT);
static UUID: Flag = flag("uuid", NO_EFFECT_UUID);
static TABLE: Flag = flag("table", NO_EFFECT_TABLE).excludes(&[&NAME, &UUID, &ID]);
static UUID_ALONE: Flag = flag("uuid", NO_EFFECT_UUID).excludes(&[&NAME]);
static NETWORK_TABLE: Flag = flag("table", NO_EFFECT_TABLE).excludes(&[&NAME, &UUID_ALONE]);
static TYPE: Optional<Text> = optional("type", "those of these types only, such as dir,netfs")
    .one_of(&Words::new(storage::TYPE_NAMES, "Invalid pool type '{}'").several());
static DETAILS: Flag = flag("details", "include persistence and sizes").excludes(&[&UUID, &NAME]);
static POOL: Needed<Text> = needed("pool", "name or UUID of the pool");
static VOLUME_DETAILS: Flag = flag("details", "include type and sizes");
static EPHEMERAL: Flag = flag("ephemeral", "those kept in memory only");
static NO_EPHEMERAL: Flag = flag("no_ephemeral", "those kept on disk only");
static PRIVATE: Flag = flag("private", "those whose value cannot be read only");
static NO_PRIVATE: Flag = flag("no_private", "those whose value can be read only");
static PARENT: Flag =
    flag("parent", "include the names of their parents").excludes(&[&ROOTS, &TREE]);
static ROOTS: Flag =
    flag("roots", "those without a parent only").excludes(&[&TREE, &FROM, &CURRENT]);
static LEAVES: Flag = flag("leaves", "those without children only");
static NO_LEAVES: Flag = flag("no_leaves", "those with children only");
static METADATA: Flag = flag("metadata", "those with metadata in libvirt only");
static NO_METADATA: Flag = flag("no_metadata", "those without only");
static WHILE_INACTIVE: Flag = flag("inactive", "those of the inactive domain");
static ACTIVE: Flag = flag("active", "those of the running domain");
static DISK_ONLY: Flag = flag("disk_only", "those of disks without memory");
static INTERNAL: Flag = flag("internal", "those stored in the disk images");
static EXTERNAL: Flag = flag("external", "those stored in separate files");
static FROM: Optional<Text> = optional("from", "children of this snapshot only");
static CURRENT: Flag = flag("current", "children of the current snapshot only");
static DESCENDANTS: Flag = flag("descendants", "with from or current: all descendants")
    .requires(&[&[&FROM, &CURRENT]])
    .saying("--descendants requires either --from or --current");
static TOPOLOGICAL: Flag = flag("topological", "sort children after their parents");
/// A tree has no names alone, and no snapshot can be left out of it.
static TREE: Flag = flag("tree", "no effect; parent has what a tree shows").excludes(&[
    &NAME,
    &LEAVES,
    &NO_LEAVES,
    &WHILE_INACTIVE,
    &ACTIVE,
    &DISK_ONLY,
    &INTERNAL,
    &EXTERNAL,
]);

pub(super) static COMMANDS: &[Command] = &[
    facts("list_domains", "list", domains::list)
        .about("Lists domains with their id (-1 when inactive) and state.")
        .takes(&[
            &INACTIVE,
            &ALL,
            &TRANSIENT,
            &PERSISTENT,
            &WITH_SNAPSHOT,
            &WITHOUT_SNAPSHOT,
            &WITH_CHECKPOINT,
            &WITHOUT_CHECKPOINT,
            &STATE_RUNNING,
            &STATE_PAUSED,
            &STATE_SHUTOFF,
            &STATE_OTHER,
            &AUTOSTART,
            &NO_AUTOSTART,
            &WITH_MANAGED_SAVE,
            &WITHOUT_MANAGED_SAVE,
            &MANAGED_SAVE,
            &TITLE,
            &STATES,
            &ID,
            &NAME,
            &UUID,
            &TABLE,
        ]),
    facts("list_networks", "net-list", networks)
        .about("Lists networks with their state, autostart and persistence.")
        .takes(&[
            &INACTIVE,
            &ALL,
            &PERSISTENT,
            &TRANSIENT,
            &AUTOSTART,
            &NO_AUTOSTART,
            &UUID_ALONE,
            &NAME,
            &NETWORK_TABLE,
        ]),
    facts("list_interfaces", "iface-list", interfaces)
        .about("Lists the network interfaces of the host with their state and MAC address.")
        .takes(&[&INACTIVE, &EITHER]),
    facts("list_pools", "pool-list", storage::pools)
        .about("Lists storage pools with their state and autostart, and with details their sizes.")
        .takes(&[
            &INACTIVE,
            &EITHER,
            &TRANSIENT,
            &PERSISTENT,
            &AUTOSTART,
            &NO_AUTOSTART,
            &TYPE,
            &DETAILS,
            &UUID,
            &NAME,
        ]),
    facts("list_volumes", "vol-list", storage::volumes)
        .about("Lists the volumes of a pool with their paths, and with details type and sizes.")
        .takes(&[&POOL, &VOLUME_DETAILS]),
    facts("list_secrets", "secret-list", secrets)
        .about("Lists secrets with their UUID and usage.")
        .takes(&[&EPHEMERAL, &NO_EPHEMERAL, &PRIVATE, &NO_PRIVATE]),
    facts("list_snapshots", "snapshot-list", snapshots::list)
        .about("Lists the snapshots of a domain with their time and state.")
        .takes(&[
            &DOMAIN,
            &PARENT,
            &ROOTS,
            &LEAVES,
            &NO_LEAVES,
            &METADATA,
            &NO_METADATA,
            &WHILE_INACTIVE,
            &ACTIVE,
            &DISK_ONLY,
            &INTERNAL,
            &EXTERNAL,
            &FROM,
            &CURRENT,
            &DESCENDANTS,
            &TOPOLOGICAL,
            &TREE,
            &NAME,
        ]),
];

fn networks(call: &mut Call<'_>) -> Outcome {
    let flags = shown_or(call, &ALL, c::NETWORK_LIST_ACTIVE, c::NETWORK_LIST_INACTIVE)
        | call.flags(&[
            (&PERSISTENT, c::NETWORK_LIST_PERSISTENT),
            (&TRANSIENT, c::NETWORK_LIST_TRANSIENT),
            (&AUTOSTART, c::NETWORK_LIST_AUTOSTART),
            (&NO_AUTOSTART, c::NETWORK_LIST_NO_AUTOSTART),
        ]);
    let conn = call.conn();
    let names = |filter: u32| -> Result<Vec<String>> {
        let networks = conn.list_all_networks(filter)?;
        networks.iter().map(|network| Ok(owned(network.get_name()?))).collect()
    };
    // The facts are in the filters of the list: asking for them one network at a
    // time would take three calls for each.
    let filtered = |filter| Ok::<_, crate::error::Error>(names(filter)?.into_iter().collect());
    let mut listed = names(flags)?;
    let active: HashSet<String> = filtered(c::NETWORK_LIST_ACTIVE)?;
    let autostart: HashSet<String> = filtered(c::NETWORK_LIST_AUTOSTART)?;
    let persistent: HashSet<String> = filtered(c::NETWORK_LIST_PERSISTENT)?;
    listed.sort_by_cached_key(|name| name.to_lowercase());
    let mut map = Map::with_capacity(listed.len());
    for name in listed {
        let mut row = Map::with_capacity(3);
        row.push_new("state", if active.contains(&name) { "active" } else { "inactive" });
        row.push_new("autostart", autostart.contains(&name));
        row.push_new("persistent", persistent.contains(&name));
        map.insert(name, row);
    }
    Ok(map.into())
}

fn interfaces(call: &mut Call<'_>) -> Outcome {
    let (on, off) = (c::INTERFACE_LIST_ACTIVE, c::INTERFACE_LIST_INACTIVE);
    let flags = shown_or(call, &EITHER, on, off);
    let mut rows = Vec::new();
    for (bit, state) in [(on, "active"), (off, "inactive")] {
        if flags & bit != 0 {
            for interface in call.conn().list_all_interfaces(bit)? {
                let mut row = Map::with_capacity(2);
                row.push_new("state", state);
                row.push_new("mac", shown(interface.get_mac()?));
                rows.push((owned(interface.get_name()?), row));
            }
        }
    }
    rows.sort_by_cached_key(|(name, _)| name.to_lowercase());
    Ok(Map::from_iter(rows).into())
}

/// What a secret can be for, in the order of libvirt's numbers.
const USAGES: [&str; 6] = ["none", "volume", "ceph", "iscsi", "tls", "vtpm"];

fn secrets(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[
        (&EPHEMERAL, c::SECRET_LIST_EPHEMERAL),
        (&NO_EPHEMERAL, c::SECRET_LIST_NO_EPHEMERAL),
        (&PRIVATE, c::SECRET_LIST_PRIVATE),
        (&NO_PRIVATE, c::SECRET_LIST_NO_PRIVATE),
    ]);
    let mut rows = Vec::new();
    for secret in call.conn().list_all_secrets(flags)? {
        let usage = match usize::try_from(secret.get_usage_type()?) {
            Ok(0) | Err(_) => "Unused".to_owned(),
            Ok(kind) => {
                let kind = USAGES.get(kind).copied().unwrap_or("unknown");
                format!("{kind} {}", shown(secret.get_usage_id()?))
            }
        };
        rows.push((shown(&secret.get_uuid_string()?).to_owned(), usage));
    }
    rows.sort();
    Ok(Map::from_iter(rows).into())
}

/// Which of active and inactive ones are wanted, as virsh understands it.
fn shown_or(call: &Call<'_>, all: &Flag, active: u32, inactive: u32) -> u32 {
    match (call.flag(all), call.flag(&INACTIVE)) {
        (true, _) => active | inactive,
        (false, true) => inactive,
        (false, false) => active,
    }
}

fn owned(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}
