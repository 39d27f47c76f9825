// SPDX-License-Identifier: LGPL-2.1-or-later
//! The functions that libvirt calls when something happens: one for each way in
//! which it passes arguments, for objects of any class.
//!
//! All of these functions have one contract: libvirt calls them with a live
//! object of the class, arguments that are as its header says and live for the
//! time of the call, and the number that was given to it at registration, which
//! is a tap of the hub, or was. Text may be NULL.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_uint, c_ulonglong, c_void};

use virt::sys;

use super::callback::Callback;
use super::kinds::{self, Signature};
use super::listeners::{HUB, Topic};
use super::subject::Subject;
use super::{Event, shielded};
use crate::core::typed_params;
use crate::value::{Map, Value};

/// The function that has this signature.
pub(super) fn callback<S: Subject>(signature: Signature) -> Callback {
    Callback::new(match signature {
        Signature::Nothing => nothing::<S> as *const c_void,
        Signature::Lifecycle => lifecycle::<S> as *const c_void,
        Signature::Int => int::<S> as *const c_void,
        Signature::IntInt => int_int::<S> as *const c_void,
        Signature::IntIntUnsigned => int_int_unsigned::<S> as *const c_void,
        Signature::IntText => int_text::<S> as *const c_void,
        Signature::Unsigned => unsigned::<S> as *const c_void,
        Signature::Long => long::<S> as *const c_void,
        Signature::UnsignedLong => unsigned_long::<S> as *const c_void,
        Signature::Text => text::<S> as *const c_void,
        Signature::TextInt => text_int::<S> as *const c_void,
        Signature::TextIntInt => text_int_int::<S> as *const c_void,
        Signature::IntIntAfterText => int_int_after_text::<S> as *const c_void,
        Signature::TextUnsignedLong => text_unsigned_long::<S> as *const c_void,
        Signature::TextTextInt => text_text_int::<S> as *const c_void,
        Signature::TextTextIntText => text_text_int_text::<S> as *const c_void,
        Signature::TextTextText => text_text_text::<S> as *const c_void,
        Signature::TextTextTextInt => text_text_text_int::<S> as *const c_void,
        Signature::TextTextUnsignedLongs => text_text_unsigned_longs::<S> as *const c_void,
        Signature::Params => params::<S> as *const c_void,
        Signature::Graphics => graphics::<S> as *const c_void,
    })
}

/// Tells those who listen.
///
/// # Safety
/// As in the contract of this module: `object` is from libvirt.
pub(super) unsafe fn deliver<S: Subject, const N: usize>(
    object: *mut c_void,
    tap: *mut c_void,
    values: [Value; N],
) {
    shielded(|| {
        HUB.deliver(tap.addr(), |topic| {
            let (id, names) = match topic {
                Topic::Events { id, .. } => {
                    (*id, kinds::find(S::kinds(), *id).map_or(&[][..], |kind| kind.names))
                }
                _ => (0, kinds::MONITOR),
            };
            let mut args = Map::with_capacity(N);
            for (name, value) in names.iter().zip(values) {
                args.push_new(*name, value);
            }
            // SAFETY: as promised by the caller.
            Event { object: Some(unsafe { S::borrow(object) }), id, args }
        });
    });
}

/// Text, or null.
///
/// # Safety
/// `text` is NULL or a C string.
pub(super) unsafe fn string(text: *const c_char) -> Value {
    if text.is_null() {
        return Value::Null;
    }
    // SAFETY: as promised by the caller.
    Value::String(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

type Conn = sys::virConnectPtr;

unsafe extern "C" fn nothing<S: Subject>(_: Conn, object: *mut c_void, data: *mut c_void) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 0>(object, data, []) }
}

unsafe extern "C" fn lifecycle<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_int,
    b: c_int,
    data: *mut c_void,
) -> c_int {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 2>(object, data, [a.into(), b.into()]) }
    0
}

unsafe extern "C" fn int<S: Subject>(_: Conn, object: *mut c_void, a: c_int, data: *mut c_void) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 1>(object, data, [a.into()]) }
}

unsafe extern "C" fn int_int<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_int,
    b: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 2>(object, data, [a.into(), b.into()]) }
}

unsafe extern "C" fn int_int_unsigned<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_int,
    b: c_int,
    c: c_uint,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 3>(object, data, [a.into(), b.into(), c.into()]) }
}

unsafe extern "C" fn int_text<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_int,
    b: *const c_char,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 2>(object, data, [a.into(), string(b)]) }
}

unsafe extern "C" fn unsigned<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_uint,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 1>(object, data, [a.into()]) }
}

unsafe extern "C" fn long<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_longlong,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 1>(object, data, [a.into()]) }
}

unsafe extern "C" fn unsigned_long<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: c_ulonglong,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 1>(object, data, [a.into()]) }
}

unsafe extern "C" fn text<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 1>(object, data, [string(a)]) }
}

unsafe extern "C" fn text_int<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 2>(object, data, [string(a), b.into()]) }
}

unsafe extern "C" fn text_int_int<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: c_int,
    c: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 3>(object, data, [string(a), b.into(), c.into()]) }
}

unsafe extern "C" fn int_int_after_text<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: c_int,
    c: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 3>(object, data, [b.into(), c.into(), string(a)]) }
}

unsafe extern "C" fn text_unsigned_long<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: c_ulonglong,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 2>(object, data, [string(a), b.into()]) }
}

unsafe extern "C" fn text_text_int<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: *const c_char,
    c: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 3>(object, data, [string(a), string(b), c.into()]) }
}

unsafe extern "C" fn text_text_int_text<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: *const c_char,
    c: c_int,
    d: *const c_char,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 4>(object, data, [string(a), string(b), c.into(), string(d)]) }
}

unsafe extern "C" fn text_text_text<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: *const c_char,
    c: *const c_char,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 3>(object, data, [string(a), string(b), string(c)]) }
}

unsafe extern "C" fn text_text_text_int<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: *const c_char,
    c: *const c_char,
    d: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 4>(object, data, [string(a), string(b), string(c), d.into()]) }
}

unsafe extern "C" fn text_text_unsigned_longs<S: Subject>(
    _: Conn,
    object: *mut c_void,
    a: *const c_char,
    b: *const c_char,
    c: c_ulonglong,
    d: c_ulonglong,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe { deliver::<S, 4>(object, data, [string(a), string(b), c.into(), d.into()]) }
}

unsafe extern "C" fn params<S: Subject>(
    _: Conn,
    object: *mut c_void,
    params: *mut sys::virTypedParameter,
    count: c_int,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module; the parameters stay libvirt's.
    unsafe {
        let map = typed_params::to_map(typed_params::slice(params, count));
        deliver::<S, 1>(object, data, [Value::Map(map)]);
    }
}

unsafe extern "C" fn graphics<S: Subject>(
    _: Conn,
    object: *mut c_void,
    phase: c_int,
    local: *const sys::virDomainEventGraphicsAddress,
    remote: *const sys::virDomainEventGraphicsAddress,
    scheme: *const c_char,
    subject: *const sys::virDomainEventGraphicsSubject,
    data: *mut c_void,
) {
    // SAFETY: the contract of this module.
    unsafe {
        let values = [
            phase.into(),
            address(local),
            address(remote),
            string(scheme),
            Value::List(identities(subject)),
        ];
        deliver::<S, 5>(object, data, values);
    }
}

/// # Safety
/// `address` is NULL or valid.
unsafe fn address(address: *const sys::virDomainEventGraphicsAddress) -> Value {
    // SAFETY: as promised by the caller; its texts are C strings or NULL.
    let Some(address) = (unsafe { address.as_ref() }) else {
        return Value::Null;
    };
    let mut map = Map::with_capacity(3);
    map.push_new("family", address.family);
    // SAFETY: the contract of this module.
    unsafe {
        map.push_new("node", string(address.node));
        map.push_new("service", string(address.service));
    }
    Value::Map(map)
}

/// # Safety
/// `subject` is NULL or valid.
unsafe fn identities(subject: *const sys::virDomainEventGraphicsSubject) -> Vec<Value> {
    // SAFETY: as promised by the caller; there are as many identities as it says.
    let identities = unsafe {
        match subject.as_ref() {
            Some(subject) if subject.nidentity > 0 && !subject.identities.is_null() => {
                std::slice::from_raw_parts(subject.identities, subject.nidentity as usize)
            }
            _ => &[],
        }
    };
    let value = |identity: &sys::virDomainEventGraphicsSubjectIdentity| {
        let mut map = Map::with_capacity(2);
        // SAFETY: C strings or NULL, by the caller.
        unsafe {
            map.push_new("type", string(identity.type_));
            map.push_new("name", string(identity.name));
        }
        Value::Map(map)
    };
    identities.iter().map(value).collect()
}
