// SPDX-License-Identifier: LGPL-2.1-or-later
//! Event loop, registrations and the way of an event to its listener.
//!
//! Which loop there is, is chosen once ([`choice`]): the library's ([`poll`]), which the
//! program runs ([`default_loop`]) or a thread of the library ([`thread`]); or the
//! program's own. libvirt sees each through [`event_impl`], and each sees [`watched`].
//!
//! libvirt calls a C function of ours with a number that it was given. The [`hub`] finds
//! those who listen by it, and calls their closures, the *listeners*. Dropping a
//! listener is the one place where whatever it owns is released.

mod buffer;
mod callback;
mod choice;
mod close;
mod default_loop;
mod deferred;
mod ending;
mod event_impl;
mod explain;
mod given;
mod hub;
mod kinds;
mod later;
mod listeners;
mod monitor;
mod numbers;
mod opening;
mod pending;
mod poll;
mod queue;
mod registrar;
mod registry;
mod resume;
mod runner;
mod signature;
pub mod stream;
mod subject;
pub(crate) mod sync;
#[cfg(test)]
mod tests;
mod thread;
mod watched;
mod watches;

pub use choice::is_ready;
pub use close::{register_close_callback, unregister_close_callback};
pub use default_loop::{register_default, run_default};
pub use ending::{has_untold, tell_untold};
pub use event_impl::{catch_up, register_impl};
pub use explain::{explain, explain_keep_alive};
pub use given::{
    add_handle, add_timeout, remove_handle, remove_timeout, update_handle, update_timeout,
};
pub use later::has_any as has_put_off;
pub use listeners::Listener;
pub use numbers::Numbers;
pub use opening::{open, open_bounded};
pub use queue::{Entry, EventQueue, News, Place, Teller, forget_connection};
pub use registry::{
    deregister_all, deregister_any, domain_event_deregister, domain_event_register,
    qemu_monitor_event_register, register_any,
};
pub use resume::{disable_resume, enable_resume};
pub use subject::{Source, Subject};
pub use thread::{after_what_was_read, is_started, start, stop};
pub use watched::{EventImpl, Watched};

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::core::{Domain, Network, NodeDevice, Secret, StoragePool};
use crate::value::Map;

/// Something that happened.
pub struct Event {
    /// What it happened to; none for the end of a connection.
    pub object: Option<Happened>,
    /// Which kind of event it is: one of the class's `EVENT_ID_*`.
    pub id: c_int,
    /// What else is known, in the order in which Sys::Virt passes it.
    pub args: Map,
}

/// What an event happened to.
pub enum Happened {
    /// With a reference of our own.
    Own(Object),
    /// It is libvirt's, which lends it while it tells the event: who keeps the event longer
    /// asks for one [`of its own`](Event::kept). To take a reference and to give it up costs
    /// half as much as all else that an event takes, for libvirt writes the uuid for its log.
    Lent(ManuallyDrop<Object>),
}

impl Deref for Happened {
    type Target = Object;
    fn deref(&self) -> &Object {
        match self {
            Happened::Own(object) => object,
            Happened::Lent(object) => object,
        }
    }
}

impl Happened {
    /// The object, with a reference of its own.
    pub fn into_own(self) -> Object {
        match self {
            Happened::Own(object) => object,
            Happened::Lent(object) => object.reference(),
        }
    }
}

/// Something that events happen to.
#[allow(missing_docs, reason = "the names are the classes'")]
pub enum Object {
    Domain(Domain),
    Network(Network),
    StoragePool(StoragePool),
    NodeDevice(NodeDevice),
    Secret(Secret),
}

impl Event {
    /// The same, with references of its own.
    fn copy(&self) -> Self {
        let object = self.object.as_deref().map(|object| Happened::Own(object.reference()));
        Event { object, id: self.id, args: self.args.clone() }
    }

    /// The event, to be kept for longer than libvirt tells it.
    fn kept(mut self) -> Self {
        self.object = self.object.map(|object| Happened::Own(object.into_own()));
        self
    }
}

impl Object {
    fn reference(&self) -> Self {
        match self {
            Object::Domain(it) => Object::Domain(it.reference()),
            Object::Network(it) => Object::Network(it.reference()),
            Object::StoragePool(it) => Object::StoragePool(it.reference()),
            Object::NodeDevice(it) => Object::NodeDevice(it.reference()),
            Object::Secret(it) => Object::Secret(it.reference()),
        }
    }
}

/// Puts a closure where libvirt can hold it.
fn into_userdata<F>(closure: F) -> *mut c_void {
    Box::into_raw(Box::new(closure)).cast()
}

/// libvirt's free callback for a closure of type `F`.
///
/// # Safety
/// `userdata` came from `into_userdata::<F>`, and this is its last use.
unsafe extern "C" fn free_userdata<F>(userdata: *mut c_void) {
    // SAFETY: as promised by the caller.
    let closure = unsafe { Box::from_raw(userdata.cast::<F>()) };
    shielded(|| drop(closure));
}

/// Runs what libvirt's C frames called; a panic must not unwind into them.
fn shielded(body: impl FnOnce()) {
    // The panic hook has printed the panic; there is no caller to tell.
    let _ = catch_unwind(AssertUnwindSafe(body));
}
