// SPDX-License-Identifier: LGPL-2.1-or-later
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
use super::frame::text::dotted;
use super::xml_result;
use crate::core::conn::Emulator;
use crate::core::library;
use crate::value::{Map, Value};

/// Where it may be left out, and where it must not.
const CELL_NUMBER: Optional<Int> = optional("cellno", "number of the NUMA cell");
static CELL: Optional<Int> = CELL_NUMBER;
static CPUS: Needed<Document> =
    needed("file", "CPU definitions, or domains or capabilities that contain one").root("cpu");

static PAGESIZE: Needed<Size> =
    needed("pagesize", "page size; a number without a unit is in KiB").in_kib();
static PAGECOUNT: Needed<Int> = needed("pagecount", "number of pages");
static ADD: Flag = flag("add", "add the pages to those that are reserved");
static ALL: Flag = flag("all", "all NUMA cells").excludes(&[&CELL]);
static FEATURES: Flag = flag("features", "include the features of the model");
static MIGRATABLE: Flag = flag("migratable", "exclude features that block migration");
static ERROR: Flag = flag("error", "incompatible CPUs are an error");
static VALIDATE: Flag = flag("validate", "validate the description against libvirt's schema");
static ARCH: Needed<Text> = needed("arch", "architecture, such as x86_64");
static VIRTTYPE: Optional<Text> = optional("virttype", "virtualization type, such as kvm");
static EMULATORBIN: Optional<Text> = optional("emulatorbin", "path of the emulator");
static DOMCAPABILITIES_ARCH: Optional<Text> = optional("arch", "architecture, such as x86_64");
static MACHINE: Optional<Text> = optional("machine", "machine type, such as q35");
static FREECELL_ALL: Flag = flag("all", "all NUMA cells, and the total").excludes(&[&CELL]);
static FREEPAGES_CELL: Optional<Int> =
    CELL_NUMBER.unless(&[&FREEPAGES_ALL]).saying("missing cellno argument");
static FREEPAGES_PAGESIZE: Optional<Size> =
    optional("pagesize", "page size; a number without a unit is in KiB")
        .in_kib()
        .unless(&[&FREEPAGES_ALL])
        .saying("missing pagesize argument");
static FREEPAGES_ALL: Flag =
    flag("all", "all NUMA cells and page sizes").excludes(&[&FREEPAGES_CELL]);
static TYPE: Optional<Text> = optional("type", "virtualization type, such as kvm");
/// The settings of sharing, which have the same names in libvirt.
static SHARING: Listed = &[
    &optional::<Int>("shm_pages_to_scan", "number of pages to scan before sleeping"),
    &optional::<Int>("shm_sleep_millisecs", "sleep time in ms"),
    &optional::<Int>("shm_merge_across_nodes", "1 to merge pages across NUMA cells, otherwise 0"),
];
static PRETTY: Flag = flag("pretty", "CPU map as ranges, such as 0-3,8");
static CPU: Optional<Int> = optional("cpu", "number of the CPU; by default all together");
static PERCENT: Flag = flag("percent", "usage over one second, in percent");
static NODEMEMSTATS_CELL: Optional<Int> =
    optional("cell", "number of the NUMA cell; by default all together");
static DURATION: Needed<Int> = needed("duration", "duration in s, at least 60");
static DAEMON: Flag = flag("daemon", "include the daemon's version");

pub(super) static COMMANDS: &[Command] = &[
    action("allocpages", "allocpages", memory::allocpages)
        .about("Sets the number of reserved huge pages of a size.")
        .takes(&[&PAGESIZE, &PAGECOUNT, &CELL, &ADD, &ALL]),
    document("capabilities", "capabilities", capabilities)
        .about("Returns the capabilities of the host and the hypervisor."),
    action("cpu_baseline", "cpu-baseline", cpu::baseline)
        .about("Computes the most capable CPU that is compatible with several hosts.")
        .takes(&[&CPUS, &FEATURES, &MIGRATABLE]),
    action("cpu_compare", "cpu-compare", cpu::compare)
        .about("Compares a CPU description with the CPU of the host.")
        .takes(&[&CPUS, &ERROR, &VALIDATE]),
    list("cpu_models", "cpu-models", cpu::models)
        .about("Lists the CPU models that libvirt supports for an architecture.")
        .takes(&[&ARCH]),
    document("domcapabilities", "domcapabilities", domcapabilities)
        .about("Returns the capabilities of an emulator for domains.")
        .takes(&[&VIRTTYPE, &EMULATORBIN, &DOMCAPABILITIES_ARCH, &MACHINE]),
    facts("freecell", "freecell", memory::freecell)
        .about("Returns the free memory of the host or of NUMA cells.")
        .takes(&[&CELL, &FREECELL_ALL]),
    facts("freepages", "freepages", memory::freepages)
        .about("Returns the number of free memory pages in NUMA cells.")
        .takes(&[&FREEPAGES_CELL, &FREEPAGES_PAGESIZE, &FREEPAGES_ALL]),
    word("maxvcpus", "maxvcpus", cpu::maxvcpus)
        .about("Returns the maximum number of virtual CPUs of a domain.")
        .takes(&[&TYPE]),
    tune("node_memory_tune", "node-memory-tune", memory::tune)
        .about("Returns or sets the memory sharing (KSM) parameters of the host.")
        .takes(SHARING),
    facts("nodecpumap", "nodecpumap", node::cpumap)
        .about("Returns the CPUs of the host and which of them are online.")
        .takes(&[&PRETTY]),
    facts("nodecpustats", "nodecpustats", node::cpustats)
        .about("Returns CPU time statistics of the host: in ns, or in percent over one second.")
        .takes(&[&CPU, &PERCENT]),
    facts("nodeinfo", "nodeinfo", node::info)
        .about("Returns basic information about the CPUs and the memory of the host."),
    facts("nodememstats", "nodememstats", node::memstats)
        .about("Returns memory statistics of the host.")
        .takes(&[&NODEMEMSTATS_CELL]),
    action("nodesuspend", "nodesuspend", node::suspend)
        .about("Suspends the host, and wakes it up after the given time.")
        .takes(&[&SUSPEND_TARGET, &DURATION]),
    facts("sysinfo", "sysinfo", sysinfo)
        .about("Returns BIOS and hardware information of the host (SMBIOS)."),
    word("uri", "uri", uri).about("Returns the libvirt URI of the host."),
    facts("version", "version", version)
        .about("Returns the versions of libvirt and the hypervisor.")
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
