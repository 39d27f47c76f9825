// SPDX-License-Identifier: LGPL-2.1-or-later
//! `$VERSION` of the Perl modules, which are written by hand: Cargo.toml has it.

use std::fs;
use std::path::Path;

use crate::{Output, Result, version};

const PLACE: &str = "perl/lib";
/// They are of Sys::Virt's version.
const OF_SYS_VIRT: &str = "perl/lib/VKVM/SysVirt/lib";

/// All modules that have a version, with the library's.
pub fn write(root: &Path) -> Result<Vec<Output>> {
    let number = number(version::library()?);
    let mut outputs = Vec::new();
    collect(root, Path::new(PLACE), &number, &mut outputs)?;
    outputs.sort();
    Ok(outputs)
}

/// As Perl compares them: "0.012003" for 0.12.3.
pub fn number([major, minor, micro]: [u32; 3]) -> String {
    format!("{major}.{minor:03}{micro:03}")
}

fn collect(root: &Path, folder: &Path, number: &str, outputs: &mut Vec<Output>) -> Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if path != Path::new(OF_SYS_VIRT) {
                collect(root, &path, number, outputs)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "pm") {
            if let Some(text) = with_version(&fs::read_to_string(root.join(&path))?, number) {
                outputs.push((path, text));
            }
        }
    }
    Ok(())
}

/// The module with this version, if it has one.
fn with_version(text: &str, number: &str) -> Option<String> {
    let (before, rest) = text.split_once("\nour $VERSION = '")?;
    let (_, after) = rest.split_once("';\n")?;
    Some(format!("{before}\nour $VERSION = '{number}';\n{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_gets_the_version_in_the_place_of_its_own() {
        assert_eq!(number([0, 12, 3]), "0.012003");
        let module = "package A;\n\nour $VERSION = '0.001000';\n\n1;\n";
        let newer = "package A;\n\nour $VERSION = '0.012003';\n\n1;\n";
        assert_eq!(with_version(module, "0.012003").as_deref(), Some(newer));
        assert_eq!(with_version("package A;\n\n1;\n", "0.012003"), None);
    }
}
