//! The limits of domains: memory, CPUs, disks and network interfaces.

use virt::sys;

use super::{CONFIG, CURRENT, DOMAIN, LIVE, affected};
use crate::host::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use crate::host::frame::call::{Call, Command, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::shown;
use crate::host::frame::text::parse_number;
use crate::host::frame::words::{Words, list};
use crate::value::{Map, Value};

/// A limit in bytes or operations each second.
const fn limit(name: &'static str) -> Argument {
    optional(name, Kind::Int, "at the most; 0 for no limit")
}

/// How memory can be spread over nodes, in the order of libvirt's numbers.
const NUMA_MODES: [&str; 4] = ["strict", "preferred", "interleave", "restrictive"];

const MEMTUNE: Command = Command {
    name: "memtune",
    virsh: "memtune",
    about: "Gets or sets the limits of a domain's memory, in KiB.",
    shape: Shape::Tune,
    arguments: &[
        DOMAIN,
        optional("hard_limit", Kind::Int, "never more, in KiB; -1 for no limit"),
        optional("soft_limit", Kind::Int, "not more when memory gets short; -1 for no limit"),
        optional("swap_hard_limit", Kind::Int, "never more with swap; -1 for no limit"),
        optional("min_guarantee", Kind::Int, "never less"),
        CONFIG,
        LIVE,
        CURRENT,
    ],
    progress: false,
    run: memtune,
};

pub const COMMANDS: &[Command] = &[
    Command {
        name: "blkdeviotune",
        virsh: "blkdeviotune",
        about: "Gets or sets the I/O limits of a disk.",
        arguments: &[
            DOMAIN,
            needed("device", Kind::Text, "the disk: its target or source"),
            limit("total_bytes_sec"),
            limit("read_bytes_sec"),
            limit("write_bytes_sec"),
            limit("total_iops_sec"),
            limit("read_iops_sec"),
            limit("write_iops_sec"),
            limit("total_bytes_sec_max"),
            limit("read_bytes_sec_max"),
            limit("write_bytes_sec_max"),
            limit("total_iops_sec_max"),
            limit("read_iops_sec_max"),
            limit("write_iops_sec_max"),
            limit("size_iops_sec"),
            optional("group_name", Kind::Text, "disks of one group share their limits"),
            limit("total_bytes_sec_max_length"),
            limit("read_bytes_sec_max_length"),
            limit("write_bytes_sec_max_length"),
            limit("total_iops_sec_max_length"),
            limit("read_iops_sec_max_length"),
            limit("write_iops_sec_max_length"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: blkdeviotune,
        ..MEMTUNE
    },
    Command {
        name: "blkiotune",
        virsh: "blkiotune",
        about: "Gets or sets the I/O weights and limits of a domain on the host's disks.",
        arguments: &[
            DOMAIN,
            optional("weight", Kind::Int, "compared with other domains"),
            optional("device_weights", Kind::Text, "for devices: /dev/DISK,WEIGHT, and so on"),
            optional("device_read_iops_sec", Kind::Text, "reads: /dev/DISK,COUNT, and so on"),
            optional("device_write_iops_sec", Kind::Text, "writes: /dev/DISK,COUNT, and so on"),
            optional("device_read_bytes_sec", Kind::Text, "reads: /dev/DISK,BYTES, and so on"),
            optional("device_write_bytes_sec", Kind::Text, "writes: /dev/DISK,BYTES, and so on"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: blkiotune,
        ..MEMTUNE
    },
    Command {
        name: "iftune",
        virsh: "domiftune",
        about: "Gets or sets the bandwidth of a network interface.",
        arguments: &[
            DOMAIN,
            needed("interface", Kind::Text, "its target or hardware address"),
            optional("inbound", Kind::Text, "AVERAGE,PEAK,BURST,FLOOR, in KiB/s and KiB"),
            optional("outbound", Kind::Text, "AVERAGE,PEAK,BURST"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: iftune,
        ..MEMTUNE
    },
    MEMTUNE,
    Command {
        name: "numatune",
        virsh: "numatune",
        about: "Gets or sets which NUMA nodes of the host a domain's memory comes from.",
        arguments: &[
            DOMAIN,
            optional("mode", Kind::Text, "strict, preferred, interleave or restrictive")
                .one_of(&Words::new(&NUMA_MODES, "Invalid mode: {}").or_number()),
            optional("nodeset", Kind::Text, "which nodes, like 0-3,5"),
            CONFIG,
            LIVE,
            CURRENT,
        ],
        run: numatune,
        ..MEMTUNE
    },
    Command {
        name: "schedinfo",
        virsh: "schedinfo",
        about: "Gets the parameters of a domain's scheduler, after setting those that are given.",
        shape: Shape::Dict,
        arguments: &[
            DOMAIN,
            optional("set", Kind::Texts, "NAME=VALUE"),
            optional("weight", Kind::Int, "its weight"),
            optional("cap", Kind::Int, "its cap"),
            CURRENT,
            CONFIG,
            LIVE,
        ],
        run: schedinfo,
        ..MEMTUNE
    },
    Command {
        name: "setmaxmem",
        virsh: "setmaxmem",
        about: "Sets how much memory a domain can have.",
        shape: Shape::None,
        arguments: &[DOMAIN, SIZE, CONFIG, LIVE, CURRENT],
        run: setmaxmem,
        ..MEMTUNE
    },
    Command {
        name: "setmem",
        virsh: "setmem",
        about: "Sets how much memory a domain has.",
        shape: Shape::None,
        arguments: &[DOMAIN, SIZE, CONFIG, LIVE, CURRENT],
        run: setmem,
        ..MEMTUNE
    },
    Command {
        name: "setvcpus",
        virsh: "setvcpus",
        about: "Sets how many virtual CPUs a domain has.",
        shape: Shape::None,
        arguments: &[
            DOMAIN,
            needed("count", Kind::Int, "how many"),
            flag("maximum", "how many it can have").requires(&[&["config"]]),
            CONFIG,
            LIVE,
            CURRENT,
            flag("guest", "by the guest's agent").excludes(&["config"]),
            flag("hotpluggable", "new ones can be taken away again"),
        ],
        run: setvcpus,
        ..MEMTUNE
    },
];

const SIZE: Argument = needed("size", Kind::Size(1024), "how much; a plain number is in KiB");

/// What was given of settings that have the same name here and in libvirt.
fn given(call: &Call<'_>, names: &[&'static str]) -> Map {
    let mut map = Map::new();
    for name in names {
        if let Some(number) = call.int(name) {
            map.push_new(*name, number);
        } else if let Some(text) = call.str(name) {
            map.push_new(*name, text);
        }
    }
    map
}

fn blkdeviotune(call: &mut Call<'_>) -> Outcome {
    const SETTINGS: [&str; 20] = [
        "total_bytes_sec",
        "read_bytes_sec",
        "write_bytes_sec",
        "total_iops_sec",
        "read_iops_sec",
        "write_iops_sec",
        "total_bytes_sec_max",
        "read_bytes_sec_max",
        "write_bytes_sec_max",
        "total_iops_sec_max",
        "read_iops_sec_max",
        "write_iops_sec_max",
        "size_iops_sec",
        "group_name",
        "total_bytes_sec_max_length",
        "read_bytes_sec_max_length",
        "write_bytes_sec_max_length",
        "total_iops_sec_max_length",
        "read_iops_sec_max_length",
        "write_iops_sec_max_length",
    ];
    let domain = call.domain()?;
    let flags = affected(call);
    let device = call.needed_text("device")?;
    let settings = given(call, &SETTINGS);
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
    /// Our names and libvirt's.
    const DEVICES: [(&str, &str); 5] = [
        ("device_weights", "device_weight"),
        ("device_read_iops_sec", "device_read_iops_sec"),
        ("device_write_iops_sec", "device_write_iops_sec"),
        ("device_read_bytes_sec", "device_read_bytes_sec"),
        ("device_write_bytes_sec", "device_write_bytes_sec"),
    ];
    let domain = call.domain()?;
    let flags = affected(call);
    let mut settings = given(call, &["weight"]);
    for (ours, theirs) in DEVICES {
        if let Some(text) = call.str(ours) {
            settings.push_new(theirs, text);
        }
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
    let interface = call.needed_text("interface")?;
    let mut settings = Map::new();
    for direction in ["inbound", "outbound"] {
        if let Some(text) = call.str(direction) {
            bandwidth(direction, text, &mut settings)?;
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
fn bandwidth(direction: &str, text: &str, settings: &mut Map) -> std::result::Result<(), Failure> {
    const PARTS: [&str; 4] = ["average", "peak", "burst", "floor"];
    let wrong = || Failure::said(format!("{direction} format is incorrect: {text}"));
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
    const SETTINGS: [&str; 4] = ["hard_limit", "soft_limit", "swap_hard_limit", "min_guarantee"];
    const UNLIMITED: u64 = sys::VIR_DOMAIN_MEMORY_PARAM_UNLIMITED;
    let domain = call.domain()?;
    let flags = affected(call);
    let mut settings = Map::new();
    for name in SETTINGS {
        if let Some(kib) = call.int(name) {
            // Less than none is no limit.
            settings.push_new(name, u64::try_from(kib).unwrap_or(UNLIMITED));
        }
    }
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
    if let Some(nodes) = call.str("nodeset") {
        settings.push_new("numa_nodeset", nodes);
    }
    if let Some(wanted) = call.str("mode") {
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
    let mut settings = given(call, &["weight", "cap"]);
    for setting in call.texts("set") {
        let setting = shown(setting);
        let (name, value) = setting
            .split_once('=')
            .ok_or_else(|| Failure::said("Invalid syntax for --set, expecting name=value"))?;
        settings.insert(name.to_owned(), value);
    }
    let kind = domain.get_scheduler_type()?;
    if !settings.is_empty() {
        let known = domain.get_scheduler_parameters(flags)?;
        for (name, _) in &settings {
            if known.get(name).is_none() {
                let all: Vec<&str> = known.iter().map(|(known, _)| known).collect();
                let said = format!("invalid scheduler option: {name}; it must be {}", list(&all));
                return Err(Failure::said(said));
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
fn kib(call: &Call<'_>) -> u64 {
    call.size("size").unwrap_or_default().div_ceil(1024)
}

fn setmaxmem(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call) | sys::VIR_DOMAIN_MEM_MAXIMUM;
    domain.set_memory(kib(call), flags).or_say(|| "Unable to change MaxMemorySize".to_owned())?;
    Ok("".into())
}

fn setmem(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    domain.set_memory(kib(call), affected(call))?;
    Ok("".into())
}

fn setvcpus(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call)
        | call.flags(&[
            ("maximum", sys::VIR_DOMAIN_VCPU_MAXIMUM),
            ("guest", sys::VIR_DOMAIN_VCPU_GUEST),
            ("hotpluggable", sys::VIR_DOMAIN_VCPU_HOTPLUGGABLE),
        ]);
    let count = call.number("count", 1..=u32::MAX.into(), "Invalid number of virtual CPUs")?;
    domain.set_vcpus(count.unwrap_or_default(), flags)?;
    Ok("".into())
}
