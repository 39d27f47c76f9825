//! Many hosts: one command for all of them at once.
//!
//! Each host has a thread of its own, which owns its connection and does one thing
//! after the other. A caller waits for the answers until its deadline and no
//! longer: a host that hangs holds up its own thread and nobody else. What it
//! answers too late goes nowhere, and what had to wait behind that is not begun.

use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::frame::failure::Failure;
use super::frame::rules;
use super::{Host, table};
use crate::core::{Again, thread};
use crate::error::{Error, Misuse, Result};
use crate::fork::lock;
use crate::value::{Map, Value};

/// Hosts that commands go to together.
pub struct Fleet {
    members: Vec<Member>,
}

/// Its threads are the parent's.
impl Again for Fleet {
    fn again(&self) -> Result<Option<Self>> {
        Ok(None)
    }
}

struct Member {
    uri: CString,
    status: Arc<Mutex<Status>>,
    jobs: Sender<Job>,
}

/// What is known of a host from outside its thread.
#[derive(Default)]
struct Status {
    open: bool,
    /// Its own name, once it was open.
    name: Option<String>,
    /// Whether it is at work.
    busy: bool,
    /// Why it is not open.
    error: Option<Value>,
}

/// Something for a host to do: a command, or only to be open.
struct Job {
    member: usize,
    /// Its arguments may be secret.
    command: Option<(Arc<str>, Zeroizing<Value>)>,
    answer: Sender<(usize, Result<Value>)>,
    /// Whether the caller has stopped waiting.
    abandoned: Arc<AtomicBool>,
}

impl Fleet {
    /// Opens hosts, all at once. Those that are not open after `timeout` may be
    /// later: each command tries again.
    pub fn open(uris: &[&CStr], timeout: Duration) -> Result<Self> {
        if uris.is_empty() {
            let reason = "is empty; at least one URI is needed".to_owned();
            return Err(Misuse::Invalid { parameter: "uris", reason }.into());
        }
        let members = uris.iter().map(|uri| Member::new(uri)).collect::<Result<_>>()?;
        let fleet = Fleet { members };
        // Each host keeps its own failure to open.
        let _ = fleet.ask(None, timeout);
        Ok(fleet)
    }

    /// The hosts, in the order of their URIs: see `vkvm_fleet_get_hosts`.
    pub fn hosts(&self) -> Value {
        let describe = |member: &Member| {
            let status = lock(&member.status);
            let state = match (status.open, status.busy) {
                (_, true) => "busy",
                (true, false) => "open",
                (false, false) => "failed",
            };
            let mut map = Map::with_capacity(4);
            map.push_new("uri", member.uri());
            map.push_new("host", status.name.clone());
            map.push_new("state", state);
            map.push_new("error", status.error.clone().unwrap_or(Value::Null));
            Value::Map(map)
        };
        Value::List(self.members.iter().map(describe).collect())
    }

    /// Runs a command on all hosts and waits for each until `timeout` is over: see
    /// `vkvm_fleet_call`.
    pub fn call(&self, command: &str, given: &Value, timeout: Duration) -> Result<Value> {
        let results = self.results(command, given, timeout)?;
        let describe = |(member, result): (&Member, Result<Value>)| {
            let mut map = member.head(4);
            match result {
                Ok(result) => map.push_new("result", result),
                Err(error) => map.push_new("error", &error),
            }
            Value::Map(map)
        };
        Ok(Value::List(self.members.iter().zip(results).map(describe).collect()))
    }

    /// The domains of all hosts in one list: see `vkvm_fleet_list_domains`.
    pub fn list_domains(&self, given: &Value, timeout: Duration) -> Result<Value> {
        let (mut domains, mut errors) = (Vec::new(), Vec::new());
        for (member, result) in
            self.members.iter().zip(self.results("list_domains", given, timeout)?)
        {
            match result {
                Ok(Value::Map(listed)) => {
                    domains.extend(listed.into_iter().map(|(name, facts)| {
                        let mut row = member.head(6);
                        row.push_new("name", &*name);
                        if let Value::Map(facts) = facts {
                            facts.into_iter().for_each(|(key, fact)| row.push_new(key, fact));
                        }
                        Value::Map(row)
                    }));
                }
                Ok(_) => {}
                Err(error) => {
                    let mut row = member.head(3);
                    row.push_new("error", &error);
                    errors.push(Value::Map(row));
                }
            }
        }
        let mut map = Map::with_capacity(2);
        map.push_new("domains", Value::List(domains));
        map.push_new("errors", Value::List(errors));
        Ok(Value::Map(map))
    }

    /// What each host answers. A command or an argument that does not exist is no
    /// host's fault, but the caller's, and so are arguments of a query that do not go
    /// together. Of other commands the result of each host says that.
    fn results(
        &self,
        command: &str,
        given: &Value,
        timeout: Duration,
    ) -> Result<Vec<Result<Value>>> {
        let row = table::find(command)?;
        let args = row.bind(given)?;
        if !row.shape.can_hold_failure() {
            rules::check(&args).map_err(Failure::into_error)?;
        }
        Ok(self.ask(Some((command.into(), given)), timeout))
    }

    fn ask(&self, command: Option<(Arc<str>, &Value)>, timeout: Duration) -> Vec<Result<Value>> {
        let begin = Instant::now();
        let abandoned = Arc::new(AtomicBool::new(false));
        let (answer, answers) = channel();
        for (i, member) in self.members.iter().enumerate() {
            let command = command
                .as_ref()
                .map(|(name, args)| (Arc::clone(name), Zeroizing::new((*args).clone())));
            let job = Job {
                member: i,
                command,
                answer: answer.clone(),
                abandoned: Arc::clone(&abandoned),
            };
            // It fails when the thread is gone, which then answers nothing.
            let _ = member.jobs.send(job);
        }
        drop(answer);
        let mut results: Vec<_> = self.members.iter().map(|_| None).collect();
        let mut missing = results.len();
        while missing > 0 {
            match answers.recv_timeout(timeout.saturating_sub(begin.elapsed())) {
                Ok((member, result)) => {
                    results[member] = Some(result);
                    missing -= 1;
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        abandoned.store(true, Ordering::Relaxed);
        let or_late = |(member, result): (&Member, Option<_>)| {
            result.unwrap_or_else(|| Err(member.late(timeout)))
        };
        self.members.iter().zip(results).map(or_late).collect()
    }
}

impl Member {
    fn new(uri: &CStr) -> Result<Self> {
        let (jobs, queue) = channel();
        let status = Arc::new(Mutex::new(Status::default()));
        let worker = Worker { uri: uri.to_owned(), status: Arc::clone(&status), host: None };
        thread::spawn("vkvm-fleet", move || worker.work(&queue))?;
        Ok(Member { uri: uri.to_owned(), status, jobs })
    }

    fn uri(&self) -> String {
        self.uri.to_string_lossy().into_owned()
    }

    /// The beginning of a map about this host.
    fn head(&self, capacity: usize) -> Map {
        let mut map = Map::with_capacity(capacity);
        map.push_new("uri", self.uri());
        map.push_new("host", lock(&self.status).name.clone());
        map
    }

    fn late(&self, timeout: Duration) -> Error {
        let status = lock(&self.status);
        let doing = if status.open { "answered" } else { "opened" };
        Misuse::TimedOut {
            what: format!("{} was not {doing}", self.uri()),
            ms: timeout.as_millis() as u64,
        }
        .into()
    }
}

/// The thread of a host.
struct Worker {
    uri: CString,
    status: Arc<Mutex<Status>>,
    host: Option<Host>,
}

impl Worker {
    /// Does what comes, until the fleet is gone.
    fn work(mut self, queue: &Receiver<Job>) {
        for job in queue {
            if job.abandoned.load(Ordering::Relaxed) {
                continue;
            }
            lock(&self.status).busy = true;
            let result = self.run(job.command.as_ref());
            lock(&self.status).busy = false;
            // It fails when the caller has stopped waiting.
            let _ = job.answer.send((job.member, result));
        }
    }

    fn run(&mut self, command: Option<&(Arc<str>, Zeroizing<Value>)>) -> Result<Value> {
        let host = self.open()?;
        match command {
            Some((name, args)) => host.call(name, args, None),
            None => Ok(Value::Null),
        }
    }

    /// The host, opened anew if its connection has ended.
    fn open(&mut self) -> Result<&Host> {
        let alive = self.host.take().filter(|host| host.conn.is_alive().unwrap_or(false));
        let host = match alive {
            Some(host) => host,
            None => {
                lock(&self.status).open = false;
                let opened = Host::open(Some(&self.uri));
                // Asked for without the lock: this, too, may take its time.
                let name = opened.as_ref().ok().and_then(|host| host.conn.get_hostname().ok());
                let mut status = lock(&self.status);
                status.open = opened.is_ok();
                status.error = opened.as_ref().err().map(Value::from);
                if let Some(name) = name {
                    status.name = Some(name.to_string_lossy().into_owned());
                }
                drop(status);
                opened?
            }
        };
        Ok(self.host.insert(host))
    }
}
