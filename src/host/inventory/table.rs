// SPDX-License-Identifier: LGPL-2.1-or-later
//! The rows of one kind of one host, by what they are known by and in the order of their names.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::row::{Key, Row};

/// The rows. They are shared with snapshots and change entries, so that nothing is copied
/// while others wait.
#[derive(Default)]
pub struct Table {
    rows: HashMap<Key, Arc<Row>>,
    order: Vec<Arc<Row>>,
}

/// What has become of a row: what it was, and what it is.
pub struct Changed {
    /// None where it was added.
    pub before: Option<Arc<Row>>,
    /// None where it was removed.
    pub after: Option<Arc<Row>>,
}

impl Table {
    /// All rows, in the order of their names.
    pub fn rows(&self) -> &[Arc<Row>] {
        &self.order
    }

    /// The row of an object.
    pub fn get(&self, key: &Key) -> Option<&Arc<Row>> {
        self.rows.get(key)
    }

    /// The rows with a name; of volumes, several pools may have the same.
    pub fn named(&self, name: &str) -> &[Arc<Row>] {
        let from = self.order.partition_point(|row| *row.name < *name);
        let to = from + self.order[from..].partition_point(|row| *row.name == *name);
        &self.order[from..to]
    }

    /// An object is like this now. None where it was so before.
    pub fn put(&mut self, mut row: Row) -> Option<Changed> {
        match self.rows.entry(row.key.clone()) {
            Entry::Vacant(entry) => {
                row.merge(None);
                let row = Arc::new(row);
                entry.insert(Arc::clone(&row));
                self.insert(Arc::clone(&row));
                Some(Changed { before: None, after: Some(row) })
            }
            Entry::Occupied(mut entry) => {
                row.merge(Some(entry.get()));
                if row.says_the_same(entry.get()) {
                    return None;
                }
                let row = Arc::new(row);
                let before = entry.insert(Arc::clone(&row));
                self.take_out(&before);
                self.insert(Arc::clone(&row));
                Some(Changed { before: Some(before), after: Some(row) })
            }
        }
    }

    /// An object is gone. None where it was not there.
    pub fn remove(&mut self, key: &Key) -> Option<Changed> {
        let before = self.rows.remove(key)?;
        self.take_out(&before);
        Some(Changed { before: Some(before), after: None })
    }

    /// These are all that there are now. What has changed, and what is gone first: a name may
    /// be another object's now.
    pub fn replace(&mut self, rows: Vec<Row>) -> Vec<Changed> {
        if self.rows.is_empty() {
            return self.fill(rows);
        }
        let mut changed = Vec::new();
        if self.rows.len() > rows.len() || rows.iter().any(|row| !self.rows.contains_key(&row.key))
        {
            let here: std::collections::HashSet<&Key> = rows.iter().map(|row| &row.key).collect();
            let gone = |row: &&Arc<Row>| !here.contains(&row.key);
            let gone: Vec<Key> =
                self.order.iter().filter(gone).map(|row| row.key.clone()).collect();
            match gone.len() {
                0 => {}
                few if few <= 16 => changed.extend(gone.iter().filter_map(|key| self.remove(key))),
                // One pass for all of them.
                _ => {
                    for key in &gone {
                        if let Some(before) = self.rows.remove(key) {
                            changed.push(Changed { before: Some(before), after: None });
                        }
                    }
                    self.order.retain(|row| here.contains(&row.key));
                }
            }
        }
        changed.extend(rows.into_iter().filter_map(|row| self.put(row)));
        changed
    }

    /// The first rows, which are sorted once.
    fn fill(&mut self, rows: Vec<Row>) -> Vec<Changed> {
        self.rows.reserve(rows.len());
        self.order.reserve(rows.len());
        let mut changed = Vec::with_capacity(rows.len());
        for mut row in rows {
            row.merge(None);
            let row = Arc::new(row);
            // The driver may list one twice that it is just renaming.
            if self.rows.insert(row.key.clone(), Arc::clone(&row)).is_some() {
                self.order.retain(|other| other.key != row.key);
                changed.retain(|change: &Changed| {
                    change.after.as_ref().is_none_or(|other| other.key != row.key)
                });
            }
            self.order.push(Arc::clone(&row));
            changed.push(Changed { before: None, after: Some(row) });
        }
        self.order.sort_unstable_by(by_name);
        changed
    }

    fn insert(&mut self, row: Arc<Row>) {
        let place = self.order.partition_point(|other| by_name(other, &row) == Ordering::Less);
        self.order.insert(place, row);
    }

    fn take_out(&mut self, row: &Arc<Row>) {
        let place = self.order.partition_point(|other| by_name(other, row) == Ordering::Less);
        debug_assert!(self.order.get(place).is_some_and(|other| Arc::ptr_eq(other, row)));
        self.order.remove(place);
    }
}

/// By name, and those of one name in an order that stays.
fn by_name(one: &Arc<Row>, other: &Arc<Row>) -> Ordering {
    one.name.cmp(&other.name).then_with(|| match (&one.key, &other.key) {
        (Key::Uuid(one), Key::Uuid(other)) => one.cmp(other),
        (Key::Text(one), Key::Text(other)) => one.cmp(other),
        (Key::Uuid(_), Key::Text(_)) => Ordering::Less,
        (Key::Text(_), Key::Uuid(_)) => Ordering::Greater,
    })
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::a_domain;
    use super::*;

    fn names(table: &Table) -> Vec<&str> {
        table.rows().iter().map(|row| &*row.name).collect()
    }

    #[test]
    fn rows_are_compared_with_what_was_known() {
        let mut table = Table::default();
        let first = table.replace(vec![a_domain("b", 2, 1), a_domain("a", 1, 1)]);
        assert!(first.iter().all(|change| change.before.is_none()));
        assert_eq!(names(&table), ["a", "b"]);
        assert!(table.replace(vec![a_domain("a", 1, 1), a_domain("b", 2, 1)]).is_empty());
        let changed = table.replace(vec![a_domain("a", 1, 3), a_domain("c", 3, 1)]);
        assert_eq!(changed.len(), 3);
        assert!(changed[0].after.is_none(), "what is gone comes first");
        assert_eq!(names(&table), ["a", "c"]);
    }

    #[test]
    fn one_that_is_renamed_stays_itself() {
        let mut table = Table::default();
        table.replace(vec![a_domain("a", 1, 1), a_domain("m", 2, 1)]);
        let change = table.put(a_domain("z", 1, 1)).expect("a change");
        assert!(change.before.is_some_and(|row| &*row.name == "a"));
        assert_eq!(names(&table), ["m", "z"]);
        assert_eq!(table.named("z").len(), 1);
        assert!(table.named("a").is_empty());
        assert!(table.put(a_domain("z", 1, 1)).is_none());
    }

    #[test]
    fn names_may_change_hands() {
        let mut table = Table::default();
        table.replace(vec![a_domain("a", 1, 1), a_domain("b", 2, 1)]);
        let changed = table.replace(vec![a_domain("b", 1, 1), a_domain("a", 2, 1)]);
        assert_eq!(changed.len(), 2);
        assert_eq!(names(&table), ["a", "b"]);
        assert_eq!(table.named("a")[0].key, a_domain("a", 2, 1).key);
    }

    #[test]
    fn many_go_at_once() {
        let mut table = Table::default();
        table.replace((0..100).map(|i| a_domain(&format!("d{i:03}"), i, 1)).collect());
        let changed = table.replace(vec![a_domain("d050", 50, 1)]);
        assert_eq!(changed.len(), 99);
        assert_eq!(names(&table), ["d050"]);
        assert!(table.remove(&a_domain("", 50, 1).key).is_some());
        assert!(table.remove(&a_domain("", 50, 1).key).is_none());
    }

    #[test]
    fn one_that_is_listed_twice_is_there_once() {
        let mut table = Table::default();
        let changed = table.replace(vec![a_domain("a", 1, 1), a_domain("b", 1, 1)]);
        assert_eq!(changed.len(), 1);
        assert_eq!(names(&table), ["b"]);
    }
}
