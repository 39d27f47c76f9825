// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_storage_vol_*`: volumes of storage pools.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_storage_vol, vkvm_stream, vkvm_value};
use crate::core::Text;

/// Adds a reference to the volume handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_storage_vol_free`; NULL when
///   it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_ref(vol: *mut vkvm_storage_vol) -> *mut vkvm_storage_vol {
    direct(std::ptr::null_mut(), |c| c.retain(vol))
}

/// Releases a reference to the volume handle.
///
/// The volume itself is not affected. NULL and handles that are not live are ignored.
///
/// - `vol` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_free(vol: *mut vkvm_storage_vol) {
    void(|c| c.free(vol))
}

/// Frees a returned list of volumes and releases its handles.
///
/// - `volumes` (consumed, nullable): the list
/// - `volumes_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_list_free(
    volumes: *mut *mut vkvm_storage_vol,
    volumes_len: usize,
) {
    void(|c| c.free_list(volumes, volumes_len))
}

/// Returns the name of the volume.
///
/// The name is unique in its pool.
///
/// - `name`: the name
///
/// libvirt: virStorageVolGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_get_name(
    vol: *mut vkvm_storage_vol,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(vol, "vol")?.get_name()?));
        Ok(())
    })
}

/// Returns the key of the volume.
///
/// The key is unique among all volumes, and the same on every host that has access to the
/// volume.
///
/// - `key`: the key; for files the path
///
/// libvirt: virStorageVolGetKey
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_get_key(
    vol: *mut vkvm_storage_vol,
    key: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(key, "key")?;
        out.set(Text::copy(c.get(vol, "vol")?.get_key()?));
        Ok(())
    })
}

/// Returns the path of the volume on the host.
///
/// - `path`: the path, or its equivalent for network storage
///
/// libvirt: virStorageVolGetPath
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_get_path(
    vol: *mut vkvm_storage_vol,
    path: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(path, "path")?;
        out.set(c.get(vol, "vol")?.get_path()?);
        Ok(())
    })
}

/// Returns the type and the sizes of the volume.
///
/// The allocation is less than the capacity for sparse volumes, and may be more with a format's
/// metadata.
///
/// - `flags` (default 0, enum storage_vol_info_flags): size that `allocation` means
/// - `info` (map): a map with the keys `type` (one of `VKVM_STORAGE_VOL_TYPE_*`), `capacity`
///   (size that a guest sees, in bytes) and `allocation` (space on the host, in bytes)
///
/// libvirt: virStorageVolGetInfo, virStorageVolGetInfoFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_get_info(
    vol: *mut vkvm_storage_vol,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(vol, "vol")?.get_info(flags)?)
    })
}

/// Returns the definition of the volume as XML.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<volume>` document
///
/// libvirt: virStorageVolGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_get_xml_description(
    vol: *mut vkvm_storage_vol,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(vol, "vol")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Deletes the volume and its content from its storage pool.
///
/// - `flags` (default 0, enum storage_vol_delete_flags)
///
/// libvirt: virStorageVolDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_delete(
    vol: *mut vkvm_storage_vol,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(vol, "vol")?.delete(flags))
}

/// Resizes the volume.
///
/// New space reads as zeros. Without `VKVM_STORAGE_VOL_RESIZE_SHRINK` a smaller capacity is an
/// error. The capacity may be rounded.
///
/// - `capacity` (unit bytes): new capacity; with `VKVM_STORAGE_VOL_RESIZE_DELTA` the amount to
///   add, or with `VKVM_STORAGE_VOL_RESIZE_SHRINK` too, to subtract
/// - `flags` (default 0, enum storage_vol_resize_flags)
///
/// libvirt: virStorageVolResize
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_resize(
    vol: *mut vkvm_storage_vol,
    capacity: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(vol, "vol")?.resize(capacity, flags))
}

/// Wipes the volume: overwrites its content with zeros.
///
/// The format goes with the content: an image may become a raw one of another size. On
/// copy-on-write, journaling or network file systems the old data may remain.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virStorageVolWipe
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_wipe(
    vol: *mut vkvm_storage_vol,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(vol, "vol")?.wipe(flags))
}

/// Wipes the volume with the given algorithm.
///
/// Apart from the algorithm it is like `vkvm_storage_vol_wipe`.
///
/// - `algorithm` (enum storage_vol_wipe_algorithm)
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virStorageVolWipePattern
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_wipe_pattern(
    vol: *mut vkvm_storage_vol,
    algorithm: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(vol, "vol")?.wipe_pattern(algorithm, flags))
}

/// Starts an upload of data to the volume through a stream.
///
/// The data are stored as they are, including an image's format. Send them, then call
/// `vkvm_stream_finish`, which reports whether they are stored. `vkvm_storage_vol_upload_file`
/// does all of this. The volume must be large enough.
///
/// - `stream`: an unused stream
/// - `offset` (unit bytes): offset in the volume
/// - `length` (unit bytes): maximum amount; 0 means unlimited
/// - `flags` (default 0, enum storage_vol_upload_flags)
///
/// libvirt: virStorageVolUpload
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_upload(
    vol: *mut vkvm_storage_vol,
    stream: *mut vkvm_stream,
    offset: u64,
    length: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let stream = c.get(stream, "stream")?;
        c.get(vol, "vol")?.upload(&stream, offset, length, flags)
    })
}

/// Starts a download of data from the volume through a stream.
///
/// The data are sent as they are, including an image's format. Receive them, then call
/// `vkvm_stream_finish`. `vkvm_storage_vol_download_file` does all of this. The result is
/// unpredictable if something writes to the volume meanwhile.
///
/// - `stream`: an unused stream
/// - `offset` (unit bytes): offset in the volume
/// - `length` (unit bytes): maximum amount; 0 means everything after the offset
/// - `flags` (default 0, enum storage_vol_download_flags)
///
/// libvirt: virStorageVolDownload
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_download(
    vol: *mut vkvm_storage_vol,
    stream: *mut vkvm_stream,
    offset: u64,
    length: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let stream = c.get(stream, "stream")?;
        c.get(vol, "vol")?.download(&stream, offset, length, flags)
    })
}

/// Returns the connection that the volume belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virStorageVolGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_get_conn(
    vol: *mut vkvm_storage_vol,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(vol, "vol")?.get_conn()?)
    })
}
