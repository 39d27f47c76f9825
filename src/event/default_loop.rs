// SPDX-License-Identifier: LGPL-2.1-or-later
//! The library's loop, run by the program.

use super::choice::{self, Choice};
use super::{poll, stream};
use crate::error::Result;

/// Makes the library's loop the process's event loop, to be run by the program.
pub fn register_default() -> Result<()> {
    const WHAT: &str = "registering the default event loop";
    choice::choose(Choice::Default, WHAT, || poll::install(WHAT))
}

/// Waits until something happens, and calls who wants to know.
pub fn run_default() -> Result<()> {
    const WHAT: &str = "running the default event loop";
    choice::ready("running it")?;
    match choice::current() {
        Choice::Own => choice::refuse(WHAT, "the loop is the program's own"),
        Choice::Thread => choice::refuse(WHAT, "a thread of the library runs it"),
        _ => turn(&|| true),
    }
}

/// One turn of the loop, with callbacks as long as it `goes_on`.
pub(super) fn turn(goes_on: &dyn Fn() -> bool) -> Result<()> {
    let turned = poll::turn(goes_on);
    if goes_on() {
        stream::look_after();
    }
    turned
}
