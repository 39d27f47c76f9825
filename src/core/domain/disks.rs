// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's disks: their sizes, their thresholds, and limits for groups of them.

use std::ffi::{CStr, c_char, c_int, c_uint};

use virt::sys;

use super::{Domain, call};
use crate::core::late::Late;
use crate::core::typed_params::TypedParams;
use crate::error::Result;
use crate::value::Map;

type SetThrottleGroup = unsafe extern "C" fn(
    sys::virDomainPtr,
    *const c_char,
    *mut sys::virTypedParameter,
    c_int,
    c_uint,
) -> c_int;
type DelThrottleGroup = unsafe extern "C" fn(sys::virDomainPtr, *const c_char, c_uint) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static SET_THROTTLE_GROUP: Late<SetThrottleGroup> =
    unsafe { Late::new(c"virDomainSetThrottleGroup", "11.2.0") };
// SAFETY: this is the function's type in libvirt's header.
static DEL_THROTTLE_GROUP: Late<DelThrottleGroup> =
    unsafe { Late::new(c"virDomainDelThrottleGroup", "11.2.0") };

/// The limits of a throttle group.
const LIMITS: [(&str, u32); 20] = [
    ("total_bytes_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("read_bytes_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("write_bytes_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("total_iops_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("read_iops_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("write_iops_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("total_bytes_sec_max", sys::VIR_TYPED_PARAM_ULLONG),
    ("read_bytes_sec_max", sys::VIR_TYPED_PARAM_ULLONG),
    ("write_bytes_sec_max", sys::VIR_TYPED_PARAM_ULLONG),
    ("total_iops_sec_max", sys::VIR_TYPED_PARAM_ULLONG),
    ("read_iops_sec_max", sys::VIR_TYPED_PARAM_ULLONG),
    ("write_iops_sec_max", sys::VIR_TYPED_PARAM_ULLONG),
    ("size_iops_sec", sys::VIR_TYPED_PARAM_ULLONG),
    ("group_name", sys::VIR_TYPED_PARAM_STRING),
    ("total_bytes_sec_max_length", sys::VIR_TYPED_PARAM_ULLONG),
    ("read_bytes_sec_max_length", sys::VIR_TYPED_PARAM_ULLONG),
    ("write_bytes_sec_max_length", sys::VIR_TYPED_PARAM_ULLONG),
    ("total_iops_sec_max_length", sys::VIR_TYPED_PARAM_ULLONG),
    ("read_iops_sec_max_length", sys::VIR_TYPED_PARAM_ULLONG),
    ("write_iops_sec_max_length", sys::VIR_TYPED_PARAM_ULLONG),
];

impl Domain {
    /// Changes the size of a disk.
    pub fn block_resize(&self, disk: &CStr, size: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainBlockResize(self.raw(), disk.as_ptr(), size, flags) };
        call::done(returned, c"virDomainBlockResize")
    }

    /// Sets from which byte on a write to a disk is reported by an event.
    pub fn set_block_threshold(&self, dev: &CStr, threshold: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { sys::virDomainSetBlockThreshold(self.raw(), dev.as_ptr(), threshold, flags) };
        call::done(returned, c"virDomainSetBlockThreshold")
    }

    /// Makes or changes a group of disks that have their limits in common.
    pub fn set_throttle_group(&self, group: &CStr, limits: &Map, flags: c_uint) -> Result<()> {
        let params = TypedParams::from_table(limits, &LIMITS, "newparams")?;
        let (array, len) = params.as_raw();
        let set_throttle_group = SET_THROTTLE_GROUP.get()?;
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { set_throttle_group(self.raw(), group.as_ptr(), array, len, flags) };
        call::done(returned, c"virDomainSetThrottleGroup")
    }

    /// Removes such a group.
    pub fn del_throttle_group(&self, group: &CStr, flags: c_uint) -> Result<()> {
        let del_throttle_group = DEL_THROTTLE_GROUP.get()?;
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { del_throttle_group(self.raw(), group.as_ptr(), flags) };
        call::done(returned, c"virDomainDelThrottleGroup")
    }
}
