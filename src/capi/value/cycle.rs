// SPDX-License-Identifier: LGPL-2.1-or-later
//! Values that would hold themselves, by way of handles in values.

use std::collections::HashSet;

use crate::capi::caller::reading;
use crate::capi::types::SharedValue;
use crate::error::{Misuse, Result};
use crate::handle;
use crate::value::Value;

/// Refuses an item whose handles lead to the value that it is to be put into: neither
/// would ever be freed. That two threads put two values into each other at once is not
/// noticed.
pub fn check(item: &Value, value: usize) -> Result<()> {
    let mut ahead = Vec::new();
    handles_in(item, &mut ahead);
    // Most items have no handles, and most values are in no other: then the one hold on
    // them is the caller's.
    if ahead.is_empty() || !ahead.contains(&value) && handle::has_one_hold::<SharedValue>(value) {
        return Ok(());
    }
    let mut seen = HashSet::new();
    while let Some(id) = ahead.pop() {
        if id == value {
            let reason =
                "is or contains the value itself, which could then never be freed".to_owned();
            return Err(Misuse::Invalid { parameter: "item", reason }.into());
        }
        if !seen.insert(id) {
            continue;
        }
        if let Ok(held) = handle::get::<SharedValue>(id, "item") {
            handles_in(&reading(&held), &mut ahead);
        }
    }
    Ok(())
}

/// Finds the handles in a value, which is nested to a limited depth.
fn handles_in(value: &Value, found: &mut Vec<usize>) {
    match value {
        Value::Handle(handle) => found.push(handle.id()),
        Value::List(items) => items.iter().for_each(|item| handles_in(item, found)),
        Value::Map(map) => map.iter().for_each(|(_, item)| handles_in(item, found)),
        _ => {}
    }
}
