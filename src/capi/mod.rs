// SPDX-License-Identifier: LGPL-2.1-or-later
//! The C face: `extern "C"` functions that translate, delegate, nothing else.
//!
//! # The contract with the C caller
//!
//! Every export is `unsafe extern "C"` and asks of its caller what the header
//! says, and no more: a pointer that is not NULL and not a handle is valid for
//! what its type and its documentation say, for the time of the call. Handles
//! are ids (see [`crate::handle`]), so any word may be passed as one.
//!
//! # How an export is written
//!
//! ```text
//! /// What it does.                                  -> header, POD, man page
//! ///
//! /// - `flags` (default 0): what they are           one line for each parameter
//! ///                                                but self, outputs included
//! /// libvirt: virTheFunction
//! #[unsafe(no_mangle)]
//! pub unsafe extern "C" fn vkvm_class_method(self, inputs…, flags, outputs…, error) -> c_int {
//!     status(error, |c| {
//!         let out = c.out_text(name, "name")?;        // outputs are checked first
//!         out.set(c.get(dom, "dom")?.get_name()?)     // and set last
//!     })
//! }
//! ```
//!
//! [`guard::status`] (or `guard::direct` and `guard::void` for the few that do
//! not return a status) is the only way in: it catches panics and hands out the [`caller::Caller`],
//! whose methods turn C's arguments into Rust's. `cargo xtask generate`
//! refuses an export that is written in any other way. The guard also gives an error
//! the name of the export, which it knows from the closure's type.
//!
//! # Attributes
//!
//! What other programs need to know of an export is an attribute; sentences are for people,
//! and nothing is read out of them. A parameter's line, and the line `return` of what is
//! returned directly, may have remarks in parentheses after the name. A line of remarks
//! alone will do for the object, and where they say it all.
//!
//! | remark | means |
//! |---|---|
//! | `nullable` | NULL may be passed, or come out |
//! | `consumed` | the caller has it no more after the call |
//! | `default N` | what is passed when it is left out |
//! | `list`, `map` | what a value is |
//! | `enum domain_state` | it is one of the constants of this group of data/enums, or made of them where they are flags; several groups are separated by spaces |
//! | `unit ms` | what a number counts: `ns`, `ms`, `s`, `bytes`, `KiB`, `MiB/s` |
//! | `descriptor` | it is an open file descriptor, or several |
//! | `since 8.4.0` | the libvirt that is needed to pass anything but the default |
//!
//! Lines of their own are for the whole export:
//!
//! | line | means |
//! |---|---|
//! | `libvirt: virA, virB` | what it calls; `blocks` and the libvirt that it needs follow |
//! | `cbindgen:blocks` | it may wait, though none of these may (`xtask/src/libvirt.rs` knows them) |
//! | `cbindgen:calls_back` | callbacks may run in the meantime; of callbacks among its parameters this is known |
//! | `cbindgen:this_thread` | it acts on the thread that calls it, so no other one can make the call |
//! | `cbindgen:domain_job=save` | it runs a job of the domain, with the operation `VKVM_DOMAIN_JOB_OPERATION_SAVE`, which is aborted when its call is given up |
//! | `cbindgen:secret` | its result may hold secrets, and is wiped when it ends with its call |
//! | `cbindgen:class=call` | its class, where the name does not begin with it |
//! | `cbindgen:runs=later` | of a type of callbacks: `during` the call, `later` by the event loop, or once `at_end` |
//!
//! What is different in Perl is in data/perl.json.

#![allow(
    non_camel_case_types,
    clippy::missing_safety_doc,
    unsafe_op_in_unsafe_fn,
    reason = "the names are C's, and the contract above is every export's safety section"
)]

mod call;
pub mod caller;
pub mod conn;
pub mod constant;
pub mod domain;
pub mod domain_checkpoint;
pub mod domain_snapshot;
pub mod enums;
pub mod error;
pub mod event;
pub mod event_impl;
pub mod event_queue;
pub mod fleet;
pub mod guard;
pub mod handle;
pub mod host;
pub mod interface;
pub mod inventory;
pub mod invoke;
pub mod library;
mod names;
pub mod network;
pub mod network_port;
pub mod node_device;
pub mod nwfilter;
pub mod nwfilter_binding;
pub mod secret;
pub mod storage_pool;
pub mod storage_vol;
pub mod stream;
pub mod transfer;
pub mod types;
pub mod value;
mod visitor;
