// SPDX-License-Identifier: LGPL-2.1-or-later
//! Documents that were asked for, until something says that they may have changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::row::{Key, Kind};
use crate::fork::lock;

/// How many bytes of documents are kept.
const MOST: usize = 16 << 20;

/// Of which object: the place of its host, its kind and what it is known by.
type Of = (usize, Kind, Key);

/// The documents that are kept.
#[derive(Default)]
pub struct Documents(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    kept: HashMap<Of, Kept>,
    size: usize,
    /// Counts uses, by which the oldest goes first.
    clock: u64,
    /// How often something of a host was forgotten.
    epochs: HashMap<usize, u64>,
}

struct Kept {
    text: Arc<str>,
    used: u64,
}

impl Documents {
    /// A document that is kept; otherwise the number to keep it with.
    pub fn get(&self, of: &Of) -> Result<Arc<str>, u64> {
        let mut inner = lock(&self.0);
        inner.clock += 1;
        let now = inner.clock;
        match inner.kept.get_mut(of) {
            Some(kept) => {
                kept.used = now;
                Ok(Arc::clone(&kept.text))
            }
            None => Err(inner.epochs.get(&of.0).copied().unwrap_or_default()),
        }
    }

    /// Keeps a document, unless something of its host may have changed since.
    pub fn keep(&self, of: Of, text: &Arc<str>, epoch: u64) {
        let mut inner = lock(&self.0);
        let now = inner.epochs.get(&of.0).copied().unwrap_or_default();
        if now != epoch || text.len() > MOST / 4 {
            return;
        }
        inner.clock += 1;
        let kept = Kept { text: Arc::clone(text), used: inner.clock };
        inner.size += text.len();
        if let Some(before) = inner.kept.insert(of, kept) {
            inner.size -= before.text.len();
        }
        while inner.size > MOST {
            let oldest = inner.kept.iter().min_by_key(|(_, kept)| kept.used);
            let Some(of) = oldest.map(|(of, _)| of.clone()) else {
                break;
            };
            inner.remove(&of);
        }
    }

    /// An object may have changed.
    pub fn forget(&self, of: &Of) {
        let mut inner = lock(&self.0);
        inner.next_epoch(of.0);
        inner.remove(of);
    }

    /// All objects of a kind of a host may have changed, or of all kinds.
    pub fn forget_all(&self, host: usize, kind: Option<Kind>) {
        let mut inner = lock(&self.0);
        inner.next_epoch(host);
        let is_wanted = |of: &&Of| of.0 == host && kind.is_none_or(|kind| kind == of.1);
        let gone: Vec<Of> = inner.kept.keys().filter(is_wanted).cloned().collect();
        gone.iter().for_each(|of| inner.remove(of));
    }
}

impl Inner {
    fn next_epoch(&mut self, host: usize) {
        *self.epochs.entry(host).or_default() += 1;
    }

    fn remove(&mut self, of: &Of) {
        if let Some(kept) = self.kept.remove(of) {
            self.size -= kept.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn of(number: u128) -> Of {
        (0, Kind::Domain, Key::Uuid(Uuid::from_u128(number)))
    }

    #[test]
    fn a_document_is_kept_until_its_object_changes() {
        let documents = Documents::default();
        let epoch = documents.get(&of(1)).expect_err("none yet");
        documents.keep(of(1), &"<a/>".into(), epoch);
        assert_eq!(documents.get(&of(1)).as_deref(), Ok("<a/>"));
        documents.forget(&of(2));
        assert!(documents.get(&of(1)).is_ok());
        documents.forget(&of(1));
        assert!(documents.get(&of(1)).is_err());
        documents.keep(of(1), &"<old/>".into(), epoch);
        assert!(documents.get(&of(1)).is_err(), "it was asked for before the change");
    }

    #[test]
    fn what_was_not_used_for_long_makes_room() {
        let documents = Documents::default();
        let text: Arc<str> = "x".repeat(MOST / 4).into();
        for number in 0..4 {
            documents.keep(of(number), &text, 0);
        }
        assert!(documents.get(&of(0)).is_ok());
        documents.keep(of(9), &text, 0);
        assert!(documents.get(&of(0)).is_ok() && documents.get(&of(9)).is_ok());
        assert!(documents.get(&of(1)).is_err());
        documents.forget_all(0, Some(Kind::Pool));
        assert!(documents.get(&of(0)).is_ok());
        documents.forget_all(0, None);
        assert!(documents.get(&of(0)).is_err());
        assert_eq!(lock(&documents.0).size, 0);
    }
}
