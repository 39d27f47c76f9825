// SPDX-License-Identifier: LGPL-2.1-or-later
//! Nothing of python-kvm is missing without a reason.

use std::collections::BTreeSet;

use super::table::find;
use crate::value::{Map, Value};

/// The commands of python-kvm with the options that virsh and QEMU's programs take for
/// them, and the options that are left out: "OPTION" or "COMMAND OPTION".
const DATA: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/coverage/commands.json"));

fn part<'v>(data: &'v Value, name: &str) -> &'v Map {
    match data {
        Value::Map(map) => match map.get(name) {
            Some(Value::Map(part)) => part,
            other => panic!("{name} is {other:?}"),
        },
        other => panic!("the file is {other:?}"),
    }
}

#[test]
fn every_command_and_option_is_there_or_has_a_reason() {
    let data = Value::from_json(DATA).unwrap();
    let (commands, left_out) = (part(&data, "commands"), part(&data, "left_out"));
    let mut problems = Vec::new();
    let mut used = BTreeSet::new();
    let mut options = 0;
    for (full, names) in commands {
        let Ok(command) = find(full) else {
            problems.push(format!("{full} is missing"));
            continue;
        };
        for name in names.get_str("").unwrap().split_whitespace() {
            options += 1;
            let has = command.arguments().iter().any(|argument| argument.name == name);
            let own = format!("{full} {name}");
            let reason = [own.as_str(), name].into_iter().find(|key| left_out.get(key).is_some());
            match (has, reason) {
                (true, None) => {}
                (false, Some(key)) => {
                    used.insert(key.to_owned());
                }
                (false, None) => problems.push(format!("{own} is missing, without a reason")),
                // A reason for all commands may not be one for this.
                (true, Some(key)) if key == name => {}
                (true, Some(_)) => problems.push(format!("{own} is there, and said not to be")),
            }
        }
    }
    for (key, reason) in left_out {
        assert!(!reason.get_str("").unwrap().is_empty(), "{key}: why?");
        if !used.contains(key) {
            problems.push(format!("{key} is said to be left out, and is not"));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    // The file was not cut short.
    assert!(commands.len() >= 165 && options >= 795, "{} and {options}", commands.len());
}
