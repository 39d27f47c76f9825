// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/topics.json: the functions of each class by their topics, in the order in which a
//! reader wants them. Handles are counted in each class alike, so these functions are not
//! listed there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::Result;
use crate::api::{Api, Function};
use crate::classes;

/// What references and freeing belong to, in each class, behind all other topics.
const MEMORY: &str = "References and memory";

/// The methods of that topic.
const OF_MEMORY: [&str; 3] = ["ref", "free", "list_free"];

/// Functions about one subject.
pub struct Topic {
    pub title: String,
    /// The methods, in their order.
    pub methods: Vec<String>,
}

impl Topic {
    /// Whether a method belongs here by its name; `list_x` does where `list_all_x` is.
    pub fn has(&self, name: &str) -> bool {
        let all = name.strip_prefix("list_").map(|rest| format!("list_all_{rest}"));
        self.methods.iter().any(|method| *method == name || Some(method) == all.as_ref())
    }
}

/// The topics of each class.
pub struct Topics(BTreeMap<String, Vec<Topic>>);

impl Topics {
    /// Reads the table; each function is in it, once.
    pub fn read(root: &Path, api: &Api) -> Result<Topics> {
        Topics::parse(&fs::read_to_string(root.join("data/topics.json"))?, api)
    }

    fn parse(text: &str, api: &Api) -> Result<Topics> {
        let document: BTreeMap<String, Vec<(String, Vec<String>)>> = serde_json::from_str(text)?;
        let mut topics: BTreeMap<String, Vec<Topic>> = BTreeMap::new();
        for (class, rows) in document {
            let all = rows.into_iter().map(|(title, methods)| Topic { title, methods });
            topics.insert(class, all.collect());
        }
        for function in &api.functions {
            let own = topics.entry(function.class.clone()).or_default();
            if OF_MEMORY.contains(&function.method.as_str()) {
                match own.iter_mut().find(|topic| topic.title == MEMORY) {
                    Some(topic) => topic.methods.push(function.method.clone()),
                    None => own.push(Topic {
                        title: MEMORY.into(),
                        methods: vec![function.method.clone()],
                    }),
                }
            }
            let places = own.iter().flat_map(|topic| &topic.methods);
            let places = places.filter(|method| **method == function.method).count();
            if places != 1 {
                return Err(format!("topics.json: {} is in {places} topics", function.name).into());
            }
        }
        for (class, topics) in &topics {
            let is_there = |method: &String| {
                api.functions.iter().any(|one| one.class == *class && one.method == *method)
            };
            let mut methods = topics.iter().flat_map(|topic| &topic.methods);
            if let Some(ghost) = methods.find(|method| !is_there(method)) {
                return Err(format!("topics.json: {class} has no {ghost}").into());
            }
        }
        Ok(Topics(topics))
    }

    /// The topics of a class, in their order.
    pub fn of_class(&self, class: &str) -> &[Topic] {
        self.0.get(class).map_or(&[], Vec::as_slice)
    }

    /// The topic of a function.
    pub fn of(&self, function: &Function) -> Option<&Topic> {
        let mut own = self.of_class(&function.class).iter();
        own.find(|topic| topic.methods.contains(&function.method))
    }

    /// As the API file has them: in the order of the classes.
    pub fn json(&self) -> Value {
        let all = classes::all().iter().flat_map(|class| {
            self.of_class(&class.name).iter().map(|topic| {
                let names = topic.methods.iter().map(|method| full_name(&class.name, method));
                json!({
                    "class": class.name,
                    "title": topic.title,
                    "functions": names.collect::<Vec<_>>(),
                })
            })
        });
        all.collect()
    }
}

/// The name in C. One function does without the name of its class.
fn full_name(class: &str, method: &str) -> String {
    match (class, method) {
        ("call", "invoke") => "vkvm_invoke".into(),
        _ => format!("vkvm_{class}_{method}"),
    }
}
