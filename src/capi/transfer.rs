// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whole volumes from files and into files.

use std::ffi::{OsStr, c_char, c_int, c_void};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::caller::Foreign;
use super::guard::status;
use super::types::{vkvm_destroy_callback, vkvm_error, vkvm_progress_callback, vkvm_storage_vol};
use crate::calls;
use crate::core::stream::Transfer;

/// Uploads a file to the volume.
///
/// The call returns when the data are stored. A transfer that `progress` ends fails with
/// `VKVM_ERROR_ERR_OPERATION_ABORTED`; the volume then contains what was sent before.
///
/// - `path`: path of the file on this machine
/// - `offset` (default 0, unit bytes): offset in the volume
/// - `length` (default 0, unit bytes): amount of the file to send; 0 means all
/// - `flags` (default 0, enum storage_vol_upload_flags): 0 sends the holes of the file as zeros
/// - `progress` (nullable): called during this call with the number of bytes transferred
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `transferred` (unit bytes): amount transferred, holes included
///
/// libvirt: virStorageVolUpload, virStreamSend, virStreamSendHole, virStreamFinish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_upload_file(
    vol: *mut vkvm_storage_vol,
    path: *const c_char,
    offset: u64,
    length: u64,
    flags: u32,
    progress: vkvm_progress_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    transferred: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mut tell = teller(c.callback(progress, userdata, destroy));
        let (out, path) = (c.out(transferred, "transferred")?, file_path(c.text(path, "path")?));
        let transfer = Transfer { offset, length, flags, progress: Some(&mut tell) };
        out.set(c.get(vol, "vol")?.upload_file(path, transfer)?);
        Ok(())
    })
}

/// Downloads the volume to a file.
///
/// An existing file is overwritten. A new file is removed when the transfer fails, or when
/// `progress` ends it, which fails with `VKVM_ERROR_ERR_OPERATION_ABORTED`.
///
/// - `path`: path of the file on this machine
/// - `offset` (default 0, unit bytes): offset in the volume
/// - `length` (default 0, unit bytes): amount to receive; 0 means everything after the offset
/// - `flags` (default 0, enum storage_vol_download_flags): 0 writes the holes of the volume as
///   zeros
/// - `progress` (nullable): called during this call with the number of bytes transferred
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `transferred` (unit bytes): amount transferred, holes included
///
/// libvirt: virStorageVolDownload, virStreamRecv, virStreamRecvFlags, virStreamRecvHole,
/// virStreamFinish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_download_file(
    vol: *mut vkvm_storage_vol,
    path: *const c_char,
    offset: u64,
    length: u64,
    flags: u32,
    progress: vkvm_progress_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    transferred: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mut tell = teller(c.callback(progress, userdata, destroy));
        let (out, path) = (c.out(transferred, "transferred")?, file_path(c.text(path, "path")?));
        let transfer = Transfer { offset, length, flags, progress: Some(&mut tell) };
        out.set(c.get(vol, "vol")?.download_file(path, transfer)?);
        Ok(())
    })
}

/// Uploads data from a file descriptor to the volume.
///
/// Apart from the source it is like `vkvm_storage_vol_upload_file`.
///
/// - `fd` (descriptor): a file, pipe or socket that is open for reading, borrowed; a file is
///   read from its current position
/// - `offset` (default 0, unit bytes): offset in the volume
/// - `length` (default 0, unit bytes): amount to send; 0 means all
/// - `flags` (default 0): as for `vkvm_storage_vol_upload_file`
/// - `progress` (nullable): called during this call with the number of bytes transferred
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `transferred` (unit bytes): amount transferred, holes included
///
/// libvirt: virStorageVolUpload, virStreamSend, virStreamSendHole, virStreamFinish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_upload_fd(
    vol: *mut vkvm_storage_vol,
    fd: c_int,
    offset: u64,
    length: u64,
    flags: u32,
    progress: vkvm_progress_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    transferred: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mut tell = teller(c.callback(progress, userdata, destroy));
        let (out, vol) = (c.out(transferred, "transferred")?, c.get(vol, "vol")?);
        let transfer = Transfer { offset, length, flags, progress: Some(&mut tell) };
        out.set(vol.upload_fd(c.file(fd, "fd")?, transfer)?);
        Ok(())
    })
}

/// Downloads the volume to a file descriptor.
///
/// Apart from the destination it is like `vkvm_storage_vol_download_file`.
///
/// - `fd` (descriptor): a file, pipe or socket that is open for writing, borrowed; a file is
///   written from its current position, and holes are written as zeros where it cannot have
///   them
/// - `offset` (default 0, unit bytes): offset in the volume
/// - `length` (default 0, unit bytes): amount to receive; 0 means everything after the offset
/// - `flags` (default 0): as for `vkvm_storage_vol_download_file`
/// - `progress` (nullable): called during this call with the number of bytes transferred
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `transferred` (unit bytes): amount transferred, holes included
///
/// libvirt: virStorageVolDownload, virStreamRecv, virStreamRecvFlags, virStreamRecvHole,
/// virStreamFinish
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_download_fd(
    vol: *mut vkvm_storage_vol,
    fd: c_int,
    offset: u64,
    length: u64,
    flags: u32,
    progress: vkvm_progress_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    transferred: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let mut tell = teller(c.callback(progress, userdata, destroy));
        let (out, vol) = (c.out(transferred, "transferred")?, c.get(vol, "vol")?);
        let transfer = Transfer { offset, length, flags, progress: Some(&mut tell) };
        out.set(vol.download_fd(c.file(fd, "fd")?, transfer)?);
        Ok(())
    })
}

fn file_path(text: &std::ffi::CStr) -> &Path {
    Path::new(OsStr::from_bytes(text.to_bytes()))
}

/// Calls C's function, if there is one. A call that was started says how far it is, and ends
/// when it is given up.
fn teller(
    foreign: Foreign<unsafe extern "C" fn(u64, u64, *mut c_void) -> c_int>,
) -> impl FnMut(u64, u64) -> ControlFlow<()> {
    move |done, total| {
        if !calls::report(done, total, "bytes") {
            return ControlFlow::Break(());
        }
        let Ok(progress) = foreign.function("progress") else {
            return ControlFlow::Continue(());
        };
        // SAFETY: C's own callback and userdata, by the contract.
        match foreign.call(|userdata| unsafe { progress(done, total, userdata) }) {
            ..0 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
