// SPDX-License-Identifier: LGPL-2.1-or-later
//! The options of `vkvm_conn_open_with`: from a map to what the core and the event loop take.

use std::ffi::{CString, c_int, c_uint};
use std::sync::Arc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::calls;
use crate::core::conn::{Asked, Credentials, Options};
use crate::core::lane::MOST_CALLS;
use crate::core::limit::Limit;
use crate::core::{Conn, OnLane};
use crate::error::{Error, Misuse, Result};
use crate::event::{self, EventQueue, Listener};
use crate::handle;
use crate::memory;
use crate::value::{Given, Map, Value};

/// What the options are called.
const PARAMETER: &str = "options";

/// How long a connection that resumes waits between two attempts, where that is not said.
const MAX_DELAY: c_int = 10_000;

/// All that was given.
#[derive(Default)]
struct Settings {
    options: Options,
    credentials: Credentials,
    timeout: Option<Duration>,
    keep_alive: Option<(c_int, c_uint)>,
    resume: Option<Resume>,
    /// The types of credentials that the program gives when it is asked.
    types: Option<Vec<c_int>>,
    /// In ms.
    call_timeout: Option<u32>,
    max_calls: Option<u32>,
}

struct Resume {
    max_delay: c_int,
    /// The handle of the queue that is told.
    queue: Option<usize>,
}

/// Reads the value of an option.
type Reader = fn(&mut Settings, &Given) -> Result<()>;

/// The options, in the order in which messages name them.
const TABLE: &[(&str, Reader)] = &[
    ("uri", |settings, given| {
        settings.options.uri = Some(c_text(given)?);
        Ok(())
    }),
    ("flags", |settings, given| {
        settings.options.flags = given.integer(0, c_uint::MAX.into())? as c_uint;
        Ok(())
    }),
    ("timeout_ms", |settings, given| {
        let ms = given.integer(0, u32::MAX.into())? as u64;
        settings.timeout = (ms > 0).then(|| Duration::from_millis(ms));
        Ok(())
    }),
    ("call_timeout_ms", |settings, given| {
        settings.call_timeout = Some(given.integer(0, u32::MAX.into())? as u32);
        Ok(())
    }),
    ("max_calls", |settings, given| {
        settings.max_calls = Some(given.integer(1, MOST_CALLS.into())? as u32);
        Ok(())
    }),
    ("keepalive", |settings, given| {
        settings.keep_alive = Some(keep_alive(given)?);
        Ok(())
    }),
    ("resume", |settings, given| {
        settings.resume = resume(given)?;
        Ok(())
    }),
    ("reopen_after_fork", |settings, given| {
        settings.options.reopens_in_children = Some(given.truth()?);
        Ok(())
    }),
    ("username", |settings, given| {
        settings.credentials.username = Some(secret(given)?);
        Ok(())
    }),
    ("password", |settings, given| {
        settings.credentials.password = Some(secret(given)?);
        Ok(())
    }),
    ("credtypes", |settings, given| {
        settings.types = Some(integers(given)?);
        Ok(())
    }),
    ("keep_credentials", |settings, given| {
        settings.options.keeps_credentials = given.truth()?;
        Ok(())
    }),
];

/// A connection that is about to be opened.
pub struct Prepared {
    begin: Instant,
    options: Options,
    timeout: Option<Duration>,
    keep_alive: Option<(c_int, c_uint)>,
    resume: Option<Resume>,
    call_timeout: Option<u32>,
    max_calls: Option<u32>,
}

/// Reads the options. Time runs from here on.
pub fn prepare(options: &Value) -> Result<Prepared> {
    let begin = Instant::now();
    let Settings {
        mut options,
        credentials,
        timeout,
        keep_alive,
        resume,
        types,
        call_timeout,
        max_calls,
    } = read(options)?;
    let has_credentials = credentials.username.is_some() || credentials.password.is_some();
    if let Some(types) = types {
        options.asked = Some(asked(types, has_credentials)?);
    }
    if has_credentials {
        options.credentials = Some(Arc::new(credentials));
    } else if options.keeps_credentials {
        return Err(wrong(
            "\"keep_credentials\": there is no \"username\" or \"password\" to keep",
        ));
    }
    options.patience = timeout;
    if let Some(resume) = &resume {
        check(resume, &options)?;
    }
    Ok(Prepared { begin, options, timeout, keep_alive, resume, call_timeout, max_calls })
}

impl Prepared {
    /// Opens the connection; gives its handle.
    pub fn run(self) -> Result<usize> {
        let conn = match self.timeout {
            None => event::open(self.options),
            Some(timeout) => event::open_bounded(self.options, Limit::since(self.begin, timeout)),
        }?;
        if let Some((interval, count)) = self.keep_alive {
            conn.set_keep_alive(interval, count).map_err(event::explain_keep_alive)?;
        }
        let bounded = self.call_timeout.is_some() || self.max_calls.is_some();
        if let Some(lane) = if bounded { conn.lane()? } else { None } {
            lane.set_timeout_ms(self.call_timeout.unwrap_or(0));
            if let Some(count) = self.max_calls {
                lane.set_max_calls(count);
            }
        }
        let id = handle::insert(conn)?;
        if let Some(resume) = &self.resume {
            enable(resume, id).inspect_err(|_| {
                handle::release::<Conn>(id);
            })?;
        }
        Ok(id)
    }
}

/// Refuses, before a connection is opened, what could not resume.
fn check(resume: &Resume, options: &Options) -> Result<()> {
    if options.asked.is_some() {
        return Err(wrong(
            "\"resume\": opens the connection again, and needs \"username\" and \"password\" instead \
             of \"credtypes\"",
        ));
    }
    if options.credentials.is_some() && !options.keeps_credentials {
        return Err(wrong(
            "\"resume\": needs \"keep_credentials\" as well, for it opens the connection again with \
             \"username\" and \"password\"",
        ));
    }
    match resume.queue {
        Some(queue) => handle::get::<EventQueue>(queue, PARAMETER).map(drop),
        None => Ok(()),
    }
}

/// The program that has started this call is asked.
fn asked(types: Vec<c_int>, has_credentials: bool) -> Result<Asked> {
    if has_credentials {
        return Err(wrong("\"credtypes\": is given with \"username\" or \"password\""));
    }
    let ask = calls::asker().ok_or_else(|| {
        wrong(
            "\"credtypes\": is for calls that vkvm_call_start has started; use vkvm_conn_open_auth, \
             which takes a callback",
        )
    })?;
    Ok(Asked::Program(types, Arc::from(ask)))
}

fn enable(resume: &Resume, id: usize) -> Result<()> {
    let conn = handle::get::<Conn>(id, "conn")?;
    match resume.queue {
        None => event::enable_resume(&conn, id, resume.max_delay, Listener::new(|_| ())),
        Some(queue) => {
            handle::get::<EventQueue>(queue, PARAMETER)?.register(id, None, |listener| {
                event::enable_resume(&conn, id, resume.max_delay, listener)
            })
        }
    }
}

fn read(options: &Value) -> Result<Settings> {
    let mut settings = Settings::default();
    let map = match options {
        Value::Null => return Ok(settings),
        Value::Map(map) => map,
        other => {
            let reason = format!("is {}; a map of options is needed", other.kind().phrase());
            return Err(Misuse::Invalid { parameter: PARAMETER, reason }.into());
        }
    };
    each(map, "", TABLE, |read, given| read(&mut settings, given))?;
    Ok(settings)
}

/// Reads each entry of a map by the table of those that there are. A null is as good as none.
fn each<R: Copy>(
    map: &Map,
    within: &str,
    table: &[(&str, R)],
    mut read: impl FnMut(R, &Given) -> Result<()>,
) -> Result<()> {
    for (name, value) in map.iter() {
        let name = format!("{within}{name}");
        let is_this = |row: &&(&str, R)| name.strip_prefix(within) == Some(row.0);
        let Some((_, reader)) = table.iter().find(is_this) else {
            let names: Vec<_> =
                table.iter().map(|(name, _)| format!("\"{within}{name}\"")).collect();
            let names = names.join(", ");
            return Err(wrong(&format!("there is no option \"{name}\"; there are {names}")));
        };
        if !matches!(value, Value::Null) {
            read(*reader, &Given { parameter: PARAMETER, name: &name, value })?;
        }
    }
    Ok(())
}

fn keep_alive(given: &Given) -> Result<(c_int, c_uint)> {
    const TABLE: &[(&str, bool)] = &[("interval", true), ("count", false)];
    let (mut interval, mut count) = (None, None);
    each(map(given)?, "keepalive.", TABLE, |is_interval, given| {
        match is_interval {
            true => interval = Some(given.integer(-1, c_int::MAX.into())? as c_int),
            false => count = Some(given.integer(0, c_uint::MAX.into())? as c_uint),
        }
        Ok(())
    })?;
    match (interval, count) {
        (Some(interval), Some(count)) => Ok((interval, count)),
        _ => Err(given.wrong("has to have \"interval\", in seconds, and \"count\"")),
    }
}

/// True, or a map with more.
fn resume(given: &Given) -> Result<Option<Resume>> {
    let mut resume = Resume { max_delay: MAX_DELAY, queue: None };
    if !matches!(given.value, Value::Map(_)) {
        return Ok(given.truth()?.then_some(resume));
    }
    const TABLE: &[(&str, bool)] = &[("max_delay_ms", true), ("queue", false)];
    each(map(given)?, "resume.", TABLE, |is_delay, given| {
        match (is_delay, given.value) {
            (true, _) => resume.max_delay = given.integer(100, c_int::MAX.into())? as c_int,
            (false, Value::Handle(queue)) => resume.queue = Some(queue.id()),
            (false, _) => return Err(given.needs("a handle of an event queue")),
        }
        Ok(())
    })?;
    Ok(Some(resume))
}

fn wrong(reason: &str) -> Error {
    Misuse::Invalid { parameter: PARAMETER, reason: reason.to_owned() }.into()
}

fn integers(given: &Given) -> Result<Vec<c_int>> {
    let Value::List(items) = given.value else { return Err(given.needs("a list of integers")) };
    let item = |value| Given { value, ..*given }.integer(c_int::MIN.into(), c_int::MAX.into());
    let items = items.iter().map(|value| item(value).map(|number| number as c_int));
    memory::collect(items, PARAMETER)
}

fn map<'v>(given: &Given<'v>) -> Result<&'v Map> {
    match given.value {
        Value::Map(map) => Ok(map),
        _ => Err(given.needs("a map")),
    }
}

/// Text; bytes may be text as well.
fn text<'v>(given: &Given<'v>) -> Result<&'v str> {
    let text = match given.value {
        Value::String(text) => text,
        Value::Bytes(bytes) => {
            std::str::from_utf8(bytes).map_err(|_| given.wrong("is not valid UTF-8"))?
        }
        _ => return Err(given.needs("text")),
    };
    match text.find('\0') {
        None => Ok(text),
        Some(at) => Err(given.wrong(&format!("has a NUL byte at offset {at}"))),
    }
}

fn c_text(given: &Given) -> Result<CString> {
    // It has no NUL.
    Ok(CString::new(text(given)?).unwrap_or_default())
}

/// A copy that is overwritten at the end. In Perl a number is text.
fn secret(given: &Given) -> Result<Zeroizing<String>> {
    match given.value {
        Value::Int(number) => return Ok(Zeroizing::new(number.to_string())),
        Value::Uint(number) => return Ok(Zeroizing::new(number.to_string())),
        _ => {}
    }
    memory::secret_text(text(given)?, PARAMETER)
}
