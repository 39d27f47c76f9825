//! A queue of events: for programs whose loop is not libvirt's, and which look
//! after a descriptor instead.

use std::collections::VecDeque;
use std::ffi::c_int;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::{Event, Listener, close, registry, resume};
use crate::core::Conn;
use crate::core::conn::Source;
use crate::error::{Misuse, Result};
use crate::handle;

/// A queue of events.
pub struct EventQueue(Arc<Inner>);

/// An event in a queue.
pub struct Entry {
    /// The handle of the connection, without a hold on it.
    pub conn: usize,
    /// The class of the object; none for the end of a connection.
    pub source: Option<Source>,
    /// What happened.
    pub event: Event,
}

struct Inner {
    state: Mutex<State>,
    arrived: Condvar,
    /// Readable while there is something in the queue.
    fd: OwnedFd,
    capacity: usize,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    overflowed: u64,
    /// What fills the queue, to be ended with it.
    registrations: Vec<Registration>,
    next_registration: u64,
    /// The queue is gone; what still arrives is dropped.
    ended: bool,
}

struct Registration {
    number: u64,
    conn: usize,
    /// How to end it; not known while it is being made.
    end: Option<End>,
}

#[derive(Clone, Copy)]
enum End {
    Any(Source, c_int),
    Close,
    Resume,
}

/// Goes with the listener: when libvirt drops it, the registration is over.
struct Registered {
    queue: Weak<Inner>,
    number: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        if let Some(queue) = self.queue.upgrade() {
            let number = self.number;
            queue.lock().registrations.retain(|registration| registration.number != number);
        }
    }
}

/// The queues that there are, for connections that end.
static QUEUES: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

fn queues() -> MutexGuard<'static, Vec<Weak<Inner>>> {
    QUEUES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops the events of a connection that ends: their objects would keep it open.
pub fn forget_connection(conn: usize) {
    let queues: Vec<_> = queues().iter().filter_map(Weak::upgrade).collect();
    for queue in queues {
        queue.forget(conn);
    }
}

impl EventQueue {
    /// A queue that holds up to `capacity` events.
    pub fn new(capacity: usize) -> Result<Self> {
        const MOST: usize = 1 << 24;
        if !(1..=MOST).contains(&capacity) {
            let reason = format!("is {capacity}; a number of events from 1 to {MOST} is needed");
            return Err(Misuse::Invalid { parameter: "capacity", reason }.into());
        }
        // SAFETY: no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            let error = std::io::Error::last_os_error();
            return Err(Misuse::Invalid {
                parameter: "queue",
                reason: format!("there is no descriptor for it: {error}"),
            }
            .into());
        }
        let inner = Arc::new(Inner {
            state: Mutex::default(),
            arrived: Condvar::new(),
            // SAFETY: a new descriptor, which is ours.
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            capacity,
        });
        let mut queues = queues();
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&inner));
        Ok(EventQueue(inner))
    }

    /// A descriptor that is readable while there is something in the queue.
    pub fn fd(&self) -> RawFd {
        self.0.fd.as_raw_fd()
    }

    /// How many events are in the queue.
    pub fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many events were lost because the queue was full.
    pub fn overflowed(&self) -> u64 {
        self.0.lock().overflowed
    }

    /// Listens through the queue: `register` gets a listener, and answers with
    /// the number to deregister with.
    pub fn register_any(
        &self,
        conn: usize,
        source: Source,
        register: impl FnOnce(Listener) -> Result<c_int>,
    ) -> Result<c_int> {
        let (number, listener) = self.listener(conn, Some(source));
        let callback_id = register(listener)?;
        self.0.made(number, End::Any(source, callback_id));
        Ok(callback_id)
    }

    /// Listens to the end of a connection through the queue.
    pub fn register_close(
        &self,
        conn: usize,
        register: impl FnOnce(Listener) -> Result<()>,
    ) -> Result<()> {
        self.register_once(conn, End::Close, register)
    }

    /// Lets a connection be opened again, and hears of it through the queue.
    pub fn enable_resume(
        &self,
        conn: usize,
        enable: impl FnOnce(Listener) -> Result<()>,
    ) -> Result<()> {
        self.register_once(conn, End::Resume, enable)
    }

    /// What there is one of per connection, and has no number.
    fn register_once(
        &self,
        conn: usize,
        end: End,
        register: impl FnOnce(Listener) -> Result<()>,
    ) -> Result<()> {
        let (number, listener) = self.listener(conn, None);
        register(listener)?;
        self.0.made(number, end);
        Ok(())
    }

    /// A listener that puts events into the queue.
    fn listener(&self, conn: usize, source: Option<Source>) -> (u64, Listener) {
        let mut state = self.0.lock();
        let number = state.next_registration;
        state.next_registration += 1;
        state.registrations.push(Registration { number, conn, end: None });
        let registered = Registered { queue: Arc::downgrade(&self.0), number };
        let listener = move |event| {
            if let Some(queue) = registered.queue.upgrade() {
                queue.put(Entry { conn, source, event });
            }
        };
        (number, Box::new(listener))
    }

    /// Takes the first event, waiting for one up to `timeout`; None: for ever.
    pub fn next(&self, timeout: Option<Duration>) -> Option<Entry> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut state = self.0.lock();
        loop {
            if let Some(entry) = state.entries.pop_front() {
                self.0.update_fd(&state);
                return Some(entry);
            }
            if state.ended {
                return None;
            }
            state = match deadline {
                None => self.0.arrived.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    let waited = self.0.arrived.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Takes up to `max` events, without waiting.
    pub fn drain(&self, max: usize) -> Vec<Entry> {
        let mut state = self.0.lock();
        let count = max.min(state.entries.len());
        let entries = state.entries.drain(..count).collect();
        self.0.update_fd(&state);
        entries
    }

    /// Ends what fills the queue, and wakes who waits for it. For the last hold.
    pub fn end(&self) {
        let mut state = self.0.lock();
        state.ended = true;
        let entries = std::mem::take(&mut state.entries);
        let registrations = std::mem::take(&mut state.registrations);
        drop(state);
        self.0.arrived.notify_all();
        // Their objects may hold connections, which talk when they end.
        drop(entries);
        for registration in registrations {
            let Ok(conn) = handle::get::<Conn>(registration.conn, "conn") else {
                continue; // closed, and its registrations with it
            };
            // A failure means that it is over already.
            let _ = match registration.end {
                Some(End::Any(source, id)) => registry::deregister_any(&conn, source, id),
                Some(End::Close) => close::unregister_close_callback(&conn),
                Some(End::Resume) => resume::disable_resume(&conn),
                None => Ok(()),
            };
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, entry: Entry) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        if state.entries.len() >= self.capacity {
            state.overflowed += 1;
            return;
        }
        state.entries.push_back(entry);
        self.update_fd(&state);
        drop(state);
        self.arrived.notify_one();
    }

    /// The number to end a registration with is known. The registration may be
    /// over by now; then there is nothing to be told.
    fn made(&self, number: u64, end: End) {
        let mut state = self.lock();
        let mut registrations = state.registrations.iter_mut();
        if let Some(registration) = registrations.find(|other| other.number == number) {
            registration.end = Some(end);
        }
    }

    fn forget(&self, conn: usize) {
        let mut state = self.lock();
        let (gone, stay): (VecDeque<_>, VecDeque<_>) =
            std::mem::take(&mut state.entries).into_iter().partition(|entry| entry.conn == conn);
        state.entries = stay;
        self.update_fd(&state);
        drop(state);
        drop(gone); // without the lock: it may end the connection
    }

    /// Makes the descriptor readable if there is something, and only then.
    fn update_fd(&self, state: &State) {
        let mut count: u64 = 1;
        // SAFETY: 8 bytes, as an eventfd wants them. It cannot block, and the
        // failures mean that it is as it should be: empty, or at its limit.
        unsafe {
            if state.entries.is_empty() {
                libc::read(self.fd.as_raw_fd(), (&raw mut count).cast(), 8);
            } else if state.entries.len() == 1 {
                libc::write(self.fd.as_raw_fd(), (&raw const count).cast(), 8);
            }
        }
    }
}
