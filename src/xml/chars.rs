// SPDX-License-Identifier: LGPL-2.1-or-later
//! The characters and names of XML 1.0, and positions in a text.

/// Whether XML allows the character, written out or as a reference.
pub(super) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0B' | '\x0C' | '\x0E'..='\x1F' | '\u{FFFE}' | '\u{FFFF}')
}

/// Where the first character stands that XML does not allow.
pub(super) fn find_forbidden(text: &str) -> Option<(usize, char)> {
    // Nearly every text passes this loop over bytes, which the compiler turns
    // into a few vector instructions: control characters, and the byte with
    // which U+FFFE and U+FFFF (and many good characters) start.
    let suspicious = |b: u8| (b < 0x20 && b != b'\n' && b != b'\t' && b != b'\r') || b == 0xEF;
    if !text.bytes().fold(false, |found, b| found | suspicious(b)) {
        return None;
    }
    text.char_indices().find(|(_, c)| !is_xml_char(*c))
}

/// Whether XML counts the character as white space.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The bytes that nearly every name is made of; to look one up is the quickest test.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < plain.len() {
        plain[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    plain
};

/// Whether `text` is a Name of XML 1.0: "disk", "qemu:commandline".
pub(super) fn is_name(text: &str) -> bool {
    let starts_plain = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    if starts_plain && text.bytes().all(|byte| PLAIN[usize::from(byte)]) {
        return true;
    }
    let mut chars = text.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

fn is_name_start(c: char) -> bool {
    matches!(c,
        'a'..='z' | 'A'..='Z' | '_' | ':'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

/// Line and column of a byte offset, both from 1, the column in characters.
pub(super) fn position(text: &str, offset: usize) -> (u64, u64) {
    let before = text.get(..offset).unwrap_or(text);
    // All three ends of a line that XML knows count as one.
    let ends = |end: &str| before.matches(end).count();
    let line = ends("\n") + ends("\r") - ends("\r\n") + 1;
    let column = before.chars().rev().take_while(|c| !matches!(c, '\n' | '\r')).count() + 1;
    (line as u64, column as u64)
}
