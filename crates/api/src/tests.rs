//! The server as clients see it: a real engine in a folder of its own, spoken to over sockets.

mod alerts;
mod cases;
mod cluster;
mod fixture;
mod handlers;
mod limits;
mod stats;
mod stop;
mod write;
