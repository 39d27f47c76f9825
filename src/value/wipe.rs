// SPDX-License-Identifier: LGPL-2.1-or-later
//! Wiping: a [`Value`] may hold secrets, which are not to stay in memory that is freed.

use zeroize::Zeroize;

use super::{Map, Value};

impl Zeroize for Value {
    /// Overwrites all texts and bytes, at any depth, and makes the value null.
    fn zeroize(&mut self) {
        self.overwrite();
        *self = Value::Null;
    }
}

impl Value {
    /// Leaves all texts and bytes empty, and zeros where they were.
    fn overwrite(&mut self) {
        match self {
            Value::String(text) => text.zeroize(),
            Value::Bytes(bytes) => bytes.zeroize(),
            Value::List(items) => items.iter_mut().for_each(Value::overwrite),
            Value::Map(map) => map.overwrite(),
            _ => {}
        }
    }
}

impl Zeroize for Map {
    /// Overwrites all values, as above. The keys stay.
    fn zeroize(&mut self) {
        self.each(Value::zeroize);
    }
}

impl Map {
    fn overwrite(&mut self) {
        self.each(Value::overwrite);
    }

    fn each(&mut self, wipe: fn(&mut Value)) {
        for index in 0..self.len() {
            if let Some(value) = self.get_index_mut(index) {
                wipe(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text in a small map, and bytes and a large map in a list.
    fn secrets() -> Map {
        let mut large = Map::new();
        for number in 0..40 {
            large.insert(format!("key{number}"), "inner secret");
        }
        let mut map = Map::new();
        map.insert("text", "secret");
        map.insert("list", Value::List(vec![Value::Bytes(b"bytes".to_vec()), Value::Map(large)]));
        map.insert("number", 7);
        map
    }

    /// How many texts and bytes there are, of which all must be empty.
    fn wiped(value: &Value) -> usize {
        match value {
            Value::String(text) => {
                assert_eq!(text, "");
                1
            }
            Value::Bytes(bytes) => {
                assert_eq!(bytes, b"");
                1
            }
            Value::List(items) => items.iter().map(wiped).sum(),
            Value::Map(map) => map.iter().map(|(_key, value)| wiped(value)).sum(),
            _ => 0,
        }
    }

    #[test]
    fn texts_and_bytes_of_all_levels_are_overwritten() {
        let mut value = Value::Map(secrets());
        value.overwrite();
        assert_eq!(wiped(&value), 42);
    }

    #[test]
    fn a_wiped_map_has_its_keys_and_no_values() {
        let mut map = secrets();
        map.zeroize();
        let keys: Vec<_> = map.iter().map(|(key, _value)| key).collect();
        assert_eq!(keys, ["text", "list", "number"]);
        assert!(map.iter().all(|(_key, value)| matches!(value, Value::Null)));
    }
}
