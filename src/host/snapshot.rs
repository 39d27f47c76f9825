//! The commands of the snapshots of domains.

use virt::sys;

use super::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use super::frame::text::fields;
use super::markup::Markup;
use super::xml_result;
use crate::core::{Domain, DomainSnapshot};
use crate::error::Result;
use crate::value::Map;

const DOMAIN: Argument = needed("domain", Kind::Text, "the domain's name, id or uuid");
const NAME: Argument = optional("snapshotname", Kind::Text, "the snapshot's name")
    .excludes(&["current"])
    .unless(&["current"]);
const CURRENT: Argument = flag("current", "the current snapshot, in place of a name");
const SECURITY_INFO: Argument = flag("security_info", "with secrets such as passwords");
const NO_METADATA: Argument = flag("no_metadata", "libvirt does not keep track of it");
const HALT: Argument = flag("halt", "the domain is off afterwards");
const DISK_ONLY: Argument = flag("disk_only", "of the disks without memory");
const REUSE_EXTERNAL: Argument = flag("reuse_external", "use files that are there already");
const QUIESCE: Argument = flag("quiesce", "the guest's agent freezes the file systems");
const ATOMIC: Argument = flag("atomic", "all disks or none");
const LIVE: Argument = flag("live", "the domain runs on while its memory is saved");
const VALIDATE: Argument = flag("validate", "check the definition against libvirt's schema");

const CREATE: Command = Command {
    name: "create",
    virsh: "snapshot-create",
    about: "Takes a snapshot.",
    shape: Shape::None,
    arguments: &[
        DOMAIN,
        optional("xmlfile", Kind::Document("domainsnapshot"), "its definition"),
        flag("redefine", "take no snapshot, but let libvirt know of this one"),
        flag("current", "with redefine: it becomes the current one"),
        NO_METADATA,
        HALT,
        DISK_ONLY,
        REUSE_EXTERNAL,
        QUIESCE,
        ATOMIC,
        LIVE,
        VALIDATE,
    ],
    progress: false,
    run: create,
};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "conf",
        virsh: "snapshot-dumpxml",
        about: "Gets the description of a snapshot.",
        shape: Shape::Xml,
        arguments: &[
            DOMAIN,
            needed("snapshotname", Kind::Text, "the snapshot's name"),
            SECURITY_INFO,
        ],
        progress: false,
        run: conf,
    },
    CREATE,
    Command {
        name: "create_as",
        virsh: "snapshot-create-as",
        about: "Takes a snapshot without a document.",
        arguments: &[
            DOMAIN,
            optional("name", Kind::Text, "its name; the time in seconds if it is left out"),
            optional("description", Kind::Text, "what it is for"),
            optional("memspec", Kind::Text, "of memory: file=NAME,snapshot=external"),
            optional(
                "diskspec",
                Kind::Texts,
                "of disks: DISK,snapshot=TYPE,driver=FORMAT,file=NAME",
            ),
            NO_METADATA,
            HALT,
            DISK_ONLY,
            REUSE_EXTERNAL,
            QUIESCE,
            ATOMIC,
            LIVE,
            VALIDATE,
            flag("print_xml", "only give the definition as text"),
        ],
        run: create_as,
        ..CREATE
    },
    Command {
        name: "current",
        virsh: "snapshot-current",
        about: "Gets the current snapshot, or makes one the current one.",
        shape: Shape::Xml,
        arguments: &[
            DOMAIN,
            optional("snapshotname", Kind::Text, "the snapshot that becomes the current one"),
            flag("name", "only its name").excludes(&["snapshotname"]),
            SECURITY_INFO,
        ],
        run: current,
        ..CREATE
    },
    Command {
        name: "delete",
        virsh: "snapshot-delete",
        about: "Deletes a snapshot.",
        arguments: &[
            DOMAIN,
            NAME,
            CURRENT,
            flag("children", "the snapshots that came after it, too"),
            flag("children_only", "only those"),
            flag("metadata", "only let libvirt forget it"),
        ],
        run: delete,
        ..CREATE
    },
    Command {
        name: "info",
        virsh: "snapshot-info",
        about: "Gets state, place, parent and children of a snapshot.",
        shape: Shape::Dict,
        arguments: &[DOMAIN, NAME, CURRENT],
        run: info,
        ..CREATE
    },
    Command {
        name: "parent",
        virsh: "snapshot-parent",
        about: "Gets the name of the snapshot that a snapshot came after.",
        shape: Shape::Str,
        arguments: &[DOMAIN, NAME, CURRENT],
        run: parent,
        ..CREATE
    },
    Command {
        name: "revert",
        virsh: "snapshot-revert",
        about: "Puts a domain back into the state of a snapshot.",
        arguments: &[
            DOMAIN,
            NAME,
            CURRENT,
            flag("running", "it runs afterwards"),
            flag("paused", "it is paused afterwards"),
            flag("force", "even if that is risky"),
            flag("reset_nvram", "its firmware's variables begin anew"),
        ],
        run: revert,
        ..CREATE
    },
];

fn conf(call: &mut Call<'_>) -> Outcome {
    let snapshot = call.domain()?.get_snapshot_by_name(call.needed_text("snapshotname")?)?;
    xml_result::document(&snapshot.get_xml_description(secure(call))?, "domainsnapshot", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let mut flags = create_flags(call)
        | call.flags(&[
            ("redefine", sys::VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE),
            ("current", sys::VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT),
        ]);
    if call.given("xmlfile") {
        let document = call.document("xmlfile")?;
        let snapshot = domain.create_snapshot(&document.xml, flags)?;
        let name = name_of(&snapshot)?;
        return Ok(format!("Domain snapshot {name} created from '{}'", document.file).into());
    }
    // There is nothing to check.
    flags &= !sys::VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE;
    let snapshot = domain.create_snapshot(c"<domainsnapshot/>", flags)?;
    Ok(format!("Domain snapshot {} created", name_of(&snapshot)?).into())
}

fn create_as(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let mut markup = Markup::default();
    markup.open("domainsnapshot", &[]);
    markup.leaf_of("name", call.str("name"));
    markup.leaf_of("description", call.str("description"));
    if let Some(memory) = call.str("memspec") {
        memory_element(&mut markup, memory)?;
    }
    let disks = call.texts("diskspec");
    if !disks.is_empty() {
        markup.open("disks", &[]);
        for disk in disks {
            disk_element(&mut markup, shown(disk))?;
        }
        markup.close("disks");
    }
    markup.close("domainsnapshot");
    if call.flag("print_xml") {
        return Ok(markup.text().trim_end().into());
    }
    let snapshot = domain.create_snapshot(&markup.xml()?, create_flags(call))?;
    Ok(format!("Domain snapshot {} created", name_of(&snapshot)?).into())
}

fn current(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    if let Some(name) = call.text("snapshotname") {
        let secure = sys::VIR_DOMAIN_SNAPSHOT_XML_SECURE;
        let xml = domain.get_snapshot_by_name(name)?.get_xml_description(secure)?;
        let flags =
            sys::VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE | sys::VIR_DOMAIN_SNAPSHOT_CREATE_CURRENT;
        domain.create_snapshot(&xml, flags)?;
        return Ok(format!("Snapshot {} set as current", shown(name)).into());
    }
    if !domain.has_current_snapshot(0)? {
        let name = call.needed_str("domain")?;
        return Err(Failure::said(format!("domain '{name}' has no current snapshot")));
    }
    let snapshot = domain.current_snapshot(0)?;
    if call.flag("name") {
        return Ok(name_of(&snapshot)?.into());
    }
    xml_result::document(&snapshot.get_xml_description(secure(call))?, "domainsnapshot", &[])
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let snapshot = chosen(call, &call.domain()?)?;
    let flags = call.flags(&[
        ("children", sys::VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN),
        ("children_only", sys::VIR_DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY),
        ("metadata", sys::VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY),
    ]);
    let name = name_of(&snapshot)?;
    snapshot.delete(flags).or_say(|| format!("Failed to delete snapshot {name}"))?;
    let what = if call.flag("children_only") { " children" } else { "" };
    Ok(format!("Domain snapshot {name}{what} deleted").into())
}

fn info(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let snapshot = chosen(call, &domain)?;
    let document = xml_result::parsed(&snapshot.get_xml_description(0)?)?;
    let state = document.get_str("domainsnapshot.state").unwrap_or("no state");
    let is_external = |path: &str| {
        xml_result::elements(&document, path)
            .iter()
            .any(|element| element.get_str("@snapshot").is_ok_and(|place| place == "external"))
    };
    let external = state == "disk-snapshot"
        || is_external("domainsnapshot.memory")
        || is_external("domainsnapshot.disks.disk");
    let mut map = Map::with_capacity(9);
    map.push_new("name", call.converted(&name_of(&snapshot)?));
    map.push_new("domain", call.converted(&domain.get_name()?.to_string_lossy()));
    map.push_new("current", snapshot.is_current(0)?);
    map.push_new("state", state);
    map.push_new("location", if external { "external" } else { "internal" });
    let parent = document.get_str("domainsnapshot.parent.name").unwrap_or("-");
    map.push_new("parent", call.converted(parent));
    let all = sys::VIR_DOMAIN_SNAPSHOT_LIST_DESCENDANTS;
    map.push_new("children", snapshot.num_of_child_snapshots(0)?);
    map.push_new("descendants", snapshot.num_of_child_snapshots(all)?);
    map.push_new("metadata", snapshot.has_metadata(0)?);
    Ok(map.into())
}

fn parent(call: &mut Call<'_>) -> Outcome {
    let snapshot = chosen(call, &call.domain()?)?;
    match snapshot.get_parent(0) {
        Ok(parent) => Ok(name_of(&parent)?.into()),
        Err(error) if error.details().code == sys::VIR_ERR_NO_DOMAIN_SNAPSHOT as i32 => {
            let name = name_of(&snapshot)?;
            Err(Failure::said(format!("snapshot '{name}' has no parent")))
        }
        Err(error) => Err(error.into()),
    }
}

fn revert(call: &mut Call<'_>) -> Outcome {
    let snapshot = chosen(call, &call.domain()?)?;
    let flags = call.flags(&[
        ("running", sys::VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING),
        ("paused", sys::VIR_DOMAIN_SNAPSHOT_REVERT_PAUSED),
        ("force", sys::VIR_DOMAIN_SNAPSHOT_REVERT_FORCE),
        ("reset_nvram", sys::VIR_DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM),
    ]);
    let name = name_of(&snapshot)?;
    snapshot.revert_to(flags).or_say(|| format!("Failed to revert snapshot {name}"))?;
    Ok(format!("Domain snapshot {name} reverted").into())
}

/// The snapshot that is named, or the current one.
fn chosen(call: &Call<'_>, domain: &Domain) -> std::result::Result<DomainSnapshot, Failure> {
    Ok(match call.flag("current") {
        true => domain.current_snapshot(0)?,
        false => domain.get_snapshot_by_name(call.needed_text("snapshotname")?)?,
    })
}

fn secure(call: &Call<'_>) -> u32 {
    call.flags(&[("security_info", sys::VIR_DOMAIN_SNAPSHOT_XML_SECURE)])
}

/// How a snapshot is taken.
fn create_flags(call: &Call<'_>) -> u32 {
    call.flags(&[
        ("no_metadata", sys::VIR_DOMAIN_SNAPSHOT_CREATE_NO_METADATA),
        ("halt", sys::VIR_DOMAIN_SNAPSHOT_CREATE_HALT),
        ("disk_only", sys::VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY),
        ("reuse_external", sys::VIR_DOMAIN_SNAPSHOT_CREATE_REUSE_EXT),
        ("quiesce", sys::VIR_DOMAIN_SNAPSHOT_CREATE_QUIESCE),
        ("atomic", sys::VIR_DOMAIN_SNAPSHOT_CREATE_ATOMIC),
        ("live", sys::VIR_DOMAIN_SNAPSHOT_CREATE_LIVE),
        ("validate", sys::VIR_DOMAIN_SNAPSHOT_CREATE_VALIDATE),
    ])
}

/// virsh's short form of where memory goes.
fn memory_element(markup: &mut Markup, spec: &str) -> std::result::Result<(), Failure> {
    let (mut snapshot, mut file) = (None, None);
    let fields = fields(spec);
    for field in &fields {
        match field.split_once('=') {
            Some(("snapshot", value)) if snapshot.is_none() => snapshot = Some(value),
            Some(("file", value)) if file.is_none() => file = Some(value),
            _ if file.is_none() && field.starts_with('/') => file = Some(field),
            _ => {
                return Err(Failure::said(format!(
                    "unable to parse memspec: {spec}; it must be [file=]FILE,snapshot=MODE"
                )));
            }
        }
    }
    markup.empty("memory", &[("snapshot", snapshot), ("file", file)]);
    Ok(())
}

/// virsh's short form of what becomes of a disk.
fn disk_element(markup: &mut Markup, spec: &str) -> std::result::Result<(), Failure> {
    let unknown = || {
        Failure::said(format!(
            "unable to parse diskspec: {spec}; it must be \
             DISK,snapshot=MODE,driver=FORMAT,stype=TYPE,file=FILE"
        ))
    };
    let fields = fields(spec);
    let (name, rest) = fields.split_first().ok_or_else(unknown)?;
    let (mut snapshot, mut driver, mut kind, mut file) = (None, None, None, None);
    for field in rest {
        let (place, value) = match field.split_once('=').ok_or_else(unknown)? {
            ("snapshot", value) => (&mut snapshot, value),
            ("driver", value) => (&mut driver, value),
            ("stype", value) => (&mut kind, value),
            ("file", value) => (&mut file, value),
            _ => return Err(unknown()),
        };
        if place.replace(value).is_some() {
            return Err(unknown());
        }
    }
    let source = match kind {
        None | Some("file") => "file",
        Some("block") => "dev",
        Some(other) => {
            let said = format!("Unknown storage type: '{other}'; it must be file or block");
            return Err(Failure::said(said));
        }
    };
    let block = kind.filter(|kind| *kind == "block");
    let attributes = [("name", Some(&**name)), ("snapshot", snapshot), ("type", block)];
    if file.is_none() && driver.is_none() {
        markup.empty("disk", &attributes);
        return Ok(());
    }
    markup.open("disk", &attributes);
    markup.empty_of("driver", "type", driver);
    markup.empty_of("source", source, file);
    markup.close("disk");
    Ok(())
}

fn name_of(snapshot: &DomainSnapshot) -> Result<String> {
    Ok(snapshot.get_name()?.to_string_lossy().into_owned())
}
