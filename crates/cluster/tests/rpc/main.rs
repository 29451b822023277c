//! Members that talk to each other over real sockets of this machine.

mod certificates;
mod failures;
mod member;
mod relay;
mod traffic;
mod trust;
