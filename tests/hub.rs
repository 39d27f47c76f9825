// SPDX-License-Identifier: LGPL-2.1-or-later
//! `src/event/hub.rs` under loom, which tries every order in which the steps of the
//! threads can come: registering, delivering, deregistering, the end, an outage, a new
//! connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as Plain};

use hub::{Added, Hub, Registrar, Sides, Table};
use loom::sync::Mutex;
use loom::thread;

/// What the file is made of, as loom's.
mod sync {
    pub use loom::sync::atomic::{AtomicBool, Ordering};
    pub use loom::sync::{Arc, Mutex, MutexGuard};

    pub struct Leaf<T>(Mutex<T>);

    impl<T> Leaf<T> {
        pub fn new(content: T) -> Self {
            Leaf(Mutex::new(content))
        }

        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }

    pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

#[path = "../src/event/hub.rs"]
mod hub;

/// What is registered with a libvirt that refuses a second registration of one kind.
#[derive(Clone)]
struct Libvirt {
    /// Connection, topic, tap.
    registered: Arc<Mutex<Vec<(usize, u8, usize)>>>,
    /// The connection that is in use.
    current: Arc<Mutex<usize>>,
    /// The connections up to this one have ended, and take no registrations.
    ended: Arc<Mutex<Option<usize>>>,
}

impl Libvirt {
    fn new() -> Self {
        Libvirt {
            registered: Arc::new(Mutex::new(Vec::new())),
            current: Arc::new(Mutex::new(0)),
            ended: Arc::new(Mutex::new(None)),
        }
    }

    /// The first connection has ended, and another one will take its place.
    fn ended() -> Self {
        let libvirt = Libvirt::new();
        libvirt.ends();
        libvirt
    }

    fn ends(&self) {
        *self.ended.lock().unwrap() = Some(*self.current.lock().unwrap());
    }

    fn has_ended(&self, link: usize) -> bool {
        self.ended.lock().unwrap().is_some_and(|last| link <= last)
    }

    /// The next connection is there.
    fn reconnects(&self, hub: &'static Hub<Model>) {
        *self.current.lock().unwrap() += 1;
        hub.move_all(self, LINE);
    }

    /// As libvirt tells of an event: with what it knew, even if that is over by now.
    fn happens(&self, hub: &'static Hub<Model>, event: u8) {
        let known = self.registered.lock().unwrap().clone();
        for (_, _, tap) in known {
            hub.deliver(tap, |_| event);
        }
    }

    fn topics_by_connection(&self) -> Vec<(usize, u8)> {
        self.registered.lock().unwrap().iter().map(|&(link, topic, _)| (link, topic)).collect()
    }
}

impl Registrar<Model> for Libvirt {
    type Error = ();

    fn link(&self) -> usize {
        *self.current.lock().unwrap()
    }

    fn begin(&self, link: &usize, topic: &u8, tap: usize) -> Result<Registration, ()> {
        if self.has_ended(*link) {
            return Err(());
        }
        let mut registered = self.registered.lock().unwrap();
        let is_another = registered.iter().any(|&(l, t, _)| (l, t) == (*link, *topic));
        assert!(!is_another, "libvirt knows this registration already");
        registered.push((*link, *topic, tap));
        Ok(Registration { libvirt: self.clone(), tap })
    }

    fn is_coming(&self, link: &usize, _topic: &u8, (): &()) -> bool {
        self.has_ended(*link)
    }
}

struct Registration {
    libvirt: Libvirt,
    tap: usize,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.libvirt.registered.lock().unwrap().retain(|&(_, _, tap)| tap != self.tap);
    }
}

/// Notes what it is told, and how often it is dropped.
#[derive(Clone, Default)]
struct Ear {
    heard: Arc<Plain<Vec<u8>>>,
    drops: Arc<AtomicUsize>,
}

struct Listener(Ear);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.drops.fetch_add(1, Ordering::SeqCst);
    }
}

impl Ear {
    fn heard(&self) -> Vec<u8> {
        self.heard.lock().unwrap().clone()
    }

    fn drops(&self) -> usize {
        self.drops.load(Ordering::SeqCst)
    }
}

struct Model;

impl Sides for Model {
    type Topic = u8;
    type Link = usize;
    type Role = u8;
    type Listener = Listener;
    type Event = u8;
    type Registration = Registration;

    fn tell(listener: &Listener, event: u8) {
        assert_eq!(listener.0.drops(), 0, "nobody is told who is gone");
        listener.0.heard.lock().unwrap().push(event);
    }

    fn copy(event: &u8) -> u8 {
        *event
    }

    fn keep(event: u8) -> u8 {
        event
    }
}

const LINE: u64 = 7;
const TOPIC: u8 = 1;

fn new_hub() -> &'static Hub<Model> {
    Box::leak(Box::new(Hub::new(sync::Leaf::new(Table::new()))))
}

fn add(hub: &'static Hub<Model>, libvirt: &Libvirt, role: u8) -> Ear {
    let (ear, added) = try_to_add(hub, libvirt, role);
    assert_eq!(added, Ok(Added::Now));
    ear
}

fn try_to_add(hub: &'static Hub<Model>, libvirt: &Libvirt, role: u8) -> (Ear, Result<Added, ()>) {
    let ear = Ear::default();
    let listener = Listener(ear.clone());
    let added = hub.add(libvirt, (LINE, TOPIC), (role, listener), |_| false);
    (ear, added)
}

fn remove(hub: &'static Hub<Model>, role: u8) -> usize {
    hub.remove(LINE, |other| *other == role).len()
}

/// All orders, but those with more than three changes of threads where none must be.
fn model(body: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(body);
}

#[test]
fn listeners_share_a_registration_and_each_ends_once() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let other = {
            let libvirt = libvirt.clone();
            thread::spawn(move || {
                let ear = add(hub, &libvirt, 2);
                assert_eq!(remove(hub, 2), 1);
                ear
            })
        };
        let ear = add(hub, &libvirt, 1);
        assert_eq!(libvirt.topics_by_connection(), [(0, TOPIC)]);
        assert_eq!(remove(hub, 1), 1);
        assert_eq!(remove(hub, 1), 0, "it is over");
        let other = other.join().unwrap();
        assert_eq!((ear.drops(), other.drops()), (1, 1));
        assert_eq!(libvirt.topics_by_connection(), [], "nobody listens");
    });
}

#[test]
fn an_event_finds_those_who_listen_and_no_others() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let stays = add(hub, &libvirt, 1);
        let goes = add(hub, &libvirt, 2);
        let teller = {
            let libvirt = libvirt.clone();
            thread::spawn(move || libvirt.happens(hub, 9))
        };
        assert_eq!(remove(hub, 2), 1);
        teller.join().unwrap();
        assert_eq!(stays.heard(), [9]);
        assert!(goes.heard().len() <= 1);
        assert_eq!((stays.drops(), goes.drops()), (0, 1));
        libvirt.happens(hub, 10);
        assert_eq!(stays.heard(), [9, 10]);
        assert!(!goes.heard().contains(&10));
        assert_eq!(remove(hub, 1), 1);
    });
}

#[test]
fn a_registration_that_meets_a_new_connection_is_on_it_once() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let reconnect = {
            let libvirt = libvirt.clone();
            thread::spawn(move || libvirt.reconnects(hub))
        };
        let ear = add(hub, &libvirt, 1);
        reconnect.join().unwrap();
        assert_eq!(libvirt.topics_by_connection(), [(1, TOPIC)]);
        libvirt.happens(hub, 3);
        assert_eq!(ear.heard(), [3]);
        assert_eq!(remove(hub, 1), 1);
    });
}

#[test]
fn a_deregistration_that_meets_a_new_connection_leaves_nothing() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let ear = add(hub, &libvirt, 1);
        let reconnect = {
            let libvirt = libvirt.clone();
            thread::spawn(move || libvirt.reconnects(hub))
        };
        assert_eq!(hub.lines(), [LINE]);
        let (entries, tell) = hub.take(LINE, |role| *role == 1);
        assert_eq!(entries.len(), 1);
        drop(entries);
        tell();
        reconnect.join().unwrap();
        assert_eq!(libvirt.topics_by_connection(), []);
        assert_eq!(ear.drops(), 1);
    });
}

#[test]
fn what_happens_while_a_connection_is_new_is_told_later_and_in_order() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let ear = add(hub, &libvirt, 1);
        hub.hold(LINE);
        let teller = {
            let libvirt = libvirt.clone();
            thread::spawn(move || {
                libvirt.happens(hub, 1);
                libvirt.happens(hub, 2);
            })
        };
        teller.join().unwrap();
        assert_eq!(ear.heard(), []);
        let late = {
            let libvirt = libvirt.clone();
            thread::spawn(move || libvirt.happens(hub, 3))
        };
        hub.release(LINE);
        late.join().unwrap();
        let mut heard = ear.heard();
        // Only one thread turns the loop; here a second one may be quicker.
        heard.retain(|event| *event != 3);
        assert_eq!(heard, [1, 2]);
        assert_eq!(ear.heard().len(), 3, "none is lost, none comes twice");
        assert_eq!(remove(hub, 1), 1);
    });
}

#[test]
fn the_end_is_told_once_to_each_who_listened() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let early = add(hub, &libvirt, 1);
        let tap = libvirt.registered.lock().unwrap()[0].2;
        let ending = thread::spawn(move || {
            for entry in hub.take_last(tap, |_| false) {
                entry.tell(5);
            }
            assert!(hub.take_last(tap, |_| false).is_empty());
        });
        let late = add(hub, &libvirt, 2);
        ending.join().unwrap();
        assert_eq!((early.heard(), early.drops()), (vec![5], 1));
        // It came in time, or it is registered anew.
        let told = late.heard() == [5] && late.drops() == 1;
        assert_eq!(libvirt.topics_by_connection().len(), usize::from(!told));
        assert_eq!(remove(hub, 2), usize::from(!told));
        assert_eq!(late.drops(), 1);
        assert_eq!(libvirt.topics_by_connection(), []);
    });
}

#[test]
fn a_registration_during_an_outage_is_on_the_next_connection_once() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::ended());
        let reconnect = {
            let libvirt = libvirt.clone();
            thread::spawn(move || libvirt.reconnects(hub))
        };
        let (first, added) = try_to_add(hub, &libvirt, 1);
        assert!(matches!(added, Ok(Added::Now | Added::Coming)));
        let (second, added) = try_to_add(hub, &libvirt, 2);
        assert!(matches!(added, Ok(Added::Now | Added::Coming)));
        reconnect.join().unwrap();
        assert_eq!(libvirt.topics_by_connection(), [(1, TOPIC)]);
        libvirt.happens(hub, 3);
        assert_eq!((first.heard(), second.heard()), (vec![3], vec![3]));
        assert_eq!((remove(hub, 1), remove(hub, 2)), (1, 1));
        assert_eq!((first.drops(), second.drops()), (1, 1));
        assert_eq!(libvirt.topics_by_connection(), []);
    });
}

#[test]
fn a_deregistration_during_an_outage_leaves_nothing_on_the_next_connection() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::ended());
        let (ear, added) = try_to_add(hub, &libvirt, 1);
        assert_eq!(added, Ok(Added::Coming));
        let reconnect = {
            let libvirt = libvirt.clone();
            thread::spawn(move || libvirt.reconnects(hub))
        };
        assert_eq!(remove(hub, 1), 1);
        assert_eq!(remove(hub, 1), 0);
        reconnect.join().unwrap();
        assert_eq!(libvirt.topics_by_connection(), []);
        assert_eq!((ear.heard(), ear.drops()), (vec![], 1));
    });
}

#[test]
fn a_registration_that_meets_the_end_is_told_of_it_or_is_on_the_next_connection() {
    model(|| {
        let (hub, libvirt) = (new_hub(), Libvirt::new());
        let lasting = add(hub, &libvirt, 1);
        let tap = libvirt.registered.lock().unwrap()[0].2;
        let outage = {
            let libvirt = libvirt.clone();
            thread::spawn(move || {
                libvirt.ends();
                for entry in hub.take_last(tap, |role| *role == 1) {
                    entry.tell(5);
                }
                libvirt.reconnects(hub);
            })
        };
        let (late, added) = try_to_add(hub, &libvirt, 2);
        assert!(matches!(added, Ok(Added::Now | Added::Coming)));
        outage.join().unwrap();
        assert_eq!((lasting.heard(), lasting.drops()), (vec![5], 0));
        assert_eq!(libvirt.topics_by_connection(), [(1, TOPIC)]);
        let told = late.heard() == [5] && late.drops() == 1;
        assert!(told || (late.heard(), late.drops()) == (vec![], 0));
        libvirt.happens(hub, 6);
        assert_eq!(lasting.heard(), [5, 6]);
        assert_eq!(late.heard(), [if told { 5 } else { 6 }]);
        assert_eq!(remove(hub, 2), usize::from(!told));
        assert_eq!(remove(hub, 1), 1);
        assert_eq!((lasting.drops(), late.drops()), (1, 1));
    });
}

#[test]
fn what_no_connection_comes_after_fails_and_ends() {
    model(|| {
        struct Never(Libvirt);
        impl Registrar<Model> for Never {
            type Error = ();
            fn link(&self) -> usize {
                self.0.link()
            }
            fn begin(&self, link: &usize, topic: &u8, tap: usize) -> Result<Registration, ()> {
                self.0.begin(link, topic, tap)
            }
            fn is_coming(&self, _link: &usize, _topic: &u8, (): &()) -> bool {
                false
            }
        }
        let (hub, libvirt) = (new_hub(), Libvirt::ended());
        let ear = Ear::default();
        let listener = Listener(ear.clone());
        let added = hub.add(&Never(libvirt), (LINE, TOPIC), (1, listener), |_| false);
        assert_eq!((added, ear.drops()), (Err(()), 1));
        assert_eq!(remove(hub, 1), 0);
    });
}
