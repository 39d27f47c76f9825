// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a domain uses: statistics, disks and network interfaces.

use super::{AFFECTED, affected, name_of};
use crate::constants as c;
use crate::core::Domain;
use crate::error::Result;
use crate::host::frame::argument::{Flag, Int, Needed, Optional, Text, flag, needed, optional};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::command::{Command, facts, list, stats};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::{c_text, shown};
use crate::host::lookup::DOMAIN;
use crate::host::xml_result;
use crate::value::{Map, Value};

const DISK: Optional<Text> = optional("device", "target device name or source of the disk");
static DEVICE: Optional<Text> = DISK;
static INACTIVE: Flag = flag("inactive", "those of the persistent definition");

static BLKINFO_DEVICE: Optional<Text> =
    DISK.unless(&[&ALL]).saying("command 'domblkinfo' requires <device> option");
static HUMAN: Flag = flag("human", "sizes with units");
static ALL: Flag = flag("all", "all disks, by target device name").excludes(&[&BLKINFO_DEVICE]);
static DETAILS: Flag = flag("details", "include type and device");
static TOTAL: Flag = flag("total", "total only");
static START: Optional<Int> = optional("start", "first CPU");
static COUNT: Optional<Int> = optional("count", "number of CPUs");
static INTERFACE: Needed<Text> = needed("interface", "name on the host, or MAC address");
static PERIOD: Optional<Int> =
    optional("period", "set the collection period in s; returns nothing");

pub static COMMANDS: &[Command] = &[
    facts("blkinfo", "domblkinfo", blkinfo)
        .about("Returns the sizes of a disk, in bytes.")
        .takes(&[&DOMAIN, &BLKINFO_DEVICE, &HUMAN, &ALL]),
    list("blklist", "domblklist", blklist)
        .about("Lists the disks of a domain.")
        .takes(&[&DOMAIN, &INACTIVE, &DETAILS]),
    stats("blkstat", "domblkstat", blkstat)
        .about("Returns the I/O statistics of a disk.")
        .takes(&[&DOMAIN, &DEVICE]),
    facts("cpustats", "cpu-stats", cpustats)
        .about("Returns CPU time statistics of a domain, per CPU and in total.")
        .takes(&[&DOMAIN, &TOTAL, &START, &COUNT]),
    list("iflist", "domiflist", iflist)
        .about("Lists the network interfaces of a domain.")
        .takes(&[&DOMAIN, &INACTIVE]),
    stats("ifstat", "domifstat", ifstat)
        .about("Returns the traffic statistics of a network interface.")
        .takes(&[&DOMAIN, &INTERFACE]),
    stats("memstat", "dommemstat", memstat)
        .about("Returns memory statistics of a guest in KiB, or sets their collection period.")
        .takes(&[&DOMAIN, &PERIOD, &AFFECTED]),
];

fn blkinfo(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    if let Some(device) = call.c_text(&BLKINFO_DEVICE) {
        return Ok(sizes(call, &Value::Map(domain.get_block_info(device, 0)?))?.into());
    }
    let document = xml_result::parsed(&domain.get_xml_description(0)?)?;
    let mut map = Map::new();
    for disk in xml_result::elements(&document, "domain.devices.disk") {
        let target = disk.get_str("target.@dev").unwrap_or_default();
        // An empty drive has no sizes.
        if disk.get("source").is_err() {
            map.insert(target.to_owned(), Map::new());
            continue;
        }
        let device = c_text(target.to_owned(), || "the disk's target".to_owned())?;
        let info = match domain.get_block_info(&device, 0) {
            Ok(info) => Value::Map(info),
            // libvirt's error about a disk that is not there has a code that many have.
            Err(_) if !has_disk(&domain, target)? => continue,
            Err(error) => return Err(error.into()),
        };
        map.insert(target.to_owned(), sizes(call, &info)?);
    }
    Ok(map.into())
}

/// Whether a domain has a disk now: it may have been detached meanwhile.
fn has_disk(domain: &Domain, target: &str) -> std::result::Result<bool, Failure> {
    let document = xml_result::parsed(&domain.get_xml_description(0)?)?;
    let disks = xml_result::elements(&document, "domain.devices.disk");
    Ok(disks.iter().any(|disk| disk.get_str("target.@dev") == Ok(target)))
}

/// virsh shows a disk's sizes with three digits.
fn sizes(call: &Call<'_>, info: &Value) -> Result<Map> {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut map = Map::with_capacity(3);
    for name in ["capacity", "allocation", "physical"] {
        let bytes = info.get_uint64(name)?;
        if !call.flag(&HUMAN) || call.raw() {
            map.push_new(name, bytes);
            continue;
        }
        let (mut size, mut unit) = (bytes as f64, 0);
        while size >= 1024.0 && unit + 1 < UNITS.len() {
            size /= 1024.0;
            unit += 1;
        }
        map.push_new(name, format!("{size:.3} {}", UNITS[unit]));
    }
    Ok(map)
}

/// A domain's document, or its definition's.
fn devices(call: &Call<'_>) -> std::result::Result<Value, Failure> {
    let flags = call.flags(&[(&INACTIVE, c::DOMAIN_XML_INACTIVE)]);
    xml_result::parsed(&call.domain()?.get_xml_description(flags)?)
}

/// A text of an element; virsh shows "-" if it is not there.
fn cell(element: &Value, path: &str) -> Value {
    element.get_str(path).unwrap_or("-").into()
}

fn blklist(call: &mut Call<'_>) -> Outcome {
    let document = devices(call)?;
    let row = |disk: &&Value| {
        let mut row = Map::with_capacity(4);
        if call.flag(&DETAILS) {
            row.push_new("type", cell(disk, "@type"));
            row.push_new("device", cell(disk, "@device"));
        }
        row.push_new("target", cell(disk, "target.@dev"));
        row.push_new("source", source(disk));
        Value::Map(row)
    };
    let disks = xml_result::elements(&document, "domain.devices.disk");
    Ok(disks.iter().map(row).collect::<Vec<_>>().into())
}

/// Where a disk's data are, as virsh shows it.
fn source(disk: &Value) -> Value {
    if let (Ok(pool), Ok(volume)) = (disk.get_str("source.@pool"), disk.get_str("source.@volume")) {
        return format!("{pool}/{volume}").into();
    }
    let found = ["file", "dev", "dir", "name"]
        .iter()
        .find_map(|kind| disk.get_str(&format!("source.@{kind}")).ok());
    found.unwrap_or("-").into()
}

fn blkstat(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let device = call.c_text(&DEVICE).unwrap_or(c"");
    let stats = domain.block_stats(device, 0).or_say(|| {
        let name = name_of(&domain).unwrap_or_default();
        format!("Failed to get block stats for domain '{name}' device '{}'", shown(device))
    })?;
    statistics(call, &stats, &[("flush_reqs", "flush_operations")])
}

/// Statistics with virsh's names; their numbers are text unless raw is wanted. What
/// a driver does not know is negative, and left out.
fn statistics(call: &Call<'_>, stats: &Map, names: &[(&str, &str)]) -> Outcome {
    let mut map = Map::with_capacity(stats.len());
    for (name, value) in stats {
        if matches!(value, Value::Int(number) if *number < 0) {
            continue;
        }
        let renamed =
            names.iter().find(|(ours, _)| *ours == name).map_or(name, |(_, theirs)| *theirs);
        let value = match value {
            Value::Int(number) if !call.raw() => Value::String(number.to_string()),
            Value::Uint(number) if !call.raw() => Value::String(number.to_string()),
            other => other.clone(),
        };
        map.insert(renamed.to_owned(), value);
    }
    Ok(map.into())
}

fn cpustats(call: &mut Call<'_>) -> Outcome {
    /// How many CPUs libvirt tells about at once, at the most.
    const AT_ONCE: i32 = 128;
    let domain = call.domain()?;
    let number = |argument, what: &str| {
        call.number(argument, 0..=i32::MAX.into(), &format!("Invalid value for {what}"))
    };
    let start = number(&START, "start CPU")?;
    let count = number(&COUNT, "number of CPUs to show")?;
    let chosen = start.is_some() || count.is_some();
    let said = || {
        let name = name_of(&domain).unwrap_or_default();
        format!("Failed to retrieve CPU statistics for domain '{name}'")
    };
    let mut map = Map::new();
    if !call.flag(&TOTAL) {
        let first = start.unwrap_or_default();
        let wanted = count.unwrap_or(i32::MAX);
        let mut next = first;
        while next - first < wanted {
            let room = AT_ONCE.min(wanted - (next - first));
            let stats = domain.get_cpu_stats(next, room.unsigned_abs(), 0);
            // Behind the last CPU there are none.
            let stats = match stats {
                Err(_) if next > first => Vec::new(),
                other => other.or_say(said)?,
            };
            let got = i32::try_from(stats.len()).unwrap_or(i32::MAX);
            for (cpu, stats) in (next..).zip(&stats) {
                map.insert(format!("cpu{cpu}"), seconds(call, stats)?);
            }
            if got < room {
                break;
            }
            next += got;
        }
    }
    if call.flag(&TOTAL) || !chosen {
        let total = domain.get_cpu_stats(-1, 1, 0).or_say(said)?;
        if let Some(total) = total.first() {
            map.insert("total", seconds(call, total)?);
        }
    }
    Ok(map.into())
}

/// Times of CPUs, which libvirt tells in ns.
fn seconds(call: &Call<'_>, stats: &Map) -> Result<Map> {
    const NANOSECONDS: u64 = 1_000_000_000;
    let mut map = Map::with_capacity(stats.len());
    for (name, time) in stats {
        let time = time.get_uint64("")?;
        let words = format!("{}.{:09} seconds", time / NANOSECONDS, time % NANOSECONDS);
        map.push_new(name.to_owned(), if call.raw() { Value::Uint(time) } else { words.into() });
    }
    Ok(map)
}

fn iflist(call: &mut Call<'_>) -> Outcome {
    let document = devices(call)?;
    let row = |interface: &&Value| {
        let source = ["network", "bridge", "dev", "name", "path"]
            .iter()
            .find_map(|kind| interface.get_str(&format!("source.@{kind}")).ok());
        let mut row = Map::with_capacity(5);
        row.push_new("interface", cell(interface, "target.@dev"));
        row.push_new("type", cell(interface, "@type"));
        row.push_new("source", source.unwrap_or("-"));
        row.push_new("model", cell(interface, "model.@type"));
        row.push_new("mac", cell(interface, "mac.@address"));
        Value::Map(row)
    };
    let interfaces = xml_result::elements(&document, "domain.devices.interface");
    Ok(interfaces.iter().map(row).collect::<Vec<_>>().into())
}

fn ifstat(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let interface = call.c_text(&INTERFACE)?;
    let stats = domain.interface_stats(interface).or_say(|| {
        let name = name_of(&domain).unwrap_or_default();
        format!("Failed to get interface stats {name} {}", shown(interface))
    })?;
    statistics(call, &stats, &[])
}

fn memstat(call: &mut Call<'_>) -> Outcome {
    let domain: Domain = call.domain()?;
    let flags = affected(call);
    let range = 0..=i32::MAX.into();
    if let Some(period) = call.number(&PERIOD, range, "Invalid collection period value")? {
        domain
            .set_memory_stats_period(period, flags)
            .or_say(|| "Unable to change balloon collection period.".to_owned())?;
        return Ok(Map::new().into());
    }
    let stats = domain.memory_stats(0).or_say(|| {
        format!(
            "Failed to get memory statistics for domain {}",
            name_of(&domain).unwrap_or_default()
        )
    })?;
    statistics(call, &stats, &[("actual_balloon", "actual")])
}
