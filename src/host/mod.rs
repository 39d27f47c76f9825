// SPDX-License-Identifier: LGPL-2.1-or-later
//! The host facade: python-kvm's commands, structured and in-process.
//!
//! A [`Host`] runs commands such as "pool.info" and "list_domains" by libvirt's
//! API. Each command is a row of a table ([`frame::command::Command`]): its arguments, what kind
//! of result it gives, and the function that does it. Everything else follows
//! from the table: arguments are checked against it, `vkvm_host_commands` and
//! docs/COMMANDS.md are written from it, and each language makes its methods of
//! it. There is one file of commands per object.
//!
//! Results have the shapes and the texts of python-kvm, which has them from
//! virsh; with `raw` they have numbers and bools instead (see [`frame::text`]).

#[cfg(test)]
mod coverage;
mod domain;
mod fleet;
mod frame;
mod generate;
mod hypervisor;
mod image;
mod interface;
mod inventory;
mod keys;
mod lists;
mod long;
mod lookup;
mod markup;
mod metrics;
mod network;
mod pool;
#[cfg(test)]
mod reference;
mod secret;
mod snapshot;
mod table;
mod virsh;
mod volume;
mod walk;
mod xml_result;

use std::ffi::CStr;
use std::sync::Arc;

pub use fleet::{Fleet, MOST_AT_ONCE};
pub use frame::call::Progress;
pub use generate::{mac, uuid};
pub use inventory::Inventory;
pub use metrics::Format as MetricsFormat;

use crate::core::conn::Options;
use crate::core::lane::Lane;
use crate::core::{Again, Conn, OnLane, Pinned};
use crate::error::Result;
use crate::event;
use crate::value::{Map, Value};

/// A host, managed by commands. It keeps its connection open.
pub struct Host {
    conn: Conn,
}

impl Host {
    /// Opens a connection to a host; libvirt's default without a URI.
    pub fn open(uri: Option<&CStr>) -> Result<Self> {
        let options = Options { uri: uri.map(CStr::to_owned), ..Options::default() };
        Ok(Host { conn: event::open(options)? })
    }

    /// The host of a connection. Closing the connection later does not matter.
    pub fn new(conn: &Conn) -> Result<Self> {
        Ok(Host { conn: conn.another()? })
    }

    /// A connection to it, for what no command does.
    pub fn share_conn(&self) -> Result<Conn> {
        self.conn.another()
    }

    /// Runs a command, such as "pool.info", "net.start" or "list_domains".
    ///
    /// `args` is null, a list of positional arguments, or a map of arguments by
    /// name in which "args" may be a list of positional ones. `progress` hears of
    /// long commands, and can cancel them; others do not call it.
    pub fn call<'a>(
        &'a self,
        command: &str,
        args: &Value,
        progress: Option<&'a mut Progress<'a>>,
    ) -> Result<Value> {
        table::find(command)?.call(&self.conn, args, progress)
    }
}

impl Pinned for Host {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.conn.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.conn.unpin(pin);
    }
}

impl OnLane for Host {
    fn lane(&self) -> Result<Option<Arc<Lane>>> {
        self.conn.lane()
    }
}

impl Again for Host {
    fn again(&self) -> Result<Option<Self>> {
        Ok(self.conn.again()?.map(|conn| Host { conn }))
    }
}

/// Describes all commands: see `vkvm_host_commands`.
pub fn commands() -> Map {
    table::describe()
}
