//! The job of a domain that a call runs: it is aborted when the call is given up.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::calls;
use crate::capi::invoke::Row;
use crate::core::{Domain, sigpipe, thread};
use crate::fork::lock;
use crate::handle::{self, AnyHandle};
use crate::value::{Map, Value};

/// How long it takes until the abort is tried again: what comes too early, before libvirt has
/// begun the job, is an error, or does nothing.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A call that runs a job. Until it is dropped, giving up the call aborts the job.
pub struct Job(Arc<Over>);

#[derive(Default)]
struct Over {
    is_over: Mutex<bool>,
    changed: Condvar,
}

impl Job {
    /// The job that a function with these arguments runs, if it does. On the thread of the call.
    pub fn of(row: &Row, args: &Map) -> Option<Self> {
        let operation = row.job?;
        let Some(Value::Handle(dom)) = args.get("dom") else {
            return None;
        };
        // A handle that is not live is refused by the function.
        let dom = AnyHandle::retain(dom.id(), "dom").ok()?;
        let over = Arc::new(Over::default());
        let job = Job(Arc::clone(&over));
        calls::when_abandoned(move || {
            // Who gives up does not wait. Where there is no thread, the job goes on, as what is
            // abandoned does.
            let _ = thread::spawn("vkvm-abort", move || abort(&dom, operation, &over));
        });
        Some(job)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        *lock(&self.0.is_over) = true;
        self.0.changed.notify_all();
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
}

/// Aborts the job until the call is over.
fn abort(dom: &AnyHandle, operation: u32, over: &Over) {
    let Ok(dom) = handle::get::<Domain>(dom.id(), "dom") else {
        return;
    };
    let mut pause = FIRST_PAUSE;
    loop {
        if is_at(&dom, operation) {
            // Not at once: while the job's call waits for its answer, libvirt's client (9.0) may
            // lose the second of two calls that follow each other.
            if over.wait(FIRST_PAUSE) {
                return;
            }
            // When it fails it is tried again, or the job was faster.
            let _ = dom.abort_job(0);
        }
        if over.wait(pause) {
            return;
        }
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

/// Whether the domain's job may be that of the call, which perhaps waits for another one.
fn is_at(dom: &Domain, operation: u32) -> bool {
    let Ok((_, stats)) = dom.get_job_stats(0) else {
        // A driver that does not tell.
        return true;
    };
    match Value::Map(stats).get_uint64(OPERATION) {
        Ok(current) => current == u64::from(operation),
        Err(_) => false,
    }
}

/// The key of job statistics.
const OPERATION: &str = "operation";
