// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_event_queue_*`: events for programs whose loop is not the library's.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::event::own;
use super::guard::{direct, status, void};
use super::types::{
    vkvm_conn, vkvm_domain, vkvm_error, vkvm_event_queue, vkvm_network, vkvm_node_device,
    vkvm_secret, vkvm_storage_pool, vkvm_value,
};
use crate::error::Result;
use crate::event::{self, Entry, EventQueue, News, Source};
use crate::handle::AnyHandle;
use crate::memory;
use crate::value::{Map, Value};

/// Creates an event queue.
///
/// Events enter it while an event loop runs, that of `vkvm_event_start` or the program's. They
/// are delivered in the order they arrived.
///
/// - `capacity`: maximum number of events in the queue, 1 to 16,777,216; events that arrive
///   while it is full are lost, and counted by `vkvm_event_queue_get_overflow`
/// - `queue`: the queue
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_new(
    capacity: usize,
    queue: *mut *mut vkvm_event_queue,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.out_handle(queue, "queue")?.set(EventQueue::new(capacity)?))
}

/// Adds a reference to the queue handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_event_queue_free`; NULL when
///   it is not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_ref(
    queue: *mut vkvm_event_queue,
) -> *mut vkvm_event_queue {
    direct(std::ptr::null_mut(), |c| c.retain(queue))
}

/// Releases a reference to the queue handle.
///
/// The last one ends the registrations of the queue. NULL and handles that are not live are
/// ignored.
///
/// - `queue` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_free(queue: *mut vkvm_event_queue) {
    void(|c| c.free(queue))
}

/// Returns a file descriptor that is readable while the queue is not empty.
///
/// It is for poll, select and event loops. It must not be read from or closed.
///
/// - `fd`: file descriptor, owned by the queue
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_get_fd(
    queue: *mut vkvm_event_queue,
    fd: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out(fd, "fd")?.set(c.get(queue, "queue")?.fd());
        Ok(())
    })
}

/// Returns the number of events in the queue.
///
/// - `length`: number of events
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_get_length(
    queue: *mut vkvm_event_queue,
    length: *mut usize,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out(length, "length")?.set(c.get(queue, "queue")?.len());
        Ok(())
    })
}

/// Returns the number of events that were lost.
///
/// Events are lost when the queue is full, or when there is no memory for it to grow. When the
/// number has grown, refresh cached state.
///
/// - `overflow`: number of lost events since the queue was created
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_get_overflow(
    queue: *mut vkvm_event_queue,
    overflow: *mut u64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out(overflow, "overflow")?.set(c.get(queue, "queue")?.overflowed());
        Ok(())
    })
}

/// Removes the first event from the queue and returns it.
///
/// It waits for an event when the queue is empty; meanwhile events arrive only from an event loop
/// that runs on another thread. That of `vkvm_event_start` does; a program that calls
/// `vkvm_event_run_default` on this thread takes events out in between, with the timeout 0.
/// Events of a connection that was freed are dropped.
///
/// - `timeout` (unit ms): time to wait; 0 does not wait, -1 means no limit
/// - `event` (nullable, map): NULL when none arrives in time. An event is a map with the keys
///   `class` (of the object, as in function names, such as "domain"; "conn" for the end of a
///   connection), `event_id`, `conn` (a handle), `object` (a handle of the class, or null) and
///   `args` (a map, as for a callback). An event of QEMU's monitor has the class "qemu_monitor",
///   and the domain as its object. A call is a map with the keys `class` ("call" when it
///   is done, "progress" after `vkvm_call_watch_progress`, "credentials" when it asks for some,
///   see `vkvm_call_get_credentials`), `tag` and `call` (a handle).
///   Changes of an inventory have the class "inventory"; see `vkvm_inventory_watch`
///
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_next(
    queue: *mut vkvm_event_queue,
    timeout: c_int,
    event: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(event, "event")?;
        let queue = c.get(queue, "queue")?;
        let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
        while let Some(entry) = queue.next(timeout) {
            if let Some(value) = value(entry)? {
                return out.set_value_or_null(Some(value));
            }
        }
        out.set_value_or_null(None)
    })
}

/// Removes several events from the queue and returns them, without waiting.
///
/// If there is no memory for the list, they remain in the queue; ask for fewer.
///
/// - `max` (default 1000000): maximum number of events
/// - `events` (list): a list of maps, as `vkvm_event_queue_next` returns them
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_drain(
    queue: *mut vkvm_event_queue,
    max: usize,
    events: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out_handle(events, "events")?, c.get(queue, "queue")?);
        let entries = queue.drain(max)?;
        let mut values = memory::list(entries.len(), "events")?;
        for entry in entries {
            values.extend(value(entry)?);
        }
        out.set_value(Value::List(values))
    })
}

/// What happened, as a value; None when the connection was freed meanwhile.
fn value(entry: Entry) -> Result<Option<Value>> {
    let (conn, source, event) = match entry {
        Entry::Event { conn, source, event } => (conn, source, event),
        Entry::Call { tag, call } => return Ok(Some(of_call("call", tag, call))),
        Entry::Credentials { tag, call } => {
            return Ok(Some(of_call("credentials", tag, call)));
        }
        Entry::Progress { tag, call } => return Ok(Some(of_call("progress", tag, call))),
        Entry::News { tag, class, news } => return Ok(Some(of_news(class, tag, &*news))),
    };
    let Ok(conn) = AnyHandle::retain(conn, "conn") else {
        return Ok(None);
    };
    let class = source.map_or("conn", Source::class_name);
    let object = event.object.map(|object| own(object.into_own())).transpose()?;
    let mut map = Map::with_capacity(5);
    map.push_new("class", class);
    map.push_new("event_id", event.id);
    map.push_new("conn", Value::Handle(conn));
    map.push_new("object", object.map_or(Value::Null, Value::Handle));
    map.push_new("args", Value::Map(event.args));
    Ok(Some(Value::Map(map)))
}

fn of_call(class: &str, tag: u64, call: AnyHandle) -> Value {
    let mut map = Map::with_capacity(3);
    map.push_new("class", class);
    map.push_new("tag", tag);
    map.push_new("call", Value::Handle(call));
    Value::Map(map)
}

fn of_news(class: &str, tag: u64, news: &dyn News) -> Value {
    let news = news.to_map();
    let mut map = Map::with_capacity(news.len() + 2);
    map.push_new("class", class);
    map.push_new("tag", tag);
    news.into_iter().for_each(|(key, value)| map.push_new(key, value));
    Value::Map(map)
}

/// Registers the queue for domain events of one kind, of one domain or of all.
///
/// The registration ends with `vkvm_conn_domain_event_deregister_any`, with the connection, or
/// with the queue.
///
/// - `conn`: the connection
/// - `dom` (nullable): the domain whose events to deliver; NULL means all
/// - `event_id` (enum domain_event_id): kind of event
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectDomainEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_domain_event_register_any(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    dom: *mut vkvm_domain,
    event_id: c_int,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out(callback_id, "callback_id")?, c.get(queue, "queue")?);
        let dom = c.get_nullable(dom, "dom")?;
        let open = c.get(conn, "conn")?;
        out.set(queue.register(conn as usize, Some(Source::Domain), |listener| {
            event::register_any(&open, dom.as_deref(), event_id, listener)
        })?);
        Ok(())
    })
}

/// Registers the queue for network events of one kind, of one network or of all.
///
/// The registration ends with `vkvm_conn_network_event_deregister_any`, with the connection, or
/// with the queue.
///
/// - `conn`: the connection
/// - `net` (nullable): the network whose events to deliver; NULL means all
/// - `event_id` (enum network_event_id): kind of event
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectNetworkEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_network_event_register_any(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    net: *mut vkvm_network,
    event_id: c_int,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out(callback_id, "callback_id")?, c.get(queue, "queue")?);
        let net = c.get_nullable(net, "net")?;
        let open = c.get(conn, "conn")?;
        out.set(queue.register(conn as usize, Some(Source::Network), |listener| {
            event::register_any(&open, net.as_deref(), event_id, listener)
        })?);
        Ok(())
    })
}

/// Registers the queue for storage pool events of one kind, of one pool or all.
///
/// The registration ends with `vkvm_conn_storage_pool_event_deregister_any`, with the
/// connection, or with the queue.
///
/// - `conn`: the connection
/// - `pool` (nullable): the storage pool whose events to deliver; NULL means all
/// - `event_id` (enum storage_pool_event_id): kind of event
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectStoragePoolEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_storage_pool_event_register_any(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    pool: *mut vkvm_storage_pool,
    event_id: c_int,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out(callback_id, "callback_id")?, c.get(queue, "queue")?);
        let pool = c.get_nullable(pool, "pool")?;
        let open = c.get(conn, "conn")?;
        out.set(queue.register(conn as usize, Some(Source::StoragePool), |listener| {
            event::register_any(&open, pool.as_deref(), event_id, listener)
        })?);
        Ok(())
    })
}

/// Registers the queue for node device events of one kind, of one device or all.
///
/// The registration ends with `vkvm_conn_node_device_event_deregister_any`, with the
/// connection, or with the queue.
///
/// - `conn`: the connection
/// - `dev` (nullable): the device whose events to deliver; NULL means all
/// - `event_id` (enum node_device_event_id): kind of event
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectNodeDeviceEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_node_device_event_register_any(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    dev: *mut vkvm_node_device,
    event_id: c_int,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out(callback_id, "callback_id")?, c.get(queue, "queue")?);
        let dev = c.get_nullable(dev, "dev")?;
        let open = c.get(conn, "conn")?;
        out.set(queue.register(conn as usize, Some(Source::NodeDevice), |listener| {
            event::register_any(&open, dev.as_deref(), event_id, listener)
        })?);
        Ok(())
    })
}

/// Registers the queue for secret events of one kind, of one secret or of all.
///
/// The registration ends with `vkvm_conn_secret_event_deregister_any`, with the connection, or
/// with the queue.
///
/// - `conn`: the connection
/// - `secret` (nullable): the secret whose events to deliver; NULL means all
/// - `event_id` (enum secret_event_id): kind of event
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectSecretEventRegisterAny
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_secret_event_register_any(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    secret: *mut vkvm_secret,
    event_id: c_int,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out(callback_id, "callback_id")?, c.get(queue, "queue")?);
        let secret = c.get_nullable(secret, "secret")?;
        let open = c.get(conn, "conn")?;
        out.set(queue.register(conn as usize, Some(Source::Secret), |listener| {
            event::register_any(&open, secret.as_deref(), event_id, listener)
        })?);
        Ok(())
    })
}

/// Registers the queue for events of the QEMU monitor, of one domain or of all.
///
/// It delivers events that libvirt has no kind for, too. The class of the event is
/// "qemu_monitor"; its `args` are as for a callback of `vkvm_conn_qemu_monitor_event_register`.
/// The registration ends with `vkvm_conn_qemu_monitor_event_deregister`, with the connection, or
/// with the queue. Requires the library libvirt-qemu.so.0.
///
/// - `conn`: the connection
/// - `dom` (nullable): the domain whose events to deliver; NULL means all
/// - `event` (nullable): name of the event; NULL means all
/// - `flags` (default 0, enum domain_qemu_monitor_event_register_flags): how `event` is matched
///   against the names of events
/// - `callback_id`: id of the registration
///
/// libvirt: virConnectDomainQemuMonitorEventRegister
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_qemu_monitor_event_register(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    dom: *mut vkvm_domain,
    event: *const c_char,
    flags: u32,
    callback_id: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, queue) = (c.out(callback_id, "callback_id")?, c.get(queue, "queue")?);
        let (dom, name) = (c.get_nullable(dom, "dom")?, c.text_nullable(event, "event")?);
        let open = c.get(conn, "conn")?;
        out.set(queue.register(conn as usize, Some(Source::QemuMonitor), |listener| {
            event::qemu_monitor_event_register(&open, dom.as_deref(), name, listener, flags)
        })?);
        Ok(())
    })
}

/// Registers the queue for the end of a connection.
///
/// It can be registered once per connection. The class of the event is "conn"; its `args` have
/// the key `reason`, one of `VKVM_CLOSE_REASON_*`. The registration ends when the event is in
/// the queue, with `vkvm_event_queue_unregister_close_callback`, with the connection, or with
/// the queue.
///
/// - `conn`: the connection
///
/// libvirt: virConnectRegisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_register_close_callback(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (queue, open) = (c.get(queue, "queue")?, c.get(conn, "conn")?);
        queue.register(conn as usize, None, |listener| {
            event::register_close_callback(&open, listener)
        })
    })
}

/// Unregisters the queue for the end of a connection.
///
/// - `conn`: the connection
///
/// libvirt: virConnectUnregisterCloseCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_unregister_close_callback(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (queue, conn) = (c.get(queue, "queue")?, c.get(conn, "conn")?);
        queue.unregister_close_callback(&conn)
    })
}

/// Reopens a connection automatically, and reports it through the queue.
///
/// It is `vkvm_conn_enable_resume` with a queue. The class of the event is "conn"; its `args`
/// are as for a callback. It ends with `vkvm_conn_disable_resume`, with the connection, or with
/// the queue.
///
/// - `conn`: the connection
/// - `max_delay` (unit ms): maximum time between two attempts, at least 100
///
/// libvirt: virConnectRegisterCloseCallback, virConnectOpenAuth
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_queue_enable_resume(
    queue: *mut vkvm_event_queue,
    conn: *mut vkvm_conn,
    max_delay: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (queue, open) = (c.get(queue, "queue")?, c.get(conn, "conn")?);
        queue.register(conn as usize, None, |listener| {
            event::enable_resume(&open, conn as usize, max_delay, listener)
        })
    })
}
