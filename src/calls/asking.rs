// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a call asks the program for while it runs: credentials, when libvirt wants some for a
//! connection.
//!
//! The thread that opens waits for the answer. It is another one than that which makes the call,
//! and it may be the only one left once the call was given up; then nobody answers any more.

use std::sync::{Condvar, Mutex};

use zeroize::Zeroizing;

use crate::core::{Credential, sigpipe};
use crate::event::sync::wait;
use crate::fork::lock;

/// An answer to each of the requests; None where there is none.
pub type Answers = Vec<Option<Zeroizing<String>>>;

/// Between the thread that asks and who answers.
#[derive(Default)]
pub struct Asking {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    /// Nothing is asked.
    #[default]
    Quiet,
    /// It waits for the answers to these.
    Asked(Vec<Credential>),
    /// None where the program refuses.
    Answered(Option<Answers>),
    /// Nobody answers any more.
    Over,
}

impl Asking {
    /// Asks for these, of which `tell` tells the program, and waits for the answers. False where
    /// there are none.
    pub fn ask(&self, requests: &mut [Credential], tell: impl FnOnce() -> bool) -> bool {
        {
            let mut state = lock(&self.state);
            if matches!(*state, State::Over) {
                return false;
            }
            *state = State::Asked(requests.iter().map(Credential::question).collect());
        }
        if !tell() {
            self.answer_with(None);
        }
        // A fork does not wait for who sleeps.
        let answers = sigpipe::outside(|| {
            let mut state = lock(&self.state);
            while let State::Asked(_) = *state {
                state = wait(&self.changed, state);
            }
            match &mut *state {
                State::Answered(answers) => {
                    let answers = answers.take();
                    *state = State::Quiet;
                    answers
                }
                _ => None,
            }
        });
        let Some(answers) = answers else { return false };
        for (request, answer) in requests.iter_mut().zip(answers) {
            request.result = answer.map(|mut answer| std::mem::take(&mut *answer));
        }
        true
    }

    /// What is asked for now.
    pub fn requests(&self) -> Option<Vec<Credential>> {
        match &*lock(&self.state) {
            State::Asked(requests) => Some(requests.iter().map(Credential::question).collect()),
            _ => None,
        }
    }

    /// Answers, or refuses to. False where nothing is asked.
    pub fn answer_with(&self, answers: Option<Answers>) -> bool {
        let mut state = lock(&self.state);
        let is_asked = matches!(*state, State::Asked(_));
        if is_asked {
            *state = State::Answered(answers);
            drop(state);
            self.changed.notify_all();
        }
        is_asked
    }

    /// Nobody answers any more.
    pub fn end(&self) {
        let before = std::mem::replace(&mut *lock(&self.state), State::Over);
        // To wake nobody is a system call, too, and every call ends here.
        if let State::Asked(_) = before {
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn request(kind: i32) -> Credential {
        Credential { kind, prompt: None, challenge: None, default: None, result: None }
    }

    /// Asks on another thread, and gives what it comes to.
    fn asks(asking: &Arc<Asking>, is_told: bool) -> thread::JoinHandle<Option<String>> {
        let asking = Arc::clone(asking);
        thread::spawn(move || {
            let mut requests = [request(5)];
            asking.ask(&mut requests, || is_told).then(|| requests[0].result.take().unwrap())
        })
    }

    fn until_asked(asking: &Asking) {
        while asking.requests().is_none() {
            thread::yield_now();
        }
    }

    #[test]
    fn who_asks_gets_the_answer() {
        let asking = Arc::default();
        for answer in ["one", "two"] {
            let asks = asks(&asking, true);
            until_asked(&asking);
            assert_eq!(asking.requests().unwrap()[0].kind, 5);
            assert!(asking.answer_with(Some(vec![Some(Zeroizing::new(answer.to_owned()))])));
            assert_eq!(asks.join().unwrap().unwrap(), answer);
            assert!(asking.requests().is_none());
            assert!(!asking.answer_with(None), "nothing is asked");
        }
    }

    #[test]
    fn who_gets_no_answer_goes_on() {
        let asking = Arc::default();
        assert_eq!(asks(&asking, false).join().unwrap(), None, "nobody was told");
        let refused = asks(&asking, true);
        until_asked(&asking);
        asking.answer_with(None);
        assert_eq!(refused.join().unwrap(), None);
        let ended = asks(&asking, true);
        until_asked(&asking);
        asking.end();
        assert_eq!(ended.join().unwrap(), None);
        assert_eq!(asks(&asking, true).join().unwrap(), None, "it is over");
    }
}
