// SPDX-License-Identifier: LGPL-2.1-or-later
//! The keys of maps, an item for each.

use std::fmt::Write as _;

use serde_json::Value;

use super::roff::Page;

/// An item for each field, and for those of a field that is a map. How many there are.
pub fn items(page: &mut Page, inside: &str, described: &Value) -> usize {
    let mut count = 0;
    for field in described.as_array().into_iter().flatten() {
        let text = |key: &str| field[key].as_str().unwrap_or_default();
        let name = format!("{inside}{}", text("name"));
        let mut meaning = format!("{} ({}", text("doc"), text("type").replace('_', " "));
        if let Some(unit) = field["unit"].as_str() {
            let _ = write!(meaning, ", {unit}");
        }
        meaning.push_str(match (field["nullable"] == true, field["optional"] == true) {
            (true, true) => "; may be null or absent)",
            (true, false) => "; may be null)",
            (false, true) => "; may be absent)",
            (false, false) => ")",
        });
        for (key, what) in [("enum", "Constants"), ("keys", "Keys")] {
            let names: Vec<&str> = groups(field.get(key)).collect();
            if !names.is_empty() {
                let what = if field["flags"] == true { "Flags" } else { what };
                let _ = write!(meaning, " {what}: {}.", names.join(", "));
            }
        }
        page.item(&name, &meaning);
        count += 1 + items(page, &format!("{name}."), &field["fields"]);
    }
    count
}

/// Names of groups of constants.
pub fn groups(names: Option<&Value>) -> impl Iterator<Item = &str> {
    names.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
