//! JSON out and in.
//!
//! JSON has no bytes and no handles, so these are maps with one reserved key:
//!
//! | value                                              | JSON                      |
//! |----------------------------------------------------|---------------------------|
//! | bytes                                              | `{"$bytes":"<base64>"}`   |
//! | a handle                                           | `{"$handle":"domain"}`    |
//! | a map whose only key is one of these three         | `{"$map":{...the map...}}`|

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{MAX_DEPTH, Map, Value};
use crate::error::{Misuse, Result};

const BYTES: &str = "$bytes";
const HANDLE: &str = "$handle";
const MAP: &str = "$map";

/// Each level of a value is at most two levels of JSON (`{"$map":{...}}`), and
/// bytes at the bottom are one more.
const MAX_JSON_DEPTH: usize = 2 * MAX_DEPTH + 1;

impl Value {
    /// Writes the value as JSON text, on one line or (`pretty`) indented by two
    /// spaces.
    ///
    /// A double is always written with a point or an exponent (`5.0`), so that
    /// it is a double again when it is read. Bytes are written as
    /// `{"$bytes":"<base64>"}` and come back as bytes; a handle is written as
    /// `{"$handle":"domain"}` and cannot be read back.
    ///
    /// JSON cannot express NaN and infinity: a value that holds one is an error
    /// that names its path.
    pub fn to_json(&self, pretty: bool) -> Result<String> {
        let text =
            if pretty { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        text.map_err(|error| {
            let depth = self.depth();
            if depth > MAX_DEPTH {
                return too_deep("value", depth).into();
            }
            let not_finite = |v: &Value| matches!(v, Value::Double(d) if !d.is_finite());
            let reason = match self.find(&not_finite) {
                Some(way) if !way.is_empty() => format!("\"{}\": {error}", way.join(".")),
                _ => error.to_string(),
            };
            Misuse::Invalid { parameter: "value", reason }.into()
        })
    }

    /// Reads JSON text, such as [`Value::to_json`] writes.
    ///
    /// Whole numbers become integers, or doubles if they do not fit 64 bits; a
    /// number with a point or an exponent becomes a double. Of repeated keys the
    /// last value wins. A syntax error names line and column.
    pub fn from_json(text: &str) -> Result<Value> {
        let mut reader = serde_json::Deserializer::from_str(text);
        // Its limit is below what an escaped value may need; ours is in `Seed`.
        reader.disable_recursion_limit();
        let value = Value::deserialize(&mut reader)
            .and_then(|value| reader.end().map(|()| value))
            .map_err(|error| syntax_error(text, &error))?;
        match value.depth() {
            depth if depth > MAX_DEPTH => Err(too_deep("json", depth).into()),
            _ => Ok(value),
        }
    }
}

fn too_deep(parameter: &'static str, depth: usize) -> Misuse {
    Misuse::TooLarge {
        parameter,
        what: "the nesting depth",
        actual: depth as u64,
        limit: MAX_DEPTH as u64,
    }
}

fn syntax_error(text: &str, error: &serde_json::Error) -> Misuse {
    let mut reason = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    if reason.ends_with(&position) {
        reason.truncate(reason.len() - position.len());
    }
    // serde_json counts bytes, people count characters.
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let read = &line.as_bytes()[..error.column().min(line.len())];
    let column = String::from_utf8_lossy(read).chars().count().max(1);
    Misuse::JsonSyntax {
        parameter: "json",
        line: error.line().max(1) as u64,
        column: column as u64,
        reason,
    }
}

fn is_reserved(map: &Map) -> bool {
    map.len() == 1 && map.iter().all(|(key, _)| [BYTES, HANDLE, MAP].contains(&key))
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, out: S) -> std::result::Result<S::Ok, S::Error> {
        Node { value: self, depth: 0 }.serialize(out)
    }
}

/// A value `depth` levels below the one that is being written.
struct Node<'a> {
    value: &'a Value,
    depth: usize,
}

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> std::result::Result<S::Ok, S::Error> {
        let depth = self.depth + 1;
        if depth > MAX_DEPTH && self.value.is_container() {
            return Err(ser::Error::custom(format_args!(
                "it nests more than {MAX_DEPTH} levels deep"
            )));
        }
        match self.value {
            Value::Null => out.serialize_unit(),
            Value::Bool(v) => out.serialize_bool(*v),
            Value::Int(v) => out.serialize_i64(*v),
            Value::Uint(v) => out.serialize_u64(*v),
            Value::Double(v) if v.is_finite() => out.serialize_f64(*v),
            Value::Double(v) => {
                Err(ser::Error::custom(format_args!("JSON cannot express the number {v}")))
            }
            Value::String(v) => out.serialize_str(v),
            Value::Bytes(v) => single(out, BYTES, &BASE64.encode(v)),
            Value::Handle(v) => single(out, HANDLE, v.class_name()),
            Value::List(items) => {
                let mut list = out.serialize_seq(Some(items.len()))?;
                for value in items {
                    list.serialize_element(&Node { value, depth })?;
                }
                list.end()
            }
            Value::Map(map) if is_reserved(map) => single(out, MAP, &Entries { map, depth }),
            Value::Map(map) => Entries { map, depth }.serialize(out),
        }
    }
}

fn single<S: Serializer, T: Serialize + ?Sized>(
    out: S,
    key: &'static str,
    value: &T,
) -> std::result::Result<S::Ok, S::Error> {
    let mut map = out.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

struct Entries<'a> {
    map: &'a Map,
    depth: usize,
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> std::result::Result<S::Ok, S::Error> {
        let mut entries = out.serialize_map(Some(self.map.len()))?;
        for (key, value) in self.map {
            entries.serialize_entry(key, &Node { value, depth: self.depth })?;
        }
        entries.end()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> std::result::Result<Self, D::Error> {
        Seed { depth: 0, literal: false }.deserialize(input)
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Seed {
    depth: usize,
    /// The value stands under "$map": leave the meaning of its keys open.
    literal: bool,
}

impl Seed {
    fn below<E: de::Error>(self) -> std::result::Result<Seed, E> {
        if self.depth == MAX_JSON_DEPTH {
            return Err(E::custom(format_args!("it nests more than {MAX_DEPTH} levels deep")));
        }
        Ok(Seed { depth: self.depth + 1, literal: false })
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> std::result::Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> std::result::Result<Value, E> {
        Ok(Value::Int(v))
    }

    fn visit_u64<E>(self, v: u64) -> std::result::Result<Value, E> {
        Ok(Value::Uint(v))
    }

    fn visit_f64<E>(self, v: f64) -> std::result::Result<Value, E> {
        Ok(Value::Double(v))
    }

    fn visit_str<E>(self, v: &str) -> std::result::Result<Value, E> {
        Ok(Value::String(v.to_owned()))
    }

    fn visit_string<E>(self, v: String) -> std::result::Result<Value, E> {
        Ok(Value::String(v))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> std::result::Result<Value, A::Error> {
        let seed = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(seed)? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> std::result::Result<Value, A::Error> {
        let seed = self.below()?;
        let mut map = Map::new();
        while let Some(key) = input.next_key::<String>()? {
            // What stands under "$map" is read literally. Whether that was right
            // is known when the map ends: `interpret` makes up for it if not.
            let literal = key == MAP;
            map.insert(key, input.next_value_seed(Seed { literal, ..seed })?);
        }
        if self.literal { Ok(Value::Map(map)) } else { interpret(map) }
    }
}

/// Gives the keys of a map that was read literally their special meaning.
fn interpret<E: de::Error>(map: Map) -> std::result::Result<Value, E> {
    if !is_reserved(&map) {
        return plain(map);
    }
    let (key, value) = map.into_iter().next().unwrap_or((Cow::Borrowed(""), Value::Null));
    match (&*key, value) {
        (BYTES, Value::String(text)) => BASE64
            .decode(&text)
            .map(Value::Bytes)
            .map_err(|e| E::custom(format_args!("the text of \"$bytes\" is not base64: {e}"))),
        (HANDLE, _) => Err(E::custom("a handle (\"$handle\") cannot be read back from JSON")),
        (MAP, Value::Map(map)) => plain(map),
        (_, value) => {
            let wanted = if key == BYTES { "base64 text" } else { "a map" };
            Err(E::custom(format_args!(
                "\"{key}\" must hold {wanted}, not {}",
                value.kind().phrase()
            )))
        }
    }
}

/// Finishes a map whose own keys have no special meaning: what stands under an
/// ordinary "$map" was read literally but is a value like any other.
fn plain<E: de::Error>(mut map: Map) -> std::result::Result<Value, E> {
    if let Some(slot @ Value::Map(_)) = map.get_mut(MAP)
        && let Value::Map(inner) = std::mem::replace(slot, Value::Null)
    {
        *slot = interpret(inner)?;
    }
    Ok(Value::Map(map))
}
