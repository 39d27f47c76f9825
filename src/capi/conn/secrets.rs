// SPDX-License-Identifier: LGPL-2.1-or-later
//! The secrets of a connection.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_conn, vkvm_error, vkvm_secret};

/// Lists the secrets.
///
/// - `flags` (default 0, enum secret_list_flags): filter; 0 means all
/// - `secrets`: the secrets
/// - `secrets_len`: number of elements
///
/// libvirt: virConnectListAllSecrets
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_all_secrets(
    conn: *mut vkvm_conn,
    flags: u32,
    secrets: *mut *mut *mut vkvm_secret,
    secrets_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handles(secrets, secrets_len, "secrets", "secrets_len")?;
        out.set(c.get(conn, "conn")?.list_all_secrets(flags)?)
    })
}

/// Returns the number of secrets.
///
/// - `count`: number of secrets
///
/// libvirt: virConnectNumOfSecrets
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_num_of_secrets(
    conn: *mut vkvm_conn,
    count: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(count, "count")?;
        out.set(c.get(conn, "conn")?.num_of_secrets()?);
        Ok(())
    })
}

/// Lists the UUIDs of the secrets.
///
/// `vkvm_conn_list_all_secrets` returns handles in one call, without a limit.
///
/// - `maxuuids`: maximum number of UUIDs, from 0 to 1,048,576
/// - `uuids`: the UUIDs as text
/// - `uuids_len`: number of elements
///
/// libvirt: virConnectListSecrets
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_list_secret_uuids(
    conn: *mut vkvm_conn,
    maxuuids: c_int,
    uuids: *mut *mut *mut c_char,
    uuids_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(uuids, uuids_len, "uuids", "uuids_len")?;
        out.set(c.get(conn, "conn")?.list_secret_uuids(maxuuids)?)
    })
}

/// Looks up a secret by its UUID.
///
/// - `uuid`: 16 raw bytes, or 32 hexadecimal digits as text, with or without hyphens
/// - `uuid_len`: number of bytes: 16, 32 or 36
/// - `secret`: the secret
///
/// libvirt: virSecretLookupByUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_secret_by_uuid(
    conn: *mut vkvm_conn,
    uuid: *const c_void,
    uuid_len: usize,
    secret: *mut *mut vkvm_secret,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(secret, "secret")?;
        out.set(c.get(conn, "conn")?.get_secret_by_uuid(c.bytes(uuid, uuid_len, "uuid")?)?)
    })
}

/// Looks up a secret by its usage type and usage id.
///
/// - `type` (enum secret_usage_type)
/// - `id`: usage id: the object that the secret belongs to, as in `vkvm_secret_get_usage_id`
/// - `secret`: the secret
///
/// libvirt: virSecretLookupByUsage
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_secret_by_usage(
    conn: *mut vkvm_conn,
    r#type: c_int,
    id: *const c_char,
    secret: *mut *mut vkvm_secret,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(secret, "secret")?;
        out.set(c.get(conn, "conn")?.get_secret_by_usage(r#type, c.text(id, "id")?)?)
    })
}

/// Defines a secret without its value, or changes its definition.
///
/// `vkvm_secret_set_value` sets the value.
///
/// - `xml`: a `<secret>` document
/// - `flags` (default 0, enum secret_define_flags)
/// - `secret`: the secret
///
/// libvirt: virSecretDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_define_secret(
    conn: *mut vkvm_conn,
    xml: *const c_char,
    flags: u32,
    secret: *mut *mut vkvm_secret,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(secret, "secret")?;
        out.set(c.get(conn, "conn")?.define_secret(c.text(xml, "xml")?, flags)?)
    })
}
