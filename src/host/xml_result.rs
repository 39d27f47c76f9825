// SPDX-License-Identifier: LGPL-2.1-or-later
//! Documents as results.

use std::ffi::CStr;

use super::frame::call::Outcome;
use super::frame::failure::Failure;
use crate::error::Misuse;
use crate::value::{Map, Value};
use crate::xml;

/// A document without its root element, which is called `root`. Elements named in
/// `lists` are lists in it even if there is only one, wherever they are.
pub fn document(text: &CStr, root: &str, lists: &[&str]) -> Outcome {
    let mut value = parsed(text)?;
    if !lists.is_empty() {
        force_lists(&mut value, lists);
    }
    match value {
        Value::Map(mut map) => map.remove(root).ok_or_else(|| unexpected(root)),
        _ => Err(unexpected(root)),
    }
}

/// A document with its root element.
pub fn parsed(text: &CStr) -> Outcome {
    Ok(xml::from_xml(&text.to_string_lossy())?)
}

/// The elements at a path, be they none, one or many.
pub fn elements<'v>(value: &'v Value, path: &str) -> Vec<&'v Value> {
    match value.get(path) {
        Ok(Value::List(items)) => items.iter().collect(),
        Ok(single) => vec![single],
        Err(_) => Vec::new(),
    }
}

fn unexpected(root: &str) -> Failure {
    let what = format!("libvirt's document has no root element {root}");
    crate::error::Error::from(Misuse::Internal { what }).into()
}

fn force_lists(value: &mut Value, lists: &[&str]) {
    match value {
        Value::List(items) => items.iter_mut().for_each(|item| force_lists(item, lists)),
        Value::Map(map) => force_lists_in(map, lists),
        _ => {}
    }
}

fn force_lists_in(map: &mut Map, lists: &[&str]) {
    for i in 0..map.len() {
        let forced = map.get_index(i).is_some_and(|(key, _)| lists.contains(&key));
        let Some(child) = map.get_index_mut(i) else {
            continue;
        };
        force_lists(child, lists);
        if forced && !matches!(child, Value::List(_)) {
            *child = Value::List(vec![std::mem::replace(child, Value::Null)]);
        }
    }
}
