// SPDX-License-Identifier: LGPL-2.1-or-later
//! What libvirt says of a domain in its document only: title, description and the type of its
//! operating system; of some drivers also how large it is.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use super::row::{Cell, domain};

/// What a document says; empty where it says nothing.
#[derive(Debug, Default, PartialEq)]
pub struct Details {
    title: String,
    description: String,
    os_type: String,
    /// As many as there may be, and as there are where these are fewer.
    vcpus: String,
    current_vcpus: String,
    /// In KiB, as libvirt writes it.
    memory: String,
    max_memory: String,
}

impl Details {
    /// Reads what a document of libvirt's says. It stops where the rest of the document begins.
    pub fn read(xml: &str) -> Self {
        let mut details = Details::default();
        let mut reader = Reader::from_str(xml);
        reader.config_mut().expand_empty_elements = true;
        let mut path: Vec<Vec<u8>> = Vec::new();
        // A document of libvirt's is well-formed.
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Start(tag) => {
                    path.push(tag.name().as_ref().to_vec());
                    let current = tag.try_get_attribute("current").ok().flatten();
                    if let (2, b"vcpu", Some(current)) = (path.len(), tag.name().as_ref(), current)
                    {
                        details.current_vcpus = String::from_utf8_lossy(&current.value).into();
                    }
                }
                Event::End(_) => {
                    let ended = path.pop();
                    if path.len() == 1 && ended.as_deref() == Some(b"os") {
                        break;
                    }
                }
                Event::Text(text) => {
                    if let Some(field) = details.field(&path) {
                        field.push_str(&String::from_utf8_lossy(&text));
                    }
                }
                Event::GeneralRef(reference) => {
                    if let Some(field) = details.field(&path) {
                        let name = String::from_utf8_lossy(&reference).into_owned();
                        match reference.resolve_char_ref() {
                            Ok(Some(char)) => field.push(char),
                            _ => field.push_str(resolve_xml_entity(&name).unwrap_or_default()),
                        }
                    }
                }
                Event::Eof => break,
                _ => {}
            }
        }
        details
    }

    fn field(&mut self, path: &[Vec<u8>]) -> Option<&mut String> {
        match path {
            [_, name] if name == b"title" => Some(&mut self.title),
            [_, name] if name == b"description" => Some(&mut self.description),
            [_, name] if name == b"vcpu" => Some(&mut self.vcpus),
            [_, name] if name == b"currentMemory" => Some(&mut self.memory),
            [_, name] if name == b"memory" => Some(&mut self.max_memory),
            [_, os, name] if os == b"os" && name == b"type" => Some(&mut self.os_type),
            _ => None,
        }
    }

    /// Puts them into the cells of a domain. Sizes only `with_sizes`: the bulk call knows them
    /// better.
    pub fn put(&self, cells: &mut [Cell], with_sizes: bool) {
        if with_sizes {
            let number = |text: &str| text.trim().parse().map_or(Cell::None, Cell::Uint);
            let or =
                |first: &str, other: &str| number(if first.is_empty() { other } else { first });
            cells[domain::VCPUS] = or(&self.current_vcpus, &self.vcpus);
            cells[domain::MEMORY] = or(&self.memory, &self.max_memory);
            cells[domain::MAX_MEMORY] = number(&self.max_memory);
        }
        cells[domain::TITLE] = Cell::text(&self.title);
        cells[domain::DESCRIPTION] = Cell::text(&self.description);
        cells[domain::OS_TYPE] = Cell::text(&self.os_type);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_domains_own_elements_count() {
        let xml = "<domain type='kvm' id='3'>\n  <name>a</name>\n  <title>R&amp;D &lt;1&gt; &#x41;</title>\n  \
                   <metadata><x:app xmlns:x='u'><title>no</title><os><type>no</type></os></x:app></metadata>\n  \
                   <description>two\nlines</description>\n  \
                   <os>\n    <type arch='x86_64'>hvm</type>\n    <boot dev='hd'/>\n  </os>\n  \
                   <devices><title>no</title></devices>\n</domain>";
        let details = Details::read(xml);
        assert_eq!(details.title, "R&D <1> A");
        assert_eq!(details.description, "two\nlines");
        assert_eq!(details.os_type, "hvm");
    }

    #[test]
    fn sizes_are_put_where_they_are_wanted() {
        let xml = "<domain><memory unit='KiB'>2048</memory><currentMemory unit='KiB'>1024</currentMemory>\
                   <vcpu placement='static' current='1'>4</vcpu><os><type>hvm</type></os></domain>";
        let mut cells = vec![Cell::Keep; domain::COUNT];
        Details::read(xml).put(&mut cells, false);
        assert_eq!(cells[domain::VCPUS], Cell::Keep);
        Details::read(xml).put(&mut cells, true);
        assert_eq!(cells[domain::VCPUS], Cell::Uint(1));
        assert_eq!(cells[domain::MEMORY], Cell::Uint(1024));
        assert_eq!(cells[domain::MAX_MEMORY], Cell::Uint(2048));
        Details::read("<domain><vcpu>3</vcpu></domain>").put(&mut cells, true);
        assert_eq!(cells[domain::VCPUS], Cell::Uint(3));
        assert_eq!(cells[domain::MEMORY], Cell::None);
    }

    #[test]
    fn what_is_not_there_is_empty() {
        let details = Details::read("<domain><name>a</name><os><type>exe</type></os></domain>");
        assert_eq!(details, Details { os_type: "exe".to_owned(), ..Details::default() });
        assert_eq!(Details::read("<domain><title/></domain>"), Details::default());
        assert_eq!(Details::read(""), Details::default());
    }
}
