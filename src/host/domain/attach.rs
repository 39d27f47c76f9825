// SPDX-License-Identifier: LGPL-2.1-or-later
//! Disks and network interfaces that are described by arguments.

use super::place;
use crate::host::frame::argument::{Flag, Listed, Needed, Optional, Text, flag, needed, optional};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::words::Words;
use crate::host::markup::Markup;

type Result<T> = std::result::Result<T, Failure>;

pub static PRINT_XML: Flag = flag("print_xml", "only return the device's XML");
static ALIAS: Optional<Text> = optional("alias", "alias of the device");
const DISK_MODES: Words =
    Words::new(&["readonly", "shareable"], "No support for {} in command 'attach-disk'");

static SOURCE: Needed<Text> = needed("source", "source of the disk");
static TARGET: Needed<Text> = needed("target", "target device name, such as vdb");
static TARGETBUS: Optional<Text> = optional("targetbus", "bus, such as virtio");
static DRIVER: Optional<Text> = optional("driver", "driver, such as qemu");
static SUBDRIVER: Optional<Text> = optional("subdriver", "format, such as qcow2");
static IOTHREAD: Optional<Text> = optional("iothread", "number of the I/O thread");
static CACHE: Optional<Text> = optional("cache", "cache mode");
static IO: Optional<Text> = optional("io", "I/O mode");
static TYPE: Optional<Text> = optional("type", "disk, cdrom, floppy or lun");
static MODE: Optional<Text> = optional("mode", "readonly or shareable").one_of(&DISK_MODES);
static SOURCETYPE: Optional<Text> = optional("sourcetype", "file, block or network")
    .one_of(&Words::new(&["file", "block", "network"], "Unknown source type: '{}'"));
static SOURCE_PROTOCOL: Optional<Text> =
    optional("source_protocol", "network protocol, such as nbd");
static SOURCE_HOST_NAME: Optional<Text> =
    optional("source_host_name", "network host: NAME or NAME:PORT")
        .requires(&[&[&SOURCE_PROTOCOL]])
        .excludes(&[&SOURCE_HOST_SOCKET]);
static SOURCE_HOST_TRANSPORT: Optional<Text> =
    optional("source_host_transport", "network transport, such as tcp or unix")
        .requires(&[&[&SOURCE_PROTOCOL]]);
static SOURCE_HOST_SOCKET: Optional<Text> =
    optional("source_host_socket", "socket, instead of a host")
        .requires(&[&[&SOURCE_PROTOCOL], &[&SOURCE_HOST_TRANSPORT]]);
static SERIAL: Optional<Text> = optional("serial", "serial number");
static WWN: Optional<Text> = optional("wwn", "world wide name");
static ADDRESS: Optional<Text> =
    optional("address", "address in the guest, such as pci:0000.00.05.0");
static MULTIFUNCTION: Flag = flag("multifunction", "with a PCI address: multifunction device");
static RAWIO: Flag = flag("rawio", "the device needs the raw I/O capability");
/// What describes a disk.
pub static DISK: Listed = &[
    &SOURCE,
    &TARGET,
    &TARGETBUS,
    &DRIVER,
    &SUBDRIVER,
    &IOTHREAD,
    &CACHE,
    &IO,
    &TYPE,
    &MODE,
    &SOURCETYPE,
    &SOURCE_PROTOCOL,
    &SOURCE_HOST_NAME,
    &SOURCE_HOST_TRANSPORT,
    &SOURCE_HOST_SOCKET,
    &SERIAL,
    &WWN,
    &ALIAS,
    &ADDRESS,
    &MULTIFUNCTION,
    &RAWIO,
];

const INTERFACE_TYPES: Words = Words::new(
    &["network", "bridge", "direct", "hostdev", "vhostuser"],
    "No support for {} in command 'attach-interface'",
);

static INTERFACE_TYPE: Needed<Text> =
    needed("type", "network, bridge, direct, hostdev or vhostuser").one_of(&INTERFACE_TYPES);
static INTERFACE_SOURCE: Needed<Text> =
    needed("source", "network, bridge, device, PCI address or socket");
static INTERFACE_TARGET: Optional<Text> = optional("target", "name of the interface on the host");
static MAC: Optional<Text> = optional("mac", "MAC address");
static SCRIPT: Optional<Text> = optional("script", "script that configures the interface");
static MODEL: Optional<Text> = optional("model", "model, such as virtio");
static INBOUND: Optional<Text> =
    optional("inbound", "inbound bandwidth: AVERAGE,PEAK,BURST,FLOOR, in KiB/s and KiB");
static OUTBOUND: Optional<Text> =
    optional("outbound", "outbound bandwidth: AVERAGE,PEAK,BURST, in KiB/s and KiB");
static SOURCE_MODE: Optional<Text> =
    optional("source_mode", "server or client; required for vhostuser")
        .one_of(&Words::new(&["server", "client"], "Invalid source mode: {}"));
static MANAGED: Flag =
    flag("managed", "libvirt detaches a host device from the host and reattaches it");
/// What describes a network interface.
pub static INTERFACE: Listed = &[
    &INTERFACE_TYPE,
    &INTERFACE_SOURCE,
    &INTERFACE_TARGET,
    &MAC,
    &SCRIPT,
    &MODEL,
    &ALIAS,
    &INBOUND,
    &OUTBOUND,
    &SOURCE_MODE,
    &MANAGED,
];

pub fn attach_disk(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let markup = disk(call)?;
    if call.flag(&PRINT_XML) {
        return Ok(markup.text()?.trim_end().into());
    }
    domain.attach_device(&markup.xml()?, flags).or_say(|| "Failed to attach disk".to_owned())?;
    Ok("Disk attached successfully".into())
}

/// The disk that the arguments describe.
fn disk(call: &Call<'_>) -> Result<Markup> {
    let source = call.get(&SOURCE)?;
    let attribute = source_attribute(call, source)?;
    let kind = match attribute {
        "dev" => "block",
        "name" => "network",
        _ => "file",
    };
    let mode = call.get(&MODE);
    let raw_io = call.flag(&RAWIO).then_some("yes");
    let mut markup = Markup::default();
    markup.open("disk", &[("type", Some(kind)), ("device", call.get(&TYPE)), ("rawio", raw_io)]);
    let driver = [
        ("name", call.get(&DRIVER)),
        ("type", call.get(&SUBDRIVER)),
        ("iothread", call.get(&IOTHREAD)),
        ("cache", call.get(&CACHE)),
        ("io", call.get(&IO)),
    ];
    if driver.iter().any(|(_, value)| value.is_some()) {
        markup.empty("driver", &driver);
    }
    if kind == "network" {
        network_source(call, &mut markup, source);
    } else if !source.is_empty() {
        markup.empty("source", &[(attribute, Some(source))]);
    }
    markup.empty("target", &[("dev", Some(call.get(&TARGET)?)), ("bus", call.get(&TARGETBUS))]);
    if let Some(mode) = mode {
        markup.empty(mode, &[]);
    }
    markup.leaf_of("serial", call.get(&SERIAL));
    markup.empty_of("alias", "name", call.get(&ALIAS));
    markup.leaf_of("wwn", call.get(&WWN));
    if let Some(address) = call.get(&ADDRESS) {
        disk_address(call, &mut markup, address)?;
    }
    markup.close("disk");
    Ok(markup)
}

/// Which attribute of a disk's source names its data.
fn source_attribute(call: &Call<'_>, source: &str) -> Result<&'static str> {
    let protocol = call.given(&SOURCE_PROTOCOL);
    let attribute = match call.get(&SOURCETYPE) {
        None if protocol => "name",
        // What is a block device can only be told where it is: on this machine.
        None if source.starts_with("/dev/") => "dev",
        Some("block") => "dev",
        Some("network") => "name",
        _ => "file",
    };
    if protocol != (attribute == "name") {
        let said = "--source-protocol option requires --sourcetype network";
        return Err(Failure::refused(SOURCE_PROTOCOL.name(), said));
    }
    Ok(attribute)
}

/// Data that another host serves.
fn network_source(call: &Call<'_>, markup: &mut Markup, source: &str) {
    let attributes = [
        ("protocol", call.get(&SOURCE_PROTOCOL)),
        ("name", Some(source).filter(|s| !s.is_empty())),
    ];
    let (name, port) = match call.get(&SOURCE_HOST_NAME) {
        // An IPv6 address has colons of its own, unless it is in brackets.
        Some(host) => match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((address, port)) => (Some(address), port.strip_prefix(':')),
            None => match host.split_once(':') {
                Some((name, port)) if !port.contains(':') => (Some(name), Some(port)),
                _ => (Some(host), None),
            },
        },
        None => (None, None),
    };
    let host = [
        ("transport", call.get(&SOURCE_HOST_TRANSPORT)),
        ("name", name),
        ("port", port),
        ("socket", call.get(&SOURCE_HOST_SOCKET)),
    ];
    if host.iter().all(|(_, value)| value.is_none()) {
        return markup.empty("source", &attributes);
    }
    markup.open("source", &attributes);
    markup.empty("host", &host);
    markup.close("source");
}

/// A disk's place in the guest, such as pci:0000.00.05.0.
fn disk_address(call: &Call<'_>, markup: &mut Markup, text: &str) -> Result<()> {
    let refused = |said| Failure::refused(ADDRESS.name(), said);
    let invalid = || refused(format!("Invalid address: {text}"));
    let (kind, places) = text.split_once(':').ok_or_else(invalid)?;
    let radix = if ["pci", "ccw"].contains(&kind) { 16 } else { 10 };
    let numbers = places.split('.').map(|place| number(place, radix)).collect::<Option<Vec<_>>>();
    let of_kind = match (kind, numbers.as_deref()) {
        ("pci", Some(&[domain, bus, slot, function])) => vec![
            ("type", "pci".to_owned()),
            ("domain", format!("{domain:#06x}")),
            ("bus", format!("{bus:#04x}")),
            ("slot", format!("{slot:#04x}")),
            ("function", format!("{function:#x}")),
        ],
        ("ccw", Some(&[cssid, ssid, devno])) => vec![
            ("type", "ccw".to_owned()),
            ("cssid", format!("{cssid:#04x}")),
            ("ssid", format!("{ssid:#x}")),
            ("devno", format!("{devno:#06x}")),
        ],
        ("scsi" | "ide" | "sata", Some(&[controller, bus, unit])) => vec![
            ("type", "drive".to_owned()),
            ("controller", controller.to_string()),
            ("bus", bus.to_string()),
            ("unit", unit.to_string()),
        ],
        ("usb", Some(&[bus, port])) => {
            vec![("type", "usb".to_owned()), ("bus", bus.to_string()), ("port", port.to_string())]
        }
        _ => return Err(invalid()),
    };
    // Disks whose names tell their bus have places there.
    let expected: Option<(&[&str], &str)> = match call.get(&TARGET)?.get(..2) {
        Some("vd") => Some((&["pci", "ccw"], "a pci:0000.00.00.00 or ccw:00.0.0000 address.")),
        Some("sd") => Some((
            &["scsi", "usb", "sata"],
            "a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address.",
        )),
        Some("hd") => Some((&["ide"], "an ide:00.00.00 address.")),
        _ => None,
    };
    if let Some((_, form)) = expected.filter(|(kinds, _)| !kinds.contains(&kind)) {
        return Err(refused(format!("expecting {form}")));
    }
    let mut attributes: Vec<_> =
        of_kind.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
    if kind == "pci" && call.flag(&MULTIFUNCTION) {
        attributes.push(("multifunction", Some("on")));
    }
    markup.empty("address", &attributes);
    Ok(())
}

/// A number of an address; hexadecimal ones may begin with 0x.
fn number(text: &str, radix: u32) -> Option<u32> {
    let digits = match radix {
        16 => text.strip_prefix("0x").unwrap_or(text),
        _ => text,
    };
    // A sign is no digit.
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
}

pub fn attach_interface(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let markup = interface(call)?;
    if call.flag(&PRINT_XML) {
        return Ok(markup.text()?.trim_end().into());
    }
    domain
        .attach_device(&markup.xml()?, flags)
        .or_say(|| "Failed to attach interface".to_owned())?;
    Ok("Interface attached successfully".into())
}

/// The network interface that the arguments describe.
fn interface(call: &Call<'_>) -> Result<Markup> {
    let kind = call.get(&INTERFACE_TYPE)?;
    let mode = call.get(&SOURCE_MODE);
    let managed = call.flag(&MANAGED).then_some("yes");
    let source = call.get(&INTERFACE_SOURCE)?;
    let mut markup = Markup::default();
    markup.open("interface", &[("type", Some(kind)), ("managed", managed)]);
    match kind {
        "direct" => markup.empty("source", &[("dev", Some(source))]),
        "hostdev" => host_device(source, &mut markup)?,
        "vhostuser" if mode.is_none() => {
            return Err(Failure::refused(SOURCE_MODE.name(), "source-mode is mandatory"));
        }
        "vhostuser" => {
            markup
                .empty("source", &[("type", Some("unix")), ("path", Some(source)), ("mode", mode)]);
        }
        // Networks and bridges.
        named => markup.empty("source", &[(named, Some(source))]),
    }
    markup.empty_of("target", "dev", call.get(&INTERFACE_TARGET));
    markup.empty_of("mac", "address", call.get(&MAC));
    markup.empty_of("script", "path", call.get(&SCRIPT));
    markup.empty_of("model", "type", call.get(&MODEL));
    markup.empty_of("alias", "name", call.get(&ALIAS));
    if call.given(&INBOUND) || call.given(&OUTBOUND) {
        markup.open("bandwidth", &[]);
        for direction in [&INBOUND, &OUTBOUND] {
            bandwidth(call, &mut markup, direction)?;
        }
        markup.close("bandwidth");
    }
    markup.close("interface");
    Ok(markup)
}

/// A device of the host: DOMAIN:BUS:SLOT.FUNCTION, in hexadecimal.
fn host_device(text: &str, markup: &mut Markup) -> Result<()> {
    let parts = || {
        let (domain, rest) = text.split_once(':')?;
        let (bus, rest) = rest.split_once(':')?;
        let (slot, function) = rest.split_once('.')?;
        Some([number(domain, 16)?, number(bus, 16)?, number(slot, 16)?, number(function, 16)?])
    };
    let Some([domain, bus, slot, function]) = parts() else {
        let said = format!("cannot parse pci address '{text}' for network interface");
        return Err(Failure::refused(INTERFACE_SOURCE.name(), said));
    };
    markup.open("source", &[]);
    markup.empty(
        "address",
        &[
            ("type", Some("pci")),
            ("domain", Some(&format!("{domain:#06x}"))),
            ("bus", Some(&format!("{bus:#04x}"))),
            ("slot", Some(&format!("{slot:#04x}"))),
            ("function", Some(&format!("{function:#x}"))),
        ],
    );
    markup.close("source");
    Ok(())
}

fn bandwidth(
    call: &Call<'_>,
    markup: &mut Markup,
    direction: &'static Optional<Text>,
) -> Result<()> {
    let name = direction.name();
    let Some(text) = call.get(direction) else {
        return Ok(());
    };
    let mut parts = text.split(',').map(|part| Some(part).filter(|part| !part.is_empty()));
    let mut part = || parts.next().flatten();
    let attributes = [("average", part()), ("peak", part()), ("burst", part()), ("floor", part())];
    let numbers = attributes.iter().filter_map(|(_, value)| *value);
    if numbers.clone().any(|number| number.parse::<u64>().is_err()) {
        return Err(Failure::refused(name, format!("{name} format is incorrect: {text}")));
    }
    markup.empty(name, &attributes);
    Ok(())
}
