// SPDX-License-Identifier: LGPL-2.1-or-later
//! What the agent in a guest does and knows.

use std::ffi::{CStr, c_char, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::typed_params::{self, TypedParams};
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

impl Domain {
    /// Makes file systems keep still: those mounted at `mountpoints`, or all.
    pub fn fs_freeze(&self, mountpoints: &[&CStr], flags: c_uint) -> Result<()> {
        let mut places = pointers(mountpoints);
        let (array, len) = array(&mut places, "mountpoints")?;
        // SAFETY: the pointer is live. The array is NULL or holds `len` texts.
        let returned = unsafe { sys::virDomainFSFreeze(self.raw(), array, len, flags) };
        call::done(returned, c"virDomainFSFreeze")
    }

    /// Lets the file systems go on.
    pub fn fs_thaw(&self, mountpoints: &[&CStr], flags: c_uint) -> Result<()> {
        let mut places = pointers(mountpoints);
        let (array, len) = array(&mut places, "mountpoints")?;
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainFSThaw(self.raw(), array, len, flags) };
        call::done(returned, c"virDomainFSThaw")
    }

    /// Gives unused blocks back to the host.
    pub fn fs_trim(&self, mountpoint: Option<&CStr>, minimum: u64, flags: c_uint) -> Result<()> {
        let place = mountpoint.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the pointer is live; libvirt takes NULL for all file systems.
        let returned = unsafe { sys::virDomainFSTrim(self.raw(), place, minimum, flags) };
        call::done(returned, c"virDomainFSTrim")
    }

    /// The file systems that are mounted.
    pub fn get_fs_info(&self, flags: c_uint) -> Result<Vec<Map>> {
        let mut array: *mut sys::virDomainFSInfoPtr = ptr::null_mut();
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virDomainGetFSInfo(self.raw(), &mut array, flags) };
        let count = call::number(returned, c"virDomainGetFSInfo")? as usize;
        // SAFETY: an array of `count` new structs, whose texts are C strings; all
        // are ours, and freed once.
        let systems = unsafe {
            let systems = (0..count).map(|i| file_system(&**array.add(i))).collect();
            (0..count).for_each(|i| sys::virDomainFSInfoFree(*array.add(i)));
            libc::free(array.cast());
            systems
        };
        Ok(systems)
    }

    /// What the agent can tell about the guest: of these types, or of all it can.
    pub fn get_guest_info(&self, types: c_uint, flags: c_uint) -> Result<Map> {
        let (mut array, mut len) = (ptr::null_mut(), 0);
        // SAFETY: the pointer is live; on success the array is ours.
        let info = unsafe {
            let returned =
                sys::virDomainGetGuestInfo(self.raw(), types, &mut array, &mut len, flags);
            call::done(returned, c"virDomainGetGuestInfo")?;
            TypedParams::adopt(array, len)
        };
        Ok(typed_params::to_map(info.as_slice()))
    }

    /// The network interfaces and their addresses.
    pub fn get_interface_addresses(&self, source: c_uint, flags: c_uint) -> Result<Vec<Map>> {
        let mut array: *mut sys::virDomainInterfacePtr = ptr::null_mut();
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainInterfaceAddresses(self.raw(), &mut array, source, flags) };
        let count = call::number(returned, c"virDomainInterfaceAddresses")? as usize;
        // SAFETY: as in `get_fs_info`.
        let interfaces = unsafe {
            let interfaces = (0..count).map(|i| interface(&**array.add(i))).collect();
            (0..count).for_each(|i| sys::virDomainInterfaceFree(*array.add(i)));
            libc::free(array.cast());
            interfaces
        };
        Ok(interfaces)
    }
}

fn pointers(texts: &[&CStr]) -> Vec<*const c_char> {
    texts.iter().map(|text| text.as_ptr()).collect()
}

/// An array as libvirt takes it; it may not be empty, but NULL.
fn array(
    texts: &mut [*const c_char],
    parameter: &'static str,
) -> Result<(*mut *const c_char, c_uint)> {
    let (actual, limit) = (texts.len() as u64, u64::from(c_uint::MAX));
    let len = c_uint::try_from(texts.len()).map_err(|_| Misuse::TooLarge {
        parameter,
        what: "the number of mount points",
        actual,
        limit,
    })?;
    Ok((if texts.is_empty() { ptr::null_mut() } else { texts.as_mut_ptr() }, len))
}

/// # Safety
/// The texts are NULL or C strings, the arrays as long as their counts say.
unsafe fn file_system(info: &sys::virDomainFSInfo) -> Map {
    // SAFETY: as promised by the caller.
    unsafe {
        let devices: Vec<Value> =
            (0..info.ndevAlias).map(|i| text(*info.devAlias.add(i))).collect();
        let mut map = Map::with_capacity(4);
        map.push_new("mountpoint", text(info.mountpoint));
        map.push_new("name", text(info.name));
        map.push_new("fstype", text(info.fstype));
        map.push_new("devalias", Value::List(devices));
        map
    }
}

/// # Safety
/// As for [`file_system`].
unsafe fn interface(interface: &sys::virDomainInterface) -> Map {
    // SAFETY: as promised by the caller.
    unsafe {
        let mut map = Map::with_capacity(3);
        map.push_new("name", text(interface.name));
        if !interface.hwaddr.is_null() {
            map.push_new("hwaddr", text(interface.hwaddr));
        }
        let addresses = (0..interface.naddrs as usize).map(|i| {
            let address = &*interface.addrs.add(i);
            let mut map = Map::with_capacity(3);
            map.push_new("type", address.type_);
            map.push_new("addr", text(address.addr));
            map.push_new("prefix", address.prefix);
            Value::Map(map)
        });
        map.push_new("addrs", Value::List(addresses.collect()));
        map
    }
}

/// # Safety
/// `text` is NULL or a C string.
unsafe fn text(text: *const c_char) -> Value {
    if text.is_null() {
        return Value::Null;
    }
    // SAFETY: as promised by the caller.
    Value::String(unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
