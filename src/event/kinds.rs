// SPDX-License-Identifier: LGPL-2.1-or-later
//! The kinds of events: which arguments libvirt passes with each, and what
//! they are called. A new kind is a row here; if libvirt calls it back in a way
//! that none before had, also a function in `signature`.

use std::ffi::c_int;

use virt::sys;

/// How libvirt passes what happened.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are the arguments' types")]
pub enum Signature {
    Nothing,
    /// Two integers; the callback returns one, which means nothing.
    Lifecycle,
    Int,
    IntInt,
    IntIntUnsigned,
    IntText,
    Unsigned,
    Long,
    UnsignedLong,
    Text,
    TextInt,
    TextIntInt,
    /// Text and two integers, of which the text is delivered last.
    IntIntAfterText,
    TextUnsignedLong,
    TextTextInt,
    TextTextIntText,
    TextTextText,
    TextTextTextInt,
    TextTextUnsignedLongs,
    Params,
    Graphics,
}

/// A kind of event.
pub struct Kind {
    /// One of the class's `EVENT_ID_*`.
    pub id: c_int,
    /// How libvirt calls back.
    pub signature: Signature,
    /// The names of the arguments, in the order in which Sys::Virt passes them.
    pub names: &'static [&'static str],
}

const fn kind(id: u32, signature: Signature, names: &'static [&'static str]) -> Kind {
    Kind { id: id as c_int, signature, names }
}

/// Finds a kind.
pub fn find(kinds: &'static [Kind], id: c_int) -> Option<&'static Kind> {
    kinds.iter().find(|kind| kind.id == id)
}

/// The names of the arguments of QEMU's monitor's events.
pub const MONITOR: &[&str] = &["event", "seconds", "micros", "details"];

const DEVICE: &[&str] = &["devAlias"];
const REASON: &[&str] = &["reason"];
const BLOCK_JOB: &[&str] = &["path", "type", "status"];
const STATE: &[&str] = &["state", "reason"];
const LIFECYCLE: &[&str] = &["event", "detail"];
const METADATA: &[&str] = &["type", "nsuri"];

/// What happens to domains.
pub const DOMAIN: &[Kind] = &[
    kind(sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE, Signature::Lifecycle, LIFECYCLE),
    kind(sys::VIR_DOMAIN_EVENT_ID_REBOOT, Signature::Nothing, &[]),
    kind(sys::VIR_DOMAIN_EVENT_ID_RTC_CHANGE, Signature::Long, &["utcoffset"]),
    kind(sys::VIR_DOMAIN_EVENT_ID_WATCHDOG, Signature::Int, &["action"]),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_IO_ERROR,
        Signature::TextTextInt,
        &["srcPath", "devAlias", "action"],
    ),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_GRAPHICS,
        Signature::Graphics,
        &["phase", "local", "remote", "authScheme", "identities"],
    ),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON,
        Signature::TextTextIntText,
        &["srcPath", "devAlias", "action", "reason"],
    ),
    kind(sys::VIR_DOMAIN_EVENT_ID_CONTROL_ERROR, Signature::Nothing, &[]),
    kind(sys::VIR_DOMAIN_EVENT_ID_BLOCK_JOB, Signature::TextIntInt, BLOCK_JOB),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_DISK_CHANGE,
        Signature::TextTextTextInt,
        &["oldSrcPath", "newSrcPath", "devAlias", "reason"],
    ),
    kind(sys::VIR_DOMAIN_EVENT_ID_TRAY_CHANGE, Signature::TextInt, &["devAlias", "reason"]),
    kind(sys::VIR_DOMAIN_EVENT_ID_PMWAKEUP, Signature::Int, REASON),
    kind(sys::VIR_DOMAIN_EVENT_ID_PMSUSPEND, Signature::Int, REASON),
    kind(sys::VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE, Signature::UnsignedLong, &["actual"]),
    kind(sys::VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK, Signature::Int, REASON),
    kind(sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, Signature::Text, DEVICE),
    kind(sys::VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, Signature::TextIntInt, BLOCK_JOB),
    kind(sys::VIR_DOMAIN_EVENT_ID_TUNABLE, Signature::Params, &["params"]),
    kind(sys::VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, Signature::IntInt, STATE),
    kind(sys::VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, Signature::Text, DEVICE),
    kind(sys::VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION, Signature::Int, &["iteration"]),
    kind(sys::VIR_DOMAIN_EVENT_ID_JOB_COMPLETED, Signature::Params, &["params"]),
    kind(sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, Signature::Text, DEVICE),
    kind(sys::VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, Signature::IntText, METADATA),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD,
        Signature::TextTextUnsignedLongs,
        &["dev", "path", "threshold", "excess"],
    ),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE,
        Signature::IntIntUnsigned,
        &["recipient", "action", "flags"],
    ),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
        Signature::TextUnsignedLong,
        &["alias", "size"],
    ),
    kind(
        sys::VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE,
        Signature::TextTextText,
        &["alias", "oldMAC", "newMAC"],
    ),
    kind(sys::VIR_DOMAIN_EVENT_ID_VCPU_REMOVED, Signature::Unsigned, &["vcpuid"]),
    // Sys::Virt has no name of the channel; so it comes last.
    kind(
        sys::VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE,
        Signature::IntIntAfterText,
        &["state", "reason", "channelName"],
    ),
];

/// What happens to networks.
pub const NETWORK: &[Kind] = &[
    kind(sys::VIR_NETWORK_EVENT_ID_LIFECYCLE, Signature::IntInt, LIFECYCLE),
    kind(sys::VIR_NETWORK_EVENT_ID_METADATA_CHANGE, Signature::IntText, METADATA),
];

/// What happens to storage pools.
pub const STORAGE_POOL: &[Kind] = &[
    kind(sys::VIR_STORAGE_POOL_EVENT_ID_LIFECYCLE, Signature::IntInt, LIFECYCLE),
    kind(sys::VIR_STORAGE_POOL_EVENT_ID_REFRESH, Signature::Nothing, &[]),
];

/// What happens to devices of the host.
pub const NODE_DEVICE: &[Kind] = &[
    kind(sys::VIR_NODE_DEVICE_EVENT_ID_LIFECYCLE, Signature::IntInt, LIFECYCLE),
    kind(sys::VIR_NODE_DEVICE_EVENT_ID_UPDATE, Signature::Nothing, &[]),
];

/// What happens to secrets.
pub const SECRET: &[Kind] = &[
    kind(sys::VIR_SECRET_EVENT_ID_LIFECYCLE, Signature::IntInt, LIFECYCLE),
    kind(sys::VIR_SECRET_EVENT_ID_VALUE_CHANGED, Signature::Nothing, &[]),
];
