// SPDX-License-Identifier: LGPL-2.1-or-later
//! Arguments as virsh has them.

use super::frame::argument::Kind;
use super::frame::command::Command;
use crate::value::{Map, Value};

/// The arguments of a command: those that begin with "--" are options, the others
/// positional.
pub fn arguments(command: &Command, texts: &[&str]) -> Map {
    let known = command.arguments();
    let mut named = Map::new();
    let mut positional = Vec::new();
    let mut texts = texts.iter().copied();
    while let Some(text) = texts.next() {
        let Some(option) = text.strip_prefix("--") else {
            positional.push(Value::from(text));
            continue;
        };
        let (option, value) = match option.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (option, None),
        };
        let key = option.replace('-', "_");
        let is_flag =
            known.iter().any(|argument| argument.name == key && argument.kind == Kind::Flag);
        let value = match value {
            Some(value) => Value::from(value),
            None if is_flag => Value::Bool(true),
            None => texts.next().map_or(Value::Null, Value::from),
        };
        named.insert(key, value);
    }
    named.insert("args", positional);
    named
}
