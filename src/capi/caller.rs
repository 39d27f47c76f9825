// SPDX-License-Identifier: LGPL-2.1-or-later
//! C's arguments, checked and turned into Rust's.

#![allow(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "a Caller exists only where the C contract holds for the pointers; see its docs"
)]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs::File;
use std::marker::PhantomData;
use std::os::fd::{BorrowedFd, IntoRawFd, OwnedFd};
use std::ptr::{self, NonNull};

use super::types::{Handle, SharedValue, vkvm_destroy_callback, vkvm_domain, vkvm_value};
use crate::core::{Domain, Text, sigpipe};
use crate::error::{Error, Misuse, Result};
use crate::handle::lock::{Reading, Writing};
use crate::handle::{self, Object, Ref};
use crate::memory;
use crate::value::Value;

/// Stands for the C function that called an export and keeps the contract.
///
/// Its methods may dereference the pointers they are given because there is no
/// `Caller` without [`crate::capi::guard`], whose callers promise that the
/// pointers are the C caller's own. They must be given no others.
pub struct Caller(());

impl Caller {
    /// # Safety
    /// The C contract holds for every pointer that its methods are given.
    pub(super) unsafe fn new() -> Self {
        Caller(())
    }

    /// The object behind a handle.
    pub fn get<H: Handle>(
        &self,
        handle: *mut H,
        parameter: &'static str,
    ) -> Result<Ref<H::Object>> {
        handle::get(handle as usize, parameter)
    }

    /// The object behind a handle, and gives up a hold on it.
    pub fn get_last<H: Handle>(
        &self,
        handle: *mut H,
        parameter: &'static str,
    ) -> Result<Ref<H::Object>> {
        handle::release_to_use(handle as usize, parameter)
    }

    /// The object behind a handle that may be NULL.
    pub fn get_nullable<H: Handle>(
        &self,
        handle: *mut H,
        parameter: &'static str,
    ) -> Result<Option<Ref<H::Object>>> {
        (!handle.is_null()).then(|| self.get(handle, parameter)).transpose()
    }

    /// The objects behind an array of handles, which may be NULL when empty.
    pub fn get_list<H: Handle>(
        &self,
        handles: *const *mut H,
        count: usize,
        parameter: &'static str,
    ) -> Result<Vec<Ref<H::Object>>> {
        // SAFETY: by the contract the array holds `count` handles.
        let handles = unsafe { array(handles, count, parameter) }?;
        memory::collect(handles.iter().map(|handle| self.get(*handle, parameter)), parameter)
    }

    /// Text, which must be UTF-8.
    pub fn text(&self, text: *const c_char, parameter: &'static str) -> Result<&CStr> {
        let text = self.c_string(text, parameter)?;
        checked_utf8(text.to_bytes(), parameter)?;
        Ok(text)
    }

    /// Text that may be NULL.
    pub fn text_nullable(
        &self,
        text: *const c_char,
        parameter: &'static str,
    ) -> Result<Option<&CStr>> {
        (!text.is_null()).then(|| self.text(text, parameter)).transpose()
    }

    /// Texts, each of which must be UTF-8.
    pub fn texts(
        &self,
        texts: *const *const c_char,
        len: usize,
        parameter: &'static str,
    ) -> Result<Vec<&CStr>> {
        // SAFETY: by the contract the array holds `len` texts.
        let texts = unsafe { array(texts, len, parameter) }?;
        memory::collect(texts.iter().map(|text| self.text(*text, parameter)), parameter)
    }

    /// Text as a Rust string.
    pub fn str(&self, text: *const c_char, parameter: &'static str) -> Result<&str> {
        checked_utf8(self.c_string(text, parameter)?.to_bytes(), parameter)
    }

    /// Text as a Rust string, which may be NULL.
    pub fn str_nullable(
        &self,
        text: *const c_char,
        parameter: &'static str,
    ) -> Result<Option<&str>> {
        (!text.is_null()).then(|| self.str(text, parameter)).transpose()
    }

    fn c_string(&self, text: *const c_char, parameter: &'static str) -> Result<&CStr> {
        if text.is_null() {
            return Err(null(parameter, "text"));
        }
        // SAFETY: by the contract it is a C string.
        Ok(unsafe { CStr::from_ptr(text) })
    }

    /// A path into a value; NULL is the value itself.
    pub fn path(&self, path: *const c_char) -> Result<&str> {
        if path.is_null() { Ok("") } else { self.str(path, "path") }
    }

    /// Bytes.
    pub fn bytes(&self, data: *const c_void, len: usize, parameter: &'static str) -> Result<&[u8]> {
        // SAFETY: by the contract there are `len` bytes.
        unsafe { array(data.cast(), len, parameter) }
    }

    /// Room for bytes.
    #[allow(clippy::mut_from_ref, reason = "the room is C's, not part of the Caller")]
    pub fn buffer(&self, data: *mut u8, len: usize, parameter: &'static str) -> Result<&mut [u8]> {
        // SAFETY: by the contract there is room for `len` bytes, which nobody
        // else uses during the call.
        unsafe {
            let room = array(data.cast_const(), len, parameter)?;
            Ok(match room.len() {
                0 => &mut [],
                len => std::slice::from_raw_parts_mut(data, len),
            })
        }
    }

    /// Integers.
    pub fn ints(
        &self,
        data: *const c_int,
        len: usize,
        parameter: &'static str,
    ) -> Result<&[c_int]> {
        // SAFETY: by the contract there are `len` integers.
        unsafe { array(data, len, parameter) }
    }

    /// A value, copied.
    pub fn value(&self, value: *mut vkvm_value, parameter: &'static str) -> Result<Value> {
        reading(&*self.get(value, parameter)?).try_clone(parameter)
    }

    /// A value, copied; NULL is null.
    pub fn value_or_null(&self, value: *mut vkvm_value, parameter: &'static str) -> Result<Value> {
        if value.is_null() { Ok(Value::Null) } else { self.value(value, parameter) }
    }

    /// A value that must be a map, copied.
    pub fn map(
        &self,
        value: *mut vkvm_value,
        parameter: &'static str,
    ) -> Result<crate::value::Map> {
        match self.value(value, parameter)? {
            Value::Map(map) => Ok(map),
            other => {
                let reason = format!("is {}; a map is needed", other.kind_name());
                Err(Misuse::Invalid { parameter, reason }.into())
            }
        }
    }

    /// A map, copied, that may be NULL.
    pub fn map_nullable(
        &self,
        value: *mut vkvm_value,
        parameter: &'static str,
    ) -> Result<Option<crate::value::Map>> {
        (!value.is_null()).then(|| self.map(value, parameter)).transpose()
    }

    /// A place for a plain result.
    pub fn out<T>(&self, place: *mut T, parameter: &'static str) -> Result<Out<'_, T>> {
        let place = NonNull::new(place).ok_or_else(|| null(parameter, "a place for the result"))?;
        Ok(Out(place, PhantomData))
    }

    /// A place for a handle.
    pub fn out_handle<H: Handle>(
        &self,
        place: *mut *mut H,
        parameter: &'static str,
    ) -> Result<OutHandle<'_, H>> {
        self.out(place, parameter).map(OutHandle)
    }

    /// Places for a list of handles and its length.
    pub fn out_handles<H: Handle>(
        &self,
        list: *mut *mut *mut H,
        count: *mut usize,
        parameter: &'static str,
        count_parameter: &'static str,
    ) -> Result<OutHandles<'_, H>> {
        Ok(OutHandles(self.out_array(list, count, parameter, count_parameter)?))
    }

    /// A place for text.
    pub fn out_text(
        &self,
        place: *mut *mut c_char,
        parameter: &'static str,
    ) -> Result<OutText<'_>> {
        self.out(place, parameter).map(OutText)
    }

    /// A place for text that may be missing.
    pub fn out_text_nullable(
        &self,
        place: *mut *mut c_char,
        parameter: &'static str,
    ) -> Result<OutTextNullable<'_>> {
        self.out(place, parameter).map(OutTextNullable)
    }

    /// Places for a list of texts and its length.
    pub fn out_texts(
        &self,
        list: *mut *mut *mut c_char,
        count: *mut usize,
        parameter: &'static str,
        count_parameter: &'static str,
    ) -> Result<OutTexts<'_>> {
        Ok(OutTexts(self.out_array(list, count, parameter, count_parameter)?))
    }

    /// Places for an array and its length.
    pub fn out_array<T>(
        &self,
        array: *mut *mut T,
        count: *mut usize,
        parameter: &'static str,
        count_parameter: &'static str,
    ) -> Result<OutArray<'_, T>> {
        let (array, count) = (self.out(array, parameter)?, self.out(count, count_parameter)?);
        Ok(OutArray { array, count, parameter })
    }

    /// A callback with its userdata. Its destroy notify runs when it is
    /// dropped, so it is taken over before anything can fail.
    pub fn callback<F>(
        &self,
        function: Option<F>,
        userdata: *mut c_void,
        destroy: vkvm_destroy_callback,
    ) -> Foreign<F> {
        Foreign { function, userdata, destroy }
    }

    /// A structure of functions with their userdata, taken over as above.
    pub fn functions<S: Copy>(
        &self,
        functions: *const S,
        userdata: *mut c_void,
        destroy: vkvm_destroy_callback,
    ) -> Foreign<S> {
        // SAFETY: NULL, or by the contract a valid structure.
        Foreign { function: unsafe { functions.as_ref().copied() }, userdata, destroy }
    }

    /// A function that shares the userdata of another one.
    pub fn function<F>(&self, function: Option<F>, parameter: &'static str) -> Result<F> {
        function.ok_or_else(|| null(parameter, "a function"))
    }

    /// An open file descriptor, as a file of our own with the same position.
    pub fn file(&self, fd: c_int, parameter: &'static str) -> Result<File> {
        let reason = |error: std::io::Error| {
            let reason = format!("{fd} is no file descriptor that can be used: {error}");
            Error::from(Misuse::Invalid { parameter, reason })
        };
        if fd < 0 {
            return Err(reason(std::io::Error::from_raw_os_error(libc::EBADF)));
        }
        // SAFETY: only to be duplicated, which fails for what is not open.
        let borrowed = unsafe { BorrowedFd::borrow_raw(fd) };
        borrowed.try_clone_to_owned().map(File::from).map_err(reason)
    }

    /// Gives up a hold on a handle.
    pub fn free<H: Handle>(&self, handle: *mut H) {
        handle::release::<H::Object>(handle as usize);
    }

    /// Adds a hold on a handle; NULL when it is not live.
    pub fn retain<H: Handle>(&self, handle: *mut H) -> Option<*mut H> {
        handle::retain::<H::Object>(handle as usize).then_some(handle)
    }

    /// Frees an array of handles and gives up the holds in it.
    pub fn free_list<H: Handle>(&self, list: *mut *mut H, count: usize) {
        if list.is_null() {
            return;
        }
        for i in 0..count {
            // SAFETY: by the contract it is an array that `out_handles` made.
            self.free(unsafe { *list.add(i) });
        }
        // SAFETY: the array came from malloc.
        unsafe { libc::free(list.cast()) }
    }

    /// Overwrites and frees an array of bytes.
    pub fn free_bytes(&self, data: *mut u8) {
        // SAFETY: NULL, or by the contract an array that `out_array` made, from malloc,
        // which knows how much room it has; what is more than asked for is nobody's.
        unsafe {
            libc::explicit_bzero(data.cast(), libc::malloc_usable_size(data.cast()));
            libc::free(data.cast());
        }
    }

    /// Frees an array of texts, and the texts.
    pub fn free_texts(&self, list: *mut *mut c_char, count: usize) {
        if list.is_null() {
            return;
        }
        for i in 0..count {
            // SAFETY: by the contract it is an array that `out_texts` made;
            // its texts came from malloc.
            unsafe { libc::free((*list.add(i)).cast()) }
        }
        // SAFETY: the array came from malloc.
        unsafe { libc::free(list.cast()) }
    }
}

/// A place that C gave for a result; it is written once, on success.
pub struct Out<'c, T>(NonNull<T>, PhantomData<&'c Caller>);

impl<T> Out<'_, T> {
    /// Writes the result.
    pub fn set(self, value: T) {
        // SAFETY: by the contract the place may be written to; what was there
        // is the caller's, perhaps uninitialised, and is not dropped.
        unsafe { self.0.write(value) }
    }
}

/// A place for a handle.
pub struct OutHandle<'c, H>(Out<'c, *mut H>);

impl<H: Handle> OutHandle<'_, H> {
    /// Makes a handle of the object.
    pub fn set(self, object: H::Object) -> Result<()> {
        self.0.set(handle::insert(object)? as *mut H);
        Ok(())
    }
}

impl OutHandle<'_, vkvm_value> {
    /// Makes a handle of the value.
    pub fn set_value(self, value: impl Into<Value>) -> Result<()> {
        memory::prepare();
        self.set(SharedValue::new(value.into()))
    }

    /// Gives the hold on a value that others may have, too.
    pub fn set_shared(self, value: handle::AnyHandle) {
        self.0.set(value.into_id() as *mut vkvm_value);
    }

    /// Makes a handle of the value, or NULL when there is none.
    pub fn set_value_or_null(self, value: Option<Value>) -> Result<()> {
        match value {
            Some(value) => self.set_value(value)?,
            None => self.0.set(std::ptr::null_mut()),
        }
        Ok(())
    }
}

/// Places for a list of handles and its length.
pub struct OutHandles<'c, H>(OutArray<'c, *mut H>);

impl<H: Handle> OutHandles<'_, H> {
    /// Makes handles of the objects.
    pub fn set(self, objects: Vec<H::Object>) -> Result<()> {
        let mut handles = memory::list(objects.len(), self.0.parameter)?;
        let insert_all = || {
            for object in objects {
                handles.push(handle::insert(object)? as *mut H);
            }
            self.0.set(&handles)
        };
        let inserted = insert_all();
        if inserted.is_err() {
            for handle in handles {
                handle::release::<H::Object>(handle as usize);
            }
        }
        inserted
    }
}

/// A place for text.
pub struct OutText<'c>(Out<'c, *mut c_char>);

impl OutText<'_> {
    /// Gives the text to C.
    pub fn set(self, text: Text) {
        self.0.set(text.into_raw());
    }
}

/// A place for text that may be missing.
pub struct OutTextNullable<'c>(Out<'c, *mut c_char>);

impl OutTextNullable<'_> {
    /// Gives the text, or NULL, to C.
    pub fn set(self, text: Option<Text>) {
        self.0.set(text.map_or(std::ptr::null_mut(), Text::into_raw));
    }
}

/// Places for a list of texts and its length.
pub struct OutTexts<'c>(OutArray<'c, *mut c_char>);

impl OutTexts<'_> {
    /// Gives the texts to C.
    pub fn set(self, texts: Vec<Text>) -> Result<()> {
        let array = self.0.room(texts.len())?;
        for (i, text) in texts.into_iter().enumerate() {
            // SAFETY: there is room for as many.
            unsafe { array.add(i).write(text.into_raw()) }
        }
        Ok(())
    }
}

/// Places for an array and its length.
pub struct OutArray<'c, T> {
    array: Out<'c, *mut T>,
    count: Out<'c, usize>,
    parameter: &'static str,
}

impl<T: Copy> OutArray<'_, T> {
    /// Gives C a copy of the items in memory from malloc, with one zero behind
    /// them, so that bytes which are text can be used as such. Never NULL.
    pub fn set(self, items: &[T]) -> Result<()> {
        let array = self.room(items.len())?;
        // SAFETY: there is room for as many.
        unsafe { array.copy_from_nonoverlapping(items.as_ptr(), items.len()) }
        Ok(())
    }

    /// As [`OutArray::set`], for a secret.
    pub fn set_secret(self, items: &[T]) -> Result<()> {
        let array = self.room(items.len())?;
        for (i, item) in items.iter().enumerate() {
            // One by one, read and written, as in `memory::secret`.
            // SAFETY: there is room for as many.
            unsafe { array.add(i).write_volatile(ptr::read_volatile(item)) }
        }
        Ok(())
    }

    /// Gives C an array of `count` zeros and one more, and the caller a pointer to fill it.
    fn room(self, count: usize) -> Result<*mut T> {
        // SAFETY: calloc, which notices when the product is too large.
        let array: *mut T = unsafe { libc::calloc(count.saturating_add(1), size_of::<T>()) }.cast();
        if array.is_null() {
            return Err(memory::none(self.parameter, count.saturating_mul(size_of::<T>())));
        }
        self.array.set(array);
        self.count.set(count);
        Ok(array)
    }
}

impl OutArray<'_, c_int> {
    /// Gives open files to C, which then has to close them.
    pub fn set_files(self, files: Vec<OwnedFd>) -> Result<()> {
        let array = self.room(files.len())?;
        for (i, file) in files.into_iter().enumerate() {
            // SAFETY: there is room for as many.
            unsafe { array.add(i).write(file.into_raw_fd()) }
        }
        Ok(())
    }
}

/// A callback of C's. Dropping it runs the destroy notify.
pub struct Foreign<F> {
    function: Option<F>,
    userdata: *mut c_void,
    destroy: vkvm_destroy_callback,
}

// SAFETY: the header tells that callbacks run on the thread that runs the
// loop, and destroy notifies on whichever thread ends the registration.
unsafe impl<F> Send for Foreign<F> {}
// SAFETY: likewise.
unsafe impl<F> Sync for Foreign<F> {}

impl<F: Copy> Foreign<F> {
    /// The function, unless it is NULL.
    pub fn function(&self, parameter: &'static str) -> Result<F> {
        self.function.ok_or_else(|| null(parameter, "a function"))
    }
}

impl<F> Foreign<F> {
    /// Calls the program: `call` calls the function, or one that shares its userdata.
    pub fn call<R>(&self, call: impl FnOnce(*mut c_void) -> R) -> R {
        sigpipe::outside(|| call(self.userdata))
    }
}

impl<F> Drop for Foreign<F> {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy {
            // SAFETY: by the contract; this is the one call for this userdata.
            self.call(|userdata| unsafe { destroy(userdata) });
        }
    }
}

/// Locks a value to read it. A reader may read again, even while another
/// thread waits to write: a visitor may look at the value it is shown.
pub fn reading(value: &SharedValue) -> Reading<'_, Value> {
    value.read()
}

/// Locks a value to change it; refused while this thread shows it to a visitor, because
/// it would wait for itself.
pub fn writing(value: &SharedValue) -> Result<Writing<'_, Value>> {
    if SHOWN.with_borrow(|shown| shown.contains(&ptr::from_ref(value))) {
        let reason = "is being shown to a visitor; it can be changed after that".to_owned();
        return Err(Misuse::Invalid { parameter: "value", reason }.into());
    }
    Ok(value.write())
}

thread_local! {
    /// The values that this thread shows to visitors at the moment.
    static SHOWN: RefCell<Vec<*const SharedValue>> = const { RefCell::new(Vec::new()) };
}

/// Shows a value to who may be the program's own code.
pub fn showing<R>(value: &SharedValue, show: impl FnOnce(&Value) -> R) -> R {
    SHOWN.with_borrow_mut(|shown| shown.push(value));
    let _end = EndOfShow;
    show(&reading(value))
}

struct EndOfShow;

impl Drop for EndOfShow {
    fn drop(&mut self) {
        SHOWN.with_borrow_mut(Vec::pop);
    }
}

/// Many domains as references, as the core takes them.
pub fn refs<T: Object>(objects: &[Ref<T>]) -> Vec<&T> {
    objects.iter().map(|object| &**object).collect()
}

/// A domain as a value.
pub fn domain_value(domain: Domain) -> Result<Value> {
    handle::AnyHandle::own::<<vkvm_domain as Handle>::Object>(domain).map(Value::Handle)
}

/// Out of line, so that the way without mistakes stays short.
#[cold]
fn null(parameter: &'static str, wanted: &'static str) -> Error {
    Misuse::Null { parameter, wanted }.into()
}

fn checked_utf8<'a>(bytes: &'a [u8], parameter: &'static str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        let offset = error.valid_up_to();
        Misuse::NotUtf8 { parameter, byte: bytes.get(offset).copied().unwrap_or(0), offset }.into()
    })
}

/// # Safety
/// `data` is NULL or holds `count` items for as long as the result is used.
unsafe fn array<'a, T>(data: *const T, count: usize, parameter: &'static str) -> Result<&'a [T]> {
    let limit = isize::MAX as usize / size_of::<T>().max(1);
    if count == 0 {
        Ok(&[])
    } else if data.is_null() {
        Err(null(parameter, "an array"))
    } else if count > limit {
        let (actual, limit) = (count as u64, limit as u64);
        Err(Misuse::TooLarge { parameter, what: "the number of items", actual, limit }.into())
    } else {
        // SAFETY: as promised by the caller; the size was checked.
        Ok(unsafe { std::slice::from_raw_parts(data, count) })
    }
}
