// SPDX-License-Identifier: LGPL-2.1-or-later
//! A network port: a domain's or another user's place in a network.

use std::ffi::c_uint;
use std::ptr;

use uuid::Uuid;
use virt::sys;

use super::object::{Counted, Object, Pinned};
use super::typed_params::TypedParams;
use super::{Conn, Network, Text, call};
use crate::error::Result;
use crate::value::{Map, Value};

/// A network port. It keeps its network and its connection.
pub struct NetworkPort(pub(super) Object<sys::virNetworkPort>);

/// What libvirt knows of a port's bandwidth.
const LIMITS: [&str; 7] = [
    "inbound.average",
    "inbound.peak",
    "inbound.floor",
    "inbound.burst",
    "outbound.average",
    "outbound.peak",
    "outbound.burst",
];

// SAFETY: the functions are those for virNetworkPort.
unsafe impl Counted for sys::virNetworkPort {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virNetworkPortFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller; its network is live while it is.
        unsafe { sys::virNetworkGetConnect(sys::virNetworkPortGetNetwork(this)) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        let mut uuid = [0; 16];
        // SAFETY: as promised by the caller; its network is live while it is, a
        // uuid has 16 bytes, and what is found is freed.
        unsafe {
            let net = Counted::find(sys::virNetworkPortGetNetwork(this), conn);
            if net.is_null() || sys::virNetworkPortGetUUID(this, uuid.as_mut_ptr()) < 0 {
                return std::ptr::null_mut();
            }
            let found = sys::virNetworkPortLookupByUUID(net, uuid.as_ptr());
            sys::virNetworkFree(net);
            found
        }
    }
}

impl Pinned for NetworkPort {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.0.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.0.unpin(pin);
    }
}

impl NetworkPort {
    /// Takes over a port and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid port, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virNetworkPortPtr) -> Self {
        // SAFETY: as promised by the caller.
        NetworkPort(unsafe { Object::adopt(raw) })
    }

    pub(crate) fn raw(&self) -> sys::virNetworkPortPtr {
        self.0.raw()
    }

    /// The network that it is of.
    pub fn get_network(&self) -> Result<Network> {
        // SAFETY: raw() is live while self is, and so is its network; the added
        // reference is ours.
        unsafe {
            let network = sys::virNetworkPortGetNetwork(self.0.raw_here());
            let network = call::pointer(network, c"virNetworkPortGetNetwork")?;
            call::done(sys::virNetworkRef(network.as_ptr()), c"virNetworkRef")?;
            Ok(Network::adopt(network.as_ptr()))
        }
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        self.get_network()?.get_conn()
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        // SAFETY: libvirt writes the uuid.
        unsafe { self.0.own_uuid(sys::virNetworkPortGetUUID, c"virNetworkPortGetUUID") }
    }

    /// The uuid as lower-case text with hyphens.
    pub fn get_uuid_string(&self) -> Result<Text> {
        self.get_uuid().map(Text::from_uuid)
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virNetworkPortGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virNetworkPortGetXMLDesc(self.raw(), flags), function) }
    }

    /// The limits of its bandwidth.
    pub fn get_parameters(&self, flags: c_uint) -> Result<Map> {
        self.parameters(flags).map(|params| params.to_map())
    }

    fn parameters(&self, flags: c_uint) -> Result<TypedParams> {
        let (mut array, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the outputs outlive the call, which makes the array.
        unsafe {
            let returned =
                sys::virNetworkPortGetParameters(self.raw(), &mut array, &mut len, flags);
            call::done(returned, c"virNetworkPortGetParameters")?;
            Ok(TypedParams::adopt(array, len))
        }
    }

    /// Sets the limits that `limits` names.
    pub fn set_parameters(&self, limits: &Map, flags: c_uint) -> Result<()> {
        let mut known = self.parameters(0)?;
        let reported = known.to_map();
        // The driver reports only the limits that are set.
        for limit in LIMITS.iter().filter(|limit| reported.get(limit).is_none()) {
            known.push(limit, sys::VIR_TYPED_PARAM_UINT, &Value::Uint(0), "newparams")?;
        }
        let params = TypedParams::from_map(limits, &known, "newparams")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virNetworkPortSetParameters(self.raw(), array, len, flags) };
        call::done(returned, c"virNetworkPortSetParameters")
    }

    /// Removes it from its network.
    pub fn delete(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virNetworkPortDelete(self.raw(), flags) };
        call::done(returned, c"virNetworkPortDelete")
    }
}
