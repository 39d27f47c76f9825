//! libvirt's objects: each has one reference of its own, which ends with it; and
//! when its connection was opened anew, it is looked up there.

use std::ptr::NonNull;
use std::sync::OnceLock;

use parking_lot::Mutex;
use virt::sys;

use super::resume;

/// What libvirt has a reference-counted structure for.
///
/// # Safety
/// The functions are libvirt's for this structure.
pub(crate) unsafe trait Counted {
    /// Gives up a reference.
    ///
    /// # Safety
    /// `this` is live, and the reference is the caller's.
    unsafe fn free(this: *mut Self);

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

/// A reference to an object of libvirt's.
pub(crate) struct Object<C: Counted> {
    first: NonNull<C>,
    /// The same object on the connections that came after the first one. They
    /// are all kept, because an earlier one may still be in use.
    // In a box, because nearly always there is none, and what is small is fast: lists
    // of 100 objects do not push what libvirt uses out of the processor's cache.
    later: OnceLock<Box<Later<C>>>,
}

type Later<C> = Mutex<Vec<NonNull<C>>>;

// SAFETY: libvirt's objects may be used from any thread, several at once.
unsafe impl<C: Counted> Send for Object<C> {}
// SAFETY: as above.
unsafe impl<C: Counted> Sync for Object<C> {}

impl<C: Counted> Object<C> {
    /// Takes over an object and the reference to it.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: *mut C) -> Self {
        // SAFETY: as promised by the caller.
        let first = unsafe { NonNull::new_unchecked(raw) };
        Object { first, later: OnceLock::new() }
    }

    /// The object, live as long as self is.
    pub(crate) fn raw(&self) -> *mut C {
        if resume::happened() { self.current() } else { self.first.as_ptr() }
    }

    /// The object on the connection that is in use now. One that is no longer
    /// there is what it was, so that calls with it fail.
    #[cold]
    fn current(&self) -> *mut C {
        let mut later = self.later.get_or_init(Box::default).lock();
        let last = later.last().copied().unwrap_or(self.first);
        // SAFETY: all that we hold are live.
        let conn_of = |object: NonNull<C>| unsafe { C::conn(object.as_ptr()) };
        let Some(conn) = resume::successor(conn_of(self.first)) else {
            return last.as_ptr();
        };
        if conn_of(last) == conn.raw() {
            return last.as_ptr();
        }
        // SAFETY: as above.
        match NonNull::new(unsafe { C::find(self.first.as_ptr(), conn.raw()) }) {
            Some(found) => {
                later.push(found);
                found.as_ptr()
            }
            None => last.as_ptr(),
        }
    }
}

impl<C: Counted> Drop for Object<C> {
    #[inline(always)] // see `Use::end` in handle/slots.rs
    fn drop(&mut self) {
        if let Some(later) = self.later.take() {
            free_all(*later);
        }
        // SAFETY: the reference is ours, and given up once.
        unsafe { C::free(self.first.as_ptr()) }
    }
}

#[cold]
fn free_all<C: Counted>(later: Later<C>) {
    for object in later.into_inner() {
        // SAFETY: as above.
        unsafe { C::free(object.as_ptr()) }
    }
}
