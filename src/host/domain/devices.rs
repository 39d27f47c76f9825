//! Devices of domains that come, change and go.

use virt::sys;

use super::{CONFIG, CURRENT, DOMAIN, LIVE, attach, place};
use crate::core::Domain;
use crate::error::Result;
use crate::host::frame::argument::{ANY_ROOT, Argument, Kind, Shape, flag, needed, optional};
use crate::host::frame::call::{Call, Command, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::{c_text, shown};
use crate::host::frame::words::Words;
use crate::host::xml_result;
use crate::value::{Map, Value};
use crate::xml;

const FILE: Argument = needed("file", Kind::Document(ANY_ROOT), "the device");
const PERSISTENT: Argument =
    flag("persistent", "while it runs and when it starts next").excludes(&["current"]);
const PRINT_XML: Argument = flag("print_xml", "only give the device as text");
const INTERFACE: Argument = needed("interface", Kind::Text, "its target or hardware address");
const ALIAS: Argument = optional("alias", Kind::Text, "the device's alias");

const ATTACH: Command = Command {
    name: "attach_device",
    virsh: "attach-device",
    about: "Attaches a device.",
    shape: Shape::None,
    arguments: &[DOMAIN, FILE, PERSISTENT, CONFIG, LIVE, CURRENT],
    progress: false,
    run: attach_device,
};

const DISK_MODES: Words =
    Words::new(&["readonly", "shareable"], "No support for {} in command 'attach-disk'");
const INTERFACE_TYPES: Words = Words::new(
    &["network", "bridge", "direct", "hostdev", "vhostuser"],
    "No support for {} in command 'attach-interface'",
);

pub const COMMANDS: &[Command] = &[
    ATTACH,
    Command {
        name: "attach_disk",
        virsh: "attach-disk",
        about: "Attaches a disk.",
        arguments: &[
            DOMAIN,
            needed("source", Kind::Text, "where its data are"),
            needed("target", Kind::Text, "its name in the guest, like vdb"),
            optional("targetbus", Kind::Text, "its bus, like virtio"),
            optional("driver", Kind::Text, "its driver, like qemu"),
            optional("subdriver", Kind::Text, "its format, like qcow2"),
            optional("iothread", Kind::Text, "the number of its I/O thread"),
            optional("cache", Kind::Text, "how it is cached"),
            optional("io", Kind::Text, "its way of I/O"),
            optional("type", Kind::Text, "disk, cdrom, floppy or lun"),
            optional("mode", Kind::Text, "readonly or shareable").one_of(&DISK_MODES),
            optional("sourcetype", Kind::Text, "file, block or network")
                .one_of(&Words::new(&["file", "block", "network"], "Unknown source type: '{}'")),
            optional("source_protocol", Kind::Text, "the protocol of a network, like nbd"),
            optional("source_host_name", Kind::Text, "its host: NAME or NAME:PORT")
                .requires(&[&["source_protocol"]])
                .excludes(&["source_host_socket"]),
            optional("source_host_transport", Kind::Text, "its transport, like tcp or unix")
                .requires(&[&["source_protocol"]]),
            optional("source_host_socket", Kind::Text, "its socket, in place of a host")
                .requires(&[&["source_protocol"], &["source_host_transport"]]),
            optional("serial", Kind::Text, "its serial number"),
            optional("wwn", Kind::Text, "its world-wide name"),
            ALIAS,
            optional("address", Kind::Text, "its place in the guest, like pci:0000.00.05.0"),
            flag("multifunction", "with a PCI address: its slot has other functions"),
            flag("rawio", "it needs the right to raw I/O"),
            PRINT_XML,
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: attach::attach_disk,
        ..ATTACH
    },
    Command {
        name: "attach_interface",
        virsh: "attach-interface",
        about: "Attaches a network interface.",
        arguments: &[
            DOMAIN,
            needed("type", Kind::Text, "network, bridge, direct, hostdev or vhostuser")
                .one_of(&INTERFACE_TYPES),
            needed("source", Kind::Text, "the network, bridge, device, PCI address or socket"),
            optional("target", Kind::Text, "its name on the host"),
            optional("mac", Kind::Text, "its hardware address"),
            optional("script", Kind::Text, "the program that sets it up"),
            optional("model", Kind::Text, "its model, like virtio"),
            ALIAS,
            optional("inbound", Kind::Text, "AVERAGE,PEAK,BURST,FLOOR, in KiB/s and KiB"),
            optional("outbound", Kind::Text, "AVERAGE,PEAK,BURST"),
            optional("source_mode", Kind::Text, "server or client; needed for vhostuser")
                .one_of(&Words::new(&["server", "client"], "Invalid source mode: {}")),
            flag("managed", "libvirt takes a host device from the host and gives it back"),
            PRINT_XML,
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: attach::attach_interface,
        ..ATTACH
    },
    Command {
        name: "blockresize",
        virsh: "blockresize",
        about: "Changes the size of a disk of a running domain.",
        arguments: &[
            DOMAIN,
            needed("path", Kind::Text, "the disk: its target or source"),
            needed("size", Kind::Size(1024), "its new size; a plain number is in KiB"),
        ],
        run: blockresize,
        ..ATTACH
    },
    Command {
        name: "detach_device",
        virsh: "detach-device",
        about: "Detaches a device.",
        run: detach_device,
        ..ATTACH
    },
    Command {
        name: "detach_disk",
        virsh: "detach-disk",
        about: "Detaches a disk.",
        arguments: &[
            DOMAIN,
            needed("target", Kind::Text, "the disk: its target or source"),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            PRINT_XML,
        ],
        run: detach_disk,
        ..ATTACH
    },
    Command {
        name: "detach_interface",
        virsh: "detach-interface",
        about: "Detaches a network interface.",
        arguments: &[
            DOMAIN,
            needed("type", Kind::Text, "network, bridge and so on"),
            optional("mac", Kind::Text, "its hardware address, if there are several"),
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            PRINT_XML,
        ],
        run: detach_interface,
        ..ATTACH
    },
    Command {
        name: "if_getlink",
        virsh: "domif-getlink",
        about: "Gets whether the link of a network interface is up.",
        arguments: &[DOMAIN, INTERFACE, CONFIG],
        run: if_getlink,
        ..ATTACH
    },
    Command {
        name: "if_setlink",
        virsh: "domif-setlink",
        about: "Puts the link of a network interface up or down.",
        arguments: &[
            DOMAIN,
            INTERFACE,
            needed("state", Kind::Text, "up or down")
                .one_of(&Words::new(&["up", "down"], "invalid link state '{}'")),
            CONFIG,
            PRINT_XML,
        ],
        run: if_setlink,
        ..ATTACH
    },
    Command {
        name: "update_device",
        virsh: "update-device",
        about: "Changes a device.",
        arguments: &[
            DOMAIN,
            FILE,
            PERSISTENT,
            CONFIG,
            LIVE,
            CURRENT,
            flag("force", "even if the guest does not let go of a medium"),
        ],
        run: update_device,
        ..ATTACH
    },
];

fn attach_device(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let device = call.document("file")?;
    domain
        .attach_device(&device.xml, flags)
        .or_say(|| format!("Failed to attach device from {}", device.file))?;
    Ok("Device attached successfully".into())
}

fn detach_device(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let device = call.document("file")?;
    domain
        .detach_device(&device.xml, flags)
        .or_say(|| format!("Failed to detach device from {}", device.file))?;
    Ok("Device detached successfully".into())
}

fn update_device(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags =
        place(call, &domain)? | call.flags(&[("force", sys::VIR_DOMAIN_DEVICE_MODIFY_FORCE)]);
    let device = call.document("file")?;
    domain
        .update_device(&device.xml, flags)
        .or_say(|| format!("Failed to update device from {}", device.file))?;
    Ok("Device updated successfully".into())
}

fn blockresize(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let path = call.needed_text("path")?;
    let bytes = call.size("size").unwrap_or_default();
    // libvirt counts in KiB, unless it is told otherwise.
    let (size, flags) = match bytes % 1024 {
        0 => (bytes / 1024, 0),
        _ => (bytes, sys::VIR_DOMAIN_BLOCK_RESIZE_BYTES),
    };
    domain
        .block_resize(path, size, flags)
        .or_say(|| format!("Failed to resize block device '{}'", shown(path)))?;
    Ok(format!("Block device '{}' is resized", shown(path)).into())
}

/// A domain's document: its definition, if that is where the change goes.
fn document(domain: &Domain, of_definition: bool) -> std::result::Result<Value, Failure> {
    let flags = if of_definition { sys::VIR_DOMAIN_XML_INACTIVE } else { 0 };
    xml_result::parsed(&domain.get_xml_description(flags)?)
}

/// A device's element as text.
fn text_of(name: &'static str, element: &Value) -> Result<String> {
    xml::to_xml(&Value::Map(Map::from_iter([(name, element.clone())])))
}

fn detach_disk(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let document = document(&domain, flags & sys::VIR_DOMAIN_AFFECT_LIVE == 0 && flags != 0)?;
    let wanted = call.needed_str("target")?;
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
    if call.flag("print_xml") {
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
    let document = document(&domain, flags & sys::VIR_DOMAIN_AFFECT_LIVE == 0 && flags != 0)?;
    let kind = call.needed_str("type")?;
    let mut interfaces = xml_result::elements(&document, "domain.devices.interface");
    interfaces.retain(|one| one.get_str("@type").is_ok_and(|found| found == kind));
    let one = match (call.str("mac"), &*interfaces) {
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
    if call.flag("print_xml") {
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
    let document = document(&call.domain()?, call.flag("config"))?;
    let wanted = call.needed_str("interface")?;
    let Some(interface) = interface(&document, wanted) else {
        return Err(Failure::said(format!("Interface (dev: {wanted}) not found.")));
    };
    let state = interface.get_str("link.@state").unwrap_or("up");
    Ok(format!("{wanted} {state}").into())
}

fn if_setlink(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let (wanted, state) = (call.needed_str("interface")?, call.needed_str("state")?);
    let of_definition = call.flag("config") || !domain.is_active()?;
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
    if call.flag("print_xml") {
        return Ok(text.trim_end().into());
    }
    let flags = match of_definition {
        true => sys::VIR_DOMAIN_AFFECT_CONFIG,
        false => sys::VIR_DOMAIN_AFFECT_LIVE,
    };
    domain
        .update_device(&c_text(text, || "the interface".to_owned())?, flags)
        .or_say(|| "Failed to update interface link state".to_owned())?;
    Ok("Device updated successfully".into())
}
