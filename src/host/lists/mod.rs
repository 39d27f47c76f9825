//! The lists of what a host has.

mod domains;
mod snapshots;
mod storage;

pub(super) use domains::STATES as DOMAIN_STATES;
pub(super) use storage::{state as pool_state, volume_type};

use std::collections::HashSet;
use std::ffi::CStr;

use virt::sys;

use super::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::given::shown;
use super::frame::words::Words;
use crate::error::Result;
use crate::value::Map;

/// Accepted and without effect: the result has what virsh only shows with these.
const NO_EFFECT: &str = "no effect; names are always there";

const ALL: Argument = flag("all", "inactive ones, too");
/// Where virsh does not take both.
const EITHER: Argument = ALL.excludes(&["inactive"]);
const INACTIVE: Argument = flag("inactive", "inactive ones only");
const PERSISTENT: Argument = flag("persistent", "only those that stay defined when they stop");
const TRANSIENT: Argument = flag("transient", "only those that are gone when they stop");
const AUTOSTART: Argument = flag("autostart", "only those that start with the host");
const NO_AUTOSTART: Argument = flag("no_autostart", "only those that do not");

/// A tree of snapshots has no names alone, and none can be left out of it.
const TREE_SHOWS_ALL: &[&str] =
    &["name", "leaves", "no_leaves", "inactive", "active", "disk_only", "internal", "external"];

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "list_domains",
        virsh: "list",
        about: "Lists domains with id (-1 if inactive) and state.",
        shape: Shape::Dict,
        arguments: &[
            INACTIVE,
            ALL,
            TRANSIENT,
            PERSISTENT,
            flag("with_snapshot", "only those with a snapshot"),
            flag("without_snapshot", "only those without one"),
            flag("with_checkpoint", "only those with a checkpoint"),
            flag("without_checkpoint", "only those without one"),
            flag("state_running", "those that run"),
            flag("state_paused", "those that are paused"),
            flag("state_shutoff", "those that are shut off"),
            flag("state_other", "those in other states"),
            AUTOSTART,
            NO_AUTOSTART,
            flag("with_managed_save", "only those with a managed save image"),
            flag("without_managed_save", "only those without one"),
            flag("managed_save", "the state of inactive ones with such an image is \"saved\""),
            flag("title", "with their titles, which takes a call for each"),
            optional("states", Kind::Texts, "only those in one of these states; implies all")
                .one_of(&Words::new(&domains::STATES, "\"{}\" is no state")),
            flag("id", NO_EFFECT),
            flag("name", NO_EFFECT),
            flag("uuid", NO_EFFECT),
            flag("table", NO_EFFECT).excludes(&["name", "uuid", "id"]),
        ],
        progress: false,
        run: domains::list,
    },
    Command {
        name: "list_networks",
        virsh: "net-list",
        about: "Lists networks with state, autostart and persistence.",
        shape: Shape::Dict,
        arguments: &[
            INACTIVE,
            ALL,
            PERSISTENT,
            TRANSIENT,
            AUTOSTART,
            NO_AUTOSTART,
            flag("uuid", NO_EFFECT).excludes(&["name"]),
            flag("name", NO_EFFECT),
            flag("table", NO_EFFECT).excludes(&["name", "uuid"]),
        ],
        progress: false,
        run: networks,
    },
    Command {
        name: "list_interfaces",
        virsh: "iface-list",
        about: "Lists the host's network interfaces with state and hardware address.",
        shape: Shape::Dict,
        arguments: &[INACTIVE, EITHER],
        progress: false,
        run: interfaces,
    },
    Command {
        name: "list_pools",
        virsh: "pool-list",
        about: "Lists storage pools with state and autostart, and in detail with their sizes.",
        shape: Shape::Dict,
        arguments: &[
            INACTIVE,
            EITHER,
            TRANSIENT,
            PERSISTENT,
            AUTOSTART,
            NO_AUTOSTART,
            optional("type", Kind::Text, "only those of these types, like dir,netfs")
                .one_of(&Words::new(storage::TYPE_NAMES, "Invalid pool type '{}'").several()),
            flag("details", "with persistence and sizes").excludes(&["uuid", "name"]),
            flag("uuid", NO_EFFECT),
            flag("name", NO_EFFECT),
        ],
        progress: false,
        run: storage::pools,
    },
    Command {
        name: "list_volumes",
        virsh: "vol-list",
        about: "Lists the volumes of a pool with their paths, and in detail with type and sizes.",
        shape: Shape::Dict,
        arguments: &[
            needed("pool", Kind::Text, "the pool's name or uuid"),
            flag("details", "with type and sizes"),
        ],
        progress: false,
        run: storage::volumes,
    },
    Command {
        name: "list_secrets",
        virsh: "secret-list",
        about: "Lists secrets: what each uuid is used for.",
        shape: Shape::Dict,
        arguments: &[
            flag("ephemeral", "only those that are kept in memory"),
            flag("no_ephemeral", "only those that are kept on disk"),
            flag("private", "only those whose value cannot be read"),
            flag("no_private", "only those whose value can be read"),
        ],
        progress: false,
        run: secrets,
    },
    Command {
        name: "list_snapshots",
        virsh: "snapshot-list",
        about: "Lists the snapshots of a domain with their time and state.",
        shape: Shape::Dict,
        arguments: &[
            needed("domain", Kind::Text, "the domain's name, id or uuid"),
            flag("parent", "with the names of their parents").excludes(&["roots", "tree"]),
            flag("roots", "only those without a parent").excludes(&["tree", "from", "current"]),
            flag("leaves", "only those without children"),
            flag("no_leaves", "only those with children"),
            flag("metadata", "only those that libvirt keeps metadata of"),
            flag("no_metadata", "only those that it does not"),
            flag("inactive", "those that were taken while the domain was shut off"),
            flag("active", "those that were taken while it ran"),
            flag("disk_only", "those of disks without memory"),
            flag("internal", "those inside the disk images"),
            flag("external", "those in files of their own"),
            optional("from", Kind::Text, "only the children of this snapshot"),
            flag("current", "only the children of the current snapshot"),
            flag("descendants", "with from or current: their children, too")
                .requires(&[&["from", "current"]])
                .saying("--descendants requires either --from or --current"),
            flag("topological", "children after their parents"),
            flag("tree", NO_EFFECT).excludes(TREE_SHOWS_ALL),
            flag("name", NO_EFFECT),
        ],
        progress: false,
        run: snapshots::list,
    },
];

fn networks(call: &mut Call<'_>) -> Outcome {
    let flags = shown_or(
        call,
        sys::VIR_CONNECT_LIST_NETWORKS_ACTIVE,
        sys::VIR_CONNECT_LIST_NETWORKS_INACTIVE,
    ) | call.flags(&[
        ("persistent", sys::VIR_CONNECT_LIST_NETWORKS_PERSISTENT),
        ("transient", sys::VIR_CONNECT_LIST_NETWORKS_TRANSIENT),
        ("autostart", sys::VIR_CONNECT_LIST_NETWORKS_AUTOSTART),
        ("no_autostart", sys::VIR_CONNECT_LIST_NETWORKS_NO_AUTOSTART),
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
    let active: HashSet<String> = filtered(sys::VIR_CONNECT_LIST_NETWORKS_ACTIVE)?;
    let autostart: HashSet<String> = filtered(sys::VIR_CONNECT_LIST_NETWORKS_AUTOSTART)?;
    let persistent: HashSet<String> = filtered(sys::VIR_CONNECT_LIST_NETWORKS_PERSISTENT)?;
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
    let (on, off) =
        (sys::VIR_CONNECT_LIST_INTERFACES_ACTIVE, sys::VIR_CONNECT_LIST_INTERFACES_INACTIVE);
    let flags = shown_or(call, on, off);
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
        ("ephemeral", sys::VIR_CONNECT_LIST_SECRETS_EPHEMERAL),
        ("no_ephemeral", sys::VIR_CONNECT_LIST_SECRETS_NO_EPHEMERAL),
        ("private", sys::VIR_CONNECT_LIST_SECRETS_PRIVATE),
        ("no_private", sys::VIR_CONNECT_LIST_SECRETS_NO_PRIVATE),
    ]);
    let mut rows = Vec::new();
    for secret in call.conn().list_all_secrets(flags)? {
        let usage = match usize::try_from(secret.get_usage_type()?) {
            Ok(0) | Err(_) => "Unused".to_owned(),
            Ok(kind) => {
                let kind = USAGES.get(kind).copied().unwrap_or("unknown");
                format!("{kind} {}", shown(&secret.get_usage_id()?))
            }
        };
        rows.push((shown(&secret.get_uuid_string()?).to_owned(), usage));
    }
    rows.sort();
    Ok(Map::from_iter(rows).into())
}

/// Which of active and inactive ones are wanted, as virsh understands it.
fn shown_or(call: &Call<'_>, active: u32, inactive: u32) -> u32 {
    match (call.flag("all"), call.flag("inactive")) {
        (true, _) => active | inactive,
        (false, true) => inactive,
        (false, false) => active,
    }
}

fn owned(text: &CStr) -> String {
    text.to_string_lossy().into_owned()
}
