// SPDX-License-Identifier: LGPL-2.1-or-later
//! What all calls on one connection share, whichever thread makes them: how long they may
//! take, and how many are made at once.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use virt::sys;

use super::call;
use crate::error::Result;
use crate::fork::Leaf;

/// How many calls are made at once on a connection, unless the program says otherwise. A
/// daemon works on five of a client's at once, so that more are not faster.
const MAX_CALLS: u32 = 4;

/// The most that can be asked for.
pub const MOST_CALLS: u32 = 64;

/// The calls of a connection, and of those that take its place.
pub struct Lane {
    number: u64,
    uri: String,
    /// In ms; 0 for no limit.
    timeout: AtomicU32,
    max_calls: AtomicU32,
    /// Whether a call was ever given up.
    has_given_up: AtomicBool,
    /// How many streams are received from beside other calls.
    receiving: AtomicUsize,
}

/// The streams that are received from beside other calls: the numbers of their lanes, and their
/// handles.
static RECEIVING: Leaf<Vec<(u64, usize)>> =
    // Nobody receives in a child of fork.
    Leaf::of_process(Vec::new(), |receiving| receiving.clear());

/// By the addresses of connections. Of one that is closed the entry stays until another
/// one gets its address: objects that are made from it may live longer than its handle.
static LANES: Leaf<BTreeMap<usize, Arc<Lane>>> = Leaf::new(BTreeMap::new());

/// Whether there ever was a lane; while there was none, opening need not look.
static USED: AtomicBool = AtomicBool::new(false);

/// Whether any lane ever had a limit of time.
static LIMITED: AtomicBool = AtomicBool::new(false);

/// Whether there may be a connection whose calls have a limit of time.
pub fn is_any_limited() -> bool {
    LIMITED.load(Ordering::Relaxed)
}

impl Lane {
    /// Tells it from all others.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where the connection goes.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// How long a call may take.
    pub fn timeout(&self) -> Option<Duration> {
        let ms = self.timeout.load(Ordering::Relaxed);
        (ms != 0).then(|| Duration::from_millis(ms.into()))
    }

    /// The same in ms, 0 for no limit.
    pub fn timeout_ms(&self) -> u32 {
        self.timeout.load(Ordering::Relaxed)
    }

    /// Sets how long a call may take.
    pub fn set_timeout_ms(&self, ms: u32) {
        if ms != 0 {
            LIMITED.store(true, Ordering::Relaxed);
        }
        self.timeout.store(ms, Ordering::Relaxed);
    }

    /// A call is given up, whether it runs or waits for its turn: libvirt may never answer.
    pub fn give_up(&self) {
        self.has_given_up.store(true, Ordering::Relaxed);
    }

    /// From now on a call receives from the stream with this handle.
    pub fn begin_to_receive(&self, stream: usize) {
        RECEIVING.lock().push((self.number, stream));
        self.receiving.fetch_add(1, Ordering::Relaxed);
    }

    /// It no longer does.
    pub fn end_receiving(&self, stream: usize) {
        let mut receiving = RECEIVING.lock();
        if let Some(at) = receiving.iter().position(|one| *one == (self.number, stream)) {
            receiving.swap_remove(at);
            self.receiving.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A stream that is received from, if there is one.
    pub fn receiver(&self) -> Option<usize> {
        if self.receiving.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let receiving = RECEIVING.lock();
        receiving.iter().find(|(lane, _)| *lane == self.number).map(|(_, stream)| *stream)
    }

    /// Whether nobody may wait for long for this connection.
    fn is_bounded(&self) -> bool {
        self.timeout().is_some() || self.has_given_up.load(Ordering::Relaxed)
    }

    /// How many calls are made at once.
    pub fn max_calls(&self) -> usize {
        self.max_calls.load(Ordering::Relaxed) as usize
    }

    /// Sets how many calls are made at once.
    pub fn set_max_calls(&self, count: u32) {
        self.max_calls.store(count, Ordering::Relaxed);
    }
}

/// The lane of a connection.
///
/// # Safety
/// `conn` is NULL or live.
pub(super) unsafe fn of(conn: sys::virConnectPtr) -> Result<Option<Arc<Lane>>> {
    if conn.is_null() {
        return Ok(None);
    }
    if let Some(lane) = LANES.lock().get(&conn.addr()) {
        return Ok(Some(Arc::clone(lane)));
    }
    static LAST: AtomicU64 = AtomicU64::new(0);
    USED.store(true, Ordering::Release);
    // SAFETY: live, by the caller; this reads memory only. The text is new and ours.
    let uri = unsafe { call::text(sys::virConnectGetURI(conn), c"virConnectGetURI")? };
    let new = Arc::new(Lane {
        number: LAST.fetch_add(1, Ordering::Relaxed),
        uri: CStr::to_string_lossy(&uri).into_owned(),
        timeout: AtomicU32::new(0),
        max_calls: AtomicU32::new(MAX_CALLS),
        has_given_up: AtomicBool::new(false),
        receiving: AtomicUsize::new(0),
    });
    // Another thread may have been faster.
    Ok(Some(Arc::clone(LANES.lock().entry(conn.addr()).or_insert(new))))
}

/// The lane of a connection, if there ever was a call through it.
pub(super) fn known(conn: sys::virConnectPtr) -> Option<Arc<Lane>> {
    let lanes = USED.load(Ordering::Acquire).then(|| LANES.lock())?;
    lanes.get(&conn.addr()).map(Arc::clone)
}

/// Whether nobody may wait for long for the connection with this address.
pub(crate) fn is_bounded(conn: usize) -> bool {
    let lane = USED.load(Ordering::Acquire).then(|| LANES.lock().get(&conn).map(Arc::clone));
    lane.flatten().is_some_and(|lane| lane.is_bounded())
}

/// A new connection has this address: an earlier one that had it is gone.
pub(in crate::core) fn forget_address(conn: sys::virConnectPtr) {
    if USED.load(Ordering::Acquire) {
        let before = LANES.lock().remove(&conn.addr());
        drop(before);
    }
}

/// A connection takes the place of another one.
pub(in crate::core) fn go_on_with(before: usize, new: sys::virConnectPtr) {
    if !USED.load(Ordering::Acquire) {
        return;
    }
    let mut lanes = LANES.lock();
    if let Some(lane) = lanes.get(&before).map(Arc::clone) {
        lanes.insert(new.addr(), lane);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_one_receiver_leaves_the_others() {
        let (number, uri) = (u64::MAX, String::new());
        let (timeout, max_calls, has_given_up) = (0.into(), 1.into(), false.into());
        let lane = Lane { number, uri, timeout, max_calls, has_given_up, receiving: 0.into() };
        assert_eq!(lane.receiver(), None);
        lane.begin_to_receive(1);
        lane.begin_to_receive(2);
        lane.end_receiving(2);
        assert_eq!(lane.receiver(), Some(1));
        lane.end_receiving(1);
        assert_eq!(lane.receiver(), None);
    }
}
