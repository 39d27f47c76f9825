// SPDX-License-Identifier: LGPL-2.1-or-later
//! Streams of a connection.

use std::ffi::c_int;

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_stream};

/// Creates a stream.
///
/// It carries nothing until it is passed to a function such as `vkvm_storage_vol_upload` or
/// `vkvm_domain_open_console`.
///
/// - `flags` (default 0, enum stream_flags)
/// - `stream`: the stream
///
/// libvirt: virStreamNew
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_new_stream(
    conn: *mut vkvm_conn,
    flags: u32,
    stream: *mut *mut vkvm_stream,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(stream, "stream")?;
        out.set(c.get(conn, "conn")?.new_stream(flags)?)
    })
}
