//! libvkvm: manage KVM hosts from C and Perl.
//!
//! This crate is made for its C face, `include/vkvm.h`; the layers below it
//! are public for tests and for those who read its documentation. From the
//! bottom up: [`error`], [`fork`], [`handle`], [`memory`], [`value`] and [`xml`] are
//! small shared parts; [`core`] says in safe Rust what a call means; [`event`] runs loops
//! and delivers events; [`host`] runs python-kvm's commands; [`capi`] translates
//! for C. docs/ARCHITECTURE.md tells the rest.

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "the border to C")]
pub mod capi;
pub mod constants;
#[allow(unsafe_code, reason = "thin calls of libvirt's C functions")]
pub mod core;
pub mod error;
#[allow(unsafe_code, reason = "callbacks that libvirt's C code calls")]
pub mod event;
pub mod fork;
#[allow(unsafe_code, reason = "decides when the object behind a handle dies")]
pub mod handle;
pub mod host;
pub mod memory;
pub mod value;
pub mod xml;
