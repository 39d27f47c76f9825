// SPDX-License-Identifier: LGPL-2.1-or-later
//! Gives libvkvm.so its SONAME, so that programs linked today keep loading
//! the library that keeps today's ABI, and tells it which libvirt it is built against.

use std::process::Command;

/// Raised only for an incompatible change of the C ABI.
const ABI: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=include/vkvm.map");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libvkvm.so.{ABI}");
    // Without pkg-config the version stays unknown; nothing else depends on it.
    let asked = Command::new("pkg-config").args(["--modversion", "libvirt"]).output();
    if let Some(output) = asked.ok().filter(|output| output.status.success()) {
        let version = String::from_utf8_lossy(&output.stdout);
        println!("cargo:rustc-env=VKVM_LIBVIRT_VERSION={}", version.trim());
    }
}
