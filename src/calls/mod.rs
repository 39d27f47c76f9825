// SPDX-License-Identifier: LGPL-2.1-or-later
//! Calls that are made by threads of the library's, so that nobody has to wait for them:
//! with a deadline, and given up at any time.
//!
//! A call is a closure, of which this layer knows nothing but the *lane* that it goes
//! through: all calls on one connection share a lane, which lets only so many through at
//! once. What libvirt is at cannot be interrupted. So a call that is given up while it runs
//! is *abandoned*: it is done for the program, while its thread waits on for libvirt's
//! answer, which is dropped when it comes. Abandoned calls do not count in their lane, but
//! there is a bound to them, too.
//!
//! [`state`] is one call, [`pool`] the threads and lanes, [`deadlines`] what gives calls up
//! in time.

mod asking;
mod beside;
mod call;
mod deadlines;
mod insist;
mod job;
mod pool;
mod progress;
mod sampler;
mod state;
mod via;

use crate::event::sync;

pub use asking::Answers;
pub use call::{
    Call, Told, asker, is_made_here, is_wanted, report, settle, when_abandoned, when_asked,
    when_untaken,
};
pub use deadlines::{Key as Timer, Late, end as end_timer, set as set_timer};
pub use insist::insist;
pub use job::DomainJob;
pub use pool::{Work, abandon, counts, end_lane, set_limit, submit};
pub use state::{GivenUp, State};
pub use via::{Group, Via, Way};

/// Why calls are given up when their connection is freed.
pub const CONNECTION_FREED: &str = "the connection was freed";
