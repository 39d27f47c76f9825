// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_event_*`: the event loop.

use std::ffi::{c_int, c_void};
use std::mem::{self, ManuallyDrop};

use super::caller::Foreign;
use super::event_impl::ForeignLoop;
use super::guard::status;
use super::types::{
    SharedValue, vkvm_conn, vkvm_destroy_callback, vkvm_error, vkvm_event_impl,
    vkvm_timeout_callback, vkvm_value, vkvm_watch_callback,
};
use crate::error::Result;
use crate::event::{self, Happened};
use crate::handle::{self, AnyHandle};
use crate::value::Value;

/// Registers the library's event loop, to be run by the program.
///
/// It must be called before the first connection is opened, and the program must then call
/// `vkvm_event_run_default` continuously: a daemon closes a connection that does not answer its
/// keepalive messages. Programs that cannot do that use `vkvm_event_start`. The function fails
/// if another library has registered an event loop with libvirt.
///
/// A connection to a daemon that was opened before has no keepalive. Registering for its events
/// succeeds, but they arrive only while other calls on the connection read them; open another
/// connection after the loop is registered. This applies to all three event loops.
///
/// A child of fork may run the loop too: it has the timers and watches that the program added,
/// and the child's own connections. Those of the parent remain the parent's.
///
/// libvirt: virEventRegisterImpl
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_register_default(error: *mut *mut vkvm_error) -> c_int {
    status(error, |_| event::register_default())
}

/// Registers the program's own event loop with libvirt.
///
/// It must be called before the first connection is opened. A process has one event loop: this
/// function, `vkvm_event_register_default` and `vkvm_event_start` exclude each other, and a
/// registration is permanent.
///
/// - `functions`: the functions of the loop; the structure is copied
/// - `userdata` (nullable): passed to the functions
/// - `destroy` (nullable): called to release the user data if this function fails, as a
///   registered loop is permanent
///
/// libvirt: virEventRegisterImpl
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_register_impl(
    functions: *const vkvm_event_impl,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.functions(functions, userdata, destroy);
        event::register_impl(Box::new(ForeignLoop::new(foreign)?))
    })
}

/// Starts a thread of the library that runs the event loop.
///
/// It is for programs without an event loop, and must be called before the first connection is
/// opened. Callbacks then run on that thread; programs that cannot accept that use a queue
/// (`vkvm_event_queue_new`). The thread blocks all signals, also during callbacks: a callback's
/// write to a pipe without a reader fails with EPIPE and raises no signal. If the thread is
/// running, nothing happens; if it is being stopped, it continues afterwards.
///
/// A child of fork has no such thread: registrations fail there with
/// `VKVM_ERROR_OWN_OTHER_EVENT_LOOP` until the child calls this function. Its loop then has the
/// timers and watches that the program added, and the child's own connections.
///
/// libvirt: virEventRegisterImpl
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_start(error: *mut *mut vkvm_error) -> c_int {
    status(error, |_| event::start())
}

/// Stops the thread of `vkvm_event_start`, and waits until it has ended.
///
/// Called from a callback it does not wait; this callback is then the last. Several threads may
/// call it, also while another one starts the thread: the calls take effect in their order, and
/// there is never more than one thread. Registrations remain, as libvirt has no way to learn that
/// there is no loop any more. Until `vkvm_event_start` is called again no event is delivered,
/// and the end of a daemon is not noticed.
///
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_stop(error: *mut *mut vkvm_error) -> c_int {
    status(error, |_| event::stop())
}

/// Reports whether this process has the thread of `vkvm_event_start`.
///
/// - `started`: true if it has
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_is_started(
    started: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.out(started, "started")?.set(event::is_started());
        Ok(())
    })
}

/// Runs one iteration of the event loop: waits for events and calls callbacks.
///
/// It blocks; a timer (`vkvm_event_add_timeout`) limits the time. A signal, or a change of the
/// loop by another thread, also ends it. Several threads may call it: one of them runs the
/// iteration, the others return when it ends. A callback may call it too, but is not called
/// recursively.
///
/// cbindgen:calls_back
/// cbindgen:blocks
/// cbindgen:this_thread
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_run_default(error: *mut *mut vkvm_error) -> c_int {
    status(error, |_| event::run_default())
}

/// Adds a timer to the event loop.
///
/// - `frequency` (unit ms): interval; 0 fires on each iteration of the loop, -1 disables the
///   timer until `vkvm_event_update_timeout`
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `timer`: id of the timer
///
/// libvirt: virEventAddTimeout
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_add_timeout(
    frequency: c_int,
    callback: vkvm_timeout_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    timer: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(callback, userdata, destroy);
        let out = c.out(timer, "timer")?;
        let callback = foreign.function("callback")?;
        // SAFETY: C's own callback and userdata, by the contract.
        let call = move |timer| foreign.call(|userdata| unsafe { callback(timer, userdata) });
        out.set(event::add_timeout(frequency, Box::new(call))?);
        Ok(())
    })
}

/// Changes the interval of a timer.
///
/// A timer that does not exist is ignored.
///
/// - `timer`: id of the timer
/// - `frequency`: as for `vkvm_event_add_timeout`
///
/// libvirt: virEventUpdateTimeout
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_update_timeout(
    timer: c_int,
    frequency: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |_| {
        event::update_timeout(timer, frequency);
        Ok(())
    })
}

/// Removes a timer that was added by `vkvm_event_add_timeout`.
///
/// - `timer`: id of the timer
///
/// libvirt: virEventRemoveTimeout
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_remove_timeout(
    timer: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |_| event::remove_timeout(timer))
}

/// Adds a watch of a file descriptor to the event loop.
///
/// A descriptor may have several watches. A regular file is always ready. When a descriptor is
/// closed the callback receives `VKVM_EVENT_HANDLE_ERROR` once; it is watched again after
/// `vkvm_event_update_handle`.
///
/// - `fd`: file descriptor, borrowed until the watch is removed
/// - `events` (enum event_handle_flags): events to watch for
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
/// - `watch`: id of the watch
///
/// libvirt: virEventAddHandle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_add_handle(
    fd: c_int,
    events: c_int,
    callback: vkvm_watch_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    watch: *mut c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(callback, userdata, destroy);
        let out = c.out(watch, "watch")?;
        let callback = foreign.function("callback")?;
        let call = move |watch, fd, events| {
            // SAFETY: C's own callback and userdata, by the contract.
            foreign.call(|userdata| unsafe { callback(watch, fd, events, userdata) });
        };
        out.set(event::add_handle(fd, events, Box::new(call))?);
        Ok(())
    })
}

/// Changes the events of a file descriptor watch.
///
/// A watch that does not exist is ignored.
///
/// - `watch`: id of the watch
/// - `events`: as for `vkvm_event_add_handle`
///
/// libvirt: virEventUpdateHandle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_update_handle(
    watch: c_int,
    events: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |_| {
        event::update_handle(watch, events);
        Ok(())
    })
}

/// Removes a watch that was added by `vkvm_event_add_handle`.
///
/// - `watch`: id of the watch
///
/// libvirt: virEventRemoveHandle
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_event_remove_handle(
    watch: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |_| event::remove_handle(watch))
}

/// What [`vkvm_event_callback`] points to.
type EventFunction =
    unsafe extern "C" fn(*mut vkvm_conn, *mut c_void, c_int, *mut vkvm_value, *mut c_void);

/// A listener that calls C's callback with handles.
///
/// It knows its connection by the handle only: a listener that held the
/// connection would keep it alive for ever.
pub(super) fn listener(
    conn: *mut vkvm_conn,
    foreign: Foreign<EventFunction>,
) -> Result<event::Listener> {
    foreign.function("callback")?;
    let conn = conn as usize;
    Ok(event::Listener::new(move |event| {
        // Failing to make a handle (the table is full) loses the event; there
        // is nobody to tell.
        let _ = deliver(conn, event, &foreign);
    }))
}

fn deliver(conn: usize, event: event::Event, foreign: &Foreign<EventFunction>) -> Result<()> {
    let callback = foreign.function("callback")?;
    // Each is a hold that ends with this call, also when the next one cannot be had.
    let Ok(conn) = AnyHandle::retain(conn, "conn") else {
        return Ok(()); // closed while the event was on its way
    };
    let args = AnyHandle::own(SharedValue::new(Value::Map(event.args)))?;
    let call = |object: usize| {
        // SAFETY: C's own callback and userdata, by the contract.
        foreign.call(|userdata| unsafe {
            callback(
                conn.id() as *mut vkvm_conn,
                object as *mut c_void,
                event.id,
                args.id() as *mut vkvm_value,
                userdata,
            );
        });
    };
    match event.object {
        None => call(0),
        Some(Happened::Own(object)) => call(own(object)?.id()),
        Some(Happened::Lent(object)) => match ManuallyDrop::into_inner(object) {
            event::Object::Domain(domain) => lend(domain, call)?,
            event::Object::Network(network) => lend(network, call)?,
            event::Object::StoragePool(pool) => lend(pool, call)?,
            event::Object::NodeDevice(device) => lend(device, call)?,
            event::Object::Secret(secret) => lend(secret, call)?,
        },
    }
    Ok(())
}

/// A handle, while `call` runs, of an object that is libvirt's; it gets a reference when
/// somebody still has the handle then.
fn lend<T: event::Subject + handle::Object>(object: T, call: impl FnOnce(usize)) -> Result<()> {
    handle::lend(object, |object| mem::forget(object.reference()), T::disown, call)
}

/// A handle of what an event happened to.
pub(super) fn own(object: event::Object) -> Result<AnyHandle> {
    match object {
        event::Object::Domain(domain) => AnyHandle::own(domain),
        event::Object::Network(network) => AnyHandle::own(network),
        event::Object::StoragePool(pool) => AnyHandle::own(pool),
        event::Object::NodeDevice(device) => AnyHandle::own(device),
        event::Object::Secret(secret) => AnyHandle::own(secret),
    }
}
