// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a child of fork has again: the objects of its parent, on a connection that the
//! child opens itself (`conn/inherited.rs`).

use std::ffi::CStr;
use std::ptr::NonNull;

use super::conn::inherited::connection;
use super::object::Counted;
use super::{
    Conn, Domain, DomainCheckpoint, DomainSnapshot, Interface, Network, NetworkPort, NodeDevice,
    NwFilter, NwFilterBinding, Secret, StoragePool, StorageVol, call,
};
use crate::error::Result;

/// What the child of a process can have again.
pub trait Again: Sized {
    /// The same on a connection of this process. None where that cannot be had.
    fn again(&self) -> Result<Option<Self>>;
}

/// Finds an object of the parent's on the connection of this process.
///
/// # Safety
/// `inherited` is live.
unsafe fn find<C: Counted>(inherited: *mut C, lookup: &'static CStr) -> Result<Option<NonNull<C>>> {
    // SAFETY: live, by the caller.
    let of = unsafe { C::conn(inherited) };
    // SAFETY: live as long as the object.
    let Some(conn) = (unsafe { connection(of)? }) else {
        return Ok(None);
    };
    // SAFETY: both are live.
    call::pointer(unsafe { C::find(inherited, conn.raw()) }, lookup).map(Some)
}

impl Again for Conn {
    fn again(&self) -> Result<Option<Self>> {
        // SAFETY: live while self is; the new reference is that of the result.
        unsafe {
            let Some(conn) = connection(self.raw())? else {
                return Ok(None);
            };
            Conn::share(conn.raw(), c"virConnectRef").map(Some)
        }
    }
}

macro_rules! again {
    ($($class:ty, $lookup:literal;)*) => { $(
        impl Again for $class {
            fn again(&self) -> Result<Option<Self>> {
                // SAFETY: live while self is; what is found has a reference for us.
                unsafe {
                    let found = find(self.raw(), $lookup)?;
                    Ok(found.map(|raw| <$class>::adopt(raw.as_ptr())))
                }
            }
        }
    )* };
}

again! {
    Domain, c"virDomainLookupByUUID";
    DomainSnapshot, c"virDomainSnapshotLookupByName";
    Interface, c"virInterfaceLookupByName";
    Network, c"virNetworkLookupByUUID";
    NetworkPort, c"virNetworkPortLookupByUUID";
    Secret, c"virSecretLookupByUUID";
    StoragePool, c"virStoragePoolLookupByUUID";
    StorageVol, c"virStorageVolLookupByKey";
}

// Of these libvirt does not tell the connection; they know it themselves.
macro_rules! again_where_made {
    ($($class:ty, $object:tt, $adopt:ident, $lookup:literal;)*) => { $(
        impl Again for $class {
            fn again(&self) -> Result<Option<Self>> {
                let Some(of) = self.$object.conn() else {
                    return Ok(None);
                };
                // SAFETY: both are live while self is; what is found has a reference for us.
                unsafe {
                    let Some(conn) = connection(of.as_ptr())? else {
                        return Ok(None);
                    };
                    let found = call::pointer(Counted::find(self.raw(), conn.raw()), $lookup)?;
                    Ok(Some(<$class>::$adopt(found.as_ptr(), conn.raw())))
                }
            }
        }
    )* };
}

again_where_made! {
    NodeDevice, object, adopt_from, c"virNodeDeviceLookupByName";
    NwFilter, 0, adopt, c"virNWFilterLookupByUUID";
    NwFilterBinding, 0, adopt, c"virNWFilterBindingLookupByPortDev";
}

impl Again for DomainCheckpoint {
    fn again(&self) -> Result<Option<Self>> {
        // SAFETY: the pointer is live.
        unsafe {
            let found = find(self.raw(), c"virDomainCheckpointLookupByName")?;
            Ok(found.map(|raw| DomainCheckpoint::adopt(raw)))
        }
    }
}
