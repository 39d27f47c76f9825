//! The commands of disk images of this machine, which run qemu-img.

use std::io::Read;
use std::process::{Child, Command as Program, Stdio};
use std::thread;

use super::args::shown;
use super::call::{Call, Outcome};
use super::command::{Argument, Command, Kind, Shape, flag, needed, optional};
use super::failure::Failure;
use super::text::converted;
use crate::error::{Error, Misuse};
use crate::value::{Map, Value};

const PROGRAM: &str = "qemu-img";

const PATH: Argument = needed("path", Kind::Text, "the image's path");
const OBJECT: Argument = optional("object", Kind::Texts, "objects of QEMU, such as a secret");
const IMAGE_OPTS: Argument = flag("image_opts", "paths are options of images");
const QUIET: Argument = flag("q", "print nothing");
const FORMAT: Argument = optional("f", Kind::Text, "the format of the image");
const OUTPUT: Argument = optional("output", Kind::Text, "what is printed: human or json");
const IN_USE: Argument = flag("U", "even if it is in use");
const CACHE: Argument = optional("t", Kind::Text, "how the image is cached");
const SOURCE_CACHE: Argument = optional("T", Kind::Text, "how the source is cached");
const OPTIONS: Argument =
    optional("o", Kind::Texts, "options of the format: NAME=VALUE, and so on");
const PROGRESS: Argument = flag("p", "no effect; a callback hears of the progress");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "check",
        virsh: "",
        about: "Looks for errors in an image, and repairs them.",
        shape: Shape::None,
        arguments: &[
            PATH,
            OBJECT,
            IMAGE_OPTS,
            QUIET,
            FORMAT,
            OUTPUT,
            optional("r", Kind::Text, "repair: leaks or all"),
            SOURCE_CACHE,
            IN_USE,
        ],
        progress: false,
        run: check,
    },
    Command {
        name: "create",
        virsh: "",
        about: "Makes an image.",
        shape: Shape::None,
        arguments: &[
            PATH,
            optional("size", Kind::Text, "its size, like 20G; needed without a backing file"),
            OBJECT,
            QUIET,
            FORMAT,
            optional("b", Kind::Text, "the backing file"),
            optional("F", Kind::Text, "the format of the backing file"),
            flag("u", "without looking at the backing file"),
            OPTIONS,
        ],
        progress: false,
        run: plain,
    },
    Command {
        name: "commit",
        virsh: "",
        about: "Writes what is in an image to its backing file.",
        shape: Shape::None,
        arguments: &[
            PATH,
            OBJECT,
            IMAGE_OPTS,
            QUIET,
            FORMAT,
            CACHE,
            optional("b", Kind::Text, "the file to write it to"),
            optional("r", Kind::Text, "how fast, in bytes/s"),
            flag("d", "do not empty the image afterwards"),
            PROGRESS,
        ],
        progress: true,
        run: plain,
    },
    Command {
        name: "compare",
        virsh: "",
        about: "Tells whether two images have the same content.",
        shape: Shape::None,
        arguments: &[
            PATH,
            needed("other", Kind::Text, "the other image's path"),
            OBJECT,
            IMAGE_OPTS,
            FORMAT,
            optional("F", Kind::Text, "the format of the other image"),
            SOURCE_CACHE,
            PROGRESS,
            QUIET,
            flag("s", "images of different sizes differ"),
            IN_USE,
        ],
        progress: true,
        run: plain,
    },
    Command {
        name: "convert",
        virsh: "",
        about: "Copies an image to another format.",
        shape: Shape::None,
        arguments: &[
            needed("source", Kind::Text, "the path of the image to copy"),
            needed("target", Kind::Text, "the path of the copy"),
            OBJECT,
            IMAGE_OPTS,
            flag("target_image_opts", "the target is options of an image"),
            flag("target_is_zero", "the target is full of zeros"),
            flag("bitmaps", "with its bitmaps"),
            IN_USE,
            flag("C", "let the host copy"),
            flag("c", "compress"),
            PROGRESS,
            QUIET,
            flag("n", "the target is there already"),
            FORMAT,
            CACHE,
            SOURCE_CACHE,
            optional("O", Kind::Text, "the format of the target"),
            optional("B", Kind::Text, "the backing file of the target"),
            optional("F", Kind::Text, "the format of the backing file"),
            OPTIONS,
            optional("l", Kind::Text, "only this snapshot"),
            optional("S", Kind::Text, "what counts as a hole: so many bytes of zeros"),
            optional("r", Kind::Text, "how fast, in bytes/s"),
            optional("m", Kind::Text, "how many requests at once"),
            flag("W", "in any order"),
            flag("salvage", "go on after what cannot be read"),
        ],
        progress: true,
        run: plain,
    },
    Command {
        name: "info",
        virsh: "",
        about: "Gets format, sizes and more of an image; with raw as numbers.",
        shape: Shape::Dict,
        arguments: &[
            PATH,
            OBJECT,
            IMAGE_OPTS,
            FORMAT,
            flag("backing_chain", "of its backing files, too"),
            IN_USE,
        ],
        progress: false,
        run: info,
    },
    Command {
        name: "map",
        virsh: "",
        about: "Tells which parts of an image have data.",
        shape: Shape::None,
        arguments: &[
            PATH,
            OBJECT,
            IMAGE_OPTS,
            FORMAT,
            optional("start_offset", Kind::Text, "from this offset on"),
            optional("max_length", Kind::Text, "at the most so many bytes"),
            OUTPUT,
            IN_USE,
        ],
        progress: false,
        run: check,
    },
    Command {
        name: "snapshot",
        virsh: "",
        about: "Lists, takes, deletes or goes back to snapshots in an image.",
        shape: Shape::None,
        arguments: &[
            PATH,
            OBJECT,
            IMAGE_OPTS,
            IN_USE,
            QUIET,
            flag("l", "list them"),
            optional("a", Kind::Text, "go back to this snapshot"),
            optional("c", Kind::Text, "take a snapshot of this name"),
            optional("d", Kind::Text, "delete this snapshot"),
        ],
        progress: false,
        run: plain,
    },
    Command {
        name: "rebase",
        virsh: "",
        about: "Gives an image another backing file.",
        shape: Shape::None,
        arguments: &[
            PATH,
            needed("b", Kind::Text, "the new backing file; \"\" for none"),
            OBJECT,
            IMAGE_OPTS,
            IN_USE,
            QUIET,
            FORMAT,
            CACHE,
            SOURCE_CACHE,
            PROGRESS,
            flag("u", "without looking at the backing file"),
            optional("F", Kind::Text, "the format of the backing file"),
        ],
        progress: true,
        run: plain,
    },
    Command {
        name: "resize",
        virsh: "",
        about: "Changes the size of an image.",
        shape: Shape::None,
        arguments: &[
            PATH,
            needed("size", Kind::Text, "its new size, like 20G or +1G"),
            OBJECT,
            IMAGE_OPTS,
            FORMAT,
            optional("preallocation", Kind::Text, "how new data are allocated"),
            QUIET,
            flag("shrink", "it may become smaller"),
        ],
        progress: false,
        run: plain,
    },
    Command {
        name: "amend",
        virsh: "",
        about: "Changes the options of an image.",
        shape: Shape::None,
        arguments: &[
            PATH,
            needed("o", Kind::Texts, "options of the format: NAME=VALUE, and so on"),
            OBJECT,
            IMAGE_OPTS,
            PROGRESS,
            QUIET,
            FORMAT,
            CACHE,
            flag("force", "even if that is risky"),
        ],
        progress: true,
        run: plain,
    },
];

/// Prints JSON, if numbers are wanted and nothing else is said.
fn check(call: &mut Call<'_>) -> Outcome {
    if !call.raw() || call.given("output") {
        return plain(call);
    }
    let out = run(call, &["--output=json"])?;
    Ok(Value::from_json(&out)?)
}

fn info(call: &mut Call<'_>) -> Outcome {
    if call.raw() {
        return Ok(Value::from_json(&run(call, &["--output=json"])?)?);
    }
    let out = run(call, &[])?;
    let mut map = Map::new();
    for line in out.lines() {
        // What does not look like this is left out, as python-kvm does.
        let mut parts = line.split(':');
        if let (Some(key), Some(value), None) = (parts.next(), parts.next(), parts.next()) {
            let key = key.trim().to_lowercase().replace(' ', "_").replace(['(', ')'], "");
            map.insert(key, converted(value));
        }
    }
    Ok(map.into())
}

fn plain(call: &mut Call<'_>) -> Outcome {
    Ok(run(call, &[])?.into())
}

/// Runs qemu-img, and gives what it prints.
fn run(call: &mut Call<'_>, more: &[&str]) -> std::result::Result<String, Failure> {
    let listens = call.is_watched() && call.has("p");
    let mut program = Program::new(PROGRAM);
    program.arg(call.command_name()).args(more).args(arguments(call));
    if listens {
        program.arg("-p");
    }
    program.arg("--").args(paths(call));
    program.env("LC_ALL", "C").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        program.spawn().map_err(|error| Failure::said(format!("cannot run {PROGRAM}: {error}")))?;
    let errors = child.stderr.take().map(|mut errors| {
        thread::spawn(move || {
            let mut text = Vec::new();
            // What cannot be read is not shown.
            let _ = errors.read_to_end(&mut text);
            text
        })
    });
    let heard = hear(call, &mut child, listens);
    if heard.is_err() {
        // It may have ended meanwhile.
        let _ = child.kill();
    }
    let status = child.wait();
    let errors = errors.and_then(|reader| reader.join().ok()).unwrap_or_default();
    let out = heard?;
    if status.is_ok_and(|status| status.success()) {
        return Ok(out);
    }
    let errors = String::from_utf8_lossy(&errors);
    Err(Failure::verbatim(out, errors))
}

/// Reads what is printed to its end; what is progress is told.
fn hear(
    call: &mut Call<'_>,
    child: &mut Child,
    listens: bool,
) -> std::result::Result<String, Failure> {
    let mut text = Vec::new();
    let mut room = [0; 4096];
    let Some(out) = child.stdout.as_mut() else {
        return Ok(String::new());
    };
    loop {
        let count = out
            .read(&mut room)
            .map_err(|error| Failure::said(format!("cannot read from {PROGRAM}: {error}")))?;
        if count == 0 {
            break;
        }
        text.extend_from_slice(&room[..count]);
        if listens
            && let Some(percent) = percent(&text)
            && !call.progress(percent, 100, "%")
        {
            return Err(Failure::from(Error::from(Misuse::Cancelled)));
        }
    }
    let text = String::from_utf8_lossy(&text);
    if !listens {
        return Ok(text.into_owned());
    }
    // What was overwritten on a terminal is no output.
    let lines = text.lines().map(|line| line.rsplit('\r').next().unwrap_or_default());
    let lines = lines.filter(|line| !is_progress(line));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

fn is_progress(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('(') && line.ends_with("/100%)")
}

/// The last progress that was told: "    (12.34/100%)\r".
fn percent(text: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(text);
    let end = text.rfind("/100%)")?;
    let begin = text[..end].rfind('(')? + 1;
    text[begin..end].split('.').next()?.parse().ok()
}

/// The paths and sizes of a command.
const PLACES: [&str; 5] = ["path", "other", "source", "target", "size"];

fn paths(call: &Call<'_>) -> Vec<String> {
    PLACES
        .iter()
        .filter(|name| call.has(name))
        .filter_map(|name| call.str(name).map(str::to_owned))
        .collect()
}

/// The options that were given, as on a command line.
fn arguments(call: &Call<'_>) -> Vec<String> {
    let mut line = Vec::new();
    for argument in call.arguments() {
        let name = argument.name;
        if PLACES.contains(&name) || name == "p" {
            continue;
        }
        let option = match name.len() {
            1 => format!("-{name}"),
            _ => format!("--{}", name.replace('_', "-")),
        };
        if call.flag(name) {
            line.push(option);
        } else if let Some(text) = call.str(name) {
            line.extend([option, text.to_owned()]);
        } else {
            for text in call.texts(name) {
                line.extend([option.clone(), shown(text).to_owned()]);
            }
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_read() {
        assert_eq!(percent(b"    (0.00/100%)\r    (12.34/100%)\r"), Some(12));
        assert_eq!(percent(b"    (0.00/100%)\r    (1"), Some(0));
        assert_eq!(percent(b"Images are identical."), None);
        assert!(is_progress("    (100.00/100%)"));
        assert!(!is_progress("Images are identical."));
    }
}
