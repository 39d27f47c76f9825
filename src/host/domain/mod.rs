//! The commands of domains.

mod attach;
mod devices;
mod facts;
mod keys;
mod lifecycle;
mod saving;
mod stats;
mod storage;
mod tuning;

use virt::sys;

use super::frame::argument::{Argument, Kind, flag, needed};
use super::frame::call::{Call, Command};
use super::frame::failure::Failure;
use super::frame::given::shown;
use crate::core::Domain;
use crate::error::Result;

pub(super) const COMMANDS: &[&[Command]] = &[
    lifecycle::COMMANDS,
    facts::COMMANDS,
    stats::COMMANDS,
    devices::COMMANDS,
    tuning::COMMANDS,
    saving::COMMANDS,
];

const DOMAIN: Argument = needed("domain", Kind::Text, "the domain's name, id or uuid");
const CONFIG: Argument = flag("config", "as it will be when it starts next");
const LIVE: Argument = flag("live", "while it runs");
const CURRENT: Argument =
    flag("current", "the one of both that it is in now; the default").excludes(&["live", "config"]);

/// Whose state is meant: the running domain's, its definition's, or both.
fn affected(call: &Call<'_>) -> u32 {
    call.flags(&[("config", sys::VIR_DOMAIN_AFFECT_CONFIG), ("live", sys::VIR_DOMAIN_AFFECT_LIVE)])
}

fn name_of(domain: &Domain) -> Result<String> {
    Ok(shown(domain.get_name()?).to_owned())
}

/// Where a device comes and goes: in the running domain, its definition, or both.
fn place(call: &Call<'_>, domain: &Domain) -> std::result::Result<u32, Failure> {
    let mut flags = call.flags(&[
        ("config", sys::VIR_DOMAIN_AFFECT_CONFIG),
        ("live", sys::VIR_DOMAIN_AFFECT_LIVE),
        ("persistent", sys::VIR_DOMAIN_AFFECT_CONFIG),
    ]);
    if call.flag("persistent") && domain.is_active()? {
        flags |= sys::VIR_DOMAIN_AFFECT_LIVE;
    }
    Ok(flags)
}
