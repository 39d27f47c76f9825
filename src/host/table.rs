// SPDX-License-Identifier: LGPL-2.1-or-later
//! The table of all commands.

use super::frame::argument::{Needed, Optional, Text, Texts, needed, optional};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, Shape, action};
use super::frame::failure::Failure;
use super::frame::given::wrong;
use super::{
    domain, hypervisor, image, interface, keys, lists, network, pool, secret, snapshot, virsh,
    volume,
};
use crate::error::{Misuse, Result};
use crate::value::{Map, Value, shortened};

/// Something with commands.
pub struct Object {
    /// As in python-kvm; "" for what the host itself does.
    pub name: &'static str,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// What it is, a phrase.
    pub about: &'static str,
    /// Its commands, in groups by subject.
    pub commands: &'static [&'static [Command]],
}

impl Object {
    /// All its commands.
    pub fn commands(&self) -> impl Iterator<Item = &'static Command> + use<> {
        self.commands.iter().flat_map(|group| group.iter())
    }
}

/// All commands there are. A new file of commands is added here.
pub static OBJECTS: &[Object] = &[
    Object {
        name: "",
        aliases: &[],
        about: "the host itself",
        commands: &[lists::COMMANDS, VIRSH],
    },
    Object {
        name: "hypervisor",
        aliases: &[],
        about: "the host and its hypervisor",
        commands: &[hypervisor::COMMANDS],
    },
    Object { name: "domain", aliases: &[], about: "domains", commands: domain::COMMANDS },
    Object {
        name: "image",
        aliases: &[],
        about: "disk images on this machine",
        commands: &[image::COMMANDS],
    },
    Object {
        name: "network",
        aliases: &["net"],
        about: "virtual networks",
        commands: &[network::COMMANDS],
    },
    Object {
        name: "interface",
        aliases: &["iface"],
        about: "network interfaces of the host",
        commands: &[interface::COMMANDS],
    },
    Object { name: "pool", aliases: &[], about: "storage pools", commands: &[pool::COMMANDS] },
    Object {
        name: "volume",
        aliases: &[],
        about: "volumes of storage pools",
        commands: &[volume::COMMANDS],
    },
    Object { name: "secret", aliases: &[], about: "secrets", commands: &[secret::COMMANDS] },
    Object {
        name: "snapshot",
        aliases: &[],
        about: "snapshots of domains",
        commands: &[snapshot::COMMANDS],
    },
];

/// The command of this name: "object.command", or "command" of the host itself.
pub fn find(full: &str) -> Result<&'static Command> {
    let (object_name, name) = full.split_once('.').unwrap_or(("", full));
    let object = OBJECTS
        .iter()
        .find(|object| object.name == object_name || object.aliases.contains(&object_name))
        .ok_or_else(|| {
            missing(full, "objects", "the host", OBJECTS.iter().map(|object| object.name))
        })?;
    object.commands().find(|command| command.name == name).ok_or_else(|| {
        let commands = object.commands().map(|command| command.name);
        match object.name {
            "" => {
                let objects = OBJECTS.iter().map(|object| object.name);
                missing(full, "commands and objects", "the host", commands.chain(objects))
            }
            name => missing(full, "commands", name, commands),
        }
    })
}

static NAME: Needed<Text> = needed("command", "virsh's name of the command, such as net-start");
static ARGUMENTS: Optional<Texts> = optional("arguments", "arguments, as for virsh");

/// A command by virsh's name, which takes the table to find.
static VIRSH: &[Command] = &[action("virsh", "", run_as_virsh)
    .about("Runs a command that changes something, by its name in virsh.")
    .takes(&[&NAME, &ARGUMENTS])];

fn run_as_virsh(call: &mut Call<'_>) -> Outcome {
    let name = call.get(&NAME)?;
    let Some((full, command)) = by_virsh_name(name) else {
        let known = virsh_names().join(", ");
        let reason = format!(
            "there is no command that virsh calls \"{}\"; there are {known}",
            shortened(name, 60)
        );
        return Err(Failure::from(wrong(reason)).blaming(NAME.name()).raised());
    };
    if command.shape != Shape::None {
        let reason = format!("\"{name}\" gives a result with structure: call {full}");
        return Err(Failure::from(wrong(reason)).blaming(NAME.name()).raised());
    }
    let arguments = virsh::arguments(command, &call.get(&ARGUMENTS).unwrap_or_default());
    command.forward(call, &arguments.into())
}

/// The full name of the command that virsh has under this name, and the command.
fn by_virsh_name(name: &str) -> Option<(String, &'static Command)> {
    let is_it = |command: &&Command| !command.virsh.is_empty() && command.virsh == name;
    OBJECTS.iter().find_map(|object| {
        let command = object.commands().find(is_it)?;
        Some((full_name(object, command), command))
    })
}

/// virsh's names of the commands that change something.
fn virsh_names() -> Vec<&'static str> {
    let commands = OBJECTS.iter().flat_map(Object::commands);
    let changing = commands.filter(|command| command.shape == Shape::None);
    changing.map(|command| command.virsh).filter(|name| !name.is_empty()).collect()
}

/// The name that [`find`] finds it by.
pub fn full_name(object: &Object, command: &Command) -> String {
    let dot = if object.name.is_empty() { "" } else { "." };
    [object.name, dot, command.name].concat()
}

/// The error about something that is not there, which tells what is.
fn missing(
    wanted: &str,
    what: &str,
    whose: &str,
    known: impl Iterator<Item = &'static str>,
) -> crate::error::Error {
    let known: Vec<_> = known.filter(|name| !name.is_empty()).collect();
    let hint = format!("; the {what} of {whose} are {}", known.join(", "));
    Misuse::NotFound { parameter: "command", path: wanted.to_owned(), hint }.into()
}

/// All objects and commands as values.
pub fn describe() -> Map {
    let mut objects = Map::new();
    let mut commands = Map::new();
    for object in OBJECTS {
        if !object.name.is_empty() {
            let aliases = object.aliases.iter().map(|alias| Value::from(*alias));
            let mut map = Map::with_capacity(2);
            map.push_new("about", object.about);
            map.push_new("aliases", aliases.collect::<Vec<_>>());
            objects.insert(object.name, map);
        }
        for command in object.commands() {
            let full = full_name(object, command);
            let about = command.describe(object.name, keys::of(&full));
            commands.insert(full, about);
        }
    }
    let mut map = Map::with_capacity(2);
    map.push_new("objects", objects);
    map.push_new("commands", commands);
    map
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::frame::argument::Kind;

    #[test]
    fn the_table_is_regular() {
        for object in OBJECTS {
            for command in object.commands() {
                let name = full_name(object, command);
                assert!(command.about.ends_with('.'), "{name}: a sentence ends with a full stop");
                // These have the serial numbers of a host, numbers or uuids, or a text.
                let has_none = [
                    "hypervisor.sysinfo",
                    "list_secrets",
                    "hypervisor.freecell",
                    "hypervisor.freepages",
                    "hypervisor.cpu_models",
                    "domain.time",
                ];
                let is_map =
                    !matches!(command.shape, Shape::None | Shape::Ran | Shape::Str | Shape::Xml);
                let has_keys = is_map && !has_none.contains(&name.as_str());
                assert_eq!(!keys::of(&name).is_empty(), has_keys, "{name}: keys of its result");
                let mut seen = vec!["raw", "args", "progress"];
                let mut optional = false;
                for argument in command.arguments() {
                    assert!(!seen.contains(&argument.name), "{name}: {} twice", argument.name);
                    assert!(!argument.name.contains('-'), "{name}: {}", argument.name);
                    assert!(!argument.about.ends_with('.'), "{name}: {}", argument.name);
                    assert!(!(argument.required && optional), "{name}: required ones come first");
                    assert!(!(argument.required && argument.kind == Kind::Flag), "{name}");
                    optional |= !argument.required;
                    seen.push(argument.name);
                }
                assert_eq!(find(&name).unwrap().name, command.name);
            }
        }
    }
}
