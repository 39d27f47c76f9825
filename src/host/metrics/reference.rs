// SPDX-License-Identifier: LGPL-2.1-or-later
//! docs/METRICS.md: the families, for people.

use std::fmt::Write as _;
use std::{env, fs};

use super::families::{Family, Kind};
use super::stats::{self, GROUPS};

const HEAD: &str = "\
# Metrics

Generated from the families in `src/host/metrics`: `make generate` writes this file.

`vkvm_fleet_get_metrics` and `VKVM::Fleet->metrics` return these; the
[guide](guide/metrics.md) says how to use them. Every sample has the label `host`. What libvirt
does not know of a domain or a host has no sample.
";

fn table(text: &mut String, title: &str, labels: &str, families: &[&Family]) {
    let _ = write!(text, "\n## {title}\n\nLabels: {labels}.\n\n| name | type | |\n|---|---|---|\n");
    for family in families {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let _ = writeln!(text, "| `{}` | {kind} | {} |", family.name, family.help);
    }
}

fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let of_several = |name: &str| {
        GROUPS.iter().any(|group| group.stats.iter().any(|stat| stat.family.name == name))
    };
    let (mut hosts, mut pools, mut domains) = (Vec::new(), Vec::new(), Vec::new());
    for family in stats::all().filter(|family| !of_several(family.name)) {
        match family.name {
            name if name.starts_with("libvirt_domain_") => domains.push(family),
            name if name.starts_with("libvirt_storage_pool_") => pools.push(family),
            _ => hosts.push(family),
        }
    }
    table(
        &mut text,
        "Hosts",
        "`host`; `mode` of CPU time; those of the `_info` ones say what they are",
        &hosts,
    );
    table(&mut text, "Storage pools", "`host`, `storage_pool`", &pools);
    table(
        &mut text,
        "Domains",
        "`host`, `domain`; `uuid` of `libvirt_domain_info`; `state_desc` of the state",
        &domains,
    );
    for (title, group) in ["vCPUs", "Disks", "Network interfaces"].into_iter().zip(GROUPS) {
        let labels = format!("`host`, `domain`, `{}`", group.label);
        let families: Vec<&Family> = group.stats.iter().map(|stat| &stat.family).collect();
        table(&mut text, title, &labels, &families);
    }
    text
}

/// Compares docs/METRICS.md, or writes it when VKVM_WRITE_COMMANDS is set.
#[test]
fn the_list_of_metrics_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");
    let wanted = markdown();
    if env::var_os("VKVM_WRITE_COMMANDS").is_some() {
        fs::write(path, &wanted).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    assert!(found == wanted, "docs/METRICS.md is not up to date: run `make generate`");
}

/// Prometheus' rules, which promtool checks of what a host has; this is about all.
#[test]
fn names_have_units_and_ends_that_prometheus_wants() {
    let mut known = std::collections::BTreeSet::new();
    for family in stats::all() {
        assert!(known.insert(family.name), "{} is there twice", family.name);
        assert_eq!(
            family.kind == Kind::Counter,
            family.name.ends_with("_total"),
            "{}",
            family.name
        );
        assert!(
            family.help.ends_with('.') && !family.help.contains(['\\', '\n']),
            "{}",
            family.name
        );
    }
}
