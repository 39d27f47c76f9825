//! Wiping: a [`Value`] may hold secrets, which are not to stay in memory that is freed.

use zeroize::Zeroize;

use super::{Map, Value};

impl Zeroize for Value {
    /// Overwrites all texts and bytes, at any depth, and makes the value null.
    fn zeroize(&mut self) {
        match self {
            Value::String(text) => text.zeroize(),
            Value::Bytes(bytes) => bytes.zeroize(),
            Value::List(items) => items.iter_mut().for_each(Value::zeroize),
            Value::Map(map) => map.zeroize(),
            _ => {}
        }
        *self = Value::Null;
    }
}

impl Zeroize for Map {
    /// Overwrites all values, as above. The keys stay.
    fn zeroize(&mut self) {
        for index in 0..self.len() {
            if let Some(value) = self.get_index_mut(index) {
                value.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reaches_all_levels() {
        let mut large = Map::new();
        for number in 0..40 {
            large.insert(format!("key{number}"), "inner secret");
        }
        let mut map = Map::new();
        map.insert("text", "secret");
        map.insert("list", Value::List(vec![Value::Bytes(b"bytes".to_vec()), Value::Map(large)]));
        map.insert("number", 7);
        map.zeroize();
        assert_eq!(map.len(), 3);
        assert!(map.iter().all(|(_key, value)| matches!(value, Value::Null)));
    }
}
