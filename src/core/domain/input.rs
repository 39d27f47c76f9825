// SPDX-License-Identifier: LGPL-2.1-or-later
//! What goes into a guest as if from its keyboard, and signals to its processes.

use std::ffi::{c_int, c_uint};

use virt::sys;

use super::{Domain, call};
use crate::error::{Misuse, Result};

impl Domain {
    /// Presses keys together, for some milliseconds.
    pub fn send_key(
        &self,
        codeset: c_uint,
        holdtime: c_uint,
        keycodes: &[c_int],
        flags: c_uint,
    ) -> Result<()> {
        let most = sys::VIR_DOMAIN_SEND_KEY_MAX_KEYS as usize;
        if !(1..=most).contains(&keycodes.len()) {
            let reason = format!("has {} keys; from 1 to {most} are needed", keycodes.len());
            return Err(Misuse::Invalid { parameter: "keycodes", reason }.into());
        }
        let codes = keycodes.iter().map(|code| {
            c_uint::try_from(*code).map_err(|_| {
                let reason = format!("has the key {code}; a number that is not negative is needed");
                Misuse::Invalid { parameter: "keycodes", reason }.into()
            })
        });
        let mut codes = codes.collect::<Result<Vec<_>>>()?;
        let (array, len) = (codes.as_mut_ptr(), codes.len() as c_int);
        // SAFETY: the pointer is live. The array holds `len` codes.
        let returned =
            unsafe { sys::virDomainSendKey(self.raw(), codeset, holdtime, array, len, flags) };
        call::done(returned, c"virDomainSendKey")
    }

    /// Sends a signal to a process of the guest.
    pub fn send_process_signal(&self, pid: i64, signum: c_uint, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainSendProcessSignal(self.raw(), pid, signum, flags) };
        call::done(returned, c"virDomainSendProcessSignal")
    }
}
