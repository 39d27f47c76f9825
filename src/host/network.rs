//! The commands of virtual networks.

use virt::sys;

use super::frame::argument::{ANY_ROOT, Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::failure::Says;
use super::frame::given::shown;
use super::frame::words::{Words, names};
use super::{lookup, xml_result};
use crate::core::Network;
use crate::value::Map;

const NETWORK: Argument = needed("network", Kind::Text, "the network's name or uuid");
const FILE: Argument = needed("file", Kind::Document("network"), "the network's definition");
const VALIDATE: Argument = flag("validate", "check the definition against libvirt's schema");

/// What `update` can do.
const UPDATES: [(&str, u32); 5] = [
    ("add", sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST),
    ("add-last", sys::VIR_NETWORK_UPDATE_COMMAND_ADD_LAST),
    ("add-first", sys::VIR_NETWORK_UPDATE_COMMAND_ADD_FIRST),
    ("delete", sys::VIR_NETWORK_UPDATE_COMMAND_DELETE),
    ("modify", sys::VIR_NETWORK_UPDATE_COMMAND_MODIFY),
];

const UPDATE_NAMES: &[&str] = &names(&UPDATES);

/// What `update` can be about.
const SECTIONS: [(&str, u32); 12] = [
    ("bridge", sys::VIR_NETWORK_SECTION_BRIDGE),
    ("domain", sys::VIR_NETWORK_SECTION_DOMAIN),
    ("ip", sys::VIR_NETWORK_SECTION_IP),
    ("ip-dhcp-host", sys::VIR_NETWORK_SECTION_IP_DHCP_HOST),
    ("ip-dhcp-range", sys::VIR_NETWORK_SECTION_IP_DHCP_RANGE),
    ("forward", sys::VIR_NETWORK_SECTION_FORWARD),
    ("forward-interface", sys::VIR_NETWORK_SECTION_FORWARD_INTERFACE),
    ("forward-pf", sys::VIR_NETWORK_SECTION_FORWARD_PF),
    ("portgroup", sys::VIR_NETWORK_SECTION_PORTGROUP),
    ("dns-host", sys::VIR_NETWORK_SECTION_DNS_HOST),
    ("dns-txt", sys::VIR_NETWORK_SECTION_DNS_TXT),
    ("dns-srv", sys::VIR_NETWORK_SECTION_DNS_SRV),
];
const SECTION_NAMES: &[&str] = &names(&SECTIONS);

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "autostart",
        virsh: "net-autostart",
        about: "Lets a network start with the host, or no longer.",
        shape: Shape::None,
        arguments: &[NETWORK, flag("disable", "no longer")],
        progress: false,
        run: autostart,
    },
    Command {
        name: "conf",
        virsh: "net-dumpxml",
        about: "Gets the definition of a network.",
        shape: Shape::Xml,
        arguments: &[NETWORK, flag("inactive", "as it will be when it starts next")],
        progress: false,
        run: conf,
    },
    Command {
        name: "create",
        virsh: "net-create",
        about: "Starts a network that is gone when it stops.",
        shape: Shape::None,
        arguments: &[FILE, VALIDATE],
        progress: false,
        run: create,
    },
    Command {
        name: "define",
        virsh: "net-define",
        about: "Defines a network without starting it, or changes its definition.",
        shape: Shape::None,
        arguments: &[FILE, VALIDATE],
        progress: false,
        run: define,
    },
    Command {
        name: "destroy",
        virsh: "net-destroy",
        about: "Stops a network.",
        shape: Shape::None,
        arguments: &[NETWORK],
        progress: false,
        run: destroy,
    },
    Command {
        name: "info",
        virsh: "net-info",
        about: "Gets name, uuid, state and bridge of a network.",
        shape: Shape::Dict,
        arguments: &[NETWORK],
        progress: false,
        run: info,
    },
    Command {
        name: "name",
        virsh: "net-name",
        about: "Gets the name of a network by its uuid.",
        shape: Shape::Str,
        arguments: &[needed("network", Kind::Text, "the network's uuid")],
        progress: false,
        run: name,
    },
    Command {
        name: "start",
        virsh: "net-start",
        about: "Starts a defined network.",
        shape: Shape::None,
        arguments: &[NETWORK],
        progress: false,
        run: start,
    },
    Command {
        name: "undefine",
        virsh: "net-undefine",
        about: "Forgets the definition of a network.",
        shape: Shape::None,
        arguments: &[NETWORK],
        progress: false,
        run: undefine,
    },
    Command {
        name: "update",
        virsh: "net-update",
        about: "Changes a section of a network's definition, also while it runs.",
        shape: Shape::None,
        arguments: &[
            NETWORK,
            needed("command", Kind::Text, "add (or add-last), add-first, delete or modify")
                .one_of(&Words::new(UPDATE_NAMES, "unrecognized command name '{}'")),
            needed("section", Kind::Text, "which section, like ip-dhcp-host")
                .one_of(&Words::new(SECTION_NAMES, "unrecognized section name '{}'")),
            needed("xml", Kind::Document(ANY_ROOT), "the section's element"),
            optional("parent_index", Kind::Int, "in which of several parents, from 0"),
            flag("config", "as it will be when it starts next"),
            flag("live", "while it runs"),
            flag("current", "the one of both that it is in now; the default")
                .excludes(&["live", "config"]),
        ],
        progress: false,
        run: update,
    },
    Command {
        name: "uuid",
        virsh: "net-uuid",
        about: "Gets the uuid of a network by its name.",
        shape: Shape::Str,
        arguments: &[needed("network", Kind::Text, "the network's name")],
        progress: false,
        run: uuid,
    },
];

fn autostart(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.needed_str("network")?;
    let mark = if call.flag("disable") { "unmark" } else { "mark" };
    network
        .set_autostart(!call.flag("disable"))
        .or_say(|| format!("failed to {mark} network {name} as autostarted"))?;
    Ok(format!("Network {name} {mark}ed as autostarted").into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[("inactive", sys::VIR_NETWORK_XML_INACTIVE)]);
    xml_result::document(&call.network()?.get_xml_description(flags)?, "network", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let document = call.document("file")?;
    let flags = call.flags(&[("validate", sys::VIR_NETWORK_CREATE_VALIDATE)]);
    let network = call
        .conn()
        .create_network(&document.xml, flags)
        .or_say(|| format!("Failed to create network from {}", document.file))?;
    Ok(format!("Network {} created from {}", name_of(&network)?, document.file).into())
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.document("file")?;
    let flags = call.flags(&[("validate", sys::VIR_NETWORK_DEFINE_VALIDATE)]);
    let network = call
        .conn()
        .define_network(&document.xml, flags)
        .or_say(|| format!("Failed to define network from {}", document.file))?;
    Ok(format!("Network {} defined from {}", name_of(&network)?, document.file).into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.needed_str("network")?;
    network.destroy().or_say(|| format!("Failed to destroy network {name}"))?;
    Ok(format!("Network {name} destroyed").into())
}

fn info(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let mut map = Map::with_capacity(6);
    map.push_new("name", call.converted(&name_of(&network)?));
    map.push_new("uuid", shown(&network.get_uuid_string()?));
    map.push_new("active", network.is_active()?);
    map.push_new("persistent", network.is_persistent()?);
    // Neither is there for every network.
    match network.get_autostart() {
        Ok(autostart) => map.push_new("autostart", autostart),
        Err(_) => map.push_new("autostart", "no autostart"),
    }
    if let Ok(bridge) = network.get_bridge_name() {
        map.push_new("bridge", call.converted(shown(&bridge)));
    }
    Ok(map.into())
}

fn name(call: &mut Call<'_>) -> Outcome {
    let conn = call.conn();
    let uuid = call.needed_text("network")?;
    let network = lookup::by_uuid("network", uuid, |uuid| conn.get_network_by_uuid(uuid))?;
    Ok(name_of(&network)?.into())
}

fn start(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.needed_str("network")?;
    network.create().or_say(|| format!("Failed to start network {name}"))?;
    Ok(format!("Network {name} started").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.needed_str("network")?;
    network.undefine().or_say(|| format!("Failed to undefine network {name}"))?;
    Ok(format!("Network {name} has been undefined").into())
}

fn update(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let command = call.meaning("command", &UPDATES)?.unwrap_or_default();
    let section = call.meaning("section", &SECTIONS)?.unwrap_or_default();
    let (config, live) = (call.flag("config"), call.flag("live"));
    let flags = call.flags(&[
        ("config", sys::VIR_NETWORK_UPDATE_AFFECT_CONFIG),
        ("live", sys::VIR_NETWORK_UPDATE_AFFECT_LIVE),
    ]);
    let element = call.document("xml")?;
    let range = -1..=i32::MAX.into();
    let index = call.number("parent_index", range, "malformed parent-index argument")?;
    let index = index.unwrap_or(-1);
    let name = name_of(&network)?;
    network
        .update(command, section, index, &element.xml, flags)
        .or_say(|| format!("Failed to update network {name}"))?;
    let affected = match (config, live) {
        (true, true) => "persistent config and live state",
        (true, false) => "persistent config",
        (false, _) => "live state",
    };
    Ok(format!("Updated network {name} {affected}").into())
}

fn uuid(call: &mut Call<'_>) -> Outcome {
    let name = call.needed_text("network")?;
    let network = call
        .conn()
        .get_network_by_name(name)
        .or_say(|| format!("failed to get network '{}'", shown(name)))?;
    Ok(shown(&network.get_uuid_string()?).into())
}

fn name_of(network: &Network) -> crate::error::Result<String> {
    Ok(network.get_name()?.to_string_lossy().into_owned())
}
