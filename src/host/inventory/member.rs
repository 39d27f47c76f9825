// SPDX-License-Identifier: LGPL-2.1-or-later
//! A host of an inventory: what there is to ask of it, one visit after the other.
//!
//! Whatever happens leaves a note under the host's own lock, which is held for moments: an
//! event, a timer, a wish of the program's. If no visit is under way, one begins, on a thread of
//! the pool; it takes the notes that there are then, and asks. What is noted meanwhile is for
//! the next one. So what arrives in a storm is asked for together, and nothing is missed: what
//! was noted before a question is in its answer.

use std::ffi::CString;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::aside;
use super::ask::{Asker, Touched};
use super::documents::Documents;
use super::duty::{Duty, Unit};
use super::errand::{Errand, Visited};
use super::host_rows::Said;
use super::link::{Ear, Heard, Link};
use super::picture::{Picture, Report};
use super::row::{Key, Kind, Row};
use super::settings::Settings;
use super::tickets::Begun;
use crate::calls::{self, Group, Late, Timer, Via, Work};
use crate::core::limit::Limit;
use crate::core::{Conn, Text};
use crate::error::{Error, Misuse, Result};
use crate::event;
use crate::fork::lock;

/// How long after a host was lost it is tried again; then after twice as long, and so on.
const FIRST_DELAY: Duration = Duration::from_millis(100);

/// The longest.
const MOST_DELAY: Duration = Duration::from_secs(30);

/// From so many domains on, of which something has happened, all are asked for together.
const MANY: usize = 32;

/// With so many visits that libvirt does not return from, a host is asked only for what does
/// not ask its guests.
const STUCK: usize = 3;

/// With so many it is not asked at all.
const MOST_STUCK: usize = 8;

/// What all hosts of an inventory share.
pub struct Common {
    /// The options.
    pub settings: Settings,
    /// The rows.
    pub picture: Arc<Picture>,
    /// The documents that were asked for.
    pub documents: Documents,
    /// The visits.
    pub group: Arc<Group>,
    /// What is asked beside them.
    pub aside: Arc<Group>,
    /// What ends connections.
    pub closing: Arc<Group>,
}

/// Where a host's connections come from.
pub enum Source {
    /// They are opened.
    Uri(CString),
    /// It is the program's.
    Conn(Conn),
}

/// A host.
pub struct Member {
    me: Weak<Member>,
    place: usize,
    uri: Arc<str>,
    source: Source,
    common: Arc<Common>,
    duty: Mutex<Duty>,
    /// How many visits were given up and are not back.
    stuck: AtomicUsize,
    /// Whether a visit was ever given up at a call. Documents take a call more from then on.
    is_wary: AtomicBool,
    /// Whether its statistics lack sizes.
    lacks_sizes: AtomicBool,
    look: Arc<Alarm>,
    hold: Arc<Alarm>,
}

/// A timer of a host's.
struct Alarm {
    member: Weak<Member>,
    is_hold: bool,
}

impl Late for Alarm {
    fn is_late(self: Arc<Self>) {
        let Some(member) = self.member.upgrade() else {
            return;
        };
        {
            let mut duty = lock(&member.duty);
            match self.is_hold {
                true => duty.is_held = false,
                false => {
                    duty.timer = None;
                    match duty.link {
                        Some(_) => duty.full = true,
                        None => duty.is_due = true,
                    }
                }
            }
        }
        member.go_on();
    }
}

impl Member {
    /// A host that has not been asked for anything.
    pub fn new(place: usize, uri: Arc<str>, source: Source, common: Arc<Common>) -> Arc<Self> {
        Arc::new_cyclic(|me| {
            let alarm = |is_hold| Arc::new(Alarm { member: Weak::clone(me), is_hold });
            Member {
                me: Weak::clone(me),
                place,
                uri,
                source,
                common,
                duty: Mutex::new(Duty::new()),
                stuck: AtomicUsize::new(0),
                is_wary: AtomicBool::new(false),
                lacks_sizes: AtomicBool::new(false),
                look: alarm(false),
                hold: alarm(true),
            }
        })
    }

    /// Begins a visit, if there is something to do and none is under way.
    pub fn go_on(&self) {
        let Some(me) = self.me.upgrade() else {
            return;
        };
        let errand = {
            let mut duty = lock(&self.duty);
            if duty.errand.is_some() || !duty.has_work() {
                return;
            }
            let via = Via::Group(Arc::clone(&self.common.group));
            let errand = Errand::new(me, via, self.common.settings.timeout);
            duty.errand = Some(Arc::clone(&errand));
            errand
        };
        // Where there is no thread for it, it was given up.
        let _ = calls::submit(errand as Arc<dyn Work>);
    }

    /// All rows are to be compared; without a connection, it is tried at once.
    pub fn refresh(&self) {
        {
            let mut duty = lock(&self.duty);
            duty.full = true;
            duty.is_due = true;
        }
        self.go_on();
    }

    /// All that was noted is to be asked for, and said to be done to who has this ticket.
    pub fn settle(&self, ticket: u64) {
        lock(&self.duty).wait_for(ticket);
        self.go_on();
    }

    /// The inventory ends. Nothing is asked any more, and connections are closed by threads of
    /// the pool.
    pub fn end(&self) {
        let (link, errand) = {
            let mut duty = lock(&self.duty);
            duty.is_over = true;
            if let Some(timer) = duty.timer.take() {
                calls::end_timer(timer);
            }
            duty.forget();
            (duty.link.take(), duty.errand.take())
        };
        if let Some(errand) = errand {
            errand.give_up("the inventory was closed");
        }
        self.close(link);
    }

    /// The document of an object, from its host if it is not kept.
    pub fn document(&self, row: &Row, timeout: Duration) -> Result<Arc<str>> {
        let of = (self.place, row.kind, row.key.clone());
        let epoch = match self.common.documents.get(&of) {
            Ok(text) => return Ok(text),
            Err(epoch) => epoch,
        };
        let link = lock(&self.duty).link.clone();
        let link = link.ok_or_else(|| {
            let reason = format!("{} is down; vkvm_inventory_get_hosts says why", self.uri);
            Error::from(Misuse::Busy { what: reason })
        })?;
        let (key, kind, name) = (row.key.clone(), row.kind, Arc::clone(&row.name));
        let ask = move || document(&link, kind, &key, &name);
        let late = || Misuse::Deadline {
            what: format!("{} has not sent the document of \"{}\"", self.uri, row.name),
            ms: timeout.as_millis() as u64,
        };
        let via = Via::Group(Arc::clone(&self.common.aside));
        let text: Arc<str> = aside::ask(via, timeout, ask, || late().into())?.into();
        self.common.documents.keep(of, &text, epoch);
        Ok(text)
    }

    // --- notes -----------------------------------------------------------------------------

    /// Something has happened on a connection. On the thread of the event loop.
    fn hear(&self, number: u64, heard: Heard) {
        {
            let mut duty = lock(&self.duty);
            if duty.link.as_ref().is_none_or(|link| link.number != number) {
                return;
            }
            match heard {
                Heard::Domain(touched) => {
                    let Ok(uuid) = touched.domain.get_uuid() else {
                        return;
                    };
                    self.common.documents.forget(&(self.place, Kind::Domain, Key::Uuid(uuid)));
                    duty.touch(uuid, touched);
                    self.hold(&mut duty);
                }
                Heard::Any(kind) => {
                    // What is in a pool comes and goes with it.
                    let also = (kind == Kind::Pool).then_some(Kind::Volume);
                    for kind in [Some(kind), also].into_iter().flatten() {
                        if self.common.settings.has(kind) {
                            self.common.documents.forget_all(self.place, Some(kind));
                            duty.touch_all(kind);
                        }
                    }
                    self.hold(&mut duty);
                }
                Heard::End => duty.has_ended = true,
            }
        }
        self.go_on();
    }

    /// Gathers what comes, if the program wants that.
    fn hold(&self, duty: &mut Duty) {
        let delay = self.common.settings.max_delay;
        if !delay.is_zero() && !duty.is_held {
            let timer = Timer::new(Instant::now() + delay);
            // Without a thread for it nothing is gathered.
            duty.is_held = calls::set_timer(timer, Arc::downgrade(&self.hold)).is_ok();
        }
    }

    /// The next look, that much later.
    fn set_timer(&self, duty: &mut Duty, after: Duration) {
        let timer = Timer::new(Instant::now() + after);
        if let Some(before) = duty.timer.replace(timer) {
            calls::end_timer(before);
        }
        // Without a thread for it the host is looked at when something else happens to it.
        let _ = calls::set_timer(timer, Arc::downgrade(&self.look));
    }

    // --- a visit -----------------------------------------------------------------------------

    fn open(&self, errand: &Errand) -> Result<()> {
        let stuck = self.stuck.load(Ordering::Relaxed);
        let most = if matches!(self.source, Source::Conn(_)) { 1 } else { MOST_STUCK };
        if stuck >= most {
            let what = format!("{stuck} calls to {} are not answered yet", self.uri);
            return Err(Misuse::Busy { what }.into());
        }
        let had_loop = event::is_ready();
        let link = match &self.source {
            Source::Uri(uri) => Link::open(uri, Limit::new(self.common.settings.timeout))?,
            Source::Conn(conn) => {
                errand.step()?;
                if !conn.is_alive()? {
                    let what = format!("the connection to {} has ended", self.uri);
                    return Err(Misuse::Refused { said: what }.into());
                }
                Link::share(conn)?
            }
        };
        let link = Arc::new(link);
        let _turn = link.take_turn();
        let before = {
            let mut duty = lock(&self.duty);
            if !errand.is_on() {
                // Nobody waits for it; closed here, where it may take its time.
                return Ok(());
            }
            duty.forget();
            duty.had_loop = had_loop;
            duty.link.replace(Arc::clone(&link))
        };
        self.close(before);
        let me = Weak::clone(&self.me);
        let ear: Ear = Arc::new(move |number, heard| {
            if let Some(member) = me.upgrade() {
                member.hear(number, heard);
            }
        });
        let hears = link.listen(&self.common.settings, errand, &ear)?;
        {
            let mut duty = lock(&self.duty);
            errand.step()?;
            duty.hears = hears;
        }
        let name = link.conn.get_hostname()?.to_string_lossy().into();
        // What was heard before is in this.
        self.compare(&link, errand, Some(name), true)
    }

    /// Compares all rows. The documents of domains are asked for anew where nothing tells that
    /// they have changed.
    fn compare(
        &self,
        link: &Link,
        errand: &Errand,
        name: Option<Arc<str>>,
        is_new: bool,
    ) -> Result<()> {
        let picture = &self.common.picture;
        let begun = if is_new { Begun::All } else { Begun::Compared };
        picture.begin(self.place, begun, || errand.is_on());
        self.common.documents.forget_all(self.place, None);
        let asker = Asker { is_new, ..self.asker(link, errand) };
        let mut failure = None;
        for kind in &self.common.settings.kinds {
            match asker.all(*kind) {
                Ok(rows) => self.compared(*kind, rows, errand, is_new),
                // The daemon of another kind may not be there.
                Err(error) if *kind != Kind::Domain && asker.outlives() => {
                    failure = failure.or(Some(error));
                }
                Err(error) => return Err(error),
            }
        }
        let hears = {
            let mut duty = lock(&self.duty);
            // Who gave it up has set the timer for the next attempt.
            errand.step()?;
            duty.tries = 0;
            if let Some(refresh) = self.common.settings.refresh {
                self.set_timer(&mut duty, refresh);
            }
            duty.hears
        };
        picture.up(self.place, Report { name, error: failure, hears }, || errand.is_on());
        Ok(())
    }

    /// All rows of a kind are known.
    fn compared(&self, kind: Kind, rows: Vec<Row>, errand: &Errand, is_new: bool) {
        let all: Vec<Uuid> = match kind {
            Kind::Domain => rows.iter().filter_map(Row::uuid).collect(),
            _ => Vec::new(),
        };
        let unknown =
            self.common.picture.take(self.place, Said::All(kind, rows), || errand.is_on());
        if kind != Kind::Domain || !self.common.settings.details {
            return;
        }
        self.note_unknown(errand, |duty| match is_new || !duty.hears {
            true => duty.unknown = all.into(),
            // What is known of others may be of another connection, or of before an event.
            false => duty.add_unknown(unknown),
        });
    }

    /// Notes which documents are not known, and tells the picture how many.
    fn note_unknown(&self, errand: &Errand, note: impl FnOnce(&mut Duty)) {
        let pending = {
            let mut duty = lock(&self.duty);
            if !errand.is_on() {
                // What there is to ask is another connection's.
                return;
            }
            note(&mut duty);
            duty.unknown.len()
        };
        // Not under the lock, which the event loop takes.
        self.common.picture.set_pending(self.place, pending, || errand.is_on());
    }

    fn some(
        &self,
        link: &Link,
        errand: &Errand,
        mut touched: Vec<Touched>,
        kinds: Vec<Kind>,
    ) -> Result<()> {
        let asker = self.asker(link, errand);
        if touched.len() >= MANY {
            // Objects take calls of their own; a bulk call takes less for each.
            let details = documents_of(&touched);
            touched.clear();
            let rows = asker.all(Kind::Domain)?;
            self.common.picture.take(self.place, Said::All(Kind::Domain, rows), || errand.is_on());
            if self.common.settings.details {
                self.note_unknown(errand, |duty| duty.add_unknown(details));
            }
        }
        if !touched.is_empty() {
            for touched in &mut touched {
                touched.what.details &= self.common.settings.details;
            }
            match asker.some(&touched) {
                Ok(some) => {
                    self.common.picture.take(self.place, Said::Some(some), || errand.is_on());
                }
                // Then all of them are.
                Err(_) if asker.outlives() => {
                    lock(&self.duty).full = true;
                    self.note_unknown(errand, |duty| duty.add_unknown(documents_of(&touched)));
                }
                Err(error) => return Err(error),
            }
        }
        for kind in kinds {
            match asker.all(kind) {
                Ok(rows) => {
                    self.common.picture.take(self.place, Said::All(kind, rows), || errand.is_on());
                }
                // That tells of it.
                Err(_) if asker.outlives() => lock(&self.duty).full = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn asker<'a>(&'a self, link: &'a Link, errand: &'a Errand) -> Asker<'a> {
        let light = self.stuck.load(Ordering::Relaxed) >= STUCK;
        let is_wary = self.is_wary.load(Ordering::Relaxed);
        Asker {
            uri: &self.uri,
            conn: &link.conn,
            errand,
            light,
            is_new: false,
            lacks_sizes: &self.lacks_sizes,
            is_wary,
        }
    }

    /// The host is lost, for this reason.
    fn lose(&self, error: &Error) {
        let link = {
            let mut duty = lock(&self.duty);
            duty.forget();
            let link = duty.link.take();
            if duty.is_over {
                duty.errand = None;
                drop(duty);
                return self.close(link);
            }
            let doubled = FIRST_DELAY.saturating_mul(1 << duty.tries.min(16));
            duty.tries += 1;
            self.set_timer(&mut duty, doubled.min(MOST_DELAY));
            link
        };
        self.close(link);
        self.common.documents.forget_all(self.place, None);
        self.common.picture.down(self.place, error);
        // Only now, so that the next visit does not find the host up before it is down.
        lock(&self.duty).errand = None;
        self.go_on();
    }

    /// Closes a connection where it may take its time.
    fn close(&self, link: Option<Arc<Link>>) {
        if let Some(link) = link {
            aside::end_elsewhere(Via::Group(Arc::clone(&self.common.closing)), link);
        }
    }
}

impl Visited for Member {
    fn visit(&self, errand: &Errand) -> Result<()> {
        let picture = &self.common.picture;
        let unit = {
            let mut duty = lock(&self.duty);
            // Without a loop a connection never hears anything, even when there is one later.
            let is_own = matches!(self.source, Source::Uri(_));
            let is_deaf = is_own && !duty.had_loop && event::is_ready();
            duty.take(is_deaf)
        };
        match unit {
            None => Ok(()),
            Some(Unit::Open) => self.open(errand),
            Some(Unit::Full(link)) => {
                let _turn = link.take_turn();
                self.compare(&link, errand, None, false)
            }
            Some(Unit::Some(link, touched, kinds)) => {
                let _turn = link.take_turn();
                self.some(&link, errand, touched, kinds)
            }
            Some(Unit::Details(link, uuids)) => {
                let _turn = link.take_turn();
                let details = self.asker(&link, errand).details(&uuids)?;
                let with_sizes = self.lacks_sizes.load(Ordering::Relaxed);
                let said = Said::Details(details, with_sizes);
                picture.take(self.place, said, || errand.is_on());
                // `take` has noted that these are asked for.
                self.note_unknown(errand, |_| ());
                Ok(())
            }
            Some(Unit::Nothing(ticket)) => {
                picture.begin(self.place, Begun::Noted(ticket), || errand.is_on());
                Ok(())
            }
            Some(Unit::End) => {
                let said = format!("the connection to {} has ended", self.uri);
                Err(Misuse::Refused { said }.into())
            }
        }
    }

    fn over(&self, result: Result<()>) {
        match result {
            Ok(()) => {
                let is_settled = {
                    let duty = lock(&self.duty);
                    !duty.is_over && !duty.has_work()
                };
                // Before another visit can begin: a comparison of its own would count as over.
                if is_settled {
                    self.common.picture.settled(self.place);
                }
                lock(&self.duty).errand = None;
                self.go_on();
            }
            Err(error) => self.lose(&error),
        }
    }

    fn lost(&self, error: Error, runs: bool) {
        if runs {
            // Before the thread can be back.
            self.stuck.fetch_add(1, Ordering::Relaxed);
            self.is_wary.store(true, Ordering::Relaxed);
        }
        self.lose(&error);
    }

    fn back(&self) {
        self.stuck.fetch_sub(1, Ordering::Relaxed);
    }

    fn late(&self, timeout: Duration) -> Error {
        let what = match lock(&self.duty).link {
            Some(_) => format!("{} was not answered", self.uri),
            None => format!("{} was not opened", self.uri),
        };
        Misuse::TimedOut { what, ms: timeout.as_millis() as u64 }.into()
    }
}

/// The domains whose documents may have changed.
fn documents_of(touched: &[Touched]) -> Vec<Uuid> {
    let touched = touched.iter().filter(|touched| touched.what.details);
    touched.filter_map(|touched| touched.domain.get_uuid().ok()).collect()
}

/// Asks for a document.
fn document(link: &Link, kind: Kind, key: &Key, name: &str) -> Result<String> {
    let _turn = link.take_turn();
    let conn = &link.conn;
    let text: Text = match (kind, key) {
        (Kind::Domain, Key::Uuid(uuid)) => {
            conn.get_domain_by_uuid(uuid.as_bytes())?.get_xml_description(0)?
        }
        (Kind::Network, Key::Uuid(uuid)) => {
            conn.get_network_by_uuid(uuid.as_bytes())?.get_xml_description(0)?
        }
        (Kind::Pool, Key::Uuid(uuid)) => {
            conn.get_storage_pool_by_uuid(uuid.as_bytes())?.get_xml_description(0)?
        }
        (Kind::Volume, Key::Text(key)) => {
            let key = CString::new(&**key).unwrap_or_default();
            conn.get_storage_volume_by_key(&key)?.get_xml_description(0)?
        }
        (Kind::Node, _) => conn.get_capabilities()?,
        _ => {
            let what = format!("a {} called {name} without a key of its kind", kind.name());
            return Err(Misuse::Internal { what }.into());
        }
    };
    Ok(text.to_string_lossy().into_owned())
}
