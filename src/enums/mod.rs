// SPDX-License-Identifier: LGPL-2.1-or-later
//! The constants in groups, and their names as people write them: `running`, `paused`.

mod table;

use crate::constants::{CONSTANTS, Constant, Number};
use crate::error::{Error, Misuse, Result};

pub use table::GROUPS;

/// Constants that belong together.
pub struct Group {
    /// Begins with the class.
    pub name: &'static str,
    /// As in function names.
    pub class: &'static str,
    /// What the constants are about.
    pub title: &'static str,
    /// Whether they are bits, of which any may be set.
    pub flags: bool,
    /// What the constants' names begin with, and the members' do not.
    prefix: &'static str,
    /// Places in the table of constants, and what they mean.
    members: &'static [(usize, &'static str)],
}

/// A constant in its group.
pub struct Member {
    /// In lower case.
    pub name: String,
    pub constant: &'static Constant,
    pub doc: &'static str,
}

/// What stands between the names of flags.
const AND: char = '|';

/// A group by its name.
pub fn group(name: &str, parameter: &'static str) -> Result<&'static Group> {
    /// So many names of groups a message has.
    const FEW: usize = 12;
    if let Some(group) = GROUPS.iter().find(|group| group.name == name) {
        return Ok(group);
    }
    // Those that begin most like it.
    let same = |group: &&Group| {
        group.name.bytes().zip(name.bytes()).take_while(|(one, other)| one == other).count()
    };
    let most = GROUPS.iter().map(|group| same(&group)).max().unwrap_or(0);
    let near: Vec<&str> =
        GROUPS.iter().filter(|group| same(group) == most).map(|group| group.name).collect();
    let hint = match near.len() {
        _ if most == 0 => {
            "; the names of groups begin with a class, like \"domain_state\"".to_owned()
        }
        count if count > FEW => {
            format!("; there are {}, and {} more", near[..FEW].join(", "), count - FEW)
        }
        _ => format!("; there are {}", near.join(", ")),
    };
    Err(Misuse::NotFound { parameter, path: name.to_owned(), hint }.into())
}

impl Group {
    /// Its members, in their order.
    pub fn members(&self) -> impl Iterator<Item = Member> {
        self.members.iter().filter_map(|(place, doc)| {
            let constant = CONSTANTS.get(*place)?;
            let name = constant.name.strip_prefix(self.prefix)?.to_ascii_lowercase();
            Some(Member { name, constant, doc })
        })
    }

    /// The name of a number. Of flags it is the names of all that are set.
    pub fn name_of(&self, number: i64, parameter: &'static str) -> Result<String> {
        let numbers = self.numbers()?;
        if let Some((name, _)) = numbers.iter().find(|(_, known)| *known == number) {
            return Ok(name.clone());
        }
        let mut names: Vec<&str> = Vec::new();
        let mut rest = number;
        if self.flags && number > 0 {
            for (name, bits) in numbers.iter().filter(|(_, bits)| *bits != 0) {
                if rest & bits == *bits {
                    names.push(name);
                    rest &= !bits;
                }
            }
        }
        // Flags of which none is set have no name, and an empty one says so.
        if rest == 0 && (self.flags || !names.is_empty()) {
            return Ok(names.join("|"));
        }
        let known: Vec<String> =
            numbers.iter().map(|(name, known)| format!("{known} ({name})")).collect();
        let hint = format!("; the values of {} are {}", self.name, known.join(", "));
        let path = if self.flags { rest } else { number }.to_string();
        Err(Misuse::NotFound { parameter, path, hint }.into())
    }

    /// The number of a name. Of flags there may be several names, with `|` between them.
    pub fn value_of(&self, name: &str, parameter: &'static str) -> Result<i64> {
        let numbers = self.numbers()?;
        let one = |name: &str| {
            let wanted = name.trim();
            let found = numbers.iter().find(|(known, _)| known.eq_ignore_ascii_case(wanted));
            found.map(|(_, number)| *number).ok_or_else(|| {
                let known: Vec<&str> = numbers.iter().map(|(name, _)| name.as_str()).collect();
                let hint = format!("; the names of {} are {}", self.name, known.join(", "));
                Error::from(Misuse::NotFound { parameter, path: wanted.to_owned(), hint })
            })
        };
        match (self.flags, name.is_empty()) {
            (true, true) => Ok(0),
            (true, false) => name.split(AND).try_fold(0, |all, name| Ok(all | one(name)?)),
            (false, _) => one(name),
        }
    }

    /// Names and numbers of the members.
    fn numbers(&self) -> Result<Vec<(String, i64)>> {
        let number = |member: Member| match member.constant.value {
            Number::Int(number) => Ok((member.name, number)),
            Number::Text(_) => {
                let reason = format!("the values of {} are strings, not numbers", self.name);
                Err(Misuse::Invalid { parameter: "group", reason }.into())
            }
        };
        self.members().map(number).collect()
    }
}

impl Member {
    /// The constant's name in C.
    pub fn c_name(&self) -> String {
        match self.constant.class {
            "conn" => format!("VKVM_{}", self.constant.name),
            class => format!("VKVM_{}_{}", class.to_ascii_uppercase(), self.constant.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_name_that_leads_back_to_it() {
        for group in GROUPS {
            let Ok(numbers) = group.numbers() else { continue };
            assert_eq!(numbers.len(), group.members.len(), "{}", group.name);
            for (name, number) in numbers {
                assert_eq!(group.value_of(&name, "name").expect("is known"), number);
                let first = group.name_of(number, "value").expect("is known");
                assert_eq!(group.value_of(&first, "name").expect("is known"), number);
            }
        }
    }

    #[test]
    fn flags_are_combined() {
        let flags = group("domain_start_flags", "group").expect("is there");
        assert_eq!(flags.name_of(0, "value").expect("none"), "");
        assert_eq!(flags.name_of(3, "value").expect("two"), "paused|autodestroy");
        assert_eq!(flags.value_of("paused | Force_Boot", "name").expect("two"), 9);
        assert_eq!(flags.value_of("", "name").expect("none"), 0);
        let error = flags.name_of(1 | 1 << 20, "value").expect_err("is unknown").to_string();
        assert!(error.contains("\"1048576\"") && error.contains("1 (paused)"), "{error}");
        assert!(flags.name_of(-1, "value").is_err());
        assert!(flags.value_of("paused|", "name").is_err());
    }
}
