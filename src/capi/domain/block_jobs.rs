// SPDX-License-Identifier: LGPL-2.1-or-later
//! Copying and merging the disk images of a domain while it runs.

use std::ffi::{CStr, c_char, c_int};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::calls;
use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};
use crate::core::domain::BlockJob;
use crate::core::{Domain, sigpipe};
use crate::error::{Misuse, Result};

/// Starts a block job that copies a disk's backing images into its active image.
///
/// When it has finished, the image needs no backing image. `vkvm_domain_block_commit` merges in
/// the other direction. `vkvm_domain_get_block_job_info` returns the job's progress, the event
/// `VKVM_DOMAIN_EVENT_ID_BLOCK_JOB_2` its end.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `bandwidth` (unit MiB/s): bandwidth limit, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_PULL_BANDWIDTH_BYTES`; 0 means unlimited
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

/// Starts a block job that merges images of a disk's chain into one below them.
///
/// The merged images become invalid, even if the job is aborted. A commit of the active image
/// does not end by itself: when it is ready, `vkvm_domain_abort_block_job` with
/// `VKVM_DOMAIN_BLOCK_JOB_ABORT_PIVOT` makes the domain use `base`, and without that flag
/// cancels the commit.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `base` (nullable): image to merge into, as path or by index such as "vda[2]"; NULL means
///   the lowest of the chain
/// - `top` (nullable): highest image to merge; NULL means the active one, which requires
///   `VKVM_DOMAIN_BLOCK_COMMIT_ACTIVE`
/// - `bandwidth` (unit MiB/s): bandwidth limit, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_COMMIT_BANDWIDTH_BYTES`; 0 means unlimited
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

/// Starts a block job that copies a disk to another image.
///
/// The job first copies the existing data, then mirrors all writes until
/// `vkvm_domain_abort_block_job` ends it: with `VKVM_DOMAIN_BLOCK_JOB_ABORT_PIVOT` the domain
/// uses the copy from then on, without it the original. Saving the domain or detaching the disk
/// may be refused during the job.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `destxml`: a `<disk>` document that describes the destination; give its format in
///   `<driver>`, as a probed format is a security risk
/// - `newparams` (nullable, map): a map with the texts of `VKVM_DOMAIN_BLOCK_COPY_BANDWIDTH`
///   (bytes/s), `VKVM_DOMAIN_BLOCK_COPY_GRANULARITY` (bytes) and
///   `VKVM_DOMAIN_BLOCK_COPY_BUF_SIZE` (bytes) as keys; an unknown key is an error
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

/// Starts a block job that shortens a disk's backing chain, or copies the disk.
///
/// Without flags the images between `base` and the active one are copied into the active one.
/// With `VKVM_DOMAIN_BLOCK_REBASE_COPY` it is the older form of `vkvm_domain_block_copy`.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `base` (nullable): image that remains as the backing image; NULL means none. With
///   `VKVM_DOMAIN_BLOCK_REBASE_COPY` the path of the copy, which is then required
/// - `bandwidth` (unit MiB/s): bandwidth limit, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_REBASE_BANDWIDTH_BYTES`; 0 means unlimited
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

/// Returns the progress of the block job of a disk.
///
/// `cur` equals `end` when a copy or an active commit is ready. As long as the progress is
/// unknown, `end` is 1. The event `VKVM_DOMAIN_EVENT_ID_BLOCK_JOB_2` is the reliable way to
/// learn that a job is ready or has ended.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `flags` (default 0, enum domain_block_job_info_flags)
/// - `info` (map): a map with the keys `type` (one of `VKVM_DOMAIN_BLOCK_JOB_TYPE_*`),
///   `bandwidth` (limit in MiB/s, or bytes/s with `VKVM_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES`;
///   0 means unlimited), `cur` and `end` (position and end, in a unit of the hypervisor); all 0
///   when the disk has no job
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

/// Waits until the block job of a disk is ready or has ended.
///
/// A copy and an active commit are ready when both images are equal; they go on until
/// `vkvm_domain_abort_block_job` ends or pivots them. Other jobs end by themselves. The event
/// `VKVM_DOMAIN_EVENT_ID_BLOCK_JOB_2` reports whether a job that has ended was successful.
///
/// The function polls the daemon every 100 ms. As an asynchronous call it reports progress, and
/// aborts the job when the call is cancelled, stopped, or times out. libvirt does not identify a
/// job: one of the same kind that another client starts less than 100 ms after the end of this
/// one, and that has progressed further already, is aborted instead.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `ready`: true if the job is ready; false if there is none, or none any more
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
    let mut before: Option<BlockJob> = None;
    let mut is_wanted = true;
    loop {
        let job = calls::insist(&conn, || dom.get_block_job(path))?;
        let is_it = job.is_later_of(before.as_ref());
        if !is_wanted {
            if is_it {
                // It may have ended in this moment.
                calls::insist(&conn, || dom.abort_block_job(path, 0))?;
            }
            return Err(Misuse::Cancelled.into());
        }
        if !is_it {
            return Ok(false);
        }
        if job.is_ready() {
            calls::report(job.done, job.total, "bytes");
            return Ok(true);
        }
        is_wanted = calls::report(job.done, job.total, "bytes");
        before = Some(job);
        if is_wanted {
            sigpipe::outside(|| thread::sleep(PAUSE));
        }
    }
}

/// Aborts the block job of a disk, or pivots to its copy.
///
/// A pull that was aborted can be started again from where it was; a copy starts from the
/// beginning. The call waits until the job has ended, unless the flags contain
/// `VKVM_DOMAIN_BLOCK_JOB_ABORT_ASYNC`. A pivot before the job is ready is an error,
/// `VKVM_ERROR_ERR_BLOCK_COPY_ACTIVE`.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
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

/// Sets the bandwidth limit of the block job of a disk.
///
/// - `path`: target device name of the disk, such as `vda`, or path of its source
/// - `bandwidth` (unit MiB/s): bandwidth limit, in bytes/s with
///   `VKVM_DOMAIN_BLOCK_JOB_SPEED_BANDWIDTH_BYTES`; 0 means unlimited
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
