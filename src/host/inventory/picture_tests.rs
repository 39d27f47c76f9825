// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a picture says of rows that hosts have said.

use std::sync::Arc;
use std::time::Duration;

use super::filter::{Condition, Filter};
use super::host_rows::Said;
use super::picture::{Picture, Report};
use super::row::tests::a_domain;
use super::row::{Kind, Row};
use super::tickets::{Awaited, Begun};
use crate::error::Misuse;
use crate::event::{Entry, EventQueue};
use crate::value::{Map, Value};

const SOON: Duration = Duration::from_millis(10);

fn picture() -> Arc<Picture> {
    Arc::new(Picture::new(["h", "i"].into_iter().map(Arc::from)))
}

fn say(picture: &Picture, host: usize, rows: Vec<Row>) {
    picture.take(host, Said::All(Kind::Domain, rows), || true);
}

fn up(picture: &Picture, host: usize) {
    let name = Some(format!("own{host}").into());
    picture.up(host, Report { name, error: None, hears: true }, || true);
}

fn map(json: &str) -> Map {
    match Value::from_json(json).expect("JSON") {
        Value::Map(map) => map,
        other => panic!("{other:?} is no map"),
    }
}

fn snapshot(picture: &Picture, filter: &str) -> Value {
    let filter = Filter::read("filter", Some(&map(filter)), &Kind::ALL).expect("a filter");
    picture.snapshot(&filter).expect("a snapshot")
}

#[test]
fn each_change_has_the_next_number() {
    let (picture, queue) = (picture(), EventQueue::new(100).expect("a queue"));
    picture.watch(&queue, 5).expect("watched");
    say(&picture, 0, vec![a_domain("a", 1, 1), a_domain("b", 2, 1)]);
    say(&picture, 0, vec![a_domain("a", 1, 1), a_domain("b", 2, 1)]);
    say(&picture, 0, vec![a_domain("b", 2, 3)]);
    up(&picture, 0);
    up(&picture, 0);
    let entries = queue.drain(100).expect("entries");
    let changes: Vec<String> = entries
        .into_iter()
        .map(|entry| match entry {
            Entry::News { tag: 5, class: "inventory", news } => {
                let map = Value::Map(news.to_map());
                let text = |key| map.get_str(key).expect(key).to_owned();
                let generation = map.get_int64("generation").expect("a number");
                format!("{generation} {} {}", text("change"), text("kind"))
            }
            _ => "something else".to_owned(),
        })
        .collect();
    let wanted = ["1 added domain", "2 added domain", "3 removed domain", "4 changed domain"];
    assert_eq!(changes[..4], wanted);
    assert_eq!(changes[4..], ["5 changed host"]);
    assert_eq!(snapshot(&picture, "{}").get_int64("generation").expect("a number"), 5);
    picture.unwatch(&queue).expect("unwatched");
    say(&picture, 0, Vec::new());
    assert_eq!(queue.len(), 0);
}

#[test]
fn a_visit_that_was_given_up_says_nothing() {
    let picture = picture();
    picture.take(0, Said::All(Kind::Domain, vec![a_domain("a", 1, 1)]), || false);
    assert!(snapshot(&picture, "{}").get_list("rows").expect("rows").is_empty());
}

#[test]
fn a_name_that_two_hosts_have_needs_the_host() {
    let picture = picture();
    say(&picture, 0, vec![a_domain("a", 1, 1)]);
    say(&picture, 1, vec![a_domain("a", 2, 1), a_domain("b", 3, 1)]);
    up(&picture, 1);
    let find = |host, name| picture.find(Kind::Domain, host, name);
    let error = find(None, "a").err().expect("ambiguous").to_string();
    assert!(error.contains("is on 2 hosts, such as h and i"), "{error}");
    assert_eq!(find(Some("i"), "a").expect("found").host, 1);
    assert_eq!(find(Some("own1"), "a").expect("found").host, 1);
    assert_eq!(find(None, "b").expect("found").host, 1);
    let uuid = "00000000-0000-0000-0000-000000000001";
    assert_eq!(&*find(None, uuid).expect("found").row.name, "a");
    assert!(find(Some("h"), "b").is_err() && find(Some("j"), "a").is_err());
    assert!(picture.find(Kind::Pool, None, "a").is_err());
}

#[test]
fn a_name_that_is_not_there_names_hosts_that_are_not_filled_in() {
    let picture = picture();
    let find = |host| match picture.find(Kind::Domain, host, "a") {
        Err(error) => error.to_string(),
        Ok(_) => panic!("there is no such domain"),
    };
    assert!(find(None).ends_with("2 hosts are not filled in yet, such as h"), "{}", find(None));
    say(&picture, 0, Vec::new());
    assert!(find(None).ends_with("; i is not filled in yet"), "{}", find(None));
    assert!(
        find(Some("h")).ends_with(" among the domains of the inventory"),
        "{}",
        find(Some("h"))
    );
}

#[test]
fn rows_of_a_host_that_is_down_stay_and_are_stale() {
    let picture = picture();
    say(&picture, 0, vec![a_domain("a", 1, 1)]);
    up(&picture, 0);
    let stale = r#"{"fields": ["name", "stale"]}"#;
    let rows = |of: &Value| of.get("rows").expect("rows").to_json(false).expect("JSON");
    assert_eq!(rows(&snapshot(&picture, stale)), r#"[{"name":"a","stale":false}]"#);
    picture.down(0, &Misuse::Busy { what: "no".to_owned() }.into());
    assert_eq!(rows(&snapshot(&picture, stale)), r#"[{"name":"a","stale":true}]"#);
    let hosts = picture.hosts(&[Kind::Domain]).expect("hosts");
    assert_eq!(hosts.get_str("0.state").expect("a state"), "down");
    assert_eq!(hosts.get_str("0.error.message").expect("a reason"), "no");
    assert_eq!(hosts.get_str("1.state").expect("a state"), "connecting");
}

#[test]
fn what_is_absent_is_known_of_hosts_that_are_up() {
    let picture = picture();
    let wait = |json: &str| {
        let condition = Condition::read(&map(json), &Kind::ALL).expect("a condition");
        picture.wait(&condition, SOON).is_ok()
    };
    assert!(!wait(r#"{"name": "a", "absent": true}"#));
    up(&picture, 0);
    assert!(wait(r#"{"name": "a", "absent": true, "host": "h"}"#));
    assert!(!wait(r#"{"name": "a", "absent": true}"#));
    say(&picture, 0, vec![a_domain("a", 1, 1), a_domain("ab", 2, 1)]);
    assert!(wait(r#"{"name": "a*", "count": 2}"#) && !wait(r#"{"name": "a*", "count": 3}"#));
}

#[test]
fn who_waits_for_hosts_gets_those_that_are_well_and_an_error() {
    let picture = picture();
    let wait = |tickets: &[(usize, u64)]| picture.wait_for_tickets(tickets, Awaited::Noted, SOON);
    let tickets = picture.tickets(&[0, 1], Awaited::Noted);
    picture.begin(0, Begun::All, || false);
    picture.settled(0);
    assert!(wait(&tickets[..1]).is_err(), "one that was given up begins nothing");
    picture.begin(0, Begun::All, || true);
    picture.settled(0);
    assert!(wait(&tickets).is_err());
    picture.down(1, &Misuse::Busy { what: "no".to_owned() }.into());
    let (well, error) = wait(&tickets).expect("it is over");
    assert_eq!(well, [0]);
    assert!(error.is_some_and(|error| error.get_str("message").is_ok()));
}

#[test]
fn nothing_is_said_of_a_picture_that_has_ended() {
    let picture = picture();
    picture.end();
    say(&picture, 0, vec![a_domain("a", 1, 1)]);
    let filter = Filter::read("filter", None, &Kind::ALL).expect("a filter");
    assert!(picture.snapshot(&filter).is_err());
    assert!(picture.hosts(&[]).is_err() && picture.places(None).is_err());
}
