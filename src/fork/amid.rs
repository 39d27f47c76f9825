// SPDX-License-Identifier: LGPL-2.1-or-later
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

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, compiler_fence, fence};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{MembarrierCommand, membarrier};

use super::Leaf;

/// How long a fork waits for calls that do not end.
const PATIENCE: Duration = Duration::from_millis(100);

/// How long a call waits for forks that do not end; no fork takes that long.
const LIMIT: Duration = Duration::from_secs(1);

const PAUSE: Duration = Duration::from_micros(20);

/// How many threads are about to fork.
static FORKING: AtomicU32 = AtomicU32::new(0);

/// What others know of a thread.
struct Slot {
    amid: AtomicBool,
    /// It is where [`wait_for_marks`] waits for it.
    marked: AtomicBool,
    taken: AtomicBool,
}

/// As many as there ever were threads at once that called.
static SLOTS: Leaf<Vec<&'static Slot>> = Leaf::new(Vec::new());

/// Gives a thread's slot back when it ends, for another one.
struct Own(&'static Slot);

thread_local! {
    static OWN: Own = Own::take();

    /// Constant, and without anything to drop.
    static THREAD: Thread = const {
        Thread { depth: Cell::new(0), mask: Cell::new(Mask::Untouched), slot: Cell::new(None) }
    };
}

/// What a thread knows of itself.
struct Thread {
    depth: Cell<u32>,
    mask: Cell<Mask>,
    /// Its slot, once it has called.
    slot: Cell<Option<&'static Slot>>,
}

/// Where a thread is.
#[derive(Clone, Copy)]
pub struct State {
    /// How deep it is in the library: not at all in the program's own code, nor in its
    /// callbacks.
    pub depth: u32,
    /// What the library has done to its signal mask.
    pub mask: Mask,
}

/// Who blocks SIGPIPE on a thread; see `core::sigpipe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mask {
    /// The mask is the program's.
    Untouched,
    /// The library blocks it.
    Blocked,
    /// The program blocks it, and none was pending.
    Kept,
    /// The program blocks it, and one was pending already, which is the program's.
    Pending,
    /// It is a thread of the library's own, on which all signals are blocked.
    Own,
}

impl Own {
    fn take() -> Own {
        let mut slots = SLOTS.lock();
        if let Some(slot) = slots.iter().find(|slot| !slot.taken.swap(true, Ordering::Relaxed)) {
            return Own(slot);
        }
        let slot: &'static Slot = Box::leak(Box::new(Slot {
            amid: false.into(),
            marked: false.into(),
            taken: true.into(),
        }));
        slots.push(slot);
        Own(slot)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        THREAD.with(|thread| thread.slot.set(None));
        self.0.amid.store(false, Ordering::Relaxed);
        self.0.taken.store(false, Ordering::Release);
    }
}

/// Changes where this thread is; gives what it was.
#[inline]
pub fn change(change: impl FnOnce(State) -> State) -> State {
    THREAD.with(|thread| {
        let before = State { depth: thread.depth.get(), mask: thread.mask.get() };
        let after = change(before);
        thread.depth.set(after.depth);
        thread.mask.set(after.mask);
        match (before.depth, after.depth) {
            (0, 1..) => thread.enter(),
            (1.., 0) => thread.leave(),
            _ => (),
        }
        before
    })
}

/// What the library has done to this thread's signal mask.
#[inline]
pub fn mask() -> Mask {
    THREAD.with(|thread| thread.mask.get())
}

/// It has done something to it.
#[inline]
pub fn set_mask(mask: Mask) {
    THREAD.with(|thread| thread.mask.set(mask));
}

impl Thread {
    /// A call begins.
    #[inline]
    fn enter(&self) {
        let Some(slot) = self.slot.get() else {
            return self.enter_first();
        };
        slot.amid.store(true, Ordering::Relaxed);
        compiler_fence(Ordering::SeqCst);
        if FORKING.load(Ordering::Relaxed) > 0 {
            wait(slot);
        }
    }

    /// The first call of a thread. One that ends has no slot any more, and is not waited
    /// for.
    #[cold]
    fn enter_first(&self) {
        let _ = OWN.try_with(|own| {
            self.slot.set(Some(own.0));
            self.enter();
        });
    }

    /// A call is over, or sleeps, or calls the program.
    #[inline]
    fn leave(&self) {
        if let Some(slot) = self.slot.get() {
            slot.amid.store(false, Ordering::Release);
        }
    }
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

fn is_own(slot: &'static Slot) -> bool {
    THREAD.with(|thread| thread.slot.get()).is_some_and(|own| std::ptr::eq(own, slot))
}

/// Runs `body`, for which [`wait_for_marks`] waits on another thread, so it must be short.
/// None, and `body` is not run, where nobody can: in a thread that ends.
#[inline]
pub fn mark<T>(body: impl FnOnce() -> T) -> Option<T> {
    let slot = THREAD.with(|thread| thread.slot.get())?;
    slot.marked.store(true, Ordering::Relaxed);
    // As where a call begins: the order is the business of who waits.
    compiler_fence(Ordering::SeqCst);
    let result = body();
    slot.marked.store(false, Ordering::Release);
    Some(result)
}

/// Waits until what other threads do under a [`mark`] is over. What was written before is
/// seen in those that begin now.
pub fn wait_for_marks() {
    for slot in others() {
        while slot.marked.load(Ordering::Acquire) {
            thread::sleep(PAUSE);
        }
    }
}

/// Before a fork, with no lock of ours taken: the calls that have begun may need them.
pub(super) fn before() {
    FORKING.fetch_add(1, Ordering::SeqCst);
    // Not itself, if it forks in a callback or libvirt does for it.
    let others = others();
    let begin = Instant::now();
    while others.iter().any(|slot| slot.amid.load(Ordering::Acquire)) && begin.elapsed() < PATIENCE
    {
        thread::sleep(PAUSE);
    }
}

/// What is known of the other threads, after what each processor had to write was written,
/// and in their view after all that this thread has written.
fn others() -> Vec<&'static Slot> {
    let mut others = SLOTS.lock().clone();
    others.retain(|slot| !is_own(slot));
    if others.is_empty() {
        return others;
    }
    let register = membarrier(MembarrierCommand::RegisterPrivateExpedited);
    if register.and_then(|()| membarrier(MembarrierCommand::PrivateExpedited)).is_err() {
        // A kernel before 4.14: by then every processor has written what it was to.
        thread::sleep(Duration::from_millis(1));
    }
    others
}

pub(super) fn in_parent() {
    FORKING.fetch_sub(1, Ordering::SeqCst);
}

/// The child has this thread only. After the locks were released.
pub(super) fn in_child() {
    for slot in SLOTS.lock().iter().filter(|slot| !is_own(slot)) {
        slot.amid.store(false, Ordering::Relaxed);
        slot.marked.store(false, Ordering::Relaxed);
        slot.taken.store(false, Ordering::Relaxed);
    }
    FORKING.store(0, Ordering::SeqCst);
}
