// SPDX-License-Identifier: LGPL-2.1-or-later
//! `src/event/buffer.rs` under loom, which tries every order in which the steps of the
//! threads can come: putting events in, waiting, taking them out, registering, the end.

use std::sync::atomic::{AtomicUsize, Ordering};

use buffer::{Buffer, Signal};
use loom::sync::{Arc, Mutex};
use loom::thread;

/// What the file is made of, as loom's.
#[path = "loom/sync.rs"]
mod sync;

#[path = "../src/event/buffer.rs"]
mod buffer;

/// A descriptor that is readable or not.
struct Descriptor(Mutex<bool>);

impl Signal for Descriptor {
    fn raise(&self) {
        let before = std::mem::replace(&mut *self.0.lock().unwrap(), true);
        assert!(!before, "it is told of changes only");
    }

    fn lower(&self) -> bool {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// An event, and how often it was dropped.
struct Event {
    number: u8,
    drops: std::sync::Arc<AtomicUsize>,
}

impl Drop for Event {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
    }
}

struct Queue {
    buffer: Buffer<Event, Descriptor>,
    drops: std::sync::Arc<AtomicUsize>,
    /// What fills it.
    registrations: Mutex<u8>,
}

fn queue(capacity: usize) -> Arc<Queue> {
    let signal = Descriptor(Mutex::new(false));
    let buffer = Buffer::new(capacity, signal);
    Arc::new(Queue { buffer, drops: Default::default(), registrations: Mutex::new(0) })
}

impl Queue {
    /// Whether it was kept.
    fn put(&self, number: u8) -> bool {
        self.buffer.put(Event { number, drops: self.drops.clone() }).is_none()
    }

    fn next(&self) -> Option<u8> {
        self.buffer.next(None).map(|event| event.number)
    }

    fn drain(&self) -> Vec<u8> {
        self.buffer.drain(9).unwrap().iter().map(|event| event.number).collect()
    }

    fn register(&self) {
        let made = || {
            *self.registrations.lock().unwrap() += 1;
            Ok::<_, ()>(())
        };
        self.buffer.fill(made, || self.deregister_all()).unwrap();
    }

    fn deregister_all(&self) {
        *self.registrations.lock().unwrap() = 0;
    }

    fn end(&self) {
        self.buffer.end(|| self.deregister_all());
    }

    fn is_readable(&self) -> bool {
        *self.buffer.signal().0.lock().unwrap()
    }

    fn drops(&self) -> usize {
        self.drops.load(Ordering::SeqCst)
    }
}

fn with<T: 'static>(
    queue: &Arc<Queue>,
    body: impl FnOnce(&Queue) -> T + 'static,
) -> thread::JoinHandle<T> {
    let queue = Arc::clone(queue);
    thread::spawn(move || body(&queue))
}

/// All orders, but those with more than three changes of threads where none must be.
fn model(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(body);
}

#[test]
fn who_waits_gets_each_event_once_and_in_order() {
    model(|| {
        let queue = queue(9);
        let putting = with(&queue, |queue| assert!(queue.put(1) && queue.put(2)));
        assert_eq!((queue.next(), queue.next()), (Some(1), Some(2)));
        putting.join().unwrap();
        assert_eq!((queue.buffer.len(), queue.is_readable(), queue.drops()), (0, false, 2));
    });
}

#[test]
fn of_two_who_wait_each_gets_an_event() {
    model(|| {
        let queue = queue(9);
        let waiting = [with(&queue, Queue::next), with(&queue, Queue::next)];
        assert!(queue.put(1) && queue.put(2));
        let mut got = waiting.map(|waiting| waiting.join().unwrap());
        got.sort_unstable();
        assert_eq!(got, [Some(1), Some(2)]);
        assert!(!queue.is_readable());
    });
}

#[test]
fn what_does_not_fit_is_counted_and_given_back() {
    model(|| {
        let queue = queue(1);
        let other = with(&queue, |queue| queue.put(1));
        let mine = queue.put(2);
        let drained = queue.drain().len();
        let kept = usize::from(other.join().unwrap()) + usize::from(mine);
        let left = queue.drain().len();
        assert_eq!(drained + left, kept);
        assert_eq!(queue.buffer.dropped(), 2 - kept as u64);
        assert_eq!((queue.is_readable(), queue.drops()), (false, 2));
    });
}

#[test]
fn what_is_readable_has_an_event() {
    model(|| {
        let queue = queue(9);
        let putting = with(&queue, |queue| assert!(queue.put(1) && queue.put(2)));
        let mut got = Vec::new();
        for _ in 0..2 {
            if queue.is_readable() {
                let drained = queue.drain();
                assert!(!drained.is_empty(), "its one reader was woken up for nothing");
                got.extend(drained);
            }
        }
        putting.join().unwrap();
        assert_eq!(queue.is_readable(), got.len() < 2, "what is there is told of");
        got.extend(queue.drain());
        assert_eq!(got, [1, 2]);
        assert!(!queue.is_readable());
    });
}

#[test]
fn the_end_wakes_all_who_wait() {
    model(|| {
        let queue = queue(9);
        let waiting = [with(&queue, Queue::next), with(&queue, Queue::next)];
        queue.end();
        for waiting in waiting {
            assert_eq!(waiting.join().unwrap(), None);
        }
    });
}

#[test]
fn the_end_leaves_neither_events_nor_registrations() {
    model(|| {
        let queue = queue(9);
        let filling = with(&queue, |queue| {
            queue.register();
            queue.put(1);
        });
        let waiting = with(&queue, Queue::next);
        queue.end();
        filling.join().unwrap();
        waiting.join().unwrap();
        assert_eq!((queue.buffer.len(), queue.drops()), (0, 1), "an event ends once");
        assert_eq!(*queue.registrations.lock().unwrap(), 0);
        assert!(!queue.is_readable());
        assert!(!queue.put(2), "nothing gets in after the end");
        assert_eq!(queue.buffer.dropped(), 0, "and is not missed by anybody");
    });
}

#[test]
fn events_of_a_connection_go_and_the_others_keep_their_order() {
    model(|| {
        let queue = queue(9);
        assert!(queue.put(1) && queue.put(2) && queue.put(3));
        let putting = with(&queue, |queue| assert!(queue.put(5)));
        queue.buffer.remove(|event| event.number == 2);
        putting.join().unwrap();
        assert_eq!(queue.drops(), 1);
        assert_eq!(queue.drain(), [1, 3, 5]);
        assert!(queue.put(2) && queue.is_readable());
        queue.buffer.remove(|event| event.number == 2);
        assert!(!queue.is_readable(), "the last one is gone");
    });
}

#[test]
fn a_place_that_is_kept_stays_whatever_comes_meanwhile() {
    model(|| {
        let queue = queue(1);
        let other = with(&queue, |queue| queue.put(1));
        let keeps = queue.buffer.keep();
        let fits = other.join().unwrap();
        assert_eq!(keeps, !fits, "there is one place");
        if keeps {
            assert!(!queue.put(2), "it is taken");
            let event = Event { number: 3, drops: queue.drops.clone() };
            assert!(queue.buffer.put_kept(event).is_none());
            assert_eq!(queue.next(), Some(3));
            assert!(queue.put(4), "it is free again");
        }
    });
}

#[test]
fn a_place_can_be_given_back() {
    model(|| {
        let queue = queue(1);
        let ending = with(&queue, Queue::end);
        if queue.buffer.keep() {
            queue.buffer.give_back();
        }
        let fits = queue.put(1);
        ending.join().unwrap();
        assert!(!fits || queue.drops() == 1, "what was in it went with it");
    });
}
