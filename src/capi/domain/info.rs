// SPDX-License-Identifier: LGPL-2.1-or-later
//! What else is known about a domain and can be done with it as a whole.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Returns the operating system type of the domain.
///
/// It is the text of the element `<os><type>`.
///
/// - `type`: `hvm` for full virtualization, otherwise a name that the driver defines, such as
///   `linux`, `xen` or `exe`
///
/// libvirt: virDomainGetOSType
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_os_type(
    dom: *mut vkvm_domain,
    r#type: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(r#type, "type")?;
        out.set(c.get(dom, "dom")?.get_os_type()?);
        Ok(())
    })
}

/// Returns the host name of the guest.
///
/// A source that knows no name is an error, `VKVM_ERROR_ERR_NO_HOSTNAME`. Asking the guest
/// agent needs one that is connected.
///
/// - `flags` (default 0, enum domain_get_hostname_flags): source to ask, guest agent or DHCP
///   leases; 0 means the driver's choice
/// - `hostname`: the name
///
/// libvirt: virDomainGetHostname
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_hostname(
    dom: *mut vkvm_domain,
    flags: u32,
    hostname: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(hostname, "hostname")?;
        out.set(c.get(dom, "dom")?.get_hostname(flags)?);
        Ok(())
    })
}

/// Returns the state of the control interface of the domain.
///
/// The control interface is how libvirt talks to the hypervisor, such as QEMU's monitor.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with the keys `state` (one of `VKVM_DOMAIN_CONTROL_*` without
///   `REASON`), `details` (one of `VKVM_DOMAIN_CONTROL_ERROR_REASON_*`; 0 unless the state is
///   an error), `stateTime` (time since it entered this state, in ms)
///
/// libvirt: virDomainGetControlInfo
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_control_info(
    dom: *mut vkvm_domain,
    flags: u32,
    info: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(info, "info")?;
        out.set_value(c.get(dom, "dom")?.get_control_info(flags)?)
    })
}

/// Returns the title, the description or a custom metadata element of the domain.
///
/// A domain without it is an error, `VKVM_ERROR_ERR_NO_DOMAIN_METADATA`.
///
/// - `type` (enum domain_metadata_type)
/// - `uri` (nullable): XML namespace of the custom element; NULL for title and description
/// - `flags` (default 0, enum domain_affect_flags): configuration to query: live or persistent;
///   0 means the current state
/// - `metadata`: the text, or the element as XML
///
/// libvirt: virDomainGetMetadata
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_metadata(
    dom: *mut vkvm_domain,
    r#type: c_int,
    uri: *const c_char,
    flags: u32,
    metadata: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(metadata, "metadata")?;
        let uri = c.text_nullable(uri, "uri")?;
        out.set(c.get(dom, "dom")?.get_metadata(r#type, uri, flags)?);
        Ok(())
    })
}

/// Sets or removes the title, the description or custom metadata of the domain.
///
/// A title is one line, without newlines. An empty text leaves an empty element; NULL removes
/// it.
///
/// - `type` (enum domain_metadata_type)
/// - `metadata` (nullable): the text, or a well-formed XML element; NULL removes what is there
/// - `key` (nullable): XML namespace prefix of the custom element; NULL for title and
///   description
/// - `uri` (nullable): XML namespace of the custom element; NULL for title and description
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetMetadata
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_metadata(
    dom: *mut vkvm_domain,
    r#type: c_int,
    metadata: *const c_char,
    key: *const c_char,
    uri: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let metadata = c.text_nullable(metadata, "metadata")?;
        let key = c.text_nullable(key, "key")?;
        let uri = c.text_nullable(uri, "uri")?;
        c.get(dom, "dom")?.set_metadata(r#type, metadata, key, uri, flags)
    })
}

/// Returns messages about the domain, such as tainting or deprecated configuration.
///
/// Some drivers have messages only for running domains or only for inactive ones, so ask again
/// when the domain has started or stopped.
///
/// - `flags` (default 0, enum domain_message_types): types of messages; 0 means all
/// - `messages`: the messages, for people to read
/// - `messages_len`: number of elements
///
/// libvirt: virDomainGetMessages
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_messages(
    dom: *mut vkvm_domain,
    flags: u32,
    messages: *mut *mut *mut c_char,
    messages_len: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_texts(messages, messages_len, "messages", "messages_len")?;
        out.set(c.get(dom, "dom")?.get_messages(flags)?)
    })
}

/// Renames the inactive domain.
///
/// Existing handles may still return the old name: look the domain up again. Paths that libvirt
/// derived from the old name, such as that of the NVRAM file, are not changed.
///
/// - `newname`: the new name
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainRename
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_rename(
    dom: *mut vkvm_domain,
    newname: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.rename(c.text(newname, "newname")?, flags))
}

/// Resets the domain immediately, like pressing the reset button.
///
/// The guest operating system does not shut down, so data that it has not written are lost.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainReset
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_reset(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.reset(flags))
}

/// Suspends the guest with its own power management.
///
/// The guest must support it; QEMU needs a guest agent that is connected. QEMU's process ends
/// when the guest suspends to disk, and with it all changes that were made to the live
/// configuration only.
///
/// - `target` (enum conn_node_suspend_target): power management state to enter
/// - `duration` (unit s): time after which the guest wakes up; 0 means no such time. Some
///   hypervisors accept only 0
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainPMSuspendForDuration
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_pm_suspend_for_duration(
    dom: *mut vkvm_domain,
    target: u32,
    duration: u64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.pm_suspend_for_duration(target, duration, flags))
}

/// Wakes up a guest that is suspended by power management.
///
/// It does not wait for the duration given to `vkvm_domain_pm_suspend_for_duration`.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainPMWakeup
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_pm_wakeup(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.pm_wakeup(flags))
}

/// Injects a non-maskable interrupt (NMI) into the guest.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainInjectNMI
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_inject_nmi(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.inject_nmi(flags))
}

/// Reports whether the persistent definition differs from the running domain's.
///
/// It is true when the definition was changed after the domain had started.
///
/// - `updated`: true if it does
///
/// libvirt: virDomainIsUpdated
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_is_updated(
    dom: *mut vkvm_domain,
    updated: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(updated, "updated")?;
        out.set(c.get(dom, "dom")?.is_updated()?);
        Ok(())
    })
}

/// Reports whether the domain has a managed save image.
///
/// The next start restores the domain from it instead of booting. A running domain has none.
///
/// - `flags` (default 0): unused, pass 0
/// - `saved`: true if it has
///
/// libvirt: virDomainHasManagedSaveImage
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_has_managed_save_image(
    dom: *mut vkvm_domain,
    flags: u32,
    saved: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(saved, "saved")?;
        out.set(c.get(dom, "dom")?.has_managed_save_image(flags)?);
        Ok(())
    })
}

/// Saves the domain's memory to a file that libvirt manages, and stops the domain.
///
/// The next start, also an automatic one, restores the domain from that file. Only persistent
/// domains can be saved this way. The image remembers whether the domain was running or paused,
/// unless the flags say otherwise.
///
/// - `flags` (default 0, enum domain_save_flags)
///
/// libvirt: virDomainManagedSave
/// cbindgen:domain_job=save
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_managed_save(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.managed_save(flags))
}

/// Discards the managed save image of the domain.
///
/// The next start boots the guest.
///
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virDomainManagedSaveRemove
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_managed_save_remove(
    dom: *mut vkvm_domain,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.managed_save_remove(flags))
}

/// Returns the domain definition stored in the managed save image.
///
/// - `flags` (default 0, enum domain_save_image_xml_flags)
/// - `xml`: a `<domain>` document
///
/// libvirt: virDomainManagedSaveGetXMLDesc
/// cbindgen:secret
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_managed_save_get_xml_description(
    dom: *mut vkvm_domain,
    flags: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        out.set(c.get(dom, "dom")?.managed_save_get_xml_description(flags)?);
        Ok(())
    })
}

/// Replaces the domain definition stored in the managed save image.
///
/// Only the host's side can change, such as the path of a disk image; the virtual hardware that
/// the guest sees must stay the same.
///
/// - `xml`: a `<domain>` document
/// - `flags` (default 0, enum domain_save_flags): state of the domain after the next start:
///   `VKVM_DOMAIN_SAVE_RUNNING` or `VKVM_DOMAIN_SAVE_PAUSED`; 0 keeps the saved one
///
/// libvirt: virDomainManagedSaveDefineXML
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_managed_save_define_xml(
    dom: *mut vkvm_domain,
    xml: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.managed_save_define_xml(c.text(xml, "xml")?, flags))
}

/// Sets the action to take when the guest powers off, reboots or crashes.
///
/// It corresponds to the elements `<on_poweroff>`, `<on_reboot>` and `<on_crash>`. QEMU cannot
/// change the action of a running domain that was started with all of them set to destroy.
///
/// - `type` (enum domain_lifecycle): the life cycle event
/// - `action` (enum domain_lifecycle_action)
/// - `flags` (default 0, enum domain_affect_flags): configuration to change: live, persistent
///   or both; 0 means the current state
///
/// libvirt: virDomainSetLifecycleAction
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_lifecycle_action(
    dom: *mut vkvm_domain,
    r#type: u32,
    action: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_lifecycle_action(r#type, action, flags))
}

/// Sets the password of a user account in the guest.
///
/// QEMU needs a guest agent that is connected.
///
/// - `username`: name of the user
/// - `password`: the password in plain text, or encrypted as the guest expects it with
///   `VKVM_DOMAIN_PASSWORD_ENCRYPTED`
/// - `flags` (default 0, enum domain_password_flags)
///
/// libvirt: virDomainSetUserPassword
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_user_password(
    dom: *mut vkvm_domain,
    username: *const c_char,
    password: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(dom, "dom")?.set_user_password(
            c.text(username, "username")?,
            c.text(password, "password")?,
            flags,
        )
    })
}

/// Writes a core dump of the domain's memory to a file on the host.
///
/// The domain is paused meanwhile, unless the flags contain `VKVM_DOMAIN_DUMP_LIVE`. The daemon
/// opens the file, so its host's paths and permissions count.
///
/// - `to`: path of the file on the domain's host
/// - `flags` (default 0, enum domain_dump_flags)
///
/// libvirt: virDomainCoreDump
/// cbindgen:domain_job=dump
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_core_dump(
    dom: *mut vkvm_domain,
    to: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.core_dump(c.text(to, "to")?, flags))
}

/// Writes a core dump of the domain's memory to a file in the given format.
///
/// Apart from the format it is like `vkvm_domain_core_dump`. A hypervisor need not support all
/// formats.
///
/// - `to`: path of the file on the domain's host
/// - `format` (enum domain_core_dump_format)
/// - `flags` (default 0, enum domain_dump_flags)
///
/// libvirt: virDomainCoreDumpWithFormat
/// cbindgen:domain_job=dump
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_core_dump_format(
    dom: *mut vkvm_domain,
    to: *const c_char,
    format: u32,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.core_dump_format(c.text(to, "to")?, format, flags))
}

/// Reports whether the domain starts once, the next time the host boots.
///
/// - `autostart`: true if it does
///
/// libvirt: virDomainGetAutostartOnce
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_get_autostart_once(
    dom: *mut vkvm_domain,
    autostart: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(autostart, "autostart")?;
        out.set(c.get(dom, "dom")?.get_autostart_once()?);
        Ok(())
    })
}

/// Sets whether the domain starts once, the next time the host boots.
///
/// - `autostart`: 0 for no, any other value for yes
///
/// libvirt: virDomainSetAutostartOnce
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_set_autostart_once(
    dom: *mut vkvm_domain,
    autostart: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(dom, "dom")?.set_autostart_once(autostart != 0))
}
