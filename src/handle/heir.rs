// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a child of fork uses in place of its parent's objects, by the addresses of
//! their entries. An entry stays where it is while its handle is live.

use std::any::Any;
use std::collections::BTreeMap;
use std::ptr::NonNull;

use crate::fork::{self, Leaf};

struct Heir {
    object: Box<dyn Any + Send + Sync>,
    /// The process that made it.
    generation: u32,
}

static HEIRS: Leaf<BTreeMap<usize, Heir>> = Leaf::new(BTreeMap::new());

/// Those of the parent, which was a child as well: they are not dropped, for that would
/// speak on its socket.
static INHERITED: Leaf<Vec<Heir>> = Leaf::new(Vec::new());

/// The one that this process has. It stays until [`end`].
pub fn of(entry: usize) -> Option<NonNull<()>> {
    let heirs = HEIRS.lock();
    let heir = heirs.get(&entry).filter(|heir| heir.generation == fork::generation())?;
    Some(NonNull::from(&*heir.object).cast())
}

/// Keeps one, unless another thread has made one in the meantime.
pub fn keep<T: Send + Sync + 'static>(entry: usize, object: T) {
    let heir = Heir { object: Box::new(object), generation: fork::generation() };
    let mut heirs = HEIRS.lock();
    if heirs.get(&entry).is_some_and(|other| other.generation == heir.generation) {
        // What is dropped may close a connection, without the lock.
        drop(heirs);
        drop(heir);
        return;
    }
    let inherited = heirs.insert(entry, heir);
    drop(heirs);
    INHERITED.lock().extend(inherited);
}

/// The handle has ended.
#[cold]
pub fn end(entry: usize) {
    let heir = HEIRS.lock().remove(&entry);
    match heir {
        Some(heir) if heir.generation == fork::generation() => drop(heir),
        inherited => INHERITED.lock().extend(inherited),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// No entry is there.
    const ENTRY: usize = 1;

    #[test]
    fn one_of_this_process_ends_with_its_handle() {
        let (first, second) = (Arc::new(1), Arc::new(2));
        keep(ENTRY, Arc::clone(&first));
        let found = of(ENTRY).map(|heir| heir.as_ptr() as usize);
        assert!(found.is_some());
        keep(ENTRY, Arc::clone(&second));
        assert_eq!(Arc::strong_count(&second), 1, "there is one already");
        assert_eq!(of(ENTRY).map(|heir| heir.as_ptr() as usize), found);
        end(ENTRY);
        assert_eq!(Arc::strong_count(&first), 1, "it is dropped");
        assert_eq!(of(ENTRY), None);
    }
}
