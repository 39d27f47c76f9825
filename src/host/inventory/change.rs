// SPDX-License-Identifier: LGPL-2.1-or-later
//! What an inventory tells of: one entry for each change.

use std::sync::Arc;

use super::table::Changed;
use crate::event::News;
use crate::value::{Map, Value};

/// A change. It becomes a map when the program takes it out of its queue.
pub struct Change {
    /// The number of the change: each has the next one.
    pub generation: u64,
    /// What has changed.
    pub what: What,
}

/// What has changed.
pub enum What {
    /// An object of a host.
    Row(Changed),
    /// A host is reachable, or no longer.
    Host {
        /// Its URI.
        uri: Arc<str>,
        /// The name that it gives itself.
        name: Option<Arc<str>>,
        /// Its state, and why it is in it.
        before: (&'static str, Option<Arc<Value>>),
        /// The same now.
        after: (&'static str, Option<Arc<Value>>),
    },
}

impl News for Change {
    fn to_map(&self) -> Map {
        let mut map = Map::with_capacity(9);
        map.push_new("generation", self.generation);
        match &self.what {
            What::Row(changed) => rows(&mut map, changed),
            What::Host { uri, name, before, after } => {
                map.push_new("change", "changed");
                map.push_new("kind", "host");
                map.push_new("host", &**uri);
                map.push_new("name", name.as_deref());
                map.push_new("uuid", Value::Null);
                map.push_new("key", Value::Null);
                map.push_new("before", state(before));
                map.push_new("after", state(after));
            }
        }
        map
    }
}

fn rows(map: &mut Map, changed: &Changed) {
    let Some(row) = changed.after.as_ref().or(changed.before.as_ref()) else {
        return;
    };
    let (what, before, after) = match (&changed.before, &changed.after) {
        (Some(before), Some(after)) => {
            ("changed", Value::Map(before.differing(after)), Value::Map(after.differing(before)))
        }
        (None, Some(after)) => ("added", Value::Null, Value::Map(after.whole())),
        (Some(before), None) => ("removed", Value::Map(before.whole()), Value::Null),
        (None, None) => return,
    };
    map.push_new("change", what);
    map.push_new("kind", row.kind.name());
    map.push_new("host", &*row.host);
    map.push_new("name", &*row.name);
    map.push_new("uuid", row.uuid_value());
    map.push_new("key", row.key_value());
    map.push_new("before", before);
    map.push_new("after", after);
}

fn state((state, error): &(&'static str, Option<Arc<Value>>)) -> Value {
    let mut map = Map::with_capacity(2);
    map.push_new("state", *state);
    map.push_new("error", error.as_deref().cloned().unwrap_or(Value::Null));
    Value::Map(map)
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::a_domain;
    use super::*;

    fn json(
        before: Option<crate::host::inventory::row::Row>,
        after: Option<crate::host::inventory::row::Row>,
    ) -> String {
        let (before, after) = (before.map(Arc::new), after.map(Arc::new));
        let what = What::Row(Changed { before, after });
        Value::Map(Change { generation: 7, what }.to_map()).to_json(false).expect("JSON")
    }

    #[test]
    fn a_change_has_the_fields_that_differ() {
        let uuid = "00000000-0000-0000-0000-000000000001";
        let wanted = format!(
            r#"{{"generation":7,"change":"changed","kind":"domain","host":"h","name":"b","uuid":"{uuid}","key":null,"before":{{"name":"a","state":"running"}},"after":{{"name":"b","state":"shutoff"}}}}"#
        );
        assert_eq!(json(Some(a_domain("a", 1, 1)), Some(a_domain("b", 1, 5))), wanted);
        let added = json(None, Some(a_domain("a", 1, 1)));
        assert!(
            added.contains(r#""change":"added""#) && added.contains(r#""before":null"#),
            "{added}"
        );
        let removed = json(Some(a_domain("a", 1, 1)), None);
        assert!(removed.contains(r#""change":"removed""#) && removed.contains(r#""after":null"#));
        assert!(removed.contains(r#""host":"h","kind":"domain","name":"a","uuid""#), "{removed}");
    }
}
