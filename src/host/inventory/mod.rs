// SPDX-License-Identifier: LGPL-2.1-or-later
//! The inventory: a live picture of many hosts in memory.
//!
//! [`picture`] has the rows; [`member`] is a host, which is visited by [`errand`]s on threads
//! of the pool that makes calls. [`ask`] is what they ask; [`link`] is a connection and what is
//! heard on it. [`filter`] is what programs want to see, [`change`] what they are told.
//!
//! There is no thread for it: timers and deadlines are those of the calls. A host that hangs
//! keeps the thread of its visit, which is given up, and nothing else.

mod aside;
mod ask;
mod change;
mod details;
mod documents;
mod duty;
mod errand;
mod filter;
mod given;
mod glob;
mod host_rows;
mod link;
mod live;
mod member;
mod metrics;
mod names;
mod picture;
#[cfg(test)]
mod picture_tests;
mod row;
mod settings;
mod table;
mod tickets;

pub use live::Inventory;
