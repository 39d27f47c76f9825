//! Disks and network interfaces that are described by arguments.

use super::place;
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::markup::Markup;

type Result<T> = std::result::Result<T, Failure>;

pub fn attach_disk(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = place(call, &domain)?;
    let markup = disk(call)?;
    if call.flag("print_xml") {
        return Ok(markup.text().trim_end().into());
    }
    domain.attach_device(&markup.xml()?, flags).or_say(|| "Failed to attach disk".to_owned())?;
    Ok("Disk attached successfully".into())
}

/// The disk that the arguments describe.
fn disk(call: &Call<'_>) -> Result<Markup> {
    let source = call.needed_str("source")?;
    let attribute = source_attribute(call, source)?;
    let kind = match attribute {
        "dev" => "block",
        "name" => "network",
        _ => "file",
    };
    let mode = call.str("mode");
    let raw_io = call.flag("rawio").then_some("yes");
    let mut markup = Markup::default();
    markup.open("disk", &[("type", Some(kind)), ("device", call.str("type")), ("rawio", raw_io)]);
    let driver = [
        ("name", call.str("driver")),
        ("type", call.str("subdriver")),
        ("iothread", call.str("iothread")),
        ("cache", call.str("cache")),
        ("io", call.str("io")),
    ];
    if driver.iter().any(|(_, value)| value.is_some()) {
        markup.empty("driver", &driver);
    }
    if kind == "network" {
        network_source(call, &mut markup, source);
    } else if !source.is_empty() {
        markup.empty("source", &[(attribute, Some(source))]);
    }
    markup.empty("target", &[("dev", call.str("target")), ("bus", call.str("targetbus"))]);
    if let Some(mode) = mode {
        markup.empty(mode, &[]);
    }
    markup.leaf_of("serial", call.str("serial"));
    markup.empty_of("alias", "name", call.str("alias"));
    markup.leaf_of("wwn", call.str("wwn"));
    if let Some(address) = call.str("address") {
        disk_address(call, &mut markup, address)?;
    }
    markup.close("disk");
    Ok(markup)
}

/// Which attribute of a disk's source names its data.
fn source_attribute(call: &Call<'_>, source: &str) -> Result<&'static str> {
    let protocol = call.given("source_protocol");
    let attribute = match call.str("sourcetype") {
        None if protocol => "name",
        // What is a block device can only be told where it is: on this machine.
        None if source.starts_with("/dev/") => "dev",
        Some("block") => "dev",
        Some("network") => "name",
        _ => "file",
    };
    if protocol != (attribute == "name") {
        return Err(Failure::said("--source-protocol option requires --sourcetype network"));
    }
    Ok(attribute)
}

/// Data that another host serves.
fn network_source(call: &Call<'_>, markup: &mut Markup, source: &str) {
    let attributes = [
        ("protocol", call.str("source_protocol")),
        ("name", Some(source).filter(|s| !s.is_empty())),
    ];
    let (name, port) = match call.str("source_host_name") {
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
        ("transport", call.str("source_host_transport")),
        ("name", name),
        ("port", port),
        ("socket", call.str("source_host_socket")),
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
    let invalid = || Failure::said(format!("Invalid address: {text}"));
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
    let expected: Option<(&[&str], &str)> = match call.needed_str("target")?.get(..2) {
        Some("vd") => Some((&["pci", "ccw"], "a pci:0000.00.00.00 or ccw:00.0.0000 address.")),
        Some("sd") => Some((
            &["scsi", "usb", "sata"],
            "a scsi:00.00.00 or usb:00.00 or sata:00.00.00 address.",
        )),
        Some("hd") => Some((&["ide"], "an ide:00.00.00 address.")),
        _ => None,
    };
    if let Some((_, form)) = expected.filter(|(kinds, _)| !kinds.contains(&kind)) {
        return Err(Failure::said(format!("expecting {form}")));
    }
    let mut attributes: Vec<_> =
        of_kind.iter().map(|(name, value)| (*name, Some(value.as_str()))).collect();
    if kind == "pci" && call.flag("multifunction") {
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
    if call.flag("print_xml") {
        return Ok(markup.text().trim_end().into());
    }
    domain
        .attach_device(&markup.xml()?, flags)
        .or_say(|| "Failed to attach interface".to_owned())?;
    Ok("Interface attached successfully".into())
}

/// The network interface that the arguments describe.
fn interface(call: &Call<'_>) -> Result<Markup> {
    let kind = call.needed_str("type")?;
    let mode = call.str("source_mode");
    let managed = call.flag("managed").then_some("yes");
    let source = call.str("source");
    let mut markup = Markup::default();
    markup.open("interface", &[("type", Some(kind)), ("managed", managed)]);
    match kind {
        "direct" => markup.empty("source", &[("dev", source)]),
        "hostdev" => host_device(call.needed_str("source")?, &mut markup)?,
        "vhostuser" if mode.is_none() => return Err(Failure::said("source-mode is mandatory")),
        "vhostuser" => {
            markup.empty("source", &[("type", Some("unix")), ("path", source), ("mode", mode)]);
        }
        // Networks and bridges.
        named => markup.empty("source", &[(named, source)]),
    }
    markup.empty_of("target", "dev", call.str("target"));
    markup.empty_of("mac", "address", call.str("mac"));
    markup.empty_of("script", "path", call.str("script"));
    markup.empty_of("model", "type", call.str("model"));
    markup.empty_of("alias", "name", call.str("alias"));
    if call.given("inbound") || call.given("outbound") {
        markup.open("bandwidth", &[]);
        for direction in ["inbound", "outbound"] {
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
        return Err(Failure::said(said));
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

fn bandwidth(call: &Call<'_>, markup: &mut Markup, direction: &str) -> Result<()> {
    let Some(text) = call.str(direction) else {
        return Ok(());
    };
    let mut parts = text.split(',').map(|part| Some(part).filter(|part| !part.is_empty()));
    let mut part = || parts.next().flatten();
    let attributes = [("average", part()), ("peak", part()), ("burst", part()), ("floor", part())];
    let numbers = attributes.iter().filter_map(|(_, value)| *value);
    if numbers.clone().any(|number| number.parse::<u64>().is_err()) {
        return Err(Failure::said(format!("{direction} format is incorrect: {text}")));
    }
    markup.empty(direction, &attributes);
    Ok(())
}
