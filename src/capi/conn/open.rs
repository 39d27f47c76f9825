// SPDX-License-Identifier: LGPL-2.1-or-later
//! Opening and closing a connection.

use std::ffi::{CStr, c_char, c_int, c_void};

use zeroize::Zeroize;

use super::options;
use crate::capi::caller::{reading, writing};
use crate::capi::guard::{direct, status, void};
use crate::capi::types::{
    SharedValue, vkvm_auth_callback, vkvm_conn, vkvm_destroy_callback, vkvm_error, vkvm_value,
};
use crate::core::conn::{Asked, Options};
use crate::core::{Conn, Credential};
use crate::event;
use crate::handle;
use crate::value::{Map, Value};

/// Opens a connection to a hypervisor, without asking for credentials.
///
/// Over `qemu+ssh://` ssh runs in batch mode, unless the URI has the parameter `no_tty=0`.
/// `vkvm_conn_open_auth` opens a connection that needs a password.
///
/// The function waits for as long as libvirt does. `vkvm_conn_open_with` opens with a timeout.
///
/// - `uri` (nullable): libvirt URI, such as "qemu:///system" or "qemu+ssh://host/system"; NULL
///   means libvirt's default: the environment variable LIBVIRT_DEFAULT_URI, `uri_default` of
///   libvirt's client configuration, or probing
/// - `flags` (default 0, enum conn_open_flags)
/// - `conn`: the connection
///
/// libvirt: virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_open(
    uri: *const c_char,
    flags: u32,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(conn, "conn")?;
        let uri = c.text_nullable(uri, "uri")?.map(CStr::to_owned);
        out.set(event::open(Options { uri, flags, ..Options::default() })?)
    })
}

/// Opens a connection to a hypervisor that may ask for credentials.
///
/// ssh cannot use the callback: with one it runs in batch mode over `qemu+ssh://`, unless the
/// URI has the parameter `no_tty=0`. Without a callback libvirt and ssh prompt on the console,
/// as virsh does.
///
/// - `uri` (nullable): libvirt URI; NULL means libvirt's default, as for `vkvm_conn_open`
/// - `flags` (default 0): as for `vkvm_conn_open`
/// - `credtypes` (nullable, enum conn_credential_type): types of credentials that the callback
///   can provide
/// - `credtypes_len`: number of elements
/// - `callback` (nullable): answers the requests on this thread, before the function returns;
///   NULL means that libvirt prompts on the console. Called by its name, it has no callback:
///   `credtypes` of `vkvm_conn_open_with` is for that
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `conn`: the connection
///
/// libvirt: virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_open_auth(
    uri: *const c_char,
    flags: u32,
    credtypes: *const c_int,
    credtypes_len: usize,
    callback: vkvm_auth_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(callback, userdata, destroy);
        let (out, uri) = (c.out_handle(conn, "conn")?, c.text_nullable(uri, "uri")?);
        let types = c.ints(credtypes, credtypes_len, "credtypes")?;
        let Ok(callback) = foreign.function("callback") else {
            let uri = uri.map(CStr::to_owned);
            let asked = Some(Asked::Console);
            return out.set(event::open(Options { uri, flags, asked, ..Options::default() })?);
        };
        // SAFETY: C's own callback and userdata, by the contract.
        let call = |requests| foreign.call(|userdata| unsafe { callback(requests, userdata) });
        out.set(Conn::open_auth(uri, types, &mut |asked| ask(asked, call), flags)?)
    })
}

/// Opens a connection to a hypervisor, with options.
///
/// The options are:
///
/// - uri: libvirt URI; without it libvirt's default, as for `vkvm_conn_open`
/// - flags: bitwise OR of `VKVM_CONNECT_*`
/// - timeout_ms: timeout for opening, in milliseconds; 0 means no limit. It also limits each
///   attempt of resume, whose default is 30,000
/// - call_timeout_ms: timeout for each call, as in `vkvm_conn_set_call_timeout`
/// - max_calls: number of calls of `vkvm_call_start` that run at the same time on the
///   connection, 1 to 64; the default is 4, as a daemon handles five requests of a client at a
///   time
/// - keepalive: a map with `interval` in seconds and `count`, as in `vkvm_conn_set_keep_alive`
/// - resume: true, or a map, reopens the connection whenever it ends, as
///   `vkvm_conn_enable_resume` does; keys of the map are `max_delay_ms`, by default 10,000, and
///   `queue`, the handle of an event queue that receives the events
/// - reopen_after_fork: a bool, `vkvm_library_reopen_after_fork` for this connection alone
/// - username, password: credentials for SASL, libssh and the like. They are copied, and wiped
///   when the connection is open
/// - credtypes: types of credentials (`VKVM_CRED_*`) that the program gives when libvirt asks for
///   them, with `vkvm_call_set_credentials`; for openings that `vkvm_call_start` has started, and
///   instead of `username` and `password`
/// - keep_credentials: a bool; true keeps them as long as the handle, so that the connection
///   can resume and be reopened after fork
///
/// An unknown option is an error that lists the known ones. ssh runs in batch mode, as in
/// `vkvm_conn_open`.
///
/// With `timeout_ms` the connection is opened on a thread of the library. If it is not open in
/// time, the function fails with `VKVM_ERROR_OWN_TIMEOUT` and the attempt is ended: its socket
/// is shut down, and ssh is terminated. Where libvirt cannot be interrupted, the thread remains
/// until libvirt returns; `vkvm_library_get_openings` counts those. At most four attempts per
/// URI run at the same time. Further ones wait within their timeout, and fail with
/// `VKVM_ERROR_OWN_BUSY` when all four have timed out and do not end.
///
/// - `options` (nullable, map): the options; NULL means none
/// - `conn`: the connection
///
/// libvirt: virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_open_with(
    options: *mut vkvm_value,
    conn: *mut *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(conn, "conn")?;
        let options = c.get_nullable(options, "options")?;
        // Not copied, for it may hold a password; and not locked while it opens.
        let open = match &options {
            None => options::prepare(&Value::Null),
            Some(options) => options::prepare(&reading(options)),
        }?;
        out.set(open.run()? as *mut vkvm_conn);
        Ok(())
    })
}

/// Lets C answer credential requests.
fn ask(asked: &mut [Credential], call: impl Fn(*mut vkvm_value) -> c_int) -> bool {
    let Ok(id) = handle::insert(SharedValue::new(requests(asked))) else {
        return false;
    };
    let answer = call(id as *mut vkvm_value);
    if let Ok(requests) = handle::get::<SharedValue>(id, "credentials") {
        // Nobody is shown it any more.
        if let Ok(mut requests) = writing(&requests) {
            take_results(asked, &mut requests);
            // What the callback has put elsewhere.
            requests.zeroize();
        }
    }
    handle::release::<SharedValue>(id);
    answer >= 0
}

/// Requests as C is shown them.
pub fn requests(asked: &[Credential]) -> Value {
    let requests = asked.iter().map(|credential| {
        let mut request = Map::new();
        request.insert("type", credential.kind);
        request.insert("prompt", credential.prompt.clone());
        request.insert("challenge", credential.challenge.clone());
        request.insert("result", credential.default.clone());
        Value::Map(request)
    });
    Value::List(requests.collect())
}

/// Moves the answers, which are secrets, out of the value.
fn take_results(asked: &mut [Credential], requests: &mut Value) {
    let Value::List(requests) = requests else {
        return;
    };
    for (credential, request) in asked.iter_mut().zip(requests) {
        let Value::Map(request) = request else {
            continue;
        };
        match request.remove("result") {
            Some(Value::String(result)) => credential.result = Some(result),
            Some(mut other) => other.zeroize(),
            None => {}
        }
    }
}

/// Adds a reference to the connection handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_conn_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_ref(conn: *mut vkvm_conn) -> *mut vkvm_conn {
    direct(std::ptr::null_mut(), |c| c.retain(conn))
}

/// Releases a reference to the connection handle.
///
/// The last one ends the registrations made through the handle, and the handle itself. The
/// connection to the daemon closes with the last object made from it. NULL and handles that are
/// not live are ignored.
///
/// - `conn` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_free(conn: *mut vkvm_conn) {
    void(|c| c.free(conn))
}

/// Closes the connection handle, regardless of its other references.
///
/// Registrations made through it end, and every later call with this handle fails. The
/// connection to the daemon closes when the last object made from it is freed.
///
/// libvirt: virConnectClose
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_close(
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(conn, "conn")?;
        handle::remove::<Conn>(conn as usize);
        Ok(())
    })
}
