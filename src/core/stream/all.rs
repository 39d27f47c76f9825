//! Whole transfers: libvirt asks for the data, or hands them out, piece by piece.
//!
//! A handler that returns None gives up: libvirt aborts the stream, and says so.
//! While a handler runs, its thread does not count as one that uses the stream,
//! so it may do what it likes with it, even end it.

use std::any::Any;
use std::ffi::{CStr, c_char, c_int, c_longlong, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use virt::sys;

use super::{Stream, Using, call};
use crate::error::{Error, Misuse, Result};

/// Where the data of a transfer come from.
pub trait Source {
    /// Fills the room with data; returns how many bytes there are, 0 at their end.
    fn fill(&mut self, room: &mut [u8]) -> Option<usize>;
    /// Tells whether data come next, or a hole, and how many bytes; 0 at the end.
    fn section(&mut self) -> Option<(bool, i64)>;
    /// Goes on behind a hole of this length.
    fn skip(&mut self, length: i64) -> Option<()>;
}

/// Where the data of a transfer go.
pub trait Sink {
    /// Takes data; returns how many bytes it took, and gets the rest again.
    fn take(&mut self, data: &[u8]) -> Option<usize>;
    /// Takes a hole of this length.
    fn hole(&mut self, length: i64) -> Option<()>;
}

/// What libvirt's callbacks get as their userdata.
struct Handlers<'h> {
    stream: &'h Stream,
    /// None while a handler runs.
    using: Option<Using<'h>>,
    source: Option<&'h mut dyn Source>,
    sink: Option<&'h mut dyn Sink>,
    /// What was wrong with a handler's answer, which libvirt does not know.
    failure: Option<Error>,
    panic: Option<Box<dyn Any + Send>>,
}

impl Stream {
    /// Sends all that the source has. The stream must be finished after that.
    pub fn send_all(&self, source: &mut dyn Source) -> Result<()> {
        let handlers = Handlers { source: Some(source), ..Handlers::new(self) };
        handlers.transfer(c"virStreamSendAll", |userdata| {
            // SAFETY: the stream is live and in use; the userdata is what the
            // callbacks are made for. So in all calls below.
            unsafe { sys::virStreamSendAll(self.raw(), Some(fill), userdata) }
        })
    }

    /// Gives the sink all that comes. The stream must be finished after that.
    pub fn recv_all(&self, sink: &mut dyn Sink) -> Result<()> {
        let handlers = Handlers { sink: Some(sink), ..Handlers::new(self) };
        handlers.transfer(c"virStreamRecvAll", |userdata| {
            // SAFETY: as above.
            unsafe { sys::virStreamRecvAll(self.raw(), Some(take), userdata) }
        })
    }

    /// Sends all that the source has, and of its holes only the lengths.
    pub fn sparse_send_all(&self, source: &mut dyn Source) -> Result<()> {
        let handlers = Handlers { source: Some(source), ..Handlers::new(self) };
        handlers.transfer(c"virStreamSparseSendAll", |userdata| {
            // SAFETY: as above.
            unsafe {
                sys::virStreamSparseSendAll(
                    self.raw(),
                    Some(fill),
                    Some(look),
                    Some(skip),
                    userdata,
                )
            }
        })
    }

    /// Gives the sink all that comes, and of holes only the lengths.
    pub fn sparse_recv_all(&self, sink: &mut dyn Sink) -> Result<()> {
        let handlers = Handlers { sink: Some(sink), ..Handlers::new(self) };
        handlers.transfer(c"virStreamSparseRecvAll", |userdata| {
            // SAFETY: as above.
            unsafe { sys::virStreamSparseRecvAll(self.raw(), Some(take), Some(hole), userdata) }
        })
    }
}

impl<'h> Handlers<'h> {
    fn new(stream: &'h Stream) -> Self {
        Handlers { stream, using: None, source: None, sink: None, failure: None, panic: None }
    }

    fn transfer(
        mut self,
        function: &'static CStr,
        call: impl FnOnce(*mut c_void) -> c_int,
    ) -> Result<()> {
        self.using = Some(self.stream.enter()?);
        let returned = call((&raw mut self).cast());
        let result = call::done(returned, function);
        if result.is_err() {
            // libvirt has aborted it.
            self.stream.uses.set_open(false);
        }
        if let Some(panic) = self.panic {
            resume_unwind(panic);
        }
        match self.failure {
            Some(failure) if result.is_err() => Err(failure),
            _ => result,
        }
    }

    /// Runs a handler. What it panics with waits until libvirt has returned.
    fn run<T>(&mut self, body: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let using = self.using.take();
        let guarded = || catch_unwind(AssertUnwindSafe(|| body(self)));
        let answer = match &using {
            Some(using) => using.pause(guarded),
            None => guarded(),
        };
        let answer = answer.unwrap_or_else(|panic| {
            self.panic = Some(panic);
            None
        });
        if answer.is_none() {
            // libvirt will abort the stream, but forget its callback.
            self.stream.gives_up();
        }
        self.using = using;
        answer
    }

    /// A count of bytes that a handler answered with, unless there is no room
    /// for as many.
    fn within(&mut self, count: usize, room: usize) -> Option<usize> {
        if count > room {
            let reason = format!("answered {count}, of {room} bytes at the most");
            self.failure = Some(Misuse::Invalid { parameter: "handler", reason }.into());
            return None;
        }
        Some(count)
    }

    /// The length of a section that a handler answered with.
    fn not_negative(&mut self, length: i64) -> Option<i64> {
        if length < 0 {
            let reason = format!("answered with a length of {length}; 0 or more is needed");
            self.failure = Some(Misuse::Invalid { parameter: "hole_handler", reason }.into());
            return None;
        }
        Some(length)
    }
}

/// Whom libvirt's callbacks are for.
///
/// # Safety
/// `userdata` is what `Handlers::transfer` gave to libvirt, whose call it is in.
unsafe fn handlers<'a>(userdata: *mut c_void) -> &'a mut Handlers<'a> {
    // SAFETY: as promised by the caller; libvirt's call is the only user.
    unsafe { &mut *userdata.cast::<Handlers<'a>>() }
}

/// libvirt wants data to send.
unsafe extern "C" fn fill(
    _stream: sys::virStreamPtr,
    data: *mut c_char,
    room: usize,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: ours, from `transfer`, and room for as many bytes, which libvirt
    // allocates zeroed, or has from the call before.
    let (handlers, data) =
        unsafe { (handlers(userdata), std::slice::from_raw_parts_mut(data.cast::<u8>(), room)) };
    let count = handlers.run(|handlers| {
        let count = handlers.source.as_mut()?.fill(data)?;
        handlers.within(count, room)
    });
    count.map_or(-1, |count| count as c_int)
}

/// libvirt has received data.
unsafe extern "C" fn take(
    _stream: sys::virStreamPtr,
    data: *const c_char,
    len: usize,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: ours, from `transfer`, and so many bytes.
    let (handlers, data) =
        unsafe { (handlers(userdata), std::slice::from_raw_parts(data.cast::<u8>(), len)) };
    let count = handlers.run(|handlers| handlers.sink.as_mut()?.take(data));
    count.map_or(-1, |count| count.min(len) as c_int)
}

/// libvirt wants to know what comes next in the source.
unsafe extern "C" fn look(
    _stream: sys::virStreamPtr,
    in_data: *mut c_int,
    length: *mut c_longlong,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: ours, from `transfer`.
    let handlers = unsafe { handlers(userdata) };
    let section = handlers.run(|handlers| {
        let (is_data, len) = handlers.source.as_mut()?.section()?;
        Some((is_data, handlers.not_negative(len)?))
    });
    let Some((is_data, len)) = section else {
        return -1;
    };
    // SAFETY: libvirt's places for the answers.
    unsafe {
        *in_data = is_data.into();
        *length = len;
    }
    0
}

/// libvirt has sent a hole.
unsafe extern "C" fn skip(
    _stream: sys::virStreamPtr,
    length: c_longlong,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: ours, from `transfer`.
    let handlers = unsafe { handlers(userdata) };
    handlers.run(|handlers| handlers.source.as_mut()?.skip(length)).map_or(-1, |()| 0)
}

/// libvirt has received a hole.
unsafe extern "C" fn hole(
    _stream: sys::virStreamPtr,
    length: c_longlong,
    userdata: *mut c_void,
) -> c_int {
    // SAFETY: ours, from `transfer`.
    let handlers = unsafe { handlers(userdata) };
    handlers.run(|handlers| handlers.sink.as_mut()?.hole(length)).map_or(-1, |()| 0)
}
