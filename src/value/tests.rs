// SPDX-License-Identifier: LGPL-2.1-or-later
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Keys that are hard on paths and on JSON, and plain ones.
fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-c]{1,2}",
        2 => "[ab.]{0,4}",
        1 => "\\PC{0,4}",
        1 => prop::sample::select(vec!["$bytes", "$handle", "$map", "0", "1", "@type"]).prop_map(String::from),
    ]
}

pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        prop_oneof![any::<f64>(), Just(5.0), Just(-0.0), Just(1e300)]
            .prop_filter("finite", |d| d.is_finite())
            .prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        vec(any::<u8>(), 0..8).prop_map(Value::Bytes),
    ];
    scalar.prop_recursive(5, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::List),
            vec((any_key(), inner), 0..5)
                .prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

fn json(text: &str) -> Value {
    Value::from_json(text).expect(text)
}

/// `levels` lists in one another.
fn nested(levels: usize) -> Value {
    (0..levels).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

fn message<T: std::fmt::Debug>(result: crate::error::Result<T>) -> String {
    result.expect_err("an error").to_string()
}

mod basics {
    use super::*;

    #[test]
    fn integers_are_equal_by_number_and_doubles_are_apart() {
        assert_eq!(Value::Int(5), Value::Uint(5));
        assert_eq!(Value::Uint(5), Value::Int(5));
        assert_ne!(Value::Int(-1), Value::Uint(u64::MAX));
        assert_ne!(Value::Int(5), Value::Double(5.0));
        assert_eq!(Value::Double(0.0), Value::Double(-0.0));
        assert_eq!(Value::Double(f64::NAN), Value::Double(f64::NAN));
        assert_ne!(Value::Bytes(b"a".to_vec()), Value::from("a"));
        assert_ne!(Value::Null, Value::Bool(false));
    }

    #[test]
    fn handles_are_equal_if_they_are_the_same() {
        let handle = Value::from(AnyHandle::for_test());
        assert_eq!(handle, handle.clone());
        assert_ne!(handle, AnyHandle::for_test().into());
    }

    #[test]
    fn kinds_have_the_numbers_and_names_of_the_c_api() {
        let values = [
            Value::Null,
            Value::from(true),
            Value::from(-1),
            Value::from(1_u32),
            Value::from(0.5),
            Value::from("x"),
            Value::Bytes(vec![]),
            Value::from(Vec::new()),
            Value::from(Map::new()),
            Value::from(AnyHandle::for_test()),
        ];
        let names = [
            "null", "bool", "int64", "uint64", "double", "string", "bytes", "list", "map", "handle",
        ];
        for (number, (value, name)) in values.iter().zip(names).enumerate() {
            assert_eq!(value.kind() as usize, number);
            assert_eq!(value.kind_name(), name);
        }
        assert_eq!(Value::from(None::<&str>), Value::Null);
        assert_eq!(Value::from(Some("x")), Value::from("x"));
    }

    #[test]
    fn depth_counts_lists_and_maps() {
        assert_eq!(Value::from(1).depth(), 0);
        assert_eq!(json("[]").depth(), 1);
        assert_eq!(json(r#"{"a": 1}"#).depth(), 1);
        assert_eq!(json(r#"[1, [], {"a": [2]}, "x"]"#).depth(), 3);
        assert_eq!(nested(70).depth(), 70);
    }

    #[test]
    fn a_value_is_small() {
        assert_eq!(size_of::<Value>(), 32);
    }
}

mod maps {
    use super::*;

    #[test]
    fn order_is_kept_and_does_not_matter_for_equality() {
        let a: Map = [("x", 1), ("y", 2)].into_iter().collect();
        let b: Map = [("y", 2), ("x", 1)].into_iter().collect();
        assert_eq!(a, b);
        assert_eq!(b.get_index(0), Some(("y", &Value::Int(2))));
        assert_ne!(a, [("x", 1)].into_iter().collect());
        assert_ne!(a, [("x", 1), ("z", 2)].into_iter().collect());
    }

    #[test]
    fn a_replaced_key_keeps_its_place() {
        let mut map: Map = [("x", 1), ("y", 2)].into_iter().collect();
        assert_eq!(map.insert("x", "new"), Some(Value::Int(1)));
        assert_eq!(map.insert("z", None::<bool>), None);
        let keys: Vec<_> = map.iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["x", "y", "z"]);
    }

    #[test]
    fn a_huge_map_takes_linear_time() {
        let mut map = Map::new();
        for i in 0..200_000_u32 {
            map.insert(i.to_string(), i);
        }
        assert_eq!(map.len(), 200_000);
        assert_eq!(map.get("199999"), Some(&Value::Uint(199_999)));
        assert_eq!(map, map.clone());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, i64),
        Push(u8, i64),
        Remove(u8),
    }

    fn any_step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..40_u8, any::<i64>()).prop_map(|(k, v)| Step::Insert(k, v)),
            3 => (0..40_u8, any::<i64>()).prop_map(|(k, v)| Step::Push(k, v)),
            1 => (0..40_u8).prop_map(Step::Remove),
        ]
    }

    proptest! {
        #[test]
        fn a_map_does_what_a_list_of_pairs_does(steps in vec(any_step(), 0..80), capacity in 0..30_usize) {
            let mut model: Vec<(String, Value)> = Vec::new();
            let mut map = Map::with_capacity(capacity);
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        let key = key.to_string();
                        let old = match model.iter_mut().find(|(k, _)| *k == key) {
                            Some((_, slot)) => Some(std::mem::replace(slot, value.into())),
                            None => { model.push((key.clone(), value.into())); None }
                        };
                        prop_assert_eq!(map.insert(key, value), old);
                    }
                    Step::Push(key, value) => {
                        let key = key.to_string();
                        if map.get(&key).is_none() {
                            model.push((key.clone(), value.into()));
                            map.push_new(key, value);
                        }
                    }
                    Step::Remove(key) => {
                        let key = key.to_string();
                        let at = model.iter().position(|(k, _)| *k == key);
                        prop_assert_eq!(map.remove(&key), at.map(|at| model.remove(at).1));
                    }
                }
                prop_assert_eq!(map.len(), model.len());
                prop_assert_eq!(map.is_empty(), model.is_empty());
            }
            for (i, (key, value)) in model.iter().enumerate() {
                let mut same = value.clone();
                prop_assert_eq!(map.get(key), Some(value));
                prop_assert_eq!(map.get_mut(key), Some(&mut same));
                prop_assert_eq!(map.get_index(i), Some((key.as_str(), value)));
                prop_assert_eq!(map.get_index_mut(i), Some(&mut same));
                prop_assert_eq!(map.index_of(key), Some(i));
            }
            prop_assert_eq!(map.get_index(model.len()), None);
            prop_assert_eq!(map.iter().len(), model.len());
            let reversed: Map = model.iter().rev().cloned().collect();
            prop_assert_eq!(&map, &reversed);
            prop_assert_eq!(map.clone().into_iter().len(), model.len());
            let entries: Vec<_> = map.into_iter().map(|(k, v)| (k.into_owned(), v)).collect();
            prop_assert_eq!(entries, model);
        }
    }
}

mod paths {
    use super::*;

    fn sample() -> Value {
        json(
            r#"{"host": {"cpu": {"model": "EPYC"}, "name": "a"},
                "disk": [{"@type": "file"}, {"@type": "block"}],
                "balloon.current": 5, "vcpu.0.state": 1, "empty": {}, "none": []}"#,
        )
    }

    #[test]
    fn keys_and_positions_lead_down() {
        let value = sample();
        assert_eq!(value.get("").unwrap(), &value);
        assert_eq!(value.get("host.cpu.model").unwrap(), &Value::from("EPYC"));
        assert_eq!(value.get("disk.1.@type").unwrap(), &Value::from("block"));
        assert_eq!(value.get("balloon.current").unwrap(), &Value::Int(5));
        assert_eq!(value.get("vcpu.0.state").unwrap(), &Value::Int(1));
        for wrong in ["disk.01", "disk.+1", "disk.-1", "disk.2", "disk.", "host.", ".", "disk.0 "] {
            assert!(value.get(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn of_keys_with_dots_the_longest_that_leads_on_is_taken() {
        let value =
            json(r#"{"a.b": {"x": 1}, "a": {"b": {"c": 2, "x": 3}, "b.c": 4, "": 5}, "a.": 6}"#);
        assert_eq!(value.get("a.b.x").unwrap(), &Value::Int(1));
        assert_eq!(value.get("a.b.c").unwrap(), &Value::Int(4));
        assert_eq!(value.get("a.").unwrap(), &Value::Int(6));
        let value = json(r#"{"a.b": 1, "a": {"b": {"c": 2}, "": 5}}"#);
        assert_eq!(value.get("a.b.c").unwrap(), &Value::Int(2));
        assert_eq!(value.get("a.").unwrap(), &Value::Int(5));
    }

    #[test]
    fn an_error_tells_what_is_there_instead() {
        let value = sample();
        let get = |path: &str| message(value.get(path));
        assert_eq!(
            get("host.cpu.mode"),
            r#"path: there is no "host.cpu.mode"; the keys of "host.cpu" are model"#
        );
        assert_eq!(
            get("disk.7"),
            r#"path: there is no "disk.7"; "disk" is a list of 2 items (0 to 1)"#
        );
        assert_eq!(
            get("host.name.first"),
            r#"path: there is no "host.name.first"; "host.name" is a string, which has no parts"#
        );
        assert_eq!(get("none.0"), r#"path: there is no "none.0"; "none" is an empty list"#);
        assert_eq!(get("empty.x"), r#"path: there is no "empty.x"; "empty" is an empty map"#);
        assert_eq!(
            get("x"),
            r#"path: there is no "x"; the keys are host, disk, balloon.current, vcpu.0.state, empty, none"#
        );
        let many: Map = (0..12).map(|i| (format!("k{i}"), i)).collect();
        assert!(message(Value::from(many).get("x")).ends_with("k8, k9 and 2 more"));
        let ten: Map = (0..10).map(|i| (format!("k{i}"), i)).collect();
        assert!(message(Value::from(ten).get("x")).ends_with("k8, k9"));
        assert!(message(value.get(&"x".repeat(5000))).contains("5000, the limit is 4096"));
    }

    #[test]
    fn set_replaces_creates_and_grows() {
        let mut value = sample();
        value.set("host.cpu.model", "Xeon".into()).unwrap();
        value.set("host.cpu.cores", 4.into()).unwrap();
        value.set("disk.0", true.into()).unwrap();
        value.set("disk.2", "new".into()).unwrap();
        value.set("balloon.current", 6.into()).unwrap();
        assert_eq!(value.get("host.cpu").unwrap(), &json(r#"{"model": "Xeon", "cores": 4}"#));
        assert_eq!(value.get("disk").unwrap(), &json(r#"[true, {"@type": "block"}, "new"]"#));
        assert_eq!(value.get("balloon.current").unwrap(), &Value::Int(6));
        value.set("", 1.into()).unwrap();
        assert_eq!(value, Value::Int(1));
    }

    #[test]
    fn set_needs_a_place() {
        let mut value = sample();
        let before = value.clone();
        let mut set = |path: &str| message(value.set(path, Value::Null));
        for path in ["disk.3", "disk.x", "disk.3.y", "disk.-1"] {
            assert_eq!(
                set(path),
                format!(
                    r#"path: there is no "{path}"; "disk" is a list of 2 items (0 to 1); 2 or + appends"#
                )
            );
        }
        assert_eq!(set("host.name.x"), r#"path: "host.name" is a string, not a map or a list"#);
        assert_eq!(set("host.name.x.y"), set("host.name.x"), "however much is missing");
        assert_eq!(
            set("balloon.current.x"),
            r#"path: "balloon.current" is a uint64, not a map or a list"#
        );
        assert_eq!(set("host.+"), r#"path: "host" is a map, not a list, to which + appends"#);
        assert_eq!(
            set("+.x"),
            r#"path: "(the value itself)" is a map, not a list, to which + appends"#
        );
        for path in ["host.", ".x", "host..x", "new..x", "new.", "."] {
            assert!(set(path).contains("has an empty part"), "{path}: {}", set(path));
        }
        assert_eq!(
            set("host.new.1"),
            r#"path: there is no "host.new.1": a new list begins with its item 0, or +"#
        );
        assert!(
            set(&vec!["x"; 101].join(".")).contains("the nesting depth is 101, the limit is 100")
        );
        assert!(set(&"x.".repeat(2048)).contains("the nesting depth"));
        assert_eq!(value, before);
        assert!(
            message(Value::Null.set("x", Value::Null)).contains("is null, not a map or a list")
        );
    }

    #[test]
    fn set_makes_what_is_missing() {
        let mut value = json(r#"{"a.b": {}, "c": [{"d": 1}], "empty": {}}"#);
        for (path, item) in [
            ("empty.new.key", 1),
            ("a.b.c.d", 2),
            ("list.0", 3),
            ("list.+", 4),
            ("list.2", 5),
            ("c.+.d", 6),
            ("c.0.e.f", 7),
            ("c.2.d.+.g", 8),
            ("x.0.+.y", 9),
            ("empty.0", 10),
            ("empty.1.z", 11),
        ] {
            assert_eq!(value.set(path, item.into()).expect(path), None, "{path}");
        }
        assert_eq!(
            value,
            json(
                r#"{"a.b": {"c": {"d": 2}}, "c": [{"d": 1, "e": {"f": 7}}, {"d": 6}, {"d": [{"g": 8}]}],
                    "empty": {"new": {"key": 1}, "0": 10, "1": {"z": 11}}, "list": [3, 4, 5],
                    "x": [[{"y": 9}]]}"#
            )
        );
        let hundred = vec!["x"; 100].join(".");
        value.set(&hundred.replacen('x', "deep", 1), 1.into()).unwrap();
        assert_eq!(value.depth(), MAX_DEPTH);
    }

    #[test]
    fn insert_key_takes_any_key() {
        let mut value = sample();
        value.insert_key("empty", "a.b", 1.into()).unwrap();
        value.insert_key("", "", 2.into()).unwrap();
        assert_eq!(value.get("empty.a.b").unwrap(), &Value::Int(1));
        assert_eq!(value.get_map("").unwrap().get(""), Some(&Value::Int(2)));
        assert!(
            message(value.insert_key("disk", "x", 1.into()))
                .contains("\"disk\" is a list, not a map")
        );
    }

    #[test]
    fn append_and_remove() {
        let mut value = sample();
        value.append("none", 1.into()).unwrap();
        value.append("none", 2.into()).unwrap();
        assert_eq!(value.remove("none.0").unwrap(), Value::Int(1));
        assert_eq!(value.get("none").unwrap(), &json("[2]"));
        assert_eq!(value.remove("vcpu.0.state").unwrap(), Value::Int(1));
        assert_eq!(value.remove("host.cpu.model").unwrap(), Value::from("EPYC"));
        assert!(value.remove("host.cpu.model").is_err());
        assert!(message(value.remove("")).contains("cannot be removed from itself"));
        assert!(message(value.append("host", 1.into())).contains("\"host\" is a map, not a list"));
    }

    #[test]
    fn depth_is_counted_to_400_levels_and_no_further() {
        let deep = |levels| (0..levels).fold(Value::Null, |below, _| Value::List(vec![below]));
        assert_eq!(deep(399).depth(), 399);
        assert_eq!(deep(401).depth(), 400);
    }

    #[test]
    fn nothing_nests_too_deep() {
        let mut value = nested(MAX_DEPTH);
        let bottom = vec!["0"; MAX_DEPTH - 1].join(".");
        assert!(message(value.append(&bottom, json("[]"))).contains("101, the limit is 100"));
        assert!(message(value.set(&format!("{bottom}.0"), json("{}"))).contains("101"));
        assert!(message(value.set(&format!("{bottom}.1"), json("{}"))).contains("101"));
        assert!(value.append(&bottom, 1.into()).is_ok());
        value.set(&bottom, json("{}")).unwrap();
        assert!(message(value.insert_key(&bottom, "x", json("{}"))).contains("101"));
        assert_eq!(value.depth(), MAX_DEPTH);
    }

    #[test]
    fn a_hostile_path_is_searched_quickly() {
        let mut value = Value::from(0);
        for _ in 0..90 {
            let mut map: Map = (0..40).map(|i| ("a".to_owned() + &".a".repeat(i), 0)).collect();
            map.insert("a", value);
            value = map.into();
        }
        assert!(value.get(&"a.".repeat(500)).is_err());
    }

    /// Every value inside `value`, with a path to it.
    fn all_paths(value: &Value, path: Option<&str>, out: &mut Vec<String>) {
        let children: Vec<(String, &Value)> = match value {
            Value::List(items) => {
                items.iter().enumerate().map(|(i, item)| (i.to_string(), item)).collect()
            }
            Value::Map(map) => map.iter().map(|(key, item)| (key.to_owned(), item)).collect(),
            _ => return,
        };
        for (key, child) in children {
            let below = path.map_or(key.clone(), |path| format!("{path}.{key}"));
            all_paths(child, Some(&below), out);
            out.push(below);
        }
    }

    proptest! {
        /// Several values can have the same path; whichever is meant, it must be
        /// the same one for reading and for writing.
        #[test]
        fn what_is_set_is_what_is_got(value in any_value(), pick in any::<prop::sample::Index>(), new in any_value()) {
            let mut paths = vec![String::new()];
            all_paths(&value, None, &mut paths);
            let path = &paths[pick.index(paths.len())];
            prop_assert!(value.get(path).is_ok(), "{}", path);

            let mut changed = value.clone();
            let old = changed.get_mut(path).unwrap().clone();
            prop_assert_eq!(value.get(path).unwrap(), &old);
            changed.set(path, new.clone()).unwrap();
            prop_assert_eq!(changed.get_mut(path).unwrap(), &new);
            changed.set(path, old.clone()).unwrap();
            prop_assert_eq!(&changed, &value);
            if !path.is_empty() {
                prop_assert_eq!(changed.remove(path).unwrap(), old);
            }
        }

        #[test]
        fn a_path_that_can_be_set_can_be_got(mut value in any_value(), path in "[abc.01]{0,6}", new in any_value()) {
            let before = value.clone();
            match value.set(&path, new.clone()) {
                Ok(_) => prop_assert_eq!(value.get(&path).unwrap(), &new),
                Err(_) => {
                    prop_assert!(before.get(&path).is_err());
                    prop_assert_eq!(value, before);
                }
            }
        }
    }
}

mod getters {
    use super::*;

    #[test]
    fn integers() {
        let value = json(
            r#"{"i": -5, "u": 18446744073709551615, "t": true, "s": "42", "n": "-7", "x": "4 2", "p": "+5", "big": "9999999999999999999", "d": 5.0}"#,
        );
        assert_eq!(value.get_int64("i").unwrap(), -5);
        assert_eq!(value.get_int64("t").unwrap(), 1);
        assert_eq!(value.get_int64("s").unwrap(), 42);
        assert_eq!(value.get_int64("n").unwrap(), -7);
        assert_eq!(value.get_uint64("u").unwrap(), u64::MAX);
        assert_eq!(value.get_uint64("s").unwrap(), 42);
        assert_eq!(value.get_uint64("big").unwrap(), 9_999_999_999_999_999_999);
        assert!(
            message(value.get_int64("u"))
                .contains("\"u\" is 18446744073709551615, which is too large")
        );
        assert!(message(value.get_uint64("i")).contains("\"i\" is -5, which is negative"));
        assert!(message(value.get_uint64("n")).contains("does not fit a uint64"));
        assert!(message(value.get_int64("big")).contains("does not fit an int64"));
        assert_eq!(
            message(value.get_int64("x")),
            r#"path: "x" is "4 2", which is not a decimal integer"#
        );
        assert_eq!(
            message(value.get_uint64("x")),
            r#"path: "x" is "4 2", which is not a decimal integer"#
        );
        assert!(value.get_int64("p").is_err());
        assert_eq!(message(value.get_int64("d")), r#"path: "d" is a double, not an integer"#);
        assert_eq!(
            message(value.get_int64("")),
            r#"path: "(the value itself)" is a map, not an integer"#
        );
        assert_eq!(Value::from(7).get_uint64("").unwrap(), 7);
    }

    #[test]
    fn doubles_bools_text_and_bytes() {
        let value = json(
            r#"{"d": 0.5, "i": 3, "s": "1.5e3", "inf": "inf", "yes": "yes", "no": "no", "two": 2, "one": 1, "b": {"$bytes": "/w=="}, "l": []}"#,
        );
        assert_eq!(value.get_double("d").unwrap(), 0.5);
        assert_eq!(value.get_double("i").unwrap(), 3.0);
        assert_eq!(value.get_double("s").unwrap(), 1500.0);
        assert!(value.get_double("inf").is_err());
        assert!(value.get_double("l").is_err());
        assert!(value.get_bool("yes").unwrap());
        assert!(!value.get_bool("no").unwrap());
        assert!(value.get_bool("one").unwrap());
        assert!(message(value.get_bool("two")).contains("is 2, which is not a bool"));
        assert!(message(value.get_bool("s")).contains("yes, no, true, false, 1 and 0 are"));
        assert_eq!(value.get_str("yes").unwrap(), "yes");
        assert_eq!(message(value.get_str("i")), r#"path: "i" is a uint64, not a string"#);
        assert_eq!(value.get_bytes("b").unwrap(), [0xFF]);
        assert_eq!(value.get_bytes("no").unwrap(), b"no");
        assert!(value.get_list("l").unwrap().is_empty());
        assert!(value.get_map("l").is_err() && value.get_list("b").is_err());
        let handle = Value::from(AnyHandle::for_test());
        assert_eq!(handle.get_handle("").unwrap().class_name(), "host");
        assert!(value.get_handle("l").is_err());
    }

    #[test]
    fn a_long_text_is_shortened_in_errors() {
        let value = Value::from("ä".repeat(1000));
        assert!(message(value.get_int64("")).len() < 300);
    }
}

#[test]
fn numbers_are_texts_as_perl_writes_them() {
    for (number, text) in [
        (5.5, "5.5"),
        (0.1 + 0.2, "0.3"),
        (-3.0, "-3"),
        (0.0, "0"),
        (1.0 / 3.0, "0.333333333333333"),
        (123_456_789_012_345.6, "123456789012346"),
        (1e15, "1e+15"),
        (1.5e21, "1.5e+21"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1e-300, "1e-300"),
    ] {
        assert_eq!(Value::Double(number).as_text().unwrap(), text);
    }
    assert_eq!(Value::Bool(true).as_text().unwrap(), "1");
    assert_eq!(Value::Bool(false).as_text().unwrap(), "");
    assert_eq!(Value::List(vec![]).as_text(), None);
}
