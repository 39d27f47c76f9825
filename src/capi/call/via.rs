//! What a call goes through: the connection of the first object among its arguments.

use std::sync::Arc;

use crate::calls::Via;
use crate::capi::invoke::Row;
use crate::core::OnLane;
use crate::core::lane::Lane;
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
            Some(Value::Handle(handle)) => return of_object(handle, param.name),
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

fn of_object(handle: &AnyHandle, parameter: &'static str) -> Result<Via> {
    let lane = match AnyHandle::class(handle.id()) {
        Some(Class::Conn) => lane::<Conn>(handle, parameter),
        Some(Class::Domain) => lane::<Domain>(handle, parameter),
        Some(Class::DomainSnapshot) => lane::<DomainSnapshot>(handle, parameter),
        Some(Class::DomainCheckpoint) => lane::<DomainCheckpoint>(handle, parameter),
        Some(Class::Network) => lane::<Network>(handle, parameter),
        Some(Class::NetworkPort) => lane::<NetworkPort>(handle, parameter),
        Some(Class::Nwfilter) => lane::<NwFilter>(handle, parameter),
        Some(Class::NwfilterBinding) => lane::<NwFilterBinding>(handle, parameter),
        Some(Class::Interface) => lane::<Interface>(handle, parameter),
        Some(Class::NodeDevice) => lane::<NodeDevice>(handle, parameter),
        Some(Class::StoragePool) => lane::<StoragePool>(handle, parameter),
        Some(Class::StorageVol) => lane::<StorageVol>(handle, parameter),
        Some(Class::Secret) => lane::<Secret>(handle, parameter),
        Some(Class::Host) => lane::<Host>(handle, parameter),
        Some(Class::Stream) => {
            let lane = lane::<Stream>(handle, parameter)?;
            return Ok(lane.map_or(Via::Process, |lane| Via::Stream(lane, handle.id())));
        }
        Some(Class::Error | Class::Value | Class::EventQueue | Class::Fleet | Class::Call) => {
            return Ok(Via::Process);
        }
        None => {
            // It is not live, which this says.
            AnyHandle::retain(handle.id(), parameter)?;
            return Ok(Via::Process);
        }
    };
    Ok(lane?.map_or(Via::Process, Via::Lane))
}

fn lane<T: Object + OnLane>(
    handle: &AnyHandle,
    parameter: &'static str,
) -> Result<Option<Arc<Lane>>> {
    handle::get::<T>(handle.id(), parameter)?.lane()
}
