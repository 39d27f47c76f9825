// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of the snapshots of domains.

use super::frame::argument::{
    Document, Flag, Listed, Needed, Optional, Text, Texts, flag, needed, optional,
};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, facts, word};
use super::frame::document::Source;
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use super::frame::text::fields;
use super::lookup::DOMAIN;
use super::markup::Markup;
use super::xml_result;
use crate::constants as c;
use crate::core::{Domain, DomainSnapshot};
use crate::error::Result;
use crate::value::Map;

static NAME: Optional<Text> =
    optional("snapshotname", "name of the snapshot").excludes(&[&CURRENT]).unless(&[&CURRENT]);
static CURRENT: Flag = flag("current", "current snapshot, instead of a name");
static SECURITY_INFO: Flag = flag("security_info", "include secrets such as passwords");
static NO_METADATA: Flag = flag("no_metadata", "create no metadata in libvirt");
static HALT: Flag = flag("halt", "shut the domain off afterwards");
static DISK_ONLY: Flag = flag("disk_only", "snapshot of the disks without memory");
static REUSE_EXTERNAL: Flag = flag("reuse_external", "reuse existing external files");
static QUIESCE: Flag = flag("quiesce", "freeze the file systems through the guest agent");
static ATOMIC: Flag = flag("atomic", "all disks or none");
static LIVE: Flag = flag("live", "keep the domain running while its memory is saved");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");

/// How a snapshot is taken.
static HOW: Listed =
    &[&NO_METADATA, &HALT, &DISK_ONLY, &REUSE_EXTERNAL, &QUIESCE, &ATOMIC, &LIVE, &VALIDATE];
/// Which snapshot is meant.
static CHOSEN: Listed = &[&NAME, &CURRENT];
static NEEDED_NAME: Needed<Text> = needed("snapshotname", "name of the snapshot");
static XMLFILE: Optional<Document> =
    optional("xmlfile", "snapshot definition").root("domainsnapshot");
static REDEFINE: Flag = flag("redefine", "create metadata of an existing snapshot");
static REDEFINE_CURRENT: Flag = flag("current", "with redefine: make it the current snapshot");
static NEW_NAME: Optional<Text> =
    optional("name", "name of the snapshot; by default the time in seconds");
static DESCRIPTION: Optional<Text> = optional("description", "description");
static MEMSPEC: Optional<Text> = optional("memspec", "memory: file=NAME,snapshot=external");
static DISKSPEC: Optional<Texts> =
    optional("diskspec", "disks: DISK,snapshot=TYPE,driver=FORMAT,file=NAME");
static PRINT_XML: Flag = flag("print_xml", "only return the definition's XML");
static NEW_CURRENT: Optional<Text> = optional("snapshotname", "snapshot to make the current one");
static NAME_ONLY: Flag = flag("name", "name only").excludes(&[&NEW_CURRENT]);
static CHILDREN: Flag = flag("children", "include all descendants");
static CHILDREN_ONLY: Flag = flag("children_only", "descendants only");
static METADATA: Flag = flag("metadata", "metadata only");
static RUNNING: Flag = flag("running", "run the domain afterwards");
static PAUSED: Flag = flag("paused", "leave the domain paused afterwards");
static FORCE: Flag = flag("force", "revert even if it is risky");
static RESET_NVRAM: Flag = flag("reset_nvram", "reset the NVRAM");

pub(super) static COMMANDS: &[Command] =
    &[
        document("conf", "snapshot-dumpxml", conf)
            .about("Returns the definition of a snapshot.")
            .takes(&[&DOMAIN, &NEEDED_NAME, &SECURITY_INFO]),
        action("create", "snapshot-create", create).about("Creates a snapshot.").takes(&[
            &DOMAIN,
            &XMLFILE,
            &REDEFINE,
            &REDEFINE_CURRENT,
            &HOW,
        ]),
        action("create_as", "snapshot-create-as", create_as)
            .about("Creates a snapshot from arguments.")
            .takes(&[&DOMAIN, &NEW_NAME, &DESCRIPTION, &MEMSPEC, &DISKSPEC, &HOW, &PRINT_XML]),
        document("current", "snapshot-current", current)
            .about("Returns the current snapshot, or makes a snapshot the current one.")
            .takes(&[&DOMAIN, &NEW_CURRENT, &NAME_ONLY, &SECURITY_INFO]),
        action("delete", "snapshot-delete", delete).about("Deletes a snapshot.").takes(&[
            &DOMAIN,
            &CHOSEN,
            &CHILDREN,
            &CHILDREN_ONLY,
            &METADATA,
        ]),
        facts("info", "snapshot-info", info)
            .about("Returns state, location, parent and children of a snapshot.")
            .takes(&[&DOMAIN, &CHOSEN]),
        word("parent", "snapshot-parent", parent)
            .about("Returns the name of the parent of a snapshot.")
            .takes(&[&DOMAIN, &CHOSEN]),
        action("revert", "snapshot-revert", revert)
            .about("Reverts a domain to a snapshot.")
            .takes(&[&DOMAIN, &CHOSEN, &RUNNING, &PAUSED, &FORCE, &RESET_NVRAM]),
    ];

fn conf(call: &mut Call<'_>) -> Outcome {
    let snapshot = call.domain()?.get_snapshot_by_name(call.c_text(&NEEDED_NAME)?)?;
    xml_result::document(&snapshot.get_xml_description(secure(call))?, "domainsnapshot", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let mut flags = create_flags(call)
        | call.flags(&[
            (&REDEFINE, c::DOMAIN_SNAPSHOT_CREATE_REDEFINE),
            (&REDEFINE_CURRENT, c::DOMAIN_SNAPSHOT_CREATE_CURRENT),
        ]);
    if let Some(document) = call.get(&XMLFILE).map(Source::read).transpose()? {
        let snapshot = domain.create_snapshot(&document.xml, flags)?;
        let name = name_of(&snapshot)?;
        return Ok(format!("Domain snapshot {name} created from '{}'", document.file).into());
    }
    // There is nothing to check.
    flags &= !c::DOMAIN_SNAPSHOT_CREATE_VALIDATE;
    let snapshot = domain.create_snapshot(c"<domainsnapshot/>", flags)?;
    Ok(format!("Domain snapshot {} created", name_of(&snapshot)?).into())
}

fn create_as(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let mut markup = Markup::default();
    markup.open("domainsnapshot", &[]);
    markup.leaf_of("name", call.get(&NEW_NAME));
    markup.leaf_of("description", call.get(&DESCRIPTION));
    if let Some(memory) = call.get(&MEMSPEC) {
        memory_element(&mut markup, memory)?;
    }
    let disks = call.get(&DISKSPEC).unwrap_or_default();
    if !disks.is_empty() {
        markup.open("disks", &[]);
        for disk in disks {
            disk_element(&mut markup, disk)?;
        }
        markup.close("disks");
    }
    markup.close("domainsnapshot");
    if call.flag(&PRINT_XML) {
        return Ok(markup.text()?.trim_end().into());
    }
    let snapshot = domain.create_snapshot(&markup.xml()?, create_flags(call))?;
    Ok(format!("Domain snapshot {} created", name_of(&snapshot)?).into())
}

fn current(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    if let Some(name) = call.c_text(&NEW_CURRENT) {
        let secure = c::DOMAIN_SNAPSHOT_XML_SECURE;
        let xml = domain.get_snapshot_by_name(name)?.get_xml_description(secure)?;
        let flags = c::DOMAIN_SNAPSHOT_CREATE_REDEFINE | c::DOMAIN_SNAPSHOT_CREATE_CURRENT;
        domain.create_snapshot(&xml, flags)?;
        return Ok(format!("Snapshot {} set as current", shown(name)).into());
    }
    if !domain.has_current_snapshot(0)? {
        let name = call.get(&DOMAIN)?;
        return Err(Failure::said(format!("domain '{name}' has no current snapshot")));
    }
    let snapshot = domain.current_snapshot(0)?;
    if call.flag(&NAME_ONLY) {
        return Ok(name_of(&snapshot)?.into());
    }
    xml_result::document(&snapshot.get_xml_description(secure(call))?, "domainsnapshot", &[])
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let snapshot = chosen(call, &call.domain()?)?;
    let flags = call.flags(&[
        (&CHILDREN, c::DOMAIN_SNAPSHOT_DELETE_CHILDREN),
        (&CHILDREN_ONLY, c::DOMAIN_SNAPSHOT_DELETE_CHILDREN_ONLY),
        (&METADATA, c::DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY),
    ]);
    let name = name_of(&snapshot)?;
    snapshot.delete(flags).or_say(|| format!("Failed to delete snapshot {name}"))?;
    let what = if call.flag(&CHILDREN_ONLY) { " children" } else { "" };
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
    let all = c::DOMAIN_SNAPSHOT_LIST_DESCENDANTS;
    map.push_new("children", snapshot.num_of_child_snapshots(0)?);
    map.push_new("descendants", snapshot.num_of_child_snapshots(all)?);
    map.push_new("metadata", snapshot.has_metadata(0)?);
    Ok(map.into())
}

fn parent(call: &mut Call<'_>) -> Outcome {
    let snapshot = chosen(call, &call.domain()?)?;
    match snapshot.get_parent(0) {
        Ok(parent) => Ok(name_of(&parent)?.into()),
        Err(error) if error.details().code == c::ERROR_ERR_NO_DOMAIN_SNAPSHOT as i32 => {
            let name = name_of(&snapshot)?;
            Err(Failure::said(format!("snapshot '{name}' has no parent")))
        }
        Err(error) => Err(error.into()),
    }
}

fn revert(call: &mut Call<'_>) -> Outcome {
    let snapshot = chosen(call, &call.domain()?)?;
    let flags = call.flags(&[
        (&RUNNING, c::DOMAIN_SNAPSHOT_REVERT_RUNNING),
        (&PAUSED, c::DOMAIN_SNAPSHOT_REVERT_PAUSED),
        (&FORCE, c::DOMAIN_SNAPSHOT_REVERT_FORCE),
        (&RESET_NVRAM, c::DOMAIN_SNAPSHOT_REVERT_RESET_NVRAM),
    ]);
    let name = name_of(&snapshot)?;
    snapshot.revert_to(flags).or_say(|| format!("Failed to revert snapshot {name}"))?;
    Ok(format!("Domain snapshot {name} reverted").into())
}

/// The snapshot that is named, or the current one.
fn chosen(call: &Call<'_>, domain: &Domain) -> std::result::Result<DomainSnapshot, Failure> {
    Ok(match call.c_text(&NAME) {
        Some(name) => domain.get_snapshot_by_name(name)?,
        None => domain.current_snapshot(0)?,
    })
}

fn secure(call: &Call<'_>) -> u32 {
    call.flags(&[(&SECURITY_INFO, c::DOMAIN_SNAPSHOT_XML_SECURE)])
}

/// How a snapshot is taken.
fn create_flags(call: &Call<'_>) -> u32 {
    call.flags(&[
        (&NO_METADATA, c::DOMAIN_SNAPSHOT_CREATE_NO_METADATA),
        (&HALT, c::DOMAIN_SNAPSHOT_CREATE_HALT),
        (&DISK_ONLY, c::DOMAIN_SNAPSHOT_CREATE_DISK_ONLY),
        (&REUSE_EXTERNAL, c::DOMAIN_SNAPSHOT_CREATE_REUSE_EXT),
        (&QUIESCE, c::DOMAIN_SNAPSHOT_CREATE_QUIESCE),
        (&ATOMIC, c::DOMAIN_SNAPSHOT_CREATE_ATOMIC),
        (&LIVE, c::DOMAIN_SNAPSHOT_CREATE_LIVE),
        (&VALIDATE, c::DOMAIN_SNAPSHOT_CREATE_VALIDATE),
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
                let form = "[file=]FILE,snapshot=MODE";
                let said = format!("unable to parse memspec: {spec}; it must be {form}");
                return Err(Failure::refused(MEMSPEC.name(), said));
            }
        }
    }
    markup.empty("memory", &[("snapshot", snapshot), ("file", file)]);
    Ok(())
}

/// virsh's short form of what becomes of a disk.
fn disk_element(markup: &mut Markup, spec: &str) -> std::result::Result<(), Failure> {
    let unknown = || {
        let form = "DISK,snapshot=MODE,driver=FORMAT,stype=TYPE,file=FILE";
        let said = format!("unable to parse diskspec: {spec}; it must be {form}");
        Failure::refused(DISKSPEC.name(), said)
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
            return Err(Failure::refused(DISKSPEC.name(), said));
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
