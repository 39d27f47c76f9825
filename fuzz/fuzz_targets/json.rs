// SPDX-License-Identifier: LGPL-2.1-or-later
//! JSON from anywhere: it is read or refused; what was read survives being written
//! and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vkvm::value::Value;

fuzz_target!(|text: &str| {
    let Ok(value) = Value::from_json(text) else { return };
    let written = value.to_json(false).expect("what was read can be written");
    assert_eq!(Value::from_json(&written).expect("what was written can be read"), value);
});
