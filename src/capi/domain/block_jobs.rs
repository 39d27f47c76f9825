//! Copying and merging the disk images of a domain while it runs.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::calls;
use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::constants as c;
use crate::core::{Domain, sigpipe};
use crate::error::Result;

/// Begins to copy what a disk's backing images have into its own image, which then
/// needs them no more.
///
/// It is a job of the disk: `vkvm_domain_get_block_job_info` tells how far it is.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `bandwidth` (unit MiB/s): the limit of the speed, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES`; 0 for none
/// - `flags` (default 0, enum domain_block_pull_flags)
///
/// libvirt: virDomainBlockPull
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_pull(
    dom: *mut vkvm_domain,
    path: *const c_char,
    bandwidth: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        dom.block_pull(c.text(path, "path")?, bandwidth, flags)
    })
}

/// Begins to merge images of a disk's chain into one below them.
///
/// It is a job of the disk. When the topmost image is merged, the job does not end by
/// itself: `vkvm_domain_abort_block_job` with `VKVM_DOMAIN_BLOCK_JOB_ABORT_PIVOT` lets the
/// domain use `base` from then on.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `base` (nullable): the image to merge into: its path, or like "vda[2]"; NULL for the
///   lowest of the chain
/// - `top` (nullable): the highest image to merge; NULL for the disk's own, which needs
///   `VKVM_DOMAIN_BLOCK_COMMIT_ACTIVE`
/// - `bandwidth` (unit MiB/s): the limit of the speed, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES`; 0 for none
/// - `flags` (default 0, enum domain_block_commit_flags)
///
/// libvirt: virDomainBlockCommit
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_commit(
    dom: *mut vkvm_domain,
    path: *const c_char,
    base: *const c_char,
    top: *const c_char,
    bandwidth: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let (base, top) = (c.text_nullable(base, "base")?, c.text_nullable(top, "top")?);
        dom.block_commit(c.text(path, "path")?, base, top, bandwidth, flags)
    })
}

/// Begins to copy a disk to another place.
///
/// It is a job of the disk. It first copies all there is, then what the domain writes,
/// until `vkvm_domain_abort_block_job` ends it: with `VKVM_DOMAIN_BLOCK_JOB_ABORT_PIVOT` the
/// domain uses the copy from then on.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `destxml`: a `<disk>` document: where to, and in which format
/// - `newparams` (nullable, map): a map, or NULL for none, with keys of the texts
///   `VKVM_DOMAIN_BLOCK_COPY_BANDWIDTH` (in bytes/s), `VKVM_DOMAIN_BLOCK_COPY_GRANULARITY` (in
///   bytes) and `VKVM_DOMAIN_BLOCK_COPY_BUF_SIZE` (in bytes); another key is an error
/// - `flags` (default 0, enum domain_block_copy_flags)
///
/// libvirt: virDomainBlockCopy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_copy(
    dom: *mut vkvm_domain,
    path: *const c_char,
    destxml: *const c_char,
    newparams: *mut vkvm_value,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let (path, xml) = (c.text(path, "path")?, c.text(destxml, "destxml")?);
        let newparams = c.map_nullable(newparams, "newparams")?.unwrap_or_default();
        dom.block_copy(path, xml, &newparams, flags)
    })
}

/// Begins to copy what some backing images of a disk have into its own image, or, by
/// flags, to copy the disk.
///
/// It is a job of the disk.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `base` (nullable): the image that stays the disk's backing image; NULL for none. With
///   `VKVM_DOMAIN_BLOCK_REBASE_COPY`, the path of the copy, which is then needed
/// - `bandwidth` (unit MiB/s): the limit of the speed, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES`; 0 for none
/// - `flags` (default 0, enum domain_block_rebase_flags)
///
/// libvirt: virDomainBlockRebase
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_block_rebase(
    dom: *mut vkvm_domain,
    path: *const c_char,
    base: *const c_char,
    bandwidth: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        let (path, base) = (c.text(path, "path")?, c.text_nullable(base, "base")?);
        dom.block_rebase(path, base, bandwidth, flags)
    })
}

/// Tells how far the job of a disk is.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `flags` (default 0, enum domain_block_job_info_flags)
/// - `info` (map): a map of `type` (one of `VKVM_DOMAIN_BLOCK_JOB_TYPE_*`), `bandwidth` (the
///   limit in MiB/s, or bytes/s with `VKVM_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES`; 0 for none),
///   `cur` and `end` (how far it is of how far it has to go, in a unit of the hypervisor's); all
///   0 when the disk has no job
///
/// libvirt: virDomainGetBlockJobInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_block_job_info(
    dom: *mut vkvm_domain,
    path: *const c_char,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        let dom = c.get(dom, "dom")?;
        out.set_value(dom.get_block_job_info(c.text(path, "path")?, flags)?)
    })
}

/// Waits until the block job of a disk is ready, or has ended.
///
/// A copy and an active commit are ready when both images are the same; they go on, until
/// `vkvm_domain_abort_block_job` ends or pivots them. Other jobs end by themselves. Whether one
/// that has ended was successful, its event says (`VKVM_DOMAIN_EVENT_ID_BLOCK_JOB_2`).
///
/// This asks the daemon every 100 ms. As a call of `vkvm_call_start` it has a progress, and when
/// it is given up, the job is aborted.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `ready`: whether the job is ready; false where there is none, or none any more
///
/// libvirt: virDomainGetBlockJobInfo, virDomainBlockJobAbort
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_wait_for_block_job(
    dom: *mut vkvm_domain,
    path: *const c_char,
    ready: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, dom) = (c.out(ready, "ready")?, c.get(dom, "dom")?);
        out.set(wait(&dom, c.text(path, "path")?)?);
        Ok(())
    })
}

/// Whether the disk's job is ready; it is over otherwise.
fn wait(dom: &Domain, path: &CStr) -> Result<bool> {
    const PAUSE: Duration = Duration::from_millis(100);
    let conn = Arc::new(dom.get_conn()?);
    let mut first = None;
    loop {
        let job = calls::insist(&conn, || dom.get_block_job(path))?;
        // Another one begins when this one is over.
        if job.kind == c::DOMAIN_BLOCK_JOB_TYPE_UNKNOWN
            || *first.get_or_insert(job.kind) != job.kind
        {
            return Ok(false);
        }
        if !calls::report(job.done, job.total, "bytes") {
            // It may have ended in this moment. Nobody hears of it.
            calls::insist(&conn, || dom.abort_block_job(path, 0))?;
            return Ok(false);
        }
        if job.is_ready() {
            return Ok(true);
        }
        sigpipe::outside(|| thread::sleep(PAUSE));
    }
}

/// Ends the job of a disk, or completes one that only follows what the domain writes.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `flags` (default 0, enum domain_block_job_abort_flags)
///
/// libvirt: virDomainBlockJobAbort
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_abort_block_job(
    dom: *mut vkvm_domain,
    path: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        dom.abort_block_job(c.text(path, "path")?, flags)
    })
}

/// Limits the speed of the job of a disk.
///
/// - `path`: the disk: its target like "vda", or its image's path
/// - `bandwidth` (unit MiB/s): the limit of the speed, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES`; 0 for none
/// - `flags` (default 0, enum domain_block_job_speed_flags)
///
/// libvirt: virDomainBlockJobSetSpeed
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_block_job_speed(
    dom: *mut vkvm_domain,
    path: *const c_char,
    bandwidth: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let dom = c.get(dom, "dom")?;
        dom.set_block_job_speed(c.text(path, "path")?, bandwidth, flags)
    })
}
