// SPDX-License-Identifier: LGPL-2.1-or-later
//! How connections were opened. A child of fork opens those again that were opened after
//! [`reopen_in_children`], for of these it is known.

use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use virt::sys;

use super::{Credentials, Opened};
use crate::fork::Leaf;

static ENABLED: AtomicBool = AtomicBool::new(false);

/// From now on children open the connections again that are opened from now on, or they
/// do so no more.
pub fn reopen_in_children(reopen: bool) {
    ENABLED.store(reopen, Ordering::Relaxed);
}

/// How a connection was opened. An entry may stay for long, so it keeps no credentials: those
/// are there as long as the connection's handle.
struct Known {
    opened: Opened,
    kept: Option<Weak<Credentials>>,
}

/// How connections were opened, by their addresses. Of one that is closed the entry
/// stays until another one gets its address.
static OPENED: Leaf<BTreeMap<usize, Known>> = Leaf::new(BTreeMap::new());

/// Whether there ever was an entry; while there was none, opening need not look.
static USED: AtomicBool = AtomicBool::new(false);

/// A connection was opened: an earlier one that had its address is gone.
pub(super) fn remember(conn: NonNull<sys::virConnect>, opened: &Opened) {
    let address = conn.addr().get();
    if opened.reopens_in_children.unwrap_or_else(|| ENABLED.load(Ordering::Relaxed)) {
        USED.store(true, Ordering::Release);
        let kept = opened.kept.as_ref().map(Arc::downgrade);
        let opened = Opened { kept: None, ..opened.clone() };
        OPENED.lock().insert(address, Known { opened, kept });
    } else if USED.load(Ordering::Acquire) {
        OPENED.lock().remove(&address);
    }
}

/// How a connection was opened, if that is known.
pub(super) fn how(conn: sys::virConnectPtr) -> Option<Opened> {
    let opened = OPENED.lock();
    let known = opened.get(&conn.addr())?;
    let kept = known.kept.as_ref().and_then(Weak::upgrade);
    Some(Opened { kept, ..known.opened.clone() })
}
