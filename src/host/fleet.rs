// SPDX-License-Identifier: LGPL-2.1-or-later
//! Many hosts: one command for all of them at once.
//!
//! What a host is to do is an *errand*, which a thread of the pool that makes calls goes on;
//! only so many hosts are at work at once. A host does one thing after the other: what it is
//! not ready for waits at the host, without a thread. A caller waits for the answers until
//! its deadline and no longer. Then it gives up its errands: an opening is ended; what libvirt
//! is at goes on, and no longer counts among those at work; what has not begun never does.

use std::collections::{HashSet, VecDeque};
use std::ffi::{CStr, CString};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::frame::failure::Failure;
use super::frame::rules;
use super::metrics::Format as MetricsFormat;
use super::{Host, metrics, table};
use crate::calls::{self, GivenUp, Group, State, Via, Work};
use crate::constants as c;
use crate::core::conn::Options;
use crate::core::conn::bounded::Openings;
use crate::core::limit::Limit;
use crate::core::{Again, sigpipe};
use crate::error::{Error, Misuse, Result, caught};
use crate::event;
use crate::fork::{self, lock};
use crate::value::{Map, Value};

/// How many hosts are at work at once, unless the program says otherwise.
const LIMIT: usize = 64;

/// The most that can be asked for.
pub const MOST_AT_ONCE: u32 = 1024;

/// Hosts that commands go to together.
pub struct Fleet {
    members: Vec<Arc<Member>>,
    group: Arc<Group>,
    /// The process whose connections they are.
    generation: u32,
}

/// Its connections are the parent's.
impl Again for Fleet {
    fn again(&self) -> Result<Option<Self>> {
        Ok(None)
    }
}

struct Member {
    uri: CString,
    state: Mutex<Status>,
    /// How many calls for its metrics are stuck.
    stuck: metrics::Stuck,
}

/// How a host is.
#[derive(Default)]
struct Status {
    /// Its connection, unless it is at work with it.
    host: Option<Host>,
    open: bool,
    /// Its own name, once it was open.
    name: Option<String>,
    /// Why it is not open.
    error: Option<Value>,
    /// Whether an errand is under way: it runs, or has its turn when there is a thread.
    busy: bool,
    /// Whether the last errand was given up.
    was_late: bool,
    /// Errands that wait until the one that is under way is over.
    waiting: VecDeque<Arc<Errand>>,
    /// Whether the fleet is gone.
    gone: bool,
}

/// A command with its arguments, which may be secret.
struct Command {
    name: Box<str>,
    args: Zeroizing<Value>,
}

/// Something for a host to do.
struct Errand {
    member: Arc<Member>,
    via: Via,
    limit: Limit,
    /// Its opening, which ends with it.
    openings: Arc<Openings>,
    state: State<Job, Answer>,
}

fn passed(what: String, limit: Limit) -> Error {
    Misuse::TimedOut { what, ms: limit.ms() }.into()
}

enum Job {
    Run(Arc<Command>),
    /// Only to be open.
    Open,
    /// Asked for its metrics, in which it is called like this.
    Gather(Arc<str>),
    /// Closed where it may take its time.
    Close(Host),
}

/// What an errand has come to, until it is taken.
type Answer = Mutex<Option<Result<Value>>>;

/// What all hosts have answered.
struct Answers {
    results: Vec<Result<Value>>,
    /// Why the first one could not even begin.
    refused: Option<Error>,
}

impl Fleet {
    /// Opens hosts, many at once. Those that are not open after `timeout` may be
    /// later: each command tries again.
    pub fn open(uris: &[&CStr], timeout: Duration) -> Result<Self> {
        if uris.is_empty() {
            let reason = "is empty; at least one URI is needed".to_owned();
            return Err(Misuse::Invalid { parameter: "uris", reason }.into());
        }
        let fleet = Fleet {
            members: uris.iter().map(|uri| Arc::new(Member::new(uri))).collect(),
            group: Arc::new(Group::new(LIMIT)),
            generation: fork::generation(),
        };
        // Each host keeps its own failure to open.
        match fleet.ask(|_| Job::Open, timeout).refused {
            None => Ok(fleet),
            Some(error) => Err(error),
        }
    }

    /// How many hosts are at work at once.
    pub fn limit(&self) -> usize {
        self.group.limit()
    }

    /// Sets how many hosts are at work at once.
    pub fn set_limit(&self, limit: usize) {
        calls::set_limit(&self.group, limit);
    }

    /// The hosts, in the order of their URIs: see `vkvm_fleet_get_hosts`.
    pub fn hosts(&self) -> Value {
        Value::List(self.members.iter().map(|member| member.describe()).collect())
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
        Ok(Value::List(self.members().zip(results).map(describe).collect()))
    }

    /// The domains of all hosts in one list: see `vkvm_fleet_list_domains`.
    pub fn list_domains(&self, given: &Value, timeout: Duration) -> Result<Value> {
        let (mut domains, mut errors) = (Vec::new(), Vec::new());
        for (member, result) in self.members().zip(self.results("list_domains", given, timeout)?) {
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
                Err(error) => errors.push(member.failure(&error)),
            }
        }
        let mut map = Map::with_capacity(2);
        map.push_new("domains", Value::List(domains));
        map.push_new("errors", Value::List(errors));
        Ok(Value::Map(map))
    }

    /// The metrics of all hosts as one text: see `vkvm_fleet_get_metrics`.
    pub fn metrics(&self, format: MetricsFormat, timeout: Duration) -> Result<Value> {
        let begun = Instant::now();
        let labels = metrics::labels(self.members.iter().map(|member| member.uri()));
        let answers = self.ask(|place| Job::Gather(Arc::clone(&labels[place])), timeout).results;
        let (mut hosts, mut errors) = (Vec::new(), Vec::new());
        let mut told = HashSet::new();
        for ((member, label), answer) in self.members().zip(&labels).zip(answers) {
            let host = answer.unwrap_or_else(|error| {
                errors.push(member.failure(&error));
                metrics::missing(label, begun.elapsed()).into_value()
            });
            // A URI may be there twice; no sample may.
            if told.insert(label) {
                hosts.push(host);
            }
        }
        let mut map = Map::with_capacity(2);
        map.push_new("text", metrics::write(&hosts, format));
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
        let command =
            Arc::new(Command { name: command.into(), args: Zeroizing::new(given.clone()) });
        Ok(self.ask(|_| Job::Run(Arc::clone(&command)), timeout).results)
    }

    /// Has all hosts do something, and waits for their answers.
    fn ask(&self, job: impl Fn(usize) -> Job, timeout: Duration) -> Answers {
        let limit = Limit::new(timeout);
        let errands: Vec<_> = self
            .members
            .iter()
            .enumerate()
            .map(|(place, member)| self.errand(member, limit, job(place)))
            .collect();
        // Those that gave no answer the last time may keep a place until the deadline.
        let (late, well): (Vec<_>, Vec<_>) =
            errands.iter().partition(|errand| lock(&errand.member.state).was_late);
        let mut refused = None;
        for errand in well.into_iter().chain(late) {
            if let Err(error) = errand.member.add(errand) {
                refused.get_or_insert(error);
            }
        }
        let given_up: Vec<_> = errands.iter().map(Arc::downgrade).collect();
        calls::when_abandoned(move || {
            for errand in given_up.iter().filter_map(Weak::upgrade) {
                errand.give_up("the call was given up");
            }
        });
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| {
            for errand in &errands {
                errand.state.wait(limit.deadline());
            }
        });
        // First what has not begun: it shall not take the places of the others.
        for has_begun in [false, true] {
            for errand in &errands {
                if errand.state.has_begun() == Some(has_begun) {
                    let error = errand.late(self.limit());
                    Arc::clone(errand).end(error);
                }
            }
        }
        let results = errands.iter().map(|errand| errand.answer()).collect();
        Answers { results, refused }
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().map(|member| &**member)
    }

    fn errand(&self, member: &Arc<Member>, limit: Limit, job: Job) -> Arc<Errand> {
        Arc::new(Errand {
            member: Arc::clone(member),
            via: Via::Group(Arc::clone(&self.group)),
            limit,
            openings: Arc::default(),
            state: State::new(job),
        })
    }
}

/// A connection whose daemon does not answer is not closed at once, and not by who frees the
/// fleet.
impl Drop for Fleet {
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            // They are the parent's, and so may be what was locked while it forked.
            std::mem::forget(std::mem::take(&mut self.members));
            return;
        }
        for member in &self.members {
            let host = {
                let mut status = lock(&member.state);
                status.gone = true;
                status.host.take()
            };
            if let Some(host) = host {
                // Without a thread it is closed here.
                let _ = calls::submit(self.errand(member, Limit::default(), Job::Close(host)));
            }
        }
    }
}

impl Errand {
    /// What it has come to; taken once, by who has waited for it.
    fn answer(&self) -> Result<Value> {
        let answer = self.state.result(|answer| lock(answer).take()).flatten();
        answer.unwrap_or_else(|| {
            Err(Misuse::Internal { what: "an errand without an answer".to_owned() }.into())
        })
    }

    /// The error of one that is given up, where so many hosts are at work at once.
    fn late(self: &Arc<Self>, at_once: usize) -> Error {
        let uri = self.member.uri();
        let status = lock(&self.member.state);
        let is_behind = status.waiting.iter().any(|other| Arc::ptr_eq(other, self));
        let what = if self.state.has_begun() == Some(false) && !is_behind {
            format!("{uri} had no turn, with {at_once} hosts at work at once,")
        } else if status.open {
            format!("{uri} was not answered")
        } else {
            format!("{uri} was not opened")
        };
        passed(what, self.limit)
    }

    /// Gives it up, unless it is done.
    fn end(self: Arc<Self>, error: Error) {
        let shown = Value::from(&error);
        match self.state.give_up(Mutex::new(Some(Err(error)))) {
            GivenUp::TooLate(_) => {}
            GivenUp::NotBegun(job) => {
                drop(job);
                self.member.was_late(shown);
                self.member.forget(&self);
            }
            GivenUp::Abandoned => {
                self.member.was_late(shown);
                calls::abandon(&(Arc::clone(&self) as Arc<dyn Work>));
                self.openings.give_up();
            }
        }
    }
}

impl Work for Errand {
    fn via(&self) -> &Via {
        &self.via
    }

    fn make(self: Arc<Self>) {
        let Some(job) = self.state.begin() else {
            return;
        };
        let run = || self.openings.run(|| self.member.run(job, self.limit));
        let result = caught("a command of a fleet", run);
        // First, so that the host is not busy any more for who is told.
        self.member.go_on();
        drop(self.state.finish(Mutex::new(Some(result))));
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn give_up(self: Arc<Self>, why: &'static str) {
        self.end(Misuse::GivenUp { function: "vkvm_fleet_call", why }.into());
    }
}

impl Member {
    fn new(uri: &CStr) -> Self {
        Member { uri: uri.to_owned(), state: Mutex::default(), stuck: Arc::default() }
    }

    fn uri(&self) -> String {
        self.uri.to_string_lossy().into_owned()
    }

    /// The beginning of a map about this host.
    fn head(&self, capacity: usize) -> Map {
        let mut map = Map::with_capacity(capacity);
        map.push_new("uri", self.uri());
        map.push_new("host", lock(&self.state).name.clone());
        map
    }

    /// A map of why this host has given nothing.
    fn failure(&self, error: &Error) -> Value {
        let mut row = self.head(3);
        row.push_new("error", error);
        Value::Map(row)
    }

    fn describe(&self) -> Value {
        let mut map = self.head(4);
        let status = lock(&self.state);
        let state = match (status.open, status.busy) {
            (true, true) => "busy",
            (true, false) => "open",
            (false, true) if status.error.is_none() => "busy",
            (false, _) => "failed",
        };
        map.push_new("state", state);
        map.push_new("error", status.error.clone().unwrap_or(Value::Null));
        Value::Map(map)
    }

    // Who has set `busy` sees to it that the errand under way is followed by the next one: the
    // thread that runs it when it is over, or who gives it up before it has begun.

    /// Has the host do the errand when it is ready.
    fn add(&self, errand: &Arc<Errand>) -> Result<()> {
        {
            let mut status = lock(&self.state);
            if status.busy {
                status.waiting.push_back(Arc::clone(errand));
                return Ok(());
            }
            status.busy = true;
        }
        calls::submit(Arc::clone(errand) as Arc<dyn Work>)
    }

    /// The errand under way is over.
    fn go_on(&self) {
        let next = {
            let mut status = lock(&self.state);
            let next = status.waiting.pop_front();
            status.busy = next.is_some();
            next
        };
        if let Some(next) = next {
            // Where there is no thread, the errand was given up, which its answer says.
            let _ = calls::submit(next);
        }
    }

    /// An errand was given up before it had begun.
    fn forget(&self, errand: &Arc<Errand>) {
        let waited = {
            let mut status = lock(&self.state);
            let place = status.waiting.iter().position(|other| Arc::ptr_eq(other, errand));
            place.and_then(|place| status.waiting.remove(place))
        };
        if waited.is_none() {
            self.go_on();
        }
    }

    /// An errand was given up.
    fn was_late(&self, error: Value) {
        let mut status = lock(&self.state);
        status.was_late = true;
        if !status.open {
            status.error = Some(error);
        }
    }

    fn run(&self, job: Job, limit: Limit) -> Result<Value> {
        if let Job::Close(host) = job {
            drop(host);
            return Ok(Value::Null);
        }
        let mut host = self.open(limit)?;
        let result = match job {
            Job::Run(command) => host.call(&command.name, &command.args, None),
            Job::Gather(label) => self.gather(&mut host, &label, limit),
            Job::Open | Job::Close(_) => Ok(Value::Null),
        };
        self.put_back(host);
        result
    }

    fn gather(&self, host: &mut Host, label: &str, limit: Limit) -> Result<Value> {
        let open = || self.open_anew(limit);
        let mut lines = metrics::gather(host, open, &self.stuck, label, limit.rest())?;
        let name = lock(&self.state).name.clone();
        metrics::identify(&mut lines, label, &self.uri(), name.as_deref());
        Ok(lines.into_value())
    }

    fn put_back(&self, host: Host) {
        let mut status = lock(&self.state);
        status.was_late = false;
        if status.gone {
            drop(status);
            // Here it may take its time.
            drop(host);
        } else {
            status.host = Some(host);
        }
    }

    /// The host, opened anew if its connection has ended.
    fn open(&self, limit: Limit) -> Result<Host> {
        let host = lock(&self.state).host.take();
        if let Some(host) = host {
            if host.conn.is_alive().unwrap_or(false) {
                return Ok(host);
            }
            drop(host);
        }
        {
            let mut status = lock(&self.state);
            status.open = false;
            status.error = None;
        }
        let opened = self.open_anew(limit);
        let is_late = matches!(&opened, Err(error) if error.details().code == c::ERROR_OWN_TIMEOUT);
        let opened = match is_late {
            // As of one that is given up by who waits for it, perhaps in this moment.
            true => Err(passed(format!("{} was not opened", self.uri()), limit)),
            false => opened,
        };
        // Asked for without the lock: this, too, may take its time.
        let name = opened.as_ref().ok().and_then(|host| host.conn.get_hostname().ok());
        let mut status = lock(&self.state);
        status.open = opened.is_ok();
        status.error = opened.as_ref().err().map(Value::from);
        status.was_late = is_late;
        if let Some(name) = name {
            status.name = Some(name.to_string_lossy().into_owned());
        }
        drop(status);
        opened
    }

    fn open_anew(&self, limit: Limit) -> Result<Host> {
        let options = Options { uri: Some(self.uri.clone()), ..Options::default() };
        event::open_bounded(options, limit).map(|conn| Host { conn })
    }
}
