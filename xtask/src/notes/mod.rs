// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is said of functions beside their exports, in data: the topic that each belongs to,
//! the errors to expect of it, an example, and names that other languages reserve.

mod errors;
mod examples;
mod names;
mod topics;

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Result;
use crate::api::{Api, Function, Param};
use crate::enums::Table;

pub use errors::Case;
pub use examples::Example;

/// All of it.
pub struct Notes {
    pub topics: topics::Topics,
    pub errors: errors::Errors,
    examples: examples::Examples,
    names: names::Names,
}

impl Notes {
    /// Reads the tables, and checks that they fit the functions.
    pub fn read(root: &Path, api: &Api, table: &Table) -> Result<Notes> {
        let topics = topics::Topics::read(root, api)?;
        Ok(Notes {
            errors: errors::Errors::read(root, api, table, &topics)?,
            examples: examples::Examples::read(root, api)?,
            names: names::Names::read(root)?,
            topics,
        })
    }

    /// The errors to expect of a function, besides those of every function.
    pub fn errors_of(&self, function: &Function) -> Vec<Case> {
        self.errors.of(function, &self.topics)
    }

    /// An example of a function's use, where there is one.
    pub fn example_of(&self, function: &Function) -> Option<&Example> {
        self.examples.of(&function.name)
    }

    /// The keys that the API file has of a function from here.
    pub fn of_function(&self, function: &Function) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Value| object.insert(key.into(), value);
        if let Some(topic) = self.topics.of(function) {
            put("topic", topic.title.clone().into());
        }
        let errors: Vec<Value> = self
            .errors_of(function)
            .iter()
            .map(|case| json!({"code": case.code, "when": case.when}))
            .collect();
        if !errors.is_empty() {
            put("errors", errors.into());
        }
        if let Some(example) = self.example_of(function) {
            put("example", example.json());
        }
        object.extend(self.names.keys(&function.method));
        object
    }

    /// The keys that it has of a parameter.
    pub fn of_param(&self, param: &Param) -> Map<String, Value> {
        self.names.keys(&param.name)
    }

    /// The keys that the API file has of all functions together.
    pub fn of_all(&self) -> Map<String, Value> {
        let mut object = Map::new();
        object.insert("topics".into(), self.topics.json());
        object.insert("common_errors".into(), self.errors.json());
        object.insert("languages".into(), self.names.languages().into());
        object
    }
}
