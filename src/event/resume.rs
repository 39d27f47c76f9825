//! A connection that is opened again when it ends.
//!
//! Everything happens on the event loop: when libvirt says that the connection has
//! ended, a timer begins to open it anew, less and less often. What was registered
//! on the old one is then registered on the new one, and the objects made from it
//! find themselves there (`core::resume`).

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use virt::sys;

use super::{Event, Listener, close, registry, watches};
use crate::core::conn::{self, Opened};
use crate::core::{Conn, Text};
use crate::error::{Misuse, Result};
use crate::handle::{self, AnyHandle};
use crate::value::{Map, Value};

/// What happened to a connection that resumes; `RESUME_*` of the constants.
const DISCONNECTED: c_int = 0;
const RECONNECTED: c_int = 1;

/// The first attempt comes at once, the next ones after twice the time each.
const FIRST_DELAY: c_int = 100;

/// Between the end of a connection and the next one.
struct Resuming {
    /// The connection's handle: it may be closed in the meantime.
    conn: usize,
    uri: Text,
    opened: Opened,
    listener: Listener,
    max_delay: c_int,
    /// Waits (-1) until the connection ends.
    timer: OnceLock<c_int>,
    delay: AtomicI32,
    attempts: AtomicU32,
    reason: AtomicI32,
}

impl Drop for Resuming {
    fn drop(&mut self) {
        if let Some(timer) = self.timer.get() {
            // A failure means that the loop has no such timer any more.
            let _ = watches::remove_timeout(*timer);
        }
    }
}

/// Opens the connection behind the handle `id` again whenever it ends, after
/// `max_delay` milliseconds at the latest.
pub fn enable_resume(conn: &Conn, id: usize, max_delay: c_int, listener: Listener) -> Result<()> {
    if max_delay < FIRST_DELAY {
        let reason = format!("is {max_delay} ms; at least {FIRST_DELAY} are needed");
        return Err(Misuse::Invalid { parameter: "max_delay", reason }.into());
    }
    let refuse =
        |reason: &str| Err(Misuse::Invalid { parameter: "conn", reason: reason.to_owned() }.into());
    let Some(opened) = conn.opened() else {
        return refuse(
            "was not opened here but comes from an object; enable it where it was opened",
        );
    };
    if opened.asked_for_credentials {
        return refuse(
            "was opened with a callback for credentials, which are not kept; open it without, \
             with a certificate or an auth file (see libvirt's documentation)",
        );
    }
    let uri = conn.get_uri()?;
    let resuming = Arc::new(Resuming {
        conn: id,
        uri,
        opened,
        listener,
        max_delay,
        timer: OnceLock::new(),
        delay: AtomicI32::new(0),
        attempts: AtomicU32::new(0),
        reason: AtomicI32::new(0),
    });
    let weak = Arc::downgrade(&resuming);
    let timer = watches::add_timeout(-1, Box::new(move |timer| try_again(&weak, timer)))?;
    let _ = resuming.timer.set(timer);
    watch(conn, &resuming)?;
    if conn.resume_slot().fill(resuming) {
        Ok(())
    } else {
        // Not reached: the slot is filled and emptied with the close callback.
        refuse("resumes already")
    }
}

/// Stops what `enable_resume` began.
pub fn disable_resume(conn: &Conn) -> Result<()> {
    let Some(resuming) = conn.resume_slot().take() else {
        let reason = "does not resume".to_owned();
        return Err(Misuse::Invalid { parameter: "conn", reason }.into());
    };
    // Fails while the connection is closed, when there is nothing to take back.
    let _ = close::unregister_close_callback(conn);
    drop(resuming);
    Ok(())
}

/// Waits for the end of the connection.
fn watch(conn: &Conn, resuming: &Arc<Resuming>) -> Result<()> {
    let weak = Arc::downgrade(resuming);
    close::register_close_callback(conn, Box::new(move |event| ended(&weak, &event)))
}

fn ended(resuming: &Weak<Resuming>, event: &Event) {
    let Some(resuming) = resuming.upgrade() else {
        return;
    };
    let reason = match event.args.get("reason") {
        Some(Value::Int(reason)) => *reason as c_int,
        _ => sys::VIR_CONNECT_CLOSE_REASON_ERROR as c_int,
    };
    resuming.reason.store(reason, Ordering::Relaxed);
    resuming.attempts.store(0, Ordering::Relaxed);
    resuming.delay.store(FIRST_DELAY, Ordering::Relaxed);
    if let Some(timer) = resuming.timer.get() {
        watches::update_timeout(*timer, 0);
    }
    resuming.tell(DISCONNECTED, Vec::new());
}

fn try_again(resuming: &Weak<Resuming>, timer: c_int) {
    let Some(resuming) = resuming.upgrade() else {
        return;
    };
    let Ok(conn) = handle::get::<Conn>(resuming.conn, "conn") else {
        watches::update_timeout(timer, -1);
        return;
    };
    resuming.attempts.fetch_add(1, Ordering::Relaxed);
    // A failure is what most attempts end with, and the reason for the next one.
    match resuming.go_on(&conn) {
        Ok(domains) => {
            watches::update_timeout(timer, -1);
            resuming.tell(RECONNECTED, domains);
        }
        Err(_) => {
            let delay = resuming.delay.load(Ordering::Relaxed);
            watches::update_timeout(timer, delay);
            let next = delay.saturating_mul(2).min(resuming.max_delay);
            resuming.delay.store(next, Ordering::Relaxed);
        }
    }
}

impl Resuming {
    /// Opens the connection anew. Gives the domains that there are now.
    fn go_on(self: &Arc<Self>, conn: &Conn) -> Result<Vec<Value>> {
        let new = conn::reopen(&self.uri, self.opened)?;
        let old = conn.go_on_with(new);
        let listeners: Vec<_> = conn.listeners().iter().map(|r| r.listener).collect();
        for listener in listeners {
            registry::move_from(conn, old.raw(), listener);
        }
        watch(conn, self)?;
        let domains = conn.list_all_domains(0)?;
        domains.into_iter().map(|domain| AnyHandle::own(domain).map(Value::Handle)).collect()
    }

    fn tell(&self, event: c_int, domains: Vec<Value>) {
        let mut args = Map::with_capacity(4);
        args.push_new("event", event);
        args.push_new("reason", self.reason.load(Ordering::Relaxed));
        args.push_new("attempts", self.attempts.load(Ordering::Relaxed));
        args.push_new("domains", Value::List(domains));
        (self.listener)(Event { object: None, id: event, args });
    }
}
