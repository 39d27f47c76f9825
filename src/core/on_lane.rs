// SPDX-License-Identifier: LGPL-2.1-or-later
//! Which lane the calls on an object go through: that of its connection.

use std::sync::Arc;

use virt::sys;

use super::lane::{self, Lane};
use super::{
    Conn, Domain, DomainCheckpoint, DomainSnapshot, Interface, Network, NetworkPort, NodeDevice,
    NwFilter, NwFilterBinding, Secret, StoragePool, StorageVol, Stream,
};
use crate::error::Result;

/// What calls go to a connection through.
pub trait OnLane {
    /// The lane of its connection; none where libvirt does not tell which that is.
    fn lane(&self) -> Result<Option<Arc<Lane>>>;
}

impl Conn {
    /// The lane that ends with this one's handle, if there ever was a call through it. Other
    /// handles of the same connection are only shared.
    pub(crate) fn lane_to_end(&self) -> Option<Arc<Lane>> {
        self.opened().and_then(|_| lane::known(self.raw_here()))
    }
}

impl OnLane for Conn {
    fn lane(&self) -> Result<Option<Arc<Lane>>> {
        // SAFETY: live while self is.
        unsafe { lane::of(self.raw_here()) }
    }
}

impl OnLane for Domain {
    fn lane(&self) -> Result<Option<Arc<Lane>>> {
        let known = self.known_lane();
        if let Some(lane) = known.get() {
            return Ok(Some(Arc::clone(lane)));
        }
        // SAFETY: the pointer is live, and its connection as long.
        let lane = unsafe { lane::of(sys::virDomainGetConnect(self.object.raw_here()))? };
        Ok(lane.map(|lane| Arc::clone(known.get_or_init(|| lane))))
    }
}

macro_rules! on_lane {
    ($($class:ty, $object:tt, $conn:ident;)*) => { $(
        impl OnLane for $class {
            fn lane(&self) -> Result<Option<Arc<Lane>>> {
                // SAFETY: the pointer is live, and its connection as long.
                unsafe { lane::of(sys::$conn(self.$object.raw_here())) }
            }
        }
    )* };
}

on_lane! {
    DomainSnapshot, object, virDomainSnapshotGetConnect;
    DomainCheckpoint, 0, virDomainCheckpointGetConnect;
    Interface, 0, virInterfaceGetConnect;
    Secret, object, virSecretGetConnect;
    StoragePool, object, virStoragePoolGetConnect;
    StorageVol, object, virStorageVolGetConnect;
    Network, 0, virNetworkGetConnect;
}

impl OnLane for NetworkPort {
    fn lane(&self) -> Result<Option<Arc<Lane>>> {
        // SAFETY: the pointer is live, and its network and connection as long.
        unsafe {
            let network = sys::virNetworkPortGetNetwork(self.0.raw_here());
            lane::of(sys::virNetworkGetConnect(network))
        }
    }
}

// Of these libvirt does not tell the connection; they know it themselves.
macro_rules! on_lane_where_made {
    ($($class:ty, $object:tt;)*) => { $(
        impl OnLane for $class {
            fn lane(&self) -> Result<Option<Arc<Lane>>> {
                // SAFETY: live as long as the object.
                self.$object.conn().map_or(Ok(None), |conn| unsafe { lane::of(conn.as_ptr()) })
            }
        }
    )* };
}

on_lane_where_made! {
    NodeDevice, object;
    NwFilter, 0;
    NwFilterBinding, 0;
}

impl OnLane for Stream {
    fn lane(&self) -> Result<Option<Arc<Lane>>> {
        // SAFETY: live as long as the stream.
        unsafe { lane::of(self.conn()) }
    }
}
