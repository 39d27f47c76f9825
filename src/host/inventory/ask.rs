// SPDX-License-Identifier: LGPL-2.1-or-later
//! Asking a host for rows: a constant number of calls for all domains, and for all networks;
//! one more for each pool and each volume, of which libvirt lists no sizes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::details::Details;
use super::errand::Errand;
use super::row::{Cell, Key, Kind, Row, domain};
use crate::constants as c;
use crate::core::conn::DomainFacts;
use crate::core::{Conn, Domain, StoragePool};
use crate::error::{Error, Misuse, Result};
use crate::host::frame::text::dotted;
use crate::host::walk::{self, Gone};
use crate::value::{Map, Value};

/// What libvirt tells of domains without their documents. All but the state asks QEMU.
const ALL: u32 = c::DOMAIN_STATS_STATE | c::DOMAIN_STATS_VCPU | c::DOMAIN_STATS_BALLOON;

/// Who asks: the host's URI, and the visit that the calls belong to.
pub struct Asker<'a> {
    /// The URI.
    pub uri: &'a Arc<str>,
    /// The connection.
    pub conn: &'a Conn,
    /// The visit.
    pub errand: &'a Errand,
    /// Whether guests that do not answer hold up what asks QEMU.
    pub light: bool,
    /// Whether this is the first time on the connection: what stays as long is asked for.
    pub is_new: bool,
    /// Whether the driver's statistics lack sizes, which documents have.
    pub lacks_sizes: &'a AtomicBool,
    /// Whether a visit was late, perhaps for a guest whose QEMU does not answer: from libvirt 11
    /// on its document waits for that, too.
    pub is_wary: bool,
}

/// A domain of which something has happened.
pub struct Touched {
    /// It.
    pub domain: Domain,
    /// What may be different.
    pub what: What,
}

/// What may be different of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct What {
    /// Sizes, for which the bulk call asks QEMU.
    pub sizes: bool,
    /// What the bulk call does not tell.
    pub flags: bool,
    /// What its document says.
    pub details: bool,
}

impl What {
    /// Both together.
    pub fn and(self, other: What) -> What {
        What {
            sizes: self.sizes || other.sizes,
            flags: self.flags || other.flags,
            details: self.details || other.details,
        }
    }
}

impl Asker<'_> {
    fn row(&self, kind: Kind, key: Key, name: &str, cells: Vec<Cell>) -> Row {
        let host = Arc::clone(self.uri);
        let asked = Instant::now();
        Row { kind, host, key, name: name.into(), cells: cells.into(), asked }
    }

    /// A call is about to begin.
    fn conn(&self) -> Result<&Conn> {
        self.errand.step()?;
        Ok(self.conn)
    }

    /// Whether a call has failed for a reason that leaves the connection as it is.
    pub fn outlives(&self) -> bool {
        self.errand.is_on() && self.conn.is_alive().unwrap_or(false)
    }

    /// All objects of a kind.
    pub fn all(&self, kind: Kind) -> Result<Vec<Row>> {
        match kind {
            Kind::Domain => self.domains(),
            Kind::Network => self.networks(),
            Kind::Pool => self.pools(),
            Kind::Volume => self.volumes(),
            Kind::Node => self.node(),
        }
    }

    // --- domains -----------------------------------------------------------------------------

    fn facts(&self, domains: &[&Domain], with_sizes: bool) -> Result<Vec<DomainFacts>> {
        let stats = if self.light || !with_sizes { c::DOMAIN_STATS_STATE } else { ALL };
        self.conn()?.get_domain_facts(stats, domains, c::DOMAIN_GET_ALL_STATS_NOWAIT)
    }

    fn domains(&self) -> Result<Vec<Row>> {
        let facts = match self.facts(&[], true) {
            Err(error) if walk::is_unsupported(&error) => self.facts_one_by_one()?,
            other => other?,
        };
        if let Some(first) = facts.first().filter(|_| !self.light) {
            self.lacks_sizes.store(first.vcpus.is_none(), Ordering::Relaxed);
        }
        // The shorter one of two lists that say the same.
        let autostart = self.set(c::DOMAIN_LIST_AUTOSTART)?;
        let transient = self.set(c::DOMAIN_LIST_TRANSIENT)?;
        let saved = self.set(c::DOMAIN_LIST_MANAGEDSAVE)?;
        let snapshots = self.set(c::DOMAIN_LIST_HAS_SNAPSHOT)?;
        let is_in = |set: &Option<HashSet<Uuid>>, uuid: &Uuid, wanted: bool| match set {
            Some(set) => Cell::Bool(set.contains(uuid) == wanted),
            None => Cell::None,
        };
        let row = |facts: DomainFacts| {
            let mut row = self.domain(&facts);
            row.cells[domain::AUTOSTART] = is_in(&autostart, &facts.uuid, true);
            row.cells[domain::PERSISTENT] = is_in(&transient, &facts.uuid, false);
            row.cells[domain::MANAGED_SAVE] = is_in(&saved, &facts.uuid, true);
            row.cells[domain::HAS_SNAPSHOTS] = is_in(&snapshots, &facts.uuid, true);
            row
        };
        Ok(facts.into_iter().map(row).collect())
    }

    /// The domains that pass a filter; None where the driver does not have it.
    fn set(&self, flag: u32) -> Result<Option<HashSet<Uuid>>> {
        match self.conn()?.list_domain_uuids(flag) {
            Ok(uuids) => Ok(Some(uuids.into_iter().collect())),
            Err(error) if is_refused(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn domain(&self, facts: &DomainFacts) -> Row {
        let mut cells = vec![Cell::Keep; domain::COUNT];
        let number = |number: Option<u64>| number.map_or(Cell::Keep, Cell::Uint);
        cells[domain::ID] = Cell::Int(facts.id.into());
        let state = facts.state.unwrap_or(c::DOMAIN_STATE_NOSTATE as i32);
        cells[domain::STATE] = Cell::domain_state(state);
        cells[domain::REASON] =
            facts.reason.map_or(Cell::None, |reason| Cell::reason(state, reason));
        cells[domain::VCPUS] = number(facts.vcpus);
        cells[domain::MEMORY] = number(facts.memory);
        cells[domain::MAX_MEMORY] = number(facts.max_memory);
        self.row(Kind::Domain, Key::Uuid(facts.uuid), &facts.name, cells)
    }

    /// For drivers without statistics.
    fn facts_one_by_one(&self) -> Result<Vec<DomainFacts>> {
        let mut all = Vec::new();
        for domain in self.conn()?.list_all_domains(0)? {
            if let Some(facts) = self.facts_of(&domain)? {
                all.push(facts);
            }
        }
        Ok(all)
    }

    fn facts_of(&self, domain: &Domain) -> Result<Option<DomainFacts>> {
        self.conn()?;
        let Some(info) = walk::present(domain.get_info_numbers(), Gone::Domain)? else {
            return Ok(None);
        };
        self.conn()?;
        let Some((state, reason)) = walk::present(domain.get_state(0), Gone::Domain)? else {
            return Ok(None);
        };
        Ok(Some(DomainFacts {
            uuid: domain.get_uuid()?,
            name: domain.get_name()?.to_string_lossy().into_owned(),
            id: domain.get_id(),
            state: Some(state),
            reason: Some(reason),
            vcpus: Some(info.nr_virt_cpu.into()),
            memory: Some(info.memory),
            max_memory: Some(info.max_mem),
        }))
    }

    /// What some domains are now, of which something has happened; None for those that are
    /// gone.
    pub fn some(&self, touched: &[Touched]) -> Result<Vec<(Kind, Key, Option<Row>)>> {
        let domains: Vec<&Domain> = touched.iter().map(|touched| &touched.domain).collect();
        let with_sizes = touched.iter().any(|touched| touched.what.sizes);
        let facts = match self.facts(&domains, with_sizes) {
            Err(error) if walk::is_unsupported(&error) => {
                let facts = domains.iter().map(|domain| self.facts_of(domain));
                facts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect()
            }
            // Older drivers refuse a list with one that is gone.
            Err(error) if error.details().code == c::ERROR_ERR_NO_DOMAIN as i32 => {
                let mut all = Vec::new();
                for domain in domains {
                    let facts = walk::present(self.facts(&[domain], with_sizes), Gone::Domain)?;
                    all.extend(facts.unwrap_or_default());
                }
                all
            }
            other => other?,
        };
        let mut rows: Vec<Row> = facts.iter().map(|facts| self.domain(facts)).collect();
        let mut some = Vec::with_capacity(touched.len());
        for Touched { domain, what } in touched {
            let key = Key::Uuid(domain.get_uuid()?);
            let place = rows.iter().position(|row| row.key == key);
            let row = place.map(|place| rows.swap_remove(place));
            let row = match row {
                Some(row) => self.with_the_rest(row, domain, *what)?,
                None => None,
            };
            some.push((Kind::Domain, key, row));
        }
        Ok(some)
    }

    /// None where it is gone meanwhile.
    fn with_the_rest(&self, mut row: Row, domain: &Domain, what: What) -> Result<Option<Row>> {
        if what.flags {
            let ask = [
                (domain::PERSISTENT, Domain::is_persistent as fn(&Domain) -> Result<bool>),
                (domain::AUTOSTART, Domain::get_autostart),
                (domain::MANAGED_SAVE, |domain| domain.has_managed_save_image(0)),
                (domain::HAS_SNAPSHOTS, |domain| Ok(domain.num_of_snapshots(0)? > 0)),
            ];
            for (place, ask) in ask {
                self.conn()?;
                match walk::present(ask(domain), Gone::Domain) {
                    Ok(Some(truth)) => row.cells[place] = Cell::Bool(truth),
                    Ok(None) => return Ok(None),
                    // Autostart and the like are of domains that stay.
                    Err(error) if is_refused(&error) => {
                        if let Some(Cell::Bool(false)) = row.cells.get(domain::PERSISTENT) {
                            row.cells[place] = Cell::Bool(false);
                        }
                    }
                    Err(_) if self.outlives() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        if what.details {
            match self.details_of(domain) {
                Ok(Some(details)) => {
                    details.put(&mut row.cells, self.lacks_sizes.load(Ordering::Relaxed));
                }
                Ok(None) => return Ok(None),
                Err(_) if self.outlives() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(row))
    }

    /// Whether libvirt has waited for an answer of its QEMU as long as a visit would.
    fn is_stuck(&self, domain: &Domain) -> Result<bool> {
        self.conn()?;
        match domain.get_control_info(0) {
            Ok(info) => {
                let time = Duration::from_millis(number(&info, "stateTime"));
                let is_occupied = number(&info, "state") == u64::from(c::DOMAIN_CONTROL_OCCUPIED);
                // The visit began to wait somewhat earlier.
                Ok(is_occupied && time >= self.errand.timeout() / 2)
            }
            Err(_) if self.outlives() => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn details_of(&self, domain: &Domain) -> Result<Option<Details>> {
        if self.is_wary && self.is_stuck(domain)? {
            let what = "its QEMU does not answer".to_owned();
            return Err(Misuse::Busy { what }.into());
        }
        self.conn()?;
        let xml = walk::present(domain.get_xml_description(0), Gone::Domain)?;
        Ok(xml.map(|xml| Details::read(&xml.to_string_lossy())))
    }

    /// What the documents of domains say; those that are gone are left out.
    pub fn details(&self, domains: &[Uuid]) -> Result<Vec<(Uuid, Details)>> {
        let mut all = Vec::with_capacity(domains.len());
        for uuid in domains {
            let found = self.conn()?.get_domain_by_uuid(uuid.as_bytes());
            if let Some(domain) = walk::present(found, Gone::Domain)? {
                match self.details_of(&domain) {
                    Ok(details) => all.extend(details.map(|details| (*uuid, details))),
                    // The next comparison tries it again.
                    Err(_) if self.outlives() => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(all)
    }

    // --- networks, pools and volumes ------------------------------------------------------------

    fn networks(&self) -> Result<Vec<Row>> {
        let list = |flags| -> Result<HashSet<Uuid>> {
            let networks = self.conn()?.list_all_networks(flags)?;
            networks.iter().map(|network| network.get_uuid()).collect()
        };
        let all = self.conn()?.list_all_networks(0)?;
        let active = list(c::NETWORK_LIST_ACTIVE)?;
        let transient = list(c::NETWORK_LIST_TRANSIENT)?;
        let autostart = list(c::NETWORK_LIST_AUTOSTART)?;
        all.iter()
            .map(|network| {
                let uuid = network.get_uuid()?;
                let cells = vec![
                    Cell::active(active.contains(&uuid)),
                    Cell::Bool(!transient.contains(&uuid)),
                    Cell::Bool(autostart.contains(&uuid)),
                ];
                let name = network.get_name()?.to_string_lossy();
                Ok(self.row(Kind::Network, Key::Uuid(uuid), &name, cells))
            })
            .collect()
    }

    fn pools(&self) -> Result<Vec<Row>> {
        let list = |flags| -> Result<HashSet<Uuid>> {
            let pools = self.conn()?.list_all_storage_pools(flags)?;
            pools.iter().map(StoragePool::get_uuid).collect()
        };
        let all = self.conn()?.list_all_storage_pools(0)?;
        let transient = list(c::STORAGE_POOL_LIST_TRANSIENT)?;
        let autostart = list(c::STORAGE_POOL_LIST_AUTOSTART)?;
        let mut rows = Vec::with_capacity(all.len());
        for pool in &all {
            self.conn()?;
            let info = match walk::present(pool.get_info(), Gone::Pool) {
                Ok(Some(info)) => Some(info),
                Ok(None) => continue,
                // What is wrong with one pool leaves the others as they are.
                Err(_) if self.outlives() => None,
                Err(error) => return Err(error),
            };
            let size =
                |name| info.as_ref().map_or(Cell::Keep, |info| Cell::Uint(number(info, name)));
            let state = info.as_ref().map(|info| number(info, "state") as i32);
            let uuid = pool.get_uuid()?;
            let cells = vec![
                state.map_or(Cell::Keep, Cell::pool_state),
                Cell::Bool(!transient.contains(&uuid)),
                Cell::Bool(autostart.contains(&uuid)),
                size("capacity"),
                size("allocation"),
                size("available"),
            ];
            let name = pool.get_name()?.to_string_lossy();
            rows.push(self.row(Kind::Pool, Key::Uuid(uuid), &name, cells));
        }
        Ok(rows)
    }

    fn volumes(&self) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for pool in self.conn()?.list_all_storage_pools(c::STORAGE_POOL_LIST_ACTIVE)? {
            let pool_name = Cell::text(&pool.get_name()?.to_string_lossy());
            self.conn()?;
            let volumes = match pool.list_all_volumes(0) {
                // Stopped, or undefined, since it was listed.
                Err(error) if is_gone(&error) => continue,
                other => other?,
            };
            for volume in volumes {
                self.conn()?;
                let Some(info) = walk::present(volume.get_info(0), Gone::Volume)? else {
                    continue;
                };
                self.conn()?;
                let Some(path) = walk::present(volume.get_path(), Gone::Volume)? else {
                    continue;
                };
                let key: Arc<str> = volume.get_key()?.to_string_lossy().into();
                let cells = vec![
                    pool_name.clone(),
                    Cell::Text(Arc::clone(&key)),
                    Cell::text(&path.to_string_lossy()),
                    Cell::volume_type(number(&info, "type") as i32),
                    Cell::Uint(number(&info, "capacity")),
                    Cell::Uint(number(&info, "allocation")),
                ];
                let name = volume.get_name()?.to_string_lossy();
                rows.push(self.row(Kind::Volume, Key::Text(key), &name, cells));
            }
        }
        Ok(rows)
    }

    // --- the host itself ------------------------------------------------------------------------

    /// Driver and versions, which stay as long as the daemon does.
    fn constants(&self) -> Result<[Cell; 3]> {
        let version = |version: Result<u64>| match version {
            Ok(version) => Ok(Cell::text(&dotted(version))),
            Err(error) if walk::is_unsupported(&error) => Ok(Cell::None),
            Err(error) => Err(error),
        };
        let driver = self.conn()?.get_type()?;
        let hypervisor = version(self.conn()?.get_version())?;
        let library = version(self.conn()?.get_library_version())?;
        Ok([Cell::text(&driver.to_string_lossy()), hypervisor, library])
    }

    fn node(&self) -> Result<Vec<Row>> {
        let name = self.conn()?.get_hostname()?;
        let constant = if self.is_new { self.constants()? } else { [const { Cell::Keep }; 3] };
        let info = self.conn()?.get_node_info()?;
        let model = match info.get("model") {
            Some(Value::String(model)) => Cell::text(model),
            _ => Cell::None,
        };
        let count = |name| Cell::Uint(number(&info, name));
        let [driver, version, library_version] = constant;
        let cells = vec![
            driver,
            version,
            library_version,
            model,
            count("memory"),
            count("cpus"),
            count("nodes"),
            count("sockets"),
            count("cores"),
            count("threads"),
        ];
        Ok(vec![self.row(Kind::Node, Key::Uuid(Uuid::nil()), &name.to_string_lossy(), cells)])
    }
}

fn number(map: &Map, name: &str) -> u64 {
    match map.get(name) {
        Some(Value::Uint(number)) => *number,
        Some(Value::Int(number)) => u64::try_from(*number).unwrap_or_default(),
        _ => 0,
    }
}

/// Whether the driver does not have this, or not for such an object.
fn is_refused(error: &Error) -> bool {
    let code = error.details().code;
    let refusals = [
        c::ERROR_ERR_NO_SUPPORT,
        c::ERROR_ERR_INVALID_ARG,
        c::ERROR_ERR_OPERATION_INVALID,
        c::ERROR_ERR_CONFIG_UNSUPPORTED,
        c::ERROR_ERR_OPERATION_UNSUPPORTED,
    ];
    refusals.iter().any(|refusal| *refusal as i32 == code)
}

fn is_gone(error: &Error) -> bool {
    let code = error.details().code;
    let gone = [c::ERROR_ERR_NO_STORAGE_POOL, c::ERROR_ERR_OPERATION_INVALID];
    gone.iter().any(|gone| *gone as i32 == code)
}
