// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a connection tells about itself and the host.

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulong};
use std::ptr;

use virt::sys;

use super::Conn;
use crate::core::typed_params::TypedParams;
use crate::core::{Text, call};
use crate::error::Result;
use crate::fork::lock;
use crate::value::{Map, Value};

/// What there is to tell about an identity, with its types.
const IDENTITY: [(&str, u32); 9] = [
    ("user-name", sys::VIR_TYPED_PARAM_STRING),
    ("unix-user-id", sys::VIR_TYPED_PARAM_ULLONG),
    ("group-name", sys::VIR_TYPED_PARAM_STRING),
    ("unix-group-id", sys::VIR_TYPED_PARAM_ULLONG),
    ("process-id", sys::VIR_TYPED_PARAM_LLONG),
    ("process-time", sys::VIR_TYPED_PARAM_ULLONG),
    ("sasl-user-name", sys::VIR_TYPED_PARAM_STRING),
    ("x509-distinguished-name", sys::VIR_TYPED_PARAM_STRING),
    ("selinux-context", sys::VIR_TYPED_PARAM_STRING),
];

impl Conn {
    /// The driver's name, like "QEMU" or "TEST".
    pub fn get_type(&self) -> Result<Text> {
        // SAFETY: the pointer is live.
        let name = unsafe { sys::virConnectGetType(self.raw()) };
        let name = call::pointer(name.cast_mut(), c"virConnectGetType")?;
        // SAFETY: a C string that lives as long as the connection.
        Ok(Text::copy(unsafe { CStr::from_ptr(name.as_ptr()) }))
    }

    /// The hypervisor's version: major * 1,000,000 + minor * 1,000 + micro.
    pub fn get_version(&self) -> Result<u64> {
        let mut version: c_ulong = 0;
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virConnectGetVersion(self.raw(), &mut version) };
        call::done(returned, c"virConnectGetVersion")?;
        Ok(version)
    }

    /// libvirt's version on the side of the hypervisor, in the same form.
    pub fn get_library_version(&self) -> Result<u64> {
        let mut version: c_ulong = 0;
        // SAFETY: the pointer is live; the output outlives the call.
        let returned = unsafe { sys::virConnectGetLibVersion(self.raw(), &mut version) };
        call::done(returned, c"virConnectGetLibVersion")?;
        Ok(version)
    }

    /// The URI, as libvirt completed it.
    pub fn get_uri(&self) -> Result<Text> {
        // SAFETY: the pointer is live; the text is new and ours.
        let uri =
            unsafe { call::text(sys::virConnectGetURI(self.raw_here()), c"virConnectGetURI")? };
        Ok(super::ssh::as_given(uri))
    }

    /// The host's name.
    pub fn get_hostname(&self) -> Result<Text> {
        // SAFETY: the pointer is live.
        unsafe { call::text(sys::virConnectGetHostname(self.raw()), c"virConnectGetHostname") }
    }

    /// What host and hypervisor can do, as XML.
    pub fn get_capabilities(&self) -> Result<Text> {
        let function = c"virConnectGetCapabilities";
        // SAFETY: the pointer is live.
        unsafe { call::text(sys::virConnectGetCapabilities(self.raw()), function) }
    }

    /// The host's hardware.
    pub fn get_node_info(&self) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virNodeInfo = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is live; the output outlives the call.
        let returned = unsafe { sys::virNodeGetInfo(self.raw(), &mut info) };
        call::done(returned, c"virNodeGetInfo")?;
        // SAFETY: libvirt ends the model with a NUL inside its array.
        let model = unsafe { fixed_text(&info.model) };
        let mut map = Map::with_capacity(8);
        map.push_new("model", model);
        map.push_new("memory", info.memory);
        map.push_new("cpus", info.cpus);
        map.push_new("mhz", info.mhz);
        map.push_new("nodes", info.nodes);
        map.push_new("sockets", info.sockets);
        map.push_new("cores", info.cores);
        map.push_new("threads", info.threads);
        Ok(map)
    }

    /// CPU time by kind, in ns, of one host CPU or of all.
    pub fn get_node_cpu_stats(&self, cpu: c_int, flags: c_uint) -> Result<Map> {
        let function = c"virNodeGetCPUStats";
        node_stats(|array: *mut sys::virNodeCPUStats, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            call::done(
                unsafe { sys::virNodeGetCPUStats(self.raw(), cpu, array, len, flags) },
                function,
            )
        })
    }

    /// Memory by kind, in KiB, of one NUMA cell or of all.
    pub fn get_node_memory_stats(&self, cell: c_int, flags: c_uint) -> Result<Map> {
        let function = c"virNodeGetMemoryStats";
        node_stats(|array: *mut sys::virNodeMemoryStats, len| {
            // SAFETY: the pointer is live; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virNodeGetMemoryStats(self.raw(), cell, array, len, flags) };
            call::done(returned, function)
        })
    }

    /// The host's BIOS and hardware, as XML.
    pub fn get_sysinfo(&self, flags: c_uint) -> Result<Text> {
        // SAFETY: the pointer is live; the text is new and ours.
        unsafe { call::text(sys::virConnectGetSysinfo(self.raw(), flags), c"virConnectGetSysinfo") }
    }

    /// How the host protects domains from each other.
    pub fn get_node_security_model(&self) -> Result<Map> {
        // SAFETY: all-zero is a valid, empty structure.
        let mut security: sys::virSecurityModel = unsafe { std::mem::zeroed() };
        // SAFETY: the pointer is live; the output outlives the call.
        let returned = unsafe { sys::virNodeGetSecurityModel(self.raw(), &mut security) };
        call::done(returned, c"virNodeGetSecurityModel")?;
        let mut map = Map::with_capacity(2);
        // SAFETY: libvirt ends the text with a NUL inside its array.
        map.push_new("model", unsafe { fixed_text(&security.model) });
        // SAFETY: so does it end this one.
        map.push_new("doi", unsafe { fixed_text(&security.doi) });
        Ok(map)
    }

    /// What the host's AMD SEV can do.
    pub fn get_node_sev_info(&self, flags: c_uint) -> Result<Map> {
        let mut array = ptr::null_mut();
        let mut len = 0;
        // SAFETY: the pointer is live; on success the array of `len` parameters is ours.
        unsafe {
            let returned = sys::virNodeGetSEVInfo(self.raw(), &mut array, &mut len, flags);
            call::done(returned, c"virNodeGetSEVInfo")?;
            Ok(TypedParams::adopt(array, len).to_map())
        }
    }

    /// Suspends the host for some seconds.
    pub fn node_suspend_for_duration(
        &self,
        target: c_uint,
        duration: u64,
        flags: c_uint,
    ) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned =
            unsafe { sys::virNodeSuspendForDuration(self.raw(), target, duration, flags) };
        call::done(returned, c"virNodeSuspendForDuration")
    }

    /// Tells the daemon on whose behalf the connection is used.
    pub fn set_identity(&self, identity: &Map, flags: c_uint) -> Result<()> {
        let params = TypedParams::from_table(identity, &IDENTITY, "newident")?;
        let (array, len) = params.as_raw();
        // SAFETY: the pointer is live; the array holds `len` parameters.
        let returned = unsafe { sys::virConnectSetIdentity(self.raw(), array, len, flags) };
        call::done(returned, c"virConnectSetIdentity")
    }

    /// Whether the connection still works.
    pub fn is_alive(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virConnectIsAlive(self.raw_here()) }, c"virConnectIsAlive")
    }

    /// Whether nobody else can read or change the traffic.
    pub fn is_secure(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virConnectIsSecure(self.raw()) }, c"virConnectIsSecure")
    }

    /// Whether the traffic is encrypted.
    pub fn is_encrypted(&self) -> Result<bool> {
        // SAFETY: the pointer is live.
        call::truth(unsafe { sys::virConnectIsEncrypted(self.raw()) }, c"virConnectIsEncrypted")
    }

    /// Lets libvirt ask the daemon for signs of life while an event loop runs.
    pub fn set_keep_alive(&self, interval: c_int, count: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virConnectSetKeepAlive(self.raw(), interval, count) };
        call::done(returned, c"virConnectSetKeepAlive")?;
        *lock(&self.keep_alive) = Some((interval, count));
        Ok(())
    }
}

/// libvirt's two kinds of node statistics are alike but for their names.
trait NodeStat {
    fn entry(&self) -> (String, u64);
}

impl NodeStat for sys::virNodeCPUStats {
    fn entry(&self) -> (String, u64) {
        // SAFETY: libvirt ends the name with a NUL inside its array.
        (unsafe { fixed_text(&self.field) }, self.value)
    }
}

impl NodeStat for sys::virNodeMemoryStats {
    fn entry(&self) -> (String, u64) {
        // SAFETY: libvirt ends the name with a NUL inside its array.
        (unsafe { fixed_text(&self.field) }, self.value)
    }
}

fn node_stats<T: NodeStat>(mut call: impl FnMut(*mut T, &mut c_int) -> Result<()>) -> Result<Map> {
    let mut len = 0;
    call(ptr::null_mut(), &mut len)?;
    let mut stats: Vec<T> = Vec::with_capacity(len.max(0) as usize);
    call(stats.as_mut_ptr(), &mut len)?;
    // SAFETY: libvirt filled `len` of them, which is no more than it was told
    // there is room for.
    unsafe { stats.set_len((len.max(0) as usize).min(stats.capacity())) };
    Ok(stats.iter().map(T::entry).map(|(name, value)| (name, Value::Uint(value))).collect())
}

/// The text in a fixed-size array.
///
/// # Safety
/// The array holds a NUL.
unsafe fn fixed_text(array: &[c_char]) -> String {
    // SAFETY: as promised by the caller.
    unsafe { CStr::from_ptr(array.as_ptr()) }.to_string_lossy().into_owned()
}
