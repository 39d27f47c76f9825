// SPDX-License-Identifier: LGPL-2.1-or-later
//! XML from anywhere: it is read or refused, and shown to a visitor or refused, by
//! the same rules; what was read survives being written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vkvm::xml::{Visit, from_xml, to_xml, visit_xml};

/// Checks that what begins ends.
#[derive(Default)]
struct Depth(usize);

impl Visit for Depth {
    fn boolean(&mut self, _: bool) {}
    fn string(&mut self, _: &str) {}
    fn list(&mut self, _: usize) {
        self.0 += 1;
    }
    fn map(&mut self, _: usize) {
        self.0 += 1;
    }
    fn key(&mut self, _: &str) {}
    fn end(&mut self) {
        self.0 -= 1;
    }
}

fuzz_target!(|text: &str| {
    let mut depth = Depth::default();
    let shown = visit_xml(text, &mut depth);
    assert_eq!(depth.0, 0);
    let Ok(value) = from_xml(text) else {
        assert!(shown.is_err());
        return;
    };
    assert!(shown.is_ok());
    let Ok(written) = to_xml(&value) else {
        panic!("what was read cannot be written: {value:?}");
    };
    assert_eq!(from_xml(&written).expect("what was written can be read"), value);
});
