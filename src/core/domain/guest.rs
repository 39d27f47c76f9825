// SPDX-License-Identifier: LGPL-2.1-or-later
//! Set and asked in the guest by its agent: the clock, and who may log in.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr::{self, NonNull};

use virt::sys;

use super::{Domain, Text, call};
use crate::error::{Misuse, Result};

impl Domain {
    /// The guest's clock: seconds since 1970, and nanoseconds.
    pub fn get_time(&self, flags: c_uint) -> Result<(i64, c_uint)> {
        let (mut seconds, mut nanoseconds) = (0, 0);
        // SAFETY: the pointer is live. The outputs outlive the call.
        let returned =
            unsafe { sys::virDomainGetTime(self.raw(), &mut seconds, &mut nanoseconds, flags) };
        call::done(returned, c"virDomainGetTime")?;
        Ok((seconds, nanoseconds))
    }

    /// Sets the guest's clock.
    pub fn set_time(&self, seconds: i64, nanoseconds: c_uint, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainSetTime(self.raw(), seconds, nanoseconds, flags) };
        call::done(returned, c"virDomainSetTime")
    }

    /// Sets how many seconds to wait for the agent.
    pub fn set_agent_response_timeout(&self, timeout: c_int, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainAgentSetResponseTimeout(self.raw(), timeout, flags) };
        call::done(returned, c"virDomainAgentSetResponseTimeout")
    }

    /// The public keys with which one may log in as a user of the guest.
    pub fn authorized_ssh_keys_get(&self, user: &CStr, flags: c_uint) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; on success the array holds that many new texts, none of
        // them NULL.
        unsafe {
            call::objects(
                c"virDomainAuthorizedSSHKeysGet",
                |array: *mut *mut NonNull<c_char>| {
                    let (user, array) = (user.as_ptr(), array.cast());
                    sys::virDomainAuthorizedSSHKeysGet(self.raw(), user, array, flags)
                },
                |raw| Text::adopt(raw),
            )
        }
    }

    /// Sets, adds or removes such keys.
    pub fn authorized_ssh_keys_set(
        &self,
        user: &CStr,
        keys: &[&CStr],
        flags: c_uint,
    ) -> Result<()> {
        let count = c_uint::try_from(keys.len()).map_err(|_| Misuse::TooLarge {
            parameter: "keys",
            what: "the number of keys",
            actual: keys.len() as u64,
            limit: u64::from(c_uint::MAX),
        })?;
        let mut keys: Vec<*const c_char> = keys.iter().map(|key| key.as_ptr()).collect();
        let array = if keys.is_empty() { ptr::null_mut() } else { keys.as_mut_ptr() };
        // SAFETY: the pointer is live; the array holds `count` texts.
        let returned = unsafe {
            sys::virDomainAuthorizedSSHKeysSet(self.raw(), user.as_ptr(), array, count, flags)
        };
        call::done(returned, c"virDomainAuthorizedSSHKeysSet")
    }
}
