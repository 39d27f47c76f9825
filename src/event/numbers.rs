// SPDX-License-Identifier: LGPL-2.1-or-later
//! What others have a number of, not a pointer: a number that is gone finds nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::fork::Leaf;

/// Things by number. No number comes twice.
pub struct Numbers<T: 'static> {
    known: Leaf<Known<T>>,
}

struct Known<T> {
    last: usize,
    all: BTreeMap<usize, Arc<T>>,
}

impl<T: Send + Sync> Numbers<T> {
    /// None yet.
    #[allow(clippy::new_without_default, reason = "these are statics, made in const context")]
    pub const fn new() -> Self {
        Numbers { known: Leaf::new(Known { last: 0, all: BTreeMap::new() }) }
    }

    /// Keeps it. Gives its number.
    pub fn add(&'static self, it: T) -> usize {
        let it = Arc::new(it);
        let mut known = self.known.lock();
        known.last += 1;
        let number = known.last;
        known.all.insert(number, it);
        number
    }

    /// What has the number, unless it was removed.
    pub fn get(&'static self, number: usize) -> Option<Arc<T>> {
        self.known.lock().all.get(&number).cloned()
    }

    /// All that there are now.
    pub fn all(&'static self) -> Vec<Arc<T>> {
        self.known.lock().all.values().cloned().collect()
    }

    /// Gives it back. Who found it before may still use it.
    pub fn remove(&'static self, number: usize) -> Option<Arc<T>> {
        self.known.lock().all.remove(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_finds_its_thing_until_it_is_removed_and_never_another_one() {
        static WORDS: Numbers<&str> = Numbers::new();
        let [a, b] = ["a", "b"].map(|word| WORDS.add(word));
        assert_eq!((WORDS.get(a).as_deref(), WORDS.get(b).as_deref()), (Some(&"a"), Some(&"b")));
        assert_eq!(WORDS.all().len(), 2);
        assert_eq!(WORDS.remove(b).as_deref(), Some(&"b"));
        assert!(WORDS.get(b).is_none() && WORDS.remove(b).is_none());
        let c = WORDS.add("c");
        assert!(c != a && c != b, "{a}, {b}, {c}");
        assert!(WORDS.get(0).is_none(), "0 is no number");
    }
}
