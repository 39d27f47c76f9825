// SPDX-License-Identifier: LGPL-2.1-or-later
//! Patterns of names, as a shell has them: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before a
//! character that is meant as it is.

/// A pattern.
#[derive(Debug)]
pub struct Glob(Vec<Part>);

#[derive(Debug)]
enum Part {
    One(char),
    Any,
    Many,
    Set { is_not: bool, ranges: Vec<(char, char)> },
}

impl Glob {
    /// Reads a pattern. A `[` without its `]` is meant as it is.
    pub fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = pattern.chars();
        // Behind a `[` without a `]` there is none for the next ones either.
        let mut has_end = true;
        while let Some(char) = rest.next() {
            parts.push(match char {
                '*' => Part::Many,
                '?' => Part::Any,
                '\\' => Part::One(rest.next().unwrap_or('\\')),
                '[' if has_end => match set(rest.as_str()) {
                    Some((part, after)) => {
                        rest = after.chars();
                        part
                    }
                    None => {
                        has_end = false;
                        Part::One('[')
                    }
                },
                other => Part::One(other),
            });
        }
        Glob(parts)
    }

    /// Whether all of the name is like the pattern.
    pub fn matches(&self, name: &str) -> bool {
        let (mut part, mut rest) = (0, name);
        // Where the last `*` is, and what it has not taken.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let mut after = rest.chars();
            match (self.0.get(part), after.next()) {
                (None, None) => return true,
                (Some(Part::Many), _) => {
                    retry = Some((part, rest));
                    part += 1;
                    continue;
                }
                (Some(one), Some(char)) if one.takes(char) => {
                    part += 1;
                    rest = after.as_str();
                    continue;
                }
                _ => {}
            }
            // The last `*` takes one character more.
            let Some((many, from)) = retry else {
                return false;
            };
            let mut from = from.chars();
            if from.next().is_none() {
                return false;
            }
            rest = from.as_str();
            retry = Some((many, rest));
            part = many + 1;
        }
    }
}

impl Part {
    fn takes(&self, char: char) -> bool {
        match self {
            Part::One(wanted) => *wanted == char,
            Part::Any | Part::Many => true,
            Part::Set { is_not, ranges } => {
                ranges.iter().any(|(first, last)| (*first..=*last).contains(&char)) != *is_not
            }
        }
    }
}

/// A set, from behind its `[`, and what is behind it. A `]` that is the first is in it.
fn set(text: &str) -> Option<(Part, &str)> {
    let is_not = text.starts_with(['!', '^']);
    let mut chars = text[usize::from(is_not)..].chars();
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let first = match chars.next()? {
            ']' if !ranges.is_empty() => {
                return Some((Part::Set { is_not, ranges }, chars.as_str()));
            }
            '\\' => chars.next()?,
            other => other,
        };
        let mut ahead = chars.clone();
        match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) if last != ']' => {
                chars = ahead;
                ranges.push((first, last));
            }
            _ => ranges.push((first, first)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let cases = [
            ("web*", "web1", true),
            ("web*", "aweb1", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*d", "abcbd", true),
            ("*b*d", "abcbde", false),
            ("db-[0-9][0-9]", "db-07", true),
            ("db-[!0-9]", "db-x", true),
            ("db-[!0-9]", "db-1", false),
            ("[]a]", "]", true),
            ("[a-]", "-", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("[abc", "[abc", true),
            ("\u{fc}*", "\u{fc}ber", true),
            ("*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ];
        for (pattern, name, wanted) in cases {
            assert_eq!(Glob::new(pattern).matches(name), wanted, "{pattern} and {name}");
        }
    }

    #[test]
    fn many_brackets_are_read_once() {
        let many = "[".repeat(1_000_000);
        assert!(Glob::new(&many).matches(&many));
    }
}
