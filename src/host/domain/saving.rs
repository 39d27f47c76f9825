//! Saving domains, dumping them, and what else is sent to or got from a guest.

use std::fs;

use virt::sys;

use super::facts::LISTS;
use super::{DOMAIN, keys, name_of};
use crate::core::Domain;
use crate::core::stream::Sink;
use crate::error::Result;
use crate::host::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use crate::host::frame::call::{Call, Command, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::shown;
use crate::host::frame::words::{Words, names};
use crate::host::long::watch;
use crate::host::xml_result;
use crate::value::Value;

const BYPASS_CACHE: Argument = flag("bypass_cache", "past the host's cache");
const RUNNING: Argument = flag("running", "it runs when it is restored");
const PAUSED: Argument = flag("paused", "it is paused when it is restored");
const XML: Argument = optional("xml", Kind::Document("domain"), "another definition for it");
const IMAGE: Argument = needed("file", Kind::Text, "the file, on the host");

const SAVE: Command = Command {
    name: "save",
    virsh: "save",
    about: "Saves a running domain to a file and stops it.",
    shape: Shape::None,
    arguments: &[DOMAIN, IMAGE, BYPASS_CACHE, XML, RUNNING, PAUSED],
    progress: true,
    run: save,
};

const SHORT: Command = Command { progress: false, ..SAVE };

/// How the memory of a domain can be written to a file.
const FORMATS: [(&str, u32); 5] = [
    ("elf", sys::VIR_DOMAIN_CORE_DUMP_FORMAT_RAW),
    ("kdump-zlib", sys::VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB),
    ("kdump-lzo", sys::VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO),
    ("kdump-snappy", sys::VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY),
    ("win-dmp", sys::VIR_DOMAIN_CORE_DUMP_FORMAT_WIN_DMP),
];
const FORMAT_NAMES: &[&str] = &names(&FORMATS);
const FORMAT_WORDS: Words = Words::new(
    FORMAT_NAMES,
    "format '{}' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', \
     'win-dmp' or 'elf'",
)
.named();

pub const COMMANDS: &[Command] = &[
    Command {
        name: "coredump",
        virsh: "dump",
        about: "Dumps the memory of a domain to a file.",
        arguments: &[
            DOMAIN,
            IMAGE,
            flag("live", "it runs on meanwhile"),
            flag("crash", "it has crashed afterwards"),
            BYPASS_CACHE,
            flag("reset", "it is reset afterwards"),
            flag("memory_only", "only its memory"),
            optional("format", Kind::Text, "the format of the memory, like elf")
                .one_of(&FORMAT_WORDS)
                .requires(&[&["memory_only"]])
                .saying("--format only works with --memory-only"),
        ],
        run: coredump,
        ..SAVE
    },
    Command {
        name: "managedsave",
        virsh: "managedsave",
        about: "Saves a running domain where libvirt finds it when it starts next.",
        arguments: &[DOMAIN, BYPASS_CACHE, RUNNING, PAUSED],
        run: managedsave,
        ..SAVE
    },
    Command {
        name: "managedsave_remove",
        virsh: "managedsave-remove",
        about: "Throws away where libvirt has saved a domain.",
        arguments: &[DOMAIN],
        run: managedsave_remove,
        ..SHORT
    },
    Command {
        name: "restore",
        virsh: "restore",
        about: "Starts a domain from a file that it was saved to.",
        arguments: &[
            IMAGE,
            BYPASS_CACHE,
            XML,
            RUNNING,
            PAUSED,
            flag("reset_nvram", "its firmware's variables begin anew"),
        ],
        run: restore,
        ..SHORT
    },
    SAVE,
    Command {
        name: "save_conf",
        virsh: "save-image-dumpxml",
        about: "Gets the definition in a file that a domain was saved to.",
        shape: Shape::Xml,
        arguments: &[IMAGE, flag("security_info", "with secrets such as passwords")],
        run: save_conf,
        ..SHORT
    },
    Command {
        name: "save_define",
        virsh: "save-image-define",
        about: "Changes the definition in a file that a domain was saved to.",
        arguments: &[
            IMAGE,
            needed("xml", Kind::Document("domain"), "the new definition"),
            RUNNING,
            PAUSED,
        ],
        run: save_define,
        ..SHORT
    },
    Command {
        name: "screenshot",
        virsh: "screenshot",
        about: "Saves a picture of a domain's screen to a file of this machine.",
        arguments: &[
            DOMAIN,
            needed("file", Kind::Text, "the name of the file"),
            optional("screen", Kind::Int, "which screen, from 0"),
        ],
        run: screenshot,
        ..SHORT
    },
    Command {
        name: "send_key",
        virsh: "send-key",
        about: "Presses keys of a guest, all at once.",
        arguments: &[
            DOMAIN,
            needed("keycode", Kind::Texts, "numbers, or names of Linux such as KEY_A"),
            optional("codeset", Kind::Text, "what the numbers mean; linux if left out")
                .one_of(&Words::new(keys::CODESET_NAMES, "unknown codeset: '{}'")),
            optional("holdtime", Kind::Int, "for how long, in ms"),
        ],
        run: send_key,
        ..SHORT
    },
];

/// Does a job of a domain, which the caller hears of and can cancel.
fn job(
    call: &mut Call<'_>,
    domain: &Domain,
    work: impl FnOnce() -> Result<()> + Send,
) -> Result<()> {
    let state = || {
        let info = Value::Map(domain.get_job_info().ok()?);
        let number = |key: &str| info.get_uint64(key).unwrap_or_default();
        Some((number("dataProcessed"), number("dataTotal"), "bytes"))
    };
    // A job that is over cannot be aborted any more: its own result tells.
    let cancel = || drop(domain.abort_job(0));
    watch(call, work, state, cancel).result
}

fn coredump(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let file = call.needed_text("file")?.to_owned();
    let name = name_of(&domain)?;
    let flags = call.flags(&[
        ("live", sys::VIR_DUMP_LIVE),
        ("crash", sys::VIR_DUMP_CRASH),
        ("bypass_cache", sys::VIR_DUMP_BYPASS_CACHE),
        ("reset", sys::VIR_DUMP_RESET),
        ("memory_only", sys::VIR_DUMP_MEMORY_ONLY),
    ]);
    let format = call.meaning("format", &FORMATS)?;
    let dump = || match format {
        Some(format) => domain.core_dump_format(&file, format, flags),
        None => domain.core_dump(&file, flags),
    };
    let file_name = shown(&file);
    job(call, &domain, dump)
        .or_say(|| format!("Failed to core dump domain '{name}' to {file_name}"))?;
    Ok(format!("Domain '{name}' dumped to {file_name}").into())
}

/// How a saved domain is when it is restored.
fn saved_flags(call: &Call<'_>) -> u32 {
    call.flags(&[
        ("running", sys::VIR_DOMAIN_SAVE_RUNNING),
        ("paused", sys::VIR_DOMAIN_SAVE_PAUSED),
    ])
}

fn bypass(call: &Call<'_>) -> u32 {
    call.flags(&[("bypass_cache", sys::VIR_DOMAIN_SAVE_BYPASS_CACHE)])
}

fn managedsave(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = name_of(&domain)?;
    let flags = saved_flags(call) | bypass(call);
    job(call, &domain, || domain.managed_save(flags))
        .or_say(|| format!("Failed to save domain '{name}' state"))?;
    Ok(format!("Domain '{name}' state saved by libvirt").into())
}

fn managedsave_remove(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = name_of(&domain)?;
    let has = domain
        .has_managed_save_image(0)
        .or_say(|| "Failed to check for domain managed save image".to_owned())?;
    if !has {
        let why = "has no manage save image; removal skipped";
        return Ok(format!("Domain '{name}' {why}").into());
    }
    domain
        .managed_save_remove(0)
        .or_say(|| format!("Failed to remove managed save image for domain '{name}'"))?;
    Ok(format!("Removed managedsave image for domain '{name}'").into())
}

fn restore(call: &mut Call<'_>) -> Outcome {
    let file = call.needed_text("file")?;
    let xml = call.given("xml").then(|| call.document("xml")).transpose()?;
    let flags = saved_flags(call)
        | bypass(call)
        | call.flags(&[("reset_nvram", sys::VIR_DOMAIN_SAVE_RESET_NVRAM)]);
    call.conn()
        .restore_domain(Some(file), xml.as_ref().map(|xml| &*xml.xml), None, flags)
        .or_say(|| format!("Failed to restore domain from {}", shown(file)))?;
    Ok(format!("Domain restored from {}", shown(file)).into())
}

fn save(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?.to_owned();
    let file = call.needed_text("file")?.to_owned();
    let xml = call.given("xml").then(|| call.document("xml")).transpose()?;
    let flags = saved_flags(call) | bypass(call);
    let xml = xml.as_ref().map(|xml| &*xml.xml);
    let file_name = shown(&file);
    job(call, &domain, || domain.save(Some(&file), xml, None, flags))
        .or_say(|| format!("Failed to save domain '{name}' to {file_name}"))?;
    Ok(format!("Domain '{name}' saved to {file_name}").into())
}

fn save_conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[("security_info", sys::VIR_DOMAIN_SAVE_IMAGE_XML_SECURE)]);
    let file = call.needed_text("file")?;
    let text = call.conn().get_save_image_xml_description(file, flags)?;
    xml_result::document(&text, "domain", &LISTS)
}

fn save_define(call: &mut Call<'_>) -> Outcome {
    let file = call.needed_text("file")?;
    let document = call.document("xml")?;
    call.conn()
        .define_save_image_xml(file, &document.xml, saved_flags(call))
        .or_say(|| format!("Failed to update {}", shown(file)))?;
    Ok(format!("State file {} updated.", shown(file)).into())
}

/// What a picture is written to.
struct Picture {
    bytes: Vec<u8>,
}

impl Sink for Picture {
    fn take(&mut self, data: &[u8]) -> Option<usize> {
        self.bytes.extend_from_slice(data);
        Some(data.len())
    }

    fn hole(&mut self, length: i64) -> Option<()> {
        let length = usize::try_from(length).ok()?;
        self.bytes.resize(self.bytes.len() + length, 0);
        Some(())
    }
}

fn screenshot(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = name_of(&domain)?;
    let file = call.needed_str("file")?;
    let screen = call.number("screen", 0..=u32::MAX.into(), "invalid screen ID")?;
    let stream = call.conn().new_stream(0)?;
    let said = || format!("could not take a screenshot of {name}");
    let kind = domain.screenshot(&stream, screen.unwrap_or_default(), 0).or_say(said)?;
    let mut picture = Picture { bytes: Vec::new() };
    stream
        .recv_all(&mut picture)
        .or_say(|| format!("could not receive data from domain '{name}'"))?;
    stream.finish().or_say(|| format!("cannot close stream on domain '{name}'"))?;
    let written = fs::write(file, &picture.bytes);
    written.map_err(|_| Failure::said(format!("cannot create file {file}")))?;
    Ok(format!("Screenshot saved to {file}, with type of {}", shown(&kind)).into())
}

fn no_key(key: &str) -> Failure {
    Failure::said(format!(
        "invalid keycode: '{key}'; it must be a number from 1 or, of the codeset linux, a name \
         such as KEY_A"
    ))
}

fn send_key(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let set = call.meaning("codeset", &keys::CODESETS)?.unwrap_or(sys::VIR_KEYCODE_SET_LINUX);
    let hold = call.number("holdtime", 0..=u32::MAX.into(), "invalid value of --holdtime")?;
    let mut codes = Vec::new();
    for key in call.texts("keycode") {
        let code = keys::code(set, shown(key)).ok_or_else(|| no_key(shown(key)))?;
        codes.push(code);
    }
    domain.send_key(set, hold.unwrap_or_default(), &codes, 0)?;
    Ok("".into())
}
