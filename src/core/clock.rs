// SPDX-License-Identifier: LGPL-2.1-or-later
//! The time of day.

use std::ffi::CStr;

/// Seconds since 1970 as virsh shows them, in this machine's time zone:
/// "2016-01-27 22:21:11 +0100".
pub fn local(seconds: i64) -> String {
    let mut text = [0_u8; 64];
    // SAFETY: both structures are plain C, for which all-zero is valid; strftime
    // writes no more than it is told there is room for, with a NUL.
    unsafe {
        let mut parts: libc::tm = std::mem::zeroed();
        if libc::localtime_r(&seconds, &mut parts).is_null() {
            return seconds.to_string();
        }
        let format = c"%Y-%m-%d %H:%M:%S %z";
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &parts);
    }
    CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_have_their_zone() {
        let text = super::local(1_453_929_671);
        assert!(text.starts_with("2016-01-2"), "{text}");
        assert_eq!(text.len(), "2016-01-27 22:21:11 +0100".len());
    }
}
