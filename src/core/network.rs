// SPDX-License-Identifier: LGPL-2.1-or-later
//! A virtual network: what connects domains to each other and to the world.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr;

use uuid::Uuid;
use virt::sys;

use super::conn::{locate, parse_uuid};
use super::late::Late;
use super::named::find_by_uuid;
use super::object::{Counted, Object, Pinned};
use super::{Conn, NetworkPort, Text, call};
use crate::error::Result;
use crate::value::{Map, Value};

/// A virtual network. It keeps its connection open.
pub struct Network(pub(super) Object<sys::virNetwork>);

type GetMetadata =
    unsafe extern "C" fn(sys::virNetworkPtr, c_int, *const c_char, c_uint) -> *mut c_char;
type SetMetadata = unsafe extern "C" fn(
    sys::virNetworkPtr,
    c_int,
    *const c_char,
    *const c_char,
    *const c_char,
    c_uint,
) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static GET_METADATA: Late<GetMetadata> = unsafe { Late::new(c"virNetworkGetMetadata", "9.7.0") };
// SAFETY: this is the function's type in libvirt's header.
static SET_METADATA: Late<SetMetadata> = unsafe { Late::new(c"virNetworkSetMetadata", "9.7.0") };

// SAFETY: the functions are those for virNetwork.
unsafe impl Counted for sys::virNetwork {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virNetworkFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virNetworkGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        let (get, look_up) = (sys::virNetworkGetUUID, sys::virNetworkLookupByUUID);
        // SAFETY: as promised by the caller.
        unsafe { find_by_uuid(this, conn, get, look_up) }
    }
}

impl Pinned for Network {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.0.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.0.unpin(pin);
    }
}

impl Network {
    /// Takes over a network and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid network, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virNetworkPtr) -> Self {
        // SAFETY: as promised by the caller.
        Network(unsafe { Object::adopt(raw) })
    }

    /// Drops all but the reference, which is libvirt's.
    pub(crate) fn disown(self) {
        std::mem::forget(self.0);
    }

    pub(crate) fn raw(&self) -> sys::virNetworkPtr {
        self.0.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(sys::virNetworkGetConnect(self.0.raw_here()), c"virNetworkGetConnect")
        }
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the network.
        unsafe { self.0.own_text(sys::virNetworkGetName, c"virNetworkGetName") }
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        // SAFETY: libvirt writes the uuid.
        unsafe { self.0.own_uuid(sys::virNetworkGetUUID, c"virNetworkGetUUID") }
    }

    /// The uuid as lower-case text with hyphens.
    pub fn get_uuid_string(&self) -> Result<Text> {
        self.get_uuid().map(Text::from_uuid)
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virNetworkGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virNetworkGetXMLDesc(self.raw(), flags), function) }
    }

    /// The name of its bridge on the host.
    pub fn get_bridge_name(&self) -> Result<Text> {
        let function = c"virNetworkGetBridgeName";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virNetworkGetBridgeName(self.raw()), function) }
    }

    /// Whether it runs.
    pub fn is_active(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virNetworkIsActive(self.raw()) }, c"virNetworkIsActive")
    }

    /// Whether it stays defined when it stops.
    pub fn is_persistent(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virNetworkIsPersistent(self.raw()) }, c"virNetworkIsPersistent")
    }

    /// Starts a defined network.
    pub fn create(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNetworkCreate(self.raw()) }, c"virNetworkCreate")
    }

    /// Stops it.
    pub fn destroy(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNetworkDestroy(self.raw()) }, c"virNetworkDestroy")
    }

    /// Forgets the definition.
    pub fn undefine(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNetworkUndefine(self.raw()) }, c"virNetworkUndefine")
    }

    /// Changes one section of the definition.
    pub fn update(
        &self,
        command: c_uint,
        section: c_uint,
        parent_index: c_int,
        xml: &CStr,
        flags: c_uint,
    ) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe {
            sys::virNetworkUpdate(self.raw(), command, section, parent_index, xml.as_ptr(), flags)
        };
        call::done(returned, c"virNetworkUpdate").map_err(|error| locate(error, "xml", xml))
    }

    /// Whether it starts with the host.
    pub fn get_autostart(&self) -> Result<bool> {
        let mut autostart = 0;
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virNetworkGetAutostart(self.raw(), &mut autostart) };
        call::done(returned, c"virNetworkGetAutostart")?;
        Ok(autostart != 0)
    }

    /// Sets whether it starts with the host.
    pub fn set_autostart(&self, autostart: bool) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virNetworkSetAutostart(self.raw(), c_int::from(autostart)) };
        call::done(returned, c"virNetworkSetAutostart")
    }

    /// The description, the title, or the element of the namespace `uri`.
    pub fn get_metadata(&self, kind: c_int, uri: Option<&CStr>, flags: c_uint) -> Result<Text> {
        let get_metadata = GET_METADATA.get()?;
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe {
            let returned = get_metadata(self.raw(), kind, nullable(uri), flags);
            call::text(returned, c"virNetworkGetMetadata")
        }
    }

    /// Sets what `get_metadata` gets; `None` removes it.
    pub fn set_metadata(
        &self,
        kind: c_int,
        metadata: Option<&CStr>,
        key: Option<&CStr>,
        uri: Option<&CStr>,
        flags: c_uint,
    ) -> Result<()> {
        let set_metadata = SET_METADATA.get()?;
        let (metadata, key, uri) = (nullable(metadata), nullable(key), nullable(uri));
        // SAFETY: the pointer is live; the texts are NULL or C strings.
        let returned = unsafe { set_metadata(self.raw(), kind, metadata, key, uri, flags) };
        call::done(returned, c"virNetworkSetMetadata")
    }

    /// The addresses that its DHCP server gave out, to everybody or to `mac`.
    pub fn get_dhcp_leases(&self, mac: Option<&CStr>, flags: c_uint) -> Result<Vec<Map>> {
        let function = c"virNetworkGetDHCPLeases";
        // SAFETY: the pointer is live; each lease of the list is ours.
        unsafe {
            call::objects(
                function,
                |leases| sys::virNetworkGetDHCPLeases(self.raw(), nullable(mac), leases, flags),
                |lease| take_lease(lease),
            )
        }
    }

    /// The ports; `flags` are unused.
    pub fn list_all_ports(&self, flags: c_uint) -> Result<Vec<NetworkPort>> {
        let function = c"virNetworkListAllPorts";
        // SAFETY: the pointer is live; each port of the list is new and ours.
        unsafe {
            call::objects(
                function,
                |ports| sys::virNetworkListAllPorts(self.raw(), ports, flags),
                |raw| NetworkPort::adopt(raw),
            )
        }
    }

    /// The port with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_port_by_uuid(&self, uuid: &[u8]) -> Result<NetworkPort> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: the pointer is live; the uuid is 16 bytes, and a new port's reference is ours.
        unsafe {
            let raw = sys::virNetworkPortLookupByUUID(self.raw(), uuid.as_bytes().as_ptr());
            Ok(NetworkPort::adopt(call::pointer(raw, c"virNetworkPortLookupByUUID")?.as_ptr()))
        }
    }

    /// Makes a port.
    pub fn create_port(&self, xml: &CStr, flags: c_uint) -> Result<NetworkPort> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virNetworkPortCreateXML(self.raw(), xml.as_ptr(), flags);
            let port = call::pointer(raw, c"virNetworkPortCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(NetworkPort::adopt(port.as_ptr()))
        }
    }
}

fn nullable(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}

/// Copies a lease and frees it.
///
/// # Safety
/// `lease` is valid and ours.
unsafe fn take_lease(lease: sys::virNetworkDHCPLeasePtr) -> Map {
    let text = |text: *const c_char| {
        // SAFETY: the lease's texts are NULL or C strings.
        let text = (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) });
        Value::from(text.map(|text| text.to_string_lossy().into_owned()))
    };
    // SAFETY: as promised by the caller.
    unsafe {
        let mut map = Map::with_capacity(9);
        map.push_new("iface", text((*lease).iface));
        map.push_new("expirytime", (*lease).expirytime);
        map.push_new("type", (*lease).type_);
        map.push_new("mac", text((*lease).mac));
        map.push_new("iaid", text((*lease).iaid));
        map.push_new("ipaddr", text((*lease).ipaddr));
        map.push_new("prefix", (*lease).prefix);
        map.push_new("hostname", text((*lease).hostname));
        map.push_new("clientid", text((*lease).clientid));
        sys::virNetworkDHCPLeaseFree(lease);
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_becomes_a_map() {
        // SAFETY: a plain C struct from calloc, whose texts are from strdup;
        // virNetworkDHCPLeaseFree frees all of it.
        let map = unsafe {
            let lease: sys::virNetworkDHCPLeasePtr =
                libc::calloc(1, size_of::<sys::_virNetworkDHCPLease>()).cast();
            (*lease).iface = libc::strdup(c"virbr0".as_ptr());
            (*lease).expirytime = 1 << 40;
            (*lease).ipaddr = libc::strdup(c"10.0.0.7".as_ptr());
            (*lease).prefix = 24;
            take_lease(lease)
        };
        assert_eq!(map.get("iface"), Some(&Value::from("virbr0")));
        assert_eq!(map.get("expirytime"), Some(&Value::from(1_i64 << 40)));
        assert_eq!(map.get("mac"), Some(&Value::Null));
        assert_eq!(map.get("prefix"), Some(&Value::from(24_u32)));
        let keys: Vec<_> = map.iter().map(|(key, _)| key.to_owned()).collect();
        let wanted = [
            "iface",
            "expirytime",
            "type",
            "mac",
            "iaid",
            "ipaddr",
            "prefix",
            "hostname",
            "clientid",
        ];
        assert_eq!(keys, wanted);
    }
}
