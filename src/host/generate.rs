// SPDX-License-Identifier: LGPL-2.1-or-later
//! New uuids and hardware addresses.

use uuid::Uuid;

/// A random uuid (version 4), lower-case with hyphens.
pub fn uuid() -> String {
    random().hyphenated().to_string()
}

/// A random hardware address with python-kvm's prefix, 54:52:00.
pub fn mac() -> String {
    // The last bytes of a random uuid are random, all of them.
    let bytes = random().into_bytes();
    format!("54:52:00:{:02x}:{:02x}:{:02x}", bytes[13], bytes[14], bytes[15])
}

fn random() -> Uuid {
    Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_valid_and_differ() {
        let (one, other) = (uuid(), uuid());
        assert_ne!(one, other);
        let parsed = Uuid::parse_str(&one).unwrap();
        assert_eq!(parsed.get_version_num(), 4);
        assert_eq!(parsed.get_variant(), uuid::Variant::RFC4122);
    }

    #[test]
    fn addresses_have_the_prefix() {
        let mac = mac();
        assert!(mac.starts_with("54:52:00:"), "{mac}");
        assert_eq!(mac.len(), 17);
        assert_ne!(mac, super::mac());
    }
}
