// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_storage_pool_*`: storage pools.

use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_storage_pool, vkvm_storage_vol, vkvm_value};
use crate::calls;
use crate::core::{StoragePool, Text, sigpipe};
use crate::error::{Misuse, Result};

/// Adds a reference to the storage pool handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_storage_pool_free`; NULL when
///   it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_ref(
    pool: *mut vkvm_storage_pool,
) -> *mut vkvm_storage_pool {
    direct(std::ptr::null_mut(), |c| c.retain(pool))
}

/// Releases a reference to the storage pool handle.
///
/// The pool itself is not affected. NULL and handles that are not live are ignored.
///
/// - `pool` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_free(pool: *mut vkvm_storage_pool) {
    void(|c| c.free(pool))
}

/// Frees a returned list of storage pools and releases its handles.
///
/// - `pools` (consumed, nullable): the list
/// - `pools_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_list_free(
    pools: *mut *mut vkvm_storage_pool,
    pools_len: usize,
) {
    void(|c| c.free_list(pools, pools_len))
}

/// Returns the name of the storage pool.
///
/// The name is unique on its host.
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

/// Returns the UUID of the storage pool as bytes.
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

/// Returns the UUID of the storage pool as text.
///
/// - `uuid`: the UUID in lower-case hexadecimal digits with hyphens, 36 characters
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

/// Returns the state and the sizes of the storage pool.
///
/// `available` may be less than the difference of `capacity` and `allocation`.
///
/// - `info` (map): a map with the keys `state` (one of `VKVM_STORAGE_POOL_STATE_*`),
///   `capacity`, `allocation` (space in use) and `available` (space for new volumes), all in
///   bytes
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

/// Returns the definition of the storage pool as XML.
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

/// Reports whether the storage pool is active.
///
/// - `active`: true if it is
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

/// Reports whether the storage pool has a persistent definition.
///
/// A persistent pool still exists when it has stopped; a transient one does not.
///
/// - `persistent`: true if it has
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

/// Reports whether the storage pool starts when the host boots.
///
/// - `autostart`: true if it does
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

/// Sets whether the storage pool starts when the host boots.
///
/// - `autostart`: 0 for no, any other value for yes
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

/// Builds the storage of the pool, such as a directory or a file system.
///
/// For other types it creates, for example, a partition table or a volume group.
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

/// Starts the inactive storage pool.
///
/// libvirt: virStoragePoolCreate
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_create(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.create(0))
}

/// Stops the storage pool.
///
/// Its volumes keep their content. The handle stays valid. A transient pool no longer exists
/// afterwards.
///
/// libvirt: virStoragePoolDestroy
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_destroy(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.destroy())
}

/// Deletes the storage of the inactive pool, with its volumes.
///
/// It cannot be undone. The definition of the pool remains.
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

/// Removes the definition of the inactive storage pool.
///
/// Its volumes keep their content.
///
/// libvirt: virStoragePoolUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_undefine(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(pool, "pool")?.undefine())
}

/// Rescans the volumes of the storage pool and their sizes.
///
/// It may contact the storage server.
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

/// Waits until the storage pool has no asynchronous jobs, and refreshes it.
///
/// libvirt allocates and copies the images of new volumes in asynchronous jobs. Meanwhile
/// `vkvm_storage_pool_refresh`, `vkvm_storage_pool_destroy` and `vkvm_storage_pool_undefine` fail
/// with `VKVM_ERROR_ERR_INTERNAL_ERROR`, "pool ... has asynchronous jobs running". libvirt reports
/// jobs in no other way, so this function attempts a refresh every 100 ms until it succeeds.
/// Another client may start a job as soon as it has returned. A pool that is not active has no
/// jobs, and is not refreshed.
///
/// A wait that is cancelled or times out does not affect the jobs.
///
/// libvirt: virStoragePoolIsActive, virStoragePoolRefresh
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_storage_pool_wait_for_jobs(
    pool: *mut vkvm_storage_pool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| wait_for_jobs(&*c.get(pool, "pool")?))
}

fn wait_for_jobs(pool: &StoragePool) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(100);
    let conn = Arc::new(pool.get_conn()?);
    while calls::is_wanted() {
        if !calls::insist(&conn, || pool.is_active())?
            || calls::insist(&conn, || pool.refresh_if_idle())?
        {
            return Ok(());
        }
        sigpipe::outside(|| thread::sleep(PAUSE));
    }
    Err(Misuse::Cancelled.into())
}

/// Returns the number of volumes in the storage pool.
///
/// - `count`: number of volumes
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

/// Lists the names of the volumes in the storage pool.
///
/// `vkvm_storage_pool_list_all_volumes` returns handles in one call, without a limit.
///
/// - `maxnames`: maximum number of names, from 0 to 1,048,576
/// - `names`: the names
/// - `names_len`: number of elements
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

/// Lists the volumes in the storage pool.
///
/// - `flags` (default 0): unused, pass 0
/// - `volumes`: the volumes
/// - `volumes_len`: number of elements
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

/// Looks up a volume of the storage pool by its name.
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

/// Creates a volume in the storage pool.
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

/// Creates a volume in the storage pool with the content of another volume.
///
/// - `xml`: a `<volume>` document
/// - `clone`: volume to copy; it may be in another pool
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

/// Returns the connection that the storage pool belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
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
