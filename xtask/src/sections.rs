// SPDX-License-Identifier: LGPL-2.1-or-later
//! The order of the header: what a program begins with, then a section for each class.

use std::collections::BTreeSet;

use crate::Result;
use crate::api::{Api, Function};
use crate::classes;
use crate::enums::{Group, Table};
use crate::kind::Kind;

/// What a program begins with, and so does the header.
const OPENING: [&str; 5] =
    ["vkvm_conn_open", "vkvm_conn_open_auth", "vkvm_conn_ref", "vkvm_conn_free", "vkvm_conn_close"];

/// The groups of constants that these functions take.
const OPENING_GROUPS: [&str; 2] = ["conn_open_flags", "conn_credential_type"];

/// Sections that follow it, before the classes that are left, in the order of their
/// table: what every program needs.
const THEN: [&str; 7] = ["error", "value", "handle", "string", "string_list", "int_list", "bytes"];

/// A part of the header.
pub struct Section<'a> {
    pub title: &'a str,
    pub groups: Vec<&'a Group>,
    /// Types of the caller's functions, which this section is the first to use.
    pub types: Vec<&'a str>,
    pub functions: Vec<&'a Function>,
}

/// Everything that the header declares but the handles, in its order.
pub fn of<'a>(api: &'a Api, table: &'a Table) -> Result<Vec<Section<'a>>> {
    let mut opening = Vec::new();
    for name in OPENING {
        let function = api.functions.iter().find(|function| function.name == name);
        opening.push(function.ok_or_else(|| format!("{name}, which comes first, is missing"))?);
    }
    let (first, other): (Vec<_>, Vec<_>) = table.groups.iter().partition(opens);
    let mut sections = vec![Section {
        title: "Opening and closing connections",
        groups: first,
        types: Vec::new(),
        functions: opening,
    }];
    let is_later = |class: &&classes::Class| !THEN.contains(&class.name.as_str());
    let then =
        THEN.iter().filter_map(|name| classes::all().iter().find(|class| class.name == *name));
    for class in then.chain(classes::all().iter().filter(is_later)) {
        let mut functions: Vec<&Function> = api
            .functions
            .iter()
            .filter(|function| function.class == class.name)
            .filter(|function| !OPENING.contains(&function.name.as_str()))
            .collect();
        functions.sort_by_key(|function| rank(&function.method));
        sections.push(Section {
            title: &class.title,
            groups: other.iter().copied().filter(|one| one.class == class.name).collect(),
            types: Vec::new(),
            functions,
        });
    }
    give_types(api, &mut sections)?;
    Ok(sections)
}

fn opens(group: &&Group) -> bool {
    OPENING_GROUPS.contains(&group.name.as_str())
}

/// Where a method stands in its section: first what gives objects, last what ends them;
/// otherwise the names tell.
fn rank(method: &str) -> usize {
    const FIRST: [&str; 4] = ["new", "open", "get", "list"];
    if ["ref", "free", "list_free"].contains(&method) {
        return FIRST.len() + 1;
    }
    let verb = method.split('_').next().unwrap_or_default();
    FIRST.iter().position(|first| *first == verb).unwrap_or(FIRST.len())
}

/// Gives each type to the first section with a function that takes it.
fn give_types<'a>(api: &'a Api, sections: &mut [Section<'a>]) -> Result<()> {
    let mut given = BTreeSet::new();
    for section in sections {
        let mut wanted = BTreeSet::new();
        for param in section.functions.iter().flat_map(|function| &function.params) {
            match &param.kind {
                Kind::Callback(name) => {
                    wanted.insert(name.as_str());
                }
                Kind::Functions(name) => {
                    let known = api.structs.iter().find(|known| known.name == *name);
                    let members = &known.ok_or_else(|| format!("no structure {name}"))?.members;
                    wanted.insert(name);
                    wanted.extend(members.iter().flat_map(|member| &member.params).filter_map(
                        |param| match &param.kind {
                            Kind::Callback(name) => Some(name.as_str()),
                            _ => None,
                        },
                    ));
                }
                _ => {}
            }
        }
        section.types = wanted.into_iter().filter(|name| given.insert(*name)).collect();
    }
    let all =
        api.callbacks.iter().map(|one| &one.name).chain(api.structs.iter().map(|one| &one.name));
    match all.into_iter().find(|name| !given.contains(name.as_str())) {
        Some(name) => Err(format!("no function takes a {name}").into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_objects_comes_first_and_what_ends_them_last() {
        let mut methods = ["free", "abort", "list_all", "getter", "get_name", "new", "ref"];
        methods.sort_by_key(|method| rank(method));
        assert_eq!(methods, ["new", "get_name", "list_all", "abort", "getter", "free", "ref"]);
    }
}
