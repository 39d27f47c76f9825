// SPDX-License-Identifier: LGPL-2.1-or-later
//! Metrics of what an inventory knows: those of a fleet that its rows have, without any call.
//!
//! Of a host that is down there is only that, and how old its rows are: its last values would look
//! current.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use super::row::{Cell, Kind, Row, domain};
use crate::error::Result;
use crate::host::metrics::stats::{self, Stat};
use crate::host::metrics::{self, Format, Labels, Lines, Sample, domains, families, node};
use crate::value::Value;

/// What is known of a host.
pub struct Known {
    /// Its URI.
    pub uri: Arc<str>,
    /// The name that it gives itself.
    pub name: Option<Arc<str>>,
    /// Whether its rows are current.
    pub is_up: bool,
    /// Since when all of them were compared.
    pub compared: Option<Instant>,
    /// Its rows.
    pub rows: Vec<Arc<Row>>,
}

/// Writes the text. `has_domains` says whether there are rows of domains.
pub fn write(hosts: &[Known], has_domains: bool, format: Format) -> Result<String> {
    let now = Instant::now();
    let labels = metrics::labels(hosts.iter().map(|host| host.uri.to_string()));
    let lines = hosts.iter().zip(labels).map(|(host, label)| -> Result<Value> {
        let labels = Labels::new("host", &label);
        let mut lines = Lines::default();
        lines.add(&families::UP, &labels, Sample::Uint(host.is_up.into()));
        if let Some(compared) = host.compared {
            let age = now.saturating_duration_since(compared).as_secs_f64();
            lines.add(&families::AGE, &labels, Sample::Double(age));
        }
        metrics::identify(&mut lines, &label, &host.uri, host.name.as_deref());
        if host.is_up {
            if has_domains {
                let domains = host.rows.iter().filter(|row| row.kind == Kind::Domain).count();
                lines.add(&families::DOMAINS, &labels, Sample::Uint(domains as u64));
            }
            for row in one_of_each_name(&host.rows) {
                add(&mut lines, &labels, row)?;
            }
        }
        Ok(lines.into_value())
    });
    Ok(metrics::write(&lines.collect::<Result<Vec<_>>>()?, format))
}

/// A series may be there once. While domains are renamed, two rows may have one name: then the one
/// that was asked for last has it.
fn one_of_each_name(rows: &[Arc<Row>]) -> impl Iterator<Item = &Row> {
    let mut owners: HashMap<(Kind, &str), &Row> = HashMap::with_capacity(rows.len());
    for row in rows {
        let owner = owners.entry((row.kind, &*row.name)).or_insert(row);
        if row.asked > owner.asked {
            *owner = row;
        }
    }
    let is_owner = move |row: &&Row| std::ptr::eq(owners[&(row.kind, &*row.name)], *row);
    rows.iter().map(|row| &**row).filter(is_owner)
}

fn add(lines: &mut Lines, host: &Labels, row: &Row) -> Result<()> {
    match row.kind {
        Kind::Domain => add_domain(lines, host, row),
        // As of a fleet, only of those that are active.
        Kind::Pool if matches!(row.cell("state"), Some(Cell::Named(_, 1..))) => {
            node::add_pool(lines, host, &row.name, |key| number(row, key));
        }
        Kind::Node => return add_node(lines, host, row),
        Kind::Pool | Kind::Network | Kind::Volume => {}
    }
    Ok(())
}

fn number(row: &Row, name: &str) -> Option<Sample> {
    match row.cell(name)? {
        Cell::Uint(number) => Some(Sample::Uint(*number)),
        Cell::Named(_, number) => Some(Sample::Int(i64::from(*number))),
        _ => None,
    }
}

fn add_domain(lines: &mut Lines, host: &Labels, row: &Row) {
    let uuid = row.uuid().map(|uuid| uuid.to_string()).unwrap_or_default();
    let labels = domains::identify(lines, host, &row.name, &uuid);
    if let Cell::Named(name, state) = &row.cells[domain::STATE] {
        domains::add_state(lines, &labels, name, i64::from(*state));
    }
    for (key, place) in [
        ("balloon.maximum", domain::MAX_MEMORY),
        ("balloon.current", domain::MEMORY),
        ("vcpu.current", domain::VCPUS),
    ] {
        add_stat(lines, &labels, (stats::DOMAIN, key), &row.cells[place]);
    }
}

fn add_node(lines: &mut Lines, host: &Labels, row: &Row) -> Result<()> {
    if let Some(cpus) = number(row, "cpus") {
        lines.add(&families::NODE_CPUS, host, cpus);
    }
    if let Some(memory) = row.cell("memory") {
        add_stat(lines, host, (stats::NODE_MEMORY, "total"), memory);
    }
    let text = |name| match row.cell(name) {
        Some(Cell::Text(text)) => &**text,
        _ => "",
    };
    node::add_versions(lines, host, text("version"), text("library_version"))
}

fn add_stat(lines: &mut Lines, labels: &Labels, stat: (&'static [Stat], &str), cell: &Cell) {
    if let (Some(stat), Cell::Uint(number)) = (Stat::find(stat.0, stat.1), cell) {
        lines.add(&stat.family, labels, stat.scale.of(Sample::Uint(*number)));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::row::tests::a_domain;
    use super::*;

    #[test]
    fn of_rows_with_one_name_the_last_one_is_there() {
        let mut rows =
            [(1, "a"), (2, "b"), (3, "a")].map(|(number, name)| a_domain(name, number, 1));
        let [first, _, last] = &mut rows;
        last.asked = first.asked - Duration::from_millis(1);
        let rows = rows.map(Arc::new).to_vec();
        let (uri, name, compared) = ("test:///default".into(), None, None);
        let known = Known { uri, name, is_up: true, compared, rows };
        let text = write(&[known], true, Format::Prometheus).unwrap();
        let infos: Vec<&str> =
            text.lines().filter(|line| line.starts_with("libvirt_domain_info{")).collect();
        assert_eq!(infos.len(), 2);
        assert!(infos[0].contains("000001\"}") && infos[1].contains("000002\"}"), "{infos:?}");
    }
}
