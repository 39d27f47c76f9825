// SPDX-License-Identifier: LGPL-2.1-or-later
//! A document as a tree that costs no memory per element.
//!
//! Its nodes stand side by side in one list, in the order of the document, and
//! name each other by their places there. Names and texts are places, too: in the
//! document itself, or among the few texts that are not there as such.

use std::cell::Cell;
use std::collections::HashMap;

use super::parts::{Flaw, PARAMETER, Part, take_apart};
use super::{ORDER, TEXT, too_deep};
use crate::error;
use crate::memory;
use crate::value::{MAX_DEPTH, Map, Value};

/// The first node is the document; being nobody's child, it also stands for "none".
const DOCUMENT: u32 = 0;

/// Up to this many children a search from the first of them is faster than hashing.
const FEW: u32 = 16;

/// How much memory a thread keeps for its next document, in bytes. To get and to
/// return a large piece each time makes the allocator tidy up all the small ones.
const KEPT: usize = 256 << 10;

thread_local! {
    static ROOM: Cell<Room> = const { Cell::new(Room { nodes: Vec::new(), made: String::new() }) };
}

/// Gets the value of a document part by part, as it would be shown to C's visitor.
pub trait Visit {
    /// An element without anything.
    fn boolean(&mut self, truth: bool);
    /// A text.
    fn string(&mut self, text: &str);
    /// A list of `count` items begins.
    fn list(&mut self, count: usize);
    /// A map of `count` items begins.
    fn map(&mut self, count: usize);
    /// The key of the next item; it lasts until the map ends.
    fn key(&mut self, key: &str);
    /// The list or map that began last ends.
    fn end(&mut self);
}

/// Memory that has been used before.
#[derive(Default)]
struct Room {
    nodes: Vec<Node>,
    made: String,
}

/// A piece of the document; of the texts that were made, if it begins behind that.
#[derive(Clone, Copy, Default)]
struct Text {
    start: u32,
    len: u32,
}

/// An element, an attribute, or a piece of text, which has no name. The attributes of an
/// element follow right behind it. Pieces of text are only kept where they are wanted.
#[derive(Clone, Copy, Default)]
struct Node {
    /// The key of its value: of an attribute, that begins with "@".
    name: Text,
    /// The value of an attribute, the piece of text, or the text before the first child
    /// without the white space before it.
    text: Text,
    attributes: u32,
    parent: u32,
    /// The children that are the first of their names, and how many they are.
    first: u32,
    last: u32,
    children: u32,
    /// The next such child of its parent.
    next: u32,
    /// The next sibling of its name.
    again: u32,
    /// In the first of its name: how many more there are, and the last of them.
    more: u32,
    last_of_name: u32,
    /// There are others between the children of one name.
    is_interleaved: bool,
    /// There is text behind a child.
    is_mixed: bool,
}

pub(super) struct Tree<'a> {
    document: &'a str,
    nodes: Vec<Node>,
    /// Texts that are not part of the document: joined, or with references.
    made: String,
    /// The innermost open element, and how many are open.
    open: u32,
    depth: usize,
    /// How many elements were open at most, and where the innermost of them stands.
    deepest: (usize, usize),
    /// Children by name, of the elements that have more than a few.
    index: HashMap<(u32, &'a str), u32>,
    /// Pieces of text are kept, and the last of them if it may go on.
    keeps_pieces: bool,
    piece: u32,
    /// Some element is mixed.
    has_mixed: bool,
}

/// Reads a document, which has no byte order mark, and passes it on.
pub(super) fn with_tree<T>(text: &str, then: impl FnOnce(&Tree) -> T) -> Result<T, Flaw> {
    let Room { nodes, made } = ROOM.take();
    let mut tree = Tree {
        document: text,
        nodes,
        made,
        open: DOCUMENT,
        depth: 0,
        deepest: (0, 0),
        index: HashMap::new(),
        keeps_pieces: false,
        piece: DOCUMENT,
        has_mixed: false,
    };
    let mut read = tree.read();
    if read.is_ok() && tree.has_mixed {
        // Rare: libvirt's documents have no such elements, but for what programs keep in
        // their metadata. So in the first run nothing is done for them.
        tree.keeps_pieces = true;
        read = tree.read();
    }
    let result = read.and_then(|()| tree.check_depth()).map(|()| then(&tree));
    let Tree { mut nodes, mut made, .. } = tree;
    if nodes.capacity() * size_of::<Node>() + made.capacity() <= KEPT {
        nodes.clear();
        made.clear();
        ROOM.set(Room { nodes, made });
    }
    result
}

impl<'a> Tree<'a> {
    fn read(&mut self) -> Result<(), Flaw> {
        self.nodes.clear();
        self.made.clear();
        self.index.clear();
        memory::push(&mut self.nodes, Node::default(), PARAMETER)?;
        take_apart(self.document, |part, offset| self.add(part, offset))
    }

    fn add(&mut self, part: Part, offset: usize) -> Result<(), Flaw> {
        match part {
            Part::Start(name) => self.start(name, offset),
            Part::Attribute(name, value) => {
                let start = self.next_made();
                self.make("@")?;
                self.make(name)?;
                let name = Text { start, len: name.len() as u32 + 1 };
                let text = self.text_of(&value)?;
                self.nodes[self.open as usize].attributes += 1;
                Ok(memory::push(
                    &mut self.nodes,
                    Node { name, text, ..Node::default() },
                    PARAMETER,
                )?)
            }
            Part::Text(text) if self.keeps_pieces => self.add_piece(&text),
            Part::Text(text) => self.add_text(&text),
            Part::End => {
                self.piece = DOCUMENT;
                self.open = self.nodes[self.open as usize].parent;
                self.depth -= 1;
                Ok(())
            }
        }
    }

    fn start(&mut self, name: &str, offset: usize) -> Result<(), Flaw> {
        self.depth += 1;
        if self.depth > self.deepest.0 {
            self.deepest = (self.depth, offset);
            if self.depth > MAX_DEPTH {
                return Err(self.too_deep());
            }
        }
        let new = self.nodes.len() as u32;
        let name = self.text_of(name)?;
        let (parent, same) = (self.open, self.child(self.open, name));
        memory::push(&mut self.nodes, Node { name, parent, ..Node::default() }, PARAMETER)?;
        self.open = new;
        self.piece = DOCUMENT;
        let nodes = &mut self.nodes;
        if same != DOCUMENT {
            // A name that began behind the last child of this one stands between them. So
            // does one that comes back, but then the first of these was noticed here.
            let Node { last_of_name, .. } = nodes[same as usize];
            if nodes[parent as usize].last > last_of_name.max(same) {
                nodes[parent as usize].is_interleaved = true;
            }
            let first = &mut nodes[same as usize];
            first.more += 1;
            let before = std::mem::replace(&mut first.last_of_name, new);
            let before = if before == DOCUMENT { same } else { before };
            nodes[before as usize].again = new;
            return Ok(());
        }
        let element = &mut nodes[parent as usize];
        element.children += 1;
        match std::mem::replace(&mut element.last, new) {
            DOCUMENT => element.first = new,
            before => nodes[before as usize].next = new,
        }
        self.keep_in_index(parent, new)
    }

    /// The first child of this name, or none.
    fn child(&self, parent: u32, name: Text) -> u32 {
        let (wanted, node) = (self.get(name), self.node(parent));
        if node.children > FEW {
            return self.index.get(&(parent, wanted)).copied().unwrap_or(DOCUMENT);
        }
        let mut child = node.first;
        while child != DOCUMENT && self.get(self.node(child).name) != wanted {
            child = self.node(child).next;
        }
        child
    }

    /// Puts a new child into the index, or all of them when they are no longer few.
    fn keep_in_index(&mut self, parent: u32, new: u32) -> Result<(), Flaw> {
        let element = self.node(parent);
        if element.children <= FEW {
            return Ok(());
        }
        let mut child = if element.children == FEW + 1 { element.first } else { new };
        while child != DOCUMENT {
            let Node { name, next, .. } = *self.node(child);
            let name = &self.document[name.start as usize..][..name.len as usize];
            let reserved = self.index.try_reserve(1);
            let size = 2 * self.index.len() * size_of::<((u32, &str), u32)>();
            reserved.map_err(|_| memory::none(PARAMETER, size))?;
            self.index.insert((parent, name), child);
            child = next;
        }
        Ok(())
    }

    fn add_text(&mut self, piece: &str) -> Result<(), Flaw> {
        let Node { first, text, .. } = *self.node(self.open);
        if first != DOCUMENT {
            self.has_mixed |= !piece.trim_ascii_start().is_empty();
            return Ok(());
        }
        let text = if text.len == 0 {
            // Most texts are the line end and indentation before a tag.
            self.text_of(piece.trim_ascii_start())?
        } else {
            self.longer(text, piece)?
        };
        self.nodes[self.open as usize].text = text;
        Ok(())
    }

    /// Keeps a piece of text as it is.
    fn add_piece(&mut self, piece: &str) -> Result<(), Flaw> {
        if piece.is_empty() {
            return Ok(());
        }
        let element = &mut self.nodes[self.open as usize];
        element.is_mixed |= element.first != DOCUMENT && !piece.trim_ascii_start().is_empty();
        if self.piece == DOCUMENT {
            let text = self.text_of(piece)?;
            self.piece = self.nodes.len() as u32;
            let node = Node { text, parent: self.open, ..Node::default() };
            return Ok(memory::push(&mut self.nodes, node, PARAMETER)?);
        }
        let text = self.longer(self.node(self.piece).text, piece)?;
        self.nodes[self.piece as usize].text = text;
        Ok(())
    }

    /// What was made last, or stands in the document, with more behind it.
    fn longer(&mut self, text: Text, piece: &str) -> Result<Text, Flaw> {
        // What was made last is the text so far: nothing else comes between.
        let mut start = text.start;
        if (start as usize) < self.document.len() {
            start = self.next_made();
            self.make(&self.document[text.start as usize..][..text.len as usize])?;
        }
        self.make(piece)?;
        Ok(Text { start, len: text.len + piece.len() as u32 })
    }

    /// Adds to the texts that were made.
    fn make(&mut self, piece: &str) -> Result<(), Flaw> {
        Ok(memory::append(&mut self.made, piece, PARAMETER)?)
    }

    /// Where `text` stands: in the document if it is part of that, or copied.
    fn text_of(&mut self, text: &str) -> Result<Text, Flaw> {
        if text.is_empty() {
            return Ok(Text::default());
        }
        let len = text.len() as u32;
        let start = text.as_ptr().addr().wrapping_sub(self.document.as_ptr().addr());
        if start < self.document.len() {
            return Ok(Text { start: start as u32, len });
        }
        let start = self.next_made();
        self.make(text)?;
        Ok(Text { start, len })
    }

    /// Where the next text begins that is made. Both it and the document are small
    /// enough for `u32`: see `MAX_SIZE`.
    fn next_made(&self) -> u32 {
        (self.document.len() + self.made.len()) as u32
    }

    #[inline]
    fn get(&self, text: Text) -> &str {
        let (start, len) = (text.start as usize, text.len as usize);
        match start.checked_sub(self.document.len()) {
            None => &self.document[start..start + len],
            Some(start) => &self.made[start..start + len],
        }
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    /// Lists of siblings are levels too, and only known when all has been read.
    fn check_depth(&self) -> Result<(), Flaw> {
        // Each level of elements makes at most a list and a map.
        if 2 * self.deepest.0 < MAX_DEPTH || self.levels(DOCUMENT) <= MAX_DEPTH {
            return Ok(());
        }
        Err(self.too_deep())
    }

    fn levels(&self, at: u32) -> usize {
        if self.items(at) == 0 {
            return 0;
        }
        let below = self.children(at).map(|child| {
            let levels = self.of_name(child).map(|item| self.levels(item)).max();
            levels.unwrap_or(0) + usize::from(self.node(child).more > 0)
        });
        1 + below.max().unwrap_or(0).max(usize::from(self.has_order(at)))
    }

    fn too_deep(&self) -> Flaw {
        Flaw { offset: self.deepest.1, reason: too_deep(), no_memory: None }
    }

    /// Whether its map has to say in which order its children are, and pieces of text.
    fn has_order(&self, at: u32) -> bool {
        let node = self.node(at);
        node.is_interleaved || node.is_mixed
    }

    /// Its children and pieces of text in the order of the document.
    fn in_order(&self, at: u32) -> impl Iterator<Item = &Node> {
        let mut next = at + 1 + self.node(at).attributes;
        std::iter::from_fn(move || {
            loop {
                let node = self.nodes.get(next as usize).filter(|node| node.parent >= at)?;
                next += 1 + node.attributes;
                if node.parent == at {
                    return Some(node);
                }
            }
        })
        .filter(move |node| node.name.len > 0 || self.node(at).is_mixed)
    }

    /// The name of a child, or of a piece of text.
    fn name(&self, node: &Node) -> &str {
        if node.name.len == 0 { TEXT } else { self.get(node.name) }
    }

    fn pieces(&self, at: u32) -> impl Iterator<Item = &str> {
        self.in_order(at).filter(|node| node.name.len == 0).map(|node| self.get(node.text))
    }

    /// How many items its map has but for its text.
    fn items(&self, at: u32) -> usize {
        self.node(at).attributes as usize + self.node(at).children as usize
    }

    fn attributes(&self, at: u32) -> impl Iterator<Item = &Node> {
        let first = at as usize + 1;
        self.nodes[first..first + self.node(at).attributes as usize].iter()
    }

    /// Those children that are the first of their names.
    fn children(&self, at: u32) -> impl Iterator<Item = u32> {
        self.chain(self.node(at).first, |node| node.next)
    }

    /// It and its siblings of the same name.
    fn of_name(&self, at: u32) -> impl Iterator<Item = u32> {
        self.chain(at, |node| node.again)
    }

    fn chain(&self, first: u32, next: fn(&Node) -> u32) -> impl Iterator<Item = u32> {
        let some = |at| (at != DOCUMENT).then_some(at);
        std::iter::successors(some(first), move |at| some(next(self.node(*at))))
    }

    /// Its text, without white space around it.
    fn text(&self, at: u32) -> &str {
        if !self.keeps_pieces {
            return self.get(self.node(at).text).trim_ascii_end();
        }
        let first = self.nodes.get((at + 1 + self.node(at).attributes) as usize);
        match first {
            Some(node) if node.name.len == 0 && node.parent == at => {
                self.get(node.text).trim_ascii()
            }
            _ => "",
        }
    }

    /// How many items its map has.
    fn count(&self, at: u32, text: &str) -> usize {
        let has_text = self.node(at).is_mixed || !text.is_empty();
        self.items(at) + usize::from(has_text) + usize::from(self.has_order(at))
    }

    /// The value of the whole document.
    pub(super) fn value(&self) -> error::Result<Value> {
        self.value_of(DOCUMENT)
    }

    fn value_of(&self, at: u32) -> error::Result<Value> {
        let copy = |text| memory::text(text, PARAMETER);
        let (text, items) = (self.text(at), self.items(at));
        match (items, text) {
            (0, "") => return Ok(Value::Bool(true)),
            (0, text) => return Ok(Value::String(copy(text)?)),
            _ => {}
        }
        let mut map = Map::try_with_capacity(self.count(at, text), PARAMETER)?;
        for attribute in self.attributes(at) {
            map.push_new(copy(self.get(attribute.name))?, copy(self.get(attribute.text))?);
        }
        if self.node(at).is_mixed {
            map.push_new(TEXT, texts(self.pieces(at))?);
        } else if !text.is_empty() {
            map.push_new(TEXT, copy(text)?);
        }
        for child in self.children(at) {
            let node = self.node(child);
            let value = if node.more == 0 {
                self.value_of(child)?
            } else {
                let mut items = memory::list(node.more as usize + 1, PARAMETER)?;
                for item in self.of_name(child) {
                    items.push(self.value_of(item)?);
                }
                Value::List(items)
            };
            map.push_new(copy(self.get(node.name))?, value);
        }
        if self.has_order(at) {
            map.push_new(ORDER, texts(self.in_order(at).map(|node| self.name(node)))?);
        }
        Ok(Value::Map(map))
    }

    /// Shows what [`value`](Self::value) would make.
    pub(super) fn show(&self, visitor: &mut impl Visit) {
        self.show_node(DOCUMENT, visitor);
    }

    fn show_node(&self, at: u32, visitor: &mut impl Visit) {
        let (text, items) = (self.text(at), self.items(at));
        match (items, text) {
            (0, "") => return visitor.boolean(true),
            (0, text) => return visitor.string(text),
            _ => {}
        }
        visitor.map(self.count(at, text));
        for attribute in self.attributes(at) {
            visitor.key(self.get(attribute.name));
            visitor.string(self.get(attribute.text));
        }
        if self.node(at).is_mixed {
            visitor.key(TEXT);
            show_texts(visitor, || self.pieces(at));
        } else if !text.is_empty() {
            visitor.key(TEXT);
            visitor.string(text);
        }
        for child in self.children(at) {
            let Node { name, more, .. } = *self.node(child);
            visitor.key(self.get(name));
            if more == 0 {
                self.show_node(child, visitor);
                continue;
            }
            visitor.list(more as usize + 1);
            self.of_name(child).for_each(|item| self.show_node(item, visitor));
            visitor.end();
        }
        if self.has_order(at) {
            visitor.key(ORDER);
            show_texts(visitor, || self.in_order(at).map(|node| self.name(node)));
        }
        visitor.end();
    }
}

fn texts<'t>(texts: impl Iterator<Item = &'t str>) -> error::Result<Value> {
    let mut items = Vec::new();
    for text in texts {
        memory::push(&mut items, Value::String(memory::text(text, PARAMETER)?), PARAMETER)?;
    }
    Ok(Value::List(items))
}

/// Shows a list of texts, which are counted first.
fn show_texts<'t, I: Iterator<Item = &'t str>>(visitor: &mut impl Visit, texts: impl Fn() -> I) {
    visitor.list(texts().count());
    texts().for_each(|text| visitor.string(text));
    visitor.end();
}
