//! libvirt's own loop, which the program runs, or the library's thread.

use virt::sys;

use super::choice::{self, Choice};
use super::stream;
use crate::core::{call, sigpipe};
use crate::error::Result;

/// Tells libvirt to use its own loop.
pub(super) fn install() -> Result<()> {
    // SAFETY: may be called at any time; libvirt ignores a repetition.
    call::done(unsafe { sys::virEventRegisterDefaultImpl() }, c"virEventRegisterDefaultImpl")
}

/// Makes libvirt's own loop the process's event loop.
pub fn register_default() -> Result<()> {
    choice::choose(Choice::Default, "registering the default event loop", install)
}

/// Waits until something happens, and calls who wants to know.
pub fn run_default() -> Result<()> {
    const WHAT: &str = "running the default event loop";
    choice::ready("running it")?;
    match choice::current() {
        Choice::Own => choice::refuse(WHAT, "the loop is the program's own"),
        Choice::Thread => choice::refuse(WHAT, "a thread of the library runs it"),
        _ => {
            sigpipe::arm();
            turn()
        }
    }
}

/// One turn of the loop.
pub(super) fn turn() -> Result<()> {
    // SAFETY: no arguments.
    let returned = unsafe { sys::virEventRunDefaultImpl() };
    stream::look_after();
    call::done(returned, c"virEventRunDefaultImpl")
}
