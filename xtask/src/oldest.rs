// SPDX-License-Identifier: LGPL-2.1-or-later
//! The tests refuse what the oldest Rust that will do (`rust-version` in Cargo.toml) does not
//! know, and a newer one takes without a word: let chains, which came with 1.88.

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

use crate::shape;

/// How many conditions join a `let` with something else.
fn let_chains(tokens: TokenStream) -> usize {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut found = 0;
    for (place, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found += let_chains(group.stream()),
            TokenTree::Ident(word) if word == "if" || word == "while" => {
                found += usize::from(is_chain(&tokens[place + 1..]));
            }
            _ => {}
        }
    }
    found
}

/// Whether there are both a `let` and, outside of its pattern, an `&&` before the block.
fn is_chain(tokens: &[TokenTree]) -> bool {
    let is_block = |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let mut in_pattern = false;
    let (mut lets, mut ands) = (0, 0);
    for pair in tokens.windows(2).take_while(|pair| !is_block(&pair[0])) {
        match (&pair[0], &pair[1]) {
            // Of a guard: its arm begins.
            (TokenTree::Punct(a), TokenTree::Punct(b))
                if (a.as_char(), b.as_char()) == ('=', '>') =>
            {
                break;
            }
            (TokenTree::Ident(word), _) if word == "let" => {
                lets += 1;
                in_pattern = true;
            }
            (TokenTree::Punct(a), _) if a.as_char() == '=' => in_pattern = false,
            (TokenTree::Punct(a), TokenTree::Punct(b))
                if (a.as_char(), b.as_char()) == ('&', '&') =>
            {
                ands += usize::from(!in_pattern);
            }
            _ => {}
        }
    }
    lets > 0 && ands > 0
}

#[test]
fn no_condition_joins_a_let_with_another() {
    let root = crate::root();
    let mut places = Vec::new();
    for folder in ["src", "tests", "xtask/src"] {
        for (path, file) in shape::parsed(&root.join(folder)).expect("parses") {
            if let_chains(file.into_token_stream()) > 0 {
                places.push(path.strip_prefix(&root).unwrap_or(Path::new("")).to_owned());
            }
        }
    }
    assert!(
        places.is_empty(),
        "let chains need Rust 1.88, see rust-version in Cargo.toml: {places:?}"
    );
}

#[test]
fn a_chain_is_found() {
    let count = |text: &str| let_chains(text.parse().expect("are tokens"));
    assert_eq!(count("if let Some(a) = b && c { d }"), 1);
    assert_eq!(count("if a && let Some(b) = c { d }"), 1);
    assert_eq!(count("f(|| { while let Some(a) = b && c.is(d) {} })"), 1);
    assert_eq!(count("match a { b if let Some(c) = d && e => f, _ => g }"), 1);
    assert_eq!(count("if let &&a = b { if c && d { e } }"), 0);
    assert_eq!(count("match a { b if c => { let d = e && f; } _ => {} }"), 0);
    assert_eq!(count("if a && b { let c = d; }"), 0);
}
