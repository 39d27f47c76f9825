// SPDX-License-Identifier: LGPL-2.1-or-later
//! The doc comment of an export, taken apart. What the generator needs to know stands in
//! marked lines, never in sentences: those are only carried along.

use std::collections::HashMap;

use crate::Result;

/// What the comment of a function says.
#[derive(Clone, Debug, Default)]
pub struct Doc {
    /// Summary and details, one paragraph each. A list is a paragraph, a line for each item
    /// (see [`items`]).
    pub paragraphs: Vec<String>,
    /// By parameter name.
    pub params: HashMap<String, ParamDoc>,
    /// What a function that returns directly returns.
    pub returns: Option<ParamDoc>,
    /// The libvirt functions behind it.
    pub libvirt: Vec<String>,
}

/// What the comment says of a parameter, or of what is returned directly.
#[derive(Clone, Debug, Default)]
pub struct ParamDoc {
    /// Its meaning. Never looked into.
    pub text: String,
    /// Whether NULL is allowed, or may come out.
    pub nullable: bool,
    /// Whether the caller has it no more once the function was called.
    pub consumed: bool,
    /// What a language with optional arguments passes when it is left out.
    pub default: Option<i64>,
    /// Of a value: what it is.
    pub shape: Option<Shape>,
    /// The groups of constants that it is one of, or made of.
    pub enums: Option<Enums>,
    /// What a number counts.
    pub unit: Option<&'static str>,
    /// The libvirt that is needed to pass anything but the default.
    pub since: Option<String>,
    /// Whether a number is a file descriptor.
    pub descriptor: bool,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    List,
    Map,
}

/// Groups of constants, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Enums {
    pub groups: Vec<String>,
    /// Whether they are bits, of which any may be set.
    pub flags: bool,
    /// How sentences name the constants.
    pub named: String,
}

/// What numbers count: the remark, and how sentences put it.
const UNITS: [(&str, &str); 6] = [
    ("ns", "nanoseconds"),
    ("ms", "milliseconds"),
    ("s", "seconds"),
    ("bytes", "bytes"),
    ("KiB", "KiB"),
    ("MiB/s", "MiB/s"),
];

/// What stands for the parameter in the line about what is returned directly. No
/// parameter can have this name.
const RETURNED: &str = "return";

impl Doc {
    /// Takes the lines of a doc comment apart.
    pub fn parse(function: &str, lines: &[String]) -> Result<Doc> {
        let mut doc = Doc::default();
        for block in blocks(lines) {
            doc.add(function, &block)?;
        }
        if doc.paragraphs.is_empty() {
            return Err(format!("{function}: has no documentation").into());
        }
        Ok(doc)
    }

    fn add(&mut self, function: &str, block: &str) -> Result<()> {
        let (mark, text) = split(block);
        if let Some(item) = mark.strip_prefix("- `") {
            let (name, remarks) =
                item.split_once('`').ok_or_else(|| format!("{function}: odd line: {block}"))?;
            let param = ParamDoc::parse(remarks, text)
                .map_err(|error| format!("{function}: {name}: {error}"))?;
            // The object itself needs no text, so a line about it may be remarks alone.
            if mark.ends_with(':') == param.text.is_empty() {
                return Err(format!("{function}: no text for parameter {name}").into());
            }
            if name == RETURNED {
                self.returns = Some(param);
            } else {
                self.params.insert(name.to_owned(), param);
            }
        } else if mark.is_empty() {
            self.paragraphs.push(text.to_owned());
        } else {
            self.libvirt = text.split(", ").map(str::to_owned).collect();
        }
        Ok(())
    }
}

/// What a line of a list begins with.
const BULLET: &str = "- ";

/// The paragraphs and items of a comment, each in one line; of a list, each item is.
pub fn blocks(lines: &[String]) -> Vec<String> {
    let mut blocks: Vec<String> = Vec::new();
    let mut begins = true;
    for line in lines.iter().map(|line| line.trim()) {
        let is_item = line.starts_with(BULLET) && !line.starts_with("- `");
        match blocks.last_mut() {
            _ if line.is_empty() => begins = true,
            Some(block) if is_item && !begins && block.starts_with(BULLET) => {
                block.push('\n');
                block.push_str(line);
            }
            Some(block) if !begins && !is_item && !line.starts_with("- `") => {
                block.push(' ');
                block.push_str(line);
            }
            _ => {
                blocks.push(line.to_owned());
                begins = false;
            }
        }
    }
    blocks
}

/// The items of a paragraph that is a list.
pub fn items(paragraph: &str) -> Option<Vec<&str>> {
    paragraph.lines().map(|line| line.strip_prefix(BULLET)).collect()
}

/// What marks a block, empty for a paragraph of text, and the text behind it:
/// ``- `name` (remarks):`` or `libvirt:`.
pub fn split(block: &str) -> (&str, &str) {
    const ITEM: &str = "- `";
    let end = if let Some(item) = block.strip_prefix(ITEM) {
        // A name, and then perhaps remarks.
        let name = ITEM.len() + item.find('`').map_or(item.len(), |end| end + 1);
        let remarks = block[name..]
            .strip_prefix(" (")
            .and_then(|rest| rest.find(')'))
            .map_or(0, |end| " (".len() + end + 1);
        let colon = usize::from(block[name + remarks..].starts_with(':'));
        name + remarks + colon
    } else if block.starts_with("libvirt: ") {
        "libvirt:".len()
    } else {
        0
    };
    (&block[..end], block[end..].trim_start())
}

impl ParamDoc {
    /// Of what stands behind the name: ` (remark, remark):`.
    fn parse(remarks: &str, text: &str) -> Result<ParamDoc> {
        let mut param = ParamDoc { text: text.to_owned(), ..ParamDoc::default() };
        let remarks = remarks.trim_end_matches(':').trim();
        let remarks = match remarks.strip_prefix('(') {
            Some(inside) => inside.strip_suffix(')').ok_or("remarks without an end")?,
            None => remarks,
        };
        for remark in remarks.split(',').map(str::trim).filter(|remark| !remark.is_empty()) {
            param.remark(remark)?;
        }
        Ok(param)
    }

    fn remark(&mut self, remark: &str) -> Result<()> {
        let (word, rest) = remark.split_once(' ').unwrap_or((remark, ""));
        match word {
            "nullable" if rest.is_empty() => self.nullable = true,
            "descriptor" if rest.is_empty() => self.descriptor = true,
            "consumed" if rest.is_empty() => self.consumed = true,
            "list" if rest.is_empty() => self.shape = Some(Shape::List),
            "map" if rest.is_empty() => self.shape = Some(Shape::Map),
            "default" => self.default = Some(rest.parse()?),
            "enum" if !rest.is_empty() => {
                let groups = rest.split(' ').map(str::to_owned).collect();
                self.enums = Some(Enums { groups, ..Enums::default() });
            }
            "since" if !rest.is_empty() => self.since = Some(rest.to_owned()),
            "unit" => {
                let unit = UNITS.iter().find(|(unit, _)| *unit == rest);
                self.unit = Some(unit.ok_or_else(|| format!("unknown unit {rest}"))?.0);
            }
            _ => return Err(format!("unknown remark ({remark})").into()),
        }
        Ok(())
    }

    /// The text, with what the remarks add to it.
    pub fn described(&self) -> String {
        self.described_with(Vec::new())
    }

    /// The same, with more to add.
    pub fn described_with(&self, more: Vec<String>) -> String {
        let mut text = self.text.clone();
        let mut added = self.added();
        if text.is_empty() && !added.is_empty() {
            text = added.remove(0);
        }
        added.extend(more);
        if added.is_empty() { text } else { format!("{text} ({})", added.join("; ")) }
    }

    /// What the remarks add.
    fn added(&self) -> Vec<String> {
        let mut added = Vec::new();
        if let Some((_, unit)) = UNITS.iter().find(|(unit, _)| Some(*unit) == self.unit) {
            added.push(format!("in {unit}"));
        }
        if let Some(Enums { flags, named, .. }) = &self.enums {
            added.push(match (flags, named.contains("`, `") || named.contains('*')) {
                (true, true) => format!("bitwise OR of {named}"),
                (true, false) => format!("0 or {named}"),
                (false, true) => format!("one of {named}"),
                (false, false) => format!("or {named}"),
            });
        }
        if let Some(since) = &self.since {
            added.push(format!("needs libvirt {since}"));
        }
        added
    }

    /// Whether anything is said.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.added().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Doc> {
        let lines: Vec<String> = text.lines().map(|line| format!(" {line}")).collect();
        Doc::parse("vkvm_x_y", &lines)
    }

    #[test]
    fn a_comment_is_taken_apart() {
        let doc = parse(
            "Returns it.\n\nIn two\nlines.\n\n- `x` (consumed, nullable)\n- `a` (nullable): the\n  first\n\
             - `flags` (default -1, enum\n  x_flags)\n- `kib` (unit KiB, since 8.4.0): how much\n\
             - `values` (list): all (of them): so\n- `return` (nullable): the thing.\n\nlibvirt: virA, virB",
        )
        .expect("parses");
        assert_eq!(doc.paragraphs, ["Returns it.", "In two lines."]);
        assert_eq!(doc.params["a"].text, "the first");
        assert!(doc.params["a"].nullable && !doc.params["a"].consumed);
        assert!(doc.params["x"].nullable && doc.params["x"].consumed);
        assert_eq!(doc.params["x"].text, "");
        let flags = &doc.params["flags"];
        assert_eq!(flags.default, Some(-1));
        assert_eq!(
            flags.enums,
            Some(Enums { groups: vec!["x_flags".into()], flags: false, named: String::new() })
        );
        assert_eq!(doc.params["kib"].described(), "how much (in KiB; needs libvirt 8.4.0)");
        assert_eq!(doc.params["values"].shape, Some(Shape::List));
        assert_eq!(doc.params["values"].text, "all (of them): so");
        let returns = doc.returns.expect("is there");
        assert!(returns.nullable);
        assert_eq!(returns.text, "the thing.");
        assert_eq!(doc.libvirt, ["virA", "virB"]);
    }

    #[test]
    fn a_list_stays_a_list() {
        let doc = parse("Does it.\n\nThese:\n- one\n  thing\n- two\n\nAll.\n\n- `x`: it")
            .expect("parses");
        assert_eq!(doc.paragraphs, ["Does it.", "These:", "- one thing\n- two", "All."]);
        assert_eq!(items(&doc.paragraphs[2]), Some(vec!["one thing", "two"]));
        assert_eq!(items(&doc.paragraphs[1]), None);
        assert_eq!(doc.params["x"].text, "it");
    }

    #[test]
    fn what_is_not_documented_or_odd_is_refused() {
        for text in [
            "",
            "- `a`: only a parameter",
            "Does it.\n- `a` (maybe): x",
            "Does it.\n- `a` x",
            "Does it.\n- `a` (unit miles): x",
            "Does it.\n- `a` (default x): x",
            "Does it.\n- `a`:",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sentences_mean_nothing() {
        let text = "Returns a list or NULL, one of `VKVM_X_*` (nullable, consumed), in KiB";
        let doc = parse(&format!("{text}\n\n- `a`: {text}")).expect("parses");
        assert!(doc.returns.is_none());
        let a = &doc.params["a"];
        assert!(!a.nullable && !a.consumed);
        assert!(a.shape.is_none() && a.enums.is_none() && a.unit.is_none());
        assert_eq!(a.described(), text);
    }
}
