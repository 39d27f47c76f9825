// SPDX-License-Identifier: LGPL-2.1-or-later
//! The job that libvirt runs for a domain: a migration, a save, a dump.
//!
//! A domain has one job at a time, and libvirt says what it does and how old it is, but not
//! who has started it. So a job that was started here is told from others by its operation,
//! and by when it began: not before the call that starts it, and, once it was seen, then.
//! What is aborted here or shown as progress is never another one that this could tell.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Domain;
use crate::constants as c;
use crate::core::sigpipe;
use crate::error::Result;
use crate::fork::{self, Leaf, lock};
use crate::value::{Map, Value};

/// When a job is aborted again that libvirt has taken on to abort, whatever it does, or has
/// refused to.
const AGAIN: Duration = Duration::from_secs(10);

/// How often it is asked whether libvirt has prepared a job.
const PREPARING: Duration = Duration::from_millis(20);

/// How long a call waits for its turn. libvirt lets one wait as long for another one's job,
/// and then says whose that is.
const PATIENCE: Duration = Duration::from_secs(30);

// --- which job it is ---------------------------------------------------------------------

/// A job that is started here.
pub struct OwnJob {
    /// One of `DOMAIN_JOB_OPERATION_*`.
    operation: u32,
    /// The call that starts it begins.
    begin: Instant,
    /// Whether no job from before can be taken for it.
    is_certain: bool,
    seen: Mutex<Seen>,
    taken_on: Mutex<Option<TakenOn>>,
    refused: Mutex<Option<Instant>>,
}

/// Whether a job was seen that may be this one.
#[derive(Clone, Copy, Default)]
enum Seen {
    #[default]
    No,
    /// It was this old once. That may be another client's job that is about to end: libvirt does
    /// not count any more then, so the job looks younger with each look.
    Once(Age),
    /// It began then.
    Certain(Span),
}

/// How old a job is.
#[derive(Clone, Copy)]
struct Age {
    ms: u64,
    began: Span,
}

/// libvirt aborts a job.
struct TakenOn {
    at: Instant,
    /// What was done a little later.
    done: Option<u64>,
}

impl TakenOn {
    /// Whether the job goes on all the same.
    fn is_in_vain(&mut self, done: u64) -> bool {
        self.at.elapsed() > AGAIN || done > *self.done.get_or_insert(done)
    }
}

/// A moment that is not known exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    earliest: Instant,
    latest: Instant,
}

/// What a job has done, of how much in all, in bytes; 0 where that is not known.
pub type Done = (u64, u64);

impl OwnJob {
    /// One that is started by a call that begins when this returns. It waits while libvirt
    /// prepares a job that could be taken for it, which `is_prepared` answers; None where it
    /// is not wanted any more.
    pub fn begin(
        operation: u32,
        is_prepared: impl Fn() -> bool,
        is_wanted: impl Fn() -> bool,
    ) -> Option<Self> {
        let deadline = Instant::now() + PATIENCE;
        let mut is_certain = true;
        while is_certain && is_prepared() {
            if !is_wanted() {
                return None;
            }
            is_certain = Instant::now() < deadline;
            // A fork does not wait for who sleeps.
            sigpipe::outside(|| std::thread::sleep(PREPARING));
        }
        Some(OwnJob {
            operation,
            begin: Instant::now(),
            is_certain,
            seen: Mutex::default(),
            taken_on: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    /// Whether the domain has a job of this operation of which libvirt does not say yet when it
    /// began.
    pub fn is_prepared(operation: u32, domain: &Domain) -> bool {
        domain.get_job_stats(0).is_ok_and(|(kind, stats)| {
            u32::try_from(kind) != Ok(c::DOMAIN_JOB_NONE)
                && number(&stats, "operation") == Some(operation.into())
                && number(&stats, "time_elapsed") == Some(0)
        })
    }

    /// How far it is. None before it runs, and afterwards.
    pub fn look(&self, domain: &Domain) -> Result<Option<Done>> {
        let asked = Instant::now();
        let (kind, stats) = domain.get_job_stats(0)?;
        let answered = Instant::now();
        if u32::try_from(kind) == Ok(c::DOMAIN_JOB_NONE) {
            return Ok(None);
        }
        let (operation, elapsed) = (number(&stats, "operation"), number(&stats, "time_elapsed"));
        // libvirt begins to count when it has prepared the job; until then it says 0.
        let elapsed = elapsed.filter(|ms| *ms > 0);
        let age = elapsed.and_then(|ms| Age::of(asked, answered, ms));
        if !self.is_it(operation, age) {
            return Ok(None);
        }
        // A dump of the memory only has no numbers of all its data.
        let number = |all, memory| {
            let known = number(&stats, all).filter(|number| *number > 0);
            known.or_else(|| number(&stats, memory)).unwrap_or_default()
        };
        let done = number("data_processed", "memory_processed");
        Ok(Some((done, number("data_total", "memory_total"))))
    }

    /// Aborts it if it runs. Whether libvirt has decided on that, now or before: what it has taken
    /// on is only asked for again if the job goes on, for the next one may be another's; and what
    /// it has refused, such as the end of a dump of the memory only, after a while.
    pub fn abort(&self, domain: &Domain) -> bool {
        let mut taken_on = lock(&self.taken_on);
        let mut refused = lock(&self.refused);
        if refused.is_some_and(|at| at.elapsed() < AGAIN) {
            return true;
        }
        let Ok(Some((done, _))) = self.look(domain) else {
            return taken_on.is_some();
        };
        let goes_on = taken_on.as_mut().is_none_or(|taken_on| taken_on.is_in_vain(done));
        if goes_on {
            match domain.abort_job(0) {
                Ok(()) => *taken_on = Some(TakenOn { at: Instant::now(), done: None }),
                // Or the job was faster.
                Err(_) => *refused = Some(Instant::now()),
            }
        }
        true
    }

    /// Whether it is a job of this operation that is this old. The first look never says so.
    fn is_it(&self, operation: Option<u64>, age: Option<Age>) -> bool {
        let may_be = self.is_certain && operation == Some(self.operation.into());
        let Some(age) = age.filter(|_| may_be) else {
            return false;
        };
        let mut seen = lock(&self.seen);
        match *seen {
            Seen::Certain(began) => return began.may_be(&age.began),
            Seen::Once(first) if age.ms > first.ms && first.began.may_be(&age.began) => {
                *seen = Seen::Certain(first.began);
                return true;
            }
            _ if self.begin <= age.began.latest => *seen = Seen::Once(age),
            _ => *seen = Seen::No,
        }
        false
    }
}

impl Age {
    /// That of what was that old when it was asked for.
    fn of(asked: Instant, answered: Instant, ms: u64) -> Option<Self> {
        let age = Duration::from_millis(ms);
        // The difference of two numbers of whole milliseconds.
        let one = Duration::from_millis(1);
        let earliest = asked.checked_sub(age)?.checked_sub(one)?;
        Some(Age { ms, began: Span { earliest, latest: answered.checked_sub(age)? + one } })
    }
}

impl Span {
    /// Whether both may be the same moment.
    fn may_be(&self, other: &Span) -> bool {
        self.earliest <= other.latest && other.earliest <= self.latest
    }
}

fn number(stats: &Map, key: &str) -> Option<u64> {
    match stats.get(key)? {
        Value::Uint(number) => Some(*number),
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

// --- one after the other -----------------------------------------------------------------

/// Leave to have libvirt run a job of a domain. What would wait for a job that was started
/// here waits here: libvirt would begin with it whether it is still wanted by then or not.
pub struct Turn {
    domain: Uuid,
    number: u64,
    generation: u32,
}

struct Turns {
    /// Who has the turn, and then who waits for it.
    by_domain: BTreeMap<Uuid, VecDeque<u64>>,
    last: u64,
    /// How often somebody was to look whether it is still wanted.
    wakes: u64,
}

static TURNS: Leaf<Turns> =
    Leaf::of_process(Turns { by_domain: BTreeMap::new(), last: 0, wakes: 0 }, |turns| {
        // A child of fork runs none of these calls.
        turns.by_domain.clear();
    });

static CHANGED: Condvar = Condvar::new();

impl Turn {
    /// Waits for the turn. None where it is not wanted any more; see [`wake`](Turn::wake).
    pub fn take(domain: &Domain, is_wanted: impl Fn() -> bool) -> Result<Option<Turn>> {
        let domain = domain.get_uuid()?;
        let turn = {
            let mut turns = TURNS.lock();
            turns.last += 1;
            let number = turns.last;
            turns.by_domain.entry(domain).or_default().push_back(number);
            Turn { domain, number, generation: fork::generation() }
        };
        let deadline = Instant::now() + PATIENCE;
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| {
            loop {
                let seen = TURNS.lock().wakes;
                if !is_wanted() {
                    return Ok(None);
                }
                let turns = TURNS.lock();
                let first = turns.by_domain.get(&domain).and_then(VecDeque::front);
                let left = deadline.saturating_duration_since(Instant::now());
                if first.is_none_or(|first| *first == turn.number) || left.is_zero() {
                    return Ok(Some(turn));
                }
                if turns.wakes == seen {
                    let waited = CHANGED.wait_timeout(turns, left);
                    drop(waited.unwrap_or_else(PoisonError::into_inner));
                }
            }
        })
    }

    /// Has those who wait look whether they still want their turn.
    pub fn wake() {
        TURNS.lock().wakes += 1;
        CHANGED.notify_all();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        {
            let mut turns = TURNS.lock();
            if self.generation != fork::generation() {
                return;
            }
            if let Some(waiting) = turns.by_domain.get_mut(&self.domain) {
                waiting.retain(|number| *number != self.number);
                if waiting.is_empty() {
                    turns.by_domain.remove(&self.domain);
                }
            }
        }
        Turn::wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATION: u64 = c::DOMAIN_JOB_OPERATION_DUMP as u64;

    fn own(begin: Instant) -> OwnJob {
        let job = OwnJob::begin(c::DOMAIN_JOB_OPERATION_DUMP, || false, || true).unwrap();
        OwnJob { begin, ..job }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_job_that_began_before_the_call_is_another_one() {
        let begin = Instant::now() + ms(10_000);
        let at = |ms_after: u64, age| {
            let asked = begin + ms(ms_after);
            Age::of(asked, asked + ms(1), age)
        };
        // Whether it is taken for this one at the second look.
        let is_it = |operation, age| {
            let job = own(begin);
            assert!(!job.is_it(operation, at(500, age)), "nothing is certain at the first look");
            job.is_it(operation, at(510, age + 10))
        };
        assert!(!is_it(Some(OPERATION), 503));
        assert!(is_it(Some(OPERATION), 500));
        assert!(is_it(Some(OPERATION), 20));
        assert!(!is_it(Some(OPERATION + 1), 20));
        assert!(!is_it(None, 20));
        assert!(!own(begin).is_it(Some(OPERATION), None));
    }

    #[test]
    fn a_job_that_is_about_to_end_is_not_taken_for_a_younger_one() {
        let begin = Instant::now() + ms(10_000);
        let job = own(begin);
        for after in [500, 501, 600, 5000] {
            let asked = begin + ms(after);
            assert!(!job.is_it(Some(OPERATION), Age::of(asked, asked + ms(300), 490)));
        }
        let asked = begin + ms(5010);
        assert!(!job.is_it(Some(OPERATION), Age::of(asked, asked, 5)), "then comes this one");
        assert!(job.is_it(Some(OPERATION), Age::of(asked + ms(5), asked + ms(5), 10)));
    }

    #[test]
    fn what_libvirt_prepares_is_waited_for() {
        let asked = std::cell::Cell::new(0);
        let twice = || asked.replace(asked.get() + 1) < 2;
        let job = OwnJob::begin(c::DOMAIN_JOB_OPERATION_DUMP, twice, || true);
        assert!(job.is_some_and(|job| job.is_certain) && asked.get() == 3);
        let job = OwnJob::begin(c::DOMAIN_JOB_OPERATION_DUMP, || true, || false);
        assert!(job.is_none(), "it is not wanted");
    }

    #[test]
    fn an_abort_is_in_vain_only_where_the_job_goes_on() {
        let mut taken_on = TakenOn { at: Instant::now(), done: None };
        assert!(!taken_on.is_in_vain(5), "it takes its time");
        assert!(!taken_on.is_in_vain(5));
        assert!(taken_on.is_in_vain(6));
        let at = Instant::now().checked_sub(AGAIN + ms(1)).unwrap();
        assert!(TakenOn { at, done: Some(5) }.is_in_vain(5));
    }

    #[test]
    fn once_it_was_seen_a_later_one_is_another_one() {
        let begin = Instant::now() + ms(10_000);
        let at = |ms_after: u64, age| {
            let asked = begin + ms(ms_after);
            Age::of(asked, asked + ms(5), age)
        };
        let job = own(begin);
        assert!(!job.is_it(Some(OPERATION), at(400, 300)));
        assert!(job.is_it(Some(OPERATION), at(500, 400)));
        assert!(job.is_it(Some(OPERATION), at(900, 801)), "it is the same");
        assert!(!job.is_it(Some(OPERATION), at(900, 300)), "it began at 600");
        assert!(job.is_it(Some(OPERATION), at(1000, 900)));
    }
}
