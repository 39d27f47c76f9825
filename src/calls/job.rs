// SPDX-License-Identifier: LGPL-2.1-or-later
//! Jobs of domains that are run here, on a connection that waits for their end meanwhile.

use std::sync::Arc;

use super::insist;
use super::sampler::Done;
use crate::core::domain::{OwnJob, Turn};
use crate::core::{Conn, Domain};
use crate::error::Result;

/// The job of a call that begins when this has been made.
pub struct DomainJob {
    own: OwnJob,
    conn: Arc<Conn>,
}

impl DomainJob {
    /// A job of this operation (`DOMAIN_JOB_OPERATION_*`), when the jobs are over that were
    /// started here before; None where it is not wanted any more by then. The turn is kept until
    /// nobody aborts the job any more: the next one is another one.
    pub fn begin(
        domain: &Domain,
        operation: u32,
        is_wanted: impl Fn() -> bool,
    ) -> Result<Option<(Self, Turn)>> {
        let Some(turn) = Turn::take(domain, &is_wanted)? else {
            return Ok(None);
        };
        let conn = Arc::new(domain.get_conn()?);
        let is_prepared = || insist(&conn, || OwnJob::is_prepared(operation, domain));
        let own = OwnJob::begin(operation, is_prepared, is_wanted);
        Ok(own.map(|own| (DomainJob { own, conn }, turn)))
    }

    /// How far it is; None where that is not known now.
    pub fn look(&self, domain: &Domain) -> Option<Done> {
        let (done, total) = insist(&self.conn, || self.own.look(domain)).ok().flatten()?;
        Some((done, total, "bytes"))
    }

    /// Aborts it if it runs. Whether libvirt has taken that on, now or before.
    pub fn abort(&self, domain: &Domain) -> bool {
        insist(&self.conn, || self.own.abort(domain))
    }
}
