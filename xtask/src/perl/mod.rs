// SPDX-License-Identifier: LGPL-2.1-or-later
//! The Perl side: one XS file and one POD per class, and the typemap.

mod callbacks;
mod calls;
mod forms;
mod pod;
pub mod versions;
mod xs;

use crate::api::{Api, DESTROY, Function, Param};
use crate::classes::{self, Package};
use crate::enums::Table;
use crate::kind::Kind;
use crate::maps::Maps;
use crate::notes::Notes;
use crate::{Output, Result};

pub use forms::{call, sub};

/// Writes everything that is generated for Perl.
pub fn write(api: &Api, table: &Table, maps: &Maps, notes: &Notes) -> Result<Vec<Output>> {
    forms::check(api)?;
    let mut outputs =
        vec![xs::typemap(api), xs::classes(api), xs::methods(api), xs::packages(), xs::all()];
    outputs.extend(callbacks::write(api)?);
    outputs.extend(calls::write(api)?);
    let source = pod::Source { api, table, maps, notes };
    for package in classes::packages() {
        let mine =
            |function: &&Function| sub(function).is_some_and(|sub| sub.package == package.name);
        let functions: Vec<&Function> = api.functions.iter().filter(mine).collect();
        if !package.by_hand {
            outputs.push(xs::write(api, package, &functions)?);
        }
        outputs.push(pod::write(&source, package, &functions)?);
    }
    Ok(outputs)
}

/// The Perl package of a class.
pub fn package(class: &str) -> Option<&'static Package> {
    classes::packages().find(|package| package.class == class)
}

/// Parameters that Perl passes; the others follow from the callback.
fn is_input(param: &Param) -> bool {
    param.kind != Kind::Userdata && !is_destroy(param) && !is_visitor(param)
}

/// The visitor that the function shows its result to.
fn is_visitor(param: &Param) -> bool {
    param.kind == Kind::Functions("vkvm_value_visitor".into())
}

fn is_destroy(param: &Param) -> bool {
    param.kind == Kind::Callback(DESTROY.into())
}

/// The full name of the method or function that a function is in Perl.
fn full_name(function: &Function) -> Option<String> {
    let call = call(function)?;
    let name = call.split('(').next()?.replace("->", "::");
    if name.contains("::") {
        return Some(name);
    }
    Some(format!("{}::{name}", package(&function.class)?.name))
}
