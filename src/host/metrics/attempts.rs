// SPDX-License-Identifier: LGPL-2.1-or-later
//! The statistics of all domains in one call, also where a guest is stuck.
//!
//! libvirt asks the QEMU of one domain after the other. One that does not answer stops the call
//! for ever, although the call is not to wait for domains that are busy. While that call waits,
//! the stuck domain *is* busy, so the next call leaves it out. It is made on a connection of its
//! own, which takes the place of the first one: a daemon works on five calls of a client's at
//! once, and libvirt's client before 10.1 may lose a call beside one that waits. Each call that
//! waits keeps one of the daemon's threads, so there are not many of them; the last one asks
//! only for what libvirt knows without QEMU.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::calls::{self, GivenUp, State, Via, Work};
use crate::constants as c;
use crate::core::typed_params::TypedParams;
use crate::core::{Conn, Domain, OnLane, sigpipe};
use crate::error::{Misuse, Result};
use crate::fork::lock;
use crate::host::Host;

/// What libvirt knows by itself. CPU time is not: with it libvirt (9.0) asks QEMU how long it has
/// polled.
const LIGHT: u32 = c::DOMAIN_STATS_STATE | c::DOMAIN_STATS_INTERFACE | c::DOMAIN_STATS_PERF;

/// What there are metrics of.
const ALL: u32 = LIGHT
    | c::DOMAIN_STATS_CPU_TOTAL
    | c::DOMAIN_STATS_BALLOON
    | c::DOMAIN_STATS_VCPU
    | c::DOMAIN_STATS_BLOCK;

/// How many calls for all there are at most, now.
const ATTEMPTS: usize = 3;

/// How many calls to a host may be stuck, for all.
const MOST_STUCK: usize = 4;

/// And with those for what libvirt knows: where these are stuck, too, no further one is made.
const MOST_STUCK_AT_ALL: usize = 2 * MOST_STUCK;

/// The statistics of each domain.
pub type Records = Vec<(Domain, TypedParams)>;

/// How many calls to a host are stuck.
pub type Stuck = Arc<AtomicUsize>;

/// One of the calls.
struct Attempt {
    via: Via,
    state: State<(Conn, u32), ()>,
    answers: Mutex<Sender<Result<Records>>>,
    stuck: Stuck,
}

/// Asks for the statistics of all domains, again where there is no answer for long. Takes up to
/// four fifths of the time. The host has another connection afterwards where a call is stuck on
/// the one that it had.
pub fn domain_stats(
    host: &mut Host,
    open: impl Fn() -> Result<Host>,
    stuck: &Stuck,
    timeout: Duration,
) -> Result<Records> {
    let begun = Instant::now();
    let (answers, wait) = mpsc::channel();
    let calls = stuck.load(Ordering::Relaxed);
    if calls >= MOST_STUCK_AT_ALL {
        let what = format!("{calls} calls for the domains' statistics are not answered yet");
        return Err(Misuse::Busy { what }.into());
    }
    let full = MOST_STUCK.saturating_sub(calls).min(ATTEMPTS);
    for (place, stats) in [ALL].repeat(full).into_iter().chain([LIGHT]).enumerate() {
        let Some(lane) = host.conn.lane()? else {
            return ask(&host.conn, stats);
        };
        let attempt = Arc::new(Attempt {
            via: Via::Lane(lane),
            state: State::new((host.conn.another()?, stats)),
            answers: Mutex::new(answers.clone()),
            stuck: Arc::clone(stuck),
        });
        calls::submit(Arc::clone(&attempt) as Arc<dyn Work>)?;
        let until = timeout.mul_f64((place + 1) as f64 / (full + 2) as f64);
        let rest = until.saturating_sub(begun.elapsed());
        // A fork does not wait for who sleeps.
        let answer = sigpipe::outside(|| wait.recv_timeout(rest));
        if let Ok(answer) = answer {
            return answer;
        }
        attempt.give_up("the next one is made");
        *host = open()?;
    }
    let what = "the call for the domains' statistics was not answered".to_owned();
    Err(Misuse::TimedOut { what, ms: timeout.as_millis() as u64 }.into())
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
            if self.state.finish(()).is_some() {
                self.stuck.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn give_up(self: Arc<Self>, _: &'static str) {
        // Counted before who makes it can see that it is given up.
        self.stuck.fetch_add(1, Ordering::Relaxed);
        let given_up = self.state.give_up(());
        if !matches!(given_up, GivenUp::Abandoned) {
            self.stuck.fetch_sub(1, Ordering::Relaxed);
        }
        match given_up {
            GivenUp::TooLate(()) => {}
            GivenUp::NotBegun(job) => drop(job),
            GivenUp::Abandoned => calls::abandon(&(self as Arc<dyn Work>)),
        }
    }
}
