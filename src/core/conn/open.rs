//! Opening a connection, with and without credentials.

use std::ffi::{CStr, c_char, c_int, c_uint};
use std::ptr::{self, NonNull};

use virt::sys;
use zeroize::Zeroizing;

use super::{Conn, Opened, opened, shared, ssh};
use crate::core::line::{self, ConnRef};
use crate::core::{call, fds, libxml, sigpipe};
use crate::error::Result;

/// Something libvirt asks for while a connection opens.
pub struct Credential {
    /// One of `CRED_*`.
    pub kind: c_int,
    /// What to show the user.
    pub prompt: Option<String>,
    /// What the answer is computed from, for challenge-response methods.
    pub challenge: Option<String>,
    /// The answer that is taken when none is given.
    pub default: Option<String>,
    /// The answer.
    pub result: Option<String>,
}

/// Answers credential requests. False refuses, which ends the attempt to open.
pub type Authenticator<'a> = dyn FnMut(&mut [Credential]) -> bool + 'a;

impl Conn {
    /// Opens a connection without offering credentials.
    pub fn open(uri: Option<&CStr>, flags: c_uint) -> Result<Self> {
        let uri = ssh::without_questions(uri);
        Self::opened_with(uri.as_deref(), ptr::null_mut(), flags)
    }

    /// Opens a connection; libvirt prompts for credentials on the console, and so may ssh.
    pub fn open_console(uri: Option<&CStr>, flags: c_uint) -> Result<Self> {
        // SAFETY: a constant of libvirt's, which it only reads.
        Self::opened_with(uri, unsafe { sys::virConnectAuthPtrDefault }, flags)
    }

    /// Opens a connection; `answer` gets requests for the types in `types`.
    pub fn open_auth(
        uri: Option<&CStr>,
        types: &[c_int],
        mut answer: &mut Authenticator<'_>,
        flags: c_uint,
    ) -> Result<Self> {
        let mut types = types.to_vec();
        let mut auth = sys::virConnectAuth {
            credtype: types.as_mut_ptr(),
            ncredtype: types.len() as c_uint,
            cb: Some(answer_credentials),
            cbdata: (&raw mut answer).cast(),
        };
        let uri = ssh::without_questions(uri);
        Self::opened_with(uri.as_deref(), &mut auth, flags)
    }

    fn opened_with(
        uri: Option<&CStr>,
        auth: sys::virConnectAuthPtr,
        flags: c_uint,
    ) -> Result<Self> {
        let opened = Opened { flags, asked_for_credentials: !auth.is_null() };
        let raw = open_with(uri, auth, flags)?;
        // SAFETY: a new connection whose one reference is ours.
        Ok(unsafe { Conn::adopt(raw, Some(opened)) })
    }
}

/// Opens a connection as one was opened before, which asked for no credentials.
pub(crate) fn reopen(uri: &CStr, opened: Opened) -> Result<ConnRef> {
    let uri = ssh::without_questions(Some(uri));
    let raw = open_with(uri.as_deref(), ptr::null_mut(), opened.flags)?;
    // SAFETY: a new connection whose one reference is ours.
    Ok(unsafe { ConnRef::adopt(raw) })
}

fn open_with(
    uri: Option<&CStr>,
    auth: sys::virConnectAuthPtr,
    flags: c_uint,
) -> Result<NonNull<sys::virConnect>> {
    call::initialize();
    if !uri.is_some_and(is_in_process) {
        fds::for_a_connection()?;
        sigpipe::expect_sockets();
    }
    let asks = !auth.is_null();
    let reads_file = uri.is_some_and(is_of_file);
    if shared::is_meant(uri) {
        shared::ready()?;
    }
    let uri = uri.map_or(ptr::null(), CStr::as_ptr);
    sigpipe::shield();
    // SAFETY: uri is NULL or a C string; auth is NULL, libvirt's default or
    // complete, with a callback whose data outlives this call.
    let open = || unsafe { sys::virConnectOpenAuth(uri, auth, flags) };
    let raw = if reads_file { libxml::quietly(open) } else { open() };
    line::forget_address(raw);
    let raw = call::pointer(raw, c"virConnectOpenAuth")?;
    opened::remember(raw, flags, asks);
    Ok(raw)
}

/// Whether this is libvirt's test driver with a host that is described in a file.
fn is_of_file(uri: &CStr) -> bool {
    uri.to_bytes().starts_with(b"test:/") && !uri.to_bytes().starts_with(b"test:///default")
}

/// Whether this is libvirt's test driver in this process, which has no socket to
/// write to.
pub(super) fn is_in_process(uri: &CStr) -> bool {
    uri.to_bytes().starts_with(b"test:///")
}

/// libvirt's credential callback; `userdata` is the `&mut Authenticator`.
unsafe extern "C" fn answer_credentials(
    requests: sys::virConnectCredentialPtr,
    count: c_uint,
    userdata: *mut libc::c_void,
) -> c_int {
    // SAFETY: libvirt passes `count` requests, and the pointer that
    // `open_auth` gave it, which lives across the call to virConnectOpenAuth.
    let (requests, answer) = unsafe {
        (
            std::slice::from_raw_parts_mut(requests, count as usize),
            &mut **userdata.cast::<&mut Authenticator<'_>>(),
        )
    };
    let text = |text: *const c_char| {
        // SAFETY: NULL or a C string.
        (!text.is_null()).then(|| unsafe { CStr::from_ptr(text).to_string_lossy().into_owned() })
    };
    let mut credentials: Vec<_> = requests
        .iter()
        .map(|request| Credential {
            kind: request.type_,
            prompt: text(request.prompt),
            challenge: text(request.challenge),
            default: text(request.defresult),
            result: None,
        })
        .collect();
    let answered = answer(&mut credentials);
    for (request, credential) in requests.iter_mut().zip(&mut credentials) {
        let Some(result) = credential.result.take().map(Zeroizing::new) else {
            continue;
        };
        // libvirt does not look at answers that are refused.
        if answered {
            // SAFETY: libvirt frees the copy; it needs no NUL, but gets one.
            unsafe {
                request.result = libc::strndup(result.as_ptr().cast(), result.len());
                request.resultlen = libc::strlen(request.result) as c_uint;
            }
        }
    }
    if answered { 0 } else { -1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_test_driver_of_this_process_has_no_socket() {
        assert!(is_in_process(c"test:///default"));
        for uri in [c"test+unix:///default", c"test://host/default", c"qemu:///system", c""] {
            assert!(!is_in_process(uri), "{uri:?}");
        }
    }
}
