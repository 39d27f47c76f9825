//! What calls go through, and how many at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::core::conn::bounded;
use crate::core::lane::Lane;

/// How many calls that no connection is known of go on at once.
const OTHERS: usize = 64;

/// What a call goes through: calls that go through the same wait for each other.
#[derive(Clone)]
pub enum Via {
    /// A connection.
    Lane(Arc<Lane>),
    /// A stream of a connection, by its handle: what is sent keeps its order.
    Stream(Arc<Lane>, usize),
    /// The opening of a connection to this URI: a host that does not answer holds up
    /// nobody else.
    Opening(Arc<str>),
    /// Nothing of these.
    Process,
}

impl fmt::Display for Via {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Via::Lane(lane) | Via::Stream(lane, _) => lane.uri(),
            Via::Opening(uri) => uri,
            Via::Process => "the library",
        })
    }
}

/// What lanes are known by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// By its number.
    Lane(u64),
    /// The lane, and the handle.
    Stream(u64, usize),
    /// The URI.
    Opening(Arc<str>),
    /// There is one.
    Process,
}

impl Via {
    /// What its calls are found by.
    pub fn key(&self) -> Key {
        match self {
            Via::Lane(lane) => Key::Lane(lane.number()),
            Via::Stream(lane, stream) => Key::Stream(lane.number(), *stream),
            Via::Opening(uri) => Key::Opening(Arc::clone(uri)),
            Via::Process => Key::Process,
        }
    }

    /// How long its calls may take.
    pub fn timeout(&self) -> Option<Duration> {
        match self {
            Via::Lane(lane) | Via::Stream(lane, _) => lane.timeout(),
            Via::Opening(_) | Via::Process => None,
        }
    }

    /// One more of its calls was given up while it ran.
    pub fn abandon(&self) {
        if let Via::Lane(lane) | Via::Stream(lane, _) = self {
            lane.abandon();
        }
    }

    /// libvirt has answered one of these.
    pub fn answer(&self) {
        if let Via::Lane(lane) | Via::Stream(lane, _) = self {
            lane.answer();
        }
    }

    /// How many calls go through at once.
    pub fn max_calls(&self) -> usize {
        match self {
            Via::Lane(lane) => lane.max_calls(),
            Via::Stream(..) => 1,
            Via::Opening(_) => bounded::MOST,
            Via::Process => OTHERS,
        }
    }
}
