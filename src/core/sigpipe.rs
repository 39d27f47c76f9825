// SPDX-License-Identifier: LGPL-2.1-or-later
//! SIGPIPE: libvirt writes to its sockets as to any file, so a write to a daemon
//! that is gone raises the signal that ends a program by default.
//!
//! The kernel raises it on the thread that writes. So that thread blocks the signal
//! while it is in libvirt, and takes away what a write of libvirt's has raised before it
//! unblocks it again. The disposition stays the program's: neither its handler is called
//! for a write of the library's, nor is a signal lost that somebody else has sent.
//!
//! Most calls need none of the system calls that this takes: those on values, and those
//! that libvirt answers without its daemon. So whoever hands out a pointer for a call that
//! may write calls [`shield`], which blocks the signal when it is first called within an
//! [`inside`]; where that ends, the mask is the program's again. So it is in callbacks,
//! which run [`outside`]. In a process that only ever opened libvirt's test driver in its
//! own memory, there is nothing to block. Connections that the program opens with libvirt
//! itself have their sockets watched by the event loop, which so knows of them.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fork::{self, Mask, State};

/// Whether there may be a connection over a socket, or a pipe that libvirt writes to.
static SOCKETS: AtomicBool = AtomicBool::new(false);

/// A connection is opened that may have a socket, or libvirt asks the event loop to watch a
/// descriptor.
pub fn expect_sockets() {
    SOCKETS.store(true, Ordering::Relaxed);
}

/// Runs a part of the library, in which SIGPIPE may be blocked.
#[inline]
pub fn inside<T>(body: impl FnOnce() -> T) -> T {
    let before = fork::change(|now| State { depth: now.depth + 1, ..now });
    let _end = Inside(before);
    body()
}

/// Runs the program's own code within a part of the library, or sleeps.
#[inline]
pub fn outside<T>(body: impl FnOnce() -> T) -> T {
    let before = fork::change(|now| State { depth: 0, mask: without_ours(now.mask) });
    lift(before.mask);
    let _end = Outside(before);
    body()
}

/// Whether a connection was opened that may have one.
#[inline]
pub fn expects_sockets() -> bool {
    SOCKETS.load(Ordering::Relaxed)
}

/// Before libvirt is called, where it may write to a socket: from here to the end of this
/// part of the library SIGPIPE is blocked.
#[inline]
pub fn shield() {
    if expects_sockets() {
        shield_always();
    }
}

/// Blocks it whatever connections there are: what is written to may also be a pipe of the
/// program's.
pub fn shield_always() {
    if fork::mask() == Mask::Untouched {
        fork::set_mask(block());
    }
}

/// Runs all that a thread of the library's does, on which all signals are blocked.
pub fn on_own_thread<T>(body: impl FnOnce() -> T) -> T {
    fork::set_mask(Mask::Own);
    inside(body)
}

/// A part of the library, from the state before it to its end, also by a panic.
struct Inside(State);

impl Drop for Inside {
    #[inline]
    fn drop(&mut self) {
        let Inside(before) = *self;
        let now = fork::change(|now| State { depth: before.depth, ..now });
        if before.mask == Mask::Untouched && now.mask != Mask::Untouched {
            // Before a handler of the program's can run.
            fork::set_mask(Mask::Untouched);
            lift(now.mask);
        }
    }
}

/// The program's code, likewise.
struct Outside(State);

impl Drop for Outside {
    #[inline]
    fn drop(&mut self) {
        let Outside(before) = *self;
        fork::change(|now| State { depth: before.depth, ..now });
        if before.mask != Mask::Untouched {
            // libvirt goes on. The program may have changed its mask.
            shield_always();
        }
    }
}

/// What is left of the mask in the program's code.
fn without_ours(mask: Mask) -> Mask {
    if mask == Mask::Own { Mask::Own } else { Mask::Untouched }
}

/// Blocks SIGPIPE on this thread; gives what that has changed.
fn block() -> Mask {
    // SAFETY: the sets are written before they are read.
    unsafe {
        let mut before = std::mem::zeroed();
        libc::pthread_sigmask(libc::SIG_BLOCK, &only_sigpipe(), &mut before);
        if libc::sigismember(&before, libc::SIGPIPE) == 0 {
            return Mask::Blocked;
        }
        let mut pending = std::mem::zeroed();
        libc::sigpending(&mut pending);
        if libc::sigismember(&pending, libc::SIGPIPE) == 0 { Mask::Kept } else { Mask::Pending }
    }
}

/// Ends what [`block`] began.
#[inline]
fn lift(mask: Mask) {
    if let Mask::Blocked | Mask::Kept = mask {
        lift_now(mask);
    }
}

fn lift_now(mask: Mask) {
    // Whether there is one is asked without a look at what libvirt returned: frees
    // return nothing, and a call that succeeds may have written for another thread.
    let taken = take();
    if mask == Mask::Blocked {
        // SAFETY: nothing is read back. Whatever else was blocked or unblocked meanwhile stays so.
        unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &only_sigpipe(), ptr::null_mut()) };
    }
    if let Some(info) = taken.filter(is_sent) {
        // SAFETY: the signal goes back where it came from, to this thread, as it was.
        unsafe {
            let (process, thread) = (libc::getpid(), libc::gettid());
            libc::syscall(libc::SYS_rt_tgsigqueueinfo, process, thread, libc::SIGPIPE, &info);
        }
    }
}

/// How many bytes the kernel's signal sets have.
const KERNEL_SET: usize = if cfg!(target_arch = "mips64") { 16 } else { 8 };

/// Takes a pending SIGPIPE away.
fn take() -> Option<libc::siginfo_t> {
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // Not glibc's function, which makes a signal that one thread sends to another look like
    // those of the kernel.
    let (call, only) = (libc::SYS_rt_sigtimedwait, only_sigpipe());
    // SAFETY: the places are this function's. The errno of whoever is called or returned to
    // next is none of ours.
    unsafe {
        let errno = *libc::__errno_location();
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let signal = libc::syscall(call, &only, &mut info, &now, KERNEL_SET);
        *libc::__errno_location() = errno;
        (signal == libc::c_long::from(libc::SIGPIPE)).then_some(info)
    }
}

/// Whether somebody has sent a signal: one that a write has raised comes from the kernel, or
/// in its words from this process.
fn is_sent(info: &libc::siginfo_t) -> bool {
    // SAFETY: a signal with this code has a sender.
    let is_of_process = || unsafe { info.si_pid() == libc::getpid() };
    match info.si_code {
        libc::SI_KERNEL => false,
        libc::SI_USER => !is_of_process(),
        _ => true,
    }
}

fn only_sigpipe() -> libc::sigset_t {
    // SAFETY: the set is written before it is read.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGPIPE);
        set
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::c_int;
    use std::fs::File;
    use std::io::Write;
    use std::os::fd::FromRawFd;
    use std::os::unix::process::ExitStatusExt;
    use std::panic::catch_unwind;
    use std::process::{Command, ExitStatus};
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// How often the program's handler was called.
    static CALLS: AtomicU32 = AtomicU32::new(0);

    extern "C" fn handler(_signal: c_int) {
        CALLS.fetch_add(1, Ordering::Relaxed);
    }

    fn calls() -> u32 {
        CALLS.swap(0, Ordering::Relaxed)
    }

    fn set_disposition(to: libc::sighandler_t) {
        // SAFETY: the handler does what may be done in one.
        unsafe { libc::signal(libc::SIGPIPE, to) };
    }

    fn handle() {
        set_disposition(handler as *const () as libc::sighandler_t);
    }

    fn mask(how: c_int) {
        // SAFETY: this thread's own mask.
        unsafe { libc::pthread_sigmask(how, &only_sigpipe(), ptr::null_mut()) };
    }

    fn is_blocked() -> bool {
        // SAFETY: the set is written before it is read.
        unsafe {
            let mut now = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, ptr::null(), &mut now);
            libc::sigismember(&now, libc::SIGPIPE) == 1
        }
    }

    fn is_pending() -> bool {
        // SAFETY: the set is written before it is read.
        unsafe {
            let mut now = std::mem::zeroed();
            libc::sigpending(&mut now);
            libc::sigismember(&now, libc::SIGPIPE) == 1
        }
    }

    /// Writes where nobody reads, which must fail.
    fn write_to_nobody() {
        let mut ends = [0; 2];
        // SAFETY: a place for two descriptors, which are then ours.
        let mut writer = unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            libc::close(ends[0]);
            File::from_raw_fd(ends[1])
        };
        assert!(writer.write_all(b"x").is_err());
    }

    /// As a call of libvirt's does.
    fn write_as_libvirt() {
        shield_always();
        write_to_nobody();
    }

    /// Another process sends the signal to this thread. To the process would be to the test
    /// harness's main thread, which does not block it.
    fn send_from_another() {
        // SAFETY: the child only makes system calls.
        unsafe {
            let thread = libc::gettid();
            let child = libc::fork();
            if child == 0 {
                let sent = libc::syscall(libc::SYS_tgkill, libc::getppid(), thread, libc::SIGPIPE);
                libc::_exit(sent as c_int);
            }
            assert_eq!(libc::waitpid(child, ptr::null_mut(), 0), child);
        }
    }

    const SURVIVED: [(&str, fn()); 12] = [
        ("in the library", || inside(write_as_libvirt)),
        ("in a part of a part", || inside(|| inside(write_as_libvirt))),
        ("after a callback", || {
            inside(|| {
                shield_always();
                outside(|| ());
                write_to_nobody();
            });
        }),
        ("in a call of a callback", || {
            inside(|| {
                shield_always();
                outside(|| inside(write_as_libvirt));
                write_to_nobody();
            });
        }),
        ("in a panic", || drop(catch_unwind(|| inside(|| panic!("{:?}", write_as_libvirt()))))),
        ("on a thread of the library's", || {
            mask(libc::SIG_BLOCK);
            on_own_thread(|| outside(|| inside(write_as_libvirt)));
        }),
        ("the handler is the program's", || {
            handle();
            inside(write_as_libvirt);
            assert_eq!(calls(), 0);
            inside(|| {
                shield_always();
                outside(write_to_nobody);
                assert_eq!(calls(), 1);
            });
            write_to_nobody();
            assert_eq!(calls(), 1);
        }),
        ("what the program blocks stays blocked", || {
            mask(libc::SIG_BLOCK);
            inside(write_as_libvirt);
            assert!(is_blocked() && !is_pending());
            inside(|| {
                shield_always();
                outside(|| assert!(is_blocked()));
            });
            assert!(is_blocked() && !is_pending());
        }),
        ("what is pending stays pending", || {
            mask(libc::SIG_BLOCK);
            write_to_nobody();
            inside(write_as_libvirt);
            assert!(is_blocked() && is_pending());
        }),
        ("a callback may change the mask", || {
            inside(|| {
                inside(|| {
                    shield_always();
                    outside(|| mask(libc::SIG_BLOCK));
                    write_to_nobody();
                });
            });
            assert!(is_blocked() && !is_pending());
            inside(|| {
                shield_always();
                outside(|| mask(libc::SIG_UNBLOCK));
                write_to_nobody();
            });
            assert!(!is_blocked() && !is_pending());
        }),
        ("nothing that was sent is lost", || {
            handle();
            // SAFETY: to this thread.
            let raise = || unsafe { assert_eq!(libc::raise(libc::SIGPIPE), 0) };
            for send in [send_from_another, raise] {
                inside(|| {
                    shield_always();
                    send();
                    assert_eq!(calls(), 0, "not yet");
                });
                assert_eq!(calls(), 1);
            }
        }),
        ("errno is left alone", || {
            // SAFETY: this thread's own errno.
            let errno = || unsafe { &mut *libc::__errno_location() };
            inside(|| {
                shield_always();
                *errno() = 0;
                outside(|| assert_eq!(*errno(), 0));
                *errno() = libc::EINVAL;
            });
            assert_eq!(*errno(), libc::EINVAL);
        }),
    ];

    const KILLED: [(&str, fn()); 5] = [
        ("without the library", write_to_nobody),
        ("after a call", || {
            inside(write_as_libvirt);
            write_to_nobody();
        }),
        ("after a panic", || {
            let _ = catch_unwind(|| inside(|| panic!("{:?}", write_as_libvirt())));
            write_to_nobody();
        }),
        ("in a callback", || {
            inside(|| {
                write_as_libvirt();
                outside(write_to_nobody);
            });
        }),
        ("sent in a call", || {
            inside(|| {
                shield_always();
                send_from_another();
            });
        }),
    ];

    /// Not a test but what the tests below run, in a process of its own.
    #[test]
    fn part() {
        let Ok(name) = std::env::var("VKVM_SIGPIPE_PART") else {
            return;
        };
        let (_, part) = SURVIVED.iter().chain(&KILLED).find(|(known, _)| *known == name).unwrap();
        // Rust's programs ignore the signal; others do not.
        set_disposition(libc::SIG_DFL);
        part();
        println!("{name}: done");
    }

    fn run(part: &str) -> (ExitStatus, String) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "core::sigpipe::tests::part", "--nocapture"])
            .env("VKVM_SIGPIPE_PART", part)
            .output()
            .unwrap();
        (output.status, String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn a_write_of_the_librarys_goes_unnoticed() {
        for (part, _) in SURVIVED {
            let (status, out) = run(part);
            assert!(status.success() && out.contains(&format!("{part}: done")), "{part}: {out}");
        }
    }

    #[test]
    fn a_write_of_the_programs_does_what_it_does_without_the_library() {
        for (part, _) in KILLED {
            assert_eq!(run(part).0.signal(), Some(libc::SIGPIPE), "{part}");
        }
    }
}
