// SPDX-License-Identifier: LGPL-2.1-or-later
//! Whether ssh may ask its user for a password.
//!
//! libvirt starts ssh for URIs like `qemu+ssh://host/system`, and ssh asks on the terminal
//! of the process, whatever the program does with it; the open waits for an answer. So
//! unless the program said that it wants to be asked, or wrote `no_tty` itself, the URI
//! that libvirt gets has `no_tty=1`, which is ssh's batch mode. It is written in a way that
//! nobody else writes: that is how [`as_given`] knows it, also in the URIs of objects,
//! of children of fork, and of connections that are opened again.

use std::borrow::Cow;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStringExt;

use crate::core::Text;

/// libvirt reads the numbers 1 and 0.
const OURS: [&[u8]; 2] = [b"no_tty=01", b"no_tty=00"];

/// The URI for a connection that is opened while nobody waits for questions. `uri` is None
/// for libvirt's default, which may come from the environment.
pub(super) fn without_questions(uri: Option<&CStr>) -> Option<Cow<'_, CStr>> {
    let quiet = match uri {
        Some(uri) => with_batch_mode(uri.to_bytes()),
        None => default_uri().and_then(|uri| with_batch_mode(&uri)),
    };
    quiet.map(Cow::Owned).or(uri.map(Cow::Borrowed))
}

/// What libvirt takes from the environment where no URI is given.
fn default_uri() -> Option<Vec<u8>> {
    std::env::var_os("LIBVIRT_DEFAULT_URI").map(OsStringExt::into_vec)
}

fn with_batch_mode(uri: &[u8]) -> Option<CString> {
    let end = uri.iter().position(|byte| *byte == b'#').unwrap_or(uri.len());
    let (uri, fragment) = uri.split_at(end);
    let scheme = uri.split(|byte| *byte == b':').next()?;
    if !scheme.to_ascii_lowercase().ends_with(b"+ssh") {
        return None;
    }
    let separator: &[u8] = match uri.iter().position(|byte| *byte == b'?') {
        None => b"?",
        Some(at) if has_no_tty(&uri[at + 1..]) => return None,
        Some(at) if at + 1 == uri.len() => b"",
        Some(_) => b"&",
    };
    CString::new([uri, separator, OURS[0], fragment].concat()).ok()
}

/// Whether the program decided itself.
fn has_no_tty(query: &[u8]) -> bool {
    let name_of = |param: &[u8]| param.split(|byte| *byte == b'=').next().map(<[u8]>::to_vec);
    query
        .split(|byte| matches!(byte, b'&' | b';'))
        .filter_map(name_of)
        .any(|name| name.eq_ignore_ascii_case(b"no_tty"))
}

/// The URI as the program wrote it, and libvirt completed it.
pub(super) fn as_given(uri: Text) -> Text {
    let given = OURS.iter().find_map(|ours| without(uri.to_bytes(), ours));
    given.map_or(uri, |given| Text::copy(&given))
}

fn without(uri: &[u8], ours: &[u8]) -> Option<CString> {
    let at = uri.windows(ours.len()).position(|window| window == ours)?;
    let (before, after) = (&uri[..at], &uri[at + ours.len()..]);
    if !matches!(after.first(), None | Some(b'#' | b'&' | b';')) {
        return None;
    }
    let before = match before.split_last() {
        Some((b'?', rest)) if !matches!(after.first(), Some(b'&' | b';')) => rest,
        Some((b'&', rest)) => rest,
        _ => return None,
    };
    CString::new([before, after].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(uri: &CStr) -> (String, String) {
        let quiet = without_questions(Some(uri)).unwrap().into_owned();
        let given = (*as_given(Text::copy(&quiet))).to_owned();
        (quiet.into_string().unwrap(), given.into_string().unwrap())
    }

    #[test]
    fn ssh_does_not_ask() {
        for (uri, quiet) in [
            (c"qemu+ssh://host/system", "qemu+ssh://host/system?no_tty=01"),
            (c"QEMU+SSH://a@h:22/system", "QEMU+SSH://a@h:22/system?no_tty=01"),
            (c"qemu+ssh://h/s?command=/x", "qemu+ssh://h/s?command=/x&no_tty=01"),
            (c"qemu+ssh://h/s?x_no_tty=0", "qemu+ssh://h/s?x_no_tty=0&no_tty=01"),
            (c"qemu+ssh://h/s#part", "qemu+ssh://h/s?no_tty=01#part"),
        ] {
            assert_eq!(there_and_back(uri), (quiet.to_owned(), uri.to_str().unwrap().to_owned()));
        }
    }

    #[test]
    fn what_the_program_decides_stays() {
        for uri in [
            c"qemu+ssh://host/system?no_tty=0",
            c"qemu+ssh://host/system?command=/x&NO_TTY=1",
            c"qemu+ssh://host/system?no_tty=1;command=/x",
            c"qemu+libssh2://host/system",
            c"qemu+tcp://ssh/system",
            c"qemu:///system",
            c"test:///default",
            c"",
        ] {
            let same = uri.to_str().unwrap().to_owned();
            assert_eq!(there_and_back(uri), (same.clone(), same));
        }
    }
}
