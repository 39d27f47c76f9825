// SPDX-License-Identifier: LGPL-2.1-or-later
//! What libvirt wants of a loop of the program's own while a thread of the library's is in it.
//!
//! Such a loop may be for one thread only: Perl's is. So what libvirt changes or removes on
//! other threads is kept here until a thread of the program's is in the library anyway: a call
//! of the library's threads is over then, or the loop has called libvirt. What libvirt adds is
//! kept in `pending.rs`.

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::fork::Leaf;

/// What is watched: a descriptor or a timer, by the loop's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Watch(c_int),
    Timer(c_int),
}

/// What becomes of it.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// The events, or the frequency.
    To(c_int),
    Removed,
}

/// The last change of each is the one that counts.
static LATER: Leaf<BTreeMap<Of, Change>> = Leaf::of_process(BTreeMap::new(), BTreeMap::clear);

/// Whether there is something to do.
static ANY: AtomicBool = AtomicBool::new(false);

fn put(of: Of, change: Change) {
    LATER.lock().insert(of, change);
    ANY.store(true, Ordering::Release);
}

/// libvirt changes what is watched for.
pub(super) fn update(of: Of, to: c_int) {
    put(of, Change::To(to));
}

/// libvirt removes it.
pub(super) fn remove(of: Of) {
    put(of, Change::Removed);
}

/// What this thread has left in `pending.rs` is to be given to the loop.
pub(super) fn added() {
    ANY.store(true, Ordering::Release);
}

/// Whether the loop must not call libvirt for it any more.
pub(super) fn is_removed(of: Of) -> bool {
    has_any() && LATER.lock().get(&of) == Some(&Change::Removed)
}

/// Whether there is something for `catch_up`.
#[inline]
pub fn has_any() -> bool {
    ANY.load(Ordering::Relaxed)
}

/// Takes all of it.
pub(super) fn take() -> BTreeMap<Of, Change> {
    ANY.store(false, Ordering::Release);
    std::mem::take(&mut *LATER.lock())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_change_of_each_counts_until_all_are_taken() {
        let (changed, gone) = (Of::Timer(7), Of::Watch(7));
        assert!(!has_any() && !is_removed(gone));
        update(changed, 5);
        update(changed, 6);
        update(gone, 1);
        assert!(has_any() && !is_removed(gone));
        remove(gone);
        assert!(is_removed(gone) && !is_removed(changed) && !is_removed(Of::Timer(8)));
        let all = take();
        assert!(all.len() == 2 && all.get(&changed) == Some(&Change::To(6)));
        assert!(!has_any() && !is_removed(gone));
    }
}
