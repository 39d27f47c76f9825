// SPDX-License-Identifier: LGPL-2.1-or-later
//! What to do about a connection that was not opened: a sentence beside libvirt's message.
//!
//! libvirt's errors have a code, and of system calls the errno; which host, socket or
//! certificate it was about is in the URI. Only where that leaves several causes its message is
//! looked at. A translated message then gets the more general advice.

use std::ffi::{CStr, c_int};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use virt::sys;

use super::Credentials;
use crate::error::{Details, Error};

/// The hypervisors that libvirt has drivers for, as URIs name them.
const DRIVERS: &[&str] = &[
    "bhyve",
    "ch",
    "esx",
    "gsx",
    "hyperv",
    "interface",
    "lxc",
    "network",
    "nodedev",
    "nwfilter",
    "openvz",
    "phyp",
    "qemu",
    "secret",
    "storage",
    "test",
    "vbox",
    "vmwarefusion",
    "vmwareplayer",
    "vmwarews",
    "vpx",
    "vz",
    "xen",
    "xenapi",
];

const TRANSPORTS: &str = "tls, tcp, ssh, libssh, libssh2, unix, ext";

/// Adds what to do about it to the error of an opening.
#[cold]
pub(super) fn advise(error: Error, uri: Option<&CStr>, given: Option<&Credentials>) -> Error {
    let text = uri.map(|uri| uri.to_string_lossy().into_owned()).unwrap_or_default();
    let failure = Failure { target: Target::of(&text), details: error.details(), given };
    match failure.advice() {
        Some(hint) => error.with_hint(&hint),
        None => error,
    }
}

/// A URI, taken apart.
struct Target<'u> {
    driver: &'u str,
    transport: &'u str,
    host: &'u str,
    /// The user and the host, as ssh takes them.
    login: &'u str,
    path: &'u str,
    query: &'u str,
    is_uri: bool,
}

impl<'u> Target<'u> {
    fn of(uri: &'u str) -> Self {
        let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
        let (driver, transport) = scheme.split_once('+').unwrap_or((scheme, ""));
        let rest = rest.split('#').next().unwrap_or_default();
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let place = place.strip_prefix("//").unwrap_or(place);
        let (login, path) = place.split_at(place.find('/').unwrap_or(place.len()));
        let host = login.rsplit_once('@').map_or(login, |(_, host)| host);
        let host = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
            Some((address, _)) => address,
            None => host.split(':').next().unwrap_or_default(),
        };
        let transport = match transport {
            "" if host.is_empty() => "unix",
            "" => "tls",
            other => other,
        };
        Target { driver, transport, host, login, path, query, is_uri: uri.contains(':') }
    }

    fn param(&self, name: &str) -> Option<&'u str> {
        let mut params = self.query.split(['&', ';']).filter_map(|param| param.split_once('='));
        params.find(|param| param.0 == name).map(|param| param.1)
    }

    fn is(&self, transports: &[&str]) -> bool {
        transports.iter().any(|transport| self.transport.eq_ignore_ascii_case(transport))
    }

    /// A file of the client's, from the folder of the URI or from where libvirt looks.
    fn certificate(&self, name: &str) -> PathBuf {
        if let Some(folder) = self.param("pkipath") {
            return Path::new(folder).join(name);
        }
        #[allow(deprecated)] // Until Rust 1.87, for what it does on Windows.
        let own = std::env::home_dir().map(|home| home.join(".pki/libvirt").join(name));
        // SAFETY: asks for a number.
        let is_root = unsafe { libc::geteuid() } == 0;
        let of_machine = match name {
            "cacert.pem" => Path::new("/etc/pki/CA").join(name),
            "clientkey.pem" => Path::new("/etc/pki/libvirt/private").join(name),
            _ => Path::new("/etc/pki/libvirt").join(name),
        };
        own.filter(|own| !is_root && own.exists()).unwrap_or(of_machine)
    }
}

struct Failure<'f> {
    target: Target<'f>,
    details: &'f Details,
    given: Option<&'f Credentials>,
}

impl Failure<'_> {
    fn advice(&self) -> Option<String> {
        let target = &self.target;
        if self.is(sys::VIR_ERR_NO_CONNECT) || target.is_uri && !self.is_known_driver() {
            return Some(format!(
                "a URI begins with a driver of libvirt ({}), such as qemu:///system, or with \
                 a transport ({TRANSPORTS}) qemu+ssh://host/system",
                DRIVERS.join(", ")
            ));
        }
        if self.is_any(&[
            sys::VIR_ERR_AUTH_FAILED,
            sys::VIR_ERR_AUTH_CANCELLED,
            sys::VIR_ERR_AUTH_UNAVAILABLE,
        ]) {
            return self.of_login();
        }
        // In newer libvirts, the errors about certificates are from nowhere.
        let from = [sys::VIR_FROM_RPC as i32, sys::VIR_FROM_NONE as i32];
        if !self.is(sys::VIR_ERR_SYSTEM_ERROR) || !from.contains(&self.details.domain) {
            return None;
        }
        match () {
            () if target.is(&["unix"]) => self.of_socket(),
            () if target.is(&["ssh", "ext"]) => Some(self.of_program()),
            () => self.of_network(),
        }
    }

    fn is(&self, code: sys::virErrorNumber) -> bool {
        self.details.code == code as i32
    }

    fn is_any(&self, codes: &[sys::virErrorNumber]) -> bool {
        codes.iter().any(|code| self.is(*code))
    }

    fn is_known_driver(&self) -> bool {
        DRIVERS.contains(&&*self.target.driver.to_ascii_lowercase())
    }

    fn says(&self, part: &str) -> bool {
        self.details.message.to_string_lossy().contains(part)
    }

    /// What of the message is between quotes, which is so in all languages that have these.
    fn quoted(&self) -> Option<String> {
        let message = self.details.message.to_string_lossy();
        message.split('\'').nth(1).map(str::to_owned)
    }

    /// The file of TLS's that the message names.
    fn certificate(&self) -> Option<String> {
        let message = self.details.message.to_string_lossy();
        let mut words = message.split(|c: char| c.is_whitespace() || c == '\'');
        words.find(|word| word.starts_with('/') && word.ends_with(".pem")).map(str::to_owned)
    }

    fn errno(&self) -> c_int {
        self.details.ints[0]
    }

    // --- the daemon lets nobody in ----------------------------------------------------------

    fn of_login(&self) -> Option<String> {
        let target = &self.target;
        if self.says("TLS") && target.is(&["tls"]) {
            return Some(format!(
                "the TLS handshake with {} failed: check that its daemon listens for TLS there \
                 (libvirtd-tls.socket or virtproxyd-tls.socket) and trusts the authority of {}",
                target.host,
                target.certificate("clientcert.pem").display()
            ));
        }
        let username = self.given.and_then(|given| given.username.as_deref());
        let has_password = self.given.is_some_and(|given| given.password.is_some());
        if self.says("SASL(-4)") {
            let needs = match (username, has_password) {
                (Some(_), true) => {
                    return Some(
                        "no SASL mechanism of the daemon can be used here: install it \
                         (libsasl2-modules, or libsasl2-modules-gssapi-mit for Kerberos); scram-sha-256 \
                         needs TLS or a UNIX socket; the daemon has its mech_list in \
                         /etc/sasl2/libvirt.conf"
                            .to_owned(),
                    );
                }
                (Some(_), false) => "a password",
                (None, true) => "a user name",
                (None, false) => "a user name and a password",
            };
            return Some(format!(
                "the daemon asks for {needs} by SASL: pass \"username\", such as user@realm, and \
                 \"password\""
            ));
        }
        if let Some(name) = username.map(|name| &**name) {
            if !name.contains('@') {
                return Some(format!(
                    "SASL users have a realm: \"{name}\" has to be {name}@realm; on the \
                     daemon's host sasldblistusers2 -f /etc/libvirt/passwd.db lists both"
                ));
            }
            let plain = match target.transport {
                "tcp" => "; over TCP without TLS scram-sha-256 does not work",
                _ => "",
            };
            return Some(format!(
                "SASL has no user \"{name}\" with this password: on the daemon's host \
                 sasldblistusers2 -f /etc/libvirt/passwd.db lists users and realms, and \
                 saslpasswd2 -a libvirt sets a password{plain}"
            ));
        }
        if target.is(&["unix"]) {
            return Some(format!(
                "polkit denies access to {}: join the group libvirt and log in again, or allow the \
                 action org.libvirt.unix.manage (org.libvirt.unix.monitor to read only)",
                user()
            ));
        }
        Some(
            "check the user name, for SASL user@realm, and the password; on the \
             daemon's host sasldblistusers2 -f /etc/libvirt/passwd.db lists users and realms"
                .to_owned(),
        )
    }

    // --- sockets of this machine ------------------------------------------------------------

    fn of_socket(&self) -> Option<String> {
        let path = self.quoted().filter(|path| path.starts_with('/'));
        let path = path.or(self.target.param("socket").map(str::to_owned));
        let path = path.unwrap_or_else(|| "its socket".to_owned());
        match self.errno() {
            libc::ENOENT | libc::ECONNREFUSED if self.target.param("socket").is_some() => {
                Some(format!("no daemon listens on {path}: start it, or pass another socket="))
            }
            libc::ENOENT | libc::ECONNREFUSED => {
                let daemon = format!("virt{}d", self.target.driver);
                let session = match self.target.path {
                    "/session" => "; for a session libvirt starts the daemon if it is installed",
                    _ => "",
                };
                Some(format!(
                    "no daemon listens on {path}: start libvirtd (systemctl start \
                     libvirtd.socket) or the modular {daemon} (systemctl start {daemon}.socket)\
                     {session}"
                ))
            }
            libc::EACCES | libc::EPERM => {
                let owner = fs::metadata(&path).ok().map(|file| {
                    let group = group_of(file.gid());
                    let mode = file.mode() & 0o777;
                    (format!(" (group {group}, mode {mode:04o})"), group)
                });
                let (is, group) = owner.unwrap_or_else(|| (String::new(), "libvirt".to_owned()));
                Some(format!(
                    "{} may not use {path}{is}: join its group (usermod -aG {group} ...) and log \
                     in again, or use polkit: auth_unix_rw = \"polkit\" in libvirtd.conf",
                    user()
                ))
            }
            _ => None,
        }
    }

    // --- programs, and the network ------------------------------------------------------------

    fn of_program(&self) -> String {
        let target = &self.target;
        let command = target.param("command").unwrap_or("ssh");
        if target.is(&["ext"]) || self.errno() == libc::EPIPE && target.param("command").is_some() {
            return format!("check that {command} can be executed, and connects to the daemon");
        }
        if let Some(advice) = self.of_ssh(command) {
            return advice;
        }
        format!(
            "ssh runs in batch mode and cannot ask: provide a key without a passphrase prompt \
             (ssh-agent) and make the host known, until \"{command} -o BatchMode=yes {} true\" \
             works; on the host the user needs the daemon's socket, and nc or virt-ssh-helper",
            target.login
        )
    }

    /// By what ssh itself says, which it does in English only.
    fn of_ssh(&self, command: &str) -> Option<String> {
        let (host, login) = (self.target.host, self.target.login);
        if self.says("Host key verification failed") {
            return Some(format!(
                "ssh does not know the key of {host}, or knows another one, and cannot ask in batch \
                 mode: compare the key and add it to ~/.ssh/known_hosts, with \"{command} {login} true\""
            ));
        }
        if self.says("Could not resolve hostname") {
            return Some(unresolved(host));
        }
        let unreachable = ["Connection refused", "Connection timed out", "No route to host"];
        unreachable.iter().any(|what| self.says(what)).then(|| {
            format!(
                "ssh does not reach {host}: check that sshd runs there, its port (as in \
                 qemu+ssh://host:port/system), the route and the firewall"
            )
        })
    }

    fn of_network(&self) -> Option<String> {
        let target = &self.target;
        let host = target.host;
        let is_tls = target.is(&["tls"]);
        if let Some(file) = self.certificate() {
            return Some(of_file(&file, self.errno()));
        }
        let address = self.quoted().unwrap_or_else(|| host.to_owned());
        match self.errno() {
            libc::ECONNREFUSED => {
                let (kind, option) =
                    if is_tls { ("tls", "listen_tls") } else { ("tcp", "listen_tcp") };
                Some(format!(
                    "nothing listens on {address}: on that host run libvirtd-{kind}.socket (or \
                     virtproxyd-{kind}.socket), or libvirtd --listen with {option} = 1, and check \
                     the port"
                ))
            }
            libc::ETIMEDOUT | libc::EHOSTUNREACH | libc::ENETUNREACH => Some(format!(
                "{address} does not respond: check the address, the route and the firewall"
            )),
            // Not of a system call: neither the resolver's nor TLS's errors are.
            ..=0 if self.says(&format!("'{host}'")) && !self.says("ertificate") => {
                Some(unresolved(host))
            }
            _ if is_tls => Some(self.of_tls()),
            libc::ECONNRESET | libc::EPIPE => Some(format!(
                "{host} has closed the connection: it may expect TLS on this port ({}+tls://), or \
                 have too many clients (max_clients)",
                target.driver
            )),
            _ => None,
        }
    }

    fn of_tls(&self) -> String {
        let target = &self.target;
        let (own, authority) =
            (target.certificate("clientcert.pem"), target.certificate("cacert.pem"));
        let (own_name, host) = (own.display(), target.host);
        if self.says("confirmation") && !own.exists() {
            return format!("the daemon requires a client certificate, and {own_name} is missing");
        }
        if self.says("confirmation") || self.says("verification") {
            return format!(
                "the daemon refused the client certificate {own_name}: it has to be valid now, \
                 signed by an authority that the daemon trusts (ca_file in its libvirtd.conf), and \
                 in tls_allowed_dn_list where there is one; the daemon's log says which"
            );
        }
        format!(
            "check the server's certificate: it has to be valid now, issued for \"{host}\" \
             (dns_name or ip_address), and signed by the authority of {}; no_verify=1 in the URI \
             disables this check",
            authority.display()
        )
    }
}

/// A file of TLS's that cannot be read.
fn of_file(file: &str, errno: c_int) -> String {
    let path = Path::new(file);
    let folder = path.parent().unwrap_or(path).display();
    match errno {
        libc::EACCES => format!("{} may not read {file}: change its owner or mode", user()),
        _ if !path.exists() => format!(
            "{file} is missing: TLS requires cacert.pem, clientcert.pem and clientkey.pem, with \
             pkipath= in the URI all in that folder ({folder} here)"
        ),
        _ => format!(
            "{file} is not a usable certificate or key: check that it is PEM, valid now \
             (certtool -i --infile {file}), and that certificate and key belong together"
        ),
    }
}

/// Who runs the program.
fn user() -> String {
    // SAFETY: asks for a number.
    let uid = unsafe { libc::geteuid() };
    name_in("/etc/passwd", uid).map_or_else(|| format!("user {uid}"), |name| format!("user {name}"))
}

fn group_of(gid: u32) -> String {
    name_in("/etc/group", gid).unwrap_or_else(|| gid.to_string())
}

/// The first name with a number. Only the files are asked: a name service may not answer.
fn name_in(file: &str, number: u32) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let has = |line: &&str| line.split(':').nth(2) == Some(number.to_string().as_str());
    text.lines().find(has)?.split(':').next().map(str::to_owned)
}

fn unresolved(host: &str) -> String {
    format!(
        "\"{host}\" cannot be resolved on this machine: check the spelling, /etc/hosts and the DNS \
         servers"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Details;

    #[test]
    fn uris_are_taken_apart() {
        let target = Target::of("qemu+ssh://root@host:22/system?command=/x&no_tty=01#y");
        assert_eq!((target.driver, target.transport), ("qemu", "ssh"));
        assert_eq!((target.host, target.login, target.path), ("host", "root@host:22", "/system"));
        assert_eq!((target.param("command"), target.param("socket")), (Some("/x"), None));
        assert_eq!(Target::of("qemu://[::1]:7/system").host, "::1");
        assert_eq!(Target::of("qemu://host/system").transport, "tls");
        assert_eq!(Target::of("qemu:///system").transport, "unix");
    }

    fn hint(uri: &CStr, code: sys::virErrorNumber, errno: c_int, message: &CStr) -> String {
        let details = Details {
            code: code as i32,
            domain: sys::VIR_FROM_RPC as i32,
            message: message.to_owned(),
            ints: [errno, -1],
            ..Details::unknown()
        };
        let error = advise(Error::new(details), Some(uri), None);
        error.details().hint.as_ref().map(|hint| hint.to_string_lossy().into()).unwrap_or_default()
    }

    #[test]
    fn a_message_in_another_language_gets_advice_too() {
        let refused = hint(
            c"qemu+tcp://h/system",
            sys::VIR_ERR_SYSTEM_ERROR,
            libc::ECONNREFUSED,
            c"Verbindung zu 'h:16509' nicht m\xc3\xb6glich",
        );
        assert!(refused.starts_with("nothing listens on h:16509: "), "{refused}");
        assert!(
            hint(c"qemu:///system", sys::VIR_ERR_AUTH_UNAVAILABLE, -1, c"...").contains("polkit")
        );
        assert_eq!(hint(c"qemu:///system", sys::VIR_ERR_NO_DOMAIN, -1, c"..."), "");
    }
}
