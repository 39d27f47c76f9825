//! The storage pools and volumes of a connection.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_storage_pool, vkvm_storage_vol};

/// Lists the storage pools, started or not.
///
/// - `flags` (default 0, enum storage_pool_list_flags): a filter; 0 for all pools
/// - `pools`: the pools
/// - `pools_len`: how many there are
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

/// Counts the storage pools that are started.
///
/// - `count`: how many are
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

/// Counts the storage pools that are defined but not started.
///
/// - `count`: how many are
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

/// Lists the names of storage pools that are started.
///
/// - `maxnames`: how many to list at most, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: how many there are
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

/// Lists the names of storage pools that are defined but not started.
///
/// - `maxnames`: how many to list at most, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: how many there are
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

/// Finds a storage pool by its name.
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

/// Finds a storage pool by its uuid.
///
/// - `uuid`: 16 raw bytes, or text of 32 hex digits with or without hyphens
/// - `uuid_len`: how many bytes that is: 16, 32 or 36
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

/// Finds the storage pool whose volumes are in a folder of the host.
///
/// - `path`: the folder
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

/// Finds the storage pool that a volume is in.
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

/// Defines a storage pool without starting it, or changes its definition.
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

/// Starts a storage pool that is gone when it stops.
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

/// Finds what storage pools of one type could be made of, like the exports of an NFS
/// server.
///
/// - `type`: the type of pool, as in the definition of one, like "netfs"
/// - `srcspec` (nullable): a `<source>` document that says where to look; some types
///   need one
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

/// Gets which types of storage pool the host can have.
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

/// Finds a volume by its key, in whichever pool it is.
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

/// Finds a volume by its path, in whichever pool it is.
///
/// - `path`: where the volume is on the host
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
