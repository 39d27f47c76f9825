// SPDX-License-Identifier: LGPL-2.1-or-later
//! The storage pools and volumes of a connection.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_storage_pool, vkvm_storage_vol};

/// Lists the storage pools, active and inactive.
///
/// - `flags` (default 0, enum storage_pool_list_flags): filter by state and type; 0 means all
/// - `pools`: the pools
/// - `pools_len`: number of elements
///
/// libvirt: virConnectListAllStoragePools
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_storage_pools(
    conn: *mut vkvm_conn,
    flags: u32,
    pools: *mut *mut *mut vkvm_storage_pool,
    pools_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(pools, pools_len, "pools", "pools_len")?;
        out.set(c.get(conn, "conn")?.list_all_storage_pools(flags)?)
    })
}

/// Returns the number of active storage pools.
///
/// - `count`: number of pools
///
/// libvirt: virConnectNumOfStoragePools
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_storage_pools(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_storage_pools()?);
        Ok(())
    })
}

/// Returns the number of inactive persistent storage pools.
///
/// - `count`: number of pools
///
/// libvirt: virConnectNumOfDefinedStoragePools
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_defined_storage_pools(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_defined_storage_pools()?);
        Ok(())
    })
}

/// Lists the names of the active storage pools.
///
/// `vkvm_conn_list_all_storage_pools` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListStoragePools
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_storage_pool_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_storage_pool_names(maxnames)?)
    })
}

/// Lists the names of the inactive persistent storage pools.
///
/// `vkvm_conn_list_all_storage_pools` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
///
/// libvirt: virConnectListDefinedStoragePools
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_defined_storage_pool_names(
    conn: *mut vkvm_conn,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(conn, "conn")?.list_defined_storage_pool_names(maxnames)?)
    })
}

/// Looks up a storage pool by its name.
///
/// - `name`: the name
/// - `pool`: the pool
///
/// libvirt: virStoragePoolLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_pool_by_name(
    conn: *mut vkvm_conn,
    name: *const c_char,
    pool: *mut *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(pool, "pool")?;
        out.set(c.get(conn, "conn")?.get_storage_pool_by_name(c.text(name, "name")?)?)
    })
}

/// Looks up a storage pool by its UUID.
///
/// - `uuid`: 16 raw bytes, or 32 hexadecimal digits as text, with or without hyphens
/// - `uuid_len`: number of bytes: 16, 32 or 36
/// - `pool`: the pool
///
/// libvirt: virStoragePoolLookupByUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_pool_by_uuid(
    conn: *mut vkvm_conn,
    uuid: *const c_void,
    uuid_len: usize,
    pool: *mut *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(pool, "pool")?;
        out.set(c.get(conn, "conn")?.get_storage_pool_by_uuid(c.bytes(uuid, uuid_len, "uuid")?)?)
    })
}

/// Looks up a storage pool by its target path.
///
/// - `path`: directory on the host that contains the volumes of the pool
/// - `pool`: the pool
///
/// libvirt: virStoragePoolLookupByTargetPath
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_pool_by_target_path(
    conn: *mut vkvm_conn,
    path: *const c_char,
    pool: *mut *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(pool, "pool")?;
        out.set(c.get(conn, "conn")?.get_storage_pool_by_target_path(c.text(path, "path")?)?)
    })
}

/// Looks up the storage pool of a volume.
///
/// - `volume`: the volume
/// - `pool`: the pool
///
/// libvirt: virStoragePoolLookupByVolume
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_pool_by_volume(
    conn: *mut vkvm_conn,
    volume: *mut vkvm_storage_vol,
    pool: *mut *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(pool, "pool")?;
        out.set(c.get(conn, "conn")?.get_storage_pool_by_volume(&*c.get(volume, "volume")?)?)
    })
}

/// Defines a persistent storage pool, or changes its definition.
///
/// The pool is not started; `vkvm_storage_pool_create` does that.
///
/// - `xml`: a `<pool>` document
/// - `flags` (default 0, enum storage_pool_define_flags)
/// - `pool`: the pool
///
/// libvirt: virStoragePoolDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_storage_pool(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    pool: *mut *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(pool, "pool")?;
        out.set(c.get(conn, "conn")?.define_storage_pool(c.text(xml, "xml")?, flags)?)
    })
}

/// Creates and starts a transient storage pool.
///
/// It no longer exists when it has stopped.
///
/// - `xml`: a `<pool>` document
/// - `pool`: the pool
///
/// libvirt: virStoragePoolCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_create_storage_pool(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    pool: *mut *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(pool, "pool")?;
        out.set(c.get(conn, "conn")?.create_storage_pool(c.text(xml, "xml")?, 0)?)
    })
}

/// Discovers sources for storage pools of a type, such as exports of an NFS server.
///
/// - `type`: type of the pool as in its definition, such as "netfs"
/// - `srcspec` (nullable): a `<source>` document with the place to search, such as the server;
///   some types require one
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<sources>` document
///
/// libvirt: virConnectFindStoragePoolSources
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_find_storage_pool_sources(
    conn: *mut vkvm_conn,
    r#type: *const c_char,
    srcspec: *const c_char,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(conn, "conn")?.find_storage_pool_sources(
            c.text(r#type, "type")?,
            c.text_nullable(srcspec, "srcspec")?,
            flags,
        )?);
        Ok(())
    })
}

/// Returns the storage pool types and formats that the host supports, as XML.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<storagepoolCapabilities>` document
///
/// libvirt: virConnectGetStoragePoolCapabilities
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_pool_capabilities(
    conn: *mut vkvm_conn,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(conn, "conn")?.get_storage_pool_capabilities(flags)?);
        Ok(())
    })
}

/// Looks up a storage volume in all pools by its key.
///
/// - `key`: the key
/// - `volume`: the volume
///
/// libvirt: virStorageVolLookupByKey
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_volume_by_key(
    conn: *mut vkvm_conn,
    key: *const c_char,
    volume: *mut *mut vkvm_storage_vol,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(volume, "volume")?;
        out.set(c.get(conn, "conn")?.get_storage_volume_by_key(c.text(key, "key")?)?)
    })
}

/// Looks up a storage volume in all pools by its path.
///
/// - `path`: path of the volume on the host
/// - `volume`: the volume
///
/// libvirt: virStorageVolLookupByPath
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_storage_volume_by_path(
    conn: *mut vkvm_conn,
    path: *const c_char,
    volume: *mut *mut vkvm_storage_vol,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(volume, "volume")?;
        out.set(c.get(conn, "conn")?.get_storage_volume_by_path(c.text(path, "path")?)?)
    })
}
