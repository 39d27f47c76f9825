// SPDX-License-Identifier: LGPL-2.1-or-later
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
use super::caller::{Caller, reading};
use super::conn::open::requests;
use super::guard::{direct, status, void};
use super::invoke::{self, Row};
use super::types::{SharedValue, vkvm_call, vkvm_conn, vkvm_error, vkvm_event_queue, vkvm_value};
use crate::calls::{self, Answers, Call, Told, Via};
use crate::core::conn::bounded::Openings;
use crate::core::{OnLane, lane};
use crate::error::{Error, Misuse, Result};
use crate::event::Place;
use crate::handle::{self, AnyHandle};
use crate::memory;
use crate::value::{Map, Value};

/// Calls a function by its name, with its arguments in a map.
///
/// Every function that returns 0 or -1 can be called, except those of values (`vkvm_value_*`),
/// those that require a callback, and those that take a visitor. Optional callbacks are NULL.
/// The call is limited by `vkvm_conn_set_call_timeout`.
///
/// - `function`: name of the function, such as "vkvm_domain_get_info"
/// - `args` (nullable, map): a map of arguments by the names of the parameters, the object
///   included: handles, values, texts, numbers, bools, bytes, and lists. Lengths are omitted,
///   as lists and bytes have theirs, except for the buffer size of `vkvm_stream_recv`
///   (`data_len`). An argument that is missing or null has its default, or NULL where that is
///   allowed. An unknown name is an error that lists the known ones
/// - `result`: null for a function without outputs, the output itself if there is one, a map of
///   outputs by name if there are several. It owns its handles
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

/// Starts a call of a function on a thread of the library, and returns immediately.
///
/// At most `max_calls` calls run at the same time on a connection (see `vkvm_conn_open_with`),
/// further ones wait. Calls on one stream run one after the other, except that a console or
/// channel receives while it sends. A function that never waits for a daemon runs immediately,
/// on this thread. Arguments are copied: everything but the connection may be freed when this
/// function has returned. Freeing the connection cancels its calls.
///
/// When the deadline passes, the call is done, with the error `VKVM_ERROR_OWN_TIMEOUT`. libvirt
/// cannot be interrupted: the operation continues, and its result is discarded.
/// `vkvm_call_cancel` lists the operations that are aborted. A connection with 16 such
/// abandoned calls accepts no new ones (`VKVM_ERROR_OWN_BUSY`); see `vkvm_conn_get_calls`.
///
/// A call that is done becomes an entry of the queue with the keys `class` ("call"), `tag` and
/// `call` (the handle). Its place is reserved at the start, so it is never lost; a queue
/// without a free place is an error (`VKVM_ERROR_OWN_BUSY`).
///
/// - `function`: name of the function, as for `vkvm_invoke`; not one that acts on the calling
///   thread, such as `vkvm_event_run_default`
/// - `args` (nullable, map): arguments, as for `vkvm_invoke`. File descriptors are duplicated
/// - `timeout_ms` (default 0, unit ms): timeout from now; 0 means that of the connection,
///   `vkvm_conn_set_call_timeout`
/// - `queue` (nullable): queue that receives the call when it is done; NULL to wait with
///   `vkvm_call_wait`
/// - `tag` (default 0): a number of the caller's choice that identifies the call in the queue
/// - `call`: the call; freeing it neither cancels the call nor removes its entry from the queue
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

/// Adds a reference to the call handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_call_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_ref(call: *mut vkvm_call) -> *mut vkvm_call {
    direct(std::ptr::null_mut(), |c| c.retain(call))
}

/// Releases a reference to the call handle.
///
/// The call continues; `vkvm_call_cancel` cancels it. With the last reference the result is
/// freed, unless something else refers to it. A result that may be secret (`secret` in the API
/// file) is wiped; if it is still in use, free it with `vkvm_value_wipe_and_free`. NULL and
/// handles that are not live are ignored.
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
/// - `timeout` (default -1, unit ms): time to wait; 0 does not wait, -1 means no limit
/// - `done`: true if the call is done
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

/// Returns the result of the call, or fails with the error of the call.
///
/// A call that is not done is an error, `VKVM_ERROR_OWN_BUSY`.
///
/// - `result`: as in `vkvm_invoke`; each call returns the same value, without copying
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

/// Cancels the call.
///
/// It is then done, with the error `VKVM_ERROR_OWN_CANCELLED`. A call that has not begun never
/// begins. libvirt cannot be interrupted: a running call continues, as after its deadline,
/// except for these:
///
/// - the job of a domain (migration, save, core dump) is aborted if the call has started it. A
///   call that waits for the job of another call of this process has not begun. libvirt reports
///   only the operation and the start of other clients' jobs, so a job of the same kind that
///   another client starts while the call waits cannot be distinguished from its own
/// - a command of a host, or a transfer, that reports progress ends
/// - a wait for the block job of a disk aborts the job
/// - the opening of a connection ends, as after the `timeout_ms` of `vkvm_conn_open_with`
///
/// Cancelling a call that is done has no effect.
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

/// Returns the progress of the call.
///
/// It is available for:
///
/// - the job of a domain: migration, save, managed save, core dump. A thread of the library
///   polls the daemon every 100 ms, from the first call of this function until it has not been
///   called for 2 s. So this function returns immediately, and null the first time
/// - commands of a host with `progress` in `vkvm_host_commands`
/// - transfers of volumes, such as `vkvm_storage_vol_upload_file`
/// - a wait for the block job of a disk, `vkvm_domain_wait_for_block_job`
///
/// libvirt reports no progress of cloning or wiping a volume; the host's command "volume.clone"
/// compares the allocations of both volumes instead.
///
/// - `progress` (map, nullable): null when unknown, or a map with the keys `done`, `total` (0
///   when unknown), `unit` (such as "bytes"), `rate` (amount per second) and `remaining_ms`
///   (estimated time left), both null when unknown. Neither `done` nor its share of `total`
///   ever decreases, and `done` never exceeds `total`
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

/// Enables progress entries of the call in its queue.
///
/// From now on the queue receives an entry when the call has advanced beyond the last result of
/// `vkvm_call_get_progress`, with the keys `class` ("progress"), `tag` and `call`. There is at
/// most one such entry of a call until that function is called again, and none while the queue
/// is full. A call without a queue has none.
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

/// Returns the credentials that the call is asking for.
///
/// An opening with `credtypes` (see `vkvm_conn_open_with`) asks for credentials by an entry of its
/// queue with the keys `class` ("credentials"), `tag` and `call`, and waits for
/// `vkvm_call_set_credentials`. It may ask several times. Its timeouts include that. Without
/// room in the queue it is refused the credentials.
///
/// - `credentials` (list, nullable): null when the call is not asking, or a list of the requests:
///   maps with the keys `type`, `prompt`, `challenge` and `result`, as for the callback of
///   `vkvm_conn_open_auth`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_get_credentials(
    call: *mut vkvm_call,
    credentials: *mut *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out_handle(credentials, "credentials")?;
        let asked = c.get(call, "call")?.credentials();
        out.set_value(asked.map_or(Value::Null, |asked| requests(&asked)))
    })
}

/// Gives the call the credentials that it is asking for.
///
/// See `vkvm_call_get_credentials`. The answers are copied, and the copies are wiped.
///
/// - `credentials` (nullable, list): the requests with a text as `result` of each that is
///   answered; NULL refuses, which fails the opening. A call that is not asking is an error
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_call_set_credentials(
    call: *mut vkvm_call,
    credentials: *mut vkvm_value,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let call = c.get(call, "call")?;
        let given = c.get_nullable(credentials, "credentials")?;
        let answers = given.map(|given| answers(&reading(&given))).transpose()?;
        if call.give_credentials(answers) {
            return Ok(());
        }
        let reason = "is not asking for credentials".to_owned();
        Err(Misuse::Invalid { parameter: "call", reason }.into())
    })
}

/// The results of requests.
fn answers(requests: &Value) -> Result<Answers> {
    const PARAMETER: &str = "credentials";
    let invalid = |reason: String| Error::from(Misuse::Invalid { parameter: PARAMETER, reason });
    let Value::List(requests) = requests else {
        return Err(invalid(format!("is {}; a list is needed", requests.kind().phrase())));
    };
    let answer = |(i, request): (usize, &Value)| match request {
        Value::Map(request) => match request.get("result") {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => memory::secret_text(text, PARAMETER).map(Some),
            Some(other) => {
                let kind = other.kind().phrase();
                Err(invalid(format!("\"{i}.result\" is {kind}; text is needed")))
            }
        },
        other => Err(invalid(format!("\"{i}\" is {}; a map is needed", other.kind().phrase()))),
    };
    memory::collect(requests.iter().enumerate().map(answer), PARAMETER)
}

/// Asks the call to stop at its next report of progress.
///
/// A transfer or a command of a host then ends as if its progress callback had ended it, with
/// the error `VKVM_ERROR_ERR_OPERATION_ABORTED`. So does `vkvm_domain_wait_for_block_job`, which
/// aborts the job. Unlike after `vkvm_call_cancel`, the call is done only when it has ended. A
/// call that reports no progress continues.
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

/// Sets the timeout for calls of the connection.
///
/// It applies to `vkvm_call_start` and `vkvm_invoke` with the connection and all objects made
/// from it. Functions that are called directly are not limited, as they run on the calling
/// thread.
///
/// - `timeout_ms` (unit ms): the timeout; 0 means no limit
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

/// Returns the timeout for calls of the connection.
///
/// See `vkvm_conn_set_call_timeout`.
///
/// - `timeout_ms` (unit ms): the timeout; 0 means no limit
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

/// Returns the numbers of running, waiting and abandoned calls of the connection.
///
/// Calls of `vkvm_call_start` are counted, and those limited by `vkvm_conn_set_call_timeout`.
///
/// - `calls` (map): a map with the keys `running` (on a thread), `waiting` (for a thread) and
///   `abandoned` (cancelled or timed out, while libvirt has not returned)
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
