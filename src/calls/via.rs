// SPDX-License-Identifier: LGPL-2.1-or-later
//! What calls go through, and how many at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::core::conn::bounded;
use crate::core::lane::Lane;

/// How many calls that no connection is known of go on at once.
const OTHERS: usize = 64;

/// How many abandoned calls there may be of what goes through the same. Each keeps a thread
/// until libvirt answers.
const MOST_ABANDONED: usize = 16;

/// Calls to many hosts, of which only so many go on at once. Who makes them sees to it that
/// not too many are abandoned.
pub struct Group {
    number: u64,
    limit: AtomicUsize,
}

impl Group {
    /// One of its own, of which so many go on at once.
    pub fn new(limit: usize) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        Group { number, limit: AtomicUsize::new(limit) }
    }

    /// How many go on at once.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// For [`super::set_limit`], which lets those through that may go on now.
    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }
}

/// What a call goes through: calls that go through the same wait for each other.
#[derive(Clone)]
pub enum Via {
    /// A connection.
    Lane(Arc<Lane>),
    /// A stream of a connection, by its handle: what is sent keeps its order.
    Stream(Arc<Lane>, usize, Way),
    /// The opening of a connection to this URI: a host that does not answer holds up
    /// nobody else.
    Opening(Arc<str>),
    /// A group of many hosts.
    Group(Arc<Group>),
    /// Nothing of these.
    Process,
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Via::Lane(lane) | Via::Stream(lane, ..) => lane.uri(),
            Via::Opening(uri) => uri,
            Via::Group(_) => "the hosts",
            Via::Process => "the library",
        })
    }
}

/// Which calls on a stream wait for each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// What is received from a stream that carries data both ways: that may wait for ever, and
    /// what is sent does not wait for it.
    In,
    /// All others.
    Out,
}

/// What lanes are known by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// By its number.
    Lane(u64),
    /// The lane, and the handle.
    Stream(u64, usize, Way),
    /// The URI.
    Opening(Arc<str>),
    /// Its number.
    Group(u64),
    /// There is one.
    Process,
}

impl Via {
    /// What its calls are found by.
    pub fn key(&self) -> Key {
        match self {
            Via::Lane(lane) => Key::Lane(lane.number()),
            Via::Stream(lane, stream, way) => Key::Stream(lane.number(), *stream, *way),
            Via::Opening(uri) => Key::Opening(Arc::clone(uri)),
            Via::Group(group) => Key::Group(group.number),
            Via::Process => Key::Process,
        }
    }

    /// Where its calls go, if that is one host.
    pub fn host(&self) -> Option<String> {
        match self {
            Via::Lane(_) | Via::Stream(..) | Via::Opening(_) => Some(self.to_string()),
            Via::Group(_) | Via::Process => None,
        }
    }

    /// How long its calls may take.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Via::Lane(lane) | Via::Stream(lane, ..) => lane.timeout(),
            Via::Opening(_) | Via::Group(_) | Via::Process => None,
        }
    }

    /// One of its calls is given up.
    pub fn give_up(&self) {
        if let Via::Lane(lane) | Via::Stream(lane, ..) = self {
            lane.give_up();
        }
    }

    /// How many calls go through at once.
    pub fn max_calls(&self) -> usize {
        match self {
            Via::Lane(lane) => lane.max_calls(),
            Via::Stream(..) => 1,
            Via::Opening(_) => bounded::MOST,
            Via::Group(group) => group.limit(),
            Via::Process => OTHERS,
        }
    }

    /// How many abandoned ones stand in the way of others.
    pub fn most_abandoned(&self) -> usize {
        match self {
            Via::Group(_) => usize::MAX,
            _ => MOST_ABANDONED,
        }
    }
}
