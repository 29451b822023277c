//! The list of nodes. To add one: write `nodes/NAME.rs` with its `KIND`, and put it here in
//! alphabetical order. Script checking, statistics and the manual come from this list.

use crate::node::Kind;

pub mod alert;
pub mod barrier;
pub mod change_detect;
pub mod combine;
pub mod deadman;
pub mod default;
pub mod delete;
pub mod derivative;
pub mod eval;
pub mod flatten;
pub mod from;
pub mod group_by;
pub mod http_out;
pub mod http_post;
pub mod influxql;
pub mod join;
pub mod kapacitor_loopback;
pub mod log;
pub mod noop;
pub mod sample;
pub mod shift;
pub mod sideload;
pub mod state_count;
pub mod state_duration;
pub mod stats;
pub mod stream;
pub mod trickle;
pub mod union;
pub mod r#where;
pub mod window;
pub mod window_fused;

/// Every kind of node, by its chain method. The 21 InfluxQL methods have a list of their own.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    static NODES: &[&Kind] = &[
        &alert::KIND,
        &barrier::KIND,
        &change_detect::KIND,
        &combine::KIND,
        &deadman::KIND,
        &default::KIND,
        &delete::KIND,
        &derivative::KIND,
        &eval::KIND,
        &flatten::KIND,
        &from::KIND,
        &group_by::KIND,
        &http_out::KIND,
        &http_post::KIND,
        &join::KIND,
        &kapacitor_loopback::KIND,
        &log::KIND,
        &sample::KIND,
        &shift::KIND,
        &sideload::KIND,
        &state_count::KIND,
        &state_duration::KIND,
        &stats::KIND,
        &trickle::KIND,
        &union::KIND,
        &r#where::KIND,
        &window::KIND,
    ];
    NODES.iter().copied().chain(influxql::all())
}
