//! Commands by virsh's names.

use crate::host::call::{Call, Outcome};
use crate::host::command::{Kind, Shape};
use crate::host::failure::Failure;
use crate::host::given::{shown, wrong};
use crate::host::table;
use crate::value::{Map, Value, shortened};

/// Runs the command that has this name in virsh. Arguments that begin with "--" are
/// options, as for virsh; the others are positional.
pub fn run(call: &mut Call<'_>) -> Outcome {
    let name = call.needed_str("command")?;
    let Some((full, command)) = table::by_virsh_name(name) else {
        let known = table::virsh_names().join(", ");
        let reason = format!(
            "there is no command that virsh calls \"{}\"; there are {known}",
            shortened(name, 60)
        );
        return Err(Failure::from(wrong(reason)).raised());
    };
    if command.shape != Shape::None {
        let reason = format!("\"{name}\" gives a result with structure: call {full}");
        return Err(Failure::from(wrong(reason)).raised());
    }
    let mut named = Map::new();
    let mut positional = Vec::new();
    let texts = call.texts("arguments");
    let mut texts = texts.iter().map(|text| shown(text));
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
        let is_flag = command
            .arguments
            .iter()
            .any(|argument| argument.name == key && argument.kind == Kind::Flag);
        let value = match value {
            Some(value) => Value::from(value),
            None if is_flag => Value::Bool(true),
            None => texts.next().map_or(Value::Null, Value::from),
        };
        named.insert(key, value);
    }
    named.insert("args", positional);
    call.forward(command, &named.into())
}
