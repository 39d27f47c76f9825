// SPDX-License-Identifier: LGPL-2.1-or-later
//! What else is known about a domain and can be done with it as a whole.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr::{self, NonNull};

use virt::sys;

use super::{Domain, Text, call};
use crate::core::conn::locate;
use crate::core::late::Late;
use crate::error::Result;
use crate::value::Map;

type GetMessages = unsafe extern "C" fn(sys::virDomainPtr, *mut *mut *mut c_char, c_uint) -> c_int;
type GetAutostartOnce = unsafe extern "C" fn(sys::virDomainPtr, *mut c_int) -> c_int;
type SetAutostartOnce = unsafe extern "C" fn(sys::virDomainPtr, c_int) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static GET_MESSAGES: Late<GetMessages> = unsafe { Late::new(c"virDomainGetMessages", "7.1.0") };
// SAFETY: this is the function's type in libvirt's header.
static GET_AUTOSTART_ONCE: Late<GetAutostartOnce> =
    unsafe { Late::new(c"virDomainGetAutostartOnce", "11.2.0") };
// SAFETY: this is the function's type in libvirt's header.
static SET_AUTOSTART_ONCE: Late<SetAutostartOnce> =
    unsafe { Late::new(c"virDomainSetAutostartOnce", "11.2.0") };

impl Domain {
    /// How its guest runs: "hvm" or such.
    pub fn get_os_type(&self) -> Result<Text> {
        // SAFETY: the pointer is live. The text is new and ours.
        unsafe {
            let returned = sys::virDomainGetOSType(self.raw());
            call::text(returned, c"virDomainGetOSType")
        }
    }

    /// The name that the guest has given itself.
    pub fn get_hostname(&self, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe {
            let returned = sys::virDomainGetHostname(self.raw(), flags);
            call::text(returned, c"virDomainGetHostname")
        }
    }

    /// The state of the way to control it; times in ms.
    pub fn get_control_info(&self, flags: c_uint) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainControlInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virDomainGetControlInfo(self.raw(), &mut info, flags) };
        call::done(returned, c"virDomainGetControlInfo")?;
        let mut map = Map::with_capacity(3);
        map.push_new("state", info.state);
        map.push_new("details", info.details);
        map.push_new("stateTime", info.stateTime);
        Ok(map)
    }

    /// The description, the title, or the element of the namespace `uri`.
    pub fn get_metadata(&self, r#type: c_int, uri: Option<&CStr>, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe {
            let returned = sys::virDomainGetMetadata(self.raw(), r#type, nullable(uri), flags);
            call::text(returned, c"virDomainGetMetadata")
        }
    }

    /// Sets what `get_metadata` gets; `None` removes it.
    pub fn set_metadata(
        &self,
        r#type: c_int,
        metadata: Option<&CStr>,
        key: Option<&CStr>,
        uri: Option<&CStr>,
        flags: c_uint,
    ) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe {
            sys::virDomainSetMetadata(
                self.raw(),
                r#type,
                nullable(metadata),
                nullable(key),
                nullable(uri),
                flags,
            )
        };
        call::done(returned, c"virDomainSetMetadata")
    }

    /// What libvirt has to say about it, of the kinds that `flags` name.
    pub fn get_messages(&self, flags: c_uint) -> Result<Vec<Text>> {
        let get_messages = GET_MESSAGES.get()?;
        // SAFETY: the pointer is live; on success the array holds that many new texts, none of
        // them NULL.
        unsafe {
            call::objects(
                c"virDomainGetMessages",
                |array: *mut *mut NonNull<c_char>| get_messages(self.raw(), array.cast(), flags),
                |raw| Text::adopt(raw),
            )
        }
    }

    /// Gives a domain that is off another name.
    pub fn rename(&self, newname: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { sys::virDomainRename(self.raw(), newname.as_ptr(), flags) };
        call::done(returned, c"virDomainRename")
    }

    /// Restarts the machine at once.
    pub fn reset(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainReset(self.raw(), flags) };
        call::done(returned, c"virDomainReset")
    }

    /// Puts the guest to sleep.
    pub fn pm_suspend_for_duration(
        &self,
        target: c_uint,
        duration: u64,
        flags: c_uint,
    ) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned =
            unsafe { sys::virDomainPMSuspendForDuration(self.raw(), target, duration, flags) };
        call::done(returned, c"virDomainPMSuspendForDuration")
    }

    /// Wakes the guest up.
    pub fn pm_wakeup(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainPMWakeup(self.raw(), flags) };
        call::done(returned, c"virDomainPMWakeup")
    }

    /// Sends the guest an NMI.
    pub fn inject_nmi(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainInjectNMI(self.raw(), flags) };
        call::done(returned, c"virDomainInjectNMI")
    }

    /// Whether its definition was changed while it ran.
    pub fn is_updated(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainIsUpdated(self.raw()) };
        call::truth(returned, c"virDomainIsUpdated")
    }

    /// Whether libvirt keeps a saved state of it.
    pub fn has_managed_save_image(&self, flags: c_uint) -> Result<bool> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainHasManagedSaveImage(self.raw(), flags) };
        call::truth(returned, c"virDomainHasManagedSaveImage")
    }

    /// Stops it, and lets the next start go on from here.
    pub fn managed_save(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainManagedSave(self.raw(), flags) };
        call::done(returned, c"virDomainManagedSave")
    }

    /// Forgets the saved state.
    pub fn managed_save_remove(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainManagedSaveRemove(self.raw(), flags) };
        call::done(returned, c"virDomainManagedSaveRemove")
    }

    /// The definition in the saved state.
    pub fn managed_save_get_xml_description(&self, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe {
            let returned = sys::virDomainManagedSaveGetXMLDesc(self.raw(), flags);
            call::text(returned, c"virDomainManagedSaveGetXMLDesc")
        }
    }

    /// Changes the definition in the saved state.
    pub fn managed_save_define_xml(&self, xml: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { sys::virDomainManagedSaveDefineXML(self.raw(), xml.as_ptr(), flags) };
        call::done(returned, c"virDomainManagedSaveDefineXML")
            .map_err(|error| locate(error, "xml", xml))
    }

    /// Sets what happens on poweroff, reboot or crash.
    pub fn set_lifecycle_action(
        &self,
        r#type: c_uint,
        action: c_uint,
        flags: c_uint,
    ) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned =
            unsafe { sys::virDomainSetLifecycleAction(self.raw(), r#type, action, flags) };
        call::done(returned, c"virDomainSetLifecycleAction")
    }

    /// Sets the password of a user of the guest.
    pub fn set_user_password(&self, username: &CStr, password: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe {
            sys::virDomainSetUserPassword(self.raw(), username.as_ptr(), password.as_ptr(), flags)
        };
        call::done(returned, c"virDomainSetUserPassword")
    }

    /// Writes its memory to a file on the host.
    pub fn core_dump(&self, to: &CStr, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned = unsafe { sys::virDomainCoreDump(self.raw(), to.as_ptr(), flags) };
        call::done(returned, c"virDomainCoreDump")
    }

    /// Writes its memory to a file on the host, in one of several formats.
    pub fn core_dump_format(&self, to: &CStr, format: c_uint, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live, the text a C string.
        let returned =
            unsafe { sys::virDomainCoreDumpWithFormat(self.raw(), to.as_ptr(), format, flags) };
        call::done(returned, c"virDomainCoreDumpWithFormat")
    }

    /// Whether it starts with the host the next time, and only then.
    pub fn get_autostart_once(&self) -> Result<bool> {
        let get_autostart_once = GET_AUTOSTART_ONCE.get()?;
        let mut autostart = 0;
        // SAFETY: the output outlives the call.
        let returned = unsafe { get_autostart_once(self.raw(), &mut autostart) };
        call::done(returned, c"virDomainGetAutostartOnce")?;
        Ok(autostart != 0)
    }

    /// Sets whether it starts with the host the next time, and only then.
    pub fn set_autostart_once(&self, autostart: bool) -> Result<()> {
        let set_autostart_once = SET_AUTOSTART_ONCE.get()?;
        // SAFETY: the pointer is live.
        let returned = unsafe { set_autostart_once(self.raw(), c_int::from(autostart)) };
        call::done(returned, c"virDomainSetAutostartOnce")
    }
}

fn nullable(text: Option<&CStr>) -> *const c_char {
    text.map_or(ptr::null(), CStr::as_ptr)
}
