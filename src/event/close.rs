// SPDX-License-Identifier: LGPL-2.1-or-later
//! Listening to the end of a connection: one function, and any number of queues.

use super::choice;
use super::hub::Added;
use super::listeners::{HUB, Kind, Listener, Role, Topic, refusal};
use super::registrar::OnLine;
use super::registry::{end_late, remove};
use crate::core::Conn;
use crate::error::Result;

/// Listens to the end of the connection: once per connection and function or queue.
pub fn register_close_callback(conn: &Conn, listener: Listener) -> Result<()> {
    choice::not_left_behind("listening to the end of a connection")?;
    let (member, queue) = (conn.member(), listener.queue());
    let role = Role::new(conn, Kind::Close, &listener);
    let is_another = |role: &Role| is_of(role, member.number) && role.queue == queue;
    let place = (member.line.number(), Topic::Close);
    match HUB.add(&OnLine::of(conn), place, (role, listener), is_another)? {
        Added::Now | Added::Coming => {
            end_late(conn);
            Ok(())
        }
        Added::Excluded if queue.is_some() => Err(refusal("is listened to by this queue already")),
        Added::Excluded => Err(refusal("has a close callback already; unregister it first")),
    }
}

/// Stops what `register_close_callback` began: the function, or where there is none the
/// queues. Once it was told, it is over anyway.
pub fn unregister_close_callback(conn: &Conn) -> Result<()> {
    let me = conn.member().number;
    remove(conn, |role| is_of(role, me) && role.queue.is_none())
        .or_else(|| remove(conn, |role| is_of(role, me)))
        .ok_or_else(|| refusal("has no close callback"))
}

/// Stops what `register_close_callback` began, for a queue.
pub(super) fn unregister_queue(conn: &Conn, queue: u64) -> Result<()> {
    let me = conn.member().number;
    remove(conn, |role| is_of(role, me) && role.queue == Some(queue))
        .ok_or_else(|| refusal("is not listened to by this queue"))
}

/// Whether it is a registration of this kind, of this member.
fn is_of(role: &Role, member: u64) -> bool {
    role.owner == member && role.kind == Kind::Close
}
