//! The commands of the host and its hypervisor.

mod cpu;
mod memory;
mod node;

pub(super) use node::{SUSPEND_TARGET, SUSPEND_TARGETS};

use super::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::failure::Failure;
use super::frame::given::shown;
use super::xml_result;
use crate::core::conn::Emulator;
use crate::core::library;
use crate::value::{Map, Value};

const CELL: Argument = optional("cellno", Kind::Int, "which NUMA cell");
const CPUS: Argument =
    needed("file", Kind::Document("cpu"), "CPUs, or domains or capabilities that have one");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "allocpages",
        virsh: "allocpages",
        about: "Sets how many pages of a size are reserved.",
        shape: Shape::None,
        arguments: &[
            needed("pagesize", Kind::Size(1024), "the size of a page; a plain number is in KiB"),
            needed("pagecount", Kind::Int, "how many pages"),
            CELL,
            flag("add", "as many more, not as many in all"),
            flag("all", "in every NUMA cell").excludes(&["cellno"]),
        ],
        progress: false,
        run: memory::allocpages,
    },
    Command {
        name: "capabilities",
        virsh: "capabilities",
        about: "Gets what the host and its hypervisor can do.",
        shape: Shape::Xml,
        arguments: &[],
        progress: false,
        run: capabilities,
    },
    Command {
        name: "cpu_baseline",
        virsh: "cpu-baseline",
        about: "Computes the most capable CPU that several hosts have.",
        shape: Shape::None,
        arguments: &[
            CPUS,
            flag("features", "show the features that the model has by itself"),
            flag("migratable", "leave out features that block migration"),
        ],
        progress: false,
        run: cpu::baseline,
    },
    Command {
        name: "cpu_compare",
        virsh: "cpu-compare",
        about: "Compares the host's CPU to a described one.",
        shape: Shape::None,
        arguments: &[
            CPUS,
            flag("error", "report CPUs that are incompatible as an error"),
            flag("validate", "check the description against libvirt's schema"),
        ],
        progress: false,
        run: cpu::compare,
    },
    Command {
        name: "cpu_models",
        virsh: "cpu-models",
        about: "Lists the CPU models that are known for an architecture.",
        shape: Shape::List,
        arguments: &[needed("arch", Kind::Text, "the architecture, like x86_64")],
        progress: false,
        run: cpu::models,
    },
    Command {
        name: "domcapabilities",
        virsh: "domcapabilities",
        about: "Gets what domains can have with an emulator.",
        shape: Shape::Xml,
        arguments: &[
            optional("virttype", Kind::Text, "the kind of virtualisation, like kvm"),
            optional("emulatorbin", Kind::Text, "the emulator's path"),
            optional("arch", Kind::Text, "the architecture, like x86_64"),
            optional("machine", Kind::Text, "the machine type, like q35"),
        ],
        progress: false,
        run: domcapabilities,
    },
    Command {
        name: "freecell",
        virsh: "freecell",
        about: "Gets the free memory of the host or of NUMA cells.",
        shape: Shape::Dict,
        arguments: &[CELL, flag("all", "every NUMA cell, and the total").excludes(&["cellno"])],
        progress: false,
        run: memory::freecell,
    },
    Command {
        name: "freepages",
        virsh: "freepages",
        about: "Gets how many pages are free in NUMA cells.",
        shape: Shape::Dict,
        arguments: &[
            CELL.unless(&["all"]).saying("missing cellno argument"),
            optional("pagesize", Kind::Size(1024), "which size; a plain number is in KiB")
                .unless(&["all"])
                .saying("missing pagesize argument"),
            flag("all", "every NUMA cell and every size").excludes(&["cellno"]),
        ],
        progress: false,
        run: memory::freepages,
    },
    Command {
        name: "maxvcpus",
        virsh: "maxvcpus",
        about: "Gets how many virtual CPUs a domain can have.",
        shape: Shape::Str,
        arguments: &[optional("type", Kind::Text, "the kind of virtualisation, like kvm")],
        progress: false,
        run: cpu::maxvcpus,
    },
    Command {
        name: "node_memory_tune",
        virsh: "node-memory-tune",
        about: "Gets or sets how the host shares memory pages between guests.",
        shape: Shape::Tune,
        arguments: &[
            optional("shm_pages_to_scan", Kind::Int, "pages to scan before it sleeps"),
            optional("shm_sleep_millisecs", Kind::Int, "how long it sleeps, in ms"),
            optional("shm_merge_across_nodes", Kind::Int, "1 to merge across NUMA cells, or 0"),
        ],
        progress: false,
        run: memory::tune,
    },
    Command {
        name: "nodecpumap",
        virsh: "nodecpumap",
        about: "Gets which CPUs of the host are online.",
        shape: Shape::Dict,
        arguments: &[flag("pretty", "the map as ranges, like 0-3,8")],
        progress: false,
        run: node::cpumap,
    },
    Command {
        name: "nodecpustats",
        virsh: "nodecpustats",
        about: "Gets what the host's CPUs did: in ns, or in percent over one second.",
        shape: Shape::Dict,
        arguments: &[
            optional("cpu", Kind::Int, "which CPU; all together without it"),
            flag("percent", "measure for one second, in percent"),
        ],
        progress: false,
        run: node::cpustats,
    },
    Command {
        name: "nodeinfo",
        virsh: "nodeinfo",
        about: "Gets the host's CPUs and memory.",
        shape: Shape::Dict,
        arguments: &[],
        progress: false,
        run: node::info,
    },
    Command {
        name: "nodememstats",
        virsh: "nodememstats",
        about: "Gets how the host's memory is used.",
        shape: Shape::Dict,
        arguments: &[optional("cell", Kind::Int, "which NUMA cell; all together without it")],
        progress: false,
        run: node::memstats,
    },
    Command {
        name: "nodesuspend",
        virsh: "nodesuspend",
        about: "Suspends the host for a time.",
        shape: Shape::None,
        arguments: &[
            SUSPEND_TARGET,
            needed("duration", Kind::Int, "for how long, in s; 60 at the least"),
        ],
        progress: false,
        run: node::suspend,
    },
    Command {
        name: "sysinfo",
        virsh: "sysinfo",
        about: "Gets what BIOS and hardware say about themselves.",
        shape: Shape::Dict,
        arguments: &[],
        progress: false,
        run: sysinfo,
    },
    Command {
        name: "uri",
        virsh: "uri",
        about: "Gets the host's libvirt URI.",
        shape: Shape::Str,
        arguments: &[],
        progress: false,
        run: uri,
    },
    Command {
        name: "version",
        virsh: "version",
        about: "Gets the versions of library and hypervisor.",
        shape: Shape::Dict,
        arguments: &[flag("daemon", "that of the daemon, too")],
        progress: false,
        run: version,
    },
];

fn capabilities(call: &mut Call<'_>) -> Outcome {
    xml_result::document(&call.conn().get_capabilities()?, "capabilities", &[])
}

fn domcapabilities(call: &mut Call<'_>) -> Outcome {
    let emulator = Emulator {
        path: call.text("emulatorbin"),
        arch: call.text("arch"),
        machine: call.text("machine"),
        virttype: call.text("virttype"),
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
    if call.flag("daemon") {
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
