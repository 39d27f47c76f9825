// SPDX-License-Identifier: LGPL-2.1-or-later
//! What parameters carry, by their types in C.

use cbindgen::bindgen::ir::{IntKind, PrimitiveType, Type};

/// Structures of functions, which a caller fills.
const STRUCTS: [&str; 2] = ["vkvm_value_visitor", "vkvm_event_impl"];

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Direction {
    SelfHandle,
    In,
    Out,
    Error,
}

/// What a parameter carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Int,
    Uint,
    Int64,
    Uint64,
    Size,
    Double,
    Bool,
    Text,
    /// A list of texts.
    Texts,
    Bytes,
    /// Room for bytes, which is the caller's.
    Buffer,
    Ints,
    /// A handle of a class.
    Handle(String),
    /// A list of handles of a class.
    Handles(String),
    /// A handle of any class.
    AnyHandle,
    /// A function pointer type.
    Callback(String),
    Userdata,
    /// A structure of functions.
    Functions(String),
}

impl Kind {
    /// As in vkvm-api.json.
    pub fn name(&self) -> &str {
        match self {
            Kind::Int => "int",
            Kind::Uint => "uint",
            Kind::Int64 => "int64",
            Kind::Uint64 => "uint64",
            Kind::Size => "size",
            Kind::Double => "double",
            Kind::Bool => "bool",
            Kind::Text => "string",
            Kind::Texts => "string_list",
            Kind::Bytes => "bytes",
            Kind::Buffer => "buffer",
            Kind::Ints => "int_list",
            Kind::Handle(class) if class == "value" => "value",
            Kind::Handle(_) => "handle",
            Kind::Handles(_) => "handle_list",
            Kind::AnyHandle => "any_handle",
            Kind::Callback(_) => "callback",
            Kind::Userdata => "userdata",
            Kind::Functions(name) if name == "vkvm_value_visitor" => "visitor",
            Kind::Functions(_) => "functions",
        }
    }

    /// The C type of an input of this kind (for arrays, of the array itself).
    pub fn c_input(&self) -> String {
        match self {
            Kind::Int => "int".into(),
            Kind::Uint => "uint32_t".into(),
            Kind::Int64 => "int64_t".into(),
            Kind::Uint64 => "uint64_t".into(),
            Kind::Size => "size_t".into(),
            Kind::Double => "double".into(),
            Kind::Bool => "bool".into(),
            Kind::Text => "const char *".into(),
            Kind::Texts => "const char *const *".into(),
            Kind::Bytes => "const void *".into(),
            Kind::Buffer => "uint8_t *".into(),
            Kind::Ints => "const int *".into(),
            Kind::Handle(class) => format!("vkvm_{class} *"),
            Kind::Handles(class) => format!("vkvm_{class} *const *"),
            Kind::AnyHandle | Kind::Userdata => "void *".into(),
            Kind::Callback(name) => name.clone(),
            Kind::Functions(name) => format!("const {name} *"),
        }
    }

    /// The C type of the variable that an output of this kind is written to.
    pub fn c_output(&self) -> String {
        match self {
            Kind::Text => "char *".into(),
            Kind::Texts => "char **".into(),
            Kind::Bytes => "uint8_t *".into(),
            Kind::Ints => "int *".into(),
            Kind::Handles(class) => format!("vkvm_{class} **"),
            other => other.c_input(),
        }
    }

    /// The function that frees an output of this kind.
    pub fn free(&self) -> Option<String> {
        match self {
            Kind::Text => Some("vkvm_string_free".into()),
            Kind::Texts => Some("vkvm_string_list_free".into()),
            Kind::Bytes => Some("vkvm_bytes_free".into()),
            Kind::Ints => Some("vkvm_int_list_free".into()),
            Kind::Handle(class) => Some(format!("vkvm_{class}_free")),
            Kind::Handles(class) => Some(format!("vkvm_{class}_list_free")),
            _ => None,
        }
    }
}

/// What a C type means for a parameter of this name.
pub fn of(name: &str, ty: &Type) -> Option<(Kind, Direction)> {
    use Direction::{Error, In, Out};
    let (pointee, constant) = match ty {
        Type::Ptr { ty, is_const, .. } => (&**ty, *is_const),
        Type::Path(path) => return Some((Kind::Callback(path.name().to_owned()), In)),
        scalar => return Some((scalar_kind(scalar)?, In)),
    };
    match pointee {
        Type::Path(path) if STRUCTS.contains(&path.name()) => {
            Some((Kind::Functions(path.name().to_owned()), In))
        }
        Type::Path(path) => Some((Kind::Handle(class_of(path.name())?), In)),
        Type::Primitive(PrimitiveType::Char) => Some((Kind::Text, In)),
        Type::Primitive(PrimitiveType::Integer { kind: IntKind::B8, .. }) => {
            Some(if constant { (Kind::Bytes, In) } else { (Kind::Buffer, Out) })
        }
        Type::Primitive(PrimitiveType::Void) if constant => Some((Kind::Bytes, In)),
        Type::Primitive(PrimitiveType::Void) if name == "userdata" => Some((Kind::Userdata, In)),
        Type::Primitive(PrimitiveType::Void) => Some((Kind::AnyHandle, In)),
        Type::Ptr { ty: inner, is_const: inner_const, .. } => match &**inner {
            Type::Path(path) if constant => Some((Kind::Handles(class_of(path.name())?), In)),
            Type::Primitive(PrimitiveType::Char) if constant => Some((Kind::Texts, In)),
            Type::Path(path) if name == "error" && path.name() == "vkvm_error" => {
                Some((Kind::Handle("error".into()), Error))
            }
            Type::Path(path) => Some((Kind::Handle(class_of(path.name())?), Out)),
            Type::Primitive(PrimitiveType::Char) if !inner_const => Some((Kind::Text, Out)),
            Type::Primitive(PrimitiveType::Void) => Some((Kind::AnyHandle, Out)),
            Type::Primitive(_) if scalar_kind(inner) == Some(Kind::Int) => Some((Kind::Ints, Out)),
            Type::Primitive(_) => Some((Kind::Bytes, Out)),
            Type::Ptr { ty: innermost, .. } => match &**innermost {
                Type::Path(path) => Some((Kind::Handles(class_of(path.name())?), Out)),
                Type::Primitive(PrimitiveType::Char) => Some((Kind::Texts, Out)),
                _ => None,
            },
            _ => None,
        },
        scalar if constant => (scalar_kind(scalar)? == Kind::Int).then_some((Kind::Ints, In)),
        scalar => Some((scalar_kind(scalar)?, Out)),
    }
}

fn class_of(c_type: &str) -> Option<String> {
    c_type.strip_prefix("vkvm_").map(str::to_owned)
}

fn scalar_kind(ty: &Type) -> Option<Kind> {
    let Type::Primitive(primitive) = ty else {
        return None;
    };
    Some(match primitive {
        PrimitiveType::Bool => Kind::Bool,
        PrimitiveType::Double => Kind::Double,
        PrimitiveType::Integer { kind, signed, .. } => match (kind, signed) {
            (IntKind::Int, true) => Kind::Int,
            (IntKind::B32, false) => Kind::Uint,
            (IntKind::B64, true) => Kind::Int64,
            (IntKind::B64, false) => Kind::Uint64,
            (IntKind::Size | IntKind::SizeT, false) => Kind::Size,
            _ => return None,
        },
        _ => return None,
    })
}

/// What a value that is returned at once is; None for nothing.
pub fn direct(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Primitive(PrimitiveType::Void) => None,
        other => of("", other).map(|(kind, _)| kind),
    }
}

pub fn direct_type(ty: &Type) -> String {
    match ty {
        Type::Primitive(PrimitiveType::Void) => "void".into(),
        Type::Primitive(PrimitiveType::Char) => "char".into(),
        Type::Primitive(_) => scalar_kind(ty).map_or("?".into(), |kind| kind.c_input()),
        Type::Path(path) => path.name().into(),
        Type::Ptr { ty, is_const, .. } => {
            format!("{}{} *", if *is_const { "const " } else { "" }, direct_type(ty))
        }
        _ => "?".into(),
    }
}
