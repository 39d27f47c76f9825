// SPDX-License-Identifier: LGPL-2.1-or-later
//! Copying and merging the disk images of a domain while it runs.

use std::ffi::{CStr, c_char, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::constants as c;
use crate::core::conn::locate;
use crate::core::typed_params::TypedParams;
use crate::error::Result;
use crate::value::Map;

/// The parameters of a copy, with their types.
const COPY: [(&str, u32); 3] = [
    ("bandwidth", sys::VIR_TYPED_PARAM_ULLONG),
    ("granularity", sys::VIR_TYPED_PARAM_UINT),
    ("buf-size", sys::VIR_TYPED_PARAM_ULLONG),
];

/// The job of a disk.
pub struct BlockJob {
    /// One of `DOMAIN_BLOCK_JOB_TYPE_*`; unknown where there is none.
    pub kind: u32,
    /// How far it is.
    pub done: u64,
    /// How far it has to go.
    pub total: u64,
}

impl BlockJob {
    /// Whether it is a job, and may be one that was like `before`: none goes back, so that one
    /// which has done less began later.
    pub fn is_later_of(&self, before: Option<&BlockJob>) -> bool {
        let is_job = self.kind != c::DOMAIN_BLOCK_JOB_TYPE_UNKNOWN;
        is_job && before.is_none_or(|job| job.kind == self.kind && job.done <= self.done)
    }

    /// Whether both images are the same. libvirt sees to it that the numbers are equal only
    /// then.
    pub fn is_ready(&self) -> bool {
        let follows = [c::DOMAIN_BLOCK_JOB_TYPE_COPY, c::DOMAIN_BLOCK_JOB_TYPE_ACTIVE_COMMIT];
        follows.contains(&self.kind) && self.total > 0 && self.done == self.total
    }
}

impl Domain {
    /// Begins to copy what the backing images have into the disk's own image.
    pub fn block_pull(&self, path: &CStr, bandwidth: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned =
            unsafe { sys::virDomainBlockPull(self.raw(), path.as_ptr(), bandwidth, flags) };
        call::done(returned, c"virDomainBlockPull")
    }

    /// Begins to merge images of the disk's chain, `top` and those below it, into
    /// `base`.
    pub fn block_commit(
        &self,
        path: &CStr,
        base: Option<&CStr>,
        top: Option<&CStr>,
        bandwidth: u64,
        flags: c_uint,
    ) -> Result<()> {
        let (base, top) = (or_null(base), or_null(top));
        // SAFETY: the pointer is live; libvirt takes NULL for the ends of the chain.
        let returned = unsafe {
            sys::virDomainBlockCommit(self.raw(), path.as_ptr(), base, top, bandwidth, flags)
        };
        call::done(returned, c"virDomainBlockCommit")
    }

    /// Begins to copy the disk to another place.
    pub fn block_copy(&self, path: &CStr, xml: &CStr, params: &Map, flags: c_uint) -> Result<()> {
        let params = TypedParams::from_table(params, &COPY, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe {
            sys::virDomainBlockCopy(self.raw(), path.as_ptr(), xml.as_ptr(), array, len, flags)
        };
        call::done(returned, c"virDomainBlockCopy").map_err(|error| locate(error, "destxml", xml))
    }

    /// Begins to pull from the images above `base` only, or, by flags, to copy to a
    /// file of this name.
    pub fn block_rebase(
        &self,
        path: &CStr,
        base: Option<&CStr>,
        bandwidth: u64,
        flags: c_uint,
    ) -> Result<()> {
        // SAFETY: the pointer is live; libvirt takes NULL for no base.
        let returned = unsafe {
            sys::virDomainBlockRebase(self.raw(), path.as_ptr(), or_null(base), bandwidth, flags)
        };
        call::done(returned, c"virDomainBlockRebase")
    }

    /// How far the disk's job is; all zero when it has none.
    pub fn get_block_job_info(&self, path: &CStr, flags: c_uint) -> Result<Map> {
        let info = self.block_job_info(path, flags)?;
        let mut map = Map::with_capacity(4);
        map.push_new("type", info.type_);
        map.push_new("bandwidth", info.bandwidth);
        map.push_new("cur", info.cur);
        map.push_new("end", info.end);
        Ok(map)
    }

    /// The disk's job.
    pub fn get_block_job(&self, path: &CStr) -> Result<BlockJob> {
        let info = self.block_job_info(path, 0)?;
        Ok(BlockJob { kind: info.type_ as u32, done: info.cur, total: info.end })
    }

    fn block_job_info(&self, path: &CStr, flags: c_uint) -> Result<sys::virDomainBlockJobInfo> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainBlockJobInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainGetBlockJobInfo(self.raw(), path.as_ptr(), &mut info, flags) };
        call::done(returned, c"virDomainGetBlockJobInfo")?;
        Ok(info)
    }

    /// Ends the disk's job, or completes it, by flags.
    pub fn abort_block_job(&self, path: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { sys::virDomainBlockJobAbort(self.raw(), path.as_ptr(), flags) };
        call::done(returned, c"virDomainBlockJobAbort")
    }

    /// Limits the speed of the disk's job.
    pub fn set_block_job_speed(&self, path: &CStr, bandwidth: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { sys::virDomainBlockJobSetSpeed(self.raw(), path.as_ptr(), bandwidth, flags) };
        call::done(returned, c"virDomainBlockJobSetSpeed")
    }
}

fn or_null(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_has_done_less_is_another_one() {
        let job = |kind, done| BlockJob { kind, done, total: 100 };
        let (pull, copy) = (c::DOMAIN_BLOCK_JOB_TYPE_PULL, c::DOMAIN_BLOCK_JOB_TYPE_COPY);
        assert!(job(pull, 0).is_later_of(None));
        assert!(job(pull, 5).is_later_of(Some(&job(pull, 5))));
        assert!(job(pull, 6).is_later_of(Some(&job(pull, 5))));
        assert!(!job(pull, 4).is_later_of(Some(&job(pull, 5))));
        assert!(!job(copy, 6).is_later_of(Some(&job(pull, 5))));
        assert!(!job(c::DOMAIN_BLOCK_JOB_TYPE_UNKNOWN, 6).is_later_of(None));
    }
}
