// SPDX-License-Identifier: LGPL-2.1-or-later
//! Takes a document apart with quick-xml, and refuses what quick-xml lets pass.
//!
//! quick-xml finds the markup, compares end tags with start tags, finds "--" in
//! comments, and resolves references. It leaves open
//! whether names are names, and attributes there once, where text and the root element stand, and what the
//! XML declaration and the DOCTYPE hold; that is checked here.

use std::borrow::Cow;
use std::collections::HashSet;

use quick_xml::escape::{EscapeError, resolve_xml_entity};
use quick_xml::events::attributes::{AttrError, Attribute, Attributes};
use quick_xml::events::{BytesDecl, BytesPI, BytesRef, BytesStart, Event};
use quick_xml::{Error, Reader, XmlVersion, errors::IllFormedError};

use super::chars::{find_forbidden, is_name, is_space, is_xml_char};
use crate::memory;
use crate::value::shortened;

/// The parameter that a document is given as.
pub(super) const PARAMETER: &str = "xml";

const BARE_AMPERSAND: &str =
    "\"&\" does not begin a reference such as &amp;: write &amp; for the character itself";

const CDATA_END: &str = "]]>";

/// Up to this many attributes a search from the first of them is faster than hashing.
const FEW: usize = 16;

/// What is wrong with a document, and at which byte. Line and column are only
/// worked out for the message.
#[derive(Debug)]
pub(super) struct Flaw {
    pub(super) offset: usize,
    pub(super) reason: String,
    /// Not the document is at fault: there is no memory for it.
    pub(super) no_memory: Option<crate::error::Error>,
}

fn flaw<T>(offset: usize, reason: impl Into<String>) -> Result<T, Flaw> {
    let reason = reason.into();
    Err(Flaw { offset, reason, no_memory: None })
}

impl From<crate::error::Error> for Flaw {
    fn from(error: crate::error::Error) -> Self {
        Flaw { offset: 0, reason: String::new(), no_memory: Some(error) }
    }
}

/// A part of a document.
pub(super) enum Part<'p> {
    /// An element of this name begins; or a processing instruction, whose name has its
    /// question mark.
    Start(&'p str),
    /// Name and value of an attribute of the element that began last.
    Attribute(&'p str, Cow<'p, str>),
    /// A piece of text of the innermost open element.
    Text(Cow<'p, str>),
    /// The innermost open element ends.
    End,
}

/// Hands the parts of `text`, which has no byte order mark, to `sink` in order, each
/// with the byte at which it stands.
pub(super) fn take_apart<S>(text: &str, sink: S) -> Result<(), Flaw>
where
    S: FnMut(Part, usize) -> Result<(), Flaw>,
{
    if let Some((offset, c)) = find_forbidden(text) {
        return flaw(offset, format!("XML does not allow the character U+{:04X}", u32::from(c)));
    }
    let mut document = Document {
        text,
        sink,
        open: Vec::new(),
        attributes: Vec::new(),
        names: Names::default(),
        has_root: false,
        has_doctype: false,
        has_carriage_return: text.contains('\r'),
        has_cdata_end: text.contains(CDATA_END),
    };
    if text.starts_with('\u{FEFF}') {
        // quick-xml would drop it, and count the bytes from behind it.
        return flaw(0, document.outside());
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    loop {
        // No white space is trimmed, so the next event begins right here.
        let at = reader.buffer_position() as usize;
        if text.len() > memory::SMALL {
            document.look_ahead(at)?;
        }
        // Events are large; that none is moved saves a tenth of the time.
        match &reader.read_event() {
            Ok(Event::Eof) => return document.finish(),
            Ok(event) => document.event(event, at, reader.buffer_position() as usize)?,
            Err(error) => return flaw(at, refusal(error)),
        }
    }
}

/// Why quick-xml refuses a document.
fn refusal(error: &Error) -> String {
    let reason = match error {
        Error::IllFormed(IllFormedError::UnclosedReference) => BARE_AMPERSAND.to_owned(),
        Error::IllFormed(error) => error.to_string(),
        Error::Syntax(error) => error.to_string(),
        error => error.to_string(),
    };
    // It may quote a name, and that may be as long as the document.
    shortened(&reason, 200)
}

/// The memory that quick-xml has for the names of open elements. It knows no failure, so
/// that there is more to be had is found out before it wants more.
#[derive(Default)]
struct Names {
    /// How many bytes the names have.
    len: usize,
    /// For how many there is room.
    room: usize,
}

struct Document<'a, S> {
    text: &'a str,
    sink: S,
    /// The names of the open elements, and where their tags stand.
    open: Vec<(&'a str, usize)>,
    /// The names of the attributes in the tag at hand.
    attributes: Vec<&'a str>,
    names: Names,
    has_root: bool,
    has_doctype: bool,
    /// Whether these stand anywhere: most texts need not be searched for them then.
    has_carriage_return: bool,
    has_cdata_end: bool,
}

impl<'a, S> Document<'a, S>
where
    S: FnMut(Part, usize) -> Result<(), Flaw>,
{
    /// Sees to it that there is memory for what quick-xml keeps of the tag at `at`.
    fn look_ahead(&mut self, at: usize) -> Result<(), Flaw> {
        let Some(tag) = self.text[at..].strip_prefix('<') else {
            return Ok(());
        };
        let ends = |byte| matches!(byte, b'>' | b' ' | b'\t' | b'\n' | b'\r');
        let name = tag.bytes().position(ends).unwrap_or(tag.len());
        if tag.starts_with('/') {
            // When the names differ, both go into the message.
            let open = self.open.last().map_or(0, |(name, _)| name.len());
            return Ok(memory::probe(4 * (name + open), PARAMETER)?);
        }
        // Besides the name, quick-xml notes where it begins.
        let wanted = self.names.len + name + (self.open.len() + 1) * size_of::<usize>();
        if wanted > self.names.room {
            memory::probe(4 * wanted, PARAMETER)?;
            self.names.room = wanted.max(2 * self.names.room);
        }
        Ok(())
    }

    /// Takes what stands from byte `at` to byte `end`.
    fn event(&mut self, event: &Event<'a>, at: usize, end: usize) -> Result<(), Flaw> {
        let text = self.text;
        let inside = |begin: &str, close: &str| &text[at + begin.len()..end - close.len()];
        match event {
            Event::Start(tag) => self.start_tag(tag, at),
            Event::Empty(tag) => {
                self.start_tag(tag, at)?;
                self.end_tag(at)
            }
            Event::End(_) => self.end_tag(at),
            Event::Text(_) => self.characters(inside("", ""), at),
            Event::GeneralRef(_) | Event::CData(_) if self.open.is_empty() => {
                flaw(at, self.outside())
            }
            Event::GeneralRef(reference) => self.reference(reference, inside("&", ";"), at),
            Event::CData(_) => self.pass_text(inside("<![CDATA[", CDATA_END), at),
            Event::Decl(_) if at > 0 => {
                flaw(at, "the XML declaration can only stand at the very start")
            }
            Event::Decl(declaration) if !is_declaration(declaration, inside("<?", "?>")) => flaw(
                at,
                "the XML declaration is malformed: \
                 it is <?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            ),
            Event::PI(instruction) => self.instruction(instruction, inside("<?", "?>"), at),
            Event::DocType(_) => self.doctype(at, end),
            Event::Decl(_) | Event::Comment(_) | Event::Eof => Ok(()),
        }
    }

    /// Text that stands from byte `at` on, not in CDATA.
    fn characters(&mut self, text: &str, at: usize) -> Result<(), Flaw> {
        if self.open.is_empty() {
            return match text.find(|c| !is_space(c)) {
                Some(offset) => flaw(at + offset, self.outside()),
                None => Ok(()),
            };
        }
        let cdata_end = self.has_cdata_end.then(|| text.find(CDATA_END)).flatten();
        if let Some(offset) = cdata_end {
            return flaw(at + offset, "\"]]>\" is not allowed in text: write ]]&gt;");
        }
        self.pass_text(text, at)
    }

    /// Hands text on, with the ends of its lines as XML wants them.
    fn pass_text(&mut self, text: &str, at: usize) -> Result<(), Flaw> {
        let mut text = Cow::Borrowed(text);
        if self.has_carriage_return && text.contains('\r') {
            memory::probe(2 * text.len(), PARAMETER)?;
            text = Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"));
        }
        (self.sink)(Part::Text(text), at)
    }

    fn start_tag(&mut self, tag: &BytesStart, at: usize) -> Result<(), Flaw> {
        let inside = at + "<".len();
        let name = &self.text[inside..inside + tag.name().0.len()];
        let tag = &self.text[inside..inside + tag.len()];
        check_name(name, "an element", inside)?;
        if self.open.is_empty() && self.has_root {
            let name = shortened(name, 40);
            return flaw(at, format!("<{name}> is a second root element: a document has one"));
        }
        self.has_root = true;
        memory::push(&mut self.open, (name, at), PARAMETER)?;
        self.names.len += name.len();
        (self.sink)(Part::Start(name), at)?;
        self.attributes.clear();
        let mut many = HashSet::new();
        for attribute in &mut attributes(tag, name.len()) {
            let attribute = match &attribute {
                Ok(attribute) => attribute,
                Err(f) => return flaw(inside + f.offset, &*f.reason),
            };
            let offset = inside + offset_in(tag, attribute.key.0);
            let name = &self.text[offset..offset + attribute.key.0.len()];
            check_name(name, "an attribute", offset)?;
            if !self.is_new_attribute(name, &mut many)? {
                let name = shortened(name, 40);
                return flaw(offset, format!("the attribute {name} is there twice"));
            }
            let raw = offset_in(tag, &attribute.value);
            let value = attribute_value(attribute, &tag[raw..raw + attribute.value.len()])
                .map_err(|f| Flaw { offset: inside + raw + f.offset, ..f })?;
            (self.sink)(Part::Attribute(name, value), offset)?;
        }
        Ok(())
    }

    /// Remembers an attribute of the tag at hand, if it is the first of its name.
    fn is_new_attribute(
        &mut self,
        name: &'a str,
        many: &mut HashSet<&'a str>,
    ) -> Result<bool, Flaw> {
        if self.attributes.len() < FEW {
            let is_new = !self.attributes.contains(&name);
            self.attributes.push(name);
            return Ok(is_new);
        }
        if many.is_empty() {
            many.extend(&self.attributes);
        }
        let reserved = many.try_reserve(1);
        reserved.map_err(|_| memory::none(PARAMETER, 2 * many.len() * size_of::<&str>()))?;
        Ok(many.insert(name))
    }

    /// A processing instruction, with what stands in it, is passed on as an element with its
    /// data as the text.
    fn instruction(&mut self, instruction: &BytesPI, inside: &str, at: usize) -> Result<(), Flaw> {
        let (target, data) = inside.split_at(instruction.target().len());
        if target.eq_ignore_ascii_case("xml") {
            return flaw(at, "the name of a processing instruction cannot be xml");
        }
        check_name(target, "a processing instruction", at + "<?".len())?;
        if self.open.is_empty() {
            return flaw(
                at,
                "a processing instruction outside the root element cannot be kept: remove it",
            );
        }
        let name = at + "<".len();
        let name = &self.text[name..name + "?".len() + target.len()];
        (self.sink)(Part::Start(name), at)?;
        if !data.is_empty() {
            self.pass_text(data, at)?;
        }
        (self.sink)(Part::End, at)
    }

    fn end_tag(&mut self, at: usize) -> Result<(), Flaw> {
        match self.open.pop() {
            Some((name, _)) => {
                self.names.len -= name.len();
                (self.sink)(Part::End, at)
            }
            None => Ok(()), // quick-xml has refused it.
        }
    }

    fn reference(&mut self, reference: &BytesRef, name: &str, at: usize) -> Result<(), Flaw> {
        let text = match reference.resolve_char_ref() {
            Ok(Some(c)) if is_xml_char(c) => Cow::Owned(c.to_string()),
            Ok(None) => match resolve_xml_entity(name) {
                Some(text) => Cow::Borrowed(text),
                None => return flaw(at, unknown_entity(name)),
            },
            _ => {
                let name = shortened(name, 40);
                return flaw(at, format!("&{name}; names no character that XML allows"));
            }
        };
        (self.sink)(Part::Text(text), at)
    }

    fn doctype(&mut self, at: usize, end: usize) -> Result<(), Flaw> {
        if self.has_root || self.has_doctype {
            return flaw(at, "a DOCTYPE can only stand once, before the root element");
        }
        self.has_doctype = true;
        match after_external_id(&self.text[at..end - ">".len()]) {
            Some("") => Ok(()),
            Some(rest) if rest.starts_with('[') => {
                flaw(at, "a DOCTYPE with declarations of its own is not accepted")
            }
            _ => flaw(
                at,
                "the DOCTYPE is malformed: it is <!DOCTYPE name>, at most with SYSTEM or PUBLIC",
            ),
        }
    }

    fn finish(&self) -> Result<(), Flaw> {
        match self.open.last() {
            Some((name, at)) => flaw(*at, format!("<{}> is never closed", shortened(name, 40))),
            None if !self.has_root => flaw(self.text.len(), "there is no root element"),
            None => Ok(()),
        }
    }

    fn outside(&self) -> &'static str {
        if self.has_root {
            "there is text after the root element"
        } else {
            "there is text before the root element"
        }
    }
}

fn check_name(name: &str, what: &str, at: usize) -> Result<(), Flaw> {
    if is_name(name) {
        return Ok(());
    }
    if name.is_empty() {
        return flaw(at, format!("the name of {what} is missing"));
    }
    flaw(at, format!("\"{}\" cannot be the name of {what}", shortened(name, 40)))
}

/// The attributes in `tag`, from the end of its name on. Flaws count from the
/// start of `tag`.
fn attributes(tag: &str, name: usize) -> impl Iterator<Item = Result<Attribute<'_>, Flaw>> {
    let mut all = Attributes::new(tag, name);
    all.with_checks(false);
    all.map(move |attribute| match attribute {
        Ok(attribute) => {
            let offset = offset_in(tag, attribute.key.0);
            if tag[..offset].ends_with(is_space) {
                return Ok(attribute);
            }
            flaw(offset, "white space must stand between attributes")
        }
        Err(AttrError::ExpectedEq(at)) => {
            flaw(at, "after the name of an attribute, \"=\" and its value must follow")
        }
        // Nobody looks for these here: quick-xml would need memory for it in each tag.
        Err(AttrError::Duplicated(at, _)) => flaw(at, "the attribute is there twice"),
        Err(AttrError::ExpectedValue(at)) => flaw(at, "the value of the attribute is missing"),
        Err(AttrError::UnquotedValue(at)) => {
            flaw(at, "the value of the attribute must stand in quotes")
        }
        Err(AttrError::ExpectedQuote(at, _)) => {
            flaw(at, "the value of the attribute has no closing quote")
        }
    })
}

/// The value with its references resolved. Flaws count from the start of the raw
/// value.
fn attribute_value<'v>(attribute: &Attribute<'v>, raw: &'v str) -> Result<Cow<'v, str>, Flaw> {
    let is_special = |b: u8| matches!(b, b'<' | b'&' | b'\t' | b'\n' | b'\r');
    if !raw.bytes().any(is_special) {
        return Ok(Cow::Borrowed(raw));
    }
    if let Some(at) = raw.find('<') {
        return flaw(at, "\"<\" in the value of an attribute: write &lt;");
    }
    memory::probe(2 * raw.len(), PARAMETER)?;
    // Not `normalized_value`, which knows the entities of HTML as well if any
    // crate in the program switches that feature of quick-xml on.
    match attribute.normalized_value_with(XmlVersion::Implicit1_0, 1, resolve_xml_entity) {
        Ok(value) if find_forbidden(&value).is_none() => Ok(value),
        Err(Error::Escape(EscapeError::UnrecognizedEntity(name, _))) => {
            flaw(name.start - "&".len(), unknown_entity(&raw[name]))
        }
        Err(Error::Escape(EscapeError::UnterminatedEntity(all))) => flaw(all.start, BARE_AMPERSAND),
        _ => flaw(0, "a reference in the value names no character that XML allows"),
    }
}

fn unknown_entity(name: &str) -> String {
    if !is_name(name) {
        return BARE_AMPERSAND.to_owned();
    }
    let name = shortened(name, 40);
    format!("the entity &{name}; is unknown: XML has &lt; &gt; &amp; &quot; and &apos;")
}

/// Whether the declaration has a version, an encoding and "standalone", at most.
fn is_declaration(declaration: &BytesDecl, inside: &str) -> bool {
    let mut order = ["version", "encoding", "standalone"].into_iter();
    let mut is_next = |Attribute { key, value }: Attribute| {
        order.any(|name| name.as_bytes() == key.0)
            && match key.0 {
                b"encoding" => value.first().is_some_and(u8::is_ascii_alphabetic),
                b"standalone" => matches!(&*value, b"yes" | b"no"),
                _ => true,
            }
    };
    declaration.xml_version().is_ok()
        && attributes(inside, "xml".len()).all(|a| a.is_ok_and(&mut is_next))
}

/// What follows the name and the external ID in a DOCTYPE, which is there without
/// its ">".
fn after_external_id(doctype: &str) -> Option<&str> {
    let space = |text| str::strip_prefix(text, is_space).map(str::trim_ascii_start);
    let content = space(doctype.strip_prefix("<!DOCTYPE")?)?;
    let end = content.find(|c| c == '[' || is_space(c));
    let (name, rest) = content.split_at(end.unwrap_or(content.len()));
    let rest = rest.trim_ascii_start();
    let (literals, mut rest) = if let Some(rest) = rest.strip_prefix("SYSTEM") {
        (1, rest)
    } else if let Some(rest) = rest.strip_prefix("PUBLIC") {
        (2, rest)
    } else {
        (0, rest)
    };
    for _ in 0..literals {
        let literal = space(rest)?;
        let quote = literal.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest = literal[1..].split_once(quote)?.1;
    }
    is_name(name).then(|| rest.trim_ascii_start())
}

/// Where `part`, which quick-xml has cut out of `whole`, begins there.
fn offset_in(whole: &str, part: &[u8]) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}
