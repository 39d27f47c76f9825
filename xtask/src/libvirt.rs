//! What is to be known of libvirt's functions: which answer without asking a daemon, and
//! which are newer than the oldest libvirt that we take.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use syn::{Expr, Item, Lit};

use crate::{Result, shape};

/// Facts about libvirt's functions, by their names.
pub struct Libvirt {
    /// Those that never speak to a daemon: data/local.json.
    local: HashSet<String>,
    /// The version that first had it, for what is looked up at run time.
    late: HashMap<String, [u32; 3]>,
}

/// What a binary of ours takes without looking anything up.
const OLDEST: [u32; 3] = [7, 0, 0];

impl Libvirt {
    /// Reads data/local.json, and the versions from where src/core looks functions up.
    pub fn read(root: &Path) -> Result<Libvirt> {
        let text = fs::read_to_string(root.join("data/local.json"))?;
        let local = serde_json::from_str::<serde_json::Value>(&text)?;
        let local: HashSet<String> = local["functions"]
            .as_array()
            .ok_or("data/local.json: no list of functions")?
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let mut late = HashMap::new();
        for (_, file) in shape::parsed(&root.join("src/core"))? {
            late.extend(file.items.iter().filter_map(looked_up));
        }
        if late.is_empty() {
            return Err("no functions found that src/core looks up at run time".into());
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

    /// src/core asks an object for its pointer by `raw_here` for what libvirt answers
    /// itself, and by `raw` for what may go to a daemon.
    #[test]
    fn the_local_functions_are_those_that_the_source_takes_for_such() {
        let root = crate::root();
        let libvirt = Libvirt::read(&root).expect("reads");
        let (mut here, mut asking) = (HashSet::new(), HashSet::new());
        for (path, _) in shape::parsed(&root.join("src/core")).expect("parses") {
            let text = fs::read_to_string(&path).expect("reads");
            for piece in text.split("sys::").skip(1) {
                let end = piece.find(|c: char| !c.is_alphanumeric()).unwrap_or(piece.len());
                let (name, rest) = piece.split_at(end);
                let argument = rest.strip_prefix('(').unwrap_or_default().trim_start();
                let argument = argument.split([',', ')']).next().unwrap_or_default();
                if argument.ends_with(".raw_here(") {
                    here.insert(name.to_owned());
                } else if argument.ends_with(".raw(") && !name.starts_with("virStream") {
                    asking.insert(name.to_owned());
                }
            }
        }
        assert!(here.len() > 30 && asking.len() > 200, "{} and {}", here.len(), asking.len());
        let unlisted: Vec<_> = here.iter().filter(|name| libvirt.asks_daemon(name)).collect();
        assert!(unlisted.is_empty(), "not in data/local.json: {unlisted:?}");
        let listed: Vec<_> =
            asking.difference(&here).filter(|name| !libvirt.asks_daemon(name)).collect();
        assert!(listed.is_empty(), "in data/local.json, and asking a daemon: {listed:?}");
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
