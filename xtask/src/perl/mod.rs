//! The Perl side: one XS file and one POD per class, and the typemap.

mod pod;
mod xs;

use crate::api::{Api, Function, Returns};
use crate::classes::{self, Package};
use crate::constants::Constant;
use crate::{Output, Result};

/// Writes everything that is generated for Perl.
pub fn write(api: &Api, constants: &[Constant]) -> Result<Vec<Output>> {
    let mut outputs = vec![xs::typemap(api), xs::classes()];
    for package in classes::packages() {
        let mine = |function: &&Function| function.class == package.class && !package.by_hand;
        let functions: Vec<&Function> = api.functions.iter().filter(mine).collect();
        if !package.by_hand {
            outputs.push(xs::write(package, &functions)?);
        }
        outputs.push(pod::write(package, &functions, constants)?);
    }
    Ok(outputs)
}

/// How functions are called in Perl whose Perl form is written by hand and is no
/// method of the same name. `NAME => ARGUMENT` stands for named arguments.
const BY_HAND: &[(&str, &str)] = &[
    ("vkvm_conn_get_version", "get_version"),
    ("vkvm_conn_open", "VKVM->new(uri => uri, flags => flags)"),
    (
        "vkvm_conn_open_auth",
        "VKVM->new(uri => uri, flags => flags, auth => 1, credlist => credtypes, callback => callback)",
    ),
    ("vkvm_event_queue_new", "VKVM::EventQueue->new(capacity => capacity)"),
    ("vkvm_event_queue_next", "next(timeout)"),
    ("vkvm_handle_count", "VKVM::handle_count(class_name)"),
    ("vkvm_host_call", "call(command, args)"),
    ("vkvm_host_commands", "VKVM::Host->commands()"),
    ("vkvm_host_new", "VKVM::Host->new(conn => conn)"),
    ("vkvm_host_open", "VKVM::Host->new(uri => uri)"),
    ("vkvm_library_get_libvirt_version", "VKVM->get_version()"),
    ("vkvm_library_reopen_after_fork", "VKVM::reopen_after_fork(reopen)"),
    ("vkvm_stream_recv", "recv"),
    ("vkvm_stream_send", "send"),
];

/// The Perl package of a class.
pub fn package(class: &str) -> Option<&'static Package> {
    classes::packages().find(|package| package.class == class)
}

/// How a function is called in Perl: the name of a method, or a whole call with
/// the names of the parameters; None where Perl does without the function.
pub fn call(function: &Function) -> Option<String> {
    if let Some((_, call)) = BY_HAND.iter().find(|(name, _)| *name == function.name) {
        return Some((*call).to_owned());
    }
    let package =
        package(&function.class).filter(|package| !package.by_hand && is_method(function))?;
    Some(match function.self_param() {
        Some(_) => method_name(function),
        None => {
            let names: Vec<&str> = function
                .inputs()
                .filter(|param| xs::is_perl_input(param))
                .map(|param| param.name.as_str())
                .collect();
            format!("{}::{}({})", package.name, function.method, names.join(", "))
        }
    })
}

/// Whether a function becomes a Perl method mechanically.
fn is_method(function: &Function) -> bool {
    function.returns == Returns::Status && !function.has_perl_remark("skip")
}

/// Whether that method is only for one of the same name without the underscore,
/// which perl/lib has, and perl/pod its documentation.
fn is_private(function: &Function) -> bool {
    function.has_perl_remark("private")
}

/// The method's name in Perl.
fn method_name(function: &Function) -> String {
    format!("{}{}", if is_private(function) { "_" } else { "" }, function.method)
}
