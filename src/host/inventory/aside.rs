// SPDX-License-Identifier: LGPL-2.1-or-later
//! One call on a thread of the pool, that somebody waits for up to a deadline.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::calls::{self, GivenUp, State, Via, Work};
use crate::core::sigpipe;
use crate::error::{Error, Misuse, Result, caught};
use crate::fork::lock;

/// What is called, which comes to a `T`.
type Job<T> = Box<dyn FnOnce() -> Result<T> + Send>;

struct Aside<T: Send + 'static> {
    via: Via,
    state: State<Job<T>, Mutex<Option<Result<T>>>>,
}

/// Makes the call on a thread of the pool, and waits for it. `late` is the error where that
/// takes too long.
pub fn ask<T: Send + 'static>(
    via: Via,
    timeout: Duration,
    job: impl FnOnce() -> Result<T> + Send + 'static,
    late: impl FnOnce() -> Error,
) -> Result<T> {
    let deadline = Instant::now().checked_add(timeout);
    let aside = Arc::new(Aside { via, state: State::new(Box::new(job) as Job<T>) });
    let weak = Arc::downgrade(&aside);
    calls::when_abandoned(move || {
        if let Some(aside) = weak.upgrade() {
            aside.give_up("the call was given up");
        }
    });
    calls::submit(Arc::clone(&aside) as Arc<dyn Work>)?;
    // A fork does not wait for who sleeps.
    if !sigpipe::outside(|| aside.state.wait(deadline)) {
        Arc::clone(&aside).end(late());
    }
    let answer = aside.state.result(|answer| lock(answer).take()).flatten();
    answer.unwrap_or_else(|| {
        Err(Misuse::Internal { what: "a call without an answer".to_owned() }.into())
    })
}

impl<T: Send + 'static> Aside<T> {
    fn end(self: Arc<Self>, error: Error) {
        match self.state.give_up(Mutex::new(Some(Err(error)))) {
            GivenUp::TooLate(_) => {}
            GivenUp::NotBegun(job) => drop(job),
            GivenUp::Abandoned => calls::abandon(&(self as Arc<dyn Work>)),
        }
    }
}

impl<T: Send + 'static> Work for Aside<T> {
    fn via(&self) -> &Via {
        &self.via
    }

    fn make(self: Arc<Self>) {
        let Some(job) = self.state.begin() else {
            return;
        };
        let answer = caught("an inventory", job);
        drop(self.state.finish(Mutex::new(Some(answer))));
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn give_up(self: Arc<Self>, why: &'static str) {
        self.end(Misuse::GivenUp { function: "vkvm_inventory_get_xml", why }.into());
    }
}

/// Something that ends on a thread of the pool, where it may take its time.
struct Closing<T: Send + 'static> {
    via: Via,
    state: State<T, ()>,
}

/// Drops it on a thread of the pool; here if there is none.
pub fn end_elsewhere<T: Send + 'static>(via: Via, what: T) {
    // Who gives it up without a thread ends it.
    let _ = calls::submit(Arc::new(Closing { via, state: State::new(what) }));
}

impl<T: Send + 'static> Work for Closing<T> {
    fn via(&self) -> &Via {
        &self.via
    }

    fn make(self: Arc<Self>) {
        if let Some(what) = self.state.begin() {
            drop(what);
            self.state.finish(());
        }
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn give_up(self: Arc<Self>, _why: &'static str) {
        match self.state.give_up(()) {
            GivenUp::NotBegun(what) => drop(what),
            GivenUp::Abandoned => calls::abandon(&(self as Arc<dyn Work>)),
            GivenUp::TooLate(()) => {}
        }
    }
}
