// SPDX-License-Identifier: LGPL-2.1-or-later
//! docs/COMMANDS.md: the table of commands, for people.

use std::fmt::Write as _;

use super::frame::argument::Argument;
use super::frame::command::Command;
use super::frame::rules;
use super::keys;
use super::table::{OBJECTS, full_name};

const HEAD: &str = "\
# Commands of the host facade

Generated from the table of commands in `src/host`: `make generate` writes this file.

`vkvm_host_call` and, in Perl, the methods of `VKVM::Host` run these commands. Arguments
are listed in positional order, the required ones in bold; those in brackets are given
by name only: switches, and options of QEMU's programs. Every command also takes `raw`:
the result then has numbers (bytes, ns) and bools instead of texts. The result is one of

| result | is |
|---|---|
| dict, stats | a map |
| str | text, or a number |
| list | a list |
| xml | a document as a map, without its root element |
| none | (status, stdout, stderr): true on success, and the output of virsh or of QEMU's program |
| tune | a map; with settings to change, the same as none |

Arguments that exclude or require others, and the words that an argument accepts, are
listed below each table. A command with invalid arguments does nothing and fails with
virsh's message, such as \"Options --nvram and --keep-nvram are mutually exclusive\".

The keys of results are those of an example: another host, or other arguments, can have
fewer or more. `*.NAME` is a key of each entry.

A document is passed as a file name, XML, or a map. The map of a device, or of an element
for `network.update`, has the name of its root element as its only key. Sizes have units
such as `20G` and `5GiB`. Options of virsh that only change its output (`xpath`, `wrap`,
and `verbose` of `save`, `managedsave` and `coredump`, whose progress a callback receives)
or that need a terminal (`interactive`, `edit`, `console`) are missing;
`data/coverage/commands.json` has the reason for each.
";

/// The text of docs/COMMANDS.md.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for object in OBJECTS {
        let title = match object.name {
            "" => "The host itself".to_owned(),
            name => format!("{name}: {}", object.about),
        };
        let _ = write!(text, "\n## {title}\n\n");
        if !object.aliases.is_empty() {
            let _ = write!(text, "Also called {}.\n\n", object.aliases.join(", "));
        }
        text.push_str("| command | arguments | result | in virsh | |\n|---|---|---|---|---|\n");
        for command in object.commands() {
            let arguments: Vec<String> = command.arguments().into_iter().map(argument).collect();
            let progress = if command.progress { " Reports progress." } else { "" };
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} | {}{progress} |",
                command.name,
                arguments.join(", "),
                command.shape.name(),
                command.virsh,
                command.about,
            );
        }
        let with_keys: Vec<_> = object
            .commands()
            .map(|command| (command.name, keys::of(&full_name(object, command))))
            .filter(|(_, keys)| !keys.is_empty())
            .collect();
        if !with_keys.is_empty() {
            text.push_str("\nKeys of the results:\n\n");
        }
        for (name, keys) in with_keys {
            let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            let _ = writeln!(text, "- `{name}`: {}.", keys.join(", "));
        }
        let mut rules: Vec<(String, Vec<String>)> = Vec::new();
        for command in object.commands() {
            let (own, name) = (rules_of(command), format!("`{}`", command.name));
            match rules.iter_mut().find(|(known, _)| *known == own) {
                Some((_, names)) => names.push(name),
                None if own.is_empty() => {}
                None => rules.push((own, vec![name])),
            }
        }
        if !rules.is_empty() {
            text.push_str(
                "\nArguments that exclude or require others, or accept certain words:\n\n",
            );
        }
        for (rules, names) in rules {
            let _ = writeln!(text, "- {}: {rules}.", names.join(", "));
        }
    }
    text
}

fn argument(argument: &Argument) -> String {
    match (argument.required, argument.placed) {
        (true, _) => format!("**{}**", argument.name),
        (false, false) => format!("[{}]", argument.name),
        (false, true) => argument.name.to_owned(),
    }
}

/// Which arguments of a command do not go with others; "" if all do.
fn rules_of(command: &Command) -> String {
    let rules = command.arguments().into_iter().filter_map(|argument| {
        let phrases = rules::phrases(argument).join(" and ");
        (!phrases.is_empty()).then(|| format!("`{}` {phrases}", argument.name))
    });
    rules.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use std::{env, fs};

    use crate::host::table;

    /// Compares a file of the tree, or writes it when VKVM_WRITE_COMMANDS is set.
    fn is_up_to_date(name: &str, wanted: &str) {
        let path = format!("{}/{name}", env!("CARGO_MANIFEST_DIR"));
        if env::var_os("VKVM_WRITE_COMMANDS").is_some() {
            fs::write(&path, wanted).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(found == wanted, "{name} is not up to date: run `make generate`");
    }

    #[test]
    fn the_list_of_commands_is_up_to_date() {
        is_up_to_date("docs/COMMANDS.md", &super::markdown());
    }

    /// The same for docs/site, which knows of the library only what is in files; a line for
    /// each object and command.
    #[test]
    fn the_list_of_commands_as_data_is_up_to_date() {
        let mut parts = Vec::new();
        for (part, rows) in table::describe().iter() {
            let rows = rows.get_map("").unwrap();
            let lines: Vec<String> = rows
                .iter()
                .map(|(name, row)| format!("\n{name:?}: {}", row.to_json(false).unwrap()))
                .collect();
            parts.push(format!("{part:?}: {{{}\n}}", lines.join(",")));
        }
        is_up_to_date("docs/site/commands.json", &format!("{{{}}}\n", parts.join(",\n")));
    }
}
