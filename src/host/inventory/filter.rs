// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which rows a program wants to see, which fields of them, and in which order.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::given;
use super::glob::Glob;
use super::names;
use super::row::{Cell, Column, KINDS, Kind, Row};
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

/// The columns of a kind that are wanted.
type Columns = Vec<(&'static str, Column)>;

/// What a program wants to see.
pub struct Filter {
    hosts: Option<Vec<String>>,
    kinds: Vec<Kind>,
    states: Option<Vec<&'static str>>,
    name: Option<Glob>,
    uuid: Option<Uuid>,
    /// By kind.
    columns: [Columns; KINDS],
    sort: Vec<Sort>,
    raw: bool,
}

/// What rows are sorted by.
struct Sort {
    /// By kind.
    columns: [Option<Column>; KINDS],
    descending: bool,
}

/// What is known of a host beside its rows.
pub struct Of {
    /// Whether its rows may be out of date.
    pub stale: bool,
    /// When all of its rows were last compared, by kind.
    pub compared: [Option<Instant>; KINDS],
}

/// What a program waits for.
pub struct Condition {
    /// The rows.
    pub filter: Filter,
    /// How many there have to be; None: there must be none.
    pub count: Option<u64>,
}

const KEYS: [&str; 8] = ["host", "kind", "state", "name", "uuid", "fields", "sort", "raw"];
const CONDITION: [&str; 10] =
    ["host", "kind", "state", "name", "uuid", "fields", "sort", "raw", "count", "absent"];

impl Filter {
    /// Reads a filter of an inventory that has these kinds.
    pub fn read(parameter: &'static str, map: Option<&Map>, kept: &[Kind]) -> Result<Self> {
        let mut filter = Filter {
            hosts: None,
            kinds: kept.to_vec(),
            states: None,
            name: None,
            uuid: None,
            columns: Kind::ALL.map(Column::all),
            sort: Vec::new(),
            raw: false,
        };
        if let Some(map) = map {
            given::each(parameter, map, &KEYS, |key, given| filter.take(key, &given, kept))?;
        }
        Ok(filter)
    }

    fn take(&mut self, key: &str, given: &given::Given<'_>, kept: &[Kind]) -> Result<()> {
        match key {
            "host" => {
                self.hosts = Some(given.texts()?.into_iter().map(str::to_owned).collect());
            }
            "kind" => self.kinds = given.kinds(kept)?,
            "state" => {
                let find = |name: &str| {
                    names::state(name).ok_or_else(|| {
                        let mut known: Vec<&str> = names::states().collect();
                        known.sort_unstable();
                        known.dedup();
                        given.unknown(name, &known)
                    })
                };
                self.states = Some(given.texts()?.into_iter().map(find).collect::<Result<_>>()?);
            }
            "name" => self.name = Some(Glob::new(given.text()?)),
            "uuid" => {
                let text = given.text()?;
                let uuid = Uuid::try_parse(text);
                let wrong = |_| given.wrong(&format!("is \"{text}\"; a UUID is needed"));
                self.uuid = Some(uuid.map_err(wrong)?);
            }
            "fields" => {
                let mut columns = Kind::ALL.map(|_| Columns::new());
                for name in given.texts()? {
                    each_column(name, given, |kind, found| {
                        let of_kind = &mut columns[kind as usize];
                        if !of_kind.contains(&found) {
                            of_kind.push(found);
                        }
                    })?;
                }
                self.columns = columns;
            }
            "sort" => {
                for name in given.texts()? {
                    let (name, descending) = match name.strip_prefix('-') {
                        Some(name) => (name, true),
                        None => (name, false),
                    };
                    let mut sort = Sort { columns: [None; KINDS], descending };
                    each_column(name, given, |kind, (_, column)| {
                        sort.columns[kind as usize] = Some(column);
                    })?;
                    self.sort.push(sort);
                }
            }
            _ => self.raw = given.truth()?,
        }
        Ok(())
    }

    /// The kinds that are wanted.
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The hosts whose rows are wanted, by URI or own name; None: all.
    pub fn hosts(&self) -> Option<&[String]> {
        self.hosts.as_deref()
    }

    /// Whether this row is wanted, if its host and its kind are.
    pub fn wants(&self, row: &Row) -> bool {
        let is_in_state = |states: &Vec<&'static str>| match row.kind.state() {
            Some(place) => match &row.cells[place] {
                Cell::Named(name, _) => states.contains(name),
                _ => false,
            },
            None => false,
        };
        self.name.as_ref().is_none_or(|name| name.matches(&row.name))
            && self.states.as_ref().is_none_or(is_in_state)
            && self.uuid.is_none_or(|uuid| row.uuid() == Some(uuid))
    }

    /// Puts rows in order; without one they stay as they are.
    pub fn sort(&self, rows: &mut [(Arc<Row>, usize)], hosts: &[Of], now: Instant) {
        if self.sort.is_empty() {
            return;
        }
        rows.sort_by(|(one, one_of), (other, other_of)| {
            for sort in &self.sort {
                let place = |row: &Row| sort.columns[row.kind as usize];
                let order = match (place(one), place(other)) {
                    (Some(a), Some(b)) => {
                        let order =
                            compare((one, &hosts[*one_of], a), (other, &hosts[*other_of], b), now);
                        if sort.descending { order.reverse() } else { order }
                    }
                    // Rows without the field come last.
                    (a, b) => a.is_none().cmp(&b.is_none()),
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
    }

    /// A row as the program gets it.
    pub fn show(&self, row: &Row, of: &Of, now: Instant) -> Value {
        let columns = &self.columns[row.kind as usize];
        let mut map = Map::with_capacity(columns.len());
        for (name, column) in columns {
            map.push_new(*name, value(row, of, *column, self.raw, now));
        }
        Value::Map(map)
    }
}

impl Condition {
    /// Reads a condition of an inventory that has these kinds.
    pub fn read(map: &Map, kept: &[Kind]) -> Result<Self> {
        const PARAMETER: &str = "condition";
        let (mut filter, mut count, mut absent) =
            (Filter::read(PARAMETER, None, kept)?, None, false);
        given::each(PARAMETER, map, &CONDITION, |key, given| match key {
            "count" => {
                count = Some(given.integer(1, u32::MAX.into())?);
                Ok(())
            }
            "absent" => {
                absent = given.truth()?;
                Ok(())
            }
            _ => filter.take(key, &given, kept),
        })?;
        if absent && count.is_some() {
            let reason = "\"count\" and \"absent\" exclude each other".to_owned();
            return Err(Misuse::Invalid { parameter: PARAMETER, reason }.into());
        }
        let count = (!absent).then(|| count.unwrap_or(1));
        Ok(Condition { filter, count })
    }
}

/// Finds the columns of all kinds that have one of this name.
fn each_column(
    name: &str,
    given: &given::Given<'_>,
    mut take: impl FnMut(Kind, (&'static str, Column)),
) -> Result<()> {
    let mut is_known = false;
    for kind in Kind::ALL {
        if let Some(found) = Column::find(kind, name) {
            is_known = true;
            take(kind, found);
        }
    }
    if is_known {
        return Ok(());
    }
    let mut known: Vec<&str> = Vec::new();
    for (name, _) in Kind::ALL.into_iter().flat_map(Column::all) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    Err(given.unknown(name, &known))
}

/// How long ago its host was known to have the row like this.
fn age(row: &Row, of: &Of, now: Instant) -> Duration {
    let compared = of.compared[row.kind as usize];
    let last = compared.map_or(row.asked, |compared| compared.max(row.asked));
    now.saturating_duration_since(last)
}

fn value(row: &Row, of: &Of, column: Column, raw: bool, now: Instant) -> Value {
    match column {
        Column::Host => row.host.as_ref().into(),
        Column::Kind => row.kind.name().into(),
        Column::Name => row.name.as_ref().into(),
        Column::Uuid => row.uuid_value(),
        Column::Own(place) => row.cells[place].value(raw),
        Column::Age => Value::Uint(age(row, of, now).as_millis() as u64),
        Column::Stale => of.stale.into(),
    }
}

type Place<'r> = (&'r Row, &'r Of, Column);

fn compare((one, one_of, a): Place<'_>, (other, other_of, b): Place<'_>, now: Instant) -> Ordering {
    match (a, b) {
        (Column::Host, _) => one.host.cmp(&other.host),
        (Column::Kind, _) => one.kind.cmp(&other.kind),
        (Column::Name, _) => one.name.cmp(&other.name),
        (Column::Uuid, _) => one.uuid().cmp(&other.uuid()),
        (Column::Age, _) => age(one, one_of, now).cmp(&age(other, other_of, now)),
        (Column::Stale, _) => one_of.stale.cmp(&other_of.stale),
        (Column::Own(a), Column::Own(b)) => one.cells[a].order(&other.cells[b]),
        (Column::Own(_), _) => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::tests::a_domain;
    use super::*;

    fn read(json: &str) -> Result<Filter> {
        match Value::from_json(json)? {
            Value::Map(map) => Filter::read("filter", Some(&map), &[Kind::Domain, Kind::Pool]),
            other => panic!("{other:?} is no map"),
        }
    }

    fn of() -> Of {
        Of { stale: false, compared: [None; KINDS] }
    }

    #[test]
    fn rows_are_chosen_by_name_state_and_uuid() {
        let filter = read(r#"{"name": "w*", "state": "paused"}"#).expect("a filter");
        assert!(filter.wants(&a_domain("web", 1, 3)));
        assert!(!filter.wants(&a_domain("web", 1, 1)));
        assert!(!filter.wants(&a_domain("db", 1, 3)));
        let uuid = "00000000-0000-0000-0000-0000000000AB";
        let filter = read(&format!(r#"{{"uuid": "{uuid}"}}"#)).expect("a filter");
        assert!(filter.wants(&a_domain("a", 0xab, 1)) && !filter.wants(&a_domain("a", 1, 1)));
    }

    #[test]
    fn kinds_are_in_order_and_each_once() {
        let kinds = |json| read(json).expect("a filter").kinds().to_vec();
        assert_eq!(kinds("{}"), [Kind::Domain, Kind::Pool]);
        assert_eq!(kinds(r#"{"kind": ["pool", "domain", "pool"]}"#), [Kind::Domain, Kind::Pool]);
    }

    #[test]
    fn fields_come_in_the_order_that_was_asked_for() {
        let filter =
            read(r#"{"fields": ["state", "name", "capacity", "name"]}"#).expect("a filter");
        let shown = filter.show(&a_domain("a", 1, 1), &of(), Instant::now());
        assert_eq!(shown.to_json(false).expect("JSON"), r#"{"state":"running","name":"a"}"#);
        let filter = read(r#"{"fields": "state", "raw": true}"#).expect("a filter");
        let shown = filter.show(&a_domain("a", 1, 5), &of(), Instant::now());
        assert_eq!(shown.to_json(false).expect("JSON"), r#"{"state":5}"#);
        let all = read("{}").expect("a filter").show(&a_domain("a", 1, 1), &of(), Instant::now());
        assert_eq!(all.get_list("").is_err(), all.get_map("").is_ok());
        assert_eq!(all.get_map("").expect("a map").len(), 19);
    }

    #[test]
    fn rows_are_sorted_by_several_fields() {
        let mut rows: Vec<_> = [("a", 1), ("b", 3), ("c", 1)]
            .map(|(name, state)| (Arc::new(a_domain(name, name.len() as u128, state)), 0))
            .into();
        let filter = read(r#"{"sort": ["-state", "-name"]}"#).expect("a filter");
        filter.sort(&mut rows, &[of()], Instant::now());
        let names: Vec<&str> = rows.iter().map(|(row, _)| &*row.name).collect();
        assert_eq!(names, ["c", "a", "b"]);
    }

    #[test]
    fn wrong_filters_are_named() {
        let cases = [
            (r#"{"states": "running"}"#, "filter: there is no \"states\"; there are \"host\""),
            (
                r#"{"state": "runing"}"#,
                "filter: there is no \"runing\"; the names for \"state\" are",
            ),
            (
                r#"{"kind": "network"}"#,
                "filter: there is no \"network\"; the names for \"kind\" are \"domain\", \"pool\"",
            ),
            (r#"{"fields": ["nam"]}"#, "filter: there is no \"nam\"; the names for \"fields\" are"),
            (r#"{"sort": "-nam"}"#, "filter: there is no \"nam\"; the names for \"sort\" are"),
            (r#"{"uuid": "ab"}"#, "filter: \"uuid\" is \"ab\"; a UUID is needed"),
            (r#"{"name": 3}"#, "filter: \"name\" is a uint64; text is needed"),
            (r#"{"raw": []}"#, "filter: \"raw\" is a list; a bool is needed"),
        ];
        for (json, message) in cases {
            let error = read(json).err().expect(json).to_string();
            assert!(error.starts_with(message), "{json}: {error}");
        }
    }

    #[test]
    fn conditions_count_or_want_none() {
        let read = |json: &str| match Value::from_json(json).expect("JSON") {
            Value::Map(map) => Condition::read(&map, &Kind::ALL),
            other => panic!("{other:?} is no map"),
        };
        assert_eq!(read(r#"{"name": "a"}"#).expect("a condition").count, Some(1));
        assert_eq!(read(r#"{"count": 7}"#).expect("a condition").count, Some(7));
        assert_eq!(read(r#"{"absent": true}"#).expect("a condition").count, None);
        assert!(read(r#"{"absent": true, "count": 1}"#).is_err());
        assert!(read(r#"{"count": 0}"#).is_err());
    }
}
