// SPDX-License-Identifier: LGPL-2.1-or-later
//! Objects of which libvirt does not tell the connection: filters, their bindings and devices
//! of the host. They remember it.

use std::ops::Deref;
use std::ptr::NonNull;

use virt::sys;

use super::object::{Counted, Object};

/// An object, with the connection that it was made from.
pub(crate) struct MadeFrom<C: Counted> {
    object: Object<C>,
    /// Live as long as the object, which has a reference to it inside libvirt.
    conn: Option<NonNull<sys::virConnect>>,
}

// SAFETY: libvirt's connections may be used from any thread, several at once.
unsafe impl<C: Counted> Send for MadeFrom<C> {}
// SAFETY: likewise.
unsafe impl<C: Counted> Sync for MadeFrom<C> {}

impl<C: Counted> MadeFrom<C> {
    /// Takes over an object and the reference to it. `conn` is NULL where it is not known, as
    /// of what came with an event.
    ///
    /// # Safety
    /// `raw` is live, and one reference to it is ours; it was made from `conn`.
    pub(crate) unsafe fn adopt(raw: *mut C, conn: sys::virConnectPtr) -> Self {
        // SAFETY: as promised by the caller.
        MadeFrom { object: unsafe { Object::adopt(raw) }, conn: NonNull::new(conn) }
    }

    /// The connection, where that is known.
    pub(crate) fn conn(&self) -> Option<NonNull<sys::virConnect>> {
        self.conn
    }
}

impl<C: Counted> Deref for MadeFrom<C> {
    type Target = Object<C>;
    fn deref(&self) -> &Object<C> {
        &self.object
    }
}
