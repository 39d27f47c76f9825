//! What only QEMU's driver can do.

use std::ffi::{c_char, c_int, c_void};

use crate::capi::event::listener;
use crate::capi::guard::status;
use crate::capi::types::{
    vkvm_conn, vkvm_destroy_callback, vkvm_domain, vkvm_error, vkvm_event_callback,
};
use crate::event::{self, Source};

/// Sends a command to the monitor of the domain's QEMU.
///
/// What it changes, libvirt does not know, and may fail over: this is for looking and
/// for trying. The library libvirt-qemu.so.0 is needed.
///
/// - `cmd`: the command, in JSON, like "{ \"execute\": \"query-status\" }"
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

/// Sends a command with file descriptors to the monitor of the domain's QEMU.
///
/// As `vkvm_domain_qemu_monitor_command`; the connection must be on a unix socket.
///
/// - `cmd`: the command, in JSON
/// - `files` (nullable): file descriptors that QEMU gets copies of; they stay the caller's.
///   NULL if there are none
/// - `files_len`: how many there are
/// - `flags` (default 0): unused, pass 0
/// - `result`: the answer, in JSON
/// - `fds`: file descriptors that QEMU sent; the caller has to close them
/// - `fds_len`: how many there are
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

/// Sends a command to the agent in the guest.
///
/// The library libvirt-qemu.so.0 is needed.
///
/// - `cmd`: the command, in JSON, like "{ \"execute\": \"guest-ping\" }"
/// - `timeout` (unit s, enum domain_qemu_agent_command_timeout): how long to wait for the answer,
///   or a constant
/// - `flags` (default 0): unused, pass 0
/// - `result`: the answer, in JSON
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

/// Makes a domain of a QEMU process that libvirt did not start.
///
/// The driver of libvirt 6.6 and newer can do it no more, and says so. The library
/// libvirt-qemu.so.0 is needed.
///
/// - `pid`: the number of the process
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

/// Listens to what the monitor of QEMU says, also of kinds that libvirt has no event
/// for.
///
/// The registration holds the connection open; it ends with
/// `vkvm_conn_qemu_monitor_event_deregister`, or with the connection handle. The
/// library libvirt-qemu.so.0 is needed.
///
/// The map of an event has the keys event (its name, like "RESUME"), seconds and micros
/// (when, since 1970) and details (JSON text, or null). The number of the event is 0.
///
/// - `dom` (nullable): the domain to listen to; NULL for all
/// - `event` (nullable): the name of the event; NULL for all
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): releases the userdata
/// - `flags` (default 0, enum domain_qemu_monitor_event_register_flags): how `event` is
///   compared with the names of events
/// - `callback_id`: the number to deregister with
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
/// - `callback_id`: the number that was given then
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
