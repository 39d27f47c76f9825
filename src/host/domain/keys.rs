// SPDX-License-Identifier: LGPL-2.1-or-later
//! The keys of a guest by their names.

use crate::constants as c;
use crate::host::frame::text::parse_number;
use crate::host::frame::words::names;

/// Linux' names of the keys, without "KEY_", in the order of its numbers.
const LINUX: [&str; 128] = [
    "",
    "ESC",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "0",
    "MINUS",
    "EQUAL",
    "BACKSPACE",
    "TAB",
    "Q",
    "W",
    "E",
    "R",
    "T",
    "Y",
    "U",
    "I",
    "O",
    "P",
    "LEFTBRACE",
    "RIGHTBRACE",
    "ENTER",
    "LEFTCTRL",
    "A",
    "S",
    "D",
    "F",
    "G",
    "H",
    "J",
    "K",
    "L",
    "SEMICOLON",
    "APOSTROPHE",
    "GRAVE",
    "LEFTSHIFT",
    "BACKSLASH",
    "Z",
    "X",
    "C",
    "V",
    "B",
    "N",
    "M",
    "COMMA",
    "DOT",
    "SLASH",
    "RIGHTSHIFT",
    "KPASTERISK",
    "LEFTALT",
    "SPACE",
    "CAPSLOCK",
    "F1",
    "F2",
    "F3",
    "F4",
    "F5",
    "F6",
    "F7",
    "F8",
    "F9",
    "F10",
    "NUMLOCK",
    "SCROLLLOCK",
    "KP7",
    "KP8",
    "KP9",
    "KPMINUS",
    "KP4",
    "KP5",
    "KP6",
    "KPPLUS",
    "KP1",
    "KP2",
    "KP3",
    "KP0",
    "KPDOT",
    "",
    "ZENKAKUHANKAKU",
    "102ND",
    "F11",
    "F12",
    "RO",
    "KATAKANA",
    "HIRAGANA",
    "HENKAN",
    "KATAKANAHIRAGANA",
    "MUHENKAN",
    "KPJPCOMMA",
    "KPENTER",
    "RIGHTCTRL",
    "KPSLASH",
    "SYSRQ",
    "RIGHTALT",
    "LINEFEED",
    "HOME",
    "UP",
    "PAGEUP",
    "LEFT",
    "RIGHT",
    "END",
    "DOWN",
    "PAGEDOWN",
    "INSERT",
    "DELETE",
    "MACRO",
    "MUTE",
    "VOLUMEDOWN",
    "VOLUMEUP",
    "POWER",
    "KPEQUAL",
    "KPPLUSMINUS",
    "PAUSE",
    "SCALE",
    "KPCOMMA",
    "HANGEUL",
    "HANJA",
    "YEN",
    "LEFTMETA",
    "RIGHTMETA",
    "COMPOSE",
];

/// What numbers of keys can mean.
pub const CODESETS: [(&str, u32); 11] = [
    ("linux", c::DOMAIN_KEYCODE_SET_LINUX),
    ("xt", c::DOMAIN_KEYCODE_SET_XT),
    ("atset1", c::DOMAIN_KEYCODE_SET_ATSET1),
    ("atset2", c::DOMAIN_KEYCODE_SET_ATSET2),
    ("atset3", c::DOMAIN_KEYCODE_SET_ATSET3),
    ("os_x", c::DOMAIN_KEYCODE_SET_OSX),
    ("xt_kbd", c::DOMAIN_KEYCODE_SET_XT_KBD),
    ("usb", c::DOMAIN_KEYCODE_SET_USB),
    ("win32", c::DOMAIN_KEYCODE_SET_WIN32),
    ("rfb", c::DOMAIN_KEYCODE_SET_QNUM),
    ("qnum", c::DOMAIN_KEYCODE_SET_QNUM),
];

pub const CODESET_NAMES: &[&str] = &names(&CODESETS);

/// The number of a key: a number, or, with Linux' code set, a name.
pub fn code(set: u32, key: &str) -> Option<i32> {
    if let Some(digits) = key.strip_prefix("0x") {
        return i32::from_str_radix(digits, 16).ok().filter(|code| *code > 0);
    }
    if let Some(code) = parse_number(key) {
        return Some(code).filter(|code| *code > 0);
    }
    let name = key.strip_prefix("KEY_").filter(|name| !name.is_empty())?;
    let place = LINUX.iter().position(|known| *known == name)?;
    i32::try_from(place).ok().filter(|_| set == c::DOMAIN_KEYCODE_SET_LINUX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_names_and_numbers() {
        let linux = c::DOMAIN_KEYCODE_SET_LINUX;
        assert_eq!(code(linux, "KEY_A"), Some(30));
        assert_eq!(code(linux, "KEY_LEFTALT"), Some(56));
        assert_eq!(code(linux, "0x1e"), Some(30));
        assert_eq!(code(linux, "12"), Some(12));
        for wrong in ["", "KEY_", "A", "KEY_NOTHING", "-1", "0xg"] {
            assert_eq!(code(linux, wrong), None, "{wrong}");
        }
        assert_eq!(code(c::DOMAIN_KEYCODE_SET_USB, "KEY_A"), None);
    }
}
