// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of storage volumes.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use super::frame::argument::{
    Document, Flag, Needed, Optional, Size, Text, flag, needed, optional,
};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, facts, word};
use super::frame::failure::{Failure, Says};
use super::frame::given::{c_text, shown};
use super::frame::text::parse_size;
use super::frame::words::Words;
use super::lists::volume_type;
use super::long::watch;
use super::markup::Markup;
use super::xml_result;
use crate::constants as c;
use crate::core::stream::Transfer;
use crate::core::{StoragePool, StorageVol};
use crate::error::{Error, Misuse, Result};
use crate::value::{Map, Value};
use crate::xml;

static VOL: Needed<Text> = needed("vol", "name, key or path of the volume");
static POOL: Optional<Text> = optional("pool", "name or UUID of the pool of the volume");
static IN_POOL: Needed<Text> = needed("pool", "name or UUID of the pool for the new volume");
static PREALLOC: Flag = flag("prealloc_metadata", "preallocate the image's metadata");
static REFLINK: Flag = flag("reflink", "lightweight copy that shares data (reflink)");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");
static PRINT_XML: Flag = flag("print_xml", "only return the definition's XML");
static FILE: Needed<Document> = needed("file", "volume definition").root("volume");
static OFFSET: Optional<Size> = optional("offset", "offset in the volume");
static LENGTH: Optional<Size> = optional("length", "length; by default all");
static SPARSE: Flag = flag("sparse", "preserve holes");

/// What can be wanted of a volume that is made. Not every command has each of them.
static PREALLOCATES: (&Flag, u32) = (&PREALLOC, c::STORAGE_VOL_CREATE_PREALLOC_METADATA);
static SHARES: (&Flag, u32) = (&REFLINK, c::STORAGE_VOL_CREATE_REFLINK);
static VALIDATES: (&Flag, u32) = (&VALIDATE, c::STORAGE_VOL_CREATE_VALIDATE);

/// The ways to wipe a volume, in the order of libvirt's numbers.
const ALGORITHMS: [&str; 10] = [
    "zero",
    "nnsa",
    "dod",
    "bsi",
    "gutmann",
    "schneier",
    "pfitzner7",
    "pfitzner33",
    "random",
    "trim",
];
static ALGORITHM: Optional<Text> = optional("algorithm", "algorithm, such as zero or nnsa")
    .one_of(&Words::new(&ALGORITHMS, "Unsupported algorithm '{}'"));

static NEWNAME: Needed<Text> = needed("newname", "name of the copy");
static NAME: Needed<Text> = needed("name", "name of the volume");
static CAPACITY: Needed<Text> =
    needed("capacity", "capacity, such as 20G; a number without a unit is in bytes");
static ALLOCATION: Optional<Text> = optional("allocation", "initial allocation");
static FORMAT: Optional<Text> = optional("format", "format, such as qcow2");
static BACKING_VOL: Optional<Text> = optional("backing_vol", "backing volume");
static BACKING_VOL_FORMAT: Optional<Text> =
    optional("backing_vol_format", "format of the backing volume");
static INPUT_VOL: Needed<Text> = needed("vol", "name, key or path of the source volume");
static INPUTPOOL: Optional<Text> = optional("inputpool", "name or UUID of the pool of the volume");
static DELETE_SNAPSHOTS: Flag = flag("delete_snapshots", "also delete the snapshots of the volume");
static LOCAL_FILE: Needed<Text> = needed("file", "path of the file");
static BYTES: Flag = flag("bytes", "sizes in bytes");
static PHYSICAL: Flag = flag("physical", "physical size instead of the allocation");
static VOL_KEY: Needed<Text> = needed("vol", "key or path of the volume");
static NEW_CAPACITY: Needed<Text> =
    needed("capacity", "new capacity, such as 20G; a number without a unit is in bytes");
static ALLOCATE: Flag = flag("allocate", "allocate the new space");
static DELTA: Flag = flag("delta", "add the capacity to the current one");
static SHRINK: Flag = flag("shrink", "allow shrinking");

pub(super) static COMMANDS: &[Command] = &[
    action("clone", "vol-clone", clone)
        .about("Copies a volume within its pool.")
        .takes(&[&VOL, &NEWNAME, &POOL, &PREALLOC, &REFLINK, &PRINT_XML])
        .tells_progress(),
    document("conf", "vol-dumpxml", conf)
        .about("Returns the definition of a volume.")
        .takes(&[&VOL, &POOL]),
    action("create", "vol-create", create)
        .about("Creates a volume.")
        .takes(&[&IN_POOL, &FILE, &PREALLOC, &VALIDATE]),
    action("create_as", "vol-create-as", create_as)
        .about("Creates a volume from arguments.")
        .takes(&[
            &IN_POOL,
            &NAME,
            &CAPACITY,
            &ALLOCATION,
            &FORMAT,
            &BACKING_VOL,
            &BACKING_VOL_FORMAT,
            &PREALLOC,
            &PRINT_XML,
        ]),
    action("create_from", "vol-create-from", create_from)
        .about("Creates a volume with the content of another volume.")
        .takes(&[&IN_POOL, &FILE, &INPUT_VOL, &INPUTPOOL, &PREALLOC, &REFLINK, &VALIDATE])
        .tells_progress(),
    action("delete", "vol-delete", delete).about("Deletes a volume.").takes(&[
        &VOL,
        &POOL,
        &DELETE_SNAPSHOTS,
    ]),
    action("download", "vol-download", download)
        .about("Downloads a volume to a file on this machine.")
        .takes(&[&VOL, &LOCAL_FILE, &POOL, &OFFSET, &LENGTH, &SPARSE])
        .tells_progress(),
    facts("info", "vol-info", info)
        .about("Returns name, type and sizes of a volume.")
        .takes(&[&VOL, &POOL, &BYTES, &PHYSICAL]),
    word("key", "vol-key", key).about("Returns the key of a volume.").takes(&[&VOL, &POOL]),
    word("name", "vol-name", name)
        .about("Returns the name of a volume by its key or path.")
        .takes(&[&VOL_KEY]),
    word("path", "vol-path", path).about("Returns the path of a volume.").takes(&[&VOL, &POOL]),
    action("resize", "vol-resize", resize).about("Resizes a volume.").takes(&[
        &VOL,
        &NEW_CAPACITY,
        &POOL,
        &ALLOCATE,
        &DELTA,
        &SHRINK,
    ]),
    action("upload", "vol-upload", upload)
        .about("Uploads a file on this machine to a volume.")
        .takes(&[&VOL, &LOCAL_FILE, &POOL, &OFFSET, &LENGTH, &SPARSE])
        .tells_progress(),
    action("wipe", "vol-wipe", wipe)
        .about("Wipes a volume, so that its data cannot be read any more.")
        .takes(&[&VOL, &POOL, &ALGORITHM]),
];

fn clone(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let pool = call
        .conn()
        .get_storage_pool_by_volume(&volume)
        .or_say(|| "failed to get parent pool".to_owned())?;
    let (name, new) = (name_of(&volume)?, call.get(&NEWNAME)?.to_owned());
    let mut document = xml_result::parsed(&volume.get_xml_description(0)?)?;
    document.set("volume.name", Value::from(&*new))?;
    let text = xml::to_xml(&document)?;
    if call.flag(&PRINT_XML) {
        return Ok(text.trim_end().into());
    }
    let definition = c_text(text, || "the definition".to_owned())?;
    let new_name = c_text(new.clone(), || "newname".to_owned())?;
    let flags = call.flags(&[PREALLOCATES, SHARES]);
    make_copy(call, &pool, &new_name, &definition, &volume, flags)
        .or_say(|| format!("Failed to clone vol from {name}"))?;
    Ok(format!("Vol {new} cloned from {name}").into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    xml_result::document(&volume.get_xml_description(0)?, "volume", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&IN_POOL)?;
    let document = call.get(&FILE)?.read()?;
    let volume = pool
        .create_volume(&document.xml, call.flags(&[PREALLOCATES, VALIDATES]))
        .or_say(|| format!("Failed to create vol from {}", document.file))?;
    Ok(format!("Vol {} created from {}", name_of(&volume)?, document.file).into())
}

fn create_as(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&IN_POOL)?;
    let name = call.get(&NAME)?;
    let mut markup = Markup::default();
    markup.open("volume", &[]);
    markup.leaf("name", name);
    let capacity = bytes(CAPACITY.name(), call.get(&CAPACITY)?)?;
    markup.leaf("capacity", &capacity.to_string());
    if let Some(words) = call.get(&ALLOCATION) {
        markup.leaf("allocation", &bytes(ALLOCATION.name(), words)?.to_string());
    }
    if let Some(format) = call.get(&FORMAT) {
        markup.open("target", &[]);
        markup.empty_of("format", "type", Some(format));
        markup.close("target");
    }
    if let Some(backing) = call.get(&BACKING_VOL) {
        let path = backing_path(call, &pool, backing)?;
        markup.open("backingStore", &[]);
        markup.leaf("path", &path);
        markup.empty_of("format", "type", call.get(&BACKING_VOL_FORMAT));
        markup.close("backingStore");
    }
    markup.close("volume");
    if call.flag(&PRINT_XML) {
        return Ok(markup.text()?.trim_end().into());
    }
    pool.create_volume(&markup.xml()?, call.flags(&[PREALLOCATES]))
        .or_say(|| format!("Failed to create vol {name}"))?;
    Ok(format!("Vol {name} created").into())
}

fn create_from(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&IN_POOL)?;
    let input = call.volume(&INPUT_VOL, Some(&INPUTPOOL))?;
    let document = call.get(&FILE)?.read()?;
    let input_name = name_of(&input)?;
    let name = xml_result::parsed(&document.xml)
        .ok()
        .and_then(|document| document.get_str("volume.name").map(str::to_owned).ok())
        .unwrap_or_default();
    let name = c_text(name, || "the volume's name".to_owned())?;
    let flags = call.flags(&[PREALLOCATES, SHARES, VALIDATES]);
    let volume = make_copy(call, &pool, &name, &document.xml, &input, flags)
        .or_say(|| format!("Failed to create vol from {input_name}"))?;
    Ok(format!("Vol {} created from input vol {input_name}", name_of(&volume)?).into())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let name = call.get(&VOL)?;
    let flags = call.flags(&[(&DELETE_SNAPSHOTS, c::STORAGE_VOL_DELETE_WITH_SNAPSHOTS)]);
    volume.delete(flags).or_say(|| format!("Failed to delete vol {name}"))?;
    Ok(format!("Vol {name} deleted").into())
}

fn download(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let path = call.get(&LOCAL_FILE)?.to_owned();
    let (file, is_new) = create_file(Path::new(&path))
        .map_err(|_| Failure::refused(LOCAL_FILE.name(), format!("cannot create {path}")))?;
    let flags = call.flags(&[(&SPARSE, c::STORAGE_VOL_VOL_DOWNLOAD_SPARSE_STREAM)]);
    let (offset, length) = part(call);
    let received = {
        let mut progress = |done, total| through(call, done, total);
        let transfer = Transfer { offset, length, flags, progress: Some(&mut progress) };
        volume.download_fd(file, transfer)
    };
    if received.is_err() && is_new {
        // The failure is told; that a useless file stays is not worse.
        let _ = fs::remove_file(&path);
    }
    let name = name_of(&volume)?;
    received.or_say(|| format!("cannot download from volume {name}"))?;
    Ok("".into())
}

fn info(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let flags = call.flags(&[(&PHYSICAL, c::STORAGE_VOL_GET_PHYSICAL)]);
    let info = Value::Map(volume.get_info(flags)?);
    let size = |name: &str| -> Result<Value> {
        let size = info.get_uint64(name)?;
        let in_bytes = call.flag(&BYTES) && !call.raw();
        Ok(if in_bytes { super::frame::text::with_unit(size, "bytes") } else { call.bytes(size) })
    };
    let mut map = Map::with_capacity(4);
    map.push_new("name", call.converted(&name_of(&volume)?));
    map.push_new("type", volume_type(&info));
    map.push_new("capacity", size("capacity")?);
    let label = if call.flag(&PHYSICAL) { "physical" } else { "allocation" };
    map.push_new(label, size("allocation")?);
    Ok(map.into())
}

fn key(call: &mut Call<'_>) -> Outcome {
    Ok(shown(call.volume(&VOL, Some(&POOL))?.get_key()?).into())
}

fn name(call: &mut Call<'_>) -> Outcome {
    Ok(name_of(&call.volume(&VOL_KEY, None)?)?.into())
}

fn path(call: &mut Call<'_>) -> Outcome {
    Ok(shown(&call.volume(&VOL, Some(&POOL))?.get_path()?).into())
}

fn resize(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let flags = call.flags(&[
        (&ALLOCATE, c::STORAGE_VOL_RESIZE_ALLOCATE),
        (&DELTA, c::STORAGE_VOL_RESIZE_DELTA),
        (&SHRINK, c::STORAGE_VOL_RESIZE_SHRINK),
    ]);
    let mut words = call.get(&NEW_CAPACITY)?.trim_start();
    if let Some(positive) = words.strip_prefix('-') {
        // Without a minus, libvirt shrinks by it.
        if !call.flag(&SHRINK) {
            return Err(Failure::refused(NEW_CAPACITY.name(), "negative size requires --shrink"));
        }
        words = positive;
    }
    let (name, by) = (name_of(&volume)?, if call.flag(&DELTA) { "by" } else { "to" });
    volume
        .resize(bytes(NEW_CAPACITY.name(), words)?, flags)
        .or_say(|| format!("Failed to change size of volume '{name}' {by} {words}"))?;
    Ok(format!("Size of volume '{name}' successfully changed {by} {words}").into())
}

fn upload(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let path = call.get(&LOCAL_FILE)?;
    let file = File::open(path)
        .map_err(|_| Failure::refused(LOCAL_FILE.name(), format!("cannot read {path}")))?;
    let flags = call.flags(&[(&SPARSE, c::STORAGE_VOL_VOL_UPLOAD_SPARSE_STREAM)]);
    let (offset, length) = part(call);
    let sent = {
        let mut progress = |done, total| through(call, done, total);
        let transfer = Transfer { offset, length, flags, progress: Some(&mut progress) };
        volume.upload_fd(file, transfer)
    };
    let name = name_of(&volume)?;
    sent.or_say(|| format!("cannot upload to volume {name}"))?;
    Ok("".into())
}

fn wipe(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume(&VOL, Some(&POOL))?;
    let name = name_of(&volume)?;
    // libvirt tells nothing while it wipes, and cannot be stopped.
    let size = allocation(&volume).unwrap_or_default();
    if !call.progress(0, size, "bytes") {
        let cancelled = Err(Error::from(Misuse::Cancelled));
        return cancelled.or_say(|| format!("Failed to wipe vol {name}"));
    }
    let wiped = match call.get(&ALGORITHM) {
        None => volume.wipe(0),
        Some(wanted) => {
            let number = (0..).zip(ALGORITHMS).find(|(_, known)| *known == wanted);
            volume.wipe_pattern(number.map_or(0, |(number, _)| number), 0)
        }
    };
    wiped.or_say(|| format!("Failed to wipe vol {name}"))?;
    Ok(format!("Vol {name} wiped").into())
}

/// Makes a volume with the data of another one. libvirt cannot be stopped while it
/// copies: a copy that the caller cancels is deleted when it is there.
fn make_copy(
    call: &mut Call<'_>,
    pool: &StoragePool,
    name: &CString,
    definition: &CString,
    from: &StorageVol,
    flags: u32,
) -> Result<StorageVol> {
    if !call.is_watched() {
        return pool.clone_volume(definition, from, flags);
    }
    let total = allocation(from).unwrap_or_default();
    // One call at a time: libvirt's client (9.0) may lose the second of two that follow each
    // other, while a third one waits, until that one has its answer.
    let mut copy = None;
    let made = watch(
        call,
        || pool.clone_volume(definition, from, flags),
        || {
            let done = copy.as_ref().and_then(allocation);
            if copy.is_none() {
                copy = pool.get_volume_by_name(name).ok();
            }
            Some((done.unwrap_or_default().min(total), total, "bytes"))
        },
        || (),
    );
    let volume = made.result?;
    if made.cancelled {
        volume.delete(0)?;
        return Err(Error::from(Misuse::Cancelled));
    }
    Ok(volume)
}

fn allocation(volume: &StorageVol) -> Option<u64> {
    Value::Map(volume.get_info(0).ok()?).get_uint64("allocation").ok()
}

/// The path of the volume that a new one is based on.
fn backing_path(
    call: &Call<'_>,
    pool: &StoragePool,
    backing: &str,
) -> std::result::Result<String, Failure> {
    let name = c_text(backing.to_owned(), || "backing_vol".to_owned())?;
    let conn = call.conn();
    let volume = pool
        .get_volume_by_name(&name)
        .or_else(|_| conn.get_storage_volume_by_key(&name))
        .or_else(|_| conn.get_storage_volume_by_path(&name))
        .or_say(|| format!("failed to get vol '{backing}'"))?;
    Ok(shown(&volume.get_path()?).to_owned())
}

/// Opens a file to write to, and tells whether it is a new one.
fn create_file(path: &Path) -> std::io::Result<(File, bool)> {
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok((OpenOptions::new().write(true).truncate(true).open(path)?, false))
        }
        Err(error) => Err(error),
    }
}

/// Which part of a volume is meant: offset and length.
fn part(call: &Call<'_>) -> (u64, u64) {
    (call.get(&OFFSET).unwrap_or_default(), call.get(&LENGTH).unwrap_or_default())
}

/// Tells the caller how many bytes are through.
fn through(call: &mut Call<'_>, done: u64, total: u64) -> ControlFlow<()> {
    match call.progress(done, total, "bytes") {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    }
}

/// The size that an argument is.
fn bytes(argument: &'static str, words: &str) -> std::result::Result<u64, Failure> {
    let said = || Failure::refused(argument, format!("Malformed size {words}"));
    parse_size(words, 1).ok_or_else(said)
}

fn name_of(volume: &StorageVol) -> Result<String> {
    Ok(volume.get_name()?.to_string_lossy().into_owned())
}
