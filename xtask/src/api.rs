// SPDX-License-Identifier: LGPL-2.1-or-later
//! The C API as data: what the exports in src/capi say, read with cbindgen.

use std::collections::HashMap;
use std::path::Path;

use cbindgen::bindgen::ir::{AnnotationSet, Function as IrFunction, ItemContainer, Type};
use cbindgen::bindgen::ir::{IntKind, PrimitiveType};
use cbindgen::{Bindings, Builder, Config, ExportConfig, Language, ParseConfig, Style};
use syn::Item;

use crate::classes::{self, Class};
use crate::docs::{self, Doc, Enums, ParamDoc};
use crate::enums::Table;
use crate::kind::{self, Direction, Kind};
use crate::libvirt::Libvirt;
use crate::{Result, shape};

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
    /// Whether it may wait: for a daemon, a guest, another process, or an event.
    pub blocks: bool,
    /// Whether functions of the caller's may be called in the meantime.
    pub calls_back: bool,
    /// Whether it acts on the thread that calls it.
    pub this_thread: bool,
    /// The operation of the domain's job that it runs, as in `VKVM_DOMAIN_JOB_OPERATION_*`.
    pub job: Option<String>,
    /// Whether its result may hold secrets.
    pub secret: bool,
    /// The libvirt that it needs, where 7.0.0 will not do.
    pub since: Option<String>,
}

/// What a function is to its class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Called on an object.
    Method,
    /// Makes an object of its class.
    Constructor,
    /// Neither.
    Static,
}

/// When functions of the caller's run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Runs {
    /// Within the call that they are given to.
    During,
    /// After it, by the event loop.
    Later,
    /// Once, when the last call is over.
    AtEnd,
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
    /// None for a member of a structure, which says it for all.
    pub runs: Option<Runs>,
    /// In the order of C.
    pub params: Vec<CallbackParam>,
    /// The C type of what it returns, and its kind unless it is void.
    pub returns: (String, Option<Kind>),
}

/// A parameter of a function of the caller's.
pub struct CallbackParam {
    pub name: String,
    pub kind: Kind,
    /// In or Out.
    pub direction: Direction,
    /// The one right before it, whose length it is.
    pub length_of: Option<String>,
}

/// A structure of functions of the caller's.
pub struct Struct {
    pub name: String,
    pub doc: String,
    pub runs: Runs,
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

    /// What it is to its class.
    pub fn form(&self) -> Form {
        let makes = |param: &Param| param.kind == Kind::Handle(self.class.clone());
        match self.outputs().collect::<Vec<_>>().as_slice() {
            _ if self.self_param().is_some() => Form::Method,
            [one] if makes(one) => Form::Constructor,
            _ => Form::Static,
        }
    }

    /// Whether a caller may leave an input out: it has a default or may be NULL, and so
    /// have all that follow it.
    pub fn is_optional(&self, param: &Param) -> bool {
        let may_lack = |other: &Param| other.doc.nullable || other.doc.default.is_some();
        // What belongs to a callback goes with it.
        let is_given = |other: &&Param| match &other.kind {
            Kind::Callback(name) => name != DESTROY,
            other => *other != Kind::Userdata,
        };
        param.direction == Direction::In
            && self
                .inputs()
                .filter(is_given)
                .skip_while(|other| other.name != param.name)
                .all(may_lack)
    }

    /// What it may wait for follows from what it calls of libvirt's, unless the export
    /// says something else. What ends a handle may close a connection.
    fn may_block(&self, annotations: &AnnotationSet, libvirt: &Libvirt) -> bool {
        let ends = |param: &Param| match &param.kind {
            Kind::Handle(class) | Kind::Handles(class) => param.doc.consumed && class != "error",
            Kind::AnyHandle => param.doc.consumed,
            _ => false,
        };
        annotations.bool("blocks").unwrap_or_else(|| {
            self.doc.libvirt.iter().any(|name| libvirt.asks_daemon(name))
                || self.params.iter().any(ends)
        })
    }
}

/// The type of the function that releases the userdata of another one.
pub const DESTROY: &str = "vkvm_destroy_callback";

/// Reads the exports.
pub fn read(root: &Path, table: &Table) -> Result<(Api, Bindings)> {
    let bindings = parse(root)?;
    let api = take_apart(&bindings, &Facts::read(root, table)?)?;
    Ok((api, bindings))
}

/// What has to be known besides the exports to take them apart.
pub struct Facts<'a> {
    libvirt: Libvirt,
    /// By the names of types of callbacks, and of structures.
    runs: HashMap<String, Runs>,
    table: &'a Table,
}

impl Facts<'_> {
    /// Reads them from the source, and from data.
    pub fn read<'a>(root: &Path, table: &'a Table) -> Result<Facts<'a>> {
        let mut runs = HashMap::new();
        for (_, file) in shape::parsed(&root.join("src/capi"))? {
            for item in &file.items {
                // cbindgen forgets what stands at a type that is another one's name.
                let (name, attributes) = match item {
                    Item::Type(item) => (&item.ident, &item.attrs),
                    Item::Struct(item) => (&item.ident, &item.attrs),
                    _ => continue,
                };
                let when = match AnnotationSet::load(attributes)?.atom("runs").flatten().as_deref()
                {
                    Some("during") => Runs::During,
                    Some("later") => Runs::Later,
                    Some("at_end") => Runs::AtEnd,
                    None => continue,
                    Some(other) => return Err(format!("{name}: runs {other}?").into()),
                };
                runs.insert(name.to_string(), when);
            }
        }
        Ok(Facts { libvirt: Libvirt::read(root)?, runs, table })
    }

    fn runs(&self, name: &str) -> Result<Runs> {
        let when = self.runs.get(name).copied();
        when.ok_or_else(|| format!("{name}: does not say when it runs").into())
    }
}

/// What cbindgen finds.
pub fn parse(root: &Path) -> Result<Bindings> {
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
    Ok(bindings)
}

/// What that means.
pub fn take_apart(bindings: &Bindings, facts: &Facts) -> Result<Api> {
    let mut api = Api {
        functions: Vec::new(),
        callbacks: Vec::new(),
        structs: Vec::new(),
        classes: Vec::new(),
    };
    for item in &bindings.items {
        match item {
            ItemContainer::Typedef(typedef) => {
                let doc = join(&typedef.documentation.doc_comment);
                let runs = Some(facts.runs(typedef.path.name())?);
                api.callbacks.push(callback(typedef.path.name(), doc, runs, &typedef.aliased)?);
            }
            ItemContainer::Struct(found) => {
                let members: Result<Vec<Callback>> = found
                    .fields
                    .iter()
                    .map(|field| {
                        let doc = join(&field.documentation.doc_comment);
                        callback(&field.name, doc, None, &field.ty)
                    })
                    .collect();
                api.structs.push(Struct {
                    name: found.path.name().into(),
                    doc: join(&found.documentation.doc_comment),
                    runs: facts.runs(found.path.name())?,
                    members: members?,
                });
            }
            ItemContainer::OpaqueItem(opaque) => api
                .classes
                .push((opaque.path.name().into(), join(&opaque.documentation.doc_comment))),
            _ => {}
        }
    }
    for ir in &bindings.functions {
        let mut function = function(ir, &api, &facts.libvirt)?;
        find_enums(&mut function, facts.table)?;
        complete(&function)?;
        api.functions.push(function);
    }
    Ok(api)
}

/// Takes a function pointer type apart.
fn callback(name: &str, doc: String, runs: Option<Runs>, ty: &Type) -> Result<Callback> {
    let Type::FuncPtr { ret, args, .. } = ty else {
        return Err(format!("{name}: is no function pointer type").into());
    };
    let mut params: Vec<CallbackParam> = Vec::new();
    for (arg, ty) in args {
        let arg = arg.clone().ok_or_else(|| format!("{name}: a parameter has no name"))?;
        let Some((kind, direction @ (Direction::In | Direction::Out))) = kind::of(&arg, ty) else {
            return Err(format!("{name}: {arg} has a type with no meaning here").into());
        };
        let measured = params.last().filter(|last| {
            let is_data = matches!(last.kind, Kind::Text | Kind::Bytes | Kind::Buffer);
            is_data && (arg == "len" || arg == format!("{}_len", last.name))
        });
        let length_of = measured.map(|last| last.name.clone());
        params.push(CallbackParam { name: arg, kind, direction, length_of });
    }
    let returns = (kind::direct_type(ret), kind::direct(ret));
    Ok(Callback { name: name.into(), doc, runs, params, returns })
}

/// The paragraphs of a comment, with an empty line between.
fn join(lines: &[String]) -> String {
    docs::blocks(lines).join("\n\n")
}

fn function(ir: &IrFunction, api: &Api, libvirt: &Libvirt) -> Result<Function> {
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
        other => Returns::Direct(kind::direct_type(other), kind::direct(other)),
    };
    let mut function = Function {
        params: params(&name, class, ir, &doc)?,
        class: class.name.clone(),
        since: libvirt.since(&doc.libvirt),
        name,
        method,
        doc,
        returns,
        blocks: false,
        calls_back: false,
        this_thread: ir.annotations.bool("this_thread").unwrap_or(false),
        job: ir.annotations.atom("domain_job").flatten(),
        secret: ir.annotations.bool("secret").unwrap_or(false),
    };
    function.blocks = function.may_block(&ir.annotations, libvirt);
    function.calls_back = ir.annotations.bool("calls_back").unwrap_or_else(|| {
        function.params.iter().any(|param| api.runs(&param.kind) == Some(Runs::During))
    });
    Ok(function)
}

impl Api {
    /// When the functions run that a parameter of a kind carries.
    pub fn runs(&self, kind: &Kind) -> Option<Runs> {
        match kind {
            Kind::Callback(name) => self.callbacks.iter().find(|one| one.name == *name)?.runs,
            Kind::Functions(name) => Some(self.structs.iter().find(|one| one.name == *name)?.runs),
            _ => None,
        }
    }
}

/// Looks up the groups of constants that a function's comment names.
fn find_enums(function: &mut Function, table: &Table) -> Result<()> {
    let docs = function.params.iter_mut().map(|param| (param.name.as_str(), &mut param.doc));
    let returned = function.doc.returns.iter_mut().map(|doc| ("return", doc));
    for (of, doc) in docs.chain(returned) {
        let Some(Enums { groups, flags, named }) = &mut doc.enums else { continue };
        let mut found = Vec::new();
        for group in groups {
            let Some(group) = table.group(group) else {
                return Err(format!("{}: {of} is of {group}, no group", function.name).into());
            };
            found.push(group);
        }
        *flags = found.iter().any(|group| group.flags);
        if !found.iter().all(|group| group.flags == *flags) {
            return Err(format!("{}: {of} is of flags and of others", function.name).into());
        }
        *named = table.named(&found);
    }
    Ok(())
}

/// Checks that nothing is undocumented, and nothing documented that is not there.
fn complete(function: &Function) -> Result<()> {
    let name = &function.name;
    for param in &function.params {
        let is_value = param.kind == Kind::Handle("value".into());
        if param.doc.shape.is_some() && !is_value {
            return Err(format!("{name}: {} is no value, and has no shape", param.name).into());
        }
    }
    let consumes = |param: &&Param| param.doc.consumed;
    if let Some(param) = function.outputs().find(consumes) {
        return Err(format!("{name}: {} is an output, and cannot be consumed", param.name).into());
    }
    for param in &function.params {
        let needs_text = matches!(param.direction, Direction::In | Direction::Out);
        if needs_text && param.doc.is_empty() {
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
    let returns = matches!(&function.returns, Returns::Direct(_, Some(_)));
    match returns == function.doc.returns.is_some() {
        true => Ok(()),
        false if returns => Err(format!("{name}: does not say what it returns").into()),
        false => Err(format!("{name}: says what it returns, but returns a status").into()),
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
        let (kind, direction) = kind::of(&name, &arg.ty).ok_or_else(|| {
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
