//! Goes through a document once and finds whatever is not well-formed.
//!
//! quick-xml cuts the text into tags and texts. It is lenient by design, so what
//! it leaves open is checked here: names, attributes, references, one root.

use std::borrow::Cow;
use std::collections::HashSet;

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::value::shortened;

use super::chars::{find_forbidden, is_name, is_space, is_xml_char, position};

/// Up to so many names are compared one by one.
const FEW: usize = 16;

/// What is wrong with a document, and at which byte. Line and column are only
/// worked out for the message.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) offset: usize,
    pub(super) reason: String,
}

fn flaw<T>(offset: usize, reason: impl Into<String>) -> Result<T, Flaw> {
    Err(Flaw {
        offset,
        reason: reason.into(),
    })
}

/// Takes the parts of a document, in order.
pub(super) trait Sink<'a> {
    /// An element begins, at byte `offset`.
    fn start(&mut self, name: &'a str, offset: usize) -> Result<(), Flaw>;
    /// An attribute of the element that began last. Never the same one twice.
    fn attribute(&mut self, name: &'a str, value: Cow<'a, str>);
    /// A piece of text, literally.
    fn text(&mut self, text: &'a str);
    /// One character of text that was written as a reference.
    fn character(&mut self, c: char);
    /// The innermost element ends.
    fn end(&mut self, name: &'a str);
}

/// Takes the parts and does nothing: for checking only.
impl<'a> Sink<'a> for () {
    fn start(&mut self, _: &'a str, _: usize) -> Result<(), Flaw> {
        Ok(())
    }
    fn attribute(&mut self, _: &'a str, _: Cow<'a, str>) {}
    fn text(&mut self, _: &'a str) {}
    fn character(&mut self, _: char) {}
    fn end(&mut self, _: &'a str) {}
}

/// Drops the byte order mark and makes every line end "\n", as XML demands
/// before anything else is done with a text.
pub(super) fn prepare(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Hands the parts of `text`, which [`prepare`] has made, to `sink`.
pub(super) fn scan<'a>(text: &'a str, sink: &mut impl Sink<'a>) -> Result<(), Flaw> {
    if let Some((offset, c)) = find_forbidden(text) {
        return flaw(
            offset,
            format!("XML does not allow the character U+{:04X}", u32::from(c)),
        );
    }
    // The reader would skip a second mark without counting it.
    if text.starts_with('\u{FEFF}') {
        return flaw(0, "a second byte order mark");
    }
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    // The scanner compares the names itself and knows where each was opened.
    config.check_end_names = false;
    config.allow_unmatched_ends = true;
    let mut scanner = Scanner {
        text,
        sink,
        open: Vec::new(),
        few: Vec::new(),
        many: HashSet::new(),
        root: false,
        doctype: false,
    };
    loop {
        let start = reader.buffer_position() as usize;
        let event = match reader.read_event() {
            Ok(event) => event,
            Err(error) => return flaw(reader.error_position() as usize, error.to_string()),
        };
        let end = reader.buffer_position() as usize;
        // What the event was made of, with the lifetime of the text.
        let raw = text.get(start..end).unwrap_or_default();
        match event {
            Event::Start(_) => scanner.tag(start, inside(raw, 1, 1), false)?,
            Event::Empty(_) => scanner.tag(start, inside(raw, 1, 2), true)?,
            Event::End(_) => scanner.end_tag(start, inside(raw, 2, 1).trim_ascii_end())?,
            Event::Text(_) => scanner.text(start, raw)?,
            Event::CData(_) => scanner.cdata(start, inside(raw, "<![CDATA[".len(), "]]>".len()))?,
            Event::GeneralRef(_) => scanner.reference(start, inside(raw, 1, 1))?,
            Event::Comment(_) => {}
            Event::PI(_) => check_instruction(start, inside(raw, 2, 2))?,
            Event::Decl(_) => check_declaration(start, inside(raw, "<?xml".len(), 2))?,
            Event::DocType(_) => scanner.doctype(start, raw)?,
            Event::Eof => return scanner.finish(),
        }
    }
}

/// `raw` without so many bytes at its start and end.
fn inside(raw: &str, before: usize, after: usize) -> &str {
    raw.get(before..raw.len().saturating_sub(after))
        .unwrap_or_default()
}

struct Scanner<'a, 's, S> {
    text: &'a str,
    sink: &'s mut S,
    /// The names of the open elements, and where their tags stand.
    open: Vec<(&'a str, usize)>,
    /// The attributes of the tag at hand; kept only to save allocations.
    few: Vec<&'a str>,
    /// The same, of a tag that has more of them than a loop should compare.
    many: HashSet<&'a str>,
    /// Whether the root element has begun.
    root: bool,
    doctype: bool,
}

impl<'a, S: Sink<'a>> Scanner<'a, '_, S> {
    /// A start tag or an empty-element tag; `content` is what its brackets hold.
    fn tag(&mut self, offset: usize, content: &'a str, empty: bool) -> Result<(), Flaw> {
        let bytes = content.as_bytes();
        let name_end = bytes
            .iter()
            .position(|b| is_space(*b))
            .unwrap_or(bytes.len());
        let name = &content[..name_end];
        if !is_name(name) {
            return flaw(offset, bad_name("an element", name));
        }
        if self.open.is_empty() && self.root {
            return flaw(
                offset,
                format!("<{name}> is a second root element: a document has one"),
            );
        }
        self.root = true;
        self.sink.start(name, offset)?;
        self.attributes(offset + 1, content, name_end)?;
        if empty {
            self.sink.end(name);
        } else {
            self.open.push((name, offset));
        }
        Ok(())
    }

    /// The attributes of a tag, from byte `at` of its `content` on.
    fn attributes(&mut self, offset: usize, content: &'a str, mut at: usize) -> Result<(), Flaw> {
        let bytes = content.as_bytes();
        self.few.clear();
        // A new set, since clearing one takes as long as it ever was large.
        if !self.many.is_empty() {
            self.many = HashSet::new();
        }
        loop {
            let start = skip_space(bytes, at);
            if start == bytes.len() {
                return Ok(());
            }
            if start == at {
                return flaw(offset + at, "there must be white space before an attribute");
            }
            let name_end = find(bytes, start, |b| b == b'=' || is_space(b));
            let name = &content[start..name_end];
            if !is_name(name) {
                return flaw(offset + start, bad_name("an attribute", name));
            }
            let equals = skip_space(bytes, name_end);
            if bytes.get(equals) != Some(&b'=') {
                return flaw(offset + start, format!("the attribute {name} has no value"));
            }
            let open = skip_space(bytes, equals + 1);
            let Some(quote @ (b'"' | b'\'')) = bytes.get(open) else {
                return flaw(
                    offset + open,
                    format!("the value of the attribute {name} must stand in quotes"),
                );
            };
            let close = find(bytes, open + 1, |b| b == *quote);
            let Some(value) = content.get(open + 1..close).filter(|_| close < bytes.len()) else {
                return flaw(
                    offset + open,
                    format!("the value of the attribute {name} has no closing quote"),
                );
            };
            if !self.is_new(name) {
                return flaw(
                    offset + start,
                    format!("the attribute {name} is there twice"),
                );
            }
            let value = attribute_value(offset + open + 1, name, value)?;
            self.sink.attribute(name, value);
            at = close + 1;
        }
    }

    /// Whether the tag at hand has no attribute of this name yet.
    fn is_new(&mut self, name: &'a str) -> bool {
        if self.few.len() < FEW {
            let new = !self.few.contains(&name);
            self.few.push(name);
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(&self.few);
        }
        self.many.insert(name)
    }

    fn end_tag(&mut self, offset: usize, name: &'a str) -> Result<(), Flaw> {
        match self.open.pop() {
            Some((opened, _)) if opened == name => {
                self.sink.end(name);
                Ok(())
            }
            Some((opened, at)) => {
                let (line, _) = position(self.text, at);
                flaw(
                    offset,
                    format!("</{name}> does not end <{opened}>, which begins in line {line}"),
                )
            }
            None => flaw(
                offset,
                format!("</{name}> ends nothing: no element is open"),
            ),
        }
    }

    fn text(&mut self, offset: usize, text: &'a str) -> Result<(), Flaw> {
        // Most texts are the line ends and indentation between two tags.
        let Some(first) = text.bytes().position(|b| !is_space(b)) else {
            if !self.open.is_empty() {
                self.sink.text(text);
            }
            return Ok(());
        };
        if self.open.is_empty() {
            return flaw(offset + first, self.outside());
        }
        if let Some(at) = text.find(']').and_then(|_| text.find("]]>")) {
            return flaw(offset + at, "\"]]>\" is not allowed in text: write ]]&gt;");
        }
        self.sink.text(text);
        Ok(())
    }

    fn cdata(&mut self, offset: usize, text: &'a str) -> Result<(), Flaw> {
        if self.open.is_empty() {
            return flaw(offset, self.outside());
        }
        self.sink.text(text);
        Ok(())
    }

    fn reference(&mut self, offset: usize, name: &str) -> Result<(), Flaw> {
        if self.open.is_empty() {
            return flaw(offset, self.outside());
        }
        match resolve(name) {
            Ok(c) => {
                self.sink.character(c);
                Ok(())
            }
            Err(reason) => flaw(offset, reason),
        }
    }

    fn outside(&self) -> &'static str {
        if self.root {
            "there is text after the root element"
        } else {
            "there is text before the root element"
        }
    }

    /// Accepts a DOCTYPE that only names the document type.
    fn doctype(&mut self, offset: usize, raw: &str) -> Result<(), Flaw> {
        if self.root || self.doctype {
            return flaw(
                offset,
                "a DOCTYPE can only stand once, before the root element",
            );
        }
        self.doctype = true;
        let content = inside(raw, 0, 1)
            .strip_prefix("<!DOCTYPE")
            .unwrap_or_default();
        let end = content.find(['[', '"', '\'']).unwrap_or(content.len());
        let mut words = content[..end].split_ascii_whitespace();
        let name_is_good = content.starts_with(|c: char| c.is_ascii_whitespace())
            && words.next().is_some_and(is_name);
        let mut rest = &content[end..];
        let literals = match words.next() {
            None => 0,
            Some("SYSTEM") => 1,
            Some("PUBLIC") => 2,
            Some(_) => 3,
        };
        for _ in 0..literals {
            rest = skip_literal(rest).unwrap_or("?").trim_ascii_start();
        }
        if rest.starts_with('[') {
            return flaw(
                offset,
                "a DOCTYPE with declarations of its own is not accepted",
            );
        }
        if !name_is_good || words.next().is_some() || !rest.is_empty() {
            return flaw(
                offset,
                "the DOCTYPE is malformed: it is <!DOCTYPE name>, at most with SYSTEM or PUBLIC",
            );
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), Flaw> {
        match self.open.last() {
            Some((name, at)) => flaw(*at, format!("<{name}> is never closed")),
            None if !self.root => flaw(self.text.len(), "there is no root element"),
            None => Ok(()),
        }
    }
}

/// The value between the quotes of an attribute, at byte `offset`.
fn attribute_value<'a>(offset: usize, name: &str, raw: &'a str) -> Result<Cow<'a, str>, Flaw> {
    let special = |b: u8| matches!(b, b'&' | b'<' | b'\n' | b'\t');
    if !raw.bytes().any(special) {
        return Ok(Cow::Borrowed(raw));
    }
    let mut value = String::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let plain = find(raw.as_bytes(), at, special);
        value.push_str(&raw[at..plain]);
        at = plain + 1;
        match raw.as_bytes().get(plain) {
            None => {}
            // White space that is not written as a reference counts as a space.
            Some(b'\n' | b'\t') => value.push(' '),
            Some(b'&') => {
                let Some(length) = raw[at..].find(';') else {
                    return flaw(offset + plain, UNCLOSED_REFERENCE);
                };
                match resolve(&raw[at..at + length]) {
                    Ok(c) => value.push(c),
                    Err(reason) => return flaw(offset + plain, reason),
                }
                at += length + 1;
            }
            Some(_) => {
                return flaw(
                    offset + plain,
                    format!("\"<\" in the value of the attribute {name}: write &lt;"),
                );
            }
        }
    }
    Ok(Cow::Owned(value))
}

const UNCLOSED_REFERENCE: &str =
    "\"&\" does not begin a reference, such as &amp;: write &amp; for the character itself";

/// The character that `&name;` stands for.
fn resolve(name: &str) -> Result<char, String> {
    match name {
        "lt" => return Ok('<'),
        "gt" => return Ok('>'),
        "amp" => return Ok('&'),
        "quot" => return Ok('"'),
        "apos" => return Ok('\''),
        _ => {}
    }
    let Some(number) = name.strip_prefix('#') else {
        return Err(if is_name(name) {
            format!(
                "the entity &{}; is unknown: XML has &lt; &gt; &amp; &quot; and &apos;",
                shortened(name, 40)
            )
        } else {
            UNCLOSED_REFERENCE.to_owned()
        });
    };
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // from_str_radix would accept a plus sign.
    let code = if digits.starts_with('+') {
        None
    } else {
        u32::from_str_radix(digits, radix).ok()
    };
    code.and_then(char::from_u32)
        .filter(|c| is_xml_char(*c))
        .ok_or_else(|| {
            format!(
                "&{}; names no character that XML allows",
                shortened(name, 40)
            )
        })
}

/// A processing instruction is skipped, but must be one.
fn check_instruction(offset: usize, content: &str) -> Result<(), Flaw> {
    let target = content
        .split(|c: char| c.is_ascii_whitespace())
        .next()
        .unwrap_or_default();
    if !is_name(target) {
        return flaw(offset, bad_name("a processing instruction", target));
    }
    if target.eq_ignore_ascii_case("xml") {
        return flaw(offset, "the name of a processing instruction cannot be xml");
    }
    Ok(())
}

/// The XML declaration: `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`.
fn check_declaration(offset: usize, content: &str) -> Result<(), Flaw> {
    if offset != 0 {
        return flaw(
            offset,
            "the XML declaration can only stand at the very start",
        );
    }
    let mut rest = content;
    let version = take_pseudo_attribute(&mut rest, "version");
    let encoding = take_pseudo_attribute(&mut rest, "encoding");
    let standalone = take_pseudo_attribute(&mut rest, "standalone");
    let digits = |v: &str| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit());
    let good = version
        .and_then(|v| v.strip_prefix("1."))
        .is_some_and(digits)
        && encoding.is_none_or(|e| e.starts_with(|c: char| c.is_ascii_alphabetic()))
        && standalone.is_none_or(|s| s == "yes" || s == "no")
        && rest.bytes().all(is_space);
    if good {
        Ok(())
    } else {
        flaw(
            offset,
            "the XML declaration is malformed: it is <?xml version=\"1.0\" encoding=\"UTF-8\"?>",
        )
    }
}

/// Takes ` name="value"` from the start of `rest`, if it is there.
fn take_pseudo_attribute<'a>(rest: &mut &'a str, name: &str) -> Option<&'a str> {
    let after = rest
        .strip_prefix(|c: char| c.is_ascii_whitespace())?
        .trim_ascii_start();
    let literal = after
        .strip_prefix(name)?
        .trim_ascii_start()
        .strip_prefix('=')?
        .trim_ascii_start();
    let remaining = skip_literal(literal)?;
    *rest = remaining;
    literal.get(1..literal.len() - remaining.len() - 1)
}

/// What follows the quoted text at the start of `text`.
fn skip_literal(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote).map(|(_, rest)| rest)
}

fn bad_name(what: &str, name: &str) -> String {
    if name.is_empty() {
        return format!("the name of {what} is missing");
    }
    format!("\"{}\" cannot be the name of {what}", shortened(name, 40))
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    find(bytes, from, |b| !is_space(b))
}

/// The first position at or after `from` whose byte `wanted` accepts, or the end.
fn find(bytes: &[u8], from: usize, wanted: impl Fn(u8) -> bool) -> usize {
    let tail = bytes.get(from..).unwrap_or_default();
    tail.iter()
        .position(|b| wanted(*b))
        .map_or(bytes.len(), |at| from + at)
}
