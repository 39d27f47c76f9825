// SPDX-License-Identifier: LGPL-2.1-or-later
//! Opening a connection within a deadline, whichever event loop there is.

use std::ffi::CStr;
use std::time::Instant;

use super::event_impl::adopt;
use super::pending;
use crate::core::Conn;
use crate::core::conn::Options;
use crate::core::conn::bounded::{self, Started};
use crate::core::limit::Limit;
use crate::error::Result;

/// Opens a connection, without a deadline. In a call that may be given up, the opening is
/// ended then.
pub fn open(options: Options) -> Result<Conn> {
    match bounded::can_be_given_up() {
        true => open_bounded(options, Limit::default()),
        false => Conn::open_as(&options),
    }
}

/// Opens a connection on a thread of its own, and waits for it as long as the limit says. What
/// has not been opened by then is ended, or closed when it is open after all. Call it on a thread
/// that a loop of the program's own may be called on.
pub fn open_bounded(options: Options, limit: Limit) -> Result<Conn> {
    let uri = options.uri.clone();
    let open = move || Conn::open_as(&options);
    Begun::start(uri.as_deref(), limit.deadline(), limit, open, || ())?.wait()
}

/// An opening that has begun. Dropping it gives it up. What it gives to a loop of the program's
/// own waits until the result is taken.
pub(super) struct Begun<T: Send + 'static> {
    started: Started<T>,
    /// After it: what libvirt removes when a result is dropped.
    left: Left,
}

/// What an opening leaves behind.
struct Left(u64);

impl Drop for Left {
    fn drop(&mut self) {
        pending::bury();
    }
}

impl<T: Send + 'static> Begun<T> {
    /// As [`bounded::start`].
    pub(super) fn start(
        uri: Option<&CStr>,
        place_by: Option<Instant>,
        limit: Limit,
        open: impl FnOnce() -> Result<T> + Send + 'static,
        told: impl FnOnce() + Send + 'static,
    ) -> Result<Self> {
        let started = bounded::start(uri, place_by, limit, open, move |number| {
            drop(Left(number));
            told();
        })?;
        let left = Left(started.number());
        Ok(Begun { started, left })
    }

    pub(super) fn wait(&self) -> Result<T> {
        self.started.wait().inspect(|_| adopt(self.left.0))
    }

    /// The result, once there is one.
    pub(super) fn take(&self) -> Option<Result<T>> {
        let result = self.started.take()?;
        Some(result.inspect(|_| adopt(self.left.0)))
    }
}
