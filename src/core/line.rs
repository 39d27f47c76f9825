// SPDX-License-Identifier: LGPL-2.1-or-later
//! Connections that take the place of others: which one is in use now.
//!
//! A connection that is opened again when it ends is a *line* of connections of
//! libvirt's, one after the other. What was made from an earlier one finds the line
//! by that connection's address.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use virt::sys;

use super::{lane, sigpipe};
use crate::fork::{self, Leaf, lock};

/// A reference to a connection of libvirt's.
pub(crate) struct ConnRef(NonNull<sys::_virConnect>);

// SAFETY: libvirt's connections may be used from any thread, several at once.
unsafe impl Send for ConnRef {}
// SAFETY: likewise.
unsafe impl Sync for ConnRef {}

impl ConnRef {
    /// Takes over a connection and the reference to it.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: NonNull<sys::_virConnect>) -> Self {
        ConnRef(raw)
    }

    /// Another reference to a connection.
    ///
    /// # Safety
    /// `raw` is live.
    pub(crate) unsafe fn to(raw: sys::virConnectPtr) -> Self {
        // SAFETY: live, by the caller; the new reference is the result's.
        unsafe {
            sys::virConnectRef(raw);
            ConnRef(NonNull::new_unchecked(raw))
        }
    }

    /// The connection for a call that may go to the daemon. It is live as long as self is.
    pub(crate) fn raw(&self) -> sys::virConnectPtr {
        sigpipe::shield();
        self.raw_here()
    }

    /// The same for what needs no daemon.
    pub(crate) fn raw_here(&self) -> sys::virConnectPtr {
        self.0.as_ptr()
    }

    /// Whether it has not ended. One that cannot tell is not alive.
    pub(crate) fn is_alive(&self) -> bool {
        // SAFETY: live while self is.
        unsafe { sys::virConnectIsAlive(self.raw()) == 1 }
    }

    /// Gives the reference to somebody else.
    pub(crate) fn into_raw(self) -> NonNull<sys::_virConnect> {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl Clone for ConnRef {
    fn clone(&self) -> Self {
        // SAFETY: live while self is.
        unsafe { ConnRef::to(self.raw_here()) }
    }
}

impl PartialEq for ConnRef {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Drop for ConnRef {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and given up once.
        unsafe { sys::virConnectClose(self.raw()) };
    }
}

/// A connection, and those that took its place.
pub(crate) struct Line {
    number: u64,
    /// The process whose connections they are.
    generation: u32,
    /// The connection that is in use, once one was replaced.
    latest: Mutex<Option<ConnRef>>,
    /// The addresses under which it is found.
    addresses: Mutex<Vec<usize>>,
    /// The number of the next registration: none comes twice.
    next: AtomicI32,
    /// It is opened again when it ends, or is about to be.
    resumes: AtomicBool,
}

/// Lines by the addresses of their connections. An entry does not keep its connection:
/// when another one gets the address, [`forget_address`] removes it.
static LINES: Leaf<BTreeMap<usize, Weak<Line>>> = Leaf::new(BTreeMap::new());

/// Whether there ever was a line; while there was none, opening need not look.
static USED: AtomicBool = AtomicBool::new(false);

/// The line of a connection, if it has one.
pub(crate) fn of(conn: sys::virConnectPtr) -> Option<Arc<Line>> {
    LINES.lock().get(&conn.addr()).and_then(Weak::upgrade)
}

/// The line of a connection. The caller has a reference to it for as long as it keeps
/// the line.
pub(crate) fn of_or_new(conn: sys::virConnectPtr) -> Arc<Line> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    USED.store(true, Ordering::Release);
    let new = Arc::new(Line {
        number: LAST.fetch_add(1, Ordering::Relaxed),
        generation: fork::generation(),
        latest: Mutex::new(None),
        addresses: Mutex::new(vec![conn.addr()]),
        next: AtomicI32::new(0),
        resumes: AtomicBool::new(false),
    });
    let mut lines = LINES.lock();
    if let Some(line) = lines.get(&conn.addr()).and_then(Weak::upgrade) {
        drop(lines);
        return line;
    }
    lines.insert(conn.addr(), Arc::downgrade(&new));
    drop(lines);
    new
}

/// A new connection has this address: an earlier one that had it is gone.
pub(crate) fn forget_address(conn: sys::virConnectPtr) {
    if USED.load(Ordering::Acquire) {
        LINES.lock().remove(&conn.addr());
    }
}

impl Line {
    /// Tells it from all others.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The connection that is in use now, unless none was ever replaced. None in a child
    /// of fork, which must not ask on its parent's socket, nor wait for this lock.
    pub(crate) fn latest(&self) -> Option<ConnRef> {
        if self.generation != fork::generation() {
            return None;
        }
        lock(&self.latest).clone()
    }

    /// The address of the connection that is in use now. None in a child of fork, as above.
    pub(crate) fn address(&self) -> Option<usize> {
        if self.generation != fork::generation() {
            return None;
        }
        lock(&self.addresses).last().copied()
    }

    /// From now on `new` is used, by everything that was made from this line.
    pub(crate) fn go_on_with(self: &Arc<Self>, new: ConnRef) {
        let before = {
            let mut addresses = lock(&self.addresses);
            // The latest one is kept; an earlier one may be another connection's by now.
            let before = addresses[addresses.len() - 1];
            addresses.push(new.raw_here().addr());
            before
        };
        lane::go_on_with(before, new.raw_here());
        LINES.lock().insert(new.raw_here().addr(), Arc::downgrade(self));
        // Without the lock: the last reference closes.
        let before = lock(&self.latest).replace(new);
        drop(before);
    }

    /// Whether its connection is opened again when it ends, or is about to be.
    pub(crate) fn resumes(&self) -> bool {
        self.resumes.load(Ordering::Relaxed)
    }

    /// From now on it is, or is not.
    pub(crate) fn set_resumes(&self, resumes: bool) {
        self.resumes.store(resumes, Ordering::Relaxed);
    }

    /// A number for a registration; none when they are used up.
    pub(crate) fn next_number(&self) -> Option<c_int> {
        let more = |next: c_int| next.checked_add(1);
        self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let addresses = std::mem::take(&mut *lock(&self.addresses));
        let mut lines = LINES.lock();
        for address in addresses {
            if lines.get(&address).is_some_and(|line| std::ptr::eq(line.as_ptr(), self)) {
                lines.remove(&address);
            }
        }
    }
}
