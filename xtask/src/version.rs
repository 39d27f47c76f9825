// SPDX-License-Identifier: LGPL-2.1-or-later
//! The library's version, for the header and the API file.

use crate::Result;

/// The version in the library's Cargo.toml: major, minor, micro.
pub fn library() -> Result<[u32; 3]> {
    let manifest = include_str!("../../Cargo.toml");
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
        .ok_or("Cargo.toml has no version")?;
    let parts: Vec<u32> = line.split('.').map(str::parse).collect::<std::result::Result<_, _>>()?;
    parts.try_into().map_err(|_| format!("{line} is not three numbers").into())
}

/// The same as text.
pub fn text() -> String {
    library().map_or_else(
        |error| error.to_string(),
        |[major, minor, micro]| format!("{major}.{minor}.{micro}"),
    )
}

/// The number in the SONAME, as build.rs has it.
pub fn abi() -> Result<u32> {
    let line = include_str!("../../build.rs")
        .lines()
        .find_map(|line| line.strip_prefix("const ABI: u32 = ")?.strip_suffix(';'))
        .ok_or("build.rs has no ABI")?;
    Ok(line.parse()?)
}

/// The macros with which C asks for the version at compile time.
pub fn macros() -> Result<String> {
    let [major, minor, micro] = library()?;
    Ok(format!(
        "\n/** The version of this header: its first number. */\n\
         #define VKVM_VERSION_MAJOR {major}\n\
         /** Its second number. */\n\
         #define VKVM_VERSION_MINOR {minor}\n\
         /** Its third number. */\n\
         #define VKVM_VERSION_MICRO {micro}\n\
         /** The version as text. */\n\
         #define VKVM_VERSION_STRING \"{major}.{minor}.{micro}\"\n\
         /** The version as a number: major * 1,000,000 + minor * 1,000 + micro, like what\n    \
             vkvm_library_get_version gives at run time. */\n\
         #define VKVM_VERSION \\\n    \
             (VKVM_VERSION_MAJOR * 1000000 + VKVM_VERSION_MINOR * 1000 + VKVM_VERSION_MICRO)\n\
         /** Whether this header is of at least that version. */\n\
         #define VKVM_CHECK_VERSION(major, minor, micro) \\\n    \
             (VKVM_VERSION >= (major) * 1000000 + (minor) * 1000 + (micro))\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::perl;

    /// What is written by people begins with the release that is worked on.
    #[test]
    fn the_lists_of_changes_begin_with_the_version() {
        let [major, minor, micro] = library().expect("Cargo.toml has a version");
        let version = format!("{major}.{minor}.{micro}");
        let number = perl::versions::number([major, minor, micro]);
        for (name, text, first) in [
            ("CHANGELOG.md", include_str!("../../CHANGELOG.md"), format!("## {version} ")),
            ("perl/Changes", include_str!("../../perl/Changes"), format!("{number} ")),
        ] {
            let newest = text
                .lines()
                .find(|line| {
                    line.starts_with("## ") || line.starts_with(|c: char| c.is_ascii_digit())
                })
                .unwrap_or("");
            assert!(newest.starts_with(&first), "{name} begins with {newest:?}, not {first:?}");
        }
        let debian = include_str!("../../debian/changelog").lines().next().unwrap_or("");
        assert!(
            debian.starts_with(&format!("libvkvm ({version}-")),
            "debian/changelog begins with {debian:?}, not with {version}"
        );
    }
}
