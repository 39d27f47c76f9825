//! How connections were opened. A child of fork opens those again that were opened after
//! [`reopen_in_children`], for of these it is known.

use std::collections::BTreeMap;
use std::ffi::c_uint;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};

use virt::sys;

use super::Opened;
use crate::fork::Leaf;

static ENABLED: AtomicBool = AtomicBool::new(false);

/// From now on children open the connections again that are opened from now on, or they
/// do so no more.
pub fn reopen_in_children(reopen: bool) {
    ENABLED.store(reopen, Ordering::Relaxed);
}

/// How connections were opened, by their addresses. Of one that is closed the entry
/// stays until another one gets its address.
static OPENED: Leaf<BTreeMap<usize, Opened>> = Leaf::new(BTreeMap::new());

/// Whether there ever was an entry; while there was none, opening need not look.
static USED: AtomicBool = AtomicBool::new(false);

/// A connection was opened: an earlier one that had its address is gone.
pub(super) fn remember(conn: NonNull<sys::virConnect>, flags: c_uint, asks: bool) {
    let address = conn.addr().get();
    if ENABLED.load(Ordering::Relaxed) {
        USED.store(true, Ordering::Release);
        let opened = Opened { flags, asked_for_credentials: asks };
        OPENED.lock().insert(address, opened);
    } else if USED.load(Ordering::Acquire) {
        OPENED.lock().remove(&address);
    }
}

/// How a connection was opened, if that is known.
pub(super) fn how(conn: sys::virConnectPtr) -> Option<Opened> {
    OPENED.lock().get(&conn.addr()).copied()
}
