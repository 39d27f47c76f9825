//! Objects by what a caller calls them, in virsh's order and words.

use std::ffi::CStr;

use super::args::shown;
use super::call::Call;
use super::failure::{Failure, Says};
use crate::core::{Domain, Network};
use crate::error::Result;

/// The length of a uuid as text.
const UUID_LEN: usize = 36;

type Found<T> = std::result::Result<T, Failure>;

/// By uuid if it looks like one, and otherwise, or if there is none, by name.
pub(super) fn by_uuid_or_name<T>(
    what: &str,
    name: &CStr,
    by_uuid: impl FnOnce(&[u8]) -> Result<T>,
    by_name: impl FnOnce(&CStr) -> Result<T>,
) -> Found<T> {
    if name.to_bytes().len() == UUID_LEN
        && let Ok(found) = by_uuid(name.to_bytes())
    {
        return Ok(found);
    }
    by_name(name).or_say(|| format!("failed to get {what} '{}'", shown(name)))
}

/// By uuid and nothing else.
pub(super) fn by_uuid<T>(
    what: &str,
    uuid: &CStr,
    by_uuid: impl FnOnce(&[u8]) -> Result<T>,
) -> Found<T> {
    let said = || format!("failed to get {what} '{}'", shown(uuid));
    if uuid.to_bytes().len() != UUID_LEN {
        return Err(Failure::said(said()));
    }
    by_uuid(uuid.to_bytes()).or_say(said)
}

impl Call<'_> {
    /// The network that the argument "network" names.
    pub(super) fn network(&self) -> Found<Network> {
        let conn = self.conn();
        by_uuid_or_name(
            "network",
            self.needed_text("network")?,
            |uuid| conn.get_network_by_uuid(uuid),
            |name| conn.get_network_by_name(name),
        )
    }

    /// The domain that the argument "domain" names: by its id if it is a number,
    /// by uuid, by name, in this order.
    pub(super) fn domain(&self) -> Found<Domain> {
        let conn = self.conn();
        let name = self.needed_text("domain")?;
        if let Ok(id) = shown(name).parse()
            && let Ok(domain) = conn.get_domain_by_id(id)
        {
            return Ok(domain);
        }
        by_uuid_or_name(
            "domain",
            name,
            |uuid| conn.get_domain_by_uuid(uuid),
            |name| conn.get_domain_by_name(name),
        )
    }
}
