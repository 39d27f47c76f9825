//! XML from anywhere: it is read or refused; what was read survives being written
//! and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vkvm::xml::{from_xml, to_xml};

fuzz_target!(|text: &str| {
    let Ok(value) = from_xml(text) else { return };
    let Ok(written) = to_xml(&value) else {
        panic!("what was read cannot be written: {value:?}");
    };
    assert_eq!(from_xml(&written).expect("what was written can be read"), value);
});
