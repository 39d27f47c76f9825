//! The classes whose objects have events, and libvirt's functions for each.

use std::ffi::{CStr, c_int, c_void};

use virt::sys;

use super::Object;
use super::kinds::{self, Kind};
use super::monitor;
use super::signature::Callback;
use crate::core::conn::Source;
use crate::core::{Conn, Domain, Network, NodeDevice, Secret, StoragePool};
use crate::error::Result;

/// libvirt's function that ends a registration.
pub(super) type Deregister = unsafe extern "C" fn(sys::virConnectPtr, c_int) -> c_int;

/// libvirt's function that begins a registration, with all pointers untyped:
/// connection, object, event id, callback, userdata, free callback.
pub(super) struct Registration {
    pub object: *mut c_void,
    pub id: c_int,
    pub callback: Callback,
    pub userdata: *mut c_void,
    pub free: unsafe extern "C" fn(*mut c_void),
}

/// A class whose objects have events.
pub trait Subject: Sized + Send + Sync {
    /// Which registrations these are.
    const SOURCE: Source;
    /// libvirt's function that registers, for error messages.
    const REGISTER: &'static CStr;

    /// The kinds of events it has.
    fn kinds() -> &'static [Kind];

    /// The same object, with a reference of its own.
    fn reference(&self) -> Self;

    /// libvirt's pointer to the object, which lives as long as `self`.
    fn untyped(&self) -> *mut c_void;

    /// An object of its own from one that libvirt lends.
    ///
    /// # Safety
    /// `raw` is a live object of this class.
    unsafe fn borrow(raw: *mut c_void) -> Object;

    /// Registers with libvirt.
    ///
    /// # Safety
    /// The object is NULL or live and of this class; callback, userdata and free
    /// callback go together, and with the event id.
    #[allow(private_interfaces, reason = "implemented here only")]
    unsafe fn register(conn: &Conn, registration: &Registration) -> c_int;
}

/// What ends a registration, and its name.
pub(super) fn deregister(source: Source) -> Result<(Deregister, &'static CStr)> {
    Ok(match source {
        Source::Domain => {
            (sys::virConnectDomainEventDeregisterAny, c"virConnectDomainEventDeregisterAny")
        }
        Source::Network => {
            (sys::virConnectNetworkEventDeregisterAny, c"virConnectNetworkEventDeregisterAny")
        }
        Source::StoragePool => (
            sys::virConnectStoragePoolEventDeregisterAny,
            c"virConnectStoragePoolEventDeregisterAny",
        ),
        Source::NodeDevice => {
            (sys::virConnectNodeDeviceEventDeregisterAny, c"virConnectNodeDeviceEventDeregisterAny")
        }
        Source::Secret => {
            (sys::virConnectSecretEventDeregisterAny, c"virConnectSecretEventDeregisterAny")
        }
        Source::QemuMonitor => {
            (monitor::DEREGISTER.get()?, c"virConnectDomainQemuMonitorEventDeregister")
        }
    })
}

/// Makes a class one whose objects have events.
macro_rules! subject {
    ($class:ident, $kinds:ident, $register:ident, $name:literal, $reference:ident) => {
        impl Subject for $class {
            const SOURCE: Source = Source::$class;
            const REGISTER: &'static CStr = $name;

            fn kinds() -> &'static [Kind] {
                kinds::$kinds
            }

            fn reference(&self) -> Self {
                // SAFETY: live while self is; the new reference is the result's.
                unsafe {
                    sys::$reference(self.raw());
                    $class::adopt(self.raw())
                }
            }

            fn untyped(&self) -> *mut c_void {
                self.raw().cast()
            }

            unsafe fn borrow(raw: *mut c_void) -> Object {
                // SAFETY: a live object, by the caller; it gets a reference that
                // is ours, because libvirt's ends with the callback.
                unsafe {
                    sys::$reference(raw.cast());
                    Object::$class($class::adopt(raw.cast()))
                }
            }

            #[allow(private_interfaces, reason = "as in the trait")]
            unsafe fn register(conn: &Conn, registration: &Registration) -> c_int {
                let Registration { object, id, callback, userdata, free } = *registration;
                // SAFETY: the connection is live; the rest is promised by the caller.
                // libvirt casts the callback back to its type before it calls it.
                unsafe {
                    sys::$register(
                        conn.raw(),
                        object.cast(),
                        id,
                        callback.untyped(),
                        userdata,
                        Some(free),
                    )
                }
            }
        }
    };
}

subject!(
    Domain,
    DOMAIN,
    virConnectDomainEventRegisterAny,
    c"virConnectDomainEventRegisterAny",
    virDomainRef
);
subject!(
    Network,
    NETWORK,
    virConnectNetworkEventRegisterAny,
    c"virConnectNetworkEventRegisterAny",
    virNetworkRef
);
subject!(
    StoragePool,
    STORAGE_POOL,
    virConnectStoragePoolEventRegisterAny,
    c"virConnectStoragePoolEventRegisterAny",
    virStoragePoolRef
);
subject!(
    NodeDevice,
    NODE_DEVICE,
    virConnectNodeDeviceEventRegisterAny,
    c"virConnectNodeDeviceEventRegisterAny",
    virNodeDeviceRef
);
subject!(
    Secret,
    SECRET,
    virConnectSecretEventRegisterAny,
    c"virConnectSecretEventRegisterAny",
    virSecretRef
);
