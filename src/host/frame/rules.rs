// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which arguments of a command exclude or require others, and which words they can be.
//! The table says it ([`Argument`](super::argument::Argument)); here it is checked, in
//! virsh's words.

use super::args::Args;
use super::argument::{Argument, Bound, flat, names};
use super::failure::Failure;
use super::given::shown;

/// Refuses arguments that do not go together, before the command does anything.
pub fn check(args: &Args) -> Result<(), Failure> {
    let given = |argument: &&Argument| args.is_on(argument);
    for (argument, bound) in args.all() {
        let refused = |said| Err(Failure::refused(argument.name, said));
        if !bound.is_some_and(Bound::is_on) {
            if !argument.unless.is_empty() && !flat(argument.unless).iter().any(given) {
                return refused(missing(argument));
            }
            continue;
        }
        let groups = argument.requires.iter().map(|group| flat(group));
        if let Some(group) = groups.into_iter().find(|group| !group.iter().any(given)) {
            return refused(alone(argument, &group));
        }
    }
    // As virsh does, after what is missing.
    for (argument, _) in args.all().filter(|(_, bound)| bound.is_some_and(Bound::is_on)) {
        if let Some(other) = flat(argument.excludes).into_iter().find(given) {
            return Err(Failure::refused(argument.name, both(argument.name, other.name)));
        }
    }
    for (argument, bound) in args.all() {
        let texts = match bound {
            Some(Bound::Text(text)) => std::slice::from_ref(text),
            Some(Bound::Texts(texts)) => texts,
            _ => &[],
        };
        if let Some(words) = argument.words {
            texts.iter().try_for_each(|text| words.check(argument.name, shown(text)))?;
        }
    }
    Ok(())
}

/// An argument's name as virsh has it.
fn option(name: &str) -> String {
    format!("--{}", name.replace('_', "-"))
}

fn both(one: &str, other: &str) -> String {
    format!("Options {} and {} are mutually exclusive", option(one), option(other))
}

fn alone(argument: &Argument, group: &[&Argument]) -> String {
    let name = option(argument.name);
    match (argument.said, group) {
        (Some(said), _) => said.to_owned(),
        (None, [needed]) => {
            format!("Option {} is required by option {name}", option(needed.name))
        }
        (None, several) => {
            let quoted: Vec<_> =
                several.iter().map(|other| format!("'{}'", option(other.name))).collect();
            format!("'{name}' requires {}", quoted.join(" or "))
        }
    }
}

fn missing(argument: &Argument) -> String {
    if let Some(said) = argument.said {
        return said.to_owned();
    }
    let names = [argument.name].into_iter().chain(names(argument.unless));
    let names: Vec<_> = names.map(option).collect();
    format!("{} is required", names.join(" or "))
}

/// What an argument can be, excludes and requires, for docs/COMMANDS.md; nothing if that is
/// nothing.
#[cfg(test)]
pub fn phrases(argument: &Argument) -> Vec<String> {
    let list = |listed, joint: &str| {
        let names: Vec<_> = names(listed).iter().map(|name| format!("`{name}`")).collect();
        names.join(joint)
    };
    let mut phrases: Vec<_> = argument.words.map(|words| words.phrase()).into_iter().collect();
    if !argument.excludes.is_empty() {
        phrases.push(format!("excludes {}", list(argument.excludes, ", ")));
    }
    for group in argument.requires {
        phrases.push(format!("requires {}", list(group, " or ")));
    }
    if !argument.unless.is_empty() {
        phrases.push(format!("is required without {}", list(argument.unless, ", ")));
    }
    phrases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::frame::argument::Kind;
    use crate::host::frame::command::Command;
    use crate::host::table::OBJECTS;
    use crate::value::{Map, Value};

    /// Every command with its full name.
    fn commands() -> impl Iterator<Item = (String, &'static Command)> {
        OBJECTS.iter().flat_map(|object| {
            object.commands().map(|command| (format!("{}.{}", object.name, command.name), command))
        })
    }

    /// What the check says of these arguments, and of those that are required.
    fn said(command: &'static Command, names: &[&str]) -> Option<String> {
        let value = |argument: &Argument| match argument.kind {
            _ if argument.words.is_some() => argument.words.unwrap().words[0].into(),
            Kind::Flag => Value::Bool(true),
            Kind::Int | Kind::Size(_) => Value::Int(1),
            Kind::Text | Kind::Texts => "x".into(),
            Kind::Document(_) => "<x/>".into(),
        };
        let all = command.arguments();
        let given =
            all.iter().filter(|argument| argument.required || names.contains(&argument.name));
        let given: Map = given.map(|argument| (argument.name, value(argument))).collect();
        assert!(names.iter().all(|name| given.get(name).is_some()), "{names:?} are arguments");
        let args = command.bind(&given.into()).unwrap();
        let (_, err) = check(&args).err()?.into_texts();
        Some(err)
    }

    /// Arguments with which this one is allowed: one of each group that it and they
    /// need, and what must be given anyway.
    fn allowed(command: &Command, given: &[&'static str]) -> Vec<&'static str> {
        let arguments = command.arguments();
        let mut all = given.to_vec();
        loop {
            let of = |name: &&str| arguments.iter().find(|one| one.name == *name);
            let missing = all
                .iter()
                .filter_map(of)
                .flat_map(|one| one.requires)
                .map(|group| names(group))
                .find(|group| !group.iter().any(|name| all.contains(name)));
            let forced = arguments.iter().find(|one| {
                let others = names(one.unless);
                !others.is_empty()
                    && !all.contains(&one.name)
                    && !others.iter().any(|name| all.contains(name))
            });
            match (missing, forced) {
                (Some(group), _) => all.push(group[0]),
                (None, Some(argument)) => {
                    let excluded = |name: &&str| {
                        all.iter().filter_map(of).any(|one| names(one.excludes).contains(name))
                    };
                    let mut names = [argument.name].into_iter().chain(names(argument.unless));
                    let name = names.find(|name| !excluded(name));
                    all.push(name.unwrap_or(argument.name));
                }
                (None, None) => return all,
            }
        }
    }

    #[test]
    fn rules_name_other_optional_arguments_of_their_command() {
        for (full, command) in commands() {
            let arguments = command.arguments();
            for argument in &arguments {
                let groups = argument.requires.iter().copied();
                let all = groups.chain([argument.excludes, argument.unless]);
                for other in all.flat_map(flat) {
                    let name = other.name;
                    let is_listed = arguments.iter().any(|one| std::ptr::eq(*one, other));
                    assert!(is_listed, "{full} does not list this {name}");
                    assert_ne!(name, argument.name, "{full}");
                    assert!(!other.required && !argument.required, "{full}: {name}");
                    // One of both says so.
                    assert!(
                        !(names(argument.excludes).contains(&name)
                            && names(other.excludes).contains(&argument.name)),
                        "{full}: {name} twice"
                    );
                }
                assert!(argument.requires.iter().all(|group| !group.is_empty()), "{full}");
            }
        }
    }

    #[test]
    fn every_rule_is_checked() {
        let mut rules = 0;
        for (full, command) in commands() {
            for argument in command.arguments() {
                let name = argument.name;
                for other in names(argument.excludes) {
                    rules += 1;
                    let error = said(command, &allowed(command, &[name, other]));
                    let wanted = format!("error: {}", both(name, other));
                    assert_eq!(error, Some(wanted), "{full}: {name} and {other}");
                }
                for group in argument.requires {
                    rules += 1;
                    let group = names(group);
                    let all = allowed(command, &[name]);
                    let without: Vec<_> =
                        all.iter().copied().filter(|one| !group.contains(one)).collect();
                    let error = said(command, &without).unwrap_or_default();
                    assert!(error.starts_with("error: "), "{full}: {name} without {group:?}");
                }
                if !argument.unless.is_empty() {
                    rules += 1;
                    let mut others = allowed(command, &[]);
                    others.retain(|other| *other != name);
                    let wanted = format!("error: {}", missing(argument));
                    assert_eq!(said(command, &others), Some(wanted), "{full}: no {name}");
                    for other in names(argument.unless) {
                        assert_eq!(said(command, &allowed(command, &[other])), None, "{full}");
                    }
                }
                // What is alone, but for what it needs, is right.
                assert_eq!(said(command, &allowed(command, &[name])), None, "{full}: {name}");
            }
        }
        assert!(rules > 100, "{rules} rules");
    }

    #[test]
    fn another_word_is_refused_with_all_that_there_are() {
        let mut sets = 0;
        for (full, command) in commands() {
            for argument in command.arguments() {
                let Some(words) = argument.words else { continue };
                let name = argument.name;
                let (_, said) = words.check(name, "nosuch").unwrap_err().into_texts();
                assert!(said.contains("nosuch"), "{full}: {name}: {said}");
                for word in words.words {
                    assert!(said.contains(word), "{full}: {name}: {said}");
                    assert!(words.check(name, word).is_ok(), "{full}: {name}: {word}");
                }
                sets += 1;
            }
        }
        assert!(sets > 15, "{sets} sets of words");
    }

    #[test]
    fn switches_that_are_off_are_not_given() {
        let (_, command) = commands().find(|(full, _)| full == "domain.undefine").unwrap();
        let given = Map::from_iter([
            ("domain", Value::from("d")),
            ("wipe_storage", Value::Bool(false)),
            ("nvram", Value::Bool(true)),
            ("keep_nvram", Value::Bool(false)),
        ]);
        assert!(check(&command.bind(&given.into()).unwrap()).is_ok());
    }
}
