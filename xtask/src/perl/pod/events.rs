// SPDX-License-Identifier: LGPL-2.1-or-later
//! The arguments of events, a table for each kind.

use std::fmt::Write as _;

use serde_json::Value;

use super::text::Words;
use crate::maps::Maps;
use crate::{Result, classes};

/// The width of lines, with the four blanks before verbatim text.
const WIDTH: usize = 78;

/// The arguments of the events of all classes.
pub fn write(text: &mut String, words: &Words, maps: &Maps) -> Result<()> {
    text.push_str(
        "=head1 ARGUMENTS OF EVENTS\n\nA callback is called with the connection, the object \
         (none for events of a connection) and these values, in this order. An event that comes \
         out of a L<VKVM::EventQueue> has them by name, in C<args>. Where an enum is \
         named, the value is a number; C<VKVM::enum_name> returns its name, for the enum and the \
         number. Flags are several of them.\n\n",
    );
    let mut last = String::new();
    for event in maps.events(words.table)? {
        let part = |key: &str| event[key].as_str().unwrap_or_default();
        if part("class") != last {
            last = part("class").to_owned();
            let class = classes::all().iter().find(|class| class.name == last);
            let title = class.ok_or_else(|| format!("no class {last}"))?.title.to_lowercase();
            write!(text, "=head2 Events of {title}\n\n")?;
        }
        let name = match event["id"].as_str() {
            Some(id) => words.constant(id.trim_start_matches("VKVM_")),
            None => part("name").replace('_', " "),
        };
        write!(text, "=head3 {name}\n\n")?;
        let mut rows = Vec::new();
        rows_of(&mut rows, "", &event["args"], words);
        if rows.is_empty() {
            text.push_str("No values.\n\n");
        } else {
            table(text, &rows)?;
        }
    }
    Ok(())
}

/// A row for each field: its name, its type, and what it means.
fn rows_of(rows: &mut Vec<[String; 3]>, inside: &str, fields: &Value, words: &Words) {
    for field in fields.as_array().into_iter().flatten() {
        let text = |key: &str| field[key].as_str().unwrap_or_default();
        let name = format!("{inside}{}", text("name"));
        let mut kind = text("type").replace('_', " ");
        if let Some(unit) = field["unit"].as_str() {
            let _ = write!(kind, ", {unit}");
        }
        let mut meaning = words.plain(text("doc"));
        if field["nullable"] == true {
            meaning.push_str(" May be undef.");
        }
        for (key, what) in [("enum", "Enum"), ("keys", "Keys of")] {
            let names = field[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            let names: Vec<&str> = names.collect();
            if !names.is_empty() {
                let what = if field["flags"] == true { "Flags of" } else { what };
                let _ = write!(meaning, " {what} {}.", names.join(", "));
            }
        }
        rows.push([name.clone(), kind, meaning]);
        rows_of(rows, &format!("{name}."), &field["fields"], words);
    }
}

/// A table as verbatim text.
fn table(text: &mut String, rows: &[[String; 3]]) -> Result<()> {
    let widths =
        [0, 1].map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or_default() + 2);
    let [first, second] = widths;
    let before = 4 + first + second;
    for [name, kind, meaning] in rows {
        let mut lines: Vec<String> = Vec::new();
        let mut line = String::new();
        for word in meaning.split(' ') {
            if !line.is_empty() && before + line.len() + 1 + word.len() > WIDTH {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
        lines.push(line);
        writeln!(text, "    {name:first$}{kind:second$}{}", lines[0])?;
        for line in &lines[1..] {
            writeln!(text, "{:before$}{line}", "")?;
        }
    }
    text.push('\n');
    Ok(())
}
