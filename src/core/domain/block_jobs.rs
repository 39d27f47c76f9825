//! Copying and merging the disk images of a domain while it runs.

use std::ffi::{CStr, c_char, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
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
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainBlockJobInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainGetBlockJobInfo(self.raw(), path.as_ptr(), &mut info, flags) };
        call::done(returned, c"virDomainGetBlockJobInfo")?;
        let mut map = Map::with_capacity(4);
        map.push_new("type", info.type_);
        map.push_new("bandwidth", info.bandwidth);
        map.push_new("cur", info.cur);
        map.push_new("end", info.end);
        Ok(map)
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
