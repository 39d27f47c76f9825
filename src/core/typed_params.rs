//! libvirt's typed parameters <-> maps.
//!
//! A driver reports its parameters with their types; that report is also what
//! tells which type a value has to be sent as.

use std::borrow::Cow;
use std::ffi::{CStr, CString, c_int};
use std::ptr;

use virt::sys;
use zeroize::{Zeroize, Zeroizing};

use super::call;
use crate::error::{Error, Misuse, Result};
use crate::memory;
use crate::value::{Map, Value};

/// In a table of types: the parameter may be given several times, as a list of
/// values. No type of libvirt's has this bit.
pub const MULTIPLE: u32 = 1 << 31;

/// An array of typed parameters that libvirt allocated.
#[derive(Debug)]
pub struct TypedParams {
    array: *mut sys::virTypedParameter,
    len: c_int,
    room: c_int,
}

impl TypedParams {
    /// No parameters.
    pub fn new() -> Self {
        call::initialize();
        TypedParams { array: ptr::null_mut(), len: 0, room: 0 }
    }

    /// Asks a getter that fills an array of the caller's: `call` is made with
    /// NULL first, which yields the number of parameters, then with an array.
    pub fn ask(
        mut call: impl FnMut(*mut sys::virTypedParameter, &mut c_int) -> Result<()>,
    ) -> Result<Self> {
        let mut len = 0;
        call(ptr::null_mut(), &mut len)?;
        Self::fill(len, call)
    }

    /// Lets `call` fill an array of `len` parameters; it may use fewer.
    pub fn fill(
        len: c_int,
        mut call: impl FnMut(*mut sys::virTypedParameter, &mut c_int) -> Result<()>,
    ) -> Result<Self> {
        let mut params = TypedParams::new();
        if len <= 0 {
            return Ok(params);
        }
        // SAFETY: calloc of a C array; all-zero is a valid, empty parameter.
        let array = unsafe { libc::calloc(len as usize, size_of::<sys::virTypedParameter>()) };
        if array.is_null() {
            return Err(Misuse::Internal { what: format!("no memory for {len} parameters") }.into());
        }
        params = TypedParams { array: array.cast(), len, room: len };
        call(params.array, &mut params.len)?;
        params.len = params.len.clamp(0, len);
        Ok(params)
    }

    /// Takes over an array that libvirt allocated.
    ///
    /// # Safety
    /// `array` is NULL or an array of `len` parameters for virTypedParamsFree.
    pub unsafe fn adopt(array: *mut sys::virTypedParameter, len: c_int) -> Self {
        TypedParams { array, len, room: len }
    }

    /// The parameters.
    pub fn as_slice(&self) -> &[sys::virTypedParameter] {
        // SAFETY: `array` holds at least `len` initialised parameters.
        unsafe { slice(self.array, self.len) }
    }

    /// For libvirt: the array and its length. libvirt takes none, but no NULL for it.
    pub fn as_raw(&self) -> (*mut sys::virTypedParameter, c_int) {
        let none = ptr::NonNull::dangling().as_ptr();
        (if self.array.is_null() { none } else { self.array }, self.len)
    }

    /// The parameters as a map, in the driver's order.
    pub fn to_map(&self) -> Map {
        to_map(self.as_slice())
    }

    /// The names and values, in the driver's order: what a map of them would have.
    pub fn entries(&self) -> Vec<(Cow<'_, str>, Value)> {
        self.as_slice().iter().map(|param| (field(param).to_string_lossy(), value(param))).collect()
    }

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

    /// Overwrites all texts: secrets are not to stay in memory that is freed.
    pub fn wipe(&mut self) {
        for param in self.as_slice() {
            // SAFETY: `type_` says that this member of the union is set, and the text
            // is ours, of as many bytes as its length.
            unsafe {
                if param.type_ as u32 == sys::VIR_TYPED_PARAM_STRING && !param.value.s.is_null() {
                    let len = libc::strlen(param.value.s);
                    std::slice::from_raw_parts_mut(param.value.s.cast::<u8>(), len).zeroize();
                }
            }
        }
    }

    /// Adds a parameter of one of the `VIR_TYPED_PARAM_*` types. Numbers are read as
    /// Perl's plain arguments are, see [`Value::whole_number`].
    ///
    /// The error of a value that is refused has the key as its first text and the type
    /// that is needed as its second.
    pub fn push(
        &mut self,
        key: &str,
        kind: u32,
        value: &Value,
        parameter: &'static str,
    ) -> Result<()> {
        let wrong = |wanted: &'static str| -> Error {
            let (path, actual) = (key.to_owned(), value.kind().phrase());
            let misuse = Misuse::WrongType { parameter, path, actual, wanted };
            Error::from(misuse).with_strings(key, type_name(kind))
        };
        let refused = |wanted: &'static str| -> Error {
            if matches!(value, Value::Null | Value::List(_) | Value::Map(_) | Value::Handle(_)) {
                return wrong(wanted);
            }
            let reason = format!("\"{key}\" is {}; {wanted} is needed", value.shown());
            Error::from(Misuse::Invalid { parameter, reason }).with_strings(key, type_name(kind))
        };
        let name = c_text(key, parameter)?;
        let (array, len, room, name) =
            (&mut self.array, &mut self.len, &mut self.room, name.as_ptr());
        let whole = || value.whole_number().ok_or_else(|| refused("an integer"));
        let added = match kind {
            sys::VIR_TYPED_PARAM_INT => {
                let number = i32::try_from(whole()?).map_err(|_| refused("a 32-bit integer"))?;
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddInt(array, len, room, name, number) }
            }
            sys::VIR_TYPED_PARAM_UINT => {
                let number = u32::try_from(whole()?)
                    .map_err(|_| refused("a 32-bit integer that is not negative"))?;
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddUInt(array, len, room, name, number) }
            }
            sys::VIR_TYPED_PARAM_LLONG => {
                let number = i64::try_from(whole()?).map_err(|_| refused("a 64-bit integer"))?;
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddLLong(array, len, room, name, number) }
            }
            sys::VIR_TYPED_PARAM_ULLONG => {
                let number = u64::try_from(whole()?)
                    .map_err(|_| refused("a 64-bit integer that is not negative"))?;
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddULLong(array, len, room, name, number) }
            }
            sys::VIR_TYPED_PARAM_DOUBLE => {
                let number = value.real_number().ok_or_else(|| refused("a number"))?;
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddDouble(array, len, room, name, number) }
            }
            sys::VIR_TYPED_PARAM_BOOLEAN => {
                let truth = value.get_bool("");
                let truth = c_int::from(truth.map_err(|_| refused("true or false"))?);
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddBoolean(array, len, room, name, truth) }
            }
            _ => {
                let text = value.as_text().ok_or_else(|| wrong("text"))?;
                // It may be a secret.
                let text = Zeroizing::new(c_text(&text, parameter)?.into_bytes_with_nul());
                let text = text.as_ptr().cast();
                // SAFETY: array, len and room belong together; the texts are C strings.
                unsafe { sys::virTypedParamsAddString(array, len, room, name, text) }
            }
        };
        if added < 0 { Err(call::failed(c"virTypedParamsAdd")) } else { Ok(()) }
    }
}

impl Default for TypedParams {
    fn default() -> Self {
        TypedParams::new()
    }
}

impl Drop for TypedParams {
    fn drop(&mut self) {
        // SAFETY: we own the array, which libvirt's or libc's malloc made.
        unsafe { sys::virTypedParamsFree(self.array, self.len) }
    }
}

/// Typed parameters as a map, in their order. Repeated names keep the last value.
pub fn to_map(params: &[sys::virTypedParameter]) -> Map {
    let mut map = Map::with_capacity(params.len());
    for param in params {
        map.insert(field(param).to_string_lossy().into_owned(), value(param));
    }
    map
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

/// The parameters in a C array, which may be NULL when it is empty.
///
/// # Safety
/// `array` is NULL or holds `len` initialised parameters for as long as `'a`.
pub unsafe fn slice<'a>(
    array: *const sys::virTypedParameter,
    len: c_int,
) -> &'a [sys::virTypedParameter] {
    if array.is_null() || len <= 0 {
        return &[];
    }
    // SAFETY: as promised by the caller.
    unsafe { std::slice::from_raw_parts(array, len as usize) }
}

/// The integer of this name.
pub fn int(params: &[sys::virTypedParameter], name: &CStr) -> Option<c_int> {
    let param = params.iter().find(|param| field(param) == name)?;
    match value(param) {
        Value::Int(number) => c_int::try_from(number).ok(),
        Value::Uint(number) => c_int::try_from(number).ok(),
        _ => None,
    }
}

/// The name of a `VIR_TYPED_PARAM_*` type, as libvirt's own messages have it.
fn type_name(kind: u32) -> &'static str {
    match kind {
        sys::VIR_TYPED_PARAM_INT => "int",
        sys::VIR_TYPED_PARAM_UINT => "uint",
        sys::VIR_TYPED_PARAM_LLONG => "llong",
        sys::VIR_TYPED_PARAM_ULLONG => "ullong",
        sys::VIR_TYPED_PARAM_DOUBLE => "double",
        sys::VIR_TYPED_PARAM_BOOLEAN => "boolean",
        _ => "string",
    }
}

fn field(param: &sys::virTypedParameter) -> &CStr {
    // SAFETY: libvirt ends the name with a NUL inside its fixed-size array.
    unsafe { CStr::from_ptr(param.field.as_ptr()) }
}

fn value(param: &sys::virTypedParameter) -> Value {
    // SAFETY: `type_` says which member of the union is set.
    unsafe {
        match param.type_ as u32 {
            sys::VIR_TYPED_PARAM_INT => Value::Int(param.value.i.into()),
            sys::VIR_TYPED_PARAM_UINT => Value::Uint(param.value.ui.into()),
            sys::VIR_TYPED_PARAM_LLONG => Value::Int(param.value.l),
            sys::VIR_TYPED_PARAM_ULLONG => Value::Uint(param.value.ul),
            sys::VIR_TYPED_PARAM_DOUBLE => Value::Double(param.value.d),
            sys::VIR_TYPED_PARAM_BOOLEAN => Value::Bool(param.value.b != 0),
            sys::VIR_TYPED_PARAM_STRING if !param.value.s.is_null() => {
                Value::String(CStr::from_ptr(param.value.s).to_string_lossy().into_owned())
            }
            _ => Value::Null,
        }
    }
}

fn c_text(text: &str, parameter: &'static str) -> Result<CString> {
    if let Some(offset) = text.find('\0') {
        return Err(Misuse::EmbeddedNul { parameter, offset }.into());
    }
    let mut bytes = memory::list(text.len() + 1, parameter)?;
    bytes.extend_from_slice(text.as_bytes());
    bytes.push(0);
    CString::from_vec_with_nul(bytes)
        .map_err(|_| Misuse::Internal { what: "text without its end".to_owned() }.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            (
                "uint",
                (-1).into(),
                "\"uint\" is -1; a 32-bit integer that is not negative is needed",
            ),
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
    fn a_list_is_refused_where_one_value_is_wanted_and_so_is_what_it_must_not_hold() {
        let refused = |key: &'static str, item: Value| {
            let mut map = Map::new();
            map.insert(key, Value::List(vec![item]));
            from_table(Value::Map(map)).unwrap_err().to_string()
        };
        assert!(refused("one", Value::Int(1)).contains("\"one\" is a list"));
        assert!(refused("many", Value::List(vec![])).contains("\"many\" is a list"));
        assert!(refused("mny", Value::Int(1)).contains("one, many"));
    }
}
