// SPDX-License-Identifier: LGPL-2.1-or-later
//! Typed parameters out of maps that callers give.

use super::TypedParams;
use super::read::field;
use crate::error::{Misuse, Result};
use crate::value::{Map, Value};

/// In a table of types: the parameter may be given several times, as a list of
/// values. No type of libvirt's has this bit.
pub const MULTIPLE: u32 = 1 << 31;

impl TypedParams {
    /// Parameters out of a map, typed as in `known`.
    ///
    /// A key that the driver does not know is an error, which names it and
    /// lists those it knows: silently dropping a limit is worse than failing.
    pub fn from_map(map: &Map, known: &TypedParams, parameter: &'static str) -> Result<Self> {
        let mut params = TypedParams::new();
        for (key, value) in map.iter() {
            let model =
                known.as_slice().iter().find(|model| field(model).to_bytes() == key.as_bytes());
            let Some(model) = model else {
                let names: Vec<_> =
                    known.as_slice().iter().map(|p| field(p).to_string_lossy()).collect();
                let hint = if names.is_empty() {
                    "; this driver has no such parameters".to_owned()
                } else {
                    format!("; this driver knows {}", names.join(", "))
                };
                return Err(Misuse::NotFound { parameter, path: key.to_owned(), hint }.into());
            };
            params.push(key, model.type_ as u32, value, parameter)?;
        }
        Ok(params)
    }

    /// Parameters out of a map, for a call whose keys and their
    /// `VIR_TYPED_PARAM_*` types, perhaps with [`MULTIPLE`], are known. An unknown key
    /// is an error, as above.
    pub fn from_table(map: &Map, table: &[(&str, u32)], parameter: &'static str) -> Result<Self> {
        let mut params = TypedParams::new();
        let added = params.add_from_table(map, table, parameter);
        if added.is_err() {
            // The caller wipes what it gets, and gets nothing of these.
            params.wipe();
        }
        added.map(|()| params)
    }

    fn add_from_table(
        &mut self,
        map: &Map,
        table: &[(&str, u32)],
        parameter: &'static str,
    ) -> Result<()> {
        for (key, value) in map.iter() {
            let Some((_name, kind)) = table.iter().find(|(name, _kind)| *name == key) else {
                let names: Vec<_> = table.iter().map(|(name, _kind)| *name).collect();
                let hint = format!("; there are {}", names.join(", "));
                return Err(Misuse::NotFound { parameter, path: key.to_owned(), hint }.into());
            };
            match value {
                Value::List(items) if kind & MULTIPLE != 0 => {
                    for item in items {
                        self.push(key, kind & !MULTIPLE, item, parameter)?;
                    }
                }
                _ => self.push(key, kind & !MULTIPLE, value, parameter)?,
            }
        }
        Ok(())
    }
}

/// Refuses values that no parameter has: for calls that ask the driver for its
/// parameters, which may have none at all.
pub fn check_scalars(map: &Map, parameter: &'static str) -> Result<()> {
    for (key, value) in map.iter() {
        if matches!(value, Value::List(_) | Value::Map(_) | Value::Handle(_)) {
            let (path, actual) = (key.to_owned(), value.kind().phrase());
            return Err(Misuse::WrongType { parameter, path, actual, wanted: "a scalar" }.into());
        }
    }
    Ok(())
}
