// SPDX-License-Identifier: LGPL-2.1-or-later
//! A call: what it is to the program, and to the thread that makes it.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::asking::{Answers, Asking};
use super::beside::Beside;
use super::deadlines::Late;
use super::pool::Work;
use super::progress::{Progress, Tally};
use super::sampler::{Look, Sampler};
use super::state::{GivenUp, State};
use super::via::Via;
use super::{deadlines, pool};
use crate::core::{Credential, sigpipe};
use crate::error::{Error, Misuse, Result, caught};
use crate::event::{Entry, Place};
use crate::fork::lock;
use crate::handle::AnyHandle;

/// What a call does. It comes to a handle, so that nothing has to be copied.
pub type Job = Box<dyn FnOnce() -> Outcome + Send>;

/// What a call comes to.
pub type Outcome = Result<AnyHandle>;

/// How a result is let go of.
pub type LetGo = fn(AnyHandle);

/// A call. When the last one lets go of it, it goes on.
pub struct Call(Arc<Started>);

/// What the library's threads know of a call.
struct Started {
    function: &'static str,
    via: Via,
    timeout: Duration,
    /// When it is given up, and what tells it from others that are then.
    deadline: Option<deadlines::Key>,
    state: State<Job, Outcome>,
    told: Mutex<Option<Told>>,
    let_go: LetGo,
    /// What makes libvirt give up, too.
    on_abandon: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// How far it is, once it has said so.
    tally: Mutex<Option<Tally>>,
    /// What asks libvirt how far it is, where that is known.
    sampler: Arc<Sampler>,
    /// Its queue has an entry that it is further than before, and nobody has looked since.
    is_told: AtomicBool,
    /// Whether it is asked to end by itself.
    is_stopped: AtomicBool,
    /// What it asks the program for.
    asking: Asking,
    untaken: Mutex<Untaken>,
}

/// Keeps a result for others.
type Keep = Box<dyn FnOnce(&AnyHandle) + Send>;

/// What becomes of a result that nobody takes.
#[derive(Default)]
struct Untaken {
    /// None where it is of no use to others, or was taken.
    keep: Option<Keep>,
    /// Nobody takes it any more.
    is_unwanted: bool,
}

/// Who is told of a call that is done.
pub struct Told {
    /// Where in the queue.
    pub place: Place,
    /// What the program knows the call by.
    pub tag: u64,
    /// The call.
    pub call: AnyHandle,
}

thread_local! {
    /// The call that this thread makes.
    static CURRENT: RefCell<Option<Arc<Started>>> = const { RefCell::new(None) };
}

/// If the call that this thread makes is given up, `body` is run by who does that, or here if
/// it was already. It must not wait. It takes the place of what was given here before.
pub fn when_abandoned(body: impl FnOnce() + Send + 'static) {
    let Some(call) = current() else {
        return;
    };
    let before = lock(&call.on_abandon).replace(Box::new(body));
    drop(before);
    if call.is_over() {
        call.abandoned();
    }
}

/// Whether this thread makes a call, for which it can [`report`].
pub fn is_made_here() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Says how far the call is that this thread makes: what is done, of how much in all (0 where
/// that is not known), in which unit. False where the call was given up or stopped: nobody
/// wants the rest. Without a call that is never so.
pub fn report(done: u64, total: u64, unit: &str) -> bool {
    let Some(call) = current() else {
        return true;
    };
    call.add(done, total, unit);
    !call.is_over() && !call.is_stopped.load(Ordering::Relaxed)
}

/// The call that this thread makes has what it comes to, and is not given up any more; false
/// where it was. Without a call that is never so.
pub fn settle() -> bool {
    current().is_none_or(|call| call.state.settle())
}

/// If the call that this thread makes comes to something that nobody takes, because it was
/// cancelled when it was done, or freed, `keep` gets that.
pub fn when_untaken(keep: impl FnOnce(&AnyHandle) + Send + 'static) {
    if let Some(call) = current() {
        lock(&call.untaken).keep = Some(Box::new(keep));
    }
}

/// Asks the program that has started a call for credentials; false where it gives none.
pub type Ask = Box<dyn Fn(&mut [Credential]) -> bool + Send + Sync>;

/// What asks the program that has started the call that this thread makes. Another thread may
/// use it.
pub fn asker() -> Option<Ask> {
    let call = current()?;
    Some(Box::new(move |requests| call.asking.ask(requests, || call.tell_asked())))
}

/// How far the call is that this thread makes is to be found out like that, on a thread of the
/// library's, if somebody asks.
pub fn when_asked(look: Look) {
    if let Some(call) = current() {
        call.sampler.set(look);
        if call.sampler.is_watched() {
            call.ask();
        }
    }
}

/// Whether the call that this thread makes is wanted. Without a call that is always so.
pub fn is_wanted() -> bool {
    current().is_none_or(|call| !call.is_over())
}

fn current() -> Option<Arc<Started>> {
    CURRENT.with_borrow(|current| current.as_ref().map(Arc::clone))
}

impl Call {
    /// A call of a C function, which may take that long from now.
    pub fn new(
        function: &'static str,
        via: Via,
        timeout: Option<Duration>,
        job: Job,
        let_go: LetGo,
    ) -> Self {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        Call(Arc::new(Started {
            function,
            via,
            timeout: timeout.unwrap_or_default(),
            deadline: deadline.map(deadlines::Key::new),
            state: State::new(job),
            told: Mutex::new(None),
            let_go,
            on_abandon: Mutex::new(None),
            tally: Mutex::new(None),
            sampler: Arc::default(),
            is_told: AtomicBool::new(false),
            is_stopped: AtomicBool::new(false),
            asking: Asking::default(),
            untaken: Mutex::default(),
        }))
    }

    /// Makes the call on this thread.
    pub fn make_here(&self, told: Option<Told>) {
        *lock(&self.0.told) = told;
        Arc::clone(&self.0).make();
    }

    /// Lets a thread of the library's make the call.
    pub fn start(&self, told: Option<Told>) -> Result<()> {
        *lock(&self.0.told) = told;
        let late = Arc::downgrade(&self.0);
        let started = deadlines::add(self.0.deadline, late).and_then(|()| {
            let submitted = pool::submit(Arc::clone(&self.0) as Arc<dyn Work>);
            submitted.inspect_err(|_| deadlines::remove(self.0.deadline))
        });
        // It holds the call.
        started.inspect_err(|_| drop(lock(&self.0.told).take()))
    }

    /// Waits until the call is done; without a limit for ever. Whether it is. Its queue has its
    /// entry then, so who has waited can take it out.
    pub fn wait(&self, limit: Option<Duration>) -> bool {
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        // A fork does not wait for who sleeps.
        sigpipe::outside(|| {
            let is_done = self.0.state.wait(deadline);
            // Who has ended the call tells of it next.
            while is_done && lock(&self.0.told).is_some() {
                std::thread::yield_now();
            }
            is_done
        })
    }

    /// What it has come to.
    pub fn result(&self) -> Outcome {
        let mut untaken = lock(&self.0.untaken);
        let done = self.0.state.result(|outcome| match outcome {
            Ok(value) => value.try_clone("call"),
            Err(error) => Err(error.clone()),
        });
        let keep = if matches!(done, Some(Ok(_))) { untaken.keep.take() } else { None };
        drop(untaken);
        drop(keep);
        done.unwrap_or_else(|| {
            let what = format!("call: {} is not done; wait for it first", self.0.function);
            Err(Misuse::Busy { what }.into())
        })
    }

    /// How far it is, if that is known.
    pub fn progress(&self) -> Option<Progress> {
        // Before it is looked at: what comes later is told of.
        self.0.is_told.store(false, Ordering::SeqCst);
        self.0.ask();
        lock(&self.0.tally).as_ref().map(Tally::progress)
    }

    /// From now on its queue is told when it is further than [`progress`](Self::progress) said.
    pub fn watch_progress(&self) {
        self.0.sampler.watch();
        // What it has said before; who says something meanwhile sees that it is wanted.
        if lock(&self.0.tally).is_some() {
            self.0.tell_progress();
        }
        self.0.ask();
    }

    /// Lets it end by itself, where it says how far it is: with the error of a transfer that
    /// its progress callback ends.
    pub fn stop(&self) {
        self.0.is_stopped.store(true, Ordering::Relaxed);
    }

    /// The credentials that it asks for now.
    pub fn credentials(&self) -> Option<Vec<Credential>> {
        self.0.asking.requests()
    }

    /// Gives it these, or none. False where it asks for nothing.
    pub fn give_credentials(&self, answers: Option<Answers>) -> bool {
        self.0.asking.answer_with(answers)
    }

    /// Gives the call up, unless it is done.
    pub fn cancel(&self) {
        const WHY: &str = "the call was cancelled";
        Arc::clone(&self.0).give_up(WHY);
        self.0.is_unwanted(WHY);
    }
}

impl Drop for Call {
    /// The thread that has made the call may hold on to it for a moment, but not to what it
    /// has come to, which may hold a connection.
    fn drop(&mut self) {
        self.0.is_unwanted("the call was freed");
        if let Some(Ok(result)) = self.0.state.forget() {
            (self.0.let_go)(result);
        }
    }
}

impl Work for Started {
    fn via(&self) -> &Via {
        &self.via
    }

    fn make(self: Arc<Self>) {
        let Some(job) = self.state.begin() else {
            return;
        };
        let before = CURRENT.replace(Some(Arc::clone(&self)));
        let beside = Beside::of(&self.via);
        let outcome = caught(self.function, job);
        CURRENT.set(before);
        drop(beside);
        let hook = lock(&self.on_abandon).take();
        drop(hook);
        self.sampler.end();
        self.asking.end();
        match self.state.finish(outcome) {
            None => {
                self.keep_untaken("the call was cancelled");
                self.tell();
            }
            Some(Ok(late)) => (self.let_go)(late),
            Some(Err(_)) => {}
        }
    }

    fn is_waiting(&self) -> bool {
        self.state.has_begun() == Some(false)
    }

    fn is_made_here(&self) -> bool {
        CURRENT.with_borrow(|current| {
            current.as_ref().is_some_and(|call| std::ptr::eq(Arc::as_ptr(call), self))
        })
    }

    fn give_up(self: Arc<Self>, why: &'static str) {
        let error = Misuse::GivenUp { function: self.function, why };
        self.end(error.into());
    }
}

impl Late for Started {
    fn is_late(self: Arc<Self>) {
        let (function, host) = (self.function, self.via.host());
        let ms = self.timeout.as_millis() as u64;
        self.end(Misuse::Late { function, host, ms }.into());
    }
}

impl Started {
    fn end(self: Arc<Self>, error: Error) {
        if self.is_over() {
            return;
        }
        // First: who sees the error may free the connection at once, and not wait for it.
        self.via.give_up();
        match self.state.give_up(Err(error)) {
            GivenUp::TooLate(_) => return,
            // What it took is let go of, and secrets are wiped.
            GivenUp::NotBegun(job) => drop(job),
            GivenUp::Abandoned => {
                pool::abandon(&(Arc::clone(&self) as Arc<dyn Work>));
                self.abandoned();
                self.asking.end();
            }
        }
        self.tell();
    }

    /// Nobody takes what it comes to any more.
    fn is_unwanted(&self, why: &'static str) {
        lock(&self.untaken).is_unwanted = true;
        if self.is_over() {
            self.keep_untaken(why);
        }
    }

    /// Keeps what it has come to for others, if nobody takes it: once.
    fn keep_untaken(&self, why: &'static str) {
        let mut untaken = lock(&self.untaken);
        if !untaken.is_unwanted {
            return;
        }
        let Some(keep) = untaken.keep.take() else { return };
        let instead = Err(Misuse::GivenUp { function: self.function, why }.into());
        let result = self.state.replace(instead);
        drop(untaken);
        if let Ok(result) = result {
            keep(&result);
            (self.let_go)(result);
        }
    }

    /// Has libvirt asked how far it is, where that has to be.
    fn ask(self: &Arc<Self>) {
        let call = Arc::downgrade(self);
        self.sampler.ask(move |(done, total, unit)| {
            if let Some(call) = call.upgrade() {
                call.add(done, total, unit);
            }
        });
    }

    /// It is this far.
    fn add(&self, done: u64, total: u64, unit: &str) {
        let now = Instant::now();
        let is_further = match &mut *lock(&self.tally) {
            Some(tally) => tally.add(now, done, total, unit),
            none => {
                *none = Some(Tally::new(now, done, total, unit));
                true
            }
        };
        if is_further {
            self.tell_progress();
        }
    }

    /// Whether it is done, or was given up.
    fn is_over(&self) -> bool {
        self.state.has_begun().is_none()
    }

    /// Runs what is to be run when it is given up: by one thread, once.
    fn abandoned(&self) {
        let hook = lock(&self.on_abandon).take();
        if let Some(hook) = hook {
            hook();
        }
    }

    /// One entry is enough until somebody looks.
    fn tell_progress(&self) {
        if !self.sampler.is_watched() || self.is_told.swap(true, Ordering::SeqCst) {
            return;
        }
        if let Some(Told { place, tag, call }) = &*lock(&self.told) {
            let call = call.try_clone("call");
            let is_told =
                call.is_ok_and(|call| place.put_before(Entry::Progress { tag: *tag, call }));
            if !is_told {
                // The queue is full, and told the next time.
                self.is_told.store(false, Ordering::SeqCst);
            }
        }
    }

    /// It asks for credentials. Whether there is somebody who may give them, though a call without
    /// a queue has nobody who is told.
    fn tell_asked(&self) -> bool {
        match &*lock(&self.told) {
            None => !self.is_over(),
            Some(Told { place, tag, call }) => {
                let call = call.try_clone("call");
                call.is_ok_and(|call| place.put_before(Entry::Credentials { tag: *tag, call }))
            }
        }
    }

    /// It is done: by one thread, once.
    fn tell(&self) {
        deadlines::remove(self.deadline);
        let mut told = lock(&self.told);
        if let Some(Told { place, tag, call }) = told.take() {
            // Under the lock: who waits for the call finds it told, or not yet.
            place.fill(Entry::Call { tag, call });
        }
    }
}
