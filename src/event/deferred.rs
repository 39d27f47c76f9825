// SPDX-License-Identifier: LGPL-2.1-or-later
//! Running something on the next turn of the event loop, whichever loop there is.
//!
//! libvirt calls some callbacks under locks that it needs for nearly everything, so
//! nothing of the program's may run there: it is put off until the loop turns. All of
//! that goes through one timer, which fires only while something waits.

use std::collections::VecDeque;
use std::ffi::c_int;

use super::sync::this_thread;
use super::{choice, shielded, watches};
use crate::error::Result;
use crate::fork::{self, Leaf};

/// What is to be run.
pub(super) type Job = Box<dyn FnOnce() + Send>;

struct Waiting {
    jobs: VecDeque<Job>,
    /// Fires while there are jobs; none before the first one.
    timer: Option<c_int>,
    /// The thread that runs jobs: one at a time, so that they keep their order, however
    /// many threads run the loop.
    runner: Option<usize>,
}

static WAITING: Leaf<Waiting> =
    Leaf::of_process(Waiting { jobs: VecDeque::new(), timer: None, runner: None }, |waiting| {
        // A child of fork runs none of the parent's jobs.
        fork::leave(&mut waiting.jobs);
        waiting.runner = None;
    });

/// Runs `job` on the thread that runs the event loop, when it turns next; jobs run in
/// the order in which they came here, under no lock. Fails, and drops the job, where
/// no loop can ever run it.
pub(super) fn defer(job: Job) -> Result<()> {
    choice::ready("putting something off until the event loop turns")?;
    // In a statement of its own: a `match` would hold the lock while there is none.
    let known = WAITING.lock().timer;
    let timer = known.map_or_else(begin, Ok)?;
    WAITING.lock().jobs.push_back(job);
    watches::update_timeout(timer, 0);
    Ok(())
}

/// Makes what [`defer`] needs of the loop, so that it asks for nothing new later.
pub(super) fn prepare() -> Result<()> {
    let known = WAITING.lock().timer;
    known.map_or_else(|| begin().map(drop), |_| Ok(()))
}

/// Makes the timer, unless another thread was quicker.
fn begin() -> Result<c_int> {
    let ours = watches::add_timeout(-1, Box::new(run))?;
    let timer = *WAITING.lock().timer.get_or_insert(ours);
    if timer != ours {
        // It has just been made, and nobody else knows it.
        watches::remove_timeout(ours)?;
    }
    Ok(timer)
}

/// Runs what waits now. What comes meanwhile waits for the next turn.
fn run(timer: c_int) {
    let me = this_thread();
    // Before the look at the jobs: what comes later makes it fire again.
    watches::update_timeout(timer, -1);
    let (outermost, due) = {
        let mut waiting = WAITING.lock();
        if waiting.runner.is_some_and(|runner| runner != me) {
            // That thread looks again when it is through.
            return;
        }
        // A job that runs the loop itself is followed by the next ones.
        let outermost = waiting.runner.replace(me).is_none();
        (outermost, waiting.jobs.len())
    };
    for _ in 0..due {
        // Not in the condition of a `while let`, which would hold the lock.
        let job = WAITING.lock().jobs.pop_front();
        let Some(job) = job else {
            break;
        };
        shielded(job);
    }
    let more = {
        let mut waiting = WAITING.lock();
        if outermost {
            waiting.runner = None;
        }
        !waiting.jobs.is_empty()
    };
    if more {
        watches::update_timeout(timer, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::event::{register_default, run_default};

    /// Puts off what notes `number`.
    fn note(noted: &Arc<Mutex<Vec<i32>>>, number: i32) {
        let noted = Arc::clone(noted);
        defer(Box::new(move || noted.lock().unwrap().push(number))).unwrap();
    }

    fn turn_until(noted: &Arc<Mutex<Vec<i32>>>, count: usize) {
        while noted.lock().unwrap().len() < count {
            run_default().unwrap();
        }
    }

    #[test]
    fn jobs_run_in_their_order_on_the_loop_and_under_no_lock() {
        register_default().unwrap();
        let noted = Arc::new(Mutex::new(Vec::new()));
        for number in 0..100 {
            note(&noted, number);
        }
        assert!(noted.lock().unwrap().is_empty(), "nothing runs before the loop turns");
        let again = Arc::clone(&noted);
        defer(Box::new(move || {
            note(&again, 101);
            again.lock().unwrap().push(100);
            panic!("in a job; this is wanted");
        }))
        .unwrap();
        turn_until(&noted, 102);
        assert_eq!(*noted.lock().unwrap(), (0..102).collect::<Vec<_>>());

        // From any thread, each thread's in its order.
        noted.lock().unwrap().clear();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || {
                    (0..1000).for_each(|number| note(&noted, thread * 1000 + number));
                })
            })
            .collect();
        turn_until(&noted, 4000);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        let noted = noted.lock().unwrap();
        for thread in 0..4 {
            let of_one: Vec<_> = noted.iter().filter(|n| **n / 1000 == thread).copied().collect();
            assert_eq!(of_one, (thread * 1000..thread * 1000 + 1000).collect::<Vec<_>>());
        }
    }
}
