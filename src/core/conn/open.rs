// SPDX-License-Identifier: LGPL-2.1-or-later
//! Opening a connection, with and without credentials.

use std::ffi::{CStr, CString, c_char, c_int, c_uint};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use virt::sys;
use zeroize::Zeroizing;

use super::{Conn, Credentials, Opened, advice, opened, opening, shared, ssh};
use crate::core::line::{self, ConnRef};
use crate::core::{call, fds, lane, libxml, sigpipe};
use crate::error::Result;
use crate::memory;

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

impl Credential {
    /// The same, not answered yet.
    pub fn question(&self) -> Self {
        Credential {
            kind: self.kind,
            prompt: self.prompt.clone(),
            challenge: self.challenge.clone(),
            default: self.default.clone(),
            result: None,
        }
    }
}

/// An [`Authenticator`] for any thread.
pub type Answers = dyn Fn(&mut [Credential]) -> bool + Send + Sync;

/// Who gives credentials when libvirt asks, on whichever thread opens.
#[derive(Clone)]
pub enum Asked {
    /// The user, on the console: libvirt prompts there, and so may ssh.
    Console,
    /// This, for these types. It answers like an [`Authenticator`].
    Program(Vec<c_int>, Arc<Answers>),
}

/// How a connection is to be opened.
#[derive(Clone, Default)]
pub struct Options {
    /// None for libvirt's default.
    pub uri: Option<CString>,
    /// Some of `CONNECT_*`.
    pub flags: c_uint,
    /// None if there are none to offer.
    pub credentials: Option<Arc<Credentials>>,
    /// Who is asked where there are none; None for nobody.
    pub asked: Option<Asked>,
    /// Whether the connection keeps them, to be opened again with them.
    pub keeps_credentials: bool,
    /// Whether a child of fork opens it again; None for what is set for all.
    pub reopens_in_children: Option<bool>,
    /// How long an opening in place of this one may take.
    pub patience: Option<Duration>,
}

/// Answers credential requests. False refuses, which ends the attempt to open.
pub type Authenticator<'a> = dyn FnMut(&mut [Credential]) -> bool + 'a;

impl Conn {
    /// Opens a connection without offering credentials.
    pub fn open(uri: Option<&CStr>, flags: c_uint) -> Result<Self> {
        let uri = ssh::without_questions(uri);
        Self::opened_with(uri.as_deref(), ptr::null_mut(), Opened::with(flags))
    }

    /// Opens a connection; `answer` gets requests for the types in `types`.
    pub fn open_auth(
        uri: Option<&CStr>,
        types: &[c_int],
        answer: &mut Authenticator<'_>,
        flags: c_uint,
    ) -> Result<Self> {
        let opened = Opened { asked_for_credentials: true, ..Opened::with(flags) };
        let uri = ssh::without_questions(uri);
        answering(types, answer, |auth| Self::opened_with(uri.as_deref(), auth, opened))
    }

    /// Opens a connection with all that can be said about it.
    pub fn open_as(options: &Options) -> Result<Self> {
        let opened = Opened {
            flags: options.flags,
            asked_for_credentials: options.credentials.is_some() || options.asked.is_some(),
            kept: options.credentials.clone().filter(|_| options.keeps_credentials),
            reopens_in_children: options.reopens_in_children,
            patience: options.patience,
        };
        let silent = ssh::without_questions(options.uri.as_deref());
        let uri = silent.as_deref();
        match (&options.credentials, &options.asked) {
            (None, None) => Self::opened_with(uri, ptr::null_mut(), opened),
            (Some(given), _) => given
                .offer(|auth| Self::opened_with(uri, auth, opened))
                .map_err(|error| advice::advise(error, uri, Some(given))),
            (None, Some(Asked::Program(types, answer))) => {
                let mut answer = |asked: &mut [Credential]| answer(asked);
                answering(types, &mut answer, |auth| Self::opened_with(uri, auth, opened))
            }
            (None, Some(Asked::Console)) => {
                let uri = options.uri.as_deref();
                // SAFETY: a constant of libvirt's, which it only reads.
                Self::opened_with(uri, unsafe { sys::virConnectAuthPtrDefault }, opened)
            }
        }
    }

    fn opened_with(
        uri: Option<&CStr>,
        auth: sys::virConnectAuthPtr,
        opened: Opened,
    ) -> Result<Self> {
        let raw = open_with(uri, auth, &opened)?;
        // SAFETY: a new connection whose one reference is ours.
        Ok(unsafe { Conn::adopt(raw, Some(opened)) })
    }
}

/// Opens a connection as one was opened before. Credentials are those that were kept.
pub(crate) fn reopen(uri: &CStr, opened: &Opened) -> Result<ConnRef> {
    let uri = ssh::without_questions(Some(uri));
    let uri = uri.as_deref();
    let raw = match &opened.kept {
        None => open_with(uri, ptr::null_mut(), opened),
        Some(kept) => kept.offer(|auth| open_with(uri, auth, opened)),
    }?;
    // SAFETY: a new connection whose one reference is ours.
    Ok(unsafe { ConnRef::adopt(raw) })
}

impl Credentials {
    /// Lets libvirt ask for them.
    fn offer<T>(&self, open: impl FnOnce(sys::virConnectAuthPtr) -> T) -> T {
        let kinds = |given: bool, kinds: &'static [u32]| if given { kinds } else { &[] };
        let username =
            kinds(self.username.is_some(), &[sys::VIR_CRED_USERNAME, sys::VIR_CRED_AUTHNAME]);
        let password = kinds(self.password.is_some(), &[sys::VIR_CRED_PASSPHRASE]);
        let types: Vec<_> = username.iter().chain(password).map(|kind| *kind as c_int).collect();
        let mut answer = |asked: &mut [Credential]| {
            for request in asked {
                let given = match request.kind as u32 {
                    sys::VIR_CRED_PASSPHRASE => &self.password,
                    _ => &self.username,
                };
                let copy = given.as_ref().map(|text| memory::secret_text(text, "password"));
                request.result =
                    copy.and_then(Result::ok).map(|mut text| std::mem::take(&mut *text));
            }
            true
        };
        answering(&types, &mut answer, open)
    }
}

/// Calls with what lets libvirt ask `answer`.
fn answering<T>(
    types: &[c_int],
    mut answer: &mut Authenticator<'_>,
    open: impl FnOnce(sys::virConnectAuthPtr) -> T,
) -> T {
    let mut types = types.to_vec();
    let mut auth = sys::virConnectAuth {
        credtype: types.as_mut_ptr(),
        ncredtype: types.len() as c_uint,
        cb: Some(answer_credentials),
        cbdata: (&raw mut answer).cast(),
    };
    open(&mut auth)
}

fn open_with(
    uri: Option<&CStr>,
    auth: sys::virConnectAuthPtr,
    opened: &Opened,
) -> Result<NonNull<sys::virConnect>> {
    call::initialize();
    if !uri.is_some_and(is_in_process) {
        fds::for_a_connection()?;
        sigpipe::expect_sockets();
    }
    let reads_file = uri.is_some_and(is_of_file);
    if shared::is_meant(uri) {
        shared::ready()?;
    }
    let text = uri.map_or(ptr::null(), CStr::as_ptr);
    sigpipe::shield();
    // SAFETY: the URI is NULL or a C string; auth is NULL, libvirt's default or
    // complete, with a callback whose data outlives this call.
    let open = || unsafe { sys::virConnectOpenAuth(text, auth, opened.flags) };
    let open = || opening::run(open);
    let raw = if reads_file { libxml::quietly(open) } else { open() };
    line::forget_address(raw);
    lane::forget_address(raw);
    let raw = call::pointer(raw, c"virConnectOpenAuth")
        .map_err(|error| advice::advise(error, uri, None))?;
    opened::remember(raw, opened);
    Ok(raw)
}

/// Whether this is libvirt's test driver with a host that is described in a file.
fn is_of_file(uri: &CStr) -> bool {
    uri.to_bytes().starts_with(b"test:/") && !uri.to_bytes().starts_with(b"test:///default")
}

/// Whether this is libvirt's test driver in this process, which has no socket to
/// write to.
fn is_in_process(uri: &CStr) -> bool {
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
