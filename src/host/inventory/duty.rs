// SPDX-License-Identifier: LGPL-2.1-or-later
//! What is noted of a host until a visit asks for it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use uuid::Uuid;

use super::ask::{Touched, What};
use super::errand::Errand;
use super::link::Link;
use super::row::Kind;
use crate::calls::Timer;

/// So many documents are asked for in one visit: events come in between.
const AT_ONCE: usize = 64;

/// What there is to do.
#[derive(Default)]
pub struct Duty {
    /// The connection.
    pub link: Option<Arc<Link>>,
    /// Whether events arrive on it.
    pub hears: bool,
    /// Whether there was a loop when it was opened.
    pub had_loop: bool,
    /// The visit under way.
    pub errand: Option<Arc<Errand>>,
    /// Without a connection: it is time to open one.
    pub is_due: bool,
    /// All rows are to be compared.
    pub full: bool,
    /// The last ticket of those who wait for all that was noted.
    pub awaited: Option<u64>,
    /// The connection has ended.
    pub has_ended: bool,
    /// Changes are gathered until a timer fires.
    pub is_held: bool,
    /// Domains whose documents have not been asked for.
    pub unknown: VecDeque<Uuid>,
    /// The next time to look: for a comparison, or an attempt to open.
    pub timer: Option<Timer>,
    /// How many attempts to open have failed in a row.
    pub tries: u32,
    /// The inventory has ended.
    pub is_over: bool,
    /// Domains of which something has happened.
    touched: HashMap<Uuid, Touched>,
    /// Kinds of which something has happened.
    kinds: HashSet<Kind>,
}

/// What a visit is for.
pub enum Unit {
    /// To open a connection, and ask for all rows.
    Open,
    /// To compare all rows.
    Full(Arc<Link>),
    /// To ask for objects of which something has happened.
    Some(Arc<Link>, Vec<Touched>, Vec<Kind>),
    /// To ask for documents.
    Details(Arc<Link>, Vec<Uuid>),
    /// To say that nothing is left to ask for to those who wait for that, until this ticket.
    Nothing(u64),
    /// To notice that the connection has ended.
    End,
}

impl Duty {
    /// A connection is to be opened.
    pub fn new() -> Self {
        Duty { is_due: true, ..Duty::default() }
    }

    /// Whether there is something to do.
    pub fn has_work(&self) -> bool {
        if self.is_over {
            return false;
        }
        if self.link.is_none() {
            return self.is_due;
        }
        let is_any_known = self.has_ended || self.full || self.has_heard();
        is_any_known || self.awaited.is_some() || !self.unknown.is_empty()
    }

    /// Whether something has happened that is to be asked for now.
    fn has_heard(&self) -> bool {
        let has_any = !self.touched.is_empty() || !self.kinds.is_empty();
        has_any && !self.is_held
    }

    /// Something has happened to a domain.
    pub fn touch(&mut self, uuid: Uuid, touched: Touched) {
        let before = self.touched.remove(&uuid).map_or(What::default(), |before| before.what);
        let what = touched.what.and(before);
        self.touched.insert(uuid, Touched { what, ..touched });
    }

    /// Something has happened to objects of a kind.
    pub fn touch_all(&mut self, kind: Kind) {
        self.kinds.insert(kind);
    }

    /// These documents are to be asked for as well.
    pub fn add_unknown(&mut self, uuids: Vec<Uuid>) {
        let known: HashSet<Uuid> = self.unknown.iter().copied().collect();
        self.unknown.extend(uuids.into_iter().filter(|uuid| !known.contains(uuid)));
    }

    /// What to do next. It is not noted any more. A connection that `is_deaf`, because it never
    /// hears anything, is to be replaced.
    pub fn take(&mut self, is_deaf: bool) -> Option<Unit> {
        let Some(link) = &self.link else {
            return Some(Unit::Open);
        };
        if self.has_ended {
            return Some(Unit::End);
        }
        if is_deaf {
            return Some(Unit::Open);
        }
        let link = Arc::clone(link);
        if self.full {
            self.full = false;
            // Who waits for it waits for all that was noted.
            self.is_held = false;
            return Some(Unit::Full(link));
        }
        if self.has_heard() {
            let touched = std::mem::take(&mut self.touched).into_values().collect();
            let mut kinds: Vec<Kind> = std::mem::take(&mut self.kinds).into_iter().collect();
            kinds.sort_unstable();
            return Some(Unit::Some(link, touched, kinds));
        }
        let some = self.unknown.len().min(AT_ONCE);
        if some > 0 {
            return Some(Unit::Details(link, self.unknown.drain(..some).collect()));
        }
        self.awaited.take().map(Unit::Nothing)
    }

    /// Who has this ticket waits for all that was noted; without a connection, for an attempt to
    /// open one.
    pub fn wait_for(&mut self, ticket: u64) {
        self.awaited = self.awaited.max(Some(ticket));
        self.is_held = false;
        self.is_due |= self.link.is_none();
    }

    /// Forgets what was noted of a connection that is no more.
    pub fn forget(&mut self) {
        self.is_due = false;
        self.full = false;
        self.awaited = None;
        self.has_ended = false;
        self.hears = false;
        self.touched.clear();
        self.kinds.clear();
        self.unknown.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_connection_one_is_opened_when_that_is_due() {
        let mut duty = Duty::new();
        assert!(duty.has_work());
        assert!(matches!(duty.take(false), Some(Unit::Open)));
        duty.forget();
        duty.full = true;
        assert!(!duty.has_work(), "not before its time");
        duty.is_due = true;
        assert!(duty.has_work());
        duty.is_over = true;
        assert!(!duty.has_work());
    }

    #[test]
    fn a_document_is_asked_for_once() {
        let mut duty = Duty::new();
        let uuid = Uuid::from_u128;
        duty.add_unknown(vec![uuid(1), uuid(2)]);
        duty.add_unknown(vec![uuid(2), uuid(3)]);
        assert_eq!(duty.unknown, [uuid(1), uuid(2), uuid(3)]);
    }

    #[test]
    fn what_is_gathered_is_not_asked_for_yet() {
        let mut duty = Duty::new();
        duty.touch_all(Kind::Network);
        assert!(duty.has_heard());
        duty.is_held = true;
        assert!(!duty.has_heard());
        duty.forget();
        duty.is_held = false;
        assert!(!duty.has_heard());
    }
}
