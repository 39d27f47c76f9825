// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's network interfaces: announcing them to the network.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::late::Late;
use crate::core::typed_params::TypedParams;
use crate::error::Result;
use crate::value::Map;

type AnnounceInterface = unsafe extern "C" fn(
    sys::virDomainPtr,
    *const c_char,
    *mut sys::virTypedParameter,
    c_int,
    c_uint,
) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static ANNOUNCE_INTERFACE: Late<AnnounceInterface> =
    unsafe { Late::new(c"virDomainAnnounceInterface", "12.5.0") };

/// When announcements are sent.
const TIMES: [(&str, u32); 4] = [
    ("initial", sys::VIR_TYPED_PARAM_UINT),
    ("max", sys::VIR_TYPED_PARAM_UINT),
    ("rounds", sys::VIR_TYPED_PARAM_UINT),
    ("step", sys::VIR_TYPED_PARAM_UINT),
];

impl Domain {
    /// Announces the hardware address of an interface, or of all, to the network.
    pub fn announce_interface(
        &self,
        device: Option<&CStr>,
        times: &Map,
        flags: c_uint,
    ) -> Result<()> {
        let params = TypedParams::from_table(times, &TIMES, "params")?;
        let (array, len) = params.as_raw();
        let device = device.map_or(ptr::null(), CStr::as_ptr);
        let announce_interface = ANNOUNCE_INTERFACE.get()?;
        // SAFETY: the pointer is live; libvirt takes NULL for all interfaces; the array
        // holds `len` parameters.
        let returned = unsafe { announce_interface(self.raw(), device, array, len, flags) };
        call::done(returned, c"virDomainAnnounceInterface")
    }
}
