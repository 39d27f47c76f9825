//! What a child of fork has again: the objects of its parent, on a connection that the
//! child opens itself. The parent's connection is neither used nor closed there.
//!
//! Only connections that were opened after [`enable`] are opened again, for it has to be
//! known how; those that asked for credentials are not, for these are not kept.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_uint};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use virt::sys;

use super::conn::Opened;
use super::line::ConnRef;
use super::object::Counted;
use super::{
    Conn, Domain, DomainCheckpoint, DomainSnapshot, Interface, Network, NetworkPort, NodeDevice,
    NwFilter, NwFilterBinding, Secret, StoragePool, StorageVol, call, conn,
};
use crate::error::Result;
use crate::fork::{self, Leaf};

/// What the child of a process can have again.
pub trait Again: Sized {
    /// The same on a connection of this process. None where that cannot be had.
    fn again(&self) -> Result<Option<Self>>;
}

static ENABLED: AtomicBool = AtomicBool::new(false);

/// From now on children open the connections again that are opened from now on, or they
/// do so no more.
pub fn enable(reopen: bool) {
    ENABLED.store(reopen, Ordering::Relaxed);
}

/// How connections were opened, by their addresses. Of one that is closed the entry
/// stays until another one gets its address.
static OPENED: Leaf<BTreeMap<usize, Opened>> = Leaf::new(BTreeMap::new());

/// Whether there ever was an entry; while there was none, opening need not look.
static USED: AtomicBool = AtomicBool::new(false);

/// A connection was opened: an earlier one that had its address is gone.
pub(crate) fn remember(conn: NonNull<sys::virConnect>, flags: c_uint, asks: bool) {
    let address = conn.addr().get();
    if ENABLED.load(Ordering::Relaxed) {
        USED.store(true, Ordering::Release);
        let opened = Opened { flags, asked_for_credentials: asks };
        OPENED.lock().insert(address, opened);
    } else if USED.load(Ordering::Acquire) {
        OPENED.lock().remove(&address);
    }
}

/// A connection of this process in place of one of its parent's.
struct Own {
    /// Shared, so that it is neither referenced nor closed under the lock: that is
    /// libvirt's code.
    conn: Arc<ConnRef>,
    /// Which process that is.
    generation: u32,
}

/// By the address of the parent's connection, which stays: the child does not free it.
static OWN: Leaf<BTreeMap<usize, Own>> = Leaf::new(BTreeMap::new());

/// Those of the parent, which was a child as well: they are not closed here.
static INHERITED: Leaf<Vec<Own>> = Leaf::new(Vec::new());

/// The connection to use in place of the parent's `inherited`, opened if need be.
///
/// # Safety
/// `inherited` is live.
unsafe fn connection(inherited: sys::virConnectPtr) -> Result<Option<Arc<ConnRef>>> {
    let known = |own: &&Own| own.generation == fork::generation();
    if let Some(own) = OWN.lock().get(&inherited.addr()).filter(known) {
        return Ok(Some(Arc::clone(&own.conn)));
    }
    let Some(&opened) = OPENED.lock().get(&inherited.addr()) else {
        return Ok(None);
    };
    if opened.asked_for_credentials {
        return Ok(None);
    }
    // SAFETY: live, by the caller; this reads memory only. The text is freed below.
    let uri = unsafe {
        let text = call::pointer(sys::virConnectGetURI(inherited), c"virConnectGetURI")?;
        let uri = CStr::from_ptr(text.as_ptr()).to_owned();
        libc::free(text.as_ptr().cast());
        uri
    };
    let conn = Arc::new(conn::reopen(&uri, opened)?);
    let own = Own { conn: Arc::clone(&conn), generation: fork::generation() };
    let mut all = OWN.lock();
    if let Some(first) = all.get(&inherited.addr()).filter(known) {
        // Another thread was faster; what was opened here is closed without the lock.
        let first = Arc::clone(&first.conn);
        drop(all);
        return Ok(Some(first));
    }
    let before = all.insert(inherited.addr(), own);
    drop(all);
    INHERITED.lock().extend(before);
    Ok(Some(conn))
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
    ($($class:ty, $lookup:literal;)*) => { $(
        impl Again for $class {
            fn again(&self) -> Result<Option<Self>> {
                let Some(of) = self.made_from() else {
                    return Ok(None);
                };
                // SAFETY: both are live while self is; what is found has a reference for us.
                unsafe {
                    let Some(conn) = connection(of.as_ptr())? else {
                        return Ok(None);
                    };
                    let found = call::pointer(Counted::find(self.raw(), conn.raw()), $lookup)?;
                    Ok(Some(<$class>::adopt(found.as_ptr()).of(conn.raw())))
                }
            }
        }
    )* };
}

again_where_made! {
    NodeDevice, c"virNodeDeviceLookupByName";
    NwFilter, c"virNWFilterLookupByUUID";
    NwFilterBinding, c"virNWFilterBindingLookupByPortDev";
}

impl Again for DomainCheckpoint {
    fn again(&self) -> Result<Option<Self>> {
        // SAFETY: as above.
        unsafe {
            let found = find(self.raw(), c"virDomainCheckpointLookupByName")?;
            Ok(found.map(|raw| DomainCheckpoint::adopt(raw)))
        }
    }
}
