// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/maps.json: the maps that values are, and the arguments of events, key by key. A row
//! has the key, the type of what stands under it, its meaning and, where needed, a map of
//! `unit`, `enum` (groups of constants), `nullable`, `optional`, `fields` (of what is a map or
//! a list of maps itself) or `keys` (groups of constants that are the keys).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::api::{Api, Function, Param};
use crate::classes;
use crate::constants::c_prefix;
use crate::enums::{self, Table};
use crate::kind::Kind;

/// What maps consist of.
pub struct Maps {
    params: Map<String, Value>,
    /// By class, and then by the name of the kind.
    pub events: Map<String, Value>,
    undescribed: Map<String, Value>,
}

/// The types of what stands under a key. Handles are followed by a class.
const TYPES: [&str; 12] = [
    "any",
    "bool",
    "bytes",
    "double",
    "int",
    "int64",
    "list",
    "map",
    "string",
    "string_list",
    "uint",
    "uint64",
];
const HANDLES: [&str; 2] = ["handle:", "handle_list:"];

/// Classes whose values may be anything, or are described elsewhere: the facade's commands.
const ELSEWHERE: [&str; 3] = ["fleet", "host", "value"];

impl Maps {
    /// Reads the table.
    pub fn read(root: &Path) -> Result<Maps> {
        let text = fs::read_to_string(root.join("data/maps.json"))?;
        let mut document: Map<String, Value> = serde_json::from_str(&text)?;
        let mut part = |name: &str| match document.remove(name) {
            Some(Value::Object(part)) => Ok(part),
            _ => Err(format!("maps.json: has no {name}")),
        };
        Ok(Maps {
            params: part("params")?,
            events: part("events")?,
            undescribed: part("undescribed")?,
        })
    }

    /// What the API file says of the map that a parameter is.
    pub fn of(
        &self,
        function: &Function,
        param: &Param,
        table: &Table,
    ) -> Result<Map<String, Value>> {
        let name = format!("{} {}", function.name, param.name);
        match self.params.get(&name) {
            Some(body) => described(&name, body, table),
            None => Ok(Map::new()),
        }
    }

    /// The events, as the API file has them.
    pub fn events(&self, table: &Table) -> Result<Vec<Value>> {
        let mut events = Vec::new();
        for (class, kinds) in &self.events {
            for (kind, body) in kinds.as_object().into_iter().flatten() {
                let place = format!("{class} {kind}");
                let id = format!("{}EVENT_ID_{kind}", c_prefix(class));
                let id = table.exists(&id).then_some(id);
                let mut body = described(&place, body, table)?;
                events.push(json!({
                    "class": class,
                    "name": kind.to_lowercase(),
                    "id": id,
                    "args": body.remove("fields").unwrap_or_default(),
                }));
            }
        }
        Ok(events)
    }

    /// Refuses a map that is not described, and a description of what is none.
    pub fn check(&self, api: &Api, table: &Table) -> Result<()> {
        let mut known = BTreeSet::new();
        for function in &api.functions {
            let is_map = |param: &&Param| {
                param.doc.shape.is_some() && param.kind == Kind::Handle("value".into())
            };
            for param in function.params.iter().filter(is_map) {
                let name = format!("{} {}", function.name, param.name);
                let is_described =
                    self.params.contains_key(&name) || self.undescribed.contains_key(&name);
                if !is_described && !ELSEWHERE.contains(&function.class.as_str()) {
                    return Err(format!("maps.json: does not describe {name}").into());
                }
                known.insert(name);
            }
        }
        let mut all = self.params.keys().chain(self.undescribed.keys());
        if let Some(ghost) = all.find(|name| !known.contains(*name)) {
            return Err(format!("maps.json: {ghost} is no map or list").into());
        }
        let is_id = |c_name: &str| c_name.contains("_EVENT_ID_");
        for id in table.constants.iter().filter(|one| is_id(&one.c_name())) {
            let kind = id.name.trim_start_matches("EVENT_ID_");
            if self.events.get(&id.class).is_none_or(|kinds| kinds.get(kind).is_none()) {
                return Err(format!("maps.json: does not describe {}", id.c_name()).into());
            }
        }
        Ok(())
    }
}

/// The description of a map, checked, with the rows as objects.
fn described(place: &str, body: &Value, table: &Table) -> Result<Map<String, Value>> {
    let mut found = Map::new();
    for (key, value) in body.as_object().ok_or_else(|| format!("{place}: is no map"))? {
        match key.as_str() {
            "keys" => {
                groups(place, value, table)?;
                found.insert("keys".into(), value.clone());
            }
            "names" => {
                found.insert("fields".into(), named(place, value, table)?.into());
            }
            "fields" => {
                let rows = value.as_array().ok_or_else(|| format!("{place}: has no rows"))?;
                let fields: Result<Vec<Value>> =
                    rows.iter().map(|row| field(place, row, table)).collect();
                found.insert("fields".into(), fields?.into());
            }
            _ => return Err(format!("{place}: unknown word {key}").into()),
        }
    }
    Ok(found)
}

/// The fields of a map whose keys are the names of a group's constants.
fn named(place: &str, value: &Value, table: &Table) -> Result<Vec<Value>> {
    let mut fields = Vec::new();
    for name in groups(place, value, table)? {
        let group = table.group(&name).ok_or("a group is missing")?;
        for member in &group.members {
            let mut field = Map::new();
            field.insert("name".into(), table.short_name(group, member).into());
            field.insert("type".into(), member.kind.clone().into());
            field.insert("doc".into(), member.doc.clone().into());
            if let Some(unit) = &member.unit {
                field.insert("unit".into(), unit.clone().into());
            }
            field.insert("optional".into(), true.into());
            fields.push(field.into());
        }
    }
    Ok(fields)
}

fn field(place: &str, row: &Value, table: &Table) -> Result<Value> {
    let cell = |i: usize| row.get(i).and_then(Value::as_str).map(str::to_owned);
    let (Some(name), Some(kind), Some(doc)) = (cell(0), cell(1), cell(2)) else {
        return Err(format!("{place}: a row lacks something: {row}").into());
    };
    let place = format!("{place}: {name}");
    let of_class = |head: &&str| {
        let class = kind.strip_prefix(*head);
        class.is_some_and(|class| classes::all().iter().any(|one| one.name == class))
    };
    if !TYPES.contains(&kind.as_str()) && !HANDLES.iter().any(of_class) {
        return Err(format!("{place}: unknown type {kind}").into());
    }
    if let Some(complaint) = enums::complaint(&doc) {
        return Err(format!("{place}: {complaint}").into());
    }
    if let Some(unknown) = doc.split('`').skip(1).step_by(2).find(|name| !table.exists(name)) {
        return Err(format!("{place}: `{unknown}` is no constant").into());
    }
    let mut field = Map::new();
    field.insert("name".into(), name.into());
    field.insert("type".into(), kind.into());
    field.insert("doc".into(), doc.into());
    for (key, value) in row.get(3).and_then(Value::as_object).into_iter().flatten() {
        match key.as_str() {
            "fields" | "keys" => {
                let mut inner = Map::new();
                inner.insert(key.clone(), value.clone());
                field.extend(described(&place, &Value::Object(inner), table)?);
            }
            "enum" => {
                let names = groups(&place, value, table)?;
                let flags = names.iter().filter_map(|name| table.group(name)).any(|one| one.flags);
                field.insert("enum".into(), names.into());
                field.insert("flags".into(), flags.into());
            }
            "unit" | "nullable" | "optional" => {
                field.insert(key.clone(), value.clone());
            }
            _ => return Err(format!("{place}: unknown word {key}").into()),
        }
    }
    Ok(field.into())
}

/// Names of groups, which exist.
fn groups(place: &str, value: &Value, table: &Table) -> Result<Vec<String>> {
    let names: Vec<String> = value
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    match names.iter().find(|name| table.group(name).is_none()) {
        Some(ghost) => Err(format!("{place}: {ghost} is no group").into()),
        None if names.is_empty() => Err(format!("{place}: names no group").into()),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::{Expr, Item, Lit};

    /// A kind of event as src/event/kinds.rs has it: class, kind, how libvirt passes the
    /// arguments, and their names.
    type Delivered = (String, String, String, Vec<String>);

    fn delivered() -> Vec<Delivered> {
        let file =
            std::fs::read_to_string(crate::root().join("src/event/kinds.rs")).expect("is read");
        let file = syn::parse_file(&file).expect("parses");
        let constants: Vec<(String, Expr)> = file
            .items
            .into_iter()
            .filter_map(|item| match item {
                Item::Const(item) => Some((item.ident.to_string(), *item.expr)),
                _ => None,
            })
            .collect();
        let mut found = Vec::new();
        for (class, rows) in &constants {
            for row in elements(rows).iter().filter_map(|row| match row {
                Expr::Call(call) => Some(call),
                _ => None,
            }) {
                let Expr::Path(id) = &row.args[0] else { panic!("no path in {class}") };
                let id = id.path.segments.last().expect("has a name").ident.to_string();
                let (_, kind) = id.split_once("_EVENT_ID_").expect("is an id");
                let names = match &row.args[2] {
                    Expr::Path(path) => {
                        let name = path.path.get_ident().expect("is a name").to_string();
                        texts(&constants.iter().find(|one| one.0 == name).expect("is there").1)
                    }
                    literal => texts(literal),
                };
                let Expr::Path(signature) = &row.args[1] else { panic!("no signature in {class}") };
                let signature =
                    signature.path.segments.last().expect("has a name").ident.to_string();
                found.push((class.to_lowercase(), kind.to_owned(), signature, names));
            }
        }
        found
    }

    /// The types of the arguments that a signature has.
    fn types(signature: &str) -> &'static [&'static str] {
        match signature {
            "Nothing" => &[],
            "Lifecycle" | "IntInt" => &["int", "int"],
            "Int" => &["int"],
            "IntIntUnsigned" => &["int", "int", "uint"],
            "IntText" => &["int", "string"],
            "Unsigned" => &["uint"],
            "Long" => &["int64"],
            "UnsignedLong" => &["uint64"],
            "Text" => &["string"],
            "TextInt" => &["string", "int"],
            "TextIntInt" => &["string", "int", "int"],
            "IntIntAfterText" => &["int", "int", "string"],
            "TextUnsignedLong" => &["string", "uint64"],
            "TextTextInt" => &["string", "string", "int"],
            "TextTextIntText" => &["string", "string", "int", "string"],
            "TextTextText" => &["string", "string", "string"],
            "TextTextTextInt" => &["string", "string", "string", "int"],
            "TextTextUnsignedLongs" => &["string", "string", "uint64", "uint64"],
            "Params" => &["map"],
            "Graphics" => &["int", "map", "map", "string", "list"],
            other => panic!("no types of {other}"),
        }
    }

    fn elements(list: &Expr) -> Vec<Expr> {
        match list {
            Expr::Reference(inner) => elements(&inner.expr),
            Expr::Array(array) => array.elems.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }

    fn texts(list: &Expr) -> Vec<String> {
        let text = |one: &Expr| match one {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            _ => None,
        };
        elements(list).iter().filter_map(text).collect()
    }

    #[test]
    fn the_arguments_of_events_are_those_that_are_delivered() {
        let table = Table::read(&crate::root()).expect("is complete");
        let maps = Maps::read(&crate::root()).expect("is read");
        let events = maps.events(&table).expect("are described");
        let delivered = delivered();
        assert!(delivered.len() > 35, "{}", delivered.len());
        for (class, kind, signature, names) in delivered {
            let event = events
                .iter()
                .find(|event| event["class"] == *class && event["name"] == kind.to_lowercase())
                .unwrap_or_else(|| panic!("{class} {kind} is not described"));
            assert!(event["id"].is_string(), "{class} {kind}");
            let args = event["args"].as_array().expect("is a list");
            let all = |key: &str| args.iter().filter_map(|arg| arg[key].as_str()).collect();
            let (described, kinds): (Vec<&str>, Vec<&str>) = (all("name"), all("type"));
            assert_eq!(described, names, "{class} {kind}");
            assert_eq!(kinds, types(&signature), "{class} {kind}");
        }
    }

    #[test]
    fn an_odd_row_is_refused() {
        let table = Table::read(&crate::root()).expect("is complete");
        let refused = |row: Value| field("x", &row, &table).expect_err("is odd").to_string();
        assert!(refused(json!(["a", "int"])).contains("lacks something"));
        assert!(refused(json!(["a", "word", "It is."])).contains("unknown type"));
        assert!(refused(json!(["a", "handle:none", "It is."])).contains("unknown type"));
        assert!(refused(json!(["a", "int", "it is."])).contains("capital"));
        assert!(refused(json!(["a", "int", "It is.", {"enum": ["none"]}])).contains("no group"));
        assert!(refused(json!(["a", "int", "It is.", {"of": 1}])).contains("unknown word"));
        assert!(refused(json!(["a", "int", "Is `VKVM_NONE`."])).contains("no constant"));
    }
}
