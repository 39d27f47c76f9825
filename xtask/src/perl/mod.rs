//! The Perl side: one XS file and one POD per class, and the typemap.

mod pod;
mod xs;

use crate::api::{Api, Function, Returns};
use crate::constants::Constant;
use crate::{Output, Result};

/// A class of the API that is a Perl package.
struct Package {
    /// As in function names.
    class: &'static str,
    /// As in Perl.
    name: &'static str,
    /// What an object of it is called in examples.
    object: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { class: "conn", name: "VKVM", object: "$conn" },
    Package { class: "domain", name: "VKVM::Domain", object: "$dom" },
    Package { class: "domain_snapshot", name: "VKVM::DomainSnapshot", object: "$snapshot" },
    Package { class: "domain_checkpoint", name: "VKVM::DomainCheckpoint", object: "$checkpoint" },
    Package { class: "interface", name: "VKVM::Interface", object: "$iface" },
    Package { class: "network", name: "VKVM::Network", object: "$net" },
    Package { class: "network_port", name: "VKVM::NetworkPort", object: "$port" },
    Package { class: "node_device", name: "VKVM::NodeDevice", object: "$dev" },
    Package { class: "nwfilter", name: "VKVM::NWFilter", object: "$filter" },
    Package { class: "nwfilter_binding", name: "VKVM::NWFilterBinding", object: "$binding" },
    Package { class: "storage_pool", name: "VKVM::StoragePool", object: "$pool" },
    Package { class: "storage_vol", name: "VKVM::StorageVol", object: "$vol" },
    Package { class: "stream", name: "VKVM::Stream", object: "$st" },
    Package { class: "secret", name: "VKVM::Secret", object: "$secret" },
    Package { class: "host", name: "VKVM::Host", object: "$host" },
    Package { class: "fleet", name: "VKVM::Fleet", object: "$fleet" },
    Package { class: "event", name: "VKVM::Event", object: "VKVM::Event::" },
    Package { class: "event_queue", name: "VKVM::EventQueue", object: "$queue" },
];

/// Writes everything that is generated for Perl.
pub fn write(api: &Api, constants: &[Constant]) -> Result<Vec<Output>> {
    let mut outputs = vec![xs::typemap(api), xs::classes()];
    let errors = Package { class: "error", name: "VKVM::Error", object: "$error" };
    outputs.push(pod::write(&errors, &[], constants)?);
    for package in PACKAGES {
        let functions: Vec<&Function> =
            api.functions.iter().filter(|function| function.class == package.class).collect();
        outputs.push(xs::write(package, &functions)?);
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
pub fn package(class: &str) -> Option<&'static str> {
    if class == "error" {
        return Some("VKVM::Error");
    }
    PACKAGES.iter().find(|package| package.class == class).map(|package| package.name)
}

/// How a function is called in Perl: the name of a method, or a whole call with
/// the names of the parameters; None where Perl does without the function.
pub fn call(function: &Function) -> Option<String> {
    if let Some((_, call)) = BY_HAND.iter().find(|(name, _)| *name == function.name) {
        return Some((*call).to_owned());
    }
    let package = package(&function.class).filter(|_| is_method(function))?;
    Some(match function.self_param() {
        Some(_) => method_name(function),
        None => {
            let names: Vec<&str> = function
                .inputs()
                .filter(|param| xs::is_perl_input(param))
                .map(|param| param.name.as_str())
                .collect();
            format!("{package}::{}({})", function.method, names.join(", "))
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
