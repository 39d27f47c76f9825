// SPDX-License-Identifier: LGPL-2.1-or-later
//! Samples as lines of text, by the family that they belong to.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::families::Family;
use super::sample::Sample;
use crate::value::{Map, Value};

/// The labels of samples, as they stand in the text: `host="a",domain="b"`.
#[derive(Clone)]
pub struct Labels(String);

impl Labels {
    /// One label.
    pub fn new(name: &str, value: &str) -> Self {
        Labels(String::new()).and(name, value)
    }

    /// These, and one more.
    pub fn and(&self, name: &str, value: &str) -> Self {
        let mut text = String::with_capacity(self.0.len() + name.len() + value.len() + 4);
        text.push_str(&self.0);
        if !text.is_empty() {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        for character in value.chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                '"' => text.push_str("\\\""),
                '\n' => text.push_str("\\n"),
                other => text.push(other),
            }
        }
        text.push('"');
        Labels(text)
    }
}

/// The samples of a host, by the names of their families.
#[derive(Default)]
pub struct Lines(BTreeMap<&'static str, String>);

impl Lines {
    /// One more sample.
    pub fn add(&mut self, family: &Family, labels: &Labels, sample: Sample) {
        let lines = self.0.entry(family.name).or_default();
        // Writing to a String cannot fail.
        let _ = match sample {
            Sample::Uint(number) => writeln!(lines, "{}{{{}}} {number}", family.name, labels.0),
            Sample::Int(number) => writeln!(lines, "{}{{{}}} {number}", family.name, labels.0),
            Sample::Double(number) => writeln!(lines, "{}{{{}}} {number}", family.name, labels.0),
        };
    }

    /// As a map, which an answer of a host can be.
    pub fn into_value(self) -> Value {
        let mut map = Map::with_capacity(self.0.len());
        for (name, lines) in self.0 {
            map.push_new(name, lines);
        }
        Value::Map(map)
    }
}
