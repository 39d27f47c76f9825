// SPDX-License-Identifier: LGPL-2.1-or-later
//! The domains of a connection.

use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

use virt::sys;

use super::{Conn, locate, parse_uuid};
use crate::core::typed_params::{self, TypedParams};
use crate::core::{Domain, Text, call, fds};
use crate::error::{Misuse, Result};
use crate::memory;

impl Conn {
    /// The domains that pass the filter `flags`; all when it is 0.
    pub fn list_all_domains(&self, flags: c_uint) -> Result<Vec<Domain>> {
        // SAFETY: the pointer is live; on success the array holds that many new domains.
        unsafe {
            call::objects(
                c"virConnectListAllDomains",
                |array| sys::virConnectListAllDomains(self.raw(), array, flags),
                |raw| Domain::adopt(raw),
            )
        }
    }

    /// How many domains run.
    pub fn num_of_domains(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(unsafe { sys::virConnectNumOfDomains(self.raw()) }, c"virConnectNumOfDomains")
    }

    /// How many domains are defined and do not run.
    pub fn num_of_defined_domains(&self) -> Result<c_int> {
        // SAFETY: the pointer is live.
        call::number(
            unsafe { sys::virConnectNumOfDefinedDomains(self.raw()) },
            c"virConnectNumOfDefinedDomains",
        )
    }

    /// The names of domains that are defined and do not run, `max` at the most.
    pub fn list_defined_domain_names(&self, max: c_int) -> Result<Vec<Text>> {
        // SAFETY: the pointer is live; the texts of the list are new and ours.
        unsafe {
            call::names(c"virConnectListDefinedDomains", max, "maxnames", |names, max| {
                sys::virConnectListDefinedDomains(self.raw(), names, max)
            })
        }
    }

    /// The ids of running domains, `max` at the most.
    pub fn list_domain_ids(&self, max: c_int) -> Result<Vec<c_int>> {
        const LIMIT: c_int = 1 << 20;
        if !(0..=LIMIT).contains(&max) {
            let reason = format!("is {max}; a number of ids from 0 to {LIMIT} is needed");
            return Err(Misuse::Invalid { parameter: "maxids", reason }.into());
        }
        let mut ids = memory::filled(0, max as usize, "maxids")?;
        // SAFETY: the pointer is live; there is room for `max` ids.
        let returned = unsafe { sys::virConnectListDomains(self.raw(), ids.as_mut_ptr(), max) };
        let count = call::number(returned, c"virConnectListDomains")?;
        ids.truncate(count as usize);
        Ok(ids)
    }

    /// The domain with this name.
    pub fn get_domain_by_name(&self, name: &CStr) -> Result<Domain> {
        // SAFETY: the pointer is live; a new domain's reference is ours.
        unsafe {
            let raw = sys::virDomainLookupByName(self.raw(), name.as_ptr());
            Ok(Domain::adopt(call::pointer(raw, c"virDomainLookupByName")?.as_ptr()))
        }
    }

    /// The running domain with this id.
    pub fn get_domain_by_id(&self, id: c_int) -> Result<Domain> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virDomainLookupByID(self.raw(), id);
            Ok(Domain::adopt(call::pointer(raw, c"virDomainLookupByID")?.as_ptr()))
        }
    }

    /// The domain with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_domain_by_uuid(&self, uuid: &[u8]) -> Result<Domain> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: the pointer is live; the uuid is 16 bytes.
        unsafe {
            let raw = sys::virDomainLookupByUUID(self.raw(), uuid.as_bytes().as_ptr());
            Ok(Domain::adopt(call::pointer(raw, c"virDomainLookupByUUID")?.as_ptr()))
        }
    }

    /// Defines a domain without starting it.
    pub fn define_domain(&self, xml: &CStr, flags: c_uint) -> Result<Domain> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let (raw, function) = match flags {
                0 => (sys::virDomainDefineXML(self.raw(), xml.as_ptr()), c"virDomainDefineXML"),
                _ => (
                    sys::virDomainDefineXMLFlags(self.raw(), xml.as_ptr(), flags),
                    c"virDomainDefineXMLFlags",
                ),
            };
            let domain = call::pointer(raw, function).map_err(|error| locate(error, "xml", xml))?;
            Ok(Domain::adopt(domain.as_ptr()))
        }
    }

    /// Starts a domain that is gone when it stops.
    pub fn create_domain(&self, xml: &CStr, flags: c_uint) -> Result<Domain> {
        // SAFETY: the pointer is live, the text a C string.
        unsafe {
            let raw = sys::virDomainCreateXML(self.raw(), xml.as_ptr(), flags);
            let domain = call::pointer(raw, c"virDomainCreateXML")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(Domain::adopt(domain.as_ptr()))
        }
    }

    /// The same, and its first process gets these files.
    pub fn create_domain_with_files(
        &self,
        xml: &CStr,
        fds: &[c_int],
        flags: c_uint,
    ) -> Result<Domain> {
        let (mut fds, count) = fds::lend(fds, "fds")?;
        let fds = fds.as_mut_ptr();
        // SAFETY: the pointer is live; there are `count` descriptors.
        unsafe {
            let raw = sys::virDomainCreateXMLWithFiles(self.raw(), xml.as_ptr(), count, fds, flags);
            let domain = call::pointer(raw, c"virDomainCreateXMLWithFiles")
                .map_err(|error| locate(error, "xml", xml))?;
            Ok(Domain::adopt(domain.as_ptr()))
        }
    }

    /// Statistics of the given domains, or of all when none is given.
    pub fn get_all_domain_stats(
        &self,
        stats: c_uint,
        domains: &[&Domain],
        flags: c_uint,
    ) -> Result<Vec<(Domain, TypedParams)>> {
        let (records, count) = self.stats_records(stats, domains, flags)?;
        // SAFETY: `count` records in a list, all from malloc and ours; of each the domain and
        // the parameters are taken, and the rest freed. virDomainStatsRecordListFree would
        // take another reference to each domain: virDomainRef and virDomainFree format its
        // uuid, for a log that is nearly never written, in 600 of the 3,400 ns that Perl waits
        // for a domain.
        unsafe {
            let record = |i: usize| {
                let record = *records.add(i);
                let sys::virDomainStatsRecord { dom, params, nparams } = *record;
                libc::free(record.cast());
                (Domain::adopt(dom), TypedParams::adopt(params, nparams))
            };
            let taken = (0..count).map(record).collect();
            libc::free(records.cast());
            Ok(taken)
        }
    }

    /// The domains that pass the filter `flags` with their states: in one call, and
    /// without making objects of them.
    pub fn get_all_domain_states(&self, flags: c_uint) -> Result<Vec<DomainState>> {
        let (records, count) = self.stats_records(sys::VIR_DOMAIN_STATS_STATE, &[], flags)?;
        // SAFETY: there are `count` records, each with a domain whose name is a C string, and
        // they are copied before the list is freed.
        unsafe {
            let row = |i: usize| {
                let record = &**records.add(i);
                let name = CStr::from_ptr(sys::virDomainGetName(record.dom));
                let params = typed_params::slice(record.params, record.nparams);
                let state = typed_params::int(params, c"state.state").unwrap_or_default();
                DomainState {
                    name: name.to_string_lossy().into_owned(),
                    id: sys::virDomainGetID(record.dom) as c_int,
                    state: state.max(0) as usize,
                }
            };
            let rows = (0..count).map(row).collect();
            sys::virDomainStatsRecordListFree(records);
            Ok(rows)
        }
    }

    /// The records of the given domains, or of all when none is given, and how many there are.
    /// The list is the caller's.
    pub(super) fn stats_records(
        &self,
        stats: c_uint,
        domains: &[&Domain],
        flags: c_uint,
    ) -> Result<(*mut sys::virDomainStatsRecordPtr, usize)> {
        let mut records = ptr::null_mut();
        // SAFETY: the pointer is live; the list of domains ends with NULL.
        let count = unsafe {
            if domains.is_empty() {
                let returned =
                    sys::virConnectGetAllDomainStats(self.raw(), stats, &mut records, flags);
                call::number(returned, c"virConnectGetAllDomainStats")?
            } else {
                let mut list: Vec<_> = domains.iter().map(|domain| domain.raw()).collect();
                list.push(ptr::null_mut());
                let returned =
                    sys::virDomainListGetStats(list.as_mut_ptr(), stats, &mut records, flags);
                call::number(returned, c"virDomainListGetStats")?
            }
        };
        Ok((records, count as usize))
    }
}

/// What a list of domains tells about one.
pub struct DomainState {
    /// Its name.
    pub name: String,
    /// Its id; -1 if it does not run.
    pub id: c_int,
    /// Its state, one of libvirt's numbers.
    pub state: usize,
}
