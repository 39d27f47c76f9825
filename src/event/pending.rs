// SPDX-License-Identifier: LGPL-2.1-or-later
//! What libvirt gives to a loop of the program's own while it opens a connection on a thread
//! of the library's.
//!
//! Such a loop may be for one thread only: Perl's is. libvirt does not need the loop before
//! the connection is open, for the thread that waits for an answer looks for it itself. So
//! watches and timers that come from an opening are kept here, under numbers of their own,
//! until a thread of the program's takes the connection: then the loop gets them. The same
//! goes for what other calls on such threads add.

use std::collections::BTreeMap;
use std::ffi::c_int;

use super::later;
use super::watched::{EventImpl, Watched};
use crate::fork::{self, Leaf};

/// The first number. A loop of the program's own that has as many of its own is asked for
/// those that are not here.
const FIRST: c_int = 1 << 30;

/// What is not of an opening, but of another call on a thread of the library's.
pub(super) const OF_CALLS: u64 = u64::MAX;

/// What libvirt wants.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    /// The descriptor, and the events.
    Watch(c_int, c_int),
    /// The frequency.
    Timer(c_int),
}

impl Wanted {
    fn set(&mut self, value: c_int) {
        match self {
            Wanted::Watch(_, events) => *events = value,
            Wanted::Timer(frequency) => *frequency = value,
        }
    }

    fn is_watch(self) -> bool {
        matches!(self, Wanted::Watch(..))
    }
}

struct Entry {
    opening: u64,
    wanted: Wanted,
    state: State,
}

enum State {
    /// The loop does not know of it.
    Kept(Watched),
    /// The loop did not take it.
    Refused(Watched),
    /// It is given to the loop just now; libvirt has removed it meanwhile, or not.
    Moving { removed: bool },
    /// The loop's number.
    Given(c_int),
}

struct Pending {
    last: c_int,
    entries: BTreeMap<c_int, Entry>,
    /// What libvirt has removed. It must not be told so at once, for it may hold a lock.
    removed: Vec<Watched>,
}

static PENDING: Leaf<Pending> = Leaf::of_process(
    Pending { last: FIRST, entries: BTreeMap::new(), removed: Vec::new() },
    Pending::inherit,
);

impl Pending {
    /// What a parent's openings have here is not a child's, which does not tell libvirt of its
    /// end either: the parent's thread may have had its locks.
    fn inherit(&mut self) {
        fork::leave(&mut self.removed);
        let is_given = |entry: &Entry| matches!(entry.state, State::Given(_));
        let all = std::mem::take(&mut self.entries);
        let (given, others): (_, BTreeMap<_, _>) =
            all.into_iter().partition(|(_, entry)| is_given(entry));
        self.entries = given;
        std::mem::forget(others);
    }

    fn find(&mut self, number: c_int, is_watch: bool) -> Option<&mut Entry> {
        self.entries.get_mut(&number).filter(|entry| entry.wanted.is_watch() == is_watch)
    }
}

/// Keeps what an opening gives; its number.
pub(super) fn add(opening: u64, wanted: Wanted, watched: Watched) -> c_int {
    let mut pending = PENDING.lock();
    let mut number = pending.last;
    loop {
        number = number.checked_add(1).unwrap_or(FIRST);
        if !pending.entries.contains_key(&number) {
            break;
        }
    }
    pending.last = number;
    let state = State::Kept(watched.called(number));
    pending.entries.insert(number, Entry { opening, wanted, state });
    number
}

/// Who has a watch or timer.
pub(super) enum Place {
    /// It is none of these.
    Elsewhere,
    /// It was seen to here.
    Here,
    /// The loop, under this number.
    Loop(c_int),
}

/// libvirt changes the events of a watch, or the frequency of a timer.
pub(super) fn update(number: c_int, is_watch: bool, value: c_int) -> Place {
    if number < FIRST {
        return Place::Elsewhere;
    }
    match PENDING.lock().find(number, is_watch) {
        None => Place::Elsewhere,
        Some(entry) => {
            entry.wanted.set(value);
            match entry.state {
                State::Given(real) => Place::Loop(real),
                _ => Place::Here,
            }
        }
    }
}

/// libvirt removes one.
pub(super) fn remove(number: c_int, is_watch: bool) -> Place {
    if number < FIRST {
        return Place::Elsewhere;
    }
    let mut pending = PENDING.lock();
    let Some(entry) = pending.find(number, is_watch) else {
        return Place::Elsewhere;
    };
    if let State::Moving { removed } = &mut entry.state {
        *removed = true;
        return Place::Here;
    }
    let place = match pending.entries.remove(&number) {
        Some(Entry { state: State::Given(real), .. }) => Place::Loop(real),
        Some(Entry { state: State::Kept(watched) | State::Refused(watched), .. }) => {
            pending.removed.push(watched);
            // If its opening has buried all: a connection that nobody takes is closed any time.
            later::added();
            Place::Here
        }
        _ => Place::Here,
    };
    drop(pending);
    place
}

/// What an opening has left here is given to the loop with what others have: the connection
/// was taken on a thread of the library's.
pub(super) fn leave(opening: u64) {
    let mut pending = PENDING.lock();
    for entry in pending.entries.values_mut().filter(|entry| entry.opening == opening) {
        entry.opening = OF_CALLS;
    }
}

/// Gives the loop all that an opening has left here; on a thread that the loop may be called
/// on.
pub(super) fn adopt(opening: u64, own: &dyn EventImpl) {
    loop {
        let next = {
            let mut pending = PENDING.lock();
            let is_next =
                |entry: &Entry| entry.opening == opening && matches!(entry.state, State::Kept(_));
            pending.entries.iter_mut().find(|(_, entry)| is_next(entry)).map(|(number, entry)| {
                let moving = State::Moving { removed: false };
                (*number, entry.wanted, std::mem::replace(&mut entry.state, moving))
            })
        };
        let Some((number, wanted, State::Kept(watched))) = next else {
            return bury();
        };
        give(number, wanted, watched, own);
    }
}

fn give(number: c_int, wanted: Wanted, watched: Watched, own: &dyn EventImpl) {
    let twin = watched.twin();
    let real = match wanted {
        Wanted::Watch(fd, events) => own.add_handle(fd, events, watched),
        Wanted::Timer(frequency) => own.add_timeout(frequency, watched),
    };
    let (now, removed) = {
        let mut pending = PENDING.lock();
        let Some(entry) = pending.entries.get_mut(&number) else {
            return;
        };
        let removed = matches!(entry.state, State::Moving { removed: true });
        let now = entry.wanted;
        if real < 0 {
            // libvirt believes that it is there, and removes it at the end.
            twin.stand_in();
            entry.state = State::Refused(twin);
        } else {
            entry.state = State::Given(real);
        }
        let gone = if removed { pending.entries.remove(&number) } else { None };
        if let Some(Entry { state: State::Refused(watched), .. }) = gone {
            pending.removed.push(watched);
        }
        (now, removed)
    };
    if real < 0 {
        return;
    }
    match (now, removed) {
        (Wanted::Watch(..), true) => drop(own.remove_handle(real)),
        (Wanted::Timer(_), true) => drop(own.remove_timeout(real)),
        (Wanted::Watch(_, events), false) if now != wanted => own.update_handle(real, events),
        (Wanted::Timer(frequency), false) if now != wanted => own.update_timeout(real, frequency),
        _ => {}
    }
}

/// Tells libvirt of the end of what it has removed; where none of its locks is held.
pub(super) fn bury() {
    let removed = std::mem::take(&mut PENDING.lock().removed);
    drop(removed);
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::watched::Call;
    use super::*;

    static ENDS: AtomicUsize = AtomicUsize::new(0);

    unsafe extern "C" fn fire(_: c_int, _: *mut c_void) {}

    /// As libvirt's does, which may come back to the loop.
    unsafe extern "C" fn end(_: *mut c_void) {
        ENDS.fetch_add(1, Ordering::SeqCst);
        assert!(matches!(remove(c_int::MAX, false), Place::Elsewhere));
    }

    fn timer(opening: u64) -> c_int {
        let watched = Watched::new(Call::Timeout(fire), std::ptr::null_mut(), Some(end));
        add(opening, Wanted::Timer(-1), watched)
    }

    fn ended(count: usize) -> bool {
        ENDS.load(Ordering::SeqCst) == count
    }

    /// In a process of its own, for others look at what waits for the loop, too.
    #[test]
    fn libvirt_is_told_of_an_end_by_whoever_buries_but_not_by_a_child_of_fork() {
        let is_right = fork::in_a_child(|| {
            let (kept, removed) = (timer(70), timer(70));
            let is_removed = matches!(remove(removed, false), Place::Here);
            let child = fork::in_a_child(|| {
                let is_gone = matches!(update(kept, false, 1), Place::Elsewhere);
                bury();
                is_gone && ended(0)
            });
            let is_left = is_removed && child == Some(0) && ended(0);
            bury();
            let is_told = ended(1) && matches!(remove(kept, false), Place::Here);
            // Who is next in the library is to do that.
            let waits = later::has_any();
            bury();
            is_left && is_told && waits && ended(2)
        });
        assert_eq!(is_right, Some(0));
    }
}
