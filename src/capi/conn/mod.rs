//! `vkvm_conn_*`: connections.

pub mod domains;
pub mod events;
pub mod host;
pub mod open;
pub mod secrets;
pub mod storage;
