//! Calls beside one that receives from a console, which may wait for ever.
//!
//! libvirt's client lets one of the threads that wait read and write for all; another one that
//! has something to send wakes it. Before libvirt 10.1 the wake-up is lost when it comes just
//! before the first thread goes to sleep. Calls whose answers arrive are at most late then; a
//! receiver sleeps until the other end says something, and all that is to be sent waits for
//! that. So a call that takes its time beside a receiver is followed by a short one on another
//! thread, which wakes the client once more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::deadlines::{self, Key, Late};
use super::via::{Via, Way};
use crate::core::lane::Lane;
use crate::core::{Stream, library, thread};
use crate::handle;

/// How long a call has to take until the client is woken, in ms.
const FIRST_PAUSE_MS: u64 = 20;
const LONGEST_PAUSE_MS: u64 = 1000;

/// While a call is made: whether it receives, or is made beside one that does.
pub enum Beside {
    /// It receives from the stream with this handle.
    Receives(Arc<Lane>, usize),
    /// Another one does.
    Sends(Arc<Waker>),
    /// None does.
    None,
}

impl Beside {
    /// For a call that goes through this.
    pub fn of(via: &Via) -> Self {
        match via {
            Via::Stream(lane, stream, Way::In) => {
                lane.begin_to_receive(*stream);
                Beside::Receives(Arc::clone(lane), *stream)
            }
            Via::Lane(lane) | Via::Stream(lane, ..) => match lane.receiver() {
                Some(stream) if !library::has_safe_client() => Beside::Sends(Waker::start(stream)),
                _ => Beside::None,
            },
            _ => Beside::None,
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        match self {
            Beside::Receives(lane, stream) => lane.end_receiving(*stream),
            Beside::Sends(waker) => waker.is_over.store(true, Ordering::Relaxed),
            Beside::None => {}
        }
    }
}

/// Wakes the client until a call is over.
pub struct Waker {
    /// A stream of the connection.
    stream: usize,
    /// In ms.
    pause: AtomicU64,
    is_over: AtomicBool,
}

impl Waker {
    fn start(stream: usize) -> Arc<Self> {
        let pause = AtomicU64::new(FIRST_PAUSE_MS);
        let waker = Arc::new(Waker { stream, pause, is_over: AtomicBool::new(false) });
        waker.wait();
        waker
    }

    fn wait(self: &Arc<Self>) {
        let pause = self.pause.load(Ordering::Relaxed);
        self.pause.store(LONGEST_PAUSE_MS.min(pause * 2), Ordering::Relaxed);
        let then = Instant::now() + Duration::from_millis(pause);
        // Without a thread for it the call is late, as it is without the library.
        let _ = deadlines::add(Some(Key::new(then)), Arc::downgrade(self));
    }

    /// Makes a short call, unless it is too late for that.
    fn wake(&self) {
        let stream = handle::get::<Stream>(self.stream, "stream");
        if let Some(stream) = stream.ok().filter(|_| !self.is_over.load(Ordering::Relaxed)) {
            stream.ask_daemon();
        }
    }
}

impl Late for Waker {
    /// One thread at a time, which may have to wait for the daemon itself.
    fn is_late(self: Arc<Self>) {
        let woken = thread::spawn("vkvm-wake", move || {
            self.wake();
            if !self.is_over.load(Ordering::Relaxed) {
                self.wait();
            }
        });
        drop(woken);
    }
}
