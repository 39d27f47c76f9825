// SPDX-License-Identifier: LGPL-2.1-or-later
//! What one call tells of all domains, without making objects of them.

use std::ffi::{CStr, c_int, c_uint};

use uuid::Uuid;
use virt::sys;

use super::Conn;
use crate::core::typed_params;
use crate::core::{Domain, call};
use crate::error::Result;

/// What libvirt's statistics tell of a domain; what they lack is None.
#[derive(Debug, Default)]
pub struct DomainFacts {
    /// Its uuid.
    pub uuid: Uuid,
    /// Its name.
    pub name: String,
    /// Its id; -1 if it does not run.
    pub id: c_int,
    /// Its state, and why it is in it: libvirt's numbers.
    pub state: Option<c_int>,
    /// As above.
    pub reason: Option<c_int>,
    /// How many vCPUs it has.
    pub vcpus: Option<u64>,
    /// The memory that it has, in KiB.
    pub memory: Option<u64>,
    /// The memory that it may have, in KiB.
    pub max_memory: Option<u64>,
}

impl Conn {
    /// The facts of the given domains, or of all where none is given. Those that are gone are
    /// left out.
    pub fn get_domain_facts(
        &self,
        stats: c_uint,
        domains: &[&Domain],
        flags: c_uint,
    ) -> Result<Vec<DomainFacts>> {
        let (records, count) = self.stats_records(stats, domains, flags)?;
        // SAFETY: there are `count` records, each with a live domain, and they are copied
        // before the list is freed.
        unsafe {
            let facts = (0..count).map(|i| facts(&**records.add(i))).collect();
            sys::virDomainStatsRecordListFree(records);
            Ok(facts)
        }
    }

    /// The uuids of the domains that pass the filter `flags`.
    pub fn list_domain_uuids(&self, flags: c_uint) -> Result<Vec<Uuid>> {
        // SAFETY: the pointer is live; on success the array holds that many new domains, whose
        // references are given up once.
        unsafe {
            call::objects(
                c"virConnectListAllDomains",
                |array| sys::virConnectListAllDomains(self.raw(), array, flags),
                |raw| {
                    let uuid = uuid(raw);
                    sys::virDomainFree(raw);
                    uuid
                },
            )
        }
    }
}

/// # Safety
/// The domain is live.
unsafe fn uuid(domain: sys::virDomainPtr) -> Uuid {
    let mut bytes = [0; 16];
    // SAFETY: live, by the caller; there is room for a uuid. It fails for no live domain.
    unsafe { sys::virDomainGetUUID(domain, bytes.as_mut_ptr()) };
    Uuid::from_bytes(bytes)
}

/// # Safety
/// The record is one of libvirt's, with a live domain.
unsafe fn facts(record: &sys::virDomainStatsRecord) -> DomainFacts {
    // SAFETY: by the caller; the domain's name is a C string of its own.
    let (mut facts, params) = unsafe {
        let name = CStr::from_ptr(sys::virDomainGetName(record.dom));
        let facts = DomainFacts {
            uuid: uuid(record.dom),
            name: name.to_string_lossy().into_owned(),
            id: sys::virDomainGetID(record.dom) as c_int,
            ..DomainFacts::default()
        };
        (facts, typed_params::slice(record.params, record.nparams))
    };
    for param in params {
        let Some((name, number)) = typed_params::number(param) else {
            continue;
        };
        match name.to_bytes() {
            b"state.state" => facts.state = c_int::try_from(number).ok(),
            b"state.reason" => facts.reason = c_int::try_from(number).ok(),
            b"vcpu.current" => facts.vcpus = u64::try_from(number).ok(),
            b"balloon.current" => facts.memory = u64::try_from(number).ok(),
            b"balloon.maximum" => facts.max_memory = u64::try_from(number).ok(),
            _ => {}
        }
    }
    facts
}
