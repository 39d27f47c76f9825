// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of the host's network interfaces.

use std::ffi::CString;

use super::frame::argument::{Document, Flag, Int, Needed, Optional, Text, flag, needed, optional};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, word};
use super::frame::failure::{Failure, Says};
use super::frame::given::{c_text, shown};
use super::xml_result;
use crate::constants as c;
use crate::core::Interface;
use crate::error::Result;
use crate::value::{Map, Value};
use crate::xml;

static INTERFACE: Needed<Text> = needed("interface", "name or MAC address of the interface");

/// What stays with the interface when it becomes part of a bridge; the rest goes to
/// the bridge.
const OF_THE_DEVICE: [&str; 3] = ["mac", "bond", "vlan"];

static BRIDGE: Needed<Text> = needed("bridge", "name of the bridge");
static DELAY: Optional<Int> = optional("delay", "forward delay of new ports in s; by default 0");
static NO_STP: Flag = flag("no_stp", "disable the spanning tree protocol");
static NO_START: Flag = flag("no_start", "do not start the bridge");
static INACTIVE: Flag = flag("inactive", "persistent definition");
static FILE: Needed<Document> = needed("file", "interface definition").root("interface");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");
static INTERFACE_NAME: Needed<Text> = needed("interface", "name of the interface");
static INTERFACE_MAC: Needed<Text> = needed("interface", "MAC address of the interface");
static UNBRIDGE_NO_START: Flag = flag("no_start", "do not start the interface");

pub(super) static COMMANDS: &[Command] = &[
    action("begin", "iface-begin", begin)
        .about("Begins a transaction of changes to the host's network interfaces."),
    action("bridge", "iface-bridge", bridge)
        .about("Creates a bridge and attaches an interface to it.")
        .takes(&[&INTERFACE, &BRIDGE, &DELAY, &NO_STP, &NO_START]),
    action("commit", "iface-commit", commit).about("Commits the changes of the transaction."),
    document("conf", "iface-dumpxml", conf)
        .about("Returns the live state or the definition of an interface.")
        .takes(&[&INTERFACE, &INACTIVE]),
    action("define", "iface-define", define)
        .about("Defines an interface without starting it, or changes its definition.")
        .takes(&[&FILE, &VALIDATE]),
    action("destroy", "iface-destroy", destroy)
        .about("Stops an interface (brings it down).")
        .takes(&[&INTERFACE]),
    word("mac", "iface-mac", mac)
        .about("Returns the MAC address of an interface by its name.")
        .takes(&[&INTERFACE_NAME]),
    word("name", "iface-name", name)
        .about("Returns the name of an interface by its MAC address.")
        .takes(&[&INTERFACE_MAC]),
    action("rollback", "iface-rollback", rollback)
        .about("Rolls back the changes of the transaction."),
    action("start", "iface-start", start)
        .about("Starts an interface (brings it up).")
        .takes(&[&INTERFACE]),
    action("unbridge", "iface-unbridge", unbridge)
        .about("Removes a bridge and detaches its interface.")
        .takes(&[&BRIDGE, &UNBRIDGE_NO_START]),
    action("undefine", "iface-undefine", undefine)
        .about("Removes the definition of an interface.")
        .takes(&[&INTERFACE]),
];

type Found = std::result::Result<Interface, Failure>;

fn begin(call: &mut Call<'_>) -> Outcome {
    call.conn()
        .interface_change_begin(0)
        .or_say(|| "Failed to begin network config change transaction".to_owned())?;
    Ok("Network config change transaction started".into())
}

fn commit(call: &mut Call<'_>) -> Outcome {
    call.conn()
        .interface_change_commit(0)
        .or_say(|| "Failed to commit network config change transaction".to_owned())?;
    Ok("Network config change transaction committed".into())
}

fn rollback(call: &mut Call<'_>) -> Outcome {
    call.conn()
        .interface_change_rollback(0)
        .or_say(|| "Failed to rollback network config change transaction".to_owned())?;
    Ok("Network config change transaction rolled back".into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[(&INACTIVE, c::INTERFACE_XML_INACTIVE)]);
    xml_result::document(&interface(call)?.get_xml_description(flags)?, "interface", &[])
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[(&VALIDATE, c::INTERFACE_DEFINE_VALIDATE)]);
    let interface = call
        .conn()
        .define_interface(&document.xml, flags)
        .or_say(|| format!("Failed to define interface from {}", document.file))?;
    Ok(format!("Interface {} defined from {}", shown(interface.get_name()?), document.file).into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let interface = interface(call)?;
    let name = call.get(&INTERFACE)?;
    interface.destroy(0).or_say(|| format!("Failed to destroy interface {name}"))?;
    Ok(format!("Interface {name} destroyed").into())
}

fn start(call: &mut Call<'_>) -> Outcome {
    let interface = interface(call)?;
    let name = call.get(&INTERFACE)?;
    interface.create(0).or_say(|| format!("Failed to start interface {name}"))?;
    Ok(format!("Interface {name} started").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let interface = interface(call)?;
    let name = call.get(&INTERFACE)?;
    interface.undefine().or_say(|| format!("Failed to undefine interface {name}"))?;
    Ok(format!("Interface {name} undefined").into())
}

fn mac(call: &mut Call<'_>) -> Outcome {
    Ok(shown(by_name(call, &INTERFACE_NAME)?.get_mac()?).into())
}

fn name(call: &mut Call<'_>) -> Outcome {
    let address = call.c_text(&INTERFACE_MAC)?;
    let found = match is_mac(shown(address)) {
        true => call.conn().get_interface_by_mac(address).or_say(|| not_found(shown(address)))?,
        false => {
            return Err(Failure::refused(INTERFACE_MAC.name(), not_found(shown(address))));
        }
    };
    Ok(shown(found.get_name()?).into())
}

fn bridge(call: &mut Call<'_>) -> Outcome {
    let interface = interface(call)?;
    let (name, bridge) = (shown(interface.get_name()?), call.get(&BRIDGE)?);
    if call.conn().get_interface_by_name(call.c_text(&BRIDGE)?).is_ok() {
        return Err(Failure::said(format!("Network device {bridge} already exists")));
    }
    let document = definition(&interface)?;
    let kind = document
        .get_str("@type")
        .map_err(|_| Failure::said(format!("Existing device {name} has no type")))?;
    if kind == "bridge" {
        return Err(Failure::said(format!("Existing device {name} is already a bridge")));
    }
    let stp = if call.flag(&NO_STP) { "off" } else { "on" };
    let delay = call.get(&DELAY).unwrap_or_default();
    let document = bridged(&document, kind, name, bridge, stp, delay);
    call.conn()
        .define_interface(&written(document)?, 0)
        .or_say(|| format!("Failed to define new bridge interface {bridge}"))?;
    let created = format!("Created bridge {bridge} with attached device {name}");
    if call.flag(&NO_START) {
        return Ok(created.into());
    }
    by_name(call, &BRIDGE)?
        .create(0)
        .or_say(|| format!("Failed to start bridge interface {bridge}"))
        .map_err(|failure| failure.after(created.clone()))?;
    Ok(format!("{created}\nBridge interface {bridge} started").into())
}

/// The definition of a bridge that takes an interface over.
fn bridged(interface: &Value, kind: &str, name: &str, bridge: &str, stp: &str, delay: i64) -> Map {
    let mut device = Map::from_iter([("@type", kind), ("@name", name)]);
    let mut whole = Map::from_iter([("@type", "bridge"), ("@name", bridge)]);
    for (key, part) in interface.get_map("").into_iter().flatten() {
        if OF_THE_DEVICE.contains(&key) {
            device.insert(key.to_owned(), part.clone());
        } else if !key.starts_with('@') {
            whole.insert(key.to_owned(), part.clone());
        }
    }
    let mut inner = Map::from_iter([("@stp", stp)]);
    if stp == "on" {
        inner.insert("@delay", delay);
    }
    inner.insert("interface", device);
    whole.insert("bridge", inner);
    whole
}

fn unbridge(call: &mut Call<'_>) -> Outcome {
    let found = by_name(call, &BRIDGE)?;
    let bridge = call.get(&BRIDGE)?;
    let document = definition(&found)?;
    if document.get_str("@type").ok() != Some("bridge") {
        return Err(Failure::said(format!("Device {bridge} is not a bridge")));
    }
    let attached = xml_result::elements(&document, "bridge.interface");
    let device = match attached[..] {
        [Value::Map(device)] => device,
        [] => return Err(Failure::said("No interface attached to bridge")),
        _ => return Err(Failure::said("Multiple interfaces attached to bridge")),
    };
    let name = match device.get("@name") {
        Some(Value::String(name)) => name.clone(),
        _ => {
            let said = format!("Device attached to bridge {bridge} has no name");
            return Err(Failure::said(said));
        }
    };
    let mut freed = device.clone();
    for (key, part) in document.get_map("").into_iter().flatten() {
        if !key.starts_with('@') && key != "bridge" {
            freed.insert(key.to_owned(), part.clone());
        }
    }
    let freed = written(freed)?;
    if found.is_active()? {
        found.destroy(0).or_say(|| format!("Failed to destroy bridge interface {bridge}"))?;
    }
    found.undefine().or_say(|| format!("Failed to undefine bridge interface {bridge}"))?;
    let interface = call
        .conn()
        .define_interface(&freed, 0)
        .or_say(|| format!("Failed to define new interface {name}"))?;
    let done = format!("Device {name} un-attached from bridge {bridge}");
    if call.flag(&UNBRIDGE_NO_START) {
        return Ok(done.into());
    }
    interface
        .create(0)
        .or_say(|| format!("Failed to start interface {name}"))
        .map_err(|failure| failure.after(done.clone()))?;
    Ok(format!("{done}\nInterface {name} started").into())
}

/// The definition of an interface, without the root element.
fn definition(interface: &Interface) -> Outcome {
    let text = interface.get_xml_description(c::INTERFACE_XML_INACTIVE)?;
    xml_result::document(&text, "interface", &[])
}

fn written(interface: Map) -> Result<CString> {
    let text = xml::to_xml(&Map::from_iter([("interface", interface)]).into())?;
    c_text(text, || "the interface".to_owned())
}

/// By name, and if there is none, by hardware address.
fn interface(call: &Call<'_>) -> Found {
    let given = call.c_text(&INTERFACE)?;
    let by_mac = is_mac(shown(given)).then(|| call.conn().get_interface_by_mac(given));
    match by_mac {
        Some(Ok(found)) => Ok(found),
        _ => by_name(call, &INTERFACE),
    }
}

fn by_name(call: &Call<'_>, argument: &'static Needed<Text>) -> Found {
    let name = call.c_text(argument)?;
    call.conn().get_interface_by_name(name).or_say(|| not_found(shown(name)))
}

fn not_found(name: &str) -> String {
    format!("failed to get interface '{name}'")
}

fn is_mac(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == 6
        && parts.iter().all(|part| {
            (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}
