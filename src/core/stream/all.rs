// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whole transfers: all data of a source are sent, all that come go to a sink.
//!
//! As libvirt's functions for that do it. Those abort the stream when something fails,
//! whoever else uses it at that moment, and go on with one that a handler has ended; so
//! the loops are our own, with one look at the stream for each piece. While a handler
//! runs, its transfer does not count as a user: it may do what it likes with the stream,
//! even end it.

use std::ffi::CString;
use std::io;

use virt::sys;

use super::uses::{Direction, Opening};
use super::{Moved, Stream, Using};
use crate::error::{Details, Error, Misuse, Result};

/// How many bytes go through at once, the most that every libvirt can send.
const PIECE: usize = 262_120;

/// Where the data of a transfer come from. None gives up, and leaves the reason in
/// errno, if there is one.
pub trait Source {
    /// Fills the room with data; returns how many bytes there are, 0 at their end.
    fn fill(&mut self, room: &mut [u8]) -> Option<usize>;
    /// Tells whether data come next, or a hole, and how many bytes; 0 at the end.
    fn section(&mut self) -> Option<(bool, i64)>;
    /// Goes on behind a hole of this length.
    fn skip(&mut self, length: i64) -> Option<()>;
}

/// Where the data of a transfer go. None gives up, as above.
pub trait Sink {
    /// Takes data; returns how many bytes it took, at least one, and gets the rest again.
    fn take(&mut self, data: &[u8]) -> Option<usize>;
    /// Takes a hole of this length.
    fn hole(&mut self, length: i64) -> Option<()>;
}

impl Stream {
    /// Sends all that the source has. The stream must be finished after that.
    pub fn send_all(&self, source: &mut dyn Source) -> Result<()> {
        let transfer = Transfer::begin(self, Direction::Up)?;
        let mut room = vec![0; PIECE];
        while transfer.send_piece(source, &mut room)? > 0 {}
        transfer.complete();
        Ok(())
    }

    /// Gives the sink all that comes. The stream must be finished after that.
    pub fn recv_all(&self, sink: &mut dyn Sink) -> Result<()> {
        let transfer = Transfer::begin(self, Direction::Down)?;
        let mut room = vec![0; PIECE];
        loop {
            let moved = transfer.using()?.recv(&mut room, 0)?;
            let Moved::Bytes(count @ 1..) = moved else {
                break;
            };
            hand_over(sink, &room[..count])?;
        }
        transfer.complete();
        Ok(())
    }

    /// Sends all that the source has, and of its holes only the lengths.
    pub fn sparse_send_all(&self, source: &mut dyn Source) -> Result<()> {
        let transfer = Transfer::begin(self, Direction::Up)?;
        let mut room = vec![0; PIECE];
        // How much of the section with data is left.
        let mut left = 0;
        loop {
            if left == 0 {
                let (is_data, length) = handled("send holeHandler", || source.section())?;
                let length = not_negative(length)?;
                if !is_data && length > 0 {
                    transfer.using()?.send_hole(length, 0)?;
                    handled("send skipHandler", || source.skip(length))?;
                    continue;
                }
                left = length as u64;
            }
            let len = left.min(PIECE as u64) as usize;
            match transfer.send_piece(source, &mut room[..len])? {
                0 => break,
                sent => left -= sent as u64,
            }
        }
        transfer.complete();
        Ok(())
    }

    /// Gives the sink all that comes, and of holes only the lengths.
    pub fn sparse_recv_all(&self, sink: &mut dyn Sink) -> Result<()> {
        let transfer = Transfer::begin(self, Direction::Down)?;
        let mut room = vec![0; PIECE];
        let flags = sys::VIR_STREAM_RECV_STOP_AT_HOLE;
        loop {
            let moved = transfer.using()?.recv(&mut room, flags)?;
            match moved {
                Moved::Bytes(count @ 1..) => hand_over(sink, &room[..count])?,
                Moved::Hole => {
                    let length = transfer.using()?.recv_hole(0)?;
                    handled("recv holeHandler", || sink.hole(length))?;
                }
                _ => break,
            }
        }
        transfer.complete();
        Ok(())
    }
}

/// A transfer that is under way. If it ends before it is complete, also by a panic of a
/// handler, the stream is aborted.
struct Transfer<'s> {
    stream: &'s Stream,
    opening: Opening,
}

impl<'s> Transfer<'s> {
    fn begin(stream: &'s Stream, direction: Direction) -> Result<Self> {
        let using = stream.enter(Some(direction))?;
        if stream.flags & sys::VIR_STREAM_NONBLOCK != 0 {
            let ends = if direction == Direction::Up { "data sources" } else { "data sinks" };
            return Err(as_libvirt(
                sys::VIR_ERR_OPERATION_INVALID as i32,
                "Requested operation is not valid: %s",
                &format!("{ends} cannot be used for non-blocking streams"),
                -1,
            ));
        }
        Ok(Transfer { stream, opening: using.opening() })
    }

    /// A use of the stream, if it is still open.
    fn using(&self) -> Result<Using<'s>> {
        self.stream.enter_again(self.opening)
    }

    /// Sends the next piece; returns how many bytes it had.
    fn send_piece(&self, source: &mut dyn Source, room: &mut [u8]) -> Result<usize> {
        let count = handled("send handler", || source.fill(room))?;
        if count > room.len() {
            let reason = format!("returned {count}; the maximum is {} bytes", room.len());
            return Err(Misuse::Invalid { parameter: "handler", reason }.into());
        }
        let mut rest = &room[..count];
        while !rest.is_empty() {
            let Moved::Bytes(sent) = self.using()?.send(rest)? else {
                break;
            };
            rest = rest.get(sent..).unwrap_or_default();
        }
        Ok(count)
    }

    fn complete(self) {
        std::mem::forget(self);
    }
}

impl Drop for Transfer<'_> {
    fn drop(&mut self) {
        self.stream.break_off(self.opening);
    }
}

/// Gives data to the sink, until it has taken all.
fn hand_over(sink: &mut dyn Sink, data: &[u8]) -> Result<()> {
    let mut rest = data;
    while !rest.is_empty() {
        let count = handled("recv handler", || sink.take(rest))?;
        if count == 0 {
            // It would get the same data for ever.
            let reason = format!(
                "took none of {} bytes; return how many it took, or a number below 0 to stop",
                rest.len()
            );
            return Err(Misuse::Invalid { parameter: "handler", reason }.into());
        }
        rest = rest.get(count..).unwrap_or_default();
    }
    Ok(())
}

/// The answer of a handler; when it gave up, libvirt's error for that.
fn handled<T>(name: &str, handler: impl FnOnce() -> Option<T>) -> Result<T> {
    set_errno(0);
    let answer = handler();
    let errno = io::Error::last_os_error().raw_os_error().unwrap_or(0);
    answer.ok_or_else(|| {
        let errno = if errno == 0 { libc::EIO } else { errno };
        let reason = io::Error::from_raw_os_error(errno).to_string();
        // Without the number that Rust adds.
        let reason = reason.split(" (os error").next().unwrap_or_default();
        let said = format!("{name} failed: {reason}");
        as_libvirt(sys::VIR_ERR_SYSTEM_ERROR as i32, "%s", &said, errno)
    })
}

fn set_errno(number: i32) {
    // SAFETY: this thread's own errno.
    unsafe { *libc::__errno_location() = number };
}

/// The length of a section that a handler answered with.
fn not_negative(length: i64) -> Result<i64> {
    if length < 0 {
        let reason = format!("answered with a length of {length}; 0 or more is needed");
        return Err(Misuse::Invalid { parameter: "hole_handler", reason }.into());
    }
    Ok(length)
}

/// An error as libvirt's functions for whole transfers have it.
fn as_libvirt(code: i32, pattern: &str, said: &str, int1: i32) -> Error {
    let text = |text: &str| CString::new(text).unwrap_or_default();
    Error::new(Details {
        level: sys::VIR_ERR_ERROR as i32,
        code,
        domain: sys::VIR_FROM_STREAMS as i32,
        message: text(&pattern.replace("%s", said)),
        strings: [Some(text(pattern)), Some(text(said)), None],
        ints: [int1, -1],
        ..Details::unknown()
    })
}
