// SPDX-License-Identifier: LGPL-2.1-or-later
//! What only QEMU's driver can do: its monitor, and processes that libvirt did not
//! start.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::os::fd::OwnedFd;
use std::ptr;

use virt::sys;

use super::{Domain, Text, call};
use crate::core::Conn;
use crate::core::late::Late;
use crate::error::Result;

/// The library that these functions are in.
pub(crate) const LIBRARY: &CStr = c"libvirt-qemu.so.0";

type MonitorCommand =
    unsafe extern "C" fn(sys::virDomainPtr, *const c_char, *mut *mut c_char, c_uint) -> c_int;
type MonitorCommandWithFiles = unsafe extern "C" fn(
    sys::virDomainPtr,
    *const c_char,
    c_uint,
    *mut c_int,
    *mut c_uint,
    *mut *mut c_int,
    *mut *mut c_char,
    c_uint,
) -> c_int;
type AgentCommand =
    unsafe extern "C" fn(sys::virDomainPtr, *const c_char, c_int, c_uint) -> *mut c_char;
type Attach = unsafe extern "C" fn(sys::virConnectPtr, c_uint, c_uint) -> sys::virDomainPtr;

// SAFETY: these are the functions' types in libvirt's header.
static MONITOR_COMMAND: Late<MonitorCommand> =
    unsafe { Late::of(LIBRARY, c"virDomainQemuMonitorCommand", "0.8.3") };
// SAFETY: this is the function's type in libvirt's header.
static MONITOR_COMMAND_WITH_FILES: Late<MonitorCommandWithFiles> =
    unsafe { Late::of(LIBRARY, c"virDomainQemuMonitorCommandWithFiles", "8.2.0") };
// SAFETY: this is the function's type in libvirt's header.
static AGENT_COMMAND: Late<AgentCommand> =
    unsafe { Late::of(LIBRARY, c"virDomainQemuAgentCommand", "0.10.0") };
// SAFETY: this is the function's type in libvirt's header.
static ATTACH: Late<Attach> = unsafe { Late::of(LIBRARY, c"virDomainQemuAttach", "0.9.4") };

impl Domain {
    /// Sends a command to QEMU's monitor. Returns its answer.
    pub fn qemu_monitor_command(&self, cmd: &CStr, flags: c_uint) -> Result<Text> {
        let mut answer = ptr::null_mut();
        // SAFETY: the pointer is live. On success the answer is new and ours.
        unsafe {
            let returned = MONITOR_COMMAND.get()?(self.raw(), cmd.as_ptr(), &mut answer, flags);
            call::done(returned, c"virDomainQemuMonitorCommand")?;
            call::text(answer, c"virDomainQemuMonitorCommand")
        }
    }

    /// The same, with file descriptors for QEMU, and from it.
    pub fn qemu_monitor_command_with_files(
        &self,
        cmd: &CStr,
        files: &[c_int],
        flags: c_uint,
    ) -> Result<(Text, Vec<OwnedFd>)> {
        let function = c"virDomainQemuMonitorCommandWithFiles";
        let (mut answer, mut array, mut len) = (ptr::null_mut(), ptr::null_mut(), 0);
        // libvirt does not change them, but its type says that it may.
        let mut files = files.to_vec();
        // SAFETY: the pointer is live; on success answer and array are new and ours.
        unsafe {
            let returned = MONITOR_COMMAND_WITH_FILES.get()?(
                self.raw(),
                cmd.as_ptr(),
                files.len() as c_uint,
                files.as_mut_ptr(),
                &mut len,
                &mut array,
                &mut answer,
                flags,
            );
            call::done(returned, function)?;
            let received = call::files(array, len as usize);
            Ok((call::text(answer, function)?, received))
        }
    }

    /// Sends a command to the agent in the guest. Returns its answer; none if it is
    /// not waited for.
    pub fn qemu_agent_command(&self, cmd: &CStr, timeout: c_int, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live; the answer is new and ours.
        unsafe {
            let answer = AGENT_COMMAND.get()?(self.raw(), cmd.as_ptr(), timeout, flags);
            call::text(answer, c"virDomainQemuAgentCommand")
        }
    }
}

impl Conn {
    /// Makes a domain of a QEMU process that libvirt did not start.
    pub fn qemu_attach(&self, pid: c_uint, flags: c_uint) -> Result<Domain> {
        // SAFETY: raw() is live while self is; a new domain's reference is ours.
        unsafe {
            let raw = ATTACH.get()?(self.raw(), pid, flags);
            Ok(Domain::adopt(call::pointer(raw, c"virDomainQemuAttach")?.as_ptr()))
        }
    }
}
