// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host's CPUs and memory as a whole, and suspending it.

use std::thread;
use std::time::Duration;

use super::{CPU, DURATION, NODEMEMSTATS_CELL, PERCENT, PRETTY};
use crate::constants as c;
use crate::error::Result;
use crate::host::frame::argument::{Int, Needed, Optional, Text, needed};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::text;
use crate::host::frame::words::{Words, names};
use crate::value::{Map, Value};

/// All together, where one CPU or NUMA cell can be asked about.
const ALL: i32 = -1;

/// The kinds of CPU time: what virsh calls them, and libvirt.
const TIMES: [(&str, &str); 5] = [
    ("user", "user"),
    ("system", "kernel"),
    ("idle", "idle"),
    ("iowait", "iowait"),
    ("intr", "intr"),
];

pub fn info(call: &mut Call<'_>) -> Outcome {
    let info = Value::Map(call.conn().get_node_info()?);
    let number = |name| info.get_uint64(name);
    let mhz = number("mhz")?;
    let mut map = Map::with_capacity(8);
    map.push_new("cpu_model", call.converted(info.get_str("model")?));
    map.push_new("cpus", number("cpus")?);
    let hz = Value::Uint(mhz * 1_000_000);
    map.push_new("cpu_frequency", if call.raw() { hz } else { text::with_unit(mhz, "MHz") });
    map.push_new("cpu_sockets", number("sockets")?);
    map.push_new("cores_per_socket", number("cores")?);
    map.push_new("threads_per_core", number("threads")?);
    map.push_new("numa_cells", number("nodes")?);
    map.push_new("memory_size", call.kib(number("memory")?));
    Ok(map.into())
}

pub fn cpumap(call: &mut Call<'_>) -> Outcome {
    let (present, bits, online) = call.conn().get_node_cpu_map(0)?;
    let present = present.max(0) as usize;
    let is_online = |cpu: usize| bits.get(cpu / 8).is_some_and(|byte| byte >> (cpu % 8) & 1 == 1);
    let numbers: Vec<usize> = (0..present).filter(|cpu| is_online(*cpu)).collect();
    let shown = if call.raw() {
        Value::List(numbers.iter().map(|cpu| Value::Uint(*cpu as u64)).collect())
    } else if call.flag(&PRETTY) {
        call.converted(&text::ranges(&numbers))
    } else {
        (0..present).map(|cpu| if is_online(cpu) { 'y' } else { '-' }).collect::<String>().into()
    };
    let mut map = Map::with_capacity(3);
    map.push_new("cpus_present", present as u64);
    map.push_new("cpus_online", online);
    map.push_new("cpu_map", shown);
    Ok(map.into())
}

pub fn cpustats(call: &mut Call<'_>) -> Outcome {
    let cpu = small(call, &CPU)?;
    let stats = || call.conn().get_node_cpu_stats(cpu, 0);
    let first = stats()?;
    let of = |stats: &Map, name: &str| stats.get(name).map_or(Ok(0), |time| time.get_uint64(""));
    if !call.flag(&PERCENT) {
        let times = TIMES.iter().filter(|(_, name)| first.get(name).is_some());
        let times = times.map(|(shown, name)| Ok((*shown, of(&first, name)?)));
        return Ok(times.collect::<Result<Map>>()?.into());
    }
    // Some hypervisors know the load by themselves; then there is nothing to measure.
    if first.get("utilization").is_some() {
        let usage = of(&first, "utilization")? as f64;
        let whole = |number: f64| percent(call, number, 0);
        let mut map = Map::with_capacity(2);
        map.push_new("usage", whole(usage));
        map.push_new("idle", whole(100.0 - usage));
        return Ok(map.into());
    }
    thread::sleep(Duration::from_secs(1));
    let second = stats()?;
    let spent = |name: &str| -> Result<f64> {
        Ok(of(&second, name)?.saturating_sub(of(&first, name)?) as f64)
    };
    let all = TIMES.iter().map(|(_, name)| spent(name)).sum::<Result<f64>>()?;
    // A host whose clock stands, such as the test driver's, did nothing.
    let share = |time: f64| percent(call, if all > 0.0 { time / all * 100.0 } else { 0.0 }, 1);
    let mut map = Map::with_capacity(6);
    map.push_new("usage", share(all - spent("idle")? - spent("iowait")?));
    for (shown, name) in TIMES {
        if first.get(name).is_some() {
            map.push_new(shown, share(spent(name)?));
        }
    }
    Ok(map.into())
}

fn percent(call: &Call<'_>, number: f64, digits: usize) -> Value {
    if call.raw() { number.into() } else { format!("{number:.digits$}%").into() }
}

pub fn memstats(call: &mut Call<'_>) -> Outcome {
    let cell = small(call, &NODEMEMSTATS_CELL)?;
    let stats = call.conn().get_node_memory_stats(cell, 0)?;
    let entry = |(name, kib): (&str, &Value)| Ok((name.to_owned(), call.kib(kib.get_uint64("")?)));
    Ok(stats.iter().map(entry).collect::<Result<Map>>()?.into())
}

/// How much of a computer goes on while it is suspended.
pub(in crate::host) const SUSPEND_TARGETS: [(&str, u32); 3] = [
    ("mem", c::CONN_NODE_SUSPEND_TARGET_MEM),
    ("disk", c::CONN_NODE_SUSPEND_TARGET_DISK),
    ("hybrid", c::CONN_NODE_SUSPEND_TARGET_HYBRID),
];
const SUSPEND_NAMES: &[&str] = &names(&SUSPEND_TARGETS);
pub(in crate::host) static SUSPEND_TARGET: Needed<Text> = needed("target", "mem, disk or hybrid")
    .one_of(&Words::new(SUSPEND_NAMES, "Invalid target '{}'"));

pub fn suspend(call: &mut Call<'_>) -> Outcome {
    let target = call.meaning(&SUSPEND_TARGET, &SUSPEND_TARGETS)??;
    let duration = call.number(&DURATION, 0..=i64::MAX, "Invalid duration")??;
    call.conn()
        .node_suspend_for_duration(target, duration, 0)
        .or_say(|| "The host was not suspended".to_owned())?;
    Ok("".into())
}

/// Which CPU or cell; all of them if none was given.
fn small(call: &Call<'_>, argument: &Optional<Int>) -> std::result::Result<i32, Failure> {
    let number = call.number(argument, ALL.into()..=i32::MAX.into(), "Invalid value")?;
    Ok(number.unwrap_or(ALL))
}
