// SPDX-License-Identifier: LGPL-2.1-or-later
//! vkvm_events(3): the arguments of events, by class and kind.

use std::fmt::Write as _;

use serde_json::Value;

use super::roff::Page;
use super::{EVENTS, OVERVIEW, Source};
use crate::{Result, classes};

/// The page.
pub fn page(source: &Source) -> Result<Page> {
    let mut page = Page::new(EVENTS, EVENTS, "arguments of events");
    page.description(
        "A callback (vkvm_event_callback(3)) and a queue (vkvm_event_queue_next(3)) get the \
         arguments of an event as a map, `args`, with the keys below. A number that is a constant \
         has the name that vkvm_enum_get_name(3) gives for its group.",
    );
    let mut last = String::new();
    for event in source.maps.events(source.table)? {
        let part = |key: &str| event[key].as_str().unwrap_or_default();
        if part("class") != last {
            last = part("class").to_owned();
            let class = classes::all().iter().find(|class| class.name == last);
            let title = &class.ok_or_else(|| format!("no class {last}"))?.title;
            page.section(&format!("EVENTS OF {}", title.to_uppercase()));
        }
        page.part(event["id"].as_str().unwrap_or(&part("name").replace('_', " ")));
        let mut count = 0;
        fields(&mut page, &mut count, "", &event["args"]);
        if count == 0 {
            page.paragraph("No arguments.");
        }
    }
    page.see_also(&[OVERVIEW, "vkvm_event", "vkvm_event_queue", "vkvm_enum"]);
    Ok(page)
}

/// An item for each field, and for those of a field that is a map.
fn fields(page: &mut Page, count: &mut usize, inside: &str, described: &Value) {
    for field in described.as_array().into_iter().flatten() {
        let text = |key: &str| field[key].as_str().unwrap_or_default();
        let name = format!("{inside}{}", text("name"));
        let mut meaning = format!("{} ({}", text("doc"), text("type").replace('_', " "));
        if let Some(unit) = field["unit"].as_str() {
            let _ = write!(meaning, ", {unit}");
        }
        meaning.push_str(if field["nullable"] == true { "; may be null)" } else { ")" });
        for (key, what) in [("enum", "Constants"), ("keys", "Keys")] {
            let groups = field[key].as_array().into_iter().flatten().filter_map(Value::as_str);
            let groups: Vec<&str> = groups.collect();
            if !groups.is_empty() {
                let what = if field["flags"] == true { "Flags" } else { what };
                let _ = write!(meaning, " {what}: {}.", groups.join(", "));
            }
        }
        page.item(&name, &meaning);
        *count += 1;
        fields(page, count, &format!("{name}."), &field["fields"]);
    }
}
