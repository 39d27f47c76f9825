// SPDX-License-Identifier: LGPL-2.1-or-later
//! What each call means, in safe Rust: one file (or folder) per class.
//!
//! Methods have Sys::Virt's names. Where libvirt has an older call and a newer
//! one with flags, the older is used when `flags` is 0, as Sys::Virt does, so
//! that drivers which only have the older one keep working.
//!
//! # Unsafe code
//!
//! What `raw()` gives is live for as long as what it was asked of is borrowed, which the
//! blocks call "the pointer is live". A call of libvirt keeps nothing of what it is given:
//! texts, outputs and arrays are borrowed for it. A block says what else it relies on.

pub(crate) mod call;
pub mod child;
pub mod clock;
pub(crate) mod closer;
mod closing;
pub mod conn;
pub mod domain;
pub mod domain_checkpoint;
pub mod domain_snapshot;
mod fds;
pub mod interface;
pub mod lane;
pub mod late;
pub mod library;
mod libxml;
pub mod limit;
pub(crate) mod line;
mod made_from;
mod named;
pub mod network;
pub mod network_port;
pub mod node_device;
pub mod nwfilter;
pub mod nwfilter_binding;
pub(crate) mod object;
mod on_lane;
pub(crate) mod progress;
pub mod secret;
pub(crate) mod sigpipe;
pub mod storage_pool;
pub mod storage_vol;
pub mod stream;
mod text;
pub mod thread;
pub mod typed_params;

pub use child::Again;
pub use conn::{Conn, Credential};
pub use domain::Domain;
pub use domain_checkpoint::DomainCheckpoint;
pub use domain_snapshot::DomainSnapshot;
pub use interface::Interface;
pub use network::Network;
pub use network_port::NetworkPort;
pub use node_device::NodeDevice;
pub use nwfilter::NwFilter;
pub use nwfilter_binding::NwFilterBinding;
pub use object::Pinned;
pub use on_lane::OnLane;
pub use secret::Secret;
pub use storage_pool::StoragePool;
pub use storage_vol::StorageVol;
pub use stream::Stream;
pub use text::Text;
