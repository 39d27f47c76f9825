// SPDX-License-Identifier: LGPL-2.1-or-later
//! A stream: how data goes to and from a daemon: volumes, consoles, channels,
//! screenshots.
//!
//! libvirt lets several threads use a stream at once, but not while one of them
//! ends it: that one frees what the others are reading. Nor do all of its drivers
//! look whether a stream is open, and which way its data go. [`Uses`] keeps the users
//! apart, and lets libvirt see only what fits the stream.

mod all;
mod file;
mod receivers;
mod uses;

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use virt::sys;

use super::{Conn, Domain, StorageVol, Text, call, sigpipe};
use crate::constants as c;
use crate::error::{Error, Misuse, Result};
use crate::fork::lock;

pub use all::{Sink, Source};
pub use file::Transfer;
pub use receivers::Receivers;
use receivers::Turn;
pub use uses::ByCall;
use uses::{Direction, Opening, Uses};

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
    receivers: Arc<Receivers>,
    /// What listens to what the stream is ready for.
    listening: Mutex<Option<Listening>>,
}

/// One of the event layer's listeners, which libvirt knows by its number.
pub(crate) struct Listening {
    pub(crate) number: usize,
    /// Ends the listener with this number; it may run what is not ours.
    pub(crate) forget: fn(usize),
}

impl Drop for Listening {
    fn drop(&mut self) {
        (self.forget)(self.number);
    }
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
pub struct Waiting {
    /// Data, a hole, the end of the data, or an error of the other end. Not known of a
    /// stream that blocks: to ask would be to wait.
    pub data: bool,
    /// The connection has gone, and nothing more will come.
    pub broken: bool,
}

// SAFETY: libvirt's objects may be used from several threads at once; that
// none ends the stream meanwhile is what `uses` is for.
unsafe impl Send for Stream {}
// SAFETY: likewise.
unsafe impl Sync for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        sigpipe::shield();
        // Usually ended before; but a call that still used the stream when its handle
        // ended may have begun to listen after that.
        self.stop_listening();
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
        unsafe { Stream::new(self.raw_here(), flags) }
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
        let (uses, receivers) = (Uses::default(), Arc::default());
        Ok(Stream { raw, conn, flags, uses, receivers, listening: Mutex::new(None) })
    }

    fn raw(&self) -> sys::virStreamPtr {
        sigpipe::shield();
        self.raw.load(Ordering::Acquire)
    }

    /// Puts a new stream of libvirt's in the place of one that has ended: to use
    /// one twice loses memory. Only for who is alone.
    fn renew(&self) -> Result<()> {
        sigpipe::shield();
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
    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        lock(&self.listening)
    }

    /// Makes a short call to the daemon, whatever comes of it.
    pub fn ask_daemon(&self) {
        sigpipe::shield();
        let mut version = 0;
        // SAFETY: the connection is live as long as the stream; the output outlives the call.
        unsafe { sys::virConnectGetLibVersion(self.conn.as_ptr(), &mut version) };
    }

    /// Whether it carries data both ways.
    pub fn carries_both_ways(&self) -> bool {
        self.uses.direction() == Some(Direction::Both)
    }

    /// Counts the caller among those that use the open stream, for data of this
    /// direction, if there is one.
    fn enter(&self, direction: Option<Direction>) -> Result<Using<'_>> {
        self.enter_by(direction, None)
    }

    /// The same for what may be a call that is given up.
    fn enter_by(
        &self,
        direction: Option<Direction>,
        call: Option<Arc<ByCall>>,
    ) -> Result<Using<'_>> {
        let opening = self.uses.enter(direction, call.as_ref())?;
        Ok(Using { stream: self, opening, call })
    }

    /// The same for one who did before, unless what it used then has ended.
    fn enter_again(&self, opening: Opening) -> Result<Using<'_>> {
        self.uses.enter_again(opening)?;
        Ok(Using { stream: self, opening, call: None })
    }

    /// Counts the caller among those that use the open stream.
    pub(crate) fn in_use(&self) -> Result<Using<'_>> {
        self.enter(None)
    }

    /// Takes the callback back from libvirt. Only for who uses the stream, or is alone.
    fn remove_callback(&self) -> Result<()> {
        let listening = self.listening().take();
        // SAFETY: the stream is live, and stays as it is while it is in use.
        let returned = unsafe { sys::virStreamEventRemoveCallback(self.raw()) };
        let removed = call::done(returned, c"virStreamEventRemoveCallback");
        // Neither under the lock, nor while libvirt may still call it.
        drop(listening);
        removed
    }

    /// Takes the callback back, if there is one. Only for who uses the stream, or is alone.
    fn stop_listening(&self) {
        if self.listening().is_some() {
            // A failure means that libvirt holds none any more.
            let _ = self.remove_callback();
        }
    }

    /// The handle ends: takes the callback back. A stream that is not open has none, and
    /// who is ending it at this moment takes it back anyway.
    pub(crate) fn handle_ends(&self) {
        if let Ok(_using) = self.in_use() {
            self.stop_listening();
        }
    }

    /// Sends some of the data, at least one byte of it if it can.
    pub fn send(&self, data: &[u8], call: Option<Arc<ByCall>>) -> Result<Moved> {
        self.enter_by(Some(Direction::Up), call)?.send(data)
    }

    /// Receives some data, which goes to the front of `room`, after who came before. What is
    /// received when it is not wanted any more, the next one gets; `settle` finds that out for the
    /// last time.
    pub fn recv(
        &self,
        room: &mut [u8],
        flags: c_uint,
        call: Option<Arc<ByCall>>,
        is_wanted: impl Fn() -> bool,
        settle: impl Fn() -> bool,
    ) -> Result<Moved> {
        let using = self.enter_by(Some(Direction::Down), call)?;
        let own = match self.receivers.turn(room, is_wanted, &settle) {
            Turn::Left(count) => return Ok(Moved::Bytes(count)),
            Turn::NotWanted => return Ok(Moved::WouldBlock),
            Turn::Own(own) => own,
        };
        let moved = using.recv(room, flags)?;
        let Moved::Bytes(count @ 1..) = moved else { return Ok(moved) };
        if settle() {
            return Ok(Moved::Bytes(own.after_others(room, count)));
        }
        own.leave(&room[..count]);
        Ok(Moved::WouldBlock)
    }

    /// Those who receive, whom to wake when one is not wanted any more.
    pub fn receivers(&self) -> Arc<Receivers> {
        Arc::clone(&self.receivers)
    }

    /// Leaves out as many bytes, which are then zeros at the other end.
    pub fn send_hole(&self, length: i64, flags: c_uint, call: Option<Arc<ByCall>>) -> Result<()> {
        if length < 0 {
            // libvirt sends it, and the next call that waits for an answer hangs.
            let reason = format!("is {length}; 0 or more is needed");
            return Err(Misuse::Invalid { parameter: "length", reason }.into());
        }
        self.enter_by(Some(Direction::Up), call)?.send_hole(length, flags)
    }

    /// Gets past a hole; tells how many bytes it is long.
    pub fn recv_hole(&self, flags: c_uint, call: Option<Arc<ByCall>>) -> Result<i64> {
        self.enter_by(Some(Direction::Down), call)?.recv_hole(flags)
    }

    /// What a receiver would find now. Nothing is taken, and nothing is waited for. None of
    /// a stream that is not open, or that is being ended.
    pub fn peek(&self) -> Option<Waiting> {
        // Who ends the stream at this moment ends the listening, too.
        let _look = self.uses.look()?;
        let _using = self.in_use().ok()?;
        // SAFETY: stream and connection are live.
        let broken = unsafe { sys::virConnectIsAlive(self.conn.as_ptr()) } == 0;
        let mut room = 0;
        let data = self.flags & sys::VIR_STREAM_NONBLOCK != 0
            // SAFETY: libvirt writes nothing where there is room for nothing.
            && unsafe { sys::virStreamRecv(self.raw(), &mut room, 0) } != c::STREAM_WOULD_BLOCK;
        Some(Waiting { data, broken })
    }

    /// Ends the transfer, and waits until the other end has taken everything; and the
    /// listening.
    pub fn finish(&self) -> Result<()> {
        let _alone = self.uses.alone_to_end()?;
        self.stop_listening();
        // SAFETY: the stream is live, and nobody else uses it.
        call::done(unsafe { sys::virStreamFinish(self.raw()) }, c"virStreamFinish")
    }

    /// Breaks the transfer off, and the listening; where only calls that were given up are still
    /// in it, as soon as they are over.
    pub fn abort(&self) -> Result<()> {
        match self.uses.alone_to_abort()? {
            Some(_alone) => self.abort_alone(),
            None => Ok(()),
        }
    }

    /// Aborts what a failed transfer has opened: now, or when its last user leaves.
    fn break_off(&self, opening: Opening) {
        if let Some(_alone) = self.uses.break_off(opening) {
            // What counts is why the transfer has failed.
            let _ = self.abort_alone();
        }
    }

    /// Only for who is alone.
    fn abort_alone(&self) -> Result<()> {
        self.stop_listening();
        // SAFETY: the stream is live, and nobody else uses it.
        call::done(unsafe { sys::virStreamAbort(self.raw()) }, c"virStreamAbort")
    }

    /// Its connection, which is live as long.
    pub(crate) fn conn(&self) -> sys::virConnectPtr {
        self.conn.as_ptr()
    }

    /// Lets libvirt connect the stream with what it shall carry.
    fn open(
        &self,
        function: &'static CStr,
        direction: Direction,
        connect: impl FnOnce(sys::virStreamPtr) -> c_int,
    ) -> Result<()> {
        let alone = self.uses.alone_to_open()?;
        if self.uses.was_opened() {
            self.renew()?;
        }
        alone.opens();
        self.receivers.forget();
        call::done(connect(self.raw()), function)?;
        alone.has_opened(direction);
        Ok(())
    }
}

/// Stands for one who uses a stream, which stays open meanwhile.
pub(crate) struct Using<'s> {
    stream: &'s Stream,
    opening: Opening,
    call: Option<Arc<ByCall>>,
}

impl Drop for Using<'_> {
    fn drop(&mut self) {
        if let Some(_alone) = self.stream.uses.leave(self.call.as_ref()) {
            // Whoever broke it off has said why.
            let _ = self.stream.abort_alone();
        }
    }
}

impl Using<'_> {
    /// libvirt's stream.
    pub(crate) fn raw(&self) -> sys::virStreamPtr {
        self.stream.raw()
    }

    /// Where the event layer keeps which listener is this stream's.
    pub(crate) fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.stream.listening()
    }

    /// Takes the callback back from libvirt.
    pub(crate) fn remove_callback(&self) -> Result<()> {
        self.stream.remove_callback()
    }

    fn opening(&self) -> Opening {
        self.opening
    }

    fn send(&self, data: &[u8]) -> Result<Moved> {
        // SAFETY: the stream is live, and stays as it is while it is in use. The
        // data outlive the call.
        let returned =
            unsafe { sys::virStreamSend(self.raw(), data.as_ptr().cast::<c_char>(), data.len()) };
        Moved::from(returned, c"virStreamSend")
    }

    fn recv(&self, room: &mut [u8], flags: c_uint) -> Result<Moved> {
        let (data, len) = (room.as_mut_ptr().cast::<c_char>(), room.len());
        // SAFETY: the pointer is live; libvirt writes `len` bytes at the most.
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

    fn send_hole(&self, length: i64, flags: c_uint) -> Result<()> {
        // SAFETY: the pointer is live.
        let returned = unsafe { sys::virStreamSendHole(self.raw(), length, flags) };
        call::done(returned, c"virStreamSendHole")
    }

    fn recv_hole(&self, flags: c_uint) -> Result<i64> {
        let mut length = 0;
        // SAFETY: the output outlives the call.
        let returned = unsafe { sys::virStreamRecvHole(self.raw(), &mut length, flags) };
        call::done(returned, c"virStreamRecvHole")?;
        Ok(length)
    }
}

impl StorageVol {
    /// Lets the stream carry data to the volume: `length` bytes at the most
    /// (0: without a limit), from `offset` on.
    pub fn upload(&self, stream: &Stream, offset: u64, length: u64, flags: c_uint) -> Result<()> {
        stream.open(c"virStorageVolUpload", Direction::Up, |raw| {
            // SAFETY: volume and stream are live.
            unsafe { sys::virStorageVolUpload(self.raw(), raw, offset, length, flags) }
        })
    }

    /// Lets the stream carry data from the volume, as `upload` does the other way.
    pub fn download(&self, stream: &Stream, offset: u64, length: u64, flags: c_uint) -> Result<()> {
        stream.open(c"virStorageVolDownload", Direction::Down, |raw| {
            // SAFETY: the pointer is live.
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
        stream.open(c"virDomainOpenConsole", Direction::Both, |raw| {
            // SAFETY: the pointer is live; the name is NULL or a C string.
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
        stream.open(c"virDomainOpenChannel", Direction::Both, |raw| {
            // SAFETY: the pointer is live; the name is NULL or a C string.
            unsafe { sys::virDomainOpenChannel(self.raw(), nullable(devname), raw, flags) }
        })
    }

    /// Lets the stream carry a picture of a screen; tells its MIME type.
    pub fn screenshot(&self, stream: &Stream, screen: c_uint, flags: c_uint) -> Result<Text> {
        let function = c"virDomainScreenshot";
        let mut mime_type = std::ptr::null_mut();
        stream.open(function, Direction::Down, |raw| {
            // SAFETY: the pointer is live.
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
