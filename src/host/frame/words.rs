// SPDX-License-Identifier: LGPL-2.1-or-later
//! Closed sets of words that an argument can be. Where libvirt decides what it takes,
//! there is none: it may know more than this library.

use super::failure::Failure;
use super::text::parse_number;

/// The words that an argument can be.
#[derive(Clone, Copy)]
pub struct Words {
    /// All of them.
    pub words: &'static [&'static str],
    /// virsh's words about another one, which stands at "{}".
    said: &'static str,
    /// Whether virsh's words name them all.
    are_named: bool,
    /// Whether several can be given, separated by commas.
    several: bool,
    /// Whether libvirt's number of one is taken as well.
    numbers: bool,
    /// Other words that are taken, and those that they stand for.
    others: &'static [(&'static str, &'static str)],
}

impl Words {
    /// A set, with what virsh says about a word that is not in it.
    pub const fn new(words: &'static [&'static str], said: &'static str) -> Self {
        Words { words, said, are_named: false, several: false, numbers: false, others: &[] }
    }

    /// The same, where virsh's words name them all.
    pub const fn named(self) -> Self {
        Words { are_named: true, ..self }
    }

    /// The same, of which several can be given.
    pub const fn several(self) -> Self {
        Words { several: true, ..self }
    }

    /// The same, of which numbers can be given.
    pub const fn or_number(self) -> Self {
        Words { numbers: true, ..self }
    }

    /// The same, where other words stand for some.
    pub const fn also(self, others: &'static [(&'static str, &'static str)]) -> Self {
        Words { others, ..self }
    }

    /// Refuses what is not in the set, as the value of this argument.
    pub fn check(&self, argument: &'static str, given: &str) -> Result<(), Failure> {
        let all = if self.several { given.split(',').collect() } else { vec![given] };
        let is_one = |word: &str| {
            self.words.contains(&word)
                || self.others.iter().any(|(other, _)| *other == word)
                || self.numbers && parse_number::<i32>(word).is_some()
        };
        match all.into_iter().find(|word| !is_one(word)) {
            None => Ok(()),
            Some(other) => Err(self.refused(other).blaming(argument)),
        }
    }

    fn refused(&self, word: &str) -> Failure {
        let said = self.said.replace("{}", word);
        match self.are_named {
            true => Failure::said(said),
            false => Failure::said(format!("{said}; it must be {}", list(self.words))),
        }
    }

    /// What an argument can be, for people: docs/COMMANDS.md.
    #[cfg(test)]
    pub fn phrase(&self) -> String {
        let quoted: Vec<_> = self.words.iter().map(|word| format!("`{word}`")).collect();
        let several = if self.several { ", or several separated by commas" } else { "" };
        let numbers = if self.numbers { ", or libvirt's number" } else { "" };
        let others: Vec<_> =
            self.others.iter().map(|(other, word)| format!("`{other}` for `{word}`")).collect();
        let others = match others.is_empty() {
            true => String::new(),
            false => format!("; also {}", others.join(", ")),
        };
        format!("is {}{several}{numbers}{others}", list(&quoted))
    }
}

/// "a, b or c"
pub fn list<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The words of a table that has what each of them means.
pub const fn names<const N: usize>(table: &[(&'static str, u32); N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut place = 0;
    while place < N {
        names[place] = table[place].0;
        place += 1;
    }
    names
}
