// SPDX-License-Identifier: LGPL-2.1-or-later
//! File descriptors: those that a caller lends for the time of a call, and those that
//! libvirt needs.

use std::ffi::{c_int, c_uint};

use rustix::event::{EventfdFlags, eventfd};

use crate::error::{Misuse, Result};

/// More than libvirt opens for a connection: a socket, or pipes to a command, what wakes
/// its thread, and files that it reads meanwhile.
const FOR_A_CONNECTION: usize = 10;

/// Makes sure that a connection can be opened. GLib, which libvirt's are made with, ends
/// the process when there is no descriptor left for it.
pub fn for_a_connection() -> Result<()> {
    // Nearly always one is enough: it shows the limit of the whole system, too.
    let wanted = if are_highest_free() { 1 } else { FOR_A_CONNECTION };
    let made: std::result::Result<Vec<_>, _> =
        (0..wanted).map(|_| eventfd(0, EventfdFlags::CLOEXEC)).collect();
    made.map(drop).map_err(|error| {
        let reason = format!(
            "cannot be opened: {error}; a connection needs up to {FOR_A_CONNECTION} file \
             descriptors"
        );
        Misuse::File { parameter: "uri", reason }.into()
    })
}

/// Whether none of the last descriptors below the process's limit is open, so that as many
/// can be made. To make and close them takes 3 % of opening a connection over a UNIX socket.
fn are_highest_free() -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: a place for the limit.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } == 0;
    let (true, Ok(end)) = (known, c_int::try_from(limit.rlim_cur)) else {
        return false;
    };
    let mut highest: [_; FOR_A_CONNECTION] =
        std::array::from_fn(|i| libc::pollfd { fd: end - 1 - i as c_int, events: 0, revents: 0 });
    // SAFETY: an array of so many. A negative descriptor is none, and has no POLLNVAL.
    unsafe { libc::poll(highest.as_mut_ptr(), highest.len() as libc::nfds_t, 0) };
    highest.iter().all(|place| place.revents == libc::POLLNVAL)
}

/// Refuses what is no open file descriptor. libvirt would close over it, or send
/// along whatever file is opened under that number in the meantime.
pub fn check(fds: &[c_int], parameter: &'static str) -> Result<()> {
    // SAFETY: F_GETFD reads a flag of the descriptor, if it is one, and changes nothing.
    let is_open = |fd: c_int| fd >= 0 && unsafe { libc::fcntl(fd, libc::F_GETFD) } >= 0;
    match fds.iter().find(|fd| !is_open(**fd)) {
        None => Ok(()),
        Some(fd) => {
            let reason = format!("{fd} is no open file descriptor; one that is open is needed");
            Err(Misuse::Invalid { parameter, reason }.into())
        }
    }
}

/// The descriptors for libvirt, which takes them from memory that it may change,
/// and their number.
pub fn lend(fds: &[c_int], parameter: &'static str) -> Result<(Vec<c_int>, c_uint)> {
    check(fds, parameter)?;
    let count = c_uint::try_from(fds.len()).map_err(|_| Misuse::TooLarge {
        parameter,
        what: "the number of file descriptors",
        actual: fds.len() as u64,
        limit: u64::from(c_uint::MAX),
    })?;
    Ok((fds.to_vec(), count))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd;

    use super::*;

    #[test]
    fn only_open_descriptors_are_lent() {
        let file = File::open("/dev/null").unwrap();
        let open = file.as_raw_fd();
        assert_eq!(lend(&[open, open], "fds").unwrap(), (vec![open, open], 2));
        assert_eq!(lend(&[], "fds").unwrap(), (vec![], 0));
        for wrong in [-1, c_int::MIN, c_int::MAX] {
            let error = lend(&[open, wrong], "fds").unwrap_err().to_string();
            assert!(error.starts_with("fds: ") && error.contains(&wrong.to_string()), "{error}");
        }
    }
}
