// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain's consoles, channels and screens, through streams.

use std::ffi::{c_char, c_int};

use crate::capi::guard::status;
use crate::capi::types::{vkvm_domain, vkvm_error, vkvm_stream};

/// Connects a stream to a console or serial device of the domain.
///
/// The stream then carries data in both directions. Without flags a console that another client
/// uses is an error.
///
/// - `stream`: an unused stream, usually a non-blocking one
/// - `devname` (nullable): alias of the console, serial or parallel device, such as "serial0";
///   NULL means the first console
/// - `flags` (default 0, enum domain_open_console_flags): disconnect another client, or require
///   that the driver excludes other clients
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

/// Connects a stream to a channel device of the domain.
///
/// The stream then carries data in both directions. Without flags a channel that another client
/// uses is an error.
///
/// - `stream`: an unused stream, usually a non-blocking one
/// - `devname` (nullable): name of the channel's target, such as "org.qemu.guest_agent.0", or
///   alias of the device; NULL means the first channel
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

/// Takes a screenshot of the domain, and sends it through a stream.
///
/// - `stream`: an unused stream; receive the image from it
/// - `screen`: number of the screen, from 0; with several graphics cards, the heads of the
///   first come first
/// - `flags` (default 0): unused, pass 0
/// - `mime_type`: type of the image, such as "image/png"
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
