// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_inventory_*`: a live picture of many hosts.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::caller::refs;
use super::guard::{direct, status, void};
use super::types::{vkvm_conn, vkvm_error, vkvm_event_queue, vkvm_inventory, vkvm_value};
use crate::core::Text;
use crate::host::{Inventory, MetricsFormat};

/// Opens an inventory of hosts: their objects in memory, kept current.
///
/// The hosts are opened in parallel and filled in by bulk calls. The function returns when each
/// host is filled in or has failed, at the latest after the option `timeout_ms`. A host that fails
/// does not make the function fail: `vkvm_inventory_get_hosts` has its state and the reason, and
/// it is opened again after 0.1 s, then after twice as long each time, up to 30 s. Until then
/// its rows are those known last; they are marked stale.
///
/// Rows follow events: an event causes the objects that it is about to be asked again, on
/// threads of the library. Every `refresh` seconds, after a reconnection and on request all rows
/// are compared with the host, which finds what libvirt sends no events for: autostart,
/// snapshots, sizes of pools. Events need an event loop (`vkvm_event_start`, or the program's);
/// without one rows change only at a refresh. A connection that was opened before there was an
/// event loop is replaced at the next refresh.
///
/// Filling in all domains of a host takes five calls, whatever their number. Title, description
/// and OS type are only in a domain's XML: they are null at first, and asked for right after,
/// one call for each domain, then again only after events that may have changed them. Without
/// an event loop each refresh asks for them. `vkvm_inventory_refresh` waits for them. From
/// drivers whose statistics have no vCPUs and memory, these come with the XML, too.
///
/// The options are a map:
///
/// - kinds: list of "node", "domain", "network", "pool", "volume"; default all but "volume",
///   which takes two calls for each volume
/// - refresh: seconds between two comparisons of all rows, up to 86,400; default 60. 0 means
///   none: changes without events are missed; it needs an event loop
/// - max_delay_ms: milliseconds for which events are gathered before the host is asked, up to
///   60,000; default 0. Events that arrive while a host is asked are gathered anyway
/// - timeout_ms: milliseconds that a call may take; default 10,000. A host whose call takes
///   longer is down, and is opened again
/// - limit: number of hosts that are at work at the same time, 1 to 1024; default 64. Each
///   takes a thread, and one more while it is opened
/// - details: whether to ask for title, description and OS type; default true
///
/// - `uris`: a libvirt URI for each host, each once; they identify the hosts in rows
/// - `uris_len`: number of elements
/// - `options` (nullable, map): see above
/// - `inventory`: the inventory
///
/// libvirt: virConnectOpenAuth, virConnectGetAllDomainStats, virConnectListAllDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_open(
    uris: *const *const c_char,
    uris_len: usize,
    options: *mut vkvm_value,
    inventory: *mut *mut vkvm_inventory,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(inventory, "inventory")?;
        let uris = c.texts(uris, uris_len, "uris")?;
        let options = c.map_nullable(options, "options")?;
        out.set(Inventory::open(&uris, options.as_ref())?)
    })
}

/// Opens an inventory over connections of the program.
///
/// It is like `vkvm_inventory_open`, with calls on these connections. They stay open until the
/// inventory is closed, even if the program frees them. One that ends is not opened again,
/// unless it resumes (`vkvm_conn_enable_resume`), which it does until the program frees it.
///
/// - `conns`: the connections, each to another URI
/// - `conns_len`: number of elements
/// - `options` (nullable, map): as for `vkvm_inventory_open`
/// - `inventory`: the inventory
///
/// libvirt: virConnectGetAllDomainStats, virConnectListAllDomains
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_open_conns(
    conns: *const *mut vkvm_conn,
    conns_len: usize,
    options: *mut vkvm_value,
    inventory: *mut *mut vkvm_inventory,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(inventory, "inventory")?;
        let conns = c.get_list(conns, conns_len, "conns")?;
        let options = c.map_nullable(options, "options")?;
        out.set(Inventory::share(&refs(&conns), options.as_ref())?)
    })
}

/// Adds a reference to the inventory handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_inventory_free`; NULL when it
///   is not live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_ref(inventory: *mut vkvm_inventory) -> *mut vkvm_inventory {
    direct(std::ptr::null_mut(), |c| c.retain(inventory))
}

/// Releases a reference to the inventory handle.
///
/// The last one closes the inventory, as `vkvm_inventory_close` does. NULL and handles that are
/// not live are ignored.
///
/// - `inventory` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_free(inventory: *mut vkvm_inventory) {
    void(|c| c.free(inventory))
}

/// Closes an inventory.
///
/// It does not wait: calls under way are given up, and threads of the library close the
/// connections. Threads that wait for the inventory get an error, and so does every later call
/// on it; queues get no more entries. An inventory that is closed already is no error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_close(
    inventory: *mut vkvm_inventory,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(inventory, "inventory")?.end();
        Ok(())
    })
}

/// Returns the rows of the inventory that pass a filter, without any call to a host.
///
/// All rows are of the same moment. The filter is a map; every key is optional:
///
/// - host: URI or own name of a host, or a list of them
/// - kind: a kind, or a list of kinds
/// - state: name of a state, such as "running", or a list of names
/// - name: pattern with `*`, `?` and `[a-z]`, `[!a-z]`
/// - uuid: UUID of an object
/// - fields: list of the keys that rows are to have; default all
/// - sort: list of keys to sort by, each in descending order with "-" before it; default is the
///   order of the hosts, and within each of kind and name
/// - raw: true for numbers instead of names of states, reasons and types
///
/// - `filter` (nullable, map): see above
/// - `snapshot` (map): a map with the keys `rows`, a list of rows with the keys that
///   `vkvm_inventory_get` lists, and `generation`, the number of the last change in them
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_get_snapshot(
    inventory: *mut vkvm_inventory,
    filter: *mut vkvm_value,
    snapshot: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(snapshot, "snapshot")?;
        let inventory = c.get(inventory, "inventory")?;
        out.set_value(inventory.snapshot(c.map_nullable(filter, "filter")?.as_ref())?)
    })
}

/// Returns the row of one object, without any call to a host.
///
/// - `kind`: kind of the object, such as "domain"
/// - `host` (nullable): URI or own name of its host; NULL for whichever has it
/// - `name`: name or UUID of the object, or the key of a volume; a name that several hosts have
///   is an error without `host`
/// - `row` (map): a map with the keys that its kind has: of all kinds `host`, `kind`, `name`,
///   `age`, `stale`; of domains `uuid`, `id`, `state`, `reason`, `persistent`, `autostart`,
///   `title`, `description`, `os_type`, `vcpus`, `memory`, `max_memory`, `managed_save`,
///   `has_snapshots`; of networks `uuid`, `state`, `persistent`, `autostart`; of pools `uuid`,
///   `state`, `persistent`, `autostart`, `capacity`, `allocation`, `available`; of volumes
///   `pool`, `key`, `path`, `type`, `capacity`, `allocation`; of nodes `driver`, `version`,
///   `library_version`, `model`, `memory`, `cpus`, `nodes`, `sockets`, `cores`, `threads`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_get(
    inventory: *mut vkvm_inventory,
    kind: *const c_char,
    host: *const c_char,
    name: *const c_char,
    row: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(row, "row")?;
        let inventory = c.get(inventory, "inventory")?;
        let (kind, host) = (c.str(kind, "kind")?, c.str_nullable(host, "host")?);
        out.set_value(inventory.get(kind, host, c.str(name, "name")?)?)
    })
}

/// Returns the XML description of an object of the inventory.
///
/// It is asked for once, and kept until an event or a refresh of its host; at most 16 MiB are
/// kept. That of a node is its capabilities.
///
/// - `kind`: kind of the object, such as "domain"
/// - `host` (nullable): as for `vkvm_inventory_get`
/// - `name`: as for `vkvm_inventory_get`
/// - `timeout` (unit ms): time to wait for the host
/// - `xml`: the XML description
///
/// libvirt: virDomainGetXMLDesc, virNetworkGetXMLDesc, virStoragePoolGetXMLDesc, virStorageVolGetXMLDesc, virConnectGetCapabilities
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_get_xml(
    inventory: *mut vkvm_inventory,
    kind: *const c_char,
    host: *const c_char,
    name: *const c_char,
    timeout: u32,
    xml: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(xml, "xml")?;
        let inventory = c.get(inventory, "inventory")?;
        let (kind, host) = (c.str(kind, "kind")?, c.str_nullable(host, "host")?);
        let text = inventory.xml(kind, host, c.str(name, "name")?, ms(timeout))?;
        out.set(Text::from_rust(&text, "xml")?);
        Ok(())
    })
}

/// Returns the state of each host of the inventory.
///
/// - `hosts` (list): a map for each host, in the order in which they were given, with the keys
///   `uri`, `host` (name that the host gives itself, or null), `state` ("connecting", "up" or
///   "down"), `error` (why it is down, or null), `age` (in ms, since all of its rows were
///   compared, or null), `events` (whether its events arrive), `pending` (number of domains
///   whose title, description and OS type have yet to be asked for), `counts` (number of rows
///   by kind)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_get_hosts(
    inventory: *mut vkvm_inventory,
    hosts: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(hosts, "hosts")?;
        out.set_value(c.get(inventory, "inventory")?.hosts()?)
    })
}

/// Returns metrics of what the inventory knows as a text for Prometheus.
///
/// No host is asked. The text has the metrics of `vkvm_fleet_get_metrics` that rows have: state,
/// memory and vCPUs of domains, storage pools, CPUs and memory of the hosts, with the same names
/// and labels.
/// `libvirt_inventory_age_seconds` is the time since all rows of the host were compared. Of a host
/// that is not up there are only `libvirt_up` with the value 0, its age and `libvirt_host_info`;
/// `vkvm_inventory_get_hosts` has the reason.
///
/// - `format` (nullable): "openmetrics", the default, or "prometheus", its text format 0.0.4
/// - `text`: the metrics
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_get_metrics(
    inventory: *mut vkvm_inventory,
    format: *const c_char,
    text: *mut *mut c_char,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_text(text, "text")?;
        let inventory = c.get(inventory, "inventory")?;
        let format = MetricsFormat::named(c.str_nullable(format, "format")?)?;
        out.set(Text::from_rust(&inventory.metrics(format)?, "text")?);
        Ok(())
    })
}

/// Compares all rows with their hosts, and waits until that is done.
///
/// It also waits for what was noted before: events that have arrived, and titles, descriptions
/// and OS types that have not been asked for. With the library's event loop (`vkvm_event_start`)
/// these are the events of all that was done before the call; a loop of the program's own may not
/// have run meanwhile, and a callback on the library's thread cannot wait for them.
///
/// A host that is down is tried at once. With `host`, a host that fails is an error; of all
/// hosts, `vkvm_inventory_get_hosts` says how each is.
///
/// - `host` (nullable): URI or own name of the host; NULL for all
/// - `timeout` (unit ms): time to wait; the comparison continues afterwards
///
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_refresh(
    inventory: *mut vkvm_inventory,
    host: *const c_char,
    timeout: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let inventory = c.get(inventory, "inventory")?;
        inventory.refresh(c.str_nullable(host, "host")?, ms(timeout))
    })
}

/// Waits until the rows of the inventory are as a condition says.
///
/// - `condition` (map): a filter, as for `vkvm_inventory_get_snapshot`, and one more key:
///   `count`, the number of rows that have to pass it at least, default 1; or `absent`, true to
///   wait until none does and each host of the filter is up
/// - `timeout` (unit ms): time to wait
/// - `snapshot` (map): the rows that pass the filter then, as in `vkvm_inventory_get_snapshot`
///
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_wait(
    inventory: *mut vkvm_inventory,
    condition: *mut vkvm_value,
    timeout: u32,
    snapshot: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(snapshot, "snapshot")?;
        let inventory = c.get(inventory, "inventory")?;
        out.set_value(inventory.wait(&c.map(condition, "condition")?, ms(timeout))?)
    })
}

/// Delivers every change of the inventory to a queue.
///
/// Each change becomes one entry of the queue, with the class "inventory". The changes of an
/// object are in their order. `generation` is the number of the change, and each has the next
/// one, so the rows after it are those of a snapshot with that generation, except for `age` and
/// `stale`.
///
/// A program that keeps rows of its own watches first, then takes a snapshot, and skips entries
/// whose generation is not larger than the snapshot's. It does the same again when
/// `vkvm_event_queue_get_overflow` has grown: entries were lost, and a generation is missing.
///
/// The entry is a map with the keys `class`, `tag`, `generation`; `change` ("added", "removed"
/// or "changed"); `kind`, or "host" when a host is reachable or no longer; `host` (URI), `name`
/// and `uuid` (null for volumes, nodes and hosts); `key` (that of a volume, otherwise null);
/// `before` and `after`: maps of the fields that have changed, or of all for an object that was
/// removed or added, when the other one is null. Those of a host have `state` and `error`.
///
/// - `queue`: queue that receives the entries; the inventory does not keep it
/// - `tag` (default 0): a number of the caller's choice that identifies the inventory in the
///   queue
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_watch(
    inventory: *mut vkvm_inventory,
    queue: *mut vkvm_event_queue,
    tag: u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (inventory, queue) = (c.get(inventory, "inventory")?, c.get(queue, "queue")?);
        inventory.watch(&queue, tag)
    })
}

/// Stops what `vkvm_inventory_watch` began. Entries in the queue stay there.
///
/// - `queue`: the queue
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_inventory_unwatch(
    inventory: *mut vkvm_inventory,
    queue: *mut vkvm_event_queue,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (inventory, queue) = (c.get(inventory, "inventory")?, c.get(queue, "queue")?);
        inventory.unwatch(&queue)
    })
}

fn ms(timeout: u32) -> Duration {
    Duration::from_millis(timeout.into())
}
