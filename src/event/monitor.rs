// SPDX-License-Identifier: LGPL-2.1-or-later
//! Events of QEMU's monitor: what QEMU itself says, also of kinds that libvirt has
//! no event for.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_uint, c_void};
use std::ptr;

use virt::sys;

use super::callback::opaque;
use super::listeners::Registration;
use super::signature::{deliver, string};
use crate::core::domain::qemu::LIBRARY;
use crate::core::late::Late;
use crate::core::line::ConnRef;
use crate::core::{Domain, call};
use crate::error::Result;

type Deregister = unsafe extern "C" fn(sys::virConnectPtr, c_int) -> c_int;
type Callback = unsafe extern "C" fn(
    sys::virConnectPtr,
    sys::virDomainPtr,
    *const c_char,
    c_longlong,
    c_uint,
    *const c_char,
    *mut c_void,
);
type Register = unsafe extern "C" fn(
    sys::virConnectPtr,
    sys::virDomainPtr,
    *const c_char,
    Callback,
    *mut c_void,
    sys::virFreeCallback,
    c_uint,
) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static REGISTER: Late<Register> =
    unsafe { Late::of(LIBRARY, c"virConnectDomainQemuMonitorEventRegister", "1.2.3") };
// SAFETY: this is the function's type in libvirt's header.
static DEREGISTER: Late<Deregister> =
    unsafe { Late::of(LIBRARY, c"virConnectDomainQemuMonitorEventDeregister", "1.2.3") };

/// Registers on a connection: for one domain or, with NULL, for all; for one kind of
/// event or for all.
pub(super) fn begin(
    link: &ConnRef,
    domain: *mut c_void,
    event: Option<&CStr>,
    flags: c_uint,
    tap: usize,
) -> Result<Registration> {
    let (register, deregister) = (REGISTER.get()?, DEREGISTER.get()?);
    let event = event.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: connection and domain are live; libvirt takes NULL for all; the callback
    // gets a number.
    let returned =
        unsafe { register(link.raw(), domain.cast(), event, happened, opaque(tap), None, flags) };
    let number = call::number(returned, c"virConnectDomainQemuMonitorEventRegister")?;
    Ok(Registration::new(link, move |link| {
        // A failure means that libvirt has no such registration any more.
        // SAFETY: the connection is live while `link` is.
        unsafe { deregister(link.raw(), number) };
    }))
}

unsafe extern "C" fn happened(
    _conn: sys::virConnectPtr,
    dom: sys::virDomainPtr,
    event: *const c_char,
    seconds: c_longlong,
    micros: c_uint,
    details: *const c_char,
    userdata: *mut c_void,
) {
    // SAFETY: the contract of `signature`, which this function keeps to, too.
    unsafe {
        let values = [string(event), seconds.into(), micros.into(), string(details)];
        deliver::<Domain, 4>(dom.cast(), userdata, values);
    }
}
