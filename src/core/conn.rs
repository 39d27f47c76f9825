//! The connection to a hypervisor.

use std::ffi::{CStr, c_char, c_int, c_uint, c_ulong};
use std::ptr;
use std::sync::{Mutex, MutexGuard};

use uuid::Uuid;
use virt::connect::Connect;
use virt::sys;

use super::{Domain, Text, call, typed_params};
use crate::error::{Error, Misuse, Result};
use crate::value::{Map, Value};

/// A connection. Objects made from it keep it open.
pub struct Conn {
    virt: Connect,
    /// What was registered through this connection and has to go with it.
    listeners: Mutex<Vec<Listener>>,
}

/// A registration with libvirt that holds the connection open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// virConnectDomainEventRegisterAny's callback id.
    Domain(c_int),
    /// The one virConnectDomainEventRegister.
    AllDomains,
    /// The one virConnectRegisterCloseCallback.
    Close,
}

/// Something libvirt asks for while a connection opens.
pub struct Credential {
    /// One of `CRED_*`.
    pub kind: c_int,
    /// What to show the user.
    pub prompt: Option<String>,
    /// What the answer is computed from, for challenge-response methods.
    pub challenge: Option<String>,
    /// The answer that is taken when none is given.
    pub default: Option<String>,
    /// The answer.
    pub result: Option<String>,
}

/// Answers credential requests. False refuses, which ends the attempt to open.
pub type Authenticator<'a> = dyn FnMut(&mut [Credential]) -> bool + 'a;

impl Conn {
    /// Opens a connection without offering credentials.
    pub fn open(uri: Option<&CStr>, flags: c_uint) -> Result<Self> {
        Self::open_with(uri, ptr::null_mut(), flags)
    }

    /// Opens a connection; libvirt prompts for credentials on the console.
    pub fn open_console(uri: Option<&CStr>, flags: c_uint) -> Result<Self> {
        // SAFETY: a constant of libvirt's, which it only reads.
        Self::open_with(uri, unsafe { sys::virConnectAuthPtrDefault }, flags)
    }

    /// Opens a connection; `answer` gets requests for the types in `types`.
    pub fn open_auth(
        uri: Option<&CStr>,
        types: &[c_int],
        mut answer: &mut Authenticator<'_>,
        flags: c_uint,
    ) -> Result<Self> {
        let mut types = types.to_vec();
        let mut auth = sys::virConnectAuth {
            credtype: types.as_mut_ptr(),
            ncredtype: types.len() as c_uint,
            cb: Some(answer_credentials),
            cbdata: (&raw mut answer).cast(),
        };
        Self::open_with(uri, &mut auth, flags)
    }

    fn open_with(uri: Option<&CStr>, auth: sys::virConnectAuthPtr, flags: c_uint) -> Result<Self> {
        call::initialize();
        let uri = uri.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: uri is NULL or a C string; auth is NULL, libvirt's default or
        // complete, with a callback whose data outlives this call.
        let raw = unsafe { sys::virConnectOpenAuth(uri, auth, flags) };
        let raw = call::pointer(raw, c"virConnectOpenAuth")?;
        // SAFETY: a new connection whose one reference is ours.
        let virt = unsafe { Connect::from_ptr(raw.as_ptr()) };
        Ok(Conn { virt, listeners: Mutex::default() })
    }

    pub(crate) fn raw(&self) -> sys::virConnectPtr {
        // SAFETY: callers use it only while self is alive.
        unsafe { self.virt.as_ptr() }
    }

    /// The registrations that hold this connection.
    pub(crate) fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.listeners.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The driver's name, like "QEMU" or "TEST".
    pub fn get_type(&self) -> Result<Text> {
        // SAFETY: raw() is live while self is; so in all calls below.
        let name = unsafe { sys::virConnectGetType(self.raw()) };
        let name = call::pointer(name.cast_mut(), c"virConnectGetType")?;
        // SAFETY: a C string that lives as long as the connection.
        Ok(Text::copy(unsafe { CStr::from_ptr(name.as_ptr()) }))
    }

    /// The hypervisor's version: major * 1,000,000 + minor * 1,000 + micro.
    pub fn get_version(&self) -> Result<u64> {
        let mut version: c_ulong = 0;
        // SAFETY: as above; the output outlives the call.
        let returned = unsafe { sys::virConnectGetVersion(self.raw(), &mut version) };
        call::done(returned, c"virConnectGetVersion")?;
        Ok(version)
    }

    /// libvirt's version on the side of the hypervisor, in the same form.
    pub fn get_library_version(&self) -> Result<u64> {
        let mut version: c_ulong = 0;
        // SAFETY: as above.
        let returned = unsafe { sys::virConnectGetLibVersion(self.raw(), &mut version) };
        call::done(returned, c"virConnectGetLibVersion")?;
        Ok(version)
    }

    /// The URI, as libvirt completed it.
    pub fn get_uri(&self) -> Result<Text> {
        // SAFETY: as above; the text is new and ours.
        unsafe { call::text(sys::virConnectGetURI(self.raw()), c"virConnectGetURI") }
    }

    /// The host's name.
    pub fn get_hostname(&self) -> Result<Text> {
        // SAFETY: as above.
        unsafe { call::text(sys::virConnectGetHostname(self.raw()), c"virConnectGetHostname") }
    }

    /// What host and hypervisor can do, as XML.
    pub fn get_capabilities(&self) -> Result<Text> {
        let function = c"virConnectGetCapabilities";
        // SAFETY: as above.
        unsafe { call::text(sys::virConnectGetCapabilities(self.raw()), function) }
    }

    /// The host's hardware.
    pub fn get_node_info(&self) -> Result<Map> {
        // SAFETY: a plain C struct, for which all-zero is valid.
        let mut info: sys::virNodeInfo = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
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
            // SAFETY: as above; the array is NULL or has room for `len`.
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
            // SAFETY: as above; the array is NULL or has room for `len`.
            let returned =
                unsafe { sys::virNodeGetMemoryStats(self.raw(), cell, array, len, flags) };
            call::done(returned, function)
        })
    }

    /// Whether the connection still works.
    pub fn is_alive(&self) -> Result<bool> {
        // SAFETY: as above.
        call::truth(unsafe { sys::virConnectIsAlive(self.raw()) }, c"virConnectIsAlive")
    }

    /// Whether nobody else can read or change the traffic.
    pub fn is_secure(&self) -> Result<bool> {
        // SAFETY: as above.
        call::truth(unsafe { sys::virConnectIsSecure(self.raw()) }, c"virConnectIsSecure")
    }

    /// Whether the traffic is encrypted.
    pub fn is_encrypted(&self) -> Result<bool> {
        // SAFETY: as above.
        call::truth(unsafe { sys::virConnectIsEncrypted(self.raw()) }, c"virConnectIsEncrypted")
    }

    /// Lets libvirt ask the daemon for signs of life while an event loop runs.
    pub fn set_keep_alive(&self, interval: c_int, count: c_uint) -> Result<()> {
        // SAFETY: as above.
        let returned = unsafe { sys::virConnectSetKeepAlive(self.raw(), interval, count) };
        call::done(returned, c"virConnectSetKeepAlive")
    }

    /// The domains that pass the filter `flags`; all when it is 0.
    pub fn list_all_domains(&self, flags: c_uint) -> Result<Vec<Domain>> {
        let mut array: *mut sys::virDomainPtr = ptr::null_mut();
        // SAFETY: as above; on success the array holds that many domains.
        let returned = unsafe { sys::virConnectListAllDomains(self.raw(), &mut array, flags) };
        let count = call::number(returned, c"virConnectListAllDomains")? as usize;
        // SAFETY: each element is a new domain whose reference is ours; the
        // array itself came from malloc.
        unsafe {
            let domains = (0..count).map(|i| Domain::adopt(*array.add(i))).collect();
            libc::free(array.cast());
            Ok(domains)
        }
    }

    /// How many domains run.
    pub fn num_of_domains(&self) -> Result<c_int> {
        // SAFETY: as above.
        call::number(unsafe { sys::virConnectNumOfDomains(self.raw()) }, c"virConnectNumOfDomains")
    }

    /// The ids of running domains, `max` at the most.
    pub fn list_domain_ids(&self, max: c_int) -> Result<Vec<c_int>> {
        const LIMIT: c_int = 1 << 20;
        if !(0..=LIMIT).contains(&max) {
            let reason = format!("is {max}; a number of ids from 0 to {LIMIT} is needed");
            return Err(Misuse::Invalid { parameter: "maxids", reason }.into());
        }
        let mut ids = vec![0; max as usize];
        // SAFETY: as above; there is room for `max` ids.
        let returned = unsafe { sys::virConnectListDomains(self.raw(), ids.as_mut_ptr(), max) };
        let count = call::number(returned, c"virConnectListDomains")?;
        ids.truncate(count as usize);
        Ok(ids)
    }

    /// The domain with this name.
    pub fn get_domain_by_name(&self, name: &CStr) -> Result<Domain> {
        // SAFETY: as above; a new domain's reference is ours.
        unsafe {
            let raw = sys::virDomainLookupByName(self.raw(), name.as_ptr());
            Ok(Domain::adopt(call::pointer(raw, c"virDomainLookupByName")?.as_ptr()))
        }
    }

    /// The running domain with this id.
    pub fn get_domain_by_id(&self, id: c_int) -> Result<Domain> {
        // SAFETY: as above.
        unsafe {
            let raw = sys::virDomainLookupByID(self.raw(), id);
            Ok(Domain::adopt(call::pointer(raw, c"virDomainLookupByID")?.as_ptr()))
        }
    }

    /// The domain with this uuid: 16 bytes, or text of 32 or 36 characters.
    pub fn get_domain_by_uuid(&self, uuid: &[u8]) -> Result<Domain> {
        let uuid = parse_uuid(uuid, "uuid")?;
        // SAFETY: as above; the uuid is 16 bytes.
        unsafe {
            let raw = sys::virDomainLookupByUUID(self.raw(), uuid.as_bytes().as_ptr());
            Ok(Domain::adopt(call::pointer(raw, c"virDomainLookupByUUID")?.as_ptr()))
        }
    }

    /// Defines a domain without starting it.
    pub fn define_domain(&self, xml: &CStr, flags: c_uint) -> Result<Domain> {
        // SAFETY: as above.
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
        // SAFETY: as above.
        unsafe {
            let raw = sys::virDomainCreateXML(self.raw(), xml.as_ptr(), flags);
            let domain = call::pointer(raw, c"virDomainCreateXML")
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
    ) -> Result<Vec<(Domain, Map)>> {
        let mut records: *mut sys::virDomainStatsRecordPtr = ptr::null_mut();
        // SAFETY: as above; the list of domains ends with NULL.
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
        // SAFETY: `count` records, which are copied out of the list before it
        // is freed; each domain gets a reference of its own.
        unsafe {
            let record = |i: usize| {
                let record = &**records.add(i);
                sys::virDomainRef(record.dom);
                let params = typed_params::slice(record.params, record.nparams);
                (Domain::adopt(record.dom), typed_params::to_map(params))
            };
            let copies = (0..count as usize).map(record).collect();
            sys::virDomainStatsRecordListFree(records);
            Ok(copies)
        }
    }
}

/// Adds to libvirt's error about a document which parameter it is, and, where
/// the XML is malformed, at which line and column.
fn locate(error: Error, parameter: &'static str, xml: &CStr) -> Error {
    match crate::xml::check(&xml.to_string_lossy()) {
        Err((line, column, _reason)) => error.at(parameter, line, column),
        Ok(()) => error,
    }
}

/// A uuid as Sys::Virt takes it.
pub fn parse_uuid(uuid: &[u8], parameter: &'static str) -> Result<Uuid> {
    let parsed = match uuid.len() {
        16 => Uuid::from_slice(uuid).ok(),
        32 | 36 => Uuid::try_parse_ascii(uuid).ok(),
        _ => None,
    };
    parsed.ok_or_else(|| {
        let reason = format!(
            "\"{}\" is no uuid; 16 raw bytes, or text of 32 hex digits with or without hyphens \
             is needed",
            uuid.escape_ascii()
        );
        Misuse::Invalid { parameter, reason }.into()
    })
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
        // SAFETY: as above.
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

/// libvirt's credential callback; `userdata` is the `&mut Authenticator`.
unsafe extern "C" fn answer_credentials(
    requests: sys::virConnectCredentialPtr,
    count: c_uint,
    userdata: *mut libc::c_void,
) -> c_int {
    // SAFETY: libvirt passes `count` requests, and the pointer that
    // `open_auth` gave it, which lives across the call to virConnectOpenAuth.
    let (requests, answer) = unsafe {
        (
            std::slice::from_raw_parts_mut(requests, count as usize),
            &mut **userdata.cast::<&mut Authenticator<'_>>(),
        )
    };
    let text = |text: *const c_char| {
        // SAFETY: NULL or a C string.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text).to_string_lossy().into_owned() })
    };
    let mut credentials: Vec<_> = requests
        .iter()
        .map(|request| Credential {
            kind: request.type_,
            prompt: text(request.prompt),
            challenge: text(request.challenge),
            default: text(request.defresult),
            result: None,
        })
        .collect();
    let answered = answer(&mut credentials);
    for (request, credential) in requests.iter_mut().zip(&mut credentials) {
        if let Some(mut result) = credential.result.take() {
            // SAFETY: libvirt frees the copy; it needs no NUL, but gets one.
            unsafe {
                request.result = libc::strndup(result.as_ptr().cast(), result.len());
                request.resultlen = libc::strlen(request.result) as c_uint;
            }
            zeroize::Zeroize::zeroize(&mut result);
        }
    }
    if answered { 0 } else { -1 }
}
