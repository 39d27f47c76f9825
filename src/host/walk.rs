// SPDX-License-Identifier: LGPL-2.1-or-later
//! Asking about each object of a list. libvirt lists objects in one call, but some
//! facts about them take a call for each, during which others create and delete.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::constants as c;
use crate::core::thread::with_signals_blocked;
use crate::core::{library, sigpipe};
use crate::error::{Error, Result};

/// How many calls are in flight at once. A daemon works on five of a client's
/// (`max_client_requests`); the others are on their way meanwhile. For 1,000 volumes with
/// details, 1 ms away there and back, 1, 2, 4 and 8 took 7.1, 4.8, 1.7 and 1.0 s; on one
/// host all took the same, because there the daemon has work to do all the time.
const AT_ONCE: usize = 8;
/// With fewer objects than this, threads are not worth their beginning.
const MANY: usize = 16;

/// libvirt's errors about objects that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// A domain.
    Domain,
    /// A snapshot of a domain.
    Snapshot,
    /// A storage pool.
    Pool,
    /// A volume of a storage pool.
    Volume,
}

impl Gone {
    fn says(self, error: &Error) -> bool {
        let details = error.details();
        let is = |code| details.code == code as i32;
        match self {
            Gone::Domain => is(c::ERROR_ERR_NO_DOMAIN),
            Gone::Snapshot => is(c::ERROR_ERR_NO_DOMAIN_SNAPSHOT),
            Gone::Pool => is(c::ERROR_ERR_NO_STORAGE_POOL),
            // The second is what a file gives that somebody removes from its folder
            // between libvirt's looking for it and its opening it.
            Gone::Volume => {
                is(c::ERROR_ERR_NO_STORAGE_VOL)
                    || is(c::ERROR_ERR_SYSTEM_ERROR) && details.ints[0] == libc::ENOENT
            }
        }
    }
}

/// What libvirt has told of an object; None if that is not there. Other errors stay.
pub fn present<T>(told: Result<T>, gone: Gone) -> Result<Option<T>> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(error) if gone.says(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the driver, or the daemon, does not have the call.
pub fn is_unsupported(error: &Error) -> bool {
    error.details().code == c::ERROR_ERR_NO_SUPPORT as i32
}

/// Asks about each object of a list, and leaves out those that have vanished since it
/// was made. The order stays. From libvirt 10.1 on a few calls are made at once.
pub fn each<T: Sync, R: Send>(
    objects: &[T],
    gone: Gone,
    ask: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let workers = match objects.len() {
        0..MANY => 1,
        // A list is not worth a crash.
        _ if !library::has_safe_client() => 1,
        _ => AT_ONCE,
    };
    let told = at_once(workers, objects, |object| present(ask(object), gone))?;
    Ok(told.into_iter().flatten().collect())
}

/// Does something with each item, several at once, in their order. After an error no
/// more is begun.
fn at_once<T: Sync, R: Send>(
    workers: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    if workers < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<(usize, R)>> {
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else {
                return Ok(done);
            };
            // The others find no more.
            let result = work(item).inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?;
            done.push((place, result));
        }
    };
    let mut done = thread::scope(|scope| {
        let start = || {
            let builder = thread::Builder::new().name("vkvm-walk".to_owned());
            builder.spawn_scoped(scope, || sigpipe::on_own_thread(worker))
        };
        // A thread that cannot be started is not needed: this one works, too.
        let others: Vec<_> =
            with_signals_blocked(|| (1..workers).map_while(|_| start().ok()).collect());
        let mut done = worker();
        for other in others {
            let more = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done = done.and_then(|mut done| {
                done.extend(more?);
                Ok(done)
            });
        }
        done
    })?;
    done.sort_unstable_by_key(|(place, _)| *place);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::{Barrier, Mutex};

    use super::*;
    use crate::error::Misuse;

    #[test]
    fn the_order_stays_and_work_is_shared() {
        let items: Vec<usize> = (0..1000).collect();
        let threads = Mutex::new(HashSet::new());
        // Nobody goes on before all four have begun.
        let all = Barrier::new(4);
        let doubled = at_once(4, &items, |item| {
            if threads.lock().unwrap().insert(thread::current().id()) {
                all.wait();
            }
            Ok(item * 2)
        });
        assert_eq!(doubled.unwrap(), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(threads.lock().unwrap().len(), 4);
    }

    #[test]
    fn after_an_error_no_more_is_begun() {
        let items: Vec<usize> = (0..100_000).collect();
        for workers in [1, 4] {
            let begun = AtomicUsize::new(0);
            let result = at_once(workers, &items, |item| {
                begun.fetch_add(1, Ordering::Relaxed);
                match item {
                    3 => Err(Misuse::Cancelled.into()),
                    item => Ok(*item),
                }
            });
            assert_eq!(result.unwrap_err(), Error::from(Misuse::Cancelled));
            assert!(begun.load(Ordering::Relaxed) < items.len());
        }
    }

    #[test]
    fn only_errors_about_what_is_not_there_are_left_out() {
        let error = |code: u32, number: i32| {
            let details = Error::from(Misuse::Cancelled).details().clone();
            let ints = [number, 0];
            Error::new(crate::error::Details { code: code as i32, ints, ..details })
        };
        let all = [
            (Gone::Domain, c::ERROR_ERR_NO_DOMAIN),
            (Gone::Snapshot, c::ERROR_ERR_NO_DOMAIN_SNAPSHOT),
            (Gone::Pool, c::ERROR_ERR_NO_STORAGE_POOL),
            (Gone::Volume, c::ERROR_ERR_NO_STORAGE_VOL),
        ];
        for (gone, _) in all {
            for (of, code) in all {
                let told = present(Err::<(), _>(error(code, 0)), gone);
                assert_eq!(told.is_ok(), of == gone, "{gone:?} and {code}");
            }
            let told = present(Err::<(), _>(error(c::ERROR_ERR_RPC, libc::ENOENT)), gone);
            assert!(told.is_err(), "{gone:?}");
        }
        let system =
            |number| present(Err::<(), _>(error(c::ERROR_ERR_SYSTEM_ERROR, number)), Gone::Volume);
        assert_eq!(system(libc::ENOENT), Ok(None));
        assert!(system(libc::EACCES).is_err());
    }
}
