//! `vkvm_storage_vol_*`: volumes of storage pools.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_storage_vol, vkvm_stream, vkvm_value};
use crate::core::Text;

/// Adds a hold on the volume handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_storage_vol_free`, or NULL
///   when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_ref(vol: *mut vkvm_storage_vol) -> *mut vkvm_storage_vol {
    direct(std::ptr::null_mut(), |c| c.retain(vol))
}

/// Gives up a hold on the volume handle. NULL and handles that are not live
/// are left alone.
///
/// - `vol` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_free(vol: *mut vkvm_storage_vol) {
    void(|c| c.free(vol))
}

/// Frees a list of volumes that a function returned, with its handles.
///
/// - `volumes` (consumed, nullable): the list
/// - `volumes_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_vol_list_free(
    volumes: *mut *mut vkvm_storage_vol,
    volumes_len: usize,
) {
    void(|c| c.free_list(volumes, volumes_len))
}

/// Gets the name of the volume; no other in its pool has it.
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

/// Gets the key of the volume; no other volume has it, in any pool.
///
/// - `key`: the key; for volumes that are files, the path
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

/// Gets where the volume is on the host.
///
/// - `path`: the path, or the like for volumes that are on a network
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

/// Gets type and sizes of the volume.
///
/// - `flags` (default 0, enum storage_vol_info_flags): which size `allocation` is
/// - `info` (map): a map with the keys `type` (one of `VKVM_STORAGE_VOL_TYPE_*`), `capacity`
///   (what a guest sees, in bytes) and `allocation` (what it takes on the host, in bytes)
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

/// Gets the definition of the volume.
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

/// Removes the volume, with its content, from its pool.
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

/// Changes the capacity of the volume.
///
/// - `capacity` (unit bytes): the new size; with `VKVM_STORAGE_VOL_RESIZE_DELTA` how much more,
///   or less with `VKVM_STORAGE_VOL_RESIZE_SHRINK`
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

/// Overwrites the content of the volume with zeros.
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

/// Overwrites the content of the volume in one of several ways.
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

/// Lets a stream carry data to the volume.
///
/// `vkvm_stream_finish` must follow when all is sent, and tells whether it is
/// stored. `vkvm_storage_vol_upload_file` does all of this.
///
/// - `stream`: a stream that carries nothing
/// - `offset` (unit bytes): where in the volume the data go
/// - `length` (unit bytes): how much may be sent; 0 for no limit
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

/// Lets a stream carry data from the volume.
///
/// `vkvm_stream_finish` must follow when all is received.
/// `vkvm_storage_vol_download_file` does all of this.
///
/// - `stream`: a stream that carries nothing
/// - `offset` (unit bytes): where in the volume the data begin
/// - `length` (unit bytes): how much to receive; 0 for all that is there
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

/// Gets the connection that the volume belongs to.
///
/// It is a new handle of the same connection: registrations made through it end with
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
