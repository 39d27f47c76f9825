// SPDX-License-Identifier: LGPL-2.1-or-later
use proptest::prelude::*;
use virt::sys;

use super::read::{field, value};
use super::{MULTIPLE, TypedParams, check_scalars, int};
use crate::error::Result;
use crate::value::{Map, Value};

fn known() -> TypedParams {
    let mut known = TypedParams::new();
    let types = [
        ("int", sys::VIR_TYPED_PARAM_INT, Value::Int(0)),
        ("uint", sys::VIR_TYPED_PARAM_UINT, Value::Uint(0)),
        ("llong", sys::VIR_TYPED_PARAM_LLONG, Value::Int(0)),
        ("ullong", sys::VIR_TYPED_PARAM_ULLONG, Value::Uint(0)),
        ("double", sys::VIR_TYPED_PARAM_DOUBLE, Value::Double(0.0)),
        ("bool", sys::VIR_TYPED_PARAM_BOOLEAN, Value::Bool(false)),
        ("text", sys::VIR_TYPED_PARAM_STRING, Value::String(String::new())),
    ];
    for (name, kind, value) in types {
        known.push(name, kind, &value, "params").unwrap();
    }
    known
}

proptest! {
    #[test]
    fn a_map_survives_the_way_through_typed_parameters(
        int: i32, uint: u32, llong: i64, ullong: u64, double in -1e300f64..1e300,
        truth: bool, text in "[^\0]{0,40}",
    ) {
        let mut map = Map::new();
        map.insert("ullong", ullong);
        map.insert("int", int);
        map.insert("uint", uint);
        map.insert("llong", llong);
        map.insert("double", double);
        map.insert("bool", truth);
        map.insert("text", text);
        let params = TypedParams::from_map(&map, &known(), "params").unwrap();
        prop_assert_eq!(Value::Map(params.to_map()), Value::Map(map));
    }
}

fn refusal(key: &'static str, value: impl Into<Value>) -> String {
    let mut map = Map::new();
    map.insert(key, value);
    TypedParams::from_map(&map, &known(), "params").unwrap_err().to_string()
}

#[test]
fn an_unknown_key_is_named_with_those_that_exist() {
    let text = refusal("cpu_sharse", 5);
    assert!(text.contains("\"cpu_sharse\""), "{text}");
    assert!(text.contains("int, uint, llong"), "{text}");
}

#[test]
fn what_does_not_fit_the_type_is_refused() {
    for (key, value, expected) in [
        ("int", Value::Int(1 << 40), "\"int\" is 1099511627776; a 32-bit integer is needed"),
        ("int", "1e12".into(), "\"int\" is \"1e12\"; a 32-bit integer is needed"),
        ("uint", (-1).into(), "\"uint\" is -1; a 32-bit integer that is not negative is needed"),
        ("llong", "4096x".into(), "\"llong\" is \"4096x\"; an integer is needed"),
        ("llong", "".into(), "\"llong\" is \"\"; an integer is needed"),
        ("llong", "inf".into(), "\"llong\" is \"inf\"; an integer is needed"),
        ("llong", f64::NAN.into(), "\"llong\" is NaN; an integer is needed"),
        ("llong", 1e30.into(), "a 64-bit integer is needed"),
        (
            "ullong",
            "18446744073709551616".into(),
            "a 64-bit integer that is not negative is needed",
        ),
        ("ullong", "1".repeat(60).into(), "a 64-bit integer that is not negative is needed"),
        ("double", "1.5x".into(), "\"double\" is \"1.5x\"; a number is needed"),
        ("bool", 2.into(), "\"bool\" is 2; true or false is needed"),
        ("uint", Value::Null, "\"uint\" is null, not an integer"),
        ("ullong", Value::List(vec![]), "\"ullong\" is a list, not an integer"),
    ] {
        let message = refusal(key, value);
        assert!(message.contains(expected), "{message}");
    }
    assert!(refusal("bool", "perhaps").contains("\"bool\""));
    assert!(refusal("text", Value::List(vec![])).contains("\"text\""));
    assert!(refusal("text", "a\0b").contains("NUL"));
    assert!(refusal("double", "x").contains("\"double\""));
}

#[test]
fn numbers_are_read_as_perl_reads_them() {
    for (key, value, expected) in [
        ("ullong", Value::from("4096 "), Value::Uint(4096)),
        ("ullong", " +4096\n".into(), Value::Uint(4096)),
        ("ullong", "1e3".into(), Value::Uint(1000)),
        ("ullong", "3333.9".into(), Value::Uint(3333)),
        ("ullong", (10000.0 / 3.0).into(), Value::Uint(3333)),
        ("ullong", "18446744073709551615".into(), Value::Uint(u64::MAX)),
        ("llong", "-9223372036854775808".into(), Value::Int(i64::MIN)),
        ("int", "-7.9".into(), Value::Int(-7)),
        ("uint", false.into(), Value::Uint(0)),
        ("uint", (-0.5).into(), Value::Uint(0)),
        ("double", " 1.5e1 ".into(), Value::Double(15.0)),
        ("double", 3.into(), Value::Double(3.0)),
    ] {
        let map = Map::from_iter([(key, value.clone())]);
        let params = TypedParams::from_map(&map, &known(), "params");
        let read = params.expect(key).to_map().get(key).cloned();
        assert_eq!(read, Some(expected), "{value:?}");
    }
}

fn from_table(map: Value) -> Result<Vec<(String, Value)>> {
    let table = [
        ("one", sys::VIR_TYPED_PARAM_STRING),
        ("many", sys::VIR_TYPED_PARAM_STRING | MULTIPLE),
        ("numbers", sys::VIR_TYPED_PARAM_INT | MULTIPLE),
    ];
    let Value::Map(map) = map else { panic!("no map") };
    let params = TypedParams::from_table(&map, &table, "params")?;
    let pair = |param| (field(param).to_string_lossy().into_owned(), value(param));
    Ok(params.as_slice().iter().map(pair).collect())
}

#[test]
fn a_list_becomes_as_many_parameters() {
    let text = |text: &str| Value::String(text.to_owned());
    let mut map = Map::new();
    map.insert("many", Value::List(vec![text("vda"), text("vdb")]));
    map.insert("one", "x");
    let expected = [("many", "vda"), ("many", "vdb"), ("one", "x")];
    let expected = expected.map(|(name, value)| (name.to_owned(), text(value)));
    assert_eq!(from_table(Value::Map(map)).unwrap(), expected);
}

#[test]
fn what_may_be_a_list_may_be_one_value_too_and_has_the_type_of_the_table() {
    let map = |value| Value::Map(Map::from_iter([("numbers", value)]));
    let one = from_table(map("7".into())).unwrap();
    assert_eq!(one, [("numbers".to_owned(), Value::Int(7))]);
    let two = from_table(map(Value::List(vec![7.into(), "8".into()]))).unwrap();
    assert_eq!(two, [7, 8].map(|number| ("numbers".to_owned(), Value::Int(number))));
}

#[test]
fn a_list_is_refused_where_one_value_is_wanted_and_so_is_what_it_must_not_hold() {
    let refused = |key: &'static str, item: Value| {
        let mut map = Map::new();
        map.insert(key, Value::List(vec![item]));
        from_table(Value::Map(map)).unwrap_err().to_string()
    };
    assert!(refused("one", Value::Int(1)).contains("\"one\" is a list"));
    assert!(refused("many", Value::List(vec![])).contains("\"many\" is a list"));
    assert!(refused("mny", Value::Int(1)).contains("one, many, numbers"));
}

/// Lets `ask` get parameters from a getter of libvirt's that knows `known`, reports `reported` of
/// them and fills in as many as there is room for.
fn asked(known: &TypedParams, reported: i32) -> Result<TypedParams> {
    TypedParams::ask(|array, len| {
        if array.is_null() {
            *len = reported;
        } else {
            let count = known.as_slice().len().min(*len as usize);
            // SAFETY: there is room for `len`, and the texts stay `known`'s: there are none.
            unsafe { array.copy_from_nonoverlapping(known.as_slice().as_ptr(), count) };
            *len = known.as_slice().len() as i32;
        }
        Ok(())
    })
}

fn numbers() -> TypedParams {
    let mut numbers = TypedParams::new();
    numbers.push("one", sys::VIR_TYPED_PARAM_INT, &Value::Int(1), "params").unwrap();
    numbers.push("two", sys::VIR_TYPED_PARAM_UINT, &Value::Uint(2), "params").unwrap();
    numbers
}

#[test]
fn what_a_getter_fills_in_is_read_up_to_the_room_that_it_was_given() {
    let names = |params: &TypedParams| {
        params.entries().into_iter().map(|(name, _)| name.into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&asked(&numbers(), 2).unwrap()), ["one", "two"]);
    assert_eq!(names(&asked(&numbers(), 5).unwrap()), ["one", "two"], "fewer than were reported");
    assert_eq!(names(&asked(&numbers(), 1).unwrap()), ["one"], "more than were reported");
    assert!(names(&asked(&numbers(), 0).unwrap()).is_empty());
    assert!(names(&asked(&numbers(), -1).unwrap()).is_empty());
}

#[test]
fn libvirt_gets_the_array_and_no_null_for_an_empty_one() {
    let (array, len) = numbers().as_raw();
    assert!(!array.is_null());
    assert_eq!(len, 2);
    let (array, len) = TypedParams::new().as_raw();
    assert!(!array.is_null());
    assert_eq!(len, 0);
}

#[test]
fn wiping_empties_the_texts_and_nothing_else() {
    let mut params = numbers();
    params.push("text", sys::VIR_TYPED_PARAM_STRING, &"secret".into(), "params").unwrap();
    params.wipe();
    let map = params.to_map();
    assert_eq!(map.get("text"), Some(&Value::String(String::new())));
    assert_eq!(map.get("one"), Some(&Value::Int(1)));
    assert_eq!(map.get("two"), Some(&Value::Uint(2)));
}

#[test]
fn an_integer_is_found_by_its_name() {
    let mut params = numbers();
    params.push("big", sys::VIR_TYPED_PARAM_ULLONG, &Value::Uint(1 << 40), "params").unwrap();
    params.push("text", sys::VIR_TYPED_PARAM_STRING, &"3".into(), "params").unwrap();
    let found = |name| int(params.as_slice(), name);
    assert_eq!(found(c"one"), Some(1));
    assert_eq!(found(c"two"), Some(2));
    assert_eq!(found(c"three"), None, "there is none of this name");
    assert_eq!(found(c"big"), None, "it has no room in an int");
    assert_eq!(found(c"text"), None, "it is no integer");
}

#[test]
fn only_scalars_are_taken_where_the_driver_is_asked_for_types() {
    let check = |value: Value| check_scalars(&Map::from_iter([("key", value)]), "params");
    for scalar in [Value::Null, true.into(), 1.into(), 1.5.into(), "text".into()] {
        check(scalar).unwrap();
    }
    for other in [Value::List(vec![]), Value::Map(Map::new())] {
        assert!(check(other).unwrap_err().to_string().contains("\"key\""));
    }
}

#[test]
fn a_driver_without_parameters_refuses_every_key_and_says_why() {
    let map = Map::from_iter([("cpu_shares", 5)]);
    let error = TypedParams::from_map(&map, &TypedParams::new(), "params").unwrap_err();
    let said = error.to_string();
    assert!(said.contains("\"cpu_shares\""), "{said}");
    assert!(said.contains("this driver has no such parameters"), "{said}");
}

#[test]
fn an_error_has_the_key_and_the_type_that_is_needed_as_its_texts() {
    for (key, wanted) in [
        ("int", c"int"),
        ("uint", c"uint"),
        ("llong", c"llong"),
        ("ullong", c"ullong"),
        ("double", c"double"),
        ("bool", c"boolean"),
        ("text", c"string"),
    ] {
        let map = Map::from_iter([(key, Value::List(vec![]))]);
        let error = TypedParams::from_map(&map, &known(), "params").unwrap_err();
        let [first, second, _] = &error.details().strings;
        assert_eq!(first.as_deref().map(|text| text.to_bytes()), Some(key.as_bytes()));
        assert_eq!(second.as_deref(), Some(wanted));
    }
}
