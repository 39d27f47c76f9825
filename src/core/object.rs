// SPDX-License-Identifier: LGPL-2.1-or-later
//! libvirt's objects: each has one reference of its own, which ends with it; and
//! when its connection was opened anew, it is looked up there.
//!
//! A call uses the pointer that it got to its end, while another may find the object on
//! a newer connection. So who uses a handle *pins* its object ([`Object::pin`]): a
//! version that was in use since then stays. Pins are only needed, and only taken, in a
//! process in which a connection may be replaced.

use std::collections::{BTreeMap, VecDeque};
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

use once_cell::race::OnceBox;
use virt::sys;

use super::closing;
use super::line::{self, ConnRef, Line};
use super::sigpipe;
use crate::fork::lock;
use crate::handle;

/// What libvirt has a reference-counted structure for.
///
/// # Safety
/// The functions are libvirt's for this structure.
pub(crate) unsafe trait Counted: 'static {
    /// Gives up a reference.
    ///
    /// # Safety
    /// `this` is live, and the reference is the caller's.
    unsafe fn free(this: *mut Self);

    /// The same, with SIGPIPE blocked where that may close a connection.
    ///
    /// # Safety
    /// As for [`free`](Self::free).
    #[inline]
    unsafe fn end(this: *mut Self) {
        // SAFETY: as promised by the caller; libvirt's objects may be freed on any thread.
        unsafe {
            closing::end_object(move || Self::conn(this), move || Self::free(this));
        }
    }

    /// The connection it was made from, borrowed.
    ///
    /// # Safety
    /// `this` is live.
    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr;

    /// The same object on another connection, or NULL. The reference is the
    /// caller's.
    ///
    /// # Safety
    /// Both are live.
    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self;
}

/// What stands for something of libvirt's, whose uses may have to be known.
pub trait Pinned {
    /// From now on what it stands for stays, until this is unpinned. `alone` answers
    /// whether the caller is the only one who uses it.
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize;
    /// Ends a pin.
    fn unpin(&self, pin: usize);
}

/// A reference to an object of libvirt's.
pub(crate) struct Object<C: Counted> {
    /// Ours, unless there are versions: then they have it.
    first: NonNull<C>,
    // In a box, because nearly always there is none, and what is small is fast: lists
    // of 100 objects do not push what libvirt uses out of the processor's cache. Not a
    // `OnceLock`, which is twice as large.
    versions: OnceBox<Mutex<Versions<C>>>,
}

/// The same object on one connection after the other.
struct Versions<C: Counted> {
    /// References of ours, the oldest first; never empty.
    kept: VecDeque<NonNull<C>>,
    /// The number of the oldest.
    oldest: usize,
    /// How many pins there are by the version that was the latest when they were made.
    pins: BTreeMap<usize, usize>,
    /// There may be uses without a pin, which began before pins were taken.
    has_other_uses: bool,
    line: Option<Arc<Line>>,
}

// SAFETY: libvirt's objects may be used from any thread, several at once.
unsafe impl<C: Counted> Send for Object<C> {}
// SAFETY: likewise.
unsafe impl<C: Counted> Sync for Object<C> {}

impl<C: Counted> Object<C> {
    /// Takes over an object and the reference to it.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: *mut C) -> Self {
        // SAFETY: as promised by the caller.
        let first = unsafe { NonNull::new_unchecked(raw) };
        let versions = OnceBox::new();
        if handle::is_pinning() {
            // Nobody can have used it without a pin.
            let _ = versions.set(Versions::beginning_with(first, false));
        }
        Object { first, versions }
    }

    /// The object for a call that may go to the daemon. It is live as long as self is
    /// used: as long as the pin that the caller has, or while nobody else has self.
    #[inline]
    pub(crate) fn raw(&self) -> *mut C {
        sigpipe::shield();
        self.raw_here()
    }

    /// The same for a call that libvirt answers itself, as it does for names and uuids.
    #[inline]
    pub(crate) fn raw_here(&self) -> *mut C {
        if handle::is_pinning() { self.current() } else { self.first.as_ptr() }
    }

    /// The object on the connection that is in use now. One that is no longer
    /// there is what it was, so that calls with it fail.
    #[cold]
    fn current(&self) -> *mut C {
        loop {
            let (latest, newer) = self.versions().newer();
            let Some(newer) = newer else {
                return latest.as_ptr();
            };
            // Without the lock, for this may ask the daemon; what it is called with stays,
            // as what this function gives.
            sigpipe::shield();
            // SAFETY: all that we keep are live.
            let found = unsafe { C::find(latest.as_ptr(), newer.raw()) };
            let Some(found) = NonNull::new(found) else {
                return latest.as_ptr();
            };
            let mut versions = self.versions();
            if versions.latest() == latest {
                versions.kept.push_back(found);
            } else {
                // Another thread was faster; it is seen whether it has the newest.
                drop(versions);
                free(found);
            }
        }
    }

    /// From now on what [`raw_here`](Self::raw_here) gives stays, until this is unpinned. `alone`
    /// answers whether the caller is the only one who uses the object.
    pub(crate) fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        let mut versions = self.versions();
        if versions.has_other_uses && alone() {
            // All who began without a pin are done, and who comes now takes one.
            versions.has_other_uses = false;
        }
        let latest = versions.latest_number();
        *versions.pins.entry(latest).or_default() += 1;
        latest
    }

    /// Ends a pin, and with it the versions that nobody uses any more.
    pub(crate) fn unpin(&self, pin: usize) {
        let mut versions = self.versions();
        let unused = versions.unpin(pin);
        drop(versions);
        // The last reference of a connection closes it, which must not hold up others.
        unused.into_iter().for_each(free);
    }

    /// Uses the object that [`raw_here`](Self::raw_here) gives, which stays meanwhile.
    pub(crate) fn with<R>(&self, body: impl FnOnce(*mut C) -> R) -> R {
        if handle::is_pinning() {
            let pin = self.pin(&|| false);
            let result = body(self.raw_here());
            self.unpin(pin);
            result
        } else {
            body(self.first.as_ptr())
        }
    }

    fn versions(&self) -> MutexGuard<'_, Versions<C>> {
        lock(self.versions.get_or_init(|| Versions::beginning_with(self.first, true)))
    }
}

impl<C: Counted> Versions<C> {
    fn beginning_with(first: NonNull<C>, has_other_uses: bool) -> Box<Mutex<Self>> {
        let (kept, pins) = (VecDeque::from([first]), BTreeMap::new());
        Box::new(Mutex::new(Versions { kept, oldest: 0, pins, has_other_uses, line: None }))
    }

    fn latest(&self) -> NonNull<C> {
        self.kept[self.kept.len() - 1]
    }

    fn latest_number(&self) -> usize {
        self.oldest + self.kept.len() - 1
    }

    /// The latest one, and the connection to look for it on, if it is of an earlier one.
    fn newer(&mut self) -> (NonNull<C>, Option<ConnRef>) {
        let latest = self.latest();
        // SAFETY: all that we keep are live.
        let conn = unsafe { C::conn(latest.as_ptr()) };
        (latest, self.newest().filter(|newest| newest.raw_here() != conn))
    }

    /// The connection that is in use now, if one was ever replaced.
    fn newest(&mut self) -> Option<ConnRef> {
        if self.line.is_none() {
            // SAFETY: all that we keep are live.
            self.line = line::of(unsafe { C::conn(self.latest().as_ptr()) });
        }
        self.line.as_ref()?.latest()
    }

    fn unpin(&mut self, pin: usize) -> Vec<NonNull<C>> {
        if let Some(count) = self.pins.get_mut(&pin) {
            *count -= 1;
            if *count == 0 {
                self.pins.remove(&pin);
            }
        }
        if self.has_other_uses {
            return Vec::new();
        }
        let needed = self.pins.keys().next().copied().unwrap_or(self.latest_number());
        let unused: Vec<_> = self.kept.drain(..needed - self.oldest).collect();
        self.oldest = needed;
        unused
    }
}

impl<C: Counted> Drop for Object<C> {
    #[inline(always)] // see `Use::end` in handle/slots.rs
    fn drop(&mut self) {
        match self.versions.get() {
            Some(versions) => free_all(versions),
            None => free(self.first),
        }
    }
}

#[cold]
fn free_all<C: Counted>(versions: &Mutex<Versions<C>>) {
    std::mem::take(&mut lock(versions).kept).into_iter().for_each(free);
}

#[inline]
fn free<C: Counted>(object: NonNull<C>) {
    // SAFETY: a reference of ours that is given up once.
    unsafe { C::end(object.as_ptr()) }
}
