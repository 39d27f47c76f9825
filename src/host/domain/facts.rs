// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a domain is: its definition, identity, state and displays.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{AFFECTED, affected, name_of};
use crate::constants as c;
use crate::core::{Domain, clock};
use crate::error::Error;
use crate::host::frame::argument::{Flag, Int, Optional, Text, Texts, flag, optional};
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::command::{Command, document, facts, tune, word};
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::{c_text, shown};
use crate::host::frame::words::Words;
use crate::host::lists::DOMAIN_STATES;
use crate::host::lookup::DOMAIN;
use crate::host::xml_result;
use crate::value::{Map, Value};

/// What a domain's definition has as lists, be it one or many.
pub const LISTS: [&str; 2] = ["disk", "interface"];

/// The reasons of the states, in the order of libvirt's numbers.
const REASONS: [&[&str]; 8] = [
    &["unknown"],
    &[
        "unknown",
        "booted",
        "migrated",
        "restored",
        "from snapshot",
        "unpaused",
        "migration canceled",
        "save canceled",
        "event wakeup",
        "crashed",
        "post-copy",
        "post-copy failed",
    ],
    &["unknown"],
    &[
        "unknown",
        "user",
        "migrating",
        "saving",
        "dumping",
        "I/O error",
        "watchdog",
        "from snapshot",
        "shutting down",
        "creating snapshot",
        "crashed",
        "starting up",
        "post-copy",
        "post-copy failed",
        "API error",
    ],
    &["unknown", "user"],
    &[
        "unknown",
        "shutdown",
        "destroyed",
        "crashed",
        "migrated",
        "saved",
        "failed",
        "from snapshot",
        "daemon",
    ],
    &["unknown", "panicked"],
    &["unknown"],
];

static INACTIVE: Flag = flag("inactive", "persistent definition, for the next start");
static SECURITY_INFO: Flag = flag("security_info", "include secrets such as passwords");
static UPDATE_CPU: Flag = flag("update_cpu", "update the CPU according to the host");
static MIGRATABLE: Flag = flag("migratable", "format for migration to another host");
static NEW_DESC: Optional<Texts> = optional("new_desc", "new text; several words are joined");
static TITLE: Flag = flag("title", "title instead of the description").choosing();
static TYPE: Optional<Text> = optional("type", "type: vnc, spice or rdp")
    .one_of(&Words::new(&DISPLAYS, "No graphical display with type '{}' found"));
static INCLUDE_PASSWORD: Flag = flag("include_password", "include the password");
static ALL: Flag = flag("all", "all displays, one per line").excludes(&[&TYPE]);
static REASON: Flag = flag("reason", "include the reason");
static TIME: Optional<Int> =
    optional("time", "set the time, in s since 1970").excludes(&[&NOW, &SYNC]);
static NOW: Flag = flag("now", "set the time to this machine's").excludes(&[&SYNC]);
static SYNC: Flag = flag("sync", "synchronize the time with the guest's RTC");
static PRETTY: Flag = flag("pretty", "no effect; the time is always text").choosing();

pub static COMMANDS: &[Command] = &[
    document("conf", "dumpxml", conf)
        .about("Returns the live state or the definition of a domain.")
        .takes(&[&DOMAIN, &INACTIVE, &SECURITY_INFO, &UPDATE_CPU, &MIGRATABLE]),
    word("control", "domcontrol", control)
        .about("Returns the state of the control interface of a domain.")
        .takes(&[&DOMAIN]),
    tune("desc", "desc", desc)
        .about("Returns or sets the description or the title of a domain.")
        .takes(&[&DOMAIN, &NEW_DESC, &TITLE, &AFFECTED]),
    word("display", "domdisplay", display)
        .about("Returns the URI of a graphical display of a domain.")
        .takes(&[&DOMAIN, &TYPE, &INCLUDE_PASSWORD, &ALL]),
    word("id", "domid", id)
        .about("Returns the id of a domain; -1 when it is inactive.")
        .takes(&[&DOMAIN]),
    facts("info", "dominfo", info)
        .about("Returns id, name, state, CPUs, memory and security of a domain.")
        .takes(&[&DOMAIN]),
    word("name", "domname", name)
        .about("Returns the name of a domain by its id or UUID.")
        .takes(&[&DOMAIN]),
    word("state", "domstate", state)
        .about("Returns the state of a domain.")
        .takes(&[&DOMAIN, &REASON]),
    tune("time", "domtime", time)
        .about("Returns or sets the time of a guest.")
        .takes(&[&DOMAIN, &TIME, &NOW, &SYNC, &PRETTY]),
    word("ttyconsole", "ttyconsole", ttyconsole)
        .about("Returns the terminal device of a domain's console.")
        .takes(&[&DOMAIN]),
    word("uuid", "domuuid", uuid)
        .about("Returns the UUID of a domain by its name or id.")
        .takes(&[&DOMAIN]),
];

fn conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[
        (&INACTIVE, c::DOMAIN_XML_INACTIVE),
        (&SECURITY_INFO, c::DOMAIN_XML_SECURE),
        (&UPDATE_CPU, c::DOMAIN_XML_UPDATE_CPU),
        (&MIGRATABLE, c::DOMAIN_XML_MIGRATABLE),
    ]);
    xml_result::document(&call.domain()?.get_xml_description(flags)?, "domain", &LISTS)
}

fn control(call: &mut Call<'_>) -> Outcome {
    const STATES: [&str; 4] = ["ok", "job", "occupied", "error"];
    const DETAILS: [&str; 4] = ["none", "unknown", "monitor failure", "internal (locking) error"];
    let info = Value::Map(call.domain()?.get_control_info(0)?);
    let named = |names: &[&'static str], key: &str| {
        let number = info.get_uint64(key).ok().and_then(|number| usize::try_from(number).ok());
        number.and_then(|number| names.get(number)).copied().unwrap_or("unknown")
    };
    let (state, details) = (named(&STATES, "state"), named(&DETAILS, "details"));
    Ok(match state {
        "job" | "occupied" => {
            let seconds = info.get_uint64("stateTime")? as f64 / 1000.0;
            format!("{state} ({seconds:.3}s)").into()
        }
        "error" if details != "none" => format!("{state}: {details}").into(),
        state => state.into(),
    })
}

fn desc(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let flags = affected(call);
    let (kind, what) = match call.flag(&TITLE) {
        true => (c::DOMAIN_METADATA_TITLE, "title"),
        false => (c::DOMAIN_METADATA_DESCRIPTION, "description"),
    };
    if let Some(words) = call.get(&NEW_DESC) {
        let text = c_text(words.join(" "), || "new_desc".to_owned())?;
        domain
            .set_metadata(kind as i32, Some(&text), None, None, flags)
            .or_say(|| format!("Failed to set new domain {what}"))?;
        return Ok(format!("Domain {what} updated successfully").into());
    }
    let text = match domain.get_metadata(kind as i32, None, flags) {
        Ok(text) => shown(&text).to_owned(),
        Err(error) if is_no_metadata(&error) => String::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(Map::from_iter([(what, text)]).into())
}

fn is_no_metadata(error: &Error) -> bool {
    error.details().code == c::ERROR_ERR_NO_DOMAIN_METADATA as i32
}

/// The kinds of displays that have a URI.
const DISPLAYS: [&str; 3] = ["vnc", "spice", "rdp"];

fn display(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    if !domain.is_active()? {
        return Err(Failure::said("Domain is not running"));
    }
    let flags = call.flags(&[(&INCLUDE_PASSWORD, c::DOMAIN_XML_SECURE)]);
    let document = xml_result::parsed(&domain.get_xml_description(flags)?)?;
    let graphics = xml_result::elements(&document, "domain.devices.graphics");
    let mut uris = Vec::new();
    for kind in &DISPLAYS {
        if call.get(&TYPE).is_some_and(|wanted| wanted != *kind) {
            continue;
        }
        let of_kind =
            graphics.iter().filter(|one| one.get_str("@type").is_ok_and(|found| found == *kind));
        uris.extend(of_kind.filter_map(|one| display_uri(kind, one)));
    }
    if uris.is_empty() {
        return Err(Failure::said(match call.get(&TYPE) {
            Some(kind) => format!("No graphical display with type '{kind}' found"),
            None => "No graphical display found".to_owned(),
        }));
    }
    Ok(if call.flag(&ALL) { uris.join("\n") } else { uris.swap_remove(0) }.into())
}

/// Where a display is; None if nothing listens.
fn display_uri(kind: &str, graphics: &Value) -> Option<String> {
    /// The port of the first VNC display.
    const VNC: i64 = 5900;
    let text = |path: &str| graphics.get_str(path).ok();
    let port = |path: &str| text(path)?.parse::<i64>().ok().filter(|port| *port > 0);
    if let Some(socket) = text("@socket") {
        return Some(format!("{kind}+unix://{socket}"));
    }
    let (plain, tls) = (port("@port"), port("@tlsPort"));
    if plain.is_none() && tls.is_none() {
        return None;
    }
    let password = text("@passwd");
    let host = match text("@listen") {
        None | Some("0.0.0.0" | "::") => "localhost",
        Some(listen) => listen,
    };
    let mut uri = format!("{kind}://");
    if let (Some(password), "vnc") = (password, kind) {
        let _ = write!(uri, ":{password}@");
    }
    let _ = if host.contains(':') { write!(uri, "[{host}]") } else { write!(uri, "{host}") };
    if let Some(port) = plain {
        let _ = write!(uri, ":{}", if kind == "vnc" { port - VNC } else { port });
    }
    let mut sign = '?';
    if let Some(port) = tls {
        let _ = write!(uri, "{sign}tls-port={port}");
        sign = '&';
    }
    if let (Some(password), "spice") = (password, kind) {
        let _ = write!(uri, "{sign}password={password}");
    }
    Some(uri)
}

fn id(call: &mut Call<'_>) -> Outcome {
    Ok(call.domain()?.get_id().into())
}

fn info(call: &mut Call<'_>) -> Outcome {
    const NANOSECONDS: f64 = 1e9;
    let domain = call.domain()?;
    let info = Value::Map(domain.get_info()?);
    let mut map = Map::with_capacity(16);
    let id = domain.get_id();
    map.push_new("id", if id < 0 { Value::from("-") } else { id.into() });
    map.push_new("name", call.converted(&name_of(&domain)?));
    map.push_new("uuid", shown(domain.get_uuid_string()?));
    if let Ok(kind) = domain.get_os_type() {
        map.push_new("os_type", shown(&kind));
    }
    map.push_new("state", state_name(info.get_int64("state")?));
    map.push_new("cpus", info.get_uint64("nrVirtCpu")?);
    match info.get_uint64("cpuTime")? {
        time if call.raw() => map.push_new("cpu_time", time),
        0 => {}
        time => map.push_new("cpu_time", format!("{:.1}s", time as f64 / NANOSECONDS)),
    }
    map.push_new("max_memory", call.kib(info.get_uint64("maxMem")?));
    map.push_new("used_memory", call.kib(info.get_uint64("memory")?));
    map.push_new("persistent", domain.is_persistent()?);
    // What a driver cannot tell is left out.
    let autostarts =
        [("autostart", domain.get_autostart()), ("autostart_once", domain.get_autostart_once())];
    for (key, on) in autostarts {
        let Ok(on) = on else { continue };
        let words = if on { "enable" } else { "disable" };
        map.push_new(key, if call.raw() { Value::Bool(on) } else { words.into() });
    }
    match domain.has_managed_save_image(0) {
        Ok(has) => map.push_new("managed_save", has),
        Err(_) => map.push_new("managed_save", "unknown"),
    }
    security(call, &domain, &mut map);
    Ok(map.into())
}

/// How the host keeps the domain from others; not every host can tell.
fn security(call: &Call<'_>, domain: &Domain, map: &mut Map) {
    let Ok(model) = call.conn().get_node_security_model() else {
        return;
    };
    let model = Value::Map(model);
    let Some(name) = model.get_str("model").ok().filter(|name| !name.is_empty()) else {
        return;
    };
    map.push_new("security_model", name);
    map.push_new(
        "security_doi",
        model.get_str("doi").map_or(Value::Null, |doi| call.converted(doi)),
    );
    let Ok(label) = domain.get_security_label().map(Value::Map) else {
        return;
    };
    if let Some(text) = label.get_str("label").ok().filter(|text| !text.is_empty()) {
        let enforcing = label.get_bool("enforcing").unwrap_or_default();
        let how = if enforcing { "enforcing" } else { "permissive" };
        map.push_new("security_label", format!("{text} ({how})"));
    }
}

fn name(call: &mut Call<'_>) -> Outcome {
    Ok(name_of(&call.domain()?)?.into())
}

fn state(call: &mut Call<'_>) -> Outcome {
    let (state, reason) = call.domain()?.get_state(0)?;
    let name = state_name(state.into());
    if !call.flag(&REASON) {
        return Ok(name.into());
    }
    let reasons = usize::try_from(state).ok().and_then(|state| REASONS.get(state));
    let reason = usize::try_from(reason).ok().and_then(|reason| reasons?.get(reason));
    Ok(format!("{name} ({})", reason.unwrap_or(&"unknown")).into())
}

fn state_name(state: i64) -> &'static str {
    let name = usize::try_from(state).ok().and_then(|state| DOMAIN_STATES.get(state));
    name.copied().unwrap_or("no state")
}

fn time(call: &mut Call<'_>) -> Outcome {
    let domain = call.domain()?;
    let seconds = match call.flag(&NOW) {
        true => SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_secs()).ok()),
        false => call.get(&TIME),
    };
    if seconds.is_some() || call.flag(&SYNC) {
        let flags = call.flags(&[(&SYNC, c::DOMAIN_TIME_SYNC)]);
        domain.set_time(seconds.unwrap_or_default(), 0, flags)?;
        return Ok("".into());
    }
    let (seconds, _) = domain.get_time(0)?;
    Ok(if call.raw() { seconds.into() } else { clock::local(seconds).into() })
}

fn ttyconsole(call: &mut Call<'_>) -> Outcome {
    let document = xml_result::parsed(&call.domain()?.get_xml_description(0)?)?;
    let consoles = xml_result::elements(&document, "domain.devices.console");
    match consoles.iter().find_map(|console| console.get_str("@tty").ok()) {
        Some(tty) => Ok(tty.into()),
        None => Err(Failure::said("the domain has no console on a terminal")),
    }
}

fn uuid(call: &mut Call<'_>) -> Outcome {
    Ok(shown(call.domain()?.get_uuid_string()?).into())
}
