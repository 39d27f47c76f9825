// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of virtual networks.

use super::frame::argument::{Document, Flag, Int, Needed, Optional, Text, flag, needed, optional};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, facts, word};
use super::frame::failure::Says;
use super::frame::given::shown;
use super::frame::words::{Words, names};
use super::lookup::NETWORK;
use super::{lookup, xml_result};
use crate::constants as c;
use crate::core::Network;
use crate::value::Map;

static FILE: Needed<Document> = needed("file", "network definition").root("network");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");

/// What `update` can do.
const UPDATES: [(&str, u32); 5] = [
    ("add", c::NETWORK_UPDATE_COMMAND_ADD_LAST),
    ("add-last", c::NETWORK_UPDATE_COMMAND_ADD_LAST),
    ("add-first", c::NETWORK_UPDATE_COMMAND_ADD_FIRST),
    ("delete", c::NETWORK_UPDATE_COMMAND_DELETE),
    ("modify", c::NETWORK_UPDATE_COMMAND_MODIFY),
];

const UPDATE_NAMES: &[&str] = &names(&UPDATES);

/// What `update` can be about.
const SECTIONS: [(&str, u32); 12] = [
    ("bridge", c::NETWORK_SECTION_BRIDGE),
    ("domain", c::NETWORK_SECTION_DOMAIN),
    ("ip", c::NETWORK_SECTION_IP),
    ("ip-dhcp-host", c::NETWORK_SECTION_IP_DHCP_HOST),
    ("ip-dhcp-range", c::NETWORK_SECTION_IP_DHCP_RANGE),
    ("forward", c::NETWORK_SECTION_FORWARD),
    ("forward-interface", c::NETWORK_SECTION_FORWARD_INTERFACE),
    ("forward-pf", c::NETWORK_SECTION_FORWARD_PF),
    ("portgroup", c::NETWORK_SECTION_PORTGROUP),
    ("dns-host", c::NETWORK_SECTION_DNS_HOST),
    ("dns-txt", c::NETWORK_SECTION_DNS_TXT),
    ("dns-srv", c::NETWORK_SECTION_DNS_SRV),
];
const SECTION_NAMES: &[&str] = &names(&SECTIONS);

static DISABLE: Flag = flag("disable", "disable autostart");
static INACTIVE: Flag = flag("inactive", "persistent definition, for the next start");
static NETWORK_UUID: Needed<Text> = needed("network", "UUID of the network");
static COMMAND: Needed<Text> = needed("command", "add (or add-last), add-first, delete or modify")
    .one_of(&Words::new(UPDATE_NAMES, "unrecognized command name '{}'"));
static SECTION: Needed<Text> = needed("section", "section, such as ip-dhcp-host")
    .one_of(&Words::new(SECTION_NAMES, "unrecognized section name '{}'"));
static XML: Needed<Document> = needed("xml", "element of the section");
static PARENT_INDEX: Optional<Int> =
    optional("parent_index", "number of the parent element, from 0");
static CONFIG: Flag = flag("config", "persistent definition, for the next start");
static LIVE: Flag = flag("live", "live state");
static CURRENT: Flag =
    flag("current", "current state, live or persistent; the default").excludes(&[&LIVE, &CONFIG]);
static NETWORK_NAME: Needed<Text> = needed("network", "name of the network");

pub(super) static COMMANDS: &[Command] = &[
    action("autostart", "net-autostart", autostart)
        .about("Sets whether a network starts when the host boots.")
        .takes(&[&NETWORK, &DISABLE]),
    document("conf", "net-dumpxml", conf)
        .about("Returns the definition of a network.")
        .takes(&[&NETWORK, &INACTIVE]),
    action("create", "net-create", create)
        .about("Creates and starts a transient network.")
        .takes(&[&FILE, &VALIDATE]),
    action("define", "net-define", define)
        .about("Defines a persistent network without starting it, or changes its definition.")
        .takes(&[&FILE, &VALIDATE]),
    action("destroy", "net-destroy", destroy).about("Stops a network.").takes(&[&NETWORK]),
    facts("info", "net-info", info)
        .about("Returns name, UUID, state and bridge of a network.")
        .takes(&[&NETWORK]),
    word("name", "net-name", name)
        .about("Returns the name of a network by its UUID.")
        .takes(&[&NETWORK_UUID]),
    action("start", "net-start", start).about("Starts a defined network.").takes(&[&NETWORK]),
    action("undefine", "net-undefine", undefine)
        .about("Removes the persistent definition of a network.")
        .takes(&[&NETWORK]),
    action("update", "net-update", update)
        .about("Updates a section of the definition of a network, live or persistent.")
        .takes(&[&NETWORK, &COMMAND, &SECTION, &XML, &PARENT_INDEX, &CONFIG, &LIVE, &CURRENT]),
    word("uuid", "net-uuid", uuid)
        .about("Returns the UUID of a network by its name.")
        .takes(&[&NETWORK_NAME]),
];

fn autostart(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.get(&NETWORK)?;
    let mark = if call.flag(&DISABLE) { "unmark" } else { "mark" };
    network
        .set_autostart(!call.flag(&DISABLE))
        .or_say(|| format!("failed to {mark} network {name} as autostarted"))?;
    Ok(format!("Network {name} {mark}ed as autostarted").into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[(&INACTIVE, c::NETWORK_XML_INACTIVE)]);
    xml_result::document(&call.network()?.get_xml_description(flags)?, "network", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[(&VALIDATE, c::NETWORK_CREATE_VALIDATE)]);
    let network = call
        .conn()
        .create_network(&document.xml, flags)
        .or_say(|| format!("Failed to create network from {}", document.file))?;
    Ok(format!("Network {} created from {}", name_of(&network)?, document.file).into())
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[(&VALIDATE, c::NETWORK_DEFINE_VALIDATE)]);
    let network = call
        .conn()
        .define_network(&document.xml, flags)
        .or_say(|| format!("Failed to define network from {}", document.file))?;
    Ok(format!("Network {} defined from {}", name_of(&network)?, document.file).into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.get(&NETWORK)?;
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
    let uuid = call.c_text(&NETWORK_UUID)?;
    let network = lookup::by_uuid("network", uuid, |uuid| conn.get_network_by_uuid(uuid))?;
    Ok(name_of(&network)?.into())
}

fn start(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.get(&NETWORK)?;
    network.create().or_say(|| format!("Failed to start network {name}"))?;
    Ok(format!("Network {name} started").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let name = call.get(&NETWORK)?;
    network.undefine().or_say(|| format!("Failed to undefine network {name}"))?;
    Ok(format!("Network {name} has been undefined").into())
}

fn update(call: &mut Call<'_>) -> Outcome {
    let network = call.network()?;
    let command = call.meaning(&COMMAND, &UPDATES)??;
    let section = call.meaning(&SECTION, &SECTIONS)??;
    let (config, live) = (call.flag(&CONFIG), call.flag(&LIVE));
    let flags = call.flags(&[
        (&CONFIG, c::NETWORK_UPDATE_AFFECT_CONFIG),
        (&LIVE, c::NETWORK_UPDATE_AFFECT_LIVE),
    ]);
    let element = call.get(&XML)?.read()?;
    let range = -1..=i32::MAX.into();
    let index = call.number(&PARENT_INDEX, range, "malformed parent-index argument")?;
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
    let name = call.c_text(&NETWORK_NAME)?;
    let network = call
        .conn()
        .get_network_by_name(name)
        .or_say(|| format!("failed to get network '{}'", shown(name)))?;
    Ok(shown(&network.get_uuid_string()?).into())
}

fn name_of(network: &Network) -> crate::error::Result<String> {
    Ok(network.get_name()?.to_string_lossy().into_owned())
}
