// SPDX-License-Identifier: LGPL-2.1-or-later
//! The connection to a hypervisor.

mod advice;
pub mod bounded;
mod cpu;
mod credentials;
mod domain_facts;
mod domains;
mod host;
pub(super) mod inherited;
mod interfaces;
mod memory;
mod networks;
mod node_devices;
mod nwfilters;
mod open;
mod opened;
pub(crate) mod opening;
mod saved;
mod secrets;
mod shared;
mod ssh;
mod storage;

use std::ffi::{CStr, c_int, c_uint};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use uuid::Uuid;
use virt::sys;

pub use cpu::Emulator;
pub use credentials::Credentials;
pub use domain_facts::DomainFacts;
pub use domains::DomainState;
pub(crate) use open::reopen;
pub use open::{Asked, Credential, Options};
pub use opened::reopen_in_children;

use super::call;
use super::closing;
use super::line::{self, ConnRef, Line};
use super::object::{Counted, Object, Pinned};
use crate::error::{Error, Misuse, Result};
use crate::fork::lock;

/// A connection. Objects made from it keep it open.
pub struct Conn {
    /// Goes before the object: it is found by the connection's address.
    member: OnceLock<Box<Member>>,
    object: Object<sys::virConnect>,
    /// Its last handle has gone: what is registered now would never end.
    ended: AtomicBool,
    opened: Option<Opened>,
    keep_alive: Mutex<Option<(c_int, c_uint)>>,
}

/// How a connection was opened.
#[derive(Clone)]
pub struct Opened {
    /// The flags.
    pub flags: c_uint,
    /// Whether there were credentials to ask for.
    pub asked_for_credentials: bool,
    /// The credentials, where they are kept.
    pub kept: Option<Arc<Credentials>>,
    /// Whether a child of fork opens it again; None for what is set for all.
    pub reopens_in_children: Option<bool>,
    /// How long it may take.
    pub patience: Option<Duration>,
}

impl Opened {
    /// Without credentials.
    fn with(flags: c_uint) -> Self {
        Opened {
            flags,
            asked_for_credentials: false,
            kept: None,
            reopens_in_children: None,
            patience: None,
        }
    }

    /// Whether it can be opened again in the same way.
    pub fn can_be_repeated(&self) -> bool {
        !self.asked_for_credentials || self.kept.is_some()
    }
}

/// One of those who share a connection: what is registered through it ends with it.
pub(crate) struct Member {
    /// The connection, and those that take its place.
    pub line: Arc<Line>,
    /// Tells it from the others.
    pub number: u64,
}

// SAFETY: the functions are those for virConnect.
unsafe impl Counted for sys::virConnect {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virConnectClose(this) };
    }

    unsafe fn end(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { closing::let_go(this, move || sys::virConnectClose(this)) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        this
    }

    unsafe fn find(_this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: as promised by the caller.
        unsafe { sys::virConnectRef(conn) };
        conn
    }
}

impl Pinned for Conn {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl Conn {
    /// Another holder of an open connection, with registrations of its own. `raw` is
    /// what `function` returned.
    ///
    /// # Safety
    /// `raw` is NULL or a valid connection.
    pub(crate) unsafe fn share(raw: sys::virConnectPtr, function: &'static CStr) -> Result<Self> {
        let raw = call::pointer(raw, function)?;
        // SAFETY: as promised by the caller; the added reference is ours.
        unsafe {
            call::done(sys::virConnectRef(raw.as_ptr()), c"virConnectRef")?;
            Ok(Conn::adopt(raw, None))
        }
    }

    /// Another hold on this connection, with no registrations of its own.
    pub(crate) fn another(&self) -> Result<Self> {
        Ok(Conn::of(self.reference()))
    }

    /// A connection from a reference to one of libvirt's.
    pub(crate) fn of(reference: ConnRef) -> Self {
        // SAFETY: the reference that is given up is the connection's.
        unsafe { Conn::adopt(reference.into_raw(), None) }
    }

    /// Takes over a connection and the reference to it.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours.
    unsafe fn adopt(raw: NonNull<sys::virConnect>, opened: Option<Opened>) -> Self {
        Conn {
            // SAFETY: as promised by the caller.
            object: unsafe { Object::adopt(raw.as_ptr()) },
            member: OnceLock::new(),
            ended: AtomicBool::new(false),
            opened,
            keep_alive: Mutex::default(),
        }
    }

    /// How it was opened, unless it is only shared with an object.
    pub(crate) fn opened(&self) -> Option<&Opened> {
        self.opened.as_ref()
    }

    /// A reference to the connection that is in use now.
    pub(crate) fn reference(&self) -> ConnRef {
        // SAFETY: live while it is used.
        self.object.with(|raw| unsafe { ConnRef::to(raw) })
    }

    /// What it is among those who share the connection.
    pub(crate) fn member(&self) -> &Member {
        static LAST: AtomicU64 = AtomicU64::new(0);
        self.member.get_or_init(|| {
            let line = self.object.with(line::of_or_new);
            Box::new(Member { line, number: LAST.fetch_add(1, Ordering::Relaxed) })
        })
    }

    /// Its last handle has gone. Who became a member before is known afterwards, and who
    /// becomes one later finds that it [has ended](Self::has_ended).
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// Whether its last handle has gone.
    pub(crate) fn has_ended(&self) -> bool {
        fence(Ordering::SeqCst);
        self.ended.load(Ordering::Relaxed)
    }

    /// The same as [`member`](Self::member), if anybody ever asked.
    pub(crate) fn known_member(&self) -> Option<&Member> {
        self.member.get().map(|member| &**member)
    }

    /// What [`set_keep_alive`](Self::set_keep_alive) was called with.
    pub(crate) fn keep_alive(&self) -> Option<(c_int, c_uint)> {
        *lock(&self.keep_alive)
    }

    pub(crate) fn raw(&self) -> sys::virConnectPtr {
        self.object.raw()
    }

    pub(crate) fn raw_here(&self) -> sys::virConnectPtr {
        self.object.raw_here()
    }
}

/// Adds to libvirt's error about a document which parameter it is, and, where
/// the XML is malformed, at which line and column.
pub(crate) fn locate(error: Error, parameter: &'static str, xml: &CStr) -> Error {
    let code = error.details().code as u32;
    if ![sys::VIR_ERR_XML_ERROR, sys::VIR_ERR_XML_DETAIL].contains(&code) {
        return error;
    }
    match crate::xml::check(&xml.to_string_lossy()) {
        Err((line, column, _reason)) => error.at(parameter, line, column),
        Ok(()) => error,
    }
}

/// The same for a document that may be left out.
pub(crate) fn locate_nullable(error: Error, parameter: &'static str, xml: Option<&CStr>) -> Error {
    match xml {
        Some(xml) => locate(error, parameter, xml),
        None => error,
    }
}

/// A uuid as Sys::Virt takes it.
pub fn parse_uuid(uuid: &[u8], parameter: &'static str) -> Result<Uuid> {
    let parsed = match uuid.len() {
        16 => Uuid::from_slice(uuid).ok(),
        32 | 36 => Uuid::try_parse_ascii(uuid).ok(),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let reason = format!(
            "\"{}\" is no uuid; 16 raw bytes, or text of 32 hex digits with or without hyphens \
             is needed",
            uuid.escape_ascii()
        );
        Misuse::Invalid { parameter, reason }.into()
    })
}
