// SPDX-License-Identifier: LGPL-2.1-or-later
//! How far a call is, as it has said itself.

use std::time::{Duration, Instant};

use crate::core::progress::Meter;

/// How far a call is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// Of how much in all; 0 where that is not known.
    pub total: u64,
    /// What both count.
    pub unit: String,
    /// How much is done per second, on the average; None where nothing is known of it.
    pub rate: Option<u64>,
    /// How long the rest takes at that rate.
    pub remaining: Option<Duration>,
}

/// What a call has said.
pub(super) struct Tally {
    meter: Meter,
    /// When it first said something, and what was done then.
    first: (Instant, u64),
    /// When it last did, and what of how much was done then.
    last: (Instant, u64, u64),
    unit: String,
}

impl Tally {
    /// It begins with what a call says first.
    pub(super) fn new(now: Instant, done: u64, total: u64, unit: &str) -> Self {
        let mut tally = Tally {
            meter: Meter::default(),
            first: (now, done),
            last: (now, done, total),
            unit: unit.to_owned(),
        };
        tally.add(now, done, total, unit);
        tally
    }

    /// The call is this far. Whether it is further than before.
    pub(super) fn add(&mut self, now: Instant, done: u64, total: u64, unit: &str) -> bool {
        let before = (self.last.1, self.last.2);
        let (done, total) = self.meter.reach(done, total);
        self.last = (now, done, total);
        if self.unit != unit {
            unit.clone_into(&mut self.unit);
        }
        (done, total) != before
    }

    /// All that is known of it.
    pub(super) fn progress(&self) -> Progress {
        let (at, done, total) = self.last;
        let (begin, before) = self.first;
        let time = at.saturating_duration_since(begin).as_micros();
        let more = u128::from(done.saturating_sub(before));
        let rate = (more * 1_000_000).checked_div(time).filter(|rate| *rate > 0);
        let left = (total > 0).then(|| u128::from(total - done.min(total)));
        let remaining = left.zip(rate).map(|(left, rate)| (left * 1000).div_ceil(rate));
        Progress {
            done,
            total,
            unit: self.unit.clone(),
            rate: rate.map(|rate| u64::try_from(rate).unwrap_or(u64::MAX)),
            remaining: remaining.and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(begin: Instant, said: &[(u64, u64, u64)]) -> Progress {
        let mut tally: Option<Tally> = None;
        for (ms, done, total) in said {
            let now = begin + Duration::from_millis(*ms);
            match &mut tally {
                Some(tally) => drop(tally.add(now, *done, *total, "bytes")),
                None => tally = Some(Tally::new(now, *done, *total, "bytes")),
            }
        }
        tally.unwrap().progress()
    }

    #[test]
    fn rate_and_remaining_time_are_those_since_the_first_report() {
        let now = Instant::now();
        let progress = after(now, &[(0, 100, 1000), (500, 150, 1000), (2000, 300, 1000)]);
        assert_eq!((progress.done, progress.total), (300, 1000));
        assert_eq!(progress.rate, Some(100));
        assert_eq!(progress.remaining, Some(Duration::from_secs(7)));
    }

    #[test]
    fn nothing_is_made_up() {
        let now = Instant::now();
        let progress = after(now, &[(0, 0, 1000)]);
        assert_eq!((progress.rate, progress.remaining), (None, None));
        let progress = after(now, &[(0, 0, 0), (1000, 50, 0)]);
        assert_eq!((progress.total, progress.rate, progress.remaining), (0, Some(50), None));
    }

    #[test]
    fn it_never_goes_back_nor_above_all() {
        let now = Instant::now();
        let progress = after(now, &[(0, 0, 10), (1, 8, 10), (2, 5, 10)]);
        assert_eq!((progress.done, progress.total), (8, 10));
        let progress = after(now, &[(0, 0, 10), (1, 8, 10), (2, 12, 10)]);
        assert!(progress.done < progress.total);
        let progress = after(now, &[(0, 80, 100), (1, 100, 100), (2, 101, 130)]);
        assert_eq!((progress.done, progress.total), (100, 100));
        let progress = after(now, &[(0, 0, 10), (1, 8, 10), (2, 10, 10)]);
        assert_eq!((progress.done, progress.total), (10, 10));
        assert_eq!(progress.remaining, Some(Duration::ZERO));
        let progress = after(now, &[(0, 0, 10), (1, 8, 10), (2, 0, 0)]);
        assert_eq!((progress.done, progress.total), (8, 10), "nothing is not all");
    }
}
