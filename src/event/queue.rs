//! A queue of events: for programs whose loop is not the library's, and which look
//! after a descriptor instead.

use std::collections::VecDeque;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::listeners::Listener;
use super::registry::deregister_queue;
use super::subject::Source;
use super::{Event, close};
use crate::core::{Conn, sigpipe};
use crate::error::{Misuse, Result};
use crate::fork::{self, Leaf};

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
    /// Tells it from all others.
    number: u64,
    state: Mutex<State>,
    arrived: Condvar,
    /// Readable while there is something in the queue.
    fd: OwnedFd,
    capacity: usize,
    /// The process that made it: a child of fork must not wait for its lock, which a
    /// thread of the parent may have held.
    generation: u32,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    overflowed: u64,
    /// The queue is gone; what still arrives is dropped.
    ended: bool,
}

/// The queues that there are, for connections that end.
static QUEUES: Leaf<Vec<Weak<Inner>>> = Leaf::new(Vec::new());

/// Drops the events of a connection that ends: their objects would keep it open.
pub fn forget_connection(conn: usize) {
    let queues: Vec<_> = QUEUES.lock().iter().filter_map(Weak::upgrade).collect();
    let here = fork::generation();
    for queue in queues.iter().filter(|queue| queue.generation == here) {
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
        static LAST: AtomicU64 = AtomicU64::new(0);
        let inner = Arc::new(Inner {
            number: LAST.fetch_add(1, Ordering::Relaxed),
            state: Mutex::default(),
            arrived: Condvar::new(),
            // SAFETY: a new descriptor, which is ours.
            fd: unsafe { OwnedFd::from_raw_fd(fd) },
            capacity,
            generation: fork::generation(),
        });
        let mut queues = QUEUES.lock();
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

    /// Listens through the queue to objects of a class, or to the connection itself:
    /// `register` gets a listener.
    pub fn register<T>(
        &self,
        conn: usize,
        source: Option<Source>,
        register: impl FnOnce(Listener) -> Result<T>,
    ) -> Result<T> {
        let queue = Arc::clone(&self.0);
        let listener = Listener::of_queue(self.0.number, move |event| {
            queue.put(Entry { conn, source, event });
        });
        let registered = register(listener)?;
        if self.0.lock().ended {
            // It did not know of this one.
            deregister_queue(self.0.number);
        }
        Ok(registered)
    }

    /// Stops listening to the end of a connection.
    pub fn unregister_close_callback(&self, conn: &Conn) -> Result<()> {
        close::unregister_queue(conn, self.0.number)
    }

    /// Takes the first event, waiting for one up to `timeout`; None: for ever.
    pub fn next(&self, timeout: Option<Duration>) -> Option<Entry> {
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| self.wait(timeout))
    }

    fn wait(&self, timeout: Option<Duration>) -> Option<Entry> {
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
        drop(state);
        self.0.arrived.notify_all();
        // Their objects may hold connections, which talk when they end.
        drop(entries);
        deregister_queue(self.0.number);
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
