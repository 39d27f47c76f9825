//! Opening and closing a connection.

use std::ffi::{CStr, c_char, c_int, c_void};

use zeroize::Zeroize;

use super::options;
use crate::capi::caller::{reading, writing};
use crate::capi::guard::{direct, status, void};
use crate::capi::types::{
    SharedValue, vkvm_auth_callback, vkvm_conn, vkvm_destroy_callback, vkvm_error, vkvm_value,
};
use crate::core::conn::Options;
use crate::core::{Conn, Credential};
use crate::event;
use crate::handle;
use crate::value::{Map, Value};

/// Opens a connection to a hypervisor, without credentials.
///
/// A call on a connection whose daemon is gone fails; it does not end the program by SIGPIPE,
/// whatever the disposition of that signal is.
///
/// Nobody is asked for a password: over `qemu+ssh://` ssh runs in its batch mode, unless the
/// URI has the parameter `no_tty=0`. See vkvm_conn_open_auth().
///
/// - `uri` (nullable): the libvirt URI, like "qemu:///system"; NULL for
///   libvirt's default
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
/// With a callback ssh, which cannot use it, runs in its batch mode over `qemu+ssh://`,
/// unless the URI has the parameter `no_tty=0`. Without one libvirt and ssh prompt on the
/// console, as virsh does.
///
/// - `uri` (nullable): the libvirt URI; NULL for libvirt's default
/// - `flags` (default 0): as for `vkvm_conn_open`
/// - `credtypes` (nullable, enum conn_credential_type): the types of credentials that the callback can
///   give
/// - `credtypes_len`: how many there are
/// - `callback` (nullable): answers the requests, on this thread, before the
///   function returns; NULL to let libvirt prompt on the console
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
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
            return out.set(Conn::open_console(uri, flags)?);
        };
        // SAFETY: C's own callback and userdata, by the contract.
        let call = |requests| foreign.call(|userdata| unsafe { callback(requests, userdata) });
        out.set(Conn::open_auth(uri, types, &mut |asked| ask(asked, call), flags)?)
    })
}

/// Opens a connection to a hypervisor, with options.
///
/// With `timeout_ms` the connection is opened on a thread of the library's. If it is not open
/// when the time is over, the function fails with `VKVM_ERROR_OWN_TIMEOUT`, and the opening
/// is ended: its socket is shut down, and ssh is ended. Where libvirt cannot be made to give
/// up, the thread stays until it does; vkvm_library_get_openings() counts these. At most four
/// openings of a URI are at work at once; the next one waits for its turn, within its
/// time, and fails with `VKVM_ERROR_OWN_BUSY` when all of them were given up and do not end.
///
/// The options: `uri` is the libvirt URI, libvirt's default without it; `flags`, a bitwise OR
/// of `VKVM_CONNECT_*`. `timeout_ms` limits the opening, in milliseconds; 0 means no limit. It
/// also limits each attempt of `resume`, which is 30,000 otherwise.
///
/// `call_timeout_ms` limits each call, as `vkvm_conn_set_call_timeout`. `max_calls`, 1 to 64, is
/// how many calls of `vkvm_call_start` go on at once on the connection; 4 without it, for a
/// daemon works on five of a client's.
///
/// `keepalive` is a map of `interval` in seconds and `count`, as for
/// vkvm_conn_set_keep_alive(). `resume`, true or a map, opens the connection again whenever it
/// ends, as vkvm_conn_enable_resume(); the keys of the map are `max_delay_ms`, which is 10,000
/// without it, and `queue`, the handle of an event queue that gets the events.
/// `reopen_after_fork`, a bool, is vkvm_library_reopen_after_fork() for this connection alone.
///
/// `username` and `password` are credentials for SASL, libssh and the like. They are copied,
/// and overwritten when the connection is open. With `keep_credentials`, a bool, they are kept
/// as long as the handle, so that the connection can resume, and be reopened after fork.
///
/// An option that does not exist is an error that lists those that do. Nobody is asked for a
/// password: ssh runs in its batch mode, as in vkvm_conn_open().
///
/// - `options` (nullable, map): the options; NULL for none
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
    let requests = asked.iter_mut().map(|credential| {
        let mut request = Map::new();
        request.insert("type", credential.kind);
        request.insert("prompt", credential.prompt.take());
        request.insert("challenge", credential.challenge.take());
        request.insert("result", credential.default.take());
        Value::Map(request)
    });
    let requests = Value::List(requests.collect());
    let Ok(id) = handle::insert(SharedValue::new(requests)) else {
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

/// Adds a hold on the connection handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_conn_free`, or NULL when
///   it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_ref(conn: *mut vkvm_conn) -> *mut vkvm_conn {
    direct(std::ptr::null_mut(), |c| c.retain(conn))
}

/// Gives up a hold on the connection handle.
///
/// The last one takes back what was registered through the connection, and
/// ends the handle. The connection itself closes with the last object made
/// from it. NULL and handles that are not live are left alone.
///
/// - `conn` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_free(conn: *mut vkvm_conn) {
    void(|c| c.free(conn))
}

/// Closes the connection handle, whoever else holds it.
///
/// What was registered through the connection is taken back; from then on
/// every call with this handle fails. The connection itself closes when the
/// last object made from it is freed.
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
