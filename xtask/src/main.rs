// SPDX-License-Identifier: LGPL-2.1-or-later
//! `cargo xtask generate`: writes every face that follows from src/capi and
//! data. `cargo xtask generate --check` only compares, and
//! fails when a checked-in file is not what would be written.
//! `cargo xtask reference DIR`: writes the man pages.

mod api;
#[cfg(test)]
mod arguments;
#[cfg(test)]
mod circles;
mod classes;
mod constants;
mod docs;
mod enums;
mod header;
mod invoke;
mod json;
mod keys;
mod kind;
mod libvirt;
mod man;
mod maps;
mod notes;
#[cfg(test)]
mod oldest;
mod perl;
#[cfg(test)]
mod reworded;
mod sections;
mod shape;
mod symbols;
mod version;
mod versions;
mod words;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use cbindgen::Bindings;

use api::Api;
use enums::Table;
use maps::Maps;
use notes::Notes;

/// A file to write: its path from the project's root, and its text.
pub type Output = (PathBuf, String);

/// What went wrong, for people.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["generate"] => run(&root(), false),
        ["generate", "--check"] => run(&root(), true),
        ["reference", folder] => reference(&root(), Path::new(folder)).map(|()| 0),
        _ => {
            eprintln!("usage: cargo xtask generate [--check]\n       cargo xtask reference DIR");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(0) => ExitCode::SUCCESS,
        Ok(stale) => {
            eprintln!("{stale} generated files are out of date; run `make generate` and commit");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes or compares; returns how many files differ (when comparing).
fn run(root: &Path, check: bool) -> Result<usize> {
    let modules = shape::check(root)?;
    let table = Table::read(root)?;
    let (api, mut bindings) = api::read(root, &table)?;
    let mut stale = 0;
    let mut outputs = generate(&api, &mut bindings, &table, &modules)?;
    outputs.push(keys::write(root)?);
    outputs.extend(versions::write(root, &api)?);
    outputs.extend(perl::versions::write(root)?);
    outputs.push(words::write(root, &api)?);
    for (path, text) in outputs {
        let place = root.join(&path);
        if fs::read_to_string(&place).is_ok_and(|old| old == text) {
            continue;
        }
        if check {
            eprintln!("out of date: {}", path.display());
            stale += 1;
        } else {
            if let Some(folder) = place.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&place, text)?;
            println!("wrote {}", path.display());
        }
    }
    Ok(stale)
}

/// Every file that is generated.
fn generate(
    api: &Api,
    bindings: &mut Bindings,
    table: &Table,
    modules: &HashMap<String, String>,
) -> Result<Vec<Output>> {
    let mut outputs = vec![constants::rust(&table.constants)?, enums::rust(table)?];
    outputs.extend(classes::write());
    outputs.push(header::write(api, bindings, table)?);
    let maps = Maps::read(&root())?;
    maps.check(api, table)?;
    let notes = Notes::read(&root(), api, table)?;
    outputs.push(json::write(api, table, &maps, &notes)?);
    outputs.extend(symbols::write(api));
    outputs.push(invoke::write(api, modules)?);
    outputs.extend(perl::write(api, table, &maps, &notes)?);
    Ok(outputs)
}

/// Writes the man pages.
fn reference(root: &Path, folder: &Path) -> Result<()> {
    let table = Table::read(root)?;
    let (api, _) = api::read(root, &table)?;
    let notes = Notes::read(root, &api, &table)?;
    let maps = Maps::read(root)?;
    let header = fs::read_to_string(root.join("include/vkvm.h"))?;
    let guide = fs::read_to_string(root.join("docs/guide/c.md"))?;
    let source = man::Source {
        api: &api,
        table: &table,
        maps: &maps,
        notes: &notes,
        header: &header,
        guide: &guide,
    };
    man::write(&source, &folder.join("man/man3"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checked_in_files_are_what_would_be_generated() {
        assert_eq!(run(&root(), true).expect("generates"), 0, "run `make generate` and commit");
    }
}
