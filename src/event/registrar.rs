// SPDX-License-Identifier: LGPL-2.1-or-later
//! Registering with libvirt what somebody listens to.

use std::ffi::{c_int, c_void};
use std::ptr;

use virt::sys;

use super::callback::{Callback, opaque};
use super::hub::Registrar;
use super::listeners::{Events, Registration as Registered, Topic};
use super::subject::{Identity, Registration, Source, Subject};
use super::{ending, kinds, monitor, signature};
use crate::core::line::{ConnRef, Line};
use crate::core::{Conn, Domain, Network, NodeDevice, Secret, StoragePool, call};
use crate::error::{Error, Misuse, OWN_DOMAIN, Result};

/// Registers on the connection of a line that is in use.
pub(super) struct OnLine<'l> {
    line: &'l Line,
    /// The connection that was in use when this was made.
    first: ConnRef,
    /// The object to listen to, on that connection.
    given: *mut c_void,
}

impl<'l> OnLine<'l> {
    /// For a line that `conn` is a member of.
    pub(super) fn of(conn: &'l Conn) -> Self {
        OnLine::new(&conn.member().line, conn.reference())
    }

    /// For a line that uses `link`.
    pub(super) fn new(line: &'l Line, link: ConnRef) -> Self {
        OnLine { line, first: link, given: ptr::null_mut() }
    }

    /// With the object at hand, so that it need not be looked up; unless it may be that of
    /// an earlier connection, because it is not found on this one or not looked for.
    pub(super) fn with<S: Subject>(self, object: &'l S) -> Self {
        let given = object.untyped();
        // SAFETY: the object is live while it is borrowed.
        let of = unsafe { S::conn(given) };
        let is_here = of == self.first.raw() || (of.is_null() && self.line.latest().is_none());
        OnLine { given: if is_here { given } else { ptr::null_mut() }, ..self }
    }
}

impl Registrar<Events> for OnLine<'_> {
    type Error = Error;

    fn link(&self) -> ConnRef {
        self.line.latest().unwrap_or_else(|| self.first.clone())
    }

    fn begin(&self, link: &ConnRef, topic: &Topic, tap: usize) -> Result<Registered> {
        let given = if *link == self.first { self.given } else { ptr::null_mut() };
        match topic {
            Topic::Close => ending::begin(link, tap),
            Topic::Monitor { domain, event, flags } => {
                let domain = Target::<Domain>::of(link, domain.as_ref(), given)?;
                monitor::begin(link, domain.raw(), event.as_deref(), *flags, tap)
            }
            Topic::Events { source, object, id } => {
                let begin = match source {
                    Source::Domain | Source::QemuMonitor => begin::<Domain>,
                    Source::Network => begin::<Network>,
                    Source::StoragePool => begin::<StoragePool>,
                    Source::NodeDevice => begin::<NodeDevice>,
                    Source::Secret => begin::<Secret>,
                };
                begin(link, object.as_ref(), given, *id, tap)
            }
        }
    }

    fn is_coming(&self, link: &ConnRef, topic: &Topic, error: &Error) -> bool {
        // The end of a connection that has ended is refused by `ending`.
        let may_work = *topic == Topic::Close || !is_refused_by_any(error);
        may_work && self.line.resumes() && !link.is_alive()
    }
}

/// Whether it failed for a reason that is found without asking the host.
fn is_refused_by_any(error: &Error) -> bool {
    let details = error.details();
    let refusals = [sys::VIR_ERR_INVALID_ARG, sys::VIR_ERR_NO_SUPPORT];
    details.domain == OWN_DOMAIN || refusals.contains(&(details.code as sys::virErrorNumber))
}

/// The object to listen to, on the connection.
enum Target<S> {
    All,
    Given(*mut c_void),
    Found(S),
}

impl<S: Subject> Target<S> {
    fn of(link: &ConnRef, identity: Option<&Identity>, given: *mut c_void) -> Result<Self> {
        Ok(match identity {
            None => Target::All,
            Some(_) if !given.is_null() => Target::Given(given),
            // SAFETY: the connection is live while `link` is.
            Some(identity) => Target::Found(unsafe { S::find(link.raw(), identity)? }),
        })
    }

    fn raw(&self) -> *mut c_void {
        match self {
            Target::All => ptr::null_mut(),
            Target::Given(raw) => *raw,
            Target::Found(object) => object.untyped(),
        }
    }
}

/// Why a kind of event that is not known here cannot be listened to: how libvirt would pass
/// what happens is not known, either. An older libvirt says so itself.
pub(super) fn refusal<S: Subject>(link: &ConnRef, id: c_int) -> Error {
    extern "C" fn ignored() {}
    let callback = Callback::new(ignored as *const c_void);
    let registration = Registration { object: ptr::null_mut(), id, callback, opaque: opaque(0) };
    // SAFETY: the connection is live; the callback takes nothing of what it is called with.
    match call::number(unsafe { S::register(link.raw(), &registration) }, S::REGISTER) {
        Err(error) => error,
        Ok(number) => {
            // SAFETY: the connection is live while `link` is.
            unsafe { S::deregister(link.raw(), number) };
            let reason = format!("{id} is no kind of event that this version of the library knows");
            Misuse::Invalid { parameter: "event_id", reason }.into()
        }
    }
}

fn begin<S: Subject>(
    link: &ConnRef,
    identity: Option<&Identity>,
    given: *mut c_void,
    id: c_int,
    tap: usize,
) -> Result<Registered> {
    let target = Target::<S>::of(link, identity, given)?;
    let kind = kinds::find(S::kinds(), id).ok_or_else(|| refusal::<S>(link, id))?;
    let callback = signature::callback::<S>(kind.signature);
    let registration = Registration { object: target.raw(), id, callback, opaque: opaque(tap) };
    // SAFETY: connection and object are live; the callback is one for this kind.
    let number = call::number(unsafe { S::register(link.raw(), &registration) }, S::REGISTER)?;
    Ok(Registered::new(link, move |link| {
        // A failure means that libvirt has no such registration any more.
        // SAFETY: the connection is live while `link` is.
        unsafe { S::deregister(link.raw(), number) };
    }))
}
