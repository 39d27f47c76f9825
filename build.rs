//! Gives libvkvm.so its SONAME, so that programs linked today keep loading
//! the library that keeps today's ABI.

/// Raised only for an incompatible change of the C ABI.
const ABI: u32 = 0;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libvkvm.so.{ABI}");
}
