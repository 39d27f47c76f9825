//! A domain's consoles, channels and screens, through streams.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_stream};

/// Connects a stream with a console of the domain, to be read and written.
///
/// - `stream`: a stream that carries nothing
/// - `devname` (nullable): the alias of the console or serial device, such as
///   "serial0"; NULL for the first console
/// - `flags` (default 0, enum domain_open_console_flags): take it from who has it now, or fail
///   when somebody has it
///
/// libvirt: virDomainOpenConsole
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_open_console(
    dom: *mut vkvm_domain,
    stream: *mut vkvm_stream,
    devname: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (stream, devname) = (c.get(stream, "stream")?, c.text_nullable(devname, "devname")?);
        c.get(dom, "dom")?.open_console(&stream, devname, flags)
    })
}

/// Connects a stream with a channel of the domain, to be read and written.
///
/// - `stream`: a stream that carries nothing
/// - `devname` (nullable): the name of the channel's target, or its alias; NULL
///   for the first channel
/// - `flags` (default 0, enum domain_open_channel_flags)
///
/// libvirt: virDomainOpenChannel
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_open_channel(
    dom: *mut vkvm_domain,
    stream: *mut vkvm_stream,
    devname: *const c_char,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (stream, devname) = (c.get(stream, "stream")?, c.text_nullable(devname, "devname")?);
        c.get(dom, "dom")?.open_channel(&stream, devname, flags)
    })
}

/// Lets a stream carry a picture of a screen of the domain.
///
/// - `stream`: a stream that carries nothing; the picture is to be received from it
/// - `screen`: which screen, from 0 on
/// - `flags` (default 0): unused, pass 0
/// - `mime_type`: what kind of picture it is, such as "image/png"
///
/// libvirt: virDomainScreenshot
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_domain_screenshot(
    dom: *mut vkvm_domain,
    stream: *mut vkvm_stream,
    screen: u32,
    flags: u32,
    mime_type: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, stream) = (c.out_text(mime_type, "mime_type")?, c.get(stream, "stream")?);
        out.set(c.get(dom, "dom")?.screenshot(&stream, screen, flags)?);
        Ok(())
    })
}
