// SPDX-License-Identifier: LGPL-2.1-or-later
//! A queue of events: for programs whose loop is not the library's, and which look
//! after a descriptor instead.

use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::buffer::{Buffer, Signal};
use super::listeners::Listener;
use super::registry::deregister_queue;
use super::subject::Source;
use super::{Event, close};
use crate::core::{Conn, sigpipe};
use crate::error::{Misuse, Result};
use crate::fork::{self, Leaf};
use crate::handle::AnyHandle;
use crate::memory;
use crate::value::Map;

/// A queue of events.
pub struct EventQueue(Arc<Inner>);

/// What is in a queue.
pub enum Entry {
    /// An event.
    Event {
        /// The handle of the connection, without a hold on it.
        conn: usize,
        /// The class of the object; none for the end of a connection.
        source: Option<Source>,
        /// What happened.
        event: Event,
    },
    /// A call that is done.
    Call {
        /// What the program knows it by.
        tag: u64,
        /// Its handle.
        call: AnyHandle,
    },
    /// A call that asks for credentials.
    Credentials {
        /// As of a call that is done.
        tag: u64,
        /// Likewise.
        call: AnyHandle,
    },
    /// A call that is further than it was.
    Progress {
        /// As of a call that is done.
        tag: u64,
        /// Likewise.
        call: AnyHandle,
    },
    /// Something else that has happened.
    News {
        /// What the program knows it by.
        tag: u64,
        /// Who tells it, as in function names.
        class: &'static str,
        /// What has happened.
        news: Arc<dyn News>,
    },
}

/// Something that happened, of which a map is made when the program takes it out of a queue.
pub trait News: Send + Sync {
    /// The map.
    fn to_map(&self) -> Map;
}

/// Tells a queue what happens, for as long as that is there.
pub struct Teller {
    queue: Weak<Inner>,
    number: u64,
}

impl Teller {
    /// Puts it into the queue, which counts what finds no room. Whether the queue is there.
    pub fn tell(&self, class: &'static str, tag: u64, news: &Arc<dyn News>) -> bool {
        let Some(queue) = self.queue.upgrade() else {
            return false;
        };
        // What is given back ends here, under no lock of the queue's.
        drop(queue.events.put(Entry::News { tag, class, news: Arc::clone(news) }));
        true
    }

    /// Whether the queue is there.
    pub fn is_there(&self) -> bool {
        self.queue.strong_count() > 0
    }

    /// Whether it is this queue.
    pub fn is_of(&self, queue: &EventQueue) -> bool {
        self.number == queue.0.number
    }
}

/// A place in a queue, for what comes for certain.
pub struct Place(Option<Arc<Inner>>);

impl Place {
    /// Puts something else into the queue, if there is room for it; whether there was.
    pub fn put_before(&self, entry: Entry) -> bool {
        let left = self.0.as_ref().map(|queue| queue.events.put(entry));
        // What is given back ends here, under no lock.
        matches!(left, Some(None))
    }

    /// Puts it there.
    pub fn fill(mut self, entry: Entry) {
        if let Some(queue) = self.0.take() {
            // What is given back ends here, under no lock.
            drop(queue.events.put_kept(entry));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(queue) = &self.0 {
            queue.events.give_back();
        }
    }
}

struct Inner {
    /// Tells it from all others.
    number: u64,
    events: Buffer<Entry, Descriptor>,
    /// The process that made it: a child of fork must not wait for its lock, which a
    /// thread of the parent may have held.
    generation: u32,
}

/// An eventfd, readable while there is something in the queue.
struct Descriptor(OwnedFd);

impl Descriptor {
    fn new() -> Result<Self> {
        // SAFETY: no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            let error = std::io::Error::last_os_error();
            let reason = format!("there is no descriptor for it: {error}");
            return Err(Misuse::Invalid { parameter: "queue", reason }.into());
        }
        // SAFETY: a new descriptor, which is ours.
        Ok(Descriptor(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

impl Signal for Descriptor {
    fn raise(&self) {
        let count: u64 = 1;
        // SAFETY: 8 bytes, as an eventfd wants them. It is 0 or 1, so it cannot block.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const count).cast(), 8) };
    }

    /// A program that reads it in spite of the documentation may have emptied it, and have
    /// made it blocking: then this must not wait.
    fn lower(&self) -> bool {
        let mut count = [0; 8];
        let read =
            preadv2(&self.0, &mut [IoSliceMut::new(&mut count)], u64::MAX, ReadWriteFlags::NOWAIT);
        // Older kernels do not have it, and some sandboxes refuse it.
        let read = match read {
            Err(error) if error != Errno::AGAIN => rustix::io::read(&self.0, &mut count),
            read => read,
        };
        read == Ok(count.len())
    }
}

/// The queues that there are, for connections that end.
static QUEUES: Leaf<Vec<Weak<Inner>>> = Leaf::new(Vec::new());

/// Drops the events of a connection that ends: their objects would keep it open.
pub fn forget_connection(conn: usize) {
    let queues: Vec<_> = QUEUES.lock().iter().filter_map(Weak::upgrade).collect();
    let here = fork::generation();
    for queue in queues.iter().filter(|queue| queue.generation == here) {
        queue.events.remove(|entry| matches!(entry, Entry::Event { conn: of, .. } if *of == conn));
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
        static LAST: AtomicU64 = AtomicU64::new(0);
        let inner = Arc::new(Inner {
            number: LAST.fetch_add(1, Ordering::Relaxed),
            events: Buffer::new(capacity, Descriptor::new()?),
            generation: fork::generation(),
        });
        let mut queues = QUEUES.lock();
        queues.retain(|queue| queue.strong_count() > 0);
        queues.push(Arc::downgrade(&inner));
        Ok(EventQueue(inner))
    }

    /// A descriptor that is readable while there is something in the queue.
    pub fn fd(&self) -> RawFd {
        self.0.events.signal().0.as_raw_fd()
    }

    /// How many events are in the queue.
    pub fn len(&self) -> usize {
        self.0.events.len()
    }

    /// How many events were lost because the queue was full, or because there was no
    /// memory for it to grow.
    pub fn overflowed(&self) -> u64 {
        self.0.events.dropped()
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
            // What is given back ends here, under no lock.
            drop(queue.events.put(Entry::Event { conn, source, event: event.kept() }));
        });
        let number = self.0.number;
        self.0.events.fill(|| register(listener), || deregister_queue(number))
    }

    /// What tells the queue of what happens, without keeping it.
    pub fn teller(&self) -> Teller {
        Teller { queue: Arc::downgrade(&self.0), number: self.0.number }
    }

    /// Keeps a place for what comes for certain.
    pub fn keep_place(&self) -> Result<Place> {
        if self.0.events.keep() {
            return Ok(Place(Some(Arc::clone(&self.0))));
        }
        let what = "queue: is full; take out what is in it, or make one with more room".to_owned();
        Err(Misuse::Busy { what }.into())
    }

    /// Stops listening to the end of a connection.
    pub fn unregister_close_callback(&self, conn: &Conn) -> Result<()> {
        close::unregister_queue(conn, self.0.number)
    }

    /// Takes the first event, waiting for one up to `timeout`; None: for ever.
    pub fn next(&self, timeout: Option<Duration>) -> Option<Entry> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| self.0.events.next(deadline))
    }

    /// Takes up to `max` events, without waiting.
    pub fn drain(&self, max: usize) -> Result<Vec<Entry>> {
        self.0.events.drain(max).map_err(|_| {
            let size = max.min(self.len()).saturating_mul(size_of::<Entry>());
            memory::none("events", size)
        })
    }

    /// Ends what fills the queue, and wakes who waits for it. For the last hold.
    pub fn end(&self) {
        self.0.events.end(|| deregister_queue(self.0.number));
    }
}
