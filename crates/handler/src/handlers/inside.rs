//! `publish` and `aggregate`: handlers that give events to other topics. They are carried out where
//! events are agreed on (the `alert` and `catalog` crates), so that it happens once however many members
//! there are; here only their options are declared.

use super::{Attempt, Built, Handler, Kind, Limits, Services};
use crate::options::Options;
use crate::{DeliveryError, OptionDef, OptionKind};
use alert::Delivery;
use std::sync::Arc;
use std::time::Duration;

pub(super) static PUBLISH: Kind = Kind {
    name: alert::PUBLISH,
    method: "",
    config: "alert.PublishHandlerConfig",
    summary: "gives the event to other topics too",
    options: &[OptionDef { name: "topics", kind: OptionKind::Texts, summary: "the topics" }],
    build,
};

pub(super) static AGGREGATE: Kind = Kind {
    name: alert::AGGREGATE,
    method: "",
    config: "alert.AggregateHandlerConfig",
    summary: "makes one event of all that come in an interval, and gives it to another topic",
    options: &[
        OptionDef { name: "id", kind: OptionKind::Text, summary: "id of the event" },
        OptionDef {
            name: "interval",
            kind: OptionKind::Duration,
            summary: "how long events are collected, from the first one on",
        },
        OptionDef { name: "topic", kind: OptionKind::Text, summary: "where the event goes" },
        OptionDef {
            name: "message",
            kind: OptionKind::Text,
            summary: "template of its message, over .Count and .Interval",
        },
    ],
    build,
};

fn build(_: &Options<'_>, _: &Services) -> Built {
    Ok(Arc::new(Inside))
}

/// Stands for both where a handler is wanted. No delivery ever comes to it.
struct Inside;

impl Handler for Inside {
    fn limits(&self) -> Limits {
        Limits { timeout: Duration::from_secs(1), concurrency_max: 1, attempts_max: Some(1) }
    }

    fn deliver<'a>(&'a self, _: &'a Delivery) -> Attempt<'a> {
        let error = "publish and aggregate make no deliveries; this is a bug of Farad, please report it";
        Box::pin(async move { Err(DeliveryError::lasting("cannot deliver", error)) })
    }
}
