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
/// Lifetime: objects made from it keep the connection open after it is freed.
/// Threads: may be used from several at once.
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

/// A domain: a virtual machine, running or only defined.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_domain;
handle!(vkvm_domain, core::Domain, Domain);

/// A snapshot of a domain.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_domain_snapshot;
handle!(vkvm_domain_snapshot, core::DomainSnapshot, DomainSnapshot);

/// A checkpoint of a domain: since then it is known what changed on its disks.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_domain_checkpoint;
handle!(vkvm_domain_checkpoint, core::DomainCheckpoint, DomainCheckpoint);

/// A storage pool: a place on a host that volumes are in.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_storage_pool;
handle!(vkvm_storage_pool, core::StoragePool, StoragePool);

/// A volume: a disk image or the like in a storage pool.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_storage_vol;
handle!(vkvm_storage_vol, core::StorageVol, StorageVol);

/// A stream: carries data to or from a volume, a console, a channel, or a
/// picture of a screen.
///
/// Lifetime: keeps its connection open. The last `_free` aborts what it still
/// carries. Threads: may be used from several at once, but only by one while it
/// is opened, finished or aborted; the others' calls are refused meanwhile, and
/// these calls while others are in one.
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

/// A secret: a password or key that libvirt keeps.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_secret;
handle!(vkvm_secret, core::Secret, Secret);

/// A virtual network: what connects domains to each other and to the world.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_network;
handle!(vkvm_network, core::Network, Network);

/// A port of a virtual network: the place of a domain in it.
///
/// Lifetime: keeps its network and its connection. Threads: may be used from
/// several at once.
pub struct vkvm_network_port;
handle!(vkvm_network_port, core::NetworkPort, NetworkPort);

/// A device of the host, real or made by software.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_node_device;
handle!(vkvm_node_device, core::NodeDevice, NodeDevice);

/// A network filter: rules for the traffic of domains.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_nwfilter;
handle!(vkvm_nwfilter, core::NwFilter, Nwfilter);

/// The use of a network filter on a network device.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_nwfilter_binding;
handle!(vkvm_nwfilter_binding, core::NwFilterBinding, NwfilterBinding);

/// A network interface of the host.
///
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_interface;
handle!(vkvm_interface, core::Interface, Interface);

/// A queue of events, with a descriptor that is readable while it is not empty.
///
/// Lifetime: does not keep connections open; freeing it ends what was registered
/// through it. Threads: may be used from several at once.
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
/// Lifetime: keeps its connection open. Threads: may be used from several at
/// once.
pub struct vkvm_host;
handle!(vkvm_host, host::Host, Host);

/// Many hosts, to which commands go together.
///
/// Lifetime: keeps its connections open. Threads: may be used from several at
/// once; each host does one thing after the other.
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

/// A call that a thread of the library's makes.
///
/// Lifetime: independent of what it was started with. Threads: may be used from several at
/// once.
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

/// A structured value: null, bool, int64, uint64, double, string, bytes, list,
/// map or handle.
///
/// Lifetime: plain memory, independent of everything else, usable after fork.
/// Threads: may be used from several at once.
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

/// What went wrong.
///
/// Lifetime: plain memory, independent of everything else, usable after fork.
/// Threads: may be used from several at once; it never changes.
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

/// Gets events.
///
/// All arguments but `userdata` are borrowed for the time of the call; `_ref`
/// an object to keep it. `object` is what the event happened to, to be cast to
/// its class (a `vkvm_domain *` for domain events), or NULL for a close
/// callback. `args` is a map with what else is known, in the order in which
/// Sys::Virt passes it. The callback may deregister itself and close `conn`.
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
/// cbindgen:runs=later
pub type vkvm_timeout_callback = Option<unsafe extern "C" fn(timer: c_int, userdata: *mut c_void)>;

/// Called when a watched file descriptor is ready; `events` are some of
/// `VKVM_EVENT_HANDLE_*`.
/// cbindgen:runs=later
pub type vkvm_watch_callback =
    Option<unsafe extern "C" fn(watch: c_int, fd: c_int, events: c_int, userdata: *mut c_void)>;

/// Answers what a server asks for while a connection opens.
///
/// `credentials` is a list of maps with the keys `type` (one of `VKVM_CRED_*`),
/// `prompt`, `challenge` and `result` (null, or the default answer). The
/// callback sets each `result` to a string. It returns 0, or -1 to give up.
/// It may be called several times. The library wipes its copies of the answers, in
/// `credentials` too. libvirt gets a copy of each, which it frees without wiping it.
/// cbindgen:runs=during
pub type vkvm_auth_callback =
    Option<unsafe extern "C" fn(credentials: *mut vkvm_value, userdata: *mut c_void) -> c_int>;

/// Called when a stream is ready; `events` are some of `VKVM_STREAM_EVENT_*`.
///
/// The callback may remove itself, finish or abort the stream, and free it.
/// cbindgen:runs=later
pub type vkvm_stream_callback =
    Option<unsafe extern "C" fn(stream: *mut vkvm_stream, events: c_int, userdata: *mut c_void)>;

/// Gives the data that a stream is to send.
///
/// It writes up to `data_len` bytes to `data` and returns how many they are, 0
/// when there are no more, or -1 to give up. It may use the stream, end and free it.
/// cbindgen:runs=during
pub type vkvm_stream_source_callback = Option<
    unsafe extern "C" fn(
        stream: *mut vkvm_stream,
        data: *mut u8,
        data_len: usize,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Takes the data that a stream has received.
///
/// It returns how many of the `data_len` bytes it took (it is called again with
/// the rest), or -1 to give up. It may use the stream, end and free it.
/// cbindgen:runs=during
pub type vkvm_stream_sink_callback = Option<
    unsafe extern "C" fn(
        stream: *mut vkvm_stream,
        data: *const u8,
        data_len: usize,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Tells what comes next where the data that a stream is to send come from.
///
/// It sets `in_data` to whether data come next, or a hole, and `length` to how
/// many bytes it is long, 0 at the end of all. It returns 0, or -1 to give up.
/// cbindgen:runs=during
pub type vkvm_stream_section_callback = Option<
    unsafe extern "C" fn(
        stream: *mut vkvm_stream,
        in_data: *mut bool,
        length: *mut i64,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Takes a hole of `length` bytes that a stream has received, or goes on behind
/// one where the data that it is to send come from.
///
/// It returns 0, or -1 to give up.
/// cbindgen:runs=during
pub type vkvm_stream_hole_callback = Option<
    unsafe extern "C" fn(stream: *mut vkvm_stream, length: i64, userdata: *mut c_void) -> c_int,
>;

/// Told how far a transfer is: `done` of `total` bytes; a `total` of 0 is
/// unknown. Holes of sparse transfers count as bytes. `done` never decreases; it
/// equals `total` in the last call only, after the transfer has succeeded.
///
/// It returns 0, or -1 to end the transfer, which the last call does not. It is called
/// before the first byte, after each piece (256 KiB, or a hole), and at the end.
/// cbindgen:runs=during
pub type vkvm_progress_callback =
    Option<unsafe extern "C" fn(done: u64, total: u64, userdata: *mut c_void) -> c_int>;

/// Hears how far a long command of a host is.
///
/// `done` of `total` are ready, both counted in `unit`, like "bytes"; `total` is 0
/// where it is not known. Neither `done` nor its share of `total` decreases. They are
/// equal in the last call only, after the command has succeeded; a command that fails
/// ends without such a call. The callback returns 0 to go on, or -1 to cancel the
/// command, which the last call does not.
/// cbindgen:runs=during
pub type vkvm_host_progress_callback = Option<
    unsafe extern "C" fn(
        done: u64,
        total: u64,
        unit: *const libc::c_char,
        userdata: *mut c_void,
    ) -> c_int,
>;

/// Releases the userdata of a callback: runs exactly once, after the last call
/// of the callback, even when the registration failed. May be NULL.
/// cbindgen:runs=at_end
pub type vkvm_destroy_callback = Option<unsafe extern "C" fn(userdata: *mut c_void)>;

/// What an event loop of the program's own does for libvirt, for
/// `vkvm_event_register_impl`. No member may be NULL.
///
/// Numbers of watches and timers are the loop's to choose, from 0 up; -1 is a
/// failure. When adding fails, neither `callback` nor `destroy` may be called.
/// The functions may be called from any thread that uses the library, and from
/// within callbacks.
/// cbindgen:runs=later
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vkvm_event_impl {
    /// Watches a descriptor for some of `VKVM_EVENT_HANDLE_*`: whenever it is
    /// ready `callback` is called with the number, the descriptor, what it is
    /// ready for, and `data`. Returns the number of the watch.
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
    /// Changes what a descriptor is watched for; 0 is nothing, for the time being.
    pub update_handle:
        Option<unsafe extern "C" fn(userdata: *mut c_void, watch: c_int, events: c_int)>,
    /// Ends a watch: no more calls, and `destroy` is called with `data` once, but
    /// after this has returned. Returns 0.
    pub remove_handle: Option<unsafe extern "C" fn(userdata: *mut c_void, watch: c_int) -> c_int>,
    /// Adds a timer that fires each `frequency` ms, with 0 on each turn of the
    /// loop, with -1 not until it is updated: `callback` is called with the number
    /// and `data`. Returns the number of the timer.
    pub add_timeout: Option<
        unsafe extern "C" fn(
            userdata: *mut c_void,
            frequency: c_int,
            callback: vkvm_timeout_callback,
            data: *mut c_void,
            destroy: vkvm_destroy_callback,
        ) -> c_int,
    >,
    /// Changes how often a timer fires.
    pub update_timeout:
        Option<unsafe extern "C" fn(userdata: *mut c_void, timer: c_int, frequency: c_int)>,
    /// Ends a timer, as a watch is ended. Returns 0.
    pub remove_timeout: Option<unsafe extern "C" fn(userdata: *mut c_void, timer: c_int) -> c_int>,
}

/// Gets the parts of a value, one by one, from `vkvm_value_visit`.
///
/// A list or map is announced with its number of items, then come its items
/// (in a map, `key` before each), then `end`. Texts and keys are `len` bytes
/// without a NUL behind them; a text is borrowed for the time of the call, a
/// key until its map is complete. No member may be NULL.
/// cbindgen:runs=during
#[repr(C)]
#[derive(Clone, Copy)]
pub struct vkvm_value_visitor {
    /// Nothing.
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
    /// A handle, borrowed; its class as in function names, like "domain".
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
