//! The statistics of all domains in one call, also where a guest is stuck.
//!
//! libvirt asks the QEMU of one domain after the other. One that does not answer stops the call
//! for ever, although the call is not to wait for domains that are busy. While that call waits,
//! the stuck domain *is* busy, so the next call leaves it out. A call that waits keeps one of the
//! few that a daemon works on for a client, so there are not many; the last one asks only for
//! what libvirt knows without QEMU.

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::calls::{self, GivenUp, State, Via, Work};
use crate::constants as c;
use crate::core::typed_params::TypedParams;
use crate::core::{Conn, Domain, OnLane, sigpipe};
use crate::error::{Misuse, Result};
use crate::fork::lock;

/// What libvirt knows by itself.
const LIGHT: u32 = c::DOMAIN_STATS_STATE
    | c::DOMAIN_STATS_CPU_TOTAL
    | c::DOMAIN_STATS_INTERFACE
    | c::DOMAIN_STATS_PERF;

/// What there are metrics of.
const ALL: u32 = LIGHT | c::DOMAIN_STATS_BALLOON | c::DOMAIN_STATS_VCPU | c::DOMAIN_STATS_BLOCK;

/// How many calls for all there are at most, now.
const ATTEMPTS: usize = 3;

/// How many calls may be stuck: a daemon works on five of a client's at once, and the one that
/// asks for less is to be answered.
const MOST_STUCK: usize = 4;

/// The statistics of each domain.
pub type Records = Vec<(Domain, TypedParams)>;

/// One of the calls.
struct Attempt {
    via: Via,
    state: State<(Conn, u32), ()>,
    answers: Mutex<Sender<Result<Records>>>,
}

/// Asks for the statistics of all domains, again where there is no answer for long. Takes up to
/// four fifths of the time.
pub fn domain_stats(conn: &Conn, timeout: Duration) -> Result<Records> {
    let Some(lane) = conn.lane()? else {
        return ask(conn, ALL);
    };
    let begun = Instant::now();
    let (answers, wait) = mpsc::channel();
    let full = MOST_STUCK.saturating_sub(calls::counts(&lane).abandoned).min(ATTEMPTS);
    let mut attempts = Vec::new();
    let mut answer = None;
    for (place, stats) in [ALL].repeat(full).into_iter().chain([LIGHT]).enumerate() {
        let attempt = Arc::new(Attempt {
            via: Via::Lane(Arc::clone(&lane)),
            state: State::new((conn.another()?, stats)),
            answers: Mutex::new(answers.clone()),
        });
        calls::submit(Arc::clone(&attempt) as Arc<dyn Work>)?;
        attempts.push(attempt);
        let until = timeout.mul_f64((place + 1) as f64 / (full + 2) as f64);
        let rest = until.saturating_sub(begun.elapsed());
        // A fork does not wait for who sleeps.
        answer = sigpipe::outside(|| wait.recv_timeout(rest)).ok();
        if answer.is_some() {
            break;
        }
    }
    for attempt in attempts {
        attempt.give_up("the metrics are complete");
    }
    answer.unwrap_or_else(|| {
        let what = "the call for the domains' statistics was not answered".to_owned();
        Err(Misuse::TimedOut { what, ms: timeout.as_millis() as u64 }.into())
    })
}

fn ask(conn: &Conn, stats: u32) -> Result<Records> {
    conn.get_all_domain_stats(stats, &[], c::DOMAIN_GET_ALL_STATS_NOWAIT)
}

impl Work for Attempt {
    fn via(&self) -> &Via {
        &self.via
    }

    fn make(self: Arc<Self>) {
        if let Some((conn, stats)) = self.state.begin() {
            // Nobody may want it any more.
            let _ = lock(&self.answers).send(ask(&conn, stats));
            drop(conn);
            self.state.finish(());
        }
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn is_made_here(&self) -> bool {
        false
    }

    fn give_up(self: Arc<Self>, _: &'static str) {
        match self.state.give_up(()) {
            GivenUp::TooLate(()) => {}
            GivenUp::NotBegun(job) => drop(job),
            GivenUp::Abandoned => calls::abandon(&(self as Arc<dyn Work>)),
        }
    }
}
