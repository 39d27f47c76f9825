// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/perl.json: where Perl's side of a function is not what follows from its
//! description, and what code references get.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::package;
use crate::Result;
use crate::api::{Api, Form, Function, Param, Returns};

/// A function as a Perl sub.
pub struct Sub {
    /// The package, and the name in it. One that begins with an underscore is for perl/lib,
    /// which has a method around it.
    pub package: String,
    pub name: String,
    /// Its XS is in VKVM.xs, and not generated.
    pub by_hand: bool,
    /// Its documentation is generated.
    pub in_pod: bool,
    /// A failure is no exception, as in Sys::Virt.
    pub quiet: bool,
    /// The results come in one array, by reference.
    pub array: bool,
    /// The results come in one hash, by reference: its keys, by the names of the outputs.
    pub hash: Option<Map<String, Value>>,
    /// Results and errors are characters, and so are the inputs named.
    pub characters: Option<Vec<String>>,
    /// Inputs that are true or false, as Perl has it.
    pub truths: Vec<String>,
    /// What inputs are called in Perl, where it is not their name.
    pub names: Map<String, Value>,
    /// The result is a document; one more argument says whether, unless a visitor is shown it.
    pub document: bool,
}

/// What is done with a code reference.
pub struct Code {
    /// What it gets and returns, for people.
    pub takes: String,
    /// It gets its value as one result, and the handle to put answers into.
    pub fills: bool,
    /// Parameters that it does not get.
    pub leaves_out: Vec<String>,
    /// It does not keep the object alive that it is registered with.
    pub is_weak: bool,
    /// Which of several references it is; from the last one if negative.
    pub place: i64,
    /// It returns how much of the data it took.
    pub returns_length: bool,
}

static TABLE: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/perl.json")).expect("data/perl.json is JSON")
});

static CODES: LazyLock<HashMap<String, Code>> =
    LazyLock::new(|| rows("callbacks").map(|(name, row)| (name.clone(), code(row))).collect());

fn rows(of: &str) -> impl Iterator<Item = (&'static String, &'static Value)> + use<> {
    TABLE.get(of).and_then(Value::as_object).into_iter().flatten()
}

fn truth(row: Option<&Value>, key: &str) -> bool {
    row.and_then(|row| row.get(key)).and_then(Value::as_bool).unwrap_or(false)
}

fn names(row: Option<&Value>, key: &str) -> Option<Vec<String>> {
    let names = row?.get(key)?.as_array()?;
    Some(names.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

fn code(row: &Value) -> Code {
    let of = Some(row);
    Code {
        takes: row.get("takes").and_then(Value::as_str).unwrap_or_default().to_owned(),
        fills: truth(of, "fills"),
        leaves_out: names(of, "leaves_out").unwrap_or_default(),
        is_weak: truth(of, "is_weak"),
        place: row.get("place").and_then(Value::as_i64).unwrap_or_default(),
        returns_length: truth(of, "returns_length"),
    }
}

impl Sub {
    /// What errors call an input.
    pub fn name_of<'a>(&'a self, param: &'a Param) -> &'a str {
        self.names.get(&param.name).and_then(Value::as_str).unwrap_or(&param.name)
    }
}

/// What is done with a code reference of this type of callback.
pub fn code_of(callback: &str) -> Result<&'static Code> {
    CODES.get(callback).ok_or_else(|| format!("data/perl.json: no {callback}").into())
}

fn row(function: &Function) -> Option<&'static Value> {
    TABLE.get("functions").and_then(|rows| rows.get(&function.name))
}

/// Whether Perl does without the function.
pub fn is_left_out(function: &Function) -> bool {
    row(function).and_then(|row| row.get("sub")).is_some_and(Value::is_null)
}

/// A function's Perl sub. None where Perl does without.
pub fn sub(function: &Function) -> Option<Sub> {
    let row = row(function);
    let own = package(&function.class).filter(|package| !package.by_hand);
    let name = match row.and_then(|row| row.get("sub")) {
        Some(Value::String(name)) => name.clone(),
        Some(_) => return None,
        None => format!("{}::{}", own?.name, function.method),
    };
    let (package, name) = name.rsplit_once("::")?;
    (function.returns == Returns::Status).then(|| Sub {
        package: package.to_owned(),
        in_pod: !name.starts_with('_') && row.is_none_or(|row| row.get("in_pod").is_none()),
        name: name.to_owned(),
        by_hand: truth(row, "by_hand"),
        quiet: truth(row, "quiet"),
        array: truth(row, "array"),
        hash: row.and_then(|row| row.get("hash")?.as_object().cloned()),
        characters: names(row, "characters"),
        truths: names(row, "truths").unwrap_or_default(),
        names: row.and_then(|row| row.get("names")?.as_object().cloned()).unwrap_or_default(),
        document: truth(row, "document"),
    })
}

/// How a function is called in Perl: the name of a method, or a whole call with
/// the names of the parameters; None where Perl does without the function.
pub fn call(function: &Function) -> Option<String> {
    if let Some(call) = row(function).and_then(|row| row.get("call")) {
        return call.as_str().map(str::to_owned);
    }
    let Sub { package, name, .. } = sub(function)?;
    if function.form() == Form::Method {
        return Some(name);
    }
    let names: Vec<&str> = function
        .inputs()
        .filter(|param| super::is_input(param))
        .map(|param| param.name.as_str())
        .collect();
    Some(format!("{package}::{name}({})", names.join(", ")))
}

/// Refuses a table about what does not exist.
pub fn check(api: &Api) -> Result<()> {
    let ghost =
        rows("functions").find(|(name, _)| !api.functions.iter().any(|one| one.name == **name));
    if let Some((name, _)) = ghost {
        return Err(format!("data/perl.json: there is no function {name}").into());
    }
    match CODES.keys().find(|name| !api.callbacks.iter().any(|one| one.name == **name)) {
        Some(name) => Err(format!("data/perl.json: there is no type {name}").into()),
        None => Ok(()),
    }
}
