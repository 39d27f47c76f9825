// SPDX-License-Identifier: LGPL-2.1-or-later
//! What a call goes through: the connection of the first object among its arguments.

use std::sync::Arc;

use crate::calls::{Via, Way};
use crate::capi::invoke::Row;
use crate::core::OnLane;
use crate::core::lane::{self, Lane};
use crate::core::{
    Conn, Domain, DomainCheckpoint, DomainSnapshot, Interface, Network, NetworkPort, NodeDevice,
    NwFilter, NwFilterBinding, Secret, StoragePool, StorageVol, Stream,
};
use crate::error::Result;
use crate::handle::{self, AnyHandle, Class, Object};
use crate::host::Host;
use crate::value::{Map, Value};

/// What a call with these arguments goes through.
pub fn of(row: &Row, args: &Map) -> Result<Via> {
    for param in row.params.iter().filter(|param| param.is_given()) {
        match args.get(param.name) {
            // A queue listens to the connection that is given, too.
            Some(Value::Handle(handle))
                if AnyHandle::class(handle.id()) == Some(Class::EventQueue) => {}
            Some(Value::Handle(handle)) => return of_object(row, handle, param.name),
            Some(Value::String(uri)) if param.name == "uri" => {
                return Ok(Via::Opening(uri.as_str().into()));
            }
            Some(Value::Map(options)) if param.name == "options" => {
                if let Some(Value::String(uri)) = options.get("uri") {
                    return Ok(Via::Opening(uri.as_str().into()));
                }
            }
            _ => {}
        }
    }
    Ok(Via::Process)
}

/// How long a call on this object may take, in ms; 0 for no limit.
pub fn timeout_ms(handle: usize) -> u32 {
    if !lane::is_any_limited() {
        return 0;
    }
    let lane = AnyHandle::class(handle).map(|class| lane_of(class, handle, "handle"));
    lane.and_then(Result::ok).flatten().map_or(0, |lane| lane.timeout_ms())
}

fn of_object(row: &Row, handle: &AnyHandle, parameter: &'static str) -> Result<Via> {
    let id = handle.id();
    match AnyHandle::class(id) {
        Some(Class::Stream) => {
            let stream = handle::get::<Stream>(id, parameter)?;
            let is_in = receives(row) && stream.carries_both_ways();
            let way = if is_in { Way::In } else { Way::Out };
            Ok(stream.lane()?.map_or(Via::Process, |lane| Via::Stream(lane, id, way)))
        }
        Some(class) => Ok(lane_of(class, id, parameter)?.map_or(Via::Process, Via::Lane)),
        None => {
            // It is not live, which this says.
            AnyHandle::retain(id, parameter)?;
            Ok(Via::Process)
        }
    }
}

/// Whether a function of a stream waits for data from the other end.
fn receives(row: &Row) -> bool {
    matches!(row.name, "vkvm_stream_recv" | "vkvm_stream_recv_hole")
}

/// The lane of the connection that an object belongs to; none where it belongs to none.
fn lane_of(class: Class, id: usize, parameter: &'static str) -> Result<Option<Arc<Lane>>> {
    match class {
        Class::Conn => lane::<Conn>(id, parameter),
        Class::Domain => lane::<Domain>(id, parameter),
        Class::DomainSnapshot => lane::<DomainSnapshot>(id, parameter),
        Class::DomainCheckpoint => lane::<DomainCheckpoint>(id, parameter),
        Class::Network => lane::<Network>(id, parameter),
        Class::NetworkPort => lane::<NetworkPort>(id, parameter),
        Class::Nwfilter => lane::<NwFilter>(id, parameter),
        Class::NwfilterBinding => lane::<NwFilterBinding>(id, parameter),
        Class::Interface => lane::<Interface>(id, parameter),
        Class::NodeDevice => lane::<NodeDevice>(id, parameter),
        Class::StoragePool => lane::<StoragePool>(id, parameter),
        Class::StorageVol => lane::<StorageVol>(id, parameter),
        Class::Secret => lane::<Secret>(id, parameter),
        Class::Stream => lane::<Stream>(id, parameter),
        Class::Host => lane::<Host>(id, parameter),
        Class::Error
        | Class::Value
        | Class::EventQueue
        | Class::Fleet
        | Class::Inventory
        | Class::Call => Ok(None),
    }
}

fn lane<T: Object + OnLane>(id: usize, parameter: &'static str) -> Result<Option<Arc<Lane>>> {
    handle::get::<T>(id, parameter)?.lane()
}
