// SPDX-License-Identifier: LGPL-2.1-or-later
//! The types of the header: opaque handles and callbacks.

use std::ffi::{c_int, c_void};

use crate::core::{Again, Pinned};
use crate::error::{Error, Result};
use crate::handle::{Class, Object, Table};
use crate::{calls, core, event, host, value};

/// A type that C has pointers to, which are handles of an object.
pub trait Handle {
    /// What is behind the handle.
    type Object: Object;
}

/// Makes a type of the header the handle of an object that libvirt keeps.
macro_rules! handle {
    ($handle:ident, $object:ty, $class:ident) => {
        impl Handle for $handle {
            type Object = $object;
        }
        impl Object for $object {
            const CLASS: Class = Class::$class;
            fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
                Pinned::pin(self, alone)
            }
            fn unpin(&self, pin: usize) {
                Pinned::unpin(self, pin);
            }
            fn again(&self) -> Result<Option<Self>> {
                Again::again(self)
            }
            fn table() -> &'static Table<Self> {
                static TABLE: Table<$object> = Table::new();
                &TABLE
            }
        }
    };
}

/// A connection to a hypervisor.
///
/// Lifetime: objects made from it keep the connection open after it is freed. Thread-safe.
pub struct vkvm_conn;
impl Handle for vkvm_conn {
    type Object = core::Conn;
}
impl Object for core::Conn {
    const CLASS: Class = Class::Conn;
    fn before_end(&self, id: usize) {
        if let Some(lane) = self.lane_to_end() {
            calls::end_lane(&lane, calls::CONNECTION_FREED);
        }
        event::deregister_all(self);
        event::forget_connection(id);
    }
    fn pin(&self, alone: &dyn Fn() -> bool) -> usize {
        Pinned::pin(self, alone)
    }
    fn unpin(&self, pin: usize) {
        Pinned::unpin(self, pin);
    }
    fn again(&self) -> Result<Option<Self>> {
        Again::again(self)
    }
    fn table() -> &'static Table<Self> {
        static TABLE: Table<core::Conn> = Table::new();
        &TABLE
    }
}

/// A domain: a virtual machine or container, active or inactive.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_domain;
handle!(vkvm_domain, core::Domain, Domain);

/// A snapshot of a domain: its disks, and perhaps its memory, at a point in time.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_domain_snapshot;
handle!(vkvm_domain_snapshot, core::DomainSnapshot, DomainSnapshot);

/// A checkpoint of a domain, for incremental backups.
///
/// From then on libvirt records which blocks of its disks change. Lifetime: keeps its
/// connection open. Thread-safe.
pub struct vkvm_domain_checkpoint;
handle!(vkvm_domain_checkpoint, core::DomainCheckpoint, DomainCheckpoint);

/// A storage pool: a source of volumes on a host, such as a directory.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_storage_pool;
handle!(vkvm_storage_pool, core::StoragePool, StoragePool);

/// A volume of a storage pool, such as a disk image.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_storage_vol;
handle!(vkvm_storage_vol, core::StorageVol, StorageVol);

/// A stream of data to or from a volume, console, channel or screen.
///
/// Lifetime: keeps its connection open. The last `_free` aborts an unfinished transfer.
/// Thread-safe, but only one thread may use it while it is opened, finished or aborted: calls
/// of others are refused meanwhile, and so are these calls while others use it.
pub struct vkvm_stream;
impl Handle for vkvm_stream {
    type Object = core::Stream;
}
impl Object for core::Stream {
    const CLASS: Class = Class::Stream;
    fn before_end(&self, _id: usize) {
        self.handle_ends();
    }
    fn table() -> &'static Table<Self> {
        static TABLE: Table<core::Stream> = Table::new();
        &TABLE
    }
}

/// A secret: a password or key that libvirt stores.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_secret;
handle!(vkvm_secret, core::Secret, Secret);

/// A virtual network that connects domains.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_network;
handle!(vkvm_network, core::Network, Network);

/// A port of a virtual network: the connection of a domain's interface to it.
///
/// Lifetime: keeps its network and its connection. Thread-safe.
pub struct vkvm_network_port;
handle!(vkvm_network_port, core::NetworkPort, NetworkPort);

/// A device of the host, physical or virtual.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_node_device;
handle!(vkvm_node_device, core::NodeDevice, NodeDevice);

/// A network filter: firewall rules for the traffic of domains.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_nwfilter;
handle!(vkvm_nwfilter, core::NwFilter, Nwfilter);

/// A binding of a network filter to a network device.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_nwfilter_binding;
handle!(vkvm_nwfilter_binding, core::NwFilterBinding, NwfilterBinding);

/// A network interface of the host.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_interface;
handle!(vkvm_interface, core::Interface, Interface);

/// A queue of events with a pollable file descriptor.
///
/// Events enter it while an event loop runs: that of `vkvm_event_start`, on a thread of the
/// library, or the program's. It is chosen before the connection is opened.
///
/// Lifetime: does not keep connections open; freeing it ends its registrations. Thread-safe.
pub struct vkvm_event_queue;
impl Handle for vkvm_event_queue {
    type Object = event::EventQueue;
}
impl Object for event::EventQueue {
    const CLASS: Class = Class::EventQueue;
    fn before_end(&self, _id: usize) {
        self.end();
    }
    fn table() -> &'static Table<Self> {
        static TABLE: Table<event::EventQueue> = Table::new();
        &TABLE
    }
}

/// A host, managed by commands with structured arguments and results.
///
/// Lifetime: keeps its connection open. Thread-safe.
pub struct vkvm_host;
handle!(vkvm_host, host::Host, Host);

/// A set of hosts that commands are run on together.
///
/// Lifetime: keeps its connections open. Thread-safe; each host runs one command at a time.
pub struct vkvm_fleet;
impl Handle for vkvm_fleet {
    type Object = host::Fleet;
}
impl Object for host::Fleet {
    const CLASS: Class = Class::Fleet;
    fn table() -> &'static Table<Self> {
        static TABLE: Table<host::Fleet> = Table::new();
        &TABLE
    }
}

/// A live picture of many hosts: their domains, networks, pools, volumes, and themselves.
///
/// A row is a map with these keys:
///
/// - all kinds: `host` (URI), `kind`, `name`, `age` (in ms, since the host last confirmed the
///   row), `stale` (whether the host is not up)
/// - "domain": `uuid`, `id` (-1 when inactive), `state`, `reason`, `persistent`, `autostart`,
///   `title`, `description`, `os_type`, `vcpus`, `memory` and `max_memory` (KiB),
///   `managed_save`, `has_snapshots`
/// - "network": `uuid`, `state` ("active" or "inactive"), `persistent`, `autostart`
/// - "pool": `uuid`, `state`, `persistent`, `autostart`, `capacity`, `allocation` and
///   `available` (bytes)
/// - "volume": `pool`, `key`, `path`, `type`, `capacity` and `allocation` (bytes)
/// - "node": `driver`, `version`, `library_version`, `model`, `memory` (KiB), `cpus`, `nodes`,
///   `sockets`, `cores`, `threads`
///
/// What is not known is null: `vkvm_inventory_refresh` waits for `title`, `description` and
/// `os_type`, and for `vcpus` and `memory` of drivers that have these in the XML only. `uuid` is
/// null for volumes and nodes.
///
/// Lifetime: keeps its connections open; the last `_free` closes them. Thread-safe.
pub struct vkvm_inventory;
impl Handle for vkvm_inventory {
    type Object = host::Inventory;
}
impl Object for host::Inventory {
    const CLASS: Class = Class::Inventory;
    fn before_end(&self, _id: usize) {
        self.end();
    }
    fn table() -> &'static Table<Self> {
        static TABLE: Table<host::Inventory> = Table::new();
        &TABLE
    }
}

/// A call of a function on a thread of the library.
///
/// Lifetime: independent of its arguments. Thread-safe.
pub struct vkvm_call;
impl Handle for vkvm_call {
    type Object = calls::Call;
}
impl Object for calls::Call {
    const CLASS: Class = Class::Call;
    fn table() -> &'static Table<Self> {
        static TABLE: Table<calls::Call> = Table::new();
        &TABLE
    }
}

/// A structured value: null, bool, number, text, bytes, list, map or handle.
///
/// A `path` names a part of it: keys of maps and indexes of lists, from 0, separated by dots,
/// such as `devices.disk.1.@type`. NULL or an empty path is the value itself; the index `+`
/// appends to a list. A key that contains dots is found as a whole.
///
/// Lifetime: plain memory, independent of everything else, usable after fork. Thread-safe.
pub struct vkvm_value;
impl Handle for vkvm_value {
    type Object = SharedValue;
}

/// What is behind a value handle; C may change it from several threads.
pub type SharedValue = crate::handle::lock::Lock<value::Value>;

impl Object for SharedValue {
    const CLASS: Class = Class::Value;
    const PROCESS_BOUND: bool = false;
    fn table() -> &'static Table<Self> {
        static TABLE: Table<SharedValue> = Table::new();
        &TABLE
    }
}

/// An error: code, message and details.
///
/// Lifetime: plain memory, independent of everything else, usable after fork. Thread-safe; it
/// never changes.
pub struct vkvm_error;
impl Handle for vkvm_error {
    type Object = Error;
}
impl Object for Error {
    const CLASS: Class = Class::Error;
    const PROCESS_BOUND: bool = false;
    fn table() -> &'static Table<Self> {
        static TABLE: Table<Error> = Table::new();
        &TABLE
    }
}

/// Receives events.
///
/// All arguments but `userdata` are borrowed for the duration of the call; `_ref` an object to
/// keep it. `object` is the object of the event, to be cast to its class (a `vkvm_domain *` for
/// domain events), or NULL for a close callback. `args` is a map with the arguments of the
/// event, in the order in which Sys::Virt passes them. The callback may deregister itself and
/// close `conn`.
///
/// cbindgen:runs=later
pub type vkvm_event_callback = Option<
    unsafe extern "C" fn(
        conn: *mut vkvm_conn,
        object: *mut c_void,
        event_id: c_int,
        args: *mut vkvm_value,
        userdata: *mut c_void,
    ),
>;

/// Called when a timer fires.
///
/// cbindgen:runs=later
pub type vkvm_timeout_callback = Option<unsafe extern "C" fn(timer: c_int, userdata: *mut c_void)>;

/// Called when a watched file descriptor is ready.
///
/// `events` is a bitwise OR of `VKVM_EVENT_HANDLE_*`.
///
/// cbindgen:runs=later
pub type vkvm_watch_callback =
    Option<unsafe extern "C" fn(watch: c_int, fd: c_int, events: c_int, userdata: *mut c_void)>;

/// Provides the credentials that a server asks for while a connection opens.
///
/// `credentials` is a list of maps with the keys `type` (one of `VKVM_CRED_*`), `prompt`,
/// `challenge` and `result` (null, or the default). The callback sets each `result` to a
/// string, and returns 0, or -1 to cancel. It may be called several times. The library wipes
/// its copies of the answers, in `credentials` too. libvirt gets a copy of each, which it frees
/// without wiping it.
///
/// cbindgen:runs=during
pub type vkvm_auth_callback =
    Option<unsafe extern "C" fn(credentials: *mut vkvm_value, userdata: *mut c_void) -> c_int>;

/// Called when a stream is ready.
///
/// `events` is a bitwise OR of `VKVM_STREAM_EVENT_*`. The callback may remove itself, finish or
/// abort the stream, and free it.
///
/// cbindgen:runs=later
pub type vkvm_stream_callback =
    Option<unsafe extern "C" fn(stream: *mut vkvm_stream, events: c_int, userdata: *mut c_void)>;

/// Supplies the data that a stream sends.
///
/// It writes up to `data_len` bytes to `data`, and returns the number of bytes written, 0 at
/// the end, or -1 to cancel. It may use, end and free the stream.
///
/// cbindgen:runs=during
pub type vkvm_stream_source_callback = Option<
    unsafe extern "C" fn(
        stream: *mut vkvm_stream,
        data: *mut u8,
        data_len: usize,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Consumes the data that a stream has received.
///
/// It returns the number of bytes consumed of `data_len` (it is called again with the rest), or
/// -1 to cancel. To consume none is an error. It may use, end and free the stream.
///
/// cbindgen:runs=during
pub type vkvm_stream_sink_callback = Option<
    unsafe extern "C" fn(
        stream: *mut vkvm_stream,
        data: *const u8,
        data_len: usize,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Reports whether the next section of the source is data or a hole.
///
/// It sets `in_data` to true for data, and `length` to the number of bytes in the section, 0 at
/// the end. It returns 0, or -1 to cancel.
///
/// cbindgen:runs=during
pub type vkvm_stream_section_callback = Option<
    unsafe extern "C" fn(
        stream: *mut vkvm_stream,
        in_data: *mut bool,
        length: *mut i64,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Consumes a received hole, or skips a hole of the source.
///
/// The hole has `length` bytes. The callback returns 0, or -1 to cancel.
///
/// cbindgen:runs=during
pub type vkvm_stream_hole_callback = Option<
    unsafe extern "C" fn(stream: *mut vkvm_stream, length: i64, userdata: *mut c_void) -> c_int,
>;

/// Receives the progress of a transfer.
///
/// `done` of `total` bytes are transferred; a `total` of 0 means unknown. Holes of sparse
/// transfers count as bytes. `done` never decreases; it equals `total` only in the last call,
/// after the transfer has succeeded.
///
/// The callback returns 0, or -1 to end the transfer, which has no effect in the last call. It
/// is called before the first byte, after each piece (256 KiB, or a hole), and at the end.
///
/// cbindgen:runs=during
pub type vkvm_progress_callback =
    Option<unsafe extern "C" fn(done: u64, total: u64, userdata: *mut c_void) -> c_int>;

/// Receives the progress of a command of the host facade.
///
/// `done` of `total` are complete, both in `unit`, such as "bytes"; a `total` of 0 means
/// unknown. Neither `done` nor its share of `total` decreases. They are equal only in the last
/// call, after the command has succeeded; a command that fails ends without such a call. The
/// callback returns 0, or -1 to cancel the command, which has no effect in the last call.
///
/// cbindgen:runs=during
pub type vkvm_host_progress_callback = Option<
    unsafe extern "C" fn(
        done: u64,
        total: u64,
        unit: *const libc::c_char,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Releases the user data of a callback.
///
/// It runs exactly once, after the last call of the callback, even when the registration
/// failed. May be NULL.
///
/// cbindgen:runs=at_end
pub type vkvm_destroy_callback = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// The functions of the program's own event loop, for `vkvm_event_register_impl`.
///
/// No member may be NULL. The loop chooses the ids of watches and timers, from 0 up; -1 is a
/// failure. When adding fails, neither `callback` nor `destroy` may be called. The functions
/// may be called from any thread that uses the library, and from callbacks.
///
/// cbindgen:runs=later
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vkvm_event_impl {
    /// Watches a file descriptor for events, a bitwise OR of `VKVM_EVENT_HANDLE_*`. Whenever it
    /// is ready, `callback` is called with the id of the watch, the descriptor, the events, and
    /// `data`. Returns the id of the watch.
    pub add_handle: Option<
        unsafe extern "C" fn(
            userdata: *mut c_void,
            fd: c_int,
            events: c_int,
            callback: vkvm_watch_callback,
            data: *mut c_void,
            destroy: vkvm_destroy_callback,
        ) -> c_int,
    >,
    /// Changes the events of a watch; 0 means none until the next change.
    pub update_handle:
        Option<unsafe extern "C" fn(userdata: *mut c_void, watch: c_int, events: c_int)>,
    /// Removes a watch: `callback` is not called any more, and `destroy` is called once with
    /// `data`, after this function has returned. Returns 0.
    pub remove_handle: Option<unsafe extern "C" fn(userdata: *mut c_void, watch: c_int) -> c_int>,
    /// Adds a timer that fires every `frequency` ms, 0 on each iteration of the loop, -1 not
    /// until it is updated. `callback` is called with the id of the timer and `data`. Returns
    /// the id of the timer.
    pub add_timeout: Option<
        unsafe extern "C" fn(
            userdata: *mut c_void,
            frequency: c_int,
            callback: vkvm_timeout_callback,
            data: *mut c_void,
            destroy: vkvm_destroy_callback,
        ) -> c_int,
    >,
    /// Changes the interval of a timer.
    pub update_timeout:
        Option<unsafe extern "C" fn(userdata: *mut c_void, timer: c_int, frequency: c_int)>,
    /// Removes a timer, in the same way as a watch. Returns 0.
    pub remove_timeout: Option<unsafe extern "C" fn(userdata: *mut c_void, timer: c_int) -> c_int>,
}

/// The functions that receive the parts of a value, from `vkvm_value_visit`.
///
/// A list or map is announced with its number of items. Its items follow, in a map each after
/// its `key`, then `end`. Texts and keys are `len` bytes without a NUL after them; a text is
/// borrowed for the duration of the call, a key until its map is complete. No member may be
/// NULL.
///
/// cbindgen:runs=during
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vkvm_value_visitor {
    /// Null.
    pub null: Option<unsafe extern "C" fn(userdata: *mut c_void)>,
    /// True or false.
    pub boolean: Option<unsafe extern "C" fn(userdata: *mut c_void, value: bool)>,
    /// A signed integer.
    pub int64: Option<unsafe extern "C" fn(userdata: *mut c_void, value: i64)>,
    /// An unsigned integer.
    pub uint64: Option<unsafe extern "C" fn(userdata: *mut c_void, value: u64)>,
    /// A floating point number.
    pub real: Option<unsafe extern "C" fn(userdata: *mut c_void, value: f64)>,
    /// UTF-8 text.
    pub string:
        Option<unsafe extern "C" fn(userdata: *mut c_void, text: *const libc::c_char, len: usize)>,
    /// Bytes.
    pub bytes: Option<unsafe extern "C" fn(userdata: *mut c_void, data: *const u8, len: usize)>,
    /// A handle, borrowed, and its class as in function names, such as "domain".
    pub handle: Option<
        unsafe extern "C" fn(
            userdata: *mut c_void,
            handle: *mut c_void,
            class_name: *const libc::c_char,
            len: usize,
        ),
    >,
    /// A list begins.
    pub list: Option<unsafe extern "C" fn(userdata: *mut c_void, count: usize)>,
    /// A map begins.
    pub map: Option<unsafe extern "C" fn(userdata: *mut c_void, count: usize)>,
    /// The key of the next item.
    pub key:
        Option<unsafe extern "C" fn(userdata: *mut c_void, text: *const libc::c_char, len: usize)>,
    /// The list or map that began last is complete.
    pub end: Option<unsafe extern "C" fn(userdata: *mut c_void)>,
}
