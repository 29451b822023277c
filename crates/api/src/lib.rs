//! The HTTP API of one member: Kapacitor's routes and JSON over the [`engine::Engine`].
//!
//! [`bind`] takes the address, [`serve`] answers until it is told to stop. The routes stand in one
//! list (`routes.rs`), each family in a file of its own. There is no web framework underneath:
//! Kapacitor's routing (longest prefix within a method, 404 for everything else, 301 to the clean
//! path) is not what frameworks do, and a write costs less without one.

mod access;
mod body;
mod call;
mod consistency;
mod gather;
mod glob;
mod go_json;
mod health;
mod json;
mod json_patch;
mod listen;
mod path;
mod query;
mod reply;
mod routes;
mod server;
mod settings;
mod task_json;
#[cfg(test)]
mod tests;
mod var_json;

pub use listen::{Listener, bind};
pub use server::serve;
pub use settings::{LogLevel, Settings};
