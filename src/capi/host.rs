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

/// Opens a host.
///
/// - `uri` (nullable): the libvirt URI, like "qemu:///system" or
///   "qemu+ssh://root@example.org/system"; NULL for libvirt's default
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

/// Makes a host of a connection, which may be closed afterwards.
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

/// Adds a hold on the host handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_host_free`, or NULL when
///   it is not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_ref(host: *mut vkvm_host) -> *mut vkvm_host {
    direct(std::ptr::null_mut(), |c| c.retain(host))
}

/// Gives up a hold on the host handle. NULL and handles that are not live are left
/// alone.
///
/// - `host` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_free(host: *mut vkvm_host) {
    void(|c| c.free(host))
}

/// Gets a connection to the host, for what no command does.
///
/// - `conn`: the connection, which is a handle of its own
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

/// Runs a command.
///
/// A command that fails is an error if it is a query. If it changes something, its
/// result is a list (status, stdout, stderr): true, what virsh would print, and ""
/// if it worked; otherwise false and what virsh would print. A command that worked but
/// for a part that virsh reports is true with that report as stderr. A command or an
/// argument that does not exist, or is of the wrong kind, is always an error. The parameter
/// of an error about an argument is the argument's name (`vkvm_error_parameter`).
///
/// - `command`: the command, like "pool.info", "net.start" or "list_domains"; see
///   `vkvm_host_commands`
/// - `args` (nullable): a list of positional arguments, or a map of arguments by
///   name in which "args" can be a list of positional ones. Every command has the
///   argument "raw": if true, the result has numbers (bytes, ns) and bools in
///   place of texts such as "2.48 GiB"
/// - `result`: what it gives
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

/// Runs a command and hears how far it is. Commands that take their time say so in
/// `vkvm_host_commands`; the others do not call the callback.
///
/// - `command`: as for `vkvm_host_call`
/// - `args` (nullable): as for `vkvm_host_call`
/// - `callback`: hears how far it is, on this thread, before the function returns
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `result`: what it gives
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

/// Describes the commands: a map with two keys.
///
/// `objects` has, by name, a map of `about` and `aliases`, a list. `commands` has,
/// by full name ("pool.info", "list_domains"), a map of `object` ("" for the host
/// itself), `name`, `virsh` (virsh's name for it), `result` ("dict", "str",
/// "stats", "list", "tune", "none" or "xml"), `progress` (whether it tells how far
/// it is), `about`, and `arguments`: a list, in positional order, of maps of
/// `name`, `kind` ("bool", "int", "string", "strings", "size" or "document"),
/// `required`, `positional` (whether it can be given by its place), `about`, `words` (a
/// list of those that it can be; empty where any text can be given, or libvirt decides),
/// and three lists of names of other arguments: `excludes` (it cannot be given with any of
/// them), `requires` (a list of lists: with it, one of each must be given) and `unless` (if
/// it is not given, one of them must be).
///
/// - `commands`: the description
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_host_commands(
    commands: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(commands, "commands")?.set_value(host::commands()))
}

/// Makes a random uuid, version 4, in lower case with hyphens.
///
/// - `uuid`: the uuid
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

/// Makes a random hardware address with python-kvm's prefix, 54:52:00.
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
