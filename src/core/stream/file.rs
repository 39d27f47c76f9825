// SPDX-License-Identifier: LGPL-2.1-or-later
//! Volumes from files, and files from volumes.

use std::ffi::{c_int, c_uint};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::path::Path;

use virt::sys;

use super::{Sink, Source, Stream, call};
use crate::core::progress::Meter;
use crate::core::{StorageVol, sigpipe};
use crate::error::{Error, Misuse, Result};
use crate::value::Value;

/// Told how many bytes are through, and of how many (0: unknown); that both are the same
/// only at the end, when the transfer has succeeded. Before that it may end the transfer.
/// The holes of a sparse transfer count as bytes.
pub type Progress<'p> = &'p mut dyn FnMut(u64, u64) -> ControlFlow<()>;

/// Which part of a volume goes through, and how.
pub struct Transfer<'p> {
    /// Where it begins in the volume, in bytes.
    pub offset: u64,
    /// How many bytes go through at the most; 0 for all there are.
    pub length: u64,
    /// `STORAGE_VOL_UPLOAD_*` or `STORAGE_VOL_DOWNLOAD_*`.
    pub flags: c_uint,
    /// Told how far it is.
    pub progress: Option<Progress<'p>>,
}

impl StorageVol {
    /// Sends a file to the volume. Returns how many bytes went through.
    pub fn upload_file(&self, path: &Path, transfer: Transfer) -> Result<u64> {
        let file = File::open(path).map_err(|error| {
            failure("path", format!("cannot open \"{}\": {error}", path.display()))
        })?;
        self.upload_from(file, "path", transfer)
    }

    /// Receives the volume into a file, which is made, or emptied before. One
    /// that was made is removed again on failure.
    pub fn download_file(&self, path: &Path, transfer: Transfer) -> Result<u64> {
        let (file, is_new) = create(path).map_err(|error| {
            failure("path", format!("cannot open \"{}\" to write: {error}", path.display()))
        })?;
        self.download_to(file, "path", true, transfer).inspect_err(|_| {
            if is_new {
                // The failure is reported; that a useless file stays is not worse.
                let _ = std::fs::remove_file(path);
            }
        })
    }

    /// Sends what comes from an open file, from where it is.
    pub fn upload_fd(&self, file: File, transfer: Transfer) -> Result<u64> {
        self.upload_from(file, "fd", transfer)
    }

    /// Receives the volume into an open file, from where it is.
    pub fn download_fd(&self, file: File, transfer: Transfer) -> Result<u64> {
        self.download_to(file, "fd", false, transfer)
    }

    fn upload_from(&self, file: File, parameter: &'static str, transfer: Transfer) -> Result<u64> {
        let Transfer { offset, length, flags, progress } = transfer;
        let mut reader = Reader::new(file, length, Report::new(parameter, progress))?;
        let stream = self.new_stream()?;
        self.upload(&stream, offset, length, flags)?;
        let sent = match flags & sys::VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM as c_uint {
            0 => stream.send_all(&mut reader),
            _ => stream.sparse_send_all(&mut reader),
        };
        reader.report.conclude(&stream, sent)
    }

    fn download_to(
        &self,
        file: File,
        parameter: &'static str,
        empty: bool,
        transfer: Transfer,
    ) -> Result<u64> {
        // A file that is a pipe without a reader is an error, too.
        sigpipe::shield_always();
        let Transfer { offset, length, flags, progress } = transfer;
        let mut report = Report::new(parameter, progress);
        report.total = self.size_from(offset, length);
        let stream = self.new_stream()?;
        self.download(&stream, offset, length, flags)?;
        let mut writer = Writer::new(file, empty, report)?;
        let received = match flags & sys::VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM as c_uint {
            0 => stream.recv_all(&mut writer),
            _ => stream.sparse_recv_all(&mut writer),
        };
        let received = received.and_then(|()| writer.end());
        writer.report.conclude(&stream, received)
    }

    /// How many bytes a download gets; 0 when that cannot be told, for it is
    /// only shown.
    fn size_from(&self, offset: u64, length: u64) -> u64 {
        let info = self.get_info(sys::VIR_STORAGE_VOL_GET_PHYSICAL as c_uint);
        let size = info.and_then(|info| Value::Map(info).get_uint64("allocation"));
        let rest = size.unwrap_or(0).saturating_sub(offset);
        if length == 0 { rest } else { rest.min(length) }
    }

    fn new_stream(&self) -> Result<Stream> {
        // SAFETY: the volume is live, and keeps its connection.
        unsafe {
            let conn = sys::virStorageVolGetConnect(self.raw());
            let conn = call::pointer(conn, c"virStorageVolGetConnect")?;
            Stream::new(conn.as_ptr(), 0)
        }
    }
}

/// Opens a file to write to; tells whether it is a new one.
fn create(path: &Path) -> io::Result<(File, bool)> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(path).map(|file| (file, false))
        }
        Err(error) => Err(error),
    }
}

/// How far a transfer is, and why it ends early.
struct Report<'p> {
    /// The parameter that the file came in.
    parameter: &'static str,
    progress: Option<Progress<'p>>,
    meter: Meter,
    done: u64,
    total: u64,
    /// Better than what libvirt says when a handler gives up.
    failure: Option<Error>,
}

impl<'p> Report<'p> {
    fn new(parameter: &'static str, progress: Option<Progress<'p>>) -> Self {
        Report { parameter, progress, meter: Meter::default(), done: 0, total: 0, failure: None }
    }

    /// Tells how far it is; None when it shall end.
    fn tell(&mut self) -> Option<()> {
        let (done, total) = self.meter.advance(self.done, self.total);
        let answer = self.progress.as_mut().map(|progress| progress(done, total));
        if answer.is_some_and(|answer| answer.is_break()) {
            self.failure = Some(Misuse::Cancelled.into());
            return None;
        }
        Some(())
    }

    /// The result of using the file; None, and the reason is kept, if there is none.
    fn got<T>(&mut self, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| self.failure = Some(self.error(&error))).ok()
    }

    fn error(&self, error: &io::Error) -> Error {
        failure(self.parameter, format!("the file failed: {error}"))
    }

    /// Ends the transfer. Returns how many bytes went through.
    fn conclude(self, stream: &Stream, result: Result<()>) -> Result<u64> {
        if let Err(error) = result {
            // What counts is the reason; the stream ends with its object anyway.
            let _ = stream.abort();
            return Err(self.failure.unwrap_or(error));
        }
        stream.finish()?;
        if let Some(progress) = self.progress {
            // How much it is, is known by now, and ending it comes too late.
            let _ = progress(self.done, self.done);
        }
        Ok(self.done)
    }
}

/// A file that goes to a volume.
struct Reader<'p> {
    file: File,
    /// How many bytes may still be sent.
    left: u64,
    /// Whether it is a file that can be asked for holes.
    has_holes: bool,
    report: Report<'p>,
}

impl<'p> Reader<'p> {
    fn new(mut file: File, length: u64, mut report: Report<'p>) -> Result<Self> {
        let left = if length == 0 { u64::MAX } else { length };
        let metadata = file.metadata().map_err(|error| report.error(&error))?;
        if metadata.is_file() {
            let position = file.stream_position().map_err(|error| report.error(&error))?;
            report.total = metadata.len().saturating_sub(position).min(left);
        }
        Ok(Reader { file, left, has_holes: metadata.is_file(), report })
    }

    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let wanted = self.left.min(room.len() as u64) as usize;
        loop {
            match self.file.read(&mut room[..wanted]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// What is next in the file, and for how long.
    fn look(&mut self) -> io::Result<(bool, u64)> {
        if !self.has_holes {
            // Until reading finds the end.
            return Ok((true, self.left));
        }
        let begin = self.file.stream_position()?;
        let (is_data, end) = match seek(&self.file, begin, libc::SEEK_DATA)? {
            Some(data) if data > begin => (false, data),
            Some(_) => (true, seek(&self.file, begin, libc::SEEK_HOLE)?.unwrap_or(begin)),
            // No more data: the rest, if there is one, is a hole.
            None => (false, self.file.metadata()?.len().max(begin)),
        };
        self.file.seek(SeekFrom::Start(begin))?;
        Ok((is_data, (end - begin).min(self.left)))
    }

    fn count(&mut self, count: u64) {
        self.left -= count;
        self.report.done += count;
    }
}

/// Where the next data or the next hole is from a position on; None for data
/// when there are no more.
fn seek(file: &File, from: u64, what: c_int) -> io::Result<Option<u64>> {
    // SAFETY: the descriptor is open, for the file is.
    let found = unsafe { libc::lseek64(file.as_raw_fd(), from as i64, what) };
    if found >= 0 {
        return Ok(Some(found as u64));
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::ENXIO) => Ok(None),
        error => Err(error),
    }
}

impl Source for Reader<'_> {
    fn fill(&mut self, room: &mut [u8]) -> Option<usize> {
        self.report.tell()?;
        let read = self.read(room);
        let count = self.report.got(read)?;
        self.count(count as u64);
        Some(count)
    }

    fn section(&mut self) -> Option<(bool, i64)> {
        let found = self.look();
        let (is_data, length) = self.report.got(found)?;
        Some((is_data, length.min(i64::MAX as u64) as i64))
    }

    fn skip(&mut self, length: i64) -> Option<()> {
        let skipped = self.file.seek(SeekFrom::Current(length));
        self.report.got(skipped)?;
        self.count(length as u64);
        self.report.tell()
    }
}

/// A file that a volume goes to.
struct Writer<'p> {
    file: File,
    /// For a file that can have holes: its position, and how long it is.
    place: Option<(u64, u64)>,
    report: Report<'p>,
}

impl<'p> Writer<'p> {
    fn new(mut file: File, empty: bool, report: Report<'p>) -> Result<Self> {
        let mut place = || {
            // SAFETY: the descriptor is open, for the file is.
            let modes = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFL) };
            let metadata = file.metadata()?;
            // What only appends writes zeros for a hole.
            if !metadata.is_file() || modes < 0 || modes & libc::O_APPEND != 0 {
                return Ok(None);
            }
            if empty {
                file.set_len(0)?;
            }
            let size = if empty { 0 } else { metadata.len() };
            Ok(Some((file.stream_position()?, size)))
        };
        let place = place().map_err(|error: io::Error| report.error(&error))?;
        Ok(Writer { file, place, report })
    }

    /// Leaves a hole behind what was written.
    fn leave_out(&mut self, length: u64) -> io::Result<()> {
        let Some((position, size)) = &mut self.place else {
            return self.zeros(length);
        };
        // What was in the file before must not shine through.
        let old = size.saturating_sub(*position).min(length);
        if old > 0 && !punch(&self.file, *position, old)? {
            self.zeros(old)?;
            return self.leave_out(length - old);
        }
        *position = self.file.seek(SeekFrom::Current(length as i64))?;
        Ok(())
    }

    fn zeros(&mut self, length: u64) -> io::Result<()> {
        static ZEROS: [u8; 65536] = [0; 65536];
        let mut left = length;
        while left > 0 {
            let count = left.min(ZEROS.len() as u64);
            self.file.write_all(&ZEROS[..count as usize])?;
            left -= count;
        }
        self.moved(length);
        Ok(())
    }

    fn moved(&mut self, length: u64) {
        if let Some((position, _)) = &mut self.place {
            *position += length;
        }
    }

    /// Makes the file as long as it is with a hole at its end.
    fn end(&mut self) -> Result<()> {
        let Some((position, size)) = self.place else {
            return Ok(());
        };
        if position <= size {
            return Ok(());
        }
        self.file.set_len(position).map_err(|error| self.report.error(&error))
    }
}

/// Makes a hole where there were data. False if this file cannot have one.
fn punch(file: &File, position: u64, length: u64) -> io::Result<bool> {
    let mode = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
    // SAFETY: the descriptor is open, for the file is.
    let returned =
        unsafe { libc::fallocate64(file.as_raw_fd(), mode, position as i64, length as i64) };
    if returned == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.raw_os_error() == Some(libc::EOPNOTSUPP) => Ok(false),
        error => Err(error),
    }
}

impl Sink for Writer<'_> {
    fn take(&mut self, data: &[u8]) -> Option<usize> {
        self.report.tell()?;
        let written = self.file.write_all(data);
        self.report.got(written)?;
        self.moved(data.len() as u64);
        self.report.done += data.len() as u64;
        Some(data.len())
    }

    fn hole(&mut self, length: i64) -> Option<()> {
        self.report.tell()?;
        let left_out = self.leave_out(length as u64);
        self.report.got(left_out)?;
        self.report.done += length as u64;
        Some(())
    }
}

fn failure(parameter: &'static str, reason: String) -> Error {
    Misuse::File { parameter, reason }.into()
}
