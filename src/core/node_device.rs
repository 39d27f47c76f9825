// SPDX-License-Identifier: LGPL-2.1-or-later
//! A device of the host, real or mediated.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr;
use std::sync::Mutex;

use virt::sys;

use super::conn::locate;
use super::late::Late;
use super::made_from::MadeFrom;
use super::object::{Counted, Pinned};
use super::{Text, call};
use crate::error::Result;
use crate::fork::lock;

/// A device of the host. It keeps its connection open.
pub struct NodeDevice {
    pub(super) object: MadeFrom<sys::virNodeDevice>,
    /// libvirt remembers the parent in the device, without a lock of its own.
    parent: Mutex<()>,
}

type Get = unsafe extern "C" fn(sys::virNodeDevicePtr) -> c_int;
type WithFlags = unsafe extern "C" fn(sys::virNodeDevicePtr, c_uint) -> c_int;
type GetAutostart = unsafe extern "C" fn(sys::virNodeDevicePtr, *mut c_int) -> c_int;
type SetAutostart = unsafe extern "C" fn(sys::virNodeDevicePtr, c_int) -> c_int;
type Update = unsafe extern "C" fn(sys::virNodeDevicePtr, *const c_char, c_uint) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static CREATE: Late<WithFlags> = unsafe { Late::new(c"virNodeDeviceCreate", "7.3.0") };
// SAFETY: this is the function's type in libvirt's header.
static UNDEFINE: Late<WithFlags> = unsafe { Late::new(c"virNodeDeviceUndefine", "7.3.0") };
// SAFETY: this is the function's type in libvirt's header.
static IS_ACTIVE: Late<Get> = unsafe { Late::new(c"virNodeDeviceIsActive", "7.8.0") };
// SAFETY: this is the function's type in libvirt's header.
static IS_PERSISTENT: Late<Get> = unsafe { Late::new(c"virNodeDeviceIsPersistent", "7.8.0") };
// SAFETY: this is the function's type in libvirt's header.
static GET_AUTOSTART: Late<GetAutostart> =
    unsafe { Late::new(c"virNodeDeviceGetAutostart", "7.8.0") };
// SAFETY: this is the function's type in libvirt's header.
static SET_AUTOSTART: Late<SetAutostart> =
    unsafe { Late::new(c"virNodeDeviceSetAutostart", "7.8.0") };
// SAFETY: this is the function's type in libvirt's header.
static UPDATE: Late<Update> = unsafe { Late::new(c"virNodeDeviceUpdate", "10.1.0") };

// SAFETY: the functions are those for virNodeDevice. Of which connection it is, libvirt
// does not tell, so it is not found again when its connection is replaced.
unsafe impl Counted for sys::virNodeDevice {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virNodeDeviceFree(this) };
    }

    unsafe fn conn(_: *mut Self) -> sys::virConnectPtr {
        std::ptr::null_mut()
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        // SAFETY: both are live, by the caller; the name is a C string that lives as long.
        unsafe { sys::virNodeDeviceLookupByName(conn, sys::virNodeDeviceGetName(this)) }
    }
}

impl Pinned for NodeDevice {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl NodeDevice {
    /// Takes over a device that came with an event, and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid device, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virNodeDevicePtr) -> Self {
        // SAFETY: as promised by the caller.
        unsafe { Self::adopt_from(raw, ptr::null_mut()) }
    }

    /// Drops all but the reference, which is libvirt's.
    pub(crate) fn disown(self) {
        std::mem::forget(self.object);
    }

    /// Takes over a device and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid device, and one reference to it is ours; it was made from `conn`.
    pub(crate) unsafe fn adopt_from(raw: sys::virNodeDevicePtr, conn: sys::virConnectPtr) -> Self {
        // SAFETY: as promised by the caller.
        let object = unsafe { MadeFrom::adopt(raw, conn) };
        NodeDevice { object, parent: Mutex::new(()) }
    }

    pub(crate) fn raw(&self) -> sys::virNodeDevicePtr {
        self.object.raw()
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the device.
        unsafe { self.object.own_text(sys::virNodeDeviceGetName, c"virNodeDeviceGetName") }
    }

    /// The name of the device that it is a part of, if it is of one.
    pub fn get_parent(&self) -> Result<Option<Text>> {
        let _guard = lock(&self.parent);
        // SAFETY: the pointer is live; the text is NULL, or a C string that is copied.
        unsafe {
            let parent = sys::virNodeDeviceGetParent(self.raw());
            if !parent.is_null() {
                Ok(Some(Text::copy(CStr::from_ptr(parent))))
            } else if sys::virGetLastErrorCode() == sys::VIR_ERR_OK as c_int {
                Ok(None)
            } else {
                Err(call::failed(c"virNodeDeviceGetParent"))
            }
        }
    }

    /// The names of its capabilities.
    pub fn list_capabilities(&self) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            let count =
                call::number(sys::virNodeDeviceNumOfCaps(self.raw()), c"virNodeDeviceNumOfCaps")?;
            call::names(c"virNodeDeviceListCaps", count, "dev", |names, max| {
                sys::virNodeDeviceListCaps(self.raw(), names, max)
            })
        }
    }

    /// The description, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virNodeDeviceGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virNodeDeviceGetXMLDesc(self.raw(), flags), function) }
    }

    /// Takes it away from the host's driver.
    pub fn dettach(&self, driver: Option<&CStr>, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        unsafe {
            match driver {
                None if flags == 0 => {
                    call::done(sys::virNodeDeviceDettach(self.raw()), c"virNodeDeviceDettach")
                }
                _ => {
                    let driver = driver.map_or(std::ptr::null(), CStr::as_ptr);
                    let returned = sys::virNodeDeviceDetachFlags(self.raw(), driver, flags);
                    call::done(returned, c"virNodeDeviceDetachFlags")
                }
            }
        }
    }

    /// Gives it back to the host's driver.
    pub fn reattach(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNodeDeviceReAttach(self.raw()) }, c"virNodeDeviceReAttach")
    }

    /// Resets it.
    pub fn reset(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNodeDeviceReset(self.raw()) }, c"virNodeDeviceReset")
    }

    /// Starts a defined device.
    pub fn create(&self, flags: c_uint) -> Result<()> {
        let create = CREATE.get()?;
        // SAFETY: the pointer is live.
        call::done(unsafe { create(self.raw(), flags) }, c"virNodeDeviceCreate")
    }

    /// Removes it from the host.
    pub fn destroy(&self) -> Result<()> {
        // SAFETY: the pointer is live.
        call::done(unsafe { sys::virNodeDeviceDestroy(self.raw()) }, c"virNodeDeviceDestroy")
    }

    /// Forgets the definition.
    pub fn undefine(&self, flags: c_uint) -> Result<()> {
        let undefine = UNDEFINE.get()?;
        // SAFETY: the pointer is live.
        call::done(unsafe { undefine(self.raw(), flags) }, c"virNodeDeviceUndefine")
    }

    /// Changes the definition, the running device, or both.
    pub fn update(&self, xml: &CStr, flags: c_uint) -> Result<()> {
        let update = UPDATE.get()?;
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { update(self.raw(), xml.as_ptr(), flags) };
        call::done(returned, c"virNodeDeviceUpdate").map_err(|error| locate(error, "xml", xml))
    }

    /// Whether it is there at the moment.
    pub fn is_active(&self) -> Result<bool> {
        let is_active = IS_ACTIVE.get()?;
        // SAFETY: the pointer is live.
        call::truth(unsafe { is_active(self.raw()) }, c"virNodeDeviceIsActive")
    }

    /// Whether it stays defined when it is gone.
    pub fn is_persistent(&self) -> Result<bool> {
        let is_persistent = IS_PERSISTENT.get()?;
        // SAFETY: the pointer is live.
        call::truth(unsafe { is_persistent(self.raw()) }, c"virNodeDeviceIsPersistent")
    }

    /// Whether it starts with the host.
    pub fn get_autostart(&self) -> Result<bool> {
        let (get_autostart, mut autostart) = (GET_AUTOSTART.get()?, 0);
        // SAFETY: the output outlives the call.
        let returned = unsafe { get_autostart(self.raw(), &mut autostart) };
        call::done(returned, c"virNodeDeviceGetAutostart")?;
        Ok(autostart != 0)
    }

    /// Sets whether it starts with the host.
    pub fn set_autostart(&self, autostart: bool) -> Result<()> {
        let set_autostart = SET_AUTOSTART.get()?;
        // SAFETY: the pointer is live.
        let returned = unsafe { set_autostart(self.raw(), c_int::from(autostart)) };
        call::done(returned, c"virNodeDeviceSetAutostart")
    }
}
