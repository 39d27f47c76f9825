// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is to be known of libvirt's functions: which answer without asking a daemon, and
//! which are newer than the oldest libvirt that we take.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use syn::{Expr, Item, Lit};

use crate::{Result, shape};

/// Facts about libvirt's functions, by their names.
pub struct Libvirt {
    /// Those that never speak to a daemon: what they give, the object or this process has.
    local: HashSet<String>,
    /// The version that first had it, for what is looked up at run time.
    late: HashMap<String, [u32; 3]>,
}

/// What a binary of ours takes without looking anything up.
const OLDEST: [u32; 3] = [7, 0, 0];

/// Those of the local functions that are given no object, a connection to keep, or a stream.
const WITHOUT_OBJECT: [&str; 13] = [
    "virConnectRef",
    "virEventAddHandle",
    "virEventAddTimeout",
    "virEventRegisterImpl",
    "virEventRemoveHandle",
    "virEventRemoveTimeout",
    "virEventUpdateHandle",
    "virEventUpdateTimeout",
    "virGetVersion",
    "virStreamEventAddCallback",
    "virStreamEventRemoveCallback",
    "virStreamEventUpdateCallback",
    "virStreamNew",
];

impl Libvirt {
    /// Reads both from src/core, which calls the functions or looks them up.
    pub fn read(root: &Path) -> Result<Libvirt> {
        let mut local: HashSet<String> = WITHOUT_OBJECT.map(str::to_owned).into();
        let mut late = HashMap::new();
        for (path, file) in shape::parsed(&root.join("src/core"))? {
            late.extend(file.items.iter().filter_map(looked_up));
            let text = fs::read_to_string(&path)?;
            local.extend(called(&text).filter(|(_, way)| *way == Way::Here).map(|(name, _)| name));
        }
        if late.is_empty() || local.len() < 40 {
            return Err("src/core is not read as it is written any more".into());
        }
        Ok(Libvirt { local, late })
    }

    /// Whether a call of this function may go to a daemon.
    pub fn asks_daemon(&self, name: &str) -> bool {
        !self.local.contains(name)
    }

    /// The version that is needed by who calls one or the other of these; None where the
    /// oldest will do.
    pub fn since(&self, names: &[String]) -> Option<String> {
        let versions = names.iter().map(|name| self.late.get(name).copied().unwrap_or(OLDEST));
        let [major, minor, micro] = versions.min().filter(|version| *version > OLDEST)?;
        Some(format!("{major}.{minor}.{micro}"))
    }
}

/// How src/core asks an object for the pointer that a function of libvirt's gets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// By `raw_here`, as `own_text` and `own_uuid` do: libvirt answers itself.
    Here,
    /// By `raw`: it may ask its daemon.
    Asking,
}

/// The functions of libvirt that a text calls with an object.
fn called(text: &str) -> impl Iterator<Item = (String, Way)> {
    text.match_indices("sys::").filter_map(|(at, mark)| {
        let (before, piece) = (&text[..at], &text[at + mark.len()..]);
        let end = piece.find(|c: char| !c.is_alphanumeric()).unwrap_or(piece.len());
        let (name, rest) = piece.split_at(end);
        let argument = rest.strip_prefix('(').unwrap_or_default().trim_start();
        let argument = argument.split([',', ')']).next().unwrap_or_default();
        let before = before.trim_end();
        let is_own = before.ends_with(".own_text(") || before.ends_with(".own_uuid(");
        let way = if is_own || argument.ends_with(".raw_here(") {
            Way::Here
        } else if argument.ends_with(".raw(") {
            Way::Asking
        } else {
            return None;
        };
        Some((name.to_owned(), way))
    })
}

/// The name and version of `static X: Late<..> = unsafe { Late::new(c"name", "1.2.3") }`,
/// or of `Late::of(library, c"name", "1.2.3")`.
fn looked_up(item: &Item) -> Option<(String, [u32; 3])> {
    let Item::Static(item) = item else { return None };
    let Expr::Unsafe(block) = &*item.expr else { return None };
    let [syn::Stmt::Expr(Expr::Call(call), None)] = &block.block.stmts[..] else { return None };
    let literals: Vec<&Lit> = call
        .args
        .iter()
        .filter_map(|argument| match argument {
            Expr::Lit(literal) => Some(&literal.lit),
            _ => None,
        })
        .collect();
    let [Lit::CStr(name), Lit::Str(version)] = literals[..] else { return None };
    let mut parts = version.value().split('.').map(str::parse).collect::<Vec<_>>().into_iter();
    let mut part = || parts.next()?.ok();
    Some((name.value().into_string().ok()?, [part()?, part()?, part()?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn late(version: &[(&str, [u32; 3])]) -> Libvirt {
        let late = version.iter().map(|(name, version)| ((*name).to_owned(), *version)).collect();
        Libvirt { local: HashSet::new(), late }
    }

    #[test]
    fn a_function_needs_the_oldest_libvirt_that_has_one_of_its_own() {
        let libvirt =
            late(&[("virNew", [8, 1, 0]), ("virNewer", [11, 2, 0]), ("virOld", [0, 9, 4])]);
        let since = |names: &[&str]| {
            libvirt.since(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(since(&["virNew", "virNewer"]).as_deref(), Some("8.1.0"));
        assert_eq!(since(&["virDomainGetName", "virNewer"]), None);
        assert_eq!(since(&["virOld"]), None);
        assert_eq!(since(&[]), None);
    }

    #[test]
    fn a_function_is_local_where_its_object_is_asked_for_by_raw_here() {
        let found = |text: &str| called(text).collect::<Vec<_>>();
        let name = |way| vec![("virA".to_owned(), way)];
        assert_eq!(found("sys::virA(self.0.raw_here())"), name(Way::Here));
        assert_eq!(found("self.0.own_text(\n    sys::virA,"), name(Way::Here));
        assert_eq!(found("self.0.own_uuid(sys::virA, c\"virA\")"), name(Way::Here));
        assert_eq!(found("sys::virA(\n    self.raw(), flags)"), name(Way::Asking));
        assert_eq!(found("sys::virA(conn.as_ptr())"), []);
    }

    #[test]
    fn functions_of_the_library_are_found_in_the_source() {
        let libvirt = Libvirt::read(&crate::root()).expect("reads");
        for local in ["virDomainGetName", "virDomainGetUUID", "virDomainGetID", "virGetVersion"] {
            assert!(!libvirt.asks_daemon(local), "{local}");
        }
        for asking in ["virDomainGetInfo", "virDomainCreate", "virConnectOpenAuth", "virUnknown"] {
            assert!(libvirt.asks_daemon(asking), "{asking}");
        }
    }

    #[test]
    fn what_is_looked_up_is_found_in_the_source() {
        let found = |text: &str| looked_up(&syn::parse_str(text).expect("parses"));
        assert_eq!(
            found(r#"static A: Late<F> = unsafe { Late::new(c"virA", "8.10.2") };"#),
            Some(("virA".into(), [8, 10, 2]))
        );
        assert_eq!(
            found(r#"static A: Late<F> = unsafe { Late::of(LIBRARY, c"virA", "0.9.4") };"#),
            Some(("virA".into(), [0, 9, 4]))
        );
        assert_eq!(found(r#"static A: Late<F> = unsafe { Late::new(c"x", "-") };"#), None);
        assert_eq!(found("static A: u32 = 1;"), None);
    }
}
