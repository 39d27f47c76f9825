// SPDX-License-Identifier: LGPL-2.1-or-later
//! Checks that every export goes through the panic guard.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Expr, Item, ItemFn, Stmt};

use crate::Result;

/// The functions of src/capi/guard.rs.
const GUARDS: [&str; 4] = ["status", "direct", "void", "bare"];

/// Refuses an `extern "C"` export whose body is anything but one call of a
/// guard. Gives the module of each export, from src/capi on.
pub fn check(root: &Path) -> Result<HashMap<String, String>> {
    let mut exports = HashMap::new();
    let capi = root.join("src/capi");
    for (file, parsed) in parsed(&root.join("src"))? {
        for item in parsed.items {
            let Item::Fn(function) = item else { continue };
            if !is_export(&function) {
                continue;
            }
            if !file.starts_with(&capi) || !is_guarded(&function) {
                let name = &function.sig.ident;
                let place = file.display();
                return Err(format!(
                    "{place}: {name} must be in src/capi, and its body must be one call of \
                     a function of guard.rs"
                )
                .into());
            }
            exports.insert(function.sig.ident.to_string(), module(file.strip_prefix(&capi)?));
        }
    }
    if exports.is_empty() { Err("no exports found under src/capi".into()) } else { Ok(exports) }
}

/// The Rust files in a folder and below it.
pub fn parsed(folder: &Path) -> Result<Vec<(PathBuf, syn::File)>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files
        .into_iter()
        .map(|file| {
            let text = fs::read_to_string(&file)?;
            Ok((file, syn::parse_file(&text)?))
        })
        .collect()
}

/// The path of a file's module, like `domain::info`.
pub fn module(file: &Path) -> String {
    let path = file.with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("::").trim_end_matches("::mod").to_owned()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn is_export(function: &ItemFn) -> bool {
    let exported = |attribute: &syn::Attribute| {
        let text = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            other => other.path().get_ident().map(ToString::to_string).unwrap_or_default(),
        };
        text.contains("no_mangle") || text.contains("export_name")
    };
    function.attrs.iter().any(exported)
}

/// The body is one call of a guard, preceded at most by `let _ = parameter`.
fn is_guarded(function: &ItemFn) -> bool {
    let Some((last, before)) = function.block.stmts.split_last() else {
        return false;
    };
    let harmless = |statement: &Stmt| match statement {
        Stmt::Local(local) => {
            local.init.as_ref().is_some_and(|init| matches!(*init.expr, Expr::Path(_)))
        }
        _ => false,
    };
    let Stmt::Expr(Expr::Call(call), None) = last else {
        return false;
    };
    let Expr::Path(path) = &*call.func else {
        return false;
    };
    before.iter().all(harmless)
        && path.path.get_ident().is_some_and(|name| GUARDS.iter().any(|guard| name == guard))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guarded(body: &str) -> bool {
        let text = format!("pub unsafe extern \"C\" fn f(e: E) -> c_int {{ {body} }}");
        is_guarded(&syn::parse_str(&text).expect("parses"))
    }

    #[test]
    fn only_a_call_of_a_guard_will_do() {
        assert!(guarded("status(e, |c| Ok(()))"));
        assert!(guarded("let _ = len; void(|c| c.free(e))"));
        assert!(!guarded("let x = run(e); void(|c| c.free(x))"));
        assert!(!guarded("e.run(); status(e, |c| Ok(()))"));
        assert!(!guarded("match status(e, f) { x => x }"));
        assert!(!guarded("work(e)"));
        assert!(!guarded("status(e, f);"));
        assert!(!guarded(""));
    }

    #[test]
    fn exports_are_recognised() {
        let is = |text: &str| is_export(&syn::parse_str(text).expect("parses"));
        assert!(is("#[unsafe(no_mangle)] pub extern \"C\" fn f() {}"));
        assert!(is("#[unsafe(export_name = \"g\")] pub extern \"C\" fn f() {}"));
        assert!(!is("pub unsafe extern \"C\" fn callback() {}"));
    }
}
