//! The commands of storage volumes.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;

use virt::sys;

use super::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::failure::{Failure, Says};
use super::frame::given::{c_text, shown};
use super::frame::text::parse_size;
use super::frame::words::Words;
use super::lists::volume_type;
use super::long::watch;
use super::markup::Markup;
use super::xml_result;
use crate::core::stream::Transfer;
use crate::core::{StoragePool, StorageVol};
use crate::error::{Error, Misuse, Result};
use crate::value::{Map, Value};
use crate::xml;

const VOL: Argument = needed("vol", Kind::Text, "the volume's name, key or path");
const POOL: Argument = optional("pool", Kind::Text, "the name or uuid of the pool that it is in");
const IN_POOL: Argument = needed("pool", Kind::Text, "the name or uuid of the pool to make it in");
const PREALLOC: Argument = flag("prealloc_metadata", "make room for the image's metadata");
const REFLINK: Argument = flag("reflink", "share the data until one of both is written to");
const VALIDATE: Argument = flag("validate", "check the definition against libvirt's schema");
const PRINT_XML: Argument = flag("print_xml", "only give the definition as text");
const FILE: Argument = needed("file", Kind::Document("volume"), "the volume's definition");
const OFFSET: Argument = optional("offset", Kind::Size(1), "where it begins in the volume");
const LENGTH: Argument = optional("length", Kind::Size(1), "how much; all if it is left out");
const SPARSE: Argument = flag("sparse", "holes stay holes");

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
const ALGORITHM: Argument = optional("algorithm", Kind::Text, "how, like zero or nnsa")
    .one_of(&Words::new(&ALGORITHMS, "Unsupported algorithm '{}'"));

const CLONE: Command = Command {
    name: "clone",
    virsh: "vol-clone",
    about: "Copies a volume within its pool.",
    shape: Shape::None,
    arguments: &[
        VOL,
        needed("newname", Kind::Text, "the name of the copy"),
        POOL,
        PREALLOC,
        REFLINK,
        PRINT_XML,
    ],
    progress: true,
    run: clone,
};

pub(super) const COMMANDS: &[Command] = &[
    CLONE,
    Command {
        name: "conf",
        virsh: "vol-dumpxml",
        about: "Gets the description of a volume.",
        shape: Shape::Xml,
        arguments: &[VOL, POOL],
        progress: false,
        run: conf,
    },
    Command {
        name: "create",
        virsh: "vol-create",
        about: "Makes a volume.",
        arguments: &[IN_POOL, FILE, PREALLOC, VALIDATE],
        progress: false,
        run: create,
        ..CLONE
    },
    Command {
        name: "create_as",
        virsh: "vol-create-as",
        about: "Makes a volume without a document.",
        arguments: &[
            IN_POOL,
            needed("name", Kind::Text, "the volume's name"),
            needed("capacity", Kind::Text, "its size, like 20G; a plain number is in bytes"),
            optional("allocation", Kind::Text, "how much of it is allocated at once"),
            optional("format", Kind::Text, "its format, like qcow2"),
            optional("backing_vol", Kind::Text, "the volume that its data come from at first"),
            optional("backing_vol_format", Kind::Text, "the format of that volume"),
            PREALLOC,
            PRINT_XML,
        ],
        progress: false,
        run: create_as,
        ..CLONE
    },
    Command {
        name: "create_from",
        virsh: "vol-create-from",
        about: "Makes a volume with the data of another one.",
        arguments: &[
            IN_POOL,
            FILE,
            needed("vol", Kind::Text, "the volume with the data: name, key or path"),
            optional("inputpool", Kind::Text, "the name or uuid of the pool that it is in"),
            PREALLOC,
            REFLINK,
            VALIDATE,
        ],
        run: create_from,
        ..CLONE
    },
    Command {
        name: "delete",
        virsh: "vol-delete",
        about: "Deletes a volume.",
        arguments: &[VOL, POOL, flag("delete_snapshots", "its snapshots, too")],
        progress: false,
        run: delete,
        ..CLONE
    },
    Command {
        name: "download",
        virsh: "vol-download",
        about: "Copies a volume to a file of this machine.",
        arguments: &[
            VOL,
            needed("file", Kind::Text, "the name of the file"),
            POOL,
            OFFSET,
            LENGTH,
            SPARSE,
        ],
        run: download,
        ..CLONE
    },
    Command {
        name: "info",
        virsh: "vol-info",
        about: "Gets name, type and sizes of a volume.",
        shape: Shape::Dict,
        arguments: &[
            VOL,
            POOL,
            flag("bytes", "sizes in bytes"),
            flag("physical", "the size on the host in place of the allocation"),
        ],
        progress: false,
        run: info,
    },
    Command {
        name: "key",
        virsh: "vol-key",
        about: "Gets the key of a volume.",
        shape: Shape::Str,
        arguments: &[VOL, POOL],
        progress: false,
        run: key,
    },
    Command {
        name: "name",
        virsh: "vol-name",
        about: "Gets the name of a volume by its key or path.",
        shape: Shape::Str,
        arguments: &[needed("vol", Kind::Text, "the volume's key or path")],
        progress: false,
        run: name,
    },
    Command {
        name: "path",
        virsh: "vol-path",
        about: "Gets the path of a volume.",
        shape: Shape::Str,
        arguments: &[VOL, POOL],
        progress: false,
        run: path,
    },
    Command {
        name: "resize",
        virsh: "vol-resize",
        about: "Changes the size of a volume.",
        arguments: &[
            VOL,
            needed("capacity", Kind::Text, "its new size, like 20G; a plain number is in bytes"),
            POOL,
            flag("allocate", "allocate what is new"),
            flag("delta", "as much more, not as much in all"),
            flag("shrink", "it may become smaller"),
        ],
        progress: false,
        run: resize,
        ..CLONE
    },
    Command {
        name: "upload",
        virsh: "vol-upload",
        about: "Copies a file of this machine to a volume.",
        arguments: &[
            VOL,
            needed("file", Kind::Text, "the name of the file"),
            POOL,
            OFFSET,
            LENGTH,
            SPARSE,
        ],
        run: upload,
        ..CLONE
    },
    Command {
        name: "wipe",
        virsh: "vol-wipe",
        about: "Makes the data of a volume unreadable.",
        arguments: &[VOL, POOL, ALGORITHM],
        progress: false,
        run: wipe,
        ..CLONE
    },
];

fn clone(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume("vol", Some("pool"))?;
    let pool = call
        .conn()
        .get_storage_pool_by_volume(&volume)
        .or_say(|| "failed to get parent pool".to_owned())?;
    let (name, new) = (name_of(&volume)?, call.needed_str("newname")?.to_owned());
    let mut document = xml_result::parsed(&volume.get_xml_description(0)?)?;
    document.set("volume.name", Value::from(&*new))?;
    let text = xml::to_xml(&document)?;
    if call.flag("print_xml") {
        return Ok(text.trim_end().into());
    }
    let definition = c_text(text, || "the definition".to_owned())?;
    let new_name = c_text(new.clone(), || "newname".to_owned())?;
    make_copy(call, &pool, &new_name, &definition, &volume)
        .or_say(|| format!("Failed to clone vol from {name}"))?;
    Ok(format!("Vol {new} cloned from {name}").into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume("vol", Some("pool"))?;
    xml_result::document(&volume.get_xml_description(0)?, "volume", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let document = call.document("file")?;
    let volume = pool
        .create_volume(&document.xml, create_flags(call))
        .or_say(|| format!("Failed to create vol from {}", document.file))?;
    Ok(format!("Vol {} created from {}", name_of(&volume)?, document.file).into())
}

fn create_as(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let name = call.needed_str("name")?;
    let mut markup = Markup::default();
    markup.open("volume", &[]);
    markup.leaf("name", name);
    for size in ["capacity", "allocation"] {
        if let Some(words) = call.str(size) {
            markup.leaf(size, &bytes(words)?.to_string());
        }
    }
    if let Some(format) = call.str("format") {
        markup.open("target", &[]);
        markup.empty_of("format", "type", Some(format));
        markup.close("target");
    }
    if let Some(backing) = call.str("backing_vol") {
        let path = backing_path(call, &pool, backing)?;
        markup.open("backingStore", &[]);
        markup.leaf("path", &path);
        markup.empty_of("format", "type", call.str("backing_vol_format"));
        markup.close("backingStore");
    }
    markup.close("volume");
    if call.flag("print_xml") {
        return Ok(markup.text().trim_end().into());
    }
    pool.create_volume(&markup.xml()?, create_flags(call))
        .or_say(|| format!("Failed to create vol {name}"))?;
    Ok(format!("Vol {name} created").into())
}

fn create_from(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool("pool")?;
    let input = call.volume("vol", Some("inputpool"))?;
    let document = call.document("file")?;
    let input_name = name_of(&input)?;
    let name = xml_result::parsed(&document.xml)
        .ok()
        .and_then(|document| document.get_str("volume.name").map(str::to_owned).ok())
        .unwrap_or_default();
    let name = c_text(name, || "the volume's name".to_owned())?;
    let volume = make_copy(call, &pool, &name, &document.xml, &input)
        .or_say(|| format!("Failed to create vol from {input_name}"))?;
    Ok(format!("Vol {} created from input vol {input_name}", name_of(&volume)?).into())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume("vol", Some("pool"))?;
    let name = call.needed_str("vol")?;
    let flags = call.flags(&[("delete_snapshots", sys::VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS)]);
    volume.delete(flags).or_say(|| format!("Failed to delete vol {name}"))?;
    Ok(format!("Vol {name} deleted").into())
}

fn download(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume("vol", Some("pool"))?;
    let path = call.needed_str("file")?.to_owned();
    let (file, is_new) = create_file(Path::new(&path))
        .map_err(|_| Failure::said(format!("cannot create {path}")))?;
    let flags = call.flags(&[("sparse", sys::VIR_STORAGE_VOL_DOWNLOAD_SPARSE_STREAM)]);
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
    let volume = call.volume("vol", Some("pool"))?;
    let flags = call.flags(&[("physical", sys::VIR_STORAGE_VOL_GET_PHYSICAL)]);
    let info = Value::Map(volume.get_info(flags)?);
    let size = |name: &str| -> Result<Value> {
        let size = info.get_uint64(name)?;
        let in_bytes = call.flag("bytes") && !call.raw();
        Ok(if in_bytes { super::frame::text::with_unit(size, "bytes") } else { call.bytes(size) })
    };
    let mut map = Map::with_capacity(4);
    map.push_new("name", call.converted(&name_of(&volume)?));
    map.push_new("type", volume_type(&info));
    map.push_new("capacity", size("capacity")?);
    let label = if call.flag("physical") { "physical" } else { "allocation" };
    map.push_new(label, size("allocation")?);
    Ok(map.into())
}

fn key(call: &mut Call<'_>) -> Outcome {
    Ok(shown(&call.volume("vol", Some("pool"))?.get_key()?).into())
}

fn name(call: &mut Call<'_>) -> Outcome {
    Ok(name_of(&call.volume("vol", None)?)?.into())
}

fn path(call: &mut Call<'_>) -> Outcome {
    Ok(shown(&call.volume("vol", Some("pool"))?.get_path()?).into())
}

fn resize(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume("vol", Some("pool"))?;
    let flags = call.flags(&[
        ("allocate", sys::VIR_STORAGE_VOL_RESIZE_ALLOCATE),
        ("delta", sys::VIR_STORAGE_VOL_RESIZE_DELTA),
        ("shrink", sys::VIR_STORAGE_VOL_RESIZE_SHRINK),
    ]);
    let mut words = call.needed_str("capacity")?.trim_start();
    if let Some(positive) = words.strip_prefix('-') {
        // Without a minus, libvirt shrinks by it.
        if !call.flag("shrink") {
            return Err(Failure::said("negative size requires --shrink"));
        }
        words = positive;
    }
    let (name, by) = (name_of(&volume)?, if call.flag("delta") { "by" } else { "to" });
    volume
        .resize(bytes(words)?, flags)
        .or_say(|| format!("Failed to change size of volume '{name}' {by} {words}"))?;
    Ok(format!("Size of volume '{name}' successfully changed {by} {words}").into())
}

fn upload(call: &mut Call<'_>) -> Outcome {
    let volume = call.volume("vol", Some("pool"))?;
    let path = call.needed_str("file")?;
    let file = File::open(path).map_err(|_| Failure::said(format!("cannot read {path}")))?;
    let flags = call.flags(&[("sparse", sys::VIR_STORAGE_VOL_UPLOAD_SPARSE_STREAM)]);
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
    let volume = call.volume("vol", Some("pool"))?;
    let name = name_of(&volume)?;
    // libvirt tells nothing while it wipes, and cannot be stopped.
    let size = allocation(&volume).unwrap_or_default();
    if !call.progress(0, size, "bytes") {
        let cancelled = Err(Error::from(Misuse::Cancelled));
        return cancelled.or_say(|| format!("Failed to wipe vol {name}"));
    }
    let wiped = match call.str("algorithm") {
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
) -> Result<StorageVol> {
    let flags = create_flags(call);
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

fn create_flags(call: &Call<'_>) -> u32 {
    const BITS: [(&str, u32); 3] = [
        ("prealloc_metadata", sys::VIR_STORAGE_VOL_CREATE_PREALLOC_METADATA),
        ("reflink", sys::VIR_STORAGE_VOL_CREATE_REFLINK),
        ("validate", sys::VIR_STORAGE_VOL_CREATE_VALIDATE),
    ];
    BITS.iter()
        .filter(|(name, _)| call.has(name) && call.flag(name))
        .fold(0, |all, (_, bit)| all | bit)
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
    (call.size("offset").unwrap_or_default(), call.size("length").unwrap_or_default())
}

/// Tells the caller how many bytes are through.
fn through(call: &mut Call<'_>, done: u64, total: u64) -> ControlFlow<()> {
    match call.progress(done, total, "bytes") {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    }
}

fn bytes(words: &str) -> std::result::Result<u64, Failure> {
    parse_size(words, 1).ok_or_else(|| Failure::said(format!("Malformed size {words}")))
}

fn name_of(volume: &StorageVol) -> Result<String> {
    Ok(volume.get_name()?.to_string_lossy().into_owned())
}
