// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is known about an image.

use super::{BACKING_CHAIN, IMAGE, OUTPUT, qemu_img};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::failure::Failure;
use crate::value::{Map, Value};

/// What qemu-img's JSON calls what it prints to people under another name.
const RENAMED: [(&str, &str); 6] = [
    ("filename", "image"),
    ("format", "file_format"),
    ("actual_size", "disk_size"),
    ("backing_filename", "backing_file"),
    ("full_backing_filename", "full_backing_file"),
    ("backing_filename_format", "backing_file_format"),
];

/// Texts from what qemu-img prints to people; numbers and structure from its JSON.
pub fn run(call: &mut Call<'_>) -> Outcome {
    let structured = call.raw() || call.get(&OUTPUT) == Some("json");
    let chain = call.flag(&BACKING_CHAIN);
    let json = structured && !call.given(&OUTPUT);
    let more: &[&str] = if json { &["--output=json"] } else { &[] };
    let ended = qemu_img(call, more, IMAGE).run(call).map_err(Failure::said)?;
    if !ended.worked {
        return Err(Failure::said(ended.err.trim_end()));
    }
    if structured {
        // `raw` with output "human" has texts only.
        if let Ok(document) = Value::from_json(&ended.out) {
            return Ok(with_our_names(document));
        }
    }
    Ok(match chain {
        true => ended.out.split("\n\n").map(facts).map(Value::Map).collect::<Vec<_>>().into(),
        false => facts(&ended.out).into(),
    })
}

/// The lines of facts as a map. Lists of snapshots are no facts: their lines have
/// colons in the times, and begin with a number.
fn facts(text: &str) -> Map {
    let mut facts = Map::new();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let is_name = key.trim_start().starts_with(|first: char| first.is_ascii_alphabetic());
        if value.contains(':') && !is_name {
            continue;
        }
        facts.insert(name(key), crate::host::frame::text::converted(value));
    }
    facts
}

/// A fact's name as a key.
fn name(text: &str) -> String {
    let text = text.trim().to_lowercase();
    text.replace(' ', "_").replace(['(', ')'], "")
}

/// qemu-img's document, with "_" for "-" in names, and the names it prints to people.
fn with_our_names(document: Value) -> Value {
    match document {
        Value::List(items) => items.into_iter().map(with_our_names).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            let mut renamed = Map::with_capacity(map.len());
            for (key, value) in &map {
                let key = key.replace('-', "_");
                let found = RENAMED.iter().find(|(theirs, _)| *theirs == key);
                let key = found.map_or(key.clone(), |(_, ours)| (*ours).to_owned());
                renamed.insert(key, with_underscores(value));
            }
            renamed.into()
        }
        other => other,
    }
}

fn with_underscores(value: &Value) -> Value {
    match value {
        Value::List(items) => items.iter().map(with_underscores).collect::<Vec<_>>().into(),
        Value::Map(map) => {
            let pairs =
                map.iter().map(|(key, value)| (key.replace('-', "_"), with_underscores(value)));
            Value::Map(pairs.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_lines_with_a_colon() {
        let text = "image: a:b\nvirtual size: 1 MiB (1048576 bytes)\ncluster_size: 65536\n\
                    Snapshot list:\nID        TAG               VM SIZE\n\
                    1         s:1                   0 B 2026-11-22 00:57:43 00:00:00.000\n\
                    Format specific information:\n    lazy refcounts: false\n";
        let facts = facts(text);
        let keys: Vec<_> = facts.iter().map(|(key, _)| key).collect();
        assert_eq!(
            keys,
            [
                "image",
                "virtual_size",
                "cluster_size",
                "snapshot_list",
                "format_specific_information",
                "lazy_refcounts"
            ]
        );
        assert_eq!(facts.get("image"), Some(&Value::from("a:b")));
        assert_eq!(facts.get("cluster_size"), Some(&Value::Uint(65536)));
    }
}
