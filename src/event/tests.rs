// SPDX-License-Identifier: LGPL-2.1-or-later
//! Feeds libvirt's callbacks for every kind of event, as libvirt would.

use std::ffi::{CStr, c_char, c_int, c_longlong, c_uint, c_ulonglong, c_void};
use std::mem::transmute;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};

use virt::sys;

use super::callback::opaque;
use super::hub::Registrar;
use super::kinds::{self, Kind, Signature};
use super::listeners::{self, Events, HUB, Registration, Role, Topic};
use super::subject::Subject;
use super::{Event, Listener, Object, registrar, signature};
use crate::core::line::ConnRef;
use crate::core::typed_params::TypedParams;
use crate::core::{Conn, Domain, Network, NodeDevice, StoragePool};
use crate::value::Value;

/// What a listener has heard, and how often it was dropped.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Mutex<Vec<(String, c_int, String)>>>,
    drops: Arc<AtomicUsize>,
}

struct Dropping(Arc<AtomicUsize>);
impl Drop for Dropping {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn name(object: &Object) -> String {
    let name = match object {
        Object::Domain(it) => it.get_name(),
        Object::Network(it) => it.get_name(),
        Object::StoragePool(it) => it.get_name(),
        Object::NodeDevice(it) => it.get_name(),
        Object::Secret(it) => return it.get_uuid_string().unwrap().to_string_lossy().into_owned(),
    };
    name.unwrap().to_string_lossy().into_owned()
}

impl Ear {
    fn listener(&self) -> Listener {
        let (heard, guard) = (self.heard.clone(), Dropping(self.drops.clone()));
        Listener::new(move |event: Event| {
            let _ = &guard;
            let object = event.object.as_deref().map_or(String::new(), name);
            let args = Value::Map(event.args).to_json(false).unwrap();
            heard.lock().unwrap().push((object, event.id, args));
        })
    }

    fn heard(&self) -> Vec<(String, c_int, String)> {
        std::mem::take(&mut self.heard.lock().unwrap())
    }
}

/// Registers with nobody, and remembers the tap.
struct Nobody {
    link: ConnRef,
    tap: AtomicUsize,
}

impl Registrar<Events> for Nobody {
    type Error = crate::error::Error;

    fn link(&self) -> ConnRef {
        self.link.clone()
    }

    fn begin(&self, link: &ConnRef, _: &Topic, tap: usize) -> crate::error::Result<Registration> {
        self.tap.store(tap, Ordering::SeqCst);
        Ok(Registration::new(link, |_| ()))
    }

    fn is_coming(&self, _: &ConnRef, _: &Topic, _: &Self::Error) -> bool {
        false
    }
}

/// Listens to events that only these tests make.
struct Listening {
    line: u64,
    tap: usize,
}

impl Listening {
    fn begin<S: Subject>(id: c_int, listener: Listener) -> Self {
        static LINES: AtomicUsize = AtomicUsize::new(1 << 40);
        let line = LINES.fetch_add(1, Ordering::SeqCst) as u64;
        let conn = Conn::open(Some(c"test:///default"), 0).unwrap();
        let nobody = Nobody { link: conn.reference(), tap: AtomicUsize::new(0) };
        let topic = Topic::Events { source: S::SOURCE, object: None, id };
        let kind = listeners::Kind::AllDomains;
        let role = Role { line: Weak::new(), owner: 0, queue: None, kind };
        let added = HUB.add(&nobody, (line, topic), (role, listener), |_| false).unwrap();
        assert_eq!(added, super::hub::Added::Now);
        Listening { line, tap: nobody.tap.into_inner() }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        assert_eq!(HUB.remove(self.line, |_| true).len(), 1);
    }
}

/// The function for an event, as libvirt calls it: with the address of the
/// function and what was registered.
fn feed<S: Subject>(
    object: &S,
    kind: &Kind,
    call: impl Fn(*const c_void, *mut c_void, *mut c_void),
) -> String {
    let ear = Ear::default();
    let listening = Listening::begin::<S>(kind.id, ear.listener());
    let (function, data) =
        (signature::callback::<S>(kind.signature).address(), opaque(listening.tap));
    call(function, object.untyped(), data);
    drop(listening);
    assert_eq!(ear.drops.load(Ordering::SeqCst), 1);
    call(function, object.untyped(), data); // finds nobody
    let heard = ear.heard();
    assert_eq!(heard.len(), 1, "event {}", kind.id);
    assert_eq!(heard[0].1, kind.id);
    assert!(!heard[0].0.is_empty());
    heard[0].2.clone()
}

/// Calls an address as a C function of these arguments.
macro_rules! call {
    ($address:ident($($value:expr => $type:ty),*) -> $result:ty) => {
        // SAFETY: the types are those of libvirt's header for this event.
        unsafe {
            transmute::<*const c_void, unsafe extern "C" fn($($type),*) -> $result>($address)(
                $($value),*
            )
        }
    };
}

const A: *const c_char = c"a".as_ptr();
const B: *const c_char = c"b".as_ptr();
const NONE: *const c_char = std::ptr::null();
type Text = *const c_char;
type Ptr = *mut c_void;

fn domain() -> Domain {
    let conn = Conn::open(Some(c"test:///default"), 0).unwrap();
    conn.get_domain_by_name(c"test").unwrap()
}

/// Feeds a domain event of any kind with recognisable arguments.
fn feed_domain(dom: &Domain, kind: &Kind) -> String {
    let n = null_mut::<c_void>();
    feed(dom, kind, |f, o, d| match kind.id as u32 {
        sys::VIR_DOMAIN_EVENT_ID_LIFECYCLE => {
            let answer = call!(f(n => Ptr, o => Ptr, 5 => c_int, -6 => c_int, d => Ptr) -> c_int);
            assert_eq!(answer, 0);
        }
        sys::VIR_DOMAIN_EVENT_ID_REBOOT | sys::VIR_DOMAIN_EVENT_ID_CONTROL_ERROR => {
            call!(f(n => Ptr, o => Ptr, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_RTC_CHANGE => {
            call!(f(n => Ptr, o => Ptr, i64::MIN => c_longlong, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE => {
            call!(f(n => Ptr, o => Ptr, u64::MAX => c_ulonglong, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_WATCHDOG
        | sys::VIR_DOMAIN_EVENT_ID_PMWAKEUP
        | sys::VIR_DOMAIN_EVENT_ID_PMSUSPEND
        | sys::VIR_DOMAIN_EVENT_ID_PMSUSPEND_DISK
        | sys::VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION => {
            call!(f(n => Ptr, o => Ptr, -3 => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_VCPU_REMOVED => {
            call!(f(n => Ptr, o => Ptr, u32::MAX => c_uint, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_IO_ERROR => {
            call!(f(n => Ptr, o => Ptr, A => Text, NONE => Text, 1 => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON => {
            call!(f(n => Ptr, o => Ptr, A => Text, B => Text, 1 => c_int, A => Text, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_GRAPHICS => feed_graphics(f, o, d),
        sys::VIR_DOMAIN_EVENT_ID_BLOCK_JOB | sys::VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2 => {
            call!(f(n => Ptr, o => Ptr, A => Text, 1 => c_int, 2 => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_DISK_CHANGE => {
            call!(f(n => Ptr, o => Ptr, NONE => Text, A => Text, B => Text, 1 => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_TRAY_CHANGE => {
            call!(f(n => Ptr, o => Ptr, A => Text, 1 => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED
        | sys::VIR_DOMAIN_EVENT_ID_DEVICE_ADDED
        | sys::VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED => {
            call!(f(n => Ptr, o => Ptr, A => Text, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_TUNABLE | sys::VIR_DOMAIN_EVENT_ID_JOB_COMPLETED => {
            let mut params = TypedParams::new();
            params.push("shares", sys::VIR_TYPED_PARAM_ULLONG, &Value::Uint(7), "p").unwrap();
            params
                .push("disk", sys::VIR_TYPED_PARAM_STRING, &Value::String("x".into()), "p")
                .unwrap();
            let (array, len) = params.as_raw();
            call!(f(n => Ptr, o => Ptr, array.cast() => Ptr, len => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE => {
            call!(f(n => Ptr, o => Ptr, 1 => c_int, 2 => c_int, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_METADATA_CHANGE => {
            call!(f(n => Ptr, o => Ptr, 2 => c_int, A => Text, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_BLOCK_THRESHOLD => {
            call!(f(n => Ptr, o => Ptr, A => Text, NONE => Text, 1 << 40 => c_ulonglong,
                3 => c_ulonglong, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_MEMORY_FAILURE => {
            call!(f(n => Ptr, o => Ptr, 1 => c_int, 2 => c_int, 3 => c_uint, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE => {
            call!(f(n => Ptr, o => Ptr, A => Text, 9 => c_ulonglong, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_NIC_MAC_CHANGE => {
            call!(f(n => Ptr, o => Ptr, A => Text, B => Text, NONE => Text, d => Ptr) -> ());
        }
        sys::VIR_DOMAIN_EVENT_ID_CHANNEL_LIFECYCLE => {
            call!(f(n => Ptr, o => Ptr, A => Text, 1 => c_int, 2 => c_int, d => Ptr) -> ());
        }
        other => panic!("event {other} is fed by nobody"),
    })
}

fn feed_graphics(f: *const c_void, o: Ptr, d: Ptr) {
    let mut local =
        sys::virDomainEventGraphicsAddress { family: 0, node: A.cast_mut(), service: B.cast_mut() };
    let mut identities = [
        sys::virDomainEventGraphicsSubjectIdentity { type_: A.cast_mut(), name: B.cast_mut() },
        sys::virDomainEventGraphicsSubjectIdentity { type_: B.cast_mut(), name: null_mut() },
    ];
    let mut subject =
        sys::virDomainEventGraphicsSubject { nidentity: 2, identities: identities.as_mut_ptr() };
    let n = null_mut::<c_void>();
    let (local, subject) = ((&raw mut local).cast(), (&raw mut subject).cast());
    call!(f(n => Ptr, o => Ptr, 1 => c_int, local => Ptr, n => Ptr, A => Text, subject => Ptr, d => Ptr) -> ());
}

#[test]
fn every_domain_event_arrives_with_its_arguments() {
    let dom = domain();
    let fed: Vec<String> = kinds::DOMAIN.iter().map(|kind| feed_domain(&dom, kind)).collect();
    let expected = [
        r#"{"event":5,"detail":-6}"#,
        "{}",
        r#"{"utcoffset":-9223372036854775808}"#,
        r#"{"action":-3}"#,
        r#"{"srcPath":"a","devAlias":null,"action":1}"#,
        r#"{"phase":1,"local":{"family":0,"node":"a","service":"b"},"remote":null,"authScheme":"a","identities":[{"type":"a","name":"b"},{"type":"b","name":null}]}"#,
        r#"{"srcPath":"a","devAlias":"b","action":1,"reason":"a"}"#,
        "{}",
        r#"{"path":"a","type":1,"status":2}"#,
        r#"{"oldSrcPath":null,"newSrcPath":"a","devAlias":"b","reason":1}"#,
        r#"{"devAlias":"a","reason":1}"#,
        r#"{"reason":-3}"#,
        r#"{"reason":-3}"#,
        r#"{"actual":18446744073709551615}"#,
        r#"{"reason":-3}"#,
        r#"{"devAlias":"a"}"#,
        r#"{"path":"a","type":1,"status":2}"#,
        r#"{"params":{"shares":7,"disk":"x"}}"#,
        r#"{"state":1,"reason":2}"#,
        r#"{"devAlias":"a"}"#,
        r#"{"iteration":-3}"#,
        r#"{"params":{"shares":7,"disk":"x"}}"#,
        r#"{"devAlias":"a"}"#,
        r#"{"type":2,"nsuri":"a"}"#,
        r#"{"dev":"a","path":null,"threshold":1099511627776,"excess":3}"#,
        r#"{"recipient":1,"action":2,"flags":3}"#,
        r#"{"alias":"a","size":9}"#,
        r#"{"alias":"a","oldMAC":"b","newMAC":null}"#,
        r#"{"vcpuid":4294967295}"#,
        r#"{"state":1,"reason":2,"channelName":"a"}"#,
    ];
    assert_eq!(fed, expected);
    let ids: Vec<c_int> = kinds::DOMAIN.iter().map(|kind| kind.id).collect();
    assert_eq!(ids, (0..30).collect::<Vec<c_int>>(), "each of the 30, once");
}

#[test]
fn text_that_is_no_utf8_is_repaired() {
    let dom = domain();
    let kind = kinds::find(kinds::DOMAIN, sys::VIR_DOMAIN_EVENT_ID_DEVICE_ADDED as c_int).unwrap();
    let odd: &CStr = c"a\xff";
    let n = null_mut::<c_void>();
    let heard = feed(&dom, kind, |f, o, d| {
        call!(f(n => Ptr, o => Ptr, odd.as_ptr() => Text, d => Ptr) -> ());
    });
    assert_eq!(heard, "{\"devAlias\":\"a\u{fffd}\"}");
}

/// Two integers, or nothing, or what a network's metadata events have.
fn feed_simple<S: Subject>(object: &S) -> Vec<String> {
    let n = null_mut::<c_void>();
    S::kinds()
        .iter()
        .map(|kind| {
            feed(object, kind, |f, o, d| match kind.names {
                [] => call!(f(n => Ptr, o => Ptr, d => Ptr) -> ()),
                ["type", _] => call!(f(n => Ptr, o => Ptr, 1 => c_int, A => Text, d => Ptr) -> ()),
                _ => call!(f(n => Ptr, o => Ptr, 1 => c_int, 2 => c_int, d => Ptr) -> ()),
            })
        })
        .collect()
}

#[test]
fn events_of_other_objects_arrive_with_them() {
    let conn = Conn::open(Some(c"test:///default"), 0).unwrap();
    let lifecycle = r#"{"event":1,"detail":2}"#;
    let network: Network = conn.get_network_by_name(c"default").unwrap();
    assert_eq!(feed_simple(&network), [lifecycle, r#"{"type":1,"nsuri":"a"}"#]);
    let pool: StoragePool = conn.get_storage_pool_by_name(c"default-pool").unwrap();
    assert_eq!(feed_simple(&pool), [lifecycle, "{}"]);
    let device: NodeDevice = conn.get_node_device_by_name(c"computer").unwrap();
    assert_eq!(feed_simple(&device), [lifecycle, "{}"]);

    // No driver in this process has secrets; those of a daemon are in the Perl tests.
    let rows = |kinds: &'static [Kind]| {
        kinds.iter().map(|kind| (kind.id, kind.signature, kind.names)).collect::<Vec<_>>()
    };
    assert_eq!(rows(kinds::SECRET), rows(kinds::STORAGE_POOL));
}

#[test]
fn a_kind_of_event_that_is_not_known_is_refused() {
    super::register_default().unwrap();
    let link = Conn::open(Some(c"test:///default"), 0).unwrap().reference();
    let error = registrar::refusal::<Domain>(&link, 4711);
    assert_eq!(error.details().code, sys::VIR_ERR_INVALID_ARG as i32, "by libvirt: {error}");
    let id = sys::VIR_DOMAIN_EVENT_ID_REBOOT as c_int;
    let error = registrar::refusal::<Domain>(&link, id);
    let text = "event_id: 1 is no kind of event that this version of the library knows";
    assert_eq!(error.to_string(), text, "as one that only libvirt knows");
}

#[test]
fn a_listener_that_panics_harms_nobody() {
    let dom = domain();
    let listening =
        Listening::begin::<Domain>(1, Listener::new(|_| panic!("in a listener; this is wanted")));
    let f = signature::callback::<Domain>(Signature::Nothing).address();
    call!(f(null_mut::<c_void>() => Ptr, dom.untyped() => Ptr, opaque(listening.tap) => Ptr) -> ());
}
