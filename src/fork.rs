// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a fork means for the library: which process this is, and locks that a child
//! never finds locked.
//!
//! A lock that another thread holds while the process forks stays locked for ever in
//! the child, which has no such thread. So the locks that a child may need are
//! [`Leaf`]s: all of them are taken just before the process forks, and released in
//! parent and child.

mod amid;
mod gate;
mod single;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

pub use amid::{Mask, State, change, mark, mask, set_mask, wait_for_marks};
use gate::Gate;
pub use single::is_single_threaded;

/// What `gate.rs` is made of; under loom it is made of loom's.
mod sync {
    pub use std::sync::atomic::{AtomicU64, Ordering};
    pub use std::thread::yield_now as pause;
}

/// Counts the forks between the first process and this one.
static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Tells this process from those that it was forked from.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Installs the hooks that run around a fork, once. Before anything that has to be
/// different in a child.
pub fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        single::look_up();
        // SAFETY: the functions stay; what they do is allowed around a fork of a
        // threaded process. It can fail only for want of memory; then forked
        // children are not recognised, as in any library without such hooks.
        #[allow(unsafe_code, reason = "the only way to learn of a fork")]
        unsafe {
            libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child));
        }
    });
}

/// Installs them when the library is loaded: before any thread can call it, and so before
/// a fork can find any of it half begun.
#[used]
#[allow(unsafe_code, reason = "a section that the loader calls")]
// SAFETY: a C function, of which the loader's arguments are ignored.
#[unsafe(link_section = ".init_array")]
static AT_LOAD: extern "C" fn() = at_load;

extern "C" fn at_load() {
    watch();
}

/// A mutex in a static. A leaf: who holds it takes no other lock, and calls neither
/// libvirt nor the program, so that a fork has to wait only for a moment.
pub struct Leaf<T: 'static> {
    content: Mutex<T>,
    listed: AtomicBool,
    inherit: Option<fn(&mut T)>,
    /// The process that the content is of, where that matters.
    generation: AtomicU32,
}

impl<T: Send> Leaf<T> {
    /// A lock around `content`, which a child of fork has as its parent had it.
    pub const fn new(content: T) -> Self {
        Leaf::made(content, None)
    }

    /// A lock around `content`, of which `inherit` makes what a child of fork has: called in
    /// the child before it sees any of it. Other threads are not there, and what the content
    /// owns may be the parent's: [`leave`] that.
    pub const fn of_process(content: T, inherit: fn(&mut T)) -> Self {
        Leaf::made(content, Some(inherit))
    }

    const fn made(content: T, inherit: Option<fn(&mut T)>) -> Self {
        Leaf {
            content: Mutex::new(content),
            listed: AtomicBool::new(false),
            inherit,
            generation: AtomicU32::new(0),
        }
    }

    /// Waits for the lock and takes it.
    pub fn lock(&'static self) -> MutexGuard<'static, T> {
        if !self.listed.load(Ordering::Acquire) {
            self.list();
        }
        let mut content = lock(&self.content);
        if let Some(inherit) = self.inherit {
            if self.generation.load(Ordering::Relaxed) != generation() {
                self.generation.store(generation(), Ordering::Relaxed);
                inherit(&mut content);
            }
        }
        content
    }

    #[cold]
    fn list(&'static self) {
        watch();
        let mut leaves = lock(&LEAVES);
        if !self.listed.load(Ordering::Relaxed) {
            leaves.push(self);
            self.listed.store(true, Ordering::Release);
        }
    }
}

/// A leaf of whatever content.
trait Lockable: Sync {
    /// Locked until what is returned is dropped.
    fn held(&'static self) -> Box<dyn Any>;
}

impl<T: Send> Lockable for Leaf<T> {
    fn held(&'static self) -> Box<dyn Any> {
        Box::new(lock(&self.content))
    }
}

/// Empties what a child of fork has of its parent, and drops none of it: what it owns is the
/// parent's.
pub fn leave<T: Default>(content: &mut T) {
    std::mem::forget(std::mem::take(content));
}

static GATE: Gate = Gate::new(AtomicU64::new(0));

thread_local! {
    /// How many changes this thread is in.
    static CHANGES: Cell<u64> = const { Cell::new(0) };
}

/// A change of what a child can use, too: a fork waits until it is over. Short, as what
/// is done under a [`Leaf`] is.
pub struct Change(());

impl Change {
    /// Begins a change, once nobody forks.
    #[inline]
    pub fn begin() -> Self {
        GATE.enter();
        count_changes(|count| count + 1);
        Change(())
    }
}

impl Drop for Change {
    #[inline]
    fn drop(&mut self) {
        count_changes(|count| count - 1);
        GATE.leave();
    }
}

#[inline]
fn count_changes(count: impl FnOnce(u64) -> u64) {
    // A thread that ends has no such variable any more, and does not fork then.
    let _ = CHANGES.try_with(|changes| changes.set(count(changes.get())));
}

/// How many changes the calling thread is in: none, unless a change goes the way through
/// what is not ours after all. A fork must not wait for itself then.
fn own_changes() -> u64 {
    CHANGES.try_with(Cell::get).unwrap_or(0)
}

static LEAVES: Mutex<Vec<&'static dyn Lockable>> = Mutex::new(Vec::new());

/// Everything that is locked while a thread forks.
type Held = (Vec<Box<dyn Any>>, MutexGuard<'static, Vec<&'static dyn Lockable>>);

thread_local! {
    static HELD: RefCell<Option<Held>> = const { RefCell::new(None) };
}

/// Takes a lock that is part of an object; in a static there is a [`Leaf`]. A child of fork does
/// not take it, because what holds a connection is refused there before.
///
/// A panic under a lock leaves it usable: what the locks guard is whole at all times.
#[inline]
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

extern "C" fn before() {
    // With no lock of ours taken, for what it waits for may need them.
    amid::before();
    // Before the leaves, which a change may need.
    GATE.close(own_changes());
    // The list first: it is never taken by who holds a leaf.
    let leaves = lock(&LEAVES);
    let held = leaves.iter().map(|leaf| leaf.held()).collect();
    // A thread that ends while it forks has no such variable any more; then the locks
    // are free again before it forks, which is what it can have.
    let _ = HELD.try_with(|place| place.replace(Some((held, leaves))));
}

extern "C" fn in_parent() {
    release();
    GATE.open();
    amid::in_parent();
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
    release();
    GATE.open_in_child(own_changes());
    amid::in_child();
}

fn release() {
    drop(HELD.try_with(RefCell::take));
}

#[cfg(test)]
pub(crate) use tests::in_a_child;

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    static BUSY: Leaf<[u64; 2]> = Leaf::new([0, 0]);
    static OTHER: Leaf<Vec<u8>> = Leaf::new(Vec::new());

    /// Runs `body` in a child of fork; how it ended, or None when it did not.
    #[allow(unsafe_code, reason = "forks")]
    pub(crate) fn in_a_child(body: impl FnOnce() -> bool) -> Option<i32> {
        // SAFETY: the child only runs `body`, and ends without running anything of
        // this process's; the parent waits for it, and for nothing else.
        unsafe {
            let child = libc::fork();
            if child == 0 {
                libc::_exit(i32::from(!body()));
            }
            let begin = Instant::now();
            while begin.elapsed() < Duration::from_secs(60) {
                let mut status = -1;
                if libc::waitpid(child, &mut status, libc::WNOHANG) == child {
                    return Some(status);
                }
                thread::yield_now();
            }
            libc::kill(child, libc::SIGKILL);
            libc::waitpid(child, std::ptr::null_mut(), 0);
            None
        }
    }

    #[test]
    fn a_child_finds_every_leaf_free_and_whole() {
        static OVER: AtomicBool = AtomicBool::new(false);
        let busy: Vec<_> = (0..4)
            .map(|_| {
                thread::spawn(|| {
                    while !OVER.load(Ordering::Relaxed) {
                        let mut both = BUSY.lock();
                        both[0] += 1;
                        thread::yield_now();
                        both[1] += 1;
                        drop(both);
                        OTHER.lock().push(1);
                    }
                })
            })
            .collect();
        let before = generation();
        for _ in 0..200 {
            let ended = in_a_child(|| {
                let both = *BUSY.lock();
                OTHER.lock().push(2);
                both[0] == both[1] && generation() == before + 1
            });
            assert_eq!(ended, Some(0));
        }
        OVER.store(true, Ordering::Relaxed);
        busy.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(generation(), before, "the parent is the process that it was");
    }
}
