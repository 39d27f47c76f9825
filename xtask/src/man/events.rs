// SPDX-License-Identifier: LGPL-2.1-or-later
//! vkvm_events(3): the arguments of events, by class and kind.

use super::roff::Page;
use super::{EVENTS, OVERVIEW, Source, fields};
use crate::{Result, classes};

/// The page.
pub fn page(source: &Source) -> Result<Page> {
    let mut page = Page::new(EVENTS, EVENTS, "arguments of events");
    page.description(
        "A callback (vkvm_event_callback(3)) and a queue (vkvm_event_queue_next(3)) get the \
         arguments of an event as a map, `args`, with the keys below. Where constants \
         are listed, the value is a number; vkvm_enum_get_name(3) returns its name, for the group \
         and the number.",
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
        if fields::items(&mut page, "", &event["args"]) == 0 {
            page.paragraph("No arguments.");
        }
    }
    page.see_also(&[OVERVIEW, "vkvm_event", "vkvm_event_queue", "vkvm_enum"]);
    Ok(page)
}
