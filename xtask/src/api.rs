//! The C API as data: what the exports in src/capi say, read with cbindgen.

use std::path::Path;

use cbindgen::bindgen::ir::{Function as IrFunction, ItemContainer, Type};
use cbindgen::bindgen::ir::{IntKind, PrimitiveType};
use cbindgen::{Bindings, Builder, Config, ExportConfig, Language, ParseConfig, Style};

use crate::Result;
use crate::classes::{self, Class};
use crate::docs::{Doc, ParamDoc};

/// Structures of functions, which a caller fills.
const STRUCTS: [&str; 2] = ["vkvm_value_visitor", "vkvm_event_impl"];

/// Public enums with a fixed size, which cbindgen takes for part of the API.
const PRIVATE: [&str; 2] = ["Class", "Kind"];

/// Everything that the header declares, but for the constants.
pub struct Api {
    /// In the order of their names.
    pub functions: Vec<Function>,
    /// Function pointer types.
    pub callbacks: Vec<Callback>,
    /// Structures that a caller fills with functions.
    pub structs: Vec<Struct>,
    /// Opaque types: name and documentation.
    pub classes: Vec<(String, String)>,
}

/// An exported function.
pub struct Function {
    pub name: String,
    pub class: String,
    pub method: String,
    pub doc: Doc,
    pub params: Vec<Param>,
    pub returns: Returns,
    /// Remarks for the Perl side: see src/capi/mod.rs.
    pub perl: Vec<String>,
}

/// What a function returns.
#[derive(PartialEq)]
pub enum Returns {
    /// 0, or -1 with an error.
    Status,
    /// Something at once; the C type, and its kind unless it is void.
    Direct(String, Option<Kind>),
}

/// A function of the caller's: a function pointer type or a structure's member.
pub struct Callback {
    pub name: String,
    pub doc: String,
    /// In the order of C: name, kind, and In or Out.
    pub params: Vec<(String, Kind, Direction)>,
    /// The C type of what it returns, and its kind unless it is void.
    pub returns: (String, Option<Kind>),
}

/// A structure of functions of the caller's.
pub struct Struct {
    pub name: String,
    pub doc: String,
    pub members: Vec<Callback>,
}

/// A parameter; array lengths are parameters of their own in C, but belong to
/// their array here.
pub struct Param {
    pub name: String,
    pub kind: Kind,
    pub direction: Direction,
    pub doc: ParamDoc,
    /// The name of the length parameter of an array.
    pub len: Option<String>,
}

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

impl Function {
    /// The parameters but the object and the error.
    pub fn inputs(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.direction == Direction::In)
    }

    /// The results.
    pub fn outputs(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.direction == Direction::Out)
    }

    /// The object it is called on.
    pub fn self_param(&self) -> Option<&Param> {
        self.params.iter().find(|param| param.direction == Direction::SelfHandle)
    }

    pub fn has_perl_remark(&self, remark: &str) -> bool {
        self.perl.iter().any(|other| other == remark)
    }
}

/// Reads the exports.
pub fn read(root: &Path) -> Result<(Api, Bindings)> {
    let config = Config {
        language: Language::C,
        style: Style::Type,
        usize_is_size_t: true,
        documentation: true,
        no_includes: true,
        line_length: 96,
        parse: ParseConfig { parse_deps: false, ..ParseConfig::default() },
        export: ExportConfig {
            exclude: PRIVATE.map(String::from).into(),
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    let mut bindings = Builder::new().with_crate(root).with_config(config).generate()?;
    bindings.functions.sort_by(|a, b| a.path.name().cmp(b.path.name()));
    // The constants of the header come from the table; Rust's own stay inside.
    bindings.constants.clear();
    let functions: Result<Vec<Function>> = bindings.functions.iter().map(function).collect();
    let mut api = Api {
        functions: functions?,
        callbacks: Vec::new(),
        structs: Vec::new(),
        classes: Vec::new(),
    };
    for item in &bindings.items {
        match item {
            ItemContainer::Typedef(typedef) => {
                let doc = join(&typedef.documentation.doc_comment);
                api.callbacks.push(callback(typedef.path.name(), doc, &typedef.aliased)?);
            }
            ItemContainer::Struct(found) => {
                let members: Result<Vec<Callback>> = found
                    .fields
                    .iter()
                    .map(|field| {
                        let doc = join(&field.documentation.doc_comment);
                        callback(&field.name, doc, &field.ty)
                    })
                    .collect();
                api.structs.push(Struct {
                    name: found.path.name().into(),
                    doc: join(&found.documentation.doc_comment),
                    members: members?,
                });
            }
            ItemContainer::OpaqueItem(opaque) => api
                .classes
                .push((opaque.path.name().into(), join(&opaque.documentation.doc_comment))),
            _ => {}
        }
    }
    Ok((api, bindings))
}

/// Takes a function pointer type apart.
fn callback(name: &str, doc: String, ty: &Type) -> Result<Callback> {
    let Type::FuncPtr { ret, args, .. } = ty else {
        return Err(format!("{name}: is no function pointer type").into());
    };
    let mut params = Vec::new();
    for (arg, ty) in args {
        let arg = arg.clone().ok_or_else(|| format!("{name}: a parameter has no name"))?;
        match kind(&arg, ty) {
            Some((kind, direction @ (Direction::In | Direction::Out))) => {
                params.push((arg, kind, direction));
            }
            _ => return Err(format!("{name}: {arg} has a type with no meaning here").into()),
        }
    }
    Ok(Callback { name: name.into(), doc, params, returns: (direct_type(ret), direct_kind(ret)) })
}

fn join(lines: &[String]) -> String {
    lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n")
}

fn function(ir: &IrFunction) -> Result<Function> {
    let name = ir.path.name().to_owned();
    let rest =
        name.strip_prefix("vkvm_").ok_or_else(|| format!("{name}: does not begin with vkvm_"))?;
    // A name may do without its class.
    let said = ir.annotations.atom("class").flatten();
    let (class, method) = match said {
        Some(class) => (classes::all().iter().find(|known| known.name == class), rest),
        None => classes::split(rest).map_or((None, rest), |(class, method)| (Some(class), method)),
    };
    let class = class.ok_or_else(|| format!("{name}: is of no known class"))?;
    let method = method.to_owned();
    let doc = Doc::parse(&name, &ir.documentation.doc_comment)?;
    let returns = match &ir.ret {
        Type::Primitive(PrimitiveType::Integer { kind: IntKind::Int, signed: true, .. })
            if ir.args.last().is_some_and(|arg| arg.name.as_deref() == Some("error")) =>
        {
            Returns::Status
        }
        other => Returns::Direct(direct_type(other), direct_kind(other)),
    };
    let perl = ir
        .annotations
        .list("perl")
        .unwrap_or_else(|| ir.annotations.atom("perl").flatten().into_iter().collect());
    let mut function = Function {
        params: params(&name, class, ir, &doc)?,
        class: class.name.clone(),
        name,
        method,
        doc,
        returns,
        perl,
    };
    complete(&mut function)?;
    Ok(function)
}

/// Checks that nothing is undocumented, and nothing documented that is not there.
fn complete(function: &mut Function) -> Result<()> {
    let name = &function.name;
    let consumes = |param: &&Param| param.doc.consumed;
    if let Some(param) = function.outputs().find(consumes) {
        return Err(format!("{name}: {} is an output, and cannot be consumed", param.name).into());
    }
    for param in &function.params {
        let needs_text = matches!(param.direction, Direction::In | Direction::Out);
        if needs_text && param.doc.text.is_empty() {
            return Err(format!("{name}: parameter {} is not documented", param.name).into());
        }
    }
    let is_param = |wanted: &str| {
        function
            .params
            .iter()
            .any(|param| param.name == wanted || param.len.as_deref() == Some(wanted))
    };
    if let Some(ghost) = function.doc.params.keys().find(|documented| !is_param(documented)) {
        return Err(format!("{name}: documents {ghost}, which is no parameter").into());
    }
    match &function.returns {
        Returns::Direct(c_type, _) if c_type != "void" && function.doc.returns.is_none() => {
            Err(format!("{name}: does not say what it returns").into())
        }
        _ => Ok(()),
    }
}

fn params(function: &str, class: &Class, ir: &IrFunction, doc: &Doc) -> Result<Vec<Param>> {
    let mut params: Vec<Param> = Vec::new();
    for (index, arg) in ir.args.iter().enumerate() {
        let name = arg.name.clone().unwrap_or_default();
        if let Some(array) = params.last_mut().filter(|last| name == format!("{}_len", last.name)) {
            if !doc.params.contains_key(&name) {
                return Err(format!("{function}: parameter {name} is not documented").into());
            }
            array.len = Some(name);
            continue;
        }
        let (kind, direction) = kind(&name, &arg.ty).ok_or_else(|| {
            format!("{function}: parameter {name} has a type with no meaning here")
        })?;
        let doc_of = doc.params.get(&name).cloned().unwrap_or_default();
        // What is consumed was an output once, and has the type that it had then.
        let (kind, direction) = match (kind, direction) {
            (Kind::Handle(of), Direction::Out) if doc_of.consumed => {
                (Kind::Handles(of), Direction::In)
            }
            (Kind::Int, Direction::Out) if doc_of.consumed => (Kind::Ints, Direction::In),
            (Kind::Text, Direction::Out) if doc_of.consumed => (Kind::Texts, Direction::In),
            (Kind::Buffer, Direction::Out) if doc_of.consumed => (Kind::Bytes, Direction::In),
            other => other,
        };
        let is_self = index == 0
            && class.has_handles
            && kind == Kind::Handle(class.name.clone())
            && direction == Direction::In;
        let direction = if is_self { Direction::SelfHandle } else { direction };
        params.push(Param { doc: doc_of, name, kind, direction, len: None });
    }
    Ok(params)
}

/// What a C type means for a parameter of this name.
fn kind(name: &str, ty: &Type) -> Option<(Kind, Direction)> {
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
fn direct_kind(ty: &Type) -> Option<Kind> {
    match ty {
        Type::Primitive(PrimitiveType::Void) => None,
        other => kind("", other).map(|(kind, _)| kind),
    }
}

fn direct_type(ty: &Type) -> String {
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
