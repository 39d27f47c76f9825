// SPDX-License-Identifier: LGPL-2.1-or-later
//! Who listens to what, as far as it can be told without libvirt.

use std::ffi::{CString, c_int, c_uint};
use std::sync::{Arc, Weak};

use super::Event;
use super::hub::{Hub, Sides, Table};
use super::subject::{Identity, Source};
use crate::core::line::{ConnRef, Line};
use crate::core::{Conn, lane};
use crate::error::{Error, Misuse};
use crate::fork::Leaf;

/// Gets events. Dropped when nothing can call it any more.
pub struct Listener {
    tell: Box<dyn Fn(Event) + Send + Sync>,
    /// The number of the queue that it puts them into.
    queue: Option<u64>,
}

impl Listener {
    /// One that calls a function.
    pub fn new(tell: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Listener { tell: Box::new(tell), queue: None }
    }

    /// One that puts events into a queue.
    pub(super) fn of_queue(queue: u64, put: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Listener { tell: Box::new(put), queue: Some(queue) }
    }

    /// The number of the queue that it puts events into, if it does.
    pub(super) fn queue(&self) -> Option<u64> {
        self.queue
    }

    /// Tells it.
    pub(super) fn tell(&self, event: Event) {
        (self.tell)(event);
    }
}

/// What one can listen to on a connection.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Topic {
    /// A kind of event, of one object or of all of the class.
    Events { source: Source, object: Option<Identity>, id: c_int },
    /// QEMU's monitor: of one domain or of all, a kind of event or all.
    Monitor { domain: Option<Identity>, event: Option<CString>, flags: c_uint },
    /// The end of the connection.
    Close,
}

/// What one who listens is known by.
pub(super) struct Role {
    /// The connections of the one that it was registered through, without a hold on them.
    pub line: Weak<Line>,
    /// The number of the one among those who share the connection.
    pub owner: u64,
    /// The number of the queue that the events go into.
    pub queue: Option<u64>,
    pub kind: Kind,
}

/// How the registration was made, and is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// By its number.
    Numbered(Source, c_int),
    /// The older way: once per connection.
    AllDomains,
    /// To the end of the connection, for the program.
    Close,
    /// The same, for what opens the connection again.
    Resume,
}

impl Role {
    /// The role of a listener that is registered through `conn`.
    pub(super) fn new(conn: &Conn, kind: Kind, listener: &Listener) -> Self {
        let member = conn.member();
        let line = Arc::downgrade(&member.line);
        Role { line, owner: member.number, queue: listener.queue, kind }
    }

    /// The address of its connection, if nobody may wait for long for that.
    pub(super) fn bounded(&self) -> Option<usize> {
        let address = self.line.upgrade().and_then(|line| line.address());
        address.filter(|address| lane::is_bounded(*address))
    }
}

/// libvirt's end of a registration, which ends when this is dropped.
pub(super) struct Registration {
    link: ConnRef,
    end: Box<dyn Fn(&ConnRef) + Send>,
}

impl Registration {
    /// A registration on a connection, and what ends it.
    pub(super) fn new(link: &ConnRef, end: impl Fn(&ConnRef) + Send + 'static) -> Self {
        Registration { link: link.clone(), end: Box::new(end) }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        (self.end)(&self.link);
    }
}

/// libvirt and the library's listeners.
pub(super) struct Events;

impl Sides for Events {
    type Topic = Topic;
    type Link = ConnRef;
    type Role = Role;
    type Listener = Listener;
    type Event = Event;
    type Registration = Registration;

    fn tell(listener: &Listener, event: Event) {
        listener.tell(event);
    }

    fn copy(event: &Event) -> Event {
        event.copy()
    }

    fn keep(event: Event) -> Event {
        event.kept()
    }
}

/// All who listen to anything.
pub(super) static HUB: Hub<Events> = Hub::new(Leaf::new(Table::new()));

/// Why something is not possible with a connection.
pub(super) fn refusal(reason: &str) -> Error {
    Misuse::Invalid { parameter: "conn", reason: reason.to_owned() }.into()
}
