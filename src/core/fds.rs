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
    let made: std::result::Result<Vec<_>, _> =
        (0..FOR_A_CONNECTION).map(|_| eventfd(0, EventfdFlags::CLOEXEC)).collect();
    made.map(drop).map_err(|error| {
        let reason = format!(
            "cannot be opened: {error}; a connection needs up to {FOR_A_CONNECTION} file \
             descriptors"
        );
        Misuse::File { parameter: "uri", reason }.into()
    })
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
