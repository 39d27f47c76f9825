// SPDX-License-Identifier: LGPL-2.1-or-later
use proptest::prelude::*;

use super::tests::any_value;
use super::*;

fn read(text: &str) -> Value {
    Value::from_json(text).expect(text)
}

fn message(text: &str) -> String {
    Value::from_json(text).expect_err(text).to_string()
}

#[test]
fn values_are_written_and_read() {
    let text = r#"{"n":null,"t":true,"i":-5,"u":18446744073709551615,"d":5.0,"s":"ä\n","l":[1,[]],"m":{}}"#;
    let value = read(text);
    assert_eq!(value.get("d").unwrap(), &Value::Double(5.0));
    assert_eq!(value.get("u").unwrap(), &Value::Uint(u64::MAX));
    assert_eq!(value.to_json(false).unwrap(), text);
    assert_eq!(read(r#"{"a":[1]}"#).to_json(true).unwrap(), "{\n  \"a\": [\n    1\n  ]\n}");
    assert_eq!(read("1e3"), Value::Double(1000.0));
    assert_eq!(read("18446744073709551616"), Value::Double(18446744073709551616.0));
    assert_eq!(read(r#"{"a":1,"b":2,"a":3}"#).to_json(false).unwrap(), r#"{"a":3,"b":2}"#);
}

#[test]
fn bytes_and_handles_have_reserved_keys() {
    let bytes = Value::Bytes(vec![0, 255]);
    assert_eq!(bytes.to_json(false).unwrap(), r#"{"$bytes":"AP8="}"#);
    assert_eq!(read(r#"{"$bytes":"AP8="}"#), bytes);
    let handle = Value::List(vec![AnyHandle::for_test().into()]);
    assert_eq!(handle.to_json(false).unwrap(), r#"[{"$handle":"host"}]"#);
    assert!(message(r#"{"$handle":"host"}"#).contains("cannot be read back"));
    assert!(message(r#"{"$bytes":"???"}"#).contains("not base64"));
    assert!(message(r#"{"$bytes":5}"#).contains("must contain base64 text, not a uint64"));
    assert!(message(r#"{"$map":[]}"#).contains("must contain a map, not a list"));
}

#[test]
fn maps_with_reserved_keys_are_escaped() {
    for (json, keys) in [
        (r#"{"$map":{"$bytes":"x"}}"#, "$bytes"),
        (r#"{"$map":{"$handle":1}}"#, "$handle"),
        (r#"{"$map":{"$map":{"$bytes":"AA=="}}}"#, "$map"),
        (r#"{"$map":{"$map":{"$map":{"$map":{}}}}}"#, "$map"),
        (r#"{"$bytes":"x","y":1}"#, "$bytes y"),
        (r#"{"$map":{"$map":{"$bytes":"AA=="}},"y":1}"#, "$map y"),
        (r#"{"$map":{"$map":{"$map":{"$bytes":""}},"z":1},"y":1}"#, "$map y"),
    ] {
        let value = read(json);
        let found: Vec<_> = value.get_map("").unwrap().iter().map(|(key, _)| key).collect();
        assert_eq!(found.join(" "), keys, "{json}");
        assert_eq!(value.to_json(false).unwrap(), json);
    }
    let inner = read(r#"{"$map":{"$map":{"$bytes":"AA=="}},"y":1}"#);
    assert_eq!(inner.get("$map").unwrap().get_str("$bytes").unwrap(), "AA==");
}

#[test]
fn what_json_cannot_express_is_an_error_with_a_path() {
    let bad = read(r#"{"a":[1,{"b.c":0}]}"#);
    for (number, name) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf"), (f64::NEG_INFINITY, "-inf")] {
        let mut bad = bad.clone();
        bad.set("a.1.b.c", number.into()).unwrap();
        let error = bad.to_json(false).unwrap_err().to_string();
        assert_eq!(error, format!("value: \"a.1.b.c\": JSON cannot express the number {name}"));
    }
}

#[test]
fn a_syntax_error_has_a_position_in_characters() {
    assert!(message("{\n \"ä\" 1}").contains("line 2, column 6: expected `:`"));
    assert!(message("").contains("line 1, column 1: EOF while parsing a value"));
    assert!(message("[1] x").contains("line 1, column 5: trailing characters"));
    assert!(message("[1,\n\n").contains("line 3, column 1"));
    for bad in ["nul", "{\"a\"}", "[1,]", "01", "\"\\ud800\"", "\u{FEFF}1", "1e999", "'a'", "[1]]"]
    {
        assert!(message(bad).starts_with("json: JSON is malformed at line 1"), "{bad}");
    }
}

#[test]
fn depth_is_limited_both_ways() {
    let lists = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert_eq!(read(&lists(MAX_DEPTH)).depth(), MAX_DEPTH);
    assert!(message(&lists(MAX_DEPTH + 1)).contains("the nesting depth is 101, the limit is 100"));
    assert!(message(&lists(200_000)).contains("nests more than 100 levels"));
    let maps = format!("{}1{}", "{\"$map\":".repeat(200_000), "}".repeat(200_000));
    assert!(message(&maps).contains("nests more than 100 levels"));

    let deep = (0..MAX_DEPTH + 1).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let error = deep.to_json(false).unwrap_err().to_string();
    assert_eq!(error, "value: the nesting depth is 101, the limit is 100");

    // The deepest that can be written: an escaped map on each level, then bytes.
    let deepest = (0..MAX_DEPTH)
        .fold(Value::Bytes(vec![1]), |inner, _| Value::from(Map::from_iter([("$map", inner)])));
    assert_eq!(read(&deepest.to_json(false).unwrap()), deepest);
}

proptest! {
    #[test]
    fn a_value_survives_json(value in any_value(), pretty: bool) {
        let text = value.to_json(pretty).unwrap();
        let back = Value::from_json(&text).unwrap();
        prop_assert_eq!(&back, &value);
        // The order is the same as well, which equality does not tell.
        prop_assert_eq!(back.to_json(pretty).unwrap(), text);
    }

    #[test]
    fn no_text_upsets_the_reader(text in "[\\[\\]{}\":,0-9a$mapbytes .e-]{0,40}") {
        if let Ok(value) = Value::from_json(&text) {
            prop_assert_eq!(&Value::from_json(&value.to_json(false).unwrap()).unwrap(), &value);
        }
    }
}
