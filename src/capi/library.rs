// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_library_*` and `vkvm_string_*`: the library itself, and its memory.

use std::ffi::{c_char, c_int, c_void};

use super::guard::{bare, status, void};
use super::types::{vkvm_error, vkvm_value};
use crate::core::{conn, library};
use crate::value::{Map, Value};

/// Returns the version of libvkvm.
///
/// - `version`: major * 1,000,000 + minor * 1,000 + micro
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_library_get_version(
    version: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out(version, "version")?.set(library::version());
        Ok(())
    })
}

/// Returns the version of the libvirt that this process uses.
///
/// The other end of a connection may have another one: `vkvm_conn_get_library_version`.
///
/// - `version`: major * 1,000,000 + minor * 1,000 + micro
///
/// libvirt: virGetVersion
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_library_get_libvirt_version(
    version: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out(version, "version")?.set(library::libvirt_version()?);
        Ok(())
    })
}

/// Sets whether a forked child reopens the connections that it inherits.
///
/// By default calls in the child with handles of its parent fail with the code of a broken
/// connection, `VKVM_ERROR_ERR_SYSTEM_ERROR`. When enabled, the first such call opens a
/// connection of the child's own, in the same way as the parent's was opened, and looks the
/// object up there. The parent's connection is neither used nor closed. Registrations for
/// events remain the parent's.
///
/// It applies to connections that are opened after this call and before the fork, except those
/// that asked for credentials. Streams, event queues, fleets, and node devices that came with
/// an event are not available in the child.
///
/// - `reopen`: 0 for no, any other value for yes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_library_reopen_after_fork(
    reopen: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |_| {
        conn::reopen_in_children(reopen != 0);
        Ok(())
    })
}

/// Returns the connections that are being opened with a timeout, by URI.
///
/// See `vkvm_conn_open_with`.
///
/// - `openings` (list): a list of maps with the keys `uri`, `running` (number of attempts that
///   are running) and `abandoned` (number of those that have timed out and have not ended)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_library_get_openings(
    openings: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(openings, "openings")?;
        let describe = |(uri, count): (String, conn::bounded::Count)| {
            let mut map = Map::with_capacity(3);
            map.push_new("uri", uri);
            map.push_new("running", count.running as u64);
            map.push_new("abandoned", count.abandoned as u64);
            Value::Map(map)
        };
        out.set_value(Value::List(conn::bounded::counts().into_iter().map(describe).collect()))
    })
}

/// Frees text that a function returned.
///
/// - `text` (consumed, nullable): the text
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_string_free(text: *mut c_char) {
    // SAFETY: by the contract it came from this library, which uses malloc.
    bare(|| unsafe { libc::free(text.cast()) })
}

/// Frees a list of texts that a function returned, with the texts.
///
/// - `list` (consumed, nullable): the list
/// - `list_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_string_list_free(list: *mut *mut c_char, list_len: usize) {
    void(|c| c.free_texts(list, list_len))
}

/// Wipes and frees bytes that a function returned.
///
/// They are overwritten first, as they may be a secret.
///
/// - `data` (consumed, nullable): the bytes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_bytes_free(data: *mut u8) {
    void(|c| c.free_bytes(data))
}

/// Frees a list of integers that a function returned.
///
/// - `list` (consumed, nullable): the list
/// - `list_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_int_list_free(list: *mut c_int, list_len: usize) {
    let _ = list_len;
    // SAFETY: by the contract NULL, or a list that a function returned, from malloc.
    void(|_| unsafe { libc::free(list.cast::<c_void>()) })
}
