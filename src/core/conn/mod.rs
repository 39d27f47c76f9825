//! The connection to a hypervisor.

mod cpu;
mod domains;
mod host;
mod interfaces;
mod memory;
mod networks;
mod node_devices;
mod nwfilters;
mod open;
mod saved;
mod secrets;
mod storage;

use std::any::Any;
use std::ffi::{CStr, c_int, c_uint};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use uuid::Uuid;
use virt::sys;

pub use cpu::Emulator;
pub use domains::DomainState;
pub(crate) use open::reopen;
pub use open::{Authenticator, Credential};

use super::call;
use super::resume::{ConnRef, Line};
use crate::error::{Error, Misuse, Result};

/// A connection. Objects made from it keep it open.
pub struct Conn {
    line: Line,
    /// What was registered through this connection and has to go with it.
    listeners: Mutex<Vec<Registered>>,
    close: OnceLock<Arc<ListenerSlot>>,
    /// What opens it again when it ends.
    resume: ListenerSlot,
    opened: Option<Opened>,
    keep_alive: Mutex<Option<(c_int, c_uint)>>,
}

/// How a connection was opened.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// The flags.
    pub flags: c_uint,
    /// Whether there were credentials to ask for; they are not kept.
    pub asked_for_credentials: bool,
}

/// Where a connection keeps the one listener to its end, or the one that opens it again.
#[derive(Default)]
pub struct ListenerSlot(Mutex<Option<Arc<dyn Any + Send + Sync>>>);

impl ListenerSlot {
    /// Puts a listener in. False, and the listener is dropped, if there is one.
    pub(crate) fn fill(&self, listener: Arc<dyn Any + Send + Sync>) -> bool {
        let mut slot = self.lock();
        let empty = slot.is_none();
        if empty {
            *slot = Some(listener);
        }
        empty
    }

    /// Takes the listener out.
    pub(crate) fn take(&self) -> Option<Arc<dyn Any + Send + Sync>> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<dyn Any + Send + Sync>>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The class whose events a registration is for, or QEMU's monitor. Callback ids of
/// different classes are numbered each for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the classes'")]
pub enum Source {
    Domain,
    Network,
    StoragePool,
    NodeDevice,
    Secret,
    QemuMonitor,
}

impl Source {
    /// The class as in function names.
    pub fn class_name(self) -> &'static str {
        match self {
            Source::Domain | Source::QemuMonitor => "domain",
            Source::Network => "network",
            Source::StoragePool => "storage_pool",
            Source::NodeDevice => "node_device",
            Source::Secret => "secret",
        }
    }
}

/// A registration with libvirt that holds the connection open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// One of the functions virConnect…EventRegisterAny and the like, and its callback id.
    Any(Source, c_int),
    /// The one virConnectDomainEventRegister.
    AllDomains,
}

/// A registration, and how to make it again.
pub struct Registered {
    /// What the one who registered knows it by.
    pub listener: Listener,
    /// libvirt's callback id: another one than at first on a connection that was
    /// opened again.
    pub now: c_int,
    /// How to register on the connection that is in use.
    pub again: Arc<Register>,
}

/// Registers with libvirt; gives the callback id.
pub type Register = dyn Fn(&Conn) -> Result<c_int> + Send + Sync;

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
        // SAFETY: raw() is live while self is.
        unsafe { Conn::share(self.raw(), c"virConnectRef") }
    }

    /// Takes over a connection and the reference to it.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours.
    unsafe fn adopt(raw: NonNull<sys::virConnect>, opened: Option<Opened>) -> Self {
        Conn {
            // SAFETY: as promised by the caller.
            line: Line::new(unsafe { ConnRef::adopt(raw) }),
            listeners: Mutex::default(),
            close: OnceLock::new(),
            resume: ListenerSlot::default(),
            opened,
            keep_alive: Mutex::default(),
        }
    }

    /// How it was opened, unless it is only shared with an object.
    pub(crate) fn opened(&self) -> Option<Opened> {
        self.opened
    }

    /// Where what opens it again is.
    pub(crate) fn resume_slot(&self) -> &ListenerSlot {
        &self.resume
    }

    /// From now on uses `new`, which keeps alive as the one before was told to.
    /// Gives the one before.
    pub(crate) fn go_on_with(&self, new: ConnRef) -> ConnRef {
        let old = self.line.go_on_with(new);
        let keep_alive = *self.keep_alive.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((interval, count)) = keep_alive {
            // It worked before; if it does not now, the end of the connection is
            // only noticed later.
            let _ = self.set_keep_alive(interval, count);
        }
        old
    }

    pub(crate) fn raw(&self) -> sys::virConnectPtr {
        self.line.raw()
    }

    /// Whether there may be a listener to the end of this connection.
    pub(crate) fn has_close_slot(&self) -> bool {
        self.close.get().is_some()
    }

    /// Where the listener to the end of this connection is.
    pub(crate) fn close_slot(&self) -> &Arc<ListenerSlot> {
        self.close.get_or_init(Arc::default)
    }

    /// The registrations that hold this connection.
    pub(crate) fn listeners(&self) -> MutexGuard<'_, Vec<Registered>> {
        self.listeners.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
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
