// SPDX-License-Identifier: LGPL-2.1-or-later
//! A connection that is opened again when it ends.
//!
//! When libvirt has said that the connection has ended, attempts to open it begin, less
//! and less often. They are made on a thread of their own, with a deadline, so that nothing
//! waits for them. What was registered on the old one is then registered on the new one, and the
//! objects made from it find themselves there (`core::object`). What happens on the new
//! one is told after that it is there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::ffi::c_int;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::{Duration, Instant};

use virt::sys;

use super::choice::{self, Choice};
use super::hub::Added;
use super::listeners::{HUB, Kind, Listener, Role, Topic, refusal};
use super::opening::Begun;
use super::registrar::OnLine;
use super::sync::{lock, wait_until};
use super::{Event, deferred, watches};
use crate::core::conn::{self, Member, Opened};
use crate::core::limit::Limit;
use crate::core::line::{ConnRef, Line};
use crate::core::{Conn, Text, thread};
use crate::error::{Misuse, Result};
use crate::fork::Leaf;
use crate::handle::{self, AnyHandle};
use crate::value::{Map, Value};

/// What happened to a connection that resumes; `RESUME_*` of the constants.
const DISCONNECTED: c_int = 0;
const RECONNECTED: c_int = 1;

/// The first attempt comes at once, the next ones after twice the time each.
const FIRST_DELAY: c_int = 100;

/// How long an attempt may take, unless the connection was opened with a deadline.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a loop of the program's own looks whether an attempt is over.
const LOOK: Duration = Duration::from_millis(10);

/// A connection that is opened again. Used on the event loop only, for its listener may
/// be no other thread's.
struct Resuming {
    attempts: Arc<Attempts>,
    listener: Listener,
    owner: u64,
    phase: Mutex<Phase>,
}

/// What opens it.
struct Attempts {
    /// The connection's handle: it may be closed in the meantime.
    conn: usize,
    line: Arc<Line>,
    uri: Text,
    opened: Opened,
    max_delay: c_int,
    count: Mutex<u32>,
    over: Mutex<bool>,
    changed: Condvar,
}

/// Between the end of a connection and the next one.
#[derive(Default)]
struct Phase {
    /// The reason for which the connection ended, while it is not open again.
    down: Option<c_int>,
    /// It was open again, and has ended before that was told.
    again: Option<c_int>,
}

impl Drop for Resuming {
    fn drop(&mut self) {
        self.attempts.end();
    }
}

/// The connections that are opened again, by the numbers of their lines.
static RESUMING: Leaf<BTreeMap<u64, Arc<Resuming>>> = Leaf::new(BTreeMap::new());

/// Opens the connection behind the handle `id` again whenever it ends, after
/// `max_delay` milliseconds at the latest; one that has ended now, too.
pub fn enable_resume(conn: &Conn, id: usize, max_delay: c_int, listener: Listener) -> Result<()> {
    if max_delay < FIRST_DELAY {
        let reason = format!("is {max_delay} ms; at least {FIRST_DELAY} are needed");
        return Err(Misuse::Invalid { parameter: "max_delay", reason }.into());
    }
    choice::ready("opening a connection again")?;
    let Some(opened) = conn.opened() else {
        return Err(refusal(
            "was not opened here but comes from an object; enable it where it was opened",
        ));
    };
    if !opened.can_be_repeated() {
        return Err(refusal(
            "was opened with credentials that are not kept; open it with keep_credentials, or \
             with a certificate or an auth file (see libvirt's documentation)",
        ));
    }
    let uri = conn.get_uri()?;
    handle::begin_pinning();
    let member = conn.member();
    let line = Arc::clone(&member.line);
    let role = Role::new(conn, Kind::Resume, &listener);
    let attempts = Arc::new(Attempts {
        conn: id,
        line: Arc::clone(&line),
        uri,
        opened: opened.clone(),
        max_delay,
        count: Mutex::new(0),
        over: Mutex::new(false),
        changed: Condvar::new(),
    });
    let resuming =
        Arc::new(Resuming { attempts, listener, owner: member.number, phase: Mutex::default() });
    let weak = Arc::downgrade(&resuming);
    let watch = Listener::new(move |event| ended(&weak, &event));
    let is_another = |role: &Role| role.kind == Kind::Resume;
    let place = (line.number(), Topic::Close);
    if !keep(&resuming) {
        return Err(refusal("resumes already"));
    }
    let is_this =
        |number, it: &Arc<Resuming>| number == line.number() && Arc::ptr_eq(it, &resuming);
    match HUB.add(&OnLine::of(conn), place, (role, watch), is_another) {
        Ok(Added::Now) => {}
        // libvirt has told of that end already, or of none that anybody listened to.
        Ok(Added::Coming) => tell_of_end(&resuming).inspect_err(|_| {
            end(is_this);
        })?,
        other => {
            forget(is_this);
            return other.and(Err(refusal("resumes already")));
        }
    }
    if conn.has_ended() {
        end_of_member(member);
    }
    Ok(())
}

/// On the loop, which is where it is used.
fn tell_of_end(resuming: &Arc<Resuming>) -> Result<()> {
    let resuming = Arc::downgrade(resuming);
    deferred::defer(Box::new(move || {
        if let Some(resuming) = resuming.upgrade() {
            resuming.ended(sys::VIR_CONNECT_CLOSE_REASON_ERROR as c_int);
        }
    }))
}

/// Stops what `enable_resume` began.
pub fn disable_resume(conn: &Conn) -> Result<()> {
    let member = conn.known_member().ok_or_else(|| refusal("does not resume"))?;
    match end(|number, _| number == member.line.number()) {
        true => Ok(()),
        false => Err(refusal("does not resume")),
    }
}

/// One of those who share a connection ends.
pub(super) fn end_of_member(member: &Member) {
    end(|_, resuming| resuming.owner == member.number);
}

/// A queue ends.
pub(super) fn end_of_queue(queue: u64) {
    end(|_, resuming| resuming.listener.queue() == Some(queue));
}

/// Whether there was any to end.
fn end(wanted: impl Fn(u64, &Arc<Resuming>) -> bool) -> bool {
    let ended = forget(wanted);
    for resuming in &ended {
        // Now, and not when the last one who uses it is through.
        resuming.attempts.end();
        let line = resuming.attempts.line.number();
        drop(HUB.remove(line, |role| role.kind == Kind::Resume));
    }
    !ended.is_empty()
}

/// Puts into the list, unless the line is in it.
fn keep(resuming: &Arc<Resuming>) -> bool {
    let line = &resuming.attempts.line;
    match RESUMING.lock().entry(line.number()) {
        Slot::Vacant(slot) => {
            slot.insert(Arc::clone(resuming));
            line.set_resumes(true);
            true
        }
        Slot::Occupied(_) => false,
    }
}

/// Takes out of the list; what is dropped runs what is not ours.
fn forget(wanted: impl Fn(u64, &Arc<Resuming>) -> bool) -> Vec<Arc<Resuming>> {
    let mut all = RESUMING.lock();
    let numbers: Vec<u64> =
        all.iter().filter(|(number, it)| wanted(**number, it)).map(|(number, _)| *number).collect();
    let taken: Vec<_> = numbers.into_iter().filter_map(|number| all.remove(&number)).collect();
    taken.iter().for_each(|it| it.attempts.line.set_resumes(false));
    taken
}

/// On the event loop: the connection has ended.
fn ended(resuming: &Weak<Resuming>, event: &Event) {
    let Some(resuming) = resuming.upgrade() else {
        return;
    };
    let reason = match event.args.get("reason") {
        Some(Value::Int(reason)) => *reason as c_int,
        _ => sys::VIR_CONNECT_CLOSE_REASON_ERROR as c_int,
    };
    resuming.ended(reason);
}

impl Resuming {
    fn ended(self: &Arc<Self>, reason: c_int) {
        {
            let mut phase = lock(&self.phase);
            if phase.down.is_some() {
                // That it was open again is told first.
                phase.again = Some(reason);
                return;
            }
            phase.down = Some(reason);
        }
        *lock(&self.attempts.count) = 0;
        self.tell(DISCONNECTED, reason, Vec::new());
        Attempts::begin(&self.attempts, &Arc::downgrade(self), Duration::ZERO);
    }

    /// On the event loop: the connection is open again.
    fn reconnected(self: &Arc<Self>, domains: Vec<Value>) {
        let reason = lock(&self.phase).down.unwrap_or_default();
        self.tell(RECONNECTED, reason, domains);
        HUB.release(self.attempts.line.number());
        let again = {
            let mut phase = lock(&self.phase);
            phase.down = None;
            phase.again.take()
        };
        // If that is the end of one that was not there long enough to be told of, there is
        // another one since.
        if let Some(reason) = again.filter(|_| !self.attempts.is_alive()) {
            self.ended(reason);
        }
    }

    fn tell(&self, event: c_int, reason: c_int, domains: Vec<Value>) {
        if self.attempts.is_over() {
            return;
        }
        let mut args = Map::with_capacity(4);
        args.push_new("event", event);
        args.push_new("reason", reason);
        args.push_new("attempts", *lock(&self.attempts.count));
        args.push_new("domains", Value::List(domains));
        self.listener.tell(Event { object: None, id: event, args });
    }
}

impl Attempts {
    /// Begins to try, after a while. On a thread; but a loop of the program's own may be for
    /// one thread only, and what is done with a new connection comes to it: that runs on it.
    fn begin(this: &Arc<Self>, resuming: &Weak<Resuming>, delay: Duration) {
        let (attempts, of) = (Arc::clone(this), resuming.clone());
        let begun = match choice::current() == Choice::Own {
            true => on_loop_after(delay, move || Attempts::try_on_loop(&attempts, &of)),
            false => {
                thread::spawn("vkvm-resume", move || Attempts::try_often(&attempts, &of, delay))
                    .map(drop)
            }
        };
        if begun.is_err() {
            // For want of a thread; there may be one later.
            let (attempts, of) = (Arc::clone(this), resuming.clone());
            let delay = attempts.delay();
            // Without a loop nobody would have told that the connection has ended.
            let _ = on_loop_after(delay, move || Attempts::begin(&attempts, &of, Duration::ZERO));
        }
    }

    fn try_often(this: &Arc<Self>, resuming: &Weak<Resuming>, first: Duration) {
        let mut delay = first;
        while !this.is_over_after(delay) {
            if this.try_once(resuming) {
                return;
            }
            delay = this.delay();
        }
        this.tell_later(resuming, None);
    }

    /// One attempt on this thread; whether the new connection is in use now.
    fn try_once(self: &Arc<Self>, resuming: &Weak<Resuming>) -> bool {
        let Ok(begun) = Attempts::open(self) else { return false };
        let Some(Ok(new)) = self.wait(&begun) else { return false };
        self.use_new(new, resuming)
    }

    /// One attempt on the loop, which goes on while the connection is opened.
    fn try_on_loop(this: &Arc<Self>, resuming: &Weak<Resuming>) {
        match Attempts::open(this) {
            _ if this.is_over() => this.tell_later(resuming, None),
            Ok(begun) => Attempts::look(this, resuming, begun, Instant::now() + this.patience()),
            Err(_) => Attempts::begin(this, resuming, this.delay()),
        }
    }

    /// Looks whether the connection is open now, and looks again.
    fn look(this: &Arc<Self>, of: &Weak<Resuming>, begun: Begun<ConnRef>, deadline: Instant) {
        let result = begun.take();
        if result.is_none() && !this.is_over() && Instant::now() < deadline {
            let (attempts, of) = (Arc::clone(this), of.clone());
            // The loop is there, for this runs on it.
            let _ = on_loop_after(LOOK, move || Attempts::look(&attempts, &of, begun, deadline));
            return;
        }
        let is_through = match result {
            Some(Ok(new)) => this.use_new(new, of),
            _ => false,
        };
        if !is_through && this.is_over() {
            this.tell_later(of, None);
        } else if !is_through {
            Attempts::begin(this, of, this.delay());
        }
    }

    /// Begins to open the connection.
    fn open(this: &Arc<Self>) -> Result<Begun<ConnRef>> {
        *lock(&this.count) += 1;
        let (attempts, told) = (Arc::clone(this), Arc::clone(this));
        let open = move || conn::reopen(&attempts.uri, &attempts.opened);
        let now = Some(Instant::now());
        let limit = Limit::new(this.patience());
        Begun::start(Some(&this.uri), now, limit, open, move || {
            // Who is about to wait sees it.
            drop(lock(&told.over));
            told.changed.notify_all();
        })
    }

    fn patience(&self) -> Duration {
        self.opened.patience.unwrap_or(PATIENCE)
    }

    /// Waits for an attempt; no result when that takes too long or is not wanted any more.
    fn wait(&self, begun: &Begun<ConnRef>) -> Option<Result<ConnRef>> {
        let deadline = Instant::now() + self.patience();
        let mut over = lock(&self.over);
        loop {
            if let Some(result) = begun.take() {
                return Some(result);
            }
            if *over {
                return None;
            }
            over = wait_until(&self.changed, over, deadline)?;
        }
    }

    /// Ends them: the next one is not made, and what comes of one is not told.
    fn end(&self) {
        *lock(&self.over) = true;
        self.changed.notify_all();
    }

    fn is_over(&self) -> bool {
        *lock(&self.over)
    }

    /// Whether the connection in use has not ended.
    fn is_alive(&self) -> bool {
        self.line.latest().is_some_and(|latest| latest.is_alive())
    }

    /// How long to wait before the next attempt.
    fn delay(&self) -> Duration {
        let doubled = lock(&self.count).saturating_sub(1).min(30);
        let delay = i64::from(FIRST_DELAY) << doubled;
        Duration::from_millis(delay.min(self.max_delay.into()) as u64)
    }

    /// Waits; whether it is no longer wanted.
    fn is_over_after(&self, delay: Duration) -> bool {
        let over = lock(&self.over);
        let waited = self.changed.wait_timeout_while(over, delay, |over| !*over);
        *waited.unwrap_or_else(std::sync::PoisonError::into_inner).0
    }

    /// Goes on with a new connection; whether this was the last attempt.
    fn use_new(&self, new: ConnRef, resuming: &Weak<Resuming>) -> bool {
        // Not if it was freed in the meantime. What happened on one that was opened before
        // may still be held back.
        let keep_alive = handle::get::<Conn>(self.conn, "conn").map(|conn| conn.keep_alive());
        let Some(keep_alive) = keep_alive.ok().filter(|_| !self.is_over()) else {
            self.tell_later(resuming, None);
            return true;
        };
        match self.go_on_with(new, keep_alive) {
            Ok(domains) => self.tell_later(resuming, Some(domains)),
            Err(_) if !self.is_over() => return false,
            Err(_) => self.tell_later(resuming, None),
        }
        true
    }

    /// On the loop, tells that the connection is open again, and what has happened on it
    /// since; or only the latter.
    fn tell_later(&self, resuming: &Weak<Resuming>, domains: Option<Vec<Value>>) {
        let (line, resuming) = (self.line.number(), resuming.clone());
        // There is a loop, which told that the connection had ended.
        let _ = deferred::defer(Box::new(move || match resuming.upgrade().zip(domains) {
            Some((resuming, domains)) => resuming.reconnected(domains),
            None => HUB.release(line),
        }));
    }

    /// From now on the new connection is used. Gives the domains that there are now.
    fn go_on_with(
        &self,
        new: ConnRef,
        keep_alive: Option<(c_int, std::ffi::c_uint)>,
    ) -> Result<Vec<Value>> {
        HUB.hold(self.line.number());
        self.line.go_on_with(new.clone());
        let conn = Conn::of(new.clone());
        if let Some((interval, count)) = keep_alive {
            // It worked before; if it does not now, the end of the connection is
            // only noticed later.
            let _ = conn.set_keep_alive(interval, count);
        }
        HUB.move_all(&OnLine::new(&self.line, new), self.line.number());
        let domains = conn.list_all_domains(0)?;
        domains.into_iter().map(|domain| AnyHandle::own(domain).map(Value::Handle)).collect()
    }
}

/// Runs something on the event loop, after a while.
fn on_loop_after(delay: Duration, job: impl FnOnce() + Send + 'static) -> Result<()> {
    let job = Mutex::new(Some(job));
    let ticker = move |timer| {
        // It is there, for it has just fired.
        let _ = watches::remove_timeout(timer);
        let job = lock(&job).take();
        if let Some(job) = job {
            job();
        }
    };
    watches::add_timeout(delay.as_millis() as c_int, Box::new(ticker)).map(drop)
}
