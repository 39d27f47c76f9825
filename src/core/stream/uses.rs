//! Who uses a stream at the moment.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::refusal;
use crate::error::Result;

/// Lets in any number of users, or one that wants to be alone.
#[derive(Default)]
pub struct Uses {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    users: usize,
    alone: bool,
    /// Whether the stream carries something.
    open: bool,
    /// Whether it has ever carried something.
    was_open: bool,
}

impl Uses {
    /// One more user. Refused while somebody is alone.
    pub fn enter(&self) -> Result<Using<'_>> {
        let mut state = self.state();
        if state.alone {
            return Err(refusal("is being opened or ended by another call"));
        }
        state.users += 1;
        Ok(Using(self))
    }

    /// The only user. Refused while there are others; waiting for them could
    /// take for ever, because a receiver waits as long as nothing comes.
    pub fn alone(&self) -> Result<Alone<'_>> {
        let mut state = self.state();
        if state.users > 0 || state.alone {
            return Err(refusal(
                "another thread is in a call with it; it can be opened, finished or aborted once \
                 that call has returned",
            ));
        }
        state.alone = true;
        Ok(Alone(self))
    }

    /// Whether the stream carries something.
    pub fn is_open(&self) -> bool {
        self.state().open
    }

    /// Whether it does, or did before.
    pub fn was_open(&self) -> bool {
        self.state().was_open
    }

    /// Remembers whether it does.
    pub fn set_open(&self, open: bool) {
        let mut state = self.state();
        state.open = open;
        state.was_open |= open;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands for one who uses the stream.
pub struct Using<'u>(&'u Uses);

impl Using<'_> {
    /// Runs what may use the stream itself, or end it.
    pub fn pause<T>(&self, body: impl FnOnce() -> T) -> T {
        self.0.state().users -= 1;
        let _back = Back(self.0);
        body()
    }
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        self.0.state().users -= 1;
    }
}

/// Ends a pause, also one that a panic ends.
struct Back<'u>(&'u Uses);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        while state.alone {
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.users += 1;
    }
}

/// Stands for the one who is alone with the stream.
pub struct Alone<'u>(&'u Uses);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.state().alone = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_may_use_it_but_only_one_may_end_it() {
        let uses = Uses::default();
        let one = uses.enter().unwrap();
        let two = uses.enter().unwrap();
        assert!(uses.alone().is_err());
        drop(one);
        two.pause(|| {
            let alone = uses.alone().expect("who pauses is no user");
            assert!(uses.enter().is_err() && uses.alone().is_err());
            uses.set_open(true);
            drop(alone);
        });
        assert!(uses.alone().is_err(), "the pause is over");
        drop(two);
        assert!(uses.alone().is_ok() && uses.is_open());
    }
}
