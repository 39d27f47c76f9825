// SPDX-License-Identifier: LGPL-2.1-or-later
//! Those who receive from a stream, one after the other.
//!
//! libvirt cannot be interrupted: a receiver that was given up waits on until data arrive, for a
//! console perhaps for ever. Those who come after it wait here instead of in libvirt, where each
//! would need a thread of its own until then, and get what it leaves behind.

use std::sync::{Condvar, Mutex, PoisonError};

use crate::core::sigpipe;
use crate::fork::lock;

/// Those who receive from one stream.
#[derive(Default)]
pub struct Receivers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether one is in libvirt.
    is_busy: bool,
    /// What those received that were given up.
    left: Vec<u8>,
    /// How many wait: nobody is woken where there are none, which costs a system call.
    waiting: usize,
}

/// What a receiver gets when its turn has come.
pub enum Turn<'r> {
    /// So many bytes that one before it has left.
    Left(usize),
    /// The way to libvirt.
    Own(Own<'r>),
    /// Nothing: it is not wanted any more.
    NotWanted,
}

/// The only receiver. What it ends with may be left to the next one.
pub struct Own<'r>(&'r Receivers);

impl Receivers {
    /// Waits for the turn of who wants to receive into `room`.
    pub fn turn(
        &self,
        room: &mut [u8],
        is_wanted: impl Fn() -> bool,
        settle: impl Fn() -> bool,
    ) -> Turn<'_> {
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| {
            let mut state = lock(&self.state);
            loop {
                if !is_wanted() {
                    return Turn::NotWanted;
                }
                if !state.left.is_empty() {
                    return if settle() { Turn::Left(state.take(room)) } else { Turn::NotWanted };
                }
                if !state.is_busy {
                    state.is_busy = true;
                    return Turn::Own(Own(self));
                }
                state.waiting += 1;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.waiting -= 1;
            }
        })
    }

    /// Puts data back that somebody has received and does not take.
    pub fn put_back(&self, data: &[u8]) {
        let mut state = lock(&self.state);
        state.left.splice(..0, data.iter().copied());
        drop(state);
        self.changed.notify_all();
    }

    /// Has those who wait look whether they are still wanted.
    pub fn wake(&self) {
        // Who has looked, and does not wait yet, has the lock.
        drop(lock(&self.state));
        self.changed.notify_all();
    }

    /// What was received earlier does not belong to what the stream carries next.
    pub fn forget(&self) {
        lock(&self.state).left = Vec::new();
    }
}

impl State {
    /// Moves data to the front of `room`; gives their number.
    fn take(&mut self, room: &mut [u8]) -> usize {
        let count = room.len().min(self.left.len());
        room[..count].copy_from_slice(&self.left[..count]);
        self.left.drain(..count);
        count
    }
}

impl Own<'_> {
    /// What was received is at the front of `room`, and comes after what was put back meanwhile.
    /// Gives the number of bytes that are there then.
    pub fn after_others(&self, room: &mut [u8], count: usize) -> usize {
        let mut state = lock(&self.0.state);
        if state.left.is_empty() {
            return count;
        }
        state.left.extend_from_slice(&room[..count]);
        state.take(room)
    }

    /// Leaves what was received to the next one.
    pub fn leave(&self, data: &[u8]) {
        lock(&self.0.state).left.extend_from_slice(data);
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.0.state);
        state.is_busy = false;
        let is_waited_for = state.waiting > 0;
        drop(state);
        if is_waited_for {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    impl Receivers {
        fn wanted(&self, room: &mut [u8]) -> Turn<'_> {
            self.turn(room, || true, || true)
        }
    }

    #[test]
    fn the_next_one_gets_what_was_left_piece_by_piece() {
        let receivers = Receivers::default();
        let mut room = [0; 3];
        let Turn::Own(own) = receivers.wanted(&mut room) else { panic!("nothing was left") };
        own.leave(b"abcde");
        drop(own);
        assert!(matches!(receivers.wanted(&mut room), Turn::Left(3)));
        assert_eq!(&room, b"abc");
        assert!(matches!(receivers.wanted(&mut room), Turn::Left(2)));
        assert_eq!(&room[..2], b"de");
        assert!(matches!(receivers.wanted(&mut room), Turn::Own(_)));
    }

    #[test]
    fn who_is_not_wanted_any_more_does_not_wait() {
        let (receivers, is_wanted) = (Receivers::default(), AtomicBool::new(true));
        let own = receivers.wanted(&mut []);
        let wanted = || is_wanted.load(Ordering::SeqCst);
        let wait = || matches!(receivers.turn(&mut [], wanted, || true), Turn::NotWanted);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(wait);
            is_wanted.store(false, Ordering::SeqCst);
            receivers.wake();
            assert!(waiting.join().unwrap());
        });
        drop(own);
    }

    #[test]
    fn what_is_put_back_comes_first() {
        let receivers = Receivers::default();
        let mut room = [0; 3];
        let Turn::Own(own) = receivers.wanted(&mut room) else { panic!("nothing was left") };
        receivers.put_back(b"cd");
        receivers.put_back(b"ab");
        room = *b"ef-";
        assert_eq!(own.after_others(&mut room, 2), 3);
        assert_eq!(&room, b"abc");
        drop(own);
        let given_up = receivers.turn(&mut room, || true, || false);
        assert!(matches!(given_up, Turn::NotWanted), "it takes nothing");
        assert!(matches!(receivers.wanted(&mut room), Turn::Left(3)));
        assert_eq!(&room, b"def");
        let Turn::Own(own) = receivers.wanted(&mut room) else { panic!("nothing is left") };
        assert_eq!(own.after_others(&mut room, 1), 1);
    }
}
