//! `|httpPost()`: posts every point or batch to a URL. Passes everything on: at once, or, with
//! `.codeField()`, with the status of the answer once that is there.

mod pending;
mod row;

use crate::args::Duration;
use crate::edge::{Batch, Flow, Mark, Message, Run};
use crate::group::Group;
use crate::node::{Answer, AnyNode, Build, Call, Cx, Definition, Kind, Node, Request, Server};
use crate::properties;
use crate::rowshape::{batch_row, point_row};
use crate::state::States;
use model::{Column, Name, Row, Rows, Time};
use pending::{Pending, What};
use std::collections::BTreeMap;
use std::sync::Arc;
use template::Template;

/// The kind.
pub static KIND: Kind = Kind {
    name: "httpPost",
    stem: "http_post",
    go: "HTTPPostNode",
    wants: None,
    provides: None,
    joins: false,
    grouped: true,
    create: |a| Ok(Box::new(HttpPost { urls: a.rest(0)?, ..HttpPost::default() })),
    properties: properties!(HttpPost {
        "endpoint" => |d, a| d.endpoints.push(a.one()?),
        "header" => |d, a| {
            a.exactly(2)?;
            d.headers.insert(a.get(0)?, a.get(1)?)
        },
        "codeField" => |d, a| d.code_field = a.set()?,
        "captureResponse" => |d, a| d.capture = a.flag()?,
        "timeout" => |d, a| d.timeout = a.set::<Duration>()?.0,
    }),
    counters: &[],
};

/// How long a request takes at most when the script does not say so, nanoseconds.
pub const TIMEOUT: Time = 30_000_000_000;

/// How much longer than its request may take a point waits for the answer: others may be before it.
const GRACE: Time = 60_000_000_000;

/// Points or batches of one node in one shard that wait for answers. More go on without.
const PENDING_MAX: usize = 10_000;

/// What Kapacitor's log says of a post that did not happen.
const FAILED: &str = "failed to POST data";

/// A receiver that the configuration names (`[[httppost]]`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Its URL; may be a template over the row.
    pub url: String,
    /// Headers of each request.
    pub headers: BTreeMap<String, String>,
    /// User of basic authentication; used when both it and the password are set.
    pub username: String,
    /// Password of basic authentication.
    pub password: String,
    /// A template of the body, in place of the row's JSON.
    pub row_template: Option<String>,
}

impl Endpoint {
    /// User and password, if both are set.
    pub fn basic(&self) -> Option<(String, String)> {
        let both = !self.username.is_empty() && !self.password.is_empty();
        both.then(|| (self.username.clone(), self.password.clone()))
    }
}

/// The definition.
#[derive(Debug, Default)]
pub struct HttpPost {
    urls: Vec<String>,
    endpoints: Vec<String>,
    headers: BTreeMap<String, String>,
    code_field: String,
    capture: bool,
    timeout: i64,
}

impl HttpPost {
    fn endpoint(&self, server: &Server) -> Result<Endpoint, String> {
        let Some(name) = self.endpoints.first() else {
            let url = self.urls.first().cloned().unwrap_or_default();
            return Ok(Endpoint { url, ..Endpoint::default() });
        };
        let found = server.endpoints.get(name).cloned();
        found.ok_or_else(|| format!("endpoint '{name}' does not exist"))
    }
}

impl Definition for HttpPost {
    fn validate(&self, _parents: usize) -> Result<(), String> {
        let (urls, endpoints) = (self.urls.len(), self.endpoints.len());
        if urls >= 2 {
            return Err(format!("httpPost expects 0 or 1 arguments, got {urls}"));
        }
        if endpoints > 1 {
            return Err(format!("httpPost expects 0 or 1 endpoints, got {endpoints}"));
        }
        if urls + endpoints == 0 {
            return Err("must provide url or endpoint".into());
        }
        if urls + endpoints == 2 {
            return Err("only one endpoint and url may be specified".into());
        }
        match self.headers.keys().any(|name| name.eq_ignore_ascii_case("authenticate")) {
            true => Err("cannot set 'authenticate' header".into()),
            false => Ok(()),
        }
    }

    fn is_stateful(&self) -> bool {
        false
    }

    fn build(&self, cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        let endpoint = self.endpoint(cx.server)?;
        if endpoint.url.is_empty() {
            return Err("must provide url or endpoint: the url is empty".into());
        }
        let of_script = self.endpoints.is_empty();
        let url = parse(&endpoint.url).map_err(|error| match of_script {
            true => format!("error in url templating: {error}"),
            false => error,
        })?;
        let mut headers: BTreeMap<String, String> = endpoint.headers.clone();
        let body = endpoint.row_template.as_deref().map(parse).transpose()?;
        let mut set = |name: &str, value: &str| {
            headers.retain(|known, _| !known.eq_ignore_ascii_case(name));
            headers.insert(name.to_owned(), value.to_owned());
        };
        if body.is_none() {
            set("Content-Type", "application/json");
        }
        self.headers.iter().for_each(|(name, value)| set(name, value));
        let post = Post {
            url,
            body,
            headers: headers.into_iter().collect(),
            basic: endpoint.basic(),
            timeout: self.timeout.max(0),
            capture: self.capture,
            answered: !self.code_field.is_empty(),
        };
        if self.code_field.is_empty() {
            return Ok(Box::new(post));
        }
        Ok(Box::new(WithCode { post, field: self.code_field.as_str().into() }))
    }
}

fn parse(source: &str) -> Result<Template, String> {
    Template::text_with_json(source, "body").map_err(|error| format!("failed to parse template: {error}"))
}

/// What comes back for a call of this node: the status (0: there was no answer) and the body.
pub fn answer_bytes(status: u16, body: &[u8]) -> Vec<u8> {
    postcard::to_allocvec(&(status, body)).expect("plain values always encode")
}

fn status_of(bytes: &[u8]) -> u16 {
    postcard::take_from_bytes::<u16>(bytes).map_or(0, |(status, _)| status)
}

/// Posts, and waits for nothing.
struct Post {
    url: Template,
    body: Option<Template>,
    headers: Vec<(String, String)>,
    basic: Option<(String, String)>,
    timeout: Time,
    capture: bool,
    answered: bool,
}

impl Post {
    fn request(&self, row: &Row) -> Result<Request, String> {
        let view = row::View::new(row);
        let mut body = String::new();
        match &self.body {
            Some(template) => template
                .render(&view, &mut body)
                .map_err(|error| format!("failed to execute template: {error}"))?,
            None => row::json(row, &mut body)
                .map_err(|error| format!("failed to marshal row data json: {error}"))?,
        }
        let mut url = String::new();
        self.url.render(&view, &mut url).map_err(|error| {
            format!("failed to marshal row data json: failed to execute url template: {error}")
        })?;
        let (headers, basic, timeout) = (self.headers.clone(), self.basic.clone(), self.timeout);
        Ok(Request::Post { url, headers, basic, body: body.into_bytes(), timeout, capture: self.capture })
    }

    /// Asks for the post of a row; gives the call's index and sequence. `None`: there is nothing that
    /// could be posted, which is counted.
    fn call(&self, cx: &mut Cx<'_>, row: &Row) -> Option<(u64, u32)> {
        let request = match self.request(row) {
            Ok(request) => request,
            Err(why) => {
                cx.error(1, || format!("{FAILED}: {why}"));
                return None;
            }
        };
        let identity = cx.next_identity();
        let (task, node, quiet, answered) = (cx.task.clone(), cx.name.clone(), cx.quiet, self.answered);
        cx.effects.calls.push(Call { identity, task, node, quiet, answered, request });
        Some((identity.index, identity.sequence))
    }
}

impl Node for Post {
    type State = ();

    fn feed(&self, cx: &mut Cx<'_>, _states: &mut States<()>, inputs: &mut [Message]) -> Message {
        match &inputs[0] {
            Message::None => {}
            Message::Stream(run) => {
                for row in 0..run.rows.len() {
                    let row = point_row(&run.rows, row, cx.series);
                    self.call(cx, &row);
                }
            }
            Message::Batches(batches) => {
                for batch in batches {
                    let row = batch_row(batch, cx.series);
                    self.call(cx, &row);
                }
            }
        }
        std::mem::take(&mut inputs[0])
    }
}

/// Posts, and sends on in the order in which things came, each with the status of its answer.
struct WithCode {
    post: Post,
    field: Name,
}

impl Node for WithCode {
    /// One state for all groups: what waits has one order.
    type State = Pending;

    const BY_GROUP: bool = false;

    /// What got no answer must not wait for ever.
    const TIMED: bool = true;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Pending>, inputs: &mut [Message]) -> Message {
        match std::mem::take(&mut inputs[0]) {
            Message::None => Message::None,
            Message::Stream(run) => self.points(cx, states, &run),
            Message::Batches(batches) => self.batches(cx, states, batches),
        }
    }

    fn mark(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<Pending>,
        _input: usize,
        marks: Vec<Mark>,
    ) -> Vec<Flow> {
        self.forget_marked(cx, states, &marks);
        let waits = states.peek(0).is_some_and(|pending| !pending.is_empty());
        if cx.space_in != cx.space_out {
            return Vec::new();
        }
        if !waits {
            return vec![Flow::Marks(marks)];
        }
        for mark in marks {
            let barrier = match mark {
                Mark::Barrier { time, .. } => Some(time),
                Mark::Delete { .. } => None,
            };
            let group = cx.group(mark.group());
            states.get(0).push(None, Time::MAX, What::Mark { group, barrier });
        }
        Vec::new()
    }

    fn tick(&self, cx: &mut Cx<'_>, states: &mut States<Pending>) -> Vec<Flow> {
        let waits = states.peek(0).is_some_and(|pending| !pending.is_empty());
        if !waits {
            states.set_due(Time::MAX);
            return Vec::new();
        }
        let late = states.get(0).give_up(cx.now);
        if late > 0 {
            cx.error(late, || format!("{FAILED}: there was no answer in time, or the server was restarted"));
        }
        let flows = self.release(cx, states);
        let due = states.peek(0).map_or(Time::MAX, Pending::due);
        states.set_due(due);
        flows
    }

    fn answer(&self, cx: &mut Cx<'_>, states: &mut States<Pending>, answer: &Answer) -> Vec<Flow> {
        // Whoever waited for it may have given up.
        if !states.get(0).answer(answer.call, i64::from(status_of(&answer.bytes))) {
            return Vec::new();
        }
        self.release(cx, states)
    }

    fn finish(&self, cx: &mut Cx<'_>, states: &mut States<Pending>) -> Vec<Flow> {
        if states.peek(0).is_none_or(Pending::is_empty) {
            return Vec::new();
        }
        let unanswered = states.get(0).give_up(Time::MAX);
        if unanswered > 0 {
            cx.error(unanswered, || format!("{FAILED}: the task ended before there was an answer"));
        }
        self.release(cx, states)
    }
}

impl WithCode {
    fn deadline(&self, now: Time) -> Time {
        let limit = if self.post.timeout > 0 { self.post.timeout } else { TIMEOUT };
        now.saturating_add(limit).saturating_add(GRACE)
    }

    /// Asks for the post of a row. Gives what it has to wait for; without that it goes on at once.
    fn ask(&self, cx: &mut Cx<'_>, states: &mut States<Pending>, row: &Row) -> Option<Option<(u64, u32)>> {
        let waiting = states.peek(0).map_or(0, Pending::len);
        if waiting >= PENDING_MAX {
            cx.error(1, || {
                format!("{FAILED}: {PENDING_MAX} others wait for an answer: the receiver is too slow")
            });
            return None;
        }
        let call = self.post.call(cx, row);
        (call.is_some() || waiting > 0).then_some(call)
    }

    fn points(&self, cx: &mut Cx<'_>, states: &mut States<Pending>, run: &Run) -> Message {
        let mut at_once = Vec::new();
        let deadline = self.deadline(cx.now);
        for at in 0..run.rows.len() {
            let row = point_row(&run.rows, at, cx.series);
            match self.ask(cx, states, &row) {
                None => at_once.push(at as u32),
                Some(call) => {
                    let what = What::point(&run.rows, at, cx.group(run.groups[at]), cx.series);
                    states.get(0).push(call, deadline, what);
                    states.wake_by(deadline);
                }
            }
        }
        if at_once.is_empty() {
            return Message::None;
        }
        let mut run = run.gather(&at_once);
        if cx.space_in != cx.space_out {
            let groups: Vec<u32> = run.groups.iter().map(|&group| self.regroup(cx, group)).collect();
            run.groups_end = groups.iter().max().map_or(0, |max| max + 1);
            run.groups = Arc::new(groups);
        }
        self.set_code(&mut run.rows, 0);
        Message::Stream(run)
    }

    fn batches(&self, cx: &mut Cx<'_>, states: &mut States<Pending>, batches: Vec<Batch>) -> Message {
        let mut at_once = Vec::new();
        let deadline = self.deadline(cx.now);
        for mut batch in batches {
            let row = batch_row(&batch, cx.series);
            match self.ask(cx, states, &row) {
                None => {
                    batch.group = self.regroup(cx, batch.group);
                    self.set_code(&mut batch.rows, 0);
                    at_once.push(batch);
                }
                Some(call) => {
                    let what = What::batch(&batch, cx.group(batch.group), cx.series);
                    states.get(0).push(call, deadline, what);
                    states.wake_by(deadline);
                }
            }
        }
        if at_once.is_empty() { Message::None } else { Message::Batches(at_once) }
    }

    fn regroup(&self, cx: &mut Cx<'_>, group: u32) -> u32 {
        if cx.space_in == cx.space_out { group } else { self.intern(cx, cx.group(group)) }
    }

    fn intern(&self, cx: &mut Cx<'_>, group: Group) -> u32 {
        cx.spaces[cx.space_out].intern(group)
    }

    fn set_code(&self, rows: &mut Rows, code: i64) {
        if !rows.is_empty() {
            rows.set_field(self.field.clone(), Arc::new(Column::from(vec![code; rows.len()])));
        }
    }

    /// Sends on what stands before the first that has no answer yet.
    fn release(&self, cx: &mut Cx<'_>, states: &mut States<Pending>) -> Vec<Flow> {
        let mut flows = Vec::new();
        while let Some((code, what)) = states.get(0).pop() {
            flows.push(match what {
                What::Point(kept) => {
                    let group = self.intern(cx, kept.group.clone());
                    let mut rows = kept.rows();
                    rows.ordinals = Arc::new(vec![flows.len() as u32; rows.len()]);
                    self.set_code(&mut rows, code);
                    let groups = Arc::new(vec![group; rows.len()]);
                    Flow::Data(Message::Stream(Run { rows, groups, groups_end: group + 1 }))
                }
                What::Batch { kept, tags, time } => {
                    let group = self.intern(cx, kept.group.clone());
                    let mut rows = kept.rows();
                    self.set_code(&mut rows, code);
                    let (origin, ordinal) = (kept.origin(), flows.len() as u32);
                    Flow::Data(Message::Batches(vec![Batch { group, ordinal, origin, tags, time, rows }]))
                }
                What::Mark { group, barrier } => {
                    let group = self.intern(cx, group);
                    Flow::Marks(vec![match barrier {
                        Some(time) => Mark::Barrier { group, time },
                        None => Mark::Delete { group },
                    }])
                }
            });
        }
        flows
    }
}
