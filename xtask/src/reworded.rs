// SPDX-License-Identifier: LGPL-2.1-or-later
//! A test: other sentences in the documentation of the exports change nothing but
//! sentences in what is generated.

use std::path::Path;

use cbindgen::Bindings;
use cbindgen::bindgen::ir::{Documentation, ItemContainer};
use serde_json::Value;

use crate::{Output, Result, api, docs, enums, generate, shape};

/// What all sentences are replaced with: words that somebody might look for.
const OTHER: &str = "Returns a list, or NULL, one of `VKVM_DOMAIN_STATE_*` in ms, never NULL. \
                     Flags (nullable, consumed, default 3) need libvirt 99.1.0: so say all";

fn reword(doc: &mut Documentation) {
    let mut lines = Vec::new();
    for block in docs::blocks(&doc.doc_comment) {
        let (mark, text) = docs::split(&block);
        // The names of libvirt's functions are no sentence.
        if let Some(items) = docs::items(&block).filter(|_| !block.starts_with("- `")) {
            lines.extend(items.iter().map(|_| format!("- {OTHER}")));
        } else {
            let text = if mark == "libvirt:" || text.is_empty() { text } else { OTHER };
            lines.push(format!("{mark} {text}").trim().to_owned());
        }
        lines.push(String::new());
    }
    doc.doc_comment = lines;
}

fn reword_all(bindings: &mut Bindings) {
    for function in &mut bindings.functions {
        reword(&mut function.documentation);
    }
    for item in &mut bindings.items {
        match item {
            ItemContainer::Typedef(item) => reword(&mut item.documentation),
            ItemContainer::OpaqueItem(item) => reword(&mut item.documentation),
            ItemContainer::Struct(item) => {
                reword(&mut item.documentation);
                item.fields.iter_mut().for_each(|field| reword(&mut field.documentation));
            }
            _ => {}
        }
    }
}

fn outputs(root: &Path, change: fn(&mut Bindings)) -> Result<Vec<Output>> {
    let modules = shape::check(root)?;
    let table = enums::Table::read(root)?;
    let mut bindings = api::parse(root)?;
    change(&mut bindings);
    let api = api::take_apart(&bindings, &api::Facts::read(root, &table)?)?;
    generate(&api, &mut bindings, &table, &modules)
}

/// A file without its sentences.
fn bare(path: &Path, text: &str) -> String {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("json") => {
            let mut document = serde_json::from_str(text).expect("is JSON");
            drop_docs(&mut document);
            format!("{document:#}")
        }
        // How many paragraphs there are says nothing: Perl's readers get none that is about
        // functions of C only.
        Some("pod") => {
            let mut lines: Vec<&str> = text.lines().map(bare_line).collect();
            lines.retain(|line| !line.is_empty());
            lines.dedup_by(|next, line| *next == "text" && *line == "text");
            lines.join("\n")
        }
        // Comments of C.
        _ if path.ends_with("vkvm.h") => {
            let rest = text.split("/*").map(|part| part.split_once("*/").map_or(part, |(_, c)| c));
            rest.collect()
        }
        _ => text.to_owned(),
    }
}

fn drop_docs(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !["doc", "length_doc"].contains(&key.as_str()));
            object.values_mut().for_each(drop_docs);
        }
        Value::Array(array) => array.iter_mut().for_each(drop_docs),
        _ => {}
    }
}

/// Commands of POD and blocks of code stay.
fn bare_line(line: &str) -> &str {
    if line.is_empty() || line.starts_with('=') || line.starts_with(' ') { line } else { "text" }
}

#[test]
fn other_sentences_change_nothing_but_sentences() {
    let root = crate::root();
    let first = outputs(&root, |_| ()).expect("generates");
    let second = outputs(&root, reword_all).expect("generates from other sentences");
    let mut changed = 0;
    for ((path, before), (other, after)) in first.iter().zip(&second) {
        assert_eq!(path, other);
        assert_eq!(bare(path, before), bare(path, after), "{}", path.display());
        changed += usize::from(before != after);
    }
    // The header, the API file, and a reference for each class.
    assert!(changed > 15, "only {changed} files have other sentences");
}
