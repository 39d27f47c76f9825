// SPDX-License-Identifier: LGPL-2.1-or-later
//! Looking into a domain's memory and disks.

use std::ffi::{CStr, c_int, c_uint, c_void};

use virt::sys;

use super::{Domain, call};
use crate::core::late::Late;
use crate::error::{Misuse, Result};
use crate::memory;

type StartDirtyRateCalc = unsafe extern "C" fn(sys::virDomainPtr, c_int, c_uint) -> c_int;

// SAFETY: this is the function's type in libvirt's header.
static START_DIRTY_RATE_CALC: Late<StartDirtyRateCalc> =
    unsafe { Late::new(c"virDomainStartDirtyRateCalc", "7.2.0") };

/// Room for what is looked at: for more than libvirt sends at once.
fn buffer(size: usize) -> Result<Vec<u8>> {
    const LIMIT: usize = 1 << 30;
    if size > LIMIT {
        let (actual, limit) = (size as u64, LIMIT as u64);
        let what = "the number of bytes";
        return Err(Misuse::TooLarge { parameter: "size", what, actual, limit }.into());
    }
    memory::list(size, "size")
}

/// What libvirt has written into `buffer`.
fn filled(mut buffer: Vec<u8>, size: usize) -> Vec<u8> {
    // SAFETY: there is room for `size` bytes, and a call that succeeds writes them all.
    unsafe { buffer.set_len(size) }
    buffer
}

impl Domain {
    /// Bytes of a disk, as the guest sees it.
    pub fn block_peek(
        &self,
        path: &CStr,
        offset: u64,
        size: usize,
        flags: c_uint,
    ) -> Result<Vec<u8>> {
        let mut data = buffer(size)?;
        let place = data.as_mut_ptr().cast::<c_void>();
        // SAFETY: the pointer is live. There is room for `size` bytes.
        let returned = unsafe {
            sys::virDomainBlockPeek(self.raw(), path.as_ptr(), offset, size, place, flags)
        };
        call::done(returned, c"virDomainBlockPeek")?;
        Ok(filled(data, size))
    }

    /// Bytes of the guest's memory.
    pub fn memory_peek(&self, offset: u64, size: usize, flags: c_uint) -> Result<Vec<u8>> {
        let mut data = buffer(size)?;
        let place = data.as_mut_ptr().cast::<c_void>();
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainMemoryPeek(self.raw(), offset, size, place, flags) };
        call::done(returned, c"virDomainMemoryPeek")?;
        Ok(filled(data, size))
    }

    /// Begins to measure how fast the guest writes to its memory.
    pub fn start_dirty_rate_calc(&self, seconds: c_int, flags: c_uint) -> Result<()> {
        let start_dirty_rate_calc = START_DIRTY_RATE_CALC.get()?;
        // SAFETY: the pointer is live.
        let returned = unsafe { start_dirty_rate_calc(self.raw(), seconds, flags) };
        call::done(returned, c"virDomainStartDirtyRateCalc")
    }

    /// Sets how often the guest is asked about its memory.
    pub fn set_memory_stats_period(&self, period: c_int, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainSetMemoryStatsPeriod(self.raw(), period, flags) };
        call::done(returned, c"virDomainSetMemoryStatsPeriod")
    }
}
