//! `vkvm_call_*`: calls that a thread of the library's makes, and the limits of time.

mod job;
mod kept;
mod via;

use std::ffi::{c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

use zeroize::{Zeroize, Zeroizing};

use self::job::Job;
use self::kept::Kept;
pub(super) use self::via::timeout_ms;
use super::caller::Caller;
use super::guard::{direct, status, void};
use super::invoke::{self, Row};
use super::types::{SharedValue, vkvm_call, vkvm_conn, vkvm_error, vkvm_event_queue, vkvm_value};
use crate::calls::{self, Call, Told, Via};
use crate::core::conn::bounded::Openings;
use crate::core::{OnLane, lane};
use crate::error::{Misuse, Result};
use crate::event::Place;
use crate::handle::{self, AnyHandle};
use crate::memory;
use crate::value::{Map, Value};

/// Calls a function by its name.
///
/// Every function has a name here that returns 0 or -1, but for those of values
/// (`vkvm_value_*`), those that need a callback, and those that visit a value.
/// Callbacks that may be NULL are. It takes no longer than calls on the connection may, where
/// that was set: `vkvm_conn_set_call_timeout`.
///
/// - `function`: its name, like "vkvm_domain_get_info"
/// - `args` (nullable, map): a map of its arguments by the names of its parameters, the object
///   included: handles, values, texts, numbers, bools, lists of them, and bytes. Lengths are not
///   given: lists and bytes have theirs, but for the room of `vkvm_stream_recv` (`data_len`).
///   What is left out, or null, takes its default, or NULL where that is allowed. A name that
///   the function does not have is an error that lists those it has.
/// - `result`: null for a function without results, the result itself where there is one,
///   a map of them by their names where there are several. It owns its handles
///
/// cbindgen:class=call
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_invoke(
    function: *const c_char,
    args: *mut vkvm_value,
    result: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(result, "result")?;
        let function = c.str(function, "function")?;
        // There may be secrets among them.
        let args = Zeroizing::new(c.map_nullable(args, "args")?.unwrap_or_default());
        let row = invoke::find(function)?;
        if let Some(via) = bounded(row, &args)? {
            let call = start(c, row, args, via, None, None)?;
            let call = handle::get::<Call>(call.id(), "call")?;
            call.wait(None);
            out.set_shared(call.result()?);
            return Ok(());
        }
        out.set_value(invoke::invoke(row, &args)?)
    })
}

/// Starts a call of a function, which a thread of the library's makes.
///
/// Returns at once. On one connection `max_calls` calls go on at the same time (see
/// `vkvm_conn_open_with`), the others wait for their turn; the calls of one stream are made
/// one after the other, but a console or channel receives while it sends. A function that never waits for a daemon is called at once, on this
/// thread. Arguments are copied: everything but the connection may be freed as soon as this
/// returns. Freeing the connection gives up its calls.
///
/// When the deadline passes, the call is done, with the error `VKVM_ERROR_OWN_TIMEOUT`. libvirt
/// cannot be interrupted: what the call was at goes on, and its answer is dropped when it
/// comes. `vkvm_call_cancel` lists what is ended. A connection with 16 such calls takes no new
/// ones (`VKVM_ERROR_OWN_BUSY`); see `vkvm_conn_get_calls`.
///
/// A call that is done becomes an entry of the queue, with the keys `class` ("call"), `tag` and
/// `call` (the handle). Its place is kept from the start, so it is never lost; a queue without
/// room for it is an error here (`VKVM_ERROR_OWN_BUSY`).
///
/// - `function`: its name, as for `vkvm_invoke`; not one that acts on the thread that calls it,
///   like `vkvm_event_run_default`
/// - `args` (nullable, map): its arguments, as for `vkvm_invoke`. File descriptors are duplicated
/// - `timeout_ms` (default 0, unit ms): how long it may take, from now; 0 for the limit of the
///   connection, `vkvm_conn_set_call_timeout`
/// - `queue` (nullable): where to tell that it is done; NULL to wait with `vkvm_call_wait`
/// - `tag` (default 0): a number of the caller's choice, to know it by in the queue
/// - `call`: the call; freeing it neither ends the call nor its entry in the queue
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_start(
    function: *const c_char,
    args: *mut vkvm_value,
    timeout_ms: u32,
    queue: *mut vkvm_event_queue,
    tag: u64,
    call: *mut *mut vkvm_call,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(call, "call")?;
        let function = c.str(function, "function")?;
        let args = Zeroizing::new(c.map_nullable(args, "args")?.unwrap_or_default());
        let queue = c.get_nullable(queue, "queue")?;
        let row = invoke::find(function)?;
        let timeout = (timeout_ms != 0).then(|| Duration::from_millis(timeout_ms.into()));
        let place = queue.map(|queue| queue.keep_place()).transpose()?;
        refuse_this_thread(row)?;
        let via = via::of(row, &args)?;
        let call = start(c, row, args, via, timeout, place.map(|place| (place, tag)))?;
        out.set(call.into_id() as *mut vkvm_call);
        Ok(())
    })
}

/// Adds a hold on the call handle.
///
/// - `return` (nullable): the handle, which then needs one more `vkvm_call_free`, or NULL when
///   it is not live, or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_ref(call: *mut vkvm_call) -> *mut vkvm_call {
    direct(std::ptr::null_mut(), |c| c.retain(call))
}

/// Gives up a hold on the call handle. The call goes on: `vkvm_call_cancel` gives it up. NULL
/// and handles that are not live are left alone.
///
/// With the last one a result ends that nobody else has. Where it may hold secrets (`secret` in
/// the API file), it is overwritten; who still has it frees it with `vkvm_value_wipe_and_free`.
///
/// - `call` (consumed, nullable)
///
/// cbindgen:blocks=false
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_free(call: *mut vkvm_call) {
    void(|c| c.free(call))
}

/// Waits until the call is done.
///
/// - `timeout` (default -1, unit ms): how long to wait; 0 for not at all, -1 for as long as it
///   takes
/// - `done`: whether it is done
///
/// cbindgen:blocks
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_wait(
    call: *mut vkvm_call,
    timeout: c_int,
    done: *mut bool,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, call) = (c.out(done, "done")?, c.get(call, "call")?);
        out.set(call.wait(u64::try_from(timeout).ok().map(Duration::from_millis)));
        Ok(())
    })
}

/// Gets what a call has come to: its result, or its error, which is then the error of this
/// function.
///
/// The error of a call that is not done is `VKVM_ERROR_OWN_BUSY`.
///
/// - `result`: as of `vkvm_invoke`; each time the same value, so that it is not copied
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_get_result(
    call: *mut vkvm_call,
    result: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(result, "result")?;
        out.set_shared(c.get(call, "call")?.result()?);
        Ok(())
    })
}

/// Gives a call up.
///
/// It is done, with the error `VKVM_ERROR_OWN_CANCELLED`. A call that has not begun never
/// begins. libvirt cannot be interrupted: a running call goes on, as after its deadline, but:
///
/// - the job of a domain (migration, save, core dump) is aborted, and only the one that the call
///   has started. A call that waits for the job of another call of this process has not begun.
///   Of jobs of other clients libvirt tells what they do and since when; one of the same kind
///   that begins while the call waits for another client's job cannot be told from its own
/// - a command of a host and a transfer that have a progress end
/// - waiting for the block job of a disk aborts that
/// - an opening is ended, as after the `timeout_ms` of `vkvm_conn_open_with`
///
/// Cancelling a call that is done changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_cancel(
    call: *mut vkvm_call,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(call, "call")?.cancel();
        Ok(())
    })
}

/// Returns the progress of a call that was started.
///
/// It is known of:
///
/// - the job of a domain: migration, save, managed save, core dump. A thread of the library asks
///   the daemon every 100 ms, from the first time that this function is called until it has not
///   been called for 2 s; so it returns at once, and the first time null
/// - commands of a host that take long: see `progress` in `vkvm_host_commands`
/// - transfers of volumes, such as `vkvm_storage_vol_upload_file`
/// - waiting for the block job of a disk, `vkvm_domain_wait_for_block_job`
///
/// libvirt has no progress of cloning or wiping a volume; the command `volume.clone` of a host
/// compares the allocations of both volumes instead.
///
/// - `progress` (map, nullable): null where nothing is known, or `done`, `total` (0 where that
///   is not known) and `unit`, like "bytes"; `rate`, how much is done per second, and
///   `remaining_ms`, how long the rest takes at that rate, both null where they are not known.
///   Neither `done` nor its share of `total` ever decreases, and `done` never exceeds `total`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_get_progress(
    call: *mut vkvm_call,
    progress: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(progress, "progress")?;
        let Some(progress) = c.get(call, "call")?.progress() else {
            return out.set_value(Value::Null);
        };
        let mut map = Map::with_capacity(5);
        map.push_new("done", progress.done);
        map.push_new("total", progress.total);
        map.push_new("unit", progress.unit);
        map.push_new("rate", progress.rate.map_or(Value::Null, Value::Uint));
        let remaining = progress.remaining.map(|time| time.as_millis() as u64);
        map.push_new("remaining_ms", remaining.map_or(Value::Null, Value::Uint));
        out.set_value(Value::Map(map))
    })
}

/// Reports progress of a call in its queue.
///
/// From now on the queue gets an entry when the call is further than `vkvm_call_get_progress`
/// said last, with the keys `class` ("progress"), `tag` and `call`. There is at most one such
/// entry of a call until the function is called again, and none while the queue is full. A call
/// without a queue has none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_watch_progress(
    call: *mut vkvm_call,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(call, "call")?.watch_progress();
        Ok(())
    })
}

/// Asks a call to end.
///
/// A transfer or a command of a host ends at its next report of progress, as if its progress
/// callback had ended it, with the error `VKVM_ERROR_ERR_OPERATION_ABORTED`. Unlike after
/// `vkvm_call_cancel` the call is done only when it has ended. A call that reports no progress
/// goes on.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_stop(
    call: *mut vkvm_call,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        c.get(call, "call")?.stop();
        Ok(())
    })
}

/// Sets how long calls on this connection may take that are made by `vkvm_call_start` or
/// `vkvm_invoke`, with all objects that are made from it.
///
/// It does not bound functions that are called directly, as these are made on the thread that
/// calls them.
///
/// - `timeout_ms` (unit ms): how long; 0 for no limit
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_set_call_timeout(
    conn: *mut vkvm_conn,
    timeout_ms: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        if let Some(lane) = c.get(conn, "conn")?.lane()? {
            lane.set_timeout_ms(timeout_ms);
        }
        Ok(())
    })
}

/// Gets how long calls on this connection may take; see `vkvm_conn_set_call_timeout`.
///
/// - `timeout_ms` (unit ms): how long; 0 for no limit
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_call_timeout(
    conn: *mut vkvm_conn,
    timeout_ms: *mut u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(timeout_ms, "timeout_ms")?;
        out.set(c.get(conn, "conn")?.lane()?.map_or(0, |lane| lane.timeout_ms()));
        Ok(())
    })
}

/// Counts the calls on a connection that were started by `vkvm_call_start` or bounded by
/// `vkvm_conn_set_call_timeout`.
///
/// - `calls` (map): `running` (threads are at work on them), `waiting` (for their turn) and
///   `abandoned` (given up, while libvirt has not answered yet)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_conn_get_calls(
    conn: *mut vkvm_conn,
    calls: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(calls, "calls")?;
        let lane = c.get(conn, "conn")?.lane()?;
        let counts = lane.map(|lane| calls::counts(&lane)).unwrap_or_default();
        let mut map = Map::with_capacity(3);
        map.push_new("running", counts.running as u64);
        map.push_new("waiting", counts.waiting as u64);
        map.push_new("abandoned", counts.abandoned as u64);
        out.set_value(Value::Map(map))
    })
}

/// What a call goes through that could take too long on the caller's thread.
fn bounded(row: &Row, args: &Map) -> Result<Option<Via>> {
    if !lane::is_any_limited() || !row.blocks || row.this_thread {
        return Ok(None);
    }
    Ok(Some(via::of(row, args)?).filter(|via| via.timeout().is_some()))
}

/// Refuses what acts on the thread that calls it.
fn refuse_this_thread(row: &Row) -> Result<()> {
    if row.this_thread {
        let reason = format!("{} acts on the thread that calls it; call it directly", row.name);
        return Err(Misuse::Invalid { parameter: "function", reason }.into());
    }
    Ok(())
}

/// Lets go of a result that may hold secrets. Who else has it wipes it.
fn wipe(result: AnyHandle) {
    let last = handle::release_to_use::<SharedValue>(result.into_id(), "result");
    if let Some(alone) = last.ok().as_mut().and_then(|last| last.alone()) {
        alone.get_mut().zeroize();
    }
}

/// Runs what opens connections. An opening is ended when the call is given up.
fn with_openings<T>(body: impl FnOnce() -> T) -> T {
    let openings = Arc::new(Openings::default());
    let given_up = Arc::clone(&openings);
    calls::when_abandoned(move || given_up.give_up());
    openings.run(body)
}

/// Starts a call, of which it gives the handle.
fn start(
    c: &Caller,
    row: &'static Row,
    args: Zeroizing<Map>,
    via: Via,
    timeout: Option<Duration>,
    told: Option<(Place, u64)>,
) -> Result<AnyHandle> {
    let kept = Kept::new(c, row, args)?;
    let timeout = timeout.or_else(|| via.timeout());
    let let_go = if row.secret { wipe } else { drop };
    let may_open = matches!(via, Via::Opening(_) | Via::Process) && row.blocks;
    let job = move || {
        memory::prepare();
        let _job = Job::begin(row, &kept.args)?;
        let invoke = || invoke::invoke(row, &kept.args);
        let result = if may_open { with_openings(invoke) } else { invoke() };
        let result = result.map_err(|error| kept.explain(row, error))?;
        AnyHandle::own(SharedValue::new(result))
    };
    let handle = AnyHandle::own(Call::new(row.name, via, timeout, Box::new(job), let_go))?;
    let call = handle::get::<Call>(handle.id(), "call")?;
    let told = match told {
        Some((place, tag)) => Some(Told { place, tag, call: handle.try_clone("call")? }),
        None => None,
    };
    if row.blocks {
        call.start(told)?;
    } else {
        call.make_here(told);
    }
    Ok(handle)
}
