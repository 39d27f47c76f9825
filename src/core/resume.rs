//! Connections that took the place of others: which one is in use now.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use virt::sys;

/// A reference to a connection of libvirt's.
pub(crate) struct ConnRef(NonNull<sys::_virConnect>);

// SAFETY: libvirt's connections may be used from any thread, several at once.
unsafe impl Send for ConnRef {}
// SAFETY: as above.
unsafe impl Sync for ConnRef {}

impl ConnRef {
    /// Takes over a connection and the reference to it.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: NonNull<sys::_virConnect>) -> Self {
        ConnRef(raw)
    }

    /// The connection, live as long as self is.
    pub(crate) fn raw(&self) -> sys::virConnectPtr {
        self.0.as_ptr()
    }
}

impl Clone for ConnRef {
    fn clone(&self) -> Self {
        // SAFETY: the connection is live; the new reference is the clone's.
        unsafe { sys::virConnectRef(self.raw()) };
        ConnRef(self.0)
    }
}

impl Drop for ConnRef {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and given up once.
        unsafe { sys::virConnectClose(self.raw()) };
    }
}

/// A connection, and those that took its place. They are all kept, because an
/// earlier one may still be in use.
pub(crate) struct Line {
    first: ConnRef,
    later: Mutex<Vec<ConnRef>>,
    /// Whether the others were put in here; then they end with this.
    leads: AtomicBool,
}

impl Line {
    pub(crate) fn new(first: ConnRef) -> Self {
        Line { first, later: Mutex::new(Vec::new()), leads: AtomicBool::new(false) }
    }

    /// The connection that is in use now, live as long as self is.
    pub(crate) fn raw(&self) -> sys::virConnectPtr {
        if happened() { self.current() } else { self.first.raw() }
    }

    #[cold]
    fn current(&self) -> sys::virConnectPtr {
        let mut later = self.later.lock();
        let last = later.last().unwrap_or(&self.first).raw();
        match successor(self.first.raw()) {
            Some(conn) if conn.raw() != last => {
                let raw = conn.raw();
                later.push(conn);
                raw
            }
            _ => last,
        }
    }

    /// From now on `conn` is used, by everything that was made from this line.
    /// Gives the one before.
    pub(crate) fn go_on_with(&self, conn: ConnRef) -> ConnRef {
        let mut later = self.later.lock();
        let before = later.last().unwrap_or(&self.first).clone();
        let old = [&self.first].into_iter().chain(later.iter()).map(ConnRef::raw);
        replace(old, &conn);
        self.leads.store(true, Ordering::Relaxed);
        later.push(conn);
        before
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let later = self.later.get_mut();
        if *self.leads.get_mut() {
            forget([&self.first].into_iter().chain(later.iter()).map(ConnRef::raw));
        }
    }
}

/// Whether any connection of this process was ever replaced; while none was,
/// a look at this is all that it costs.
static HAPPENED: AtomicBool = AtomicBool::new(false);

/// By the address of a connection that was replaced, the one in use now. Whoever
/// puts one in keeps the replaced one alive, so that its address stays its own.
static SUCCESSORS: RwLock<BTreeMap<usize, ConnRef>> = RwLock::new(BTreeMap::new());

pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::Acquire)
}

/// The connection that is used in place of this one.
pub(crate) fn successor(conn: sys::virConnectPtr) -> Option<ConnRef> {
    SUCCESSORS.read().get(&(conn as usize)).cloned()
}

/// From now on `new` is used in place of each of `old`.
fn replace(old: impl IntoIterator<Item = sys::virConnectPtr>, new: &ConnRef) {
    let mut successors = SUCCESSORS.write();
    // What is replaced is dropped at the end: the last reference closes.
    let replaced: Vec<_> =
        old.into_iter().filter_map(|conn| successors.insert(conn as usize, new.clone())).collect();
    HAPPENED.store(true, Ordering::Release);
    drop(successors);
    drop(replaced);
}

/// These connections are no longer replaced by another.
fn forget(old: impl IntoIterator<Item = sys::virConnectPtr>) {
    let mut successors = SUCCESSORS.write();
    let replaced: Vec<_> =
        old.into_iter().filter_map(|conn| successors.remove(&(conn as usize))).collect();
    drop(successors);
    drop(replaced);
}
