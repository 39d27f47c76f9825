// SPDX-License-Identifier: LGPL-2.1-or-later
//! Listening to events, and no more.
//!
//! libvirt lets each registration hold the connection, which then never closes. So
//! [`deregister_all`] takes back what was registered through a connection when its last
//! handle goes.

use std::ffi::{CStr, c_int, c_uint};

use virt::sys;

use super::hub::Added;
use super::listeners::{HUB, Kind, Listener, Role, Topic, refusal};
use super::registrar::OnLine;
use super::subject::{Source, Subject};
use super::{choice, resume};
use crate::core::{Conn, Domain, closer, lane};
use crate::error::{Misuse, Result};

/// Listens to events of kind `id` from one object, or from all of the class.
/// Returns the number to deregister with.
pub fn register_any<S: Subject>(
    conn: &Conn,
    object: Option<&S>,
    id: c_int,
    listener: Listener,
) -> Result<c_int> {
    let identity = object.map(S::identity).transpose()?;
    let topic = Topic::Events { source: S::SOURCE, object: identity, id };
    register(conn, object, S::SOURCE, topic, listener)
}

/// Listens to events of QEMU's monitor: from one domain, or from all; of one kind,
/// or of all. Returns the number to deregister with.
pub fn qemu_monitor_event_register(
    conn: &Conn,
    dom: Option<&Domain>,
    event: Option<&CStr>,
    listener: Listener,
    flags: c_uint,
) -> Result<c_int> {
    let domain = dom.map(Domain::identity).transpose()?;
    let topic = Topic::Monitor { domain, event: event.map(CStr::to_owned), flags };
    register(conn, dom, Source::QemuMonitor, topic, listener)
}

fn register<S: Subject>(
    conn: &Conn,
    object: Option<&S>,
    source: Source,
    topic: Topic,
    listener: Listener,
) -> Result<c_int> {
    choice::ready("listening to events")?;
    let member = conn.member();
    let number = member.line.next_number().ok_or(Misuse::TooLarge {
        parameter: "conn",
        what: "the number of registrations that a connection has had",
        actual: c_int::MAX as u64 + 1,
        limit: c_int::MAX as u64,
    })?;
    let role = Role::new(conn, Kind::Numbered(source, number), &listener);
    let registrar = OnLine::of(conn);
    let registrar = match object {
        Some(object) => registrar.with(object),
        None => registrar,
    };
    HUB.add(&registrar, (member.line.number(), topic), (role, listener), |_| false)?;
    end_late(conn);
    Ok(number)
}

/// Stops what was given this number.
pub fn deregister_any(conn: &Conn, source: Source, number: c_int) -> Result<()> {
    let wanted = |role: &Role| role.kind == Kind::Numbered(source, number);
    remove(conn, wanted).ok_or_else(|| {
        let reason = format!("there is no registration {number} for events of this class");
        Misuse::Invalid { parameter: "callback_id", reason }.into()
    })
}

/// Listens to the life cycle of all domains, the older way: once per connection.
pub fn domain_event_register(conn: &Conn, listener: Listener) -> Result<()> {
    choice::ready("listening to events")?;
    let member = conn.member();
    let id = sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE as c_int;
    let topic = Topic::Events { source: Source::Domain, object: None, id };
    let role = Role::new(conn, Kind::AllDomains, &listener);
    let is_another = |role: &Role| role.owner == member.number && role.kind == Kind::AllDomains;
    let place = (member.line.number(), topic);
    if HUB.add(&OnLine::of(conn), place, (role, listener), is_another)? == Added::Excluded {
        return Err(refusal("has a listener to all domains already; deregister it first"));
    }
    end_late(conn);
    Ok(())
}

/// Stops what `domain_event_register` began.
pub fn domain_event_deregister(conn: &Conn) -> Result<()> {
    let me = conn.member().number;
    remove(conn, |role| role.owner == me && role.kind == Kind::AllDomains)
        .ok_or_else(|| refusal("has no listener to all domains"))
}

/// Removes listeners to a connection; none if there are none.
pub(super) fn remove(conn: &Conn, wanted: impl Fn(&Role) -> bool) -> Option<()> {
    let member = conn.known_member()?;
    let removed = HUB.remove(member.line.number(), wanted);
    (!removed.is_empty()).then_some(())
}

/// Takes back what was registered while another thread gave up the last handle.
pub(super) fn end_late(conn: &Conn) {
    if conn.has_ended() {
        deregister_all(conn);
    }
}

/// Takes back everything that was registered through the connection, for good.
pub fn deregister_all(conn: &Conn) {
    conn.end();
    let Some(member) = conn.known_member() else {
        return;
    };
    resume::end_of_member(member);
    let me = member.number;
    let (listeners, tell) = HUB.take(member.line.number(), move |role| role.owner == me);
    drop(listeners);
    let address = conn.raw_here().addr();
    match lane::is_bounded(address).then(|| conn.another()) {
        // Whoever ends it must not wait for a daemon that does not answer.
        Some(Ok(other)) => closer::run(address, move || {
            tell();
            settle(&other);
        }),
        _ => {
            tell();
            settle(conn);
        }
    }
}

/// Waits until what libvirt still received for the connection is through: closing it
/// while a message comes in makes libvirt wait for ever.
fn settle(conn: &Conn) {
    // What it answers does not matter: that it answers is what is waited for, or that
    // there is nobody to answer any more.
    let _ = conn.get_library_version();
}

/// Takes back everything that was registered through a queue.
pub(super) fn deregister_queue(queue: u64) {
    resume::end_of_queue(queue);
    for line in HUB.lines() {
        let (entries, tell) = HUB.take(line, move |role| role.queue == Some(queue));
        let bounded = entries.iter().find_map(|entry| entry.role.bounded());
        drop(entries);
        match bounded {
            // Whoever frees the queue must not wait for a daemon that does not answer.
            Some(conn) => closer::run(conn, tell),
            None => tell(),
        }
    }
}
