//! Events of QEMU's monitor: what QEMU itself says, also of kinds that libvirt has
//! no event for.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_uint, c_void};
use std::ptr;
use std::sync::Arc;

use virt::sys;

use super::registry::remember;
use super::signature::{Subscription, deliver, string};
use super::subject::{Deregister, Subject};
use super::{Listener as Closure, choice, free_userdata, into_userdata};
use crate::core::conn::{Listener, Source};
use crate::core::domain::qemu::LIBRARY;
use crate::core::late::Late;
use crate::core::{Conn, Domain, call};
use crate::error::Result;

type Callback = unsafe extern "C" fn(
    sys::virConnectPtr,
    sys::virDomainPtr,
    *const c_char,
    c_longlong,
    c_uint,
    *const c_char,
    *mut c_void,
);
type Register = unsafe extern "C" fn(
    sys::virConnectPtr,
    sys::virDomainPtr,
    *const c_char,
    Callback,
    *mut c_void,
    sys::virFreeCallback,
    c_uint,
) -> c_int;

// SAFETY: these are the functions' types in libvirt's header.
static REGISTER: Late<Register> =
    unsafe { Late::of(LIBRARY, c"virConnectDomainQemuMonitorEventRegister", "1.2.3") };
// SAFETY: as above.
pub(super) static DEREGISTER: Late<Deregister> =
    unsafe { Late::of(LIBRARY, c"virConnectDomainQemuMonitorEventDeregister", "1.2.3") };

/// Listens to events of QEMU's monitor: from one domain, or from all; of one kind,
/// or of all. Returns the id to deregister with.
pub fn qemu_monitor_event_register(
    conn: &Conn,
    dom: Option<&Domain>,
    event: Option<&CStr>,
    listener: Closure,
    flags: c_uint,
) -> Result<c_int> {
    choice::not_left_behind("listening to events of QEMU's monitor")?;
    let (dom, event) = (dom.map(Domain::reference), event.map(CStr::to_owned));
    let listener = Arc::new(listener);
    let again = move |conn: &Conn| {
        begin(conn, dom.as_ref(), event.as_deref(), Arc::clone(&listener), flags)
    };
    let id = again(conn)?;
    remember(conn, Listener::Any(Source::QemuMonitor, id), id, again);
    Ok(id)
}

fn begin(
    conn: &Conn,
    dom: Option<&Domain>,
    event: Option<&CStr>,
    listener: Arc<Closure>,
    flags: c_uint,
) -> Result<c_int> {
    let register = REGISTER.get()?;
    let names = &["event", "seconds", "micros", "details"];
    let userdata = into_userdata(Subscription { id: 0, names, listener });
    let dom = dom.map_or(ptr::null_mut(), Domain::raw);
    let event = event.map_or(ptr::null(), CStr::as_ptr);
    // SAFETY: connection and domain are live; libvirt takes NULL for all; callback,
    // userdata and free callback go together.
    let returned = unsafe {
        let free = Some(free_userdata::<Subscription> as _);
        register(conn.raw(), dom, event, happened, userdata, free, flags)
    };
    call::number(returned, c"virConnectDomainQemuMonitorEventRegister").inspect_err(
        // SAFETY: libvirt kept nothing, so this is the last use.
        |_| unsafe { free_userdata::<Subscription>(userdata) },
    )
}

unsafe extern "C" fn happened(
    _conn: sys::virConnectPtr,
    dom: sys::virDomainPtr,
    event: *const c_char,
    seconds: c_longlong,
    micros: c_uint,
    details: *const c_char,
    userdata: *mut c_void,
) {
    // SAFETY: the contract of `signature`, which this function keeps to, too.
    unsafe {
        let values = [string(event), seconds.into(), micros.into(), string(details)];
        deliver::<Domain, 4>(dom.cast(), userdata, values);
    }
}
