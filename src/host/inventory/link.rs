// SPDX-License-Identifier: LGPL-2.1-or-later
//! A connection of an inventory, and the events that are listened to on it.
//!
//! Events come on the thread of the event loop, which must not wait: they are only passed on.

use std::ffi::{CString, c_int};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::ask::{Touched, What};
use super::errand::Errand;
use super::row::Kind;
use super::settings::Settings;
use crate::constants as c;
use crate::core::conn::Options;
use crate::core::limit::Limit;
use crate::core::{Conn, Domain, Network, StoragePool, library, sigpipe};
use crate::error::Result;
use crate::event::{self, Event, Listener, Object};
use crate::fork::lock;
use crate::value::Value;

/// How often the daemon is asked for a sign of life where nothing else comes, in seconds, and
/// how often in vain.
const KEEP_ALIVE: (c_int, u32) = (5, 5);

/// An open connection.
pub struct Link {
    /// Tells it from those before and after it.
    pub number: u64,
    /// It.
    pub conn: Conn,
    /// Whether it is the inventory's own.
    is_own: bool,
    /// Taken by who calls, where libvirt's client fails under several threads.
    turn: Mutex<()>,
}

/// What was heard of a host.
pub enum Heard {
    /// Something has happened to a domain.
    Domain(Touched),
    /// Something has happened to objects of this kind.
    Any(Kind),
    /// The connection has ended.
    End,
}

/// Who hears it, with the number of the connection.
pub type Ear = Arc<dyn Fn(u64, Heard) + Send + Sync>;

impl Link {
    /// Opens a connection.
    pub fn open(uri: &CString, limit: Limit) -> Result<Self> {
        let options = Options { uri: Some(uri.clone()), ..Options::default() };
        Ok(Link::new(event::open_bounded(options, limit)?, true))
    }

    /// Shares a connection of the program's.
    pub fn share(conn: &Conn) -> Result<Self> {
        Ok(Link::new(conn.another()?, false))
    }

    fn new(conn: Conn, is_own: bool) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(1);
        Link { number: LAST.fetch_add(1, Ordering::Relaxed), conn, is_own, turn: Mutex::new(()) }
    }

    /// Waits until no other thread of the inventory's calls on it, where they must not at once.
    pub fn take_turn(&self) -> Option<MutexGuard<'_, ()>> {
        (!library::has_safe_client()).then(|| sigpipe::outside(|| lock(&self.turn)))
    }

    /// Listens to what happens on the host. Whether there is a loop that events come from.
    pub fn listen(&self, settings: &Settings, errand: &Errand, ear: &Ear) -> Result<bool> {
        errand.step()?;
        // Without a loop it is told when a call finds it out.
        let end = self.listener(ear, |_| Some(Heard::End));
        let _ = event::register_close_callback(&self.conn, end);
        if !event::is_ready() {
            return Ok(false);
        }
        if self.is_own {
            let (interval, count) = KEEP_ALIVE;
            // The test driver has none.
            let _ = self.conn.set_keep_alive(interval, count);
        }
        let mut hears = true;
        if settings.has(Kind::Domain) {
            for (id, hear) in DOMAIN {
                errand.step()?;
                let listener = self.listener(ear, *hear);
                let id = *id as c_int;
                let heard = event::register_any::<Domain>(&self.conn, None, id, listener);
                // A driver need not have them all.
                hears &= heard.is_ok() || id != c::DOMAIN_EVENT_ID_LIFECYCLE as c_int;
            }
        }
        if settings.has(Kind::Network) {
            errand.step()?;
            let id = c::NETWORK_EVENT_ID_LIFECYCLE as c_int;
            let listener = self.listener(ear, |_| Some(Heard::Any(Kind::Network)));
            let _ = event::register_any::<Network>(&self.conn, None, id, listener);
        }
        if settings.has(Kind::Pool) || settings.has(Kind::Volume) {
            for id in [c::STORAGE_POOL_EVENT_ID_LIFECYCLE, c::STORAGE_POOL_EVENT_ID_REFRESH] {
                errand.step()?;
                let listener = self.listener(ear, |_| Some(Heard::Any(Kind::Pool)));
                let _ = event::register_any::<StoragePool>(&self.conn, None, id as c_int, listener);
            }
        }
        Ok(hears)
    }

    fn listener(&self, ear: &Ear, hear: Hear) -> Listener {
        let (ear, number) = (Arc::clone(ear), self.number);
        Listener::new(move |event| {
            if let Some(heard) = hear(event) {
                ear(number, heard);
            }
        })
    }
}

/// It takes its time: what is registered is taken back first, which asks the daemon.
impl Drop for Link {
    fn drop(&mut self) {
        event::deregister_all(&self.conn);
    }
}

/// What becomes of an event.
type Hear = fn(Event) -> Option<Heard>;

/// The events of domains that change what is known, with what becomes of each.
const DOMAIN: &[(u32, Hear)] = &[
    (c::DOMAIN_EVENT_ID_LIFECYCLE, lifecycle),
    (c::DOMAIN_EVENT_ID_METADATA_CHANGE, details),
    (c::DOMAIN_EVENT_ID_BALLOON_CHANGE, state),
    (c::DOMAIN_EVENT_ID_DEVICE_ADDED, state),
    (c::DOMAIN_EVENT_ID_DEVICE_REMOVED, state),
    (c::DOMAIN_EVENT_ID_DISK_CHANGE, state),
    (c::DOMAIN_EVENT_ID_TRAY_CHANGE, state),
    (c::DOMAIN_EVENT_ID_BLOCK_JOB_2, state),
    (c::DOMAIN_EVENT_ID_TUNABLE, state),
];

fn touched(event: Event, what: What) -> Option<Heard> {
    match event.object?.into_own() {
        Object::Domain(domain) => Some(Heard::Domain(Touched { domain, what })),
        _ => None,
    }
}

/// What the bulk call tells, and the document that somebody has asked for.
fn state(event: Event) -> Option<Heard> {
    touched(event, What { sizes: true, ..What::default() })
}

fn details(event: Event) -> Option<Heard> {
    touched(event, What { sizes: true, details: true, ..What::default() })
}

/// A domain that stops, or starts, may be defined otherwise afterwards.
fn lifecycle(event: Event) -> Option<Heard> {
    let only_state =
        [c::DOMAIN_EVENT_SUSPENDED, c::DOMAIN_EVENT_RESUMED, c::DOMAIN_EVENT_PMSUSPENDED];
    let is_only_state = match event.args.get("event") {
        Some(Value::Int(event)) => only_state.iter().any(|only| i64::from(*only) == *event),
        _ => false,
    };
    let all = !is_only_state;
    touched(event, What { sizes: all, flags: all, details: all })
}
