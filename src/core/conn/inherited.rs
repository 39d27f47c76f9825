// SPDX-License-Identifier: LGPL-2.1-or-later
//! The connections that a child of fork has opened again in place of its parent's, which it
//! neither uses nor closes. Those that asked for credentials are not opened again, unless
//! these were kept.

use std::collections::BTreeMap;
use std::ffi::CStr;
use std::sync::Arc;

use virt::sys;

use super::{open, opened};
use crate::core::line::ConnRef;
use crate::core::{call, lane};
use crate::error::Result;
use crate::fork::{self, Leaf};

/// A connection of this process in place of one of its parent's.
struct Own {
    /// Shared, so that it is neither referenced nor closed under the lock: that is
    /// libvirt's code.
    conn: Arc<ConnRef>,
    /// Which process that is.
    generation: u32,
}

/// By the address of the parent's connection, which stays: the child does not free it.
static OWN: Leaf<BTreeMap<usize, Own>> = Leaf::new(BTreeMap::new());

/// Those of the parent, which was a child as well: they are not closed here.
static INHERITED: Leaf<Vec<Own>> = Leaf::new(Vec::new());

/// The connection to use in place of the parent's `inherited`, opened if need be.
///
/// # Safety
/// `inherited` is live.
pub(in crate::core) unsafe fn connection(
    inherited: sys::virConnectPtr,
) -> Result<Option<Arc<ConnRef>>> {
    let known = |own: &&Own| own.generation == fork::generation();
    if let Some(own) = OWN.lock().get(&inherited.addr()).filter(known) {
        return Ok(Some(Arc::clone(&own.conn)));
    }
    let Some(opened) = opened::how(inherited) else {
        return Ok(None);
    };
    if !opened.can_be_repeated() {
        return Ok(None);
    }
    // SAFETY: live, by the caller; this reads memory only. The text is freed below.
    let uri = unsafe {
        let text = call::pointer(sys::virConnectGetURI(inherited), c"virConnectGetURI")?;
        let uri = CStr::from_ptr(text.as_ptr()).to_owned();
        libc::free(text.as_ptr().cast());
        uri
    };
    let conn = Arc::new(open::reopen(&uri, &opened)?);
    lane::go_on_with(inherited.addr(), conn.raw_here());
    let own = Own { conn: Arc::clone(&conn), generation: fork::generation() };
    let mut all = OWN.lock();
    if let Some(first) = all.get(&inherited.addr()).filter(known) {
        // Another thread was faster; what was opened here is closed without the lock.
        let first = Arc::clone(&first.conn);
        drop(all);
        return Ok(Some(first));
    }
    let before = all.insert(inherited.addr(), own);
    drop(all);
    INHERITED.lock().extend(before);
    Ok(Some(conn))
}
