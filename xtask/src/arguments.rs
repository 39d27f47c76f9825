// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whether the commands of the host facade read the arguments that their rows list: all of
//! them, and no others. What a function reads is what it names as `&ARGUMENT`, or as a list
//! of arguments, and what the functions read that it calls. Need not be read: what says that
//! it has no effect, or is the default, and what stands in place of another argument
//! (`unless`).

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Expr, ExprArray, ImplItem, Item};

use crate::circles::{Modules, Path_, absolute, leaves, read};

/// The method of `Call` that goes through all arguments.
const EVERYTHING: &str = "all_given";

/// Something with a name: its module, and the name.
type Named = (Path_, String);

/// What the names of src/host stand for.
struct House {
    known: BTreeSet<Path_>,
    /// What each `use` of a module brings in, by the name there.
    imports: BTreeMap<Named, Path_>,
    /// Arguments, with what they are.
    arguments: BTreeMap<Named, TokenStream>,
    /// Lists of arguments and other statics, with what they are made of.
    statics: BTreeMap<Named, TokenStream>,
    functions: BTreeMap<Named, TokenStream>,
    /// The methods of `Call` that look objects up.
    methods: BTreeMap<String, Named>,
}

/// A row of the table.
struct Row {
    place: Path_,
    command: String,
    run: TokenStream,
    takes: TokenStream,
}

fn is_host(place: &Path_) -> bool {
    place.first().is_some_and(|top| top == "host")
}

impl House {
    fn new(modules: &Modules) -> Self {
        let mut house = House {
            known: modules.keys().cloned().collect(),
            imports: BTreeMap::new(),
            arguments: BTreeMap::new(),
            statics: BTreeMap::new(),
            functions: BTreeMap::new(),
            methods: BTreeMap::new(),
        };
        for (place, module) in modules.iter().filter(|(place, _)| is_host(place)) {
            for item in &module.items {
                house.add(place, item);
            }
        }
        house
    }

    fn add(&mut self, place: &Path_, item: &Item) {
        let named = |name: &syn::Ident| (place.clone(), name.to_string());
        match item {
            Item::Use(item) => {
                for (path, name) in leaves(&item.tree, Vec::new()) {
                    let path = absolute(place, &path, &self.known);
                    self.imports.insert((place.clone(), name), path);
                }
            }
            Item::Static(item) => {
                let kind = item.ty.to_token_stream().to_string();
                let is_argument =
                    ["Flag", "Needed", "Optional"].iter().any(|name| kind.starts_with(name));
                let made_of = item.expr.to_token_stream();
                if is_argument {
                    self.arguments.insert(named(&item.ident), made_of);
                } else if !kind.contains("Command") && !kind.contains("Object") {
                    self.statics.insert(named(&item.ident), made_of);
                }
            }
            Item::Fn(item) => {
                self.functions.insert(named(&item.sig.ident), item.block.to_token_stream());
            }
            Item::Impl(item) if item.self_ty.to_token_stream().to_string().starts_with("Call") => {
                for method in &item.items {
                    if let ImplItem::Fn(method) = method {
                        let name = named(&method.sig.ident);
                        self.functions.insert(name.clone(), method.block.to_token_stream());
                        self.methods.insert(name.1.clone(), name);
                    }
                }
            }
            _ => (),
        }
    }

    /// What a path stands for in a module.
    fn resolve(&self, place: &Path_, path: &[String]) -> Option<Named> {
        let mut named = match path {
            [] => return None,
            [name] => (place.clone(), name.clone()),
            [first, rest @ ..] => {
                let imported = self.imports.get(&(place.clone(), first.clone()));
                let path = match imported.filter(|module| self.known.contains(*module)) {
                    Some(module) => [module.as_slice(), rest].concat(),
                    None => absolute(place, &path.to_vec(), &self.known),
                };
                let (name, place) = path.split_last()?;
                (place.to_vec(), name.clone())
            }
        };
        while let Some(path) = self.imports.get(&named).filter(|path| !path.is_empty()) {
            let (name, place) = path.split_last()?;
            named = (place.to_vec(), name.clone());
        }
        Some(named)
    }

    /// The arguments that code names, in it and in what it calls.
    fn named_in(&self, place: &Path_, tokens: TokenStream) -> BTreeSet<Named> {
        let mut all = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut next = vec![(place.clone(), tokens)];
        while let Some((place, tokens)) = next.pop() {
            for mention in mentions(tokens) {
                if mention.method && mention.path[0] == EVERYTHING {
                    all.insert((Path_::new(), EVERYTHING.to_owned()));
                }
                let named = match &mention {
                    Mention { method: true, path, .. } => self.methods.get(&path[0]).cloned(),
                    mention => self.resolve(&place, &mention.path),
                };
                let Some(named) = named else { continue };
                if mention.borrowed && self.arguments.contains_key(&named) {
                    all.insert(named);
                    continue;
                }
                let function = self.functions.get(&named).filter(|_| mention.called);
                let Some(inner) = self.statics.get(&named).or(function) else { continue };
                if seen.insert(named.clone()) {
                    next.push((named.0, inner.clone()));
                }
            }
        }
        all
    }
}

impl House {
    /// Whether a command need not read an argument, among those that its row lists.
    fn can_be_ignored(&self, argument: &Named, listed: &BTreeSet<Named>) -> bool {
        let about = self.arguments[argument].to_string();
        let stands_for = |other: &Named| {
            let tokens = self.arguments[other].clone().into_iter().collect::<Vec<_>>();
            tokens.windows(2).any(|two| match two {
                [TokenTree::Ident(rule), TokenTree::Group(others)] if rule == "unless" => {
                    self.named_in(&other.0, others.stream()).contains(argument)
                }
                _ => false,
            })
        };
        ["no effect", "NO_EFFECT", "the default"].iter().any(|words| about.contains(words))
            || listed.iter().any(stands_for)
    }
}

/// A path in code.
struct Mention {
    path: Path_,
    /// Whether "&" stands before it.
    borrowed: bool,
    /// Whether arguments stand after it.
    called: bool,
    /// Whether "." stands before it.
    method: bool,
}

fn mentions(tokens: TokenStream) -> Vec<Mention> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |place: Option<usize>, sign: char| {
        let token = place.and_then(|place| tokens.get(place));
        matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
    };
    let mut all = Vec::new();
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        match token {
            TokenTree::Group(group) => all.extend(mentions(group.stream())),
            TokenTree::Ident(ident) => {
                let before = place.checked_sub(1);
                let mut path = vec![ident.to_string()];
                while is(Some(place + 1), ':') && is(Some(place + 2), ':') {
                    let Some(TokenTree::Ident(ident)) = tokens.get(place + 3) else { break };
                    path.push(ident.to_string());
                    place += 3;
                }
                let called = matches!(tokens.get(place + 1), Some(TokenTree::Group(group))
                    if group.delimiter() == Delimiter::Parenthesis);
                let (borrowed, method) = (is(before, '&'), is(before, '.'));
                all.push(Mention { path, borrowed, called, method: method && called });
            }
            _ => (),
        }
        place += 1;
    }
    all
}

/// The rows of the table.
fn rows(modules: &Modules) -> Vec<Row> {
    let mut rows = Vec::new();
    for (place, module) in modules.iter().filter(|(place, _)| is_host(place)) {
        for item in &module.items {
            let list = commands(item).into_iter().flat_map(|list| &list.elems);
            rows.extend(list.map(|row| row_of(place, row)));
        }
    }
    rows
}

/// The list of commands that an item is, if it is one.
fn commands(item: &Item) -> Option<&ExprArray> {
    let Item::Static(item) = item else { return None };
    let Expr::Reference(list) = &*item.expr else { return None };
    match &*list.expr {
        Expr::Array(list) if item.ty.to_token_stream().to_string() == "& [Command]" => Some(list),
        _ => None,
    }
}

fn row_of(place: &Path_, mut row: &Expr) -> Row {
    let mut takes = TokenStream::new();
    loop {
        match row {
            Expr::MethodCall(call) => {
                if call.method == "takes" {
                    takes = call.args.to_token_stream();
                }
                row = &call.receiver;
            }
            Expr::Call(call) => {
                let command = call.args.first().to_token_stream().to_string();
                let mut run = call.args.last().to_token_stream();
                if let Some(Expr::Path(_)) = call.args.last() {
                    run.extend("()".parse::<TokenStream>());
                }
                return Row { place: place.clone(), command, run, takes };
            }
            other => panic!("{} is no row", other.to_token_stream()),
        }
    }
}

mod tests {
    use super::*;

    #[test]
    fn commands_read_the_arguments_that_their_rows_list() {
        let modules = read(&crate::root().join("src"));
        let house = House::new(&modules);
        let rows = rows(&modules);
        assert!(rows.len() > 160, "{} rows", rows.len());
        let mut wrong = Vec::new();
        let mut listed_in_all = 0;
        for Row { place, command, run, takes } in rows {
            let listed = house.named_in(&place, takes);
            let read = house.named_in(&place, run);
            listed_in_all += listed.len();
            let told = |what, (place, name): &Named| {
                format!("{command} {what} {}::{name}", place.join("::"))
            };
            let everything = (Path_::new(), EVERYTHING.to_owned());
            let unlisted = read.difference(&listed).filter(|it| **it != everything);
            wrong.extend(unlisted.map(|it| told("does not list", it)));
            let unread = listed.difference(&read).filter(|it| !house.can_be_ignored(it, &listed));
            if !read.contains(&everything) {
                wrong.extend(unread.map(|it| told("does not read", it)));
            }
        }
        assert!(listed_in_all > 600, "{listed_in_all} arguments");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
