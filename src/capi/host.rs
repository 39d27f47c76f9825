// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_host_*`: the host facade.

use std::ffi::{CString, c_char, c_int, c_void};

use zeroize::Zeroizing;

use super::caller::Foreign;
use super::guard::{direct, status, void};
use super::types::{
    vkvm_conn, vkvm_destroy_callback, vkvm_error, vkvm_host, vkvm_host_progress_callback,
    vkvm_value,
};
use crate::calls;
use crate::core::Text;
use crate::error::Result;
use crate::host::{self, Host, Progress};

/// Opens a host for the commands of the host facade.
///
/// - `uri` (nullable): libvirt URI, such as "qemu:///system" or
///   "qemu+ssh://root@example.org/system"; NULL means libvirt's default
/// - `host`: the host
///
/// libvirt: virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_open(
    uri: *const c_char,
    host: *mut *mut vkvm_host,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(host, "host")?;
        out.set(Host::open(c.text_nullable(uri, "uri")?)?)
    })
}

/// Creates a host from an open connection.
///
/// The connection's handle may be closed afterwards.
///
/// - `conn`: the connection
/// - `host`: the host
///
/// libvirt: virConnectRef
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_new(
    conn: *mut vkvm_conn,
    host: *mut *mut vkvm_host,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(host, "host")?;
        out.set(Host::new(&*c.get(conn, "conn")?)?)
    })
}

/// Adds a reference to the host handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_host_free`; NULL when it is
///   not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_ref(host: *mut vkvm_host) -> *mut vkvm_host {
    direct(std::ptr::null_mut(), |c| c.retain(host))
}

/// Releases a reference to the host handle.
///
/// NULL and handles that are not live are ignored.
///
/// - `host` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_free(host: *mut vkvm_host) {
    void(|c| c.free(host))
}

/// Returns a connection to the host, for operations that no command has.
///
/// - `conn`: the connection, a new handle
///
/// libvirt: virConnectRef
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_get_conn(
    host: *mut vkvm_host,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        out.set(c.get(host, "host")?.share_conn()?)
    })
}

/// Runs a command of the host facade.
///
/// A query returns its data, and fails with an error. A command that changes something returns
/// a list (status, stdout, stderr): true, the text that virsh prints and "" on success,
/// otherwise false and virsh's message. If a part of it failed that virsh only reports, the
/// status is true and stderr has the report. An unknown command, an unknown argument or one of
/// the wrong kind is always an error; `vkvm_error_parameter` then returns the name of the
/// argument.
///
/// - `command`: the command, such as "pool.info", "net.start" or "list_domains"; see
///   `vkvm_host_commands`
/// - `args` (nullable): a list of positional arguments, or a map of arguments by name in which
///   "args" can be a list of positional ones. Every command has the argument "raw": if true,
///   the result has numbers (bytes, ns) and bools instead of texts such as "2.48 GiB"
/// - `result`: result of the command
///
/// cbindgen:blocks
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_call(
    host: *mut vkvm_host,
    command: *const c_char,
    args: *mut vkvm_value,
    result: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(result, "result")?;
        let (host, command) = (c.get(host, "host")?, c.str(command, "command")?);
        let args = Zeroizing::new(c.value_or_null(args, "args")?);
        // Started by `vkvm_call_start`, it says how far it is, and ends when it is given up.
        let mut report = calls::report;
        let progress = calls::is_made_here().then_some(&mut report as &mut Progress<'_>);
        out.set_value(host.call(command, &args, progress)?)
    })
}

/// Runs a command of the host facade and reports its progress.
///
/// `vkvm_host_commands` shows which commands report progress; the others do not call the
/// callback.
///
/// - `command`: as for `vkvm_host_call`
/// - `args` (nullable): as for `vkvm_host_call`
/// - `callback`: called with the progress on this thread, before the function returns
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `result`: result of the command
///
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_call_with_progress(
    host: *mut vkvm_host,
    command: *const c_char,
    args: *mut vkvm_value,
    callback: vkvm_host_progress_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    result: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(callback, userdata, destroy);
        let out = c.out_handle(result, "result")?;
        let (host, command) = (c.get(host, "host")?, c.str(command, "command")?);
        let args = Zeroizing::new(c.value_or_null(args, "args")?);
        let mut progress = progress(&foreign)?;
        out.set_value(host.call(command, &args, Some(&mut progress))?)
    })
}

/// Returns the description of the commands of the host facade.
///
/// It is a map with two keys. `objects` has, by name, a map with `about` and `aliases` (a
/// list). `commands` has, by full name such as "pool.info", a map with the keys:
///
/// - object: name of the object, "" for the host itself
/// - name: name of the command
/// - virsh: virsh's name for it
/// - result: "dict", "str", "stats", "list", "tune", "none" or "xml"
/// - keys: a list of the keys of the result, as in an example: another host, or other arguments,
///   can have fewer or more; "*.NAME" is a key of each entry. Empty when the result has no fixed keys
/// - progress: whether it reports progress
/// - about: description
/// - arguments: a list of maps, in positional order
///
/// An argument is a map with the keys:
///
/// - name: name of the argument
/// - kind: "bool", "int", "string", "strings", "size" or "document"
/// - required: whether it is required
/// - positional: whether it can be given by position
/// - about: description
/// - words: a list of the words that it accepts; empty when any text is accepted, or libvirt
///   decides
/// - excludes: names of arguments with which it cannot be given
/// - requires: a list of lists; with it, one argument of each list must be given
/// - unless: names of arguments of which one must be given if it is not
///
/// - `commands`: the description
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_commands(
    commands: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(commands, "commands")?.set_value(host::commands()))
}

/// Generates a random UUID, version 4.
///
/// - `uuid`: the UUID in lower case with hyphens
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_gen_uuid(
    uuid: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out_text(uuid, "uuid")?.set(Text::from_rust(&host::uuid(), "uuid")?);
        Ok(())
    })
}

/// Generates a random MAC address with python-kvm's prefix, 54:52:00.
///
/// - `mac`: the address
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_gen_mac(
    mac: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out_text(mac, "mac")?.set(Text::from_rust(&host::mac(), "mac")?);
        Ok(())
    })
}

type ProgressFunction = unsafe extern "C" fn(u64, u64, *const c_char, *mut c_void) -> c_int;

/// C's progress callback as ours.
fn progress(foreign: &Foreign<ProgressFunction>) -> Result<impl FnMut(u64, u64, &str) -> bool> {
    let callback = foreign.function("callback")?;
    Ok(move |done, total, unit: &str| {
        // Units are our own words, without a NUL.
        let unit = CString::new(unit).unwrap_or_default();
        // SAFETY: C's own callback and userdata, by the contract; the text lives
        // across the call.
        foreign.call(|userdata| unsafe { callback(done, total, unit.as_ptr(), userdata) == 0 })
    })
}
