//! What starts, stops, defines and undefines domains.

use std::thread;
use std::time::{Duration, Instant};

use virt::sys;

use super::{DOMAIN, name_of, storage};
use crate::core::Domain;
use crate::host::frame::argument::{Argument, Kind, Shape, flag, needed, optional};
use crate::host::frame::call::{Call, Command, Outcome};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::shown;
use crate::host::frame::text::parse_number;
use crate::host::frame::words::{Words, names};
use crate::host::hypervisor::{SUSPEND_TARGET, SUSPEND_TARGETS};
use crate::value::Value;

const FILE: Argument = needed("file", Kind::Document("domain"), "the domain's definition");
const VALIDATE: Argument = flag("validate", "check the definition against libvirt's schema");
const PAUSED: Argument = flag("paused", "without letting it run yet");
const AUTODESTROY: Argument = flag("autodestroy", "it ends with this connection");
const RESET_NVRAM: Argument = flag("reset_nvram", "its firmware's variables begin anew");
const PASS_FDS: Argument =
    optional("pass_fds", Kind::Texts, "open file descriptors that its first process gets");
const MODE: Argument =
    optional("mode", Kind::Text, "how, like acpi or agent; several with commas between");
const REBOOT_MODE: Argument = MODE.one_of(&mode_words(
    "Unknown mode {} value, expecting 'acpi', 'agent', 'initctl', 'signal' or 'paravirt'",
));
const SHUTDOWN_MODE: Argument = MODE.one_of(&mode_words(
    "Unknown mode {} value, expecting 'acpi', 'agent', 'initctl', 'signal', or 'paravirt'",
));

/// How a guest can be asked to shut down or to reboot. Both have the same bits.
const MODES: [(&str, u32); 5] = [
    ("acpi", sys::VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN),
    ("agent", sys::VIR_DOMAIN_SHUTDOWN_GUEST_AGENT),
    ("initctl", sys::VIR_DOMAIN_SHUTDOWN_INITCTL),
    ("signal", sys::VIR_DOMAIN_SHUTDOWN_SIGNAL),
    ("paravirt", sys::VIR_DOMAIN_SHUTDOWN_PARAVIRT),
];
const MODE_NAMES: &[&str] = &names(&MODES);

const fn mode_words(said: &'static str) -> Words {
    Words::new(MODE_NAMES, said).named().several()
}

/// How long `stop` waits by default.
const STOP_SECONDS: i64 = 30;
/// How often it looks.
const STOP_PERIOD: Duration = Duration::from_millis(250);

const AUTOSTART: Command = Command {
    name: "autostart",
    virsh: "autostart",
    about: "Lets a domain start with the host, or no longer.",
    shape: Shape::None,
    arguments: &[DOMAIN, flag("disable", "no longer")],
    progress: false,
    run: autostart,
};

pub const COMMANDS: &[Command] = &[
    AUTOSTART,
    Command {
        name: "create",
        virsh: "create",
        about: "Starts a domain that is gone when it stops.",
        arguments: &[FILE, PAUSED, AUTODESTROY, VALIDATE, RESET_NVRAM, PASS_FDS],
        run: create,
        ..AUTOSTART
    },
    Command {
        name: "define",
        virsh: "define",
        about: "Defines a domain without starting it, or changes its definition.",
        arguments: &[FILE, VALIDATE],
        run: define,
        ..AUTOSTART
    },
    Command {
        name: "destroy",
        virsh: "destroy",
        about: "Stops a domain at once.",
        arguments: &[
            DOMAIN,
            flag("graceful", "only if that loses no data that it has written"),
            flag("remove_logs", "remove its log files, too"),
        ],
        run: destroy,
        ..AUTOSTART
    },
    Command {
        name: "inject_nmi",
        virsh: "inject-nmi",
        about: "Gives a guest a non-maskable interrupt.",
        arguments: &[DOMAIN],
        run: inject_nmi,
        ..AUTOSTART
    },
    Command {
        name: "pmsuspend",
        virsh: "dompmsuspend",
        about: "Lets a guest suspend itself.",
        arguments: &[
            DOMAIN,
            SUSPEND_TARGET,
            optional("duration", Kind::Int, "for how long, in s; without end if left out"),
        ],
        run: pmsuspend,
        ..AUTOSTART
    },
    Command {
        name: "pmwakeup",
        virsh: "dompmwakeup",
        about: "Wakes a guest up that has suspended itself.",
        arguments: &[DOMAIN],
        run: pmwakeup,
        ..AUTOSTART
    },
    Command {
        name: "reboot",
        virsh: "reboot",
        about: "Asks a guest to reboot.",
        arguments: &[DOMAIN, REBOOT_MODE],
        run: reboot,
        ..AUTOSTART
    },
    Command {
        name: "reset",
        virsh: "reset",
        about: "Resets a domain as if by its power button.",
        arguments: &[DOMAIN],
        run: reset,
        ..AUTOSTART
    },
    Command {
        name: "resume",
        virsh: "resume",
        about: "Lets a paused domain run again.",
        arguments: &[DOMAIN],
        run: resume,
        ..AUTOSTART
    },
    Command {
        name: "shutdown",
        virsh: "shutdown",
        about: "Asks a guest to shut down.",
        arguments: &[DOMAIN, SHUTDOWN_MODE],
        run: shutdown,
        ..AUTOSTART
    },
    Command {
        name: "start",
        virsh: "start",
        about: "Starts a defined domain.",
        arguments: &[
            DOMAIN,
            PAUSED,
            AUTODESTROY,
            flag("bypass_cache", "read a saved state past the host's cache"),
            flag("force_boot", "throw a saved state away"),
            RESET_NVRAM,
            PASS_FDS,
        ],
        run: start,
        ..AUTOSTART
    },
    Command {
        name: "stop",
        virsh: "",
        about: "Asks a guest to shut down and waits until it has.",
        arguments: &[
            DOMAIN,
            optional("timeout", Kind::Int, "how long to wait, in s; 30 if left out"),
            flag("force", "destroy it then"),
        ],
        run: stop,
        ..AUTOSTART
    },
    Command {
        name: "suspend",
        virsh: "suspend",
        about: "Pauses a domain.",
        arguments: &[DOMAIN],
        run: suspend,
        ..AUTOSTART
    },
    Command {
        name: "undefine",
        virsh: "undefine",
        about: "Forgets the definition of a domain.",
        arguments: &[
            DOMAIN,
            flag("managed_save", "its saved state, too"),
            optional("storage", Kind::Text, "delete these volumes: disks or paths, with commas")
                .excludes(&["remove_all_storage"]),
            flag("remove_all_storage", "delete all its volumes"),
            flag("delete_storage_volume_snapshots", "the snapshots of deleted volumes, too")
                .requires(&[&["remove_all_storage"]]),
            flag("wipe_storage", "wipe volumes before they are deleted")
                .requires(&[&["storage", "remove_all_storage"]]),
            flag("snapshots_metadata", "what libvirt knows of its snapshots, too"),
            flag("checkpoints_metadata", "what libvirt knows of its checkpoints, too"),
            flag("nvram", "its firmware's variables, too").excludes(&["keep_nvram"]),
            flag("keep_nvram", "not its firmware's variables"),
            flag("tpm", "the state of its TPM, too").excludes(&["keep_tpm"]),
            flag("keep_tpm", "not the state of its TPM"),
        ],
        run: undefine,
        ..AUTOSTART
    },
];

fn autostart(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?;
    let mark = if call.flag("disable") { "unmark" } else { "mark" };
    domain
        .set_autostart(!call.flag("disable"))
        .or_say(|| format!("Failed to {mark} domain '{name}' as autostarted"))?;
    Ok(format!("Domain '{name}' {mark}ed as autostarted").into())
}

fn create(call: &mut Call<'_>) -> Outcome {
    let document = call.document("file")?;
    let flags = call.flags(&[
        ("paused", sys::VIR_DOMAIN_START_PAUSED),
        ("autodestroy", sys::VIR_DOMAIN_START_AUTODESTROY),
        ("validate", sys::VIR_DOMAIN_START_VALIDATE),
        ("reset_nvram", sys::VIR_DOMAIN_START_RESET_NVRAM),
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
    let document = call.document("file")?;
    let flags = call.flags(&[("validate", sys::VIR_DOMAIN_DEFINE_VALIDATE)]);
    let domain = call
        .conn()
        .define_domain(&document.xml, flags)
        .or_say(|| format!("Failed to define domain from {}", document.file))?;
    Ok(format!("Domain '{}' defined from {}", name_of(&domain)?, document.file).into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?;
    let flags = call.flags(&[
        ("graceful", sys::VIR_DOMAIN_DESTROY_GRACEFUL),
        ("remove_logs", sys::VIR_DOMAIN_DESTROY_REMOVE_LOGS),
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
    let duration = call.number("duration", 0..=i64::MAX, "Invalid duration")?;
    let target = call.meaning("target", &SUSPEND_TARGETS)?.unwrap_or_default();
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
    let name = call.needed_str("domain")?;
    domain
        .reboot(call.bits("mode", &MODES))
        .or_say(|| format!("Failed to reboot domain '{name}'"))?;
    Ok(format!("Domain '{name}' is being rebooted").into())
}

fn reset(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?;
    domain.reset(0).or_say(|| format!("Failed to reset domain '{name}'"))?;
    Ok(format!("Domain '{name}' was reset").into())
}

fn resume(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?;
    domain.resume().or_say(|| format!("Failed to resume domain '{name}'"))?;
    Ok(format!("Domain '{name}' resumed").into())
}

fn shutdown(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?;
    domain
        .shutdown(call.bits("mode", &MODES))
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
        ("paused", sys::VIR_DOMAIN_START_PAUSED),
        ("autodestroy", sys::VIR_DOMAIN_START_AUTODESTROY),
        ("bypass_cache", sys::VIR_DOMAIN_START_BYPASS_CACHE),
        ("force_boot", sys::VIR_DOMAIN_START_FORCE_BOOT),
        ("reset_nvram", sys::VIR_DOMAIN_START_RESET_NVRAM),
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
    let texts = call.texts("pass_fds");
    let numbers = texts.iter().flat_map(|text| shown(text).split(','));
    numbers
        .map(|number| {
            let said = || Failure::said(format!("Unable to parse FD number '{number}'"));
            parse_number(number).ok_or_else(said)
        })
        .collect()
}

/// Has no equal in virsh: the words are python-kvm's.
fn stop(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let seconds = call.number("timeout", 0..=i64::MAX, "Invalid timeout")?;
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
    if !call.flag("force") {
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
        Err(error) if error.details().code == sys::VIR_ERR_NO_DOMAIN as i32 => Ok(false),
        other => other,
    }
}

fn suspend(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?;
    domain.suspend().or_say(|| format!("Failed to suspend domain '{name}'"))?;
    Ok(format!("Domain '{name}' suspended").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let name = call.needed_str("domain")?.to_owned();
    let flags = call.flags(&[
        ("managed_save", sys::VIR_DOMAIN_UNDEFINE_MANAGED_SAVE),
        ("snapshots_metadata", sys::VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA),
        ("checkpoints_metadata", sys::VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA),
        ("nvram", sys::VIR_DOMAIN_UNDEFINE_NVRAM),
        ("keep_nvram", sys::VIR_DOMAIN_UNDEFINE_KEEP_NVRAM),
        ("tpm", sys::VIR_DOMAIN_UNDEFINE_TPM),
        ("keep_tpm", sys::VIR_DOMAIN_UNDEFINE_KEEP_TPM),
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
