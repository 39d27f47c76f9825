// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_secret_*`: secrets.

use std::ffi::{c_char, c_int, c_void};

use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_secret};
use crate::core::Text;

/// Adds a reference to the secret handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_secret_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_ref(secret: *mut vkvm_secret) -> *mut vkvm_secret {
    direct(std::ptr::null_mut(), |c| c.retain(secret))
}

/// Releases a reference to the secret handle.
///
/// The secret itself is not affected. NULL and handles that are not live are ignored.
///
/// - `secret` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_free(secret: *mut vkvm_secret) {
    void(|c| c.free(secret))
}

/// Frees a returned list of secrets and releases its handles.
///
/// - `secrets` (consumed, nullable): the list
/// - `secrets_len`: number of elements
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_list_free(secrets: *mut *mut vkvm_secret, secrets_len: usize) {
    void(|c| c.free_list(secrets, secrets_len))
}

/// Returns the UUID of the secret as bytes.
///
/// - `uuid`: the 16 raw bytes
/// - `uuid_len`: 16
///
/// libvirt: virSecretGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_uuid(
    secret: *mut vkvm_secret,
    uuid: *mut *mut u8,
    uuid_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(uuid, uuid_len, "uuid", "uuid_len")?;
        out.set(c.get(secret, "secret")?.get_uuid()?.as_bytes())
    })
}

/// Returns the UUID of the secret as text.
///
/// - `uuid`: the UUID in lower-case hexadecimal digits with hyphens, 36 characters
///
/// libvirt: virSecretGetUUID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_uuid_string(
    secret: *mut vkvm_secret,
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(uuid, "uuid")?;
        out.set(c.get(secret, "secret")?.get_uuid_string()?);
        Ok(())
    })
}

/// Returns the usage type of the secret.
///
/// - `type` (enum secret_usage_type)
///
/// libvirt: virSecretGetUsageType
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_usage_type(
    secret: *mut vkvm_secret,
    r#type: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(r#type, "type")?;
        out.set(c.get(secret, "secret")?.get_usage_type()?);
        Ok(())
    })
}

/// Returns the usage id of the secret: the object that it belongs to.
///
/// - `id`: the path of a volume, or a name for the other types; empty when the secret has no
///   usage type
///
/// libvirt: virSecretGetUsageID
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_usage_id(
    secret: *mut vkvm_secret,
    id: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(id, "id")?;
        out.set(Text::copy(c.get(secret, "secret")?.get_usage_id()?));
        Ok(())
    })
}

/// Returns the definition of the secret as XML, without its value.
///
/// - `flags` (default 0): unused, pass 0
/// - `xml`: a `<secret>` document
///
/// libvirt: virSecretGetXMLDesc
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_xml_description(
    secret: *mut vkvm_secret,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(secret, "secret")?.get_xml_description(flags)?);
        Ok(())
    })
}

/// Returns the value of the secret.
///
/// The value of a private secret cannot be read, and a secret without a value is an error. The
/// library wipes its own copies; in C `vkvm_bytes_free` wipes the result.
///
/// - `flags` (default 0): unused, pass 0
/// - `value`: the value, any bytes
/// - `value_len`: number of bytes
///
/// libvirt: virSecretGetValue
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_value(
    secret: *mut vkvm_secret,
    flags: u32,
    value: *mut *mut u8,
    value_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_array(value, value_len, "value", "value_len")?;
        out.set_secret(&c.get(secret, "secret")?.get_value(flags)?)
    })
}

/// Sets the value of the secret.
///
/// - `value`: the value, any bytes
/// - `value_len`: number of bytes; not 0
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virSecretSetValue
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_set_value(
    secret: *mut vkvm_secret,
    value: *const c_void,
    value_len: usize,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(secret, "secret")?.set_value(c.bytes(value, value_len, "value")?, flags)
    })
}

/// Removes the secret and its value.
///
/// libvirt: virSecretUndefine
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_undefine(
    secret: *mut vkvm_secret,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(secret, "secret")?.undefine())
}

/// Returns the connection that the secret belongs to.
///
/// The result is a new handle of the same connection. Registrations made through it end with
/// it.
///
/// - `conn`: the connection
///
/// libvirt: virSecretGetConnect
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_secret_get_conn(
    secret: *mut vkvm_secret,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(secret, "secret")?.get_conn()?)
    })
}
