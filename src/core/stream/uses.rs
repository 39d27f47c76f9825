// SPDX-License-Identifier: LGPL-2.1-or-later
//! Who uses a stream at the moment, and what it is open for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use super::refusal;
use crate::error::Result;
use crate::fork::lock;

/// Which way the data of an open stream go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the other end: an upload.
    Up,
    /// From the other end: a download, or a screenshot.
    Down,
    /// Both ways: a console, or a channel.
    Both,
}

/// Tells one opening of a stream from those before and after.
pub type Opening = u64;

/// A call that uses a stream, and may be given up meanwhile: its thread waits on then, but
/// nobody waits for it.
#[derive(Default)]
pub struct ByCall(AtomicBool);

impl ByCall {
    /// It is given up.
    pub fn give_up(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Lets in any number of users of an open stream, or one that opens or ends it.
#[derive(Default)]
pub struct Uses {
    state: Mutex<State>,
    /// Held by the library itself while it looks what waits in the stream. It is no call of
    /// the program's, so who wants to be alone is not refused for it, but waits.
    looking: Mutex<()>,
}

#[derive(Default)]
struct State {
    users: usize,
    /// Those among them that are calls which may be given up.
    calls: Vec<Arc<ByCall>>,
    alone: bool,
    /// What the stream carries, if it is open.
    open: Option<Direction>,
    /// How often it was opened.
    openings: Opening,
    /// Whether it is to be aborted as soon as nobody uses it any more.
    broken_off: bool,
}

impl Uses {
    /// One more user, who has to [`leave`](Self::leave). Refused unless the stream is
    /// open, and for data of this direction, if there is one; and while somebody is alone.
    pub fn enter(
        &self,
        direction: Option<Direction>,
        call: Option<&Arc<ByCall>>,
    ) -> Result<Opening> {
        let mut state = self.state();
        state.check_not_alone()?;
        state.check_open(direction)?;
        state.users += 1;
        state.calls.extend(call.map(Arc::clone));
        Ok(state.openings)
    }

    /// For a short look of the library's, as a user, which is not allowed to wait. None while
    /// somebody else looks, or gets to be alone.
    pub fn look(&self) -> Option<MutexGuard<'_, ()>> {
        self.looking.try_lock().ok()
    }

    /// One more user that was one before. Refused as well when what the stream carried
    /// then has ended in the meantime.
    pub fn enter_again(&self, opening: Opening) -> Result<()> {
        let mut state = self.state();
        state.check_not_alone()?;
        if state.open.is_none() || state.openings != opening {
            return Err(refusal("was finished or aborted before all data were through"));
        }
        state.users += 1;
        Ok(())
    }

    /// One user less. The last one of a stream that was broken off is alone with it, and
    /// has to abort it.
    pub fn leave(&self, call: Option<&Arc<ByCall>>) -> Option<Alone<'_>> {
        let mut state = self.state();
        state.users -= 1;
        if let Some(call) = call {
            state.calls.retain(|other| !Arc::ptr_eq(other, call));
        }
        if !state.broken_off || state.users > 0 {
            return None;
        }
        state.broken_off = false;
        Some(self.now_alone(&mut state))
    }

    /// Ends what a failed transfer has opened, unless it has ended. Who is alone with the
    /// stream then has to abort it; otherwise the last of its users is, because it must
    /// not be aborted while others use it.
    pub fn break_off(&self, opening: Opening) -> Option<Alone<'_>> {
        let mut state = self.state();
        if state.alone || state.open.is_none() || state.openings != opening {
            return None;
        }
        state.open = None;
        if state.users > 0 {
            state.broken_off = true;
            return None;
        }
        Some(self.now_alone(&mut state))
    }

    /// The only user, which opens the stream. Refused while it is open, or has users.
    pub fn alone_to_open(&self) -> Result<Alone<'_>> {
        let _nobody_looks = lock(&self.looking);
        let mut state = self.state();
        state.check_unused()?;
        if state.open.is_some() {
            return Err(refusal(
                "carries something already; finish or abort that first, or use a new one",
            ));
        }
        Ok(self.now_alone(&mut state))
    }

    /// The only user, which ends what the stream carries: it is open no more. Refused
    /// unless it is open, and while it has users: waiting for them could take for ever,
    /// because a receiver waits as long as nothing comes.
    pub fn alone_to_end(&self) -> Result<Alone<'_>> {
        let _nobody_looks = lock(&self.looking);
        let mut state = self.state();
        state.check_unused()?;
        state.check_open(None)?;
        state.open = None;
        Ok(self.now_alone(&mut state))
    }

    /// The same for who aborts it. Users that are calls which were given up do not stand in the
    /// way: then this gives none, and the last of them is alone and has to abort it.
    pub fn alone_to_abort(&self) -> Result<Option<Alone<'_>>> {
        {
            let mut state = self.state();
            if state.are_all_given_up() {
                state.check_open(None)?;
                state.open = None;
                state.broken_off = true;
                return Ok(None);
            }
        }
        self.alone_to_end().map(Some)
    }

    /// Whether the stream carries something.
    pub fn is_open(&self) -> bool {
        self.direction().is_some()
    }

    /// Which way the data go of what it carries.
    pub fn direction(&self) -> Option<Direction> {
        self.state().open
    }

    /// Whether it was ever given to libvirt to carry something.
    pub fn was_opened(&self) -> bool {
        self.state().openings > 0
    }

    fn now_alone(&self, state: &mut State) -> Alone<'_> {
        state.alone = true;
        Alone(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn check_not_alone(&self) -> Result<()> {
        if self.alone {
            return Err(refusal("is being opened or ended by another call"));
        }
        Ok(())
    }

    fn check_unused(&self) -> Result<()> {
        if self.users > 0 || self.alone {
            return Err(refusal(
                "another thread is in a call with it; it can be opened, finished or aborted once \
                 that call has returned",
            ));
        }
        Ok(())
    }

    fn are_all_given_up(&self) -> bool {
        let given_up = self.calls.iter().all(|call| call.0.load(Ordering::SeqCst));
        !self.alone && self.users > 0 && self.users == self.calls.len() && given_up
    }

    fn check_open(&self, wanted: Option<Direction>) -> Result<()> {
        match (self.open, wanted) {
            (None, _) => Err(refusal(
                "is not open; an upload, a download, a console, a channel or a screenshot opens \
                 it, until it is finished or aborted",
            )),
            (Some(Direction::Down), Some(Direction::Up)) => Err(refusal(
                "is open for data from the other end only; to send, an upload, a console or a \
                 channel is needed",
            )),
            (Some(Direction::Up), Some(Direction::Down)) => Err(refusal(
                "is open for data to the other end only; to receive, a download, a screenshot, a \
                 console or a channel is needed",
            )),
            _ => Ok(()),
        }
    }
}

/// Stands for the one who is alone with the stream.
pub struct Alone<'u>(&'u Uses);

impl Alone<'_> {
    /// The stream is about to be opened: from now on it counts as used.
    pub fn opens(&self) {
        self.0.state().openings += 1;
    }

    /// It carries something now.
    pub fn has_opened(&self, direction: Direction) {
        self.0.state().open = Some(direction);
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.state().alone = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(direction: Direction) -> Uses {
        let uses = Uses::default();
        open(&uses, direction);
        uses
    }

    fn open(uses: &Uses, direction: Direction) {
        let alone = uses.alone_to_open().expect("nobody uses it");
        alone.opens();
        alone.has_opened(direction);
    }

    #[test]
    fn only_what_is_open_is_used_or_ended() {
        let uses = Uses::default();
        assert!(uses.enter(None, None).is_err() && uses.alone_to_end().is_err(), "not open yet");
        open(&uses, Direction::Both);
        for way in [None, Some(Direction::Up), Some(Direction::Down)] {
            assert!(uses.enter(way, None).is_ok());
            assert!(uses.leave(None).is_none());
        }
        assert!(uses.alone_to_open().is_err(), "it is open already");
        drop(uses.alone_to_end().unwrap());
        assert!(uses.enter(None, None).is_err() && uses.alone_to_end().is_err(), "ended");
        assert!(uses.alone_to_open().is_ok());
    }

    #[test]
    fn data_go_the_way_that_it_was_opened_for() {
        let (up, down) = (opened(Direction::Up), opened(Direction::Down));
        assert!(up.enter(Some(Direction::Down), None).is_err());
        assert!(down.enter(Some(Direction::Up), None).is_err());
        assert!(
            up.enter(Some(Direction::Up), None).is_ok()
                && down.enter(Some(Direction::Down), None).is_ok()
        );
    }

    #[test]
    fn many_may_use_it_but_only_one_may_end_it() {
        let uses = opened(Direction::Both);
        uses.enter(None, None).unwrap();
        uses.enter(None, None).unwrap();
        assert!(uses.alone_to_end().is_err());
        assert!(uses.leave(None).is_none());
        assert!(uses.alone_to_end().is_err(), "one is left");
        assert!(uses.leave(None).is_none());
        let alone = uses.alone_to_end().unwrap();
        assert!(uses.enter(None, None).is_err() && uses.alone_to_end().is_err());
        assert!(uses.alone_to_open().is_err());
        drop(alone);
        assert!(uses.alone_to_open().is_ok());
    }

    #[test]
    fn who_ends_it_waits_for_a_look() {
        let uses = opened(Direction::Down);
        let look = uses.look().unwrap();
        uses.enter(None, None).unwrap();
        assert!(uses.look().is_none(), "one look at a time");
        std::thread::scope(|scope| {
            let ends = scope.spawn(|| uses.alone_to_end().is_ok());
            assert!(uses.leave(None).is_none());
            drop(look);
            assert!(ends.join().unwrap(), "it is no call of another thread");
        });
    }

    #[test]
    fn what_is_opened_anew_is_not_what_was_open_before() {
        let uses = opened(Direction::Down);
        let before = uses.enter(None, None).unwrap();
        assert!(uses.leave(None).is_none());
        assert!(uses.enter_again(before).is_ok());
        assert!(uses.leave(None).is_none());
        drop(uses.alone_to_end().unwrap());
        assert!(uses.enter_again(before).is_err(), "it has ended");
        open(&uses, Direction::Down);
        assert!(uses.enter_again(before).is_err());
        assert!(uses.break_off(before).is_none() && uses.is_open(), "what is open now goes on");
    }

    #[test]
    fn what_is_broken_off_is_aborted_by_its_last_user() {
        let uses = opened(Direction::Both);
        let opening = uses.enter(None, None).unwrap();
        uses.enter(None, None).unwrap();
        assert!(uses.break_off(opening).is_none(), "others use it");
        assert!(uses.enter(None, None).is_err() && uses.alone_to_open().is_err());
        assert!(uses.break_off(opening).is_none(), "that is so already");
        assert!(uses.leave(None).is_none());
        let alone = uses.leave(None).expect("the last user aborts it");
        assert!(uses.alone_to_open().is_err());
        drop(alone);
        open(&uses, Direction::Up);
        let opening = uses.enter(None, None).unwrap();
        assert!(uses.leave(None).is_none(), "nothing is left of it");
        assert!(uses.break_off(opening).is_some(), "nobody else uses it");
    }

    #[test]
    fn calls_that_were_given_up_do_not_keep_it_open() {
        let uses = opened(Direction::Both);
        let (first, second) = (Arc::default(), Arc::<ByCall>::default());
        uses.enter(Some(Direction::Down), Some(&first)).unwrap();
        uses.enter(Some(Direction::Up), Some(&second)).unwrap();
        first.give_up();
        assert!(uses.alone_to_abort().is_err(), "one is waited for");
        second.give_up();
        uses.enter(None, None).unwrap();
        assert!(uses.alone_to_abort().is_err(), "one is no call");
        assert!(uses.leave(None).is_none());
        assert!(uses.alone_to_abort().unwrap().is_none());
        assert!(!uses.is_open() && uses.alone_to_open().is_err() && uses.alone_to_abort().is_err());
        assert!(uses.leave(Some(&first)).is_none());
        drop(uses.leave(Some(&second)).expect("the last one aborts it"));
        open(&uses, Direction::Up);
        assert!(uses.alone_to_abort().unwrap().is_some(), "it has no user");
    }
}
