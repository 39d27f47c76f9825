// SPDX-License-Identifier: LGPL-2.1-or-later
//! Showing a value to C's visitor.
//!
//! Its calls are too short for a `sigpipe::outside` around each. Where values are shown no
//! signal has been blocked; what comes from libvirt is shown in one `outside`.

use std::ffi::{c_char, c_void};
use std::ptr;

use super::caller::Caller;
use super::types::vkvm_value_visitor;
use crate::error::{Misuse, Result};
use crate::handle::AnyHandle;
use crate::value::Value;
use crate::xml::Visit;

/// A complete visitor of C's.
pub struct Visitor<'a> {
    functions: &'a Functions,
    userdata: *mut c_void,
}

/// [`vkvm_value_visitor`] with every member known to be there.
#[repr(C)]
struct Functions {
    null: unsafe extern "C" fn(*mut c_void),
    boolean: unsafe extern "C" fn(*mut c_void, bool),
    int64: unsafe extern "C" fn(*mut c_void, i64),
    uint64: unsafe extern "C" fn(*mut c_void, u64),
    real: unsafe extern "C" fn(*mut c_void, f64),
    string: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
    bytes: unsafe extern "C" fn(*mut c_void, *const u8, usize),
    handle: unsafe extern "C" fn(*mut c_void, *mut c_void, *const c_char, usize),
    list: unsafe extern "C" fn(*mut c_void, usize),
    map: unsafe extern "C" fn(*mut c_void, usize),
    key: unsafe extern "C" fn(*mut c_void, *const c_char, usize),
    end: unsafe extern "C" fn(*mut c_void),
}

impl<'a> Visitor<'a> {
    /// Checks that no function is missing.
    pub fn new(
        _c: &'a Caller,
        visitor: *const vkvm_value_visitor,
        userdata: *mut c_void,
    ) -> Result<Self> {
        // SAFETY: by the contract it is NULL or a visitor.
        let visitor = unsafe { visitor.as_ref() };
        let Some(functions) = visitor.and_then(complete) else {
            let wanted = "a visitor with all its functions";
            return Err(Misuse::Null { parameter: "visitor", wanted }.into());
        };
        Ok(Visitor { functions, userdata })
    }

    /// Shows a value and what is in it.
    // Inlined into the loops below: a call for each number of a map takes longer
    // than all else that is done with it here.
    #[inline(always)]
    pub fn show(&self, value: &Value) {
        let (f, to) = (self.functions, self.userdata);
        // SAFETY: C's own functions and userdata, by the contract; the texts
        // live across each call.
        unsafe {
            match value {
                Value::Null => (f.null)(to),
                Value::Bool(truth) => (f.boolean)(to, *truth),
                Value::Int(number) => (f.int64)(to, *number),
                Value::Uint(number) => (f.uint64)(to, *number),
                Value::Double(number) => (f.real)(to, *number),
                Value::String(text) => (f.string)(to, text.as_ptr().cast(), text.len()),
                Value::Bytes(bytes) => (f.bytes)(to, bytes.as_ptr(), bytes.len()),
                Value::Handle(handle) => self.show_handle(handle),
                Value::List(list) => self.show_list(list),
                Value::Map(map) => self.show_map(map.len(), map.iter()),
            }
        }
    }

    /// Shows a handle, borrowed.
    pub fn show_handle(&self, handle: &AnyHandle) {
        let (id, class) = (handle.id() as *mut c_void, handle.class_name());
        // SAFETY: as in `show`.
        unsafe { (self.functions.handle)(self.userdata, id, class.as_ptr().cast(), class.len()) }
    }

    fn show_list(&self, list: &[Value]) {
        // SAFETY: as in `show`.
        unsafe { (self.functions.list)(self.userdata, list.len()) }
        list.iter().for_each(|item| self.show(item));
        // SAFETY: as in `show`.
        unsafe { (self.functions.end)(self.userdata) }
    }

    /// Shows a map of so many entries.
    pub fn show_map<'v>(&self, count: usize, entries: impl Iterator<Item = (&'v str, &'v Value)>) {
        let (f, to) = (self.functions, self.userdata);
        // SAFETY: as in `show`.
        unsafe { (f.map)(to, count) }
        for (key, item) in entries {
            // SAFETY: as in `show`.
            unsafe { (f.key)(to, key.as_ptr().cast(), key.len()) }
            self.show(item);
        }
        // SAFETY: as in `show`.
        unsafe { (f.end)(to) }
    }
}

impl Visit for Visitor<'_> {
    fn boolean(&mut self, truth: bool) {
        // SAFETY: as in `show`.
        unsafe { (self.functions.boolean)(self.userdata, truth) }
    }

    fn string(&mut self, text: &str) {
        // SAFETY: as in `show`.
        unsafe { (self.functions.string)(self.userdata, text.as_ptr().cast(), text.len()) }
    }

    fn list(&mut self, count: usize) {
        // SAFETY: as in `show`.
        unsafe { (self.functions.list)(self.userdata, count) }
    }

    fn map(&mut self, count: usize) {
        // SAFETY: as in `show`.
        unsafe { (self.functions.map)(self.userdata, count) }
    }

    fn key(&mut self, key: &str) {
        // SAFETY: as in `show`; the key lives on until the map ends, by the trait.
        unsafe { (self.functions.key)(self.userdata, key.as_ptr().cast(), key.len()) }
    }

    fn end(&mut self) {
        // SAFETY: as in `show`.
        unsafe { (self.functions.end)(self.userdata) }
    }
}

fn complete(visitor: &vkvm_value_visitor) -> Option<&Functions> {
    let v = visitor;
    let complete = v.null.is_some()
        && v.boolean.is_some()
        && v.int64.is_some()
        && v.uint64.is_some()
        && v.real.is_some()
        && v.string.is_some()
        && v.bytes.is_some()
        && v.handle.is_some()
        && v.list.is_some()
        && v.map.is_some()
        && v.key.is_some()
        && v.end.is_some();
    // SAFETY: the members are the same, and a function that is there looks the
    // same in an `Option`; copying them all would be most of a short visit.
    complete.then(|| unsafe { &*ptr::from_ref(visitor).cast() })
}
