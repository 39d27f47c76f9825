//! A stream: how data goes to and from a daemon: volumes, consoles, channels,
//! screenshots.
//!
//! libvirt lets several threads use a stream at once, but not while one of them
//! ends it: that one frees what the others are reading. [`Uses`] keeps them
//! apart.

mod all;
mod file;
mod uses;

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use virt::sys;

use super::{Conn, Domain, StorageVol, Text, call};
use crate::constants as c;
use crate::error::{Error, Misuse, Result};

pub use all::{Sink, Source};
pub use file::{Progress, Transfer};
use uses::{Uses, Using};

/// A stream. It keeps its connection open.
///
/// Dropping it aborts what it still carries: libvirt would let the daemon go on
/// sending, into a buffer without a limit.
pub struct Stream {
    /// Changed only by who is alone with the stream.
    raw: AtomicPtr<sys::_virStream>,
    conn: NonNull<sys::_virConnect>,
    flags: c_uint,
    uses: Uses,
    /// Which of the event layer's listeners is told when the stream is ready.
    callback: Mutex<Option<usize>>,
}

/// What came of sending or receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// So many bytes went through; when receiving, 0 is the end of the data.
    Bytes(usize),
    /// Nothing can go through now, and the stream is not to wait.
    WouldBlock,
    /// A hole comes next: `recv_hole` says how long it is.
    Hole,
}

impl Moved {
    /// As one number: of bytes, or `STREAM_WOULD_BLOCK` or `STREAM_AT_HOLE`.
    pub fn number(self) -> i64 {
        match self {
            Moved::Bytes(count) => count as i64,
            Moved::WouldBlock => c::STREAM_WOULD_BLOCK.into(),
            Moved::Hole => c::STREAM_AT_HOLE.into(),
        }
    }

    fn from(returned: c_int, function: &'static CStr) -> Result<Self> {
        match returned {
            c::STREAM_WOULD_BLOCK => Ok(Moved::WouldBlock),
            c::STREAM_AT_HOLE => Ok(Moved::Hole),
            _ => call::number(returned, function).map(|count| Moved::Bytes(count as usize)),
        }
    }
}

/// What a receiver would find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It would have to wait.
    Nothing,
    /// Data, a hole, the end of the data, or an error of the other end.
    Data,
    /// The connection has gone, and nothing will come any more.
    Broken,
}

// SAFETY: libvirt's objects may be used from several threads at once; that
// none ends the stream meanwhile is what `uses` is for.
unsafe impl Send for Stream {}
// SAFETY: as above.
unsafe impl Sync for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: the references are ours, and given up once. Nobody is told of a
        // failure to abort; the stream is gone anyway.
        unsafe {
            // What has ended already could wait for an answer that never comes.
            if self.uses.is_open() {
                sys::virStreamAbort(self.raw());
            }
            sys::virStreamFree(self.raw());
            sys::virConnectClose(self.conn.as_ptr());
        }
    }
}

impl Conn {
    /// Makes a stream, which carries nothing yet.
    pub fn new_stream(&self, flags: c_uint) -> Result<Stream> {
        // SAFETY: the connection is live.
        unsafe { Stream::new(self.raw(), flags) }
    }
}

impl Stream {
    /// # Safety
    /// The connection is live for the time of the call.
    unsafe fn new(conn: sys::virConnectPtr, flags: c_uint) -> Result<Self> {
        // SAFETY: as promised by the caller; the new stream is ours, and so is
        // the reference to the connection.
        let (raw, conn) = unsafe {
            let raw = call::pointer(sys::virStreamNew(conn, flags), c"virStreamNew")?;
            sys::virConnectRef(conn);
            (raw.as_ptr().into(), NonNull::new_unchecked(conn))
        };
        Ok(Stream { raw, conn, flags, uses: Uses::default(), callback: Mutex::new(None) })
    }

    pub(crate) fn raw(&self) -> sys::virStreamPtr {
        self.raw.load(Ordering::Acquire)
    }

    /// Puts a new stream of libvirt's in the place of one that has ended: to use
    /// one twice loses memory. Only for who is alone.
    fn renew(&self) -> Result<()> {
        // SAFETY: the connection is live; the old stream is ours, and nobody
        // uses it any more.
        unsafe {
            let raw = sys::virStreamNew(self.conn.as_ptr(), self.flags);
            let raw = call::pointer(raw, c"virStreamNew")?;
            sys::virStreamFree(self.raw.swap(raw.as_ptr(), Ordering::AcqRel));
        }
        Ok(())
    }

    /// Where the event layer keeps which listener is this stream's.
    pub(crate) fn callback(&self) -> MutexGuard<'_, Option<usize>> {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the caller among those that use the stream.
    pub(crate) fn enter(&self) -> Result<Using<'_>> {
        self.uses.enter()
    }

    /// Sends some of the data, at least one byte of it if it can.
    pub fn send(&self, data: &[u8]) -> Result<Moved> {
        let _using = self.enter()?;
        // SAFETY: the stream is live, and stays as it is while it is in use; the
        // data outlives the call.
        let returned =
            unsafe { sys::virStreamSend(self.raw(), data.as_ptr().cast::<c_char>(), data.len()) };
        Moved::from(returned, c"virStreamSend")
    }

    /// Receives some data, which goes to the front of `room`.
    pub fn recv(&self, room: &mut [u8], flags: c_uint) -> Result<Moved> {
        let _using = self.enter()?;
        let (data, len) = (room.as_mut_ptr().cast::<c_char>(), room.len());
        // SAFETY: as above; libvirt writes `len` bytes at the most.
        unsafe {
            match flags {
                0 => Moved::from(sys::virStreamRecv(self.raw(), data, len), c"virStreamRecv"),
                _ => Moved::from(
                    sys::virStreamRecvFlags(self.raw(), data, len, flags),
                    c"virStreamRecvFlags",
                ),
            }
        }
    }

    /// What a receiver would find now. Nothing is taken, and nothing is waited for.
    pub fn peek(&self) -> Waiting {
        // Who ends the stream at this moment ends the listening, too.
        let Ok(_using) = self.enter() else {
            return Waiting::Nothing;
        };
        // SAFETY: stream and connection are live; so below.
        if unsafe { sys::virConnectIsAlive(self.conn.as_ptr()) } == 0 {
            return Waiting::Broken;
        }
        if self.flags & sys::VIR_STREAM_NONBLOCK == 0 {
            // To ask would be to wait.
            return Waiting::Nothing;
        }
        let mut room = 0;
        // SAFETY: libvirt writes nothing where there is room for nothing.
        match unsafe { sys::virStreamRecv(self.raw(), &mut room, 0) } {
            c::STREAM_WOULD_BLOCK => Waiting::Nothing,
            _ => Waiting::Data,
        }
    }

    /// Leaves out as many bytes, which are then zeros at the other end.
    pub fn send_hole(&self, length: i64, flags: c_uint) -> Result<()> {
        if length < 0 {
            // libvirt sends it, and the next call that waits for an answer hangs.
            let reason = format!("is {length}; 0 or more is needed");
            return Err(Misuse::Invalid { parameter: "length", reason }.into());
        }
        let _using = self.enter()?;
        // SAFETY: as above.
        let returned = unsafe { sys::virStreamSendHole(self.raw(), length, flags) };
        call::done(returned, c"virStreamSendHole")
    }

    /// Gets past a hole; tells how many bytes it is long.
    pub fn recv_hole(&self, flags: c_uint) -> Result<i64> {
        let _using = self.enter()?;
        let mut length = 0;
        // SAFETY: as above; the output outlives the call.
        let returned = unsafe { sys::virStreamRecvHole(self.raw(), &mut length, flags) };
        call::done(returned, c"virStreamRecvHole")?;
        Ok(length)
    }

    /// Ends the transfer, and waits until the other end has taken everything.
    /// `before` is run when nobody else can use the stream any more.
    pub fn finish(&self, before: impl FnOnce()) -> Result<()> {
        let _alone = self.uses.alone()?;
        before();
        self.uses.set_open(false);
        // SAFETY: the stream is live, and nobody else uses it.
        call::done(unsafe { sys::virStreamFinish(self.raw()) }, c"virStreamFinish")
    }

    /// Breaks the transfer off. `before` is as in `finish`.
    pub fn abort(&self, before: impl FnOnce()) -> Result<()> {
        let _alone = self.uses.alone()?;
        before();
        self.uses.set_open(false);
        // SAFETY: as above.
        call::done(unsafe { sys::virStreamAbort(self.raw()) }, c"virStreamAbort")
    }

    /// A handler of a whole transfer gives up: libvirt will abort the stream. It
    /// would forget to take the callback back, and then it no longer can.
    fn gives_up(&self) {
        if self.callback().is_some() {
            // SAFETY: the stream is live. A failure means that it is not there.
            unsafe { sys::virStreamEventRemoveCallback(self.raw()) };
        }
    }

    /// Lets libvirt connect the stream with what it shall carry.
    fn open(
        &self,
        function: &'static CStr,
        connect: impl FnOnce(sys::virStreamPtr) -> c_int,
    ) -> Result<()> {
        let _alone = self.uses.alone()?;
        if self.uses.is_open() {
            let reason = "carries something already; finish or abort that first, or use a new one";
            return Err(refusal(reason));
        }
        if self.uses.was_open() {
            self.renew()?;
        }
        call::done(connect(self.raw()), function)?;
        self.uses.set_open(true);
        Ok(())
    }
}

impl StorageVol {
    /// Lets the stream carry data to the volume: `length` bytes at the most
    /// (0: without a limit), from `offset` on.
    pub fn upload(&self, stream: &Stream, offset: u64, length: u64, flags: c_uint) -> Result<()> {
        stream.open(c"virStorageVolUpload", |raw| {
            // SAFETY: volume and stream are live; so in all calls below.
            unsafe { sys::virStorageVolUpload(self.raw(), raw, offset, length, flags) }
        })
    }

    /// Lets the stream carry data from the volume, as `upload` does the other way.
    pub fn download(&self, stream: &Stream, offset: u64, length: u64, flags: c_uint) -> Result<()> {
        stream.open(c"virStorageVolDownload", |raw| {
            // SAFETY: as above.
            unsafe { sys::virStorageVolDownload(self.raw(), raw, offset, length, flags) }
        })
    }
}

impl Domain {
    /// Connects the stream with a console, by default the first.
    pub fn open_console(
        &self,
        stream: &Stream,
        devname: Option<&CStr>,
        flags: c_uint,
    ) -> Result<()> {
        stream.open(c"virDomainOpenConsole", |raw| {
            // SAFETY: as above; the name is NULL or a C string.
            unsafe { sys::virDomainOpenConsole(self.raw(), nullable(devname), raw, flags) }
        })
    }

    /// Connects the stream with a channel, by default the first.
    pub fn open_channel(
        &self,
        stream: &Stream,
        devname: Option<&CStr>,
        flags: c_uint,
    ) -> Result<()> {
        stream.open(c"virDomainOpenChannel", |raw| {
            // SAFETY: as above; the name is NULL or a C string.
            unsafe { sys::virDomainOpenChannel(self.raw(), nullable(devname), raw, flags) }
        })
    }

    /// Lets the stream carry a picture of a screen; tells its MIME type.
    pub fn screenshot(&self, stream: &Stream, screen: c_uint, flags: c_uint) -> Result<Text> {
        let function = c"virDomainScreenshot";
        let mut mime_type = std::ptr::null_mut();
        stream.open(function, |raw| {
            // SAFETY: as above.
            mime_type = unsafe { sys::virDomainScreenshot(self.raw(), raw, screen, flags) };
            if mime_type.is_null() { -1 } else { 0 }
        })?;
        // SAFETY: the text is new and ours.
        unsafe { call::text(mime_type, function) }
    }
}

fn nullable(text: Option<&CStr>) -> *const c_char {
    text.map_or(std::ptr::null(), CStr::as_ptr)
}

fn refusal(reason: &str) -> Error {
    Misuse::Invalid { parameter: "stream", reason: reason.to_owned() }.into()
}
