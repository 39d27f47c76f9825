// SPDX-License-Identifier: LGPL-2.1-or-later
//! A domain: a virtual machine, running or only defined.

mod agent;
mod backup;
mod block_jobs;
mod devices;
mod disks;
mod files;
mod guest;
mod info;
mod input;
mod interfaces;
mod iothreads;
mod job;
mod lifecycle;
mod lxc;
mod migration;
mod peek;
pub(crate) mod qemu;
pub(crate) mod save;
mod security;
mod snapshots;
mod stats;
mod tuning;
mod vcpus;

pub use block_jobs::BlockJob;
pub use job::{OwnJob, Turn};
pub use migration::Settings as MigrationSettings;

use std::ffi::{CStr, c_int, c_uint};
use std::sync::{Arc, OnceLock};

use once_cell::race::OnceBox;
use uuid::Uuid;
use virt::sys;

use super::lane::Lane;
use super::named::find_by_uuid;
use super::object::{Counted, Object, Pinned};
use super::{Conn, Text, call};
use crate::error::Result;
use crate::value::Map;

/// A domain. It keeps its connection open.
pub struct Domain {
    pub(super) object: Object<sys::virDomain>,
    // In a box for the same reason as `Object::versions`.
    known: OnceBox<Known>,
}

/// What never changes of a domain, and is asked for once: for its log libvirt formats the uuid in
/// each call, ten times as long as it takes for all else, whether that is logged or not.
#[derive(Default)]
struct Known {
    uuid: OnceLock<(Uuid, Text)>,
    /// A connection that takes the place of another one takes over its lane.
    lane: OnceLock<Arc<Lane>>,
}

/// What a domain does and uses.
pub struct DomainInfo {
    /// One of `DOMAIN_STATE_*`.
    pub state: u32,
    /// The memory that it may have, in KiB.
    pub max_mem: u64,
    /// The memory that it has, in KiB.
    pub memory: u64,
    /// Its virtual CPUs.
    pub nr_virt_cpu: u32,
    /// The CPU time that it has used, in ns.
    pub cpu_time: u64,
}

// SAFETY: the functions are those for virDomain.
unsafe impl Counted for sys::virDomain {
    unsafe fn free(this: *mut Self) {
        // SAFETY: as promised by the caller.
        unsafe { sys::virDomainFree(this) };
    }

    unsafe fn conn(this: *mut Self) -> sys::virConnectPtr {
        // SAFETY: as promised by the caller.
        unsafe { sys::virDomainGetConnect(this) }
    }

    unsafe fn find(this: *mut Self, conn: sys::virConnectPtr) -> *mut Self {
        let (get, look_up) = (sys::virDomainGetUUID, sys::virDomainLookupByUUID);
        // SAFETY: as promised by the caller.
        unsafe { find_by_uuid(this, conn, get, look_up) }
    }
}

impl Pinned for Domain {
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        self.object.pin(alone)
    }

    fn unpin(&self, pin: usize) {
        self.object.unpin(pin);
    }
}

impl Domain {
    /// Takes over a domain and the reference to it.
    ///
    /// # Safety
    /// `raw` is a valid domain, and one reference to it is ours.
    pub(crate) unsafe fn adopt(raw: sys::virDomainPtr) -> Self {
        // SAFETY: as promised by the caller.
        Domain { object: unsafe { Object::adopt(raw) }, known: OnceBox::new() }
    }

    /// Another reference to this domain.
    pub(crate) fn another(&self) -> Result<Self> {
        let raw = self.object.raw_here();
        // SAFETY: live while self is; the reference is for the new one.
        unsafe {
            call::done(sys::virDomainRef(raw), c"virDomainRef")?;
            Ok(Domain::adopt(raw))
        }
    }

    /// Drops all but the reference, which is libvirt's.
    pub(crate) fn disown(self) {
        std::mem::forget(self.object);
    }

    pub(crate) fn raw(&self) -> sys::virDomainPtr {
        self.object.raw()
    }

    /// The connection it belongs to.
    pub fn get_conn(&self) -> Result<Conn> {
        // SAFETY: raw() is live while self is, and so is its connection.
        unsafe {
            Conn::share(sys::virDomainGetConnect(self.object.raw_here()), c"virDomainGetConnect")
        }
    }

    /// The name.
    pub fn get_name(&self) -> Result<&CStr> {
        // SAFETY: libvirt keeps the text in the domain.
        unsafe { self.object.own_text(sys::virDomainGetName, c"virDomainGetName") }
    }

    /// The uuid.
    pub fn get_uuid(&self) -> Result<Uuid> {
        self.uuid_and_text().map(|(uuid, _)| *uuid)
    }

    /// The uuid as lower-case text with hyphens.
    pub fn get_uuid_string(&self) -> Result<&CStr> {
        self.uuid_and_text().map(|(_, text)| &**text)
    }

    fn known(&self) -> &Known {
        self.known.get_or_init(Box::default)
    }

    /// The place for its lane.
    pub(super) fn known_lane(&self) -> &OnceLock<Arc<Lane>> {
        &self.known().lane
    }

    fn uuid_and_text(&self) -> Result<&(Uuid, Text)> {
        let known = &self.known().uuid;
        if let Some(known) = known.get() {
            return Ok(known);
        }
        // SAFETY: libvirt writes the uuid.
        let uuid = unsafe { self.object.own_uuid(sys::virDomainGetUUID, c"virDomainGetUUID")? };
        Ok(known.get_or_init(|| (uuid, Text::from_uuid(uuid))))
    }

    /// The id, or -1 when the domain does not run.
    pub fn get_id(&self) -> c_int {
        // SAFETY: the pointer is live. "No id" is the largest unsigned number, -1 as int.
        unsafe { sys::virDomainGetID(self.object.raw_here()) as c_int }
    }

    /// The state, and why it is in it.
    pub fn get_state(&self, flags: c_uint) -> Result<(c_int, c_int)> {
        let (mut state, mut reason) = (0, 0);
        // SAFETY: the outputs outlive the call.
        let returned =
            unsafe { sys::virDomainGetState(self.raw(), &mut state, &mut reason, flags) };
        call::done(returned, c"virDomainGetState")?;
        Ok((state, reason))
    }

    /// State, memory, virtual CPUs and CPU time used.
    #[inline]
    pub fn get_info(&self) -> Result<Map> {
        let info = self.get_info_numbers()?;
        let mut map = Map::with_capacity(5);
        map.push_new("state", info.state);
        map.push_new("maxMem", info.max_mem);
        map.push_new("memory", info.memory);
        map.push_new("nrVirtCpu", info.nr_virt_cpu);
        map.push_new("cpuTime", info.cpu_time);
        Ok(map)
    }

    /// The same, without a map.
    #[inline]
    pub fn get_info_numbers(&self) -> Result<DomainInfo> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virDomainInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is live; the output outlives the call.
        let returned = unsafe { sys::virDomainGetInfo(self.raw(), &mut info) };
        call::done(returned, c"virDomainGetInfo")?;
        Ok(DomainInfo {
            state: info.state.into(),
            max_mem: info.maxMem,
            memory: info.memory,
            nr_virt_cpu: info.nrVirtCpu.into(),
            cpu_time: info.cpuTime,
        })
    }

    /// The definition, as XML.
    pub fn get_xml_description(&self, flags: c_uint) -> Result<Text> {
        let function = c"virDomainGetXMLDesc";
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virDomainGetXMLDesc(self.raw(), flags), function) }
    }

    /// Whether it runs.
    pub fn is_active(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virDomainIsActive(self.raw()) }, c"virDomainIsActive")
    }

    /// Whether it stays defined when it stops.
    pub fn is_persistent(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virDomainIsPersistent(self.raw()) }, c"virDomainIsPersistent")
    }
}
