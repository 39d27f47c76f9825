// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which event loop this process has. libvirt takes one, once and for good.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use crate::core::call;
use crate::error::{Function, Misuse, Result};
use crate::fork::{self, Leaf};

/// The loop that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Choice {
    /// None yet. libvirt would wait for ever in a loop that nothing is in, or
    /// fail without saying why.
    None,
    /// The library's, which the program runs.
    Default,
    /// The program's own.
    Own,
    /// The library's, which a thread of the library runs.
    Thread,
}

static CHOICE: AtomicU8 = AtomicU8::new(Choice::None as u8);

/// The process whose thread runs the loop, when that is the choice: its children
/// have no such thread until they start one.
static PROCESS: AtomicU32 = AtomicU32::new(0);

/// What is chosen now.
pub(super) fn current() -> Choice {
    match CHOICE.load(Ordering::Acquire) {
        1 => Choice::Default,
        2 => Choice::Own,
        3 => Choice::Thread,
        _ => Choice::None,
    }
}

/// Whether the loop ran on a thread that stayed behind in the process that
/// forked this one.
pub(super) fn is_left_behind() -> bool {
    current() == Choice::Thread && PROCESS.load(Ordering::Relaxed) != fork::generation()
}

/// The loop is run by a thread of this process.
pub(super) fn adopt() {
    PROCESS.store(fork::generation(), Ordering::Relaxed);
}

/// The process that makes a choice at the moment. No lock is held meanwhile, for libvirt
/// is called; a child of fork begins anew.
static CHOOSING: Leaf<Option<u32>> = Leaf::new(None);

/// This thread makes the choice, until this is dropped.
struct Choosing;

impl Choosing {
    /// Waits until no other thread makes a choice. None if one is made then.
    fn begin() -> Option<Choosing> {
        let here = fork::generation();
        loop {
            let mut choosing = CHOOSING.lock();
            if current() != Choice::None {
                return None;
            }
            if *choosing != Some(here) {
                *choosing = Some(here);
                return Some(Choosing);
            }
            drop(choosing);
            // It takes a few microseconds, once in a process.
            std::thread::yield_now();
        }
    }
}

impl Drop for Choosing {
    fn drop(&mut self) {
        *CHOOSING.lock() = None;
    }
}

/// Makes a choice, unless it is made: `install` tells libvirt. Repeating the
/// same choice is fine where that means the same.
pub(super) fn choose(
    wanted: Choice,
    what: &'static str,
    install: impl FnOnce() -> Result<()>,
) -> Result<()> {
    call::initialize();
    if let Some(_choosing) = Choosing::begin() {
        install()?;
        adopt();
        CHOICE.store(wanted as u8, Ordering::Release);
        return Ok(());
    }
    match current() {
        same if same == wanted && wanted != Choice::Own => Ok(()),
        Choice::Default => chosen(what, Function::EVENT_REGISTER_DEFAULT),
        Choice::Own => chosen(what, Function::EVENT_REGISTER_IMPL),
        Choice::Thread => chosen(what, Function::EVENT_START),
        // Not reached: it was made, and stays.
        Choice::None => refuse(what, "another thread chooses one"),
    }
}

fn chosen(what: &'static str, by: Function) -> Result<()> {
    Err(Misuse::EventLoopChosen { what, by }.into())
}

/// Why something about loops is not possible.
pub(super) fn refuse<T>(what: &'static str, reason: &'static str) -> Result<T> {
    Err(Misuse::OtherEventLoop { what, reason }.into())
}

/// Whether there is a loop to be used in this process.
pub(super) fn ready(what: &'static str) -> Result<()> {
    call::initialize();
    match current() {
        Choice::None => Err(Misuse::NoEventLoop { what }.into()),
        _ => not_left_behind(what),
    }
}

/// Whether there is.
pub fn is_ready() -> bool {
    current() != Choice::None && !is_left_behind()
}

/// Refuses what would wait for a loop for ever: one whose thread a child of fork has not.
pub(super) fn not_left_behind(what: &'static str) -> Result<()> {
    if is_left_behind() {
        return Err(Misuse::EventLoopLeftBehind { what }.into());
    }
    Ok(())
}
