// SPDX-License-Identifier: LGPL-2.1-or-later
//! The limits of domains: memory, CPUs, disks and network interfaces.

use super::{AFFECTED, CONFIG, CURRENT, LIVE, affected};
use crate::constants as c;
use crate::error::Result;
use crate::host::frame::argument::{
    Flag, Int, Listed, Needed, Optional, Size, Text, Texts, flag, needed, optional,
};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::command::{Command, action, facts, tune};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::shown;
use crate::host::frame::text::parse_number;
use crate::host::frame::words::{Words, list};
use crate::host::lookup::DOMAIN;
use crate::value::{Map, Value};

/// A limit in bytes or operations each second.
const fn limit(name: &'static str) -> Optional<Int> {
    optional(name, "limit; 0 means unlimited")
}

/// How memory can be spread over nodes, in the order of libvirt's numbers.
const NUMA_MODES: [&str; 4] = ["strict", "preferred", "interleave", "restrictive"];

static DEVICE: Needed<Text> = needed("device", "target device name or source of the disk");
/// The limits of a disk, which have the same names in libvirt.
static DISK_LIMITS: Listed = &[
    &limit("total_bytes_sec"),
    &limit("read_bytes_sec"),
    &limit("write_bytes_sec"),
    &limit("total_iops_sec"),
    &limit("read_iops_sec"),
    &limit("write_iops_sec"),
    &limit("total_bytes_sec_max"),
    &limit("read_bytes_sec_max"),
    &limit("write_bytes_sec_max"),
    &limit("total_iops_sec_max"),
    &limit("read_iops_sec_max"),
    &limit("write_iops_sec_max"),
    &limit("size_iops_sec"),
    &optional::<Text>("group_name", "group of disks that share their limits"),
    &limit("total_bytes_sec_max_length"),
    &limit("read_bytes_sec_max_length"),
    &limit("write_bytes_sec_max_length"),
    &limit("total_iops_sec_max_length"),
    &limit("read_iops_sec_max_length"),
    &limit("write_iops_sec_max_length"),
];
static DEVICE_WEIGHTS: Optional<Text> =
    optional("device_weights", "weights of devices: /dev/DISK,WEIGHT,…");
/// The weights and limits of disks; all but [`DEVICE_WEIGHTS`] have the same names in
/// libvirt.
static WEIGHTS: Listed = &[
    &optional::<Int>("weight", "weight relative to other domains"),
    &DEVICE_WEIGHTS,
    &optional::<Text>("device_read_iops_sec", "read operations per second: /dev/DISK,COUNT,…"),
    &optional::<Text>("device_write_iops_sec", "write operations per second: /dev/DISK,COUNT,…"),
    &optional::<Text>("device_read_bytes_sec", "bytes read per second: /dev/DISK,BYTES,…"),
    &optional::<Text>("device_write_bytes_sec", "bytes written per second: /dev/DISK,BYTES,…"),
];
static INTERFACE: Needed<Text> = needed("interface", "name on the host, or MAC address");
static INBOUND: Optional<Text> =
    optional("inbound", "inbound bandwidth: AVERAGE,PEAK,BURST,FLOOR, in KiB/s and KiB");
static OUTBOUND: Optional<Text> =
    optional("outbound", "outbound bandwidth: AVERAGE,PEAK,BURST, in KiB/s and KiB");
/// The limits of memory, which have the same names in libvirt.
static MEMORY_LIMITS: Listed = &[
    &optional::<Int>("hard_limit", "hard limit in KiB; -1 means unlimited"),
    &optional::<Int>("soft_limit", "limit under memory contention; -1 means unlimited"),
    &optional::<Int>("swap_hard_limit", "hard limit of memory and swap; -1 means unlimited"),
    &optional::<Int>("min_guarantee", "guaranteed minimum"),
];
static MODE: Optional<Text> = optional("mode", "strict, preferred, interleave or restrictive")
    .one_of(&Words::new(&NUMA_MODES, "Invalid mode: {}").or_number());
static NODESET: Optional<Text> = optional("nodeset", "nodes, such as 0-3,5");
static SET: Optional<Texts> = optional("set", "NAME=VALUE");
/// The settings of schedulers that have arguments of their own.
static SCHEDULER: Listed = &[&optional::<Int>("weight", "weight"), &optional::<Int>("cap", "cap")];
static SIZE: Needed<Size> = needed("size", "size; a number without a unit is in KiB").in_kib();
static COUNT: Needed<Int> = needed("count", "number of virtual CPUs");
static MAXIMUM: Flag =
    flag("maximum", "maximum number instead of the current one").requires(&[&[&CONFIG]]);
static GUEST: Flag = flag("guest", "through the guest agent").excludes(&[&CONFIG]);
static HOTPLUGGABLE: Flag = flag("hotpluggable", "new ones can be unplugged again");

pub static COMMANDS: &[Command] = &[
    tune("blkdeviotune", "blkdeviotune", blkdeviotune)
        .about("Returns or sets the I/O limits of a disk.")
        .takes(&[&DOMAIN, &DEVICE, &DISK_LIMITS, &AFFECTED]),
    tune("blkiotune", "blkiotune", blkiotune)
        .about("Returns or sets the block I/O weights and limits of a domain.")
        .takes(&[&DOMAIN, &WEIGHTS, &AFFECTED]),
    tune("iftune", "domiftune", iftune)
        .about("Returns or sets the bandwidth limits of a network interface.")
        .takes(&[&DOMAIN, &INTERFACE, &INBOUND, &OUTBOUND, &AFFECTED]),
    tune("memtune", "memtune", memtune)
        .about("Returns or sets the memory limits of a domain, in KiB.")
        .takes(&[&DOMAIN, &MEMORY_LIMITS, &AFFECTED]),
    tune("numatune", "numatune", numatune)
        .about("Returns or sets the NUMA policy of a domain.")
        .takes(&[&DOMAIN, &MODE, &NODESET, &AFFECTED]),
    facts("schedinfo", "schedinfo", schedinfo)
        .about("Returns the CPU scheduler parameters of a domain, after setting the given ones.")
        .takes(&[&DOMAIN, &SET, &SCHEDULER, &CURRENT, &CONFIG, &LIVE]),
    action("setmaxmem", "setmaxmem", setmaxmem)
        .about("Sets the maximum memory of a domain.")
        .takes(&[&DOMAIN, &SIZE, &AFFECTED]),
    action("setmem", "setmem", setmem)
        .about("Sets the memory of a domain.")
        .takes(&[&DOMAIN, &SIZE, &AFFECTED]),
    action("setvcpus", "setvcpus", setvcpus)
        .about("Sets the number of virtual CPUs of a domain.")
        .takes(&[&DOMAIN, &COUNT, &MAXIMUM, &AFFECTED, &GUEST, &HOTPLUGGABLE]),
];

fn blkdeviotune(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call);
    let device = call.c_text(&DEVICE)?;
    let settings = call.settings(DISK_LIMITS);
    if settings.is_empty() {
        let limits = domain
            .get_block_iotune(device, flags)
            .or_say(|| "Unable to get block I/O throttle parameters".to_owned())?;
        return Ok(limits.into());
    }
    domain
        .set_block_iotune(device, &settings, flags)
        .or_say(|| "Unable to change block I/O throttle".to_owned())?;
    Ok("".into())
}

fn blkiotune(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call);
    let mut settings = call.settings(WEIGHTS);
    if let Some(weights) = settings.remove(DEVICE_WEIGHTS.name()) {
        settings.push_new("device_weight", weights);
    }
    if settings.is_empty() {
        let weights = domain
            .get_blkio_parameters(flags)
            .or_say(|| "Unable to get blkio parameters".to_owned())?;
        return Ok(weights.into());
    }
    domain
        .set_blkio_parameters(&settings, flags)
        .or_say(|| "Unable to change blkio parameters".to_owned())?;
    Ok("".into())
}

fn iftune(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call);
    let interface = call.c_text(&INTERFACE)?;
    let mut settings = Map::new();
    for direction in [&INBOUND, &OUTBOUND] {
        if let Some(text) = call.get(direction) {
            bandwidth(direction.name(), text, &mut settings)?;
        }
    }
    if settings.is_empty() {
        let limits = domain
            .get_interface_parameters(interface, flags)
            .or_say(|| "Unable to get interface parameters".to_owned())?;
        return Ok(limits.into());
    }
    domain
        .set_interface_parameters(interface, &settings, flags)
        .or_say(|| "Unable to set interface parameters".to_owned())?;
    Ok("".into())
}

/// virsh's short form of a bandwidth: average, peak, burst and, inbound, floor.
fn bandwidth(
    direction: &'static str,
    text: &str,
    settings: &mut Map,
) -> std::result::Result<(), Failure> {
    const PARTS: [&str; 4] = ["average", "peak", "burst", "floor"];
    let said = format!("{direction} format is incorrect: {text}");
    let wrong = || Failure::refused(direction, said.as_str());
    let parts: Vec<_> = text.split(',').collect();
    if parts.len() > PARTS.len() || (direction == "outbound" && parts.len() == PARTS.len()) {
        return Err(wrong());
    }
    for (name, part) in PARTS.iter().zip(parts) {
        if !part.is_empty() {
            let number: u64 = parse_number(part).ok_or_else(wrong)?;
            settings.push_new(format!("{direction}.{name}"), number);
        }
    }
    Ok(())
}

fn memtune(call: &mut Call<'_>) -> Outcome {
    const UNLIMITED: u64 = c::DOMAIN_MEMORY_PARAM_UNLIMITED;
    let domain = call.domain()?;
    let flags = affected(call);
    let given = call.settings(MEMORY_LIMITS);
    // Less than none is no limit.
    let limit = |kib: &Value| kib.get_uint64("").unwrap_or(UNLIMITED);
    let settings: Map = given.iter().map(|(name, kib)| (name.to_owned(), limit(kib))).collect();
    if !settings.is_empty() {
        domain
            .set_memory_parameters(&settings, flags)
            .or_say(|| "Unable to change memory parameters".to_owned())?;
        return Ok("".into());
    }
    let limits = domain
        .get_memory_parameters(flags)
        .or_say(|| "Unable to get memory parameters".to_owned())?;
    let mut map = Map::with_capacity(limits.len());
    for (name, kib) in &limits {
        let kib = kib.get_uint64("")?;
        map.push_new(
            name.to_owned(),
            match (kib == UNLIMITED, call.raw()) {
                (true, true) => Value::Null,
                (true, false) => "unlimited".into(),
                (false, true) => kib.saturating_mul(1024).into(),
                (false, false) => kib.into(),
            },
        );
    }
    Ok(map.into())
}

fn numatune(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call);
    let mut settings = Map::new();
    if let Some(nodes) = call.get(&NODESET) {
        settings.push_new("numa_nodeset", nodes);
    }
    if let Some(wanted) = call.get(&MODE) {
        let of_name = (0_i32..).zip(NUMA_MODES).find(|(_, name)| *name == wanted);
        let number = of_name.map(|(number, _)| number).or_else(|| parse_number(wanted));
        settings.push_new("numa_mode", number.unwrap_or_default());
    }
    if !settings.is_empty() {
        domain
            .set_numa_parameters(&settings, flags)
            .or_say(|| "Unable to change numa parameters".to_owned())?;
        return Ok("".into());
    }
    let mut map =
        domain.get_numa_parameters(flags).or_say(|| "Unable to get numa parameters".to_owned())?;
    if let Some(mode) = map.get_mut("numa_mode").filter(|_| !call.raw()) {
        let name =
            mode.get_uint64("").ok().and_then(|mode| NUMA_MODES.get(usize::try_from(mode).ok()?));
        *mode = name.copied().unwrap_or("unknown").into();
    }
    Ok(map.into())
}

fn schedinfo(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call);
    let mut settings = call.settings(SCHEDULER);
    for setting in call.get(&SET).unwrap_or_default() {
        let (name, value) = setting.split_once('=').ok_or_else(|| {
            Failure::refused(SET.name(), "Invalid syntax for --set, expecting name=value")
        })?;
        settings.insert(name.to_owned(), value);
    }
    let kind = domain.get_scheduler_type()?;
    if !settings.is_empty() {
        let known = domain.get_scheduler_parameters(flags)?;
        for (name, _) in &settings {
            if known.get(name).is_none() {
                let all: Vec<&str> = known.iter().map(|(known, _)| known).collect();
                let said = format!("invalid scheduler option: {name}; it must be {}", list(&all));
                return Err(Failure::refused(SET.name(), said));
            }
        }
        domain.set_scheduler_parameters(&settings, flags)?;
    }
    let mut map = Map::new();
    map.push_new("scheduler", shown(&kind));
    for (name, value) in &domain.get_scheduler_parameters(flags)? {
        map.insert(name.to_owned(), value.clone());
    }
    Ok(map.into())
}

/// A size in KiB.
fn kib(call: &Call<'_>) -> Result<u64> {
    Ok(call.get(&SIZE)?.div_ceil(1024))
}

fn setmaxmem(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call) | c::DOMAIN_MEM_MAXIMUM;
    domain.set_memory(kib(call)?, flags).or_say(|| "Unable to change MaxMemorySize".to_owned())?;
    Ok("".into())
}

fn setmem(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    domain.set_memory(kib(call)?, affected(call))?;
    Ok("".into())
}

fn setvcpus(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call)
        | call.flags(&[
            (&MAXIMUM, c::DOMAIN_VCPU_MAXIMUM),
            (&GUEST, c::DOMAIN_VCPU_GUEST),
            (&HOTPLUGGABLE, c::DOMAIN_VCPU_HOTPLUGGABLE),
        ]);
    let count = call.number(&COUNT, 1..=u32::MAX.into(), "Invalid number of virtual CPUs")??;
    domain.set_vcpus(count, flags)?;
    Ok("".into())
}
