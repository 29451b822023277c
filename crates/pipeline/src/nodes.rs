//! The list of nodes. To add one: write `nodes/NAME.rs` with its `KIND`, and put it here in
//! alphabetical order. Script checking, statistics and the manual come from this list.

use crate::node::Kind;

pub mod alert;
pub mod derivative;
pub mod eval;
pub mod from;
pub mod group_by;
pub mod http_out;
pub mod influxql;
pub mod join;
pub mod log;
pub mod state_count;
pub mod state_duration;
pub mod stream;
pub mod r#where;
pub mod window;
pub mod window_fused;

/// Every kind of node, by its chain method. The 21 InfluxQL methods have a list of their own.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    static NODES: &[&Kind] = &[
        &alert::KIND,
        &derivative::KIND,
        &eval::KIND,
        &from::KIND,
        &group_by::KIND,
        &http_out::KIND,
        &join::KIND,
        &log::KIND,
        &state_count::KIND,
        &state_duration::KIND,
        &r#where::KIND,
        &window::KIND,
    ];
    NODES.iter().copied().chain(influxql::all())
}
