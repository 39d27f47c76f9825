// SPDX-License-Identifier: LGPL-2.1-or-later
//! How long something may take: the time that its caller set, and the deadline that follows.

use std::time::{Duration, Instant};

/// A time that something may take, and when it has passed. The default has no end.
#[derive(Clone, Copy, Default)]
pub struct Limit {
    timeout: Duration,
    deadline: Option<Instant>,
}

impl Limit {
    /// From now on.
    pub fn new(timeout: Duration) -> Self {
        Limit::since(Instant::now(), timeout)
    }

    /// From when the caller began. What cannot be told as a deadline has no end.
    pub fn since(begin: Instant, timeout: Duration) -> Self {
        Limit { timeout, deadline: begin.checked_add(timeout) }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How much of it is left.
    pub fn rest(&self) -> Duration {
        self.deadline
            .map_or(self.timeout, |deadline| deadline.saturating_duration_since(Instant::now()))
    }

    /// What was set, in milliseconds, for messages.
    pub fn ms(&self) -> u64 {
        self.timeout.as_millis() as u64
    }
}
