// SPDX-License-Identifier: LGPL-2.1-or-later
//! Calls beside one that receives from a console, which may wait for ever.
//!
//! Calls whose sending libvirt's client forgets (see [`insist`](super::insist)) are at most late
//! where answers arrive. A receiver sleeps until the other end says something, and all that is
//! to be sent waits for that. So who calls beside a receiver insists.

use std::sync::Arc;

use super::insist::Insisting;
use super::via::{Via, Way};
use crate::core::Stream;
use crate::core::lane::Lane;
use crate::handle;

/// While a call is made: whether it receives, or is made beside one that does.
pub enum Beside {
    /// It receives from the stream with this handle.
    Receives(Arc<Lane>, usize),
    /// Another one does.
    Sends(#[expect(dead_code, reason = "it ends with the call")] Insisting),
    /// None does.
    None,
}

impl Beside {
    /// For a call that goes through this.
    pub fn of(via: &Via) -> Self {
        match via {
            Via::Stream(lane, stream, Way::In) => {
                lane.begin_to_receive(*stream);
                Beside::Receives(Arc::clone(lane), *stream)
            }
            Via::Lane(lane) | Via::Stream(lane, ..) => match lane.receiver() {
                Some(stream) => Beside::Sends(Insisting::begin(move || ask_daemon(stream))),
                None => Beside::None,
            },
            _ => Beside::None,
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if let Beside::Receives(lane, stream) = self {
            lane.end_receiving(*stream);
        }
    }
}

/// By the handle: a call must not keep its connection open.
fn ask_daemon(stream: usize) {
    if let Ok(stream) = handle::get::<Stream>(stream, "stream") {
        stream.ask_daemon();
    }
}
