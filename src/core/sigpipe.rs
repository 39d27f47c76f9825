//! SIGPIPE: libvirt writes to its sockets as to any file, so a write to a daemon
//! that is gone raises the signal that ends a program by default.
//!
//! A handler is installed in place of the default, and only there: what a program
//! has chosen for itself is left alone. While this thread is in the library, the
//! handler does nothing, and the call fails with the reason; at any other time, and
//! in callbacks, it does what the default does, so that a program whose output
//! nobody reads any more ends as ever. That takes no system call for a call, and
//! a program that is executed begins with the default, as ever.
//!
//! A program that sets the default anew has taken the handler away. Nothing tells so,
//! and to ask costs a system call, as much as many a call of the library: it is asked
//! where a connection opens and where a loop turns, which cost more anyway.

use std::ffi::c_int;

use crate::fork;

/// Sets the depth back when it is dropped, also by a panic.
struct Restore(u32);

impl Restore {
    #[inline]
    fn from(change: impl FnOnce(u32) -> u32) -> Self {
        Restore(fork::change_depth(change))
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        fork::change_depth(|_| self.0);
    }
}

/// Runs a part of the library, in which SIGPIPE ends nothing.
#[inline]
pub fn inside<T>(body: impl FnOnce() -> T) -> T {
    let _restore = Restore::from(|depth| depth + 1);
    body()
}

/// Runs the program's own code within a part of the library, or sleeps.
#[inline]
pub fn outside<T>(body: impl FnOnce() -> T) -> T {
    let _restore = Restore::from(|_| 0);
    body()
}

/// Installs the handler, if SIGPIPE has its default effect.
pub fn arm() {
    // SAFETY: sigaction with zeroed structures, of which all fields are set; the
    // handler only does what may be done in one.
    unsafe {
        let mut current: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(libc::SIGPIPE, std::ptr::null(), &mut current) != 0
            || current.sa_sigaction != libc::SIG_DFL
        {
            return;
        }
        let mut ours: libc::sigaction = std::mem::zeroed();
        ours.sa_sigaction = on_sigpipe as *const () as libc::sighandler_t;
        ours.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        libc::sigemptyset(&mut ours.sa_mask);
        if libc::sigaction(libc::SIGPIPE, &ours, &mut current) == 0
            && current.sa_sigaction != libc::SIG_DFL
        {
            // Another thread of the program chose between the two calls.
            libc::sigaction(libc::SIGPIPE, &current, std::ptr::null_mut());
        }
    }
}

extern "C" fn on_sigpipe(signal: c_int) {
    if fork::depth() == 0 {
        // SAFETY: both may be called in a handler. The signal is blocked until
        // this returns, and then has its default effect.
        unsafe {
            libc::signal(signal, libc::SIG_DFL);
            libc::raise(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::FromRawFd;
    use std::os::unix::process::ExitStatusExt;
    use std::panic::catch_unwind;
    use std::process::{Command, ExitStatus};

    use super::*;

    /// Runs one of the parts below in a process of its own.
    fn run(part: &str) -> ExitStatus {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "core::sigpipe::tests::part", "--nocapture"])
            .env("VKVM_SIGPIPE_PART", part)
            .output()
            .unwrap()
            .status
    }

    fn write_to_nobody() -> bool {
        let mut ends = [0; 2];
        // SAFETY: a place for two descriptors, which are then ours.
        let mut writer = unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            libc::close(ends[0]);
            File::from_raw_fd(ends[1])
        };
        writer.write_all(b"x").is_err()
    }

    /// Not a test but what the tests below run.
    #[test]
    fn part() {
        let Ok(part) = std::env::var("VKVM_SIGPIPE_PART") else {
            return;
        };
        // SAFETY: Rust's programs ignore the signal; others do not.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        if part == "ignored" {
            // SAFETY: as above.
            unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
        }
        arm();
        let failed = match part.as_str() {
            "inside" => inside(|| inside(write_to_nobody) && write_to_nobody()),
            "after a panic" => {
                let _ = catch_unwind(|| inside(|| panic!("this is wanted")));
                write_to_nobody()
            }
            "in a callback" => inside(|| outside(write_to_nobody)),
            "back in the library" => inside(|| {
                outside(|| ());
                write_to_nobody()
            }),
            _ => write_to_nobody(),
        };
        assert!(failed);
    }

    #[test]
    fn a_broken_pipe_ends_the_program_unless_it_is_the_librarys() {
        for part in ["inside", "back in the library", "ignored"] {
            assert!(run(part).success(), "{part}");
        }
        for part in ["outside", "in a callback", "after a panic"] {
            assert_eq!(run(part).signal(), Some(libc::SIGPIPE), "{part}");
        }
    }
}
