// SPDX-License-Identifier: LGPL-2.1-or-later
//! What starts, stops, defines and undefines domains.

use std::thread;
use std::time::{Duration, Instant};

use super::{name_of, storage};
use crate::constants as c;
use crate::core::Domain;
use crate::host::frame::argument::{
    Document, Flag, Int, Needed, Optional, Text, Texts, flag, needed, optional,
};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::command::{Command, action};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::text::parse_number;
use crate::host::frame::words::{Words, names};
use crate::host::hypervisor::{SUSPEND_TARGET, SUSPEND_TARGETS};
use crate::host::lookup::DOMAIN;
use crate::value::Value;

static FILE: Needed<Document> = needed("file", "domain definition").root("domain");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");
static PAUSED: Flag = flag("paused", "leave the domain paused");
static AUTODESTROY: Flag = flag("autodestroy", "destroy the domain when the connection closes");
static RESET_NVRAM: Flag = flag("reset_nvram", "reset the NVRAM");
static PASS_FDS: Optional<Texts> =
    optional("pass_fds", "open file descriptors for the container's first process");
/// How both ask the guest.
const MODE: Optional<Text> =
    optional("mode", "methods, such as acpi or agent; several are separated by commas");
static REBOOT_MODE: Optional<Text> = MODE.one_of(&mode_words(
    "Unknown mode {} value, expecting 'acpi', 'agent', 'initctl', 'signal' or 'paravirt'",
));
static SHUTDOWN_MODE: Optional<Text> = MODE.one_of(&mode_words(
    "Unknown mode {} value, expecting 'acpi', 'agent', 'initctl', 'signal', or 'paravirt'",
));

/// How a guest can be asked to shut down or to reboot. Both have the same bits.
const MODES: [(&str, u32); 5] = [
    ("acpi", c::DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
    ("agent", c::DOMAIN_SHUTDOWN_GUEST_AGENT),
    ("initctl", c::DOMAIN_SHUTDOWN_INITCTL),
    ("signal", c::DOMAIN_SHUTDOWN_SIGNAL),
    ("paravirt", c::DOMAIN_SHUTDOWN_PARAVIRT),
];
const MODE_NAMES: &[&str] = &names(&MODES);

const fn mode_words(said: &'static str) -> Words {
    Words::new(MODE_NAMES, said).named().several()
}

/// How long `stop` waits by default.
const STOP_SECONDS: i64 = 30;
/// How often it looks.
const STOP_PERIOD: Duration = Duration::from_millis(250);

static DISABLE: Flag = flag("disable", "disable autostart");
static GRACEFUL: Flag = flag("graceful", "fail instead of killing a process that does not end");
static REMOVE_LOGS: Flag = flag("remove_logs", "also remove the log files");
static DURATION: Optional<Int> = optional("duration", "duration in s; by default unlimited");
static BYPASS_CACHE: Flag =
    flag("bypass_cache", "bypass the host's cache when reading a saved state");
static FORCE_BOOT: Flag = flag("force_boot", "discard a managed save image and boot");
static TIMEOUT: Optional<Int> = optional("timeout", "timeout in s; by default 30");
static FORCE: Flag = flag("force", "destroy the domain after the timeout");
static MANAGED_SAVE: Flag = flag("managed_save", "also remove the managed save image");
static SNAPSHOTS_METADATA: Flag =
    flag("snapshots_metadata", "also remove the metadata of snapshots");
static CHECKPOINTS_METADATA: Flag =
    flag("checkpoints_metadata", "also remove the metadata of checkpoints");
static NVRAM: Flag = flag("nvram", "also remove the NVRAM").excludes(&[&KEEP_NVRAM]);
static KEEP_NVRAM: Flag = flag("keep_nvram", "keep the NVRAM");
static TPM: Flag = flag("tpm", "also remove the TPM state").excludes(&[&KEEP_TPM]);
static KEEP_TPM: Flag = flag("keep_tpm", "keep the TPM state");

pub static COMMANDS: &[Command] =
    &[
        action("autostart", "autostart", autostart)
            .about("Sets whether a domain starts when the host boots.")
            .takes(&[&DOMAIN, &DISABLE]),
        action("create", "create", create)
            .about("Creates and starts a transient domain.")
            .takes(&[&FILE, &PAUSED, &AUTODESTROY, &VALIDATE, &RESET_NVRAM, &PASS_FDS]),
        action("define", "define", define)
            .about("Defines a persistent domain without starting it, or changes its definition.")
            .takes(&[&FILE, &VALIDATE]),
        action("destroy", "destroy", destroy)
            .about("Stops a domain immediately, like pulling the power plug.")
            .takes(&[&DOMAIN, &GRACEFUL, &REMOVE_LOGS]),
        action("inject_nmi", "inject-nmi", inject_nmi)
            .about("Injects a non-maskable interrupt (NMI) into a guest.")
            .takes(&[&DOMAIN]),
        action("pmsuspend", "dompmsuspend", pmsuspend)
            .about("Suspends a guest with its own power management.")
            .takes(&[&DOMAIN, &SUSPEND_TARGET, &DURATION]),
        action("pmwakeup", "dompmwakeup", pmwakeup)
            .about("Wakes up a guest that is suspended by power management.")
            .takes(&[&DOMAIN]),
        action("reboot", "reboot", reboot)
            .about("Asks a guest to reboot.")
            .takes(&[&DOMAIN, &REBOOT_MODE]),
        action("reset", "reset", reset)
            .about("Resets a domain immediately, like pressing the reset button.")
            .takes(&[&DOMAIN]),
        action("resume", "resume", resume).about("Resumes a paused domain.").takes(&[&DOMAIN]),
        action("shutdown", "shutdown", shutdown)
            .about("Asks a guest to shut down.")
            .takes(&[&DOMAIN, &SHUTDOWN_MODE]),
        action("start", "start", start).about("Starts a defined domain.").takes(&[
            &DOMAIN,
            &PAUSED,
            &AUTODESTROY,
            &BYPASS_CACHE,
            &FORCE_BOOT,
            &RESET_NVRAM,
            &PASS_FDS,
        ]),
        action("stop", "", stop)
            .about("Asks a guest to shut down and waits until it has.")
            .takes(&[&DOMAIN, &TIMEOUT, &FORCE]),
        action("suspend", "suspend", suspend)
            .about("Pauses the virtual CPUs of a domain.")
            .takes(&[&DOMAIN]),
        action("undefine", "undefine", undefine)
            .about("Removes the persistent definition of a domain.")
            .takes(&[
                &DOMAIN,
                &MANAGED_SAVE,
                &storage::CHOSEN,
                &SNAPSHOTS_METADATA,
                &CHECKPOINTS_METADATA,
                &NVRAM,
                &KEEP_NVRAM,
                &TPM,
                &KEEP_TPM,
            ]),
    ];

fn autostart(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    let mark = if call.flag(&DISABLE) { "unmark" } else { "mark" };
    domain
        .set_autostart(!call.flag(&DISABLE))
        .or_say(|| format!("Failed to {mark} domain '{name}' as autostarted"))?;
    Ok(format!("Domain '{name}' {mark}ed as autostarted").into())
}

fn create(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[
        (&PAUSED, c::DOMAIN_START_PAUSED),
        (&AUTODESTROY, c::DOMAIN_START_AUTODESTROY),
        (&VALIDATE, c::DOMAIN_START_VALIDATE),
        (&RESET_NVRAM, c::DOMAIN_START_RESET_NVRAM),
    ]);
    let fds = passed(call)?;
    let conn = call.conn();
    let created = match &*fds {
        [] => conn.create_domain(&document.xml, flags),
        fds => conn.create_domain_with_files(&document.xml, fds, flags),
    };
    let domain = created.or_say(|| format!("Failed to create domain from {}", document.file))?;
    Ok(format!("Domain '{}' created from {}", name_of(&domain)?, document.file).into())
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[(&VALIDATE, c::DOMAIN_DEFINE_VALIDATE)]);
    let domain = call
        .conn()
        .define_domain(&document.xml, flags)
        .or_say(|| format!("Failed to define domain from {}", document.file))?;
    Ok(format!("Domain '{}' defined from {}", name_of(&domain)?, document.file).into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    let flags = call.flags(&[
        (&GRACEFUL, c::DOMAIN_DESTROY_GRACEFUL),
        (&REMOVE_LOGS, c::DOMAIN_DESTROY_REMOVE_LOGS),
    ]);
    domain.destroy(flags).or_say(|| format!("Failed to destroy domain '{name}'"))?;
    Ok(format!("Domain '{name}' destroyed").into())
}

fn inject_nmi(call: &mut Call<'_>) -> Outcome {
    call.domain()?.inject_nmi(0)?;
    Ok("".into())
}

fn pmsuspend(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = name_of(&domain)?;
    let duration = call.number(&DURATION, 0..=i64::MAX, "Invalid duration")?;
    let target = call.meaning(&SUSPEND_TARGET, &SUSPEND_TARGETS)??;
    domain
        .pm_suspend_for_duration(target, duration.unwrap_or_default(), 0)
        .or_say(|| format!("Domain '{name}' could not be suspended"))?;
    Ok(format!("Domain '{name}' successfully suspended").into())
}

fn pmwakeup(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = name_of(&domain)?;
    domain.pm_wakeup(0).or_say(|| format!("Domain '{name}' could not be woken up"))?;
    Ok(format!("Domain '{name}' successfully woken up").into())
}

fn reboot(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    domain
        .reboot(call.bits(&REBOOT_MODE, &MODES))
        .or_say(|| format!("Failed to reboot domain '{name}'"))?;
    Ok(format!("Domain '{name}' is being rebooted").into())
}

fn reset(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    domain.reset(0).or_say(|| format!("Failed to reset domain '{name}'"))?;
    Ok(format!("Domain '{name}' was reset").into())
}

fn resume(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    domain.resume().or_say(|| format!("Failed to resume domain '{name}'"))?;
    Ok(format!("Domain '{name}' resumed").into())
}

fn shutdown(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    domain
        .shutdown(call.bits(&SHUTDOWN_MODE, &MODES))
        .or_say(|| format!("Failed to shutdown domain '{name}'"))?;
    Ok(format!("Domain '{name}' is being shutdown").into())
}

fn start(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    if domain.is_active()? {
        return Err(Failure::said("Domain is already active"));
    }
    let name = name_of(&domain)?;
    let flags = call.flags(&[
        (&PAUSED, c::DOMAIN_START_PAUSED),
        (&AUTODESTROY, c::DOMAIN_START_AUTODESTROY),
        (&BYPASS_CACHE, c::DOMAIN_START_BYPASS_CACHE),
        (&FORCE_BOOT, c::DOMAIN_START_FORCE_BOOT),
        (&RESET_NVRAM, c::DOMAIN_START_RESET_NVRAM),
    ]);
    let fds = passed(call)?;
    let started = match &*fds {
        [] => domain.create(flags),
        fds => domain.create_with_files(fds, flags),
    };
    started.or_say(|| format!("Failed to start domain '{name}'"))?;
    Ok(format!("Domain '{name}' started").into())
}

/// The file descriptors to pass on: several, or a text with commas between.
fn passed(call: &Call<'_>) -> std::result::Result<Vec<i32>, Failure> {
    let texts = call.get(&PASS_FDS).unwrap_or_default();
    let numbers = texts.iter().flat_map(|text| text.split(','));
    numbers
        .map(|number| {
            let said = format!("Unable to parse FD number '{number}'");
            parse_number(number).ok_or_else(|| Failure::refused(PASS_FDS.name(), said))
        })
        .collect()
}

/// Has no equal in virsh: the words are python-kvm's.
fn stop(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let seconds = call.number(&TIMEOUT, 0..=i64::MAX, "Invalid timeout")?;
    let seconds = seconds.unwrap_or(STOP_SECONDS);
    let timeout = Duration::from_secs(seconds.unsigned_abs());
    let begin = Instant::now();
    // Whether it hears that or not: what counts is whether it stops.
    let asked = domain.shutdown(0);
    loop {
        if !is_running(&domain)? {
            return Ok("".into());
        }
        if begin.elapsed() >= timeout {
            break;
        }
        thread::sleep(STOP_PERIOD.min(timeout.saturating_sub(begin.elapsed())));
    }
    if !call.flag(&FORCE) {
        let said = || format!("VM not stopped after {seconds}s");
        asked.or_say(said)?;
        return Err(Failure::said(said()));
    }
    domain.destroy(0)?;
    Ok(format!("VM has been destroyed after {seconds}s").into())
}

/// Whether a domain runs. One that was not defined is gone when it stops.
fn is_running(domain: &Domain) -> crate::error::Result<bool> {
    match domain.is_active() {
        Err(error) if error.details().code == c::ERROR_ERR_NO_DOMAIN as i32 => Ok(false),
        other => other,
    }
}

fn suspend(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?;
    domain.suspend().or_say(|| format!("Failed to suspend domain '{name}'"))?;
    Ok(format!("Domain '{name}' suspended").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.get(&DOMAIN)?.to_owned();
    let flags = call.flags(&[
        (&MANAGED_SAVE, c::DOMAIN_UNDEFINE_MANAGED_SAVE),
        (&SNAPSHOTS_METADATA, c::DOMAIN_UNDEFINE_SNAPSHOTS_METADATA),
        (&CHECKPOINTS_METADATA, c::DOMAIN_UNDEFINE_CHECKPOINTS_METADATA),
        (&NVRAM, c::DOMAIN_UNDEFINE_NVRAM),
        (&KEEP_NVRAM, c::DOMAIN_UNDEFINE_KEEP_NVRAM),
        (&TPM, c::DOMAIN_UNDEFINE_TPM),
        (&KEEP_TPM, c::DOMAIN_UNDEFINE_KEEP_TPM),
    ]);
    let volumes = storage::of_domain(call, &domain)?;
    domain.undefine(flags).or_say(|| format!("Failed to undefine domain '{name}'"))?;
    let mut out = format!("Domain '{name}' has been undefined");
    let removed = storage::remove(call, &volumes, &mut out);
    match removed {
        Ok(()) => Ok(Value::String(out)),
        Err(failure) => Err(failure.after(out)),
    }
}
