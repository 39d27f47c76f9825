// SPDX-License-Identifier: LGPL-2.1-or-later
//! From the statistics of domains to samples.
//!
//! What libvirt does not say has no sample: a guest without a balloon driver does not use 0
//! bytes. libvirt's keys are `cpu.time`, or `net.0.rx.bytes` for the first of several.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::families;
use super::lines::{Labels, Lines};
use super::sample::Sample;
use super::stats::{self, Group, Stat};
use crate::core::Domain;
use crate::core::typed_params::TypedParams;
use crate::enums;
use crate::error::Result;
use crate::value::Value;

/// A statistic's key and value.
type Entry<'a> = (Cow<'a, str>, Value);

/// The labels of each device or vCPU, by the beginning of its keys and its number.
type Devices<'a> = BTreeMap<(&'static str, &'a str), Labels>;

/// Adds the samples of all domains of a host.
pub fn add(lines: &mut Lines, host: &Labels, records: &[(Domain, TypedParams)]) -> Result<()> {
    let states = enums::group("domain_state", "state")?;
    lines.add(&families::DOMAINS, host, Sample::Uint(records.len() as u64));
    for (domain, stats) in records {
        let uuid = domain.get_uuid_string()?;
        let labels =
            identify(lines, host, &domain.get_name()?.to_string_lossy(), &uuid.to_string_lossy());
        let stats = stats.entries();
        if let Some(Value::Int(state)) = find(&stats, "state.state") {
            // A later libvirt's state has a number, and no name here.
            let name = states.name_of(*state, "state").unwrap_or_default();
            add_state(lines, &labels, &name, *state);
        }
        add_used(lines, &labels, &stats);
        let devices = devices(&labels, &stats);
        for (key, value) in &stats {
            add_one(lines, &labels, &devices, key, value);
        }
    }
    Ok(())
}

/// Adds which domain it is, and gives the labels of its other samples.
pub fn identify(lines: &mut Lines, host: &Labels, name: &str, uuid: &str) -> Labels {
    let labels = host.and("domain", name);
    lines.add(&families::DOMAIN_INFO, &labels.and("uuid", uuid), Sample::Uint(1));
    labels
}

/// Adds the state of a domain.
pub fn add_state(lines: &mut Lines, labels: &Labels, name: &str, state: i64) {
    lines.add(&families::DOMAIN_STATE, &labels.and("state_desc", name), Sample::Int(state));
}

fn add_one(lines: &mut Lines, domain: &Labels, devices: &Devices<'_>, key: &str, value: &Value) {
    let Some(sample) = Sample::of(value) else {
        return;
    };
    if let Some(stat) = Stat::find(stats::DOMAIN, key) {
        return lines.add(&stat.family, domain, stat.scale.of(sample));
    }
    let Some((group, number, rest)) = split(key) else {
        return;
    };
    let labels = devices.get(&(group.prefix, number));
    if let (Some(stat), Some(labels)) = (Stat::find(group.stats, rest), labels) {
        lines.add(&stat.family, labels, stat.scale.of(sample));
    }
}

/// What nobody tells, but two of libvirt's numbers together.
fn add_used(lines: &mut Lines, domain: &Labels, stats: &[Entry<'_>]) {
    let all = find(stats, "balloon.available").and_then(Sample::of);
    let usable = find(stats, "balloon.usable").and_then(Sample::of);
    if let (Some(Sample::Uint(all @ 1..)), Some(Sample::Uint(usable))) = (all, usable) {
        let percent = 100.0 * all.saturating_sub(usable) as f64 / all as f64;
        lines.add(&families::MEMORY_USED, domain, Sample::Double(percent));
    }
}

/// The devices are called as libvirt calls them. Several may have no name, or the same one
/// (network devices of the host's hardware): these are called after their place, for no two
/// samples of a family may have the same labels.
fn devices<'a>(domain: &Labels, stats: &'a [Entry<'_>]) -> Devices<'a> {
    let mut devices = Devices::new();
    let mut taken = BTreeSet::new();
    for (key, value) in stats {
        let Some((group, number, rest)) = split(key) else {
            continue;
        };
        let name = match value {
            Value::String(name) if rest == "name" => name.as_str(),
            _ if group.named => continue,
            _ => number,
        };
        if devices.contains_key(&(group.prefix, number)) {
            continue;
        }
        let name = match name.is_empty() || !taken.insert((group.prefix, name)) {
            true if group.named => format!("{}{number}", group.prefix),
            _ => name.to_owned(),
        };
        devices.insert((group.prefix, number), domain.and(group.label, &name));
    }
    devices
}

/// The parts of a key: `net.0.rx.bytes`.
fn split(key: &str) -> Option<(&'static Group, &str, &str)> {
    let (prefix, rest) = key.split_once('.')?;
    let group = stats::GROUPS.iter().find(|group| group.prefix == prefix)?;
    let (number, rest) = rest.split_once('.')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some((group, number, rest))
}

fn find<'a>(stats: &'a [Entry<'_>], key: &str) -> Option<&'a Value> {
    stats.iter().find(|(name, _)| name == key).map(|(_, value)| value)
}
