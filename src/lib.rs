// SPDX-License-Identifier: LGPL-2.1-or-later
//! libvkvm: manage KVM hosts from C and Perl.
//!
//! This crate is made for its C face, `include/vkvm.h`. From the bottom up: [`error`],
//! `fork`, `handle`, `memory`, [`value`] and [`xml`] are small shared parts; `core` says in
//! safe Rust what a call means; `event` runs loops and delivers events; `host` runs
//! python-kvm's commands; [`capi`] translates for C. docs/ARCHITECTURE.md tells the rest.
//!
//! Only what fuzzers and documentation name is public, so that the compiler finds what
//! nobody uses.

#![deny(unsafe_code)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!("libvkvm needs a 64-bit target: its handles are numbers of 64 bits in pointers");

mod calls;
#[allow(unsafe_code, reason = "the border to C")]
pub mod capi;
#[allow(dead_code, reason = "a table for C, of which the library uses some")]
mod constants;
#[allow(unsafe_code, reason = "thin calls of libvirt's C functions")]
mod core;
mod enums;
pub mod error;
#[allow(unsafe_code, reason = "callbacks that libvirt's C code calls")]
mod event;
mod fork;
#[allow(unsafe_code, reason = "decides when the object behind a handle dies")]
mod handle;
mod host;
mod memory;
pub mod value;
pub mod xml;
