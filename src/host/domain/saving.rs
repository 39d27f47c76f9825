// SPDX-License-Identifier: LGPL-2.1-or-later
//! Saving domains, dumping them, and what else is sent to or got from a guest.

use std::fs;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::facts::LISTS;
use super::{keys, name_of};
use crate::calls::DomainJob;
use crate::constants as c;
use crate::core::Domain;
use crate::core::domain::Turn;
use crate::core::stream::Sink;
use crate::error::{Misuse, Result};
use crate::host::frame::argument::{
    Document, Flag, Int, Needed, Optional, Text, Texts, flag, needed, optional,
};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::command::{Command, action, document};
use crate::host::frame::document::Source;
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::shown;
use crate::host::frame::words::{Words, names};
use crate::host::long::watch;
use crate::host::lookup::DOMAIN;
use crate::host::xml_result;

static BYPASS_CACHE: Flag = flag("bypass_cache", "bypass the host's cache");
static RUNNING: Flag = flag("running", "run the domain when it is restored");
static PAUSED: Flag = flag("paused", "leave the domain paused when it is restored");
static XML: Optional<Document> = optional("xml", "replacement definition").root("domain");
static IMAGE: Needed<Text> = needed("file", "path of the file on the host");

/// How the memory of a domain can be written to a file.
const FORMATS: [(&str, u32); 5] = [
    ("elf", c::DOMAIN_CORE_DUMP_FORMAT_RAW),
    ("kdump-zlib", c::DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB),
    ("kdump-lzo", c::DOMAIN_CORE_DUMP_FORMAT_KDUMP_LZO),
    ("kdump-snappy", c::DOMAIN_CORE_DUMP_FORMAT_KDUMP_SNAPPY),
    ("win-dmp", c::DOMAIN_CORE_DUMP_FORMAT_WIN_DMP),
];
const FORMAT_NAMES: &[&str] = &names(&FORMATS);
const FORMAT_WORDS: Words = Words::new(
    FORMAT_NAMES,
    "format '{}' is not supported, expecting 'kdump-zlib', 'kdump-lzo', 'kdump-snappy', \
     'win-dmp' or 'elf'",
)
.named();

static LIVE_DUMP: Flag = flag("live", "keep the domain running meanwhile");
static CRASH: Flag = flag("crash", "leave the domain crashed");
static RESET: Flag = flag("reset", "reset the domain afterwards");
static MEMORY_ONLY: Flag = flag("memory_only", "dump the memory only");
static FORMAT: Optional<Text> = optional("format", "format of the memory dump, such as elf")
    .one_of(&FORMAT_WORDS)
    .requires(&[&[&MEMORY_ONLY]])
    .saying("--format only works with --memory-only");
static RESET_NVRAM: Flag = flag("reset_nvram", "reset the NVRAM");
static SECURITY_INFO: Flag = flag("security_info", "include secrets such as passwords");
static NEW_XML: Needed<Document> = needed("xml", "new definition").root("domain");
static FILE: Needed<Text> = needed("file", "path of the file");
static SCREEN: Optional<Int> = optional("screen", "number of the screen, from 0");
static KEYCODE: Needed<Texts> = needed("keycode", "numbers, or Linux key names such as KEY_A");
static CODESET: Optional<Text> = optional("codeset", "code set of the numbers; by default linux")
    .one_of(&Words::new(keys::CODESET_NAMES, "unknown codeset: '{}'"));
static HOLDTIME: Optional<Int> = optional("holdtime", "duration in ms");

pub static COMMANDS: &[Command] = &[
    action("coredump", "dump", coredump)
        .about("Writes a core dump of a domain's memory to a file on the host.")
        .takes(&[&DOMAIN, &IMAGE, &LIVE_DUMP, &CRASH, &BYPASS_CACHE, &RESET, &MEMORY_ONLY, &FORMAT])
        .tells_progress(),
    action("managedsave", "managedsave", managedsave)
        .about("Saves a running domain to a file that libvirt manages, and stops it.")
        .takes(&[&DOMAIN, &BYPASS_CACHE, &RUNNING, &PAUSED])
        .tells_progress(),
    action("managedsave_remove", "managedsave-remove", managedsave_remove)
        .about("Discards the managed save image of a domain.")
        .takes(&[&DOMAIN]),
    action("restore", "restore", restore).about("Restores a domain from a save image.").takes(&[
        &IMAGE,
        &BYPASS_CACHE,
        &XML,
        &RUNNING,
        &PAUSED,
        &RESET_NVRAM,
    ]),
    action("save", "save", save)
        .about("Saves a running domain to a file, and stops it.")
        .takes(&[&DOMAIN, &IMAGE, &BYPASS_CACHE, &XML, &RUNNING, &PAUSED])
        .tells_progress(),
    document("save_conf", "save-image-dumpxml", save_conf)
        .about("Returns the domain definition stored in a save image.")
        .takes(&[&IMAGE, &SECURITY_INFO]),
    action("save_define", "save-image-define", save_define)
        .about("Replaces the domain definition stored in a save image.")
        .takes(&[&IMAGE, &NEW_XML, &RUNNING, &PAUSED]),
    action("screenshot", "screenshot", screenshot)
        .about("Saves a screenshot of a domain to a file on this machine.")
        .takes(&[&DOMAIN, &FILE, &SCREEN]),
    action("send_key", "send-key", send_key)
        .about("Presses keys of a guest's keyboard at the same time, and releases them.")
        .takes(&[&DOMAIN, &KEYCODE, &CODESET, &HOLDTIME]),
];

/// Does a job of a domain (`DOMAIN_JOB_OPERATION_*`), which the caller hears of and can cancel.
/// It begins when the jobs are over that were started here before.
fn job(
    call: &mut Call<'_>,
    domain: &Domain,
    operation: u32,
    work: impl FnOnce() -> Result<()> + Send,
) -> Result<()> {
    let (cancelled, own) = (AtomicBool::new(false), OnceLock::new());
    let work = || {
        let is_wanted = || !cancelled.load(Ordering::Relaxed);
        let begun = DomainJob::begin(domain, operation, is_wanted)?.ok_or(Misuse::Cancelled)?;
        let _ = own.set(begun);
        work()
    };
    let state = || own.get().and_then(|(job, _)| job.look(domain));
    let cancel = || {
        cancelled.store(true, Ordering::Relaxed);
        Turn::wake();
        // A job that is over cannot be aborted any more: its own result tells.
        if let Some((job, _)) = own.get() {
            job.abort(domain);
        }
    };
    watch(call, work, state, cancel).result
}

fn coredump(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let file = call.c_text(&IMAGE)?.to_owned();
    let name = name_of(&domain)?;
    let flags = call.flags(&[
        (&LIVE_DUMP, c::DOMAIN_DUMP_LIVE),
        (&CRASH, c::DOMAIN_DUMP_CRASH),
        (&BYPASS_CACHE, c::DOMAIN_DUMP_BYPASS_CACHE),
        (&RESET, c::DOMAIN_DUMP_RESET),
        (&MEMORY_ONLY, c::DOMAIN_DUMP_MEMORY_ONLY),
    ]);
    let format = call.meaning(&FORMAT, &FORMATS)?;
    let dump = || match format {
        Some(format) => domain.core_dump_format(&file, format, flags),
        None => domain.core_dump(&file, flags),
    };
    let file_name = shown(&file);
    job(call, &domain, c::DOMAIN_JOB_OPERATION_DUMP, dump)
        .or_say(|| format!("Failed to core dump domain '{name}' to {file_name}"))?;
    Ok(format!("Domain '{name}' dumped to {file_name}").into())
}

/// How a saved domain is when it is restored.
fn saved_flags(call: &Call<'_>) -> u32 {
    call.flags(&[(&RUNNING, c::DOMAIN_SAVE_RUNNING), (&PAUSED, c::DOMAIN_SAVE_PAUSED)])
}

fn bypass(call: &Call<'_>) -> u32 {
    call.flags(&[(&BYPASS_CACHE, c::DOMAIN_SAVE_BYPASS_CACHE)])
}

fn managedsave(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = name_of(&domain)?;
    let flags = saved_flags(call) | bypass(call);
    job(call, &domain, c::DOMAIN_JOB_OPERATION_SAVE, || domain.managed_save(flags))
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
    let file = call.c_text(&IMAGE)?;
    let xml = call.get(&XML).map(Source::read).transpose()?;
    let flags = saved_flags(call)
        | bypass(call)
        | call.flags(&[(&RESET_NVRAM, c::DOMAIN_SAVE_RESET_NVRAM)]);
    call.conn()
        .restore_domain(Some(file), xml.as_ref().map(|xml| &*xml.xml), None, flags)
        .or_say(|| format!("Failed to restore domain from {}", shown(file)))?;
    Ok(format!("Domain restored from {}", shown(file)).into())
}

fn save(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?.to_owned();
    let file = call.c_text(&IMAGE)?.to_owned();
    let xml = call.get(&XML).map(Source::read).transpose()?;
    let flags = saved_flags(call) | bypass(call);
    let xml = xml.as_ref().map(|xml| &*xml.xml);
    let file_name = shown(&file);
    job(call, &domain, c::DOMAIN_JOB_OPERATION_SAVE, || domain.save(Some(&file), xml, None, flags))
        .or_say(|| format!("Failed to save domain '{name}' to {file_name}"))?;
    Ok(format!("Domain '{name}' saved to {file_name}").into())
}

fn save_conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[(&SECURITY_INFO, c::DOMAIN_SAVE_IMAGE_XML_SECURE)]);
    let file = call.c_text(&IMAGE)?;
    let text = call.conn().get_save_image_xml_description(file, flags)?;
    xml_result::document(&text, "domain", &LISTS)
}

fn save_define(call: &mut Call<'_>) -> Outcome {
    let file = call.c_text(&IMAGE)?;
    let document = call.get(&NEW_XML)?.read()?;
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
    let file = call.get(&FILE)?;
    let screen = call.number(&SCREEN, 0..=u32::MAX.into(), "invalid screen ID")?;
    let stream = call.conn().new_stream(0)?;
    let said = || format!("could not take a screenshot of {name}");
    let kind = domain.screenshot(&stream, screen.unwrap_or_default(), 0).or_say(said)?;
    let mut picture = Picture { bytes: Vec::new() };
    stream
        .recv_all(&mut picture)
        .or_say(|| format!("could not receive data from domain '{name}'"))?;
    stream.finish().or_say(|| format!("cannot close stream on domain '{name}'"))?;
    let written = fs::write(file, &picture.bytes);
    written.map_err(|_| Failure::refused(FILE.name(), format!("cannot create file {file}")))?;
    Ok(format!("Screenshot saved to {file}, with type of {}", shown(&kind)).into())
}

fn no_key(key: &str) -> Failure {
    Failure::refused(
        KEYCODE.name(),
        format!(
            "invalid keycode: '{key}'; it must be a number from 1 or, of the codeset linux, a name \
         such as KEY_A"
        ),
    )
}

fn send_key(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let set = call.meaning(&CODESET, &keys::CODESETS)?.unwrap_or(c::DOMAIN_KEYCODE_SET_LINUX);
    let hold = call.number(&HOLDTIME, 0..=u32::MAX.into(), "invalid value of --holdtime")?;
    let mut codes = Vec::new();
    for key in call.get(&KEYCODE)? {
        let code = keys::code(set, key).ok_or_else(|| no_key(key))?;
        codes.push(code);
    }
    domain.send_key(set, hold.unwrap_or_default(), &codes, 0)?;
    Ok("".into())
}
