// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/errors.json: the errors to expect. A rule has the code of an error, when it comes, and
//! the functions that it comes from: by name (`*` stands for anything), by topic, by the class
//! of the object that may have gone (`object`), or all that may have a deadline (`bounded`)
//! but those of `except`.
//! With `asks`, only those count that ask a daemon. `common` has what any function may give;
//! with `libvirt`, any that calls libvirt.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};

use super::topics::Topics;
use crate::api::{Api, Function, Returns};
use crate::enums::Table;
use crate::{Result, invoke};

/// An error, and when it comes.
#[derive(Clone)]
pub struct Case {
    /// The constant, by its name in C.
    pub code: String,
    /// A clause.
    pub when: String,
}

/// The table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    common: Vec<Common>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Common {
    code: String,
    when: String,
    #[serde(default)]
    libvirt: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    code: String,
    when: String,
    #[serde(default)]
    functions: Vec<String>,
    #[serde(default)]
    topics: Vec<String>,
    object: Option<String>,
    #[serde(default)]
    bounded: bool,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    asks: bool,
}

impl Errors {
    /// Reads the table; each rule is about functions and constants that there are.
    pub fn read(root: &Path, api: &Api, table: &Table, topics: &Topics) -> Result<Errors> {
        let text = fs::read_to_string(root.join("data/errors.json"))?;
        let errors: Errors = serde_json::from_str(&text)?;
        let codes = errors.common.iter().map(|one| (&one.code, &one.when));
        for (code, when) in codes.chain(errors.rules.iter().map(|one| (&one.code, &one.when))) {
            let is_clause = !when.ends_with('.') && when.starts_with(char::is_lowercase)
                || when.starts_with("XML");
            if !is_clause {
                return Err(format!("errors.json: {code}: \"{when}\" is no clause").into());
            }
            if !table.exists(code) || code.ends_with('*') {
                return Err(format!("errors.json: there is no {code}").into());
            }
        }
        for rule in &errors.rules {
            for pattern in rule.functions.iter().chain(&rule.except) {
                let mut all = api.functions.iter().filter(|one| can_fail(one));
                if !all.any(|one| fits(pattern, &one.name["vkvm_".len()..])) {
                    return Err(format!("errors.json: {}: no {pattern}", rule.code).into());
                }
            }
            for topic in &rule.topics {
                if !api.functions.iter().any(|one| is_of(topic, one, topics)) {
                    return Err(format!("errors.json: {}: no {topic}", rule.code).into());
                }
            }
            if !api.functions.iter().any(|one| rule.is_of(one, topics)) {
                return Err(format!("errors.json: {}: fits nothing", rule.code).into());
            }
        }
        Ok(errors)
    }

    /// What to expect of a function, in the order of the table.
    pub fn of(&self, function: &Function, topics: &Topics) -> Vec<Case> {
        let case = |code: &str, when: String| Case { code: code.into(), when };
        let mut cases: Vec<Case> = Vec::new();
        for rule in self.rules.iter().filter(|rule| rule.is_of(function, topics)) {
            // A function with a timeout of its own has one entry for both.
            match cases.iter_mut().find(|known| rule.bounded && known.code == rule.code) {
                Some(known) => known.when = format!("{}, or {}", known.when, rule.when),
                None => cases.push(case(&rule.code, rule.when.clone())),
            }
        }
        if let Some(since) = function.since.as_ref().filter(|_| can_fail(function)) {
            let when = format!("the installed libvirt is older than {since}");
            cases.push(case("VKVM_ERROR_ERR_NO_SUPPORT", when));
        }
        cases
    }

    /// What any function may give, as the API file has it.
    pub fn json(&self) -> Value {
        let all = self
            .common
            .iter()
            .map(|one| json!({"code": one.code, "when": one.when, "libvirt": one.libvirt}));
        all.collect()
    }

    /// The same for people.
    pub fn common(&self) -> impl Iterator<Item = Case> {
        self.common.iter().map(|one| Case { code: one.code.clone(), when: one.when.clone() })
    }
}

impl Rule {
    fn is_of(&self, function: &Function, topics: &Topics) -> bool {
        let asks = function.blocks && !function.doc.libvirt.is_empty();
        let name = &function.name["vkvm_".len()..];
        let is_object = self.object.as_deref().is_some_and(|class| {
            asks && function.self_param().is_some() && function.class == class
        });
        let is_bounded = self.bounded
            && !self.except.iter().any(|pattern| fits(pattern, name))
            && function.blocks
            && !function.this_thread
            && !function.doc.libvirt.is_empty()
            && invoke::has_row(function);
        can_fail(function)
            && (!self.asks || asks)
            && (is_object
                || is_bounded
                || self.functions.iter().any(|pattern| fits(pattern, name))
                || self.topics.iter().any(|topic| is_of(topic, function, topics)))
    }
}

fn can_fail(function: &Function) -> bool {
    function.returns == Returns::Status
}

/// Whether a function is of a topic, which stands behind its class: `domain: Jobs`.
fn is_of(topic: &str, function: &Function, topics: &Topics) -> bool {
    topic.split_once(": ").is_some_and(|(class, title)| {
        function.class == class && topics.of(function).is_some_and(|one| one.title == title)
    })
}

/// Whether a pattern with at most one `*` fits.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            name.len() >= head.len() + tail.len() && name.starts_with(head) && name.ends_with(tail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(fits("value_get_*", "value_get_bool"));
        assert!(!fits("value_get_*", "value_get"));
        assert!(fits("conn_*_register", "conn_event_register"));
        assert!(!fits("conn_*_register", "conn_register"));
        assert!(fits("invoke", "invoke") && !fits("invoke", "invoked"));
    }
}
