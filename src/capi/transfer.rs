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

/// Sends a file to the volume, and waits until it is stored there.
///
/// The error of a transfer that `progress` ends has the code
/// `VKVM_ERROR_ERR_OPERATION_ABORTED`; what was sent before is in the volume then.
///
/// - `path`: the file, on this machine
/// - `offset` (default 0, unit bytes): where in the volume the data go
/// - `length` (default 0, unit bytes): how much of the file to send; 0 for all
/// - `flags` (default 0, enum storage_vol_upload_flags): 0 sends the holes of the file as zeros
/// - `progress` (nullable): told how far it is; called in this call
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `transferred` (unit bytes): how much went through, holes included
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

/// Receives the volume into a file.
///
/// A file that exists is overwritten. One that did not is removed again when the
/// transfer fails, or `progress` ends it (error code
/// `VKVM_ERROR_ERR_OPERATION_ABORTED`).
///
/// - `path`: the file, on this machine
/// - `offset` (default 0, unit bytes): where in the volume the data begin
/// - `length` (default 0, unit bytes): how much to receive; 0 for all that is there
/// - `flags` (default 0, enum storage_vol_download_flags): 0 writes the holes of the volume as
///   zeros
/// - `progress` (nullable): told how far it is; called in this call
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `transferred` (unit bytes): how much went through, holes included
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

/// Sends what can be read from a file descriptor to the volume, as
/// `vkvm_storage_vol_upload_file` does it.
///
/// - `fd` (descriptor): a file, pipe or socket, open for reading; a file is read from where it
///   is. It stays open
/// - `offset` (default 0, unit bytes): where in the volume the data go
/// - `length` (default 0, unit bytes): how much to send; 0 for all there is
/// - `flags` (default 0): as for `vkvm_storage_vol_upload_file`
/// - `progress` (nullable): told how far it is; called in this call
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `transferred` (unit bytes): how much went through, holes included
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

/// Writes the volume to a file descriptor, as `vkvm_storage_vol_download_file`
/// does it.
///
/// - `fd` (descriptor): a file, pipe or socket, open for writing; a file is written from where
///   it is, and holes are zeros where it cannot have them. It stays open
/// - `offset` (default 0, unit bytes): where in the volume the data begin
/// - `length` (default 0, unit bytes): how much to receive; 0 for all that is there
/// - `flags` (default 0): as for `vkvm_storage_vol_download_file`
/// - `progress` (nullable): told how far it is; called in this call
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `transferred` (unit bytes): how much went through, holes included
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
