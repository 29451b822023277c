//! Topics: what they remember of events, which handlers an event goes to, and the bytes of an
//! event as handlers send it. Pure: no clock, no I/O, the same answer on every member.

pub mod aggregate;
pub mod delivery;
pub mod error;
pub mod inhibitors;
pub mod json;
pub mod matching;
pub mod names;
pub mod payload;
pub mod role;
pub mod spec;
pub mod topic;
pub mod topics;

pub use aggregate::{NO_SHARD, aggregate};
pub use delivery::{Delivery, DeliveryId, DropReason, clip, event_bytes};
pub use error::Error;
pub use inhibitors::{Inhibitors, Source};
pub use matching::Matcher;
pub use names::{check_handler_id, check_task_id, check_topic_name};
pub use payload::{event_json, row_json};
pub use role::{AGGREGATE, Aggregate, PUBLISH, Role};
pub use spec::HandlerSpec;
pub use topic::{Handler, Matching, Remembered, Topic};
pub use topics::{Decision, Reason, Repaired, TopicDecision, Topics, Verdict, decide};
