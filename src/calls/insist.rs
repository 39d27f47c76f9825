// SPDX-License-Identifier: LGPL-2.1-or-later
//! Calls on a connection on which another call waits for its answer for long.
//!
//! libvirt's client has one of the threads that call read the socket for all. Before 10.1 a
//! call that comes in the moment in which that thread begins to wait is not sent before there
//! is something to read: the abort of a migration comes when the migration is over. The next
//! call of whichever thread has both sent. So where an answer takes its time, others call.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::deadlines::{self, Key, Late};
use crate::core::{Conn, library, thread};
use crate::fork::lock;

/// How long an answer may take before another call is made; then twice as long.
const FIRST: Duration = Duration::from_millis(20);

/// How many calls are made for one. Each may wait for a thread until that is answered.
const MOST: u32 = 7;

/// Makes a short call on the connection.
type Nudge = Arc<dyn Fn() + Send + Sync>;

/// A call that is waited for, until this is dropped.
pub struct Insisting(Option<Arc<Waiting>>);

struct Waiting {
    nudge: Nudge,
    /// How many calls were made for it.
    count: AtomicU32,
    next: Mutex<Option<Key>>,
}

/// Makes a call on the connection, which is sent whatever the others there wait for.
pub fn insist<T>(conn: &Arc<Conn>, call: impl FnOnce() -> T) -> T {
    let conn = Arc::clone(conn);
    // What it answers does not matter.
    let _insisting = Insisting::begin(move || drop(conn.get_library_version()));
    call()
}

impl Insisting {
    /// For a call that begins now.
    pub fn begin(nudge: impl Fn() + Send + Sync + 'static) -> Self {
        if library::has_safe_client() {
            return Insisting(None);
        }
        let waiting =
            Waiting { nudge: Arc::new(nudge), count: AtomicU32::new(0), next: Mutex::default() };
        let waiting = Arc::new(waiting);
        waiting.wait();
        Insisting(Some(waiting))
    }
}

impl Drop for Insisting {
    fn drop(&mut self) {
        if let Some(waiting) = &self.0 {
            deadlines::remove(lock(&waiting.next).take());
        }
    }
}

impl Waiting {
    /// Makes the next call later.
    fn wait(self: &Arc<Self>) {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        if count >= MOST {
            return;
        }
        let key = Key::new(Instant::now() + FIRST * 2_u32.pow(count));
        *lock(&self.next) = Some(key);
        // Without a thread for it nothing more can be done.
        let _ = deadlines::add(Some(key), Arc::downgrade(self));
    }
}

impl Late for Waiting {
    fn is_late(self: Arc<Self>) {
        self.wait();
        let nudge = Arc::clone(&self.nudge);
        drop(self);
        // Nor does it matter that there may be no thread for it now.
        let _ = thread::spawn("vkvm-nudge", move || nudge());
    }
}
