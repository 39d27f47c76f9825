// SPDX-License-Identifier: LGPL-2.1-or-later
//! Text about C, said in Perl's terms: its names for constants and functions, and undef.

use crate::api::{Api, Function};
use crate::classes::{self, Package};
use crate::constants::Constant;
use crate::enums::Table;
use crate::notes::Notes;
use crate::perl::forms;

/// What is needed to translate the text of a page.
pub struct Words<'a> {
    pub api: &'a Api,
    pub table: &'a Table,
    pub package: &'a Package,
    pub notes: &'a Notes,
}

impl Words<'_> {
    /// The sentences of a text that are for readers of Perl: those about a function that Perl
    /// does without are for readers of C.
    pub fn for_perl(&self, text: &str) -> String {
        text.split_inclusive(". ").filter(|sentence| !self.is_for_c(sentence)).collect()
    }

    /// Text with C's names, as POD.
    pub fn pod(&self, text: &str) -> String {
        self.marked(text.trim_end(), |code| match code.contains(['<', '>']) {
            true => format!("C<< {code} >>"),
            false => format!("C<{code}>"),
        })
    }

    /// The same without markup, for verbatim text.
    pub fn plain(&self, text: &str) -> String {
        self.marked(text, str::to_owned)
    }

    fn marked(&self, text: &str, code: impl Fn(&str) -> String) -> String {
        let mut out = String::new();
        for (i, piece) in text.split('`').enumerate() {
            if i % 2 == 0 {
                out.push_str(&piece.replace("NULL", "undef"));
            } else if let Some(name) = piece.strip_prefix("VKVM_") {
                out.push_str(&code(&self.constant(name)));
            } else if piece.starts_with("vkvm_") {
                out.push_str(&code(&self.function(piece)));
            } else {
                out.push_str(&code(piece));
            }
        }
        out
    }

    /// A constant, or a pattern of constants like `DOMAIN_STATE_*`, by Perl's name.
    ///
    /// The table tells which package it is in: `DOMAIN_CAPABILITIES_*` are the
    /// connection's, though their names begin like the domain's.
    pub fn constant(&self, name: &str) -> String {
        let known = name.split(['*', '<']).next().unwrap_or(name);
        let fits = |constant: &&Constant| {
            let c_name = constant.c_name();
            let c_name = c_name.strip_prefix("VKVM_").unwrap_or(&c_name);
            if known == name { c_name == name } else { c_name.starts_with(known) }
        };
        let constants = self.table.constants.iter().filter(fits);
        let mut classes: Vec<&str> = constants.map(|constant| constant.class.as_str()).collect();
        classes.dedup();
        match classes.as_slice() {
            ["conn"] => format!("VKVM::{name}"),
            ["error"] => format!("VKVM::Error::{}", name.trim_start_matches("ERROR_")),
            _ => match split_class(name) {
                Some((package, rest)) => format!("{}::{rest}", package.name),
                None => format!("VKVM::{name}"),
            },
        }
    }

    /// A function, or a pattern of functions like `vkvm_domain_migrate_*`, by Perl's name: a
    /// method of this page by its name alone, others with their packages.
    fn function(&self, name: &str) -> String {
        let function = self.api.functions.iter().find(|function| function.name == name);
        let Some(function) = function else {
            let split = split_class(name.trim_start_matches("vkvm_"));
            return split.map_or_else(
                || name.to_owned(),
                |(package, rest)| self.in_package(&package.name, &rest),
            );
        };
        let Some(call) = forms::call(function) else { return name.to_owned() };
        let call = call.split('(').next().unwrap_or_default();
        if call.contains("->") {
            return call.to_owned();
        }
        match call.rsplit_once("::") {
            Some((package, sub)) => self.in_package(package, sub),
            None => match super::super::package(&function.class) {
                Some(package) => self.in_package(&package.name, call),
                None => call.to_owned(),
            },
        }
    }

    fn in_package(&self, package: &str, name: &str) -> String {
        match package == self.package.name {
            true => name.to_owned(),
            false => format!("{package}::{name}"),
        }
    }

    /// Whether a sentence names a function that Perl has not.
    fn is_for_c(&self, sentence: &str) -> bool {
        let lacks = |function: &Function| forms::call(function).is_none() && !is_shown(function);
        sentence.split('`').skip(1).step_by(2).any(|piece| {
            self.api.functions.iter().any(|function| function.name == piece && lacks(function))
        })
    }
}

/// Perl has these in its own way, and their pages say how.
fn is_shown(function: &Function) -> bool {
    ["vkvm_fleet_", "vkvm_host_", "vkvm_conn_visit_"]
        .iter()
        .any(|head| function.name.starts_with(head))
}

/// The package that the name of a function or constant begins with, and the rest of it.
fn split_class(name: &str) -> Option<(&'static Package, String)> {
    let (class, rest) =
        classes::split(&name.to_lowercase()).map(|(class, rest)| (class, rest.len()))?;
    Some((class.package.as_ref()?, name[name.len() - rest..].to_owned()))
}
