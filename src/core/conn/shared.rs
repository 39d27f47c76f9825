// SPDX-License-Identifier: LGPL-2.1-or-later
//! `test:///default`: one host in the memory of the process, which all of its
//! connections share.
//!
//! A child of fork shares it, too, as it was at that moment, and with the locks that
//! other threads had taken: these stay locked, and libvirt would wait for them for ever.
//! A fork waits for calls, but not for ever, and not for those that the program makes of
//! libvirt itself. So a child that inherits a host that was used tries it out, once, on a
//! thread that may be lost.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;
use std::sync::mpsc;
use std::time::Duration;

use virt::sys;

use crate::core::thread;
use crate::error::{Misuse, Result};
use crate::fork::{self, Leaf};

const URI: &CStr = c"test:///default";

/// How long the trial may take. It takes a few hundred microseconds.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Nobody has opened it.
    Unused,
    /// It is used in this process, and works.
    Used,
    /// It was used in the process that forked this one.
    Inherited,
    /// It was tried out, and did not answer.
    Locked,
}

static HOST: Leaf<State> = Leaf::of_process(State::Unused, |state| {
    if *state == State::Used {
        *state = State::Inherited;
    }
});

/// Whether the URI is this host's.
pub(super) fn is_meant(uri: Option<&CStr>) -> bool {
    let begins = |uri: &[u8]| {
        let rest = uri.strip_prefix(URI.to_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest[0] == b'?')
    };
    match uri {
        Some(uri) => begins(uri.to_bytes()),
        // libvirt takes it from there, and otherwise looks for a daemon.
        None => std::env::var("LIBVIRT_DEFAULT_URI").is_ok_and(|uri| begins(uri.as_bytes())),
    }
}

/// Before it is opened: finds out whether it can be used in this process.
pub(super) fn ready() -> Result<()> {
    let state = *HOST.lock();
    let works = match state {
        State::Used => return Ok(()),
        State::Unused => true,
        // One thread holds no lock of another's.
        State::Inherited => fork::is_single_threaded() || answers()?,
        State::Locked => false,
    };
    *HOST.lock() = if works { State::Used } else { State::Locked };
    if works { Ok(()) } else { Err(Misuse::LockedByFork { parameter: "uri" }.into()) }
}

/// Whether everything that this host has answers. A thread that waits for a lock that is
/// never released stays behind.
fn answers() -> Result<bool> {
    let (done, answer) = mpsc::channel();
    // It is not joined: with a thread ends what GLib keeps for it, and that may wait for a lock
    // of the parent's.
    thread::spawn("vkvm-trial", move || {
        try_out();
        // Nobody waits any more when it took too long.
        let _ = done.send(());
    })?;
    Ok(answer.recv_timeout(PATIENCE).is_ok())
}

/// Takes each lock that there is. What it returns does not matter.
fn try_out() {
    // SAFETY: C strings; the connection is live until it is closed. A list is only
    // counted where there is no place for it. The callback takes no userdata.
    unsafe {
        let conn = sys::virConnectOpenAuth(URI.as_ptr(), ptr::null_mut(), 0);
        if conn.is_null() {
            return;
        }
        let mut info = std::mem::zeroed();
        sys::virNodeGetInfo(conn, &mut info);
        sys::virConnectListAllDomains(conn, ptr::null_mut(), 0);
        sys::virConnectListAllNetworks(conn, ptr::null_mut(), 0);
        sys::virConnectListAllInterfaces(conn, ptr::null_mut(), 0);
        sys::virConnectListAllStoragePools(conn, ptr::null_mut(), 0);
        sys::virConnectListAllNodeDevices(conn, ptr::null_mut(), 0);
        let (lifecycle, callback) = (sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE as c_int, ignore);
        let callback: sys::virConnectDomainEventGenericCallback =
            std::mem::transmute::<*const c_void, _>(callback as *const c_void);
        let number = sys::virConnectDomainEventRegisterAny(
            conn,
            ptr::null_mut(),
            lifecycle,
            callback,
            ptr::null_mut(),
            None,
        );
        if number >= 0 {
            sys::virConnectDomainEventDeregisterAny(conn, number);
        }
        sys::virConnectClose(conn);
    }
}

unsafe extern "C" fn ignore(
    _conn: sys::virConnectPtr,
    _dom: sys::virDomainPtr,
    _event: c_int,
    _detail: c_int,
    _userdata: *mut c_void,
) -> c_int {
    0
}
