// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/reserved.json: the words that languages reserve, so that a binding need not know what
//! to do with a method named `delete` or a parameter named `from`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::Result;

/// By language.
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// Reads the table.
    pub fn read(root: &Path) -> Result<Names> {
        Ok(Names(serde_json::from_str(&fs::read_to_string(root.join("data/reserved.json"))?)?))
    }

    /// The languages that the table has.
    pub fn languages(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Those that reserve a name, and what to call it there; nothing where there are none.
    pub fn keys(&self, name: &str) -> Map<String, Value> {
        let is_word = |words: &String| words.split(' ').any(|word| word == name);
        let all = self.0.iter().filter(|(_, words)| is_word(words));
        let languages: Vec<&String> = all.map(|(language, _)| language).collect();
        let mut object = Map::new();
        if !languages.is_empty() {
            object.insert("reserved_in".into(), languages.into_iter().cloned().collect());
            object.insert("safe_name".into(), format!("{name}_").into());
        }
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_name_gets_an_underscore() {
        let names = Names::read(&crate::root()).expect("is JSON");
        let delete = names.keys("delete");
        assert_eq!(delete["safe_name"], "delete_");
        assert!(delete["reserved_in"].as_array().expect("is a list").contains(&"C++".into()));
        assert_eq!(names.keys("from")["safe_name"], "from_");
        assert!(names.keys("name").is_empty());
        assert!(names.languages().len() > 10);
    }
}
