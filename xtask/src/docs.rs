//! The doc comment of an export, taken apart.

use std::collections::HashMap;

use crate::Result;

/// What the comment of a function says.
#[derive(Clone, Debug, Default)]
pub struct Doc {
    /// Summary and details, one paragraph each.
    pub paragraphs: Vec<String>,
    /// By parameter name.
    pub params: HashMap<String, ParamDoc>,
    /// What a function that returns directly returns.
    pub returns: Option<String>,
    /// The libvirt functions behind it.
    pub libvirt: Vec<String>,
}

/// What the comment says of a parameter.
#[derive(Clone, Debug, Default)]
pub struct ParamDoc {
    /// Meaning, units, shape.
    pub text: String,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// Whether the caller has it no more once the function was called.
    pub consumed: bool,
    /// What a language with optional arguments passes when it is left out.
    pub default: Option<i64>,
}

impl Doc {
    /// Takes the lines of a doc comment apart.
    pub fn parse(function: &str, lines: &[String]) -> Result<Doc> {
        let mut doc = Doc::default();
        let mut block = Vec::new();
        for line in lines.iter().map(|line| line.trim_start()).chain([""]) {
            let starts_item = line.starts_with("- `");
            if (line.is_empty() || starts_item) && !block.is_empty() {
                doc.add(function, &block.join(" "))?;
                block.clear();
            }
            if !line.is_empty() {
                block.push(line);
            }
        }
        if doc.paragraphs.is_empty() {
            return Err(format!("{function}: has no documentation").into());
        }
        Ok(doc)
    }

    fn add(&mut self, function: &str, block: &str) -> Result<()> {
        if let Some(item) = block.strip_prefix("- `") {
            let (name, rest) =
                item.split_once('`').ok_or_else(|| format!("{function}: odd line: {block}"))?;
            // The object itself needs no text, so a line about it may be remarks alone.
            let (remarks, text) = match rest.split_once(':') {
                Some(both) => both,
                None if rest.starts_with(" (") && rest.ends_with(')') => (rest, ""),
                None => return Err(format!("{function}: no text for parameter {name}").into()),
            };
            let mut param = ParamDoc { text: text.trim().to_owned(), ..ParamDoc::default() };
            let remarks = remarks.trim().trim_start_matches('(').trim_end_matches(')');
            for remark in remarks.split(',').map(str::trim).filter(|remark| !remark.is_empty()) {
                match remark.split_once(' ') {
                    None if remark == "nullable" => param.nullable = true,
                    None if remark == "consumed" => param.consumed = true,
                    Some(("default", number)) => param.default = Some(number.parse()?),
                    _ => return Err(format!("{function}: unknown remark ({remark})").into()),
                }
            }
            self.params.insert(name.to_owned(), param);
        } else if let Some(names) = block.strip_prefix("libvirt: ") {
            self.libvirt = names.split(", ").map(str::to_owned).collect();
        } else if let Some(returns) = block.strip_prefix("Returns ") {
            self.returns = Some(returns.to_owned());
        } else {
            self.paragraphs.push(block.to_owned());
        }
        Ok(())
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
            "Does it.\n\nIn two\nlines.\n\n- `x` (consumed, nullable)\n- `a` (nullable): the\n  first\n- `flags` (default -1): bits\n\n\
             Returns the thing.\n\nlibvirt: virA, virB",
        )
        .expect("parses");
        assert_eq!(doc.paragraphs, ["Does it.", "In two lines."]);
        assert_eq!(doc.params["a"].text, "the first");
        assert!(doc.params["a"].nullable && !doc.params["a"].consumed);
        assert!(doc.params["x"].nullable && doc.params["x"].consumed);
        assert_eq!(doc.params["x"].text, "");
        assert_eq!(doc.params["flags"].default, Some(-1));
        assert_eq!(doc.returns.as_deref(), Some("the thing."));
        assert_eq!(doc.libvirt, ["virA", "virB"]);
    }

    #[test]
    fn what_is_not_documented_or_odd_is_refused() {
        for text in
            ["", "- `a`: only a parameter", "Does it.\n- `a` (maybe): x", "Does it.\n- `a` x"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
