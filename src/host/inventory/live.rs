// SPDX-License-Identifier: LGPL-2.1-or-later
//! The inventory itself.

use std::collections::HashSet;
use std::ffi::CStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::documents::Documents;
use super::filter::{Condition, Filter};
use super::member::{Common, Member, Source};
use super::metrics;
use super::picture::Picture;
use super::row::Kind;
use super::settings::Settings;
use super::tickets::Awaited;
use crate::calls::Group;
use crate::core::Conn;
use crate::error::{Error, Misuse, Result};
use crate::event::{self, EventQueue};
use crate::fork;
use crate::host::MetricsFormat;
use crate::value::{Map, Value};

/// How many connections are closed at once, and documents asked for.
const AT_ONCE: usize = 64;

/// A live picture of many hosts.
pub struct Inventory {
    members: Vec<Arc<Member>>,
    common: Arc<Common>,
    /// The process whose connections they are.
    generation: u32,
}

impl Inventory {
    /// Opens hosts, and waits until each has been asked for all rows, or has failed.
    pub fn open(uris: &[&CStr], options: Option<&Map>) -> Result<Self> {
        let sources = uris
            .iter()
            .map(|uri| Ok((uri.to_string_lossy().into(), Source::Uri((*uri).to_owned()))));
        Inventory::of(sources.collect::<Result<_>>()?, "uris", options)
    }

    /// The same over connections of the program's, which stay open as long.
    pub fn share(conns: &[&Conn], options: Option<&Map>) -> Result<Self> {
        let sources = conns.iter().map(|conn| {
            let uri = conn.get_uri()?;
            Ok((uri.to_string_lossy().into(), Source::Conn(conn.another()?)))
        });
        Inventory::of(sources.collect::<Result<_>>()?, "conns", options)
    }

    fn of(
        sources: Vec<(Arc<str>, Source)>,
        parameter: &'static str,
        options: Option<&Map>,
    ) -> Result<Self> {
        let settings = options.map_or_else(|| Ok(Settings::default()), Settings::read)?;
        let wrong = |parameter, reason: String| Error::from(Misuse::Invalid { parameter, reason });
        if sources.is_empty() {
            return Err(wrong(parameter, "is empty; at least one host is needed".to_owned()));
        }
        let mut seen = HashSet::new();
        for (uri, _) in &sources {
            if !seen.insert(uri) {
                return Err(wrong(
                    parameter,
                    format!("has {uri} twice; hosts are told apart by URI"),
                ));
            }
        }
        if settings.refresh.is_none() && !event::is_ready() {
            let reason = "\"refresh\" is 0, and there is no event loop: nothing would ever change";
            return Err(wrong("options", reason.to_owned()));
        }
        let picture = Picture::new(sources.iter().map(|(uri, _)| Arc::clone(uri)));
        let timeout = settings.timeout;
        let common = Arc::new(Common {
            group: Arc::new(Group::new(settings.limit)),
            aside: Arc::new(Group::new(AT_ONCE)),
            closing: Arc::new(Group::new(AT_ONCE)),
            picture: Arc::new(picture),
            documents: Documents::default(),
            settings,
        });
        let member = |(place, (uri, source))| Member::new(place, uri, source, Arc::clone(&common));
        let members: Vec<_> = sources.into_iter().enumerate().map(member).collect();
        let inventory = Inventory { members, common, generation: fork::generation() };
        inventory.members.iter().for_each(|member| member.go_on());
        match inventory.picture().wait_for_hosts(timeout) {
            // Those that are late are filled in when they answer.
            Err(error) if error.details().code != crate::constants::ERROR_OWN_TIMEOUT => Err(error),
            _ => Ok(inventory),
        }
    }

    fn picture(&self) -> &Arc<Picture> {
        &self.common.picture
    }

    /// All rows that pass the filter: see `vkvm_inventory_get_snapshot`.
    pub fn snapshot(&self, filter: Option<&Map>) -> Result<Value> {
        self.picture().snapshot(&self.filter("filter", filter)?)
    }

    /// One row: see `vkvm_inventory_get`.
    pub fn get(&self, kind: &str, host: Option<&str>, name: &str) -> Result<Value> {
        let found = self.picture().find(self.kind(kind)?, host, name)?;
        Ok(self.picture().show(&found, &self.filter("filter", None)?))
    }

    /// The document of an object: see `vkvm_inventory_get_xml`.
    pub fn xml(
        &self,
        kind: &str,
        host: Option<&str>,
        name: &str,
        timeout: Duration,
    ) -> Result<Arc<str>> {
        let found = self.picture().find(self.kind(kind)?, host, name)?;
        self.members[found.host].document(&found.row, timeout)
    }

    /// The hosts: see `vkvm_inventory_get_hosts`.
    pub fn hosts(&self) -> Result<Value> {
        self.picture().hosts(&self.common.settings.kinds)
    }

    /// Metrics of what is known: see `vkvm_inventory_get_metrics`.
    pub fn metrics(&self, format: MetricsFormat) -> Result<String> {
        let known = self.picture().known(&self.common.settings.kinds)?;
        metrics::write(&known, self.common.settings.has(Kind::Domain), format)
    }

    /// Compares all rows of a host, or of all, and waits until that is done.
    pub fn refresh(&self, host: Option<&str>, timeout: Duration) -> Result<()> {
        let picture = self.picture();
        let deadline = Instant::now() + timeout;
        let places = picture.places(host)?;
        let tickets = picture.tickets(&places, Awaited::Compared);
        places.iter().for_each(|place| self.members[*place].refresh());
        let (well, error) = picture.wait_for_tickets(&tickets, Awaited::Compared, timeout)?;
        let later = self.settle(&well, deadline.saturating_duration_since(Instant::now()))?;
        let error = error.or(later);
        match (error, host) {
            (Some(error), Some(host)) => {
                let message = error.get_str("message").unwrap_or("it does not answer").to_owned();
                Err(Misuse::Refused { said: format!("{host}: {message}") }.into())
            }
            // Of several hosts each says for itself how it is.
            _ => Ok(()),
        }
    }

    /// Waits for the events of what was done before. They came before the answers to what was
    /// asked, so they have been read, but perhaps not told.
    fn settle(&self, places: &[usize], timeout: Duration) -> Result<Option<Arc<Value>>> {
        let tickets = self.picture().tickets(places, Awaited::Noted);
        let member =
            |(place, ticket): &(usize, u64)| (Arc::downgrade(&self.members[*place]), *ticket);
        let members: Vec<_> = tickets.iter().map(member).collect();
        let settle = move || {
            for (member, ticket) in members {
                if let Some(member) = member.upgrade() {
                    member.settle(ticket);
                }
            }
        };
        if !event::after_what_was_read(settle) {
            return Ok(None);
        }
        let (_, error) = self.picture().wait_for_tickets(&tickets, Awaited::Noted, timeout)?;
        Ok(error)
    }

    /// Waits for rows: see `vkvm_inventory_wait`.
    pub fn wait(&self, condition: &Map, timeout: Duration) -> Result<Value> {
        let condition = Condition::read(condition, &self.common.settings.kinds)?;
        self.picture().wait(&condition, timeout)
    }

    /// Tells a queue of each change from now on.
    pub fn watch(&self, queue: &EventQueue, tag: u64) -> Result<()> {
        self.picture().watch(queue, tag)
    }

    /// Tells it no more.
    pub fn unwatch(&self, queue: &EventQueue) -> Result<()> {
        self.picture().unwatch(queue)
    }

    /// Ends it: nothing is asked any more, who waits is told, and connections are closed by
    /// threads of the library's.
    pub fn end(&self) {
        self.picture().end();
        self.members.iter().for_each(|member| member.end());
    }

    fn filter(&self, parameter: &'static str, filter: Option<&Map>) -> Result<Filter> {
        Filter::read(parameter, filter, &self.common.settings.kinds)
    }

    fn kind(&self, name: &str) -> Result<Kind> {
        let kinds = &self.common.settings.kinds;
        Kind::named(name).filter(|kind| kinds.contains(kind)).ok_or_else(|| {
            let known: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            let hint = format!("; this inventory has {}", known.join(", "));
            Misuse::NotFound { parameter: "kind", path: name.to_owned(), hint }.into()
        })
    }
}

impl Drop for Inventory {
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            // They are the parent's, and so may be what was locked while it forked.
            std::mem::forget(std::mem::take(&mut self.members));
            std::mem::forget(Arc::clone(&self.common));
            return;
        }
        self.end();
    }
}
