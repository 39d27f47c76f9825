// SPDX-License-Identifier: LGPL-2.1-or-later
//! A visit to a host, on a thread of the pool that makes calls. One that hangs is given up: it
//! no longer counts among the hosts at work, and what its thread still hears is dropped.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::calls::{self, GivenUp, Late, State, Timer, Via, Work};
use crate::core::conn::bounded::Openings;
use crate::error::{Error, Misuse, Result, caught};
use crate::fork::lock;

/// What is visited.
pub trait Visited: Send + Sync + 'static {
    /// Asks what there is to ask. Before each call it says so with [`Errand::step`].
    fn visit(&self, errand: &Errand) -> Result<()>;
    /// The visit is over, and was not given up.
    fn over(&self, result: Result<()>);
    /// It was given up, for this reason. Its thread may still be at it: `runs` says so.
    fn lost(&self, error: Error, runs: bool);
    /// The thread of a visit that was given up is back.
    fn back(&self);
    /// The error of a visit that hangs.
    fn late(&self, timeout: Duration) -> Error;
}

/// A visit.
pub struct Errand {
    visited: Arc<dyn Visited>,
    via: Via,
    /// How long each of its calls may take.
    timeout: Duration,
    openings: Arc<Openings>,
    state: State<(), ()>,
    /// When its last call began.
    step: Mutex<Option<Instant>>,
    timer: Mutex<Option<Timer>>,
}

impl Errand {
    /// A visit that has not begun.
    pub fn new(visited: Arc<dyn Visited>, via: Via, timeout: Duration) -> Arc<Self> {
        Arc::new(Errand {
            visited,
            via,
            timeout,
            openings: Arc::default(),
            state: State::new(()),
            step: Mutex::new(None),
            timer: Mutex::new(None),
        })
    }

    /// A call is about to begin. An error if the visit was given up: then there is none.
    pub fn step(&self) -> Result<()> {
        if !self.is_on() {
            return Err(
                Misuse::GivenUp { function: "vkvm_inventory_open", why: "it was late" }.into()
            );
        }
        *lock(&self.step) = Some(Instant::now());
        Ok(())
    }

    /// How long each of its calls may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Whether it goes on: it was not given up.
    pub fn is_on(&self) -> bool {
        self.state.has_begun() == Some(true)
    }

    /// Gives it up, unless it is over.
    pub fn end(self: Arc<Self>, error: Error) {
        let runs = match self.state.give_up(()) {
            GivenUp::TooLate(()) => return,
            GivenUp::NotBegun(()) => false,
            GivenUp::Abandoned => true,
        };
        self.visited.lost(error, runs);
        if runs {
            calls::abandon(&(Arc::clone(&self) as Arc<dyn Work>));
            self.openings.give_up();
        }
    }

    fn set_timer(self: &Arc<Self>, at: Instant) {
        let timer = Timer::new(at);
        *lock(&self.timer) = Some(timer);
        // Without a thread for it a call that hangs is waited for.
        let _ = calls::set_timer(timer, Arc::downgrade(self));
    }
}

impl Work for Errand {
    fn via(&self) -> &Via {
        &self.via
    }

    fn make(self: Arc<Self>) {
        if self.state.begin().is_none() {
            return;
        }
        let begin = Instant::now();
        *lock(&self.step) = Some(begin);
        self.set_timer(begin + self.timeout);
        let visit = || self.openings.run(|| self.visited.visit(&self));
        let result = caught("an inventory", visit);
        if let Some(timer) = lock(&self.timer).take() {
            calls::end_timer(timer);
        }
        match self.state.finish(()) {
            None => self.visited.over(result),
            Some(()) => self.visited.back(),
        }
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn give_up(self: Arc<Self>, why: &'static str) {
        self.end(Misuse::GivenUp { function: "vkvm_inventory_open", why }.into());
    }
}

impl Late for Errand {
    fn is_late(self: Arc<Self>) {
        let step = *lock(&self.step);
        let due = step.map(|step| step + self.timeout);
        match due.filter(|due| *due > Instant::now()) {
            // A later call is on its way.
            Some(due) if self.is_on() => self.set_timer(due),
            Some(_) => {}
            None => {
                let error = self.visited.late(self.timeout);
                self.end(error);
            }
        }
    }
}
