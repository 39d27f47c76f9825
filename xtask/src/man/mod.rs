// SPDX-License-Identifier: LGPL-2.1-or-later
//! man(3): a page for each function, for each type of the caller's functions, and for each
//! class with its functions and constants; one to begin with, and one of events.

mod events;
mod fields;
mod overview;
mod roff;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::api::{Api, Callback, DESTROY, Function, Param, Returns};
use crate::docs::ParamDoc;
use crate::enums::Table;
use crate::header::{described, needs, param_text};
use crate::kind::{Direction, Kind};
use crate::maps::Maps;
use crate::notes::{Case, Notes};
use roff::Page;

/// The page to begin with, and that of the arguments of events.
const OVERVIEW: &str = "libvkvm";
const EVENTS: &str = "vkvm_events";

/// A class whose functions need an event loop, and the function that starts one.
const QUEUE: &str = "event_queue";
const LOOP: &str = "vkvm_event_start";

/// What the pages are made of.
pub struct Source<'a> {
    pub api: &'a Api,
    pub table: &'a Table,
    pub maps: &'a Maps,
    pub notes: &'a Notes,
    /// The header, from which declarations are taken.
    pub header: &'a str,
    /// The page of the guide with a first program.
    pub guide: &'a str,
}

/// Writes the pages into a directory.
pub fn write(source: &Source, folder: &Path) -> Result<()> {
    let api = source.api;
    let put = |name: &str, page: Page| fs::write(folder.join(format!("{name}.3")), page.text());
    fs::create_dir_all(folder)?;
    for function in &api.functions {
        put(&function.name, source.function(function)?)?;
    }
    for callback in &api.callbacks {
        put(&callback.name, source.callback(callback)?)?;
    }
    for found in &api.structs {
        let doc = &found.doc;
        let mut page = Page::new(&found.name, &found.name, first_sentence(doc));
        page.synopsis(&[source.type_declaration(&found.name)?]);
        page.description(doc);
        page.section("MEMBERS");
        for member in &found.members {
            page.item(&member.name, &member.doc);
        }
        page.see_also(&source.users(&found.name));
        put(&found.name, page)?;
    }
    for (class, doc) in api.groups() {
        put(&format!("vkvm_{class}"), source.class(class, doc))?;
    }
    put(OVERVIEW, overview::page(source)?)?;
    put(EVENTS, events::page(source)?)?;
    Ok(())
}

impl Source<'_> {
    /// The page of a function.
    fn function(&self, function: &Function) -> Result<Page> {
        let class = format!("vkvm_{}", function.class);
        let paragraphs = &function.doc.paragraphs;
        let brief = paragraphs.first().map_or("", |text| first_sentence(text));
        let mut page = Page::new(&function.name, &class, brief);
        let types = types_of(function);
        let mut declarations = types
            .iter()
            .map(|name| self.type_declaration(name))
            .collect::<Result<Vec<String>>>()?;
        declarations.push(self.declaration(&function.name)?);
        page.synopsis(&declarations);
        page.section("DESCRIPTION");
        for paragraph in paragraphs.iter().cloned().chain(needs(function)) {
            page.paragraph(&paragraph);
        }
        self.parameters(&mut page, function);
        self.keys(&mut page, function)?;
        match (&function.returns, &function.doc.returns) {
            (Returns::Status, _) => {
                page.section("RETURN VALUE");
                page.paragraph(
                    "0, or -1 with the reason in *error; on failure no output is touched.",
                );
                self.errors(&mut page, function);
            }
            (_, Some(returns)) => {
                page.section("RETURN VALUE");
                page.paragraph(&returns.described());
            }
            _ => {}
        }
        if let Some(code) = self.notes.example_of(function).and_then(|one| one.c.as_ref()) {
            page.section("EXAMPLE");
            page.code(code);
        }
        if !function.doc.libvirt.is_empty() {
            page.section("LIBVIRT");
            page.paragraph(&function.doc.libvirt.join(", "));
        }
        let mut others = vec![class];
        others.extend(self.named(paragraphs));
        let needs_loop = |case: &Case| case.code == "VKVM_ERROR_OWN_NO_EVENT_LOOP";
        if function.class == QUEUE || self.notes.errors_of(function).iter().any(needs_loop) {
            others.push(LOOP.to_owned());
        }
        others.extend(types.into_iter().map(str::to_owned));
        others.extend(function.outputs().filter_map(|param| param.kind.free()));
        if types_of(function).contains(&"vkvm_event_callback") {
            others.push(EVENTS.to_owned());
        }
        let topic = self.notes.topics.of(function);
        let methods = topic.iter().flat_map(|topic| &topic.methods);
        let near = |one: &&Function| {
            one.class == function.class && methods.clone().any(|method| *method == one.method)
        };
        others.extend(self.api.functions.iter().filter(near).map(|one| one.name.clone()));
        let mut seen = BTreeSet::from([function.name.clone()]);
        others.retain(|name| seen.insert(name.clone()));
        page.see_also(&others);
        Ok(page)
    }

    fn parameters(&self, page: &mut Page, function: &Function) {
        if !function.params.is_empty() {
            page.section("PARAMETERS");
        }
        for param in &function.params {
            page.item(&param.name, &param_text(param));
            if let Some(len) = &param.len {
                let doc = function.doc.params.get(len).map_or(String::new(), ParamDoc::described);
                page.item(len, if doc.is_empty() { length_of(param) } else { &doc });
            }
        }
    }

    /// The keys of the maps that a function gives, one by one.
    fn keys(&self, page: &mut Page, function: &Function) -> Result<()> {
        for param in function.outputs() {
            let described = self.maps.of(function, param, self.table)?;
            if described.is_empty() {
                continue;
            }
            page.section(&format!("KEYS OF {}", param.name.to_uppercase()));
            if let Some(rows) = described.get("fields") {
                fields::items(page, "", rows);
            }
            let groups: Vec<&str> = fields::groups(described.get("keys")).collect();
            if !groups.is_empty() {
                let of = |name: &&str| self.table.group(name).map(|group| group.class.as_str());
                let classes: BTreeSet<&str> = groups.iter().filter_map(of).collect();
                let pages = classes.iter().map(|class| format!("vkvm_{class}(3)"));
                page.paragraph(&format!(
                    "Constants: {}; see {}.",
                    groups.join(", "),
                    pages.collect::<Vec<_>>().join(", ")
                ));
            }
        }
        Ok(())
    }

    /// The functions that a text names, in their order.
    fn named<'t>(&self, paragraphs: impl IntoIterator<Item = &'t String>) -> Vec<String> {
        let words = paragraphs.into_iter().flat_map(|text| text.split('`').skip(1).step_by(2));
        words
            .filter(|word| self.api.functions.iter().any(|one| one.name == **word))
            .map(str::to_owned)
            .collect()
    }

    fn errors(&self, page: &mut Page, function: &Function) {
        page.section("ERRORS");
        for case in self.notes.errors_of(function) {
            page.constant(&case.code, &(upper_first(&case.when) + "."));
        }
        page.paragraph("vkvm_error(3) lists the errors that any function may give.");
    }

    /// The page of a type of the caller's functions.
    fn callback(&self, callback: &Callback) -> Result<Page> {
        let mut page = Page::new(&callback.name, &callback.name, first_sentence(&callback.doc));
        page.synopsis(&[self.type_declaration(&callback.name)?]);
        page.description(&callback.doc);
        let mut others = self.users(&callback.name);
        others.extend((callback.name == "vkvm_event_callback").then(|| EVENTS.to_owned()));
        page.see_also(&others);
        Ok(page)
    }

    /// The functions that take a type; where nearly all do that take callbacks, their classes.
    fn users(&self, name: &str) -> Vec<String> {
        let takes = |function: &&Function| types_of(function).contains(&name);
        let mut users: Vec<String> = self
            .api
            .functions
            .iter()
            .filter(takes)
            .map(|function| match name {
                DESTROY => format!("vkvm_{}", function.class),
                _ => function.name.clone(),
            })
            .collect();
        users.dedup();
        users
    }

    /// What a class is, what its functions do, and its constants.
    fn class(&self, class: &str, doc: &str) -> Page {
        let name = format!("vkvm_{class}");
        let brief = doc.split(['.', ':']).next().filter(|text| !text.is_empty());
        let mut page = Page::new(&name, &name, brief.unwrap_or("functions of libvkvm"));
        page.synopsis(&[]);
        if !doc.is_empty() {
            page.description(doc);
        }
        page.section("FUNCTIONS");
        for topic in self.notes.topics.of_class(class) {
            page.part(&topic.title);
            for method in &topic.methods {
                let is_it = |one: &&Function| one.class == class && one.method == *method;
                if let Some(function) = self.api.functions.iter().find(is_it) {
                    let doc = function.doc.paragraphs.first().map_or("", String::as_str);
                    page.function(&function.name, doc);
                }
            }
        }
        if class == "error" {
            page.section("ERRORS OF ANY FUNCTION");
            for case in self.notes.errors.common() {
                page.constant(&case.code, &(upper_first(&case.when) + "."));
            }
        }
        let groups: Vec<_> = self.table.groups.iter().filter(|one| one.class == class).collect();
        if !groups.is_empty() {
            page.section("CONSTANTS");
        }
        for group in groups {
            let title = self.table.spelled(group, &group.title, str::to_owned);
            page.part(&format!("{title} ({})", group.name));
            for member in &group.members {
                let name = self.table.constant(member).c_name();
                page.constant(&name, &described(self.table, group, member));
            }
        }
        let mut others: Vec<String> = [OVERVIEW, "vkvm_error", EVENTS].map(str::to_owned).into();
        others.extend(self.named([&doc.to_owned()]));
        page.see_also(&others);
        page
    }

    /// A function's declaration, as the header has it.
    fn declaration(&self, name: &str) -> Result<String> {
        let at = self.header.find(&format!("{name}("));
        let at = at.ok_or_else(|| format!("no {name} in the header"))?;
        self.statement(at, self.header[..at].rfind('\n').map_or(0, |end| end + 1))
    }

    /// The declaration of a type, without comments.
    fn type_declaration(&self, name: &str) -> Result<String> {
        let function = format!("(*{name})(");
        let structure = format!("}} {name};");
        let at = self.header.find(&function).or_else(|| self.header.find(&structure));
        let at = at.ok_or_else(|| format!("no {name} in the header"))?;
        let begin = self.header[..at].rfind("typedef ").ok_or("no typedef")?;
        let declaration = self.statement(at, begin)?;
        let mut lines = Vec::new();
        for line in declaration.lines() {
            let is_comment = ["/*", "*"].iter().any(|mark| line.trim().starts_with(mark));
            if !is_comment {
                lines.push(line);
            }
        }
        Ok(lines.join("\n"))
    }

    /// The header's text from a place up to the first semicolon behind another.
    fn statement(&self, at: usize, begin: usize) -> Result<String> {
        let end = self.header[at..].find(';').ok_or("a declaration does not end")?;
        Ok(self.header[begin..=at + end].to_owned())
    }
}

/// The types of the caller's functions that a function takes.
fn types_of(function: &Function) -> Vec<&str> {
    let types = function.params.iter().filter_map(|param| match &param.kind {
        Kind::Callback(name) | Kind::Functions(name) => Some(name.as_str()),
        _ => None,
    });
    let mut types: Vec<&str> = types.collect();
    types.dedup();
    types
}

fn first_sentence(text: &str) -> &str {
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    paragraph.split(". ").next().unwrap_or_default()
}

/// A clause as a sentence; libvirt's name has no capital.
fn upper_first(text: &str) -> String {
    if text.starts_with("libvirt ") {
        return text.to_owned();
    }
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn length_of(param: &Param) -> &'static str {
    match (&param.kind, param.direction) {
        (Kind::Bytes, Direction::Out) => "number of bytes (out)",
        (Kind::Bytes, _) => "number of bytes",
        (_, Direction::Out) => "number of items (out)",
        _ => "number of items",
    }
}
