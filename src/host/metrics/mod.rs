// SPDX-License-Identifier: LGPL-2.1-or-later
//! Metrics of a host, in the text form that Prometheus reads.
//!
//! A host's metrics are gathered in a constant number of calls, apart from one for each active
//! storage pool. They are kept as lines by family ([`lines::Lines`]), because the text form wants
//! all samples of a family together, of whichever host they are.

mod attempts;
pub mod domains;
pub mod families;
mod lines;
mod names;
pub mod node;
#[cfg(test)]
mod reference;
mod sample;
pub mod stats;
mod text;

use std::time::{Duration, Instant};

pub use attempts::Stuck;
pub use names::labels;
pub use text::{Format, write};

pub use lines::{Labels, Lines};
pub use sample::Sample;

use crate::error::Result;
use crate::host::Host;

/// Asks a host for all of its metrics, in which it is called `label`. `open` opens it once more,
/// where a guest of it is stuck.
pub fn gather(
    host: &mut Host,
    open: impl Fn() -> Result<Host>,
    stuck: &Stuck,
    label: &str,
    timeout: Duration,
) -> Result<Lines> {
    let begun = Instant::now();
    let mut lines = Lines::default();
    let labels = Labels::new("host", label);
    let records = attempts::domain_stats(host, open, stuck, timeout)?;
    domains::add(&mut lines, &labels, &records)?;
    node::add(&mut lines, &labels, &host.conn)?;
    lines.add(&families::UP, &labels, Sample::Uint(1));
    lines.add(&families::SCRAPE_DURATION, &labels, Sample::Double(begun.elapsed().as_secs_f64()));
    Ok(lines)
}

/// The metrics of a host that has given none.
pub fn missing(label: &str, after: Duration) -> Lines {
    let mut lines = Lines::default();
    let host = Labels::new("host", label);
    lines.add(&families::UP, &host, Sample::Uint(0));
    lines.add(&families::SCRAPE_DURATION, &host, Sample::Double(after.as_secs_f64()));
    lines
}

/// Adds which host it is: its URI, and the name that it gives itself.
pub fn identify(lines: &mut Lines, label: &str, uri: &str, name: Option<&str>) {
    let labels = Labels::new("host", label).and("uri", uri).and("hostname", name.unwrap_or(""));
    lines.add(&families::HOST_INFO, &labels, Sample::Uint(1));
}
