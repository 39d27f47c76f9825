// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/words.json: the words that texts for readers do without, and the texts that still have
//! one: those of the API and the documents. A text that is not listed there is refused; a listed one that has none any more is
//! taken from the list by `cargo xtask generate`, so the list only shrinks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::api::Api;
use crate::{Output, Result};

const PATH: &str = "data/words.json";

/// Documents, and folders of documents, for readers.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs",
    "docs/guide",
    "examples/README.md",
    "harness/README.md",
    "tests/bed/README.md",
];

/// How long the first sentence of a function may be.
const FIRST: usize = 80;

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Words {
    /// In small letters, without punctuation.
    avoid: Vec<String>,
    /// What is wrong with a text, and the names of the texts.
    exceptions: BTreeMap<String, BTreeSet<String>>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../data/words.json")).expect("data/words.json is JSON")
});

/// A word that a text should do without.
pub fn avoided(text: &str) -> Option<&'static str> {
    let plain: String = text
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    let plain = format!(" {} ", plain.split_whitespace().collect::<Vec<_>>().join(" "));
    let has = |word: &&String| plain.contains(&format!(" {word} "));
    WORDS.avoid.iter().find(has).map(String::as_str)
}

/// What is wrong with a text.
fn wrong(text: &str) -> Option<String> {
    match avoided(text) {
        Some(word) => Some(word.to_owned()),
        None if text.starts_with("What ") => Some("begins with What".to_owned()),
        None => None,
    }
}

/// The texts of the API by name, with whether they describe a function.
fn texts(api: &Api) -> Vec<(String, String, bool)> {
    let mut texts = Vec::new();
    for function in &api.functions {
        texts.push((function.name.clone(), function.doc.paragraphs.join("\n\n"), true));
        for (name, param) in &function.doc.params {
            texts.push((format!("{} {name}", function.name), param.text.clone(), false));
        }
        if let Some(returns) = &function.doc.returns {
            texts.push((format!("{} returns", function.name), returns.text.clone(), false));
        }
    }
    let types = api.callbacks.iter().map(|one| (&one.name, &one.doc));
    let types = types.chain(api.structs.iter().map(|one| (&one.name, &one.doc)));
    for (name, doc) in types.chain(api.classes.iter().map(|(name, doc)| (name, doc))) {
        texts.push((name.clone(), doc.clone(), false));
    }
    texts
}

/// The paragraphs of the documents, with what comes instead of a name.
fn paragraphs(root: &Path) -> Result<Vec<(String, String)>> {
    let mut paths = Vec::new();
    for name in DOCUMENTS {
        let place = root.join(name);
        if place.is_dir() {
            for entry in fs::read_dir(place)? {
                let file = entry?.file_name().to_string_lossy().into_owned();
                paths.extend(file.ends_with(".md").then(|| format!("{name}/{file}")));
            }
        } else {
            paths.push(name.to_owned());
        }
    }
    let mut found = Vec::new();
    for path in paths {
        found.extend(
            prose(&fs::read_to_string(root.join(&path))?)
                .into_iter()
                .map(|(line, text)| (format!("{path}, line {line}"), text)),
        );
    }
    Ok(found)
}

/// The paragraphs, items and rows of a document, with their lines: no titles, no blocks of code.
fn prose(document: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let (mut is_code, mut begins) = (false, true);
    for (index, line) in document.lines().enumerate() {
        let plain = line.trim_start();
        is_code ^= plain.starts_with("```");
        let starts = ["- ", "* ", "|", "> "].iter().any(|mark| plain.starts_with(mark));
        if is_code || plain.is_empty() || plain.starts_with("```") || plain.starts_with('#') {
            begins = true;
            continue;
        }
        let text = plain.trim_start_matches(['-', '*', '|', '>', ' ']);
        match found.last_mut().filter(|_| !begins && !starts) {
            Some((_, paragraph)) => *paragraph = format!("{paragraph} {text}"),
            None => found.push((index + 1, text.to_owned())),
        }
        begins = false;
    }
    found
}

/// What is wrong, and with which texts.
fn found(api: &Api, root: &Path) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, text) in paragraphs(root)? {
        if let Some(word) = wrong(&text) {
            found.entry(word).or_default().insert(name);
        }
    }
    for (name, text, is_function) in texts(api) {
        let first = text.split("\n\n").next().unwrap_or_default();
        let first = first.split(". ").next().unwrap_or_default();
        if is_function && first.trim_end_matches('.').chars().count() > FIRST {
            found.entry(format!("first line over {FIRST}")).or_default().insert(name.clone());
        }
        if let Some(word) = wrong(&text) {
            found.entry(word).or_default().insert(name);
        }
    }
    Ok(found)
}

/// The table with the exceptions that are still needed. A text that is none of them is refused.
pub fn write(root: &Path, api: &Api) -> Result<Output> {
    let found = found(api, root)?;
    let none = BTreeSet::new();
    let mut refused = Vec::new();
    for (what, names) in &found {
        let listed = WORDS.exceptions.get(what).unwrap_or(&none);
        refused.extend(names.difference(listed).map(|name| format!("{name}: \"{what}\"")));
    }
    if !refused.is_empty() {
        return Err(format!("texts for readers ({PATH}):\n{}", refused.join("\n")).into());
    }
    let left: usize = found.values().map(BTreeSet::len).sum();
    if left > 0 {
        eprintln!("warning: {left} texts have words that readers can do without; see {PATH}");
    }
    let words = Words { avoid: WORDS.avoid.clone(), exceptions: found };
    Ok((PATH.into(), serde_json::to_string_pretty(&words)? + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_whatever_stands_around_it() {
        assert_eq!(avoided("It tells, why."), Some("tells"));
        assert_eq!(avoided("(Anew)"), Some("anew"));
        assert_eq!(avoided("Takes a\nhold."), Some("a hold"));
        assert_eq!(avoided("Tell-tale outlets hold."), None);
        assert_eq!(wrong("What it is."), Some("begins with What".to_owned()));
    }

    #[test]
    fn paragraphs_of_a_document_are_found_outside_of_code() {
        let document =
            "# Title\n\nOne\ntwo.\n- an item\n  of two\n```c\ntells();\n```\n| a row |\nend";
        let found = prose(document);
        let texts: Vec<_> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
        let wanted = [(3, "One two."), (5, "an item of two"), (10, "a row | end")];
        assert_eq!(texts, wanted);
    }
}
