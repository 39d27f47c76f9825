// SPDX-License-Identifier: LGPL-2.1-or-later
//! Objects by what a caller calls them, in virsh's order and words.

use std::ffi::CStr;

use super::frame::argument::{Needed, Optional, Text, needed};
use super::frame::call::Call;
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use crate::core::{Domain, Network, StoragePool, StorageVol};
use crate::error::Result;

/// The length of a uuid as text.
const UUID_LEN: usize = 36;

type Found<T> = std::result::Result<T, Failure>;

pub(super) static DOMAIN: Needed<Text> = needed("domain", "name, id or UUID of the domain");
pub(super) static NETWORK: Needed<Text> = needed("network", "name or UUID of the network");

/// By uuid if it looks like one, and otherwise, or if there is none, by name.
pub(super) fn by_uuid_or_name<T>(
    what: &str,
    name: &CStr,
    by_uuid: impl FnOnce(&[u8]) -> Result<T>,
    by_name: impl FnOnce(&CStr) -> Result<T>,
) -> Found<T> {
    if name.to_bytes().len() == UUID_LEN {
        if let Ok(found) = by_uuid(name.to_bytes()) {
            return Ok(found);
        }
    }
    by_name(name).or_say(|| format!("failed to get {what} '{}'", shown(name)))
}

/// By uuid and nothing else; the argument has the name of what is looked up.
pub(super) fn by_uuid<T>(
    what: &'static str,
    uuid: &CStr,
    by_uuid: impl FnOnce(&[u8]) -> Result<T>,
) -> Found<T> {
    let said = || format!("failed to get {what} '{}'", shown(uuid));
    if uuid.to_bytes().len() != UUID_LEN {
        return Err(Failure::refused(what, said()));
    }
    by_uuid(uuid.to_bytes()).or_say(said)
}

impl Call<'_> {
    /// The network that [`NETWORK`] names.
    pub(super) fn network(&self) -> Found<Network> {
        let conn = self.conn();
        by_uuid_or_name(
            "network",
            self.c_text(&NETWORK)?,
            |uuid| conn.get_network_by_uuid(uuid),
            |name| conn.get_network_by_name(name),
        )
    }

    /// The storage pool that an argument names.
    pub(super) fn pool(&self, argument: &Needed<Text>) -> Found<StoragePool> {
        self.pool_named(self.c_text(argument)?)
    }

    fn pool_named(&self, name: &CStr) -> Found<StoragePool> {
        let conn = self.conn();
        by_uuid_or_name(
            "pool",
            name,
            |uuid| conn.get_storage_pool_by_uuid(uuid),
            |name| conn.get_storage_pool_by_name(name),
        )
    }

    /// The volume that an argument names: by its name in the pool that another
    /// argument names, if that is there, by key, by path, in this order.
    pub(super) fn volume(
        &self,
        argument: &Needed<Text>,
        pool_argument: Option<&Optional<Text>>,
    ) -> Found<StorageVol> {
        let conn = self.conn();
        let name = self.c_text(argument)?;
        let pool = match pool_argument.and_then(|argument| self.c_text(argument)) {
            Some(pool) => Some((shown(pool), self.pool_named(pool)?)),
            None => None,
        };
        if let Some((pool_name, pool)) = &pool {
            if !pool.is_active()? {
                return Err(Failure::said(format!("pool '{pool_name}' is not active")));
            }
            if let Ok(volume) = pool.get_volume_by_name(name) {
                return Ok(volume);
            }
        }
        let volume = conn
            .get_storage_volume_by_key(name)
            .or_else(|_| conn.get_storage_volume_by_path(name))
            .or_say(|| match (&pool, pool_argument) {
                (None, Some(argument)) => {
                    let hint = format!("specifying --{} might help", argument.name());
                    format!("failed to get vol '{}', {hint}", shown(name))
                }
                _ => format!("failed to get vol '{}'", shown(name)),
            })?;
        let Some((pool_name, pool)) = &pool else { return Ok(volume) };
        if conn.get_storage_pool_by_volume(&volume)?.get_uuid()? != pool.get_uuid()? {
            let name = shown(name);
            let said = format!("Requested volume '{name}' is not in pool '{pool_name}'");
            return Err(Failure::said(said));
        }
        Ok(volume)
    }

    /// The domain that [`DOMAIN`] names: by its id if it is a number,
    /// by uuid, by name, in this order.
    pub(super) fn domain(&self) -> Found<Domain> {
        let conn = self.conn();
        let name = self.c_text(&DOMAIN)?;
        if let Ok(id) = shown(name).parse() {
            if let Ok(domain) = conn.get_domain_by_id(id) {
                return Ok(domain);
            }
        }
        by_uuid_or_name(
            "domain",
            name,
            |uuid| conn.get_domain_by_uuid(uuid),
            |name| conn.get_domain_by_name(name),
        )
        .map_err(Failure::without_cause)
    }
}
