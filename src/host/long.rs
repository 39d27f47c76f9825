// SPDX-License-Identifier: LGPL-2.1-or-later
//! Commands that take their time: what tells how far they are.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::frame::call::Call;
use crate::calls;
use crate::core::sigpipe;
use crate::core::thread::with_signals_blocked;

/// How long after the begin, and from then on how often, the caller hears of it.
const PERIOD: Duration = Duration::from_millis(100);

/// How far something is: what is done, of how much in all (0 if that is not
/// known), in which unit.
pub type State = (u64, u64, &'static str);

/// What became of the work, and whether the caller has cancelled it.
pub struct Watched<T> {
    pub result: T,
    pub cancelled: bool,
}

/// Does the work while the caller hears how far it is. With nobody who listens, the
/// work is all there is to do. Otherwise it goes on in another thread, for this one
/// has to ask `state`, tell the caller, and `cancel` the work if the caller wants.
pub fn watch<T: Send>(
    call: &mut Call<'_>,
    work: impl FnOnce() -> T + Send,
    mut state: impl FnMut() -> Option<State>,
    mut cancel: impl FnMut(),
) -> Watched<T> {
    if !call.is_watched() {
        return Watched { result: work(), cancelled: false };
    }
    thread::scope(|scope| {
        let (ended, wait) = mpsc::channel();
        let work = move || {
            let result = sigpipe::on_own_thread(work);
            // Whoever waited for it may be gone only if that one has panicked.
            let _ = ended.send(());
            result
        };
        let worker = with_signals_blocked(|| scope.spawn(work));
        let mut cancelled = false;
        while let Err(mpsc::RecvTimeoutError::Timeout) = wait.recv_timeout(PERIOD) {
            if let Some((done, total, unit)) = state() {
                cancelled = cancelled || !call.progress(done, total, unit);
            }
            // Also where there is nothing to tell: perhaps the work has not even begun.
            cancelled = cancelled || !calls::is_wanted();
            if cancelled {
                // Again each time: what was cancelled too early is so later.
                cancel();
            }
        }
        match worker.join() {
            Ok(result) => Watched { result, cancelled },
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}
