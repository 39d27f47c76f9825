// SPDX-License-Identifier: LGPL-2.1-or-later
//! An opening that another thread can end.
//!
//! virConnectOpen waits on its thread until the other side answers, however long that
//! takes, and libvirt has no call that ends it. But a socket that is shut down answers at
//! once: connect(2) fails, poll(2) finds it ready, and libvirt reads its end. So another
//! thread needs to know the sockets that the opening thread waits for:
//!
//! - those that libvirt gives to the event loop, which it does on the thread that opens and
//!   before the first message ([`watches`]);
//! - before that, and in programs without a loop, the kernel tells in which system call a
//!   thread is, and with which arguments: a connect that has no answer, the poll of a TLS
//!   handshake.
//!
//! Over ssh, libvirt then reads to its end what ssh has to say, so ssh is ended as well. It
//! is a child of the thread that started it.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::fs::{self, File};
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::fork::lock;

/// More than libvirt polls while it opens a connection.
const MOST_POLLED: usize = 16;

/// An opening, known to the thread that opens and to those that may end it.
pub(crate) struct Opening {
    number: u64,
    /// libvirt may start a program that leads to the daemon.
    has_program: bool,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    /// The thread that opens, while it does.
    thread: Option<libc::pid_t>,
    /// Whether it ever did.
    has_begun: bool,
    /// Copies of the sockets that the event loop was given: libvirt may close its own at any
    /// time, and the number would be another file's.
    sockets: Vec<OwnedFd>,
    /// How often the program was asked to end.
    asked: u32,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Opening>>> = const { RefCell::new(None) };
    static AFTERWARDS: RefCell<Option<Afterwards>> = const { RefCell::new(None) };
}

/// What is put off until libvirt has opened a connection.
type Afterwards = Vec<Box<dyn FnOnce()>>;

/// Lets libvirt open a connection on this thread, and then does what was put off.
pub(super) fn run<T>(open: impl FnOnce() -> T) -> T {
    /// The end. One may be in another's callback for credentials.
    struct Over(Option<Afterwards>);
    impl Drop for Over {
        fn drop(&mut self) {
            let put_off = AFTERWARDS.replace(self.0.take());
            put_off.into_iter().flatten().for_each(|put_off| put_off());
        }
    }
    let _over = Over(AFTERWARDS.replace(Some(Vec::new())));
    open()
}

/// Whether libvirt opens a connection on this thread.
pub(crate) fn is_under_way() -> bool {
    AFTERWARDS.with_borrow(Option::is_some)
}

/// Puts something off until it has.
pub(crate) fn afterwards(put_off: impl FnOnce() + 'static) {
    AFTERWARDS.with_borrow_mut(|all| {
        if let Some(all) = all {
            all.push(Box::new(put_off));
        }
    });
}

/// libvirt gives this descriptor to the event loop.
pub(crate) fn watches(fd: c_int) {
    CURRENT.with_borrow(|opening| {
        if let Some(opening) = opening {
            opening.lock().sockets.extend(copy(fd));
        }
    });
}

/// The number of the opening that this thread is in.
pub(crate) fn current() -> Option<u64> {
    CURRENT.with_borrow(|opening| opening.as_ref().map(|opening| opening.number))
}

impl Opening {
    /// An opening of this URI, which has not begun.
    pub(crate) fn new(uri: Option<&CStr>) -> Arc<Self> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        Arc::new(Opening { number, has_program: may_have_program(uri), here: Mutex::default() })
    }

    /// Tells it from all others.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Runs what opens, on this thread.
    pub(crate) fn run<T>(self: &Arc<Self>, open: impl FnOnce() -> T) -> T {
        {
            let mut here = self.lock();
            // SAFETY: asks for a number.
            here.thread = Some(unsafe { libc::gettid() });
            here.has_begun = true;
        }
        CURRENT.set(Some(Arc::clone(self)));
        let _over = Over(self);
        open()
    }

    /// Makes libvirt give up, as far as that can be done from here. What it does next may
    /// wait again, for another address of the host or to look up the name, so this is called
    /// until it answers that the opening is over.
    pub(crate) fn end(&self) -> bool {
        // Held, so that the thread does not end meanwhile, and the number is its.
        let mut here = self.lock();
        let Some(thread) = here.thread else {
            return here.has_begun;
        };
        here.sockets.iter().for_each(shut_down);
        awaited(thread).iter().for_each(shut_down);
        if self.has_program {
            let signal = if here.asked == 0 { libc::SIGTERM } else { libc::SIGKILL };
            here.asked += 1;
            end_children(thread, signal);
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, Here> {
        lock(&self.here)
    }
}

/// The end of [`Opening::run`], also by a panic.
struct Over<'a>(&'a Opening);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        CURRENT.set(None);
        *self.0.lock() = Here { has_begun: true, ..Here::default() };
    }
}

/// Whether libvirt may start a program: it does for ssh and for a command in the URI. What
/// has no scheme is an alias of any URI. Other children are daemons that it starts for
/// sessions, and theirs.
fn may_have_program(uri: Option<&CStr>) -> bool {
    let uri = uri.map(|uri| uri.to_bytes().to_ascii_lowercase()).unwrap_or_default();
    let scheme = uri.split(|byte| *byte == b':').next().unwrap_or_default();
    scheme.len() == uri.len() || scheme.ends_with(b"+ssh") || scheme.ends_with(b"+ext")
}

/// Another descriptor of the same file.
fn copy(fd: c_int) -> Option<OwnedFd> {
    // SAFETY: a new descriptor, which is ours.
    unsafe {
        let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0);
        (copy >= 0).then(|| OwnedFd::from_raw_fd(copy))
    }
}

/// What is no socket stays as it is.
fn shut_down(socket: &OwnedFd) {
    if let Ok(socket) = socket.try_clone() {
        // The type does not matter to shutdown(2). It fails for what is not connected.
        let _ = UnixStream::from(socket).shutdown(Shutdown::Both);
    }
}

/// The files that a thread of this process waits for just now. They are copied, and then
/// looked for once more: a number that is the same before and after was the same file, for a
/// thread that waits does not close it.
fn awaited(thread: libc::pid_t) -> Vec<OwnedFd> {
    let before = waits_for(thread);
    let copies = before.iter().filter_map(|fd| copy(*fd)).collect();
    if !before.is_empty() && waits_for(thread) == before { copies } else { Vec::new() }
}

/// The numbers of these files. None where the kernel does not tell.
fn waits_for(thread: libc::pid_t) -> Vec<c_int> {
    let call = fs::read_to_string(format!("/proc/self/task/{thread}/syscall"));
    let Some((number, first, second)) = call.ok().as_deref().and_then(parse_call) else {
        return Vec::new();
    };
    match number {
        libc::SYS_connect => vec![first as c_int],
        #[cfg(not(any(
            target_arch = "aarch64",
            target_arch = "riscv64",
            target_arch = "loongarch64"
        )))]
        libc::SYS_poll => polled(first, second as usize),
        libc::SYS_ppoll => polled(first, second as usize),
        _ => Vec::new(),
    }
}

/// The number of a system call and its first two arguments; none of a thread that runs.
fn parse_call(line: &str) -> Option<(libc::c_long, u64, u64)> {
    let mut words = line.split_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut argument = || u64::from_str_radix(words.next()?.strip_prefix("0x")?, 16).ok();
    Some((number, argument()?, argument()?))
}

/// The descriptors in an array of poll(2). It is read as a file, for it may be gone.
fn polled(array: u64, count: usize) -> Vec<c_int> {
    const ITEM: usize = size_of::<libc::pollfd>();
    let mut items = vec![0; count.min(MOST_POLLED) * ITEM];
    let read = File::open("/proc/self/mem").and_then(|mem| mem.read_exact_at(&mut items, array));
    if read.is_err() {
        return Vec::new();
    }
    let number = |item: &[u8]| item.first_chunk().map(|bytes| c_int::from_ne_bytes(*bytes));
    items.chunks_exact(ITEM).filter_map(number).filter(|fd| *fd >= 0).collect()
}

/// Sends a signal to the programs that a thread of this process has started.
fn end_children(thread: libc::pid_t, signal: c_int) {
    let list = || fs::read_to_string(format!("/proc/self/task/{thread}/children"));
    let children = || -> Vec<libc::pid_t> {
        let list = list().unwrap_or_default();
        list.split_whitespace().filter_map(|number| number.parse().ok()).collect()
    };
    for child in children() {
        let sent = descriptor_of(child).and_then(|process| {
            // A number may become another process's once libvirt has waited for the child;
            // what is in the list after the descriptor was made was in it before, too.
            if children().contains(&child) { send(&process, signal) } else { Ok(()) }
        });
        // Other errors are of one that has ended.
        if sent.is_err_and(|error| error.raw_os_error() == Some(libc::ENOSYS)) {
            // Before Linux 5.3, or under a valgrind that has the first of the two calls only.
            // The thread waits, and not for the child, so its number is still its own.
            // SAFETY: a child of this process.
            unsafe { libc::kill(child, signal) };
        }
    }
}

/// Sends a signal to the process of a descriptor.
fn send(process: &OwnedFd, signal: c_int) -> io::Result<()> {
    let (call, info) = (libc::SYS_pidfd_send_signal, std::ptr::null::<libc::siginfo_t>());
    // SAFETY: a live descriptor of a process, and no details of the signal.
    match unsafe { libc::syscall(call, process.as_raw_fd(), signal, info, 0_u32) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A descriptor of a process.
fn descriptor_of(process: libc::pid_t) -> io::Result<OwnedFd> {
    // SAFETY: asks for a descriptor, which then is ours.
    unsafe {
        match libc::syscall(libc::SYS_pidfd_open, process, 0_u32) {
            fd if fd >= 0 => Ok(OwnedFd::from_raw_fd(fd as c_int)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    /// Runs what waits as an opening does, and ends it when it waits.
    fn ends<T: Send + 'static>(uri: &CStr, wait: impl FnOnce() -> T + Send + 'static) -> T {
        let (begun, begins) = channel();
        let opening = Opening::new(Some(uri));
        let of = Arc::clone(&opening);
        let waiter = thread::spawn(move || {
            of.run(|| {
                begun.send(()).unwrap();
                wait()
            })
        });
        begins.recv().unwrap();
        let begin = Instant::now();
        while !opening.end() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not end");
            thread::sleep(Duration::from_millis(5));
        }
        waiter.join().unwrap()
    }

    #[test]
    fn what_is_put_off_is_done_when_its_own_opening_is_over() {
        let (done, is_done) = channel();
        let put_off = |name| {
            let done = done.clone();
            afterwards(move || done.send(name).unwrap());
        };
        assert!(!is_under_way());
        run(|| {
            put_off("outer");
            run(|| put_off("inner"));
            assert_eq!(is_done.try_iter().collect::<Vec<_>>(), ["inner"]);
            assert!(is_under_way());
        });
        assert_eq!(is_done.try_iter().collect::<Vec<_>>(), ["outer"]);
        assert!(!is_under_way());
    }

    #[test]
    fn a_connect_without_an_answer_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // SAFETY: a listener; who connects once its queue is full gets no answer.
        unsafe { libc::listen(listener.as_raw_fd(), 0) };
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_millis(200);
        let full: Vec<_> =
            std::iter::from_fn(|| TcpStream::connect_timeout(&address, patience).ok()).collect();
        assert!(!full.is_empty());
        let error = ends(c"test+tcp://host/", move || TcpStream::connect(address)).unwrap_err();
        assert_ne!(error.kind(), ErrorKind::TimedOut, "it was ended");
    }

    #[test]
    fn a_poll_ends() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let found = ends(c"test+tls://host/", move || {
            let mut item = libc::pollfd { fd: ours.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: an array of one.
            unsafe { libc::poll(&mut item, 1, -1) }
        });
        assert_eq!(found, 1);
        drop(theirs);
    }

    #[test]
    fn a_watched_socket_ends() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let read = ends(c"test+unix:///", move || {
            watches(ours.as_raw_fd());
            assert!(current().is_some());
            // In a read, of which the kernel's list of calls is not asked.
            ours.read(&mut [0])
        });
        assert_eq!(read.unwrap(), 0);
        assert_eq!(current(), None);
        drop(theirs);
    }

    #[test]
    fn a_program_is_ended_where_the_uri_may_have_one() {
        let run = || Command::new("sleep").arg("600").status().unwrap();
        assert!(!ends(c"test+ssh://host/", run).success());
        assert!(!ends(c"an-alias", run).success());
        for (uri, has) in [
            (c"QEMU+SSH://host/system", true),
            (c"qemu+ext:///system?command=/x", true),
            (c"qemu:///session", false),
            (c"qemu+tcp://host+ssh/", false),
        ] {
            assert_eq!(may_have_program(Some(uri)), has, "{uri:?}");
        }
    }
}
