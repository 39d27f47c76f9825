//! The commands of the host and its hypervisor.

mod cpu;
mod memory;
mod node;

pub(super) use node::{SUSPEND_TARGET, SUSPEND_TARGETS};

use super::frame::argument::{
    Document, Flag, Int, Listed, Needed, Optional, Size, Text, flag, needed, optional,
};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, facts, list, tune, word};
use super::frame::failure::Failure;
use super::frame::given::shown;
use super::xml_result;
use crate::core::conn::Emulator;
use crate::core::library;
use crate::value::{Map, Value};

/// Where it may be left out, and where it must not.
const CELL_NUMBER: Optional<Int> = optional("cellno", "which NUMA cell");
static CELL: Optional<Int> = CELL_NUMBER;
static CPUS: Needed<Document> =
    needed("file", "CPUs, or domains or capabilities that have one").root("cpu");

static PAGESIZE: Needed<Size> =
    needed("pagesize", "the size of a page; a plain number is in KiB").in_kib();
static PAGECOUNT: Needed<Int> = needed("pagecount", "how many pages");
static ADD: Flag = flag("add", "as many more, not as many in all");
static ALL: Flag = flag("all", "in every NUMA cell").excludes(&[&CELL]);
static FEATURES: Flag = flag("features", "show the features that the model has by itself");
static MIGRATABLE: Flag = flag("migratable", "leave out features that block migration");
static ERROR: Flag = flag("error", "report CPUs that are incompatible as an error");
static VALIDATE: Flag = flag("validate", "check the description against libvirt's schema");
static ARCH: Needed<Text> = needed("arch", "the architecture, like x86_64");
static VIRTTYPE: Optional<Text> = optional("virttype", "the kind of virtualisation, like kvm");
static EMULATORBIN: Optional<Text> = optional("emulatorbin", "the emulator's path");
static DOMCAPABILITIES_ARCH: Optional<Text> = optional("arch", "the architecture, like x86_64");
static MACHINE: Optional<Text> = optional("machine", "the machine type, like q35");
static FREECELL_ALL: Flag = flag("all", "every NUMA cell, and the total").excludes(&[&CELL]);
static FREEPAGES_CELL: Optional<Int> =
    CELL_NUMBER.unless(&[&FREEPAGES_ALL]).saying("missing cellno argument");
static FREEPAGES_PAGESIZE: Optional<Size> =
    optional("pagesize", "which size; a plain number is in KiB")
        .in_kib()
        .unless(&[&FREEPAGES_ALL])
        .saying("missing pagesize argument");
static FREEPAGES_ALL: Flag =
    flag("all", "every NUMA cell and every size").excludes(&[&FREEPAGES_CELL]);
static TYPE: Optional<Text> = optional("type", "the kind of virtualisation, like kvm");
/// The settings of sharing, which have the same names in libvirt.
static SHARING: Listed = &[
    &optional::<Int>("shm_pages_to_scan", "pages to scan before it sleeps"),
    &optional::<Int>("shm_sleep_millisecs", "how long it sleeps, in ms"),
    &optional::<Int>("shm_merge_across_nodes", "1 to merge across NUMA cells, or 0"),
];
static PRETTY: Flag = flag("pretty", "the map as ranges, like 0-3,8");
static CPU: Optional<Int> = optional("cpu", "which CPU; all together without it");
static PERCENT: Flag = flag("percent", "measure for one second, in percent");
static NODEMEMSTATS_CELL: Optional<Int> =
    optional("cell", "which NUMA cell; all together without it");
static DURATION: Needed<Int> = needed("duration", "for how long, in s; 60 at the least");
static DAEMON: Flag = flag("daemon", "that of the daemon, too");

pub(super) static COMMANDS: &[Command] = &[
    action("allocpages", "allocpages", memory::allocpages)
        .about("Sets how many pages of a size are reserved.")
        .takes(&[&PAGESIZE, &PAGECOUNT, &CELL, &ADD, &ALL]),
    document("capabilities", "capabilities", capabilities)
        .about("Gets what the host and its hypervisor can do."),
    action("cpu_baseline", "cpu-baseline", cpu::baseline)
        .about("Computes the most capable CPU that several hosts have.")
        .takes(&[&CPUS, &FEATURES, &MIGRATABLE]),
    action("cpu_compare", "cpu-compare", cpu::compare)
        .about("Compares the host's CPU to a described one.")
        .takes(&[&CPUS, &ERROR, &VALIDATE]),
    list("cpu_models", "cpu-models", cpu::models)
        .about("Lists the CPU models that are known for an architecture.")
        .takes(&[&ARCH]),
    document("domcapabilities", "domcapabilities", domcapabilities)
        .about("Gets what domains can have with an emulator.")
        .takes(&[&VIRTTYPE, &EMULATORBIN, &DOMCAPABILITIES_ARCH, &MACHINE]),
    facts("freecell", "freecell", memory::freecell)
        .about("Gets the free memory of the host or of NUMA cells.")
        .takes(&[&CELL, &FREECELL_ALL]),
    facts("freepages", "freepages", memory::freepages)
        .about("Gets how many pages are free in NUMA cells.")
        .takes(&[&FREEPAGES_CELL, &FREEPAGES_PAGESIZE, &FREEPAGES_ALL]),
    word("maxvcpus", "maxvcpus", cpu::maxvcpus)
        .about("Gets how many virtual CPUs a domain can have.")
        .takes(&[&TYPE]),
    tune("node_memory_tune", "node-memory-tune", memory::tune)
        .about("Gets or sets how the host shares memory pages between guests.")
        .takes(SHARING),
    facts("nodecpumap", "nodecpumap", node::cpumap)
        .about("Gets which CPUs of the host are online.")
        .takes(&[&PRETTY]),
    facts("nodecpustats", "nodecpustats", node::cpustats)
        .about("Gets what the host's CPUs did: in ns, or in percent over one second.")
        .takes(&[&CPU, &PERCENT]),
    facts("nodeinfo", "nodeinfo", node::info).about("Gets the host's CPUs and memory."),
    facts("nodememstats", "nodememstats", node::memstats)
        .about("Gets how the host's memory is used.")
        .takes(&[&NODEMEMSTATS_CELL]),
    action("nodesuspend", "nodesuspend", node::suspend)
        .about("Suspends the host for a time.")
        .takes(&[&SUSPEND_TARGET, &DURATION]),
    facts("sysinfo", "sysinfo", sysinfo).about("Gets what BIOS and hardware say about themselves."),
    word("uri", "uri", uri).about("Gets the host's libvirt URI."),
    facts("version", "version", version)
        .about("Gets the versions of library and hypervisor.")
        .takes(&[&DAEMON]),
];

fn capabilities(call: &mut Call<'_>) -> Outcome {
    xml_result::document(&call.conn().get_capabilities()?, "capabilities", &[])
}

fn domcapabilities(call: &mut Call<'_>) -> Outcome {
    let emulator = Emulator {
        path: call.c_text(&EMULATORBIN),
        arch: call.c_text(&DOMCAPABILITIES_ARCH),
        machine: call.c_text(&MACHINE),
        virttype: call.c_text(&VIRTTYPE),
    };
    let text = call.conn().get_domain_capabilities(emulator, 0)?;
    xml_result::document(&text, "domainCapabilities", &[])
}

fn uri(call: &mut Call<'_>) -> Outcome {
    Ok(shown(&call.conn().get_uri()?).into())
}

/// The entries of each group by name; groups of the same name are a list.
fn sysinfo(call: &mut Call<'_>) -> Outcome {
    let document = xml_result::document(&call.conn().get_sysinfo(0)?, "sysinfo", &[])?;
    let Value::Map(document) = document else {
        return Err(Failure::said("libvirt's system information is empty"));
    };
    let mut map = Map::with_capacity(document.len());
    for (name, group) in document {
        match name.strip_prefix('@') {
            Some(attribute) => map.push_new(attribute.to_owned(), group),
            None => map.push_new(
                name,
                match &group {
                    Value::List(groups) => {
                        Value::List(groups.iter().map(|group| entries(group).into()).collect())
                    }
                    group => entries(group).into(),
                },
            ),
        }
    }
    Ok(map.into())
}

fn entries(group: &Value) -> Map {
    let entries = xml_result::elements(group, "entry");
    let pairs = entries.iter().filter_map(|entry| {
        let name = entry.get_str("@name").ok()?.to_owned();
        // An entry without text has an empty one.
        Some((name, entry.get_str("#text").unwrap_or_default().to_owned()))
    });
    pairs.collect()
}

fn version(call: &mut Call<'_>) -> Outcome {
    let conn = call.conn();
    let raw = call.raw();
    let kind = conn.get_type()?;
    let kind = shown(&kind).to_owned();
    let entry = |name: &str, version: u64| match raw {
        true => Value::Uint(version),
        false => Value::String(format!("{name} {}", dotted(version))),
    };
    let library = library::libvirt_version()?;
    let mut map = Map::with_capacity(5);
    map.push_new(
        "compiled_against_library",
        entry("libvirt", library::libvirt_compiled_against().unwrap_or(library)),
    );
    map.push_new("using_library", entry("libvirt", library));
    map.push_new("using_api", entry(&kind, library));
    map.push_new("running_hypervisor", entry(&kind, conn.get_version()?));
    if call.flag(&DAEMON) {
        let daemon = conn.get_library_version()?;
        let text = Value::String(dotted(daemon));
        map.push_new("running_against_daemon", if raw { Value::Uint(daemon) } else { text });
    }
    Ok(map.into())
}

/// "9.0.0" for 9,000,000.
fn dotted(version: u64) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1000 % 1000, version % 1000)
}
