// SPDX-License-Identifier: LGPL-2.1-or-later
//! Devices of domains that come, change and go.

use super::attach::{self, PRINT_XML};
use super::{CONFIG, PLACE, place};
use crate::constants as c;
use crate::core::Domain;
use crate::error::Result;
use crate::host::frame::argument::{
    Document, Flag, Needed, Optional, Size, Text, flag, needed, optional,
};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::command::{Command, action};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::{c_text, shown};
use crate::host::frame::words::Words;
use crate::host::lookup::DOMAIN;
use crate::host::xml_result;
use crate::value::{Map, Value};
use crate::xml;

static FILE: Needed<Document> = needed("file", "device definition");
static INTERFACE: Needed<Text> = needed("interface", "name on the host, or MAC address");

static PATH: Needed<Text> = needed("path", "target device name or source of the disk");
static SIZE: Needed<Size> = needed("size", "new size; a number without a unit is in KiB").in_kib();
static TARGET: Needed<Text> = needed("target", "target device name or source of the disk");
static TYPE: Needed<Text> = needed("type", "type, such as network or bridge");
static MAC: Optional<Text> = optional("mac", "MAC address, if there are several");
static STATE: Needed<Text> =
    needed("state", "up or down").one_of(&Words::new(&["up", "down"], "invalid link state '{}'"));
static FORCE: Flag = flag("force", "force the change of a medium that the guest has locked");

pub static COMMANDS: &[Command] =
    &[
        action("attach_device", "attach-device", attach_device)
            .about("Attaches a device.")
            .takes(&[&DOMAIN, &FILE, &PLACE]),
        action("attach_disk", "attach-disk", attach::attach_disk)
            .about("Attaches a disk.")
            .takes(&[&DOMAIN, &attach::DISK, &PRINT_XML, &PLACE]),
        action("attach_interface", "attach-interface", attach::attach_interface)
            .about("Attaches a network interface.")
            .takes(&[&DOMAIN, &attach::INTERFACE, &PRINT_XML, &PLACE]),
        action("blockresize", "blockresize", blockresize)
            .about("Resizes a disk of a running domain.")
            .takes(&[&DOMAIN, &PATH, &SIZE]),
        action("detach_device", "detach-device", detach_device)
            .about("Detaches a device.")
            .takes(&[&DOMAIN, &FILE, &PLACE]),
        action("detach_disk", "detach-disk", detach_disk)
            .about("Detaches a disk.")
            .takes(&[&DOMAIN, &TARGET, &PLACE, &PRINT_XML]),
        action("detach_interface", "detach-interface", detach_interface)
            .about("Detaches a network interface.")
            .takes(&[&DOMAIN, &TYPE, &MAC, &PLACE, &PRINT_XML]),
        action("if_getlink", "domif-getlink", if_getlink)
            .about("Returns the link state of a network interface.")
            .takes(&[&DOMAIN, &INTERFACE, &CONFIG]),
        action("if_setlink", "domif-setlink", if_setlink)
            .about("Sets the link state of a network interface.")
            .takes(&[&DOMAIN, &INTERFACE, &STATE, &CONFIG, &PRINT_XML]),
        action("update_device", "update-device", update_device)
            .about("Changes a device.")
            .takes(&[&DOMAIN, &FILE, &PLACE, &FORCE]),
    ];

fn attach_device(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let device = call.get(&FILE)?.read()?;
    domain
        .attach_device(&device.xml, flags)
        .or_say(|| format!("Failed to attach device from {}", device.file))?;
    Ok("Device attached successfully".into())
}

fn detach_device(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let device = call.get(&FILE)?.read()?;
    domain
        .detach_device(&device.xml, flags)
        .or_say(|| format!("Failed to detach device from {}", device.file))?;
    Ok("Device detached successfully".into())
}

fn update_device(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)? | call.flags(&[(&FORCE, c::DOMAIN_DEVICE_MODIFY_FORCE)]);
    let device = call.get(&FILE)?.read()?;
    domain
        .update_device(&device.xml, flags)
        .or_say(|| format!("Failed to update device from {}", device.file))?;
    Ok("Device updated successfully".into())
}

fn blockresize(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let path = call.c_text(&PATH)?;
    let bytes = call.get(&SIZE)?;
    // libvirt counts in KiB, unless it is told otherwise.
    let (size, flags) = match bytes % 1024 {
        0 => (bytes / 1024, 0),
        _ => (bytes, c::DOMAIN_BLOCK_RESIZE_BYTES),
    };
    domain
        .block_resize(path, size, flags)
        .or_say(|| format!("Failed to resize block device '{}'", shown(path)))?;
    Ok(format!("Block device '{}' is resized", shown(path)).into())
}

/// A domain's document: its definition, if that is where the change goes.
fn document(domain: &Domain, of_definition: bool) -> std::result::Result<Value, Failure> {
    let flags = if of_definition { c::DOMAIN_XML_INACTIVE } else { 0 };
    xml_result::parsed(&domain.get_xml_description(flags)?)
}

/// A device's element as text.
fn text_of(name: &'static str, element: &Value) -> Result<String> {
    xml::to_xml(&Value::Map(Map::from_iter([(name, element.clone())])))
}

fn detach_disk(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let document = document(&domain, flags & c::DOMAIN_AFFECT_LIVE == 0 && flags != 0)?;
    let wanted = call.get(&TARGET)?;
    let is_it = |disk: &&&Value| {
        ["target.@dev", "source.@file", "source.@dev", "source.@dir", "source.@name"]
            .iter()
            .any(|path| disk.get_str(path).is_ok_and(|text| text == wanted))
    };
    let disks = xml_result::elements(&document, "domain.devices.disk");
    let disk = disks.iter().find(is_it).ok_or_else(|| {
        Failure::said(format!("No disk found whose source path or target is {wanted}"))
    })?;
    let text = text_of("disk", disk)?;
    if call.flag(&PRINT_XML) {
        return Ok(text.trim_end().into());
    }
    domain
        .detach_device(&c_text(text, || "the disk".to_owned())?, flags)
        .or_say(|| "Failed to detach disk".to_owned())?;
    Ok("Disk detached successfully".into())
}

fn detach_interface(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let document = document(&domain, flags & c::DOMAIN_AFFECT_LIVE == 0 && flags != 0)?;
    let kind = call.get(&TYPE)?;
    let mut interfaces = xml_result::elements(&document, "domain.devices.interface");
    interfaces.retain(|one| one.get_str("@type").is_ok_and(|found| found == kind));
    let one = match (call.get(&MAC), &*interfaces) {
        (_, []) => Err(format!("No interface found whose type is {kind}")),
        (None, [one]) => Ok(*one),
        (None, many) => Err(format!(
            "Domain has {} interfaces. Please specify which one to detach using --mac",
            many.len()
        )),
        (Some(mac), all) => {
            let same = |one: &&&Value| {
                one.get_str("mac.@address").is_ok_and(|found| found.eq_ignore_ascii_case(mac))
            };
            match &*all.iter().filter(same).collect::<Vec<_>>() {
                [] => Err(format!("No interface with MAC address {mac} was found")),
                [one] => Ok(**one),
                _ => Err(format!(
                    "Domain has multiple interfaces matching MAC address {mac}. You must use \
                     detach-device and specify the device pci address to remove it."
                )),
            }
        }
    };
    let text = text_of("interface", one.map_err(not_detached)?)?;
    if call.flag(&PRINT_XML) {
        return Ok(text.trim_end().into());
    }
    domain
        .detach_device(&c_text(text, || "the interface".to_owned())?, flags)
        .or_say(|| "Failed to detach interface".to_owned())?;
    Ok("Interface detached successfully".into())
}

/// What virsh says when it has not found the interface.
fn not_detached(why: String) -> Failure {
    Failure::said(format!("{why}\nerror: Failed to detach interface"))
}

/// The interface with this target or hardware address.
fn interface<'v>(document: &'v Value, wanted: &str) -> Option<&'v Value> {
    xml_result::elements(document, "domain.devices.interface").into_iter().find(|one| {
        one.get_str("target.@dev").is_ok_and(|name| name == wanted)
            || one.get_str("mac.@address").is_ok_and(|mac| mac.eq_ignore_ascii_case(wanted))
    })
}

fn if_getlink(call: &mut Call<'_>) -> Outcome {
    let document = document(&call.domain()?, call.flag(&CONFIG))?;
    let wanted = call.get(&INTERFACE)?;
    let Some(interface) = interface(&document, wanted) else {
        return Err(Failure::said(format!("Interface (dev: {wanted}) not found.")));
    };
    let state = interface.get_str("link.@state").unwrap_or("up");
    Ok(format!("{wanted} {state}").into())
}

fn if_setlink(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let (wanted, state) = (call.get(&INTERFACE)?, call.get(&STATE)?);
    let of_definition = call.flag(&CONFIG) || !domain.is_active()?;
    let document = document(&domain, of_definition)?;
    let Some(interface) = interface(&document, wanted) else {
        return Err(Failure::said(format!("interface '{wanted}' not found")));
    };
    let mut interface = interface.clone();
    let link = Map::from_iter([("@state", state)]);
    if let Value::Map(map) = &mut interface {
        map.insert("link", link);
    }
    let text = text_of("interface", &interface)?;
    if call.flag(&PRINT_XML) {
        return Ok(text.trim_end().into());
    }
    let flags = match of_definition {
        true => c::DOMAIN_AFFECT_CONFIG,
        false => c::DOMAIN_AFFECT_LIVE,
    };
    domain
        .update_device(&c_text(text, || "the interface".to_owned())?, flags)
        .or_say(|| "Failed to update interface link state".to_owned())?;
    Ok("Device updated successfully".into())
}
