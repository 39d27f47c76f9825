// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/examples: short examples, in C and Perl, of calls that are not obvious. A file is
//! named like its function; `tests/docs` compiles and runs all of them, as it does with the
//! fragments of the guide.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Result;
use crate::api::Api;

/// An example, by language.
#[derive(Default)]
pub struct Example {
    pub c: Option<String>,
    pub perl: Option<String>,
}

impl Example {
    /// As the API file has it.
    pub fn json(&self) -> Value {
        let mut object = Map::new();
        for (language, code) in [("c", &self.c), ("perl", &self.perl)] {
            if let Some(code) = code {
                object.insert(language.into(), code.clone().into());
            }
        }
        Value::Object(object)
    }
}

/// By the names of functions.
pub struct Examples(BTreeMap<String, Example>);

impl Examples {
    /// Reads the files.
    pub fn read(root: &Path, api: &Api) -> Result<Examples> {
        let mut all: BTreeMap<String, Example> = BTreeMap::new();
        for entry in fs::read_dir(root.join("data/examples"))? {
            let path = entry?.path();
            let part = |part: Option<&std::ffi::OsStr>| {
                part.and_then(|part| part.to_str()).unwrap_or_default().to_owned()
            };
            let (name, language) = (part(path.file_stem()), part(path.extension()));
            if !api.functions.iter().any(|function| function.name == name) {
                return Err(format!("{}: there is no such function", path.display()).into());
            }
            let code = fs::read_to_string(&path)?.trim_end().to_owned();
            if code.lines().count() > 20 || code.lines().any(|line| line.len() > 90) {
                return Err(format!("{}: is no short example", path.display()).into());
            }
            let example = all.entry(name).or_default();
            match language.as_str() {
                "c" => example.c = Some(code),
                "pl" => example.perl = Some(code),
                _ => return Err(format!("{}: is of no known language", path.display()).into()),
            }
        }
        Ok(Examples(all))
    }

    /// The example of a function.
    pub fn of(&self, function: &str) -> Option<&Example> {
        self.0.get(function)
    }
}
