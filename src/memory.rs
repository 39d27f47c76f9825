// SPDX-License-Identifier: LGPL-2.1-or-later
//! Memory in the sizes that a caller asks for: what cannot be had is an error.
//!
//! A document, a value, a list or a buffer is as large as the caller wants it to be, and
//! Rust's own collections end the process when there is no memory for it. What grows
//! with the caller's input is therefore allocated here, or reserved with
//! [`Vec::try_reserve`] and its kin; what is small and of a fixed size is not.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::error::{Error, Misuse, Result};

/// Libraries allocate up to this much without being asked about it first.
pub const SMALL: usize = 64 << 10;

/// What is kept for the case that there is nothing left: an error takes memory, too, and
/// so does all that happens until what was made so far is freed.
static RESERVE: Mutex<Vec<u8>> = Mutex::new(Vec::new());
const RESERVED: usize = 64 << 10;
static HAS_RESERVE: AtomicBool = AtomicBool::new(false);

/// Keeps a reserve for [`none`], if there is none yet.
#[inline]
pub fn prepare() {
    if !HAS_RESERVE.load(Ordering::Relaxed) {
        keep_reserve();
    }
}

#[cold]
fn keep_reserve() {
    // Never waits: a child of fork may find it locked for ever.
    if let Ok(mut reserve) = RESERVE.try_lock() {
        let kept = reserve.try_reserve_exact(RESERVED).is_ok();
        HAS_RESERVE.store(kept, Ordering::Relaxed);
    }
}

/// The error for `size` bytes that could not be allocated. What was made so far is best
/// freed soon: the error may have been made of the last memory.
#[cold]
pub fn none(parameter: &'static str, size: usize) -> Error {
    if let Ok(mut reserve) = RESERVE.try_lock() {
        *reserve = Vec::new();
        HAS_RESERVE.store(false, Ordering::Relaxed);
    }
    Misuse::NoMemory { parameter, size: size as u64 }.into()
}

/// Makes room for `more` items, and for some beyond them, so that a list that grows
/// item by item is moved rarely.
#[cold]
pub fn reserve<T>(items: &mut Vec<T>, more: usize, parameter: &'static str) -> Result<()> {
    let reserved = items.try_reserve(more);
    reserved.map_err(|_| {
        none(parameter, items.len().saturating_add(more).saturating_mul(size_of::<T>()))
    })
}

/// An empty list with room for `count` items.
#[inline]
pub fn list<T>(count: usize, parameter: &'static str) -> Result<Vec<T>> {
    let mut items = Vec::new();
    let reserved = items.try_reserve_exact(count);
    reserved.map_err(|_| none(parameter, count.saturating_mul(size_of::<T>())))?;
    Ok(items)
}

/// Adds an item to a list.
#[inline]
pub fn push<T>(items: &mut Vec<T>, item: T, parameter: &'static str) -> Result<()> {
    // Asked here, because nearly always there is room.
    if items.len() == items.capacity() {
        reserve(items, 1, parameter)?;
    }
    items.push(item);
    Ok(())
}

/// What the iterator gives, up to its first error.
pub fn collect<T>(
    items: impl ExactSizeIterator<Item = Result<T>>,
    parameter: &'static str,
) -> Result<Vec<T>> {
    let mut all = list(items.len(), parameter)?;
    for item in items {
        all.push(item?);
    }
    Ok(all)
}

/// A list of `count` times the same item, such as an array for libvirt to fill.
pub fn filled<T: Clone>(item: T, count: usize, parameter: &'static str) -> Result<Vec<T>> {
    let mut items = list(count, parameter)?;
    items.resize(count, item);
    Ok(items)
}

/// A copy of bytes.
pub fn bytes(bytes: &[u8], parameter: &'static str) -> Result<Vec<u8>> {
    let mut copy = list(bytes.len(), parameter)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// A copy of bytes that are a secret.
///
/// They are copied one by one. A copy of many at once leaves them in vector registers,
/// which nothing clears when the call returns; when the program then calls a function for
/// the first time, the dynamic linker saves these registers on the stack.
pub fn secret(bytes: &[u8], parameter: &'static str) -> Result<Zeroizing<Vec<u8>>> {
    let mut copy = Zeroizing::new(list(bytes.len(), parameter)?);
    copy.extend(bytes.iter().map(|byte| black_box(*byte)));
    Ok(copy)
}

/// A copy of text that is a secret.
pub fn secret_text(text: &str, parameter: &'static str) -> Result<Zeroizing<String>> {
    let mut bytes = secret(text.as_bytes(), parameter)?;
    // A copy of text is text.
    Ok(Zeroizing::new(String::from_utf8(std::mem::take(&mut *bytes)).unwrap_or_default()))
}

/// A copy of text.
#[inline]
pub fn text(text: &str, parameter: &'static str) -> Result<String> {
    let mut copy = String::new();
    copy.try_reserve_exact(text.len()).map_err(|_| none(parameter, text.len()))?;
    copy.push_str(text);
    Ok(copy)
}

/// Appends to a text.
#[inline]
pub fn append(text: &mut String, more: &str, parameter: &'static str) -> Result<()> {
    if more.len() > text.capacity() - text.len() {
        lengthen(text, more.len(), parameter)?;
    }
    text.push_str(more);
    Ok(())
}

#[cold]
fn lengthen(text: &mut String, more: usize, parameter: &'static str) -> Result<()> {
    let reserved = text.try_reserve(more);
    reserved.map_err(|_| none(parameter, text.len().saturating_add(more)))
}

/// Whether `size` bytes can be had just now: for a library that will allocate them in a
/// moment, and knows no failure. Nothing is asked about [`SMALL`] pieces.
#[inline]
pub fn probe(size: usize, parameter: &'static str) -> Result<()> {
    if size <= SMALL { Ok(()) } else { list::<u8>(size, parameter).map(drop) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_an_error_with_parameter_and_size() {
        let expected = "size: there is no memory for 9223372036854775807 bytes";
        let most = isize::MAX as usize;
        assert_eq!(list::<u8>(most, "size").unwrap_err().to_string(), expected);
        assert_eq!(probe(most, "size").unwrap_err().to_string(), expected);
        let error = list::<u64>(most / 2, "items").unwrap_err();
        assert_eq!(error.details().code, virt::sys::VIR_ERR_NO_MEMORY as i32);
        assert!(reserve(&mut vec![1_u64], usize::MAX, "items").is_err());
    }

    #[test]
    fn what_can_be_had_is_given() {
        assert_eq!(filled(7, 3, "items").unwrap(), [7, 7, 7]);
        assert_eq!(bytes(b"abc", "data").unwrap(), b"abc");
        let mut long = text("ab", "text").unwrap();
        append(&mut long, "c", "text").unwrap();
        assert_eq!(long, "abc");
        let all = collect([1, 2].into_iter().map(Ok), "items").unwrap();
        assert_eq!(all, [1, 2]);
        assert!(collect([Ok(1), Err(none("x", 1))].into_iter(), "items").is_err());
    }
}
