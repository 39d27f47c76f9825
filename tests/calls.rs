// SPDX-License-Identifier: LGPL-2.1-or-later
//! `src/calls/state.rs` under loom, which tries every order in which the steps of the
//! threads can come: making a call, waiting for it, giving it up.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use state::{GivenUp, State};

/// What the file is made of, as loom's.
#[path = "loom/sync.rs"]
mod sync;

#[allow(dead_code, reason = "one function is for the library only")]
#[path = "../src/calls/state.rs"]
mod state;

/// What a call comes to in these tests.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Made,
    GivenUp,
}

type Call = State<&'static str, Outcome>;

/// What a thread of the library's does: whether it is the one that tells.
fn make(call: &Call) -> bool {
    call.begin().is_some() && call.finish(Outcome::Made).is_none()
}

/// What a deadline or who cancels does: whether it is the one that tells.
fn give_up(call: &Call) -> bool {
    !matches!(call.give_up(Outcome::GivenUp), GivenUp::TooLate(_))
}

#[test]
fn a_call_is_told_of_once_whoever_ends_it() {
    loom::model(|| {
        let call = Arc::new(Call::new("work"));
        let told = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = [make as fn(&Call) -> bool, give_up]
            .into_iter()
            .map(|end| {
                let (call, told) = (Arc::clone(&call), Arc::clone(&told));
                thread::spawn(move || told.fetch_add(end(&call).into(), Ordering::SeqCst))
            })
            .collect();
        told.fetch_add(give_up(&call).into(), Ordering::SeqCst);
        threads.into_iter().for_each(|thread| {
            thread.join().unwrap();
        });
        assert_eq!(told.load(Ordering::SeqCst), 1);
        assert!(call.result(|_| ()).is_some());
    });
}

#[test]
fn what_a_call_has_come_to_does_not_change() {
    loom::model(|| {
        let call = Arc::new(Call::new("work"));
        let other = Arc::clone(&call);
        let thread = thread::spawn(move || make(&other));
        call.give_up(Outcome::GivenUp);
        let first = call.result(|outcome| *outcome);
        let made = thread.join().unwrap();
        assert_eq!(call.result(|outcome| *outcome), first);
        assert_eq!(first, Some(if made { Outcome::Made } else { Outcome::GivenUp }));
    });
}

#[test]
fn a_call_that_has_not_begun_never_begins_once_it_is_given_up() {
    loom::model(|| {
        let call = Arc::new(Call::new("work"));
        let other = Arc::clone(&call);
        let thread = thread::spawn(move || other.begin().is_some());
        let given_up = call.give_up(Outcome::GivenUp);
        let begun = thread.join().unwrap();
        assert_eq!(given_up, if begun { GivenUp::Abandoned } else { GivenUp::NotBegun("work") });
    });
}

#[test]
fn who_waits_is_woken_by_whoever_ends_the_call() {
    for end in [make as fn(&Call) -> bool, give_up] {
        loom::model(move || {
            let call = Arc::new(Call::new("work"));
            let waiting: Vec<_> = (0..2)
                .map(|_| {
                    let call = Arc::clone(&call);
                    thread::spawn(move || assert!(call.wait(None)))
                })
                .collect();
            assert!(end(&call));
            waiting.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

#[test]
fn who_waits_until_a_deadline_learns_whether_the_call_is_done() {
    loom::model(|| {
        let call = Arc::new(Call::new("work"));
        let other = Arc::clone(&call);
        let thread = thread::spawn(move || make(&other));
        let done = call.wait(Some(std::time::Instant::now()));
        assert!(!done || call.result(|_| ()).is_some());
        thread.join().unwrap();
        assert!(call.wait(Some(std::time::Instant::now())));
    });
}

#[test]
fn what_a_settled_call_comes_to_is_not_lost() {
    loom::model(|| {
        let call = Arc::new(Call::new("work"));
        let other = Arc::clone(&call);
        let thread = thread::spawn(move || {
            let is_settled = other.begin().is_some() && other.settle();
            (is_settled, is_settled && other.finish(Outcome::Made).is_none())
        });
        let given_up = give_up(&call);
        let (is_settled, is_made) = thread.join().unwrap();
        assert_eq!(is_settled, !given_up, "either it is settled, or it is given up");
        assert_eq!(is_made, is_settled);
        assert_eq!(call.result(|outcome| *outcome) == Some(Outcome::Made), is_made);
    });
}
