//! What else is known about a domain and can be done with it as a whole.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_value};

/// Gets what kind of guest the domain runs.
///
/// - `type`: `hvm` for one that needs full virtualization, else a name that the driver
///   defines, like `linux`, `xen` or `exe`
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

/// Gets the host name of the guest.
///
/// - `flags` (default 0, enum domain_get_hostname_flags): where to look; 0 lets the driver
///   choose
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

/// Gets the state of the way by which libvirt controls the domain.
///
/// - `flags` (default 0): unused, pass 0
/// - `info` (map): a map with the keys `state` (one of `VKVM_DOMAIN_CONTROL_*` without
///   `REASON`), `details` (one of `VKVM_DOMAIN_CONTROL_ERROR_REASON_*`), `stateTime` (ms since
///   it is in this state)
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

/// Gets the description or the title of the domain, or an element that a program keeps
/// in its definition.
///
/// - `type` (enum domain_metadata_type)
/// - `uri` (nullable): the namespace of the element; NULL for description and title
/// - `flags` (default 0, enum domain_affect_flags)
/// - `metadata`: the text, or the element as XML; none is an error
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

/// Sets or removes the description or the title of the domain, or an element that a
/// program keeps in its definition.
///
/// - `type` (enum domain_metadata_type)
/// - `metadata` (nullable): the text, or the element as XML; NULL to remove it
/// - `key` (nullable): the prefix of the namespace; NULL for description and title
/// - `uri` (nullable): the namespace of the element; NULL for description and title
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Gets what libvirt has to say about the domain: that it is tainted, or uses something
/// deprecated.
///
/// - `flags` (default 0, enum domain_message_types): which kinds; 0 for all
/// - `messages`: the messages, for people to read
/// - `messages_len`: how many there are
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

/// Gives the domain another name. It must not run.
///
/// This handle may go on to tell the old name; look the domain up again for the new
/// one.
///
/// - `newname`: the name
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

/// Restarts the domain at once, as if its reset button was pressed. The guest is not
/// asked.
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

/// Asks the guest to go to sleep, with its own power management.
///
/// - `target` (enum conn_node_suspend_target): how deep
/// - `duration` (unit s): the time until it wakes up; 0 for no such time
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

/// Wakes up a guest that sleeps.
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

/// Sends the guest an interrupt that it cannot mask (NMI).
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

/// Tells whether the definition of the domain was changed since it was started.
///
/// - `updated`: whether it was
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

/// Tells whether libvirt keeps a saved state of the domain, from which the next start
/// goes on.
///
/// - `flags` (default 0): unused, pass 0
/// - `saved`: whether it does
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

/// Saves the memory of the domain in a file that libvirt keeps, and stops it. The next
/// start goes on from there.
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

/// Forgets the saved state of the domain, so that the next start is a boot.
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

/// Gets the definition that is kept in the saved state of the domain.
///
/// - `flags` (default 0, enum domain_save_image_xml_flags)
/// - `xml`: a `<domain>` document
///
/// libvirt: virDomainManagedSaveGetXMLDesc
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

/// Changes the definition that is kept in the saved state of the domain. Only what the
/// guest does not see can be changed.
///
/// - `xml`: a `<domain>` document
/// - `flags` (default 0, enum domain_save_flags): whether the domain runs or is paused after
///   the next start: `VKVM_DOMAIN_SAVE_RUNNING` or `VKVM_DOMAIN_SAVE_PAUSED`; 0 keeps the saved
///   state
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

/// Sets what happens to the domain when its guest powers off, reboots or crashes.
///
/// - `type` (enum domain_lifecycle): the event
/// - `action` (enum domain_lifecycle_action)
/// - `flags` (default 0, enum domain_affect_flags)
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

/// Sets the password of a user of the guest, with the help of the guest agent.
///
/// - `username`: the user
/// - `password`: the password
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

/// Writes the memory of the domain to a file on the host.
///
/// - `to`: the path of the file
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

/// Writes the memory of the domain to a file on the host, in a certain format.
///
/// - `to`: the path of the file
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

/// Tells whether the domain starts with the host the next time, and only then.
///
/// - `autostart`: whether it does
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

/// Sets whether the domain starts with the host the next time, and only then.
///
/// - `autostart`: 0 for no, anything else for yes
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
