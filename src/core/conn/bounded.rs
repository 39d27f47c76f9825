// SPDX-License-Identifier: LGPL-2.1-or-later
//! Openings with a deadline, each on a thread of its own.
//!
//! When the deadline passes, who waits goes on, and the opening is ended, as far as that is
//! possible (see [`opening`](super::opening)); what libvirt still opens is closed. Of one
//! URI only some are at work at once, so that a host that answers nobody does not collect
//! threads; other URIs do not wait for it.
//!
//! Where the thread that waits makes a call, which another thread may give up at any time, the
//! openings in it are given up with it ([`Openings`]).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::opening::Opening;
use crate::core::limit::Limit;
use crate::core::{sigpipe, thread};
use crate::error::{Error, Misuse, Result, caught};
use crate::fork::{Leaf, lock};

/// How many openings of one URI are at work at once.
pub const MOST: usize = 4;

/// How long one that is to be ended may take before it stands in the way of others.
const GRACE: Duration = Duration::from_millis(100);

/// What is opened: the URI as messages and other openings know it.
fn name_of(uri: Option<&CStr>) -> String {
    uri.map_or_else(|| "the default URI".to_owned(), |uri| uri.to_string_lossy().into_owned())
}

// --- what is given up together -----------------------------------------------------------

/// The openings that one thread waits for in turn, in something that others may give up.
#[derive(Default)]
pub struct Openings {
    given_up: AtomicBool,
    current: Mutex<Option<Weak<dyn GiveUp>>>,
}

/// An opening, whatever its result is.
trait GiveUp: Send + Sync {
    /// Nobody wants it any more.
    fn give_up(&self);
}

thread_local! {
    static WITHIN: RefCell<Option<Arc<Openings>>> = const { RefCell::new(None) };
}

/// Whether somebody else may give up what this thread opens.
pub fn can_be_given_up() -> bool {
    WITHIN.with_borrow(Option::is_some)
}

fn within() -> Option<Arc<Openings>> {
    WITHIN.with_borrow(|within| within.as_ref().map(Arc::clone))
}

impl Openings {
    /// Runs what opens.
    pub fn run<T>(self: &Arc<Self>, body: impl FnOnce() -> T) -> T {
        /// The end, also by a panic.
        struct Over(Option<Arc<Openings>>);
        impl Drop for Over {
            fn drop(&mut self) {
                WITHIN.set(self.0.take());
            }
        }
        let _over = Over(WITHIN.replace(Some(Arc::clone(self))));
        body()
    }

    /// Ends the opening that there is, and those that begin later. It does not wait.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::SeqCst);
        let current = lock(&self.current).take();
        if let Some(opening) = current.and_then(|opening| opening.upgrade()) {
            opening.give_up();
        }
        // Who waits for a place has seen that, or is waiting.
        drop(PLACES.lock());
        CHANGED.notify_all();
    }

    fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::SeqCst)
    }

    /// What the thread waits for now.
    fn wait_for(&self, opening: Weak<dyn GiveUp>) {
        *lock(&self.current) = Some(opening);
    }
}

// --- places ------------------------------------------------------------------------------

/// How many openings there are of a URI.
#[derive(Clone, Copy, Default)]
pub struct Count {
    /// All that are at work.
    pub running: usize,
    /// Those among them for which nobody waits any more.
    pub abandoned: usize,
}

/// By URIs. A child of fork has none of the threads.
static PLACES: Leaf<BTreeMap<String, Count>> = Leaf::of_process(BTreeMap::new(), BTreeMap::clear);

/// A place has become free, or an opening was abandoned.
static CHANGED: Condvar = Condvar::new();

/// The openings that are at work in this process, by their URIs.
pub fn counts() -> Vec<(String, Count)> {
    let places = PLACES.lock();
    places.iter().map(|(name, count)| (name.clone(), *count)).collect()
}

/// One of the places for a URI.
struct Place {
    name: String,
    is_abandoned: bool,
}

impl Place {
    /// Waits until there is one.
    fn take(name: &str, place_by: Option<Instant>, limit: &Limit) -> Result<Place> {
        let within = within();
        sigpipe::outside(|| {
            let busy_at = Instant::now() + GRACE;
            let mut places = PLACES.lock();
            loop {
                if within.as_ref().is_some_and(|within| within.is_given_up()) {
                    return Err(passed(name, limit));
                }
                let count = places.entry(name.to_owned()).or_default();
                if count.running < MOST {
                    count.running += 1;
                    return Ok(Place { name: name.to_owned(), is_abandoned: false });
                }
                let all_abandoned = count.abandoned == count.running;
                let now = Instant::now();
                if place_by.is_some_and(|place_by| place_by <= now) {
                    return Err(passed(name, limit));
                }
                if all_abandoned && busy_at <= now {
                    return Err(Misuse::Busy {
                        what: format!(
                            "{name} cannot be opened now: {MOST} openings of it that passed their \
                             deadline have not ended"
                        ),
                    }
                    .into());
                }
                let until = [place_by, all_abandoned.then_some(busy_at)];
                places = wait_until(&CHANGED, places, until.into_iter().flatten().min());
            }
        })
    }

    /// Nobody waits for the opening any more.
    fn abandon(&mut self) {
        self.is_abandoned = true;
        if let Some(count) = PLACES.lock().get_mut(&self.name) {
            count.abandoned += 1;
        }
        CHANGED.notify_all();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = PLACES.lock();
        if let Some(count) = places.get_mut(&self.name) {
            count.running -= 1;
            count.abandoned -= usize::from(self.is_abandoned);
            if count.running == 0 {
                places.remove(&self.name);
            }
        }
        drop(places);
        CHANGED.notify_all();
    }
}

// --- one opening -------------------------------------------------------------------------

fn passed(name: &str, limit: &Limit) -> Error {
    Misuse::Deadline { what: format!("{name} was not opened"), ms: limit.ms() }.into()
}

/// An opening that has begun. Dropping it gives it up.
pub struct Started<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    limit: Limit,
    name: String,
}

struct Shared<T> {
    opening: Arc<Opening>,
    state: Mutex<State<T>>,
    changed: Condvar,
}

enum State<T> {
    /// The place it has.
    Opening(Place),
    Done(Result<T>),
    /// The result was taken, or nobody waits for it.
    Over,
}

/// Begins to open `uri` on a thread of its own; `open` does that. `told` is called on that
/// thread with the opening's number, when there is a result. For a place this waits until
/// `place_by` at the latest, for the result [`Started::wait`] until the limit has passed.
pub fn start<T: Send + 'static>(
    uri: Option<&CStr>,
    place_by: Option<Instant>,
    limit: Limit,
    open: impl FnOnce() -> Result<T> + Send + 'static,
    told: impl FnOnce(u64) + Send + 'static,
) -> Result<Started<T>> {
    let name = name_of(uri);
    let place = Place::take(&name, place_by, &limit)?;
    let shared = Arc::new(Shared {
        opening: Opening::new(default_of(uri).as_deref()),
        state: Mutex::new(State::Opening(place)),
        changed: Condvar::new(),
    });
    let here = Arc::clone(&shared);
    thread::spawn("vkvm-open", move || {
        here.run(open);
        let number = here.opening.number();
        // First, for a result that nobody takes ends with the last of these.
        drop(here);
        told(number);
    })?;
    Ok(Started { shared, limit, name })
}

/// What libvirt takes where no URI is given, as far as that is known.
fn default_of(uri: Option<&CStr>) -> Option<CString> {
    let default = || CString::new(std::env::var("LIBVIRT_DEFAULT_URI").ok()?).ok();
    uri.map(CStr::to_owned).or_else(default)
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        lock(&self.state)
    }

    /// Whether it was given up.
    fn is_unwanted(&self) -> bool {
        matches!(&*self.lock(), State::Opening(place) if place.is_abandoned)
    }

    fn run(&self, open: impl FnOnce() -> Result<T>) {
        let result = self.opening.run(|| {
            if self.is_unwanted() {
                return None;
            }
            let result = caught("an opening", open);
            // What nobody waits for is closed here, where that can be ended as well.
            (!self.is_unwanted()).then_some(result)
        });
        let mut state = self.lock();
        let is_unwanted = matches!(&*state, State::Opening(place) if place.is_abandoned);
        let (after, unwanted) = match result {
            Some(result) if !is_unwanted => (State::Done(result), None),
            other => (State::Over, other),
        };
        let before = std::mem::replace(&mut *state, after);
        drop(state);
        // What is closed only now has its place until then, too.
        drop(unwanted);
        drop(before);
        self.changed.notify_all();
    }
}

impl<T: Send> Started<T> {
    /// The number of the opening, by which the event layer knows it.
    pub(crate) fn number(&self) -> u64 {
        self.shared.opening.number()
    }

    /// The result, once, if there is one.
    pub fn take(&self) -> Option<Result<T>> {
        let mut state = self.shared.lock();
        match std::mem::replace(&mut *state, State::Over) {
            State::Done(result) => Some(result),
            other => {
                *state = other;
                None
            }
        }
    }

    /// Waits for the result until the deadline, and then gives the opening up.
    pub fn wait(&self) -> Result<T> {
        if let Some(within) = within() {
            let shared = Arc::clone(&self.shared) as Arc<dyn GiveUp>;
            within.wait_for(Arc::downgrade(&shared));
            if within.is_given_up() {
                shared.give_up();
            }
        }
        sigpipe::outside(|| {
            let mut state = self.shared.lock();
            while matches!(&*state, State::Opening(place) if !place.is_abandoned) {
                let deadline = self.limit.deadline();
                if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                    break;
                }
                state = wait_until(&self.shared.changed, state, deadline);
            }
        });
        self.take().unwrap_or_else(|| {
            self.shared.give_up();
            // It may have come in this moment.
            self.take().unwrap_or_else(|| Err(passed(&self.name, &self.limit)))
        })
    }
}

impl<T: Send> GiveUp for Shared<T> {
    /// Ends the opening, if it is not over: its result is not wanted.
    fn give_up(&self) {
        let mut state = self.lock();
        let State::Opening(place) = &mut *state else { return };
        if !place.is_abandoned {
            place.abandon();
            drop(state);
            self.changed.notify_all();
            end_soon(&self.opening);
        }
    }
}

impl<T: Send> Drop for Started<T> {
    fn drop(&mut self) {
        self.shared.give_up();
    }
}

fn wait_until<'g, T>(
    changed: &Condvar,
    guard: MutexGuard<'g, T>,
    deadline: Option<Instant>,
) -> MutexGuard<'g, T> {
    match deadline {
        None => changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
        Some(deadline) => {
            let left = deadline.saturating_duration_since(Instant::now());
            changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
        }
    }
}

// --- what is to be ended -------------------------------------------------------------------

/// The longest time between two attempts to end something.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

struct Ending {
    openings: Vec<Arc<Opening>>,
    /// Whether a thread sees to them.
    runs: bool,
    /// How long it waits before it does again.
    pause: Duration,
}

static ENDING: Leaf<Ending> = Leaf::of_process(
    Ending { openings: Vec::new(), runs: false, pause: Duration::ZERO },
    |ending| {
        ending.openings.clear();
        ending.runs = false;
    },
);

static MORE: Condvar = Condvar::new();

/// Ends an opening: at once, and then until it is over.
fn end_soon(opening: &Arc<Opening>) {
    if opening.end() {
        return;
    }
    let is_first = {
        let mut ending = ENDING.lock();
        ending.openings.push(Arc::clone(opening));
        ending.pause = Duration::from_millis(1);
        !std::mem::replace(&mut ending.runs, true)
    };
    MORE.notify_all();
    if is_first && thread::spawn("vkvm-ending", end_all).is_err() {
        // What was done already is enough for most; the next one tries again.
        ENDING.lock().runs = false;
    }
}

fn end_all() {
    loop {
        let openings = ENDING.lock().openings.clone();
        let over: Vec<_> = openings.into_iter().filter(|opening| opening.end()).collect();
        let is_over = |it: &Arc<Opening>| over.iter().any(|over| Arc::ptr_eq(it, over));
        let mut ending = ENDING.lock();
        ending.openings.retain(|it| !is_over(it));
        if ending.openings.is_empty() {
            ending.runs = false;
            return;
        }
        let pause = ending.pause;
        ending.pause = LONGEST_PAUSE.min(pause * 2);
        let until = Some(Instant::now() + pause);
        sigpipe::outside(|| drop(wait_until(&MORE, ending, until)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, TryRecvError, channel};

    use super::*;
    use crate::constants as c;

    /// As a caller sets it, whose time began a moment ago.
    fn limit(ms: u64) -> Limit {
        Limit::since(Instant::now() - Duration::from_millis(3), Duration::from_millis(ms))
    }

    /// An opening that waits until what this gives is dropped.
    fn stuck(uri: &CStr, ms: u64) -> (Sender<()>, Result<Started<u32>>) {
        let (end, ends) = channel();
        let open = move || {
            let _ = ends.recv();
            Ok(7)
        };
        (end, start(Some(uri), limit(ms).deadline(), limit(ms), open, |_| ()))
    }

    fn code<T>(result: Result<T>) -> i32 {
        result.err().map_or(0, |error| error.details().code)
    }

    fn count(uri: &CStr) -> (usize, usize) {
        let all = counts();
        let count = all.iter().find(|(name, _)| name.as_bytes() == uri.to_bytes());
        count.map_or((0, 0), |(_, count)| (count.running, count.abandoned))
    }

    fn until(is: impl Fn() -> bool) {
        let begin = Instant::now();
        while !is() {
            assert!(begin.elapsed() < Duration::from_secs(60));
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_result_in_time_is_given() {
        let started = start(None, None, limit(60_000), || Ok(1), |_| ()).unwrap();
        assert_eq!(started.wait().unwrap(), 1);
        let started: Started<()> =
            start(None, None, Limit::default(), || Err(Misuse::Cancelled.into()), |_| ()).unwrap();
        assert!(started.wait().is_err());
        let started: Started<()> =
            start(None, None, Limit::default(), || panic!("wanted"), |_| ()).unwrap();
        assert_eq!(code(started.wait()), c::ERROR_OWN_INTERNAL);
    }

    #[test]
    fn the_deadline_is_kept_and_what_is_left_is_counted() {
        let uri = c"one";
        let (end, started) = stuck(uri, 20);
        let error = started.unwrap().wait().unwrap_err();
        assert_eq!(error.details().code, c::ERROR_OWN_TIMEOUT);
        assert_eq!(error.to_string(), "one was not opened within 20 ms");
        assert_eq!(count(uri), (1, 1));
        drop(end);
        until(|| count(uri) == (0, 0));
    }

    #[test]
    fn a_result_that_nobody_takes_ends_before_the_end_is_told() {
        let (result, end) = channel::<()>();
        let ((tell, told), (go_on, goes_on)) = (channel(), channel::<()>());
        let started = start(
            None,
            None,
            Limit::default(),
            || Ok(result),
            move |_| {
                tell.send(()).unwrap();
                let _ = goes_on.recv();
            },
        );
        told.recv().unwrap();
        drop(started);
        assert!(end.try_recv() == Err(TryRecvError::Disconnected), "it has ended");
        drop(go_on);
    }

    #[test]
    fn openings_are_given_up_with_what_waits_for_them() {
        let uri = c"within";
        let openings = Arc::new(Openings::default());
        let has_begun = Arc::new(AtomicBool::new(false));
        let waits = |openings: &Arc<Openings>| {
            let (openings, begun) = (Arc::clone(openings), Arc::clone(&has_begun));
            std::thread::spawn(move || {
                openings.run(|| {
                    assert!(can_be_given_up());
                    let (end, ends) = channel::<()>();
                    let begun = Arc::clone(&begun);
                    let open = move || {
                        begun.store(true, Ordering::SeqCst);
                        Ok(ends.recv().is_ok())
                    };
                    let started = start(Some(uri), None, Limit::default(), open, |_| ());
                    (end, started.and_then(|started| started.wait()).is_err())
                })
            })
        };
        let waiter = waits(&openings);
        until(|| has_begun.load(Ordering::SeqCst));
        openings.give_up();
        let (end, failed) = waiter.join().unwrap();
        assert!(failed && count(uri) == (1, 1), "who waits goes on at once");
        let (second, failed) = waits(&openings).join().unwrap();
        assert!(failed, "none begins later");
        drop((end, second));
        until(|| count(uri) == (0, 0));

        let (ends, started): (Vec<_>, Vec<_>) = (0..MOST).map(|_| stuck(uri, 60_000)).unzip();
        let openings = Arc::new(Openings::default());
        let waiter = waits(&openings);
        openings.give_up();
        assert!(waiter.join().unwrap().1, "nor does it wait for a place");
        drop((ends, started));
        until(|| count(uri) == (0, 0));
        assert!(!can_be_given_up());
    }

    #[test]
    fn one_uri_does_not_hold_up_another_and_is_busy_when_nothing_ends() {
        let uri = c"many";
        let mut all: Vec<_> = (0..MOST).map(|_| stuck(uri, 60_000)).collect();
        assert_eq!(count(uri), (MOST, 0));
        assert_eq!(code(stuck(uri, 20).1), c::ERROR_OWN_TIMEOUT, "each place is in use");
        assert!(
            start(Some(c"another"), None, Limit::default(), || Ok(1), |_| ())
                .unwrap()
                .wait()
                .is_ok()
        );
        for (_, started) in &mut all {
            *started = Err(Misuse::Cancelled.into());
        }
        assert_eq!(count(uri), (MOST, MOST));
        assert_eq!(code(stuck(uri, 60_000).1), c::ERROR_OWN_BUSY);
        all.pop();
        let (end, next) = stuck(uri, 60_000);
        drop(end);
        assert_eq!(next.unwrap().wait().unwrap(), 7);
        drop(all);
        until(|| count(uri) == (0, 0));
    }
}
