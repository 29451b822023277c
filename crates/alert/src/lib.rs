//! Topics: what they remember of events, which handlers an event goes to, and the bytes of an
//! event as handlers send it. Pure: no clock, no I/O, the same answer on every member.

pub mod delivery;
pub mod error;
pub mod json;
pub mod matching;
pub mod names;
pub mod payload;
pub mod spec;
pub mod topic;
pub mod topics;

pub use delivery::{Delivery, DeliveryId, DropReason, clip, event_bytes};
pub use error::Error;
pub use matching::Matcher;
pub use names::{check_handler_id, check_task_id, check_topic_name};
pub use payload::{event_json, row_json};
pub use spec::HandlerSpec;
pub use topic::{Handler, Matching, Topic};
pub use topics::{Decision, Reason, TopicDecision, Topics, Verdict, decide};
