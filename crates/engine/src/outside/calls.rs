//! HTTP calls of nodes. Those of one node are made one after another, as Kapacitor makes them; what
//! waits is bounded, and beyond that the newest are not made.

use super::Outside;
use crate::definition::{Answered, Other};
use handler::http::{Post, Posted, post};
use model::Name;
use parking_lot::Mutex;
use pipeline::logfmt::pair;
use pipeline::node::{Answer, Call, Request};
use pipeline::nodes::http_post::{TIMEOUT, answer_bytes};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Calls of one node that wait.
const CALLS_MAX: usize = 10_000;

/// Bytes of all calls that wait.
const BYTES_MAX: usize = 64 << 20;

/// Nodes that call at the same time.
const LANES_MAX: usize = 64;

/// How long the calls of a task that has ended are still made.
const ENDED: Duration = Duration::from_secs(10);

/// How often it is looked whether all calls are made, when stopping.
const LOOK: Duration = Duration::from_millis(10);

/// What Kapacitor's log says of a post that did not happen.
const FAILED: &str = "failed to POST data";

/// The calls that wait, by task and node.
pub struct Lanes {
    waiting: Mutex<Waiting>,
    permits: tokio::sync::Semaphore,
}

#[derive(Default)]
struct Waiting {
    lanes: BTreeMap<(Name, Name), Lane>,
    bytes: usize,
}

#[derive(Default)]
struct Lane {
    calls: VecDeque<Call>,
    /// Somebody makes them, maybe one that is not in `calls` any more.
    running: bool,
}

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes { waiting: Mutex::default(), permits: tokio::sync::Semaphore::new(LANES_MAX) }
    }
}

fn bytes(call: &Call) -> usize {
    let Request::Post { url, body, .. } = &call.request;
    url.len() + body.len() + 256
}

impl Lanes {
    /// Calls of a shard that was led until now: whoever leads it next makes them.
    pub fn forget(&self, shard: u32) {
        let mut waiting = self.waiting.lock();
        let mut freed = 0;
        for lane in waiting.lanes.values_mut() {
            lane.calls.retain(|call| {
                let kept = call.identity.shard != shard;
                freed += if kept { 0 } else { bytes(call) };
                kept
            });
        }
        waiting.bytes -= freed;
    }

    /// Calls that wait or are being made.
    pub fn len(&self) -> usize {
        let waiting = self.waiting.lock();
        waiting.lanes.values().map(|lane| lane.calls.len() + usize::from(lane.running)).sum()
    }
}

impl Outside {
    /// Makes calls, in their order for each node. Never waits.
    pub fn call(self: &Arc<Outside>, calls: Vec<Call>) {
        for call in calls {
            if let Some(dropped) = self.admit(call) {
                self.complain(
                    &dropped,
                    format!("{FAILED}: too many others wait: the receiver is too slow"),
                    String::new(),
                );
                self.answer_later(&dropped);
            }
        }
    }

    /// Waits until all calls are made, so long at most. Gives how many are not.
    pub async fn end_calls(&self, limit: Duration) -> usize {
        let begun = Instant::now();
        while self.calls.len() > 0 && begun.elapsed() < limit {
            tokio::time::sleep(LOOK).await;
        }
        self.calls.len()
    }

    /// Gives the call back if there is no room for it.
    fn admit(self: &Arc<Outside>, call: Call) -> Option<Call> {
        let mut waiting = self.calls.waiting.lock();
        let key = (call.task.clone(), call.node.clone());
        let size = bytes(&call);
        let length = waiting.lanes.get(&key).map_or(0, |lane| lane.calls.len());
        if length >= CALLS_MAX || waiting.bytes + size > BYTES_MAX {
            return Some(call);
        }
        waiting.bytes += size;
        let lane = waiting.lanes.entry(key.clone()).or_default();
        lane.calls.push_back(call);
        let begin = !lane.running && self.engine.get().is_some();
        lane.running |= begin;
        drop(waiting);
        if begin {
            self.runtime.spawn(make(self.clone(), key));
        }
        None
    }

    /// Begins with what was asked for before the engine stood.
    pub(super) fn begin_calls(self: &Arc<Outside>) {
        let mut waiting = self.calls.waiting.lock();
        for (key, lane) in waiting.lanes.iter_mut().filter(|(_, lane)| !lane.running) {
            lane.running = true;
            self.runtime.spawn(make(self.clone(), key.clone()));
        }
    }

    fn next(&self, key: &(Name, Name)) -> Option<Call> {
        let mut waiting = self.calls.waiting.lock();
        let call = waiting.lanes.get_mut(key)?.calls.pop_front();
        match &call {
            Some(call) => waiting.bytes -= bytes(call),
            None => {
                waiting.lanes.remove(key);
            }
        }
        call
    }

    async fn make_one(&self, call: &Call) -> u16 {
        let Request::Post { url, headers, basic, body, timeout, capture } = &call.request;
        let limit = u64::try_from(if *timeout > 0 { *timeout } else { TIMEOUT }).unwrap_or_default();
        let mut headers = headers.clone();
        let identity = call.identity;
        let key = format!("{}-{}-{}", identity.shard, identity.index, identity.sequence);
        headers.push(("Idempotency-Key".into(), key));
        let request = Post {
            url,
            headers: &headers,
            basic: basic.as_ref(),
            body: body.clone(),
            timeout: Duration::from_nanos(limit),
            capture: *capture,
        };
        match post(&self.clients, request).await {
            Ok(Posted { status, .. }) if (200..300).contains(&status) => status,
            Ok(Posted { status, body }) => {
                let why = match capture {
                    true => String::from_utf8_lossy(&body).into_owned(),
                    false => "unknown error, use .captureResponse() to capture the HTTP response".to_owned(),
                };
                let mut pairs = String::new();
                pair(&mut pairs, "code", &status.to_string());
                self.complain(call, format!("POST returned non 2xx status code: {why}"), pairs);
                status
            }
            Err(why) => {
                self.complain(call, format!("{FAILED}: {why}"), String::new());
                0
            }
        }
    }

    /// Tells the node the status. When that cannot be logged, another member leads by now and asks again.
    async fn answer(&self, call: &Call, status: u16) {
        if !call.answered {
            return;
        }
        let Some(engine) = self.engine() else { return };
        let identity = call.identity;
        let answer = Answer {
            task: call.task.clone(),
            node: call.node.clone(),
            call: (identity.index, identity.sequence),
            bytes: answer_bytes(status, &[]),
        };
        let logged =
            engine.log_other(identity.shard, |clock| Other::Answered(Answered { clock, answer })).await;
        if let Err(why) = logged {
            tracing::debug!(shard = identity.shard, why, "the answer to a post could not be logged");
        }
    }

    fn answer_later(self: &Arc<Outside>, call: &Call) {
        if call.answered {
            let (outside, call) = (self.clone(), call.clone());
            self.runtime.spawn(async move { outside.answer(&call, 0).await });
        }
    }
}

/// Makes the calls of one node until none waits.
async fn make(outside: Arc<Outside>, key: (Name, Name)) {
    let mut ended: Option<Instant> = None;
    while let Some(call) = outside.next(&key) {
        let Some(engine) = outside.engine() else { return };
        if engine.tasks.get(&call.task).is_some() {
            ended = None;
        } else if ended.get_or_insert_with(Instant::now).elapsed() > ENDED {
            // Nobody can look at its errors any more.
            tracing::warn!(
                task = &*call.task,
                node = &*call.node,
                url = url(&call),
                "a post of a task that has ended is not made: its receiver is too slow"
            );
            continue;
        }
        drop(engine);
        // Only an engine that is gone closes it.
        let Ok(_permit) = outside.calls.permits.acquire().await else { return };
        let status = outside.make_one(&call).await;
        outside.answer(&call, status).await;
    }
}

fn url(call: &Call) -> &str {
    let Request::Post { url, .. } = &call.request;
    url
}
