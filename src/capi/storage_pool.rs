//! `vkvm_storage_pool_*`: storage pools.

use std::ffi::{c_char, c_int};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_storage_pool, vkvm_storage_vol, vkvm_value};
use crate::core::Text;

/// Adds a hold on the storage pool handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_storage_pool_free`, or
///   NULL when it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_ref(
    pool: *mut vkvm_storage_pool,
) -> *mut vkvm_storage_pool {
    direct(std::ptr::null_mut(), |c| c.retain(pool))
}

/// Gives up a hold on the storage pool handle. NULL and handles that are not live
/// are left alone.
///
/// - `pool` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_free(pool: *mut vkvm_storage_pool) {
    void(|c| c.free(pool))
}

/// Frees a list of storage pools that a function returned, with its handles.
///
/// - `pools` (consumed, nullable): the list
/// - `pools_len`: how many there are
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_list_free(
    pools: *mut *mut vkvm_storage_pool,
    pools_len: usize,
) {
    void(|c| c.free_list(pools, pools_len))
}

/// Gets the name of the pool.
///
/// - `name`: the name
///
/// libvirt: virStoragePoolGetName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_name(
    pool: *mut vkvm_storage_pool,
    name: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(name, "name")?;
        out.set(Text::copy(c.get(pool, "pool")?.get_name()?));
        Ok(())
    })
}

/// Gets the uuid of the pool as bytes.
///
/// - `uuid`: the 16 raw bytes
/// - `uuid_len`: 16
///
/// libvirt: virStoragePoolGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_uuid(
    pool: *mut vkvm_storage_pool,
    uuid: *mut *mut u8,
    uuid_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(uuid, uuid_len, "uuid", "uuid_len")?;
        out.set(c.get(pool, "pool")?.get_uuid()?.as_bytes())
    })
}

/// Gets the uuid of the pool as text.
///
/// - `uuid`: lower-case hex digits with hyphens, 36 characters
///
/// libvirt: virStoragePoolGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_uuid_string(
    pool: *mut vkvm_storage_pool,
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uuid, "uuid")?;
        out.set(c.get(pool, "pool")?.get_uuid_string()?);
        Ok(())
    })
}

/// Gets state and sizes of the pool.
///
/// - `info` (map): a map with the keys `state` (one of `VKVM_STORAGE_POOL_STATE_*`), `capacity`,
///   `allocation` (what is in use) and `available`, all in bytes
///
/// libvirt: virStoragePoolGetInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_info(
    pool: *mut vkvm_storage_pool,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(pool, "pool")?.get_info()?)
    })
}

/// Gets the definition of the pool.
///
/// - `flags` (default 0, enum storage_pool_xml_flags)
/// - `xml`: a `<pool>` document
///
/// libvirt: virStoragePoolGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_xml_description(
    pool: *mut vkvm_storage_pool,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(pool, "pool")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Tells whether the pool is started.
///
/// - `active`: whether it is
///
/// libvirt: virStoragePoolIsActive
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_is_active(
    pool: *mut vkvm_storage_pool,
    active: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(active, "active")?;
        out.set(c.get(pool, "pool")?.is_active()?);
        Ok(())
    })
}

/// Tells whether the pool stays defined when it stops.
///
/// - `persistent`: whether it does
///
/// libvirt: virStoragePoolIsPersistent
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_is_persistent(
    pool: *mut vkvm_storage_pool,
    persistent: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(persistent, "persistent")?;
        out.set(c.get(pool, "pool")?.is_persistent()?);
        Ok(())
    })
}

/// Tells whether the pool starts with the host.
///
/// - `autostart`: whether it does
///
/// libvirt: virStoragePoolGetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_autostart(
    pool: *mut vkvm_storage_pool,
    autostart: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(autostart, "autostart")?;
        out.set(c.get(pool, "pool")?.get_autostart()?);
        Ok(())
    })
}

/// Sets whether the pool starts with the host.
///
/// - `autostart`: 0 for no, anything else for yes
///
/// libvirt: virStoragePoolSetAutostart
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_set_autostart(
    pool: *mut vkvm_storage_pool,
    autostart: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.set_autostart(autostart != 0))
}

/// Makes what the pool consists of, like a folder, a file system or a volume group.
///
/// - `flags` (default 0, enum storage_pool_build_flags)
///
/// libvirt: virStoragePoolBuild
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_build(
    pool: *mut vkvm_storage_pool,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.build(flags))
}

/// Starts the pool.
///
/// libvirt: virStoragePoolCreate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_create(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.create(0))
}

/// Stops the pool. The volumes in it stay as they are, and so does the handle.
///
/// libvirt: virStoragePoolDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_destroy(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.destroy())
}

/// Removes what the pool consists of, with the volumes in it. The pool must be
/// stopped.
///
/// - `flags` (default 0, enum storage_pool_delete_flags)
///
/// libvirt: virStoragePoolDelete
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_delete(
    pool: *mut vkvm_storage_pool,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.delete(flags))
}

/// Forgets the definition of the pool, which must be stopped. The volumes in it stay.
///
/// libvirt: virStoragePoolUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_undefine(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.undefine())
}

/// Looks anew which volumes are in the pool, and how large they are.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virStoragePoolRefresh
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_refresh(
    pool: *mut vkvm_storage_pool,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.refresh(flags))
}

/// Counts the volumes in the pool.
///
/// - `count`: how many there are
///
/// libvirt: virStoragePoolNumOfVolumes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_num_of_storage_volumes(
    pool: *mut vkvm_storage_pool,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(pool, "pool")?.num_of_storage_volumes()?);
        Ok(())
    })
}

/// Lists the names of the volumes in the pool.
///
/// - `maxnames`: how many to list at most, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: how many there are
///
/// libvirt: virStoragePoolListVolumes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_list_storage_vol_names(
    pool: *mut vkvm_storage_pool,
    maxnames: c_int,
    names: *mut *mut *mut c_char,
    names_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(names, names_len, "names", "names_len")?;
        out.set(c.get(pool, "pool")?.list_storage_vol_names(maxnames)?)
    })
}

/// Lists the volumes in the pool.
///
/// - `flags` (default 0): unused, pass 0
/// - `volumes`: the volumes
/// - `volumes_len`: how many there are
///
/// libvirt: virStoragePoolListAllVolumes
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_list_all_volumes(
    pool: *mut vkvm_storage_pool,
    flags: u32,
    volumes: *mut *mut *mut vkvm_storage_vol,
    volumes_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(volumes, volumes_len, "volumes", "volumes_len")?;
        out.set(c.get(pool, "pool")?.list_all_volumes(flags)?)
    })
}

/// Finds a volume of the pool by its name.
///
/// - `name`: the name
/// - `volume`: the volume
///
/// libvirt: virStorageVolLookupByName
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_volume_by_name(
    pool: *mut vkvm_storage_pool,
    name: *const c_char,
    volume: *mut *mut vkvm_storage_vol,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(volume, "volume")?;
        out.set(c.get(pool, "pool")?.get_volume_by_name(c.text(name, "name")?)?)
    })
}

/// Makes a volume in the pool.
///
/// - `xml`: a `<volume>` document
/// - `volume`: the volume
///
/// libvirt: virStorageVolCreateXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_create_volume(
    pool: *mut vkvm_storage_pool,
    xml: *const c_char,
    volume: *mut *mut vkvm_storage_vol,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(volume, "volume")?;
        out.set(c.get(pool, "pool")?.create_volume(c.text(xml, "xml")?, 0)?)
    })
}

/// Makes a volume in the pool with the content of another volume.
///
/// - `xml`: a `<volume>` document
/// - `clone`: the volume whose content it gets; it may be in another pool
/// - `volume`: the new volume
///
/// libvirt: virStorageVolCreateXMLFrom
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_clone_volume(
    pool: *mut vkvm_storage_pool,
    xml: *const c_char,
    clone: *mut vkvm_storage_vol,
    volume: *mut *mut vkvm_storage_vol,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(volume, "volume")?;
        out.set(c.get(pool, "pool")?.clone_volume(
            c.text(xml, "xml")?,
            &*c.get(clone, "clone")?,
            0,
        )?)
    })
}

/// Gets the connection that the pool belongs to.
///
/// It is a new handle of the same connection: registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virStoragePoolGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_get_conn(
    pool: *mut vkvm_storage_pool,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(pool, "pool")?.get_conn()?)
    })
}
