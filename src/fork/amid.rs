//! A fork waits for threads that are in the middle of a call.
//!
//! libvirt and what it is made of hold locks for moments: GObject one for each object
//! that ends, gettext one for each message. Those that a thread holds at the moment of a
//! fork stay locked in the child. So a fork lets nobody begin a call, and waits until
//! those that have begun are over. It does not wait long: a call that takes longer waits
//! for an answer, and holds no such lock.
//!
//! A call pays for it with a flag of its thread, and the look at a counter that hardly
//! ever changes; that these are seen in order is the business of who forks.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence, fence};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{MembarrierCommand, membarrier};

use super::Leaf;

/// How long a fork waits for calls that do not end.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long a call waits for forks that do not end; no fork takes that long.
const LIMIT: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_micros(20);

/// How many threads are about to fork.
static FORKING: AtomicU32 = AtomicU32::new(0);

/// What others know of a thread.
struct Slot {
    amid: AtomicBool,
    taken: AtomicBool,
}

/// As many as there ever were threads at once that called.
static SLOTS: Leaf<Vec<&'static Slot>> = Leaf::new(Vec::new());

/// This thread's slot; another one may have it when this one has ended.
struct Own(&'static Slot);

thread_local! {
    static OWN: Own = Own::take();
}

impl Own {
    fn take() -> Own {
        let mut slots = SLOTS.lock();
        if let Some(slot) = slots.iter().find(|slot| !slot.taken.swap(true, Ordering::Relaxed)) {
            return Own(slot);
        }
        let slot: &'static Slot =
            Box::leak(Box::new(Slot { amid: false.into(), taken: true.into() }));
        slots.push(slot);
        Own(slot)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.0.amid.store(false, Ordering::Relaxed);
        self.0.taken.store(false, Ordering::Release);
    }
}

/// This thread begins a call.
#[inline]
pub fn enter() {
    // A thread that ends has no slot any more, and is not waited for.
    let _ = OWN.try_with(|own| {
        own.0.amid.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if FORKING.load(Ordering::Relaxed) > 0 {
            wait(own.0);
        }
    });
}

/// This thread's call is over, or sleeps, or calls the program.
#[inline]
pub fn leave() {
    let _ = OWN.try_with(|own| own.0.amid.store(false, Ordering::Release));
}

/// Lets who forks go first.
#[cold]
fn wait(slot: &Slot) {
    let begin = Instant::now();
    while begin.elapsed() < LIMIT {
        slot.amid.store(false, Ordering::Release);
        while FORKING.load(Ordering::Acquire) > 0 && begin.elapsed() < LIMIT {
            thread::sleep(PAUSE);
        }
        slot.amid.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if FORKING.load(Ordering::Relaxed) == 0 {
            return;
        }
    }
}

/// Before a fork, with no lock of ours taken: the calls that have begun may need them.
pub(super) fn before() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    // Not itself, if it forks in a callback or libvirt does for it.
    let own = OWN.try_with(|own| std::ptr::from_ref(own.0)).unwrap_or(std::ptr::null());
    let mut others = SLOTS.lock().clone();
    others.retain(|slot| !std::ptr::eq(*slot, own));
    if others.is_empty() {
        return;
    }
    let register = membarrier(MembarrierCommand::RegisterPrivateExpedited);
    if register.and_then(|()| membarrier(MembarrierCommand::PrivateExpedited)).is_err() {
        // A kernel before 4.14: by then every processor has written what it was to.
        thread::sleep(Duration::from_millis(1));
    }
    let begin = Instant::now();
    while others.iter().any(|slot| slot.amid.load(Ordering::Acquire)) && begin.elapsed() < PATIENCE
    {
        thread::sleep(PAUSE);
    }
}

pub(super) fn in_parent() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

/// The child has this thread only. After the locks were released.
pub(super) fn in_child() {
    let own = OWN.try_with(|own| std::ptr::from_ref(own.0)).unwrap_or(std::ptr::null());
    for slot in SLOTS.lock().iter().filter(|slot| !std::ptr::eq(**slot, own)) {
        slot.amid.store(false, Ordering::Relaxed);
        slot.taken.store(false, Ordering::Relaxed);
    }
    FORKING.store(0, Ordering::SeqCst);
}
