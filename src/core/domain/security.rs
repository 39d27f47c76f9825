// SPDX-License-Identifier: LGPL-2.1-or-later
//! How a domain is kept apart, from others and from its host.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::late::Late;
use crate::core::typed_params::TypedParams;
use crate::error::Result;
use crate::value::Map;

type SetLaunchSecurityState =
    unsafe extern "C" fn(sys::virDomainPtr, *mut sys::virTypedParameter, c_int, c_uint) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static SET_LAUNCH_SECURITY_STATE: Late<SetLaunchSecurityState> =
    unsafe { Late::new(c"virDomainSetLaunchSecurityState", "8.0.0") };

/// What `set_launch_security_state` can set.
const STATE: [(&str, u32); 3] = [
    ("sev-secret", sys::VIR_TYPED_PARAM_STRING),
    ("sev-secret-header", sys::VIR_TYPED_PARAM_STRING),
    ("sev-secret-set-address", sys::VIR_TYPED_PARAM_ULLONG),
];

impl Domain {
    /// The label of its processes, and whether the host heeds it.
    pub fn get_security_label(&self) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut label: sys::virSecurityLabel = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is live. The output outlives the call.
        let returned = unsafe { sys::virDomainGetSecurityLabel(self.raw(), &mut label) };
        call::done(returned, c"virDomainGetSecurityLabel")?;
        Ok(label_map(&label))
    }

    /// The same for each security driver of the host.
    pub fn get_security_label_list(&self) -> Result<Vec<Map>> {
        let mut labels: *mut sys::virSecurityLabel = ptr::null_mut();
        // SAFETY: the pointer is live; the output outlives the call.
        let returned = unsafe { sys::virDomainGetSecurityLabelList(self.raw(), &mut labels) };
        let count = call::number(returned, c"virDomainGetSecurityLabelList")? as usize;
        // SAFETY: as many labels as returned, in an array that is ours to free.
        unsafe {
            let maps = (0..count).map(|i| label_map(&*labels.add(i))).collect();
            libc::free(labels.cast());
            Ok(maps)
        }
    }

    /// What protects its memory from the host, with which one can verify it.
    pub fn get_launch_security_info(&self, flags: c_uint) -> Result<Map> {
        let (mut array, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the pointer is live; on success the array is ours.
        let info = unsafe {
            let returned =
                sys::virDomainGetLaunchSecurityInfo(self.raw(), &mut array, &mut len, flags);
            call::done(returned, c"virDomainGetLaunchSecurityInfo")?;
            TypedParams::adopt(array, len)
        };
        Ok(info.to_map())
    }

    /// Puts a secret into the memory that is protected so.
    pub fn set_launch_security_state(&self, state: &Map, flags: c_uint) -> Result<()> {
        let set_launch_security_state = SET_LAUNCH_SECURITY_STATE.get()?;
        let mut params = TypedParams::from_table(state, &STATE, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { set_launch_security_state(self.raw(), array, len, flags) };
        params.wipe();
        call::done(returned, c"virDomainSetLaunchSecurityState")
    }
}

fn label_map(label: &sys::virSecurityLabel) -> Map {
    // SAFETY: libvirt ends the text with a NUL inside its fixed-size array.
    let text = unsafe { CStr::from_ptr(label.label.as_ptr()) };
    let mut map = Map::with_capacity(2);
    map.push_new("label", text.to_string_lossy().into_owned());
    map.push_new("enforcing", label.enforcing);
    map
}
