// SPDX-License-Identifier: LGPL-2.1-or-later
//! The whole text: the samples of all hosts, family by family.

use super::families::{Family, Kind};
use super::stats;
use crate::error::{Misuse, Result};
use crate::value::Value;

/// The ways to write the text. They differ in how counters are declared, and in the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus' own, version 0.0.4.
    Prometheus,
}

impl Format {
    /// By its name, as the parameter `format` has it; OpenMetrics where there is none.
    pub fn named(name: Option<&str>) -> Result<Self> {
        match name {
            None | Some("openmetrics") => Ok(Format::OpenMetrics),
            Some("prometheus") => Ok(Format::Prometheus),
            Some(other) => {
                let reason = format!(
                    "is \"{}\"; \"openmetrics\" or \"prometheus\" is needed",
                    crate::value::shortened(other, 60)
                );
                Err(Misuse::Invalid { parameter: "format", reason }.into())
            }
        }
    }
}

/// Writes what the hosts have given, of each a map as of `Lines::into_value`.
pub fn write(hosts: &[Value], format: Format) -> String {
    let mut text = String::new();
    for family in stats::all() {
        let mut lines = hosts.iter().filter_map(|host| lines(host, family.name)).peekable();
        if lines.peek().is_none() {
            continue;
        }
        declare(&mut text, family, format);
        lines.for_each(|lines| text.push_str(lines));
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn lines<'a>(host: &'a Value, family: &str) -> Option<&'a str> {
    let Value::Map(map) = host else {
        return None;
    };
    match map.get(family) {
        Some(Value::String(lines)) => Some(lines),
        _ => None,
    }
}

fn declare(text: &mut String, family: &Family, format: Format) {
    let (name, kind) = match (family.kind, format) {
        // There the family of a counter is called without the end of its samples' names.
        (Kind::Counter, Format::OpenMetrics) => {
            (family.name.strip_suffix("_total").unwrap_or(family.name), "counter")
        }
        (Kind::Counter, Format::Prometheus) => (family.name, "counter"),
        (Kind::Gauge, _) => (family.name, "gauge"),
    };
    for part in ["# HELP ", name, " ", family.help, "\n# TYPE ", name, " ", kind, "\n"] {
        text.push_str(part);
    }
    let unit = ["seconds", "bytes", "percent"]
        .into_iter()
        .find(|unit| name.strip_suffix(unit).is_some_and(|rest| rest.ends_with('_')));
    if let (Some(unit), Format::OpenMetrics) = (unit, format) {
        for part in ["# UNIT ", name, " ", unit, "\n"] {
            text.push_str(part);
        }
    }
}
