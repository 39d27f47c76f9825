// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_conn_*`: connections.

pub mod cpu;
pub mod domains;
pub mod events;
pub mod host;
pub mod interfaces;
pub mod memory;
pub mod more_events;
pub mod networks;
pub mod node_devices;
pub mod nwfilters;
pub mod open;
mod options;
pub mod saved;
pub mod secrets;
pub mod storage;
pub mod streams;
