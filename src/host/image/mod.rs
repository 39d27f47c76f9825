//! The commands of disk images: qemu-img and qemu-nbd, on this machine.
//!
//! libvirt has no calls for images that are in no pool, so these commands run QEMU's
//! programs, as python-kvm does, but without a shell. An argument's name is the
//! option's: `f` is "-f", `backing_chain` is "--backing-chain".

mod info;
mod program;

use super::frame::argument::{Argument, Kind, Shape, flag, needed, option, optional};
use super::frame::call::{Call, Command, Outcome};
use super::frame::given::shown;
use crate::value::Value;
use program::{Ended, Program};

const QEMU_IMG: &str = "qemu-img";
const QEMU_NBD: &str = "qemu-nbd";

const PATH: Argument = needed("path", Kind::Text, "the image: a file, or what QEMU takes for one");
const FORMAT: Argument = option("f", Kind::Text, "the image's format, or it is guessed");
const BACKING_FORMAT: Argument = option("F", Kind::Text, "the format of the backing file");
const CACHE: Argument = option("t", Kind::Text, "how the image that is written is cached");
const SOURCE_CACHE: Argument = option("T", Kind::Text, "how what is read is cached");
const OUTPUT: Argument = option("output", Kind::Text, "human or json");
const OBJECTS: Argument = option("object", Kind::Texts, "QEMU's objects, such as secrets");
const SETTINGS: Argument = option("o", Kind::Texts, "the format's options, such as size=1G");
const IMAGE_OPTS: Argument = flag("image_opts", "the path is a list of QEMU's options");
const QUIET: Argument = flag("q", "print errors only");
const SHARED: Argument = flag("U", "the image may be in use");
const PROGRESS: Argument = flag("p", "taken, but progress is told to a callback");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        virsh: "",
        about: "Checks an image, and repairs it if wanted (qemu-img check).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            FORMAT,
            OUTPUT,
            option("r", Kind::Text, "what to repair: leaks or all"),
            SOURCE_CACHE,
            OBJECTS,
            IMAGE_OPTS,
            QUIET,
            SHARED,
        ],
        progress: false,
        run: with_json,
    },
    Command {
        name: "create",
        virsh: "",
        about: "Makes an image (qemu-img create).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            optional("size", Kind::Text, "such as 20G; bytes without a unit"),
            FORMAT,
            option("b", Kind::Text, "the backing file"),
            BACKING_FORMAT,
            SETTINGS,
            OBJECTS,
            QUIET,
            flag("u", "do not open the backing file"),
        ],
        progress: false,
        run: |call| run(call, &[], &["path", "size"]),
    },
    Command {
        name: "commit",
        virsh: "",
        about: "Writes an image's changes to its backing file (qemu-img commit).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            FORMAT,
            CACHE,
            option("b", Kind::Text, "the file of the chain to write to"),
            option("r", Kind::Text, "how much at most in a second"),
            OBJECTS,
            IMAGE_OPTS,
            QUIET,
            flag("d", "do not empty the image"),
            PROGRESS,
        ],
        progress: true,
        run: |call| run(call, &[], &["path"]),
    },
    Command {
        name: "compare",
        virsh: "",
        about: "Compares what two images hold (qemu-img compare).",
        shape: Shape::Ran,
        arguments: &[
            needed("paths", Kind::Texts, "the two images"),
            option("f", Kind::Text, "the first one's format"),
            option("F", Kind::Text, "the second one's format"),
            SOURCE_CACHE,
            OBJECTS,
            IMAGE_OPTS,
            PROGRESS,
            QUIET,
            flag("s", "sizes and allocation must be equal, too"),
            SHARED,
        ],
        progress: true,
        run: |call| run(call, &[], &["paths"]),
    },
    Command {
        name: "convert",
        virsh: "",
        about: "Copies an image, perhaps to another format (qemu-img convert).",
        shape: Shape::Ran,
        arguments: &[
            needed("src_path", Kind::Text, "the image to copy"),
            needed("dst_path", Kind::Text, "the image to make"),
            FORMAT,
            option("O", Kind::Text, "the format to make; raw otherwise"),
            CACHE,
            SOURCE_CACHE,
            option("B", Kind::Text, "the backing file of the image to make"),
            BACKING_FORMAT,
            option("l", Kind::Text, "the snapshot to copy"),
            option("S", Kind::Text, "how many zero bytes make a hole"),
            option("r", Kind::Text, "how much at most in a second"),
            option("m", Kind::Text, "how many copies at once"),
            SETTINGS,
            OBJECTS,
            IMAGE_OPTS,
            flag("target_image_opts", "dst_path is a list of QEMU's options"),
            flag("target_is_zero", "the target reads as zeros"),
            flag("bitmaps", "copy the bitmaps, too"),
            SHARED,
            flag("C", "let the storage copy where it can"),
            flag("c", "compress"),
            PROGRESS,
            QUIET,
            flag("n", "the target is there already"),
            flag("W", "write out of order"),
            flag("salvage", "go on after errors in reading"),
        ],
        progress: true,
        run: |call| run(call, &[], &["src_path", "dst_path"]),
    },
    Command {
        name: "info",
        virsh: "",
        about: "Tells about an image; a list with backing_chain (qemu-img info).",
        shape: Shape::Dict,
        arguments: &[
            PATH,
            FORMAT,
            OUTPUT,
            OBJECTS,
            IMAGE_OPTS,
            flag("backing_chain", "about its backing files, too"),
            SHARED,
        ],
        progress: false,
        run: info::run,
    },
    Command {
        name: "map",
        virsh: "",
        about: "Tells where an image's data are (qemu-img map).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            FORMAT,
            option("start_offset", Kind::Text, "from here on"),
            option("max_length", Kind::Text, "of so much"),
            OUTPUT,
            OBJECTS,
            IMAGE_OPTS,
            SHARED,
        ],
        progress: false,
        run: with_json,
    },
    Command {
        name: "snapshot",
        virsh: "",
        about: "Lists, makes, applies or deletes the snapshots in an image (qemu-img snapshot).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            option("a", Kind::Text, "the snapshot to go back to"),
            option("c", Kind::Text, "the snapshot to make"),
            option("d", Kind::Text, "the snapshot to delete"),
            OBJECTS,
            flag("l", "list them; also without any of these"),
            IMAGE_OPTS,
            SHARED,
            QUIET,
        ],
        progress: false,
        run: snapshot,
    },
    Command {
        name: "rebase",
        virsh: "",
        about: "Changes an image's backing file (qemu-img rebase).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            needed("b", Kind::Text, "the new backing file; \"\" for none"),
            FORMAT,
            BACKING_FORMAT,
            CACHE,
            SOURCE_CACHE,
            OBJECTS,
            IMAGE_OPTS,
            SHARED,
            QUIET,
            PROGRESS,
            flag("u", "only write the name: the data are the same"),
        ],
        progress: true,
        run: |call| run(call, &[], &["path"]),
    },
    Command {
        name: "resize",
        virsh: "",
        about: "Changes the size of an image (qemu-img resize).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            needed("size", Kind::Text, "the new size, or the difference: +1G, -1G"),
            FORMAT,
            option("preallocation", Kind::Text, "how to allocate what is new"),
            OBJECTS,
            IMAGE_OPTS,
            QUIET,
            flag("shrink", "what is cut off may be lost"),
        ],
        progress: false,
        run: |call| run(call, &[], &["path", "size"]),
    },
    Command {
        name: "amend",
        virsh: "",
        about: "Changes options of an image's format (qemu-img amend).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            needed("o", Kind::Texts, "the options, such as compat=1.1"),
            FORMAT,
            CACHE,
            OBJECTS,
            IMAGE_OPTS,
            PROGRESS,
            QUIET,
            flag("force", "even what may lose data"),
        ],
        progress: true,
        run: |call| run(call, &[], &["path"]),
    },
    Command {
        name: "load",
        virsh: "",
        about: "Makes an image a block device of this machine (qemu-nbd -c).",
        shape: Shape::Ran,
        arguments: &[
            PATH,
            optional("device", Kind::Text, "the device; nbd0 otherwise"),
            option("format", Kind::Text, "the image's format, or it is guessed"),
            option("port", Kind::Text, "the TCP port"),
            option("bind", Kind::Text, "the address to listen on"),
            option("socket", Kind::Text, "the UNIX socket"),
            option("shared", Kind::Text, "how many clients at once"),
            option("export_name", Kind::Text, "the export's name"),
            option("description", Kind::Text, "the export's description"),
            option("offset", Kind::Text, "where in the image the device begins"),
            option("bitmap", Kind::Text, "the bitmap to tell about"),
            option("tls_creds", Kind::Text, "the object with the certificates"),
            option("tls_authz", Kind::Text, "the object that says who may come"),
            option("trace", Kind::Text, "what to trace"),
            option("pid_file", Kind::Text, "where to write the process id"),
            option("selinux_label", Kind::Text, "the socket's label"),
            option("load_snapshot", Kind::Text, "the snapshot to load"),
            option("cache", Kind::Text, "how the image is cached"),
            option("aio", Kind::Text, "how it is read and written"),
            option("discard", Kind::Text, "what becomes of what is discarded"),
            option("detect_zeroes", Kind::Text, "whether zeros make holes"),
            OBJECTS,
            IMAGE_OPTS,
            flag("persistent", "stay when the client has gone"),
            flag("verbose", "tell more"),
            flag("allocation_depth", "tell the depth of what is allocated"),
            flag("fork", "go to the background"),
            flag("read_only", "refuse writing"),
            flag("snapshot", "forget what is written"),
            flag("nocache", "do not cache"),
        ],
        progress: false,
        run: load,
    },
    Command {
        name: "unload",
        virsh: "",
        about: "Takes such a block device away (qemu-nbd -d).",
        shape: Shape::Ran,
        arguments: &[optional("device", Kind::Text, "the device; nbd0 otherwise")],
        progress: false,
        run: unload,
    },
];

/// Runs the command's subcommand of qemu-img: with its options, those given besides
/// them, and the arguments of these names at the end.
fn run(call: &mut Call<'_>, more: &[&str], last: &[&str]) -> Outcome {
    Ok(ended(qemu_img(call, more, last).run(call)).into_value())
}

/// qemu-img, about to do the command's work.
fn qemu_img(call: &Call<'_>, more: &[&str], last: &[&str]) -> Program {
    let mut program = Program::new(QEMU_IMG);
    program.add([call.command_name()]);
    program.add(options(call, last));
    program.add(more);
    // Names that begin with "-" are names.
    program.add(["--"]);
    for name in last {
        program.add(call.str(name));
        program.add(call.texts(name).into_iter().map(shown));
    }
    program
}

/// The options that were given, but for the arguments of these names.
fn options(call: &Call<'_>, except: &[&str]) -> Vec<String> {
    let mut options = Vec::new();
    for argument in call.arguments() {
        let name = argument.name;
        if except.contains(&name) || name == PROGRESS.name {
            continue;
        }
        let option = match name.len() {
            1 => format!("-{name}"),
            _ => format!("--{}", name.replace('_', "-")),
        };
        if call.flag(name) {
            options.push(option.clone());
        }
        for text in call.text(name).into_iter().chain(call.texts(name)) {
            options.extend([option.clone(), shown(text).to_owned()]);
        }
    }
    options
}

/// A program that could not be run has failed with the reason.
fn ended(result: Result<Ended, String>) -> Ended {
    result.unwrap_or_else(Ended::failed)
}

/// With `raw`, what is printed as JSON is structure in place of the text.
fn with_json(call: &mut Call<'_>) -> Outcome {
    let json = call.raw() && !call.given(OUTPUT.name);
    let more: &[&str] = if json { &["--output=json"] } else { &[] };
    let ended = ended(qemu_img(call, more, &["path"]).run(call));
    let structure = json.then(|| Value::from_json(&ended.out).ok()).flatten();
    Ok(match structure {
        Some(structure) => ended.into_value_with(structure),
        None => ended.into_value(),
    })
}

/// qemu-img has no JSON for the list of snapshots alone: with `raw` it is taken from
/// what `info` tells.
fn snapshot(call: &mut Call<'_>) -> Outcome {
    let changes = ["a", "c", "d"].iter().any(|name| call.given(name));
    if changes || !call.raw() {
        return run(call, &[], &["path"]);
    }
    let mut program = Program::new(QEMU_IMG);
    program.add(["info", "--output=json"]);
    program.add(options(call, &["path", "l", "q"]));
    program.add(["--", call.needed_str("path")?]);
    let ended = ended(program.run(call));
    let Ok(document) = Value::from_json(&ended.out) else {
        return Ok(ended.into_value());
    };
    let snapshots = document.get("snapshots").cloned().unwrap_or(Value::List(Vec::new()));
    Ok(ended.into_value_with(snapshots))
}

fn load(call: &mut Call<'_>) -> Outcome {
    let mut program = Program::new(QEMU_NBD);
    program.add(options(call, &["path", "device"]));
    program.add(["-c", &device(call), "--", call.needed_str("path")?]);
    Ok(ended(program.run(call)).into_value())
}

fn unload(call: &mut Call<'_>) -> Outcome {
    let mut program = Program::new(QEMU_NBD);
    program.add(["-d", &device(call)]);
    Ok(ended(program.run(call)).into_value())
}

/// The device, whose name may begin with /dev.
fn device(call: &Call<'_>) -> String {
    match call.str("device") {
        Some(path) if path.starts_with('/') => path.to_owned(),
        name => format!("/dev/{}", name.unwrap_or("nbd0")),
    }
}
