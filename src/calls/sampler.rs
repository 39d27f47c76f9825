// SPDX-License-Identifier: LGPL-2.1-or-later
//! How far a call is of which libvirt has to be asked: a thread asks while somebody wants to
//! know, and the call goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::core::{sigpipe, thread};
use crate::fork::lock;

/// How often libvirt is asked.
const PERIOD: Duration = Duration::from_millis(100);

/// How long after somebody wanted to know.
const LINGER: Duration = Duration::from_secs(2);

/// What is done, of how much in all (0 where that is not known), in which unit.
pub type Done = (u64, u64, &'static str);

/// Asks libvirt; None where it does not tell now.
pub type Look = Box<dyn FnMut() -> Option<Done> + Send>;

/// What asks libvirt how far one call is.
#[derive(Default)]
pub struct Sampler {
    inner: Mutex<Inner>,
    is_over: Condvar,
    /// Whether somebody wants to know all the time.
    is_watched: AtomicBool,
}

#[derive(Default)]
struct Inner {
    /// None while the thread looks.
    look: Option<Look>,
    /// When somebody last wanted to know.
    asked: Option<Instant>,
    /// Whether there is a thread.
    runs: bool,
    is_over: bool,
}

impl Sampler {
    /// From now on, this is how to ask.
    pub fn set(&self, look: Look) {
        let mut inner = lock(&self.inner);
        let unused = if inner.is_over { Some(look) } else { inner.look.replace(look) };
        drop(inner);
        drop(unused);
    }

    /// From now on somebody wants to know all the time, once it is asked.
    pub fn watch(&self) {
        self.is_watched.store(true, Ordering::Relaxed);
    }

    pub fn is_watched(&self) -> bool {
        self.is_watched.load(Ordering::Relaxed)
    }

    /// Somebody wants to know. `tell` hears of it from now on, for a while.
    pub fn ask(self: &Arc<Self>, tell: impl Fn(Done) + Send + 'static) {
        {
            let mut inner = lock(&self.inner);
            inner.asked = Some(Instant::now());
            if inner.is_over || inner.runs || inner.look.is_none() {
                return;
            }
            inner.runs = true;
        }
        let sampler = Arc::clone(self);
        if thread::spawn("vkvm-progress", move || sampler.run(tell)).is_err() {
            // Who asks next tries again.
            lock(&self.inner).runs = false;
        }
    }

    /// The call is over.
    pub fn end(&self) {
        let mut inner = lock(&self.inner);
        inner.is_over = true;
        let (look, runs) = (inner.look.take(), inner.runs);
        drop(inner);
        if runs {
            self.is_over.notify_all();
        }
        drop(look);
    }

    fn run(&self, tell: impl Fn(Done)) {
        while let Some(mut look) = self.next() {
            if let Some(done) = look() {
                tell(done);
            }
            let unused = {
                let mut inner = lock(&self.inner);
                if inner.is_over { Some(look) } else { inner.look.replace(look) }
            };
            drop(unused);
            // A fork does not wait for who sleeps.
            sigpipe::outside(|| {
                let inner = lock(&self.inner);
                let wait = |inner: &mut Inner| !inner.is_over;
                let waited = self.is_over.wait_timeout_while(inner, PERIOD, wait);
                drop(waited.unwrap_or_else(PoisonError::into_inner));
            });
        }
    }

    /// How to ask once more; None where nobody wants to know any more.
    fn next(&self) -> Option<Look> {
        let mut inner = lock(&self.inner);
        let is_wanted =
            self.is_watched() || inner.asked.is_some_and(|asked| asked.elapsed() < LINGER);
        let look = if is_wanted && !inner.is_over { inner.look.take() } else { None };
        inner.runs = look.is_some();
        look
    }
}
