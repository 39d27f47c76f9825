// SPDX-License-Identifier: LGPL-2.1-or-later
//! Credentials as data.

use zeroize::Zeroizing;

/// A name and a password that are given before anybody asks for them. They are overwritten
/// when nobody needs them any more.
#[derive(Default)]
pub struct Credentials {
    /// For `CRED_USERNAME` and `CRED_AUTHNAME`.
    pub username: Option<Zeroizing<String>>,
    /// For `CRED_PASSPHRASE`.
    pub password: Option<Zeroizing<String>>,
}
