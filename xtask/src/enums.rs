// SPDX-License-Identifier: LGPL-2.1-or-later
//! data/enums/: the groups that the constants belong to, and what each of them means. A file
//! for each class, a line for each constant: its name, its meaning and, of the key of a map,
//! the type and the unit of what stands under it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::constants::{self, Constant};
use crate::{Output, Result, words};

/// The constants, and their groups.
pub struct Table {
    /// In the order of data/constants.json.
    pub constants: Vec<Constant>,
    /// In the order of the classes there, and of data/enums/.
    pub groups: Vec<Group>,
    /// The names in C.
    c_names: BTreeSet<String>,
}

/// Constants that belong together: the states of a domain, the flags of a call.
pub struct Group {
    /// Begins with the name of the class.
    pub name: String,
    /// As in function names.
    pub class: String,
    /// What the constants are about, without a full stop.
    pub title: String,
    /// Whether they are bits, of which any may be set.
    pub flags: bool,
    /// Whether other numbers are valid, too: its constants are special ones.
    pub open: bool,
    /// What the names of its constants begin with, and the names at run time do not.
    pub prefix: String,
    pub members: Vec<Member>,
}

/// A constant in its group.
pub struct Member {
    /// The place in the table of constants.
    pub constant: usize,
    /// What it means. Other constants stand between backticks.
    pub doc: String,
    /// Of the key of a map: the type of what stands under it.
    pub kind: Option<String>,
    /// What that counts.
    pub unit: Option<String>,
}

impl Member {
    /// Type and unit of what stands under a key.
    pub fn carries(&self) -> Option<String> {
        let kind = self.kind.as_deref()?;
        Some(match &self.unit {
            Some(unit) => format!("{kind}, {unit}"),
            None => kind.to_owned(),
        })
    }
}

/// The types that a value in a map may have.
const KINDS: [&str; 7] = ["int", "uint", "int64", "uint64", "double", "bool", "string"];

impl Table {
    /// Reads both tables, and checks that they fit.
    pub fn read(root: &Path) -> Result<Table> {
        let constants = constants::read(root)?;
        let mut groups = Vec::new();
        let mut classes: Vec<&str> = constants.iter().map(|one| one.class.as_str()).collect();
        classes.dedup();
        for class in classes {
            let path = root.join(format!("data/enums/{class}.json"));
            let text = fs::read_to_string(&path)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            groups.extend(groups_of(class, &text, &constants)?);
        }
        Table::of(constants, groups)
    }

    fn of(constants: Vec<Constant>, groups: Vec<Group>) -> Result<Table> {
        let c_names = constants.iter().map(Constant::c_name).collect();
        let table = Table { constants, groups, c_names };
        table.check()?;
        Ok(table)
    }

    /// A group by its name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The constant of a member.
    pub fn constant(&self, member: &Member) -> &Constant {
        &self.constants[member.constant]
    }

    /// What a member is called at run time.
    pub fn short_name(&self, group: &Group, member: &Member) -> String {
        self.constant(member).name[group.prefix.len()..].to_lowercase()
    }

    /// A text about constants of a group, with `name` making text of a constant's C name.
    pub fn spelled(&self, group: &Group, text: &str, name: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        for (i, piece) in text.split('`').enumerate() {
            match (i % 2, self.c_name(group, piece)) {
                (1, Some(c_name)) => out.push_str(&name(&c_name)),
                _ => out.push_str(piece),
            }
        }
        out
    }

    /// The C name of a constant, or pattern, as texts of a group call it: without what the
    /// group's or the class's names begin with, or whole.
    fn c_name(&self, group: &Group, text: &str) -> Option<String> {
        let head = constants::c_prefix(&group.class);
        let whole =
            [format!("{head}{}{text}", group.prefix), format!("{head}{text}"), text.to_owned()];
        whole.into_iter().find(|name| self.exists(name))
    }

    /// Whether a constant, or one of a pattern, has this C name.
    pub fn exists(&self, c_name: &str) -> bool {
        match c_name.strip_suffix('*') {
            Some(head) => {
                let next = self.c_names.range(head.to_owned()..).next();
                next.is_some_and(|name| name.starts_with(head))
            }
            None => self.c_names.contains(c_name),
        }
    }

    /// How a sentence names the constants of groups: each where they are few, else by what
    /// their names begin with.
    pub fn named(&self, groups: &[&Group]) -> String {
        const FEW: usize = 6;
        const MOST_PATTERNS: usize = 3;
        let is_spelled_out = |group: &Group| {
            group.members.len() == 1 || group.members.len() <= FEW && !self.is_alone(group)
        };
        match groups {
            [group] if is_spelled_out(group) => {
                let names: Vec<String> = group
                    .members
                    .iter()
                    .map(|member| format!("`{}`", self.constant(member).c_name()))
                    .collect();
                return names.join(", ");
            }
            _ => {}
        }
        let patterns: Vec<String> = groups
            .iter()
            .map(|group| format!("`{}{}*`", constants::c_prefix(&group.class), group.prefix))
            .collect();
        match patterns.as_slice() {
            [first, .., last] if patterns.len() > MOST_PATTERNS => {
                let same = first.chars().zip(last.chars()).take_while(|(a, b)| a == b);
                let same: String = same.map(|(one, _)| one).collect();
                format!("{}*`", &same[..same.rfind('_').map_or(same.len(), |end| end + 1)])
            }
            _ => patterns.join(", "),
        }
    }

    /// Whether no constant outside of a group begins as those in it do.
    fn is_alone(&self, group: &Group) -> bool {
        let begins = |one: &&Constant| {
            one.class == group.class && one.name.starts_with(group.prefix.as_str())
        };
        self.constants.iter().filter(begins).count() == group.members.len()
    }

    /// Refuses a constant in no group or in two, groups of one name, and what a text lacks.
    fn check(&self) -> Result<()> {
        let mut names = BTreeSet::new();
        let mut found = BTreeMap::new();
        for group in &self.groups {
            if !names.insert(&group.name) {
                return Err(format!("{}: two groups have this name", group.name).into());
            }
            self.check_group(group)?;
            for member in &group.members {
                if let Some(other) = found.insert(member.constant, &group.name) {
                    let name = &self.constant(member).name;
                    return Err(format!("{name}: is in {other} and in {}", group.name).into());
                }
            }
        }
        let missing = (0..self.constants.len()).find(|place| !found.contains_key(place));
        match missing {
            Some(place) => {
                Err(format!("{}: belongs to no group", self.constants[place].c_name()).into())
            }
            None => Ok(()),
        }
    }

    fn check_group(&self, group: &Group) -> Result<()> {
        let name = &group.name;
        if !name.starts_with(&format!("{}_", group.class)) {
            return Err(format!("{name}: does not begin with its class, {}", group.class).into());
        }
        if let Some(complaint) = complaint(&group.title).or_else(|| {
            group.title.ends_with('.').then(|| "the title ends with a full stop".to_owned())
        }) {
            return Err(format!("{name}: {complaint}").into());
        }
        let mut texts = BTreeSet::new();
        let mut short = BTreeSet::new();
        let is_text = |member: &Member| self.constant(member).value.is_string();
        let mixed = group.members.iter().any(is_text) && !group.members.iter().all(is_text);
        if mixed || (group.flags && group.members.iter().any(is_text)) {
            return Err(format!("{name}: has texts among its numbers").into());
        }
        for member in &group.members {
            let constant = &self.constant(member).name;
            let fail = |what: &str| Err(format!("{name}: {constant}: {what}").into());
            if let Some(complaint) = complaint(&member.doc) {
                return fail(&complaint);
            }
            if !member.doc.ends_with('.') {
                return fail("the text does not end with a full stop");
            }
            if !texts.insert(&member.doc) {
                return fail("another constant of the group has the same text");
            }
            if !short.insert(self.short_name(group, member)) {
                return fail("another constant of the group has the same name");
            }
            if !constant.starts_with(&group.prefix) || *constant == group.prefix {
                return fail("does not begin as the group's names do");
            }
            if member.kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
                return fail("is of an unknown type");
            }
        }
        for text in group.members.iter().map(|member| &member.doc).chain([&group.title]) {
            let unknown =
                text.split('`').skip(1).step_by(2).find(|one| self.c_name(group, one).is_none());
            if let Some(unknown) = unknown {
                return Err(format!("{name}: `{unknown}` is no constant").into());
            }
        }
        Ok(())
    }
}

/// What is wrong with a text about a constant.
pub fn complaint(text: &str) -> Option<String> {
    /// A line of the table stays readable, and so does one of the header.
    const LONGEST: usize = 100;
    match text {
        _ if text.trim() != text || text.is_empty() => Some("no text, or space around it".into()),
        _ if text.chars().count() > LONGEST => Some(format!("the text is over {LONGEST} long")),
        _ if text.starts_with(char::is_lowercase) => {
            Some("the text does not begin with a capital letter".into())
        }
        _ if text.starts_with("What ") => Some("the text begins with \"What\"".into()),
        _ => words::avoided(text).map(|word| format!("the text has \"{word}\"")),
    }
}

fn groups_of(class: &str, text: &str, constants: &[Constant]) -> Result<Vec<Group>> {
    let file: serde_json::Map<String, Value> = serde_json::from_str(text)?;
    let mut groups = Vec::new();
    for (name, group) in &file {
        let text = |key: &str| group.get(key).and_then(Value::as_str).map(str::to_owned);
        let truth = |key: &str| group.get(key).and_then(Value::as_bool).unwrap_or(false);
        let mut members = Vec::new();
        for row in group.get("values").and_then(Value::as_array).into_iter().flatten() {
            let cell = |i: usize| row.get(i).and_then(Value::as_str).map(str::to_owned);
            let wanted = cell(0).ok_or_else(|| format!("{name}: no constant in {row}"))?;
            let constant =
                constants.iter().position(|one| one.class == class && one.name == wanted);
            members.push(Member {
                constant: constant
                    .ok_or_else(|| format!("{name}: {wanted} is no constant of {class}"))?,
                doc: cell(1).ok_or_else(|| format!("{name}: {wanted} has no text"))?,
                kind: cell(2),
                unit: cell(3),
            });
        }
        groups.push(Group {
            name: name.clone(),
            class: class.to_owned(),
            title: text("title").ok_or_else(|| format!("{name}: has no title"))?,
            flags: truth("flags"),
            open: truth("open"),
            prefix: text("prefix").unwrap_or_default(),
            members,
        });
    }
    Ok(groups)
}

/// src/enums/table.rs: the groups at run time.
pub fn rust(table: &Table) -> Result<Output> {
    let mut text = String::from(
        "// Generated by `cargo xtask generate` from data/enums; do not edit.\n\n\
         //! The groups of constants. A member is the place of its constant in the table of\n\
         //! constants, and what it means.\n\n\
         use super::Group;\n\n\
         /// All groups, in the order of their classes.\n\
         #[rustfmt::skip]\npub static GROUPS: &[Group] = &[\n",
    );
    for group in &table.groups {
        let Group { name, class, flags, prefix, .. } = group;
        let title = table.spelled(group, &group.title, str::to_owned);
        writeln!(
            text,
            "    Group {{ name: {name:?}, class: {class:?}, title: {title:?}, flags: {flags}, \
             prefix: {prefix:?}, members: &["
        )?;
        for member in &group.members {
            let doc = table.spelled(group, &member.doc, str::to_owned);
            writeln!(text, "        ({}, {doc:?}),", member.constant)?;
        }
        text.push_str("    ] },\n");
    }
    text.push_str("];\n");
    Ok(("src/enums/table.rs".into(), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes;

    /// A table of one class, of which `values` are the lines.
    fn table(values: &str) -> Result<Table> {
        let constants = ["STATE_ON", "STATE_OFF"].iter().enumerate().map(|(i, name)| Constant {
            class: "conn".into(),
            name: (*name).into(),
            value: i.into(),
            libvirt: None,
            since: None,
        });
        let constants: Vec<Constant> = constants.collect();
        let text = format!(
            r#"{{"conn_state": {{"title": "State", "prefix": "STATE_", "values": [{values}]}}}}"#
        );
        let groups = groups_of("conn", &text, &constants)?;
        Table::of(constants, groups)
    }

    #[test]
    fn constants_have_a_group_and_a_text() {
        let both = r#"["STATE_ON", "It is not `OFF`."], ["STATE_OFF", "It is off."]"#;
        let table = table(both).expect("is complete");
        let group = table.group("conn_state").expect("is there");
        assert_eq!(table.short_name(group, &group.members[0]), "on");
        let spelled = table.spelled(group, &group.members[0].doc, |name| format!("<{name}>"));
        assert_eq!(spelled, "It is not <VKVM_STATE_OFF>.");
        assert_eq!(table.named(&[group]), "`VKVM_STATE_*`");
    }

    #[test]
    fn what_a_text_lacks_is_refused() {
        for (off, complaint) in [
            (r#"["STATE_OFF", "It is on."]"#, "same text"),
            (r#"["STATE_OFF", ""]"#, "no text"),
            (r#"["STATE_OFF"]"#, "no text"),
            (r#"["STATE_OFF", "What is off."]"#, "begins with"),
            (r#"["STATE_OFF", "It tells that it is off."]"#, "\"tells\""),
            (r#"["STATE_OFF", "it is off."]"#, "capital"),
            (r#"["STATE_OFF", "It is off"]"#, "full stop"),
            (r#"["STATE_OFF", "It is not `ONE`."]"#, "`ONE` is no constant"),
            (r#"["STATE_OFF", "It is off.", "word"]"#, "unknown type"),
            (r#"["STATE_GONE", "It is gone."]"#, "no constant of conn"),
            (r#"["STATE_ON", "It is."]"#, "same name"),
        ] {
            let error = table(&format!(r#"["STATE_ON", "It is on."], {off}"#)).err();
            let error = error.expect(off).to_string();
            assert!(error.contains(complaint), "{off}: {error}");
        }
        let error = table(r#"["STATE_ON", "It is on."]"#).err().expect("one lacks").to_string();
        assert_eq!(error, "VKVM_STATE_OFF: belongs to no group");
        let long = format!(r#"["STATE_ON", "It is on."], ["STATE_OFF", "It {}."]"#, "a".repeat(99));
        assert!(table(&long).err().expect("is long").to_string().contains("over 100"));
    }

    #[test]
    fn every_group_is_of_a_class() {
        let table = Table::read(&crate::root()).expect("is complete");
        for group in &table.groups {
            assert!(classes::all().iter().any(|class| class.name == group.class));
        }
        assert!(table.groups.len() > 150, "{}", table.groups.len());
    }
}
