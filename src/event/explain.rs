// SPDX-License-Identifier: LGPL-2.1-or-later
//! Failures of libvirt's that an event loop is to blame for, said in a way that helps.

use std::time::Duration;

use virt::sys;

use super::choice::{self, Choice};
use super::poll;
use crate::error::{Error, Function, Misuse};

/// A loop that has turned within this time is not what a broken connection is due to:
/// daemons wait longer for an answer to their keepalive messages.
const RECENTLY: Duration = Duration::from_secs(2);

/// Adds to the error of a connection that broke, that nobody runs the event loop: then
/// the daemon's keepalive messages have no answer, and it ends the connection.
#[cold]
pub fn explain(failure: Error) -> Error {
    if !is_broken_connection(&failure) || choice::current() != Choice::Default {
        return failure;
    }
    let Some(idle) = poll::idle().filter(|idle| *idle >= RECENTLY) else {
        return failure;
    };
    const RUN: Function = Function::EVENT_RUN_DEFAULT;
    const START: Function = Function::EVENT_START;
    const REGISTER: Function = Function::EVENT_REGISTER_DEFAULT;
    let note = format!(
        "the event loop has not run for {} seconds, so the connection has answered none of the \
         daemon's keepalive messages, and the daemon may have closed it: call {RUN} again and \
         again, or {START} instead of {REGISTER}",
        idle.as_secs()
    );
    failure.with_note(&note, &[RUN, START, REGISTER])
}

/// What the part of libvirt that speaks to daemons says when its socket is closed, at the
/// first call or at a later one.
fn is_broken_connection(failure: &Error) -> bool {
    let details = failure.details();
    let codes = [sys::VIR_ERR_SYSTEM_ERROR, sys::VIR_ERR_INTERNAL_ERROR];
    details.domain == sys::VIR_FROM_RPC as i32
        && details.parameter.is_none()
        && codes.iter().any(|code| details.code == *code as i32)
}

/// Says which call is missing where libvirt suspects that there is no event loop: a
/// connection has keepalive if there was one when it was opened.
#[cold]
pub fn explain_keep_alive(failure: Error) -> Error {
    if failure.details().code != sys::VIR_ERR_INTERNAL_ERROR as i32 {
        return failure;
    }
    match choice::current() {
        Choice::None => Misuse::NoEventLoop { what: "opening a connection with keepalive" }.into(),
        _ => Misuse::OtherEventLoop {
            what: "setting keepalive",
            reason: "the connection was opened before there was an event loop; register the loop, \
                     then open the connection",
        }
        .into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_broken_connection_is_explained() {
        let forked = Misuse::Forked { parameter: "conn", class: "conn" };
        assert!(!is_broken_connection(&forked.into()), "its own sentence says what to do");
        assert!(!is_broken_connection(&Misuse::Cancelled.into()));
    }
}
