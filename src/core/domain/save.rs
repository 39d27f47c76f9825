// SPDX-License-Identifier: LGPL-2.1-or-later
//! Saving a running domain to a file.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::conn::locate_nullable;
use crate::core::late::Late;
use crate::core::typed_params::TypedParams;
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

type SaveParams =
    unsafe extern "C" fn(sys::virDomainPtr, sys::virTypedParameterPtr, c_int, c_uint) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static SAVE_PARAMS: Late<SaveParams> = unsafe { Late::new(c"virDomainSaveParams", "8.4.0") };

/// The parameters of saving and restoring, with their types.
const PARAMS: [(&str, u32); 4] = [
    ("file", sys::VIR_TYPED_PARAM_STRING),
    ("dxml", sys::VIR_TYPED_PARAM_STRING),
    ("image_format", sys::VIR_TYPED_PARAM_STRING),
    ("parallel.channels", sys::VIR_TYPED_PARAM_INT),
];

/// The parameters of saving or restoring. File and XML that are given apart go before
/// what `params` say.
pub(crate) fn typed(
    mut params: Map,
    file: Option<&CStr>,
    dxml: Option<&CStr>,
) -> Result<TypedParams> {
    for (key, text) in [("file", file), ("dxml", dxml)] {
        if let Some(text) = text {
            params.insert(key, Value::String(text.to_string_lossy().into_owned()));
        }
    }
    TypedParams::from_table(&params, &PARAMS, "params")
}

/// The file, which only `params` can make unneeded.
pub(crate) fn needed<'a>(file: Option<&'a CStr>, parameter: &'static str) -> Result<&'a CStr> {
    let wanted = "a file, here or as \"file\" in params,";
    file.ok_or_else(|| Misuse::Null { parameter, wanted }.into())
}

impl Domain {
    /// Saves the domain to a file, with other XML if there is some, and stops it.
    /// What is given here goes before what `params` say.
    pub fn save(
        &self,
        to: Option<&CStr>,
        dxml: Option<&CStr>,
        params: Option<Map>,
        flags: c_uint,
    ) -> Result<()> {
        let place = |error| locate_nullable(error, "dxml", dxml);
        if let Some(params) = params {
            let to_a_file = to.is_some() || params.get("file").is_some();
            let params = typed(params, to, dxml)?;
            // Without a file libvirt saves where a managed save goes; its QEMU driver (9.0)
            // never unlocks the domain then, and soon answers nobody any more.
            if !to_a_file {
                needed(to, "to")?;
            }
            let (array, len) = params.as_raw();
            // SAFETY: the pointer is live. The array holds `len` parameters.
            let returned = unsafe { SAVE_PARAMS.get()?(self.raw(), array, len, flags) };
            return call::done(returned, c"virDomainSaveParams").map_err(place);
        }
        let to = needed(to, "to")?;
        // SAFETY: the pointer is live; libvirt takes NULL for no other XML.
        unsafe {
            if dxml.is_none() && flags == 0 {
                let returned = sys::virDomainSave(self.raw(), to.as_ptr());
                return call::done(returned, c"virDomainSave");
            }
            let xml = dxml.map_or(ptr::null(), CStr::as_ptr);
            let returned = sys::virDomainSaveFlags(self.raw(), to.as_ptr(), xml, flags);
            call::done(returned, c"virDomainSaveFlags").map_err(place)
        }
    }
}
