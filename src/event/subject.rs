// SPDX-License-Identifier: LGPL-2.1-or-later
//! The classes whose objects have events, and libvirt's functions for each.

use std::ffi::{CStr, CString, c_int, c_void};
use std::mem::ManuallyDrop;

use uuid::Uuid;
use virt::sys;

use super::callback::Callback;
use super::kinds::{self, Kind};
use super::{Happened, Object};
use crate::core::object::Counted;
use crate::core::{Domain, Network, NodeDevice, Secret, StoragePool, call};
use crate::error::Result;
use crate::handle;

/// The class whose events a registration is for, or QEMU's monitor.
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
    /// What tells its events in a queue from those of others: the class as in function names.
    pub fn class_name(self) -> &'static str {
        match self {
            Source::Domain => "domain",
            // Their objects are domains, too, and they have no kinds.
            Source::QemuMonitor => "qemu_monitor",
            Source::Network => "network",
            Source::StoragePool => "storage_pool",
            Source::NodeDevice => "node_device",
            Source::Secret => "secret",
        }
    }
}

/// What an object is known by on each connection to its host.
#[derive(Clone, Debug, PartialEq)]
pub enum Identity {
    /// What most objects have.
    Uuid(Uuid),
    /// A node device has a name only.
    Name(CString),
}

/// What libvirt is told at a registration, with all pointers untyped.
pub(super) struct Registration {
    /// NULL for all objects of the class.
    pub object: *mut c_void,
    pub id: c_int,
    pub callback: Callback,
    /// A number, not a pointer.
    pub opaque: *mut c_void,
}

/// A class whose objects have events.
pub trait Subject: Sized + Send + Sync + 'static {
    /// Which registrations these are.
    const SOURCE: Source;
    /// libvirt's function that registers, for error messages.
    const REGISTER: &'static CStr;

    /// The kinds of events it has.
    fn kinds() -> &'static [Kind];

    /// The same object, with a reference of its own.
    fn reference(&self) -> Self;

    /// Drops an object that was lent: all but the reference, which is libvirt's.
    fn disown(self);

    /// What the object is known by.
    fn identity(&self) -> Result<Identity>;

    /// The object on a connection.
    ///
    /// # Safety
    /// The connection is live.
    unsafe fn find(conn: sys::virConnectPtr, identity: &Identity) -> Result<Self>;

    /// libvirt's pointer to the object, which lives as long as `self` is used.
    fn untyped(&self) -> *mut c_void;

    /// The connection that an object was made from, borrowed; NULL where libvirt does not
    /// tell.
    ///
    /// # Safety
    /// `raw` is a live object of this class.
    unsafe fn conn(raw: *mut c_void) -> sys::virConnectPtr;

    /// An object that libvirt lends.
    ///
    /// # Safety
    /// `raw` is a live object of this class, and stays so while the result is used, but
    /// where that is asked for one of its own.
    unsafe fn borrow(raw: *mut c_void) -> Happened;

    /// Registers with libvirt.
    ///
    /// # Safety
    /// The connection is live; the object is NULL or live and of this class; the
    /// callback takes what libvirt passes with this kind of event.
    #[allow(private_interfaces, reason = "implemented here only")]
    unsafe fn register(conn: sys::virConnectPtr, registration: &Registration) -> c_int;

    /// Ends a registration.
    ///
    /// # Safety
    /// The connection is live.
    unsafe fn deregister(conn: sys::virConnectPtr, id: c_int) -> c_int;
}

/// Makes a class one whose objects have events.
macro_rules! subject {
    (
        $class:ident, $kinds:ident, $register:ident, $name:literal, $deregister:ident,
        $reference:ident, $raw:ident, $identity:expr, $find:expr
    ) => {
        impl Subject for $class {
            const SOURCE: Source = Source::$class;
            const REGISTER: &'static CStr = $name;

            fn kinds() -> &'static [Kind] {
                kinds::$kinds
            }

            fn reference(&self) -> Self {
                let raw = self.raw();
                // SAFETY: live while self is used; the new reference is the result's.
                unsafe {
                    sys::$reference(raw);
                    $class::adopt(raw)
                }
            }

            fn disown(self) {
                $class::disown(self);
            }

            fn identity(&self) -> Result<Identity> {
                $identity(self)
            }

            unsafe fn find(conn: sys::virConnectPtr, identity: &Identity) -> Result<Self> {
                // SAFETY: live, by the caller; what is found is ours.
                unsafe { $find(conn, identity).map(|raw| $class::adopt(raw)) }
            }

            fn untyped(&self) -> *mut c_void {
                self.raw().cast()
            }

            unsafe fn conn(raw: *mut c_void) -> sys::virConnectPtr {
                // SAFETY: promised by the caller.
                unsafe { <sys::$raw as Counted>::conn(raw.cast()) }
            }

            unsafe fn borrow(raw: *mut c_void) -> Happened {
                // Such an object keeps more than its reference.
                let is_own = handle::is_pinning();
                // SAFETY: a live object, by the caller. One whose reference is libvirt's is
                // not dropped.
                let object = Object::$class(unsafe {
                    if is_own {
                        sys::$reference(raw.cast());
                    }
                    $class::adopt(raw.cast())
                });
                match is_own {
                    true => Happened::Own(object),
                    false => Happened::Lent(ManuallyDrop::new(object)),
                }
            }

            #[allow(private_interfaces, reason = "as in the trait")]
            unsafe fn register(conn: sys::virConnectPtr, registration: &Registration) -> c_int {
                let Registration { object, id, callback, opaque } = *registration;
                // SAFETY: promised by the caller. libvirt casts the callback back to
                // its type before it calls it.
                unsafe { sys::$register(conn, object.cast(), id, callback.untyped(), opaque, None) }
            }

            unsafe fn deregister(conn: sys::virConnectPtr, id: c_int) -> c_int {
                // SAFETY: live, by the caller.
                unsafe { sys::$deregister(conn, id) }
            }
        }
    };
}

/// Looks an object up by its uuid with one of libvirt's functions.
///
/// # Safety
/// The connection is live.
unsafe fn by_uuid<T>(
    conn: sys::virConnectPtr,
    identity: &Identity,
    look_up: unsafe extern "C" fn(sys::virConnectPtr, *const u8) -> *mut T,
    function: &'static CStr,
) -> Result<*mut T> {
    let uuid = match identity {
        Identity::Uuid(uuid) => uuid,
        Identity::Name(_) => &Uuid::nil(),
    };
    // SAFETY: live, by the caller; a uuid has 16 bytes.
    let found = unsafe { look_up(conn, uuid.as_bytes().as_ptr()) };
    call::pointer(found, function).map(|found| found.as_ptr())
}

subject!(
    Domain,
    DOMAIN,
    virConnectDomainEventRegisterAny,
    c"virConnectDomainEventRegisterAny",
    virConnectDomainEventDeregisterAny,
    virDomainRef,
    virDomain,
    |it: &Domain| it.get_uuid().map(Identity::Uuid),
    |conn, id| by_uuid(conn, id, sys::virDomainLookupByUUID, c"virDomainLookupByUUID")
);
subject!(
    Network,
    NETWORK,
    virConnectNetworkEventRegisterAny,
    c"virConnectNetworkEventRegisterAny",
    virConnectNetworkEventDeregisterAny,
    virNetworkRef,
    virNetwork,
    |it: &Network| it.get_uuid().map(Identity::Uuid),
    |conn, id| by_uuid(conn, id, sys::virNetworkLookupByUUID, c"virNetworkLookupByUUID")
);
subject!(
    StoragePool,
    STORAGE_POOL,
    virConnectStoragePoolEventRegisterAny,
    c"virConnectStoragePoolEventRegisterAny",
    virConnectStoragePoolEventDeregisterAny,
    virStoragePoolRef,
    virStoragePool,
    |it: &StoragePool| it.get_uuid().map(Identity::Uuid),
    |conn, id| by_uuid(conn, id, sys::virStoragePoolLookupByUUID, c"virStoragePoolLookupByUUID")
);
subject!(
    NodeDevice,
    NODE_DEVICE,
    virConnectNodeDeviceEventRegisterAny,
    c"virConnectNodeDeviceEventRegisterAny",
    virConnectNodeDeviceEventDeregisterAny,
    virNodeDeviceRef,
    virNodeDevice,
    |it: &NodeDevice| Ok(Identity::Name(it.get_name()?.to_owned())),
    |conn, identity: &Identity| {
        let name = match identity {
            Identity::Name(name) => name.as_c_str(),
            Identity::Uuid(_) => c"",
        };
        let found = sys::virNodeDeviceLookupByName(conn, name.as_ptr());
        call::pointer(found, c"virNodeDeviceLookupByName").map(|found| found.as_ptr())
    }
);
subject!(
    Secret,
    SECRET,
    virConnectSecretEventRegisterAny,
    c"virConnectSecretEventRegisterAny",
    virConnectSecretEventDeregisterAny,
    virSecretRef,
    virSecret,
    |it: &Secret| it.get_uuid().map(Identity::Uuid),
    |conn, id| by_uuid(conn, id, sys::virSecretLookupByUUID, c"virSecretLookupByUUID")
);
