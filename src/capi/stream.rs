// SPDX-License-Identifier: LGPL-2.1-or-later
//! `vkvm_stream_*`: data to and from volumes, consoles, channels and screens.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use super::caller::{Foreign, reading};
use super::guard::{direct, status, void};
use super::types::{
    SharedValue, vkvm_destroy_callback, vkvm_error, vkvm_stream, vkvm_stream_callback,
    vkvm_stream_hole_callback, vkvm_stream_section_callback, vkvm_stream_sink_callback,
    vkvm_stream_source_callback,
};
use crate::core::stream::{ByCall, Receivers, Sink, Source};
use crate::handle::AnyHandle;
use crate::value::Value;
use crate::{calls, core, event, handle};

/// Adds a reference to the stream handle.
///
/// - `return` (nullable): the handle, which needs one more `vkvm_stream_free`; NULL when it is
///   not live or has 524,287 references.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_ref(stream: *mut vkvm_stream) -> *mut vkvm_stream {
    direct(std::ptr::null_mut(), |c| c.retain(stream))
}

/// Releases a reference to the stream handle.
///
/// The last one removes the stream's callback, and aborts a transfer that is not finished. NULL
/// and handles that are not live are ignored.
///
/// - `stream` (consumed, nullable)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_free(stream: *mut vkvm_stream) {
    void(|c| c.free(stream))
}

/// Sends data through the stream, or as much of it as possible.
///
/// - `data`: the data; pieces of up to 262,120 bytes work with every libvirt
/// - `data_len`: number of bytes
/// - `sent` (unit bytes): amount sent, or `VKVM_STREAM_WOULD_BLOCK` when a stream with
///   `VKVM_STREAM_NONBLOCK` cannot send now
///
/// libvirt: virStreamSend
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_send(
    stream: *mut vkvm_stream,
    data: *const c_void,
    data_len: usize,
    sent: *mut i64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, data) = (c.out(sent, "sent")?, c.bytes(data, data_len, "data")?);
        out.set(c.get(stream, "stream")?.send(data, by_call(|| ()))?.number());
        Ok(())
    })
}

/// Receives data from the stream.
///
/// Only the bytes that are received are written to `data`.
///
/// - `flags` (default 0, enum stream_recv_flags): 0 receives holes as zeros
/// - `data`: buffer of the caller
/// - `data_len`: size of the buffer in bytes
/// - `received` (unit bytes): amount received, 0 at the end; `VKVM_STREAM_WOULD_BLOCK` when a
///   stream with `VKVM_STREAM_NONBLOCK` has no data now; `VKVM_STREAM_AT_HOLE` when a hole is
///   next, which `vkvm_stream_recv_hole` receives
///
/// libvirt: virStreamRecv, virStreamRecvFlags
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_recv(
    stream: *mut vkvm_stream,
    flags: u32,
    data: *mut u8,
    data_len: usize,
    received: *mut i64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let (out, room) = (c.out(received, "received")?, c.buffer(data, data_len, "data")?);
        let stream = c.get(stream, "stream")?;
        let (waiting, later) = (stream.receivers(), stream.receivers());
        let call = by_call(move || waiting.wake());
        if call.is_some() {
            calls::when_untaken(move |result| put_back(&later, result));
        }
        out.set(stream.recv(room, flags, call, calls::is_wanted, calls::settle)?.number());
        Ok(())
    })
}

/// Sends a hole through the sparse stream.
///
/// The other end creates empty space instead of receiving zeros. The stream must have been
/// opened for sparse data.
///
/// - `length` (unit bytes): length of the hole
/// - `flags` (default 0): unused, pass 0
///
/// libvirt: virStreamSendHole
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_send_hole(
    stream: *mut vkvm_stream,
    length: i64,
    flags: u32,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(stream, "stream")?.send_hole(length, flags, by_call(|| ())))
}

/// Receives a hole from the sparse stream.
///
/// It follows `VKVM_STREAM_AT_HOLE` from `vkvm_stream_recv`.
///
/// - `flags` (default 0): unused, pass 0
/// - `length` (unit bytes): length of the hole
///
/// libvirt: virStreamRecvHole
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_recv_hole(
    stream: *mut vkvm_stream,
    flags: u32,
    length: *mut i64,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let out = c.out(length, "length")?;
        out.set(c.get(stream, "stream")?.recv_hole(flags, by_call(|| ()))?);
        Ok(())
    })
}

/// Sends all data that a callback supplies, like virStreamSendAll.
///
/// The stream must be a blocking one. Call `vkvm_stream_finish` afterwards. On failure the
/// stream is aborted, unless the call was refused before the first piece.
///
/// - `handler`: supplies the data; called during this call
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
///
/// libvirt: virStreamSend
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_send_all(
    stream: *mut vkvm_stream,
    handler: vkvm_stream_source_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(handler, userdata, destroy);
        let fill = foreign.function("handler")?;
        let mut source = Given { stream, foreign, fill, section: None, skip: None };
        c.get(stream, "stream")?.send_all(&mut source)
    })
}

/// Receives all data and passes them to a callback, like virStreamRecvAll.
///
/// The stream must be a blocking one. Call `vkvm_stream_finish` afterwards. On failure, such as
/// a callback that returns -1, the stream is aborted.
///
/// - `handler`: consumes the data; called during this call
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
///
/// libvirt: virStreamRecv
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_recv_all(
    stream: *mut vkvm_stream,
    handler: vkvm_stream_sink_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(handler, userdata, destroy);
        let take = foreign.function("handler")?;
        let mut sink = Taken { stream, foreign, take, hole: None };
        c.get(stream, "stream")?.recv_all(&mut sink)
    })
}

/// Sends all data and holes that callbacks supply, like virStreamSparseSendAll.
///
/// Apart from holes it is like `vkvm_stream_send_all`. The stream must have been opened for
/// sparse data. All callbacks are called during this call.
///
/// - `handler`: supplies the data of a section
/// - `hole_handler`: reports whether the next section of the source is data or a hole
/// - `skip_handler`: skips a hole of the source
/// - `userdata` (nullable): passed to the callbacks
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
///
/// libvirt: virStreamSend, virStreamSendHole
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_sparse_send_all(
    stream: *mut vkvm_stream,
    handler: vkvm_stream_source_callback,
    hole_handler: vkvm_stream_section_callback,
    skip_handler: vkvm_stream_hole_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(handler, userdata, destroy);
        let fill = foreign.function("handler")?;
        let section = Some(c.function(hole_handler, "hole_handler")?);
        let skip = Some(c.function(skip_handler, "skip_handler")?);
        let mut source = Given { stream, foreign, fill, section, skip };
        c.get(stream, "stream")?.sparse_send_all(&mut source)
    })
}

/// Receives all data and holes and passes them to callbacks.
///
/// Like virStreamSparseRecvAll, and apart from holes like `vkvm_stream_recv_all`. The stream
/// must have been opened for sparse data. Both callbacks are called during this call.
///
/// - `handler`: consumes the data
/// - `hole_handler`: consumes the holes
/// - `userdata` (nullable): passed to the callbacks
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
///
/// libvirt: virStreamRecvFlags, virStreamRecvHole
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_sparse_recv_all(
    stream: *mut vkvm_stream,
    handler: vkvm_stream_sink_callback,
    hole_handler: vkvm_stream_hole_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(handler, userdata, destroy);
        let take = foreign.function("handler")?;
        let hole = Some(c.function(hole_handler, "hole_handler")?);
        let mut sink = Taken { stream, foreign, take, hole };
        c.get(stream, "stream")?.sparse_recv_all(&mut sink)
    })
}

/// Registers a callback for events of the stream: readable, writable, broken.
///
/// The stream must be open; it takes one callback. The registration ends with
/// `vkvm_stream_remove_callback`, `vkvm_stream_finish`, `vkvm_stream_abort`, or with the stream
/// handle.
///
/// When the stream is readable, receive until `VKVM_STREAM_WOULD_BLOCK`: libvirt keeps data
/// that are not received in memory. When the connection breaks, the callback receives
/// `VKVM_STREAM_EVENT_ERROR` and `VKVM_STREAM_EVENT_HANGUP`, once, whichever events it is
/// registered for; together with `VKVM_STREAM_EVENT_READABLE` if it is registered for that and
/// data wait in a non-blocking stream. Those can still be received.
///
/// - `events` (enum stream_event_flags): events to report
/// - `callback`: called on the thread that runs the event loop
/// - `userdata` (nullable): passed to the callback
/// - `destroy` (nullable): called once, when the callback will not be called any more, to
///   release the user data
///
/// libvirt: virStreamEventAddCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_add_callback(
    stream: *mut vkvm_stream,
    events: c_int,
    callback: vkvm_stream_callback,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| {
        let foreign = c.callback(callback, userdata, destroy);
        foreign.function("callback")?;
        let object = c.get(stream, "stream")?;
        let id = stream as usize;
        let tell = Box::new(move |now| ready(id, &foreign, now));
        let peek = move || handle::get::<core::Stream>(id, "stream").ok()?.peek();
        event::stream::add_callback(&object, events, tell, Box::new(peek))
    })
}

/// Changes the events that the stream's callback is registered for.
///
/// - `events` (enum stream_event_flags): events to report; 0 means none
///
/// libvirt: virStreamEventUpdateCallback
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_update_callback(
    stream: *mut vkvm_stream,
    events: c_int,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::stream::update_callback(&*c.get(stream, "stream")?, events))
}

/// Removes the callback of the stream.
///
/// libvirt: virStreamEventRemoveCallback
/// cbindgen:calls_back
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_remove_callback(
    stream: *mut vkvm_stream,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| event::stream::remove_callback(&*c.get(stream, "stream")?))
}

/// Finishes a completed transfer and reports whether it was successful.
///
/// Data that were sent may fail to be stored later, which is reported here. The callback is
/// removed. Then the stream is unused again.
///
/// libvirt: virStreamFinish
/// cbindgen:calls_back
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_finish(
    stream: *mut vkvm_stream,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(stream, "stream")?.finish())
}

/// Aborts the transfer of the stream.
///
/// The callback is removed. Then the stream is unused again. If calls that were cancelled or timed
/// out still use it, it is aborted and unused when libvirt has returned from them.
///
/// libvirt: virStreamAbort
/// cbindgen:calls_back
#[unsafe(no_mangle)]
pub unsafe extern "C" fn vkvm_stream_abort(
    stream: *mut vkvm_stream,
    error: *mut *mut vkvm_error,
) -> c_int {
    status(error, |c| c.get(stream, "stream")?.abort())
}

/// What a call has received that was cancelled or freed before anybody took it.
fn put_back(receivers: &Receivers, result: &AnyHandle) {
    let Ok(result) = handle::get::<SharedValue>(result.id(), "result") else { return };
    if let Value::Map(outputs) = &*reading(&result) {
        if let Some(Value::Bytes(data)) = outputs.get("data") {
            receivers.put_back(data);
        }
    }
}

/// The call that this thread makes, if it does: the stream knows when it is given up, and `then`
/// is run.
fn by_call(then: impl FnOnce() + Send + 'static) -> Option<Arc<ByCall>> {
    if !calls::is_made_here() {
        return None;
    }
    let call = Arc::<ByCall>::default();
    let given_up = Arc::clone(&call);
    calls::when_abandoned(move || {
        given_up.give_up();
        then();
    });
    Some(call)
}

type Fill = unsafe extern "C" fn(*mut vkvm_stream, *mut u8, usize, *mut c_void) -> c_int;
type Section = unsafe extern "C" fn(*mut vkvm_stream, *mut bool, *mut i64, *mut c_void) -> c_int;
type Take = unsafe extern "C" fn(*mut vkvm_stream, *const u8, usize, *mut c_void) -> c_int;
type Hole = unsafe extern "C" fn(*mut vkvm_stream, i64, *mut c_void) -> c_int;

/// C's functions that give data, on the thread of the call they were given to.
struct Given {
    stream: *mut vkvm_stream,
    foreign: Foreign<Fill>,
    fill: Fill,
    section: Option<Section>,
    skip: Option<Hole>,
}

impl Source for Given {
    fn fill(&mut self, room: &mut [u8]) -> Option<usize> {
        let (data, len) = (room.as_mut_ptr(), room.len());
        // SAFETY: C's own callback and userdata, by the contract.
        let call = |userdata| unsafe { (self.fill)(self.stream, data, len, userdata) };
        usize::try_from(self.foreign.call(call)).ok()
    }

    fn section(&mut self) -> Option<(bool, i64)> {
        let (section, mut in_data, mut length) = (self.section?, false, 0);
        // SAFETY: C's own callback, by the contract; the places outlive the call.
        let call = |userdata| unsafe { section(self.stream, &mut in_data, &mut length, userdata) };
        (self.foreign.call(call) >= 0).then_some((in_data, length))
    }

    fn skip(&mut self, length: i64) -> Option<()> {
        let skip = self.skip?;
        // SAFETY: C's own callback and userdata, by the contract.
        let call = |userdata| unsafe { skip(self.stream, length, userdata) };
        (self.foreign.call(call) >= 0).then_some(())
    }
}

/// C's functions that take data, likewise.
struct Taken {
    stream: *mut vkvm_stream,
    foreign: Foreign<Take>,
    take: Take,
    hole: Option<Hole>,
}

impl Sink for Taken {
    fn take(&mut self, data: &[u8]) -> Option<usize> {
        // SAFETY: C's own callback and userdata, by the contract.
        let call =
            |userdata| unsafe { (self.take)(self.stream, data.as_ptr(), data.len(), userdata) };
        usize::try_from(self.foreign.call(call)).ok()
    }

    fn hole(&mut self, length: i64) -> Option<()> {
        let hole = self.hole?;
        // SAFETY: C's own callback and userdata, by the contract.
        let call = |userdata| unsafe { hole(self.stream, length, userdata) };
        (self.foreign.call(call) >= 0).then_some(())
    }
}

/// Calls C's callback, with the stream kept for the time of the call.
fn ready(
    stream: usize,
    foreign: &Foreign<unsafe extern "C" fn(*mut vkvm_stream, c_int, *mut c_void)>,
    events: c_int,
) {
    let Ok(callback) = foreign.function("callback") else {
        return;
    };
    if !handle::retain::<core::Stream>(stream) {
        return; // freed while the event was on its way
    }
    // SAFETY: C's own callback and userdata, by the contract.
    foreign.call(|userdata| unsafe { callback(stream as *mut vkvm_stream, events, userdata) });
    handle::release::<core::Stream>(stream);
}
