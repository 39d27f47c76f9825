// SPDX-License-Identifier: LGPL-2.1-or-later
//! Moving a running domain to another host.

use std::ffi::{CStr, c_uint};
use std::ptr;

use virt::sys;

use super::{Domain, call};
use crate::core::Conn;
use crate::core::typed_params::{MULTIPLE, TypedParams};
use crate::error::Result;
use crate::value::{Map, Value};

/// The parameters of a migration, with their types.
const PARAMS: [(&str, u32); 25] = [
    ("migrate_uri", sys::VIR_TYPED_PARAM_STRING),
    ("destination_name", sys::VIR_TYPED_PARAM_STRING),
    ("destination_xml", sys::VIR_TYPED_PARAM_STRING),
    ("persistent_xml", sys::VIR_TYPED_PARAM_STRING),
    ("graphics_uri", sys::VIR_TYPED_PARAM_STRING),
    ("listen_address", sys::VIR_TYPED_PARAM_STRING),
    ("bandwidth", sys::VIR_TYPED_PARAM_ULLONG),
    ("bandwidth.postcopy", sys::VIR_TYPED_PARAM_ULLONG),
    ("bandwidth.avail.switchover", sys::VIR_TYPED_PARAM_ULLONG),
    ("migrate_disks", sys::VIR_TYPED_PARAM_STRING | MULTIPLE),
    ("migrate_disks_detect_zeroes", sys::VIR_TYPED_PARAM_STRING | MULTIPLE),
    ("migrate_disks_target_zero", sys::VIR_TYPED_PARAM_STRING | MULTIPLE),
    ("disks_port", sys::VIR_TYPED_PARAM_INT),
    ("disks_uri", sys::VIR_TYPED_PARAM_STRING),
    ("compression", sys::VIR_TYPED_PARAM_STRING),
    ("compression.mt.level", sys::VIR_TYPED_PARAM_INT),
    ("compression.mt.threads", sys::VIR_TYPED_PARAM_INT),
    ("compression.mt.dthreads", sys::VIR_TYPED_PARAM_INT),
    ("compression.xbzrle.cache", sys::VIR_TYPED_PARAM_ULLONG),
    ("compression.zlib.level", sys::VIR_TYPED_PARAM_INT),
    ("compression.zstd.level", sys::VIR_TYPED_PARAM_INT),
    ("auto_converge.initial", sys::VIR_TYPED_PARAM_INT),
    ("auto_converge.increment", sys::VIR_TYPED_PARAM_INT),
    ("parallel.connections", sys::VIR_TYPED_PARAM_INT),
    ("tls.destination", sys::VIR_TYPED_PARAM_STRING),
];

/// What the older ways to migrate can say; none of it is needed.
#[derive(Default)]
pub struct Settings<'a> {
    /// The domain's XML on the destination.
    pub xml: Option<&'a CStr>,
    /// The domain's name on the destination.
    pub name: Option<&'a CStr>,
    /// Where the memory goes.
    pub uri: Option<&'a CStr>,
    /// In MiB/s; 0 is libvirt's choice.
    pub bandwidth: u64,
}

impl Settings<'_> {
    fn to_map(&self) -> Map {
        let mut map = Map::with_capacity(4);
        let texts = [
            ("destination_xml", self.xml),
            ("destination_name", self.name),
            ("migrate_uri", self.uri),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                map.push_new(key, Value::String(text.to_string_lossy().into_owned()));
            }
        }
        if self.bandwidth != 0 {
            map.push_new("bandwidth", self.bandwidth);
        }
        map
    }
}

impl Domain {
    /// Moves the domain to the host of another connection. Returns it there.
    pub fn migrate(&self, destination: &Conn, params: Option<Map>, flags: c_uint) -> Result<Self> {
        let params = migration_params(params)?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live. The array holds `len` parameters; a new domain's
        // reference is ours.
        unsafe {
            let raw =
                sys::virDomainMigrate3(self.raw(), destination.raw(), array, len as c_uint, flags);
            Ok(Domain::adopt(call::pointer(raw, c"virDomainMigrate3")?.as_ptr()))
        }
    }

    /// The same, told in another way.
    pub fn migrate2(
        &self,
        destination: &Conn,
        settings: &Settings<'_>,
        flags: c_uint,
    ) -> Result<Self> {
        self.migrate(destination, Some(settings.to_map()), flags)
    }

    /// Moves the domain to another host; its own host speaks to that one if `flags`
    /// have PEER2PEER.
    pub fn migrate_to_uri(
        &self,
        destination: Option<&CStr>,
        params: Option<Map>,
        flags: c_uint,
    ) -> Result<()> {
        let params = migration_params(params)?;
        let (array, len) = params.as_raw();
        let uri = destination.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the pointer is live; without PEER2PEER, libvirt takes NULL for the URI.
        let returned =
            unsafe { sys::virDomainMigrateToURI3(self.raw(), uri, array, len as c_uint, flags) };
        call::done(returned, c"virDomainMigrateToURI3")
    }

    /// The same, told in another way.
    pub fn migrate_to_uri2(
        &self,
        destination: Option<&CStr>,
        settings: &Settings<'_>,
        flags: c_uint,
    ) -> Result<()> {
        self.migrate_to_uri(destination, Some(settings.to_map()), flags)
    }

    /// The size of the cache that saves sending pages again, in bytes.
    pub fn migrate_get_compression_cache(&self, flags: c_uint) -> Result<u64> {
        let mut size = 0;
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainMigrateGetCompressionCache(self.raw(), &mut size, flags) };
        call::done(returned, c"virDomainMigrateGetCompressionCache")?;
        Ok(size)
    }

    /// Sets the size of that cache, in bytes.
    pub fn migrate_set_compression_cache(&self, size: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainMigrateSetCompressionCache(self.raw(), size, flags) };
        call::done(returned, c"virDomainMigrateSetCompressionCache")
    }

    /// How long the domain may stand still at the end of a migration, in ms.
    pub fn migrate_get_max_downtime(&self, flags: c_uint) -> Result<u64> {
        let mut downtime = 0;
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainMigrateGetMaxDowntime(self.raw(), &mut downtime, flags) };
        call::done(returned, c"virDomainMigrateGetMaxDowntime")?;
        Ok(downtime)
    }

    /// Sets how long the domain may stand still, in ms.
    pub fn migrate_set_max_downtime(&self, downtime: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainMigrateSetMaxDowntime(self.raw(), downtime, flags) };
        call::done(returned, c"virDomainMigrateSetMaxDowntime")
    }

    /// The limit of a migration's speed, in MiB/s.
    pub fn migrate_get_max_speed(&self, flags: c_uint) -> Result<u64> {
        let mut bandwidth = 0;
        // SAFETY: the output outlives the call.
        let returned =
            unsafe { sys::virDomainMigrateGetMaxSpeed(self.raw(), &mut bandwidth, flags) };
        call::done(returned, c"virDomainMigrateGetMaxSpeed")?;
        Ok(bandwidth)
    }

    /// Limits a migration's speed, in MiB/s.
    pub fn migrate_set_max_speed(&self, bandwidth: u64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainMigrateSetMaxSpeed(self.raw(), bandwidth, flags) };
        call::done(returned, c"virDomainMigrateSetMaxSpeed")
    }

    /// Lets the domain go on at its destination, which fetches the rest of its memory.
    pub fn migrate_start_post_copy(&self, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virDomainMigrateStartPostCopy(self.raw(), flags) };
        call::done(returned, c"virDomainMigrateStartPostCopy")
    }
}

fn migration_params(params: Option<Map>) -> Result<TypedParams> {
    TypedParams::from_table(&params.unwrap_or_default(), &PARAMS, "params")
}
