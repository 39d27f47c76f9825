// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which file of src uses which. The tests refuse a circle, and a layer that names one above
//! it (docs/ARCHITECTURE.md). `tests/circles` does so for the C programs of several files.
//!
//! `mod` and `pub use` are no uses: they say where things are found. A path through a
//! re-export leads to the file that it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Item, UseTree, Visibility};

use crate::shape;

/// The layers of src, the lowest first; within one, any order without a circle.
const LAYERS: [&[&str]; 9] = [
    &["constants", "fork"],
    &["error", "handle", "memory"],
    &["enums", "value"],
    &["xml"],
    &["core"],
    &["event"],
    &["calls"],
    &["host"],
    &["capi"],
];

/// The classes of libvirt refer to one another: a connection lists its domains, and a domain
/// tells its connection. So do their files, which count as one.
const CLASSES: [&str; 11] = [
    "conn",
    "domain",
    "domain_checkpoint",
    "domain_snapshot",
    "interface",
    "network",
    "network_port",
    "node_device",
    "secret",
    "storage_pool",
    "storage_vol",
];

/// Files by name, each with those that it uses.
type Uses = BTreeMap<String, BTreeSet<String>>;

/// A path of modules, from the crate's root.
pub type Path_ = Vec<String>;

/// A file of src.
pub struct Module {
    pub items: Vec<Item>,
    /// What `pub use` finds here: the name, and where it is.
    found: BTreeMap<String, Path_>,
}

pub type Modules = BTreeMap<Path_, Module>;

/// The uses of src.
fn rust(src: &Path) -> Uses {
    let modules = read(src);
    let known: BTreeSet<Path_> = modules.keys().cloned().collect();
    let mut uses = Uses::new();
    for (place, module) in &modules {
        let mut used = BTreeSet::new();
        for item in &module.items {
            let paths = match item {
                Item::Use(item) if !matches!(item.vis, Visibility::Inherited) => continue,
                Item::Use(item) => {
                    leaves(&item.tree, Vec::new()).into_iter().map(|(path, _)| path).collect()
                }
                other => paths(other.to_token_stream()),
            };
            for path in paths {
                let path = absolute(place, &path, &known);
                used.extend(file(&path, &modules).filter(|file| file != place));
            }
        }
        uses.insert(place.join("::"), used.iter().map(|file| file.join("::")).collect());
    }
    uses
}

/// Reads the modules, without what only tests have.
pub fn read(src: &Path) -> Modules {
    let mut modules = Modules::new();
    for (path, mut file) in shape::parsed(src).expect("parses") {
        if file.attrs.iter().any(is_test) {
            continue;
        }
        file.items.retain(|item| !attributes(item).iter().any(is_test));
        let module = shape::module(path.strip_prefix(src).expect("in the folder"));
        let place = module.split("::").filter(|part| *part != "lib").map(str::to_owned).collect();
        modules.insert(place, Module { items: file.items, found: BTreeMap::new() });
    }
    let known: BTreeSet<Path_> = modules.keys().cloned().collect();
    for (place, module) in &mut modules {
        for item in &module.items {
            let Item::Use(item) = item else { continue };
            if matches!(item.vis, Visibility::Inherited) {
                continue;
            }
            for (path, name) in leaves(&item.tree, Vec::new()) {
                module.found.insert(name, absolute(place, &path, &known));
            }
        }
    }
    modules
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn is_test(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
}

/// The paths of a `use`, each with the name that it has here.
pub fn leaves(tree: &UseTree, mut path: Path_) -> Vec<(Path_, String)> {
    match tree {
        UseTree::Path(tree) => {
            path.push(tree.ident.to_string());
            leaves(&tree.tree, path)
        }
        UseTree::Group(group) => {
            group.items.iter().flat_map(|tree| leaves(tree, path.clone())).collect()
        }
        UseTree::Name(name) if name.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            vec![(path, name)]
        }
        UseTree::Name(name) => {
            path.push(name.ident.to_string());
            vec![(path, name.ident.to_string())]
        }
        UseTree::Rename(rename) => {
            path.push(rename.ident.to_string());
            vec![(path, rename.rename.to_string())]
        }
        UseTree::Glob(_) => vec![(path, "*".to_owned())],
    }
}

/// The paths of several parts in code.
fn paths(tokens: TokenStream) -> Vec<Path_> {
    let (mut all, mut path, mut colons) = (Vec::new(), Path_::new(), 0);
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if colons == 2 => {
                path.push(ident.to_string());
                colons = 0;
                continue;
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                colons += 1;
                continue;
            }
            _ => (),
        }
        all.push(std::mem::take(&mut path));
        colons = 0;
        match token {
            TokenTree::Ident(ident) => path.push(ident.to_string()),
            TokenTree::Group(group) => all.extend(paths(group.stream())),
            _ => (),
        }
    }
    all.push(path);
    all.retain(|path| path.len() > 1);
    all
}

/// The path from the crate's root; empty for what is not of the crate, or was imported.
pub fn absolute(place: &Path_, path: &Path_, known: &BTreeSet<Path_>) -> Path_ {
    let mut from = place.clone();
    let mut rest = path.as_slice();
    match rest.first().map(String::as_str) {
        Some("crate") => from.clear(),
        Some("self") => (),
        Some("super") => {
            while rest.get(1).is_some_and(|part| part == "super") {
                from.pop();
                rest = &rest[1..];
            }
            from.pop();
        }
        Some(child) => {
            let child = [from.as_slice(), &[child.to_owned()]].concat();
            if !known.contains(&child) {
                return Path_::new();
            }
            return [from.as_slice(), rest].concat();
        }
        None => return Path_::new(),
    }
    from.extend_from_slice(&rest[1..]);
    from
}

/// The file that a path leads to, through what is found elsewhere.
fn file(path: &Path_, modules: &Modules) -> Option<Path_> {
    if path.is_empty() {
        return None;
    }
    let length = (0..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let (here, rest) = path.split_at(length);
    let name = rest.first().or_else(|| here.last())?;
    match modules[here].found.get(name) {
        Some(there) if !rest.is_empty() && there != path => {
            file(&[there.as_slice(), &rest[1..]].concat(), modules)
        }
        _ => Some(here.to_vec()),
    }
}

/// What tsort says of files that cannot be put in order: those of a circle; nothing if there is
/// none.
fn circles(uses: &Uses) -> String {
    let mut tsort = Command::new("tsort")
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tsort");
    let mut to = tsort.stdin.take().expect("its input");
    for (file, used) in uses {
        for used in used {
            writeln!(to, "{file} {used}").expect("it reads");
        }
    }
    drop(to);
    let answer = tsort.wait_with_output().expect("it ends");
    String::from_utf8(answer.stderr).expect("text")
}

/// The rooms of each folder, and which uses which: a file, or a folder with all in it. The
/// folder's own file is no room of it; it holds what its rooms share, and shows them.
fn rooms(files: &Uses) -> BTreeMap<String, Uses> {
    let parts = |file: &str| -> Path_ {
        file.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut folders = BTreeMap::<String, Uses>::new();
    for (file, used) in files {
        let file = parts(file);
        for used in used {
            let used = parts(used);
            let common = file.iter().zip(&used).take_while(|(a, b)| a == b).count();
            if let (Some(room), Some(other)) = (file.get(common), used.get(common)) {
                let is_class = |room: &String| CLASSES.contains(&room.as_str());
                if file[..common] == ["core"] && is_class(room) && is_class(other) {
                    continue;
                }
                let folder = folders.entry(file[..common].join("::")).or_default();
                folder.entry(other.clone()).or_default();
                folder.entry(room.clone()).or_default().insert(other.clone());
            }
        }
    }
    folders
}

mod tests {
    use std::sync::LazyLock;

    use super::*;

    /// To read the files takes seconds.
    static USES: LazyLock<Uses> = LazyLock::new(|| rust(&crate::root().join("src")));

    #[test]
    fn no_files_of_the_library_use_each_other_in_a_circle() {
        let folders = rooms(&USES);
        let told: String = folders.values().map(circles).collect();
        assert!(told.is_empty(), "{told}");
        assert!(folders["event"]["resume"].contains("hub"), "what is used is found");
    }

    #[test]
    fn no_layer_names_one_above_it() {
        let layer = |top: &str| {
            let level = LAYERS.iter().position(|names| names.contains(&top));
            level.unwrap_or_else(|| panic!("{top} is in no layer"))
        };
        let uses = rooms(&USES);
        let up: Vec<String> = uses[""]
            .iter()
            .flat_map(|(file, used)| used.iter().map(move |used| (file, used)))
            .filter(|(file, used)| layer(used) > layer(file))
            .map(|(file, used)| format!("{file} -> {used}"))
            .collect();
        assert!(up.is_empty(), "{}", up.join("\n"));
    }

    #[test]
    fn the_facade_reaches_libvirt_through_core_only() {
        let modules = read(&crate::root().join("src"));
        let mut files = 0;
        for (place, module) in
            modules.iter().filter(|(place, _)| place.first().is_some_and(|top| top == "host"))
        {
            files += 1;
            for item in &module.items {
                let used = match item {
                    Item::Use(item) => {
                        leaves(&item.tree, Vec::new()).into_iter().map(|(path, _)| path).collect()
                    }
                    other => paths(other.to_token_stream()),
                };
                let to_libvirt = used.iter().find(|path| path[0] == "virt");
                assert!(to_libvirt.is_none(), "{} uses {to_libvirt:?}", place.join("::"));
            }
        }
        assert!(files > 30, "{files} files");
    }

    #[test]
    fn a_circle_is_found() {
        let uses = |from: &str, to: &[&str]| {
            (from.to_owned(), to.iter().map(|&it| it.to_owned()).collect())
        };
        let all = Uses::from([
            uses("a", &["b"]),
            uses("b", &["c", "d"]),
            uses("c", &["a"]),
            uses("d", &["e"]),
            uses("e", &[]),
        ]);
        let told = circles(&all);
        let named = |file: &str| told.lines().any(|line| line.ends_with(&format!(" {file}")));
        assert!(["a", "b", "c"].into_iter().all(named), "{told}");
        assert!(!named("d") && !named("e"), "{told}");
    }

    #[test]
    fn uses_in_rust_are_found() {
        for (file, used) in [
            ("capi::domain::info", "capi::guard"),
            ("event::registrar", "core::line"),
            ("core::object", "core::closing"),
            ("core::conn::host", "error"),
            ("event::watches", "event::poll"),
        ] {
            assert!(USES[file].contains(used), "{file} uses {used}: {:?}", USES[file]);
        }
    }
}
