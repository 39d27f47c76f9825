// SPDX-License-Identifier: LGPL-2.1-or-later
//! The handle table: every pointer that C holds is an id in here.
//!
//! An id packs class, slot and generation into one word that is never a valid
//! address, so a NULL, stale, foreign or wrong-class handle is noticed and
//! reported instead of dereferenced. Looking one up takes two uncontended
//! atomic operations. A handle that is released while another thread uses it
//! stays alive until that use ends. How that is done is told in `handle/slots.rs`.
//!
//! Each class has a table of its own, which makes the objects' types known at
//! compile time; [`AnyHandle`] is for the few places that hold "some" handle.

mod classes;
mod heir;
pub mod lock;
mod slots;
mod sync;

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::num::NonZeroUsize;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Once, OnceLock};

pub use self::classes::{CLASSES, Class};
use self::slots::{KEY_BITS, MAX_HOLDS, MAX_USES, Slots, Use};
use crate::error::{Misuse, Result};
use crate::fork;

impl Class {
    /// The same as a Rust string.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().unwrap_or_default()
    }

    /// The class an id claims to be of, if it looks like an id at all.
    fn of(id: usize) -> Option<Class> {
        CLASSES.get((id >> CLASS_SHIFT).checked_sub(1)?).copied()
    }
}

/// An id has the class in its upper 6 bits and the key of its table below.
const CLASS_BITS: u32 = 6;
const CLASS_SHIFT: u32 = usize::BITS - CLASS_BITS;
const _: () = assert!(KEY_BITS <= CLASS_SHIFT);

#[cfg(not(target_pointer_width = "64"))]
compile_error!("a handle packs its class, slot and generation into 64 bits");

/// What can be behind a handle.
pub trait Object: Send + Sync + Sized + 'static {
    /// Its class.
    const CLASS: Class;
    /// Whether it belongs to the process that made it, as everything that
    /// holds a connection does. Plain memory (values, errors) does not.
    const PROCESS_BOUND: bool = true;
    /// Called once the last hold is gone, while the object still is there: the
    /// place to let go of what holds it from elsewhere, which may know it by `id`.
    fn before_end(&self, _id: usize) {}
    /// A use begins, in a process where [`is_pinning`]: what the object stands for
    /// must not go before it ends. `alone` answers whether it is the only use.
    /// The result goes to [`unpin`](Self::unpin).
    fn pin(&self, _alone: &dyn Fn() -> bool) -> usize {
        0
    }
    /// A use ends that began with [`pin`](Self::pin).
    fn unpin(&self, _pin: usize) {}
    /// The same for a child of the process that made it, with a connection of the
    /// child's. None where that cannot be had.
    fn again(&self) -> Result<Option<Self>> {
        Ok(None)
    }
    /// The table of its class.
    fn table() -> &'static Table<Self>;
}

/// The handles of one class.
pub struct Table<T: Object> {
    slots: LazyLock<Slots<Entry<T>>>,
}

struct Entry<T: Object> {
    object: ManuallyDrop<T>,
    generation: u32,
    /// What the object stands for is somebody else's: it is not dropped here. See [`lend`].
    is_lent: AtomicBool,
}

impl<T: Object> Entry<T> {
    fn is_forked(&self) -> bool {
        T::PROCESS_BOUND && self.generation != fork::generation()
    }

    /// The object, or what this process has in its place.
    #[inline]
    fn live(&self) -> &T {
        if self.is_forked() { self.heir().unwrap_or(&self.object) } else { &self.object }
    }

    /// What this process uses in place of the object, which is its parent's.
    #[cold]
    fn heir(&self) -> Option<&T> {
        // SAFETY: what is kept for the entry is of its type, and stays while it does.
        heir::of(ptr::from_ref(self).addr()).map(|heir| unsafe { heir.cast().as_ref() })
    }

    /// Makes it, unless there is one. False where there can be none.
    #[cold]
    fn inherit(&self) -> Result<bool> {
        if self.heir().is_some() {
            return Ok(true);
        }
        let made = self.object.again()?;
        Ok(made.map(|made| heir::keep(ptr::from_ref(self).addr(), made)).is_some())
    }
}

impl<T: Object> Drop for Entry<T> {
    fn drop(&mut self) {
        // What a child process inherited is left alone: dropping it would
        // talk to the daemon over the parent's socket.
        if self.is_forked() {
            heir::end(ptr::from_ref(self).addr());
        } else if !*self.is_lent.get_mut() {
            // SAFETY: this is the entry's drop, so nothing can use `object` later.
            unsafe { ManuallyDrop::drop(&mut self.object) }
        }
    }
}

/// A use of a live object; the object stays alive until this is dropped.
pub struct Ref<T: Object> {
    entry: Use<Entry<T>>,
    /// What the object gave, and one more: so this takes a word.
    pin: Option<NonZeroUsize>,
}

impl<T: Object> Deref for Ref<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.entry.live()
    }
}

impl<T: Object> Drop for Ref<T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(pin) = self.pin {
            self.entry.live().unpin(pin.get() - 1);
        }
    }
}

impl<T: Object> Ref<T> {
    #[inline]
    fn new(entry: Use<Entry<T>>) -> Self {
        let pin = is_pinning().then(|| pin(&entry));
        Ref { entry, pin }
    }

    /// The object, if nobody else can reach it any more.
    pub fn alone(&mut self) -> Option<&mut T> {
        self.entry.alone().map(|entry| &mut *entry.object)
    }
}

#[cold]
fn pin<T: Object>(entry: &Use<Entry<T>>) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(entry.live().pin(&|| entry.is_only()))
}

/// Whether uses of objects are told to them: see [`Object::pin`].
static PINNING: AtomicBool = AtomicBool::new(false);

/// Whether uses that begin now are told to their objects.
#[inline]
pub fn is_pinning() -> bool {
    PINNING.load(Ordering::Acquire)
}

/// From now on uses are told to their objects, for good.
pub fn begin_pinning() {
    PINNING.store(true, Ordering::Release);
}

impl<T: Object> Table<T> {
    /// A table without handles.
    #[allow(clippy::new_without_default, reason = "tables are statics, made in const context")]
    pub const fn new() -> Self {
        Table {
            slots: LazyLock::new(|| {
                register_class(
                    T::CLASS,
                    Operations {
                        retain: retain::<T>,
                        release: release::<T>,
                        is_live: |id| {
                            find::<T>(id).is_some_and(|key| T::table().slots.is_live(key))
                        },
                        count: || T::table().slots.count(),
                    },
                );
                Slots::new()
            }),
        }
    }
}

/// Puts an object into its table. The caller owns the one hold on it.
pub fn insert<T: Object>(object: T) -> Result<usize> {
    // Made in its slot: to copy as a whole what was just written in parts makes the
    // processor wait, 6 ns for each domain of a list.
    insert_as(|| ManuallyDrop::new(object), false)
}

#[inline]
fn insert_as<T: Object>(object: impl FnOnce() -> ManuallyDrop<T>, is_lent: bool) -> Result<usize> {
    let is_lent = AtomicBool::new(is_lent);
    let entry = || Entry { object: object(), generation: fork::generation(), is_lent };
    let key = T::table().slots.insert(entry).ok_or_else(full::<T>)?;
    Ok(key as usize | (T::CLASS as usize) << CLASS_SHIFT)
}

/// Gives `call` a handle of an object that is somebody else's, and so ends by `disown`. Who
/// has the handle afterwards, or uses it, does so with one of its own: `keep` makes it one.
///
/// While `call` runs there is a use of the handle, so that it ends nowhere else, whatever
/// becomes of the holds on it.
pub fn lend<T: Object>(
    object: T,
    keep: impl FnOnce(&T),
    disown: impl FnOnce(T),
    call: impl FnOnce(usize),
) -> Result<()> {
    let object = ManuallyDrop::new(object);
    let id = insert_as(|| object, true)?;
    let mut entry =
        find::<T>(id).and_then(|key| T::table().slots.get(key)).ok_or_else(full::<T>)?;
    call(id);
    release::<T>(id);
    if entry.is_forked() {
        return Ok(()); // it is the parent's, and libvirt's lives on there
    }
    match entry.alone() {
        // Nobody else has it, and so nobody gets it; the entry does not drop what is lent.
        // SAFETY: this is its last use.
        Some(entry) if !is_pinning() => disown(unsafe { ManuallyDrop::take(&mut entry.object) }),
        _ => {
            keep(&entry.object);
            entry.is_lent.store(false, Ordering::Release);
        }
    }
    Ok(())
}

#[cold]
fn full<T: Object>() -> Misuse {
    let size = T::table().slots.count().saturating_mul(size_of::<Entry<T>>());
    Misuse::NoMemory { parameter: T::CLASS.name(), size: size as u64 }
}

/// Looks up the object behind a handle; `parameter` is named when it is wrong.
#[inline]
pub fn get<T: Object>(id: usize, parameter: &'static str) -> Result<Ref<T>> {
    checked(find::<T>(id).and_then(|key| T::table().slots.get(key)), id, parameter)
}

/// Gives up a hold, and gets the object for this one more use.
pub fn release_to_use<T: Object>(id: usize, parameter: &'static str) -> Result<Ref<T>> {
    checked(find::<T>(id).and_then(|key| T::table().slots.release_to_use(key)), id, parameter)
}

#[inline]
fn checked<T: Object>(
    found: Option<Use<Entry<T>>>,
    id: usize,
    parameter: &'static str,
) -> Result<Ref<T>> {
    match found {
        Some(entry) if !entry.is_forked() || entry.inherit()? => Ok(Ref::new(entry)),
        found => Err(explain::<T>(id, parameter, found.is_some()).into()),
    }
}

/// The key in the table, if the id is of this class.
#[inline]
fn find<T: Object>(id: usize) -> Option<u64> {
    let key = id & !(usize::MAX << CLASS_SHIFT);
    (id >> CLASS_SHIFT == T::CLASS as usize).then_some(key as u64)
}

#[cold]
fn explain<T: Object>(id: usize, parameter: &'static str, forked: bool) -> Misuse {
    let class = T::CLASS.name();
    match Class::of(id) {
        _ if id == 0 => Misuse::Null { parameter, wanted: wanted(T::CLASS) },
        None => Misuse::Foreign { parameter, value: id },
        Some(other) if other != T::CLASS => {
            Misuse::WrongClass { parameter, actual: other.name(), wanted: class }
        }
        Some(_) if forked => Misuse::Forked { parameter, class },
        Some(_) if find::<T>(id).is_some_and(|key| T::table().slots.is_live(key)) => {
            let what = "the number of uses of this handle at once";
            Misuse::TooLarge { parameter, what, actual: MAX_USES + 1, limit: MAX_USES }
        }
        Some(_) => Misuse::Stale { parameter, class },
    }
}

fn wanted(class: Class) -> &'static str {
    match class {
        Class::Conn => "a connection handle",
        Class::Domain => "a domain handle",
        Class::Value => "a value handle",
        _ => "a handle",
    }
}

/// Adds a hold on a handle. False when there is no such live handle, or there are as
/// many holds on it as can be counted.
pub fn retain<T: Object>(id: usize) -> bool {
    find::<T>(id).is_some_and(|key| T::table().slots.retain(key))
}

/// Whether there is only one hold on a live handle.
pub fn has_one_hold<T: Object>(id: usize) -> bool {
    find::<T>(id).is_some_and(|key| T::table().slots.holds(key) == 1)
}

/// Gives up a hold; the last one ends the handle. True when this was the last.
/// A handle that is not live is left alone.
#[inline(always)] // see `Use::end`
pub fn release<T: Object>(id: usize) -> bool {
    end(find::<T>(id).and_then(|key| T::table().slots.release(key)), id)
}

/// Ends a handle however many holds there are. False when it was not live.
pub fn remove<T: Object>(id: usize) -> bool {
    end(find::<T>(id).and_then(|key| T::table().slots.remove(key)), id)
}

#[inline(always)] // see `Use::end`
fn end<T: Object>(last: Option<Use<Entry<T>>>, id: usize) -> bool {
    let Some(entry) = last else {
        return false;
    };
    if !entry.is_forked() {
        before_end(&*entry.object, id);
    } else if let Some(heir) = entry.heir() {
        before_end(heir, id);
    }
    entry.end();
    true
}

#[cold]
fn too_many_holds(parameter: &'static str) -> Misuse {
    let what = "the number of references to this handle";
    Misuse::TooLarge { parameter, what, actual: MAX_HOLDS + 1, limit: MAX_HOLDS }
}

/// Others may still be using the object, so this is a use like theirs.
#[inline(always)] // see `Use::end`
fn before_end<T: Object>(object: &T, id: usize) {
    let pin = is_pinning().then(|| object.pin(&|| false));
    object.before_end(id);
    if let Some(pin) = pin {
        object.unpin(pin);
    }
}

/// A hold on a handle of any class.
#[derive(Debug, PartialEq)]
pub struct AnyHandle(usize);

impl AnyHandle {
    /// Takes over the one hold that [`insert`] gave out.
    pub fn own<T: Object>(object: T) -> Result<Self> {
        insert(object).map(AnyHandle)
    }

    /// Adds a hold to a live handle of whichever class.
    pub fn retain(id: usize, parameter: &'static str) -> Result<Self> {
        if id == 0 {
            return Err(Misuse::Null { parameter, wanted: "a handle" }.into());
        }
        let class = Class::of(id).ok_or(Misuse::Foreign { parameter, value: id })?;
        match operations(class) {
            Some(operations) if (operations.retain)(id) => Ok(AnyHandle(id)),
            Some(operations) if (operations.is_live)(id) => Err(too_many_holds(parameter).into()),
            _ => Err(Misuse::Stale { parameter, class: class.name() }.into()),
        }
    }

    /// One more hold. When the handle was closed by force, the copy is as stale as this.
    pub fn try_clone(&self, parameter: &'static str) -> Result<Self> {
        if let Some(operations) = Class::of(self.0).and_then(operations) {
            if !(operations.retain)(self.0) && (operations.is_live)(self.0) {
                return Err(too_many_holds(parameter).into());
            }
        }
        Ok(AnyHandle(self.0))
    }

    /// The id, borrowed.
    pub fn id(&self) -> usize {
        self.0
    }

    /// A live handle for tests of what holds handles.
    #[cfg(test)]
    pub fn for_test() -> Self {
        AnyHandle(insert(tests::Other).unwrap_or(0))
    }

    /// The class of a live handle.
    pub fn class(id: usize) -> Option<Class> {
        let class = Class::of(id)?;
        operations(class).is_some_and(|operations| (operations.is_live)(id)).then_some(class)
    }

    /// Gives the hold to somebody else, who has to release it.
    pub fn into_id(self) -> usize {
        ManuallyDrop::new(self).0
    }

    /// Takes over a hold that [`into_id`](Self::into_id) gave away.
    pub fn from_id(id: usize) -> Self {
        AnyHandle(id)
    }

    /// The class, as in function names.
    pub fn class_name(&self) -> &'static str {
        Class::of(self.0).map_or("unknown", Class::name)
    }
}

impl Clone for AnyHandle {
    /// For where there are few copies; the limit is then a failure of ours.
    fn clone(&self) -> Self {
        self.try_clone("handle").unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for AnyHandle {
    fn drop(&mut self) {
        match Class::of(self.0) {
            Some(Class::Value) => release_value(self.0),
            class => release_any(class, self.0),
        }
    }
}

fn release_any(class: Option<Class>, id: usize) {
    if let Some(operations) = class.and_then(operations) {
        (operations.release)(id);
    }
}

thread_local! {
    /// While a value ends that a value held: those that it held itself, and so on.
    static ENDING: Cell<Option<Vec<usize>>> = const { Cell::new(None) };
}

/// Gives up a value's hold on a value. Values hold each other in chains as long as the
/// caller makes them, and a call for each would run out of stack: so what ends with this
/// one waits until its end is over.
fn release_value(id: usize) {
    // At the end of a thread there may be no list any more, or no memory for it.
    let ending = ENDING.try_with(Cell::take).ok().flatten();
    let Some(mut waiting) = ending else {
        return release_chain(id);
    };
    let has_room = waiting.try_reserve(1).is_ok();
    if has_room {
        waiting.push(id);
    }
    ENDING.set(Some(waiting));
    if !has_room {
        release_any(Some(Class::Value), id);
    }
}

fn release_chain(first: usize) {
    /// Ends the list, also if something panics.
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            let _ = ENDING.try_with(Cell::take);
        }
    }
    let _done = Done;
    let mut next = Some((first, Vec::new()));
    while let Some((id, waiting)) = next {
        let _ = ENDING.try_with(|ending| ending.set(Some(waiting)));
        release_any(Some(Class::Value), id);
        let waiting = ENDING.try_with(Cell::take).ok().flatten();
        next = waiting.and_then(|mut waiting| Some((waiting.pop()?, waiting)));
    }
}

/// How many handles of a class are live.
pub fn count(class: Class) -> usize {
    operations(class).map_or(0, |operations| (operations.count)())
}

struct Operations {
    retain: fn(usize) -> bool,
    release: fn(usize) -> bool,
    is_live: fn(usize) -> bool,
    count: fn() -> usize,
}

static OPERATIONS: [OnceLock<Operations>; CLASSES.len()] =
    [const { OnceLock::new() }; CLASSES.len()];

fn operations(class: Class) -> Option<&'static Operations> {
    OPERATIONS[class as usize - 1].get()
}

fn register_class(class: Class, operations: Operations) {
    // Set once per class, by its table's own initialisation.
    let _ = OPERATIONS[class as usize - 1].set(operations);
    static FIRST: Once = Once::new();
    FIRST.call_once(fork::watch);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Probe(Arc<AtomicUsize>);
    impl Drop for Probe {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    impl Object for Probe {
        const CLASS: Class = Class::Fleet;
        fn table() -> &'static Table<Self> {
            static TABLE: Table<Probe> = Table::new();
            &TABLE
        }
    }
    pub(super) struct Other;
    impl Object for Other {
        const CLASS: Class = Class::Host;
        fn table() -> &'static Table<Self> {
            static TABLE: Table<Other> = Table::new();
            &TABLE
        }
    }

    fn message<T: Object>(id: usize) -> String {
        get::<T>(id, "it").err().expect("a refusal").to_string()
    }

    #[test]
    fn every_wrong_handle_is_explained() {
        let id = insert(Other).unwrap();
        assert_eq!(message::<Probe>(0), "it: is NULL; a handle is needed");
        assert_eq!(message::<Probe>(id), "it: is a host handle; a fleet handle is needed");
        assert_eq!(message::<Probe>(0x7f00_1234), "it: 0x7f001234 is not a handle of this library");
        assert!(release::<Other>(id));
        assert_eq!(message::<Other>(id), "it: this host handle was freed or closed already");
        assert!(!release::<Other>(id), "a second free is ignored");
        assert!(!retain::<Other>(id));
        assert!(AnyHandle::retain(id, "it").is_err());
        for wild in [1, usize::MAX, id ^ 0x10_0000, !id] {
            assert!(get::<Other>(wild, "it").is_err());
        }
    }

    #[test]
    fn a_live_handle_has_a_class_and_says_whether_it_is_held_once() {
        let id = insert(Other).unwrap();
        assert_eq!(AnyHandle::class(id).map(Class::name), Some("host"));
        assert!(has_one_hold::<Other>(id) && !has_one_hold::<Probe>(id));
        assert!(retain::<Other>(id));
        assert!(!has_one_hold::<Other>(id), "it is held twice");
        assert!(!release::<Other>(id));
        assert!(has_one_hold::<Other>(id));
        assert!(release::<Other>(id));
        assert!(AnyHandle::class(id).is_none() && !has_one_hold::<Other>(id));
    }

    #[test]
    fn the_object_goes_with_the_last_hold_and_the_last_use() {
        let drops = Arc::new(AtomicUsize::new(0));
        let dropped = || drops.load(Ordering::SeqCst);
        let id = insert(Probe(drops.clone())).unwrap();
        assert!(retain::<Probe>(id));
        assert!(!release::<Probe>(id));
        let any = AnyHandle::retain(id, "it").unwrap();
        assert_eq!(any.clone(), any);
        assert!(!release::<Probe>(id));
        let used = get::<Probe>(id, "it").unwrap();
        drop(any);
        assert!(get::<Probe>(id, "it").is_err(), "gone for new callers");
        assert_eq!(dropped(), 0, "but alive for the one that uses it");
        drop(used);
        assert_eq!(dropped(), 1);
    }

    #[test]
    fn handles_made_and_freed_on_different_threads_are_all_accounted_for() {
        let drops = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let drops = drops.clone();
                std::thread::spawn(move || {
                    (0..1000).map(|_| insert(Probe(drops.clone())).unwrap()).collect::<Vec<_>>()
                })
            })
            .collect();
        let ids: Vec<usize> = threads.into_iter().flat_map(|t| t.join().unwrap()).collect();
        let unique: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), ids.len());
        assert!(ids.iter().all(|id| release::<Probe>(*id)));
        assert_eq!(drops.load(Ordering::SeqCst), 8000);
    }

    #[test]
    fn a_stale_id_stays_stale_when_its_slot_is_used_again() {
        let stale = insert(Other).unwrap();
        release::<Other>(stale);
        for _ in 0..100_000 {
            let id = insert(Other).unwrap();
            assert_ne!(id, stale);
            assert!(get::<Other>(stale, "it").is_err());
            release::<Other>(id);
        }
    }
}
