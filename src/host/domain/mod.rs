// SPDX-License-Identifier: LGPL-2.1-or-later
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

use super::frame::argument::{Flag, Listed, flag};
use super::frame::call::Call;
use super::frame::command::Command;
use super::frame::failure::Failure;
use super::frame::given::shown;
use crate::constants as c;
use crate::core::Domain;
use crate::error::Result;

pub(super) static COMMANDS: &[&[Command]] = &[
    lifecycle::COMMANDS,
    facts::COMMANDS,
    stats::COMMANDS,
    devices::COMMANDS,
    tuning::COMMANDS,
    saving::COMMANDS,
];

static CONFIG: Flag = flag("config", "persistent definition, for the next start").choosing();
static LIVE: Flag = flag("live", "live state").choosing();
static CURRENT: Flag = flag("current", "current state, live or persistent; the default")
    .excludes(&[&LIVE, &CONFIG])
    .choosing();
/// Whose state is meant.
static AFFECTED: Listed = &[&CONFIG, &LIVE, &CURRENT];

static PERSISTENT: Flag =
    flag("persistent", "live state and persistent definition").excludes(&[&CURRENT]);
/// Where a device comes and goes.
static PLACE: Listed = &[&PERSISTENT, &AFFECTED];

/// Whose state is meant: the running domain's, its definition's, or both.
fn affected(call: &Call<'_>) -> u32 {
    call.flags(&[(&CONFIG, c::DOMAIN_AFFECT_CONFIG), (&LIVE, c::DOMAIN_AFFECT_LIVE)])
}

fn name_of(domain: &Domain) -> Result<String> {
    Ok(shown(domain.get_name()?).to_owned())
}

/// Where a device comes and goes: in the running domain, its definition, or both.
fn place(call: &Call<'_>, domain: &Domain) -> std::result::Result<u32, Failure> {
    let mut flags = call.flags(&[
        (&CONFIG, c::DOMAIN_AFFECT_CONFIG),
        (&LIVE, c::DOMAIN_AFFECT_LIVE),
        (&PERSISTENT, c::DOMAIN_AFFECT_CONFIG),
    ]);
    if call.flag(&PERSISTENT) && domain.is_active()? {
        flags |= c::DOMAIN_AFFECT_LIVE;
    }
    Ok(flags)
}
