// SPDX-License-Identifier: LGPL-2.1-or-later
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
use std::cell::Cell;
use std::{fmt, io};

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::{MAX_DEPTH, Map, Value};
use crate::error::{Error, Misuse, Result};
use crate::memory;

/// The parameter that a document is given as.
const PARAMETER: &str = "json";

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
        let mut out = Out { text: Vec::new(), missing: None };
        let written = if pretty {
            serde_json::to_writer_pretty(&mut out, self)
        } else {
            serde_json::to_writer(&mut out, self)
        };
        if let Some(size) = out.missing {
            return Err(memory::none("value", size));
        }
        written.map_err(|error| {
            let depth = self.depth();
            if depth > MAX_DEPTH {
                return too_deep("value", depth).into();
            }
            let not_finite = |v: &Value| matches!(v, Value::Double(d) if !d.is_finite());
            let reason = match self.find(&not_finite) {
                Some(way) if !way.is_empty() => format!("\"{}\": {error}", way.join(".")),
                _ => error.to_string(),
            };
            Error::from(Misuse::Invalid { parameter: "value", reason })
        })?;
        String::from_utf8(out.text)
            .map_err(|_| Misuse::Internal { what: "JSON that is not UTF-8".to_owned() }.into())
    }

    /// Reads JSON text, such as [`Value::to_json`] writes.
    ///
    /// Whole numbers become integers, or doubles if they do not fit 64 bits; a
    /// number with a point or an exponent becomes a double. Of repeated keys the
    /// last value wins. A syntax error names line and column.
    pub fn from_json(text: &str) -> Result<Value> {
        let mut reader = serde_json::Deserializer::from_str(text);
        memory::prepare();
        // Its limit is below what an escaped value may need; ours is in `Seed`.
        reader.disable_recursion_limit();
        let room = Room::new(text);
        let value = Seed { depth: 0, literal: false, room: &room }
            .deserialize(&mut reader)
            .and_then(|value| reader.end().map(|()| value))
            .map_err(|error| {
                room.take_error().unwrap_or_else(|| syntax_error(text, &error).into())
            })?;
        match value.depth() {
            depth if depth > MAX_DEPTH => Err(too_deep("json", depth).into()),
            _ => Ok(value),
        }
    }
}

/// Where JSON is written to. serde_json's own way to a text ends the process when there
/// is no memory.
struct Out {
    text: Vec<u8>,
    /// How many bytes could not be had.
    missing: Option<usize>,
}

impl io::Write for Out {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        self.write_all(piece)?;
        Ok(piece.len())
    }

    fn write_all(&mut self, piece: &[u8]) -> io::Result<()> {
        if self.text.try_reserve(piece.len()).is_err() {
            self.missing = Some(self.text.len() + piece.len());
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.text.extend_from_slice(piece);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
            Value::Bytes(v) => single(out, BYTES, &Base64(v)),
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

/// Bytes that are encoded while they are written.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> std::result::Result<S::Ok, S::Error> {
        out.collect_str(&Base64Display::new(self.0, &BASE64))
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

/// The memory of a document that is being read. serde_json's errors are texts, so the
/// one about memory is kept here meanwhile.
struct Room {
    error: Cell<Option<Error>>,
    /// What serde_json may need for the longest text with escapes, which it writes to a
    /// buffer of its own: that buffer doubles, and is copied while it does.
    buffer: usize,
    /// How much has been allocated since it was last known that there is room for it.
    since: Cell<usize>,
}

/// After as much has been allocated it is asked again whether there is room for
/// serde_json's buffer.
const AGAIN: usize = 1 << 20;

impl Room {
    fn new(text: &str) -> Self {
        let buffer = 3 * longest_with_escapes(text);
        Room { error: Cell::new(None), buffer, since: Cell::new(AGAIN) }
    }

    fn take_error(&self) -> Option<Error> {
        self.error.take()
    }

    /// Keeps the error, if there is one.
    fn keep<T, E: de::Error>(&self, result: Result<T>) -> std::result::Result<T, E> {
        result.map_err(|error| {
            self.error.set(Some(error));
            E::custom("there is no memory")
        })
    }

    /// Before something of `size` bytes is allocated.
    fn before<E: de::Error>(&self, size: usize) -> std::result::Result<(), E> {
        if self.buffer <= memory::SMALL {
            return Ok(());
        }
        let since = self.since.get() + size;
        if since < AGAIN {
            self.since.set(since);
            return Ok(());
        }
        self.since.set(0);
        self.keep(memory::probe(self.buffer + size + AGAIN, PARAMETER))
    }

    fn text<E: de::Error>(&self, text: &str) -> std::result::Result<String, E> {
        self.before(text.len())?;
        self.keep(memory::text(text, PARAMETER))
    }
}

/// How many bytes the longest text has that is written with escapes, at most. Of a text
/// that is not long, 0.
fn longest_with_escapes(text: &str) -> usize {
    if text.len() <= memory::SMALL || !text.contains('\\') {
        return 0;
    }
    let (mut longest, mut start, mut escapes, mut inside) = (0, 0, false, false);
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' if !inside => (start, escapes, inside) = (at, false, true),
            b'"' => {
                inside = false;
                if escapes {
                    longest = longest.max(at - start);
                }
            }
            b'\\' => {
                escapes = true;
                bytes.next();
            }
            _ => {}
        }
    }
    // What is not closed is read up to the end before it is refused.
    if inside && escapes { longest.max(text.len() - start) } else { longest }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Seed<'r> {
    depth: usize,
    /// The value stands under "$map": leave the meaning of its keys open.
    literal: bool,
    room: &'r Room,
}

impl Seed<'_> {
    fn below<E: de::Error>(self) -> std::result::Result<Self, E> {
        if self.depth == MAX_JSON_DEPTH {
            return Err(E::custom(format_args!("it nests more than {MAX_DEPTH} levels deep")));
        }
        Ok(Seed { depth: self.depth + 1, literal: false, ..self })
    }
}

/// Reads the key of a map.
struct KeySeed<'r>(&'r Room);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> std::result::Result<String, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for KeySeed<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> std::result::Result<String, E> {
        self.0.text(key)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> std::result::Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
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

    fn visit_str<E: de::Error>(self, v: &str) -> std::result::Result<Value, E> {
        self.room.text(v).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> std::result::Result<Value, A::Error> {
        let seed = self.below()?;
        let mut items = Vec::new();
        while let Some(item) = input.next_element_seed(seed)? {
            if items.len() == items.capacity() {
                self.room.before(items.len() * size_of::<Value>())?;
            }
            self.room.keep(memory::push(&mut items, item, PARAMETER))?;
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> std::result::Result<Value, A::Error> {
        let seed = self.below()?;
        let mut map = Map::new();
        while let Some(key) = input.next_key_seed(KeySeed(self.room))? {
            // What stands under "$map" is read literally. Whether that was right
            // is known when the map ends: `interpret` makes up for it if not.
            let literal = key == MAP;
            let value = input.next_value_seed(Seed { literal, ..seed })?;
            self.room.keep(map.try_insert(key, value, PARAMETER))?;
        }
        if self.literal { Ok(Value::Map(map)) } else { interpret(map, self.room) }
    }
}

/// Gives the keys of a map that was read literally their special meaning.
fn interpret<E: de::Error>(map: Map, room: &Room) -> std::result::Result<Value, E> {
    if !is_reserved(&map) {
        return plain(map, room);
    }
    let (key, value) = map.into_iter().next().unwrap_or((Cow::Borrowed(""), Value::Null));
    match (&*key, value) {
        (BYTES, Value::String(text)) => {
            let most = base64::decoded_len_estimate(text.len());
            room.before(most)?;
            let mut bytes = room.keep(memory::list(most, PARAMETER))?;
            bytes.resize(most, 0);
            let length = BASE64.decode_slice(&text, &mut bytes).map_err(|e| {
                E::custom(format_args!("the text of \"$bytes\" is not base64: {e}"))
            })?;
            bytes.truncate(length);
            Ok(Value::Bytes(bytes))
        }
        (HANDLE, _) => Err(E::custom("a handle (\"$handle\") cannot be read back from JSON")),
        (MAP, Value::Map(map)) => plain(map, room),
        (_, value) => {
            let wanted = if key == BYTES { "base64 text" } else { "a map" };
            Err(E::custom(format_args!(
                "\"{key}\" must contain {wanted}, not {}",
                value.kind().phrase()
            )))
        }
    }
}

/// Finishes a map whose own keys have no special meaning: what stands under an
/// ordinary "$map" was read literally but is a value like any other.
fn plain<E: de::Error>(mut map: Map, room: &Room) -> std::result::Result<Value, E> {
    if let Some(slot @ Value::Map(_)) = map.get_mut(MAP) {
        if let Value::Map(inner) = std::mem::replace(slot, Value::Null) {
            *slot = interpret(inner, room)?;
        }
    }
    Ok(Value::Map(map))
}
