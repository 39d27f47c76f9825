// SPDX-License-Identifier: LGPL-2.1-or-later
//! The job of a domain that a call runs: how far it is, and that it is aborted when the call
//! is given up.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::calls::{self, DomainJob};
use crate::capi::invoke::Row;
use crate::core::domain::Turn;
use crate::core::{Domain, sigpipe, thread};
use crate::error::{Misuse, Result};
use crate::fork::lock;
use crate::handle::{self, AnyHandle};
use crate::value::{Map, Value};

/// How long it takes until the abort is tried again: what comes before libvirt has begun with
/// the job has no effect, or is an error.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause before an abort, so that no job is over before it is aborted.
const BEFORE: Duration = Duration::from_millis(50);

/// The same once libvirt has taken one on.
const AFTER: Duration = Duration::from_millis(500);

/// A call that runs a job. Until it is dropped, giving up the call aborts the job.
pub struct Job {
    over: Arc<Over>,
    /// After the attempts to abort it are over: the next job is another one.
    _turn: Turn,
}

#[derive(Default)]
struct Over {
    is_over: Mutex<bool>,
    changed: Condvar,
    /// Held while the abort is tried.
    attempt: Mutex<()>,
}

impl Job {
    /// The job that a function with these arguments runs, if it does, on the thread of the
    /// call. It waits until the jobs are over that others of these calls have started: one
    /// that is given up before never begins.
    pub fn begin(row: &Row, args: &Map) -> Result<Option<Self>> {
        let Some(operation) = row.job else {
            return Ok(None);
        };
        let Some(Value::Handle(given)) = args.get("dom") else {
            return Ok(None);
        };
        // A handle that is not live is refused by the function.
        let Ok(dom) = AnyHandle::retain(given.id(), "dom") else {
            return Ok(None);
        };
        let Ok(domain) = handle::get::<Domain>(dom.id(), "dom") else {
            return Ok(None);
        };
        calls::when_abandoned(Turn::wake);
        let domain = domain.another()?;
        let given_up = Misuse::GivenUp { function: row.name, why: "it had not begun" };
        let begun = DomainJob::begin(&domain, operation, calls::is_wanted)?;
        let (own, turn) = begun.ok_or(given_up)?;
        let own = Arc::new(own);
        let over = Arc::new(Over::default());
        let job = Job { over: Arc::clone(&over), _turn: turn };
        calls::when_asked({
            let own = Arc::clone(&own);
            Box::new(move || own.look(&domain))
        });
        calls::when_abandoned(move || {
            // Who gives up does not wait. Where there is no thread, the job goes on, as what is
            // abandoned does.
            let abort = move || over.abort(&dom, &own);
            let _ = thread::spawn("vkvm-abort", abort);
        });
        Ok(Some(job))
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        *lock(&self.over.is_over) = true;
        self.over.changed.notify_all();
        drop(lock(&self.over.attempt));
    }
}

impl Over {
    /// Waits for the end of the call. Whether it has come.
    fn wait(&self, pause: Duration) -> bool {
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| {
            let guard = lock(&self.is_over);
            let waited = self.changed.wait_timeout_while(guard, pause, |is_over| !*is_over);
            *waited.unwrap_or_else(PoisonError::into_inner).0
        })
    }

    /// Aborts the job until the call is over.
    fn abort(&self, dom: &AnyHandle, own: &DomainJob) {
        let Ok(dom) = handle::get::<Domain>(dom.id(), "dom") else {
            return;
        };
        let (mut pause, mut longest) = (FIRST_PAUSE, BEFORE);
        loop {
            {
                let _attempt = lock(&self.attempt);
                if *lock(&self.is_over) {
                    return;
                }
                if own.abort(&dom) {
                    longest = AFTER;
                }
            }
            if self.wait(pause) {
                return;
            }
            pause = longest.min(pause * 2);
        }
    }
}
