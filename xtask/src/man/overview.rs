// SPDX-License-Identifier: LGPL-2.1-or-later
//! libvkvm(3), the page to begin with: how to compile, the conventions, the classes, and a
//! first program.

use super::roff::Page;
use super::{EVENTS, OVERVIEW, Source, first_sentence};
use crate::{Result, classes, header};

/// The page.
pub fn page(source: &Source) -> Result<Page> {
    let mut page = Page::new(OVERVIEW, OVERVIEW, "manage KVM hosts from C");
    page.synopsis(&["cc program.c $(pkg-config --cflags --libs vkvm)".to_owned()]);
    page.description(
        "A library over libvirt, with the object model of Perl's Sys::Virt: one function for each \
         of its methods, `vkvm_<class>_<method>`. Each class has a page with its functions by \
         subject and its constants; each function has a page.",
    );
    page.section("CONVENTIONS");
    page.paragraph(&header::conventions().join("\n"));
    page.section("CLASSES");
    let groups = source.api.groups();
    for class in classes::all() {
        let Some(doc) = groups.get(class.name.as_str()) else { continue };
        let doc = if doc.is_empty() { &class.title } else { first_sentence(doc) };
        page.function(&format!("vkvm_{}", class.name), &format!("{}.", doc.trim_end_matches('.')));
    }
    page.section("EXAMPLE");
    let code = source.guide.split("```c\n").nth(1).and_then(|rest| rest.split("```").next());
    page.code(code.ok_or("the guide has no first program")?.trim_end());
    page.see_also(&[EVENTS, "vkvm_error", "vkvm(1)", "VKVM(3pm)", "VKVM::Host(3pm)"]);
    Ok(page)
}
