// SPDX-License-Identifier: LGPL-2.1-or-later
//! What only QEMU's driver can do.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::event::listener;
use crate::capi::guard::status;
use crate::capi::types::{
    vkvm_conn, vkvm_destroy_callback, vkvm_domain, vkvm_error, vkvm_event_callback,
};
use crate::event::{self, Source};

/// Sends a command to the QEMU monitor of the domain.
///
/// It is for inspecting and experimenting. Queries are safe. libvirt does not know about
/// changes made this way, and may fail over them. Requires the library libvirt-qemu.so.0.
///
/// - `cmd`: the command in JSON, such as "{ \"execute\": \"query-status\" }", or a human
///   monitor command with the flag for it
/// - `flags` (default 0, enum domain_qemu_monitor_command_flags)
/// - `result`: the answer, in the same language
///
/// libvirt: virDomainQemuMonitorCommand
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_qemu_monitor_command(
    dom: *mut vkvm_domain,
    cmd: *const c_char,
    flags: u32,
    result: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(result, "result")?;
        let dom = c.get(dom, "dom")?;
        out.set(dom.qemu_monitor_command(c.text(cmd, "cmd")?, flags)?);
        Ok(())
    })
}

/// Sends a command with file descriptors to the QEMU monitor of the domain.
///
/// Apart from the descriptors it is like `vkvm_domain_qemu_monitor_command`. The connection
/// must use a UNIX socket.
///
/// - `cmd`: the command in JSON
/// - `files` (nullable): file descriptors of which QEMU receives copies; they remain the
///   caller's. NULL if there are none
/// - `files_len`: number of elements
/// - `flags` (default 0): unused, pass 0
/// - `result`: the answer in JSON
/// - `fds`: file descriptors that QEMU sent; the caller closes them
/// - `fds_len`: number of elements
///
/// libvirt: virDomainQemuMonitorCommandWithFiles
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_qemu_monitor_command_with_files(
    dom: *mut vkvm_domain,
    cmd: *const c_char,
    files: *const c_int,
    files_len: usize,
    flags: u32,
    result: *mut *mut c_char,
    fds: *mut *mut c_int,
    fds_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(result, "result")?;
        let out_fds = c.out_array(fds, fds_len, "fds", "fds_len")?;
        let (dom, cmd) = (c.get(dom, "dom")?, c.text(cmd, "cmd")?);
        let files = c.ints(files, files_len, "files")?;
        let (answer, received) = dom.qemu_monitor_command_with_files(cmd, files, flags)?;
        out.set(answer);
        out_fds.set_files(received)
    })
}

/// Sends a command to the QEMU guest agent of the domain.
///
/// Requires the library libvirt-qemu.so.0.
///
/// - `cmd`: the command in JSON, such as "{ \"execute\": \"guest-ping\" }"
/// - `timeout` (unit s, enum domain_qemu_agent_command_timeout): time to wait for the answer; 0
///   does not wait
/// - `flags` (default 0): unused, pass 0
/// - `result`: the answer in JSON
///
/// libvirt: virDomainQemuAgentCommand
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_qemu_agent_command(
    dom: *mut vkvm_domain,
    cmd: *const c_char,
    timeout: c_int,
    flags: u32,
    result: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(result, "result")?;
        let dom = c.get(dom, "dom")?;
        out.set(dom.qemu_agent_command(c.text(cmd, "cmd")?, timeout, flags)?);
        Ok(())
    })
}

/// Attaches to a QEMU process that libvirt did not start, as a new domain.
///
/// QEMU's driver refuses it from libvirt 6.6 on. Requires the library libvirt-qemu.so.0.
///
/// - `pid`: id of the process
/// - `flags` (default 0): unused, pass 0
/// - `dom`: the domain
///
/// libvirt: virDomainQemuAttach
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_qemu_attach(
    conn: *mut vkvm_conn,
    pid: u32,
    flags: u32,
    dom: *mut *mut vkvm_domain,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(dom, "dom")?;
        out.set(c.get(conn, "conn")?.qemu_attach(pid, flags)?)
    })
}

/// Registers a callback for events of the QEMU monitor.
///
/// It delivers events that libvirt has no kind for, too. The registration keeps the connection
/// open; it ends with `vkvm_conn_qemu_monitor_event_deregister`, or with the connection handle.
/// Requires the library libvirt-qemu.so.0.
///
/// The map of an event has the keys `event` (its name, such as "RESUME"), `seconds` and
/// `micros` (time since 1970) and `details` (JSON text, or null). The number of the event is 0.
///
/// - `dom` (nullable): the domain whose events to deliver; NULL means all
/// - `event` (nullable): name of the event; NULL means all
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once when the registration has ended, to release the user
///   data
/// - `flags` (default 0, enum domain_qemu_monitor_event_register_flags): how `event` is matched
///   against the names of events
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectDomainQemuMonitorEventRegister
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_qemu_monitor_event_register(
    conn: *mut vkvm_conn,
    dom: *mut vkvm_domain,
    event: *const c_char,
    callback: vkvm_event_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    flags: u32,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let listener = listener(conn, c.callback(callback, userdata, destroy))?;
        let (out, dom) = (c.out(callback_id, "callback_id")?, c.get_nullable(dom, "dom")?);
        let (conn, name) = (c.get(conn, "conn")?, c.text_nullable(event, "event")?);
        let dom = dom.as_deref();
        out.set(event::qemu_monitor_event_register(&conn, dom, name, listener, flags)?);
        Ok(())
    })
}

/// Ends a registration made with `vkvm_conn_qemu_monitor_event_register`.
///
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectDomainQemuMonitorEventDeregister
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_qemu_monitor_event_deregister(
    conn: *mut vkvm_conn,
    callback_id: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        event::deregister_any(&*c.get(conn, "conn")?, Source::QemuMonitor, callback_id)
    })
}
