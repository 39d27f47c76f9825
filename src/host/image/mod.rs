// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of disk images: qemu-img and qemu-nbd, on this machine.
//!
//! libvirt has no calls for images that are in no pool, so these commands run QEMU's
//! programs, as python-kvm does, but without a shell. An argument's name is the
//! option's: `f` is "-f", `backing_chain` is "--backing-chain".

mod info;
mod program;

use super::frame::argument::{
    Argument, Bound, Flag, Listed, Needed, Optional, Text, Texts, flag, flat, needed, option,
    optional,
};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, facts, program};
use super::frame::given::shown;
use crate::value::Value;
use program::{Ended, Program};

const QEMU_IMG: &str = "qemu-img";
const QEMU_NBD: &str = "qemu-nbd";

static PATH: Needed<Text> =
    needed("path", "path of the image, or another QEMU image specification");
static FORMAT: Optional<Text> = option("f", "format of the image; by default probed");
static BACKING_FORMAT: Optional<Text> = option("F", "format of the backing file");
static CACHE: Optional<Text> = option("t", "cache mode for writing");
static SOURCE_CACHE: Optional<Text> = option("T", "cache mode for reading");
static OUTPUT: Optional<Text> = option("output", "human or json");
static OBJECTS: Optional<Texts> = option("object", "QEMU objects, such as secrets");
static SETTINGS: Optional<Texts> = option("o", "options of the format, such as size=1G");
static IMAGE_OPTS: Flag = flag("image_opts", "the path is a list of QEMU options");
static QUIET: Flag = flag("q", "print errors only");
static SHARED: Flag = flag("U", "allow an image that is in use");
static PROGRESS: Flag = flag("p", "accepted, but progress is reported to a callback");

static REPAIR: Optional<Text> = option("r", "repair: leaks or all");
static SIZE: Optional<Text> =
    optional("size", "size, such as 20G; a number without a unit is in bytes");
static BACKING_FILE: Optional<Text> = option("b", "backing file");
static UNSAFE_BACKING: Flag = flag("u", "do not open the backing file");
static BASE: Optional<Text> = option("b", "file of the chain to commit to");
static RATE: Optional<Text> = option("r", "bandwidth limit per second");
static KEEP: Flag = flag("d", "do not empty the image");
static PATHS: Needed<Texts> = needed("paths", "the two images");
static FIRST_FORMAT: Optional<Text> = option("f", "format of the first image");
static SECOND_FORMAT: Optional<Text> = option("F", "format of the second image");
static STRICT: Flag = flag("s", "also compare sizes and allocation");
static SRC_PATH: Needed<Text> = needed("src_path", "image to copy");
static DST_PATH: Needed<Text> = needed("dst_path", "image to create");
static TO_FORMAT: Optional<Text> = option("O", "format to create; by default raw");
static TO_BACKING_FILE: Optional<Text> = option("B", "backing file of the new image");
static FROM_SNAPSHOT: Optional<Text> = option("l", "snapshot to copy");
static SPARSE_SIZE: Optional<Text> =
    option("S", "number of consecutive zero bytes that make a hole");
static COROUTINES: Optional<Text> = option("m", "number of parallel copies");
static TARGET_IMAGE_OPTS: Flag = flag("target_image_opts", "dst_path is a list of QEMU options");
static TARGET_IS_ZERO: Flag = flag("target_is_zero", "the target reads as zeros");
static BITMAPS: Flag = flag("bitmaps", "also copy the bitmaps");
static COPY_OFFLOADING: Flag = flag("C", "offload copying to the storage where possible");
static COMPRESS: Flag = flag("c", "compress");
static NO_CREATE: Flag = flag("n", "the target exists");
static OUT_OF_ORDER: Flag = flag("W", "allow writing out of order");
static SALVAGE: Flag = flag("salvage", "continue after read errors");
static BACKING_CHAIN: Flag = flag("backing_chain", "include the backing files");
static START_OFFSET: Optional<Text> = option("start_offset", "start offset");
static MAX_LENGTH: Optional<Text> = option("max_length", "maximum length");
static APPLY: Optional<Text> = option("a", "snapshot to apply");
static CREATE: Optional<Text> = option("c", "snapshot to create");
static DELETE: Optional<Text> = option("d", "snapshot to delete");
static LIST: Flag = flag("l", "list the snapshots; the default");
static NEW_BACKING_FILE: Needed<Text> = needed("b", "new backing file; \"\" for none");
static UNSAFE_REBASE: Flag = flag("u", "only change the name, as the data are equal");
static NEW_SIZE: Needed<Text> = needed("size", "new size, or the difference, such as +1G or -1G");
static PREALLOCATION: Optional<Text> = option("preallocation", "preallocation mode of new space");
static SHRINK: Flag = flag("shrink", "allow shrinking, which loses data");
static CHANGES: Needed<Texts> = needed("o", "options, such as compat=1.1");
static FORCE: Flag = flag("force", "allow changes that may lose data");
static DEVICE: Optional<Text> = optional("device", "device; by default nbd0");
static NBD_FORMAT: Optional<Text> = option("format", "format of the image; by default probed");
static PORT: Optional<Text> = option("port", "TCP port");
static BIND: Optional<Text> = option("bind", "address to listen on");
static SOCKET: Optional<Text> = option("socket", "UNIX socket");
static LOAD_SHARED: Optional<Text> = option("shared", "maximum number of clients");
static EXPORT_NAME: Optional<Text> = option("export_name", "name of the export");
static DESCRIPTION: Optional<Text> = option("description", "description of the export");
static OFFSET: Optional<Text> = option("offset", "offset of the device in the image");
static BITMAP: Optional<Text> = option("bitmap", "bitmap to expose");
static TLS_CREDS: Optional<Text> = option("tls_creds", "object with the TLS credentials");
static TLS_AUTHZ: Optional<Text> = option("tls_authz", "object with the TLS authorization");
static TRACE: Optional<Text> = option("trace", "trace options");
static PID_FILE: Optional<Text> = option("pid_file", "file for the process id");
static SELINUX_LABEL: Optional<Text> = option("selinux_label", "SELinux label of the socket");
static LOAD_SNAPSHOT: Optional<Text> = option("load_snapshot", "snapshot to load");
static NBD_CACHE: Optional<Text> = option("cache", "cache mode");
static AIO: Optional<Text> = option("aio", "asynchronous I/O mode");
static DISCARD: Optional<Text> = option("discard", "discard mode");
static DETECT_ZEROES: Optional<Text> = option("detect_zeroes", "detection of zeros");
static PERSISTENT: Flag = flag("persistent", "keep running when the last client has disconnected");
static VERBOSE: Flag = flag("verbose", "verbose output");
static ALLOCATION_DEPTH: Flag = flag("allocation_depth", "expose the allocation depth");
static FORK: Flag = flag("fork", "run in the background");
static READ_ONLY: Flag = flag("read_only", "read-only");
static TEMPORARY: Flag = flag("snapshot", "discard writes");
static NOCACHE: Flag = flag("nocache", "disable the cache");

// What stands at the end of the programs' command lines.
static IMAGE: Listed = &[&PATH];
static IMAGES: Listed = &[&PATHS];
static NEW_IMAGE: Listed = &[&PATH, &SIZE];
static RESIZED: Listed = &[&PATH, &NEW_SIZE];
static COPY: Listed = &[&SRC_PATH, &DST_PATH];

/// What `info` does not take of the options of `snapshot`.
static NOT_OF_INFO: Listed = &[&PATH, &LIST, &QUIET];
/// What is no option of qemu-nbd.
static NOT_OF_NBD: Listed = &[&PATH, &DEVICE];

pub(super) static COMMANDS: &[Command] = &[
    program("check", with_json)
        .about("Checks an image, and repairs it on request (qemu-img check).")
        .takes(&[
            &PATH,
            &FORMAT,
            &OUTPUT,
            &REPAIR,
            &SOURCE_CACHE,
            &OBJECTS,
            &IMAGE_OPTS,
            &QUIET,
            &SHARED,
        ]),
    program("create", |call| run(call, &[], NEW_IMAGE))
        .about("Creates an image (qemu-img create).")
        .takes(&[
            &NEW_IMAGE,
            &FORMAT,
            &BACKING_FILE,
            &BACKING_FORMAT,
            &SETTINGS,
            &OBJECTS,
            &QUIET,
            &UNSAFE_BACKING,
        ]),
    program("commit", |call| run(call, &[], IMAGE))
        .about("Commits the changes of an image to its backing file (qemu-img commit).")
        .takes(&[
            &PATH,
            &FORMAT,
            &CACHE,
            &BASE,
            &RATE,
            &OBJECTS,
            &IMAGE_OPTS,
            &QUIET,
            &KEEP,
            &PROGRESS,
        ])
        .tells_progress(),
    program("compare", |call| run(call, &[], IMAGES))
        .about("Compares the contents of two images (qemu-img compare).")
        .takes(&[
            &PATHS,
            &FIRST_FORMAT,
            &SECOND_FORMAT,
            &SOURCE_CACHE,
            &OBJECTS,
            &IMAGE_OPTS,
            &PROGRESS,
            &QUIET,
            &STRICT,
            &SHARED,
        ])
        .tells_progress(),
    program("convert", |call| run(call, &[], COPY))
        .about("Copies an image, optionally to another format (qemu-img convert).")
        .takes(&[
            &COPY,
            &FORMAT,
            &TO_FORMAT,
            &CACHE,
            &SOURCE_CACHE,
            &TO_BACKING_FILE,
            &BACKING_FORMAT,
            &FROM_SNAPSHOT,
            &SPARSE_SIZE,
            &RATE,
            &COROUTINES,
            &SETTINGS,
            &OBJECTS,
            &IMAGE_OPTS,
            &TARGET_IMAGE_OPTS,
            &TARGET_IS_ZERO,
            &BITMAPS,
            &SHARED,
            &COPY_OFFLOADING,
            &COMPRESS,
            &PROGRESS,
            &QUIET,
            &NO_CREATE,
            &OUT_OF_ORDER,
            &SALVAGE,
        ])
        .tells_progress(),
    facts("info", "", info::run)
        .about("Returns information about an image; a list with backing_chain (qemu-img info).")
        .takes(&[&PATH, &FORMAT, &OUTPUT, &OBJECTS, &IMAGE_OPTS, &BACKING_CHAIN, &SHARED]),
    program("map", with_json)
        .about("Returns the allocation map of an image (qemu-img map).")
        .takes(&[
            &PATH,
            &FORMAT,
            &START_OFFSET,
            &MAX_LENGTH,
            &OUTPUT,
            &OBJECTS,
            &IMAGE_OPTS,
            &SHARED,
        ]),
    program("snapshot", snapshot)
        .about("Lists, creates, applies or deletes snapshots in an image (qemu-img snapshot).")
        .takes(&[&PATH, &APPLY, &CREATE, &DELETE, &OBJECTS, &LIST, &IMAGE_OPTS, &SHARED, &QUIET]),
    program("rebase", |call| run(call, &[], IMAGE))
        .about("Changes the backing file of an image (qemu-img rebase).")
        .takes(&[
            &PATH,
            &NEW_BACKING_FILE,
            &FORMAT,
            &BACKING_FORMAT,
            &CACHE,
            &SOURCE_CACHE,
            &OBJECTS,
            &IMAGE_OPTS,
            &SHARED,
            &QUIET,
            &PROGRESS,
            &UNSAFE_REBASE,
        ])
        .tells_progress(),
    program("resize", |call| run(call, &[], RESIZED))
        .about("Resizes an image (qemu-img resize).")
        .takes(&[&RESIZED, &FORMAT, &PREALLOCATION, &OBJECTS, &IMAGE_OPTS, &QUIET, &SHRINK]),
    program("amend", |call| run(call, &[], IMAGE))
        .about("Changes options of the format of an image (qemu-img amend).")
        .takes(&[
            &PATH,
            &CHANGES,
            &FORMAT,
            &CACHE,
            &OBJECTS,
            &IMAGE_OPTS,
            &PROGRESS,
            &QUIET,
            &FORCE,
        ])
        .tells_progress(),
    program("load", load)
        .about("Connects an image to a block device of this machine (qemu-nbd -c).")
        .takes(&[
            &PATH,
            &DEVICE,
            &NBD_FORMAT,
            &PORT,
            &BIND,
            &SOCKET,
            &LOAD_SHARED,
            &EXPORT_NAME,
            &DESCRIPTION,
            &OFFSET,
            &BITMAP,
            &TLS_CREDS,
            &TLS_AUTHZ,
            &TRACE,
            &PID_FILE,
            &SELINUX_LABEL,
            &LOAD_SNAPSHOT,
            &NBD_CACHE,
            &AIO,
            &DISCARD,
            &DETECT_ZEROES,
            &OBJECTS,
            &IMAGE_OPTS,
            &PERSISTENT,
            &VERBOSE,
            &ALLOCATION_DEPTH,
            &FORK,
            &READ_ONLY,
            &TEMPORARY,
            &NOCACHE,
        ]),
    program("unload", unload)
        .about("Disconnects such a block device (qemu-nbd -d).")
        .takes(&[&DEVICE]),
];

/// Runs the command's subcommand of qemu-img: with its options, those given besides
/// them, and these arguments at the end.
fn run(call: &mut Call<'_>, more: &[&str], last: Listed) -> Outcome {
    Ok(ended(qemu_img(call, more, last).run(call)).into_value())
}

/// qemu-img, about to do the command's work.
fn qemu_img(call: &Call<'_>, more: &[&str], last: Listed) -> Program {
    let mut program = Program::new(QEMU_IMG);
    program.add([call.command_name()]);
    program.add(options(call, last));
    program.add(more);
    // Names that begin with "-" are names.
    program.add(["--"]);
    for (_, bound) in call.all_given().filter(|(argument, _)| is_in(last, argument)) {
        program.add(texts(bound));
    }
    program
}

/// The options that were given, but for these arguments.
fn options(call: &Call<'_>, except: Listed) -> Vec<String> {
    let mut options = Vec::new();
    for (argument, bound) in call.all_given() {
        if is_in(except, argument) || std::ptr::eq(argument, PROGRESS.row()) {
            continue;
        }
        let name = argument.name;
        let option = match name.len() {
            1 => format!("-{name}"),
            _ => format!("--{}", name.replace('_', "-")),
        };
        if let Bound::Flag(true) = bound {
            options.push(option.clone());
        }
        for text in texts(bound) {
            options.extend([option.clone(), text.to_owned()]);
        }
    }
    options
}

fn is_in(listed: Listed, argument: &Argument) -> bool {
    flat(listed).iter().any(|one| std::ptr::eq(*one, argument))
}

/// The text or texts that an argument is.
fn texts(bound: &Bound) -> Vec<&str> {
    match bound {
        Bound::Text(text) => vec![shown(text)],
        Bound::Texts(texts) => texts.iter().map(|text| shown(text)).collect(),
        _ => Vec::new(),
    }
}

/// A program that could not be run has failed with the reason.
fn ended(result: Result<Ended, String>) -> Ended {
    result.unwrap_or_else(Ended::failed)
}

/// With `raw`, what is printed as JSON is structure in place of the text.
fn with_json(call: &mut Call<'_>) -> Outcome {
    let json = call.raw() && !call.given(&OUTPUT);
    let more: &[&str] = if json { &["--output=json"] } else { &[] };
    let ended = ended(qemu_img(call, more, IMAGE).run(call));
    let structure = json.then(|| Value::from_json(&ended.out).ok()).flatten();
    Ok(match structure {
        Some(structure) => ended.into_value_with(structure),
        None => ended.into_value(),
    })
}

/// qemu-img has no JSON for the list of snapshots alone: with `raw` it is taken from
/// what `info` tells.
fn snapshot(call: &mut Call<'_>) -> Outcome {
    let changes = call.given(&APPLY) || call.given(&CREATE) || call.given(&DELETE);
    if changes || !call.raw() {
        return run(call, &[], IMAGE);
    }
    let mut program = Program::new(QEMU_IMG);
    program.add(["info", "--output=json"]);
    program.add(options(call, NOT_OF_INFO));
    program.add(["--", call.get(&PATH)?]);
    let ended = ended(program.run(call));
    let Ok(document) = Value::from_json(&ended.out) else {
        return Ok(ended.into_value());
    };
    let snapshots = document.get("snapshots").cloned().unwrap_or(Value::List(Vec::new()));
    Ok(ended.into_value_with(snapshots))
}

fn load(call: &mut Call<'_>) -> Outcome {
    let mut program = Program::new(QEMU_NBD);
    program.add(options(call, NOT_OF_NBD));
    program.add(["-c", &device(call), "--", call.get(&PATH)?]);
    Ok(ended(program.run(call)).into_value())
}

fn unload(call: &mut Call<'_>) -> Outcome {
    let mut program = Program::new(QEMU_NBD);
    program.add(["-d", &device(call)]);
    Ok(ended(program.run(call)).into_value())
}

/// The device, whose name may begin with /dev.
fn device(call: &Call<'_>) -> String {
    match call.get(&DEVICE) {
        Some(path) if path.starts_with('/') => path.to_owned(),
        name => format!("/dev/{}", name.unwrap_or("nbd0")),
    }
}
